//! Which values there are, and what each is computed from.

use super::Inner;
use super::array::Array;
use super::graph::{Domain, Key, Node, What};
use super::kernel::Compiled;
use super::synapses::{Contribution, Layout, Synapses};
use crate::hir::{Expr, Kept, Op, Taken, VarId, VarKind};
use crate::image::{Elementwise, Held, Store};
use crate::ir::SlotKind;
use crate::plan::{Column, Network, View};
use std::collections::{BTreeMap, BTreeSet};

/// A variable of the compiler's own, beyond those of any model.
pub fn extra(k: u32) -> VarId {
    VarId::from_u32(u32::MAX - 1 - k)
}

/// A value where there is a synapse, zero where there is none.
pub fn where_connected(e: Expr) -> Expr {
    let connected = Expr::Bin(Op::Gt, Box::new(Expr::Var(extra(MASK))), Box::new(Expr::Num(0.0)));
    Expr::If(Box::new(connected), Box::new(e), Box::new(Expr::Num(0.0)))
}

/// The factor of what is reduced over examples: one over their number, or one.
pub const SCALE: u32 = 0;
/// Whether there is a synapse.
pub const MASK: u32 = 1;
/// What a projection has added so far.
pub const SO_FAR: u32 = 2;

impl Inner {
    /// Makes the states of all cells and the weights and states of all synapses.
    pub fn allocate(&mut self, net: &Network) {
        for (index, p) in net.populations.iter().enumerate() {
            for (id, _) in p.model.states() {
                let shared = matches!(p.model.kept.get(&id), Some(Kept::Cell | Kept::Channel));
                let mut array = Array::new(if shared { 1 } else { self.batch }, p.n, self.precision());
                array.fill_rows(&|i| p.initial(id, i, 0));
                self.graph.add(Key::Variable(index, id), What::Given, array, Vec::new());
            }
        }
        for p in &net.projections {
            for (_, v) in &p.synapse.vars {
                let view = match v.kind {
                    VarKind::Pre(of) => Some((p.pre, of)),
                    VarKind::Post(of) => Some((p.post, of)),
                    _ => None,
                };
                self.stored.extend(view.map(|(view, of)| (view.population, of)));
            }
            self.stored.extend(p.modulators.values().map(|(view, of)| (view.population, *of)));
        }
        for k in 0..net.projections.len() {
            let synapses = Synapses::new(self, net, k);
            self.synapses.push(synapses);
        }
        // What is read later is kept from the first step on.
        for (k, p) in net.projections.iter().enumerate() {
            for v in p.synapse.vars.keys().filter(|v| p.is_delayed(*v)) {
                self.place(net, Domain::Synapses(k), v);
            }
        }
        self.find_kept(net);
    }

    /// Finds or makes the value of a variable of a population.
    pub fn variable(&mut self, net: &Network, population: usize, v: VarId) -> Node {
        let key = Key::Variable(population, v);
        if let Some(node) = self.graph.find(&key) {
            return node;
        }
        let p = &net.populations[population];
        match &p.model.vars[v].kind {
            VarKind::AnalogPort(_) => self.port(net, population, v),
            VarKind::Window(of, taken) => {
                let of = self.variable(net, population, *of);
                self.taken(of, taken)
            }
            VarKind::Let(e) => {
                let e = e.clone();
                self.elementwise(net, key, Domain::Cells(population), &e, p.n, false)
            }
            _ => self.elementwise(net, key, Domain::Cells(population), &Expr::Var(v), p.n, false),
        }
    }

    /// Makes a value that is computed cell by cell.
    fn elementwise(&mut self, net: &Network, key: Key, domain: Domain, e: &Expr, n: usize, whole: bool) -> Node {
        let inputs = self.sources(net, domain, e);
        let timed = self.follows_time(net, domain, e);
        let batched = |n: &Node| self.graph.nodes[*n].array.rows > 1;
        let rows = if whole || inputs.iter().any(batched) { self.batch } else { 1 };
        let array = Array::new(rows, n, self.precision());
        let node = self.graph.add(key, What::Elementwise(domain, e.clone(), None), array, inputs);
        if timed {
            self.graph.timed.push(node);
        }
        node
    }

