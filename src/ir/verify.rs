//! The legality table: operand types of every operation, order of definitions, kinds of slots.

use super::kernel::{Kernel, SlotKind};
use super::op::{Op, Type};

/// Returns what is illegal about a kernel, if anything.
pub fn verify(kernel: &Kernel) -> Result<(), String> {
    use Type::*;
    for (v, op) in &kernel.values {
        for operand in op.operands() {
            if operand >= v {
                return Err(format!("{v} uses {operand} before it is defined"));
            }
        }
        let found: Vec<Type> = op.operands().iter().map(|o| kernel.type_of(*o)).collect();
        let expected: &[Type] = match op {
            Op::Load(s) | Op::LoadBits(s) => {
                let Some(def) = kernel.slots.get(*s) else { return Err(format!("{v} loads unknown {s}")) };
                if matches!(def.kind, SlotKind::Out | SlotKind::Event) {
                    return Err(format!("{v} loads {s}, which is only written"));
                }
                &[]
            }
            Op::Const(_) | Op::IConst(_) | Op::MConst(_) => &[],
            Op::Add(..)
            | Op::Sub(..)
            | Op::Mul(..)
            | Op::Div(..)
            | Op::Min(..)
            | Op::Max(..)
            | Op::Lt(..)
            | Op::Le(..)
            | Op::Eq(..) => &[Float, Float],
            Op::Fma(..) => &[Float, Float, Float],
            Op::Sqrt(_) | Op::Neg(_) | Op::Abs(_) | Op::Floor(_) | Op::Nearest(_) | Op::ToBits(_) => &[Float],
            Op::And(..) | Op::Or(..) => &[Mask, Mask],
            Op::Not(_) => &[Mask],
            Op::Select(..) if found[1] == Int => &[Mask, Int, Int],
            Op::Select(..) => &[Mask, Float, Float],
            Op::IAdd(..) | Op::ISub(..) | Op::IAnd(..) | Op::IOr(..) => &[Int, Int],
            Op::Shl(_, n) | Op::Shr(_, n) => {
                if usize::from(*n) >= kernel.precision.bytes() * 8 {
                    return Err(format!("{v} shifts by {n}"));
                }
                &[Int]
            }
            Op::FromBits(_) => &[Int],
        };
        if found != expected {
            return Err(format!("{v} = {}: operands are {found:?}, expected {expected:?}", op.mnemonic()));
        }
    }
    let mut stored = Vec::new();
    for (slot, value) in &kernel.stores {
        let Some(def) = kernel.slots.get(*slot) else { return Err(format!("store to unknown {slot}")) };
        let expected = match def.kind {
            SlotKind::State | SlotKind::Out => Float,
            SlotKind::Event => Mask,
            _ => return Err(format!("store to {slot}, which is only read")),
        };
        if kernel.values.get(*value).is_none() || kernel.type_of(*value) != expected {
            return Err(format!("store to {slot} of a wrong type"));
        }
        if stored.contains(slot) {
            return Err(format!("{slot} is stored twice"));
        }
        stored.push(*slot);
    }
    Ok(())
}
