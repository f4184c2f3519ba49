//! Worlds: what an agent sees, what follows, and what its actions do.

use super::document::Document;
use super::escape::{code, paragraph};
use super::layout::{Equations, Lines, Table};
use super::math::Typesetter;
use super::scope::Scope;
use super::statements::assignment;
use super::variables::{COLUMNS, Variables};
use crate::describe::written::on_one_line;
use crate::syntax::ast::{Action, Command, CommandKind, Item, Value, World, WorldItem};

impl Document<'_> {
    pub fn world(&self, item: &Item, w: &World) -> String {
        let scope = Scope::of_world(&self.program.module, w);
        let set = Typesetter::new(&scope, &self.notation);
        let name = code(&w.name.text);
        let mut out = format!("\\subsubsection*{{World {name}}}\n\n");
        out += &paragraph(&item.doc);
        let mut follows = Equations::new(set);
        let mut lines = Lines::default();
        for i in &w.body {
            match i {
                WorldItem::Let(name, e) => follows.equal(&scope.symbol(&name.text).tex(), e),
                WorldItem::Action(a) => self.action(set, a, &mut lines),
                WorldItem::Done(e) => lines.line(0, &format!("\\emph{{An episode ends}} when {}.", set.inline(e))),
                WorldItem::State(..) => {}
            }
        }
        out + &follows.written() + &lines.written() + &self.seen(set, w).written(&format!("Variables of {name}."))
    }

    fn seen(&self, set: Typesetter, w: &World) -> Table {
        let variables = Variables { document: self, set, neuron: None };
        let mut table = Table::new(COLUMNS);
        if !w.formals.is_empty() {
            table.group("Parameters");
            w.formals.iter().for_each(|b| table.row(&variables.binding(b)));
        }
        table.group("States, with their first values");
        for i in &w.body {
            match i {
                WorldItem::State(name, unit, Value::Expr(e)) => {
                    table.row(&variables.row(name, unit.as_ref(), Ok(e), ""));
                }
                WorldItem::State(name, unit, drawn) => {
                    let drawn = set.value(drawn, "", "$\\sim$ ");
                    table.row(&variables.row(name, unit.as_ref(), Err(&drawn), ""));
                }
                _ => {}
            }
        }
        table
    }

    fn action(&self, set: Typesetter, a: &Action, lines: &mut Lines) {
        let formals: Vec<String> = a.formals.iter().map(|b| set.name(&b.name.text)).collect();
        let formals = if formals.is_empty() { String::new() } else { format!(" with {}", formals.join(", ")) };
        lines.line(0, &format!("\\emph{{Action}} {}{formals}:", code(&a.name.text)));
        self.commands(set, &a.body, 1, lines);
    }

    fn commands(&self, set: Typesetter, body: &[Command], depth: usize, lines: &mut Lines) {
        for c in body {
            match &c.kind {
                CommandKind::Let(name, value, None) | CommandKind::Var(name, value) => {
                    let value = set.value(value, "$=$ ", "$\\sim$ ");
                    lines.line(depth, &format!("{} {value}", set.name(&name.text)));
                }
                CommandKind::Set { target, op, value: Value::Expr(e) } => {
                    lines.line(depth, &assignment(set, target, *op, e));
                }
                CommandKind::Set { target, value: drawn, .. } => {
                    lines.line(depth, &format!("{} {}", set.inline(target), set.value(drawn, "", "$\\sim$ ")));
                }
                CommandKind::If(condition, then, otherwise) => {
                    lines.line(depth, &format!("if {}:", set.inline(condition)));
                    self.commands(set, then, depth + 1, lines);
                    if !otherwise.is_empty() {
                        lines.line(depth, "otherwise:");
                        self.commands(set, otherwise, depth + 1, lines);
                    }
                }
                _ => lines.line(depth, &code(&on_one_line(self.written.of(c.span)))),
            }
        }
    }
}