    /// Returns whether an expression changes with time by itself, also through definitions that have no place.
    fn follows_time(&mut self, net: &Network, domain: Domain, e: &Expr) -> bool {
        let mut all = BTreeSet::new();
        self.reached(net, domain, e, &mut all);
        let timed = |e: &Expr| e.any(&mut |e| matches!(e, Expr::Time));
        let mut through = |v: VarId| match self.place(net, domain, v) {
            Some(_) => false,
            None => definition(net, domain, v).is_some_and(|e| timed(&e)),
        };
        timed(e) || all.into_iter().any(&mut through)
    }

    /// Finds or makes the value of an expression; `whole` asks for a row per example.
    pub fn expression(&mut self, net: &Network, domain: Domain, e: &Expr, whole: bool) -> Node {
        let n = match domain {
            Domain::Cells(p) => net.populations[p].n,
            Domain::Sources(k) => net.projections[k].pre.n,
            Domain::Targets(k) | Domain::Synapses(k) => net.projections[k].post.n,
        };
        if let (Expr::Var(v), Domain::Sources(_) | Domain::Targets(_)) = (e, domain)
            && let Some((node, _)) = self.place(net, domain, *v)
            && (!whole || self.graph.nodes[node].array.rows == self.batch)
            && self.graph.nodes[node].array.n == n
        {
            return node;
        }
        let key = Key::Expression(domain, e.clone(), whole);
        match self.graph.find(&key) {
            Some(node) => node,
            None => self.elementwise(net, key, domain, e, n, whole),
        }
    }

    /// Makes a matrix of an expression of a projection's own variables.
    pub fn matrix(&mut self, net: &Network, k: usize, e: &Expr) -> Node {
        let owner = net.projections[k].transpose_of.unwrap_or(k);
        let weight = net.projections[k].synapse.weight();
        if let (Expr::Var(v), Some(w)) = (e, weight)
            && *v == w
        {
            return self.synaptic(net, k, w);
        }
        let domain = Domain::Synapses(k);
        let key = Key::Expression(domain, e.clone(), false);
        if let Some(node) = self.graph.find(&key) {
            return node;
        }
        let masked = match self.synapses[owner].mask {
            // Where there is no synapse nothing is delivered, whatever the weight.
            Some(_) => where_connected(e.clone()),
            None => e.clone(),
        };
        let inputs = self.sources(net, domain, &masked);
        let (rows, n) = self.synapses[owner].extent();
        let array = Array::new(rows, n, self.precision());
        let timed = self.follows_time(net, domain, &masked);
        let node = self.graph.add(key, What::Elementwise(domain, masked, None), array, inputs);
        if timed {
            self.graph.timed.push(node);
        }
        node
    }

    fn port(&mut self, net: &Network, population: usize, port: VarId) -> Node {
        let p = &net.populations[population];
        let mut base = Array::new(1, p.n, self.precision());
        let value = p.ports.get(&port).cloned().unwrap_or(Column::Const(0.0));
        base.fill_rows(&|i| value.at(i));
        let base = self.graph.add(Key::Base(population, port), What::Given, base, Vec::new());
        let into = |k: &usize| {
            let p = &net.projections[*k];
            p.post.population == population && p.port == port && p.synapse.deliver.is_some()
        };
        let projections: Vec<usize> = (0..net.projections.len()).filter(into).collect();
        let mut inputs = vec![base];
        let whole = |k: usize| net.projections[k].post.n == p.n;
        let single = matches!(projections[..], [k] if whole(k));
        let mut parts = Vec::new();
        for k in projections {
            let contribution = self.contribution(net, k);
            match contribution {
                Contribution::Cellwise(node) => {
                    inputs.push(node);
                    parts.push((node, net.projections[k].post.start));
                }
                terms if single => {
                    inputs.extend(terms.inputs());
                    self.deliveries.insert(k, terms);
                    let array = Array::new(self.batch, p.n, self.precision());
                    return self.graph.add(Key::Variable(population, port), What::Port(base, k), array, inputs);
                }
                terms => {
                    let array = Array::new(self.batch, net.projections[k].post.n, self.precision());
                    let node = self.graph.add(Key::Contribution(k), What::Contribution(k), array, terms.inputs());
                    self.deliveries.insert(k, terms);
                    inputs.push(node);
                    parts.push((node, net.projections[k].post.start));
                }
            }
        }
        let array = Array::new(self.batch, p.n, self.precision());
        self.graph.add(Key::Variable(population, port), What::Sum(base, parts), array, inputs)
    }

