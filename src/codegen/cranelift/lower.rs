//! IR to Cranelift IR.
//!
//! ```text
//! for lane in (begin..end).step_by(W) {
//!     states = load
//!     for step in 0..n_steps { states = body(states, lane, step) }
//!     store states; status += states - states
//! }
//! ```

use crate::ir::{Kernel, Op, Precision, Slot, SlotKind, Type, Value};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{
    self, AbiParam, BlockArg, Endianness, Function, InstBuilder, MemFlagsData, Signature, types,
};
use cranelift_codegen::isa::{CallConv, TargetFrontendConfig};
use cranelift_entity::SecondaryMap;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

/// Returns the signature of compiled kernels.
pub fn signature(conv: &CallConv) -> Signature {
    let mut s = Signature::new(*conv);
    s.params.extend([AbiParam::new(types::I64); 4]);
    s
}

struct Types {
    float: ir::Type,
    int: ir::Type,
    scalar: ir::Type,
    scalar_int: ir::Type,
    bytes: i64,
    width: i64,
}

impl Types {
    fn of(precision: Precision) -> Types {
        let (float, int, scalar, scalar_int) = match precision {
            Precision::F32 => (types::F32X4, types::I32X4, types::F32, types::I32),
            Precision::F64 => (types::F64X2, types::I64X2, types::F64, types::I64),
        };
        Types {
            float,
            int,
            scalar,
            scalar_int,
            bytes: precision.bytes() as i64,
            width: precision.lanes_per_byte() as i64,
        }
    }
}

fn flags() -> MemFlagsData {
    MemFlagsData::trusted()
}

fn constant_flags() -> MemFlagsData {
    MemFlagsData::trusted().with_readonly().with_can_move()
}

fn cast_flags() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

struct Pointers {
    input: ir::Value,
    output: ir::Value,
    stride: ir::Value,
}

