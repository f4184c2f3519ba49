//! Builds kernels; equal operations get one value.

use super::kernel::{Kernel, Precision, Slot, SlotDef, SlotKind, Value};
use super::op::Op;
use std::collections::HashMap;

/// Appends operations to a kernel.
pub struct Builder {
    kernel: Kernel,
    seen: HashMap<Op, Value>,
}

macro_rules! ops {
    ($($(#[$doc:meta])* $name:ident = $op:ident($($arg:ident),*);)*) => {
        $($(#[$doc])* pub fn $name(&mut self, $($arg: Value),*) -> Value { self.push(Op::$op($($arg),*)) })*
    };
}

impl Builder {
    /// Creates an empty kernel to build.
    pub fn new(name: impl Into<String>, precision: Precision) -> Self {
        Builder { kernel: Kernel::new(name, precision), seen: HashMap::new() }
    }

    /// Returns the precision of the kernel.
    pub fn precision(&self) -> Precision {
        self.kernel.precision
    }

    /// Returns the operation behind a value.
    pub fn op(&self, value: Value) -> Op {
        self.kernel.values[value]
    }

    /// Adds a slot.
    pub fn slot(&mut self, name: impl Into<String>, kind: SlotKind) -> Slot {
        self.kernel.slots.push(SlotDef { name: name.into(), kind })
    }

    /// Appends an operation, or finds the value that already computes it.
    pub fn push(&mut self, op: Op) -> Value {
        if let Some(&v) = self.seen.get(&op) {
            return v;
        }
        let v = self.kernel.values.push(op);
        self.seen.insert(op, v);
        v
    }

    /// A float constant, rounded to the kernel's precision.
    pub fn constant(&mut self, value: f64) -> Value {
        let value = if self.kernel.precision == Precision::F32 { f64::from(value as f32) } else { value };
        self.push(Op::Const(value.to_bits()))
    }

    /// An integer constant.
    pub fn int(&mut self, value: u64) -> Value {
        let value = if self.kernel.precision == Precision::F32 { value & 0xffff_ffff } else { value };
        self.push(Op::IConst(value))
    }

    /// A truth value.
    pub fn truth(&mut self, value: bool) -> Value {
        self.push(Op::MConst(value))
    }

    /// Reads a slot.
    pub fn load(&mut self, slot: Slot) -> Value {
        self.push(Op::Load(slot))
    }

    /// Reads a slot's raw bits.
    pub fn load_bits(&mut self, slot: Slot) -> Value {
        self.push(Op::LoadBits(slot))
    }

    ops! {
        /// `a + b`
        add = Add(a, b);
        /// `a - b`
        sub = Sub(a, b);
        /// `a * b`
        mul = Mul(a, b);
        /// `a / b`
        div = Div(a, b);
        /// `a * b + c`, rounded once
        fma = Fma(a, b, c);
        /// the smaller
        min = Min(a, b);
        /// the larger
        max = Max(a, b);
        /// square root
        sqrt = Sqrt(a);
        /// `-a`
        neg = Neg(a);
        /// absolute value
        abs = Abs(a);
        /// largest integer not above
        floor = Floor(a);
        /// nearest integer, ties to even
        nearest = Nearest(a);
        /// `a < b`
        lt = Lt(a, b);
        /// `a <= b`
        le = Le(a, b);
        /// `a == b`
        eq = Eq(a, b);
        /// both
        and = And(a, b);
        /// either
        or = Or(a, b);
        /// the opposite
        not = Not(a);
        /// `if m { a } else { b }`
        select = Select(m, a, b);
        /// integer sum
        iadd = IAdd(a, b);
        /// integer difference
        isub = ISub(a, b);
        /// bitwise and
        iand = IAnd(a, b);
        /// bitwise or
        ior = IOr(a, b);
        /// bits of a float
        to_bits = ToBits(a);
        /// float of bits
        from_bits = FromBits(a);
    }

    /// `a << n`
    pub fn shl(&mut self, a: Value, n: u8) -> Value {
        self.push(Op::Shl(a, n))
    }

    /// `a >> n`
    pub fn shr(&mut self, a: Value, n: u8) -> Value {
        self.push(Op::Shr(a, n))
    }

    /// Writes a slot at the end of the step.
    pub fn store(&mut self, slot: Slot, value: Value) {
        self.kernel.stores.push((slot, value));
    }

    /// Returns the kernel.
    pub fn finish(self) -> Kernel {
        self.kernel
    }
}
