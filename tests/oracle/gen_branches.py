"""Synapses on a branched dendrite, by NEURON: potentials and conductances at the times of the steps.

    pip install neuron==9.0.2
    python gen_branches.py FOLDER
"""
import sys
from neuron import h

h.load_file("stdrun.hoc")


def section(name, length, diameter, nseg):
    s = h.Section(name=name)
    s.L, s.diam, s.nseg, s.cm, s.Ra = length, diameter, nseg, 1.0, 100.0
    s.insert("pas")
    s.g_pas, s.e_pas = 1e-4, -65.0
    return s


soma = section("soma", 20, 20, 1)
trunk = section("trunk", 200, 3, 7)
left = section("left", 150, 1.5, 5)
right = section("right", 100, 1, 3)
trunk.connect(soma(1), 0)
left.connect(trunk(1), 0)
right.connect(trunk(1), 0)
dt = 0.025
# Where, time constant, weight in uS, times.
synapses = [(trunk, 3, 2.0, 2e-3, [5.0, 9.0]), (left, 4, 2.0, 1e-3, [6.0, 6.0, 20.0]), (right, 0, 5.0, 1.5e-3, [12.5])]
kept = []
for sec, k, tau, weight, times in synapses:
    syn = h.ExpSyn(sec((k + 0.5) / sec.nseg))
    syn.tau, syn.e = tau, 0.0
    con = h.NetCon(None, syn)
    con.weight[0] = weight
    begin = h.FInitializeHandler(lambda con=con, times=times: [con.event(t) for t in times])
    kept += [syn, con, begin]
places = [soma(0.5), trunk(3.5 / 7), left(4.5 / 5), right(0.5 / 3), right(2.5 / 3)]
traces = [h.Vector().record(p._ref_v) for p in places] + [h.Vector().record(s._ref_g) for s in kept[::3]]
h.cvode_active(0)
h.dt, h.steps_per_ms = dt, 1 / dt
h.v_init = -65
h.tstop = 40
h.run()
with open(sys.argv[1] + "/branches_synapses_neuron.csv", "w") as f:
    f.write("t,soma,trunk3,left4,right0,right2,g_trunk,g_left,g_right\n")
    for k in range(len(traces[0])):
        if k % 8 == 0:
            f.write(",".join(f"{x:.12g}" for x in [round(k * dt, 6)] + [t[k] for t in traces]) + "\n")
