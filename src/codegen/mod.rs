//! Kernels to executable functions. Every back end gives the interpreter's bits.

pub mod abi;
pub mod arrays;
pub mod cranelift;
#[cfg(all(target_arch = "x86_64", unix))]
pub mod wide;

use crate::ir::passes::Quiet;
use crate::ir::{Kernel, Op, Slot, interp};
use abi::{Args, Draw, SlotMemory};
use std::sync::Arc;

/// Which back end runs the kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backend {
    /// The reference interpreter.
    Interpreter,
    /// Cranelift, 128-bit SIMD, on every machine.
    Cranelift,
    /// Vectors of 256 or 512 bits, on machines that have them.
    Wide,
    /// The widest that the machine has.
    #[default]
    Auto,
}

impl Backend {
    /// The names of all back ends.
    pub const NAMES: [(&'static str, Backend); 4] = [
        ("interpreter", Backend::Interpreter),
        ("cranelift", Backend::Cranelift),
        ("wide", Backend::Wide),
        ("auto", Backend::Auto),
    ];

    /// Finds a back end by name.
    pub fn parse(name: &str) -> Option<Backend> {
        Backend::NAMES.iter().find(|(n, _)| *n == name).map(|(_, b)| *b)
    }

    /// Returns whether this machine can run its code.
    pub fn is_available(self) -> bool {
        self != Backend::Wide || wide_available()
    }
}

#[cfg(all(target_arch = "x86_64", unix))]
fn wide_available() -> bool {
    wide::Isa::detect().is_some()
}

#[cfg(not(all(target_arch = "x86_64", unix)))]
fn wide_available() -> bool {
    false
}

/// When the random bits of a slot are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// In every step, so they are there before the kernel runs.
    Before,
    /// At events only: the kernel asks for them.
    OnDemand,
    /// Never.
    Never,
}

/// Which slots of random bits a compiled kernel needs when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random {
    /// In every step.
    pub before: Vec<Slot>,
    /// In steps with events only.
    pub on_demand: Vec<Slot>,
}

impl Random {
    /// Looks at what a kernel reads, and what of it remains without events.
    fn of(kernel: &Kernel, quiet: Option<&Quiet>) -> Random {
        let bits = |kernel: &Kernel| -> Vec<Slot> {
            let load = |op: &Op| match op {
                Op::LoadBits(s) => Some(*s),
                _ => None,
            };
            kernel.values.values().filter_map(load).collect()
        };
        let before = bits(quiet.map_or(kernel, |q| &q.kernel));
        let on_demand = bits(kernel).into_iter().filter(|s| !before.contains(s)).collect();
        Random { before, on_demand }
    }

    fn need(&self, slot: Slot) -> Need {
        match (self.before.contains(&slot), self.on_demand.contains(&slot)) {
            (true, _) => Need::Before,
            (_, true) => Need::OnDemand,
            _ => Need::Never,
        }
    }
}

/// A compiled kernel; keeps its code alive.
#[derive(Clone)]
pub enum KernelFn {
    /// Interpreted.
    Interpreted(Arc<Kernel>),
    /// Compiled by Cranelift.
    Cranelift(cranelift::Compiled),
    /// Compiled for wide vectors.
    #[cfg(all(target_arch = "x86_64", unix))]
    Wide(wide::Compiled),
}

/// How many steps a call may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// One.
    One,
    /// Any number.
    Many,
}

/// Compiles one kernel.
pub fn compile(backend: Backend, kernel: &Kernel, steps: Steps) -> KernelFn {
    match backend {
        Backend::Interpreter => KernelFn::Interpreted(Arc::new(kernel.clone())),
        Backend::Cranelift => KernelFn::Cranelift(cranelift::compile(kernel, steps)),
        #[cfg(all(target_arch = "x86_64", unix))]
        Backend::Wide | Backend::Auto => match wide::Isa::detect() {
            Some(isa) => compile_wide(isa, kernel, steps),
            None => KernelFn::Cranelift(cranelift::compile(kernel, steps)),
        },
        #[cfg(not(all(target_arch = "x86_64", unix)))]
        Backend::Wide | Backend::Auto => KernelFn::Cranelift(cranelift::compile(kernel, steps)),
    }
}

