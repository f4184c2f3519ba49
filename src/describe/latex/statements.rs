//! What happens at events and signals, statement after statement.

use super::escape::code;
use super::layout::Lines;
use super::math::Typesetter;
use crate::syntax::ast::{BinOp, Emit, Expr, ExprKind, Name, Stmt};

/// When an event is emitted, and what happens then.
pub fn emission(set: Typesetter, e: &Emit, lines: &mut Lines) {
    let mut when = Vec::new();
    if let Some(on) = &e.on {
        when.push(format!("at {}", code(&on.text)));
    }
    if let Some(condition) = &e.when {
        let condition = set.inline(condition);
        when.push(match e.edge {
            Some(true) => format!("when {condition} becomes true"),
            Some(false) => format!("when {condition} becomes false"),
            None => format!("whenever {condition}"),
        });
    }
    if let Some(count) = &e.count {
        when.push(format!("as often at once as drawn from {}", set.inline(count)));
    }
    if when.is_empty() {
        when.push("in every step".into());
    }
    let end = if e.body.is_empty() { "." } else { "; then" };
    lines.line(0, &format!("\\emph{{Event}} {} {}{end}", code(&e.name.text), when.join(", ")));
    statements(set, &e.body, 1, lines);
}

/// What happens when something else does.
pub fn handler(set: Typesetter, name: &Name, body: &[Stmt], lines: &mut Lines) {
    let event = name.text.contains('.') || set.scope.binds(&name.text);
    let what = if event { "event" } else { "signal" };
    lines.line(0, &format!("\\emph{{At each {what}}} {}:", code(&name.text)));
    statements(set, body, 1, lines);
}

fn statements(set: Typesetter, body: &[Stmt], depth: usize, lines: &mut Lines) {
    for s in body {
        statement(set, s, depth, lines);
    }
}

fn statement(set: Typesetter, s: &Stmt, depth: usize, lines: &mut Lines) {
    match s {
        Stmt::Assign(name, op, e) => lines.line(depth, &assignment(set, &path(name), *op, e)),
        Stmt::Hold(names, time) => {
            let held: Vec<String> = names.iter().map(|n| set.name(&n.text)).collect();
            let verb = if held.len() == 1 { "is" } else { "are" };
            lines.line(depth, &format!("{} {verb} held for {}", held.join(", "), set.inline(time)));
        }
        Stmt::Mute(event, time) => {
            lines.line(depth, &format!("no {} for {}", code(&event.text), set.inline(time)));
        }
        Stmt::If(condition, then, otherwise) => choice(set, (condition, then, otherwise), depth, lines),
        Stmt::Deliver(e) => lines.line(depth, &format!("{} is sent to the target", set.inline(e))),
        Stmt::Rewire(_) => {
            lines.line(depth, "the synapse is replaced by one from another source, with the initial weight")
        }
    }
}

fn choice(set: Typesetter, parts: (&Expr, &[Stmt], &[Stmt]), depth: usize, lines: &mut Lines) {
    let (mut condition, mut then, mut otherwise) = parts;
    let mut word = "if";
    loop {
        lines.line(depth, &format!("{word} {}:", set.inline(condition)));
        statements(set, then, depth + 1, lines);
        match otherwise {
            [] => return,
            [Stmt::If(c, a, b)] => (condition, then, otherwise) = (c, a, b),
            _ => break,
        }
        word = "otherwise, if";
    }
    lines.line(depth, "otherwise:");
    statements(set, otherwise, depth + 1, lines);
}

/// `x += e` as what `x` becomes.
pub fn assignment(set: Typesetter, target: &Expr, op: Option<BinOp>, e: &Expr) -> String {
    set.notation.mention("assignment");
    let becomes = match op {
        None => e.clone(),
        Some(op) => {
            let span = target.span.to(e.span);
            Expr { kind: ExprKind::Binary(op, Box::new(target.clone()), Box::new(e.clone())), span }
        }
    };
    format!("{} $\\leftarrow$ {}", set.inline(target), set.inline(&becomes))
}

/// A path of names as an expression.
fn path(name: &Name) -> Expr {
    let span = name.span;
    let mut parts = name.text.split('.');
    let first = parts.next().unwrap_or_default().to_string();
    let begin = Expr { kind: ExprKind::Name(first), span };
    parts.fold(begin, |of, part| {
        let name = Name { text: part.to_string(), span };
        Expr { kind: ExprKind::Member(Box::new(of), name), span }
    })
}
