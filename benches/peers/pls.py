"""Partial least squares of scikit-learn on the data of benches/statistics.rs: OMP_NUM_THREADS=1 python3 benches/peers/pls.py"""

import time
import warnings

import numpy as np
from sklearn.cross_decomposition import PLSRegression

warnings.simplefilter("ignore")


class Draws:
    """SplitMix64, and sums of twelve of its uniform numbers as normal ones."""

    def __init__(self, state):
        self.state = state

    def matrix(self, rows, columns):
        k = np.arange(1, rows * columns * 12 + 1, dtype=np.uint64)
        with np.errstate(over="ignore"):
            z = np.uint64(self.state) + k * np.uint64(0x9E3779B97F4A7C15)
            self.state = int(z[-1])
            z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        u = ((z ^ (z >> np.uint64(31))) >> np.uint64(11)).astype(float) * 2.0**-53
        total = np.zeros(rows * columns)
        for column in u.reshape(-1, 12).T:
            total = total + column
        return (total - 6).reshape(rows, columns)


for n, p, q, latent in [(1000, 100, 50, 0), (1000, 100, 50, 10), (2304, 1000, 168, 20)]:
    draws = Draws(5)
    x, y = draws.matrix(n, p), draws.matrix(n, q)
    if latent:
        z = draws.matrix(n, latent)
        a, b = draws.matrix(latent, p), draws.matrix(latent, q)
        x, y = x + z @ a, y + z @ b
    best = float("inf")
    for _ in range(5 if p < 500 else 2):
        begin = time.perf_counter()
        PLSRegression(25, scale=False).fit(x, y)
        best = min(best, time.perf_counter() - begin)
    print(f"{n} x {p} onto {q}, {latent} common causes: {1e3 * best:.1f} ms")
