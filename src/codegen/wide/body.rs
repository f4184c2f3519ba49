//! The code of one step for one block of lanes. Registers are given out while the code is written: the next reader of every
//! value is known, so what is read last, or can be read from memory again, makes room.

use super::assembler::Label;
use super::frame::{CALL, END, Frame, Memory, Side, Spill};
use super::isa::{Isa, Vop};
use super::program::{Item, Node, Program, commutes};
use crate::ir::{Op, Slot, SlotKind, Type, Value};
use cranelift_entity::SecondaryMap;
use iced_x86::{Code, Instruction, MemoryOperand, Register};

/// Where a value that is carried from step to step lives between the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// In a register.
    Register(u8),
    /// On the stack.
    Stack(Spill),
}

/// Registers of one kind.
struct Bank {
    held: Vec<Option<Value>>,
    /// Not to be given away while the current instruction is made.
    locked: u32,
    /// Never given away.
    first: u8,
    end: u8,
}

impl Bank {
    fn new(first: u8, end: u8) -> Bank {
        Bank { held: vec![None; end as usize], locked: 0, first, end }
    }

    fn free(&self, hint: Option<u8>) -> Option<u8> {
        let is_free = |r: &u8| self.held[*r as usize].is_none() && self.locked >> r & 1 == 0;
        hint.filter(|r| (self.first..self.end).contains(r) && is_free(r))
            .or_else(|| (self.first..self.end).find(is_free))
    }
}

/// Where an operand is.
enum Place {
    Register(u8),
    Memory(Memory),
}

/// The values at a point from which the code leaves.
pub struct Departure {
    /// Where the code goes.
    pub to: Label,
    /// Where each carried value is.
    pub values: Vec<Carried>,
}

/// Writes one body.
pub struct Body<'a> {
    f: &'a mut Frame,
    p: &'a Program<'a>,
    vectors: Bank,
    masks: Bank,
    place: SecondaryMap<Value, Option<u8>>,
    spilled: SecondaryMap<Value, Option<Spill>>,
    /// Room on the stack that is free again, and that will be after the current instruction, which may still read it.
    room: Vec<Spill>,
    vacated: Vec<Spill>,
    at: u32,
    /// Where new values of states would like to be.
    hints: SecondaryMap<Value, Option<u8>>,
    /// Sums up `0 * x` of all states, which is zero unless one is not finite.
    finite: Option<u8>,
    departure: Option<Departure>,
}

