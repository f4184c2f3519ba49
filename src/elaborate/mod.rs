//! Elaboration: a checked network and the values of its parameters become a plan, in which every number is known or can be drawn.

mod bounds;
mod connect;
mod drives;
mod ends;
mod energies;
mod modulators;
mod projection;
mod sites;
mod table;
mod values;

pub use bounds::{
    cells_within_bounds, one_per_channel, outside, rows_within_bounds, segment_exists, synapses_within_bounds,
};
pub use drives::too_many;
pub use projection::{follow as follow_synapse, off_grid};
pub use table::Import;
pub use values::{Streams, column, distribution, matrix_fits, matrix_in_order, one_each, per_synapse};

use crate::builtin::{Dense, End, Host, Refusal, Samples};
use crate::codegen::Backend;
use crate::data::Files;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, LaneProgram, Scope, Turns, World, fail, flawed, room};
use crate::hir::experiment::model::Environment;
use crate::hir::network::model::{self, Item, Nested, Network};
use crate::hir::typed::{Expr, ExprKind};
use crate::hir::{EventId, Kind, VarId, VarKind};
use crate::measure::Events;
use crate::plan::{self, Missing, Population, Unnamed};
use crate::rng::Stream;
use crate::solve::discretize;
use crate::source::Span;
use crate::units::{Dim, Unit};
use crate::value::{Cells, Instance, PopulationRef, Quantity, Value, View, elements};
use indexmap::IndexSet;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What an elaboration needs of its surroundings.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Files that are read.
    pub files: &'a dyn Files,
    /// The time step.
    pub dt: f64,
    /// The seed of the network.
    pub seed: u64,
    /// The back end that computes values of many cells or synapses.
    pub backend: Backend,
    /// Seed of what is shuffled, and how often something was.
    pub shuffles: (u64, &'a Cell<u32>),
    /// The experiment that it is part of, with its recordings and other networks.
    pub outer: Option<&'a dyn World>,
    /// Whether it is only planned how many synapses there are: none is drawn, and nothing will run.
    pub expects: bool,
}

/// Builds one network; several nested ones share the plan.
pub struct Elaborator<'a> {
    around: Surroundings<'a>,
    /// Index that the network has among the running ones.
    index: usize,
    /// The network so far.
    plan: plan::Network,
    /// Rates of drives that follow time.
    rates: Vec<LaneProgram>,
    /// What became of tables of synapses.
    imports: Vec<Import>,
    /// What is not quite as it is written.
    warnings: Vec<Diagnostic>,
    /// Random streams of set-up, one for each projection, weight, delay and initial value.
    streams: Streams,
}

/// A network that has been built.
pub struct Elaborated {
    /// The plan.
    pub plan: plan::Network,
    /// Rates of drives that follow time.
    pub rates: Vec<LaneProgram>,
    /// What became of tables of synapses.
    pub imports: Vec<Import>,
    /// What is not quite as it is written.
    pub warnings: Vec<Diagnostic>,
}

type Locals = Vec<Option<Value>>;

