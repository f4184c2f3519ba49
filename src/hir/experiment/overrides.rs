//! `--set path=value`: texts from outside, checked in the words of an experiment.

use super::model::{Experiment, StatementKind};
use crate::diag::Diagnostics;
use crate::hir::Module;
use crate::hir::infer::Infer;
use crate::hir::network::World;
use crate::hir::typed::{Expr, ExprKind};
use crate::syntax;

/// Checks a value; the error says in words what is wrong.
pub fn value(module: &Module, text: &str) -> Result<Expr, String> {
    checked(module, text, &mut World::default())
}

/// Finds the variable of a network's cells that a dotted path names.
pub fn target(module: &Module, experiment: &Experiment, path: &str) -> Result<Expr, String> {
    let mut world = World { locals: experiment.locals.clone(), ..World::default() };
    for s in experiment.blocks.iter().flatten() {
        if let StatementKind::Network { network, name, .. } = &s.kind {
            world.names.push((name.clone(), network.id));
        }
    }
    let found = checked(module, path, &mut world)?;
    match found.kind {
        ExprKind::Variable { .. } => Ok(found),
        _ => Err("it names no variable of cells".into()),
    }
}

fn checked(module: &Module, text: &str, world: &mut World) -> Result<Expr, String> {
    let mut d = Diagnostics::default();
    let why = |d: &Diagnostics| d.iter().next().map_or(String::new(), |d| d.message.clone());
    let Some(e) = syntax::parse_expr(Default::default(), text, &mut d) else { return Err(why(&d)) };
    let typed = Infer::new(module, &mut d).typed(world, &e);
    if d.has_errors() { Err(why(&d)) } else { Ok(typed) }
}