impl<'a> Body<'a> {
    /// Begins; `carried` says where the program's carried values are.
    pub fn new(f: &'a mut Frame, p: &'a Program<'a>, carried: &[Carried]) -> Body<'a> {
        let vectors = Bank::new(0, f.end());
        let mut body = Body {
            f,
            p,
            vectors,
            masks: Bank::new(1, 8),
            place: SecondaryMap::new(),
            spilled: SecondaryMap::new(),
            room: Vec::new(),
            vacated: Vec::new(),
            at: 0,
            hints: SecondaryMap::new(),
            finite: None,
            departure: None,
        };
        for (v, home) in p.carried.iter().zip(carried) {
            match home {
                Carried::Register(r) => {
                    body.place[*v] = Some(*r);
                    body.vectors.held[*r as usize] = Some(*v);
                }
                Carried::Stack(s) => body.spilled[*v] = Some(*s),
            }
        }
        body
    }

    /// Writes everything; states go from memory to memory. Adds to the status and returns from where the code leaves.
    pub fn through_memory(mut self) -> Option<Departure> {
        let zero = self.take();
        self.finite = Some(zero);
        self.f.load_constant(0, zero);
        self.items();
        self.f.add_to_status(zero);
        self.departure
    }

    /// Writes everything; states end where `homes` says. Returns from where the code leaves.
    pub fn through_registers(mut self, states: &[Slot], homes: &[Carried]) -> Option<Departure> {
        for (state, home) in states.iter().zip(homes) {
            if let (Some(v), Carried::Register(r)) = (self.p.end_of(*state), home) {
                self.hints[v] = Some(*r);
            }
        }
        self.vectors.end -= 1;
        let aside = self.vectors.end;
        self.items();
        self.at = self.p.items.len() as u32;
        self.arrange(states, homes, aside);
        self.departure
    }

    fn items(&mut self) {
        for (i, item) in self.p.items.iter().enumerate() {
            self.at = i as u32;
            match *item {
                Item::Compute(v) => self.compute(v),
                Item::Store(slot, v) => self.store(slot, v),
                Item::Leave(v) => self.leave(v),
            }
            self.vectors.locked = 0;
            self.masks.locked = 0;
            self.room.append(&mut self.vacated);
        }
    }

    fn node(&self, v: Value) -> Node {
        self.p.nodes[v].unwrap_or_else(|| crate::ice!("{v} has no node"))
    }

    fn is_mask(&self, v: Value) -> bool {
        self.f.has_mask_registers() && self.p.kernel.type_of(v) == Type::Mask
    }

    /// Takes a vector register for good.
    fn take(&mut self) -> u8 {
        let r = self.vectors.first;
        if self.vectors.held[r as usize].is_some() {
            self.evict(false, r);
        }
        self.vectors.first += 1;
        r
    }

    /// Finds a register, if need be by moving a value out of one.
    fn allocate(&mut self, mask: bool, hint: Option<u8>) -> u8 {
        let bank = if mask { &self.masks } else { &self.vectors };
        if let Some(r) = bank.free(hint) {
            return r;
        }
        let candidates = (bank.first..bank.end).filter(|r| bank.locked >> r & 1 == 0);
        let next = |r: &u8| {
            let v = bank.held[*r as usize];
            let next = v.and_then(|v| self.p.next_use(v, self.at.saturating_sub(1)));
            // What lies in memory anyway goes first among what is read late.
            let cheap = v.is_some_and(|v| self.in_memory(v));
            (next.unwrap_or(u32::MAX), cheap)
        };
        let victim = candidates.max_by_key(next).unwrap_or_else(|| crate::ice!("no register is left"));
        self.evict(mask, victim);
        victim
    }

    /// Returns whether a value can be read from memory.
    fn in_memory(&self, v: Value) -> bool {
        let carried = self.p.carried.contains(&v);
        self.spilled[v].is_some() || !carried && matches!(self.node(v), Node::Constant(_) | Node::Slot(_))
    }

    fn evict(&mut self, mask: bool, register: u8) {
        let bank = if mask { &mut self.masks } else { &mut self.vectors };
        let Some(v) = bank.held[register as usize].take() else { return };
        self.place[v] = None;
        if self.in_memory(v) {
            return;
        }
        let spill = self.room.pop().unwrap_or_else(|| self.f.spill());
        self.spilled[v] = Some(spill);
        let to = self.f.spilled(spill);
        if mask {
            let from = mask_register(register);
            self.f.emit(Instruction::with2(self.f.form.code(Vop::MaskStore), to, from));
        } else {
            self.f.store(to, register);
        }
    }

    fn hold(&mut self, v: Value, register: u8) {
        let mask = self.is_mask(v);
        let bank = if mask { &mut self.masks } else { &mut self.vectors };
        bank.held[register as usize] = Some(v);
        bank.locked |= 1 << register;
        self.place[v] = Some(register);
    }

    fn lock(&mut self, v: Value) {
        if let Some(r) = self.place[v] {
            let bank = if self.is_mask(v) { &mut self.masks } else { &mut self.vectors };
            bank.locked |= 1 << r;
        }
    }

    /// Returns the memory operand of a value that is in no register.
    fn memory(&mut self, v: Value) -> Memory {
        if let Some(s) = self.spilled[v] {
            return Memory::Lanes(self.f.spilled(s));
        }
        match self.node(v) {
            Node::Constant(bits) => {
                let c = self.f.asm.constant(bits);
                match self.f.form.isa {
                    Isa::Avx512 => Memory::One(self.f.asm.lane_of(c)),
                    Isa::Avx2 => Memory::Lanes(self.f.asm.memory_of(c)),
                }
            }
            Node::Slot(s) => self.f.slot(s, Side::Input),
            node => crate::ice!("{v} = {node:?} is nowhere"),
        }
    }

    /// Brings a value into a register.
    fn register(&mut self, v: Value) -> u8 {
        if let Some(r) = self.place[v] {
            self.lock(v);
            return r;
        }
        if let Node::Constant(bits) = self.node(v)
            && let Some(r) = self.f.pinned(bits)
        {
            return r;
        }
        if self.is_mask(v) {
            let r = self.allocate(true, None);
            let Some(s) = self.spilled[v] else { crate::ice!("mask {v} is nowhere") };
            let from = self.f.spilled(s);
            self.f.emit(Instruction::with2(self.f.form.code(Vop::MaskLoad), mask_register(r), from));
            self.hold(v, r);
            return r;
        }
        let r = self.allocate(false, None);
        let from = self.memory(v);
        self.f.load(r, from);
        self.hold(v, r);
        r
    }

    /// Returns an operand that may be in memory.
    fn operand(&mut self, v: Value) -> Place {
        if let Some(r) = self.place[v] {
            self.lock(v);
            return Place::Register(r);
        }
        let again = self.p.next_use(v, self.at).is_some();
        let constant = match self.node(v) {
            Node::Constant(bits) => {
                if let Some(r) = self.f.pinned(bits) {
                    return Place::Register(r);
                }
                true
            }
            _ => false,
        };
        if again && !constant && self.vectors.free(None).is_some() {
            return Place::Register(self.register(v));
        }
        match self.memory(v) {
            // Without repetition of lanes in an operand.
            Memory::One(_) if self.f.form.isa == Isa::Avx2 => Place::Register(self.register(v)),
            memory => Place::Memory(memory),
        }
    }

    /// Gives registers of values that nothing reads any more back; they may hold the result.
    fn release(&mut self, operands: &[Value]) {
        for &v in operands {
            if self.p.next_use(v, self.at).is_some() {
                continue;
            }
            if let Some(r) = self.place[v].take() {
                let bank = if self.is_mask(v) { &mut self.masks } else { &mut self.vectors };
                bank.held[r as usize] = None;
                bank.locked &= !(1 << r);
            }
            if !self.p.carried.contains(&v)
                && let Some(s) = self.spilled[v].take()
            {
                self.vacated.push(s);
            }
        }
    }

    /// Returns the register of a new value.
    fn define(&mut self, v: Value) -> u8 {
        let mask = self.is_mask(v);
        let r = self.allocate(mask, self.hints[v]);
        self.hold(v, r);
        r
    }

    /// Appends `op d, a, place`, perhaps with an immediate.
    fn ternary(&mut self, op: Vop, d: Register, a: Register, b: Place) {
        let code = self.f.form.code(op);
        let i = match b {
            Place::Register(r) => Instruction::with3(code, d, a, self.f.form.vector(r)),
            Place::Memory(m) => Instruction::with3(code, d, a, repeated(m)),
        };
        self.f.emit(i);
    }

    fn compute(&mut self, v: Value) {
        let node = self.node(v);
        let operands = node.operands();
        operands.iter().for_each(|o| self.lock(*o));
        let form = self.f.form;
        match node {
            Node::Folded | Node::Constant(_) | Node::Slot(_) => {}
            Node::Copied(slot) => {
                let r = self.define(v);
                let from = self.f.slot(slot, Side::Input);
                self.f.load(r, from);
            }
            Node::Binary(op, a, b) => {
                let swap = commutes(op) && self.place[a].is_none() && self.place[b].is_some();
                let (a, b) = if swap { (b, a) } else { (a, b) };
                let x = self.register(a);
                let y = self.operand(b);
                self.release(&operands);
                let d = self.define(v);
                self.ternary(op, form.vector(d), form.vector(x), y);
            }
            Node::WithConstant(op, a, bits) => {
                let x = self.register(a);
                self.release(&operands);
                let d = self.define(v);
                let y = self.constant(bits);
                self.ternary(op, form.vector(d), form.vector(x), y);
            }
            Node::Unary(op, a, immediate) => self.unary(v, op, a, immediate),
            Node::Fma { minus_product, minus_addend, a, b, c } => self.fma(v, (minus_product, minus_addend), a, b, c),
            Node::Compare { how, a, b, under } => self.compare(v, how, (a, b), under),
            Node::Masks(op) => {
                let (x, y) = (self.register(operands[0]), self.register(operands[1]));
                self.release(&operands);
                let d = self.define(v);
                let or = matches!(op, Op::Or(..));
                self.mask_operation(if or { (Vop::MaskOr, Vop::Or) } else { (Vop::MaskAnd, Vop::And) }, d, x, y);
            }
            Node::Without(m, n) => {
                let (x, y) = (self.register(m), self.register(n));
                self.release(&operands);
                let d = self.define(v);
                self.mask_operation((Vop::MaskAndNot, Vop::AndNot), d, x, y);
            }
            Node::NotMask(m) => {
                let x = self.register(m);
                self.release(&operands);
                let d = self.define(v);
                if self.f.has_mask_registers() {
                    let code = form.code(Vop::MaskNot);
                    self.f.emit(Instruction::with2(code, mask_register(d), mask_register(x)));
                } else {
                    let all = self.constant(u64::MAX);
                    self.ternary(Vop::Xor, form.vector(d), form.vector(x), all);
                }
            }
            Node::MaskConstant(truth) => {
                let d = self.define(v);
                if self.f.has_mask_registers() {
                    let op = if truth { Vop::MaskXnor } else { Vop::MaskXor };
                    self.mask_operation((op, Vop::Xor), d, d, d);
                } else {
                    self.f.load_constant(if truth { u64::MAX } else { 0 }, d);
                }
            }
            Node::Select(m, a, b) => self.select(v, m, a, b),
        }
    }

    fn unary(&mut self, v: Value, op: Vop, a: Value, immediate: Option<u32>) {
        let form = self.f.form;
        // AVX2 shifts registers only.
        let x = match op {
            Vop::Shl | Vop::Shr => Place::Register(self.register(a)),
            _ => self.operand(a),
        };
        self.release(&[a]);
        let d = form.vector(self.define(v));
        let code = form.code(op);
        let i = match (x, immediate) {
            (Place::Register(r), None) => Instruction::with2(code, d, form.vector(r)),
            (Place::Register(r), Some(n)) => Instruction::with3(code, d, form.vector(r), n),
            (Place::Memory(m), None) => Instruction::with2(code, d, repeated(m)),
            (Place::Memory(m), Some(n)) => Instruction::with3(code, d, repeated(m), n),
        };
        self.f.emit(i);
    }

    /// A comparison, which needs to hold only where `under` does, if it is given.
    fn compare(&mut self, v: Value, how: u32, (a, b): (Value, Value), under: Option<Value>) {
        let form = self.f.form;
        let operands: Vec<Value> = [Some(a), Some(b), under].into_iter().flatten().collect();
        let x = self.register(a);
        let under = under.map(|m| self.register(m));
        let y = self.operand(b);
        self.release(&operands);
        let d = self.define(v);
        let d = if self.f.has_mask_registers() { mask_register(d) } else { form.vector(d) };
        let code = form.code(Vop::Compare);
        let i = match y {
            Place::Register(r) => Instruction::with4(code, d, form.vector(x), form.vector(r), how),
            Place::Memory(m) => Instruction::with4(code, d, form.vector(x), repeated(m), how),
        };
        let mut i = i.unwrap_or_else(|e| crate::ice!("no such comparison: {e}"));
        if let Some(m) = under {
            i.set_op_mask(mask_register(m));
        }
        self.f.asm.push(i);
    }

    fn select(&mut self, v: Value, m: Value, a: Value, b: Value) {
        let form = self.f.form;
        let mask = self.register(m);
        let otherwise = self.register(b);
        let then = self.operand(a);
        self.release(&[m, a, b]);
        let d = form.vector(self.define(v));
        let (code, b) = (form.code(Vop::Blend), form.vector(otherwise));
        if self.f.has_mask_registers() {
            let i = match then {
                Place::Register(r) => Instruction::with3(code, d, b, form.vector(r)),
                Place::Memory(a) => Instruction::with3(code, d, b, repeated(a)),
            };
            let mut i = i.unwrap_or_else(|e| crate::ice!("no such blend: {e}"));
            i.set_op_mask(mask_register(mask));
            self.f.asm.push(i);
        } else {
            let mask = form.vector(mask);
            let i = match then {
                Place::Register(r) => Instruction::with4(code, d, b, form.vector(r), mask),
                Place::Memory(a) => Instruction::with4(code, d, b, repeated(a), mask),
            };
            self.f.emit(i);
        }
    }

    fn constant(&mut self, bits: u64) -> Place {
        let bits = match self.f.form.precision {
            crate::ir::Precision::F32 => bits & 0xffff_ffff,
            crate::ir::Precision::F64 => bits,
        };
        match self.f.pinned(bits) {
            Some(r) => Place::Register(r),
            None => {
                let c = self.f.asm.constant(bits);
                Place::Memory(Memory::Lanes(self.f.asm.memory_of(c)))
            }
        }
    }

    fn mask_operation(&mut self, (op, vector): (Vop, Vop), d: u8, x: u8, y: u8) {
        let form = self.f.form;
        if self.f.has_mask_registers() {
            let (d, x, y) = (mask_register(d), mask_register(x), mask_register(y));
            self.f.emit(Instruction::with3(form.code(op), d, x, y));
        } else {
            self.ternary(vector, form.vector(d), form.vector(x), Place::Register(y));
        }
    }

    /// `± a b ± c`: the result replaces the operand that is read last, or a copy.
    fn fma(&mut self, v: Value, signs: (bool, bool), a: Value, b: Value, c: Value) {
        let [op132, op213, op231] = match signs {
            (false, false) => [Vop::Fma132, Vop::Fma213, Vop::Fma231],
            (true, false) => [Vop::Fnma132, Vop::Fnma213, Vop::Fnma231],
            (false, true) => [Vop::Fms132, Vop::Fms213, Vop::Fms231],
            (true, true) => [Vop::Fnms132, Vop::Fnms213, Vop::Fnms231],
        };
        let form = self.f.form;
        let at = self.at;
        let dies = |this: &Self, x: Value| {
            this.place[x].is_some()
                && this.p.next_use(x, at).is_none()
                && !(x == a && (x == b || x == c) || x == b && x == c)
        };
        let outside = |this: &Self, x: Value| this.place[x].is_none() && !this.is_pinned(x);
        // The factor that stays in a register, and the one that may be in memory.
        let (f, g) = if outside(self, a) { (b, a) } else { (a, b) };
        if dies(self, c) || outside(self, c) && !dies(self, a) && !dies(self, b) && c != a && c != b {
            // d = f * g + d
            let d = if dies(self, c) { self.register(c) } else { self.copy_of(c) };
            let x = self.register(f);
            let y = self.operand(g);
            self.give(c, v, d);
            self.ternary(op231, form.vector(d), form.vector(x), y);
        } else if dies(self, f) || dies(self, g) {
            let (d, other) = if dies(self, f) { (f, g) } else { (g, f) };
            let r = self.register(d);
            if outside(self, other) && !outside(self, c) {
                // d = d * other + c
                let x = self.register(c);
                let y = self.operand(other);
                self.give(d, v, r);
                self.ternary(op132, form.vector(r), form.vector(x), y);
            } else {
                // d = other * d + c
                let x = self.register(other);
                let y = self.operand(c);
                self.give(d, v, r);
                self.ternary(op213, form.vector(r), form.vector(x), y);
            }
        } else {
            // d = copy of c; d = f * g + d
            let d = self.copy_of(c);
            let x = self.register(f);
            let y = self.operand(g);
            self.give(c, v, d);
            self.ternary(op231, form.vector(d), form.vector(x), y);
        }
        self.release(&[a, b, c]);
    }

    fn is_pinned(&self, v: Value) -> bool {
        matches!(self.node(v), Node::Constant(bits) if self.f.pinned(bits).is_some())
    }

    /// Copies a value into a register that is not its own.
    fn copy_of(&mut self, v: Value) -> u8 {
        let hint = None;
        let d = self.allocate(false, hint);
        self.vectors.locked |= 1 << d;
        match self.place[v] {
            Some(r) => self.f.copy(d, r),
            None => match self.node(v) {
                Node::Constant(bits) => match self.f.pinned(bits) {
                    Some(r) => self.f.copy(d, r),
                    None => self.f.load_constant(bits, d),
                },
                _ => {
                    let from = self.memory(v);
                    self.f.load(d, from);
                }
            },
        }
        d
    }

    /// Lets a register that held `old`, or nothing, hold `new`.
    fn give(&mut self, old: Value, new: Value, register: u8) {
        if self.place[old] == Some(register) {
            self.place[old] = None;
        }
        self.hold(new, register);
    }

    fn store(&mut self, slot: Slot, v: Value) {
        self.lock(v);
        let kind = self.p.kernel.slots[slot].kind;
        let r = self.register(v);
        let Memory::Lanes(to) = self.f.slot(slot, Side::Output) else { crate::ice!("a store to a uniform slot") };
        if kind == SlotKind::Event {
            self.store_events(to, r);
        } else {
            self.f.store(to, r);
        }
        if let (SlotKind::State, Some(sum)) = (kind, self.finite) {
            let (sum, x) = (self.f.form.vector(sum), self.f.form.vector(r));
            let zero = self.constant(0);
            self.ternary(Vop::Fma231, sum, x, zero);
        }
        self.release(&[v]);
    }

    fn store_events(&mut self, to: MemoryOperand, r: u8) {
        let form = self.f.form;
        if self.f.has_mask_registers() {
            self.f.emit(Instruction::with2(form.code(Vop::MaskStore), to, mask_register(r)));
        } else {
            // The address may need the scratch register; the end of the lanes lends its own.
            let aside = self.f.word(CALL);
            self.f.emit(Instruction::with2(Code::Mov_rm64_r64, aside, END));
            self.f.emit(Instruction::with2(form.code(Vop::SignBits), Register::EDX, form.vector(r)));
            self.f.emit(Instruction::with2(Code::Mov_rm8_r8, to, Register::DL));
            self.f.emit(Instruction::with2(Code::Mov_r64_rm64, END, aside));
        }
    }

    fn leave(&mut self, v: Value) {
        let r = self.register(v);
        let form = self.f.form;
        if self.f.has_mask_registers() {
            let k = mask_register(r);
            self.f.emit(Instruction::with2(form.code(Vop::MaskTest), k, k));
        } else {
            self.f.emit(Instruction::with2(form.code(Vop::SignBits), Register::EAX, form.vector(r)));
            self.f.emit(Instruction::with2(Code::Test_rm32_r32, Register::EAX, Register::EAX));
        }
        let to = self.f.asm.label();
        self.f.asm.branch(Code::Jne_rel32_64, to);
        let values = self.p.carried.iter().map(|v| match (self.place[*v], self.spilled[*v]) {
            (Some(r), _) => Carried::Register(r),
            (None, Some(s)) => Carried::Stack(s),
            (None, None) => crate::ice!("state {v} is nowhere"),
        });
        self.departure = Some(Departure { to, values: values.collect() });
        let mut done = self.p.carried.clone();
        done.push(v);
        self.release(&done);
    }

    /// Moves the values that states end with to their homes, all at once; what lies in memory goes through one register.
    fn arrange(&mut self, states: &[Slot], homes: &[Carried], aside: u8) {
        let mut moves: Vec<(Carried, Source)> = Vec::new();
        for (state, home) in states.iter().zip(homes) {
            let Some(v) = self.p.end_of(*state).or(self.p.start_of(*state)) else { continue };
            let from = match (self.place[v], self.spilled[v]) {
                (Some(r), _) => Source::Carried(Carried::Register(r)),
                (None, Some(s)) => Source::Carried(Carried::Stack(s)),
                (None, None) => Source::Memory(v),
            };
            if from != Source::Carried(*home) {
                moves.push((*home, from));
            }
        }
        while let Some((first, _)) = moves.first().copied() {
            let read_by_others = |to: Carried| moves.iter().any(|(_, from)| *from == Source::Carried(to));
            if let Some(i) = moves.iter().position(|(to, _)| !read_by_others(*to)) {
                let (to, from) = moves.swap_remove(i);
                self.transfer(to, from, aside);
            } else {
                // Only cycles are left: one value steps aside.
                let spare = Carried::Stack(self.f.spill());
                self.transfer(spare, Source::Carried(first), aside);
                for (_, from) in moves.iter_mut().filter(|(_, from)| *from == Source::Carried(first)) {
                    *from = Source::Carried(spare);
                }
            }
        }
    }

    fn transfer(&mut self, to: Carried, from: Source, aside: u8) {
        let register = match (to, from) {
            (Carried::Register(d), Source::Carried(Carried::Register(r))) => return self.f.copy(d, r),
            (Carried::Stack(_), Source::Carried(Carried::Register(r))) => r,
            (_, from) => {
                let d = if let Carried::Register(d) = to { d } else { aside };
                match from {
                    Source::Carried(Carried::Stack(s)) => {
                        let m = self.f.spilled(s);
                        self.f.load(d, Memory::Lanes(m));
                    }
                    Source::Memory(v) => match self.node(v) {
                        Node::Constant(bits) => match self.f.pinned(bits) {
                            Some(r) => self.f.copy(d, r),
                            None => self.f.load_constant(bits, d),
                        },
                        _ => {
                            let m = self.memory(v);
                            self.f.load(d, m);
                        }
                    },
                    Source::Carried(Carried::Register(r)) => self.f.copy(d, r),
                }
                d
            }
        };
        if let Carried::Stack(s) = to {
            let m = self.f.spilled(s);
            self.f.store(m, register);
        }
    }
}

/// Where the value that a state ends with is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    Carried(Carried),
    /// A constant, or a slot's memory.
    Memory(Value),
}

fn mask_register(n: u8) -> Register {
    Register::K0 + u32::from(n)
}

/// Returns an operand; one number is repeated in all lanes.
fn repeated(memory: Memory) -> MemoryOperand {
    match memory {
        Memory::Lanes(m) => m,
        Memory::One(m) => MemoryOperand { is_broadcast: true, ..m },
    }
}
