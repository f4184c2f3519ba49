//! The table, in the order of the reference.

use super::Evaluate::{Elementwise, Expanded, Function, InItsPlace};
use super::Gives as G;
use super::Wants;
use super::Wants::{
    Collection, Events, Fields, Network, Number, PerPair, Projection, Pure, PureNumber, Same, SameAsSecond, Text, Time,
    Trace, Truth, Vector, Window,
};
use super::{Builtin, Evaluate, Func, Gives, Parameter, Place, arrays, images, recordings, sets, synapses};

type Row = (&'static str, &'static [Parameter], Gives, Evaluate, &'static str, &'static str);

const fn p(name: &'static str, wants: Wants) -> Parameter {
    Parameter { name, wants, optional: false }
}

const fn o(name: &'static str, wants: Wants) -> Parameter {
    Parameter { name, wants, optional: true }
}

const fn row(place: Place, r: Row) -> Builtin {
    let (name, parameters, gives, evaluate, help, example) = r;
    Builtin { name, place, parameters, gives, help, example, evaluate }
}

/// A function of pure numbers, for every expression.
const fn pure(name: &'static str, func: Func, help: &'static str, example: &'static str) -> Builtin {
    row(Place::Everywhere, (name, X, G::PureEach, Elementwise(func), help, example))
}

const fn f(
    name: &'static str,
    parameters: &'static [Parameter],
    gives: Gives,
    evaluate: Evaluate,
    help: &'static str,
    example: &'static str,
) -> Builtin {
    row(Place::Program, (name, parameters, gives, evaluate, help, example))
}

const fn distribution(
    name: &'static str,
    parameters: &'static [Parameter],
    help: &'static str,
    example: &'static str,
) -> Builtin {
    row(Place::Distribution, (name, parameters, G::Same, InItsPlace, help, example))
}

const fn connector(
    name: &'static str,
    parameters: &'static [Parameter],
    help: &'static str,
    example: &'static str,
) -> Builtin {
    row(Place::Connector, (name, parameters, G::Nothing, InItsPlace, help, example))
}

const X: &[Parameter] = &[p("x", Pure)];
const AUTAPSES: Parameter = o("autapses", Truth);
const WINDOW: Parameter = o("window", Window);
const IMAGES: Gives = G::Images(&["train", "test"]);

