//! Where things are while a kernel runs: slots in memory, what lies on the stack, constants in registers.

use super::assembler::Assembler;
use super::isa::{Form, Isa, Vop};
use crate::ir::{Kernel, Slot, SlotDef, SlotKind};
use cranelift_entity::EntityRef;
use iced_x86::{Code, Instruction, MemoryOperand, Register};

/// Offset of the block of lanes in a row of numbers, in bytes.
pub const OFFSET: Register = Register::RSI;
/// Where the last block ends, in bytes.
pub const END: Register = Register::RDX;
/// Offset of the block in a row of events, in bytes.
pub const EVENT_OFFSET: Register = Register::RCX;
/// For addresses that are needed once.
pub const SCRATCH: Register = Register::RAX;

/// Registers that hold the addresses of slots; the first ones survive a call.
const POINTERS: [Register; 11] = [
    Register::RBX,
    Register::RBP,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
];

/// Registers that a call may change and that the code needs afterwards.
pub const CALLER_SAVED: [Register; 8] =
    [OFFSET, END, EVENT_OFFSET, Register::RDI, Register::R8, Register::R9, Register::R10, Register::R11];

/// A word on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word(pub u32);

/// The stack pointer to return with.
pub const SAVED_STACK: Word = Word(0);
/// The arguments.
pub const ARGS: Word = Word(1);
/// The number of steps.
pub const STEPS: Word = Word(2);
/// Steps still to make.
pub const LEFT: Word = Word(3);
/// The table of slots.
pub const TABLE: Word = Word(4);
/// Room for the registers that a call may change.
pub const CALL: Word = Word(5);
const FIRST_POINTER: u32 = CALL.0 + CALLER_SAVED.len() as u32;

/// A vector on the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spill(u32);

/// An operand in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Memory {
    /// One number per lane.
    Lanes(MemoryOperand),
    /// One number for all lanes.
    One(MemoryOperand),
}

/// Which of the two arrays of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is read.
    Input,
    /// What is written.
    Output,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Home {
    Register(Register),
    Stack(Word),
}

/// The address of one array of a slot.
#[derive(Debug, Clone, Copy)]
struct Pointer {
    slot: Slot,
    side: Side,
    home: Home,
}

/// The frame of a function under construction.
pub struct Frame {
    /// What is being written.
    pub asm: Assembler,
    /// For which machine.
    pub form: Form,
    kinds: Vec<SlotKind>,
    pointers: Vec<Pointer>,
    /// Constants that stay in registers.
    pinned: Vec<(u64, u8)>,
    /// What is zero unless a state was not finite: room on the stack, and the register where it stays meanwhile.
    status: Spill,
    status_register: Option<u8>,
    spills: u32,
    words: u32,
}

/// Returns a memory operand.
pub fn at(base: Register, index: Register, displacement: i64) -> MemoryOperand {
    let size = match displacement {
        0 => 0,
        -128..=127 => 1,
        _ => 8,
    };
    MemoryOperand::new(base, index, 1, displacement, size, false, Register::None)
}

impl Frame {
    /// Gives every array that a kernel touches a home for its address.
    pub fn new(form: Form, kernel: &Kernel) -> Frame {
        let mut wanted: Vec<(Slot, Side)> = Vec::new();
        // Events first: their stores are awkward without a register.
        let event = |def: &SlotDef| def.kind == SlotKind::Event;
        let slots = kernel.slots.iter().filter(|(_, d)| event(d)).chain(kernel.slots.iter().filter(|(_, d)| !event(d)));
        for (slot, def) in slots {
            match def.kind {
                SlotKind::State => wanted.extend([(slot, Side::Input), (slot, Side::Output)]),
                SlotKind::Lane | SlotKind::Step | SlotKind::Uniform => wanted.push((slot, Side::Input)),
                SlotKind::Out | SlotKind::Event => wanted.push((slot, Side::Output)),
            }
        }
        let stack = wanted.len().saturating_sub(POINTERS.len()) as u32;
        let home = |i: usize| match POINTERS.get(i) {
            Some(r) => Home::Register(*r),
            None => Home::Stack(Word(FIRST_POINTER + (i - POINTERS.len()) as u32)),
        };
        let pointers =
            wanted.into_iter().enumerate().map(|(i, (slot, side))| Pointer { slot, side, home: home(i) }).collect();
        Frame {
            asm: Assembler::new(form),
            form,
            kinds: kernel.slots.values().map(|d| d.kind).collect(),
            pointers,
            pinned: Vec::new(),
            status: Spill(0),
            status_register: None,
            spills: 1,
            words: FIRST_POINTER + stack,
        }
    }