    /// Finds or makes the weights or a state of a projection's synapses.
    pub fn synaptic(&mut self, net: &Network, k: usize, v: VarId) -> Node {
        let owner = net.projections[k].transpose_of.unwrap_or(k);
        let own = if owner == k { Some(v) } else { net.projections[owner].synapse.weight() };
        match own.and_then(|v| self.graph.find(&Key::Synaptic(owner, v))) {
            Some(node) => node,
            None => crate::ice!("synapses without values"),
        }
    }

    /// Finds or makes what is taken of a value in a window.
    pub fn taken(&mut self, of: Node, taken: &Taken) -> Node {
        let key = Key::Window(of, taken.clone());
        if let Some(node) = self.graph.find(&key) {
            return node;
        }
        let (rows, n) = (self.graph.nodes[of].array.rows, self.graph.nodes[of].array.n);
        self.graph.add(key, What::Given, Array::new(rows, n, self.precision()), Vec::new())
    }

    /// Some of the cells of a value.
    pub fn part(&mut self, of: Node, view: View) -> Node {
        let (rows, n) = (self.graph.nodes[of].array.rows, self.graph.nodes[of].array.n);
        if view.n == n {
            return of;
        }
        let key = Key::Part(of, view.start, view.n);
        if let Some(node) = self.graph.find(&key) {
            return node;
        }
        let array = Array::new(rows, view.n, self.precision());
        self.graph.add(key, What::Part(of, view.start), array, vec![of])
    }

    /// Returns where a variable of an expression is kept and how it changes from lane to lane; none if it has no place.
    pub fn place(&mut self, net: &Network, domain: Domain, v: VarId) -> Option<(Node, SlotKind)> {
        let kind = |this: &Inner, node: Node, one: bool| match (one, this.graph.nodes[node].array.rows > 1) {
            (true, _) => SlotKind::Uniform,
            (false, true) => SlotKind::Step,
            (false, false) => SlotKind::Lane,
        };
        if v == extra(SCALE) {
            return Some((self.scale, SlotKind::Uniform));
        }
        let k = match domain {
            Domain::Cells(p) => {
                let model = &net.populations[p].model;
                let stored = match model.vars.get(v)?.kind {
                    VarKind::State(_) | VarKind::AnalogPort(_) | VarKind::Window(..) => true,
                    VarKind::Let(_) => self.stored.contains(&(p, v)),
                    _ => false,
                };
                let node = stored.then(|| self.variable(net, p, v))?;
                return Some((node, kind(self, node, false)));
            }
            Domain::Sources(k) | Domain::Targets(k) | Domain::Synapses(k) => k,
        };
        let p = &net.projections[k];
        if v == extra(MASK) {
            let owner = p.transpose_of.unwrap_or(k);
            return self.synapses[owner].mask.map(|node| (node, SlotKind::Lane));
        }
        let var = p.synapse.vars.get(v)?;
        let cell = |this: &mut Inner, view: View, of: VarId| {
            let node = match (p.synapse.windows.get(&v), p.delayed.get(&v)) {
                (None, Some(steps)) if *steps > 0 => this.past(net, (k, v), (view.population, of), *steps),
                (Some(taken), _) => {
                    let node = this.variable(net, view.population, of);
                    this.taken(node, taken)
                }
                _ => this.variable(net, view.population, of),
            };
            this.part(node, view)
        };
        let (node, one) = match var.kind {
            VarKind::Pre(of) if p.spread().is_some() => (self.late(net, (k, v), of), false),
            VarKind::Pre(of) => {
                let by_rows = matches!(domain, Domain::Synapses(_)) && self.synapses[k].layout == Layout::Dense;
                (cell(self, p.pre, of), by_rows)
            }
            VarKind::Post(of) => (cell(self, p.post, of), false),
            VarKind::Modulator(_) => {
                let (view, of) = *p.modulators.get(&v)?;
                (cell(self, view, of), view.n == 1 && p.post.n != 1)
            }
            VarKind::Weight | VarKind::State(_) => {
                let node = self.synaptic(net, k, v);
                (node, self.graph.nodes[node].array.n == 1 && p.post.n != 1)
            }
            _ => return None,
        };
        if matches!(var.kind, VarKind::Weight | VarKind::State(_)) {
            return Some((node, if one { SlotKind::Uniform } else { SlotKind::Lane }));
        }
        Some((node, kind(self, node, one)))
    }

    /// Lists the values that an expression reads, through definitions that have no place.
    pub fn sources(&mut self, net: &Network, domain: Domain, e: &Expr) -> Vec<Node> {
        let mut all = BTreeSet::new();
        self.reached(net, domain, e, &mut all);
        let mut out: Vec<Node> =
            all.into_iter().filter_map(|v| self.place(net, domain, v)).map(|(node, _)| node).collect();
        out.sort();
        out.dedup();
        out
    }

