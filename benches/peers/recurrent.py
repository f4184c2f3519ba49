"""A dense recurrent rate network, x' = (-x + W tanh(x)) / tau by Euler's method, single precision, one thread: NumPy and Neuro by turns.

    python3 benches/peers/recurrent.py [UNITS ...]

builds with `cargo build --release` first. Both sides are timed several times, one after the other, and the fastest of each counts: what else
runs on the machine then disturbs both alike. A step multiplies a matrix of UNITS x UNITS with a vector, so that it reads the whole matrix
once; the rate at which it does is printed beside the time.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NEURO = os.environ.get("NEURO", os.path.join(ROOT, "target", "release", "neuro"))
TURNS = 5
MODEL = """
neuron Unit {
    input I: 1 = 0
    state x = 0
    let r = tanh(x)
    x' = (I - x) / 10 ms
    scheme euler
}
synapse Link { weight w   deliver w * pre.r }
network Recurrent(n: int = 1000) {
    population units: Unit[n]
    init units.x ~ normal(0, 1)
    projection units -> units.I: Link { connect all_to_all   weight ~ normal(0, 1.5 / sqrt(n)) }
}
experiment recurrent(n: int = 1000, steps: int = 1000) {
    dt 1 ms
    network net = Recurrent(n = n)
    run steps * 1 ms
    measure deviation = std(net.units.x)
}
"""


def numpy_step(n, steps):
    rng = np.random.default_rng(0)
    w = (rng.standard_normal((n, n)) * (1.5 / np.sqrt(n))).astype(np.float32)
    x = rng.standard_normal(n).astype(np.float32)
    factor = np.float32(1 / 10)
    x += factor * (-x + w @ np.tanh(x))
    begun = time.perf_counter()
    for _ in range(steps):
        x += factor * (-x + w @ np.tanh(x))
    return (time.perf_counter() - begun) / steps


def neuro_step(model, folder, n, steps):
    command = [NEURO, "run", model, "recurrent", "--threads", "1", "--precision", "f32", "--force", "-q"]
    command += ["--set", f"n={n}", "--set", f"steps={steps}", "--results", folder]
    subprocess.run(command, check=True, capture_output=True)
    with open(os.path.join(folder, "recurrent", "run.json")) as run:
        return json.load(run)["simulation_s"] / steps


def main():
    sizes = [int(n) for n in sys.argv[1:]] or [1000, 4000]
    with tempfile.TemporaryDirectory() as folder:
        model = os.path.join(folder, "recurrent.neuro")
        with open(model, "w") as file:
            file.write(MODEL)
        for n in sizes:
            steps = max(200, 4_000_000_000 // (n * n * 4))
            theirs, ours = [], []
            for _ in range(TURNS):
                theirs.append(numpy_step(n, steps))
                ours.append(neuro_step(model, folder, n, steps))
            for name, seconds in [(f"NumPy {np.__version__}", min(theirs)), ("Neuro", min(ours))]:
                rate = n * n * 4 / seconds / 1e9
                print(f"{n} units, {name}: {seconds * 1e6:.1f} us per step, {rate:.1f} GB/s")
            print(f"{n} units: Neuro takes {min(ours) / min(theirs):.2f} times as long")


main()