impl<'a> Elaborator<'a> {
    /// Begins a network.
    pub fn new(around: Surroundings<'a>, index: usize, first_stream: u32) -> Elaborator<'a> {
        let streams = Streams::new(around.seed, first_stream);
        let plan = plan::Network::default();
        Elaborator { around, index, plan, rates: Vec::new(), imports: Vec::new(), warnings: Vec::new(), streams }
    }

    /// Goes on with a network that exists.
    pub fn resume(around: Surroundings<'a>, index: usize, first_stream: u32, built: Elaborated) -> Elaborator<'a> {
        Elaborator { plan: built.plan, rates: built.rates, ..Elaborator::new(around, index, first_stream) }
    }

    /// Ends the work.
    pub fn finish(self) -> Elaborated {
        Elaborated { plan: self.plan, rates: self.rates, imports: self.imports, warnings: self.warnings }
    }

    /// Refuses what does not fit into memory, if it shall run.
    fn room(&self, bytes: f64, span: Span, what: impl FnOnce() -> String) -> Attempt<()> {
        if self.around.expects { Ok(()) } else { room(bytes, span, what) }
    }

    fn scope<'b>(&'b self, locals: &'b Locals) -> Scope<'b> {
        Scope::new(self, locals)
    }

    /// Instantiates a network with the values of its parameters, as far as they are given.
    pub fn network(
        &mut self,
        network: &Network,
        args: &[Option<Value>],
        span: Span,
        prefix: &str,
    ) -> Attempt<Instance> {
        let mut locals: Locals = vec![None; network.locals.len()];
        for (k, p) in network.params.iter().enumerate() {
            let value = match (args.get(k).cloned().flatten(), &p.default) {
                (Some(v), _) => v,
                (None, Some(e)) => self.scope(&locals).eval(e)?,
                (None, None) => {
                    let message = format!("parameter `{}` has no value", p.name);
                    return fail(Code::E0212, span, message, "value missing");
                }
            };
            whole(p, &value, span)?;
            locals[p.id.as_u32() as usize] = Some(value);
        }
        self.items(&network.body, &mut locals, network, prefix)?;
        let mut instance = Instance { network: self.index, ..Instance::default() };
        for (name, id) in &network.members {
            if let Some(v) = &locals[id.as_u32() as usize] {
                instance.names.insert(name.clone(), v.clone());
            }
        }
        Ok(instance)
    }

    fn items(&mut self, body: &[Item], locals: &mut Locals, of: &Network, prefix: &str) -> Attempt<()> {
        for item in body {
            self.item(item, locals, of, prefix)?;
        }
        Ok(())
    }

    fn item(&mut self, item: &Item, locals: &mut Locals, of: &Network, prefix: &str) -> Attempt<()> {
        match item {
            Item::Population(p) => {
                let name = &of.locals[p.id].name;
                let view = self.population(p, &format!("{prefix}{name}"), locals)?;
                let cells = PopulationRef { network: self.index, cells: view.into() };
                locals[p.id.as_u32() as usize] = Some(Value::Population(cells));
            }
            Item::Network(Nested { id, model, args, span }) => {
                let scope = self.scope(locals);
                let args = args.iter().map(|a| a.as_ref().map(|a| scope.eval(a)).transpose());
                let args = args.collect::<Attempt<Vec<Option<Value>>>>()?;
                let inner = self.network(model, &args, *span, &format!("{prefix}{}.", of.locals[*id].name))?;
                locals[id.as_u32() as usize] = Some(Value::Network(Arc::new(inner)));
            }
            Item::Init(targets, value) => {
                for target in targets {
                    self.init(target, value, locals)?;
                }
            }
            Item::Projection(p) => {
                let first = self.plan.projections.len();
                self.projection(p, locals, prefix)?;
                // The way back that an energy adds is not what the name stands for.
                let list = &self.plan.projections;
                let own = |k: &usize| list[*k].transpose_of.is_none_or(|of| of < first);
                let all = (first..list.len()).filter(own).collect();
                if let Some(id) = p.id {
                    locals[id.as_u32() as usize] = Some(Value::Projection(self.index, Arc::new(all)));
                }
            }
            Item::Drive(d) => self.drive(d, locals)?,
            Item::Let(id, e) => locals[id.as_u32() as usize] = Some(self.scope(locals).eval(e)?),
            Item::Chosen(c) => {
                let chosen = self.chosen(c, locals)?;
                locals[c.id.as_u32() as usize] = Some(Value::Population(chosen));
            }
            Item::For { variable, range, body } => {
                let scope = self.scope(locals);
                let turns = Turns::over(&scope, scope.eval(range)?, range, None)?;
                for k in 0..turns.count() {
                    locals[variable.as_u32() as usize] = Some(turns.at(k));
                    self.items(body, locals, of, prefix)?;
                }
            }
            Item::If(c, a, b) => {
                let chosen = if self.scope(locals).truth(c)? { a } else { b };
                self.items(chosen, locals, of, prefix)?;
            }
        }
        Ok(())
    }

    fn population(&mut self, p: &model::Population, name: &str, locals: &Locals) -> Attempt<View> {
        let scope = self.scope(locals);
        let (shape, names) = match &p.shape[..] {
            [] => (vec![1], None),
            [table] if table.ty.kind == Kind::Table => {
                let names = named_cells(&scope, table)?;
                (vec![names.len()], Some(Arc::new(names)))
            }
            shape => (shape.iter().map(|e| scope.size(e)).collect::<Attempt<_>>()?, None),
        };
        let n = cells(p, name, &shape)?;
        let states = p.model.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::State(_))).count();
        self.room(4.0 * n as f64 * states.max(1) as f64, p.span, || {
            format!("{n} cells of {} with {states} states each", p.model.name)
        })?;
        let spacing = p.spacing.as_ref().map(|e| scope.number(e)).transpose()?.unwrap_or(1.0);
        if spacing <= 0.0 || !spacing.is_finite() {
            let at = p.spacing.as_ref().map_or(p.span, |e| e.span);
            return fail(Code::E0404, at, "the spacing must be positive and finite", "out of range");
        }
        let mut population = Population {
            name: name.to_string(),
            model: p.model.clone(),
            solved: Arc::new(discretize(&p.model)),
            n,
            shape,
            spacing,
            names,
            params: BTreeMap::new(),
            init: BTreeMap::new(),
            along: BTreeMap::new(),
            settled: false,
            followed: std::collections::BTreeSet::new(),
            ports: BTreeMap::new(),
            given: BTreeMap::new(),
        };
        let view = View { population: self.plan.populations.len(), start: 0, n };
        for (id, e) in &p.args {
            let values = column(&scope, &model::Value::Expr(e.clone()), (n, "cell"), None, self.around.backend)?;
            possible_events(&population, *id, &view.into(), &values, (self.around.dt, e.span))?;
            population.give(*id, &view.into(), None, &values);
        }
        follow(&mut population, true, self.around.dt, p.span)?;
        self.plan.populations.push(population);
        Ok(view)
    }

