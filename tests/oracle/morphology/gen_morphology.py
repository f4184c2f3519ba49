"""Reference morphologies: SWC files, and what NEURON makes of them.  python gen_morphology.py FOLDER

Import3d_SWC_read reads each file; its sections and segments are written for three ways to cut, and the potentials of a passive cell
into whose soma (or root) a steady current flows.  NEURON keeps coordinates and diameters as 32-bit floats: all but `decimals.swc`
have numbers that these hold exactly (multiples of 1/1024), so what is compared is arithmetic, not rounding."""
import csv, math, os, random, sys
import neuron
from neuron import h

h.load_file("stdlib.hoc")
h.load_file("import3d.hoc")
FOLDER = sys.argv[1]
RA, CM, G = 100.0, 1.0, 1e-4  # Ohm cm, uF/cm2, S/cm2


def exact(x):
    return round(x * 1024) / 1024


class Cell:
    """Lines of an SWC file."""

    def __init__(self, rounded=exact):
        self.lines, self.rounded = [], rounded

    def add(self, kind, at, radius, parent):
        at = [self.rounded(c) for c in at]
        self.lines.append([kind, *at, self.rounded(radius), parent])
        return len(self.lines)

    def at(self, k):
        return self.lines[k - 1][1:4]

    def neurite(self, kind, parent, start, direction, n, step, radius, taper=1.0, wiggle=None):
        """A chain of samples, and its last."""
        at, r = list(start), radius
        for k in range(n):
            parent = self.add(kind, at, max(r, 0.05), parent)
            if wiggle:
                direction = [d + wiggle.gauss(0, 0.15) for d in direction]
            norm = math.sqrt(sum(d * d for d in direction))
            direction = [d / norm for d in direction]
            at = [a + step * d for a, d in zip(at, direction)]
            r *= taper
        return parent

    def write(self, name):
        with open(os.path.join(FOLDER, name + ".swc"), "w") as f:
            for k, l in enumerate(self.lines):
                f.write(" ".join([str(k + 1)] + [repr(v).removesuffix(".0") for v in l]) + "\n")


def ball_and_stick():
    c = Cell()
    s = c.add(1, (0, 0, 0), 10, -1)
    c.neurite(3, s, (10, 0, 0), (1, 0, 0), 11, 50, 1)
    return c


def rall():
    """Radii to the power of 3/2 are conserved; three generations."""
    c = Cell()
    s = c.add(1, (0, 0, 0), 8, -1)

    def grow(parent, start, radius, angle, left):
        end = c.neurite(3, parent, start, (math.cos(angle), math.sin(angle), 0), 4, 25, radius)
        if left:
            for sign in (1, -1):
                a = angle + sign * 0.9 / (4 - left)
                first = [x + 25 * d for x, d in zip(c.at(end), (math.cos(a), math.sin(a), 0))]
                grow(end, first, radius / 2 ** (2 / 3), a, left - 1)

    grow(s, (8, 0, 0), 2, 0, 3)
    return c


def three_points():
    """As NeuroMorpho.Org writes spheres."""
    c = Cell()
    s = c.add(1, (3, -2, 1), 7.5, -1)
    c.add(1, (3, -9.5, 1), 7.5, s)
    c.add(1, (3, 5.5, 1), 7.5, s)
    c.neurite(2, s, (3, -10, 1), (0, -1, 0.2), 9, 13, 0.5)
    b = c.neurite(3, s, (9, -4, 2), (1, -0.4, 0), 5, 9, 1.25, 0.9)
    c.neurite(3, b, (60, -18, 3), (1, 0, 0), 4, 11, 0.75)
    c.neurite(3, b, (58, -30, 3), (1, -1, 0), 6, 12, 0.625, 0.95)
    a = c.neurite(4, s, (3, 6, 1), (0, 1, 0), 12, 20, 2, 0.95)
    c.neurite(4, a, (10, 262, 1), (0.5, 1, 0), 5, 15, 0.75)
    c.neurite(4, a, (-5, 262, 1), (-0.5, 1, 0), 5, 15, 0.75)
    c.add(3, (-6, 0, 0), 0.5, s)  # one sample: begins in the centre
    return c


def stack():
    """A soma of several samples; neurites on its beginning, middle and end."""
    c = Cell()
    p = None
    soma = []
    for x, r in ((0, 2), (4, 6), (9, 8), (13, 6.5), (18, 3)):
        p = c.add(1, (x, 0.5 * x, 0), r, p or -1)
        soma.append(p)
    c.neurite(2, soma[0], (-6, -2, 0), (-1, 0, 0), 6, 15, 0.75)
    c.neurite(3, soma[2], (9, 14, 0), (0, 1, 0), 5, 20, 1.5, 0.85)
    c.neurite(3, soma[1], (4, -7, 0), (0.2, -1, 0), 4, 18, 1)
    c.add(3, (13, -9, 0), 0.75, soma[3])
    c.neurite(4, soma[4], (24, 12, 0), (1, 0.5, 0), 8, 16, 2.5, 0.9)
    c.neurite(4, soma[4], (22, 6, 0), (1, -0.5, 0), 5, 16, 1.25)
    return c


