//! Reads the text form of kernels, for tests and for `neuro emit --stage ir` round trips.

use super::kernel::{Kernel, Precision, Slot, SlotDef, SlotKind, Value};
use super::op::Op;
use cranelift_entity::EntityRef;

/// Parses what `Display` prints; the error names the line.
pub fn read(text: &str) -> Result<Kernel, String> {
    let mut kernel: Option<Kernel> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        read_line(&mut kernel, line).map_err(|e| format!("line {}: {e}", number + 1))?;
    }
    let kernel = kernel.ok_or("no kernel")?;
    super::verify(&kernel)?;
    Ok(kernel)
}

fn read_line(kernel: &mut Option<Kernel>, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split([' ', ',']).filter(|w| !w.is_empty()).collect();
    if words[0] == "kernel" {
        let precision = match words.get(2) {
            Some(&"f32") => Precision::F32,
            Some(&"f64") => Precision::F64,
            _ => return Err("expected `kernel name f32|f64`".into()),
        };
        *kernel = Some(Kernel::new(words[1], precision));
        return Ok(());
    }
    let kernel = kernel.as_mut().ok_or("expected `kernel` first")?;
    if let Some((kind, _)) = SlotKind::WORDS.iter().find(|(_, w)| *w == words[0]) {
        let name = words.get(2).ok_or("expected a slot and its name")?;
        let slot = kernel.slots.push(SlotDef { name: (*name).to_string(), kind: *kind });
        return if words[1] == slot.to_string() { Ok(()) } else { Err(format!("expected {slot}")) };
    }
    if words[0] == "store" {
        kernel.stores.push((slot(&words, 1)?, value(&words, 2)?));
        return Ok(());
    }
    if words.len() < 3 || words[1] != "=" {
        return Err("expected `v0 = op …`".into());
    }
    let op = operation(&words)?;
    let v = kernel.values.push(op);
    if words[0] == v.to_string() { Ok(()) } else { Err(format!("expected {v}")) }
}

fn index(words: &[&str], at: usize, prefix: char) -> Result<usize, String> {
    let word = words.get(at).ok_or("an operand is missing")?;
    word.strip_prefix(prefix).and_then(|n| n.parse().ok()).ok_or_else(|| format!("expected an operand, found `{word}`"))
}

fn value(words: &[&str], at: usize) -> Result<Value, String> {
    Ok(Value::new(index(words, at, 'v')?))
}

fn slot(words: &[&str], at: usize) -> Result<Slot, String> {
    Ok(Slot::new(index(words, at, 's')?))
}

fn operation(words: &[&str]) -> Result<Op, String> {
    let v = |i: usize| value(words, 3 + i);
    let shift = || words.get(4).and_then(|n| n.parse::<u8>().ok()).ok_or("expected a shift".to_string());
    let literal = || words.get(3).copied().ok_or("expected a literal".to_string());
    Ok(match words[2] {
        "load" => Op::Load(slot(words, 3)?),
        "bits" => Op::LoadBits(slot(words, 3)?),
        "const" => Op::Const(literal()?.parse::<f64>().map_err(|e| e.to_string())?.to_bits()),
        "iconst" => {
            Op::IConst(u64::from_str_radix(literal()?.trim_start_matches("0x"), 16).map_err(|e| e.to_string())?)
        }
        "mconst" => Op::MConst(literal()? == "true"),
        "add" => Op::Add(v(0)?, v(1)?),
        "sub" => Op::Sub(v(0)?, v(1)?),
        "mul" => Op::Mul(v(0)?, v(1)?),
        "div" => Op::Div(v(0)?, v(1)?),
        "fma" => Op::Fma(v(0)?, v(1)?, v(2)?),
        "min" => Op::Min(v(0)?, v(1)?),
        "max" => Op::Max(v(0)?, v(1)?),
        "sqrt" => Op::Sqrt(v(0)?),
        "neg" => Op::Neg(v(0)?),
        "abs" => Op::Abs(v(0)?),
        "floor" => Op::Floor(v(0)?),
        "nearest" => Op::Nearest(v(0)?),
        "lt" => Op::Lt(v(0)?, v(1)?),
        "le" => Op::Le(v(0)?, v(1)?),
        "eq" => Op::Eq(v(0)?, v(1)?),
        "and" => Op::And(v(0)?, v(1)?),
        "or" => Op::Or(v(0)?, v(1)?),
        "not" => Op::Not(v(0)?),
        "select" => Op::Select(v(0)?, v(1)?, v(2)?),
        "iadd" => Op::IAdd(v(0)?, v(1)?),
        "isub" => Op::ISub(v(0)?, v(1)?),
        "iand" => Op::IAnd(v(0)?, v(1)?),
        "ior" => Op::IOr(v(0)?, v(1)?),
        "shl" => Op::Shl(v(0)?, shift()?),
        "shr" => Op::Shr(v(0)?, shift()?),
        "tobits" => Op::ToBits(v(0)?),
        "frombits" => Op::FromBits(v(0)?),
        other => return Err(format!("unknown operation `{other}`")),
    })
}
