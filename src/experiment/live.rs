//! A network that may be running, and what can be read of it.

use crate::codegen::Backend;
use crate::diag::{Code, Diagnostic};
use crate::elaborate::segment_exists;
use crate::evaluate::{Attempt, LaneProgram, fail};
use crate::hir::{Expr, Neuron, VarId, VarKind};
use crate::math::{eval_through, walk_through};
use crate::plan::{self, Initial, Network, Population};
use crate::runtime::{ProfileRow, RateNetwork, Rows, Running, Simulation};
use crate::source::Span;
use crate::units::{Dim, Unit};
use crate::value::{Cells, Quantity};
use std::cell::RefCell;
use std::ops::Range;

/// A network that may be running.
#[derive(Default)]
pub struct Live {
    /// Its name in the experiment.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// The time step that it was made with.
    pub dt: f64,
    /// Before the first step: the plan. Afterwards it lives in the simulation.
    pub plan: Network,
    /// Rates of drives that follow time.
    pub rates: Vec<LaneProgram>,
    /// Once running.
    pub simulation: Option<Running>,
    /// Ports that follow functions of time, and for which cells.
    pub functions: Vec<PortFunction>,
}

/// A function of time that a port of some cells follows.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct PortFunction {
    /// The cells.
    pub cells: Cells,
    /// The port.
    pub port: VarId,
    /// The function; its lanes are the cells of the view.
    pub of: LaneProgram,
}

impl Live {
    /// Returns the network with its current parameters.
    pub fn network(&self) -> &Network {
        self.simulation.as_ref().map_or(&self.plan, Running::network)
    }

    /// Returns the network with its current parameters, to change them.
    pub fn network_mut(&mut self) -> &mut Network {
        match &mut self.simulation {
            Some(s) => s.network_mut(),
            None => &mut self.plan,
        }
    }

    /// Returns the running network without events, if it is one.
    pub fn rates(&self) -> Option<&RateNetwork> {
        self.simulation.as_ref().and_then(Running::rates)
    }

    /// Returns the simulations of a running network with events, one for each example that is shown something.
    pub fn simulations(&self) -> &[Simulation] {
        self.simulation.as_ref().map_or(&[], Running::simulations)
    }

    /// Returns the segment of which a variable is read; one must be named if there are several.
    pub fn segment(&self, cells: &Cells, id: VarId, named: Option<usize>, span: Span) -> Attempt<usize> {
        let population = &self.network().populations[cells.population];
        if population.model.reads_update(&Expr::Var(id)) {
            let what = "reading what depends on events or random numbers of the cell from outside";
            return Err(Box::new(crate::diag::unsupported(span, what)));
        }
        let Some(cable) = cable_of(&population.model, id) else { return Ok(0) };
        let n = population.segments(cable);
        let name = &population.model.cables[cable].name;
        match named {
            Some(at) => segment_exists(population, cells, id, named, span).map(|()| at),
            None if population.segments_in(cable, cells) == Some(1) => Ok(0),
            None => {
                let message = format!("`{name}` has {n} segments");
                Err(Box::new(
                    Diagnostic::at(Code::E0406, span, message, "which one?").help(format!("write `{name}[0]`")),
                ))
            }
        }
    }

    /// Returns the segments of which a variable is read: the one that is named, or all.
    pub fn segments(&self, cells: &Cells, id: VarId, named: Option<usize>, span: Span) -> Attempt<Range<usize>> {
        let population = &self.network().populations[cells.population];
        let n = match cable_of(&population.model, id) {
            Some(cable) if named.is_none() => match population.segments_in(cable, cells) {
                Some(n) => n,
                None => return uneven(population, id, span),
            },
            _ => 1,
        };
        match named {
            None if n > 1 => self.segment(cells, id, Some(0), span).map(|_| 0..n),
            _ => self.segment(cells, id, named, span).map(|at| at..at + 1),
        }
    }

    /// Reads a variable of cells; of a cable one segment, or all: of one cell an array, of several a row for each.
    pub fn values_along(&self, cells: &Cells, id: VarId, named: Option<usize>, span: Span) -> Attempt<Quantity> {
        let segments = self.segments(cells, id, named, span)?;
        if segments.len() == 1 {
            return self.values(cells, id, segments.start, span);
        }
        let n = segments.len();
        let columns = segments.map(|s| self.values(cells, id, s, span)).collect::<Attempt<Vec<Quantity>>>()?;
        let first = &columns[0];
        let data = (0..first.data.len()).flat_map(|k| columns.iter().map(move |column| column.data[k])).collect();
        let shape = if cells.len() == 1 { vec![n] } else { vec![cells.len(), n] };
        Ok(Quantity { shape, rows: first.rows, ..Quantity::array(data, first.dim, first.unit.clone()) })
    }

