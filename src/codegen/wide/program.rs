//! What a kernel's values become: instructions chosen, folded and put in order, with where each value is used.

use super::isa::{Form, Isa, Vop, compare, round};
use crate::ir::{Kernel, Op, Precision, Slot, SlotKind, Value};
use cranelift_entity::SecondaryMap;

/// How a value is computed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Node {
    /// Nothing is: the value is another one's bits, or part of the instruction that uses it.
    Folded,
    /// Nothing is: the bits of a constant lane.
    Constant(u64),
    /// Nothing is: the value lies in a slot's memory, one number for all lanes if the slot is uniform.
    Slot(Slot),
    /// A copy of a slot's memory.
    Copied(Slot),
    /// `op a, b`
    Binary(Vop, Value, Value),
    /// `op a, constant`
    WithConstant(Vop, Value, u64),
    /// `op a`, with an immediate for some.
    Unary(Vop, Value, Option<u32>),
    /// `± a b ± c`
    Fma { minus_product: bool, minus_addend: bool, a: Value, b: Value, c: Value },
    /// `a ? b`, where a mask holds.
    Compare { how: u32, a: Value, b: Value, under: Option<Value> },
    /// Both masks, or either.
    Masks(Op),
    /// The second mask without the first.
    Without(Value, Value),
    /// The opposite mask.
    NotMask(Value),
    /// The same in all lanes.
    MaskConstant(bool),
    /// `if m { a } else { b }`
    Select(Value, Value, Value),
}

impl Node {
    /// Returns the values it reads.
    pub fn operands(&self) -> Vec<Value> {
        match *self {
            Node::Folded | Node::Constant(_) | Node::Slot(_) | Node::Copied(_) | Node::MaskConstant(_) => Vec::new(),
            Node::Binary(_, a, b) | Node::Without(a, b) => vec![a, b],
            Node::WithConstant(_, a, _) | Node::Unary(_, a, _) | Node::NotMask(a) => vec![a],
            Node::Fma { a, b, c, .. } | Node::Select(a, b, c) => vec![a, b, c],
            Node::Compare { a, b, under, .. } => [Some(a), Some(b), under].into_iter().flatten().collect(),
            Node::Masks(op) => op.operands(),
        }
    }

    /// Returns whether the value needs no instruction of its own.
    pub fn is_free(&self) -> bool {
        matches!(self, Node::Folded | Node::Constant(_) | Node::Slot(_))
    }
}

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Item {
    /// Compute a value.
    Compute(Value),
    /// Write a value to a slot.
    Store(Slot, Value),
    /// Leave if an event happens; what is read needs the values at the beginning of the step.
    Leave(Value),
}

/// A kernel as a list of things to do.
pub struct Program<'a> {
    /// The kernel.
    pub kernel: &'a Kernel,
    /// How each value is computed.
    pub nodes: SecondaryMap<Value, Option<Node>>,
    /// In order.
    pub items: Vec<Item>,
    /// By value: positions in `items` that read it, ascending.
    pub uses: SecondaryMap<Value, Vec<u32>>,
    /// Values that stay in registers from step to step: those that states begin with.
    pub carried: Vec<Value>,
}

/// How states get from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carry<'a> {
    /// Through memory.
    Memory,
    /// As values: these states.
    Values(&'a [Slot]),
}

