//! Prints checked models: the text of `neuro emit --stage hir`.

use super::expr::{Draw, Expr, Op, VarId};
use super::{Neuron, Stmt, Var, VarKind};
use crate::builtin::Func;
use crate::units::{canonical_unit, format_number};
use cranelift_entity::PrimaryMap;
use std::fmt::Write;

/// Prints an expression with the model's names; numbers are in internal units (ms, mV, pA, nS, pF, µm).
pub fn expression(e: &Expr, vars: &PrimaryMap<VarId, Var>, events: &dyn Fn(super::EventId) -> String) -> String {
    print(e, vars, events, 0)
}

fn print(e: &Expr, vars: &PrimaryMap<VarId, Var>, events: &dyn Fn(super::EventId) -> String, outer: u8) -> String {
    let sub = |e: &Expr, level: u8| print(e, vars, events, level);
    let (text, level) = match e {
        Expr::Num(v) if *v < 0.0 => (format_exact(*v), 5),
        Expr::Num(v) => (format_exact(*v), 9),
        Expr::Bool(b) => (b.to_string(), 9),
        Expr::Var(v) => (vars[*v].name.clone(), 9),
        Expr::Time => ("t".into(), 9),
        Expr::Dt => ("dt".into(), 9),
        Expr::Neg(a) => (format!("-{}", sub(a, 6)), 5),
        Expr::Not(a) => (format!("not {}", sub(a, 3)), 2),
        Expr::Bin(op, a, b) => {
            let (symbol, level) = match op {
                Op::Or => ("or", 0),
                Op::And => ("and", 1),
                Op::Lt => ("<", 3),
                Op::Le => ("<=", 3),
                Op::Gt => (">", 3),
                Op::Ge => (">=", 3),
                Op::Eq => ("==", 3),
                Op::Ne => ("!=", 3),
                Op::Add => ("+", 4),
                Op::Sub => ("-", 4),
                Op::Mul => ("*", 5),
                Op::Div => ("/", 5),
            };
            let right = if matches!(op, Op::Add | Op::Mul | Op::And | Op::Or) { level } else { level + 1 };
            (format!("{} {symbol} {}", sub(a, level), sub(b, right)), level)
        }
        Expr::Call(Func::Pow, args) => (format!("{}^{}", sub(&args[0], 8), sub(&args[1], 8)), 7),
        Expr::Call(f, args) => {
            let args: Vec<String> = args.iter().map(|a| sub(a, 0)).collect();
            (format!("{}({})", f.name(), args.join(", ")), 9)
        }
        Expr::If(c, a, b) => (format!("if {} then {} else {}", sub(c, 0), sub(a, 0), sub(b, 0)), 0),
        Expr::Since(e) => (format!("since({})", events(*e)), 9),
        Expr::Fired(e) => (events(*e), 9),
        Expr::Draw(_, d, args) => {
            let name = if *d == Draw::Uniform { "uniform" } else { "normal" };
            let args: Vec<String> = args.iter().map(|a| sub(a, 0)).collect();
            (format!("{name}({})", args.join(", ")), 9)
        }
        Expr::Noise(k) => (format!("xi{k}"), 9),
    };
    if level < outer { format!("({text})") } else { text }
}

fn format_exact(v: f64) -> String {
    let short = format_number(v);
    if short.parse::<f64>() == Ok(v) { short } else { format!("{v}") }
}

impl Neuron {
    /// Prints an expression of this neuron.
    pub fn show(&self, e: &Expr) -> String {
        expression(e, &self.vars, &|id| self.events[id].name.clone())
    }
}

impl std::fmt::Display for Neuron {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "neuron {} {{", self.name)?;
        for (_, v) in &self.vars {
            let unit = v.unit.clone().unwrap_or_else(|| canonical_unit(v.dim)).name;
            let (word, value) = match &v.kind {
                VarKind::Param(e) => ("param", e.as_ref().map(|e| self.show(e))),
                VarKind::State(e) => ("state", Some(self.show(e))),
                // These are there by themselves.
                VarKind::Distance | VarKind::Segment(..) => continue,
                VarKind::Let(e) => ("let", Some(self.show(e))),
                VarKind::EventPort => ("event input", None),
                VarKind::AnalogPort(e) => ("input", Some(self.show(e))),
                VarKind::Weight => ("weight", None),
                VarKind::Modulator(_) => ("modulator", None),
                VarKind::Pre(_) | VarKind::Post(_) => ("cell", None),
                VarKind::Window(..) => ("remembered", None),
                VarKind::Response(response) => ("response", Some(self.show(&response.kernel))),
            };
            let value = value.map_or(String::new(), |v| format!(" = {v}"));
            let kind = if v.boolean { "bool".to_string() } else { unit };
            writeln!(f, "    {word} {}: {kind}{value}", v.name)?;
        }
        for e in &self.equations {
            writeln!(f, "    {}' = {}", self.vars[e.state].name, self.show(&e.rhs))?;
        }
        for e in &self.emits {
            let edge = e.edge.map_or("", |r| if r { "rising " } else { "falling " });
            let count = e.count.as_ref().map_or(String::new(), |c| format!(" count ~ {}", self.show(c)));
            let on = e.on.map_or(String::new(), |on| format!(" on {}", self.events[on].name));
            writeln!(f, "    emit {}{on}{count} when {edge}{} {{", self.events[e.event].name, self.show(&e.when))?;
            let mut text = String::new();
            self.statements(&e.body, 2, &mut text);
            writeln!(f, "{text}    }}")?;
        }
        for h in &self.handlers {
            let mut text = String::new();
            self.statements(&h.body, 2, &mut text);
            writeln!(f, "    on {} {{\n{text}    }}", h.signal)?;
        }
        for (state, kept) in &self.kept {
            writeln!(f, "    # {} {kept}", self.vars[*state].name)?;
        }
        writeln!(f, "}}")
    }
}

impl Neuron {
    fn statements(&self, body: &[Stmt], depth: usize, out: &mut String) {
        // A long `else if` chain would be mostly blanks.
        let pad = "    ".repeat(depth.min(40));
        for s in body {
            let _ = match s {
                Stmt::Assign(v, e) => writeln!(out, "{pad}{} = {}", self.vars[*v].name, self.show(e)),
                Stmt::Hold(v, e, _) => writeln!(out, "{pad}hold {} for {}", self.vars[*v].name, self.show(e)),
                Stmt::Mute(v, e, _) => writeln!(out, "{pad}mute {} for {}", self.events[*v].name, self.show(e)),
                Stmt::Deliver(e) => writeln!(out, "{pad}deliver {}", self.show(e)),
                Stmt::Rewire => writeln!(out, "{pad}rewire"),
                Stmt::If(c, a, b) => {
                    let _ = writeln!(out, "{pad}if {} {{", self.show(c));
                    self.statements(a, depth + 1, out);
                    if !b.is_empty() {
                        let _ = writeln!(out, "{pad}}} else {{");
                        self.statements(b, depth + 1, out);
                    }
                    writeln!(out, "{pad}}}")
                }
            };
        }
    }
}