def branched_soma():
    """A soma that forks: three samples that are no sphere, and one further on."""
    c = Cell()
    s = c.add(1, (0, 0, 0), 6, -1)
    u = c.add(1, (0, 9, 0), 4, s)
    d = c.add(1, (0, -8, 0), 5, s)
    d1 = c.add(1, (-4, -12, 0), 3, d)
    d2 = c.add(1, (5, -13, 0), 2, d)
    c.neurite(4, u, (0, 16, 0), (0, 1, 0), 8, 21, 2, 0.9)
    c.neurite(3, s, (7, 1, 0), (1, 0, 0), 6, 17, 1)
    c.neurite(3, d, (3, -9, 2), (1, 0, 1), 5, 19, 1)
    c.neurite(3, d1, (-9, -18, 0), (-1, -1, 0), 5, 19, 1.25)
    c.neurite(2, d2, (6, -20, 0), (0, -1, 0), 9, 11, 0.5)
    return c


def kinds():
    """Changes of kind, own and undefined ones; radii that jump; a section without length; forks on the surface."""
    c = Cell()
    s = c.add(1, (0, 0, 0), 9, -1)
    c.neurite(2, s, (0, -9, 0), (0, -1, 0), 3, 10, 1)
    hillock = len(c.lines)
    c.neurite(7, hillock, (0, -40, 0), (0, -1, 0), 4, 10, 0.5)
    c.neurite(2, len(c.lines), (0, -82, 0), (0.3, -1, 0), 4, 12, 0.5)
    # Forks in its first sample.
    f = c.add(3, (9, 0, 0), 1.5, s)
    c.neurite(3, f, (18, 4, 0), (1, 0.5, 0), 5, 13, 1)
    c.neurite(3, f, (18, -4, 0), (1, -0.5, 0), 5, 14, 0.75)
    e = c.neurite(3, f, (18, 0, 6), (1, 0, 0.5), 4, 14, 0.75)
    c.neurite(5, e, (70, 0, 30), (1, 0, 0.5), 4, 14, 0.75)
    # The radius jumps within a section, and at its end.
    j = c.neurite(4, s, (0, 9, 0), (0, 1, 0), 3, 30, 3)
    j = c.add(4, c.at(j), 1.5, j)
    j = c.neurite(4, j, (0, 90, 0), (0, 1, 0), 3, 25, 1.25, 0.8)
    j = c.add(4, c.at(j), 2, j)
    c.neurite(4, j, (6, 150, 0), (0.5, 1, 0), 4, 10, 0.5)
    c.neurite(0, j, (-6, 150, 0), (-0.5, 1, 0), 4, 10, 0.5)
    # A section of two equal samples, on which two hang.
    d = c.neurite(3, s, (-9, 0, 0), (-1, 0, 0), 4, 11, 1.25)
    c.neurite(3, d, (-52, 5, 0), (-1, 0.4, 0), 3, 12, 0.75)
    z = c.add(3, c.at(d), 1, d)
    c.neurite(3, z, (-52, -5, 0), (-1, -0.4, 0), 3, 12, 0.75)
    c.neurite(3, z, (-50, -9, 0), (-1, -1, 0), 3, 12, 0.625)
    return c


def without_soma():
    """An axon whose root forks."""
    c = Cell()
    r = c.neurite(2, -1, (0, 0, 0), (1, 0, 0), 6, 20, 1, 0.95)
    c.neurite(2, r, (120, 10, 0), (1, 0.5, 0), 5, 20, 0.5)
    c.neurite(2, r, (120, -10, 0), (1, -0.5, 0), 5, 20, 0.5)
    c.neurite(2, 1, (-20, 5, 0), (-1, 0, 0), 5, 20, 0.75)
    return c