    /// The cells for which a condition holds.
    fn chosen(&self, c: &model::Chosen, locals: &Locals) -> Attempt<PopulationRef> {
        let scope = self.scope(locals);
        let of = scope.cells(&c.of)?;
        let (n, e) = (of.cells.len(), &c.condition);
        let holds = match e.is_per_cell() {
            true => column(&scope, &model::Value::Expr(e.clone()), (n, "cell"), None, self.around.backend)?,
            false => {
                let q = scope.quantity(e)?;
                // What has a value for every cell of the population has one for those that were chosen before.
                let all = self.plan.populations[of.cells.population].n;
                let of_all = q.rows.is_none() && q.shape[..] == [all] && n != all;
                let own = || Quantity::array(of.cells.iter().map(|cell| q.data[cell]).collect(), Dim::ONE, None);
                one_each(if of_all { own() } else { q.clone() }, n, "cell", e.span)?
            }
        };
        let places: Vec<usize> = (0..n).filter(|k| holds.at(*k) != 0.0).collect();
        Ok(PopulationRef { cells: of.cells.part(&places), ..of })
    }

    fn init(&mut self, target: &Expr, value: &model::Value, locals: &Locals) -> Attempt<()> {
        let ExprKind::Variable { of, id, segment } = &target.kind else { crate::ice!("`init` of no variable") };
        let stream = self.streams.another();
        let scope = self.scope(locals);
        let cells = scope.cells(of)?.cells;
        let segment = segment.as_ref().map(|s| scope.size(s)).transpose()?;
        let values = column(&scope, value, (cells.len(), "cell"), Some(&stream), self.around.backend)?;
        let population = &mut self.plan.populations[cells.population];
        segment_exists(population, &cells, *id, segment, target.span)?;
        let drawn = matches!(value, model::Value::Drawn(_));
        let values = one_per_channel(population, *id, &cells, values, (drawn, value.span()))?;
        cells_within_bounds(population, *id, &cells, &values, value.span())?;
        possible_events(population, *id, &cells, &values, (self.around.dt, value.span()))?;
        population.give(*id, &cells, segment, &values);
        follow(population, true, self.around.dt, target.span)?;
        Ok(())
    }
}

