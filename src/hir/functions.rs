//! Signatures of the functions that experiments and networks may call.

/// What an argument must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wants {
    /// Any number or array.
    Number,
    /// A pure number.
    Pure,
    /// A number of the same dimension as the first argument.
    Same,
    /// A time.
    Time,
    /// A range of times.
    Window,
    /// Recorded events.
    Events,
    /// A recorded state.
    Trace,
    /// A string.
    Text,
    /// A projection.
    Projection,
    /// A table.
    Table,
    /// A network.
    Network,
    /// Numbers or a data set.
    Collection,
    /// Numbers or the weights of a projection.
    Vector,
}

/// What comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// A pure number.
    Pure,
    /// The first argument's dimension.
    Same,
    /// The product of both arguments' dimensions.
    Product,
    /// An angle in degrees.
    Angle,
    /// Its square.
    Square,
    /// A time.
    Time,
    /// A rate.
    Rate,
    /// A number of unknown dimension.
    Any,
    /// A table.
    Table,
    /// The second argument's dimension.
    Second,
    /// Images and labels, in parts of these names.
    Images(&'static [&'static str]),
}

/// One function: name, needed and optional arguments, result, and a line of help.
pub struct Signature {
    /// The name.
    pub name: &'static str,
    /// Needed arguments.
    pub needs: &'static [Wants],
    /// Optional ones after them.
    pub takes: &'static [Wants],
    /// The result.
    pub gives: Gives,
    /// One line of documentation.
    pub help: &'static str,
}

const fn f(
    name: &'static str,
    needs: &'static [Wants],
    takes: &'static [Wants],
    gives: Gives,
    help: &'static str,
) -> Signature {
    Signature { name, needs, takes, gives, help }
}

use Gives as G;
use Wants::*;