    /// Compiles results of expressions; `custom` variables have memory that the caller gives.
    pub fn compile(
        &mut self,
        net: &Network,
        domain: Domain,
        name: &str,
        (stores, temps): (&[Store], &[(VarId, Expr)]),
        custom: &[(VarId, SlotKind)],
    ) -> Compiled {
        let mut places: BTreeMap<VarId, (Option<Node>, SlotKind)> = BTreeMap::new();
        let mut all: BTreeSet<VarId> = BTreeSet::new();
        let exprs = stores.iter().map(Store::expr).chain(temps.iter().map(|(_, e)| e));
        for e in exprs {
            self.reached(net, domain, e, &mut all);
        }
        all.extend(stores.iter().filter_map(|s| match s {
            Store::Replace(v, _) => Some(*v),
            _ => None,
        }));
        for v in all {
            if let Some((_, kind)) = custom.iter().find(|(c, _)| *c == v) {
                places.insert(v, (None, *kind));
            } else if let Some((node, kind)) = self.place(net, domain, v) {
                places.insert(v, (Some(node), kind));
            }
        }
        let (n, params) = match domain {
            Domain::Cells(p) => {
                let p = &net.populations[p];
                (p.n, crate::image::parameters(p, self.options.dt).into_iter().collect())
            }
            Domain::Sources(k) | Domain::Targets(k) | Domain::Synapses(k) => {
                let p = &net.projections[k];
                let n = if matches!(domain, Domain::Sources(_)) { p.pre.n } else { p.post.n };
                let params = p.params.iter().map(|(v, c)| (*v, Column::Const(*c))).collect();
                (n, params)
            }
        };
        let params: BTreeMap<VarId, Column> = params;
        let names = |v: VarId| name_of(net, domain, v);
        let place = |v: VarId| places.get(&v).map(|(_, kind)| *kind);
        let request = Elementwise {
            name: name.to_string(),
            precision: self.precision(),
            dt: self.options.dt,
            names: &names,
            n_lanes: n,
            params: &|v| params.get(&v).cloned(),
            lets: &|v| definition(net, domain, v),
            place: &place,
            temps,
            stores,
        };
        let lowered = request.lower();
        let source = |held: &Held| match held {
            Held::Variable(v) => places.get(v).and_then(|(node, _)| *node),
            _ => None,
        };
        let sources = lowered.slots.iter().map(source).collect();
        let stream = stream_of(&format!("{domain:?} {name}"));
        Compiled::new(lowered, sources, (n, self.batch), self.options.backend, stream)
    }

    /// Collects the variables of an expression, through definitions that have no place.
    fn reached(&mut self, net: &Network, domain: Domain, e: &Expr, out: &mut BTreeSet<VarId>) {
        let mut vars = Vec::new();
        e.walk(&mut |e| {
            if let Expr::Var(v) = e {
                vars.push(*v);
            }
        });
        for v in vars {
            if out.insert(v)
                && self.place(net, domain, v).is_none()
                && let Some(definition) = definition(net, domain, v)
            {
                self.reached(net, domain, &definition, out);
            }
        }
    }
}

/// The random stream of a kernel, by its name: the same whatever was compiled before it. FNV-1a.
fn stream_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, b| (hash ^ u32::from(b)).wrapping_mul(0x0100_0193))
}

/// Returns the definition of a `let` of a population.
fn definition(net: &Network, domain: Domain, v: VarId) -> Option<Expr> {
    let Domain::Cells(p) = domain else { return None };
    match &net.populations[p].model.vars.get(v)?.kind {
        VarKind::Let(e) => Some(e.clone()),
        _ => None,
    }
}

/// Names a variable for readers of the IR.
fn name_of(net: &Network, domain: Domain, v: VarId) -> String {
    let var = match domain {
        Domain::Cells(p) => net.populations[p].model.vars.get(v),
        Domain::Sources(k) | Domain::Targets(k) | Domain::Synapses(k) => net.projections[k].synapse.vars.get(v),
    };
    let text = match var {
        Some(v) => v.name.clone(),
        None if v == extra(SCALE) => "scale".into(),
        None if v == extra(MASK) => "connected".into(),
        None if v == extra(SO_FAR) => "so_far".into(),
        None => format!("reduced{}", v.as_u32()),
    };
    text.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
}