/// Refuses to plan what follows from single synapses that are not drawn.
pub fn undrawn<T>(span: Span, message: impl Into<String>) -> Attempt<T> {
    fail(Code::E0822, span, message, "is known only once every synapse has been drawn").map_err(|d: Box<Diagnostic>| {
        Box::new(d.help("`neuro plan` draws none: give what does not depend on single pairs, or plan a smaller model"))
    })
}

/// The names of cells of which a table has a row for each.
fn named_cells(scope: &Scope, table: &Expr) -> Attempt<IndexSet<String>> {
    let Value::Table(t) = scope.eval(table)? else { crate::ice!("a table that is none") };
    t.names().map_err(|flaw| flawed(flaw, table.span, "these rows cannot each be a cell"))
}

/// Returns the number of cells of a shape.
fn cells(p: &model::Population, name: &str, shape: &[usize]) -> Attempt<usize> {
    match elements(shape).filter(|n| *n <= plan::MOST_CELLS) {
        Some(n) => Ok(n),
        None => {
            let at = p.shape.iter().map(|e| e.span).reduce(Span::to).unwrap_or(p.span);
            let shown: Vec<String> = shape.iter().map(usize::to_string).collect();
            let message = format!("population `{name}` would have {} cells", shown.join(" x "));
            let label = format!("a population has at most {} cells", plan::MOST_CELLS);
            Err(Box::new(Diagnostic::at(Code::E0404, at, message, label).help("make it smaller, or divide it")))
        }
    }
}

/// Refuses a network whose arrays could not be counted, all examples of its batch side by side.
pub fn batch_fits(plan: &plan::Network, span: Span) -> Attempt<()> {
    let Some(batch) = &plan.batch else { return Ok(()) };
    let too_many = plan.populations.iter().find(|p| elements(&[p.n, batch.size]).is_none());
    let Some(p) = too_many else { return Ok(()) };
    let message = format!("a batch of {} examples of the {} cells of `{}`", batch.size, p.n, p.name);
    let d = Diagnostic::at(Code::E0404, span, message, "more values than an array can have");
    Err(Box::new(d.help("show fewer examples at once")))
}

/// Refuses a fraction where a whole number is declared.
pub fn whole(p: &model::Parameter, value: &Value, span: Span) -> Attempt<()> {
    if let (true, Value::Quantity(q)) = (p.whole, value)
        && let Some(bad) = q.data.iter().find(|v| v.fract() != 0.0)
    {
        let message = format!("`{}` is a whole number, not {}", p.name, crate::units::format_number(*bad));
        return Err(Box::new(
            Diagnostic::at(Code::E0404, span, message, "not whole").label(p.span, "declared `int` here"),
        ));
    }
    Ok(())
}

/// Computes what follows from defaults; reports what has no value.
pub fn follow(p: &mut Population, states: bool, dt: f64, span: Span) -> Attempt<Vec<VarId>> {
    let model = p.model.clone();
    let changed = p.follow(states, dt).map_err(|missing| match missing {
        Missing::Value(id) => {
            let message = format!("parameter `{}` of `{}` has no value", model.vars[id].name, model.name);
            Box::new(
                Diagnostic::at(Code::E0212, span, message, "value missing")
                    .label(model.vars[id].span, "declared without a default"),
            )
        }
        Missing::Undefined(id) => {
            let var = &model.vars[id];
            let message = format!("`{}` of `{}` has no value", var.name, model.name);
            Box::new(
                Diagnostic::at(Code::E0208, var.span, message, "cannot be computed before the run")
                    .label(span, "for these cells")
                    .help("its default may use numbers, parameters and `dt`, and must be a number"),
            )
        }
    })?;
    segments_agree(p, dt, span)?;
    Ok(changed)
}

