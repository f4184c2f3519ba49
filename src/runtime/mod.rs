//! Runs a planned network. Knows neither names of the language nor equations: states are arrays, updates are kernels.
//!
//! Input: a [`crate::plan::Network`] and compiled kernels. Output: states and events, step by step, the same bits for
//! any number of threads.

mod adaptive;
mod asked;
mod batched;
mod bits;
mod buffer;
mod cable;
mod chance;
mod clock;
mod continuous;
mod delivery;
mod drive;
pub mod exchange;
pub mod extent;
mod failure;
mod history;
mod memory;
mod noise;
mod options;
mod phases;
mod plastic;
mod pool;
mod population;
pub mod product;
mod profile;
mod projection;
mod rate;
mod reading;
mod remembered;
mod ring;
mod rows;
mod running;
mod signals;
mod simulation;
mod snapshot;
mod spikes;
mod step;
mod sums;
mod time;
mod together;
mod transposes;
mod tuning;
mod windows;

pub use batched::{Batched, Stopped};
pub use buffer::Buffer;
pub use failure::Failure;
pub use options::Options;
pub use profile::Row as ProfileRow;
pub use rate::{Effort as RateEffort, RateExtent, RateNetwork, Rows};
pub use running::{Running, Snapshot};
pub use simulation::{Observer, Simulation, Unwatched, Work};
pub use snapshot::Share;
pub use spikes::Spikes;
pub use time::{PortFunction, TimeFunction};
pub use windows::TooShort;
