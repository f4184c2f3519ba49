//! One kernel per population: integrate, add arrivals, decide events, run handlers.
//!
//! Order within a step from t to t + dt (`docs/language/semantics.md`): states advance from their values at t;
//! events that arrive at t + dt are added; `emit`s are decided in order on the result; handlers run.

use super::binding::{BLOCK, Binding, Hidden, PortSource, fixed, for_ever, hidden_name, longest, parameters};
use super::expression::Lowering;
use super::lowered::Lowered;
use crate::hir::{Draw, Emit, EventId, Expr, Func, Op, Stmt, VarId, VarKind, inline_lets};
use crate::ir::{Precision, Slot, SlotKind, Value};
use crate::plan::{Column, Population};
use std::collections::{BTreeMap, HashMap};

/// Returns the event and its probability in a step, the same for all cells, if that is all there is to a model.
pub fn chance(p: &Population, ports: &BTreeMap<VarId, PortSource>, dt: f64) -> Option<(EventId, f64)> {
    let model = &p.model;
    let [emit] = &model.emits[..] else { return None };
    let plain = emit.body.is_empty() && emit.edge.is_none() && emit.count.is_none() && model.events.len() == 1;
    if !plain || model.states().next().is_some() || !model.cables.is_empty() {
        return None;
    }
    let Expr::Bin(Op::Lt, draw, probability) = inline_lets(model, emit.when.clone()) else { return None };
    if !matches!(&*draw, Expr::Draw(_, Draw::Uniform, args) if args[..] == [Expr::Num(0.0), Expr::Num(1.0)]) {
        return None;
    }
    let constant = |v: VarId| match (p.params.get(&v), ports.get(&v)) {
        (Some(Column::Const(x)), _) | (_, Some(PortSource::Fixed(Column::Const(x)))) => Some(*x),
        _ => None,
    };
    crate::math::eval(&probability, &constant, Some(dt)).map(|p| (emit.event, p))
}

/// Lowers a population's update.
pub fn lower_neuron(
    p: &Population,
    ports: &BTreeMap<VarId, PortSource>,
    connected: &dyn Fn(VarId) -> bool,
    dt: f64,
    precision: Precision,
) -> Lowered<Binding> {
    let mut params = parameters(p, dt);
    params.extend(fixed(ports));
    let lookup = |v: VarId| params.get(&v).cloned();
    let lets = |v: VarId| match p.model.vars.get(v).map(|v| &v.kind) {
        Some(VarKind::Let(e)) => Some(e.clone()),
        _ => None,
    };
    let mut l = Lowering::new(&p.model.name, precision, &lookup, &lets);
    (l.dt, l.n_lanes) = (Some(dt), p.n);
    let mut k = Build::new(p);
    k.slots(&mut l, ports, dt);
    let held = k.hold_values(&mut l);
    k.hold_cables(&mut l, &held);
    k.conditions_before(&mut l);
    k.integrate(&mut l, &held, connected);
    k.events(&mut l, dt);
    k.finish(l)
}

/// The slots of a kernel under construction.
pub(super) struct Build<'a> {
    pub p: &'a Population,
    bindings: Vec<(Slot, Binding)>,
    /// Slot and current value of each hidden state.
    hidden: HashMap<Hidden, (Slot, Value)>,
    /// Whether the condition of the n-th `emit` held before this step, and whether it has been looked at before.
    before: HashMap<usize, (Value, Value)>,
    pub states: Vec<(VarId, Slot)>,
    /// States of cables that events change.
    changed: Vec<(VarId, Slot)>,
}