    /// Appends an instruction of the machine.
    pub fn emit(&mut self, instruction: Result<Instruction, iced_x86::IcedError>) {
        self.asm.emit(instruction);
    }

    /// Returns the operand of a word on the stack.
    pub fn word(&self, word: Word) -> MemoryOperand {
        at(Register::RSP, Register::None, i64::from(word.0) * 8)
    }

    /// Makes room for a vector on the stack.
    pub fn spill(&mut self) -> Spill {
        self.spills += 1;
        Spill(self.spills - 1)
    }

    /// Returns the operand of a vector on the stack.
    pub fn spilled(&self, spill: Spill) -> MemoryOperand {
        let first = (self.words as usize * 8).next_multiple_of(64);
        at(Register::RSP, Register::None, (first + spill.0 as usize * self.form.isa.bytes()) as i64)
    }

    /// Returns the bytes of the frame.
    pub fn size(&self) -> usize {
        (self.words as usize * 8).next_multiple_of(64) + self.spills as usize * self.form.isa.bytes() + 64
    }

    /// Returns the operand of a slot's array at the current block and step; slots behind the kernel's own are those of the
    /// blocks after it ([`crate::ir::passes::side_by_side`]).
    pub fn slot(&mut self, slot: Slot, side: Side) -> Memory {
        let block = slot.index() / self.kinds.len();
        let slot = Slot::new(slot.index() % self.kinds.len());
        let pointer = self.pointers.iter().find(|p| p.slot == slot && p.side == side);
        let Some(pointer) = pointer.copied() else { crate::ice!("{slot} has no address") };
        let base = match pointer.home {
            Home::Register(r) => r,
            Home::Stack(w) => {
                let word = self.word(w);
                self.emit(Instruction::with2(Code::Mov_r64_rm64, SCRATCH, word));
                SCRATCH
            }
        };
        match self.kinds[slot.index()] {
            SlotKind::Uniform => Memory::One(at(base, Register::None, 0)),
            SlotKind::Event => Memory::Lanes(at(base, EVENT_OFFSET, (block * self.form.event_bytes()) as i64)),
            _ => Memory::Lanes(at(base, OFFSET, (block * self.form.isa.bytes()) as i64)),
        }
    }

    /// Loads addresses from the table: all, or those that move with the step.
    pub fn load_pointers(&mut self, moving_only: bool) {
        let table = self.word(TABLE);
        self.emit(Instruction::with2(Code::Mov_r64_rm64, SCRATCH, table));
        for p in self.pointers.clone() {
            if moving_only && !self.moves(p.slot) {
                continue;
            }
            let from =
                at(SCRATCH, Register::None, i64::from(p.slot.as_u32()) * 24 + i64::from(p.side == Side::Output) * 8);
            match p.home {
                Home::Register(r) => self.emit(Instruction::with2(Code::Mov_r64_rm64, r, from)),
                Home::Stack(w) => {
                    // `SCRATCH` holds the table; the vector unit lends a register.
                    let word = self.word(w);
                    self.emit(Instruction::with2(Code::VEX_Vmovq_xmm_rm64, Register::XMM0, from));
                    self.emit(Instruction::with2(Code::VEX_Vmovq_rm64_xmm, word, Register::XMM0));
                }
            }
        }
    }

