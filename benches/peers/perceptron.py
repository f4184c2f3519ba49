"""A perceptron 784-500-10 with logistic units, plain gradient descent, in NumPy: what `cargo bench --bench learning` is compared with.

    OMP_NUM_THREADS=1 python3 benches/peers/perceptron.py [BATCH]
"""

import sys
import time

import numpy as np

batch = int(sys.argv[1]) if len(sys.argv) > 1 else 100
rng = np.random.default_rng(0)
n = 6000
# As many pixels are not zero as in handwritten digits.
images = (rng.random((n, 784)) * (rng.random((n, 784)) < 0.19)).astype(np.float32)
targets = np.eye(10, dtype=np.float32)[rng.integers(0, 10, n)]
lower = (rng.standard_normal((784, 500)) * 0.05).astype(np.float32)
upper = (rng.standard_normal((500, 10)) * 0.05).astype(np.float32)
hidden_bias, bias = np.zeros(500, np.float32), np.zeros(10, np.float32)
eta = np.float32(0.1)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def learn(begin):
    global lower, upper, hidden_bias, bias
    x, y = images[begin : begin + batch], targets[begin : begin + batch]
    h = logistic(x @ lower + hidden_bias)
    o = logistic(h @ upper + bias)
    delta = (y - o) * o * (1 - o) / np.float32(batch)
    below = (delta @ upper.T) * h * (1 - h)
    upper += eta * (h.T @ delta)
    lower += eta * (x.T @ below)
    bias += eta * delta.sum(0)
    hidden_bias += eta * below.sum(0)


learn(0)
shown, begun = 0, time.perf_counter()
while time.perf_counter() - begun < 3:
    learn(shown % (n - batch))
    shown += batch
print(f"batch {batch}: {shown / (time.perf_counter() - begun):.0f} examples per second, NumPy {np.__version__}")
