//! Solved models with known parameters to IR kernels: the only module that sees both.

mod cable;
mod expression;
mod neuron;
mod synapse;

pub use cable::{CableKernels, Geometry, lower_cables};
pub use neuron::{Binding, Hidden, NeuronKernel, PortSource, lower_neuron, lower_rk45};
pub use synapse::{ContinuousKernel, EventKernel, lower_continuous, lower_on_pre};
