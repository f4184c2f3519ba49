//! What happens at events: conditions with actions, one after the other.
//!
//! A branch within a handler is a condition of its own: a state holds that the handler runs, another one which branch was taken, so that
//! every statement sees what those before it did.

use super::actions::assign;
use super::cell::{Cell, decided};
use crate::hir::{Emit, Expr, Stmt, VarId};
use crate::source::Span;
use crate::units::Dim;

fn branches(body: &[Stmt]) -> bool {
    body.iter().any(|s| match s {
        Stmt::If(..) => true,
        Stmt::Assign(_, e) => matches!(decided(e), Expr::If(..)),
        _ => false,
    })
}

impl Cell<'_> {
    /// A decision of an event, in the order of the text.
    pub fn emission(&mut self, i: usize, emit: &Emit) {
        let at = self.n.events[emit.event].span;
        let mut test = self.test(&emit.when, at);
        if let Some(rising) = emit.edge {
            test = self.edge(i, &test, &emit.when, rising, at);
        }
        if let Some(on) = emit.on {
            test = format!("({test}) .and. ({})", self.test(&Expr::Fired(on), at));
        }
        if let Some(muted) = self.muted.get(&emit.event) {
            test = format!("({test}) .and. ({muted} .lt. 0.5)");
        }
        self.conditions.begin(&test);
        if branches(&emit.body) {
            let running = self.flag("running");
            self.conditions.act(assign(&running, "1"));
            let guard = format!("{running} .gt. 0.5");
            self.conditions.begin(&guard);
            self.body(&guard, &emit.body, at);
        } else {
            self.body(&test, &emit.body, at);
        }
        for (state, value) in [
            (self.formulas.fired.get(&emit.event), "1"),
            (self.formulas.since.get(&emit.event), self.zero_time.as_str()),
        ] {
            if let Some(state) = state {
                self.conditions.act(assign(state, value));
            }
        }
        let port = &self.ports[&emit.event];
        self.conditions.act(format!("<EventOut port=\"{port}\"/>"));
    }

    /// A condition on the states as they are now: what follows from them is written out.
    pub fn test(&mut self, e: &Expr, at: Span) -> String {
        let e = self.now(e, at);
        self.formulas.may_derive = false;
        let text = self.formulas.say(&e, Dim::ONE, at);
        self.formulas.may_derive = true;
        text
    }

    /// A value from the states as they are now.
    fn value(&mut self, e: &Expr, dim: Dim, at: Span) -> String {
        let e = self.now(e, at);
        self.formulas.may_derive = false;
        let text = self.formulas.say(&e, dim, at);
        self.formulas.may_derive = true;
        text
    }

    fn flag(&mut self, name: &str) -> String {
        let name = self.formulas.free.give(name);
        self.flags.push((name.clone(), "0".into()));
        self.conditions.passing.push(name.clone());
        name
    }

    /// The change of a condition since the last step: one state holds what it is, another what it was.
    fn edge(&mut self, i: usize, test: &str, when: &Expr, rising: bool, at: Span) -> String {
        let not = self.test(&Expr::Not(Box::new(when.clone())), at);
        let (now, was) = (self.formulas.free.give("now"), self.formulas.free.give("was"));
        let before = self.initially(when, at);
        self.flags.push((now.clone(), "0".into()));
        self.flags.push((was.clone(), before));
        for (test, value) in [(test, "1"), (&*not, "0")] {
            self.conditions.begin(test);
            self.conditions.act(assign(&now, value));
        }
        self.edges.push((i, now.clone(), was.clone()));
        match rising {
            true => format!("({now} .gt. 0.5) .and. ({was} .lt. 0.5)"),
            false => format!("({now} .lt. 0.5) .and. ({was} .gt. 0.5)"),
        }
    }

    /// Statements under a condition; what follows a branch begins anew under the same one.
    fn body(&mut self, guard: &str, body: &[Stmt], at: Span) {
        for s in body {
            let s = match s {
                Stmt::Assign(v, e) if self.n.vars[*v].boolean => &Stmt::Assign(*v, decided(e)),
                s => s,
            };
            match s {
                Stmt::Assign(v, Expr::If(c, a, b)) => {
                    let (yes, no) = (Stmt::Assign(*v, (**a).clone()), Stmt::Assign(*v, (**b).clone()));
                    self.branch(guard, c, (&[yes], &[no]), at);
                }
                Stmt::If(c, a, b) => self.branch(guard, c, (a, b), at),
                Stmt::Assign(v, e) => {
                    let dim = self.n.vars[*v].dim;
                    let bounds = self.n.bounds.iter().any(|(b, ..)| b == v);
                    if bounds {
                        self.formulas.refuse(at, "a bound at an event", "its formulas have no branches");
                    }
                    let value = self.value(e, dim, at);
                    let name = self.formulas.names[v].clone();
                    self.conditions.act(assign(&name, &value));
                }
                Stmt::Hold(v, e, at) => self.counted(self.held[v].clone(), e, *at),
                Stmt::Mute(event, e, at) => self.counted(self.muted[event].clone(), e, *at),
                Stmt::Deliver(_) | Stmt::Rewire => crate::ice!("a neuron delivers or rewires"),
            }
        }
    }

    fn branch(&mut self, guard: &str, c: &Expr, (a, b): (&[Stmt], &[Stmt]), at: Span) {
        let taken = self.flag("taken");
        let condition = self.test(c, at);
        let yes = format!("({guard}) .and. ({condition})");
        self.conditions.begin(&yes);
        self.conditions.act(assign(&taken, "2"));
        let first = format!("{taken} .gt. 1.5");
        self.conditions.begin(&format!("({guard}) .and. ({taken} .lt. 0.5)"));
        self.conditions.act(assign(&taken, "1"));
        for (guard, body) in [(first, a), (format!("({taken} .gt. 0.5) .and. ({taken} .lt. 1.5)"), b)] {
            if !body.is_empty() {
                self.conditions.begin(&guard);
                self.body(&guard, body, at);
            }
        }
        self.conditions.begin(guard);
    }

    /// Lets a state be held, or an event be muted, for a time. It runs down by itself; a longer time that runs already is not seen.
    fn counted(&mut self, flag: String, time: &Expr, at: Span) {
        if crate::math::eval(time, &|_| None, None) == Some(f64::INFINITY) {
            self.conditions.act(assign(&flag, "1"));
            self.formulas.refuse(at, "for ever", "its times are finite");
            return;
        }
        let value = self.value(time, Dim::TIME, at);
        self.conditions.act(assign(&flag, "1"));
        self.conditions.act(assign(&format!("{flag}_left"), &value));
    }

    /// The end of every hold and mute whose time is over. It comes after what is decided, so that no time is no step.
    pub fn ends(&mut self) {
        let flags: Vec<String> = self.held.values().chain(self.muted.values()).cloned().collect();
        for flag in flags {
            let soon = self.soon.clone();
            self.conditions.begin(&format!("({flag} .gt. 0.5) .and. ({flag}_left .lt. {soon})"));
            self.conditions.act(assign(&flag, "0"));
        }
    }

    /// What is there for one step only, and what is kept for the next one.
    pub fn afterwards(&mut self) {
        for (_, now, was) in std::mem::take(&mut self.edges) {
            self.conditions.begin(&format!("{now} .geq. 0"));
            self.conditions.act(assign(&was, &now));
        }
        for flag in std::mem::take(&mut self.conditions.passing) {
            self.conditions.begin(&format!("{flag} .gt. 0.5"));
            self.conditions.act(assign(&flag, "0"));
        }
    }

    /// Whether a condition holds in the beginning, as a number.
    fn initially(&mut self, when: &Expr, at: Span) -> String {
        let values = |v: VarId| self.first.get(&v).copied();
        match crate::math::eval_through(when, &|v| self.n.definition(v), &values, (None, Some(0.0))) {
            Some(x) => format!("{x}"),
            None => {
                self.formulas.refuse(at, "whether this holds in the beginning", "it depends on more than parameters")
            }
        }
    }
}
