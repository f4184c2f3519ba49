//! IR to Cranelift IR.
//!
//! ```text
//! for lane in (begin..end).step_by(W) {
//!     states = load
//!     for step in 0..n_steps {
//!         states', any = quiet(states, lane, step)       // what is left of the body where no event happens
//!         if any { draw random bits; states' = body(states, lane, step) }
//!         states = states'
//!     }
//!     store states; status += states - states
//! }
//! ```

use crate::codegen::{Random, Steps};
use crate::ir::passes::{Quiet, quiet};
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
        Types { float, int, scalar, scalar_int, bytes: precision.bytes() as i64, width: 16 / precision.bytes() as i64 }
    }
}

/// Arrays may begin at any element.
fn flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
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

/// Where the slots of a block of lanes are.
struct Place<'a> {
    list: &'a [Pointers],
    /// Of the block within a row of lanes, in bytes.
    offset: ir::Value,
    lane: ir::Value,
}

impl Place<'_> {
    /// Returns the address of a slot's values and whether one value serves all lanes; outside the step loop there are
    /// only slots that do not change with the step.
    fn read(&self, b: &mut FunctionBuilder, kernel: &Kernel, slot: Slot, step: Option<ir::Value>) -> (ir::Value, bool) {
        let p = &self.list[slot.as_u32() as usize];
        match (kernel.slots[slot].kind, step) {
            (SlotKind::Lane | SlotKind::State, _) | (_, None) => (b.ins().iadd(p.input, self.offset), false),
            (SlotKind::Uniform, Some(step)) => {
                let at = b.ins().imul(step, p.stride);
                (b.ins().iadd(p.input, at), true)
            }
            (_, Some(step)) => {
                let at = b.ins().imul(step, p.stride);
                let at = b.ins().iadd(at, self.offset);
                (b.ins().iadd(p.input, at), false)
            }
        }
    }
}

/// The states at the beginning of a step.
struct States<'a> {
    slots: &'a [Slot],
    values: &'a [ir::Value],
}