    /// Moves addresses on to the next step.
    pub fn advance_pointers(&mut self) {
        let moving: Vec<Pointer> = self.pointers.iter().filter(|p| self.moves(p.slot)).copied().collect();
        if moving.is_empty() {
            return;
        }
        // The end of the lanes lends its register.
        let (table, aside) = (self.word(TABLE), self.word(CALL));
        self.emit(Instruction::with2(Code::Mov_rm64_r64, aside, END));
        self.emit(Instruction::with2(Code::Mov_r64_rm64, SCRATCH, table));
        for p in moving {
            let stride = at(SCRATCH, Register::None, i64::from(p.slot.as_u32()) * 24 + 16);
            self.emit(Instruction::with2(Code::Mov_r64_rm64, END, stride));
            match p.home {
                Home::Register(r) => self.emit(Instruction::with2(Code::Add_r64_rm64, r, END)),
                Home::Stack(w) => {
                    let word = self.word(w);
                    self.emit(Instruction::with2(Code::Add_rm64_r64, word, END));
                }
            }
        }
        self.emit(Instruction::with2(Code::Mov_r64_rm64, END, aside));
    }

    fn moves(&self, slot: Slot) -> bool {
        !matches!(self.kinds[slot.as_u32() as usize], SlotKind::State | SlotKind::Lane)
    }

    /// Returns a constant that stays in a register.
    pub fn pinned(&self, bits: u64) -> Option<u8> {
        self.pinned.iter().find(|(b, _)| *b == bits).map(|(_, r)| *r)
    }

    /// Keeps constants in registers, from the last one downwards.
    pub fn pin(&mut self, constants: impl Iterator<Item = u64>) {
        let last = self.form.isa.registers() - 1;
        self.pinned = constants.enumerate().map(|(i, bits)| (bits, last - i as u8)).collect();
    }

    /// Keeps the status in the register below the constants.
    pub fn pin_status(&mut self) {
        self.status_register = Some(self.end() - 1);
    }

    /// Returns how many registers values may have.
    pub fn end(&self) -> u8 {
        self.form.isa.registers() - self.pinned.len() as u8 - u8::from(self.status_register.is_some())
    }

    /// Loads what stays in registers.
    pub fn load_pinned(&mut self) {
        for (bits, register) in self.pinned.clone() {
            self.load_constant(bits, register);
        }
        if let Some(r) = self.status_register {
            let from = self.status();
            self.load(r, Memory::Lanes(from));
        }
    }

    /// Puts the status on the stack if it is in a register.
    pub fn store_status(&mut self) {
        if let Some(r) = self.status_register {
            let to = self.status();
            self.store(to, r);
        }
    }

    /// Returns the operand of the status on the stack.
    pub fn status(&self) -> MemoryOperand {
        self.spilled(self.status)
    }

    /// Adds a register to the status that stays in one.
    pub fn add_to_status(&mut self, register: u8) {
        let Some(r) = self.status_register else { crate::ice!("the status is in no register") };
        let (sum, x) = (self.form.vector(r), self.form.vector(register));
        self.emit(Instruction::with3(self.form.code(Vop::Add), sum, sum, x));
    }

    /// Loads a constant into all lanes of a register.
    pub fn load_constant(&mut self, bits: u64, register: u8) {
        let constant = self.asm.constant(bits);
        let (memory, to) = (self.asm.lane_of(constant), self.form.vector(register));
        self.emit(Instruction::with2(self.form.code(Vop::Broadcast), to, memory));
    }

    /// Loads a vector register.
    pub fn load(&mut self, register: u8, from: Memory) {
        let to = self.form.vector(register);
        match from {
            Memory::Lanes(m) => self.emit(Instruction::with2(self.form.code(Vop::Move), to, m)),
            Memory::One(m) => self.emit(Instruction::with2(self.form.code(Vop::Broadcast), to, m)),
        }
    }

    /// Stores a vector register.
    pub fn store(&mut self, to: MemoryOperand, register: u8) {
        let from = self.form.vector(register);
        self.emit(Instruction::with2(self.form.code(Vop::Store), to, from));
    }

    /// Copies a vector register.
    pub fn copy(&mut self, to: u8, from: u8) {
        if to != from {
            let (to, from) = (self.form.vector(to), self.form.vector(from));
            self.emit(Instruction::with2(self.form.code(Vop::Move), to, from));
        }
    }

    /// Returns whether masks have registers of their own.
    pub fn has_mask_registers(&self) -> bool {
        self.form.isa == Isa::Avx512
    }
}
