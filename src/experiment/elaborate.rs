//! Builds a [`plan::Network`](crate::plan::Network) from a network declaration and its arguments.

use super::Attempt;
use super::columns::{assign, column, edge_column, fill_defaults};
use super::connect::{End, connect, connect_where};
use super::eval::{Live, Scope, fail};
use super::from_table::from_table;
use super::modulators::modulators;
use super::record::Recording;
use super::value::{Instance, PopulationRef, Quantity, Value};
use crate::data::Files;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::hir::{Module, SynapseUse, VarId, VarKind, check_synapse, misplaced};
use crate::math::eval;
use crate::plan::{Column, Delay, DrawnDelays, Network, Pairs, Population, Projection, View};
use crate::rng::Stream;
use crate::solve::discretize;
use crate::source::Span;
use crate::syntax::ast::{self, Clause, NetworkItem, ViewPath};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

/// Builds one network; several nested ones share the plan.
pub struct Elaborator<'a> {
    pub module: &'a Module,
    pub files: &'a dyn Files,
    pub recordings: &'a [Recording],
    pub dt: f64,
    pub seed: u64,
    /// Index that the network will have among the live ones.
    pub index: usize,
    /// The network so far.
    pub live: Vec<Live>,
    /// Counts what was shuffled.
    pub shuffles: &'a Cell<u32>,
    /// Counts random streams of set-up, one for each projection, weight, delay and initial value.
    pub streams: u32,
}

impl<'a> Elaborator<'a> {
    pub(super) fn plan(&mut self) -> &mut Network {
        &mut self.live[self.index].plan
    }

    pub(super) fn scope<'b>(&'b self, names: &'b [(String, Value)]) -> Scope<'b> {
        Scope {
            module: self.module,
            names: names.into(),
            live: &self.live,
            recordings: self.recordings,
            files: self.files,
            cell: None,
            time: None,
            dt: self.dt,
            shuffles: (self.seed, self.shuffles),
            pair: None,
        }
    }

    pub(super) fn stream(&mut self) -> Stream {
        self.streams += 1;
        Stream::new(self.seed, 0x8000_0000 + self.streams)
    }

    /// Instantiates a network with evaluated arguments.
    pub fn network(&mut self, name: &ast::Name, args: &[(Option<String>, Value)], prefix: &str) -> Attempt<Instance> {
        let Some(network) = self.module.networks.get(&name.text).cloned() else {
            return fail(Code::E0203, name.span, format!("unknown network `{}`", name.text), "not declared");
        };
        let mut names: Vec<(String, Value)> = Vec::new();
        for (i, formal) in network.formals.iter().enumerate() {
            let given = args
                .iter()
                .find(|(n, _)| n.as_ref() == Some(&formal.name.text))
                .or(args.get(i).filter(|(n, _)| n.is_none()));
            let value = match (given, &formal.value) {
                (Some((_, v)), _) => v.clone(),
                (None, Some(e)) => self.scope(&names).eval(e)?,
                (None, None) => {
                    return fail(
                        Code::E0212,
                        name.span,
                        format!("parameter `{}` has no value", formal.name.text),
                        "value missing",
                    );
                }
            };
            names.push((formal.name.text.clone(), value));
        }
        let mut instance = Instance::default();
        instance.names.extend(names.iter().cloned());
        self.items(&network.body, &mut names, &mut instance, prefix)?;
        Ok(instance)
    }