/// Fills a function with the loops and the kernel's body.
pub fn lower(kernel: &Kernel, func: &mut Function, config: TargetFrontendConfig) {
    let t = Types::of(kernel.precision);
    let mut context = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(func, &mut context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let [args, begin, end, n_steps] = b.block_params(entry)[..] else { crate::ice!("kernel signature") };
    let table = b.ins().load(types::I64, constant_flags(), args, 0);
    let mut pointers: SecondaryMap<Slot, Option<usize>> = SecondaryMap::new();
    let mut list = Vec::new();
    for (slot, _) in &kernel.slots {
        let at = slot.as_u32() as i32 * 24;
        pointers[slot] = Some(list.len());
        list.push(Pointers {
            input: b.ins().load(types::I64, constant_flags(), table, at),
            output: b.ins().load(types::I64, constant_flags(), table, at + 8),
            stride: b.ins().load(types::I64, constant_flags(), table, at + 16),
        });
    }
    let states: Vec<Slot> = kernel.slots.iter().filter(|(_, d)| d.kind == SlotKind::State).map(|(s, _)| s).collect();
    let zero = vector_constant(&mut b, &t, 0.0);

    // Lane loop: (lane, status).
    let lanes = b.create_block();
    let lane = b.append_block_param(lanes, types::I64);
    let status = b.append_block_param(lanes, t.float);
    let body = b.create_block();
    let done = b.create_block();
    b.ins().jump(lanes, &[BlockArg::Value(begin), BlockArg::Value(zero)]);
    b.switch_to_block(lanes);
    let more = b.ins().icmp(IntCC::UnsignedLessThan, lane, end);
    b.ins().brif(more, body, &[], done, &[]);
    b.switch_to_block(body);
    let offset = b.ins().imul_imm_s(lane, t.bytes);
    let initial: Vec<BlockArg> = states
        .iter()
        .map(|s| {
            let p = &list[s.as_u32() as usize];
            let address = b.ins().iadd(p.input, offset);
            BlockArg::Value(b.ins().load(t.float, flags(), address, 0))
        })
        .collect();
    // Values that do not change from step to step are computed once per lane block.
    let invariant = invariants(kernel);
    let mut values: SecondaryMap<Value, Option<ir::Value>> = SecondaryMap::new();
    for (v, op) in &kernel.values {
        if invariant[v] {
            let out = operation(&mut b, kernel, &t, op, &values, &mut |b, slot| {
                let p = &list[slot.as_u32() as usize];
                let address = b.ins().iadd(p.input, offset);
                (address, false)
            });
            values[v] = Some(out);
        }
    }

    // Step loop: (step, states).
    let steps = b.create_block();
    let step = b.append_block_param(steps, types::I64);
    let current: Vec<ir::Value> = states.iter().map(|_| b.append_block_param(steps, t.float)).collect();
    let first = b.ins().iconst(types::I64, 0);
    let mut enter = vec![BlockArg::Value(first)];
    enter.extend(initial);
    b.ins().jump(steps, &enter);
    b.switch_to_block(steps);
    for (v, op) in &kernel.values {
        if invariant[v] {
            continue;
        }
        let state = match op {
            Op::Load(s) => states.iter().position(|x| x == s),
            _ => None,
        };
        let out = match state {
            Some(i) => current[i],
            None => operation(&mut b, kernel, &t, op, &values, &mut |b, slot| {
                let p = &list[slot.as_u32() as usize];
                match kernel.slots[slot].kind {
                    SlotKind::Uniform => {
                        let at = b.ins().imul_imm_s(step, t.bytes);
                        (b.ins().iadd(p.input, at), true)
                    }
                    _ => {
                        let at = b.ins().imul(step, p.stride);
                        let at = b.ins().iadd(at, offset);
                        (b.ins().iadd(p.input, at), false)
                    }
                }
            }),
        };
        values[v] = Some(out);
    }
    let mut next = current.clone();
    for (slot, value) in &kernel.stores {
        let value = values[*value].unwrap_or_else(|| crate::ice!("store of an unknown value"));
        let p = &list[slot.as_u32() as usize];
        match kernel.slots[*slot].kind {
            SlotKind::State => {
                if let Some(i) = states.iter().position(|x| x == slot) {
                    next[i] = value;
                }
            }
            SlotKind::Event => {
                let bits = b.ins().vhigh_bits(types::I32, value);
                let at = b.ins().imul(step, p.stride);
                let byte = b.ins().ushr_imm_s(lane, t.width.trailing_zeros() as i64);
                let at = b.ins().iadd(at, byte);
                let address = b.ins().iadd(p.output, at);
                b.ins().istore8(flags(), bits, address, 0);
            }
            _ => {
                let at = b.ins().imul(step, p.stride);
                let at = b.ins().iadd(at, offset);
                let address = b.ins().iadd(p.output, at);
                b.ins().store(flags(), value, address, 0);
            }
        }
    }
    let step_next = b.ins().iadd_imm_s(step, 1);
    let again = b.ins().icmp(IntCC::UnsignedLessThan, step_next, n_steps);
    let after = b.create_block();
    let final_states: Vec<ir::Value> = states.iter().map(|_| b.append_block_param(after, t.float)).collect();
    let results: Vec<BlockArg> = next.iter().map(|v| BlockArg::Value(*v)).collect();
    let mut back = vec![BlockArg::Value(step_next)];
    back.extend(results.iter().copied());
    b.ins().brif(again, steps, &back, after, &results);

    b.switch_to_block(after);
    let mut sum = status;
    for (slot, value) in states.iter().zip(&final_states) {
        let p = &list[slot.as_u32() as usize];
        let address = b.ins().iadd(p.output, offset);
        b.ins().store(flags(), *value, address, 0);
        let difference = b.ins().fsub(*value, *value);
        sum = b.ins().fadd(sum, difference);
    }
    let lane_next = b.ins().iadd_imm_s(lane, t.width);
    b.ins().jump(lanes, &[BlockArg::Value(lane_next), BlockArg::Value(sum)]);
    b.switch_to_block(done);
    b.ins().store(MemFlagsData::trusted(), status, args, 16);
    b.ins().return_(&[]);
    b.seal_all_blocks();
    b.finalize(config);
}

/// Marks values that depend on lane slots only, apart from constants, which are cheap to repeat.
fn invariants(kernel: &Kernel) -> SecondaryMap<Value, bool> {
    let mut out: SecondaryMap<Value, bool> = SecondaryMap::new();
    for (v, op) in &kernel.values {
        out[v] = match op {
            Op::Load(s) | Op::LoadBits(s) => kernel.slots[*s].kind == SlotKind::Lane,
            _ => op.operands().iter().all(|o| out[*o]),
        };
    }
    out
}

fn vector_constant(b: &mut FunctionBuilder, t: &Types, value: f64) -> ir::Value {
    let scalar = if t.bytes == 4 { b.ins().f32const(value as f32) } else { b.ins().f64const(value) };
    b.ins().splat(t.float, scalar)
}

/// Lowers one operation; `address` gives where a slot's value lies and whether one scalar serves all lanes.
fn operation(
    b: &mut FunctionBuilder,
    kernel: &Kernel,
    t: &Types,
    op: &Op,
    values: &SecondaryMap<Value, Option<ir::Value>>,
    address: &mut dyn FnMut(&mut FunctionBuilder, Slot) -> (ir::Value, bool),
) -> ir::Value {
    let v = |x: Value| values[x].unwrap_or_else(|| crate::ice!("{x} used before it is lowered"));
    let as_int = |b: &mut FunctionBuilder, x: ir::Value| b.ins().bitcast(t.int, cast_flags(), x);
    let as_float = |b: &mut FunctionBuilder, x: ir::Value| b.ins().bitcast(t.float, cast_flags(), x);
    match *op {
        Op::Load(s) | Op::LoadBits(s) => {
            let (at, uniform) = address(b, s);
            let ints = matches!(op, Op::LoadBits(_));
            match (uniform, ints) {
                (false, false) => b.ins().load(t.float, flags(), at, 0),
                (false, true) => b.ins().load(t.int, flags(), at, 0),
                (true, false) => {
                    let x = b.ins().load(t.scalar, flags(), at, 0);
                    b.ins().splat(t.float, x)
                }
                (true, true) => {
                    let x = b.ins().load(t.scalar_int, flags(), at, 0);
                    b.ins().splat(t.int, x)
                }
            }
        }
        Op::Const(bits) => vector_constant(b, t, f64::from_bits(bits)),
        Op::IConst(i) => {
            let x = if t.bytes == 4 {
                b.ins().iconst(types::I32, i64::from(i as u32))
            } else {
                b.ins().iconst(types::I64, i as i64)
            };
            b.ins().splat(t.int, x)
        }
        Op::MConst(m) => {
            let all = if t.bytes == 4 { 0xffff_ffff } else { -1 };
            let x = b.ins().iconst(t.scalar_int, if m { all } else { 0 });
            b.ins().splat(t.int, x)
        }
        Op::Add(x, y) => b.ins().fadd(v(x), v(y)),
        Op::Sub(x, y) => b.ins().fsub(v(x), v(y)),
        Op::Mul(x, y) => b.ins().fmul(v(x), v(y)),
        Op::Div(x, y) => b.ins().fdiv(v(x), v(y)),
        Op::Fma(x, y, z) => b.ins().fma(v(x), v(y), v(z)),
        Op::Min(x, y) => {
            // Exactly this form becomes `minps`.
            let less = b.ins().fcmp(FloatCC::LessThan, v(x), v(y));
            let mask = as_float(b, less);
            b.ins().bitselect(mask, v(x), v(y))
        }
        Op::Max(x, y) => {
            let less = b.ins().fcmp(FloatCC::LessThan, v(y), v(x));
            let mask = as_float(b, less);
            b.ins().bitselect(mask, v(x), v(y))
        }
        Op::Sqrt(x) => b.ins().sqrt(v(x)),
        Op::Neg(x) => b.ins().fneg(v(x)),
        Op::Abs(x) => b.ins().fabs(v(x)),
        Op::Floor(x) => b.ins().floor(v(x)),
        Op::Nearest(x) => b.ins().nearest(v(x)),
        Op::Lt(x, y) => b.ins().fcmp(FloatCC::LessThan, v(x), v(y)),
        Op::Le(x, y) => b.ins().fcmp(FloatCC::LessThanOrEqual, v(x), v(y)),
        Op::Eq(x, y) => b.ins().fcmp(FloatCC::Equal, v(x), v(y)),
        Op::And(x, y) => b.ins().band(v(x), v(y)),
        Op::Or(x, y) => b.ins().bor(v(x), v(y)),
        Op::Not(x) => b.ins().bnot(v(x)),
        Op::Select(m, x, y) => {
            if kernel.type_of(x) == Type::Float {
                let mask = as_float(b, v(m));
                b.ins().bitselect(mask, v(x), v(y))
            } else {
                b.ins().bitselect(v(m), v(x), v(y))
            }
        }
        Op::IAdd(x, y) => b.ins().iadd(v(x), v(y)),
        Op::ISub(x, y) => b.ins().isub(v(x), v(y)),
        Op::IAnd(x, y) => b.ins().band(v(x), v(y)),
        Op::IOr(x, y) => b.ins().bor(v(x), v(y)),
        Op::Shl(x, n) => {
            let n = b.ins().iconst(types::I32, i64::from(n));
            b.ins().ishl(v(x), n)
        }
        Op::Shr(x, n) => {
            let n = b.ins().iconst(types::I32, i64::from(n));
            b.ins().ushr(v(x), n)
        }
        Op::ToBits(x) => as_int(b, v(x)),
        Op::FromBits(x) => as_float(b, v(x)),
    }
}
