//! What happens at signals: rules of synapses as products of matrices over the batch or synapse by synapse, handlers of cells.
//!
//! Every handler of a signal sees the values from before it. Changes of what all examples share are reduced over them first.

use super::Inner;
use super::array::Array;
use super::build::{SCALE, extra, where_connected};
use super::graph::{Domain, Key, Node};
use super::kernel::Compiled;
use super::synapses::Layout;
use crate::codegen::abi::SlotMemory;
use crate::hir::{Expr, Kept, Stmt, Synapse, VarId, VarKind, inline_lets_unless};
use crate::image::{Held, Listing, Store};
use crate::ir::{Precision, SlotKind};
use crate::math::{mul, simplify};
use crate::plan::{Network, Projection, View};
use crate::runtime::buffer::padded;
use crate::runtime::failure::Failure;
use crate::runtime::profile::Part;
use crate::solve::{
    Owner, Owners, Reduction, Term, bodies, cell_updates, late_lets, owner_in_synapse, synapse_updates,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The first of the variables that stand for reductions.
const FIRST_REDUCED: u32 = 100;

/// What the synapses of a projection do at a signal.
pub struct SynapseRule {
    inputs: Vec<Node>,
    pub(super) reductions: Vec<(VarId, Reducing)>,
    /// New weights and states.
    pub(super) apply: Option<Compiled>,
    /// Whether nothing changes at the synapses of a source whose values are zero: those that kernels read are in these slots.
    pub(super) silent: Option<Vec<usize>>,
    /// New values of what the whole projection shares.
    single: Option<Compiled>,
    changed: Vec<Node>,
}

/// How a term is reduced over the examples.
pub(super) enum Reducing {
    /// The product of a value of the sources and one of the targets.
    Product(Node, Node),
    /// Synapse by synapse.
    Each(Box<Compiled>),
}

impl SynapseRule {
    /// Returns which reduction a variable stands for.
    pub fn reduction(&self, v: VarId) -> Option<usize> {
        self.reductions.iter().position(|(r, _)| *r == v)
    }

    /// Returns whether both reduce the same products, if any, and leave silent sources alone, if they do.
    pub fn is_reduced_like(&self, other: &SynapseRule) -> bool {
        let same = |(a, b): (&(VarId, Reducing), &(VarId, Reducing))| match (&a.1, &b.1) {
            (Reducing::Product(p, q), Reducing::Product(x, y)) => (p, q) == (x, y),
            _ => false,
        };
        !self.reductions.is_empty()
            && self.reductions.len() == other.reductions.len()
            && self.reductions.iter().zip(&other.reductions).all(same)
            && self.silent.is_some() == other.silent.is_some()
            && self.apply.is_some()
            && other.apply.is_some()
    }
}

/// What the cells of a population do at a signal.
pub struct CellRule {
    inputs: Vec<Node>,
    /// Reductions over the examples.
    sums: Option<Sums>,
    /// New values of each example.
    examples: Option<(Compiled, Vec<Node>)>,
    /// New values of what examples share.
    shared: Option<Compiled>,
    changed: Vec<Node>,
}

/// The same without changes of the weight.
fn with_kept_weight(s: &Synapse) -> Synapse {
    fn kept(body: &[Stmt], weight: Option<VarId>) -> Vec<Stmt> {
        let others = body.iter().filter(|stmt| !matches!(stmt, Stmt::Assign(v, _) if Some(*v) == weight));
        let each = others.map(|stmt| match stmt {
            Stmt::If(c, a, b) => Stmt::If(c.clone(), kept(a, weight), kept(b, weight)),
            other => other.clone(),
        });
        each.collect()
    }
    let mut out = s.clone();
    out.handlers.iter_mut().for_each(|h| h.body = kept(&h.body, s.weight()));
    out
}

impl CellRule {
    /// Returns the kernels.
    pub fn kernels(&self) -> impl Iterator<Item = &Compiled> {
        let sums = self.sums.iter().map(|sums| &sums.compiled);
        sums.chain(self.examples.iter().map(|(compiled, _)| compiled)).chain(&self.shared)
    }
}

/// What the cells of a population reduce over the examples.
struct Sums {
    compiled: Compiled,
    arrays: Vec<(VarId, Array)>,
    /// Those that are summed over the cells of channels, too.
    pooled: Vec<VarId>,
}

impl Inner {
    /// Does what populations and projections do at a signal; the weights of those that do not learn stay.
    pub fn signal(
        &mut self,
        net: &Network,
        name: &str,
        projections: &[usize],
        populations: &[usize],
    ) -> Result<(), Failure> {
        let listening = |k: &&usize| bodies(&net.projections[**k].synapse, name).next().is_some();
        let synapses: Vec<usize> = projections.iter().filter(listening).copied().collect();
        let hearing = |p: &&usize| net.populations[**p].model.hears(name);
        let populations: Vec<usize> = populations.iter().filter(hearing).copied().collect();
        let take = |this: &mut Self, k: &usize| {
            let known = this.synapse_rules.remove(&(*k, name.to_string()));
            (*k, known.unwrap_or_else(|| this.synapse_rule(net, *k, name)))
        };
        let first: Vec<(usize, SynapseRule)> = synapses.iter().map(|k| take(self, k)).collect();
        let mut first = self.grouped(first);
        let take = |this: &mut Self, p: &usize| {
            let known = this.cell_rules.remove(&(*p, name.to_string()));
            (*p, known.unwrap_or_else(|| this.cell_rule(net, *p, name)))
        };
        let mut second: Vec<(usize, CellRule)> = populations.iter().map(|p| take(self, p)).collect();
        for n in first.iter().flatten().flat_map(|(_, r)| &r.inputs).chain(second.iter().flat_map(|(_, r)| &r.inputs)) {
            self.pull(net, *n);
        }
        let mut result = Ok(());
        let mut watch = self.options.stopwatch();
        for group in &mut first {
            result = result.and(self.apply_synapses(net, group));
            group.first().into_iter().for_each(|(k, _)| watch.was(Part::Rule(*k)));
        }
        for (p, rule) in &mut second {
            result = result.and(self.apply_cells(net, *p, rule));
            watch.was(Part::Hears(*p));
        }
        for n in first.iter().flatten().flat_map(|(_, r)| &r.changed).chain(second.iter().flat_map(|(_, r)| &r.changed))
        {
            self.graph.changed(*n);
        }
        self.synapse_rules.extend(first.into_iter().flatten().map(|(k, r)| ((k, name.to_string()), r)));
        self.cell_rules.extend(second.into_iter().map(|(p, r)| ((p, name.to_string()), r)));
        result
    }

    /// Compiles what happens at a signal: what each rule reads, and its kernels.
    pub fn rules_of(&mut self, net: &Network, signal: &str) -> Vec<(Vec<Node>, Vec<Listing>)> {
        let mut out = Vec::new();
        for k in 0..net.projections.len() {
            if bodies(&net.projections[k].synapse, signal).next().is_none() {
                continue;
            }
            let rule = self.synapse_rule(net, k, signal);
            let reducing = rule.reductions.into_iter().filter_map(|(_, how)| match how {
                Reducing::Each(c) => Some(*c),
                Reducing::Product(..) => None,
            });
            let kernels = reducing.chain(rule.apply).chain(rule.single).map(|c| c.kernel.listing()).collect();
            out.push((rule.inputs, kernels));
        }
        for p in 0..net.populations.len() {
            if net.populations[p].model.hears(signal) {
                let rule = self.cell_rule(net, p, signal);
                let kernels = rule.kernels().map(|c| c.kernel.listing()).collect();
                out.push((rule.inputs, kernels));
            }
        }
        out
    }

    /// Returns whether changes are added up over the examples of a batch.
    fn adds_up(&self, net: &Network) -> bool {
        net.batch.is_some_and(|batch| batch.sum)
    }

    pub(super) fn synapse_rule(&mut self, net: &Network, k: usize, signal: &str) -> SynapseRule {
        let p = &net.projections[k];
        // Where weights are shared by many cells, changes are reduced even for a single example.
        let several = self.batch > 1 || self.synapses[k].layout == Layout::Convolution;
        let adds_up = self.adds_up(net) || self.synapses[k].layout == Layout::Convolution;
        let single = |v: VarId| p.is_of_one(v);
        let of_whom = owner_in_synapse(&p.synapse, &single);
        // Where changes are added up over the examples, what these have in common is the synapse's own, also if it is of cells.
        let common = if self.adds_up(net) && matches!(self.synapses[k].layout, Layout::Dense | Layout::Diagonal) {
            in_common(net, p)
        } else {
            BTreeMap::new()
        };
        let owner = |e: &Expr| match e {
            Expr::Var(v) if common.contains_key(v) => Some(Owner::Own),
            e => of_whom(e),
        };
        let number = |e: &Expr| matches!(e, Expr::Var(v) if common.get(v) == Some(&true));
        let mut next = FIRST_REDUCED;
        let mut fresh = || {
            next += 1;
            extra(next)
        };
        // The states of weights that are kept go on.
        let synapse = if p.learning { p.synapse.clone() } else { Arc::new(with_kept_weight(&p.synapse)) };
        let mut updates =
            synapse_updates(&synapse, signal, several, adds_up, &Owners { of: &owner, number: &number }, &mut fresh);
        // What a parameter of zero multiplies is not there: such a rule may leave silent sources alone, or do nothing at all.
        for (_, e) in &mut updates.values {
            let zero = |v: &VarId| p.params.get(v) == Some(&0.0);
            let known = std::mem::replace(e, Expr::Num(0.0)).map(&mut |e| match &e {
                Expr::Var(v) if zero(v) => Expr::Num(0.0),
                _ => e,
            });
            *e = simplify(known);
        }
        updates.values.retain(|(v, e)| *e != Expr::Var(*v));
        updates.reductions.retain(|r| updates.values.iter().any(|(_, e)| e.mentions(r.var)));
        let domain = Domain::Synapses(k);
        let mut inputs = Vec::new();
        let mut reductions = Vec::new();
        for Reduction { var, term, .. } in &updates.reductions {
            let how = self.reducing(net, k, term, &mut inputs);
            reductions.push((*var, how));
        }
        let stand_in = |e: &Expr| {
            let scaled = |v: VarId| mul(Expr::Var(extra(SCALE)), Expr::Var(v));
            let reduced = |v: &VarId| updates.reductions.iter().any(|r| r.var == *v);
            e.clone().map(&mut |e| match &e {
                Expr::Var(v) if reduced(v) => scaled(*v),
                _ => e,
            })
        };
        let kept: Vec<(VarId, SlotKind)> = updates.reductions.iter().map(|r| (r.var, SlotKind::Lane)).collect();
        let (single, each): (Vec<_>, Vec<_>) = updates.values.iter().partition(|(v, _)| self.synapses[k].is_single(*v));
        let reduced = |v: VarId| updates.reductions.iter().any(|r| r.var == v);
        let products = reductions.iter().all(|(_, how)| matches!(how, Reducing::Product(..)));
        let silent = products && each.iter().all(|(v, e)| unchanged_without_pre(p, *v, e, &reduced));
        let mut compiled = |this: &mut Self, list: &[&(VarId, Expr)], what: &str| {
            let masked = this.synapses[k].mask.is_some();
            let new = |v: VarId, e: &Expr| match masked && !this.synapses[k].is_single(v) {
                // Where there is no synapse the weight stays zero, and nothing is computed that might be no number.
                true => where_connected(stand_in(e)),
                false => stand_in(e),
            };
            let stores: Vec<Store> = list.iter().map(|(v, e)| Store::Replace(*v, new(*v, e))).collect();
            let name = format!("{}.{signal}{what}", p.synapse.name);
            stores.iter().for_each(|s| inputs.extend(this.sources(net, domain, s.expr())));
            (!stores.is_empty()).then(|| this.compile(net, domain, &name, (&stores, &[]), &kept))
        };
        let apply = compiled(self, &each, "");
        let single = compiled(self, &single, ".single");
        let silent = apply.as_ref().filter(|_| silent && self.synapses[k].layout == Layout::Dense);
        let of_pre = |held: &Held| match held {
            Held::Variable(v) => matches!(p.synapse.vars.get(*v).map(|v| &v.kind), Some(VarKind::Pre(_))),
            _ => false,
        };
        let slots = |c: &Compiled| (0..c.kernel.slots().len()).filter(|s| of_pre(&c.kernel.slots()[*s])).collect();
        let silent = silent.map(slots);
        let changed = updates.values.iter().map(|(v, _)| self.synaptic(net, k, *v)).collect();
        SynapseRule { inputs, reductions, apply, silent, single, changed }
    }

    fn reducing(&mut self, net: &Network, k: usize, term: &Term, inputs: &mut Vec<Node>) -> Reducing {
        if term.mixed.is_none() && matches!(self.synapses[k].layout, Layout::Dense | Layout::Convolution) {
            let target = mul(term.part(Owner::Post).clone(), term.part(Owner::Example).clone());
            let p = self.expression(net, Domain::Sources(k), term.part(Owner::Pre), true);
            let q = self.expression(net, Domain::Targets(k), &simplify(target), true);
            inputs.extend([p, q]);
            return Reducing::Product(p, q);
        }
        let e = term.product();
        inputs.extend(self.sources(net, Domain::Synapses(k), &e));
        let name = format!("{}.reduce", net.projections[k].synapse.name);
        Reducing::Each(Box::new(self.compile(net, Domain::Synapses(k), &name, (&[Store::Sum(e)], &[]), &[])))
    }

    /// Applies rules of projections that [are reduced alike](SynapseRule::is_reduced_like).
    fn apply_synapses(&mut self, net: &Network, rules: &mut [(usize, SynapseRule)]) -> Result<(), Failure> {
        let mut finite = match self.precision() {
            Precision::F32 => {
                let mut images = std::mem::take(&mut self.images.0);
                let finite = self.apply::<f32>(net, rules, &mut images, |b| b.f32());
                self.images.0 = images;
                finite
            }
            Precision::F64 => {
                let mut images = std::mem::take(&mut self.images.1);
                let finite = self.apply::<f64>(net, rules, &mut images, |b| b.f64());
                self.images.1 = images;
                finite
            }
        };
        self.changed_in_part(rules[0].0, &mut finite);
        let mut result = Ok(());
        for ((k, rule), finite) in rules.iter_mut().zip(&mut finite) {
            // Afterwards: the synapses read what the projection shared before the signal.
            if let Some(single) = &mut rule.single {
                self.prepare(single);
                let table = single.table(&mut self.graph, &[], &[], &|_| None);
                *finite &= self.run_lanes(single, &table, 16, 1);
            }
            if !*finite && let Some(failure) = self.not_finite(net, *k) {
                result = result.and(Err(failure));
            }
        }
        result
    }

    /// Puts rules together that are reduced alike.
    pub(super) fn grouped(&self, rules: Vec<(usize, SynapseRule)>) -> Vec<Vec<(usize, SynapseRule)>> {
        let mut groups: Vec<Vec<(usize, SynapseRule)>> = Vec::new();
        for (k, rule) in rules {
            let like = |group: &&mut Vec<(usize, SynapseRule)>| {
                let (j, other) = &group[0];
                let alike = self.is_dealt_out(*j) == self.is_dealt_out(k);
                alike && self.synapses[*j].lies_like(&self.synapses[k]) && other.is_reduced_like(&rule)
            };
            match groups.iter_mut().find(like) {
                Some(group) => group.push((k, rule)),
                None => groups.push(vec![(k, rule)]),
            }
        }
        groups
    }

    /// Finds the synapse whose weight or state is not finite. There may be none: places of the matrix without a synapse have weights of zero,
    /// of which a rule makes what it makes of zero; then they are zero again.
    fn not_finite(&mut self, net: &Network, k: usize) -> Option<Failure> {
        self.complete_synapses(net, k);
        let p = &net.projections[k];
        let time = self.step as f64 * self.options.dt;
        let mut arrays = Vec::new();
        for (variable, var) in &p.synapse.vars {
            if matches!(var.kind, VarKind::Weight | VarKind::State(_))
                && let Some(node) = self.graph.find(&Key::Synaptic(k, variable))
            {
                let values = self.synapses[k].read(p, &self.graph.nodes[node].array);
                if let Some(index) = values.iter().position(|v| !v.is_finite()) {
                    return Some(Failure::Synapse { projection: k, variable, index, time });
                }
                arrays.push(node);
            }
        }
        for node in arrays {
            let buffer = &mut self.graph.nodes[node].array.buffer;
            for at in 0..buffer.len() {
                if !buffer.get(at).is_finite() {
                    buffer.set(at, 0.0);
                }
            }
        }
        None
    }

    pub(super) fn cell_rule(&mut self, net: &Network, p: usize, signal: &str) -> CellRule {
        let plan = &net.populations[p];
        let model = plan.model.clone();
        let stored = self.stored.clone();
        // What is stored is as it was before the signal.
        let late = late_lets(&model, signal);
        let inline = |e: Expr| inline_lets_unless(&model, e, &|v| stored.contains(&(p, v)) && !late.contains(&v));
        let mut next = FIRST_REDUCED;
        let pooled = |v: VarId| model.kept.get(&v) == Some(&Kept::Channel);
        let adds_up = self.adds_up(net);
        // A single example shares what it has with none, but the cells of a channel do.
        let several = self.batch > 1;
        let shared = |v: VarId| pooled(v) || several && model.is_shared(v);
        let mut fresh = || {
            next += 1;
            extra(next)
        };
        let updates = cell_updates(&model, signal, &inline, (&shared, adds_up), &mut fresh);
        let domain = Domain::Cells(p);
        let mut inputs = Vec::new();
        let reduced = |v: &VarId| updates.reductions.iter().any(|r| r.var == *v);
        let stand_in = |e: &Expr| {
            e.clone().map(&mut |e| match &e {
                Expr::Var(v) if reduced(v) => mul(Expr::Var(extra(SCALE)), e),
                _ => e,
            })
        };
        let kept: Vec<(VarId, SlotKind)> = updates.reductions.iter().map(|r| (r.var, SlotKind::Lane)).collect();
        let name = |what: &str| format!("{}.{signal}{what}", model.name);
        let sums = (!updates.reductions.is_empty()).then(|| {
            let stores: Vec<Store> = updates.reductions.iter().map(|r| Store::Sum(r.term.product())).collect();
            stores.iter().for_each(|s| inputs.extend(self.sources(net, domain, s.expr())));
            let compiled = self.compile(net, domain, &name(".reduce"), (&stores, &[]), &[]);
            let arrays = updates.reductions.iter().map(|r| (r.var, Array::new(1, plan.n, self.precision()))).collect();
            let pooled = updates.reductions.iter().filter(|r| r.pooled).map(|r| r.var).collect();
            Sums { compiled, arrays, pooled }
        });
        // With one example only all values are of one row.
        let (one, own): (Vec<_>, Vec<_>) = updates.values.iter().partition(|(v, _)| shared(*v));
        let mut compiled = |this: &mut Self, stores: Vec<Store>, what: &str| {
            stores.iter().for_each(|s| inputs.extend(this.sources(net, domain, s.expr())));
            (!stores.is_empty()).then(|| this.compile(net, domain, &name(what), (&stores, &[]), &kept))
        };
        let examples = own.iter().map(|(_, e)| Store::Out(stand_in(e))).collect();
        let examples = compiled(self, examples, "");
        let examples = examples.map(|c| (c, own.iter().map(|(v, _)| self.variable(net, p, *v)).collect()));
        let shared = compiled(self, one.iter().map(|(v, e)| Store::Replace(*v, stand_in(e))).collect(), ".shared");
        let changed = updates.values.iter().map(|(v, _)| self.variable(net, p, *v)).collect();
        CellRule { inputs, sums, examples, shared, changed }
    }

    fn apply_cells(&mut self, net: &Network, p: usize, rule: &mut CellRule) -> Result<(), Failure> {
        let lanes = padded(net.populations[p].n);
        if let Some(Sums { compiled, arrays, pooled }) = &mut rule.sums {
            for (_, array) in arrays.iter_mut() {
                let end = array.buffer.len();
                array.buffer.clear(0..end);
            }
            let sums: Vec<SlotMemory> = arrays.iter_mut().map(|(_, a)| a.memory()).collect();
            self.prepare(compiled);
            let table = compiled.table(&mut self.graph, &[], &sums, &|_| None);
            self.run_lanes(compiled, &table, lanes, self.active);
            let channel = net.populations[p].channel_size();
            arrays.iter_mut().filter(|(v, _)| pooled.contains(v)).for_each(|(_, a)| a.sum_groups(channel));
        }
        let memories: Vec<(VarId, SlotMemory)> =
            rule.sums.iter_mut().flat_map(|sums| sums.arrays.iter_mut().map(|(v, a)| (*v, a.memory()))).collect();
        let kept = |v: VarId| memories.iter().find(|(m, _)| *m == v).map(|(_, m)| *m);
        let mut result = Ok(());
        if let Some((compiled, states)) = &mut rule.examples {
            self.prepare(compiled);
            result = self.replace_states(net, p, compiled, states, &kept).map(|_| ());
        }
        if let Some(shared) = &mut rule.shared {
            self.prepare(shared);
            let table = shared.table(&mut self.graph, &[], &[], &kept);
            if !self.run_lanes(shared, &table, lanes, 1) {
                result = result.and(Err(self.cell_not_finite(net, p)));
            }
        }
        result
    }

    /// Computes new values of states and puts them in the place of the old ones; returns the largest change.
    pub fn replace_states(
        &mut self,
        net: &Network,
        p: usize,
        compiled: &mut Compiled,
        states: &[Node],
        kept: &dyn Fn(VarId) -> Option<SlotMemory>,
    ) -> Result<f64, Failure> {
        let mut new = Vec::with_capacity(states.len());
        for node in states {
            let old = &self.graph.nodes[*node].array;
            let spare = self.spare.iter().position(|a| a.rows == old.rows && a.n == old.n);
            let array = match spare {
                Some(i) => self.spare.swap_remove(i),
                None => Array::new(old.rows, old.n, self.options.precision),
            };
            new.push(array);
        }
        let rows = if new.iter().any(|a| a.rows > 1) { self.active } else { 1 };
        let outs: Vec<SlotMemory> = new.iter_mut().map(Array::memory).collect();
        let table = compiled.table(&mut self.graph, &outs, &[], kept);
        self.run_lanes(compiled, &table, padded(net.populations[p].n), rows);
        let mut most = 0.0f64;
        for (node, mut array) in states.iter().zip(new) {
            let old = &mut self.graph.nodes[*node].array;
            let used = if old.rows > 1 { rows } else { 1 };
            let change = array.change(old, used);
            // Examples that are not there now stay as they are.
            let (at, n) = (used * old.ld, (old.rows - used) * old.ld);
            array.buffer.copy(at, &old.buffer, at, n);
            most = if most >= change || most.is_nan() { most } else { change };
            std::mem::swap(old, &mut array);
            self.spare.push(array);
        }
        if most.is_finite() { Ok(most) } else { Err(self.cell_not_finite(net, p)) }
    }

    fn cell_not_finite(&self, net: &Network, p: usize) -> Failure {
        let plan = &net.populations[p];
        let time = self.step as f64 * self.options.dt;
        for (v, var) in plan.model.states() {
            let Some(node) = self.graph.find(&Key::Variable(p, v)) else { continue };
            let array = &self.graph.nodes[node].array;
            for row in 0..self.rows_in_use(node) {
                if let Some(index) = (0..array.n).find(|i| !array.get(row, *i).is_finite()) {
                    return Failure::NonFinite { population: p, variable: var.name.clone(), index, time, last: None };
                }
            }
        }
        let variable = plan.model.states().next().map_or(String::new(), |(_, v)| v.name.clone());
        Failure::NonFinite { population: p, variable, index: 0, time, last: None }
    }
}

/// Returns whether a new value is the old one where all presynaptic values, and what was reduced with them, are zero.
fn unchanged_without_pre(p: &crate::plan::Projection, v: VarId, e: &Expr, reduced: &dyn Fn(VarId) -> bool) -> bool {
    let of_pre = |v: VarId| matches!(p.synapse.vars.get(v).map(|v| &v.kind), Some(VarKind::Pre(_)));
    let zeroed = e.clone().map(&mut |e| match &e {
        Expr::Var(v) if of_pre(*v) || reduced(*v) => Expr::Num(0.0),
        _ => e,
    });
    simplify(zeroed) == Expr::Var(v)
}

/// Lists the variables of cells in a projection's synapses that all examples have in common, and which of them are parameters.
fn in_common(net: &Network, p: &Projection) -> BTreeMap<VarId, bool> {
    let of = |view: View, var: VarId| {
        let model = &net.populations[view.population].model;
        let param = matches!(model.vars[var].kind, VarKind::Param(_));
        (param || model.is_shared(var)).then_some(param)
    };
    let common = |v: VarId| match p.synapse.vars[v].kind {
        _ if p.is_delayed(v) => None,
        VarKind::Pre(var) => of(p.pre, var),
        VarKind::Post(var) => of(p.post, var),
        _ => None,
    };
    p.synapse.vars.keys().filter_map(|v| common(v).map(|param| (v, param))).collect()
}