/// Refuses values with which events of some cells would have a negative probability.
pub fn possible_events(
    p: &Population,
    of: VarId,
    cells: &Cells,
    values: &plan::Column,
    (dt, span): (f64, Span),
) -> Attempt<()> {
    let n = if matches!(values, plan::Column::Const(_)) { cells.len().min(1) } else { cells.len() };
    match p.model.negative_chance(of, (0..n).map(|k| values.at(k)), dt) {
        None => Ok(()),
        Some((k, event)) => {
            let d = p.model.less_than_never(event, of, span);
            Err(Box::new(d.note(format!("in `{}[{}]`", p.name, cells.at(k)))))
        }
    }
}

/// Refuses cables whose number of segments is not whole, and single segments that not all cells have.
fn segments_agree(p: &Population, dt: f64, span: Span) -> Attempt<()> {
    for cable in p.model.cables.iter().filter(|_| p.n > 0) {
        let wrong = |message: String, label: &str| fail(Code::E0404, span, message, label);
        let Some(values) = p.per_cell(&cable.segments, dt) else {
            return wrong(format!("the number of segments of `{}` has no value", cable.name), "not a number");
        };
        let cells = values.listed().unwrap_or(1);
        if let Some(n) = (0..cells).map(|i| values.at(i)).find(|n| *n < 1.0 || n.fract() != 0.0) {
            let message = format!("cable `{}` would have {n} segments", cable.name);
            return wrong(message, "needs a whole number, at least 1");
        }
        let most = (0..cells).map(|i| values.at(i)).fold(1.0, f64::max);
        if most * p.n as f64 > plan::MOST_CELLS as f64 {
            let message = format!("{} cells with {most} segments in `{}`", p.n, cable.name);
            return wrong(message, "more segments than can be counted");
        }
    }
    for (_, var) in p.model.vars.iter().filter(|_| p.n > 0) {
        if let VarKind::Segment(of, segment) = var.kind
            && let Some(cable) = p.model.vars[of].cable
            && let Some(least) = p.counts(cable).into_iter().min().filter(|least| segment >= *least)
        {
            let message = format!("`{}` has {least} segments", p.model.cables[cable].name);
            let label = format!("`{}` is none of them", var.name);
            return Err(Box::new(Diagnostic::at(Code::E0406, var.span, message, label).label(span, "of these cells")));
        }
    }
    Ok(())
}

impl Elaborator<'_> {
    /// Asks the experiment about what is not this network's own.
    fn outside<T>(
        &self,
        network: Option<usize>,
        ask: impl FnOnce(&dyn World) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        match self.around.outer.filter(|_| network != Some(self.index)) {
            Some(outer) => ask(outer),
            None => {
                let message = "a network that is being built has no such values yet";
                Err(Refusal::new(Code::E0106, message, "ask for it in an experiment"))
            }
        }
    }
}

impl Host for Elaborator<'_> {
    fn files(&self) -> &dyn Files {
        self.around.files
    }
    fn stream(&self) -> Stream {
        another_shuffle(self.around.shuffles)
    }
    fn events(&self, recording: usize, window: Option<(f64, f64)>) -> Result<Events, Refusal> {
        self.outside(None, |o| o.events(recording, window))
    }
    fn samples(&self, recording: usize, window: Option<(f64, f64)>) -> Result<Samples, Refusal> {
        self.outside(None, |o| o.samples(recording, window))
    }
    fn weights(&self, network: usize, list: &[usize]) -> Result<Quantity, Refusal> {
        self.outside(Some(network), |o| o.weights(network, list))
    }
    fn delays(&self, network: usize, list: &[usize]) -> Result<Vec<f64>, Refusal> {
        self.outside(Some(network), |o| o.delays(network, list))
    }
    fn synapses(&self, network: usize, list: &[usize]) -> Result<usize, Refusal> {
        match network == self.index {
            true => Ok(list.iter().map(|k| self.plan.projections[*k].pairs.len()).sum()),
            false => self.outside(Some(network), |o| o.synapses(network, list)),
        }
    }
    fn degrees(&self, network: usize, list: &[usize], end: End) -> Result<Vec<f64>, Refusal> {
        self.outside(Some(network), |o| o.degrees(network, list, end))
    }
    fn dense(&self, network: usize, list: &[usize]) -> Result<(Dense, Dim, Option<Unit>), Refusal> {
        self.outside(Some(network), |o| o.dense(network, list))
    }
    fn energy(&self, network: usize) -> Result<Quantity, Refusal> {
        self.outside(Some(network), |o| o.energy(network))
    }
    fn wall_clock(&self) -> f64 {
        wall_clock()
    }
}

