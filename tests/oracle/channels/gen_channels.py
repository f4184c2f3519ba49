"""NEURON traces for std.channels: `nrnivmodl mod`, then run this where its output is. ms, mV, uA/cm^2, mM.

The mechanisms in mod/ are written from the equations of the papers, in their form; where the papers leave anything open, after the
mechanisms that the authors published."""
import pathlib
import numpy as np
from neuron import h

here = pathlib.Path(__file__).parent
h.load_file("stdrun.hoc")


def cell(celsius):
    """1000 um^2: 0.1 nA is 10 uA/cm^2."""
    h.celsius = celsius
    s = h.Section(name="s")
    s.L = s.diam = np.sqrt(1000 / np.pi)
    s.nseg, s.cm = 1, 1
    return s


def write(name, header, rows):
    np.savetxt(here / f"{name}.csv", rows, delimiter=",", header=header, comments="", fmt="%.9g")
    print(name, len(rows))


# ---------- Voltage clamp: 5 ms at -90, 40 ms at a level, 15 ms at -65 mV; at a fixed potential `cnexp` is exact.
# name: (celsius, g in S/cm^2, gates, levels, calcium)
CLAMP = {
    "nat": (34, 2.04, "mh", (-45, -20, 10), None),
    "nap": (34, 0.00172, "mh", (-60, -45, 0), None),
    "kt": (34, 0.0812, "mh", (-60, -30, 20), None),
    "kp": (34, 0.00223, "mh", (-70, -40, 20), None),
    "kv3": (34, 0.693, "m", (-40, 0, 30), None),
    "im": (34, 0.0000675, "m", (-60, -35, 0), None),
    "calva": (34, 0.00343, "mh", (-70, -50, -20), None),
    "cahva": (34, 0.0001, "mh", (-40, -20, 10), None),
    "ih": (34, 0.00002, "m", (-120, -100, -70), None),
    "naca1": (35, 0.032, "mhs", (-45, -30, 0), None),
    "kdr": (35, 0.01, "n", (-20, 0, 30), None),
    "kap": (35, 0.048, "nl", (-40, -10, 20), None),
    "kad": (35, 0.048, "nl", (-40, -10, 20), None),
    "kmca1": (35, 0.0001, "m", (-60, -40, 0), None),
    "sk": (34, 0.0441, "z", (-30, -30, -30), (2e-4, 4.3e-4, 1e-3)),
    "bk": (35, 0.01, "o", (-40, 0, 30), (1e-4, 1e-3, 5e-3)),
    "cal": (35, 0.0025, "m", (-20, 0, 30), (1e-4, 1e-4, 1e-3)),
    "cat": (35, 0.00025, "mh", (-50, -30, 0), (1e-4, 1e-4, 1e-3)),
}
DT = 0.025


def clamp(name, level, calcium):
    celsius, g, gates, _, _ = CLAMP[name]
    s = cell(celsius)
    s.insert(name)
    m = getattr(s(0.5), name)
    m.g = g
    if name == "naca1":
        m.keep = 0.5
    if name in ("cahva", "calva"):
        s.eca = 120
    c = h.SEClamp(s(0.5))
    c.rs = 1e-9
    c.dur1, c.amp1, c.dur2, c.amp2, c.dur3, c.amp3 = 5, -90, 40, level, 1e9, -65
    h.cvode.active(0)
    h.dt, h.steps_per_ms = DT, round(1 / DT)
    if calcium:
        h.cai0_ca_ion = calcium
        s.cai = calcium
    h.finitialize(-90)
    rows = []
    for k in range(61):
        while h.t < k - DT / 2:
            h.fadvance()
        h.fcurrent()
        i = s(0.5).ica if name in ("cahva", "calva", "cal", "cat") else m.i
        assert k in (0, 5, 45) or abs(s(0.5).v - (-90 if k < 5 else level if k < 45 else -65)) < 1e-6
        rows.append([h.t, 1000 * i] + [getattr(m, x) for x in gates])
    return np.array(rows)


for name, (_, _, gates, levels, calcium) in CLAMP.items():
    tables = [clamp(name, v, calcium[k] if calcium else None) for k, v in enumerate(levels)]
    heads = [f"{q}_{k}" for k in range(3) for q in ["i", *gates]]
    write(name, ",".join(["t", *heads]), np.hstack([tables[0][:, :1]] + [t[:, 1:] for t in tables]))


