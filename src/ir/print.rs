//! The text form of kernels; [`super::read`] reads it back.

use super::kernel::{Kernel, SlotKind};
use super::op::Op;
use std::fmt::{Display, Formatter, Result};

impl Display for Kernel {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        writeln!(f, "kernel {} {}", self.name, self.precision)?;
        for (slot, def) in &self.slots {
            let word = SlotKind::WORDS.iter().find(|(k, _)| *k == def.kind).map_or("?", |(_, w)| w);
            writeln!(f, "  {word} {slot} {}", def.name)?;
        }
        for (v, op) in &self.values {
            write!(f, "  {v} = {}", op.mnemonic())?;
            match op {
                Op::Load(s) | Op::LoadBits(s) => write!(f, " {s}")?,
                Op::Const(bits) => write!(f, " {:?}", f64::from_bits(*bits))?,
                Op::IConst(i) => write!(f, " {i:#x}")?,
                Op::MConst(b) => write!(f, " {b}")?,
                _ => {}
            }
            for (i, o) in op.operands().iter().enumerate() {
                write!(f, "{} {o}", if i == 0 { "" } else { "," })?;
            }
            if let Op::Shl(_, n) | Op::Shr(_, n) = op {
                write!(f, ", {n}")?;
            }
            writeln!(f)?;
        }
        for (slot, value) in &self.stores {
            writeln!(f, "  store {slot}, {value}")?;
        }
        Ok(())
    }
}
