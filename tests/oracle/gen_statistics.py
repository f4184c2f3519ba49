"""Makes statistics.json: what scikit-learn, SciPy and Elephant say about numbers that the tests draw in the same way.

    pip install scikit-learn scipy elephant && python gen_statistics.py
"""

import json
import pathlib
import warnings

import elephant.conversion
import elephant.spike_train_correlation as correlation
import elephant.spike_train_dissimilarity as dissimilarity
import elephant.statistics
import neo
import numpy as np
import quantities as pq
import scipy.linalg
import scipy.signal
import scipy.stats
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.utils.extmath import svd_flip


class Draws:
    """SplitMix64; see src/measure/samples.rs."""

    def __init__(self, seed):
        self.state = seed

    def uniform(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        return ((z ^ (z >> 31)) >> 11) * 2.0**-53

    def normal(self):
        total = 0.0
        for _ in range(12):
            total += self.uniform()
        return total - 6.0

    def matrix(self, n, p):
        return np.array([[self.normal() for _ in range(p)] for _ in range(n)])

    def counts(self, n):
        return np.array([np.floor(self.uniform() * 4) for _ in range(n)])

    def train(self, n):
        times = [0.0]
        for _ in range(n - 1):
            times.append(times[-1] + 1.0 + 20.0 * self.uniform())
        return np.array(times)


out = {}


def keep(name, values):
    out[name] = np.asarray(values, dtype=float).ravel().tolist()


def regression():
    draws = Draws(10)
    x, y, new = draws.matrix(40, 12), draws.matrix(40, 5), draws.matrix(3, 12)
    for penalty in ["0.1", "10"]:
        keep(f"ridge {penalty}", Ridge(float(penalty), solver="svd").fit(x, y).predict(new))
    keep("least squares", LinearRegression().fit(x, y).predict(new))
    for k in [1, 3, 7, 12]:
        keep(f"pls {k}", PLSRegression(k, scale=False).fit(x, y).predict(new))
    keep("pls one column", PLSRegression(4, scale=False).fit(x, y[:, :1]).predict(new))
    draws = Draws(11)
    x, y, new = draws.matrix(10, 30), draws.matrix(10, 2), draws.matrix(3, 30)
    keep("ridge wide", Ridge(2.0, solver="svd").fit(x, y).predict(new))
    keep("least squares wide", LinearRegression().fit(x, y).predict(new))


def decomposition():
    u, s, v = np.linalg.svd(Draws(20).matrix(6, 4), full_matrices=False)
    keep("singular values", s)
    keep("singular vectors", svd_flip(u, v, u_based_decision=False)[1])
    x = Draws(21).matrix(12, 5)
    pca = PCA(3, svd_solver="full").fit(x)
    keep("components", pca.components_)
    keep("variances", pca.explained_variance_)
    keep("parts", pca.explained_variance_ratio_)
    keep("coordinates", pca.transform(x))
    draws = Draws(22)
    thin, wide = draws.matrix(5, 2), draws.matrix(2, 4)
    keep("pseudo-inverse", scipy.linalg.pinv(thin @ wide))


def similarity():
    draws = Draws(40)
    x, y = draws.counts(30), draws.counts(30)
    keep("rank correlation", [scipy.stats.spearmanr(x, y).statistic])
    x = Draws(41).matrix(6, 9)
    keep("dissimilarity", (1 - np.corrcoef(x))[np.triu_indices(6, 1)])


def readout():
    def sample(count):
        draws = Draws(50)
        x = draws.matrix(60, 5)
        noise = draws.matrix(60, 3)
        return 3.0 * x + 2.0, np.argmax((x[:, :3] + noise)[:, :count], axis=1)

    def fit(x, classes, penalty):
        model = LogisticRegression(C=1 / penalty, solver="newton-cg", tol=1e-13, max_iter=10000)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.fit(x, classes)

    x, classes = sample(3)
    for penalty in ["1", "0.01"]:
        model = fit(x, classes, float(penalty))
        intercepts = model.intercept_ - model.intercept_.mean()
        keep(f"readout {penalty}", np.concatenate([model.coef_.ravel(), intercepts]))
    model = fit(*sample(2), 1.0)
    keep("readout of two", np.concatenate([model.coef_.ravel(), model.intercept_]))


def binned(counts):
    """Counts of 1 ms bins as Elephant's binned trains."""
    trains = []
    for row in np.atleast_2d(counts):
        times = np.repeat(np.arange(len(row)) + 0.5, row.astype(int))
        trains.append(neo.SpikeTrain(times, units="ms", t_stop=float(len(row))))
    return elephant.conversion.BinnedSpikeTrain(trains, bin_size=1 * pq.ms), trains


def trains():
    series = Draws(60).counts(300)
    for window in [64, 25]:
        frequencies, density = scipy.signal.welch(series, fs=0.5, nperseg=window)
        keep(f"frequencies {window}", frequencies)
        keep(f"density {window}", density)
    draws = Draws(61)
    (a, _), (b, _) = binned(draws.counts(40)), binned(draws.counts(40))
    histogram = correlation.cross_correlation_histogram
    keep("correlogram", histogram(a, b, window=[-10, 10])[0].magnitude)
    keep("corrected correlogram", histogram(a, b, window="full", border_correction=True)[0].magnitude)
    coefficients = histogram(a, b, window=[-10, 10], cross_correlation_coefficient=True)
    keep("correlation function", coefficients[0].magnitude)
    i = np.diff(Draws(70).train(25))
    statistics = elephant.statistics
    revised = statistics.lvr(i * pq.ms, R=5 * pq.ms)
    keep("irregularity", [statistics.cv(i), statistics.cv2(i), statistics.lv(i), revised])
    counts = Draws(71).counts(160).reshape(4, 40)
    all_cells, _ = binned(counts)
    keep("correlations", correlation.correlation_coefficient(all_cells)[np.triu_indices(4, 1)])
    together = counts.sum(axis=0)
    keep("synchrony", [together.var() / together.mean()])
    # Every bin is a trial.
    trials = [neo.SpikeTrain(np.full(int(n), 0.5), units="ms", t_stop=1.0) for n in counts[0]]
    keep("fano", [statistics.fanofactor(trials)])
    draws = Draws(72)
    pair = [neo.SpikeTrain(draws.train(n), units="ms", t_stop=1000.0) for n in [20, 17]]
    keep("van Rossum", [dissimilarity.van_rossum_distance(pair, 10 * pq.ms)[0, 1]])
    cost = 0.2 / pq.ms
    keep("Victor-Purpura", [dissimilarity.victor_purpura_distance(pair, cost)[0, 1]])


for part in [regression, decomposition, similarity, readout, trains]:
    part()
lines = [f"{json.dumps(name)}: {json.dumps(values)}" for name, values in out.items()]
path = pathlib.Path(__file__).with_name("statistics.json")
path.write_text("{\n" + ",\n".join(lines) + "\n}\n")
