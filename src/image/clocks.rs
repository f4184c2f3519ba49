//! Kernels of functions of time that differ from cell to cell.

use super::Bound;
use crate::codegen::{Backend, Steps};
use crate::hir::VarId;
use crate::ir::Precision;
use crate::lower::{Clock, Elementwise, Held, Store};

/// Compiles a function of time in double precision; lanes beyond the last cell repeat it.
pub fn clock(of: &Clock, lanes: usize, backend: Backend) -> Bound<Held> {
    let (column, definition) = (|v: VarId| of.column(v), |v: VarId| of.definition(v));
    let cells = of.columns.iter().filter_map(|(_, c)| c.listed()).min().unwrap_or(lanes);
    let stores = [Store::Out(of.e.clone())];
    let build = Elementwise {
        name: "clock".into(),
        precision: Precision::F64,
        dt: of.dt,
        names: &|v| format!("{v}"),
        n_lanes: cells,
        params: &column,
        lets: &definition,
        place: &|_| None,
        temps: &[],
        stores: &stores,
    };
    Bound::new(build.lower(), backend, Steps::One)
}
