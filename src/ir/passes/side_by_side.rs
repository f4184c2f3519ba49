//! Several blocks of lanes side by side, so that one has something to do while another waits.

use crate::ir::kernel::{Kernel, SlotDef, SlotKind, Value};
use crate::ir::op::Op;
use cranelift_entity::{EntityRef, SecondaryMap};

/// Writes a kernel for some blocks of lanes: behind the kernel's own slots there are others for the second block, and so on.
/// Constants and what all lanes share are read once.
pub fn side_by_side(kernel: &Kernel, blocks: usize) -> Kernel {
    let mut out = Kernel::new(kernel.name.clone(), kernel.precision);
    let n = kernel.slots.len();
    for _ in 0..blocks {
        kernel.slots.values().for_each(|SlotDef { name, kind }| {
            out.slots.push(SlotDef { name: name.clone(), kind: *kind });
        });
    }
    let shared = |op: &Op| match op {
        Op::Const(_) | Op::IConst(_) | Op::MConst(_) => true,
        Op::Load(s) => kernel.slots[*s].kind == SlotKind::Uniform,
        _ => false,
    };
    let mut new: Vec<SecondaryMap<Value, Option<Value>>> = vec![SecondaryMap::new(); blocks];
    for (v, op) in &kernel.values {
        if shared(op) {
            let copy = out.values.push(*op);
            new.iter_mut().for_each(|new| new[v] = Some(copy));
            continue;
        }
        for (block, new) in new.iter_mut().enumerate() {
            let copy = op.map(&mut |x| new[x].unwrap_or_else(|| crate::ice!("{x} used before it is computed")));
            let copy = match copy {
                Op::Load(s) => Op::Load(EntityRef::new(s.index() + block * n)),
                Op::LoadBits(s) => Op::LoadBits(EntityRef::new(s.index() + block * n)),
                other => other,
            };
            new[v] = Some(out.values.push(copy));
        }
    }
    for (slot, v) in &kernel.stores {
        for (block, new) in new.iter().enumerate() {
            let slot = EntityRef::new(slot.index() + block * n);
            out.stores.extend(new[*v].map(|v| (slot, v)));
        }
    }
    out
}