/// Chooses instructions and puts them in order; `any` is the slot of the condition on which to leave.
pub fn program<'a>(form: Form, kernel: &'a Kernel, any: Option<Slot>, carry: Carry) -> Program<'a> {
    let mut select =
        Selection { form, kernel, counts: counts(kernel), masked: masked(kernel), nodes: SecondaryMap::new() };
    for v in kernel.values.keys() {
        let node = select.node(v);
        select.nodes[v] = Some(node);
    }
    let Selection { mut nodes, .. } = select;
    let same = |v: Value| same_bits(kernel, v);
    let stores: Vec<(Slot, Value)> = kernel.stores.iter().map(|(s, v)| (*s, same(*v))).collect();
    let any_value = any.and_then(|a| stores.iter().find(|(s, _)| *s == a)).map(|(_, v)| *v);
    // A state's first value that ends up in another slot must be read before that slot's memory is written.
    if carry == Carry::Memory {
        for (slot, v) in &stores {
            if let Some(Node::Slot(from)) = nodes[*v]
                && from != *slot
            {
                nodes[*v] = Some(Node::Copied(from));
            }
        }
    }
    let mut first: Vec<Value> = Vec::new();
    if let (Some(v), Carry::Values(_)) = (any_value, carry) {
        slice(kernel, &nodes, v, &mut first);
    }
    let computed = |v: &Value| !nodes[*v].is_none_or(|n| n.is_free());
    let needed = needed(kernel, &nodes, &stores);
    let rest = kernel.values.keys().filter(|v| !first.contains(v) && needed[*v]);
    let (before, after): (Vec<Value>, Vec<Value>) =
        (first.iter().copied().filter(computed).collect(), rest.filter(computed).collect());

    // Positions of computations; stores follow what they need.
    let order: Vec<Value> = before.iter().chain(&after).copied().collect();
    let mut position: SecondaryMap<Value, usize> = SecondaryMap::new();
    order.iter().enumerate().for_each(|(i, v)| position[*v] = i + 1);
    let mut last_read: SecondaryMap<Slot, usize> = SecondaryMap::new();
    for (i, v) in order.iter().enumerate() {
        for o in nodes[*v].iter().flat_map(Node::operands) {
            if let Some(Node::Slot(s)) = nodes[o] {
                last_read[s] = i + 1;
            }
        }
    }
    let mut placed: Vec<(usize, Item)> = Vec::new();
    for (slot, v) in &stores {
        match kernel.slots[*slot].kind {
            _ if any == Some(*slot) => {
                let at = if carry == Carry::Memory { order.len() } else { position[*v] };
                placed.push((at, Item::Leave(*v)));
            }
            SlotKind::State if carry != Carry::Memory => {}
            _ => placed.push((position[*v].max(last_read[*slot]), Item::Store(*slot, *v))),
        }
    }
    placed.sort_by_key(|(at, item)| (*at, matches!(item, Item::Leave(_))));
    let mut items = Vec::with_capacity(order.len() + placed.len());
    let mut placed = placed.into_iter().peekable();
    for (i, v) in order.iter().enumerate() {
        while let Some((_, item)) = placed.next_if(|(at, _)| *at <= i) {
            items.push(item);
        }
        items.push(Item::Compute(*v));
    }
    items.extend(placed.map(|(_, item)| item));

    let states: &[Slot] = if let Carry::Values(states) = carry { states } else { &[] };
    let mut out = Program { kernel, nodes, items, uses: SecondaryMap::new(), carried: Vec::new() };
    for state in states {
        let load = kernel.values.iter().find(|(_, op)| matches!(op, Op::Load(s) if s == state)).map(|(v, _)| v);
        out.carried.extend(load);
    }
    out.record_uses(states);
    out
}