    /// Reads a variable of cells: of one a number, of several an array, with a row for each example if it sees several.
    pub fn values(&self, cells: &Cells, id: VarId, segment: usize, span: Span) -> Attempt<Quantity> {
        let var = &self.network().populations[cells.population].model.vars[id];
        let (dim, unit) = (var.dim, var.unit.clone());
        if let Some(s) = self.rates() {
            return Ok(of_rates(s, cells, id, (dim, unit)));
        }
        let model = &self.network().populations[cells.population].model;
        let taken = |e: &Expr| matches!(e, Expr::Var(v) if matches!(model.vars[*v].kind, VarKind::Window(..)));
        let follows = || {
            let of_window = model.any(&Expr::Var(id), &mut |e| taken(e));
            of_window || self.plan.follows_from_contributions(cells.population, id)
        };
        if self.simulation.is_none() && follows() {
            return self.initial(cells, id, span);
        }
        let examples = is_per_example(self.network(), cells.population, id);
        let of: Vec<Option<&Simulation>> = match self.simulations() {
            [] => vec![None],
            [first, ..] if !examples => vec![Some(first)],
            all => all.iter().map(Some).collect(),
        };
        let Some(values) = of.iter().map(|s| self.values_of(*s, cells, id, segment)).collect::<Option<Vec<_>>>() else {
            return fail(Code::E0404, span, format!("`{}` has no value now", var.name), "cannot be computed");
        };
        let shape = if cells.len() == 1 { Vec::new() } else { vec![cells.len()] };
        Ok(Quantity { rows: examples.then_some(of.len()), shape, ..Quantity::array(values.concat(), dim, unit) })
    }

    /// Reads a variable of cells of a network with events, in one of the examples.
    fn values_of(&self, s: Option<&Simulation>, cells: &Cells, id: VarId, segment: usize) -> Option<Vec<f64>> {
        let population = cells.population;
        let all = s.and_then(|s| s.values(population, id, cells.cover().range())).map(|all| cells.among(all));
        let plan = &self.network().populations[population];
        let one = |cell| read(s, plan, population, &Expr::Var(id), cell, segment);
        all.or_else(|| cells.iter().map(one).collect())
    }

    /// Reads what follows from continuous contributions before the first step.
    fn initial(&self, cells: &Cells, id: VarId, span: Span) -> Attempt<Quantity> {
        let complaint = RefCell::new(None);
        let follows = |population: usize, port: VarId, values: &mut [f64]| {
            for f in self.functions.iter().filter(|f| f.cells.population == population && f.port == port) {
                match f.of.compile(Backend::Interpreter).cells(f.cells.len(), 0.0) {
                    Ok(of) => f.cells.iter().zip(of).for_each(|(cell, value)| values[cell] = value),
                    Err(d) => {
                        complaint.borrow_mut().get_or_insert(d);
                    }
                }
            }
        };
        let var = &self.network().populations[cells.population].model.vars[id];
        let mut initial = Initial::new(&self.plan, self.dt, &follows);
        let all = initial.of(cells.population, id).map(|all| cells.iter().map(|cell| all[cell]).collect::<Vec<f64>>());
        if let Some(d) = complaint.into_inner() {
            return Err(d);
        }
        let Some(values) = all else {
            return fail(Code::E0404, span, format!("`{}` has no value now", var.name), "cannot be computed");
        };
        Ok(match values[..] {
            [one] => Quantity::number(one, var.dim, var.unit.clone()),
            _ => Quantity::array(values, var.dim, var.unit.clone()),
        })
    }

    /// Returns the current values of a weight or state, one per synapse in the order of the plan, or of a parameter.
    pub fn synapse_values(&self, projection: usize, id: VarId) -> Vec<f64> {
        let p = &self.network().projections[projection];
        match (&p.synapse.vars[id].kind, &self.simulation) {
            (VarKind::Weight | VarKind::State(_), Some(s)) => s.synapses(projection, id),
            (VarKind::Weight, None) => {
                let owner = &self.network().projections[p.transpose_of.unwrap_or(projection)];
                (0..p.pairs.len()).map(|e| owner.weight.at(e)).collect()
            }
            (VarKind::State(_), None) => p.all_initial(id),
            _ => p.params.get(&id).copied().into_iter().collect(),
        }
    }
}

