//! Statements of handlers.

use super::expression::Speech;
use super::unsayable;
use crate::hir::{Expr, Func, Op, Stmt, VarId};
use crate::source::Span;
use crate::units::Dim;

impl Speech<'_> {
    /// Puts those states that equations move back within their bounds.
    pub fn bounded(&mut self, moved: &[VarId]) -> Vec<String> {
        let bounds = self.bounds.iter().filter(|(v, ..)| moved.contains(v));
        let kept = bounds.map(|(v, ..)| {
            let at = self.vars[*v].span;
            self.assignment(*v, &Expr::Var(*v), at)
        });
        kept.collect()
    }

    /// Statements of a handler, one a line.
    pub fn statements(&mut self, body: &[Stmt], at: Span) -> Vec<String> {
        let mut lines = Vec::new();
        for s in body {
            match s {
                Stmt::Assign(v, e) => lines.push(self.assignment(*v, e, at)),
                Stmt::Hold(v, e, at) => {
                    let counter = self.counters.hold(*v);
                    lines.extend(self.counted(counter, e, *at));
                }
                Stmt::Mute(event, e, at) => {
                    let counter = self.counters.mute(*event);
                    lines.extend(self.counted(counter, e, *at));
                }
                Stmt::If(c, a, b) => lines.extend(self.choice(c, (a, b), at)),
                Stmt::Deliver(e) => lines.push(self.delivery(e, at)),
                Stmt::Rewire => {
                    self.refuse(at, "synapses that move", "they stay where they are connected");
                }
            }
        }
        lines
    }

    fn choice(&mut self, c: &Expr, (a, b): (&[Stmt], &[Stmt]), at: Span) -> Vec<String> {
        let mut lines = Vec::new();
        let (yes, no) = (self.statements(a, at), self.statements(b, at));
        let deeper = |lines: &[String]| lines.iter().map(|l| format!("    {l}")).collect::<Vec<_>>();
        if yes.is_empty() && no.is_empty() {
            return lines;
        }
        if yes.is_empty() {
            lines.push(format!("if not {}:", self.condition(c, at)));
            lines.extend(deeper(&no));
            return lines;
        }
        lines.push(format!("if {}:", self.say(c, Dim::ONE, at)));
        lines.extend(deeper(&yes));
        if !no.is_empty() {
            lines.push("else:".into());
            lines.extend(deeper(&no));
        }
        lines
    }

    /// What a synapse sends: a pure number.
    fn delivery(&mut self, e: &Expr, at: Span) -> String {
        let Some((weight, dim)) = self.weight else { return "emit_spike()".into() };
        match e {
            Expr::Var(v) if *v == weight => format!("emit_spike({})", self.stored(weight)),
            e if dim == Dim::ONE => format!("emit_spike({})", self.say(e, dim, at)),
            e => {
                let value = self.factor(e, dim, at);
                format!("emit_spike({value} / {})", self.unit(dim, at))
            }
        }
    }

    /// Whether a variable is a pure number there and has a unit here: a weight.
    pub fn is_pure_there(&self, v: VarId) -> bool {
        self.weight.is_some_and(|(weight, dim)| weight == v && dim != Dim::ONE)
    }

    /// A variable as it is assigned to.
    pub fn stored(&self, v: VarId) -> String {
        let name = &self.names[&v];
        match self.is_pure_there(v) {
            true => name.trim_start_matches('(').split(' ').next().unwrap_or_default().to_string(),
            false => name.clone(),
        }
    }

    fn assignment(&mut self, v: VarId, e: &Expr, at: Span) -> String {
        let (var, name) = (&self.vars[v], self.stored(v));
        let is_stripped = name != self.names[&v];
        let bounds = self.bounds.iter().find(|(b, ..)| *b == v);
        let value = |this: &mut Self, e: &Expr, by: &str| match is_stripped {
            true => format!("{name} {by}= {} / {}", this.factor(e, var.dim, at), this.unit(var.dim, at)),
            false => format!("{name} {by}= {}", this.value(e, var, at)),
        };
        if let Some((_, low, high)) = bounds {
            let most = |e: Expr| Expr::Call(Func::Min, vec![e, high.clone()]);
            let e = most(Expr::Call(Func::Max, vec![e.clone(), low.clone()]));
            return value(self, &e, "");
        }
        match e {
            Expr::Bin(Op::Add, a, b) if **a == Expr::Var(v) && !var.boolean => value(self, b, "+"),
            Expr::Bin(Op::Sub, a, b) if **a == Expr::Var(v) && !var.boolean => value(self, b, "-"),
            e => value(self, e, ""),
        }
    }

    /// Lets a counter run for a time, unless it runs longer already. The first step it counts down is the next one, before it is looked at.
    fn counted(&mut self, counter: Option<String>, time: &Expr, at: Span) -> Option<String> {
        let counter = counter?;
        if crate::math::eval(time, &|_| None, None) == Some(f64::INFINITY) {
            self.flaws.push(unsayable("NESTML", at, "for ever", "it counts steps"));
            return None;
        }
        let time = self.say(time, Dim::TIME, at);
        Some(format!("{counter} = max({counter}, steps({time}) + 1)"))
    }
}