impl Program<'_> {
    /// Returns the value that a state ends with, if it is written.
    pub fn end_of(&self, state: Slot) -> Option<Value> {
        let stored = self.kernel.stores.iter().find(|(s, _)| *s == state);
        stored.map(|(_, v)| same_bits(self.kernel, *v))
    }

    /// Returns the value that a state begins with, if it is read.
    pub fn start_of(&self, state: Slot) -> Option<Value> {
        self.kernel.values.iter().find(|(_, op)| matches!(op, Op::Load(s) if *s == state)).map(|(v, _)| v)
    }

    fn record_uses(&mut self, states: &[Slot]) {
        let end = self.items.len() as u32;
        for (i, item) in self.items.iter().enumerate() {
            let i = i as u32;
            match item {
                Item::Compute(v) => {
                    for o in self.nodes[*v].iter().flat_map(Node::operands) {
                        if self.uses[o].last() != Some(&i) {
                            self.uses[o].push(i);
                        }
                    }
                }
                Item::Store(_, v) => self.uses[*v].push(i),
                Item::Leave(v) => {
                    self.uses[*v].push(i);
                    // Who leaves takes all states along.
                    for s in &self.carried {
                        self.uses[*s].push(i);
                    }
                }
            }
        }
        for state in states {
            if let Some(v) = self.end_of(*state) {
                self.uses[v].push(end);
            } else if let Some(v) = self.start_of(*state) {
                self.uses[v].push(end);
            }
        }
    }

    /// Returns the first position after `at` that reads a value.
    pub fn next_use(&self, v: Value, at: u32) -> Option<u32> {
        let uses = &self.uses[v];
        uses.get(uses.partition_point(|u| *u <= at)).copied()
    }

    /// Returns how many vectors are alive at once, at most, beside those that lie in memory anyway.
    pub fn pressure(&self, form: Form) -> usize {
        let vector = |v: Value| form.isa == Isa::Avx2 || self.kernel.type_of(v) != crate::ir::Type::Mask;
        let mut change = vec![0i32; self.items.len() + 2];
        for v in &self.carried {
            change[0] += 1;
            change[self.uses[*v].last().map_or(0, |u| *u as usize) + 1] -= 1;
        }
        for (i, item) in self.items.iter().enumerate() {
            if let Item::Compute(v) = item
                && vector(*v)
            {
                change[i] += 1;
                change[self.uses[*v].last().map_or(i, |u| *u as usize) + 1] -= 1;
            }
        }
        let mut alive = 0;
        change.iter().fold(0, |most, c| {
            alive += c;
            most.max(alive)
        }) as usize
    }

    /// Returns the constants with how often they are read.
    pub fn constants(&self) -> Vec<(u64, usize)> {
        let mut out: Vec<(u64, usize)> = Vec::new();
        let mut count = |bits: u64, n: usize| match out.iter_mut().find(|(b, _)| *b == bits) {
            Some((_, k)) => *k += n,
            None => out.push((bits, n)),
        };
        for v in self.kernel.values.keys() {
            match self.nodes[v] {
                Some(Node::Constant(bits)) => count(bits, self.uses[v].len()),
                Some(Node::WithConstant(_, _, bits)) if !self.uses[v].is_empty() => count(bits, 1),
                _ => {}
            }
        }
        out.retain(|(_, n)| *n > 0);
        out
    }
}

/// Follows casts, which change no bits.
pub fn same_bits(kernel: &Kernel, mut v: Value) -> Value {
    while let Op::ToBits(a) | Op::FromBits(a) = kernel.values[v] {
        v = a;
    }
    v
}

fn counts(kernel: &Kernel) -> SecondaryMap<Value, u32> {
    let mut out: SecondaryMap<Value, u32> = SecondaryMap::new();
    for op in kernel.values.values() {
        op.operands().into_iter().for_each(|o| out[same_bits(kernel, o)] += u32::from(!is_cast(op)));
    }
    kernel.stores.iter().for_each(|(_, v)| out[same_bits(kernel, *v)] += 1);
    out
}

/// Finds a negation or a conjunction that reads each mask.
fn masked(kernel: &Kernel) -> SecondaryMap<Value, Option<Value>> {
    let mut out: SecondaryMap<Value, Option<Value>> = SecondaryMap::new();
    for (reader, op) in kernel.values.iter() {
        if let Op::Not(_) | Op::And(..) = op {
            op.operands().into_iter().for_each(|m| out[m] = Some(reader));
        }
    }
    out
}

fn is_cast(op: &Op) -> bool {
    matches!(op, Op::ToBits(_) | Op::FromBits(_))
}