    fn items(
        &mut self,
        body: &[NetworkItem],
        names: &mut Vec<(String, Value)>,
        instance: &mut Instance,
        prefix: &str,
    ) -> Attempt<()> {
        for item in body {
            let new: Option<(String, Value)> = match item {
                NetworkItem::Population { name, model, args, shape, spacing, span } => {
                    let view = self.population(name, model, args, shape, spacing.as_ref(), *span, names, prefix)?;
                    Some((name.text.clone(), Value::Population(PopulationRef { network: self.index, view })))
                }
                NetworkItem::Network { name, model, args, .. } => {
                    let values = args
                        .iter()
                        .map(|a| Ok((a.name.as_ref().map(|n| n.text.clone()), self.scope(names).eval(&a.value)?)))
                        .collect::<Attempt<Vec<_>>>()?;
                    let inner = self.network(model, &values, &format!("{prefix}{}.", name.text))?;
                    Some((name.text.clone(), Value::Network(Rc::new(inner))))
                }
                NetworkItem::Init(paths, value) => {
                    for p in paths {
                        self.init(p, value, names)?;
                    }
                    None
                }
                NetworkItem::Projection(p) => {
                    let first = self.plan().projections.len();
                    self.projection(p, names, prefix)?;
                    // The way back that an energy adds is not what the name stands for.
                    let list = &self.plan().projections;
                    let own = |k: &usize| list[*k].transpose_of.is_none_or(|of| of < first);
                    let all = (first..list.len()).filter(own).collect();
                    p.name.as_ref().map(|n| (n.text.clone(), Value::Projection(self.index, Rc::new(all))))
                }
                NetworkItem::Drive(d) => {
                    self.drive(d, names)?;
                    None
                }
                NetworkItem::View(name, v) => {
                    let (p, rest) = self.resolve(v, names)?;
                    if !rest.is_empty() {
                        return fail(
                            Code::E0205,
                            v.span,
                            format!("`{rest}` is not a population"),
                            "a view names cells",
                        );
                    }
                    Some((name.text.clone(), Value::Population(p)))
                }
                NetworkItem::Let(name, e) => Some((name.text.clone(), self.scope(names).eval(e)?)),
                NetworkItem::Params(bindings) => {
                    for b in bindings {
                        if let Some(e) = &b.value {
                            let v = self.scope(names).eval(e)?;
                            names.push((b.name.text.clone(), v.clone()));
                            instance.names.insert(b.name.text.clone(), v);
                        }
                    }
                    None
                }
                NetworkItem::For(variable, range, body) => {
                    let scope = self.scope(names);
                    for v in iterate(&scope, scope.eval(range)?, range.span, None)? {
                        let depth = names.len();
                        names.push((variable.text.clone(), v.into()));
                        self.items(body, names, instance, prefix)?;
                        // What a loop declares stays visible through the network's names, not in the scope.
                        names.truncate(depth);
                    }
                    None
                }
                NetworkItem::If(c, a, b) => {
                    let chosen = if self.scope(names).truth(c)? { a } else { b };
                    self.items(chosen, names, instance, prefix)?;
                    None
                }
            };
            if let Some((name, value)) = new {
                names.push((name.clone(), value.clone()));
                instance.names.insert(name, value);
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn population(
        &mut self,
        name: &ast::Name,
        model: &ast::Name,
        args: &[ast::Arg],
        shape: &[ast::Expr],
        spacing: Option<&ast::Expr>,
        span: Span,
        names: &[(String, Value)],
        prefix: &str,
    ) -> Attempt<View> {
        let scope = self.scope(names);
        let shape: Vec<usize> = shape.iter().map(|e| scope.size(e)).collect::<Attempt<_>>()?;
        let shape = if shape.is_empty() { vec![1] } else { shape };
        let n: usize = shape.iter().product();
        if n == 0 {
            return fail(Code::E0404, name.span, format!("population `{}` has no cells", name.text), "size 0");
        }
        let Some(neuron) = self.module.neurons.get(&model.text).cloned() else {
            return fail(Code::E0203, model.span, format!("unknown neuron `{}`", model.text), "not declared");
        };
        let spacing = spacing.map(|e| scope.number(e)).transpose()?.unwrap_or(1.0);
        let mut params: BTreeMap<VarId, Column> = BTreeMap::new();
        let order: Vec<VarId> = neuron.params().map(|(id, _)| id).collect();
        for (i, a) in args.iter().enumerate() {
            let id = match &a.name {
                Some(n) => neuron.var(&n.text),
                None => order.get(i).copied(),
            };
            let Some(id) = id else {
                return fail(Code::E0204, a.value.span, format!("`{}` has no such parameter", model.text), "here");
            };
            let q = scope.quantity(&a.value)?;
            if !q.scalar && q.data.len() != n {
                let message = format!("{} values for {n} cells", q.data.len());
                return fail(Code::E0403, a.value.span, message, "one value per cell is needed");
            }
            params.insert(id, if q.scalar { Column::Const(q.first()) } else { Column::Array(q.data.clone()) });
        }
        let solved = Arc::new(discretize(&neuron));
        let mut population = Population {
            name: format!("{prefix}{}", name.text),
            model: neuron.clone(),
            solved,
            n,
            shape,
            spacing,
            params,
            init: BTreeMap::new(),
            segment_init: BTreeMap::new(),
            ports: BTreeMap::new(),
        };
        fill_defaults(&mut population, span)?;
        let index = self.plan().populations.len();
        self.plan().populations.push(population);
        Ok(View { population: index, start: 0, n })
    }

    /// Resolves a path to cells and what follows them.
    pub(super) fn resolve(&self, v: &ViewPath, names: &[(String, Value)]) -> Attempt<(PopulationRef, String)> {
        let scope = self.scope(names);
        let parts: Vec<&str> = v.path.text.split('.').collect();
        let Some(mut value) = scope.find(parts[0]).cloned() else {
            return fail(Code::E0201, v.path.span, format!("unknown name `{}`", parts[0]), "not declared here");
        };
        let mut i = 1;
        while let Value::Network(inner) = &value {
            let next = parts.get(i).and_then(|p| inner.names.get(*p)).cloned();
            let Some(next) = next else { return fail(Code::E0205, v.path.span, "this names no population", "here") };
            value = next;
            i += 1;
        }
        let Value::Population(mut p) = value else {
            return fail(Code::E0401, v.path.span, "this is not a population", "here");
        };
        let mut rest = parts[i..].join(".");
        if let Some(index) = &v.index {
            p = scope.slice(p, index)?;
        }
        if let Some(tail) = &v.tail {
            rest = if rest.is_empty() { tail.text.clone() } else { format!("{rest}.{}", tail.text) };
        }
        Ok((p, rest))
    }

    fn init(&mut self, path: &ViewPath, value: &ast::Value, names: &[(String, Value)]) -> Attempt<()> {
        let (p, variable) = self.resolve(path, names)?;
        let stream = self.stream();
        let column = column(&self.scope(names), value, p.view.n, &stream)?;
        let population = &mut self.plan().populations[p.view.population];
        let Some(id) = population.model.var(&variable) else {
            return fail(
                Code::E0205,
                path.span,
                format!("`{}` has no `{variable}`", population.model.name),
                "no such member",
            );
        };
        assign(population, id, p.view, None, &column);
        fill_defaults(population, path.span)
    }

    fn projection(&mut self, p: &ast::Projection, names: &[(String, Value)], prefix: &str) -> Attempt<()> {
        let default = ast::Name { text: "Static".into(), span: p.span };
        let model = p.synapse.as_ref().unwrap_or(&default);
        let Some(synapse) = self.module.synapses.get(&model.text).cloned() else {
            return fail(Code::E0203, model.span, format!("unknown synapse `{}`", model.text), "not declared");
        };
        for source in &p.sources {
            let (pre, rest) = self.resolve(source, names)?;
            if !rest.is_empty() {
                return fail(Code::E0401, source.span, "a source is a population", "names more than cells");
            }
            for target in &p.targets {
                let (post, port) = self.resolve(target, names)?;
                self.one_projection(p, &synapse, pre.view, post.view, &port, target.span, names, prefix)?;
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn one_projection(
        &mut self,
        p: &ast::Projection,
        synapse: &ast::Model,
        pre: View,
        post: View,
        port: &str,
        target: Span,
        names: &[(String, Value)],
        prefix: &str,
    ) -> Attempt<()> {
        let streams = [self.stream(), self.stream(), self.stream()];
        let back = Stream::new(self.seed, 0x8800_0000 + self.streams);
        let network = &self.live[self.index].plan;
        let (pre_model, post_model) =
            (network.populations[pre.population].model.clone(), network.populations[post.population].model.clone());
        let named = post_model.var(port);
        if named.is_none() && !port.is_empty() {
            return fail(Code::E0602, target, format!("`{port}` is not a port"), "here");
        }
        let mut silent = Diagnostics::default();
        let use_ = SynapseUse { pre: &pre_model, post: &post_model, port: named, span: p.span };
        let checked = Arc::new(check_synapse(self.module, synapse, &use_, &mut silent));
        let energy = checked.energy.clone();
        // Without a port nothing is delivered, except what follows from an energy.
        let port = named.unwrap_or(VarId::from_u32(0));
        let scope = self.scope(names);
        let mut params = BTreeMap::new();
        let order: Vec<VarId> =
            checked.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::Param(_))).map(|(id, _)| id).collect();
        for (k, id) in order.iter().enumerate() {
            let name = &checked.vars[*id].name;
            let given = p.args.iter().enumerate().find(|(i, a)| a.name.as_ref().map_or(*i == k, |n| n.text == *name));
            let value = match (given, &checked.vars[*id].kind) {
                (Some((_, a)), _) => scope.number(&a.value)?,
                (None, VarKind::Param(Some(e))) => eval(e, &|v| params.get(&v).copied(), None).unwrap_or(f64::NAN),
                _ => return fail(Code::E0212, p.span, format!("parameter `{name}` has no value"), "value missing"),
            };
            params.insert(*id, value);
        }
        let modulators = modulators(&scope, p, &checked, post, self.index, &mut params)?;
        let mut init = BTreeMap::new();
        for (id, v) in &checked.vars {
            if let VarKind::State(e) = &v.kind {
                let own = p.clauses.iter().find_map(|c| match c {
                    Clause::Init(n, ast::Value::Expr(e)) if n.text == v.name => Some(e),
                    _ => None,
                });
                let value = match own {
                    Some(e) => scope.number(e)?,
                    None => eval(e, &|v| params.get(&v).or(init.get(&v)).copied(), None).unwrap_or(f64::NAN),
                };
                init.insert(id, value);
            }
        }
        for (id, lo, hi) in &checked.bounds {
            let value = |e: &crate::hir::Expr| eval(&checked.inline(e.clone()), &|v| params.get(&v).copied(), None);
            if let (Some(lo), Some(hi)) = (value(lo), value(hi))
                && lo > hi
            {
                let name = &checked.vars[*id].name;
                return fail(
                    Code::E0404,
                    p.span,
                    format!("the bounds of `{name}` leave no value"),
                    "lower above upper",
                );
            }
        }
        let ends = (
            End { population: &network.populations[pre.population], view: pre },
            End { population: &network.populations[post.population], view: post },
        );
        let mut pairs = Pairs::from(Vec::new());
        let mut transpose_of = None;
        let mut from_file: (Option<Vec<f64>>, Option<Vec<f64>>) = (None, None);
        for c in &p.clauses {
            match c {
                Clause::Connect(e) => pairs = connect(&scope, e, ends.0, ends.1, streams[0])?,
                Clause::Transpose(of) => {
                    let found = transposed(&scope, network, of, (pre, post))?;
                    pairs = Pairs::Transposed(Box::new(network.projections[found].pairs.clone()));
                    transpose_of = Some(found);
                }
                Clause::ConnectWhere(e) => pairs = connect_where(&scope, e, ends.0, ends.1)?.into(),
                Clause::ConnectFile(path, args, span) => {
                    let read = from_table(&scope, path, args, *span, pre, post)?;
                    pairs = read.0.into();
                    from_file = (read.1, read.2);
                }
                _ => {}
            }
        }
        let weight = p.clauses.iter().find_map(|c| match c {
            Clause::Weight(v, _) => Some(v),
            _ => None,
        });
        let delay_of = |dendritic: bool| {
            p.clauses.iter().find_map(|c| match c {
                Clause::Delay(v, d, s) if *d == dendritic => Some((v, *s)),
                _ => None,
            })
        };
        let weight = match (weight, from_file.0) {
            _ if transpose_of.is_some() => {
                transpose_of.map_or(Column::Const(1.0), |k| network.projections[k].weight.clone())
            }
            (Some(v), _) => edge_column(&scope, v, &pairs, ends, &streams[1], None)?,
            (None, Some(w)) => Column::Array(Arc::new(w)),
            (None, None) => match checked.vars.values().find(|v| matches!(v.kind, VarKind::Weight)) {
                Some(_) if !pairs.is_empty() || !p.clauses.is_empty() => {
                    return Err(Box::new(
                        Diagnostic::at(Code::E0212, p.span, "this projection has no weight", "value missing")
                            .help("add `weight …` with its unit"),
                    ));
                }
                _ => Column::Const(1.0),
            },
        };
        let written = |dendritic: bool| -> Attempt<Option<(Column, Span)>> {
            let Some((v, span)) = delay_of(dendritic) else { return Ok(None) };
            let grid = matches!(v, ast::Value::Distribution(_)).then_some(self.dt);
            Ok(Some((edge_column(&scope, v, &pairs, ends, if dendritic { &back } else { &streams[2] }, grid)?, span)))
        };
        let axonal = match (written(false)?, from_file.1) {
            (None, Some(d)) => Some((Column::Array(Arc::new(d)), p.span)),
            (given, _) => given,
        };
        let dendritic = written(true)?;
        // With a dendritic delay alone nothing happens on the way to the synapses.
        let lag = u32::from(axonal.is_none() && dendritic.is_some());
        let delay = axonal.map(|(d, span)| self.steps(d, pairs.len(), span)).transpose()?.unwrap_or(Delay::Const(1));
        let dendritic =
            dendritic.map(|(d, span)| self.steps(d, pairs.len(), span)).transpose()?.unwrap_or(Delay::Const(0));
        let mut delayed = BTreeMap::new();
        for (id, by) in &checked.delayed {
            let by = eval(by, &|v| params.get(&v).copied(), None).unwrap_or(f64::NAN);
            let steps = (by / self.dt).round();
            if !(0.0..1e6).contains(&steps) {
                return fail(Code::E0404, p.span, "a value cannot be delayed by this time", "needs a time from 0 on");
            }
            delayed.insert(*id, steps as u32);
        }
        if checked.deliver.is_some()
            && let Some((_, span)) = delay_of(false)
        {
            let Delay::Const(steps) = delay else {
                let what = "a delay per synapse of a contribution at every step";
                return Err(Box::new(crate::syntax::unsupported(span, what)));
            };
            // What the sending cell was so long ago is what arrives.
            let of_sender = checked.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::Pre(_)));
            for (id, _) in of_sender {
                *delayed.entry(id).or_default() += steps;
            }
        }
        let label = |v: View| {
            let population = &network.populations[v.population];
            if v.n == population.n {
                population.name.clone()
            } else {
                format!("{}[{}..{}]", population.name, v.start, v.start + v.n)
            }
        };
        let name = match &p.name {
            Some(n) => format!("{prefix}{}", n.text),
            None => match named {
                Some(port) => format!("{} -> {}.{}", label(pre), label(post), post_model.vars[port].name),
                None => format!("{} -> {}", label(pre), label(post)),
            },
        };
        let mut projection = Projection {
            name,
            pre,
            post,
            port,
            synapse: checked,
            params,
            init,
            pairs,
            weight,
            delay,
            dendritic,
            lag,
            modulators,
            delayed,
            learning: true,
            stored: true,
            transpose_of,
            energy: None,
        };
        if let Some((energy, span)) = energy {
            return self.energetic(projection, energy, span);
        }
        if let Some(d) = misplaced(&projection.synapse, &projection.places(), p.span).into_iter().next() {
            return Err(Box::new(d));
        }
        if !projection.is_plastic() {
            // Nothing happens at the synapses, so only the sum of the delays counts.
            projection.delay = projection.delay.plus(&projection.dendritic, lag);
            (projection.dendritic, projection.lag) = (Delay::Const(0), 0);
        }
        if let Some(Clause::Store(never)) = p.clauses.iter().find(|c| matches!(c, Clause::Store(_))) {
            can_be_drawn_anew(&projection, never.span)?;
            projection.stored = false;
        }
        self.plan().projections.push(projection);
        Ok(())
    }

    /// Rounds delays to the grid; a delay below one step cannot be honoured.
    fn steps(&self, delay: Column, n: usize, span: Span) -> Attempt<Delay> {
        let one = |d: f64| -> Attempt<f64> {
            let steps = (d / self.dt).round();
            if !(1.0..60_000.0).contains(&steps) {
                let unit = crate::units::lookup("ms");
                let shown = |v: f64| crate::units::format_quantity(v, crate::units::Dim::TIME, unit.as_ref());
                return Err(Box::new(
                    Diagnostic::at(
                        Code::E0601,
                        span,
                        format!("a delay of {} cannot be kept at dt = {}", shown(d), shown(self.dt)),
                        "shorter than one step",
                    )
                    .help("give a delay of at least `dt`, or make `dt` smaller"),
                ));
            }
            Ok(steps)
        };
        Ok(match delay {
            Column::Const(d) => Delay::Const(one(d)? as u32),
            // Drawn times are at least one step; if they cannot be too long either, none has to be looked at.
            Column::Drawn(times) if times.distribution.highest() / self.dt < 59_999.0 => {
                Delay::Drawn(DrawnDelays { times, n, dt: self.dt, more: 0 })
            }
            Column::Drawn(times) => {
                return self.steps(Column::Array(Arc::new((0..n).map(|k| times.at(k)).collect())), n, span);
            }
            Column::Array(a) => {
                let steps = a.iter().map(|d| one(*d).map(|s| s as u16)).collect::<Attempt<Vec<u16>>>()?;
                Delay::Array(Arc::new(steps))
            }
        })
    }
}

/// Refuses to draw synapses anew that have something to remember, or whose targets are not drawn source by source.
fn can_be_drawn_anew(p: &Projection, span: Span) -> Attempt<()> {
    let by_source = match &p.pairs {
        Pairs::Drawn(d) => !d.is_by_target(),
        Pairs::All(..) | Pairs::OneToOne(..) => true,
        _ => false,
    };
    let message = match p.is_plastic() || p.synapse.deliver.is_some() {
        true => format!("`{}` has to remember its synapses", p.name),
        false if by_source => return Ok(()),
        false => format!("the targets of `{}` are not drawn source by source", p.name),
    };
    Err(Box::new(
        Diagnostic::at(Code::E0106, span, message, "cannot be drawn anew at every event").help(
            "leave out `store never`; it goes with `fixed_probability`, `fixed_out_degree`, `fixed_total`, `all_to_all` and \
             `one_to_one`, of synapses that do not learn",
        ),
    ))
}

/// Finds the projection whose weights another one shares, the other way round.
fn transposed(scope: &Scope, network: &Network, of: &ast::Name, (pre, post): (View, View)) -> Attempt<usize> {
    let mut value = scope.find(of.text.split('.').next().unwrap_or_default()).cloned();
    for part in of.text.split('.').skip(1) {
        value = match value {
            Some(Value::Network(inner)) => inner.names.get(part).cloned(),
            _ => None,
        };
    }
    let Some(Value::Projection(_, list)) = value else {
        return fail(Code::E0201, of.span, format!("`{}` is not a projection", of.text), "not declared before this");
    };
    let [k] = list[..] else {
        return fail(Code::E0106, of.span, "this projection has several ends", "whose weights?");
    };
    let theirs = &network.projections[k];
    if theirs.transpose_of.is_some() {
        return Err(Box::new(crate::syntax::unsupported(of.span, "the transpose of a transpose")));
    }
    if (theirs.pre.n, theirs.post.n) != (post.n, pre.n) {
        let message = format!("`{}` joins {} with {} cells", of.text, theirs.pre.n, theirs.post.n);
        let label = format!("its transpose cannot join {} with {}", pre.n, post.n);
        return fail(Code::E0403, of.span, message, label);
    }
    Ok(k)
}

/// Values a loop runs through: whole numbers of a range (both ends), steps of a range, or elements of an array.
pub fn iterate(scope: &Scope, range: Value, span: Span, step: Option<&ast::Expr>) -> Attempt<Vec<Quantity>> {
    match range {
        Value::Range(lo, hi, dim, unit) => {
            let step = step
                .map(|s| scope.number(s))
                .transpose()?
                .unwrap_or_else(|| unit.as_ref().map_or(1.0, |u| u.to_internal(1.0)));
            if step == 0.0 || !step.is_finite() || !hi.is_finite() {
                return fail(Code::E0404, span, "this loop would not end", "needs finite ends and a step");
            }
            let n = ((hi - lo) / step + 1e-9).floor().max(-1.0) as i64;
            Ok((0..=n).map(|k| Quantity::number(lo + step * k as f64, dim, unit.clone())).collect())
        }
        Value::Quantity(q) => Ok(q.data.iter().map(|v| Quantity::number(*v, q.dim, q.unit.clone())).collect()),
        _ => fail(Code::E0401, span, "expected a range or an array", "cannot loop over this"),
    }
}