def pyramid(rounded=exact, seed=1928, spacing=11):
    """About 500 samples: axon, basal dendrites, a trunk with oblique ones and a tuft; all taper and wiggle."""
    rng = random.Random(seed)
    c = Cell(rounded)
    s = c.add(1, (0, 0, 0), 9, -1)

    def grow(kind, parent, start, direction, radius, left, n):
        end = c.neurite(kind, parent, start, direction, n, spacing, radius, 0.97, rng)
        if not left:
            return
        for sign in (1, -1):
            turned = [d + sign * t for d, t in zip(direction, (rng.uniform(0.2, 0.9), rng.uniform(-0.4, 0.4), rng.uniform(-0.6, 0.6)))]
            norm = math.sqrt(sum(t * t for t in turned))
            first = [x + spacing * t / norm for x, t in zip(c.at(end), turned)]
            grow(kind, end, first, turned, radius * rng.uniform(0.55, 0.75), left - 1, rng.randint(3, 9))

    grow(2, s, (0, -10, 0), (0, -1, 0), 0.8, 1, 16)
    for k in range(6):
        a = 2 * math.pi * k / 6
        direction = (math.cos(a), -0.5, math.sin(a))
        grow(3, s, [9 * d for d in direction], direction, rng.uniform(0.9, 1.5), 2, rng.randint(3, 6))
    at, trunk, radius = (0, 10, 0), s, 3.0
    for k in range(5):
        trunk = c.neurite(4, trunk, at, (0, 1, 0), 9, spacing, radius, 0.98, rng)
        radius *= 0.8
        x, y, z = c.at(trunk)
        grow(4, trunk, (x + spacing, y + 3, z), (1, 0.3, rng.uniform(-1, 1)), 0.8, 1, 5)
        at = (x, y + spacing, z)
    grow(4, trunk, at, (0, 1, 0), radius, 3, 8)
    return c


CELLS = dict(ball_and_stick=ball_and_stick(), rall=rall(), three_points=three_points(), stack=stack(), branched_soma=branched_soma(),
             kinds=kinds(), without_soma=without_soma(), pyramid=pyramid(), decimals=pyramid(lambda x: round(x, 2), 4711, 9.7))
CUTS = dict(one=lambda s: 1, three=lambda s: 3,
            lambda_=lambda s: int((s.L / (0.1 * h.lambda_f(100, sec=s)) + 0.9) / 2) * 2 + 1)
NAMES = {"soma": "soma", "axon": "axon", "dend": "basal", "apic": "apical", "dend_0": "undefined", "dend_5": "custom5", "dend_7": "custom7"}


def shown(x):
    return f"{x:.13g}"


class Python:
    pass


def load(name):
    reader = h.Import3d_SWC_read()
    reader.quiet = 1
    reader.input(os.path.join(FOLDER, name + ".swc"))
    cell = Python()
    h.Import3d_GUI(reader, False).instantiate(cell)
    return cell


def place(section):
    """Where a section hangs: a section hung on the beginning of another hangs where that does."""
    seg = section.parentseg()
    while seg and seg.x == 0 and seg.sec.parentseg():
        seg = seg.sec.parentseg()
    return seg


def label(section):
    name = section.name().split(".")[-1]
    kind, _, index = name.partition("[")
    return NAMES[kind], int(index.rstrip("]") or 0)


def main():
    print("NEURON", neuron.__version__)
    os.makedirs(FOLDER, exist_ok=True)
    for name, lines in CELLS.items():
        lines.write(name)
        cell = load(name)
        sections = list(cell.all)
        soma = cell.soma[0](0.5) if hasattr(cell, "soma") else [s for s in sections if not s.parentseg()][0](0)
        for s in sections:
            s.Ra, s.cm = RA, CM
            s.insert("pas")
            s.g_pas, s.e_pas = G, 0
        with open(os.path.join(FOLDER, name + "_sections.csv"), "w", newline="") as f:
            out = csv.writer(f, lineterminator="\n")
            out.writerow(["kind", "index", "parent_kind", "parent_index", "at", "points", "length_um", "begin_um", "lambda_f_um"])
            for s in sections:
                at = place(s)
                parent = (*label(at.sec), shown(at.x)) if at else ("", "", "")
                out.writerow([*label(s), *parent, s.n3d(), *map(shown, [s.L, h.distance(soma, s(0)), h.lambda_f(100, sec=s)])])
        for cut, count in CUTS.items():
            if len(sections) > 50 and cut != "lambda_":
                continue
            for s in sections:
                s.nseg = count(s)
            # The potential of a steady current: one implicit step that is as good as endless.
            clamp = h.IClamp(soma)
            clamp.delay, clamp.dur, clamp.amp = -1, 1e30, 0.1
            h.dt, h.secondorder = 1e20, 0
            h.finitialize(0)
            h.fadvance()
            with open(os.path.join(FOLDER, f"{name}_{cut.rstrip('_')}.csv"), "w", newline="") as f:
                out = csv.writer(f, lineterminator="\n")
                # Of x = 1, `ri` is that from the last segment's middle to the end.
                out.writerow(["kind", "index", "number", "area_um2", "diameter_um", "ri_MOhm", "distance_um", "v_mV"])
                for s in sections:
                    for k, seg in enumerate(s):
                        row = [seg.area(), seg.diam, seg.ri(), h.distance(soma, seg), seg.v]
                        out.writerow([*label(s), k, *map(shown, row)])
                    end = s(1)
                    out.writerow([*label(s), "end", 0, "", *map(shown, [end.ri(), h.distance(soma, end), end.v])])
            clamp = None
        print(name, len(lines.lines), "samples,", len(sections), "sections,", sum(s.nseg for s in sections), "segments by d_lambda")
        for s in sections:
            h.delete_section(sec=s)


main()
