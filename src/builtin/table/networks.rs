//! Functions of networks.

use super::row::{f, p};
use crate::builtin::Evaluate::Function;
use crate::builtin::Gives as G;
use crate::builtin::Wants::{Network, Projection, Vector};
use crate::builtin::{Builtin, synapses};

pub(super) static ROWS: &[Builtin] = &[
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
];
