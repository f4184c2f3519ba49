//! The reference interpreter: one lane, one step, one operation at a time. The oracle of every back end.

use super::kernel::{Kernel, Precision, Slot};
use super::op::Op;

/// What a kernel sees of memory in one lane and step.
pub trait Memory {
    /// Returns the raw bits of a slot.
    fn load(&self, slot: Slot) -> u64;
    /// Replaces a slot's bits; for event slots 0 or 1.
    fn store(&mut self, slot: Slot, bits: u64);
}

trait Float: Copy {
    fn from_bits64(bits: u64) -> Self;
    fn bits64(self) -> u64;
    fn from_f64(value: f64) -> Self;
}

impl Float for f32 {
    fn from_bits64(bits: u64) -> f32 {
        f32::from_bits(bits as u32)
    }
    fn bits64(self) -> u64 {
        u64::from(self.to_bits())
    }
    fn from_f64(value: f64) -> f32 {
        value as f32
    }
}

impl Float for f64 {
    fn from_bits64(bits: u64) -> f64 {
        f64::from_bits(bits)
    }
    fn bits64(self) -> u64 {
        self.to_bits()
    }
    fn from_f64(value: f64) -> f64 {
        value
    }
}

/// Runs a kernel in one lane and step; `scratch` is reused between calls.
pub fn run(kernel: &Kernel, memory: &mut dyn Memory, scratch: &mut Vec<u64>) {
    match kernel.precision {
        Precision::F32 => run_as::<f32>(kernel, memory, scratch, u64::from(u32::MAX)),
        Precision::F64 => run_as::<f64>(kernel, memory, scratch, u64::MAX),
    }
}

macro_rules! run_as {
    ($name:ident, $float:ty) => {
        fn $name(op: &Op, at: &dyn Fn(super::Value) -> u64, memory: &dyn Memory, int_mask: u64) -> u64 {
            let f = |v| <$float as Float>::from_bits64(at(v));
            let out = |x: $float| x.bits64();
            match *op {
                Op::Load(s) | Op::LoadBits(s) => memory.load(s),
                Op::Const(bits) => out(<$float as Float>::from_f64(f64::from_bits(bits))),
                Op::IConst(i) => i & int_mask,
                Op::MConst(b) => u64::from(b),
                Op::Add(a, b) => out(f(a) + f(b)),
                Op::Sub(a, b) => out(f(a) - f(b)),
                Op::Mul(a, b) => out(f(a) * f(b)),
                Op::Div(a, b) => out(f(a) / f(b)),
                Op::Fma(a, b, c) => out(f(a).mul_add(f(b), f(c))),
                Op::Min(a, b) => out(if f(a) < f(b) { f(a) } else { f(b) }),
                Op::Max(a, b) => out(if f(b) < f(a) { f(a) } else { f(b) }),
                Op::Sqrt(a) => out(f(a).sqrt()),
                Op::Neg(a) => out(-f(a)),
                Op::Abs(a) => out(f(a).abs()),
                Op::Floor(a) => out(f(a).floor()),
                Op::Nearest(a) => out(f(a).round_ties_even()),
                Op::Lt(a, b) => u64::from(f(a) < f(b)),
                Op::Le(a, b) => u64::from(f(a) <= f(b)),
                Op::Eq(a, b) => u64::from(f(a) == f(b)),
                Op::And(a, b) => at(a) & at(b),
                Op::Or(a, b) => at(a) | at(b),
                Op::Not(a) => 1 - at(a),
                Op::Select(m, a, b) => {
                    if at(m) != 0 {
                        at(a)
                    } else {
                        at(b)
                    }
                }
                Op::IAdd(a, b) => at(a).wrapping_add(at(b)) & int_mask,
                Op::ISub(a, b) => at(a).wrapping_sub(at(b)) & int_mask,
                Op::IAnd(a, b) => at(a) & at(b),
                Op::IOr(a, b) => at(a) | at(b),
                Op::Shl(a, n) => (at(a) << n) & int_mask,
                Op::Shr(a, n) => at(a) >> n,
                Op::ToBits(a) | Op::FromBits(a) => at(a),
            }
        }
    };
}
run_as!(step_f32, f32);
run_as!(step_f64, f64);

fn run_as<F: Float>(kernel: &Kernel, memory: &mut dyn Memory, scratch: &mut Vec<u64>, int_mask: u64) {
    scratch.clear();
    for op in kernel.values.values() {
        let at = |v: super::Value| scratch[v.as_u32() as usize];
        let bits = match kernel.precision {
            Precision::F32 => step_f32(op, &at, memory, int_mask),
            Precision::F64 => step_f64(op, &at, memory, int_mask),
        };
        scratch.push(bits);
    }
    for (slot, value) in &kernel.stores {
        memory.store(*slot, scratch[value.as_u32() as usize]);
    }
}
