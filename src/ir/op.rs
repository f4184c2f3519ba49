//! Operations. The documentation of each gives its meaning as scalar Rust, which is what the interpreter does.

use super::kernel::{Slot, Value};

/// The type of a value in one lane; its width follows from the kernel's precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// `f32` or `f64`.
    Float,
    /// `u32` or `u64`, the bits of a float of the kernel.
    Int,
    /// True or false.
    Mask,
}

/// One operation of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// The slot's value in this lane (and step), a float. `v0 = load s0`
    Load(Slot),
    /// The slot's raw bits, an integer. `v0 = bits s1`
    LoadBits(Slot),
    /// A float, kept as the bits of an `f64`. `v0 = const 0.5`
    Const(u64),
    /// An integer. `v0 = iconst 127`
    IConst(u64),
    /// A truth value. `v0 = mconst true`
    MConst(bool),
    /// `a + b`
    Add(Value, Value),
    /// `a - b`
    Sub(Value, Value),
    /// `a * b`
    Mul(Value, Value),
    /// `a / b`
    Div(Value, Value),
    /// `a.mul_add(b, c)`
    Fma(Value, Value, Value),
    /// `if a < b { a } else { b }`
    Min(Value, Value),
    /// `if b < a { a } else { b }`
    Max(Value, Value),
    /// `a.sqrt()`
    Sqrt(Value),
    /// `-a`
    Neg(Value),
    /// `a.abs()`
    Abs(Value),
    /// `a.floor()`
    Floor(Value),
    /// `a.round_ties_even()`
    Nearest(Value),
    /// `a < b`
    Lt(Value, Value),
    /// `a <= b`
    Le(Value, Value),
    /// `a == b`
    Eq(Value, Value),
    /// `a && b`
    And(Value, Value),
    /// `a || b`
    Or(Value, Value),
    /// `!a`
    Not(Value),
    /// `if m { a } else { b }`, of floats or integers
    Select(Value, Value, Value),
    /// `a.wrapping_add(b)`
    IAdd(Value, Value),
    /// `a.wrapping_sub(b)`
    ISub(Value, Value),
    /// `a & b`
    IAnd(Value, Value),
    /// `a | b`
    IOr(Value, Value),
    /// `a << n`
    Shl(Value, u8),
    /// `a >> n`
    Shr(Value, u8),
    /// `a.to_bits()`
    ToBits(Value),
    /// `Float::from_bits(a)`
    FromBits(Value),
}

impl Op {
    /// Returns the mnemonic.
    pub fn mnemonic(&self) -> &'static str {
        use Op::*;
        match self {
            Load(_) => "load",
            LoadBits(_) => "bits",
            Const(_) => "const",
            IConst(_) => "iconst",
            MConst(_) => "mconst",
            Add(..) => "add",
            Sub(..) => "sub",
            Mul(..) => "mul",
            Div(..) => "div",
            Fma(..) => "fma",
            Min(..) => "min",
            Max(..) => "max",
            Sqrt(_) => "sqrt",
            Neg(_) => "neg",
            Abs(_) => "abs",
            Floor(_) => "floor",
            Nearest(_) => "nearest",
            Lt(..) => "lt",
            Le(..) => "le",
            Eq(..) => "eq",
            And(..) => "and",
            Or(..) => "or",
            Not(_) => "not",
            Select(..) => "select",
            IAdd(..) => "iadd",
            ISub(..) => "isub",
            IAnd(..) => "iand",
            IOr(..) => "ior",
            Shl(..) => "shl",
            Shr(..) => "shr",
            ToBits(_) => "tobits",
            FromBits(_) => "frombits",
        }
    }

    /// Returns the operands in order.
    pub fn operands(&self) -> Vec<Value> {
        let mut out = Vec::with_capacity(3);
        self.map(&mut |v| {
            out.push(v);
            v
        });
        out
    }

    /// Returns the operation with its operands mapped.
    pub fn map(&self, f: &mut dyn FnMut(Value) -> Value) -> Op {
        use Op::*;
        match *self {
            Load(_) | LoadBits(_) | Const(_) | IConst(_) | MConst(_) => *self,
            Add(a, b) => Add(f(a), f(b)),
            Sub(a, b) => Sub(f(a), f(b)),
            Mul(a, b) => Mul(f(a), f(b)),
            Div(a, b) => Div(f(a), f(b)),
            Fma(a, b, c) => Fma(f(a), f(b), f(c)),
            Min(a, b) => Min(f(a), f(b)),
            Max(a, b) => Max(f(a), f(b)),
            Sqrt(a) => Sqrt(f(a)),
            Neg(a) => Neg(f(a)),
            Abs(a) => Abs(f(a)),
            Floor(a) => Floor(f(a)),
            Nearest(a) => Nearest(f(a)),
            Lt(a, b) => Lt(f(a), f(b)),
            Le(a, b) => Le(f(a), f(b)),
            Eq(a, b) => Eq(f(a), f(b)),
            And(a, b) => And(f(a), f(b)),
            Or(a, b) => Or(f(a), f(b)),
            Not(a) => Not(f(a)),
            Select(m, a, b) => Select(f(m), f(a), f(b)),
            IAdd(a, b) => IAdd(f(a), f(b)),
            ISub(a, b) => ISub(f(a), f(b)),
            IAnd(a, b) => IAnd(f(a), f(b)),
            IOr(a, b) => IOr(f(a), f(b)),
            Shl(a, n) => Shl(f(a), n),
            Shr(a, n) => Shr(f(a), n),
            ToBits(a) => ToBits(f(a)),
            FromBits(a) => FromBits(f(a)),
        }
    }
}
