//! Checks experiments and tests: statements in order, names as they appear; returns them with ids and types.

pub mod environment;
mod gather;
mod label;
mod learning;
mod loops;
pub mod model;
mod order;
pub mod overrides;
mod plots;
mod recording;
mod statements;

pub(super) use self::environment::check_environment;
use self::model::{BlockId, Experiment, Statement};
use super::infer::Infer;
use super::network::World;
use super::network::model::{Hidden, Within};
use super::{Module, network};
use crate::diag::Diagnostics;
use crate::hir::typed::LocalId;
use crate::syntax::ast::{self, Command};
use std::collections::BTreeSet;

/// Checks an experiment.
pub(super) fn check_experiment(module: &Module, e: &ast::Experiment, diagnostics: &mut Diagnostics) -> Experiment {
    let infer = Infer::new(module, diagnostics);
    let mut c = Checker::new(infer);
    let params = c.world.formals(&mut c.infer, &e.formals);
    let body = c.block(&e.body);
    debug_assert_eq!(body, 0);
    let (name, span, slow) = (e.name.text.clone(), e.name.span, e.slow);
    Experiment { name, span, params, slow, blocks: c.blocks, locals: c.world.locals, reads: c.infer.members }
}

struct Checker<'a> {
    infer: Infer<'a>,
    world: World,
    blocks: Vec<Vec<Statement>>,
    /// How many `at`s the statement stands in.
    at: usize,
    /// Names that were measured, not declared by `var`.
    measured: BTreeSet<LocalId>,
}

impl<'a> Checker<'a> {
    fn new(infer: Infer<'a>) -> Checker<'a> {
        Checker { infer, world: World::default(), blocks: Vec::new(), at: 0, measured: BTreeSet::new() }
    }
}

impl Checker<'_> {
    /// Checks the statements of a block whose names stay visible.
    fn block(&mut self, body: &[Command]) -> BlockId {
        let id = self.blocks.len();
        self.blocks.push(Vec::new());
        let around = std::mem::replace(&mut self.world.block, self.world.names.depth());
        let declared = self.world.declared.len();
        self.world.declared.extend(body.iter().filter_map(|c| c.kind.declares()).cloned());
        for c in body {
            if let Some(kind) = self.statement(c) {
                self.blocks[id].push(Statement { kind, span: c.span });
            }
        }
        self.world.declared.truncate(declared);
        self.world.block = around;
        id
    }

    /// Checks a block whose names are visible in it alone, except what it measures.
    fn inner(&mut self, body: &[Command]) -> BlockId {
        let depth = self.world.names.depth();
        let id = self.block(body);
        self.leave(depth, body, Within::Branch);
        id
    }

    /// Forgets the names of a block, but not what it measured.
    fn leave(&mut self, depth: usize, body: &[Command], within: Within) {
        let inner: Vec<_> = self.world.names.leave(depth);
        if inner.is_empty() {
            return;
        }
        let mut measured = Vec::new();
        measures(body, &mut measured);
        let (kept, gone): (Vec<_>, Vec<_>) = inner.into_iter().partition(|(n, _)| measured.contains(&n.as_str()));
        kept.into_iter().for_each(|name| self.world.names.push(name));
        let hidden = |(name, id)| Hidden { name, span: self.world.locals[id].span, within };
        self.world.hidden.extend(gone.into_iter().map(hidden).collect::<Vec<_>>());
    }
}

/// The names that a block measures.
fn measures<'a>(body: &'a [Command], out: &mut Vec<&'a str>) {
    for c in body {
        if let ast::CommandKind::Measure(name, ..) = &c.kind {
            out.push(&name.text);
        }
        c.kind.blocks().into_iter().for_each(|body| measures(body, out));
    }
}
