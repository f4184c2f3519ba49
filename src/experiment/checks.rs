//! Values that a model does not allow, looked at before a network runs and where they are assigned.

use super::run::Run;
use crate::diag::{Code, Diagnostic};
use crate::elaborate::outside;
use crate::evaluate::Attempt;
use crate::hir::Var;
use crate::image::longest;
use crate::ir::Precision;
use crate::plan::{Column, Network};
use crate::source::Span;
use crate::units::{Dim, canonical_unit, format_quantity, lookup};

impl Run<'_> {
    /// Refuses initial values and durations of a network that models do not allow, and warns of what the precision is too coarse for.
    pub(super) fn check_values(&mut self, index: usize) -> Attempt<()> {
        let (dt, precision) = (self.dt, self.precision);
        let plan = &self.live[index].plan;
        within_bounds(plan)?;
        measures(plan, dt)?;
        durations(plan, dt, precision)?;
        cells_can_be_kept(plan, precision)?;
        weights_can_be_kept(plan, precision)?;
        let fine = if precision == Precision::F32 { plan.too_fine(dt) } else { Vec::new() };
        for found in fine {
            let message = format!("{}, which single precision distorts", found.what);
            let d = Diagnostic::at(Code::W0802, found.span, message, "has 24 binary digits");
            self.out.warnings.push(d.help("write `precision f64` in the experiment"));
        }
        Ok(())
    }
}

fn within_bounds(plan: &Network) -> Attempt<()> {
    for p in &plan.populations {
        if let Some(found) = p.out_of_bounds() {
            let var = &p.model.vars[found.variable];
            return Err(outside(&p.name, var, &found, var.span));
        }
    }
    for p in &plan.projections {
        if let Some(found) = p.out_of_bounds() {
            let var = &p.synapse.vars[found.variable];
            return Err(outside(&p.name, var, &found, var.span));
        }
    }
    Ok(())
}

/// The first of some values that single precision makes infinite, if it is what they are kept in.
pub(super) fn lost(values: &Column, precision: Precision) -> Option<(usize, f64)> {
    let is_lost = |v: f64| precision == Precision::F32 && v.is_finite() && !(v as f32).is_finite();
    match values {
        Column::Array(all) => all.iter().position(|v| is_lost(*v)).map(|k| (k, all[k])),
        Column::Const(v) => is_lost(*v).then_some((0, *v)),
        Column::Drawn(_) => None,
    }
}

/// Refuses a number that is finite only in double precision.
pub(super) fn too_large(what: &str, value: f64, var: &Var, span: Span) -> Box<Diagnostic> {
    let unit = var.unit.clone().unwrap_or_else(|| canonical_unit(var.dim));
    let message = format!("`{what}` is {}", format_quantity(value, var.dim, Some(&unit)));
    let d = Diagnostic::at(Code::E0105, span, message, "too large for single precision");
    Box::new(d.help("write `precision f64` in the experiment, or give a smaller value"))
}

/// Refuses inputs and initial values that are infinite in the precision of the run and were not before.
fn cells_can_be_kept(plan: &Network, precision: Precision) -> Attempt<()> {
    for p in &plan.populations {
        for (id, values) in p.ports.iter().chain(&p.init) {
            if let Some((k, value)) = lost(values, precision) {
                let var = &p.model.vars[*id];
                return Err(too_large(&format!("{}[{k}].{}", p.name, var.name), value, var, var.span));
            }
        }
    }
    Ok(())
}

/// Refuses weights that are not finite in the precision of the run.
fn weights_can_be_kept(plan: &Network, precision: Precision) -> Attempt<()> {
    let kept = |w: f64| if precision == Precision::F32 { f64::from(w as f32) } else { w };
    for p in &plan.projections {
        let lost = match &p.weight {
            Column::Array(all) => all.iter().position(|w| !kept(*w).is_finite()),
            Column::Const(w) => (!kept(*w).is_finite()).then_some(0),
            Column::Drawn(_) => None,
        };
        let (Some(index), Some(id)) = (lost, p.synapse.weight()) else { continue };
        let var = &p.synapse.vars[id];
        let unit = var.unit.clone().unwrap_or_else(|| canonical_unit(var.dim));
        let shown = format_quantity(p.weight.at(index), var.dim, Some(&unit));
        let message = format!("`{}.{}[{index}]` is {shown}", p.name, var.name);
        return Err(Box::new(match p.weight.at(index).is_finite() {
            true => Diagnostic::at(Code::E0105, var.span, message, "too large for single precision")
                .help("write `precision f64` in the experiment, or give smaller weights"),
            false => Diagnostic::at(Code::E0105, var.span, message, "not a finite number")
                .help("give every synapse a finite weight"),
        }));
    }
    Ok(())
}

fn measures(plan: &Network, dt: f64) -> Attempt<()> {
    for p in &plan.populations {
        if let Some(found) = p.bad_measure(dt) {
            let unit = canonical_unit(found.dim);
            let shown = format_quantity(found.value, found.dim, Some(&unit));
            let message = format!("`{}` of `{}[{}]` is {shown}", found.what, p.name, found.cell);
            let d = Diagnostic::at(Code::E0817, found.span, message, "must be above zero");
            return Err(Box::new(d.help("give it a value above zero, or its parameters such values")));
        }
    }
    Ok(())
}

fn durations(plan: &Network, dt: f64, precision: Precision) -> Attempt<()> {
    for p in &plan.populations {
        if let Some(found) = p.bad_duration(dt, longest(precision)) {
            let shown = format_quantity(found.time, Dim::TIME, lookup("ms").as_ref());
            let cell = found.cell;
            let message = match found.time > 0.0 {
                true => format!("{shown} in `{}[{cell}]` are more steps than can be counted", p.name),
                false => format!("the duration in `{}[{cell}]` is {shown}", p.name),
            };
            let d = Diagnostic::at(Code::E0816, found.span, message, "not a number of steps");
            return Err(Box::new(d.help(match found.time > 0.0 {
                true => "write `precision f64`, or `inf` for ever",
                false => "give its parameters values that make a time, or `inf` for ever",
            })));
        }
    }
    Ok(())
}
