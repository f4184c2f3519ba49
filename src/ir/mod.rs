//! Straight-line, lane-wise SSA kernels: what happens to one cell in one step.
//!
//! Every operation is one IEEE-754 (or integer) operation per lane and contraction is explicit, so every back end
//! gives the same bits. The IR knows neither neurons nor units nor bytes: loops, strides and vector widths belong to
//! the back ends, names of slots are for readers.

mod build;
pub mod expand;
pub mod interp;
mod kernel;
pub mod op;
pub mod passes;
mod print;
mod read;
mod verify;

pub use build::Builder;
pub use kernel::{Kernel, Precision, Slot, SlotDef, SlotKind, Value};
pub use op::{Op, Type};
pub use read::read;
pub use verify::verify;
