//! Solved models with known parameters to IR kernels: the only module that sees both.

mod adaptive;
mod cable;
mod elementwise;
mod expression;
mod neuron;
mod plastic;
mod synapse;

pub use adaptive::lower_rk45;
pub use cable::{CableKernel, CableKernels, CableSlot, Geometry, lower_cables};
pub use elementwise::{Elementwise, ElementwiseKernel, Held, Store};
pub use expression::Clock;
pub use neuron::{
    BLOCK, Baked, Binding, Hidden, LONG_AGO, NeuronKernel, PortSource, baked, chance, longest, lower_neuron, parameters,
};
pub use plastic::{PlasticHandler, PlasticKernel, PlasticProgram, PlasticSlot, Rates, lower_plastic};
pub use synapse::{ContinuousKernel, ContinuousSlot, EventKernel, lower_continuous, lower_on_pre};
