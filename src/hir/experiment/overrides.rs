//! `--set path=value`: texts from outside, checked in the words of an experiment.

use super::model::{Experiment, StatementKind};
use crate::diag::Diagnostics;
use crate::hir::Module;
use crate::hir::infer::Infer;
use crate::hir::network::World;
use crate::hir::typed::{Expr, ExprKind};
use crate::parallel::with_deep_stack;
use crate::source::FileId;
use crate::syntax;

/// Checks a value; the error says in words what is wrong.
pub fn value(module: &Module, text: &str) -> Result<Expr, String> {
    checked(module, (FileId(0), text), &mut World::default())
}

/// Finds the variable of a network's cells that a dotted path names.
pub fn target(module: &Module, experiment: &Experiment, path: &str) -> Result<Expr, String> {
    let found = seen(module, experiment, (FileId(0), path))?;
    match found.kind {
        ExprKind::Variable { .. } => Ok(found),
        _ => Err("it names no variable of cells".into()),
    }
}

/// Checks an expression that sees the networks and worlds of an experiment; places in it are said to be in a file.
pub fn seen(module: &Module, experiment: &Experiment, text: (FileId, &str)) -> Result<Expr, String> {
    let mut world = World { locals: experiment.locals.clone(), ..World::default() };
    for s in experiment.blocks.iter().flatten() {
        match &s.kind {
            StatementKind::Network { network, name, .. } => world.names.push((name.clone(), network.id)),
            StatementKind::Environment(e) => world.names.push((e.name.clone(), e.id)),
            _ => {}
        }
    }
    checked(module, text, &mut world)
}

fn checked(module: &Module, (file, text): (FileId, &str), world: &mut World) -> Result<Expr, String> {
    let mut d = Diagnostics::default();
    let why = |d: &Diagnostics| d.iter().next().map_or(String::new(), |d| d.message.clone());
    // Sessions ask on whatever stack they have.
    let parsed = with_deep_stack(|| syntax::parse_expr(file, text, &mut d));
    let Some(e) = parsed else { return Err(why(&d)) };
    let typed = Infer::new(module, &mut d).typed(world, &e);
    if d.has_errors() { Err(why(&d)) } else { Ok(typed) }
}
