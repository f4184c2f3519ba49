"""The ring attractor of examples/ring_attractor.neuro (2 048 + 512 cells, NMDA gates that saturate) by Brian2 and Neuro by turns, one thread.

    pip install brian2==2.9.0 "numpy<2.4"
    python3 benches/peers/ring_attractor.py [fft|arrays|matrix|summed|waves] [f32|f64] [CELLS] [TURNS]

with NEURO for its program (target/release/neuro unless set). Prints seconds of processor time per biological second while the bump is held: the
difference of two runs, whose delays differ by a second in Brian2 and by two in Neuro, the middle of all turns (least to most); then the rates of
excitatory and inhibitory cells at rest and with the bump, the mean of all turns. Neuro has the footprint as a series (`harmonics=32`) and dense (0).

How Brian2 sums gates: `fft`, as its users write, and `matrix` by NumPy in a `network_operation` (Cython runtime), `summed` by a summed variable over
all pairs (C++ standalone). Two that users would have to think of: `arrays` is `fft` on the arrays below `exc.s` and `exc.nmda`, `waves` sums over the
63 waves of the series (standalone). All compile with -O3 -ffast-math -march=native; NumPy's part has the same precision.
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np
from brian2 import *

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NEURO = os.environ.get("NEURO", os.path.join(ROOT, "target", "release", "neuro"))
MODEL = os.environ.get("MODEL", os.path.join(ROOT, "examples", "ring_attractor.neuro"))
HOW, PRECISION, N, TURNS = [*sys.argv[1:], *["fft", "f32", "2048", "3"][len(sys.argv) - 1 :]]
N, TURNS = int(N), int(TURNS)
STANDALONE = HOW in ("summed", "waves")
REST, CUE, SIGMA, J_PLUS = 1.5, 0.25, np.deg2rad(9), 3
TYPE = np.float32 if PRECISION == "f32" else np.float64
EXPERIMENT = """
use "ring_attractor.neuro": Bistable
experiment ring(n: int = 2048, harmonics: int = 0, delay_time = 1 s) {
    dt 0.1 ms
    network net = Bistable(n = n, harmonics = harmonics)
    record (net.exc.spike, net.inh.spike)
    run 1500 ms
    net.exc.I = 200 pA * exp(-((i * 360 / n - 180) / 18)^2 / 2)
    run 250 ms
    net.exc.I = 0 pA
    run delay_time
    measure exc_rest = rate(net.exc.spike, 500 ms .. 1500 ms) / 1 Hz
    measure inh_rest = rate(net.inh.spike, 500 ms .. 1500 ms) / 1 Hz
    measure exc = rate(net.exc.spike, 2750 ms .. 3750 ms) / 1 Hz
    measure inh = rate(net.inh.spike, 2750 ms .. 3750 ms) / 1 Hz
}
"""
CELL = """
dv/dt = (g_L*(E_L - v) + (g_ampa + g_nmda*nmda/(1 + exp(-0.062*v/mV)/3.57))*(0*mV - v) + g_gaba*(E_L - v) + I) / C_m : volt (unless refractory)
dg_ampa/dt = -g_ampa / (2*ms) : siemens
dg_gaba/dt = -g_gaba / (10*ms) : siemens
dx/dt = -x / (2*ms) : 1
ds/dt = -s / (100*ms) + x * (1 - s) / (2*ms) : 1
nmda : 1
I : amp
"""

prefs.core.default_float_dtype = TYPE
prefs.codegen.cpp.extra_compile_args_gcc = ["-w", "-O3", "-ffast-math", "-march=native"]
if not STANDALONE:
    prefs.codegen.target = "cython"


def build():
    """The network, its groups, and the spikes of both."""
    angle = np.arange(N) * 2 * np.pi / N
    away = (angle + np.pi) % (2 * np.pi) - np.pi
    bell = np.exp(-((away / SIGMA) ** 2) / 2)
    share = bell.sum() / N
    j_minus = (1 - J_PLUS * share) / (1 - share)
    row = j_minus + (J_PLUS - j_minus) * bell

    def cells(n, names, refractory):
        names |= dict(E_L=-70 * mV)
        group = NeuronGroup(n, CELL, threshold="v > -50*mV", reset="v = -60*mV; x += 1", refractory=refractory, method="rk2", namespace=names)
        group.v = "-60*mV + rand()*10*mV"
        return group

    exc = cells(N, dict(C_m=500 * pF, g_L=25 * nS, g_nmda=1001.9 * nS / N), 2 * ms)
    inh = cells(N // 4, dict(C_m=200 * pF, g_L=20 * nS, g_nmda=717.6 * nS / N), 1 * ms)
    parts = [exc, inh]
    for to, total in ((exc, 807.2), (inh, 566.2)):
        gaba = Synapses(inh, to, on_pre="g_gaba_post += w", delay=0.1 * ms, namespace=dict(w=4 * total * nS / N))
        gaba.connect()
        parts.append(gaba)
    parts += [PoissonInput(exc, "g_ampa", 1000, 0.6 * Hz, weight=9.3 * nS), PoissonInput(inh, "g_ampa", 1000, 0.6 * Hz, weight=7.14 * nS)]
    if not STANDALONE:
        spectrum = np.fft.rfft(row).real.astype(TYPE)
        s, to_exc, to_inh = (group.variables[name].get_value() for group, name in ((exc, "s"), (exc, "nmda"), (inh, "nmda")))
        matrix = row[(np.arange(N)[:, None] - np.arange(N)) % N].astype(TYPE)

        @network_operation(when="start")
        def gates():
            if HOW == "fft":
                total = np.fft.rfft(exc.s_[:])
                inh.nmda_ = total[0].real
                exc.nmda_ = np.fft.irfft(total * spectrum, N)
            elif HOW == "arrays":
                total = np.fft.rfft(s)
                to_inh[:] = total[0].real
                to_exc[:] = np.fft.irfft(total * spectrum, N)
            else:
                to_inh[:] = s.sum()
                np.matmul(matrix, s, out=to_exc)

        parts.append(gates)
    else:
        pool = NeuronGroup(1, "total : 1")
        up = Synapses(exc, pool, "total_post = s_pre : 1 (summed)")
        down = Synapses(pool, inh, "nmda_post = total_pre : 1 (summed)", order=1)
        parts += [pool, up, down]
        weights = []
        if HOW == "summed":
            local = Synapses(exc, exc, "w : 1\nnmda_post = w*s_pre : 1 (summed)")
            parts.append(local)
        else:
            waves = NeuronGroup(63, "y : 1")
            first = Synapses(exc, waves, "w : 1\ny_post = w*s_pre : 1 (summed)")
            second = Synapses(waves, exc, "w : 1\nnmda_post = w*y_pre : 1 (summed)", order=1)
            parts += [waves, first, second]
        for synapses in [p for p in parts if isinstance(p, Synapses) and p not in parts[2:4]]:
            synapses.connect()
        if HOW == "summed":
            local.w = row[(np.arange(N)[:, None] - np.arange(N)) % N].ravel()
        else:
            k = np.arange(63)
            phase = (k + 1) // 2 * angle[:, None] - np.where((k > 0) & (k % 2 == 0), np.pi / 2, 0)
            first.w = np.cos(phase).ravel()
            size = np.fft.rfft(row).real[(k + 1) // 2] / N * np.where(k == 0, 1, 2)
            second.w = (size * np.cos(phase)).T.ravel()
    spikes = [SpikeMonitor(exc), SpikeMonitor(inh)]
    return Network(parts, spikes), exc, spikes


def processor_time():
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime if STANDALONE else own.ru_utime


def cued(net, exc):
    net.run(REST * second)
    exc.I = f"200*pA * exp(-((i*360.0/{N} - 180) / 18)**2 / 2)"
    net.run(CUE * second)
    exc.I = 0 * pA


def rates(spikes, end):
    counts = []
    for low, high in ((0.5, 1.5), (end - 1, end)):
        for monitor in spikes:
            t = monitor.t / second
            counts.append(float(((t >= low) & (t < high)).sum() / len(monitor.source)))
    return counts


def brian(turn):
    """Seconds per second, and rates of both populations at rest and with the bump."""
    if STANDALONE:
        used = []
        for delay in (1, 2):
            folder = tempfile.mkdtemp()
            device.reinit()
            device.activate(build_on_run=False, directory=folder)
            defaultclock.dt = 0.1 * ms
            seed(turn)
            net, exc, spikes = build()
            cued(net, exc)
            net.run(delay * second)
            device.build(directory=folder, compile=True, run=False, debug=False)
            begun = processor_time()
            device.run(folder, with_output=False, run_args=[])
            used.append(processor_time() - begun)
        return used[1] - used[0], rates(spikes, REST + CUE + 2)
    defaultclock.dt = 0.1 * ms
    seed(turn)
    net, exc, spikes = build()
    cued(net, exc)
    used = []
    # Whatever a call of run costs besides its steps is in both.
    for delay in (0.5, 1.5):
        begun = processor_time()
        net.run(delay * second)
        used.append(processor_time() - begun)
    return used[1] - used[0], rates(spikes, REST + CUE + 2)


def neuro(folder, harmonics, turn):
    used, model = [], os.path.join(folder, "ring.neuro")
    for delay in (2, 4):
        command = [NEURO, "run", model, "ring", "--threads", "1", "--precision", PRECISION, "--force", "-q", "--results", folder]
        command += ["--set", f"n={N}", "--set", f"harmonics={harmonics}", "--set", f"delay_time={delay}s", "--set", f"seed={turn}"]
        begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(command, check=True, capture_output=True)
        used.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun)
        with open(os.path.join(folder, "ring", "measures.json")) as file:
            found = [measure["value"] for measure in json.load(file).values()]
    return (used[1] - used[0]) / 2, found


def main():
    if STANDALONE:
        set_device("cpp_standalone", build_on_run=False)
    took, fired = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "ring.neuro"), "w") as file:
            file.write(EXPERIMENT)
        shutil.copy(MODEL, folder)
        for turn in range(1, TURNS + 1):
            for name, (seconds, rate) in {
                f"Brian2, {HOW}": brian(turn),
                "Neuro, series": neuro(folder, 32, turn),
                "Neuro, dense": neuro(folder, 0, turn),
            }.items():
                took.setdefault(name, []).append(seconds)
                fired.setdefault(name, []).append(rate)
    theirs = statistics.median(took[f"Brian2, {HOW}"])
    for name, seconds in took.items():
        middle = statistics.median(seconds)
        shown = ", ".join(f"{r:.2f}" for r in np.mean(fired[name], axis=0))
        print(f"{N} cells, {PRECISION}, {name}: {middle:.3f} s per s ({min(seconds):.3f} to {max(seconds):.3f}), Brian2 / this {theirs / middle:.1f}; {shown} Hz")


main()