/// All functions, in the order of the reference.
pub const FUNCTIONS: &[Signature] = &[
    f("sum", &[Number], &[], G::Same, "sum of all elements"),
    f("erf", &[Pure], &[], G::Pure, "error function"),
    f("mean", &[Number], &[], G::Same, "arithmetic mean"),
    f("std", &[Number], &[], G::Same, "standard deviation (divided by n)"),
    f("variance", &[Number], &[], G::Square, "variance (divided by n)"),
    f("median", &[Number], &[], G::Same, "median"),
    f("min", &[Number], &[], G::Same, "smallest element"),
    f("max", &[Number], &[], G::Same, "largest element"),
    f("argmin", &[Number], &[], G::Pure, "index of the smallest element"),
    f("len", &[Collection], &[], G::Pure, "number of elements, or of examples"),
    f("first", &[Number], &[], G::Same, "first element"),
    f("last", &[Number], &[], G::Same, "last element"),
    f("sort", &[Number], &[], G::Same, "elements in ascending order"),
    f("cumsum", &[Number], &[], G::Same, "running sums"),
    f("diff", &[Number], &[], G::Same, "differences of neighbours"),
    f("shuffle", &[Collection], &[], G::Same, "elements or examples in random order, another one every time"),
    f("argmax", &[Number], &[], G::Pure, "index of the largest element; of every example by itself"),
    f("total", &[Number], &[], G::Same, "sum over the cells of every example by itself"),
    f("norm", &[Number], &[], G::Same, "Euclidean norm; of every example by itself"),
    f("dot", &[Number, Number], &[], G::Product, "scalar product; of every example by itself"),
    f(
        "angle",
        &[Vector, Vector],
        &[],
        G::Angle,
        "angle between two vectors, or between the weights of two projections",
    ),
    f("one_hot", &[Pure], &[Pure], G::Pure, "1 at the index of the label, 0 elsewhere; of so many classes"),
    f("confusion", &[Pure, Pure], &[Pure], G::Pure, "counts of pairs, row after row: of so many classes"),
    f(
        "energy",
        &[Network],
        &[],
        G::Any,
        "energy of a network: of all its cells and synapses; of every example by itself",
    ),
    f("random_crop", &[Number, Pure], &[], G::Same, "square images moved at random by up to so many pixels either way"),
    f("random_flip", &[Number], &[], G::Same, "square images mirrored from left to right at random"),
    f(
        "normalise",
        &[Number, Same, Same],
        &[],
        G::Pure,
        "square images less the mean, divided by the deviation of each channel",
    ),
    f("mnist", &[], &[], G::Images(&["train", "test"]), "handwritten digits, 28 x 28, 0 to 255: 60 000 and 10 000"),
    f("cifar10", &[], &[], G::Images(&["train", "test"]), "colour images, 3 x 32 x 32, 0 to 255: 50 000 and 10 000"),
    f(
        "digits",
        &[],
        &[],
        G::Images(&["train", "test"]),
        "handwritten digits, 8 x 8, 0 to 16: 1 297 and 500; always there",
    ),
    f("linspace", &[Number, Same, Pure], &[], G::Same, "n values from first to last, both included"),
    f("corr", &[Number, Number], &[], G::Pure, "Pearson correlation of two arrays"),
    f(
        "crossing",
        &[Number, Number, Number],
        &[],
        G::Same,
        "first x at which y passes the level, linearly interpolated",
    ),
    f(
        "peak_frequency",
        &[Number, Time],
        &[],
        G::Rate,
        "frequency of the largest peak of the power spectrum of a series with the given bin",
    ),
    f("rate", &[Events], &[Window], G::Rate, "mean rate per cell"),
    f("rates", &[Events], &[Window], G::Rate, "rate of each cell"),
    f("count", &[Events], &[Window], G::Pure, "number of events"),
    f(
        "cv",
        &[Events],
        &[Window],
        G::Pure,
        "mean coefficient of variation of inter-event intervals over cells with at least 3 events",
    ),
    f("binned", &[Events, Time], &[Window], G::Rate, "population rate per cell in bins"),
    f("counts", &[Events, Time], &[Window], G::Pure, "number of events in bins"),
    f("fano", &[Events, Time], &[Window], G::Pure, "variance over mean of the counts in bins"),
    f("times", &[Events], &[Window], G::Time, "times of all events"),
    f("senders", &[Events], &[Window], G::Pure, "cell index of all events"),
    f("values", &[Trace], &[Window], G::Any, "recorded values, cell after cell within a sample"),
    f("sample_times", &[Trace], &[Window], G::Time, "times of the samples"),
    f("value_at", &[Trace, Time], &[], G::Any, "recorded values at a time, linearly interpolated"),
    f(
        "wall_clock",
        &[],
        &[],
        G::Time,
        "a clock, of which only differences mean something; not the same in another run",
    ),
    f("csv", &[Text], &[], G::Table, "a table with a header line; `.csv.gz` too"),
    f("npy", &[Text], &[], G::Any, "an array from a NumPy file"),
    f("rows", &[Table], &[], G::Pure, "number of rows of a table"),
    f("column", &[Table, Text], &[], G::Any, "a column of a table"),
    f("count_where", &[Table, Text, Text], &[], G::Pure, "number of rows whose column has the text"),
    f("n_synapses", &[Projection], &[], G::Pure, "number of synapses of a projection"),
    f("weights", &[Projection], &[], G::Any, "weights of all synapses"),
    f("delays", &[Projection], &[], G::Time, "delays of all synapses"),
    f("out_degrees", &[Projection], &[], G::Pure, "number of synapses of each presynaptic cell"),
    f("in_degrees", &[Projection], &[], G::Pure, "number of synapses of each postsynaptic cell"),
    f("repeat", &[Number, Pure], &[], G::Same, "an array of n equal values"),
    f("normal", &[Number, Same], &[], G::Same, "normal distribution: mean, standard deviation"),
    f("lognormal", &[Number, Same], &[], G::Same, "log-normal distribution: mean and standard deviation of the value"),
    f("uniform", &[Number, Same], &[], G::Same, "uniform distribution between two values"),
    f("xavier", &[Number], &[], G::Same, "normal distribution for weights: gain times sqrt(2 / (inputs + outputs))"),
    f(
        "xavier_uniform",
        &[Number],
        &[],
        G::Same,
        "uniform distribution for weights, up to gain times sqrt(6 / (inputs + outputs))",
    ),
    f("kaiming", &[Number], &[], G::Same, "normal distribution for weights: gain times sqrt(2 / inputs)"),
    f("exponential", &[Number], &[], G::Same, "exponential distribution: mean"),
    f("all_to_all", &[], &[], G::Pure, "connector: every pair"),
    f("one_to_one", &[], &[], G::Pure, "connector: equal indices"),
    f("fixed_probability", &[Pure], &[], G::Pure, "connector: each pair independently"),
    f("fixed_in_degree", &[Pure], &[], G::Pure, "connector: k sources per target, with replacement"),
    f("fixed_out_degree", &[Pure], &[], G::Pure, "connector: k targets per source, with replacement"),
    f("fixed_total", &[Pure], &[], G::Pure, "connector: n pairs with replacement"),
    f("distance", &[Pure], &[], G::Pure, "connector: each pair with a probability that depends on the distance `d`"),
];

/// Finds a function; a name may have one signature only.
pub fn find(name: &str) -> Option<&'static Signature> {
    FUNCTIONS.iter().find(|s| s.name == name)
}