# ---------- Free potential, with CVODE at 1e-9: what both converge to.
def build(s, density, steps):
    """Channels by their densities, and injected current: (from ms, uA/cm^2)."""
    clamps = []
    for start, i in steps:
        c = h.IClamp(s(0.5))
        c.delay, c.dur, c.amp = start, 1e9, i / 100 - sum(x.amp for x in clamps)
        clamps.append(c)
    for mech, g in density.items():
        s.insert(mech)
        getattr(s(0.5), mech).g = g
    return clamps


def solve(name, s, v_0, tstop, every, columns):
    h.cvode.active(1)
    h.cvode.atol(1e-9)
    h.cvode.rtol(1e-9)
    t = h.Vector().record(h._ref_t, every)
    vectors = [h.Vector().record(ref, every) for _, ref in columns]
    fine_t, fine_v = h.Vector().record(h._ref_t), h.Vector().record(s(0.5)._ref_v)
    h.finitialize(v_0)
    h.continuerun(tstop)
    rows = np.array([np.array(x) for x in [t, *vectors]]).T
    write(name, ",".join(["t"] + [c for c, _ in columns]), rows)
    tt, v = np.array(fine_t), np.array(fine_v)
    k = np.where((v[1:] >= 0) & (v[:-1] < 0))[0]
    print("  spikes", tt[k] - v[k] / (v[k + 1] - v[k]) * (tt[k + 1] - tt[k]))


# Calcium pool: both calcium currents of layer 5 and SK, depolarized.
s = cell(34)
s.insert("pas")
s(0.5).pas.g, s(0.5).pas.e = 1e-4, -70
for mech in ("cahva", "calva", "pool", "sk"):
    s.insert(mech)
s(0.5).cahva.g, s(0.5).calva.g, s(0.5).sk.g = 0.000992, 0.00343, 0.001
s(0.5).pool.gamma, s(0.5).pool.decay = 0.05, 122
clamps = build(s, {}, [(5, 4.0), (105, 0.0)])
solve("pool", s, -70, 200, 1, [("v", s(0.5)._ref_v), ("ca", s(0.5)._ref_cai), ("eca", s(0.5)._ref_eca), ("z", s(0.5).sk._ref_z)])
del s, clamps

# All channels of the soma of layer 5 in one point, with the M current of the dendrites.
s = cell(34)
s.insert("pas")
s(0.5).pas.g, s(0.5).pas.e = 3.38e-4, -75
density = {"nat": 0.4, "nap": 0.00172, "kt": 0.0812, "kp": 0.00223, "kv3": 0.3, "im": 0.0000675, "sk": 0.0441, "cahva": 0.000992, "calva": 0.00343, "ih": 0.0002}
s.insert("pool")
clamps = build(s, density, [(10, 25.0), (210, 0.0)])
solve("layer5_cell", s, -75, 250, 0.2, [("v", s(0.5)._ref_v), ("ca", s(0.5)._ref_cai)])
del s, clamps

# A point of CA1 with sodium, both A currents, delayed rectifier, M current, L and T calcium, BK.
s = cell(35)
s.insert("pas")
s(0.5).pas.g, s(0.5).pas.e = 1 / 28000, -65
density = {"naca1": 0.032, "kdr": 0.01, "kap": 0.024, "kad": 0.024, "kmca1": 0.0001, "cal": 0.0025, "cat": 0.00025, "bk": 0.001}
s.insert("pool")
s(0.5).pool.gamma, s(0.5).pool.decay = 0.001, 80
clamps = build(s, density, [(10, 8.0), (110, 0.0)])
s(0.5).naca1.keep = 0.8
solve("ca1_cell", s, -65, 150, 0.2, [("v", s(0.5)._ref_v), ("ca", s(0.5)._ref_cai)])
del s, clamps

# A dendrite with a pool in every segment, and calcium currents that reverse where its calcium says; injected in the middle.
h.celsius = 34
s = h.Section(name="dend")
s.L, s.diam, s.nseg, s.cm, s.Ra = 400, 2, 9, 1, 100
for mech in ("pas", "ih", "im", "cahva", "calva", "pool", "sk"):
    s.insert(mech)
for x in s:
    x.pas.g, x.pas.e = 1e-4, -70
    x.cahva.g, x.calva.g, x.sk.g, x.ih.g, x.im.g = 0.001, 0.002, 0.0005, 0.0002, 0.001
    x.pool.gamma, x.pool.decay = 0.05, 40
c = h.IClamp(s(0.5))
c.delay, c.dur, c.amp = 10, 50, 0.15
solve("dendrite", s, -70, 100, 1, [("v_4", s(0.5)._ref_v), ("v_0", s(0.5 / 9)._ref_v), ("ca_4", s(0.5)._ref_cai), ("ca_0", s(0.5 / 9)._ref_cai), ("z_0", s(0.5 / 9).sk._ref_z)])
