"""Networks of `benches/studies/` in Brian2 (C++ standalone, single precision, one thread): seconds of simulation per biological second.

    python3 benches/peers/brian.py coba|cuba|brunel [CELLS]

Needs `pip install brian2` and a C++ compiler. Building and compiling are not part of the time.
"""

import shutil
import sys
import tempfile

from brian2 import *

which = sys.argv[1]
seconds = 1.0
folder = tempfile.mkdtemp()
prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-ffast-math", "-march=native"]
prefs.core.default_float_dtype = float32
set_device("cpp_standalone", directory=folder, build_on_run=False)
defaultclock.dt = 0.1 * ms
seed(1)

if which == "brunel":
    n, n_exc, p, delay = 12500, 10000, 0.1, 1.5 * ms
    names = dict(tau=20 * ms, w_exc=0.1 * mV, w_inh=-0.5 * mV)
    cells = NeuronGroup(
        n,
        "dv/dt = -v / tau : volt (unless refractory)",
        threshold="v > 20*mV",
        reset="v = 10*mV",
        refractory=2 * ms,
        method="exact",
        namespace=names,
    )
    targets = "v", "v"
    drive = PoissonInput(cells, "v", 1000, 20 * Hz, weight=0.1 * mV)
else:
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    n_exc, p, delay = n * 4 // 5, 80 / n, 0.8 * ms
    if which == "coba":
        names = dict(C_m=200 * pF, g_L=10 * nS, E_L=-60 * mV, I=200 * pA, w_exc=6 * nS, w_inh=67 * nS)
        voltage = "dv/dt = (g_L*(E_L - v) + ge*(0*mV - v) + gi*(-80*mV - v) + I) / C_m : volt (unless refractory)"
        unit, method = "siemens", "euler"
    else:
        names = dict(E_L=-49 * mV, tau_m=20 * ms, w_exc=1.62 * mV, w_inh=-9 * mV)
        voltage = "dv/dt = (E_L - v + ge + gi) / tau_m : volt (unless refractory)"
        unit, method = "volt", "exact"
    names |= dict(tau_exc=5 * ms, tau_inh=10 * ms)
    cells = NeuronGroup(
        n,
        f"{voltage}\ndge/dt = -ge / tau_exc : {unit}\ndgi/dt = -gi / tau_inh : {unit}",
        threshold="v > -50*mV",
        reset="v = -60*mV",
        refractory=5 * ms,
        method=method,
        namespace=names,
    )
    cells.v = "-60*mV + rand()*10*mV"
    targets = "ge", "gi"

synapses = []
for target, weight, sources in zip(targets, ("w_exc", "w_inh"), (f"i < {n_exc}", f"i >= {n_exc}")):
    s = Synapses(cells, cells, on_pre=f"{target}_post += {weight}", delay=delay, namespace=names)
    s.connect(sources, p=p)
    synapses.append(s)
counter = SpikeMonitor(cells, record=False)
network = Network(cells, synapses, counter)
if which == "brunel":
    network.add(drive)

# What is built once is asked for the time that its main loop took, by itself.
network.run(seconds * second)
device.build(directory=folder, compile=True, run=False, debug=False)
times = []
for _ in range(3):
    device.run(folder, with_output=False, run_args=[])
    times.append(device._last_run_time)
print(f"{which} {n}: {min(times) / seconds:.4f} s per s, {counter.num_spikes / n / seconds:.2f} Hz")
shutil.rmtree(folder)
