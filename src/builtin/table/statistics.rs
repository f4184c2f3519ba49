//! Statistics of the field.

use super::row::{f, o, p};
use crate::builtin::Evaluate::Function;
use crate::builtin::Gives as G;
use crate::builtin::Wants::{Number, Pure, PureNumber, Time};
use crate::builtin::{Builtin, statistics};

pub(super) static ROWS: &[Builtin] = &[
    f(
        "spearman",
        &[p("x", Number), p("y", Number)],
        G::Pure,
        Function(statistics::spearman),
        "Spearman's correlation of the ranks of two arrays",
        "expect spearman([1, 2, 30], [4, 5, 6]) == 1 within 1e-12",
    ),
    f(
        "predictivity",
        &[p("x", Pure), p("y", Pure), o("components", PureNumber), o("splits", Pure), o("penalty", PureNumber)],
        G::Pure,
        Function(statistics::predictivity),
        "how well rows of `x` predict those of `y`: partial least squares of 25 components (ridge regression with a `penalty`) fitted to nine tenths \
         of the rows, the median correlation over columns in the others, the mean over 10 splits, drawn alike in every run; a matrix of splits has 1 for the rows to test, 0 for others",
        "expect predictivity(linspace(1, 40, 40), linspace(3, 81, 40), components = 1) == 1 within 1e-9",
    ),
    f(
        "predictivities",
        &[p("x", Pure), p("y", Pure), o("components", PureNumber), o("splits", Pure), o("penalty", PureNumber)],
        G::PureArray,
        Function(statistics::predictivities),
        "the same split by split",
        "expect len(predictivities(linspace(1, 40, 40), linspace(3, 81, 40), penalty = 1, splits = 5)) == 5",
    ),
    f(
        "ceiling",
        &[p("repetitions", Pure), o("splits", Pure), o("missing", PureNumber)],
        G::Pure,
        Function(statistics::ceiling),
        "how well halves of repetitions `[repetition, image, cell]` predict each other, by Spearman and Brown: median over cells, mean over 10 splits",
        "expect ceiling(npy(\"repeats.npy\", missing = -1), missing = -1) == 1 within 1e-9",
    ),
    f(
        "dissimilarity",
        &[p("x", Pure)],
        G::PureArray,
        Function(statistics::dissimilarity),
        "1 - Pearson's correlation of every two rows: the upper triangle, row after row",
        "expect dissimilarity(npy(\"rows.npy\")) == [2, 0, 2] within 1e-9",
    ),
    f(
        "pca",
        &[p("x", Pure), p("components", PureNumber)],
        G::PureAny,
        Function(statistics::pca),
        "rows along their principal components",
        "expect len(pca(npy(\"rows.npy\"), 2)) == 3",
    ),
    f(
        "singular_values",
        &[p("x", Number)],
        G::SameArray,
        Function(statistics::singular_values),
        "singular values of a matrix, the largest first",
        "expect first(singular_values(matrix(net.link))) == 0.4 mV within 1e-9 mV",
    ),
    f(
        "pseudo_inverse",
        &[p("x", Pure)],
        G::PureAny,
        Function(statistics::pseudo_inverse),
        "Moore and Penrose's inverse of a matrix",
        "let y = pseudo_inverse(matrix(net.link) / 1 mV)",
    ),
    f(
        "classify",
        &[p("x", Pure), p("labels", Pure), p("others", Pure), o("penalty", PureNumber)],
        G::PureArray,
        Function(statistics::classify),
        "classes of other rows by multinomial logistic regression on labelled ones, with half a `penalty` (1) of the squared weights",
        "let y = classify(matrix(net.link) / 1 mV, [0, 1, 0, 1], matrix(net.link) / 1 mV)",
    ),
    f(
        "intervals",
        &[p("times", Number)],
        G::SameArray,
        Function(statistics::intervals),
        "differences of neighbours, of times in ascending order",
        "expect intervals([1 ms, 3 ms, 4 ms]) == [2 ms, 1 ms]",
    ),
    f(
        "cv2",
        &[p("intervals", Number)],
        G::Pure,
        Function(statistics::cv2),
        "local coefficient of variation of intervals (Holt et al. 1996)",
        "expect cv2([1 ms, 1 ms, 1 ms]) == 0",
    ),
    f(
        "local_variation",
        &[p("intervals", Number)],
        G::Pure,
        Function(statistics::local_variation),
        "local variation of intervals (Shinomoto et al. 2003)",
        "expect local_variation([1 ms, 1 ms, 1 ms]) == 0",
    ),
    f(
        "cross_correlogram",
        &[p("x", Pure), p("y", Pure), p("lags", PureNumber)],
        G::PureArray,
        Function(statistics::cross_correlogram),
        "sums of products of counts at lags from -n to n, positive where `y` follows `x`; nothing is made up beyond the ends",
        "expect cross_correlogram([0, 1, 0], [0, 0, 1], 1) == [0, 0, 1]",
    ),
    f(
        "power_spectrum",
        &[p("series", Number), p("interval", Time), p("window", PureNumber)],
        G::Density,
        Function(statistics::power_spectrum),
        "power density of a series sampled at an interval (Welch 1967: Hann windows of so many samples that overlap by half); its `frequencies`",
        "expect len(power_spectrum(linspace(0, 1, 64), 1 ms, 32)) == 17",
    ),
    f(
        "frequencies",
        &[p("series", Number), p("interval", Time), p("window", PureNumber)],
        G::Rates,
        Function(statistics::frequencies),
        "the frequencies of `power_spectrum`",
        "expect last(frequencies(linspace(0, 1, 64), 1 ms, 32)) == 500 Hz within 1e-6 Hz",
    ),
];
