"""COBA over networks in Brian2: rates and irregularity of 12 seeds, 1-5 s. Writes coba_seeds.csv."""
from brian2 import *

prefs.codegen.target = "cython"
with open("coba_seeds.csv", "w") as out:
    print("seed,rate_exc,rate_inh,cv_exc", file=out)
    for s in range(1, 13):
        start_scope()
        seed(s)
        defaultclock.dt = 0.1 * ms
        P = NeuronGroup(
            4000,
            """dv/dt = (ge*(0*mV - v) + gi*(-80*mV - v) + 10*nS*(-60*mV - v)) / (200*pF) : volt (unless refractory)
            dge/dt = -ge / (5*ms) : siemens
            dgi/dt = -gi / (10*ms) : siemens""",
            threshold="v > -50*mV",
            reset="v = -60*mV",
            refractory=5 * ms,
            method="exponential_euler",
        )
        Ce = Synapses(P[:3200], P, on_pre="ge += 6*nS", delay=0.1 * ms)
        Ci = Synapses(P[3200:], P, on_pre="gi += 67*nS", delay=0.1 * ms)
        Ce.connect(p=0.02)
        Ci.connect(p=0.02)
        P.v = "(-65 + 5*randn())*mV"
        P.ge = "(randn()*1.5 + 4)*10*nS"
        P.gi = "(randn()*12 + 20)*10*nS"
        m = SpikeMonitor(P)
        Network(P, Ce, Ci, m).run(5 * second)
        late = m.t / second >= 1
        i, t = asarray(m.i)[late], asarray(m.t / second)[late]
        order = lexsort((t, i))
        i, t = i[order], t[order]
        cvs = []
        for part in split(t[i < 3200], flatnonzero(diff(i[i < 3200])) + 1):
            gaps = diff(part)
            if len(gaps) >= 2:
                cvs.append(std(gaps) / mean(gaps))
        print(s, sum(i < 3200) / 3200 / 4, sum(i >= 3200) / 800 / 4, mean(cvs), sep=",", file=out, flush=True)
