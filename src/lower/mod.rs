//! Solved models with known parameters to IR kernels: the only module that sees both.

mod adaptive;
mod binding;
mod cable;
mod columns;
mod elementwise;
mod expression;
mod lowered;
mod neuron;
mod plastic;
mod synapse;

pub use adaptive::lower_rk45;
pub use binding::{BLOCK, Baked, Binding, Hidden, LONG_AGO, PortSource, UNSEEN, baked, longest, parameters};
pub use cable::{Cable, CableShape, CableSlot, lower_cables};
pub use elementwise::{Elementwise, Held, Store};
pub use expression::Clock;
pub use lowered::Lowered;
pub use neuron::{chance, lower_neuron};
pub use plastic::{PlasticHandler, PlasticKernel, PlasticProgram, PlasticSlot, Rates, lower_plastic};
pub use synapse::{ContinuousSlot, EventSlot, OnPre, lower_continuous, lower_on_pre};