/// All rows.
pub static TABLE: &[Builtin] = &[
    // Functions of single numbers, applied to every element.
    pure("exp", Func::Exp, "exponential function", "expect exp(0) == 1"),
    pure("expm1", Func::Expm1, "exp(x) - 1, exact near zero", "expect expm1(0) == 0"),
    pure("exprel", Func::Exprel, "(exp(x) - 1) / x, with its limit 1 at zero", "expect exprel(0) == 1"),
    pure("log", Func::Log, "natural logarithm", "expect log(exp(2)) == 2 within 1e-12"),
    pure("log10", Func::Log10, "logarithm to the base 10", "expect log10(1000) == 3 within 1e-12"),
    row(
        Place::Everywhere,
        (
            "sqrt",
            &[p("x", Number)],
            G::Root,
            Elementwise(Func::Sqrt),
            "square root; of the unit, too",
            "expect sqrt(9 mV^2) == 3 mV within 1e-12 mV",
        ),
    ),
    pure("sin", Func::Sin, "sine of an angle in radians", "expect sin(pi / 2) == 1"),
    pure("cos", Func::Cos, "cosine of an angle in radians", "expect cos(0) == 1"),
    pure("tan", Func::Tan, "tangent of an angle in radians", "expect tan(0) == 0"),
    pure("tanh", Func::Tanh, "hyperbolic tangent", "expect tanh(0) == 0"),
    pure("sigmoid", Func::Sigmoid, "1 / (1 + exp(-x))", "expect sigmoid(0) == 0.5"),
    row(
        Place::Everywhere,
        ("abs", &[p("x", Number)], G::Same, Elementwise(Func::Abs), "magnitude", "expect abs(-3 mV) == 3 mV"),
    ),
    pure("floor", Func::Floor, "the whole number below", "expect floor(2.7) == 2"),
    pure("ceil", Func::Ceil, "the whole number above", "expect ceil(2.1) == 3"),
    pure("round", Func::Round, "the nearest whole number, halves to the even one", "expect round(2.5) == 2"),
    row(
        Place::Everywhere,
        ("sign", &[p("x", Number)], G::PureEach, Elementwise(Func::Sign), "-1, 0 or 1", "expect sign(-3 mV) == -1"),
    ),
    row(
        Place::Everywhere,
        (
            "heaviside",
            &[p("x", Number)],
            G::PureEach,
            Elementwise(Func::Heaviside),
            "1 from zero on, else 0",
            "expect heaviside(2 ms) == 1",
        ),
    ),
    row(
        Place::Everywhere,
        (
            "mod",
            &[p("x", Number), p("by", Same)],
            G::Same,
            Elementwise(Func::Mod),
            "what is left of a division, with the sign of the divisor",
            "expect mod(-1, 3) == 2",
        ),
    ),
    row(
        Place::Everywhere,
        (
            "min",
            &[p("x", Number), o("y", Same)],
            G::SameNumber,
            Function(arrays::min),
            "the smallest element; of two arguments the smaller, element by element",
            "expect min([3, 1, 2]) == 1 and min(1 ms, 2 ms) == 1 ms",
        ),
    ),
    row(
        Place::Everywhere,
        (
            "max",
            &[p("x", Number), o("y", Same)],
            G::SameNumber,
            Function(arrays::max),
            "the largest element; of two arguments the larger, element by element",
            "expect max([3, 1, 2]) == 3 and max(1 ms, 2 ms) == 2 ms",
        ),
    ),
    row(
        Place::Everywhere,
        (
            "clip",
            &[p("x", Number), p("low", Same), p("high", Same)],
            G::Same,
            Expanded,
            "x, but not below `low` and not above `high`",
            "expect clip(5 mV, 0 mV, 3 mV) == 3 mV",
        ),
    ),
    f("erf", &[p("x", Pure)], G::PureEach, Function(arrays::erf), "error function", "expect erf(0) == 0"),
    // Arrays.
    f(
        "sum",
        &[p("x", Number)],
        G::SameNumber,
        Function(arrays::sum),
        "sum of all elements",
        "expect sum([1, 2, 3]) == 6",
    ),
    f(
        "mean",
        &[p("x", Number)],
        G::SameNumber,
        Function(arrays::mean),
        "arithmetic mean",
        "expect mean([1 mV, 3 mV]) == 2 mV",
    ),
    f(
        "std",
        &[p("x", Number)],
        G::SameNumber,
        Function(arrays::std),
        "standard deviation (divided by n)",
        "expect std([1, 3]) == 1",
    ),
    f(
        "variance",
        &[p("x", Number)],
        G::Square,
        Function(arrays::variance),
        "variance (divided by n)",
        "expect variance([1, 5]) == 4",
    ),
    f("median", &[p("x", Number)], G::SameNumber, Function(arrays::median), "median", "expect median([3, 1, 2]) == 2"),
    f(
        "argmin",
        &[p("x", Number)],
        G::Pure,
        Function(arrays::argmin),
        "index of the smallest element; of every example by itself",
        "expect argmin([3, 1, 2]) == 1",
    ),
    f(
        "argmax",
        &[p("x", Number)],
        G::Pure,
        Function(arrays::argmax),
        "index of the largest element; of every example by itself",
        "expect argmax([3, 1, 2]) == 0",
    ),
    f(
        "len",
        &[p("x", Collection)],
        G::Pure,
        Function(arrays::len),
        "number of elements, of rows, or of examples",
        "expect len([4, 5]) == 2",
    ),
    f("first", &[p("x", Number)], G::SameNumber, Function(arrays::first), "first element", "expect first([4, 5]) == 4"),
    f("last", &[p("x", Number)], G::SameNumber, Function(arrays::last), "last element", "expect last([4, 5]) == 5"),
    f(
        "sort",
        &[p("x", Number)],
        G::Same,
        Function(arrays::sort),
        "elements in ascending order",
        "expect first(sort([3, 1, 2])) == 1",
    ),
    f(
        "argsort",
        &[p("x", Number)],
        G::PureEach,
        Function(arrays::argsort),
        "the order that sorts: `x[argsort(x)]` is `sort(x)`",
        "expect first(argsort([3, 1, 2])) == 1",
    ),
    f(
        "cumsum",
        &[p("x", Number)],
        G::Same,
        Function(arrays::cumsum),
        "running sums",
        "expect last(cumsum([1, 2, 3])) == 6",
    ),
    f(
        "diff",
        &[p("x", Number)],
        G::SameArray,
        Function(arrays::diff),
        "differences of neighbours",
        "expect sum(diff([1, 2, 4])) == 3",
    ),
    f(
        "linspace",
        &[p("from", Number), p("to", Same), p("n", PureNumber)],
        G::SameArray,
        Function(arrays::linspace),
        "n values from first to last, both included",
        "expect sum(linspace(0 ms, 1 ms, 3)) == 1.5 ms",
    ),
    f(
        "repeat",
        &[p("x", Number), p("n", PureNumber)],
        G::SameArray,
        Function(arrays::repeat),
        "an array of n equal values",
        "expect sum(repeat(2, 3)) == 6",
    ),
    f(
        "shuffle",
        &[p("x", Collection)],
        G::Same,
        Function(arrays::shuffle),
        "elements or examples in random order, another one every time",
        "expect sum(shuffle([1, 2, 3])) == 6",
    ),
    f(
        "total",
        &[p("x", Number)],
        G::SameNumber,
        Function(arrays::total),
        "sum over the cells of every example by itself",
        "expect total([1, 2]) == 3",
    ),
    f(
        "norm",
        &[p("x", Number)],
        G::SameNumber,
        Function(arrays::norm),
        "Euclidean norm; of every example by itself",
        "expect norm([3, 4]) == 5",
    ),
    f(
        "dot",
        &[p("x", Number), p("y", Number)],
        G::Product,
        Function(arrays::dot),
        "scalar product; of every example by itself",
        "expect dot([1, 2], [3, 4]) == 11",
    ),
    f(
        "softmax",
        &[p("x", Pure)],
        G::PureEach,
        Function(arrays::softmax),
        "exp(x) divided by its sum; of every example by itself",
        "expect sum(softmax([1, 2, 3])) == 1 within 1e-12",
    ),
    f(
        "rank",
        &[p("x", Number)],
        G::PureEach,
        Function(arrays::rank),
        "1 for the largest element, 2 for the next, …; of every example by itself",
        "expect first(rank([5, 9, 7])) == 3",
    ),
    f(
        "top",
        &[p("x", Number), p("k", PureNumber)],
        G::PureEach,
        Function(arrays::top),
        "1 where one of the k largest elements is, else 0; of every example by itself",
        "expect sum(top([5, 9, 7], 2)) == 2",
    ),
    f(
        "group_mean",
        &[p("x", Number), p("by", Pure)],
        G::SameArray,
        Function(arrays::group_mean),
        "means of the elements, rows or examples that share a label, labels ascending",
        "expect sum(group_mean([1, 3, 5], by = [0, 0, 1])) == 7",
    ),
    f(
        "corr",
        &[p("x", Number), p("y", Number)],
        G::Pure,
        Function(arrays::corr),
        "Pearson correlation of two arrays",
        "expect corr([1, 2, 3], [2, 4, 6]) == 1 within 1e-12",
    ),
    f(
        "crossing",
        &[p("x", Number), p("y", Number), p("level", SameAsSecond)],
        G::SameNumber,
        Function(arrays::crossing),
        "first x at which y passes the level, linearly interpolated",
        "expect crossing([0 ms, 2 ms], [0, 1], 0.5) == 1 ms",
    ),
    f(
        "peak_frequency",
        &[p("series", Number), p("every", Time)],
        G::Rate,
        Function(arrays::peak_frequency),
        "frequency of the largest peak of the power spectrum of a series with the given interval",
        "expect peak_frequency(sin(pi / 4 * linspace(0, 63, 64)), 1 ms) == 125 Hz",
    ),
    // Matrices.
    f(
        "matrix",
        &[p("weights", Projection)],
        G::Weights,
        Function(synapses::matrix),
        "weights of a projection, a row for each target and a column for each source; zero where nothing is connected",
        "expect len(matrix(net.link)) == 4",
    ),
    f(
        "transpose",
        &[p("x", Number)],
        G::SameMatrix,
        Function(arrays::transpose),
        "rows as columns",
        "expect len(transpose(matrix(net.link))) == 4",
    ),
    f(
        "matmul",
        &[p("x", Number), p("y", Number)],
        G::MatrixProduct,
        Function(arrays::matmul),
        "a matrix times a matrix or an array",
        "expect len(matmul(matrix(net.link), [1, 1, 1, 1])) == 4",
    ),
    // Recordings.
    f(
        "rate",
        &[p("events", Events), WINDOW],
        G::Rate,
        Function(recordings::rate),
        "mean rate per cell",
        "expect rate(spikes) > 1 Hz",
    ),
    f(
        "rates",
        &[p("events", Events), WINDOW],
        G::Rates,
        Function(recordings::rates),
        "rate of each cell",
        "expect len(rates(spikes)) == 4",
    ),
    f(
        "count",
        &[p("events", Events), WINDOW],
        G::Pure,
        Function(recordings::count),
        "number of events",
        "expect count(spikes, 0 ms .. 50 ms) > 0",
    ),
    f(
        "cv",
        &[p("events", Events), WINDOW],
        G::Pure,
        Function(recordings::cv),
        "mean coefficient of variation of inter-event intervals over cells with at least 3 events",
        "expect cv(spikes) < 1",
    ),
    f(
        "binned",
        &[p("events", Events), p("bin", Time), WINDOW],
        G::Rates,
        Function(recordings::binned),
        "population rate per cell in bins",
        "expect len(binned(spikes, 10 ms)) == 10",
    ),
    f(
        "counts",
        &[p("events", Events), p("bin", Time), WINDOW],
        G::PureArray,
        Function(recordings::counts),
        "number of events in bins",
        "expect len(counts(spikes, 10 ms)) == 10",
    ),
    f(
        "fano",
        &[p("events", Events), p("bin", Time), WINDOW],
        G::Pure,
        Function(recordings::fano),
        "variance over mean of the counts in bins",
        "expect fano(spikes, 10 ms) >= 0",
    ),
    f(
        "times",
        &[p("events", Events), WINDOW],
        G::Times,
        Function(recordings::times),
        "times of all events",
        "expect first(times(spikes)) > 0 ms",
    ),
    f(
        "senders",
        &[p("events", Events), WINDOW],
        G::PureArray,
        Function(recordings::senders),
        "cell index of all events",
        "expect max(senders(spikes)) == 3",
    ),
    f(
        "values",
        &[p("trace", Trace), WINDOW],
        G::Recorded,
        Function(recordings::values),
        "recorded values, cell after cell within a sample",
        "expect first(values(trace)) == 0 mV",
    ),
    f(
        "sample_times",
        &[p("trace", Trace), WINDOW],
        G::Times,
        Function(recordings::sample_times),
        "times of the samples",
        "expect first(sample_times(trace)) == 0 ms",
    ),
    f(
        "value_at",
        &[p("trace", Trace), p("time", Time)],
        G::Recorded,
        Function(recordings::value_at),
        "recorded values at a time, linearly interpolated",
        "expect first(value_at(trace, 0 ms)) == 0 mV",
    ),
    f(
        "wall_clock",
        &[],
        G::Time,
        Function(recordings::wall_clock),
        "a clock, of which only differences mean something; not the same in another run",
        "expect wall_clock() >= 0 ms",
    ),
    // Data.
    f(
        "csv",
        &[p("path", Text)],
        G::Table,
        Function(sets::csv),
        "a table with a header line; `.csv.gz` and `.csv.xz` too",
        "expect rows(csv(\"table.csv\")) == 2",
    ),
    f(
        "npy",
        &[p("path", Text)],
        G::PureAny,
        Function(sets::npy),
        "an array from a NumPy file, with its shape",
        "expect len(npy(\"array.npy\")) == 3",
    ),
    f(
        "rows",
        &[p("table", Wants::Table)],
        G::Pure,
        Function(sets::rows),
        "number of rows of a table",
        "expect rows(csv(\"table.csv\")) == 2",
    ),
    f(
        "column",
        &[p("table", Wants::TableOrPath), p("name", Text)],
        G::PureArray,
        Function(sets::column),
        "a column of a table, or of the CSV file of this name",
        "expect sum(column(csv(\"table.csv\"), \"x\")) == 3",
    ),
    f(
        "count_where",
        &[p("table", Wants::Table), p("column", Text), p("is", Text)],
        G::Pure,
        Function(sets::count_where),
        "number of rows whose column has the text",
        "expect count_where(csv(\"table.csv\"), \"kind\", \"a\") == 1",
    ),
    f(
        "samples",
        &[p("values", Number), p("every", Time), o("linear", Truth)],
        G::Same,
        Expanded,
        "a function of time: the value whose interval it is, or interpolated between the values; only where `t` has a meaning",
        "net.a.I = samples([0 mV, 1 mV, 0 mV], every = 100 ms)",
    ),
    f(
        "mnist",
        &[],
        IMAGES,
        Function(sets::mnist),
        "handwritten digits, 28 x 28, 0 to 255: 60 000 and 10 000",
        "data d = mnist()",
    ),
    f(
        "cifar10",
        &[],
        IMAGES,
        Function(sets::cifar10),
        "colour images, 3 x 32 x 32, 0 to 255: 50 000 and 10 000",
        "data d = cifar10()",
    ),
    f(
        "digits",
        &[],
        IMAGES,
        Function(sets::digits),
        "handwritten digits, 8 x 8, 0 to 16: 1 297 and 500; always there",
        "data d = digits()",
    ),
    f(
        "dataset",
        &[o("examples", PureNumber), p("fields", Fields)],
        G::Examples,
        Function(sets::dataset),
        "a data set of arrays by name, each with equally many numbers per example",
        "data d = dataset(x = [1, 2], y = [3, 4])",
    ),
    f(
        "one_hot",
        &[p("label", Pure), o("classes", PureNumber)],
        G::PureAny,
        Function(sets::one_hot),
        "1 at the index of the label, 0 elsewhere; of so many classes",
        "expect sum(one_hot(2, 4)) == 1",
    ),
    f(
        "confusion",
        &[p("x", Pure), p("y", Pure), o("classes", PureNumber)],
        G::PureArray,
        Function(sets::confusion),
        "counts of pairs, row after row: of so many classes",
        "expect sum(confusion([0, 1], [1, 1])) == 2",
    ),
    f(
        "random_crop",
        &[p("image", Number), p("by", PureNumber)],
        G::Same,
        Function(images::random_crop),
        "square images moved at random by up to so many pixels either way",
        "expect len(random_crop(repeat(1, 16), 1)) == 16",
    ),
    f(
        "random_flip",
        &[p("image", Number)],
        G::Same,
        Function(images::random_flip),
        "square images mirrored from left to right at random",
        "expect sum(random_flip([1, 2, 3, 4])) == 10",
    ),
    f(
        "normalise",
        &[p("image", Number), p("mean", Same), p("deviation", Same)],
        G::PureEach,
        Function(images::normalise),
        "square images less the mean, divided by the deviation of each channel",
        "expect sum(normalise(repeat(1, 4), 1, 2)) == 0",
    ),
    // Networks.
    f(
        "n_synapses",
        &[p("projection", Projection)],
        G::Pure,
        Function(synapses::n_synapses),
        "number of synapses of a projection",
        "expect n_synapses(net.link) == 16",
    ),
    f(
        "weights",
        &[p("projection", Projection)],
        G::Weights,
        Function(synapses::weights),
        "weights of all synapses",
        "expect len(weights(net.link)) == 16",
    ),
    f(
        "delays",
        &[p("projection", Projection)],
        G::Times,
        Function(synapses::delays),
        "delays of all synapses",
        "expect max(delays(net.link)) > 0 ms",
    ),
    f(
        "out_degrees",
        &[p("projection", Projection)],
        G::PureArray,
        Function(synapses::out_degrees),
        "number of synapses of each presynaptic cell",
        "expect max(out_degrees(net.link)) == 4",
    ),
    f(
        "in_degrees",
        &[p("projection", Projection)],
        G::PureArray,
        Function(synapses::in_degrees),
        "number of synapses of each postsynaptic cell",
        "expect max(in_degrees(net.link)) == 4",
    ),
    f(
        "angle",
        &[p("x", Vector), p("y", Vector)],
        G::Angle,
        Function(synapses::angle),
        "angle between two vectors, or between the weights of two projections",
        "expect angle([1, 0], [0, 1]) == 90 deg within 1e-9 deg",
    ),
    f(
        "energy",
        &[p("network", Network)],
        G::Unknown,
        Function(synapses::energy),
        "energy of a network: of all its cells and synapses; of every example by itself",
        "expect energy(held) >= 0 Hz",
    ),
    // Distributions.
    distribution(
        "normal",
        &[p("mean", Number), p("sd", Same)],
        "normal distribution: mean, standard deviation",
        "weight ~ normal(mean = 1 mV, sd = 0.1 mV)",
    ),
    distribution(
        "lognormal",
        &[p("mean", Number), p("sd", Same)],
        "log-normal distribution: mean and standard deviation of the value",
        "weight ~ lognormal(1 mV, 0.5 mV)",
    ),
    distribution(
        "uniform",
        &[p("low", Number), p("high", Same)],
        "uniform distribution between two values",
        "weight ~ uniform(0 mV, 1 mV)",
    ),
    distribution("exponential", &[p("mean", Number)], "exponential distribution: mean", "weight ~ exponential(1 mV)"),
    distribution(
        "xavier",
        &[p("gain", Number)],
        "normal distribution for weights: gain times sqrt(2 / (inputs + outputs))",
        "weight ~ xavier(1 mV)",
    ),
    distribution(
        "xavier_uniform",
        &[p("gain", Number)],
        "uniform distribution for weights, up to gain times sqrt(6 / (inputs + outputs))",
        "weight ~ xavier_uniform(1 mV)",
    ),
    distribution(
        "kaiming",
        &[p("gain", Number)],
        "normal distribution for weights: gain times sqrt(2 / inputs)",
        "weight ~ kaiming(1 mV)",
    ),
    distribution(
        "categorical",
        &[p("weights", Pure)],
        "an index, with probabilities proportional to the weights",
        "let a ~ categorical([1, 2, 1])",
    ),
    // Connectors.
    connector("all_to_all", &[AUTAPSES], "every pair", "connect all_to_all"),
    connector("one_to_one", &[], "equal indices", "connect one_to_one"),
    connector(
        "fixed_probability",
        &[p("p", PureNumber), AUTAPSES],
        "each pair independently",
        "connect fixed_probability(0.5)",
    ),
    connector(
        "fixed_in_degree",
        &[p("k", PureNumber), AUTAPSES],
        "k sources per target, with replacement",
        "connect fixed_in_degree(2)",
    ),
    connector(
        "fixed_out_degree",
        &[p("k", PureNumber), AUTAPSES],
        "k targets per source, with replacement",
        "connect fixed_out_degree(2, autapses = false)",
    ),
    connector("fixed_total", &[p("n", PureNumber), AUTAPSES], "n pairs with replacement", "connect fixed_total(5)"),
    connector(
        "distance",
        &[p("p", PerPair), AUTAPSES],
        "each pair with a probability that depends on `pre`, `post` and the distance `d`",
        "connect distance(if d < 2 then 1 else 0)",
    ),
    connector(
        "conv",
        &[p("kernel", PureNumber), o("stride", PureNumber), o("padding", PureNumber)],
        "a square of sources that moves with the target, with the same weights everywhere",
        "connect conv(1)",
    ),
    connector(
        "pool",
        &[p("kernel", PureNumber), o("stride", PureNumber), o("padding", PureNumber)],
        "a square of sources that moves with the target, each channel by itself, with one weight",
        "connect pool(1)",
    ),
    connector(
        "mean_pool",
        &[p("kernel", PureNumber), o("stride", PureNumber), o("padding", PureNumber)],
        "the same for the mean of the square, places beyond the edge counted as zeros",
        "connect mean_pool(1)",
    ),
    connector(
        "max_pool",
        &[p("kernel", PureNumber), o("stride", PureNumber), o("padding", PureNumber)],
        "the same for the source of the square with the greatest contribution; its transpose leads to this source",
        "connect max_pool(1)",
    ),
];
