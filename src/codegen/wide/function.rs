//! The loops around a kernel's body.
//!
//! ```text
//! for block in begin..end {                       one step:  body from memory to memory
//!     states = load                               many:      for step in 0..n_steps { states = body(states) }
//!     store states; status += 0 * states
//! }
//! ```
//! A block is a vector of lanes; for many steps several vectors side by side as long as there are so many, then single ones.
//! Where an event happens the code leaves a body made for steps without events; it calls for the random bits that only steps
//! with events need and runs the whole kernel.

use super::assembler::{Assembler, Label};
use super::body::{Body, Carried, Departure};
use super::frame::*;
use super::isa::{Form, Isa, Vop};
use super::program::{Carry, Program, program};
use crate::codegen::{Random, Steps};
use crate::ir::passes::{Quiet, quiet, side_by_side};
use crate::ir::{Kernel, Slot, SlotKind};
use iced_x86::{Code, Instruction, Register};

/// Registers that a function must leave as they were.
const CALLEE_SAVED: [Register; 6] =
    [Register::RBX, Register::RBP, Register::R12, Register::R13, Register::R14, Register::R15];

/// Vectors of lanes that go through their steps together: more of them gained nothing.
const SEVERAL: usize = 4;

/// The same where values on the stack would keep a short kernel waiting, and what is short.
const FEW: usize = 2;
const SHORT: usize = 32;

/// Lanes are asked for in multiples of so many.
const MULTIPLE: usize = 16;

/// Registers that are kept free for what lives shortly.
const SHORT_LIVED: u8 = 6;

/// Writes the function of a kernel.
pub fn write(form: Form, kernel: &Kernel, steps: Steps) -> Assembler {
    let mut w = Writer { f: Frame::new(form, kernel) };
    match steps {
        Steps::One => w.one(&Variants::of(kernel.clone(), 1)),
        Steps::Many => w.many(kernel),
    }
    w.finish()
}

struct Writer {
    f: Frame,
}

/// A kernel, and what runs as long as no event happens.
struct Variants {
    whole: Kernel,
    quiet: Option<Quiet>,
    /// For so many vectors of lanes.
    blocks: usize,
}

impl Variants {
    fn of(whole: Kernel, blocks: usize) -> Variants {
        Variants { quiet: quiet(&whole), whole, blocks }
    }

    /// The kernel that runs first, and the condition on which it is left.
    fn first(&self) -> (&Kernel, Option<Slot>) {
        match &self.quiet {
            Some(q) => (&q.kernel, Some(q.any)),
            None => (&self.whole, None),
        }
    }

    fn states(&self) -> Vec<Slot> {
        self.whole.slots.iter().filter(|(_, d)| d.kind == SlotKind::State).map(|(s, _)| s).collect()
    }
}

impl Writer {
    fn one(&mut self, kernel: &Variants) {
        let form = self.f.form;
        let (first, any) = kernel.first();
        let first = program(form, first, any, Carry::Memory);
        self.pin(&first, 2);
        self.f.pin_status();
        let (next, done) = self.begin(kernel.blocks);
        let departure = Body::new(&mut self.f, &first, &[]).through_memory();
        self.next_block(next, kernel.blocks);
        if let Some(Departure { to, .. }) = departure {
            self.f.asm.bind(to);
            self.draw(kernel);
            let whole = program(form, &kernel.whole, None, Carry::Memory);
            Body::new(&mut self.f, &whole, &[]).through_memory();
            self.next_block(next, kernel.blocks);
        }
        self.f.asm.bind(done);
        self.f.store_status();
    }

    /// Writes the loops for any number of steps: over some vectors of lanes at a time, since the steps of one vector wait for each
    /// other (that saves more than it costs if values then have to go to the stack, but in short kernels with many states); then
    /// over what is left, one by one.
    fn many(&mut self, kernel: &Kernel) {
        let form = self.f.form;
        let states = kernel.slots.values().filter(|d| d.kind == SlotKind::State).count();
        let room = (form.isa.registers() - SHORT_LIVED) as usize;
        let together = if SEVERAL * states > room && kernel.values.len() < SHORT { FEW } else { SEVERAL };
        let kernels = Variants::of(side_by_side(kernel, together), together);
        let (first, any) = kernels.first();
        self.pin(&program(form, first, any, Carry::Values(&kernels.states())), 0);
        self.blocks(&kernels);
        if !MULTIPLE.is_multiple_of(together * form.lanes()) {
            self.blocks(&Variants::of(kernel.clone(), 1));
        }
    }

