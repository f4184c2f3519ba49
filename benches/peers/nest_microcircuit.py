"""The cortical microcircuit (Potjans & Diesmann 2014, Cereb Cortex 24:785) in NEST, double precision: seconds per biological second.

    python3 benches/peers/nest_microcircuit.py [THREADS, two at least] [MILLISECONDS]

Needs `pip install nest-simulator` and, for its 299 million synapses, 7.5 GB. Built in a minute or two; the first 100 ms are not timed.
"""

import resource
import sys
import time

import nest
import numpy as np

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 2
duration = float(sys.argv[2]) if len(sys.argv) > 2 else 300.0

# L23E, L23I, L4E, L4I, L5E, L5I, L6E, L6I; probabilities by target and source.
CELLS = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
PROBABILITY = np.array([
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0, 0.0076, 0.0],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0, 0.0042, 0.0],
    [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0, 0.1057, 0.0],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443],
])
INPUTS = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])
V_MEAN = np.array([-68.28, -63.16, -63.33, -63.45, -63.11, -61.66, -66.72, -61.43])
V_SPREAD = np.array([5.36, 4.57, 4.74, 4.94, 4.94, 4.55, 5.46, 4.48])
CELL = dict(C_m=250.0, tau_m=10.0, E_L=-65.0, V_th=-50.0, V_reset=-65.0, t_ref=2.0, tau_syn_ex=0.5, tau_syn_in=0.5)
WEIGHT = 87.8  # pA, for a potential of 0.15 mV

synapses = np.round(np.log(1 - PROBABILITY) / np.log(1 - 1 / np.outer(CELLS, CELLS))).astype(int)
nest.verbosity = nest.VerbosityLevel.ERROR
nest.ResetKernel()
nest.verbosity = nest.VerbosityLevel.ERROR
nest.local_num_threads, nest.resolution, nest.rng_seed = threads, 0.1, 1
nest.keep_source_table = False

begun = time.perf_counter()
populations = [nest.Create("iaf_psc_exp", int(n), params=CELL) for n in CELLS]
for i, targets in enumerate(populations):
    # One model holds at most 134 million connections of a thread.
    model = f"to_{i}"
    nest.CopyModel("static_synapse_hpc", model)
    targets.V_m = nest.random.normal(float(V_MEAN[i]), float(V_SPREAD[i]))
    drive = nest.Create("poisson_generator", params={"rate": 8.0 * float(INPUTS[i])})
    nest.Connect(drive, targets, "all_to_all", {"weight": WEIGHT, "delay": 1.5})
    for j, sources in enumerate(populations):
        if synapses[i, j] == 0:
            continue
        mean = WEIGHT * (-4 if j % 2 else 2 if (i, j) == (0, 2) else 1)
        spread = abs(mean) * (0.05 if (i, j) == (0, 2) else 0.1)
        low, high = (0.0, 1e9) if mean > 0 else (-1e9, 0.0)
        delay = 0.75 if j % 2 else 1.5
        nest.Connect(sources, targets, {"rule": "fixed_total_number", "N": int(synapses[i, j])}, {
            "synapse_model": model,
            "weight": nest.math.redraw(nest.random.normal(mean, spread), low, high),
            "delay": nest.math.redraw(nest.random.normal(delay, delay / 2), 0.05, 1e9),
        })
nest.Prepare()
nest.Run(100.0)
built = time.perf_counter() - begun
begun = time.perf_counter()
nest.Run(duration)
took = time.perf_counter() - begun
spikes = nest.local_spike_counter  # of the last run
nest.Cleanup()
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
print(
    f"microcircuit, {threads} threads: {took / duration * 1e3:.1f} s per s, {spikes / CELLS.sum() / duration * 1e3:.2f} Hz, "
    f"built in {built:.0f} s, {memory:.1f} GB"
)