/// Collects what a value is computed from, in order.
fn slice(kernel: &Kernel, nodes: &SecondaryMap<Value, Option<Node>>, root: Value, out: &mut Vec<Value>) {
    let mut wanted: SecondaryMap<Value, bool> = SecondaryMap::new();
    wanted[root] = true;
    for v in kernel.values.keys().rev() {
        if wanted[v] {
            nodes[v].iter().flat_map(Node::operands).for_each(|o| wanted[o] = true);
        }
    }
    out.extend(kernel.values.keys().filter(|v| wanted[*v]));
}

/// Marks what the stores need.
fn needed(
    kernel: &Kernel,
    nodes: &SecondaryMap<Value, Option<Node>>,
    stores: &[(Slot, Value)],
) -> SecondaryMap<Value, bool> {
    let mut out: SecondaryMap<Value, bool> = SecondaryMap::new();
    stores.iter().for_each(|(_, v)| out[*v] = true);
    for v in kernel.values.keys().rev() {
        if out[v] {
            nodes[v].iter().flat_map(Node::operands).for_each(|o| out[o] = true);
        }
    }
    out
}

struct Selection<'a> {
    form: Form,
    kernel: &'a Kernel,
    /// How often each value is read.
    counts: SecondaryMap<Value, u32>,
    /// A negation or a conjunction that reads it.
    masked: SecondaryMap<Value, Option<Value>>,
    nodes: SecondaryMap<Value, Option<Node>>,
}