/// The random stream of what is shuffled, or otherwise drawn by an experiment, next.
pub fn another_shuffle((seed, count): (u64, &Cell<u32>)) -> Stream {
    count.set(count.get() + 1);
    Stream::new(seed, 0xd000_0000 + count.get())
}

/// When somebody first asked for the time.
static BEGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();

/// Seconds since somebody first asked; in several processes, those of the first.
pub fn wall_clock() -> f64 {
    crate::parallel::first(BEGIN.get_or_init(std::time::Instant::now).elapsed().as_secs_f64())
}

impl World for Elaborator<'_> {
    fn dt(&self) -> f64 {
        self.around.dt
    }
    fn shape(&self, p: &PopulationRef) -> &[usize] {
        if let Some(outer) = self.around.outer.filter(|_| p.network != self.index) {
            return outer.shape(p);
        }
        &self.plan.populations[p.cells.population].shape
    }
    fn cell_named(&self, p: &PopulationRef, name: &str) -> Result<usize, Unnamed> {
        match self.around.outer.filter(|_| p.network != self.index) {
            Some(outer) => outer.cell_named(p, name),
            None => self.plan.populations[p.cells.population].cell_named(name),
        }
    }
    fn values(&self, p: &PopulationRef, id: VarId, segment: Option<usize>, span: Span) -> Attempt<Quantity> {
        if let Some(outer) = self.around.outer.filter(|_| p.network != self.index) {
            return outer.values(p, id, segment, span);
        }
        let population = &self.plan.populations[p.cells.population];
        let var = &population.model.vars[id];
        let column = match var.kind {
            _ if segment.is_none() && population.model.reads_segments(&crate::hir::Expr::Var(id)) => None,
            VarKind::Param(_) => population.params.get(&id),
            VarKind::State(_) if segment.is_none() => population.init.get(&id),
            VarKind::AnalogPort(_) => population.ports.get(&id),
            _ => None,
        };
        let Some(column) = column else {
            return fail(
                Code::E0106,
                span,
                "this has no value while the network is built",
                "ask for it in an experiment",
            );
        };
        let values: Vec<f64> = p.cells.iter().map(|i| column.at(i)).collect();
        Ok(match values[..] {
            [one] => Quantity::number(one, var.dim, var.unit.clone()),
            _ => Quantity::array(values, var.dim, var.unit.clone()),
        })
    }
    fn recording(&self, p: &PopulationRef, id: EventId, span: Span) -> Attempt<usize> {
        if let Some(outer) = self.around.outer {
            return outer.recording(p, id, span);
        }
        fail(Code::E0407, span, "nothing is recorded while a network is built", "ask for it in an experiment")
    }
    fn synaptic(&self, network: usize, list: &[usize], name: &str, span: Span) -> Attempt<Quantity> {
        if let Some(outer) = self.around.outer.filter(|_| network != self.index) {
            return outer.synaptic(network, list, name, span);
        }
        fail(Code::E0106, span, "synapses have no values while a network is built", "ask for it in an experiment")
    }
    fn gathered(&self, _: usize) -> Option<Quantity> {
        None
    }
    fn environment(&self, k: usize) -> Option<&Environment> {
        self.around.outer.and_then(|outer| outer.environment(k))
    }
}
