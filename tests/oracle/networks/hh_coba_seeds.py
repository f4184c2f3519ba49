"""HH-COBA over networks in Brian2: rates of 6 seeds, 1-2 s, dt 0.05 ms. Writes hh_coba_seeds.csv."""
from brian2 import *

prefs.codegen.target = "cython"
with open("hh_coba_seeds.csv", "w") as out:
    print("seed,rate_exc,rate_inh", file=out)
    for s in range(1, 7):
        start_scope()
        seed(s)
        defaultclock.dt = 0.05 * ms
        P = NeuronGroup(
            4000,
            """dv/dt = (gl*(El-v) + ge*(0*mV-v) + gi*(-80*mV-v) - gna*(m*m*m)*h*(v-ENa) - gkd*(n*n*n*n)*(v-EK))/Cm : volt
            dm/dt = alpha_m*(1-m) - beta_m*m : 1
            dn/dt = alpha_n*(1-n) - beta_n*n : 1
            dh/dt = alpha_h*(1-h) - beta_h*h : 1
            dge/dt = -ge/(5*ms) : siemens
            dgi/dt = -gi/(10*ms) : siemens
            alpha_m = 0.32*(mV**-1)*4*mV/exprel((13*mV-v+VT)/(4*mV))/ms : Hz
            beta_m = 0.28*(mV**-1)*5*mV/exprel((v-VT-40*mV)/(5*mV))/ms : Hz
            alpha_h = 0.128*exp((17*mV-v+VT)/(18*mV))/ms : Hz
            beta_h = 4./(1+exp((40*mV-v+VT)/(5*mV)))/ms : Hz
            alpha_n = 0.032*(mV**-1)*5*mV/exprel((15*mV-v+VT)/(5*mV))/ms : Hz
            beta_n = .5*exp((10*mV-v+VT)/(40*mV))/ms : Hz""",
            threshold="v > -20*mV",
            refractory=3 * ms,
            method="exponential_euler",
            namespace=dict(
                Cm=200 * pF, gl=10 * nS, El=-60 * mV, EK=-90 * mV, ENa=50 * mV, gna=20 * usiemens, gkd=6 * usiemens, VT=-63 * mV
            ),
        )
        Ce = Synapses(P[:3200], P, on_pre="ge += 6*nS")
        Ci = Synapses(P[3200:], P, on_pre="gi += 67*nS")
        Ce.connect(p=0.02)
        Ci.connect(p=0.02)
        P.v = "El + (randn()*5 - 5)*mV"
        P.ge = "(randn()*1.5 + 4)*10*nS"
        P.gi = "(randn()*12 + 20)*10*nS"
        m = SpikeMonitor(P)
        Network(P, Ce, Ci, m).run(2 * second)
        late = m.t / second >= 1
        i = asarray(m.i)[late]
        print(s, sum(i < 3200) / 3200, sum(i >= 3200) / 800, sep=",", file=out, flush=True)
