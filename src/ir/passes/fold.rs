//! Folds constants and exact identities, and merges equal operations.

use crate::ir::interp::{Memory, run};
use crate::ir::{Builder, Kernel, Op, Precision, Slot, Type, Value};
use cranelift_entity::SecondaryMap;

/// Folds operations whose operands are constants, `x * 1`, `x + 0` with a positive zero kept exact, and `select` of constants.
pub fn fold(kernel: &Kernel) -> Kernel {
    let mut b = Builder::new(kernel.name.clone(), kernel.precision);
    for def in kernel.slots.values() {
        b.slot(def.name.clone(), def.kind);
    }
    let mut new: SecondaryMap<Value, Option<Value>> = SecondaryMap::new();
    for (v, op) in &kernel.values {
        let op = op.map(&mut |o| new[o].unwrap_or(o));
        new[v] = Some(match simplify(kernel.precision, op, &|v| Some(b.op(v))) {
            Simple::Value(v) => v,
            Simple::Op(op) => b.push(op),
        });
    }
    for (slot, value) in &kernel.stores {
        b.store(*slot, new[*value].unwrap_or(*value));
    }
    b.finish()
}

enum Simple {
    Value(Value),
    Op(Op),
}

fn simplify(precision: Precision, op: Op, known: &dyn Fn(Value) -> Option<Op>) -> Simple {
    let constant = |v: Value| match known(v) {
        Some(Op::Const(bits)) => Some(f64::from_bits(bits)),
        _ => None,
    };
    match op {
        Op::Mul(a, b) if constant(b) == Some(1.0) => return Simple::Value(a),
        Op::Mul(a, b) if constant(a) == Some(1.0) => return Simple::Value(b),
        Op::Div(a, b) if constant(b) == Some(1.0) => return Simple::Value(a),
        Op::Sub(a, b) if constant(b).is_some_and(|c| c.to_bits() == 0) => return Simple::Value(a),
        Op::And(a, b) if known(b) == Some(Op::MConst(true)) => return Simple::Value(a),
        Op::And(a, b) if known(a) == Some(Op::MConst(true)) => return Simple::Value(b),
        Op::And(_, b) if known(b) == Some(Op::MConst(false)) => return Simple::Value(b),
        Op::And(a, _) if known(a) == Some(Op::MConst(false)) => return Simple::Value(a),
        Op::Or(a, b) if known(b) == Some(Op::MConst(false)) => return Simple::Value(a),
        Op::Or(a, b) if known(a) == Some(Op::MConst(false)) => return Simple::Value(b),
        Op::Select(_, a, b) if a == b => return Simple::Value(a),
        Op::Select(m, a, b) => match known(m) {
            Some(Op::MConst(true)) => return Simple::Value(a),
            Some(Op::MConst(false)) => return Simple::Value(b),
            _ => {}
        },
        _ => {}
    }
    let operands = op.operands();
    let literal = |v: &Value| matches!(known(*v), Some(Op::Const(_) | Op::IConst(_) | Op::MConst(_)));
    if operands.is_empty() || !operands.iter().all(literal) {
        return Simple::Op(op);
    }
    Simple::Op(evaluate(precision, op, known))
}

struct NoMemory(u64);

impl Memory for NoMemory {
    fn load(&self, _: Slot) -> u64 {
        0
    }
    fn store(&mut self, _: Slot, bits: u64) {
        self.0 = bits;
    }
}

/// Runs the interpreter on a kernel of this one operation, so that folding can never differ from running.
fn evaluate(precision: Precision, op: Op, known: &dyn Fn(Value) -> Option<Op>) -> Op {
    let mut b = Builder::new("fold", precision);
    let out = op.map(&mut |v| known(v).map_or(v, |o| b.push(o)));
    let out = b.push(out);
    let slot = b.slot("out", crate::ir::SlotKind::Out);
    b.store(slot, out);
    let kernel = b.finish();
    let mut memory = NoMemory(0);
    run(&kernel, &mut memory, &mut Vec::new());
    match (kernel.type_of(out), precision) {
        (Type::Float, Precision::F32) => Op::Const(f64::from(f32::from_bits(memory.0 as u32)).to_bits()),
        (Type::Float, Precision::F64) => Op::Const(memory.0),
        (Type::Int, _) => Op::IConst(memory.0),
        (Type::Mask, _) => Op::MConst(memory.0 != 0),
    }
}
