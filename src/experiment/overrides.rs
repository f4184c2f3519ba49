//! `--set path=value`: checked before anything runs, applied where the value would be used.

use super::assign::Variable;
use super::run::Run;
use super::settings::Override;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, Scope};
use crate::hir::Op;
use crate::hir::experiment::model::Target;
use crate::hir::experiment::overrides;
use crate::hir::typed::{Expr, ExprKind};
use crate::plan::Column;
use crate::source::Span;
use crate::units::{canonical_unit, dimension_word, format_number};
use crate::value::{Quantity, Value};

impl Run<'_> {
    /// Every override must name something before anything runs.
    pub(super) fn check_overrides(&self) -> Attempt<()> {
        let e = self.experiment;
        let mut known: Vec<&str> = vec!["dt", "seed"];
        known.extend(e.params.iter().map(|p| p.name.as_str()));
        let mut nets = e.made();
        nets.dedup();
        for o in &self.runner.settings.overrides {
            let first = o.path.split('.').next().unwrap_or_default();
            let ok = if o.path.contains('.') { nets.contains(&first) } else { known.contains(&o.path.as_str()) };
            if !ok {
                let candidates = known.iter().chain(&nets).copied();
                let help = crate::diag::nearest(first, candidates.clone()).map(|n| format!("did you mean `{n}`?"));
                let list: Vec<String> = candidates.map(|n| format!("`{n}`")).collect();
                let message = format!("`--set {}` names nothing in experiment `{}`", o.path, e.name);
                return Err(Box::new(
                    Diagnostic::new(Code::E0804, message).note(format!("it has {}", list.join(", "))).maybe_help(help),
                ));
            }
        }
        Ok(())
    }

    /// Evaluates an override and checks its unit against the value it replaces.
    pub(super) fn overridden(&self, path: &str, default: Option<&Value>) -> Attempt<Option<Value>> {
        let Some(o) = self.runner.settings.overrides.iter().rev().find(|o| o.path == path) else { return Ok(None) };
        // A text is taken as it is, with or without quotes.
        if let Some(Value::Text(_)) = default {
            let text = o.value.trim();
            let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
            return Ok(Some(Value::Text(bare.into())));
        }
        let value = self.override_value(o)?;
        if let (Value::Quantity(q), Some(Value::Quantity(d))) = (&value, default)
            && q.dim != d.dim
        {
            let unit = d.unit.clone().unwrap_or_else(|| canonical_unit(d.dim));
            let message = format!("`--set {path}={}` has the wrong unit", o.value);
            let note = format!("`{path}` is {}, this is {}", dimension_word(d.dim), dimension_word(q.dim));
            let d = Diagnostic::new(Code::E0805, message).note(note);
            // The number that was given, in the unit that was forgotten.
            let given: String = o.value.chars().take_while(|c| c.is_ascii_digit() || "+-.e".contains(*c)).collect();
            let number = given.trim_end_matches('e').parse().unwrap_or(20.0);
            let unit = if unit.name == "1" { "" } else { &unit.name };
            return Err(Box::new(d.help(format!("write `--set {path}={}{unit}`", format_number(number)))));
        }
        Ok(Some(value))
    }

    /// The number that an option is set to.
    pub(super) fn overridden_number(&self, path: &str, default: &Value) -> Attempt<Option<f64>> {
        match self.overridden(path, Some(default))? {
            None => Ok(None),
            Some(Value::Quantity(q)) if q.is_single() => Ok(Some(q.data[0])),
            Some(other) => Err(self.bad_override(path, &format!("one number is needed, found {}", other.kind()))),
        }
    }

    /// Reports an override whose value cannot be.
    pub(super) fn bad_override(&self, path: &str, why: &str) -> Box<Diagnostic> {
        let given = self.runner.settings.overrides.iter().rev().find(|o| o.path == path);
        let text = given.map_or("", |o| o.value.as_str());
        let help = match path {
            "dt" => Some("write `--set dt=0.1ms`".to_string()),
            "seed" => Some("write `--set seed=1`".to_string()),
            _ => None,
        };
        let message = format!("`--set {path}={text}` is not a value: {why}");
        Box::new(Diagnostic::new(Code::E0805, message).maybe_help(help))
    }

    fn override_value(&self, o: &Override) -> Attempt<Value> {
        let bad = |why: String| {
            Box::new(Diagnostic::new(Code::E0805, format!("`--set {}={}` is not a value: {why}", o.path, o.value)))
        };
        let e = overrides::value(self.runner.module, &o.value).map_err(bad)?;
        // Names of the experiment have no value yet, so that none can be used.
        let surface = self.surface();
        Scope::new(&surface, &[]).eval(&e).map_err(|d| bad(d.message.clone()))
    }

    /// Warns of an assignment to what `--set` has given a value from which nothing has followed yet.
    pub(super) fn warn_of_replaced_override(&mut self, target: &Target, op: Option<Op>, span: Span) -> Attempt<()> {
        let Target::Cells { of, id, segment } = target else { return Ok(()) };
        let given = self.runner.settings.overrides.iter().filter(|o| o.path.contains('.'));
        let given: Vec<&Override> = given.collect();
        // In a later turn of a loop something has followed.
        if given.is_empty() || op.is_some() || !self.assigned.insert(span) {
            return Ok(());
        }
        let cells = self.cells(of)?;
        if self.live[cells.network].simulation.as_ref().is_some_and(|s| s.time() > 0.0) {
            return Ok(());
        }
        for o in given {
            let found = overrides::target(self.runner.module, self.experiment, &o.path);
            let Ok(Expr { kind: ExprKind::Variable { of, id: same, segment: at }, .. }) = found else { continue };
            let Ok(theirs) = self.cells(&of) else { continue };
            let apart = |(a, b): (&Expr, &Expr)| !a.is_spelled_like(b);
            let elsewhere = segment.as_ref().zip(at.as_deref()).is_some_and(apart);
            if same == *id && theirs.network == cells.network && theirs.cells.overlap(&cells.cells) && !elsewhere {
                let message =
                    format!("`--set {}={}` has no effect: the experiment assigns another value", o.path, o.value);
                let d = Diagnostic::at(Code::W0205, span, message, "assigned before anything followed from it");
                let help = "let a parameter of the experiment be assigned, `experiment e(I = 1 pA)`, and set that: \
                            `--set I=2pA`";
                self.out.warnings.push(d.help(help));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sets a variable of a network that has been built.
    pub(super) fn set_override(&mut self, o: &Override) -> Attempt<()> {
        let unknown = |why: String| {
            Box::new(Diagnostic::new(Code::E0804, format!("`--set {}` names no variable: {why}", o.path)))
        };
        let target = overrides::target(self.runner.module, self.experiment, &o.path).map_err(unknown)?;
        let ExprKind::Variable { of, id, segment } = &target.kind else { return Ok(()) };
        let segment = segment.as_ref().map(|s| self.size(s)).transpose()?;
        let variable = Variable { of: self.cells(of)?, id: *id, segment };
        let p = &variable.of;
        let var = self.live[p.network].network().populations[p.cells.population].model.vars[*id].clone();
        let default = Value::Quantity(Quantity::number(0.0, var.dim, var.unit.clone()));
        let Some(Value::Quantity(q)) = self.overridden(&o.path, Some(&default))? else {
            return Err(self.bad_override(&o.path, "a number is needed"));
        };
        let value = match q.single() {
            Some(v) => Column::Const(v),
            None if q.data.len() == p.cells.len() => Column::Array(q.data),
            None => {
                let why = format!("{} values for {} cells", q.data.len(), p.cells.len());
                return Err(self.bad_override(&o.path, &why));
            }
        };
        self.store(variable, &value, Span::default())
    }
}
