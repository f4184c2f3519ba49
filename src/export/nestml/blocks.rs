//! The blocks of a model, neuron or synapse: declarations, definitions, and the text around them.

use super::expression::{Helper, Speech};
use super::unsayable;
use super::words::data_type;
use crate::describe;
use crate::hir::{Expr, Var, VarId, VarKind};
use crate::math::walk_through;
use std::collections::BTreeSet;

/// A block with its lines; nothing if it has none.
pub fn block(head: &str, lines: &[String]) -> String {
    let lines: String = lines.iter().map(|l| format!("        {l}\n")).collect();
    if lines.is_empty() { lines } else { format!("    {head}:\n{lines}\n") }
}

/// The text of a model: what is said of it, its blocks, and the functions it brings along.
pub fn model(name: &str, doc: &str, body: String, helpers: &BTreeSet<Helper>) -> String {
    let doc: String = doc.trim().lines().map(|l| format!("# {}\n", l.trim())).collect();
    let indented = |h: &Helper| h.text().lines().map(|l| format!("    {l}\n")).collect::<String>();
    let helpers: Vec<String> = helpers.iter().map(indented).collect();
    format!("{doc}model {name}:\n{}\n", (body + &helpers.join("\n")).trim_end())
}

impl Speech<'_> {
    /// A line that declares a variable, with what is said of it.
    pub fn declared(&mut self, id: VarId, v: &Var, value: &str) -> String {
        let kind = if v.boolean { Some("boolean".into()) } else { data_type(v.dim) };
        let kind = kind.unwrap_or_else(|| {
            self.flaws.push(unsayable("NESTML", v.span, "a unit with a broken exponent", "this has one"));
            String::new()
        });
        let said = describe::comment(self.sources, v.span);
        let said = if said.is_empty() { said } else { format!("  # {said}") };
        format!("{} {kind} = {value}{said}", self.names[&id])
    }

    fn definition(&self, v: VarId) -> Option<&Expr> {
        match self.vars.get(v).map(|v| &v.kind) {
            Some(VarKind::Let(e)) => Some(e),
            _ => None,
        }
    }

    /// What follows from parameters alone.
    fn is_constant(&self, e: &Expr) -> bool {
        let mut constant = true;
        walk_through(e, &|v| self.definition(v), &mut |e| {
            constant &= match e {
                Expr::Var(v) => matches!(self.vars[*v].kind, VarKind::Param(_)),
                Expr::Time | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => false,
                _ => true,
            };
        });
        constant
    }

    /// Definitions: those that are constant, which are internals, or the others, which are part of the equations.
    pub fn lets(&mut self, lets: &[VarId], constant: bool) -> Vec<String> {
        let vars = self.vars;
        let mut lines = Vec::new();
        for id in lets.iter().copied() {
            let v = &vars[id];
            let VarKind::Let(e) = &v.kind else { continue };
            if self.is_constant(e) != constant {
                continue;
            }
            if e.any(&mut |e| matches!(e, Expr::Draw(..))) {
                self.refuse(v.span, "a draw in a definition", "it draws in statements only");
            }
            let value = self.say(e, v.dim, v.span);
            let line = self.declared(id, v, &value);
            lines.push(if constant { line } else { format!("inline {line}") });
        }
        lines
    }
}
