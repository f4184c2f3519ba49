"""The network of `benches/studies/hh_coba.neuro` in ANNarchy (single precision, one thread): seconds of simulation per biological second.

    python3 benches/peers/annarchy.py [CELLS]

Needs `pip install ANNarchy cmake` and a C++ compiler. Building and compiling are not part of the time.
"""

import os
import sys
import tempfile
import time

# The package calls `python3` and `cmake` by name.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"]
n = int(sys.argv.pop()) if len(sys.argv) > 1 else 4000
os.chdir(tempfile.mkdtemp())

import ANNarchy as ann
import numpy as np

net = ann.Network(dt=0.1, seed=1)
net.config(num_threads=1, dtype=ann.float32)
cell = ann.Neuron(
    parameters="""
        C = 0.2 : population
        gl = 0.01 : population
        gNa = 20.0 : population
        gK = 6.0 : population
    """,
    equations="""
        before = v
        u = v + 63.0
        am = 0.32 * (13.0 - u) / (exp((13.0 - u) / 4.0) - 1.0)
        bm = 0.28 * (u - 40.0) / (exp((u - 40.0) / 5.0) - 1.0)
        ah = 0.128 * exp((17.0 - u) / 18.0)
        bh = 4.0 / (1.0 + exp((40.0 - u) / 5.0))
        an = 0.032 * (15.0 - u) / (exp((15.0 - u) / 5.0) - 1.0)
        bn = 0.5 * exp((10.0 - u) / 40.0)
        gna = gNa * m * m * m * h
        gk = gK * n * n * n * n
        dv/dt = (gl*(-60.0-v) + gna*(50.0-v) + gk*(-90.0-v) + g_exc*(0.0-v) + g_inh*(-80.0-v)) / C : exponential
        dm/dt = am * (1.0 - m) - bm * m : exponential
        dh/dt = ah * (1.0 - h) - bh * h : exponential
        dn/dt = an * (1.0 - n) - bn * n : exponential
        5.0 * dg_exc/dt = -g_exc : exponential
        10.0 * dg_inh/dt = -g_inh : exponential
    """,
    spike="(v > -20.0) and (before <= -20.0)",
    reset="",
)
cells = net.create(geometry=n, neuron=cell)
rng = np.random.default_rng(1)
cells.v = rng.normal(-65.0, 5.0, n)
cells.g_exc = np.maximum(rng.normal(0.04, 0.015, n), 0)
cells.g_inh = np.maximum(rng.normal(0.2, 0.12, n), 0)
for sources, target, weight in ((cells[: n * 4 // 5], "exc", 0.006), (cells[n * 4 // 5 :], "inh", 0.067)):
    net.connect(pre=sources, post=cells, target=target).fixed_probability(weights=weight, probability=80 / n, delays=0.8)
monitor = net.monitor(cells, ["spike"])
net.compile(silent=True)
net.simulate(0.1)
times = []
for _ in range(3):
    monitor.get("spike")
    begun = time.perf_counter()
    net.simulate(1000.0)
    times.append(time.perf_counter() - begun)
rate = sum(len(s) for s in monitor.get("spike").values()) / n
print(f"hh_coba {n}: {min(times):.3f} s per s, {rate:.2f} Hz")
