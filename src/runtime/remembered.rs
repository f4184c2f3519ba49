//! What parts of a running network remember from step to step, as plain data.

use super::buffer::Buffer;
use super::exchange::Process;
use super::ring::Ring;
use serde::{Deserialize, Serialize};

/// The raw numbers of an array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Raw(pub Vec<u8>);

/// The cells of a population, arrays in the order of the kernels' slots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    /// States.
    pub states: Vec<Raw>,
    /// Weights under way, by port.
    pub rings: Vec<Raw>,
    /// Values of analog ports that change.
    pub inputs: Vec<Raw>,
    /// States of cables.
    pub cables: Vec<Raw>,
    /// Step sizes of an adaptive scheme.
    pub adaptive: Vec<f64>,
}

/// States per presynaptic cell of a projection that does not learn, and the steps of the last events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sources {
    /// States.
    pub states: Vec<Raw>,
    /// Steps.
    pub last: Vec<u64>,
    /// Factors of the events of earlier steps, by handler.
    pub factors: Vec<Vec<Vec<f64>>>,
}

impl Raw {
    /// Copies an array.
    pub fn of(b: &Buffer) -> Raw {
        Raw(b.bytes().to_vec())
    }

    /// Copies the numbers back; false if they are not as many.
    pub fn restore(&self, b: &mut Buffer) -> bool {
        let fits = self.0.len() == b.bytes().len();
        if fits {
            b.bytes_mut().copy_from_slice(&self.0);
        }
        fits
    }

    /// Copies several arrays back.
    pub fn restore_all<'a>(all: &[Raw], to: impl ExactSizeIterator<Item = &'a mut Buffer>) -> bool {
        all.len() == to.len() && all.iter().zip(to).all(|(raw, b)| raw.restore(b))
    }
}

impl Raw {
    /// Copies what a process has of an array.
    pub fn part(ring: &Ring, process: Process) -> Raw {
        let mut own = Vec::new();
        ring.layout().take(process, ring.buffer.bytes(), &mut own);
        Raw(own)
    }

    /// Copies it back; false if it is not as much.
    pub fn restore_part(&self, ring: &mut Ring, process: Process) -> bool {
        let layout = ring.layout();
        let fits = self.0.len() == layout.bytes(process, ring.buffer.bytes().len());
        if fits {
            ring.use_all();
            layout.put(process, &self.0, ring.buffer.bytes_mut());
        }
        fits
    }
}