    /// Writes the loop over blocks of lanes, and within it the one over steps.
    fn blocks(&mut self, kernel: &Variants) {
        let form = self.f.form;
        let states = kernel.states();
        let (first, any) = kernel.first();
        let first = program(form, first, any, Carry::Values(&states));
        // Homes: registers for the states that the first body reads, as far as they go.
        let mut free = 0..self.f.end() - SHORT_LIVED;
        let homes: Vec<Carried> = states
            .iter()
            .map(|s| match first.start_of(*s).and_then(|_| free.next()) {
                Some(r) => Carried::Register(r),
                None => Carried::Stack(self.f.spill()),
            })
            .collect();
        let carried = |p: &Program| -> Vec<Carried> {
            states.iter().zip(&homes).filter(|(s, _)| p.start_of(**s).is_some()).map(|(_, h)| *h).collect()
        };

        let (next, done) = self.begin(kernel.blocks);
        self.f.load_pointers(true);
        for (state, home) in states.iter().zip(&homes) {
            let from = self.f.slot(*state, Side::Input);
            match home {
                Carried::Register(r) => self.f.load(*r, from),
                Carried::Stack(s) => {
                    let aside = self.f.end() - 1;
                    self.f.load(aside, from);
                    let to = self.f.spilled(*s);
                    self.f.store(to, aside);
                }
            }
        }
        let (steps, left) = (self.f.word(STEPS), self.f.word(LEFT));
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, SCRATCH, steps));
        self.f.emit(Instruction::with2(Code::Mov_rm64_r64, left, SCRATCH));
        let (again, join) = (self.f.asm.label(), self.f.asm.label());
        self.f.asm.bind(again);
        let departure = Body::new(&mut self.f, &first, &carried(&first)).through_registers(&states, &homes);
        self.f.asm.bind(join);
        self.f.advance_pointers();
        self.f.emit(Instruction::with1(Code::Dec_rm64, left));
        self.f.asm.branch(Code::Jne_rel32_64, again);
        self.store_states(&states, &homes);
        self.next_block(next, kernel.blocks);

        if let Some(Departure { to, values }) = departure {
            self.f.asm.bind(to);
            // The values at the beginning of the step, on the stack.
            let mut values = values.into_iter();
            let before: Vec<Carried> = states
                .iter()
                .zip(&homes)
                .map(|(s, home)| match first.start_of(*s).and_then(|_| values.next()).unwrap_or(*home) {
                    Carried::Register(r) => {
                        let spill = self.f.spill();
                        let to = self.f.spilled(spill);
                        self.f.store(to, r);
                        Carried::Stack(spill)
                    }
                    stack => stack,
                })
                .collect();
            self.draw(kernel);
            let whole = program(form, &kernel.whole, None, Carry::Values(&states));
            let start: Vec<Carried> =
                states.iter().zip(&before).filter(|(s, _)| whole.start_of(**s).is_some()).map(|(_, b)| *b).collect();
            // What neither body reads stays where it is; what only the first one read goes back.
            for ((state, home), before) in states.iter().zip(&homes).zip(&before) {
                if let (Carried::Register(r), Carried::Stack(s)) = (home, before)
                    && whole.start_of(*state).is_none()
                    && whole.end_of(*state).is_none()
                {
                    let from = self.f.spilled(*s);
                    self.f.load(*r, Memory::Lanes(from));
                }
            }
            Body::new(&mut self.f, &whole, &start).through_registers(&states, &homes);
            self.f.asm.branch(Code::Jmp_rel32_64, join);
        }
        self.f.asm.bind(done);
    }

    /// Chooses constants that stay in registers: those read most, in the registers that nothing else needs.
    fn pin(&mut self, first: &Program, reserved: usize) {
        let form = self.f.form;
        let room =
            (form.isa.registers() as usize).saturating_sub(first.pressure(form) + reserved + SHORT_LIVED as usize);
        let mut constants = first.constants();
        constants.sort_by_key(|(bits, n)| (std::cmp::Reverse(*n), *bits));
        self.f.pin(constants.into_iter().map(|(bits, _)| bits).take(room));
    }

    /// Begins the loop over so many blocks at a time, as long as there are so many; returns where it goes on and where it ends.
    fn begin(&mut self, blocks: usize) -> (Label, Label) {
        let (next, done) = (self.f.asm.label(), self.f.asm.label());
        self.f.asm.bind(next);
        let after = at(OFFSET, Register::None, (blocks * self.f.form.isa.bytes()) as i64);
        self.f.emit(Instruction::with2(Code::Lea_r64_m, SCRATCH, after));
        self.f.emit(Instruction::with2(Code::Cmp_r64_rm64, SCRATCH, END));
        self.f.asm.branch(Code::Ja_rel32_64, done);
        (next, done)
    }

    fn next_block(&mut self, next: Label, blocks: usize) {
        let form = self.f.form;
        let (numbers, events) = (blocks * form.isa.bytes(), blocks * form.event_bytes());
        self.f.emit(Instruction::with2(Code::Add_rm64_imm32, OFFSET, numbers as u32));
        self.f.emit(Instruction::with2(Code::Add_rm64_imm32, EVENT_OFFSET, events as u32));
        self.f.asm.branch(Code::Jmp_rel32_64, next);
    }

    /// Stores states at the end of the last step and adds to the status.
    fn store_states(&mut self, states: &[Slot], homes: &[Carried]) {
        let form = self.f.form;
        let [sum, zero, aside] = [1, 2, 3].map(|k| self.f.end() - k);
        self.f.load_constant(0, zero);
        let from = self.f.status();
        self.f.load(sum, Memory::Lanes(from));
        for (state, home) in states.iter().zip(homes) {
            let r = match home {
                Carried::Register(r) => *r,
                Carried::Stack(s) => {
                    let from = self.f.spilled(*s);
                    self.f.load(aside, Memory::Lanes(from));
                    aside
                }
            };
            if let Memory::Lanes(to) = self.f.slot(*state, Side::Output) {
                self.f.store(to, r);
            }
            let (d, x, z) = (form.vector(sum), form.vector(r), form.vector(zero));
            self.f.emit(Instruction::with3(form.code(Vop::Fma231), d, x, z));
        }
        let to = self.f.status();
        self.f.store(to, sum);
    }

    /// Calls for the random bits that only the whole kernel reads.
    fn draw(&mut self, kernel: &Variants) {
        if Random::of(&kernel.whole, kernel.quiet.as_ref()).on_demand.is_empty() {
            return;
        }
        self.f.store_status();
        for (i, r) in CALLER_SAVED.into_iter().enumerate() {
            let word = self.f.word(Word(CALL.0 + i as u32));
            self.f.emit(Instruction::with2(Code::Mov_rm64_r64, word, r));
        }
        let form = self.f.form;
        let (args, steps, left) = (self.f.word(ARGS), self.f.word(STEPS), self.f.word(LEFT));
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, Register::RDX, OFFSET));
        let shift = form.precision.bytes().trailing_zeros();
        self.f.emit(Instruction::with2(Code::Shr_rm64_imm8, Register::RDX, shift));
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, Register::RSI, steps));
        self.f.emit(Instruction::with2(Code::Sub_r64_rm64, Register::RSI, left));
        self.f.emit(Instruction::with2(Code::Mov_r32_imm32, Register::ECX, (kernel.blocks * form.lanes()) as u32));
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, Register::RDI, args));
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, Register::RDI, at(Register::RDI, Register::None, 8)));
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, SCRATCH, at(Register::RDI, Register::None, 0)));
        self.f.asm.push(Instruction::with(Code::VEX_Vzeroupper));
        self.f.emit(Instruction::with1(Code::Call_rm64, SCRATCH));
        for (i, r) in CALLER_SAVED.into_iter().enumerate() {
            let word = self.f.word(Word(CALL.0 + i as u32));
            self.f.emit(Instruction::with2(Code::Mov_r64_rm64, r, word));
        }
        self.f.load_pinned();
    }

    /// Writes what comes before and after: the frame, whose size is known by now, and the status.
    fn finish(mut self) -> Assembler {
        let form = self.f.form;
        // Whether anything is not finite: a sum that is not equal to itself.
        let (sum, from) = (form.vector(0), self.f.status());
        self.f.load(0, Memory::Lanes(from));
        const UNORDERED: u32 = 3;
        self.f.emit(Instruction::with2(Code::Xor_r32_rm32, Register::EAX, Register::EAX));
        match form.isa {
            Isa::Avx512 => {
                self.f.emit(Instruction::with4(form.code(Vop::Compare), Register::K1, sum, sum, UNORDERED));
                self.f.emit(Instruction::with2(Code::VEX_Kmovw_r32_kr, Register::EAX, Register::K1));
            }
            Isa::Avx2 => {
                self.f.emit(Instruction::with4(form.code(Vop::Compare), sum, sum, sum, UNORDERED));
                self.f.emit(Instruction::with2(form.code(Vop::SignBits), Register::EAX, sum));
            }
        }
        // All bits, which is not a number in either precision, or none.
        self.f.emit(Instruction::with1(Code::Neg_rm64, Register::RAX));
        self.f.emit(Instruction::with2(Code::Sbb_r64_rm64, Register::RAX, Register::RAX));
        let args = self.f.word(ARGS);
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, Register::RDI, args));
        self.f.emit(Instruction::with2(Code::Mov_rm64_r64, at(Register::RDI, Register::None, 16), Register::RAX));
        let saved = self.f.word(SAVED_STACK);
        self.f.asm.push(Instruction::with(Code::VEX_Vzeroupper));
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, Register::RSP, saved));
        for r in CALLEE_SAVED.into_iter().rev() {
            self.f.emit(Instruction::with1(Code::Pop_r64, r));
        }
        self.f.asm.push(Instruction::with(Code::Retnq));

        // The prologue, now that the size of the frame is known.
        let body = self.f.asm.take();
        let size = self.f.size() as u32;
        for r in CALLEE_SAVED {
            self.f.emit(Instruction::with1(Code::Push_r64, r));
        }
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, SCRATCH, Register::RSP));
        self.f.emit(Instruction::with2(Code::Sub_rm64_imm32, Register::RSP, size));
        self.f.emit(Instruction::with2(Code::And_rm64_imm8, Register::RSP, -64));
        self.f.emit(Instruction::with2(Code::Mov_rm64_r64, saved, SCRATCH));
        self.f.emit(Instruction::with2(Code::Mov_rm64_r64, args, Register::RDI));
        let (steps, left, table) = (self.f.word(STEPS), self.f.word(LEFT), self.f.word(TABLE));
        self.f.emit(Instruction::with2(Code::Mov_rm64_r64, steps, Register::RCX));
        self.f.emit(Instruction::with2(Code::Mov_rm64_r64, left, Register::RCX));
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, SCRATCH, at(Register::RDI, Register::None, 0)));
        self.f.emit(Instruction::with2(Code::Mov_rm64_r64, table, SCRATCH));
        // Lanes to bytes.
        self.f.emit(Instruction::with2(Code::Mov_r64_rm64, EVENT_OFFSET, OFFSET));
        let (per_byte, bytes) = (form.lanes_per_byte().trailing_zeros(), form.precision.bytes().trailing_zeros());
        self.f.emit(Instruction::with2(Code::Shr_rm64_imm8, EVENT_OFFSET, per_byte));
        self.f.emit(Instruction::with2(Code::Shl_rm64_imm8, OFFSET, bytes));
        self.f.emit(Instruction::with2(Code::Shl_rm64_imm8, END, bytes));
        self.f.load_pointers(false);
        self.f.load_constant(0, 0);
        let to = self.f.status();
        self.f.store(to, 0);
        self.f.load_pinned();
        self.f.asm.append(body);
        self.f.asm
    }
}