/// Where the time of each network went; those of one name, as a loop makes them, together.
pub fn profile(all: &[Live]) -> Vec<(String, Vec<ProfileRow>)> {
    let mut out: Vec<(String, Vec<ProfileRow>)> = Vec::new();
    for live in all {
        let rows = live.simulation.as_ref().map_or(Vec::new(), Running::profile);
        match out.iter_mut().find(|(name, _)| *name == live.name) {
            _ if rows.is_empty() => {}
            Some((_, before)) => before.extend(rows),
            None => out.push((live.name.clone(), rows)),
        }
    }
    out.iter_mut().for_each(|(_, rows)| *rows = ProfileRow::joined(std::mem::take(rows)));
    out
}

/// Reads a variable of cells of a network without events: a row for each example, if it sees several.
fn of_rates(s: &RateNetwork, cells: &Cells, id: VarId, (dim, unit): (Dim, Option<Unit>)) -> Quantity {
    let Rows { rows, values } = s.values(cells.population, id);
    let n = s.network.populations[cells.population].n;
    let values: Vec<f64> = match cells.is_whole(n) {
        true => values,
        false => values.chunks(n).flat_map(|row| cells.iter().map(|cell| row[cell])).collect(),
    };
    let batch = is_per_example(&s.network, cells.population, id).then_some(s.active());
    // What all examples have in common is each one's, too.
    let values = if batch.is_some_and(|b| b > rows) { values.repeat(s.active()) } else { values };
    let shape = if cells.len() == 1 { Vec::new() } else { vec![cells.len()] };
    Quantity { rows: batch, shape, ..Quantity::array(values, dim, unit) }
}

/// Returns whether values of a variable are of single examples in a network that sees several.
pub fn is_per_example(network: &Network, population: usize, v: VarId) -> bool {
    let model = &network.populations[population].model;
    let shared = match model.vars[v].kind {
        VarKind::Param(_) => true,
        VarKind::State(_) => model.is_shared(v),
        _ => false,
    };
    network.batch.is_some() && !shared
}

/// Returns the cable on whose segments a variable depends.
/// Refuses to take all segments of cells that have different numbers of them.
pub(super) fn uneven<T>(p: &Population, id: VarId, span: Span) -> Attempt<T> {
    let name = &p.model.vars[id].name;
    let cable = name.rsplit_once('.').map_or("the cable", |(cable, _)| cable);
    let message = format!("these cells have different numbers of segments in `{cable}`");
    let d = Diagnostic::at(Code::E0403, span, message, "no table of cells and segments");
    Err(Box::new(d.help(format!("take one cell, `{}[0]`, or cells that have the same number", p.name))))
}

fn cable_of(model: &Neuron, id: VarId) -> Option<usize> {
    let mut cable = None;
    walk_through(&Expr::Var(id), &|v| model.definition(v), &mut |e| {
        if let Expr::Var(v) = e
            && (matches!(model.vars[*v].kind, VarKind::State(_)) || model.varies_along(*v))
        {
            cable = cable.or(model.vars[*v].cable);
        }
    });
    cable
}

/// Evaluates an expression of one cell's states, parameters and ports.
pub fn read(
    simulation: Option<&Simulation>,
    plan: &plan::Population,
    population: usize,
    value: &Expr,
    cell: usize,
    segment: usize,
) -> Option<f64> {
    let variable = |v: VarId| match (&plan.model.vars[v].kind, simulation) {
        (VarKind::State(_), None) => Some(plan.initial(v, cell, segment)),
        (VarKind::State(_), Some(s)) => s.reader(population, v).map(|state| state(cell, segment)),
        (VarKind::Segment(of, at), None) => Some(plan.initial(*of, cell, *at)),
        (VarKind::Segment(of, at), Some(s)) => s.reader(population, *of).map(|state| state(cell, *at)),
        (VarKind::Param(_) | VarKind::Distance, _) => plan.fixed(v, cell, segment),
        (VarKind::AnalogPort(_), None) => plan.ports.get(&v).map(|c| c.at(cell)),
        (VarKind::Response(_), None) => Some(0.0),
        (VarKind::AnalogPort(_), Some(s)) => s.port(population, v, cell),
        _ => None,
    };
    let dt = simulation.map(|s| s.options().dt);
    let t = simulation.map_or(0.0, |s| s.step() as f64 * s.options().dt);
    eval_through(value, &|v| plan.model.definition(v), &variable, (dt, Some(t)))
}
