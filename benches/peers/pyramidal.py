"""The cells of benches/studies/pyramidal.neuro by NEURON: 488 samples, 10 channels and a pool of calcium, double precision.

    pip install neuron==9.0.2
    nrnivmodl ../../tests/oracle/channels/mod          # in the folder from which this is run
    python pyramidal.py ../../examples/data/cells/pyramid.swc [cells] [ms] [threads]
"""
import sys
import time

from neuron import h

path, (n, span, threads) = sys.argv[1], (int(x) for x in (sys.argv[2:] + ["1", "200", "1"][len(sys.argv) - 2:]))
dt = 0.025
h.load_file("stdrun.hoc")
h.load_file("import3d.hoc")
h.CVode().cache_efficient(1)
kept, context = [], h.ParallelContext()


class Cell:
    def __init__(self):
        reader = h.Import3d_SWC_read()
        reader.quiet = 1
        reader.input(path)
        h.Import3d_GUI(reader, False).instantiate(self)


for k in range(n):
    cell = Cell()
    h.distance(0, cell.soma[0](0.5))
    for kind, sections in (("soma", cell.soma), ("axon", cell.axon), ("basal", cell.dend), ("apical", cell.apic)):
        for s in sections:
            s.cm, s.Ra = (2 if kind in ("basal", "apical") else 1), 100
            s.nseg = max(1, -int(-s.L // 12))
            s.insert("pas")
            s.g_pas, s.e_pas = 5e-5, -80
            names = []
            if kind != "basal":
                names += [("pool", {"gamma": 5e-4, "decay": 400}), ("nat", {"g": 20e-3}), ("kv3", {"g": 5e-3}), ("cahva", {"g": 0.5e-3}),
                          ("calva", {"g": 1e-3}), ("sk", {"g": 1e-3}), ("im", {"g": 0.07e-3})]
            if kind in ("soma", "axon"):
                names += [("nap", {"g": 1e-3}), ("kt", {"g": 20e-3}), ("kp", {"g": 2e-3})]
            for name, values in names:
                s.insert(name)
                for segment in s:
                    for key, value in values.items():
                        setattr(getattr(segment, name), key, value)
            if kind in ("basal", "apical"):
                s.insert("ih")
                for segment in s:
                    segment.ih.g = 0.02e-3 * (1 + h.distance(segment) / 100)
    clamp = h.IClamp(cell.soma[0](0.5))
    clamp.delay, clamp.dur, clamp.amp = 0, 1e9, 0.5
    counter = h.APCount(cell.soma[0](0.5))
    counter.thresh = 0
    kept += [cell, clamp, counter]
h.celsius = 34
context.nthread(threads)
h.cvode_active(0)
h.dt = dt
h.finitialize(-75)
while h.t < 1 - dt / 2:
    h.fadvance()
begun = time.perf_counter()
for _ in range(round(span / dt)):
    h.fadvance()
seconds = time.perf_counter() - begun
segments = sum(s.nseg for s in h.allsec())
print(f"neuron: {n} cells of {segments // n} segments, {1e6 * seconds / (span / dt) / n:.1f} us per cell and step, "
      f"{1e9 * seconds / (span / dt) / segments:.1f} ns per segment and step, {sum(int(c.n) for c in kept[2::3])} spikes")
