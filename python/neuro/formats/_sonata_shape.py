"""The shape of a cell of SONATA: its sections as NEURON numbers them, and the segments of the language that lie there."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Optional

from ._errors import FormatError
from ._sonata_files import read_text

#: Kinds of samples, in the order in which NEURON makes sections of them.
KINDS = {1: "soma", 2: "axon", 3: "basal", 4: "apical"}
#: Length of each of the two sections that an axon becomes, and its diameter, in micrometres.
STUB, STUB_DIAMETER = 30.0, 1.0


class Shape:
    """Samples of an SWC file. With `stub`, the axon is cut off and two sections take its place, the last of all."""

    def __init__(self, path: Path, stub: bool) -> None:
        self.path, self.stub = path, stub
        self.samples: dict[int, tuple[int, tuple[float, float, float], float, int]] = {}
        for k, line in enumerate(read_text(path).split("\n")):
            fields = line.split()
            if not fields or line.lstrip().startswith("#"):
                continue
            try:
                number, kind, x, y, z, radius, parent = (float(f) for f in fields[:7])
            except ValueError:
                raise FormatError(path, f"line {k + 1}", "has no seven numbers", "id, type, x, y, z, radius, parent") from None
            self.samples[int(number)] = (int(kind), (x, y, z), radius, int(parent))
        somas = [n for n, of in self.samples.items() if of[0] == 1]
        if len(somas) != 1 or self.samples[somas[0]][3] != -1:
            raise FormatError(
                path, None, f"has {len(somas)} samples of a soma", "carried over are cells whose soma is one sample, the root"
            )
        self.soma = somas[0]
        if stub:
            self.samples = {n: of for n, of in self.samples.items() if of[0] != 2}
        for n, (kind, _, _, parent) in self.samples.items():
            if kind not in KINDS:
                raise FormatError(path, f"sample {n}", f"is of type {kind}", "carried over are soma, axon, dendrite and apical dendrite")
            if n != self.soma and parent not in self.samples:
                raise FormatError(path, f"sample {n}", f"hangs on sample {parent}, which is not there", "or on the axon, which is cut off")
        self._cut()

    def text(self) -> str:
        """The SWC file of the cell as it is made."""
        rows = [f"{n} {kind} {x!r} {y!r} {z!r} {r!r} {parent}" for n, (kind, (x, y, z), r, parent) in self.samples.items()]
        if self.stub:
            _, (x, y, z), radius, _ = self.samples[self.soma]
            last = max(self.samples)
            for k in range(3):
                parent = self.soma if k == 0 else last + k
                rows.append(f"{last + 1 + k} 2 {x!r} {y - radius - k * STUB!r} {z!r} {STUB_DIAMETER / 2!r} {parent}")
        return "\n".join(rows) + "\n"

    @property
    def kinds(self) -> set[str]:
        return {KINDS[of[0]] for of in self.samples.values()} | ({"axon"} if self.stub else set())

    def _cut(self) -> None:
        """Sections but the soma, depth first as the language numbers them: kind, first sample and length."""
        under: dict[int, list[int]] = {}
        for n, of in sorted(self.samples.items()):
            under.setdefault(of[3], []).append(n)
        waiting = [(n, self.soma) for n in reversed(under.get(self.soma, []))]
        self.sections: list[tuple[int, int, float]] = []
        while waiting:
            first, base = waiting.pop()
            kind, run = self.samples[first][0], [first]
            while len(below := under.get(run[-1], [])) == 1 and self.samples[below[0]][0] == kind:
                run += below
            # A neurite begins with its own first sample on the surface of the soma.
            points = run if base == self.soma and len(run) > 1 else [base, *run]
            if len(run) == 1 and base == self.soma and below:
                raise FormatError(
                    self.path, f"sample {first}", "forks where it leaves the soma", "begin each branch with a sample of its own"
                )
            length = sum(math.dist(self.samples[a][1], self.samples[b][1]) for a, b in zip(points, points[1:]))
            self.sections.append((kind, first, length))
            waiting += [(n, run[-1]) for n in reversed(below)]

    def segments(self, longest: float) -> "Segments":
        return Segments(self, longest)


class Segments:
    """Where sections of NEURON are among the segments of the language, if these are no longer than a length."""

    def __init__(self, shape: Shape, longest: float) -> None:
        self.shape = shape
        count = lambda length: max(1, math.ceil(length / longest - 1e-9))
        first: Counter[int] = Counter()
        found = []
        for kind, sample, length in shape.sections:
            found.append((kind, sample, KINDS[kind], first[kind], count(length)))
            first[kind] += found[-1][4]
        soma = count(2.0 * shape.samples[shape.soma][2])
        #: By the number of a section: its kind, its first segment and how many it has.
        self.of = [("soma", 0, soma), *((k, a, n) for _, _, k, a, n in sorted(found, key=lambda f: f[:2]))]
        self.stub = count(2.0 * STUB)

    def at(self, section: int, x: float) -> Optional[tuple[str, int]]:
        """The kind and the segment of a place along a section; none if there is no such section."""
        beyond = section - len(self.of)
        if self.shape.stub and beyond in (0, 1):
            return "axon", min(int((beyond + x) / 2.0 * self.stub), self.stub - 1)
        if not 0 <= section < len(self.of) or not 0.0 <= x <= 1.0:
            return None
        kind, first, count = self.of[section]
        return kind, first + min(int(x * count), count - 1)
