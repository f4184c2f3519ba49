//! Contracts `a * b + c` to one rounding where the product has no other use.
//!
//! This changes bits, so it is a pass of the IR and not a liberty of a back end: all of them run its result.

use crate::ir::{Builder, Kernel, Op, Value};
use cranelift_entity::SecondaryMap;

/// Replaces sums of single-use products by `fma`.
pub fn contract(kernel: &Kernel) -> Kernel {
    let mut uses: SecondaryMap<Value, u32> = SecondaryMap::new();
    for op in kernel.values.values() {
        for o in op.operands() {
            uses[o] += 1;
        }
    }
    for (_, v) in &kernel.stores {
        uses[*v] += 1;
    }
    let mut b = Builder::new(kernel.name.clone(), kernel.precision);
    for def in kernel.slots.values() {
        b.slot(def.name.clone(), def.kind);
    }
    let mut new: SecondaryMap<Value, Option<Value>> = SecondaryMap::new();
    for (v, op) in &kernel.values {
        let product = |v: Value| match kernel.values[v] {
            Op::Mul(a, b) if uses[v] == 1 => Some((a, b)),
            _ => None,
        };
        let at = |v: Value| new[v].unwrap_or(v);
        let out = match *op {
            Op::Add(x, y) => match (product(x), product(y)) {
                (Some((p, q)), _) => b.fma(at(p), at(q), at(y)),
                (None, Some((p, q))) => b.fma(at(p), at(q), at(x)),
                _ => b.add(at(x), at(y)),
            },
            Op::Sub(x, y) => match (product(x), product(y)) {
                (_, Some((p, q))) => {
                    let minus = b.neg(at(p));
                    b.fma(minus, at(q), at(x))
                }
                (Some((p, q)), None) => {
                    let minus = b.neg(at(y));
                    b.fma(at(p), at(q), minus)
                }
                _ => b.sub(at(x), at(y)),
            },
            other => b.push(other.map(&mut |o| new[o].unwrap_or(o))),
        };
        new[v] = Some(out);
    }
    for (slot, value) in &kernel.stores {
        b.store(*slot, new[*value].unwrap_or(*value));
    }
    b.finish()
}