/// Names the instructions that a back end chooses on this machine.
pub fn machine(backend: Backend) -> String {
    let architecture = std::env::consts::ARCH;
    match backend {
        #[cfg(all(target_arch = "x86_64", unix))]
        Backend::Wide | Backend::Auto => match wide::Isa::detect() {
            Some(isa) => format!("{architecture}, {isa:?}").to_lowercase(),
            None => format!("{architecture}, cranelift"),
        },
        _ => format!("{architecture}, cranelift"),
    }
}

/// Returns the machine instructions of a kernel; the interpreter's are Cranelift's.
pub fn assembly(backend: Backend, kernel: &Kernel, steps: Steps) -> String {
    match backend {
        #[cfg(all(target_arch = "x86_64", unix))]
        Backend::Wide | Backend::Auto => match wide::Isa::detect() {
            Some(isa) => wide::assembly(isa, kernel, steps),
            None => cranelift::assembly(kernel, steps),
        },
        _ => cranelift::assembly(kernel, steps),
    }
}

/// Compiles one kernel for an instruction set, which this machine must have.
#[cfg(all(target_arch = "x86_64", unix))]
pub fn compile_wide(isa: wide::Isa, kernel: &Kernel, steps: Steps) -> KernelFn {
    KernelFn::Wide(wide::compile(isa, kernel, steps))
}

impl KernelFn {
    /// Runs lanes `begin .. end` (multiples of 16) for `n_steps` steps; returns whether all states stayed finite.
    ///
    /// # Safety
    /// `slots` must hold one entry per slot of the kernel, each valid for the lanes and steps asked for as
    /// [`abi::SlotMemory`] describes, and no other thread may touch these lanes meanwhile.
    pub unsafe fn call(&self, slots: &[SlotMemory], begin: usize, end: usize, n_steps: usize) -> bool {
        // SAFETY: forwarded from the caller.
        unsafe { self.call_with(std::ptr::null(), slots, begin, end, n_steps) }
    }

    /// Returns when a slot of random bits must be filled.
    pub fn need(&self, slot: Slot) -> Need {
        match self {
            KernelFn::Interpreted(_) => Need::Before,
            KernelFn::Cranelift(f) => f.random.need(slot),
            #[cfg(all(target_arch = "x86_64", unix))]
            KernelFn::Wide(f) => f.random.need(slot),
        }
    }

    /// Returns how many lanes share a byte of an event slot.
    pub fn lanes_per_byte(&self) -> usize {
        match self {
            KernelFn::Interpreted(_) => abi::INTERPRETED_LANES_PER_BYTE,
            KernelFn::Cranelift(f) => f.lanes_per_byte(),
            #[cfg(all(target_arch = "x86_64", unix))]
            KernelFn::Wide(f) => f.lanes_per_byte(),
        }
    }

    /// Like [`KernelFn::call`], with a source for the slots that are filled on demand.
    ///
    /// # Safety
    /// As for [`KernelFn::call`]; if there are slots to be filled on demand, `draw` must point
    /// to what fills all of them.
    pub unsafe fn call_with(
        &self,
        draw: *const Draw,
        slots: &[SlotMemory],
        begin: usize,
        end: usize,
        n_steps: usize,
    ) -> bool {
        match self {
            KernelFn::Cranelift(f) => {
                let mut args = Args { slots: slots.as_ptr(), draw, status: [0; 2] };
                // SAFETY: forwarded from the caller.
                unsafe { f.call(&mut args, begin, end, n_steps) };
                args.finite(f.precision())
            }
            #[cfg(all(target_arch = "x86_64", unix))]
            KernelFn::Wide(f) => {
                let mut args = Args { slots: slots.as_ptr(), draw, status: [0; 2] };
                // SAFETY: forwarded from the caller.
                unsafe { f.call(&mut args, begin, end, n_steps) };
                args.finite(f.precision())
            }
            KernelFn::Interpreted(kernel) => {
                let mut scratch = Vec::new();
                let mut finite = true;
                for lane in begin..end {
                    for step in 0..n_steps {
                        let mut memory = abi::LaneMemory { kernel, slots, lane, step };
                        interp::run(kernel, &mut memory, &mut scratch);
                    }
                    finite &= abi::LaneMemory { kernel, slots, lane, step: 0 }.states_finite();
                }
                finite
            }
        }
    }
}