impl Selection<'_> {
    fn same(&self, v: Value) -> Value {
        same_bits(self.kernel, v)
    }

    /// Returns what a negation negates.
    fn negated(&self, v: Value) -> Option<Value> {
        match self.kernel.values[v] {
            Op::Neg(a) => Some(self.same(a)),
            _ => None,
        }
    }

    /// Splits the sign off an operand of a product or sum.
    fn signed(&self, v: Value) -> (bool, Value) {
        let v = self.same(v);
        self.negated(v).map_or((false, v), |a| (true, a))
    }

    /// Returns a comparison and, for the opposite of one that nothing else reads, its opposite.
    fn comparison(&self, v: Value) -> Option<(u32, Value, Value)> {
        Some(match self.kernel.values[v] {
            Op::Lt(a, b) => (compare::LT, self.same(a), self.same(b)),
            Op::Le(a, b) => (compare::LE, self.same(a), self.same(b)),
            Op::Eq(a, b) => (compare::EQ, self.same(a), self.same(b)),
            Op::Not(m) if self.counts[m] == 1 => {
                let (how, a, b) = match self.comparison(m)? {
                    (compare::LT, a, b) => (compare::NLT, a, b),
                    (compare::LE, a, b) => (compare::NLE, a, b),
                    (compare::EQ, a, b) => (compare::NE, a, b),
                    _ => return None,
                };
                (how, a, b)
            }
            _ => return None,
        })
    }

    /// Returns whether the only reader of a mask takes it as part of its own instruction.
    fn is_folded_mask(&self, v: Value) -> bool {
        let Some(reader) = self.masked[v].filter(|_| self.counts[v] == 1) else { return false };
        match self.kernel.values[reader] {
            Op::And(a, b) => self.and(a, b).is_some_and(|(_, folded)| folded == v),
            _ => self.comparison(reader).is_some(),
        }
    }

    /// Returns the instruction of a conjunction that takes one of its operands apart, and which.
    fn and(&self, a: Value, b: Value) -> Option<(Node, Value)> {
        for (x, y) in [(a, b), (b, a)] {
            if self.form.isa == Isa::Avx512
                && self.counts[y] == 1
                && let Some((how, p, q)) = self.comparison(y)
            {
                return Some((Node::Compare { how, a: p, b: q, under: Some(x) }, y));
            }
        }
        for (x, y) in [(a, b), (b, a)] {
            if let Op::Not(m) = self.kernel.values[y]
                && self.counts[y] == 1
                && self.comparison(y).is_none()
            {
                return Some((Node::Without(m, x), y));
            }
        }
        None
    }

    fn node(&self, v: Value) -> Node {
        let s = |v: Value| self.same(v);
        let sign = match self.form.precision {
            Precision::F32 => 0x8000_0000,
            Precision::F64 => 1 << 63,
        };
        let all = if self.form.precision == Precision::F32 { 0xffff_ffff } else { u64::MAX };
        match self.kernel.values[v] {
            Op::ToBits(_) | Op::FromBits(_) => Node::Folded,
            Op::Load(slot) | Op::LoadBits(slot) => Node::Slot(slot),
            Op::Const(bits) => Node::Constant(match self.form.precision {
                Precision::F32 => u64::from((f64::from_bits(bits) as f32).to_bits()),
                Precision::F64 => bits,
            }),
            Op::IConst(i) => Node::Constant(i & all),
            Op::MConst(b) => Node::MaskConstant(b),
            Op::Add(a, b) => Node::Binary(Vop::Add, s(a), s(b)),
            Op::Sub(a, b) => Node::Binary(Vop::Sub, s(a), s(b)),
            Op::Mul(a, b) => Node::Binary(Vop::Mul, s(a), s(b)),
            Op::Div(a, b) => Node::Binary(Vop::Div, s(a), s(b)),
            Op::Min(a, b) => Node::Binary(Vop::Min, s(a), s(b)),
            Op::Max(a, b) => Node::Binary(Vop::Max, s(a), s(b)),
            Op::Fma(a, b, c) => {
                let ((p, a), (q, b), (minus_addend, c)) = (self.signed(a), self.signed(b), self.signed(c));
                Node::Fma { minus_product: p != q, minus_addend, a, b, c }
            }
            Op::Sqrt(a) => Node::Unary(Vop::Sqrt, s(a), None),
            Op::Neg(a) => Node::WithConstant(Vop::Xor, s(a), sign),
            Op::Abs(a) => Node::WithConstant(Vop::And, s(a), all & !sign),
            Op::Floor(a) => Node::Unary(Vop::Round, s(a), Some(round::FLOOR)),
            Op::Nearest(a) => Node::Unary(Vop::Round, s(a), Some(round::NEAREST)),
            Op::Lt(..) | Op::Le(..) | Op::Eq(..) => {
                if self.is_folded_mask(v) {
                    return Node::Folded;
                }
                let Some((how, a, b)) = self.comparison(v) else { crate::ice!("a comparison is none") };
                Node::Compare { how, a, b, under: None }
            }
            Op::And(a, b) => match self.and(a, b) {
                Some((node, _)) => node,
                None => Node::Masks(Op::And(a, b)),
            },
            Op::Or(a, b) => Node::Masks(Op::Or(a, b)),
            Op::Not(m) => {
                if self.is_folded_mask(v) {
                    return Node::Folded;
                }
                match self.comparison(v) {
                    Some((how, a, b)) => Node::Compare { how, a, b, under: None },
                    None => Node::NotMask(m),
                }
            }
            Op::Select(m, a, b) => Node::Select(m, s(a), s(b)),
            Op::IAdd(a, b) => Node::Binary(Vop::IAdd, s(a), s(b)),
            Op::ISub(a, b) => Node::Binary(Vop::ISub, s(a), s(b)),
            Op::IAnd(a, b) => Node::Binary(Vop::And, s(a), s(b)),
            Op::IOr(a, b) => Node::Binary(Vop::Or, s(a), s(b)),
            Op::Shl(a, n) => Node::Unary(Vop::Shl, s(a), Some(u32::from(n))),
            Op::Shr(a, n) => Node::Unary(Vop::Shr, s(a), Some(u32::from(n))),
        }
    }
}

/// Returns whether the operands of an instruction may change places.
pub fn commutes(op: Vop) -> bool {
    matches!(op, Vop::Add | Vop::Mul | Vop::Xor | Vop::And | Vop::Or | Vop::IAdd)
}
