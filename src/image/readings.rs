//! Kernels of what is made of cells' variables between steps, in double precision whatever the network runs in.

use super::Bound;
use crate::codegen::{Backend, Steps};
use crate::hir::{Expr, VarId, VarKind};
use crate::ir::{Precision, SlotKind};
use crate::lower::{Elementwise, Held, Store};
use crate::plan::Population;

/// Compiles expressions of a population's variables; those beyond the model's own have their values from outside, too.
pub fn reading(name: &str, (p, n_lanes): (&Population, usize), of: &[Expr], dt: f64, backend: Backend) -> Bound<Held> {
    let model = &p.model;
    let known = |v: VarId| model.vars.get(v);
    let place = |v: VarId| match known(v).map(|var| &var.kind) {
        Some(VarKind::State(_) | VarKind::Segment(..) | VarKind::Param(_) | VarKind::Distance) => Some(SlotKind::Lane),
        None | Some(VarKind::AnalogPort(_)) => Some(SlotKind::Lane),
        Some(_) => None,
    };
    let stores: Vec<Store> = of.iter().cloned().map(Store::Out).collect();
    let build = Elementwise {
        name: format!("{}.{name}", model.name),
        precision: Precision::F64,
        dt,
        names: &|v| known(v).map_or_else(|| format!("{v}"), |var| var.name.clone()),
        n_lanes,
        params: &|_| None,
        lets: &|v| model.definition(v).cloned(),
        place: &place,
        temps: &[],
        stores: &stores,
    };
    Bound::new(build.lower(), backend, Steps::One)
}
