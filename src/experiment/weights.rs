//! Weights and biases of a network in files that others read: `save net to "best.npz"`, `load net from "best.safetensors"`.

use super::live::Live;
use super::run::Run;
use crate::data::{Archive, Flaw, Named, index as at};
use crate::diag::{Code, Diagnostic};
use crate::elaborate::{one_per_channel, rows_within_bounds, synapses_within_bounds};
use crate::evaluate::{self, Attempt, fail};
use crate::hir::{Var, VarId, VarKind};
use crate::ir::Precision;
use crate::plan::{Column, Network, Pairs, Projection};
use crate::runtime::{Rows, Running};
use crate::source::Span;
use crate::value::{Cells, View};
use std::sync::Arc;

/// What an array of a file stands for.
enum Place {
    Synapses(usize, VarId),
    Cells(usize, VarId),
}

/// Lists what is kept: weights and states of synapses, and states of cells that do not belong to an example.
fn places(live: &Live) -> Vec<(Named, Place)> {
    let network = live.network();
    let mut out = Vec::new();
    let mut keep = |name: String, shape: &[usize], values: Vec<f64>, place: Place| {
        // One state for the whole projection is an array of one.
        let whole = values.len() == shape.iter().product::<usize>();
        let shape = if whole { shape.to_vec() } else { vec![values.len()] };
        if !values.is_empty() {
            out.push((Named { name, shape, values }, place));
        }
    };
    for (k, p) in network.projections.iter().enumerate().filter(|(_, p)| p.transpose_of.is_none()) {
        let shape = match &p.pairs {
            Pairs::All(pre, post) => vec![pre.n, post.n],
            Pairs::Convolution(w) if w.pool.is_none() => vec![w.channels.1, w.channels.0, w.kernel, w.kernel],
            other => vec![other.len()],
        };
        let own = |v: &Var| matches!(v.kind, VarKind::Weight | VarKind::State(_));
        for (id, v) in p.synapse.vars.iter().filter(|(id, v)| own(v) && !p.synapse.is_of_signal(*id)) {
            let name = format!("{}.{}", named(network, p), v.name);
            keep(name, &shape, live.synapse_values(k, id), Place::Synapses(k, id));
        }
    }
    let Some(s) = live.simulation.as_ref().and_then(Running::rates) else { return out };
    for (i, p) in network.populations.iter().enumerate() {
        for (id, v) in p.model.states().filter(|(id, _)| p.model.is_shared(*id)) {
            let values = s.values(i, id).values[..p.n].to_vec();
            keep(format!("{}.{}", p.name, v.name), &p.shape, values, Place::Cells(i, id));
        }
    }
    out
}

/// The name of a projection; where several ends share it, with what it joins.
fn named(network: &Network, p: &Projection) -> String {
    let label = |v: View| {
        let population = &network.populations[v.population];
        match v.n == population.n {
            true => population.name.clone(),
            false => format!("{}[{} .. {}]", population.name, v.start, v.start + v.n),
        }
    };
    match network.projections.iter().filter(|q| q.name == p.name).count() {
        0 | 1 => p.name.clone(),
        _ => {
            let port = network.populations[p.post.population].model.vars.get(p.port).map_or("", |v| v.name.as_str());
            format!("{}[{} -> {}.{port}]", p.name, label(p.pre), label(p.post))
        }
    }
}

impl Run<'_> {
    /// Writes the arrays of a network.
    pub(super) fn save_arrays(&mut self, index: usize, path: &str, format: Archive, span: Span) -> Attempt<()> {
        self.start_rates(index)?;
        let arrays: Vec<Named> = places(&self.live[index]).into_iter().map(|(array, _)| array).collect();
        match format.write(&arrays, self.precision == Precision::F64) {
            Ok(bytes) => {
                self.out.saved.insert(path.to_string(), bytes);
                Ok(())
            }
            Err(why) => fail(Code::E0809, span, format!("cannot save `{path}`"), why),
        }
    }

    /// Reads the arrays of a network: all that it has must be in the file, with their shapes.
    pub(super) fn load_arrays(&mut self, index: usize, path: &str, bytes: &[u8], span: Span) -> Attempt<()> {
        let Some(format) = Archive::of(path) else { return Ok(()) };
        let flawed = |flaw| evaluate::flawed(flaw, span, format!("`{path}` cannot be read"));
        let mut arrays = format.open(bytes).map_err(flawed)?;
        self.start_rates(index)?;
        for (Named { name, shape, .. }, place) in places(&self.live[index]) {
            if !arrays.names().contains(&&*name) {
                let known: Vec<String> = arrays.names().iter().map(|a| format!("`{a}`")).collect();
                return Err(Box::new(
                    Diagnostic::at(Code::E0803, span, format!("`{path}` has no array `{name}`"), "an array is missing")
                        .note(format!("it has {}", known.join(", ")))
                        .help("name the array like the projection or population and its variable"),
                ));
            }
            // Nothing of another shape is unpacked.
            let (found, values) = arrays.read(&name, |found| found == shape).map_err(flawed)?;
            let Some(values) = values else {
                let message = format!("`{name}` of `{path}` has the shape {found:?}, not {shape:?}");
                let d = Diagnostic::at(Code::E0403, span, message, "of another network");
                return Err(Box::new(
                    d.help("load it into a network built alike, or save it with the shape of this one"),
                ));
            };
            if self.precision == Precision::F32
                && let Some(k) = values.iter().position(|x| (*x as f32).is_infinite())
            {
                let what =
                    format!("`{name}`: element {:?} is {:e}, too large for single precision", at(&shape, k), values[k]);
                return Err(flawed(Flaw::new(what, "write `precision f64`")));
            }
            match place {
                Place::Synapses(k, id) => {
                    self.can_set_synapses((index, k), id, span)?;
                    let new = Column::Array(Arc::new(values));
                    synapses_within_bounds(&self.live[index].network().projections[k], id, &new, span)?;
                    self.store_synapses(index, k, id, new, span)?;
                }
                Place::Cells(p, id) => {
                    let population = &self.live[index].network().populations[p];
                    let whole: Cells = View { population: p, start: 0, n: population.n }.into();
                    rows_within_bounds(population, id, &whole, &values, span)?;
                    let column = Column::Array(Arc::new(values));
                    let column = one_per_channel(population, id, &whole, column, (false, span))?;
                    let values = (0..whole.len()).map(|i| column.at(i)).collect::<Vec<f64>>();
                    if let Some(s) = self.live[index].simulation.as_mut().and_then(Running::rates_mut) {
                        s.set(p, id, 0..values.len(), &Rows { rows: 1, values });
                    }
                }
            }
        }
        Ok(())
    }
}
