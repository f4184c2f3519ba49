//! Names and functions of other languages, and how what they stand for is written here.

use crate::syntax::foreign::{CELLS, Instead, LAMBDA, MONITORS, SYNAPSES};

/// Names.
const NAMES: &[Instead] = &[
    (&["True", "TRUE"], "write `true`"),
    (&["False", "FALSE"], "write `false`"),
    (
        &["None", "null", "nil", "NULL"],
        "every name has a value; what is not given follows from its default: leave it out",
    ),
    (&["NaN", "nan"], "no value is undefined here; ask by a condition instead"),
    (&["e", "E"], "the number e is `exp(1)`, and a power of it `exp(x)`"),
    (&["PI", "Pi"], "write `pi`"),
    (&["Inf", "infinity", "Infinity"], "write `inf`"),
    LAMBDA,
    (
        &["np", "numpy", "math", "scipy"],
        "functions have no prefix: `exp(x)`, `sqrt(x)`, `mean(x)`, `pi`; `neuro explain functions` lists them",
    ),
    (&["plt", "matplotlib", "pylab"], "a figure is a statement: `plot net.exc.spike`, `plot net.exc.v as lines`"),
    (
        &["nest", "brian2", "b2", "sim", "h", "neuron"],
        "networks, recordings and runs are statements: `network net = Net()`, `record net.exc.v`, `run 100 ms`",
    ),
    (&["noise", "white_noise"], "white noise is `xi`, times an amplitude: `sigma * sqrt(2 / tau) * xi`"),
    (&["self"], "a model names its own states and parameters as they are: `v`, `tau`"),
];

/// Functions.
const FUNCTIONS: &[Instead] = &[
    (&["ln"], "the natural logarithm is `log`, that of base ten `log10`"),
    (
        &["range", "arange"],
        "a loop runs through `0 .. 9`, both ends included; numbers in steps are `0 .. 1 step 0.1`, or \
         `linspace(0, 1, 11)`",
    ),
    (
        &["rand", "random", "uniform01", "random_uniform", "runif"],
        "in a network or experiment a value is drawn with `~`: `init exc.v ~ uniform(-60 mV, -50 mV)`; in a \
         model by `random()`",
    ),
    (
        &["randn", "gauss", "rnorm", "normal_distribution"],
        "what is drawn is written with `~`: `init exc.v ~ normal(-60 mV, 2 mV)`; in a model `normal(mean, sd)`",
    ),
    (&["int", "trunc", "fix"], "write `floor(x)`, `ceil(x)` or `round(x)`"),
    (&["float", "double", "str"], "numbers and texts are not converted"),
    (&["fabs"], "write `abs`"),
    (&["pow", "power"], "a power is written `x^2`"),
    (&["size", "length", "shape"], "the number of elements is `len(x)`, of cells `net.exc.n`"),
    (&["sd", "stdev"], "the standard deviation is `std(x)`"),
    (&["avg", "average", "nanmean"], "write `mean(x)`"),
    (
        &["concatenate", "append", "hstack", "vstack"],
        "`concat(x, y)` puts one array after the other; a `measure` that is taken several times is the series of its \
         values",
    ),
    (&["ifelse", "if_else", "piecewise"], "a choice is written `if c then a else b`"),
    (&["clamp"], "write `clip(x, 0, 1)`; a state stays within bounds by `state w = 1 in 0 .. 1`"),
    MONITORS,
    (&["TimedArray"], "an input follows values so: `net.exc.I = samples([0 pA, 3 pA], every = 100 ms)`"),
    CELLS,
    SYNAPSES,
];

/// Connectors.
const CONNECTORS: &[Instead] = &[
    (
        &[
            "pairwise_bernoulli",
            "random",
            "bernoulli",
            "probability",
            "p",
            "prob",
            "FixedProbabilityConnector",
            "sparse",
        ],
        "each pair with a probability: `connect fixed_probability(0.1)`",
    ),
    (
        &["fixed_indegree", "FixedNumberPreConnector", "indegree"],
        "so many synapses onto each cell: `connect fixed_in_degree(100)`",
    ),
    (
        &["fixed_outdegree", "FixedNumberPostConnector", "outdegree"],
        "so many synapses from each cell: `connect fixed_out_degree(100)`",
    ),
    (&["fixed_total_number", "FixedTotalNumberConnector"], "so many in all: `connect fixed_total(1000)`"),
    (&["AllToAllConnector", "full", "all", "dense"], "every pair: `connect all_to_all`"),
    (&["OneToOneConnector", "identity", "same"], "each with its like: `connect one_to_one`"),
    (&["list", "FromListConnector", "FromFileConnector", "file"], "pairs of a table: `connect from \"edges.csv\"`"),
];

/// Models, with the names and modules that they have here.
const MODELS: &[(&[&str], (&str, &str))] = &[
    (&["LIF", "Lif", "lif", "IntegrateAndFire", "iaf_psc_exp"], ("LifExp", "std.neurons.lif")),
    (&["iaf_psc_delta"], ("LifDelta", "std.neurons.lif")),
    (&["iaf_psc_alpha"], ("LifAlpha", "std.neurons.lif")),
    (&["iaf_cond_exp", "LIFCond", "CondLIF"], ("LifCond", "std.neurons.lif")),
    (&["aeif_cond_exp", "aeif_cond_alpha", "AdEx_cond", "EIF", "aEIF"], ("AdEx", "std.neurons.adex")),
    (&["izhikevich", "Izh"], ("Izhikevich", "std.neurons.izhikevich")),
    (&["HH", "hh", "hh_psc_alpha", "hh_cond_exp_traub"], ("HodgkinHuxley", "std.neurons.hodgkin_huxley")),
    (&["poisson_generator", "PoissonGroup"], ("Poisson", "")),
    (&["spike_generator", "SpikeGeneratorGroup", "SpikeSourceArray", "parrot_neuron"], ("Relay", "")),
    (&["static_synapse", "StaticSynapse"], ("Static", "")),
    (&["stdp_synapse", "STDP", "stdp", "STDPMechanism"], ("PairStdp", "std.plasticity.pair")),
    (&["tsodyks_synapse", "tsodyks2_synapse", "STP"], ("ShortTerm", "std.synapses.short_term")),
    (&["gap_junction", "ElectricalSynapse"], ("GapJunction", "std.synapses.gap_junction")),
];

/// What is written here for a model of another language.
pub fn model(name: &str) -> Option<String> {
    let (_, (model, module)) = MODELS.iter().find(|(names, _)| names.contains(&name))?;
    Some(match *module {
        "" => format!("something like it is `{model}`, which is always there"),
        module => format!("something like it is `{model}`: add `use {module}` at the top of the file"),
    })
}

fn find(table: &'static [Instead], name: &str) -> Option<String> {
    table.iter().find(|(names, _)| names.contains(&name)).map(|(_, help)| (*help).to_string())
}

/// What is written here for a name of another language.
pub fn name(name: &str) -> Option<String> {
    find(NAMES, name)
}

/// The same of a function.
pub fn function(name: &str) -> Option<String> {
    if crate::units::lookup(name).is_some() {
        return Some(format!("a unit follows its number: `3 {name}`"));
    }
    find(FUNCTIONS, name)
}

/// The same of a connector.
pub fn connector(name: &str) -> Option<String> {
    find(CONNECTORS, name)
}
