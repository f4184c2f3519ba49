//! Removes operations whose values nothing uses.

use crate::ir::{Builder, Kernel, Value};
use cranelift_entity::SecondaryMap;

/// Keeps what the stores need, renumbered in order; slots stay as they are.
pub fn clean(kernel: &Kernel) -> Kernel {
    let mut needed: SecondaryMap<Value, bool> = SecondaryMap::new();
    for (_, v) in &kernel.stores {
        needed[*v] = true;
    }
    for (v, op) in kernel.values.iter().rev() {
        if needed[v] {
            for o in op.operands() {
                needed[o] = true;
            }
        }
    }
    let mut b = Builder::new(kernel.name.clone(), kernel.precision);
    for def in kernel.slots.values() {
        b.slot(def.name.clone(), def.kind);
    }
    let mut new: SecondaryMap<Value, Option<Value>> = SecondaryMap::new();
    for (v, op) in &kernel.values {
        if needed[v] {
            new[v] = Some(b.push(op.map(&mut |o| new[o].unwrap_or(o))));
        }
    }
    for (slot, value) in &kernel.stores {
        b.store(*slot, new[*value].unwrap_or(*value));
    }
    b.finish()
}