impl<'a> Build<'a> {
    pub fn new(p: &'a Population) -> Build<'a> {
        let (hidden, before) = (HashMap::new(), HashMap::new());
        Build { p, bindings: Vec::new(), hidden, before, states: Vec::new(), changed: Vec::new() }
    }

    pub fn slot(&mut self, l: &mut Lowering, name: String, kind: SlotKind, binding: Binding) -> Slot {
        let slot = l.b.slot(name.replace(' ', "_"), kind);
        self.bindings.push((slot, binding));
        slot
    }

    fn slots(&mut self, l: &mut Lowering, ports: &BTreeMap<VarId, PortSource>, dt: f64) {
        let model = self.p.model.clone();
        for (id, var) in model.states() {
            if var.cable.is_some() {
                continue;
            }
            let slot = self.slot(l, var.name.clone(), SlotKind::State, Binding::State(id));
            self.states.push((id, slot));
            let value = l.b.load(slot);
            l.env.insert(id, value);
        }
        for (id, var) in model.states().filter(|(_, v)| v.cable.is_some()) {
            let changes = model.emits.iter().any(|emit| changes(&emit.body, id));
            if changes || uses(&model.emits, &self.p.solved, &mut |e| *e == Expr::Var(id)) {
                let slot = self.slot(l, var.name.clone(), SlotKind::Lane, Binding::CableState(id, 0));
                let value = l.b.load(slot);
                l.env.insert(id, value);
            }
            if changes {
                let slot = self.slot(l, format!("{}_changed", var.name), SlotKind::Out, Binding::CableChanged(id));
                self.changed.push((id, slot));
            }
        }
        for (id, var) in &model.vars {
            if let VarKind::Segment(of, segment) = var.kind
                && uses(&model.emits, &self.p.solved, &mut |e| *e == Expr::Var(id))
            {
                let slot = self.slot(l, var.name.clone(), SlotKind::Lane, Binding::CableState(of, segment));
                let value = l.b.load(slot);
                l.env.insert(id, value);
            }
        }
        self.ports(l, ports);
        if uses(&model.emits, &self.p.solved, &mut |e| matches!(e, Expr::Time)) {
            let slot = self.slot(l, "t".into(), SlotKind::Uniform, Binding::Time);
            l.time = Some(l.b.load(slot));
            l.clocks_in = Some(SlotKind::Step);
        }
        let mut stream = 0;
        let noises = (0..model.n_noises).map(|k| (true, k));
        for key in noises.chain((0..model.n_draws).map(|k| (false, k))) {
            let mut one = |this: &mut Self, l: &mut Lowering| {
                stream += 1;
                this.slot(l, format!("random{stream}"), SlotKind::Step, Binding::Random(stream))
            };
            let pair = (one(self, l), one(self, l));
            l.randoms.insert(key, pair);
        }
        let mut hidden = Vec::new();
        for emit in &model.emits {
            collect_hidden(&emit.body, &mut hidden);
        }
        let of_cable = |h: &Hidden| match h {
            Hidden::Hold(v) if model.vars[*v].cable.is_some() => Some(Hidden::Kept(*v)),
            _ => None,
        };
        hidden.extend(hidden.iter().filter_map(of_cable).collect::<Vec<_>>());
        for (i, emit) in model.emits.iter().enumerate() {
            if emit.edge.is_some() {
                hidden.push(Hidden::Edge(i));
            }
        }
        for (event, _) in &model.events {
            if uses(&model.emits, &self.p.solved, &mut |e| *e == Expr::Since(event)) {
                hidden.push(Hidden::Since(event));
                if l.b.precision() == Precision::F32 {
                    hidden.push(Hidden::Blocks(event));
                }
            }
        }
        if l.b.precision() == Precision::F32 {
            hidden.extend(self.p.slow(dt).into_iter().map(Hidden::Rest));
        }
        for h in hidden {
            if self.hidden.contains_key(&h) {
                continue;
            }
            let slot = self.slot(l, hidden_name(self.p, h), SlotKind::State, Binding::Hidden(h));
            let value = l.b.load(slot);
            self.hidden.insert(h, (slot, value));
        }
        for (event, _) in &model.events {
            self.count_on(l, event, dt);
        }
    }

    /// Counts the steps since an event by one more.
    fn count_on(&mut self, l: &mut Lowering, event: EventId, dt: f64) {
        let Some((slot, before)) = self.hidden.get(&Hidden::Since(event)).copied() else { return };
        let one = l.b.constant(1.0);
        let mut steps = l.b.add(before, one);
        let mut all = steps;
        if let Some((slot, blocks)) = self.hidden.get(&Hidden::Blocks(event)).copied() {
            let (block, zero) = (l.b.constant(BLOCK), l.b.constant(0.0));
            let full = l.b.le(block, steps);
            let more = l.b.add(blocks, one);
            let blocks = l.b.select(full, more, blocks);
            steps = l.b.select(full, zero, steps);
            all = l.b.fma(blocks, block, steps);
            self.hidden.insert(Hidden::Blocks(event), (slot, blocks));
        }
        self.hidden.insert(Hidden::Since(event), (slot, steps));
        let dt = l.b.constant(dt);
        let time = l.b.mul(all, dt);
        l.since.insert(event, time);
    }

    /// Loads the analog ports that are not constant.
    pub fn ports(&mut self, l: &mut Lowering, ports: &BTreeMap<VarId, PortSource>) {
        for (port, source) in ports {
            let name = self.p.model.vars[*port].name.clone();
            let (kind, binding) = match source {
                PortSource::Fixed(_) => continue,
                PortSource::Uniform => (SlotKind::Uniform, Binding::PortUniform(*port)),
                PortSource::Step => (SlotKind::Step, Binding::PortStep(*port)),
            };
            let slot = self.slot(l, name, kind, binding);
            let value = l.b.load(slot);
            l.env.insert(*port, value);
        }
    }

    /// Masks of held states, and the counters one step further.
    fn hold_values(&mut self, l: &mut Lowering) -> HashMap<VarId, Value> {
        let (zero, one) = (l.b.constant(0.0), l.b.constant(1.0));
        let mut out = HashMap::new();
        let mut keys: Vec<Hidden> = self.hidden.keys().copied().filter(|h| matches!(h, Hidden::Hold(_))).collect();
        keys.sort_by_key(|h| if let Hidden::Hold(v) = h { v.as_u32() } else { 0 });
        for h in keys {
            let Hidden::Hold(state) = h else { continue };
            let (slot, left) = self.hidden[&h];
            out.insert(state, l.b.lt(zero, left));
            let less = l.b.sub(left, one);
            let less = l.b.max(zero, less);
            self.hidden.insert(h, (slot, less));
        }
        out
    }

    /// Puts held potentials of cables back to where they were: cables have been advanced before.
    fn hold_cables(&mut self, l: &mut Lowering, held: &HashMap<VarId, Value>) {
        for (state, _) in &self.changed {
            if let (Some(held), Some((_, kept))) = (held.get(state), self.hidden.get(&Hidden::Kept(*state))) {
                let value = l.b.select(*held, *kept, l.env[state]);
                l.env.insert(*state, value);
            }
        }
    }

    /// Finds which conditions held at the end of the last step; before the first one, they are looked at where it begins. What cables and
    /// adaptive schemes have integrated by themselves is past there: then the end of the first step is the beginning.
    fn conditions_before(&mut self, l: &mut Lowering) {
        let model = self.p.model.clone();
        let is_at_beginning = model.cables.is_empty() && self.p.solved.adaptive.is_none();
        for (i, emit) in model.emits.iter().enumerate() {
            let Some((_, last)) = self.hidden.get(&Hidden::Edge(i)).copied() else { continue };
            let (half, most) = (l.b.constant(0.5), l.b.constant(1.5));
            let (mut held, unseen) = (l.b.lt(half, last), l.b.lt(most, last));
            let mut seen = l.b.not(unseen);
            if is_at_beginning {
                let first = l.mask(&emit.when);
                let first = l.b.and(unseen, first);
                let later = l.b.and(seen, held);
                held = l.b.or(first, later);
                seen = l.b.truth(true);
            }
            self.before.insert(i, (held, seen));
        }
    }

    fn integrate(&mut self, l: &mut Lowering, held: &HashMap<VarId, Value>, connected: &dyn Fn(VarId) -> bool) {
        let solved = self.p.solved.clone();
        for (temp, e) in &solved.temps {
            let value = l.number(e);
            l.env.insert(*temp, value);
        }
        let old = l.env.clone();
        let mut rests: Vec<(VarId, Value)> = Vec::new();
        let next: Vec<(VarId, Value)> = solved
            .next
            .iter()
            .map(|(s, e)| match self.hidden.get(&Hidden::Rest(*s)).copied() {
                Some((_, rest)) => {
                    let change = solved.changes.iter().find(|c| c.state == *s);
                    let change = change.unwrap_or_else(|| crate::ice!("a slow state without a change"));
                    let by = l.number(&change.by);
                    let by = l.b.add(by, rest);
                    let (sum, rest) = two_sum(l, old[s], by);
                    rests.push((*s, rest));
                    (*s, sum)
                }
                None => (*s, l.number(e)),
            })
            .collect();
        l.env.extend(next);
        let mut sums: Vec<(VarId, Value)> = Vec::new();
        let mut ports: HashMap<VarId, Slot> = HashMap::new();
        let own = |a: &&crate::solve::Arrival| connected(a.port) && self.p.model.vars[a.port].cable.is_none();
        for a in solved.arrivals.iter().filter(own) {
            let name = self.p.model.vars[a.port].name.clone();
            let slot = match ports.get(&a.port) {
                Some(s) => *s,
                None => self.slot(l, name, SlotKind::Step, Binding::Arrival(a.port)),
            };
            ports.insert(a.port, slot);
            let weight = l.b.load(slot);
            let coefficient = l.number(&a.coefficient);
            let add = l.b.mul(coefficient, weight);
            let base = sums.iter().rev().find(|(s, _)| *s == a.state).map_or(l.env[&a.state], |(_, v)| *v);
            let sum = match rests.iter_mut().find(|(s, _)| *s == a.state) {
                Some((_, rest)) => {
                    let (sum, more) = two_sum(l, base, add);
                    *rest = l.b.add(*rest, more);
                    sum
                }
                None => l.b.add(base, add),
            };
            sums.push((a.state, sum));
        }
        l.env.extend(sums);
        for (state, rest) in rests {
            let (slot, before) = self.hidden[&Hidden::Rest(state)];
            let rest = held.get(&state).map_or(rest, |held| l.b.select(*held, before, rest));
            self.hidden.insert(Hidden::Rest(state), (slot, rest));
        }
        let mut states: Vec<VarId> = held.keys().copied().collect();
        states.sort();
        for state in states {
            let kept = l.b.select(held[&state], old[&state], l.env[&state]);
            l.env.insert(state, kept);
        }
    }

    fn events(&mut self, l: &mut Lowering, dt: f64) {
        let model = self.p.model.clone();
        let (zero, one) = (l.b.constant(0.0), l.b.constant(1.0));
        let mut muted: HashMap<EventId, Value> = HashMap::new();
        for (event, _) in &model.events {
            if let Some((slot, left)) = self.hidden.get(&Hidden::Mute(event)).copied() {
                muted.insert(event, l.b.lt(zero, left));
                let less = l.b.sub(left, one);
                let less = l.b.max(zero, less);
                self.hidden.insert(Hidden::Mute(event), (slot, less));
            }
        }
        let mut counts: HashMap<EventId, Value> = HashMap::new();
        for (i, emit) in model.emits.iter().enumerate() {
            let mut fires = l.mask(&emit.when);
            if let (Some((slot, _)), Some((was, seen))) =
                (self.hidden.get(&Hidden::Edge(i)).copied(), self.before.get(&i).copied())
            {
                let now = l.b.select(fires, one, zero);
                self.hidden.insert(Hidden::Edge(i), (slot, now));
                let changed = if emit.edge == Some(true) {
                    let fresh = l.b.not(was);
                    l.b.and(fires, fresh)
                } else {
                    let gone = l.b.not(fires);
                    l.b.and(gone, was)
                };
                fires = l.b.and(seen, changed);
                if let Some(on) = emit.on.and_then(|on| l.fired.get(&on)).copied() {
                    fires = l.b.and(fires, on);
                }
            }
            if let Some(m) = muted.get(&emit.event) {
                let free = l.b.not(*m);
                fires = l.b.and(fires, free);
            }
            let all = match l.fired.get(&emit.event) {
                Some(earlier) => {
                    let earlier = *earlier;
                    l.b.or(earlier, fires)
                }
                None => fires,
            };
            l.fired.insert(emit.event, all);
            if self.p.model.is_counted(emit.event) {
                let count = emit.count.as_ref().map_or(one, |e| l.number(e));
                let count = l.b.select(fires, count, zero);
                let before = counts.get(&emit.event).copied().unwrap_or(zero);
                let sum = l.b.add(before, count);
                counts.insert(emit.event, sum);
            }
            self.handler(l, &emit.body, fires, dt);
        }
        for (event, e) in &model.events {
            let Some(fires) = l.fired.get(&event).copied() else { continue };
            if let Some((slot, steps)) = self.hidden.get(&Hidden::Since(event)).copied() {
                let reset = l.b.select(fires, zero, steps);
                self.hidden.insert(Hidden::Since(event), (slot, reset));
            }
            if let Some((slot, blocks)) = self.hidden.get(&Hidden::Blocks(event)).copied() {
                let reset = l.b.select(fires, zero, blocks);
                self.hidden.insert(Hidden::Blocks(event), (slot, reset));
            }
            let slot = self.slot(l, e.name.clone(), SlotKind::Event, Binding::Event(event));
            l.b.store(slot, fires);
            if let Some(count) = counts.get(&event).copied() {
                let slot = self.slot(l, format!("{}_count", e.name), SlotKind::Out, Binding::Count(event));
                l.b.store(slot, count);
            }
        }
    }

    fn handler(&mut self, l: &mut Lowering, body: &[Stmt], when: Value, dt: f64) {
        for stmt in body {
            match stmt {
                Stmt::Assign(state, e) => {
                    let value = l.number(e);
                    let old = l.env[state];
                    let new = l.b.select(when, value, old);
                    l.env.insert(*state, new);
                    if let Some((slot, rest)) = self.hidden.get(&Hidden::Rest(*state)).copied() {
                        let zero = l.b.constant(0.0);
                        let rest = l.b.select(when, zero, rest);
                        self.hidden.insert(Hidden::Rest(*state), (slot, rest));
                    }
                }
                Stmt::Hold(state, duration, _) => self.count(l, Hidden::Hold(*state), duration, when, dt),
                Stmt::Mute(event, duration, _) => self.count(l, Hidden::Mute(*event), duration, when, dt),
                Stmt::If(c, a, b) => {
                    let c = l.mask(c);
                    let both = l.b.and(when, c);
                    self.handler(l, a, both, dt);
                    if !b.is_empty() {
                        let opposite = l.b.not(c);
                        let both = l.b.and(when, opposite);
                        self.handler(l, b, both, dt);
                    }
                }
                Stmt::Deliver(_) | Stmt::Rewire => crate::ice!("a neuron delivers or rewires"),
            }
        }
    }

    /// Lets a counter run for a duration, unless it runs longer already.
    fn count(&mut self, l: &mut Lowering, h: Hidden, duration: &Expr, when: Value, dt: f64) {
        let Some((slot, left)) = self.hidden.get(&h).copied() else { return };
        let steps = in_steps(l, duration, dt);
        // Operand order lets NaN through: it stops the run.
        let longer = l.b.max(left, steps);
        let new = l.b.select(when, longer, left);
        self.hidden.insert(h, (slot, new));
    }

    pub fn finish(mut self, mut l: Lowering) -> Lowered<Binding> {
        let model = self.p.model.clone();
        let observed = model.observed.iter().map(|(state, of)| (*state, l.number(&Expr::Var(*of)))).collect::<Vec<_>>();
        l.env.extend(observed);
        for (state, slot) in &self.states {
            let value = l.env[state];
            l.b.store(*slot, value);
        }
        for (state, slot) in &self.changed {
            let value = l.env[state];
            l.b.store(*slot, value);
            if let Some((_, kept)) = self.hidden.get_mut(&Hidden::Kept(*state)) {
                *kept = value;
            }
        }
        let mut hidden: Vec<(Slot, Value)> = self.hidden.values().copied().collect();
        hidden.sort();
        for (slot, value) in hidden {
            l.b.store(slot, value);
        }
        self.bindings.extend(l.invariants.into_iter().map(|(s, v, e)| (s, Binding::Lane(v, e))));
        self.bindings.extend(l.clocks.into_iter().map(|(s, c)| (s, Binding::Clock(c))));
        Lowered::sorted(l.b.finish(), self.bindings)
    }
}

/// Returns a duration in steps, rounded to the grid; not a number if it cannot be counted, which is known beforehand unless it
/// follows from states.
fn in_steps(l: &mut Lowering, duration: &Expr, dt: f64) -> Value {
    let precision = l.b.precision();
    let steps = Expr::Call(Func::Round, vec![Expr::bin(Op::Div, duration.clone(), Expr::Num(dt))]);
    let steps = Expr::Call(Func::Min, vec![Expr::Num(for_ever(precision)), steps]);
    let counted = l.number(&steps);
    if l.is_fixed(&steps) {
        return counted;
    }
    let (zero, last, ever) = (l.b.constant(0.0), l.b.constant(longest(precision)), l.b.constant(for_ever(precision)));
    let time = l.number(duration);
    let from_now = l.b.le(zero, time);
    let (short, endless) = (l.b.le(counted, last), l.b.eq(counted, ever));
    let counts = l.b.or(short, endless);
    let valid = l.b.and(from_now, counts);
    let undefined = l.b.constant(f64::NAN);
    l.b.select(valid, counted, undefined)
}

/// Returns the exact sum of two numbers as what is nearest to it and what is left over (Knuth 1969).
fn two_sum(l: &mut Lowering, a: Value, b: Value) -> (Value, Value) {
    let sum = l.b.add(a, b);
    let of_b = l.b.sub(sum, a);
    let of_a = l.b.sub(sum, of_b);
    let (left_of_a, left_of_b) = (l.b.sub(a, of_a), l.b.sub(b, of_b));
    let rest = l.b.add(left_of_a, left_of_b);
    (sum, rest)
}

pub(super) fn collect_hidden(body: &[Stmt], out: &mut Vec<Hidden>) {
    for s in body {
        match s {
            Stmt::Hold(v, ..) => out.push(Hidden::Hold(*v)),
            Stmt::Mute(e, ..) => out.push(Hidden::Mute(*e)),
            Stmt::If(_, a, b) => {
                collect_hidden(a, out);
                collect_hidden(b, out);
            }
            Stmt::Assign(..) | Stmt::Deliver(_) | Stmt::Rewire => {}
        }
    }
}

/// Returns whether statements assign to a state, or hold it.
fn changes(body: &[Stmt], state: VarId) -> bool {
    body.iter().any(|s| match s {
        Stmt::Assign(v, _) | Stmt::Hold(v, ..) => *v == state,
        Stmt::If(_, a, b) => changes(a, state) || changes(b, state),
        Stmt::Mute(..) | Stmt::Deliver(_) | Stmt::Rewire => false,
    })
}

fn uses(emits: &[Emit], solved: &crate::solve::Solved, predicate: &mut dyn FnMut(&Expr) -> bool) -> bool {
    fn statements(body: &[Stmt], predicate: &mut dyn FnMut(&Expr) -> bool) -> bool {
        body.iter().any(|s| match s {
            Stmt::Assign(_, e) | Stmt::Hold(_, e, _) | Stmt::Mute(_, e, _) | Stmt::Deliver(e) => e.any(predicate),
            Stmt::Rewire => false,
            Stmt::If(c, a, b) => c.any(predicate) || statements(a, predicate) || statements(b, predicate),
        })
    }
    solved.temps.iter().chain(&solved.next).any(|(_, e)| e.any(predicate))
        || solved.adaptive.iter().any(|(_, rates)| rates.iter().any(|(_, e)| e.any(predicate)))
        || solved.vars.values().any(|v| matches!(&v.kind, VarKind::Let(e) if e.any(predicate)))
        || emits.iter().any(|e| {
            e.when.any(predicate) || e.count.iter().any(|c| c.any(predicate)) || statements(&e.body, predicate)
        })
}
