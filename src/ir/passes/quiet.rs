//! What is left of a step in which no lane has an event.

use super::{clean, fold};
use crate::ir::kernel::{Kernel, Slot, SlotDef, SlotKind, Value};
use crate::ir::op::Op;
use cranelift_entity::SecondaryMap;

/// A kernel that gives the same results as another wherever no event happens, and says where one does.
#[derive(Debug, Clone, PartialEq)]
pub struct Quiet {
    /// The kernel: same slots, and one more at the end.
    pub kernel: Kernel,
    /// The last slot: whether an event happens, in which case the other results are void.
    pub any: Slot,
}

/// Specializes a kernel for steps without events; none if that saves nothing.
///
/// Events are taken in the order of their computation: each one's condition is right as long as no earlier one holds.
pub fn quiet(kernel: &Kernel) -> Option<Quiet> {
    let is_event = |slot: &Slot| kernel.slots[*slot].kind == SlotKind::Event;
    let events: Vec<Value> = kernel.stores.iter().filter(|(s, _)| is_event(s)).map(|(_, v)| *v).collect();
    if events.is_empty() {
        return None;
    }
    let mut out = Kernel { values: Default::default(), stores: Vec::new(), ..kernel.clone() };
    let never = out.values.push(Op::MConst(false));
    let mut any = never;
    let mut new: SecondaryMap<Value, Option<Value>> = SecondaryMap::new();
    for (v, op) in &kernel.values {
        let copy = op.map(&mut |x| new[x].unwrap_or_else(|| crate::ice!("{x} used before it is computed")));
        let copy = out.values.push(copy);
        new[v] = Some(copy);
        if events.contains(&v) {
            any = out.values.push(Op::Or(any, copy));
            new[v] = Some(never);
        }
    }
    out.stores = kernel.stores.iter().filter_map(|(s, v)| Some((*s, new[*v]?))).collect();
    let slot = out.slots.push(SlotDef { name: "any".into(), kind: SlotKind::Event });
    out.stores.push((slot, any));
    let out = clean(&fold(&out));
    (out.values.len() < kernel.values.len()).then_some(Quiet { kernel: out, any: slot })
}
