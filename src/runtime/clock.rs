//! Functions of time that differ from cell to cell, computed in double precision for kernels in single precision.

use super::buffer::Buffer;
use crate::codegen::abi::SlotMemory;
use crate::codegen::{Backend, KernelFn, Steps, compile};
use crate::hir::VarId;
use crate::ir::Precision;
use crate::lower::{Binding, Clock, Elementwise, Held, Store};

/// The functions of a kernel.
pub struct LaneClocks {
    lanes: usize,
    clocks: Vec<LaneClock>,
}

/// One function: its code, the memory of its slots, and the slot of the kernel that holds its values.
struct LaneClock {
    slot: usize,
    function: KernelFn,
    slots: Vec<Held>,
    memory: Vec<Buffer>,
}

impl LaneClocks {
    /// Compiles the functions that slots of a kernel hold.
    pub fn new(bindings: &[Binding], lanes: usize, backend: Backend) -> LaneClocks {
        let clocks = bindings.iter().enumerate().filter_map(|(slot, binding)| match binding {
            Binding::Clock(clock) if !clock.is_uniform() => Some(LaneClock::new(slot, clock, lanes, backend)),
            _ => None,
        });
        LaneClocks { lanes, clocks: clocks.collect() }
    }

    /// Computes the values at a time as those of step `s` of a pass.
    pub fn fill(&mut self, t: f64, s: usize, own: &mut [Option<Buffer>]) {
        let lanes = self.lanes;
        for clock in &mut self.clocks {
            let to = &mut own[clock.slot];
            let values = clock.run(t, lanes);
            if let Some(to) = to {
                (0..lanes).for_each(|i| to.set(s * lanes + i, values.get(i)));
            }
        }
    }
}

impl LaneClock {
    fn new(slot: usize, clock: &Clock, lanes: usize, backend: Backend) -> LaneClock {
        let (column, definition) = (|v: VarId| clock.column(v), |v: VarId| clock.definition(v));
        // Lanes beyond the last cell repeat it.
        let cells = clock.columns.iter().filter_map(|(_, c)| c.listed()).min().unwrap_or(lanes);
        let stores = [Store::Out(clock.e.clone())];
        let build = Elementwise {
            name: "clock".into(),
            precision: Precision::F64,
            dt: clock.dt,
            names: &|v| format!("{v}"),
            n_lanes: cells,
            params: &column,
            lets: &definition,
            place: &|_| None,
            temps: &[],
            stores: &stores,
        };
        let kernel = build.lower();
        let function = compile(backend, &kernel.kernel, Steps::One);
        let memory = |held: &Held| match held {
            Held::Fixed(values) => Buffer::repeating(lanes, Precision::F64, values),
            Held::Time => Buffer::new(16, Precision::F64),
            _ => Buffer::new(lanes, Precision::F64),
        };
        let memory = kernel.slots.iter().map(memory).collect();
        LaneClock { slot, function, slots: kernel.slots, memory }
    }

    fn run(&mut self, t: f64, lanes: usize) -> &Buffer {
        let mut out = 0;
        for (k, (held, memory)) in self.slots.iter().zip(&mut self.memory).enumerate() {
            match held {
                Held::Time => memory.set(0, t),
                Held::Out(_) => out = k,
                _ => {}
            }
        }
        let table: Vec<SlotMemory> = self.memory.iter_mut().map(Buffer::in_place).collect();
        // SAFETY: every slot is a buffer of at least `lanes` numbers, or of one where all lanes share it.
        unsafe { self.function.call(&table, 0, lanes, 1) };
        &self.memory[out]
    }
}