/// Fills a function with the loops and the kernel's body.
///
/// With `Steps::One` states go from memory to memory within the body, so that few values live long; else they stay in
/// registers from step to step.
pub fn lower(kernel: &Kernel, steps: Steps, func: &mut Function, config: TargetFrontendConfig) {
    let t = Types::of(kernel.precision);
    let mut context = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(func, &mut context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let [args, begin, end, n_steps] = b.block_params(entry)[..] else { crate::ice!("kernel signature") };
    let table = b.ins().load(types::I64, constant_flags(), args, 0);
    let mut list = Vec::new();
    for (slot, _) in &kernel.slots {
        let at = slot.as_u32() as i32 * 24;
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
    let memory = Place { list: &list, offset, lane };
    let sum = match steps {
        Steps::One => one_step(&mut b, &t, kernel, &states, &memory, args, status),
        Steps::Many => many_steps(&mut b, &t, kernel, &states, &memory, args, (status, n_steps)),
    };
    let lane_next = b.ins().iadd_imm_s(lane, t.width);
    b.ins().jump(lanes, &[BlockArg::Value(lane_next), BlockArg::Value(sum)]);
    b.switch_to_block(done);
    b.ins().store(MemFlagsData::trusted(), status, args, 16);
    b.ins().return_(&[]);
    b.seal_all_blocks();
    b.finalize(config);
}

type Values = SecondaryMap<Value, Option<ir::Value>>;

/// Lowers the loop over steps for one block of lanes; returns the new status.
fn many_steps(
    b: &mut FunctionBuilder,
    t: &Types,
    kernel: &Kernel,
    states: &[Slot],
    memory: &Place,
    args: ir::Value,
    (status, n_steps): (ir::Value, ir::Value),
) -> ir::Value {
    let initial: Vec<BlockArg> = states
        .iter()
        .map(|s| {
            let p = &memory.list[s.as_u32() as usize];
            let address = b.ins().iadd(p.input, memory.offset);
            BlockArg::Value(b.ins().load(t.float, flags(), address, 0))
        })
        .collect();
    // Without events a step is the quiet kernel; at an event the whole one is run instead.
    let quiet = quiet(kernel);
    let first = quiet.as_ref().map_or(kernel, |q| &q.kernel);
    // Values that do not change from step to step are computed once per lane block.
    let invariant = invariants(first);
    let mut values: Values = SecondaryMap::new();
    for (v, op) in &first.values {
        if invariant[v] {
            let address = &mut |b: &mut FunctionBuilder, slot| memory.read(b, first, slot, None);
            values[v] = Some(operation(b, first, t, op, &values, address));
        }
    }

    // Step loop: (step, states).
    let steps = b.create_block();
    let step = b.append_block_param(steps, types::I64);
    let current: Vec<ir::Value> = states.iter().map(|_| b.append_block_param(steps, t.float)).collect();
    let zeroth = b.ins().iconst(types::I64, 0);
    let mut enter = vec![BlockArg::Value(zeroth)];
    enter.extend(initial);
    b.ins().jump(steps, &enter);
    b.switch_to_block(steps);
    let before = States { slots: states, values: &current };
    let mut next = body_of_step(b, t, first, &before, memory, step, &mut values);
    if let Some(quiet) = &quiet {
        let join = b.create_block();
        let joined: Vec<ir::Value> = states.iter().map(|_| b.append_block_param(join, t.float)).collect();
        let results = |next: &[ir::Value]| next.iter().map(|v| BlockArg::Value(*v)).collect::<Vec<_>>();
        let eventful = b.create_block();
        let any = condition(b, quiet, &values);
        b.ins().brif(any, eventful, &[], join, &results(&next));
        b.set_cold_block(eventful);
        b.switch_to_block(eventful);
        draw(b, kernel, quiet, args, step, memory.lane);
        let full = body_of_step(b, t, kernel, &before, memory, step, &mut SecondaryMap::new());
        b.ins().jump(join, &results(&full));
        b.switch_to_block(join);
        next = joined;
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
    store_states(b, states, &final_states, memory, status)
}

/// Lowers one step for one block of lanes; returns the new status.
fn one_step(
    b: &mut FunctionBuilder,
    t: &Types,
    kernel: &Kernel,
    states: &[Slot],
    memory: &Place,
    args: ir::Value,
    status: ir::Value,
) -> ir::Value {
    let quiet = quiet(kernel);
    let first = quiet.as_ref().map_or(kernel, |q| &q.kernel);
    let step = b.ins().iconst(types::I64, 0);
    let none = States { slots: &[], values: &[] };
    let mut values = Values::new();
    compute_step(b, t, first, &none, memory, step, &mut values);
    let Some(quiet) = &quiet else {
        return finish_step(b, t, kernel, states, memory, (step, &values), status);
    };
    let (eventful, uneventful, join) = (b.create_block(), b.create_block(), b.create_block());
    let joined = b.append_block_param(join, t.float);
    let any = condition(b, quiet, &values);
    b.ins().brif(any, eventful, &[], uneventful, &[]);
    b.switch_to_block(uneventful);
    let sum = finish_step(b, t, first, states, memory, (step, &values), status);
    b.ins().jump(join, &[BlockArg::Value(sum)]);
    b.set_cold_block(eventful);
    b.switch_to_block(eventful);
    draw(b, kernel, quiet, args, step, memory.lane);
    let mut values = Values::new();
    compute_step(b, t, kernel, &none, memory, step, &mut values);
    let sum = finish_step(b, t, kernel, states, memory, (step, &values), status);
    b.ins().jump(join, &[BlockArg::Value(sum)]);
    b.switch_to_block(join);
    joined
}

/// Stores what a step gave, and all states; returns the new status.
fn finish_step(
    b: &mut FunctionBuilder,
    t: &Types,
    kernel: &Kernel,
    states: &[Slot],
    memory: &Place,
    (step, values): (ir::Value, &Values),
    status: ir::Value,
) -> ir::Value {
    let current: Vec<ir::Value> = states
        .iter()
        .map(|s| match kernel.stores.iter().find(|(slot, _)| slot == s) {
            Some((_, v)) => values[*v].unwrap_or_else(|| crate::ice!("store of an unknown value")),
            None => {
                let (address, _) = memory.read(b, kernel, *s, None);
                b.ins().load(t.float, flags(), address, 0)
            }
        })
        .collect();
    store_step(b, t, kernel, &States { slots: states, values: &current }, memory, step, values);
    store_states(b, states, &current, memory, status)
}

/// Stores states at the end of the last step; returns the new status.
fn store_states(
    b: &mut FunctionBuilder,
    states: &[Slot],
    values: &[ir::Value],
    memory: &Place,
    status: ir::Value,
) -> ir::Value {
    let mut sum = status;
    for (slot, value) in states.iter().zip(values) {
        let p = &memory.list[slot.as_u32() as usize];
        let address = b.ins().iadd(p.output, memory.offset);
        b.ins().store(flags(), *value, address, 0);
        let difference = b.ins().fsub(*value, *value);
        sum = b.ins().fadd(sum, difference);
    }
    sum
}

/// Returns whether any lane has an event, as the quiet kernel sees it.
fn condition(b: &mut FunctionBuilder, quiet: &Quiet, values: &Values) -> ir::Value {
    let any = quiet.kernel.stores.iter().find(|(s, _)| *s == quiet.any).and_then(|(_, v)| values[*v]);
    b.ins().vhigh_bits(types::I32, any.unwrap_or_else(|| crate::ice!("no condition of events")))
}

/// Calls for the random bits that only the whole kernel reads.
fn draw(b: &mut FunctionBuilder, kernel: &Kernel, quiet: &Quiet, args: ir::Value, step: ir::Value, lane: ir::Value) {
    if Random::of(kernel, Some(quiet)).on_demand.is_empty() {
        return;
    }
    let mut signature = Signature::new(b.func.signature.call_conv);
    signature.params.extend([AbiParam::new(types::I64); 4]);
    let signature = b.import_signature(signature);
    let source = b.ins().load(types::I64, constant_flags(), args, 8);
    let function = b.ins().load(types::I64, constant_flags(), source, 0);
    let lanes = b.ins().iconst(types::I64, 16 / kernel.precision.bytes() as i64);
    b.ins().call_indirect(signature, function, &[source, step, lane, lanes]);
}

/// Lowers one step: what is not in `values` yet, and all stores. Returns the states at its end.
fn body_of_step(
    b: &mut FunctionBuilder,
    t: &Types,
    kernel: &Kernel,
    before: &States,
    memory: &Place,
    step: ir::Value,
    values: &mut Values,
) -> Vec<ir::Value> {
    compute_step(b, t, kernel, before, memory, step, values);
    store_step(b, t, kernel, before, memory, step, values)
}

/// Computes what is not in `values` yet.
fn compute_step(
    b: &mut FunctionBuilder,
    t: &Types,
    kernel: &Kernel,
    before: &States,
    memory: &Place,
    step: ir::Value,
    values: &mut Values,
) {
    for (v, op) in &kernel.values {
        if values[v].is_some() {
            continue;
        }
        let state = match op {
            Op::Load(s) => before.slots.iter().position(|x| x == s),
            _ => None,
        };
        values[v] = Some(match state {
            Some(i) => before.values[i],
            None => {
                let address = &mut |b: &mut FunctionBuilder, slot| memory.read(b, kernel, slot, Some(step));
                operation(b, kernel, t, op, values, address)
            }
        });
    }
}

/// Stores what a step gave except for states; returns the states at its end.
fn store_step(
    b: &mut FunctionBuilder,
    t: &Types,
    kernel: &Kernel,
    before: &States,
    memory: &Place,
    step: ir::Value,
    values: &Values,
) -> Vec<ir::Value> {
    let mut next = before.values.to_vec();
    for (slot, value) in &kernel.stores {
        let value = values[*value].unwrap_or_else(|| crate::ice!("store of an unknown value"));
        // The condition of a quiet kernel has no memory.
        let Some(p) = memory.list.get(slot.as_u32() as usize) else { continue };
        match kernel.slots[*slot].kind {
            SlotKind::State => {
                if let Some(i) = before.slots.iter().position(|x| x == slot) {
                    next[i] = value;
                }
            }
            SlotKind::Event => {
                let bits = b.ins().vhigh_bits(types::I32, value);
                let at = b.ins().imul(step, p.stride);
                let byte = b.ins().ushr_imm_s(memory.lane, t.width.trailing_zeros() as i64);
                let at = b.ins().iadd(at, byte);
                let address = b.ins().iadd(p.output, at);
                b.ins().istore8(flags(), bits, address, 0);
            }
            _ => {
                let at = b.ins().imul(step, p.stride);
                let at = b.ins().iadd(at, memory.offset);
                let address = b.ins().iadd(p.output, at);
                b.ins().store(flags(), value, address, 0);
            }
        }
    }
    next
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
    match t.bytes {
        4 => repeated(b, t.float, &(value as f32).to_le_bytes()),
        _ => repeated(b, t.float, &value.to_le_bytes()),
    }
}

/// A vector of equal lanes from the constant pool: one load, where a splat takes three instructions.
fn repeated(b: &mut FunctionBuilder, ty: ir::Type, lane: &[u8]) -> ir::Value {
    let bytes: Vec<u8> = lane.iter().copied().cycle().take(16).collect();
    let handle = b.func.dfg.constants.insert(bytes.into());
    b.ins().vconst(ty, handle)
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
            let bytes = i.to_le_bytes();
            repeated(b, t.int, &bytes[..t.bytes as usize])
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
