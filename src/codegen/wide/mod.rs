//! The back end for vectors of 256 and 512 bits: straight-line kernels in the machine's own instructions.
//!
//! `program` chooses instructions and their order, `body` gives out registers while it writes one step, `function` puts the loops
//! around it, `frame` knows where slots and constants are, `assembler` encodes, `isa` is the table of instructions.

mod assembler;
mod body;
mod frame;
mod function;
mod isa;
mod program;

pub use isa::Isa;

use super::abi::Args;
use super::{Random, Steps};
use crate::ir::{Kernel, Precision, passes};
use isa::Form;
use memmap2::Mmap;
use std::sync::Arc;

type Entry = unsafe extern "sysv64" fn(*mut Args, usize, usize, usize);

/// A compiled kernel.
#[derive(Clone)]
pub struct Compiled {
    entry: Entry,
    form: Form,
    /// Which random bits it needs when.
    pub random: Arc<Random>,
    /// Keeps the machine code that `entry` points into alive.
    _code: Arc<Mmap>,
}

impl Compiled {
    /// Runs the kernel.
    ///
    /// # Safety
    /// As for [`super::KernelFn::call`].
    pub unsafe fn call(&self, args: &mut Args, begin: usize, end: usize, n_steps: usize) {
        // SAFETY: `entry` was written with this signature and `_code` keeps it; the rest is the caller's promise.
        unsafe { (self.entry)(args, begin, end, n_steps) }
    }

    /// Returns the kernel's precision.
    pub fn precision(&self) -> Precision {
        self.form.precision
    }

    /// Returns how many lanes share a byte of an event slot.
    pub fn lanes_per_byte(&self) -> usize {
        self.form.lanes_per_byte()
    }
}

/// Compiles one kernel for an instruction set that this processor has.
pub fn compile(isa: Isa, kernel: &Kernel, steps: Steps) -> Compiled {
    let form = Form { isa, precision: kernel.precision };
    let (code, begin) = function::write(form, kernel, steps).finish();
    // SAFETY: the code begins there and follows this convention.
    let entry = unsafe { std::mem::transmute::<*const u8, Entry>(code.as_ptr().add(begin)) };
    let random = Arc::new(Random::of(kernel, passes::quiet(kernel).as_ref()));
    Compiled { entry, form, random, _code: Arc::new(code) }
}

/// Returns the instructions of a kernel.
pub fn assembly(isa: Isa, kernel: &Kernel, steps: Steps) -> String {
    function::write(Form { isa, precision: kernel.precision }, kernel, steps).text()
}
