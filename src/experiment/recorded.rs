//! Begins recordings of what an experiment names: events, variables of cells, weights and states of synapses.

use super::record::{GONE, Recording, Sampled, Subject, What};
use super::run::Run;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, fail};
use crate::hir::typed::{Expr, ExprKind, LocalId};
use crate::hir::{Expr as CellExpr, Reduce, VarKind};
use crate::runtime::Running;
use crate::source::Span;
use crate::units::{Dim, format_quantity, lookup};
use crate::value::{Cells, Value, View};

/// What is to be recorded.
struct Recorded {
    /// Its name for files.
    name: String,
    of: Subject,
    network: usize,
    /// Which cells, or how many synapses.
    cells: Cells,
    what: What,
}

impl Run<'_> {
    pub(super) fn record(
        &mut self,
        (e, reduce): (&Expr, Option<Reduce>),
        every: Option<&Expr>,
        during: Option<&Expr>,
        id: Option<LocalId>,
    ) -> Attempt<()> {
        let mut found = match &e.kind {
            ExprKind::Variable { of, .. } | ExprKind::Events { of, .. } => self.recorded_cells(e, of)?,
            ExprKind::Synaptic { of, name } => self.recorded_synapses(of, name, e.span)?,
            _ => return fail(Code::E0407, e.span, "this cannot be recorded", "not a state, weight or event"),
        };
        if let What::Samples { every: interval, reduce: how, .. } = &mut found.what {
            (*interval, *how) = (self.interval(every)?, reduce);
        }
        if reduce.is_some() && found.cells.is_empty() {
            let nothing = if matches!(e.kind, ExprKind::Synaptic { .. }) { "no synapses" } else { "no cells" };
            return fail(Code::E0404, e.span, "there is nothing to be reduced", nothing);
        }
        let window = during.map(|e| self.with(|s| s.range(e)).map(|w| (w, e.span))).transpose()?;
        let begin = self.live[found.network].simulation.as_ref().map_or(0, Running::step);
        // Windows are by the clock of the network, which began when it was made.
        if let Some(((from, to), span)) = window
            && (from >= to || to < begin as f64 * self.dt - 1e-9)
        {
            return fail(Code::E0404, span, "nothing can be recorded in this window", "empty, or in the past");
        }
        let live = &self.live[found.network];
        if live.network().batch.is_some() && !live.network().is_without_events() {
            let d = crate::diag::unsupported(e.span, "recording several examples of a network with events");
            return Err(Box::new(d.help("use `measure` and states that count, or a network without a batch")));
        }
        let base = id.map_or(found.name, |id| self.experiment.locals[id].name.clone());
        let same = |r: &&Recording| r.name == base || r.name.starts_with(&format!("{base}#"));
        let copies = self.recordings.iter().filter(same).count();
        let file = if copies == 0 { base } else { format!("{base}#{copies}") };
        let folder = self.runner.settings.results.as_deref();
        let mut r = Recording::new(file, found.of, found.network, found.cells, found.what, begin, self.dt, folder);
        r.window = window.map(|((from, to), _)| (from, to));
        r.asked = window.map_or(e.span, |(_, span)| span);
        if let What::Samples { .. } = r.what {
            self.start_rates(r.network)?;
        }
        if let Some(values) = self.beginning(&r, e.span)? {
            r.sample(begin, values.into_iter());
        }
        self.recordings.push(r);
        if let Some(id) = id {
            self.set_local(id, Value::Recording(self.recordings.len() - 1));
        }
        Ok(())
    }

    /// Warns of recordings whose window nothing has come to, in an experiment in which time passes at all.
    pub(super) fn warn_of_missed_windows(&mut self) {
        let shown = |t: f64| format_quantity(t, Dim::TIME, lookup("ms").as_ref());
        for r in self.recordings.iter().filter(|r| self.passed > 0.0 && r.has_missed_its_window()) {
            let Some((from, to)) = r.window else { continue };
            let end = shown(r.span.1 as f64 * r.dt);
            let message = format!("nothing is recorded from {} to {}: time ends at {end}", shown(from), shown(to));
            let d = match (r.span.1 as f64 * r.dt) < to {
                true => Diagnostic::at(Code::W0205, r.asked, message, "this is later")
                    .help("run for longer, or record earlier"),
                false => {
                    let message = format!("nothing is recorded from {} to {}", shown(from), shown(to));
                    Diagnostic::at(Code::W0205, r.asked, message, "no sample is due in this window")
                        .help("record more often, or in a longer window")
                }
            };
            self.out.warnings.push(d);
        }
    }

    /// The state at the beginning is part of a trace, if the trace begins then.
    fn beginning(&self, r: &Recording, span: Span) -> Attempt<Option<Vec<f64>>> {
        let What::Samples { of, .. } = &r.what else { return Ok(None) };
        let live = &self.live[r.network];
        Ok(match of {
            Sampled::Cells { .. } if live.network().batch.is_some() => {
                let d = crate::diag::unsupported(span, "recording a network that sees several examples at once");
                return Err(Box::new(d.help("use `measure`, or a network without a batch")));
            }
            _ if !r.is_within(r.span.0) => None,
            Sampled::Cells { variable, segments, .. } => {
                let one = (segments.len() == 1).then_some(segments.start);
                Some(live.values_along(&r.cells, *variable, one, span)?.data.to_vec())
            }
            Sampled::Synapses(list) => Some(list.iter().flat_map(|(k, v)| live.synapse_values(*k, *v)).collect()),
        })
    }

    /// Lets traces begin with what has been assigned since they were asked for, when time begins to pass.
    pub(super) fn begin_traces(&mut self) -> Attempt<()> {
        for k in 0..self.recordings.len() {
            let r = &self.recordings[k];
            // What goes on after others were forgotten has no first sample.
            if r.closed || r.network == GONE || r.span.0 != r.span.1 || r.records() != 1 {
                continue;
            }
            if let Some(values) = self.beginning(r, r.asked)? {
                self.recordings[k].begin_with(values);
            }
        }
        Ok(())
    }

    fn recorded_cells(&self, e: &Expr, of: &Expr) -> Attempt<Recorded> {
        let p = self.cells(of)?;
        let population = &self.live[p.network].network().populations[p.cells.population];
        let model = population.model.clone();
        let whole = p.cells.is_whole(population.n);
        let owner = population.name.clone();
        let (what, path) = match &e.kind {
            ExprKind::Variable { id, segment, .. } => {
                let segment = segment.as_ref().map(|s| self.size(s)).transpose()?;
                let segments = self.live[p.network].segments(&p.cells, *id, segment, e.span)?;
                let v = &model.vars[*id];
                let value = model.unfold(CellExpr::Var(*id));
                let of = Sampled::Cells { variable: *id, segments, value };
                let what = What::Samples { of, reduce: None, every: 1.0, dim: v.dim, unit: v.unit.clone() };
                (what, v.name.clone())
            }
            ExprKind::Events { id, .. } => (What::Events(*id), model.events[*id].name.clone()),
            _ => return fail(Code::E0407, e.span, "this cannot be recorded", "not a state or event"),
        };
        let name = format!("{owner}.{path}");
        let of = Subject { owner, variable: path };
        let name = match (whole, p.cells.view()) {
            (true, _) => name,
            (false, Some(View { start, n, .. })) => format!("{name}.{start}-{}", (start + n).saturating_sub(1)),
            (false, None) => format!("{name}.{}-chosen", p.cells.len()),
        };
        Ok(Recorded { name, of, network: p.network, cells: p.cells, what })
    }

    fn recorded_synapses(&self, of: &Expr, name: &str, span: Span) -> Attempt<Recorded> {
        let (network, list) = self.projections(of)?;
        let plan = self.live[network].network();
        let mut all = Vec::new();
        let mut found = None;
        let mut n = 0;
        for k in list.iter() {
            let p = &plan.projections[*k];
            let Some(id) = p.synapse.var(name) else { continue };
            if !matches!(p.synapse.vars[id].kind, VarKind::Weight | VarKind::State(_)) {
                let message = format!("`{name}` is a parameter of all synapses");
                return fail(Code::E0407, span, message, "does not change by itself");
            }
            all.push((*k, id));
            n += p.pairs.len();
            found = found.or(Some((p, id)));
        }
        let Some((p, id)) = found else {
            return fail(Code::E0205, span, format!("this projection has no `{name}`"), "no such member");
        };
        let v = &p.synapse.vars[id];
        let of = Sampled::Synapses(all);
        let what = What::Samples { of, reduce: None, every: 1.0, dim: v.dim, unit: v.unit.clone() };
        Ok(Recorded {
            name: format!("{}.{name}", p.name),
            of: Subject { owner: p.name.clone(), variable: name.to_string() },
            network,
            cells: View { population: 0, start: 0, n }.into(),
            what,
        })
    }

    /// The interval of samples in steps, which need not be whole.
    fn interval(&mut self, every: Option<&Expr>) -> Attempt<f64> {
        let Some(e) = every else { return Ok(1.0) };
        let interval = self.number(e)?;
        let steps = interval / self.dt;
        if steps.is_nan() || steps.round() < 1.0 || !steps.is_finite() {
            return fail(Code::E0601, e.span, "this interval is shorter than a step", "below `dt`");
        }
        self.warn_off_grid(interval, e.span, "samples are taken at the nearest steps");
        let whole = steps.round();
        Ok(if (steps - whole).abs() <= 1e-6 * whole { whole } else { steps })
    }
}
