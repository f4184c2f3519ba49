//! What stands after `~` and after `connect`.

use super::row::{AUTAPSES, connector, distribution, o, p};
use crate::builtin::Builtin;
use crate::builtin::Wants::{Number, PerPair, Pure, PureNumber, Same};

pub(super) static ROWS: &[Builtin] = &[
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
        "poisson",
        &[p("mean", PureNumber)],
        "Poisson distribution of whole numbers: mean",
        "let n ~ poisson(3)",
    ),
    distribution(
        "wald",
        &[p("mean", Number), p("scale", Same)],
        "Wald distribution, the inverse Gaussian: mean, and scale, the cube of the mean over the variance",
        "weight ~ wald(1 mV, 2 mV)",
    ),
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
