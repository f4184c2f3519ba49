"""The ring of benches/studies/cable_ring.neuro by NEURON or Arbor: 500 ball-and-stick cells of 102 segments, double precision.

    pip install neuron==9.0.2 arbor==0.12.2
    python cable_ring.py neuron|arbor [threads] [cells] [ms]
"""
import sys
import time

mode, threads, n, span = sys.argv[1], *(int(x) for x in (sys.argv[2:] + ["1", "500", "200"][len(sys.argv) - 2:]))
dt = 0.025
if mode == "arbor":
    import arbor as A
    from arbor import units as U

    def cell(k):
        tree = A.segment_tree()
        soma = tree.append(A.mnpos, A.mpoint(-10, 0, 0, 10), A.mpoint(10, 0, 0, 10), tag=1)
        tree.append(soma, A.mpoint(10, 0, 0, 1), A.mpoint(510, 0, 0, 1), tag=3)
        labels = A.label_dict({"centre": "(on-components 0.5 (tag 1))", "middle": "(on-components 0.5 (tag 3))"})
        decor = A.decor().set_property(Vm=-65 * U.mV, cm=0.01 * U.F / U.m2, rL=100 * U.Ohm * U.cm, tempK=279.45 * U.Kelvin)
        decor = decor.paint("(tag 3)", A.density("pas/e=-65", {"g": 1e-4})).paint("(tag 1)", A.density("hh"))
        decor = decor.place('"middle"', A.synapse("expsyn", {"tau": 2.0, "e": 0.0}), "syn").place('"centre"', A.threshold_detector(0 * U.mV), "det")
        if k % 10 == 0:
            decor = decor.place('"centre"', A.i_clamp(1 * U.ms, 2 * U.ms, 0.8 * U.nA))
        cuts = '(join (fixed-per-branch 1 (tag 1)) (fixed-per-branch 101 (tag 3)))'
        return A.cable_cell(tree, decor, labels, A.cv_policy(cuts))

    class Ring(A.recipe):
        def __init__(self):
            A.recipe.__init__(self)
            self.properties = A.neuron_cable_properties()

        def num_cells(self):
            return n

        def cell_kind(self, k):
            return A.cell_kind.cable

        def cell_description(self, k):
            return cell(k)

        def connections_on(self, k):
            return [A.connection(((k - 1) % n, "det"), "syn", 0.01, 5 * U.ms)]

        def global_properties(self, kind):
            return self.properties

    ring, context = Ring(), A.context(threads=threads)
    simulation = A.simulation(ring, context, A.partition_load_balance(ring, context))
    simulation.record(A.spike_recording.all)
    simulation.run(dt * U.ms, dt * U.ms)
    begun = time.perf_counter()
    simulation.run(span * U.ms, dt * U.ms)
    seconds, spikes = time.perf_counter() - begun, len(simulation.spikes())
else:
    from neuron import h

    h.load_file("stdrun.hoc")
    context, kept = h.ParallelContext(), []
    h.CVode().cache_efficient(1)
    h.celsius = 6.3
    for k in range(n):
        soma, dend = h.Section(name=f"soma{k}"), h.Section(name=f"dend{k}")
        soma.L = soma.diam = 20
        dend.L, dend.diam, dend.nseg = 500, 2, 101
        dend.connect(soma(1), 0)
        for section in (soma, dend):
            section.Ra, section.cm = 100, 1
        soma.insert("hh")
        dend.insert("pas")
        for segment in dend:
            segment.pas.g, segment.pas.e = 1e-4, -65
        synapse = h.ExpSyn(dend(0.5))
        synapse.tau, synapse.e = 2, 0
        out = h.NetCon(soma(0.5)._ref_v, None, sec=soma)
        out.threshold = 0
        context.set_gid2node(k, 0)
        context.cell(k, out)
        kept.append([soma, dend, synapse, out])
        if k % 10 == 0:
            clamp = h.IClamp(soma(0.5))
            clamp.delay, clamp.dur, clamp.amp = 1, 2, 0.8
            kept[-1].append(clamp)
    for k in range(n):
        to = context.gid_connect((k - 1) % n, kept[k][2])
        to.weight[0], to.delay = 0.01, 5
        kept[k].append(to)
    times, cells = h.Vector(), h.Vector()
    context.spike_record(-1, times, cells)
    context.nthread(threads)
    h.dt, h.steps_per_ms = dt, 1 / dt
    context.set_maxstep(10)
    h.finitialize(-65)
    begun = time.perf_counter()
    context.psolve(span)
    seconds, spikes = time.perf_counter() - begun, len(times)
print(f"{mode}, {threads} threads: {seconds * 1e9 / (n * 102 * span / dt):.2f} ns per segment and step, {spikes} spikes")
