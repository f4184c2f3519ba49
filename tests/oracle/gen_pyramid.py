"""A pyramidal cell of an SWC file with synapses on its branches and channels in its soma and axon, by NEURON.

    pip install neuron==9.0.2
    python gen_pyramid.py morphology/pyramid.swc FOLDER
"""
import sys
from neuron import h

h.load_file("stdrun.hoc")
h.load_file("import3d.hoc")
reader = h.Import3d_SWC_read()
reader.input(sys.argv[1])
h.Import3d_GUI(reader, False).instantiate(None)
sections = {"soma": h.soma, "axon": h.axon, "basal": h.dend, "apical": h.apic}
for kind, group in sections.items():
    for s in group:
        s.cm, s.Ra = (2.0 if kind in ("basal", "apical") else 1.0), 100.0
for kind, group in sections.items():
    for s in group:
        s.nseg = int((s.L / (0.1 * h.lambda_f(100, sec=s)) + 0.9) / 2) * 2 + 1
        if kind in ("soma", "axon"):
            s.insert("hh")
        else:
            s.insert("pas")
            s.e_pas = -65.0
h.distance(0, h.soma[0](0.5))
for kind in ("basal", "apical"):
    for s in sections[kind]:
        for segment in s:
            # Denser far out.
            segment.pas.g = 1e-4 * (1 + h.distance(segment) / 200)
h.celsius, h.usetable_hh = 6.3, 0
dt = 0.025
# Kind, section, segment, time constant, weight in uS, times.
synapses = [
    ("apical", 0, 0, 2.0, 16e-3, [2.0, 9.0]),
    ("apical", 7, 1, 2.0, 9e-3, [3.0, 3.0, 12.0]),
    ("basal", 2, 0, 5.0, 18e-3, [5.5]),
    ("basal", 5, 1, 2.0, 15e-3, [5.0, 6.0]),
]
kept = []
for kind, section, k, tau, weight, times in synapses:
    sec = sections[kind][section]
    syn = h.ExpSyn(sec((k + 0.5) / sec.nseg))
    syn.tau, syn.e = tau, 0.0
    con = h.NetCon(None, syn)
    con.weight[0] = weight
    begin = h.FInitializeHandler(lambda con=con, times=times: [con.event(t) for t in times])
    kept += [syn, con, begin]
places = [("soma", 0, 0), ("axon", 0, 0), ("axon", 1, 0), ("basal", 2, 0), ("basal", 5, 1), ("apical", 0, 0), ("apical", 7, 1), ("apical", 9, 0)]
at = lambda kind, section, k: sections[kind][section]((k + 0.5) / sections[kind][section].nseg)
traces = [h.Vector().record(at(*p)._ref_v) for p in places]
h.cvode_active(0)
h.dt, h.steps_per_ms = dt, 1 / dt
h.v_init = -65
h.tstop = 25
h.run()
print({k: len(g) for k, g in sections.items()}, sum(s.nseg for g in sections.values() for s in g), "segments")
with open(sys.argv[2] + "/pyramid_neuron.csv", "w") as f:
    f.write("t," + ",".join(f"{k}.{s}.{n}" for k, s, n in places) + "\n")
    for k in range(len(traces[0])):
        if k % 8 == 0:
            f.write(",".join(f"{x:.12g}" for x in [round(k * dt, 6)] + [t[k] for t in traces]) + "\n")
