//! Instructions with labels and constants, and the executable memory they end up in.

use super::isa::{Form, Isa};
use iced_x86::{
    BlockEncoder, BlockEncoderOptions, Code, FastFormatter, Instruction, InstructionBlock, MemoryOperand, Register,
};
use memmap2::{Mmap, MmapMut};
use std::collections::HashMap;

/// A place in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label(u64);

/// A constant, by its number in the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Constant(usize);

/// Collects instructions and constants.
pub struct Assembler {
    form: Form,
    code: Vec<Instruction>,
    labels: u64,
    /// The label of the next instruction.
    bound: Option<Label>,
    constants: Vec<u64>,
    known: HashMap<u64, Constant>,
}

/// Constants are addressed from here until their memory is known; no label is as large.
const POOL: u64 = 1 << 40;

impl Assembler {
    /// Starts.
    pub fn new(form: Form) -> Assembler {
        Assembler { form, code: Vec::new(), labels: 0, bound: None, constants: Vec::new(), known: HashMap::new() }
    }

    /// Appends an instruction.
    pub fn push(&mut self, mut instruction: Instruction) {
        if let Some(Label(ip)) = self.bound.take() {
            instruction.set_ip(ip);
        }
        self.code.push(instruction);
    }

    /// Appends an instruction that was just made.
    pub fn emit(&mut self, instruction: Result<Instruction, iced_x86::IcedError>) {
        let instruction = instruction.unwrap_or_else(|e| crate::ice!("no such instruction: {e}"));
        self.push(instruction);
    }

    /// Takes out what has been written, to be appended after something else.
    pub fn take(&mut self) -> Vec<Instruction> {
        std::mem::take(&mut self.code)
    }

    /// Appends instructions that were taken out.
    pub fn append(&mut self, code: Vec<Instruction>) {
        self.code.extend(code);
    }

    /// Makes a label to be bound later.
    pub fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    /// Lets a label be the place of the next instruction.
    pub fn bind(&mut self, label: Label) {
        if self.bound.is_some() {
            self.push(Instruction::with(Code::Nopd));
        }
        self.bound = Some(label);
    }

    /// Jumps, always or on a condition.
    pub fn branch(&mut self, code: Code, to: Label) {
        self.emit(Instruction::with_branch(code, to.0));
    }

    /// Finds or adds a constant: the bits of one lane.
    pub fn constant(&mut self, bits: u64) -> Constant {
        *self.known.entry(bits).or_insert_with(|| {
            self.constants.push(bits);
            Constant(self.constants.len() - 1)
        })
    }

    /// Returns the memory operand of a constant: one lane where instructions can repeat it, else a vector.
    pub fn memory_of(&self, constant: Constant) -> MemoryOperand {
        let at = POOL + (constant.0 * self.step()) as u64;
        let broadcast = self.form.isa == Isa::Avx512;
        MemoryOperand::new(Register::RIP, Register::None, 1, at as i64, 8, broadcast, Register::None)
    }

    /// Returns the memory operand of one lane of a constant.
    pub fn lane_of(&self, constant: Constant) -> MemoryOperand {
        let at = POOL + (constant.0 * self.step()) as u64;
        MemoryOperand::with_base_displ_size(Register::RIP, at as i64, 8)
    }

    /// Bytes from constant to constant.
    fn step(&self) -> usize {
        match self.form.isa {
            Isa::Avx512 => self.form.precision.bytes(),
            Isa::Avx2 => self.form.isa.bytes(),
        }
    }

    fn pool(&self) -> Vec<u8> {
        let (step, size) = (self.step(), self.form.precision.bytes());
        let mut out = Vec::with_capacity(self.constants.len() * step);
        for bits in &self.constants {
            for _ in 0..step / size {
                out.extend_from_slice(&bits.to_le_bytes()[..size]);
            }
        }
        out
    }

    /// Returns the instructions as text, a line each.
    pub fn text(&self) -> String {
        let mut formatter = FastFormatter::new();
        let mut out = String::new();
        for i in &self.code {
            if i.ip() != 0 {
                out.push_str(&format!("L{}:\n", i.ip()));
            }
            out.push_str("    ");
            formatter.format(i, &mut out);
            out.push('\n');
        }
        out
    }

    /// Places constants and code into executable memory; returns it and where the code begins.
    pub fn finish(mut self) -> (Mmap, usize) {
        let pool = self.pool();
        let begin = pool.len().next_multiple_of(64);
        let room = begin + self.code.len() * 16 + 64;
        let mut memory = MmapMut::map_anon(room).unwrap_or_else(|e| crate::ice!("no memory for code: {e}"));
        let base = memory.as_ptr() as u64;
        for i in &mut self.code {
            if i.is_ip_rel_memory_operand() && i.memory_displacement64() >= POOL {
                i.set_memory_displacement64(i.memory_displacement64() - POOL + base);
            }
        }
        let block = InstructionBlock::new(&self.code, base + begin as u64);
        let encoded = BlockEncoder::encode(64, block, BlockEncoderOptions::NONE)
            .unwrap_or_else(|e| crate::ice!("code cannot be encoded: {e}"));
        memory[..pool.len()].copy_from_slice(&pool);
        memory[begin..begin + encoded.code_buffer.len()].copy_from_slice(&encoded.code_buffer);
        let memory = memory.make_exec().unwrap_or_else(|e| crate::ice!("memory cannot be made executable: {e}"));
        (memory, begin)
    }
}
