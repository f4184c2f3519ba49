//! `--set path=value`: checked before anything runs, applied where the value would be used.

use super::Attempt;
use super::run::Run;
use super::settings::Override;
use super::value::{Quantity, Value};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::plan::Column;
use crate::source::Span;
use crate::syntax::ast::{self, Command, CommandKind};

impl Run<'_> {
    /// Every override must name something before anything runs.
    pub(super) fn check_overrides(&self, e: &ast::Experiment) -> Attempt<()> {
        let mut known: Vec<String> = vec!["dt".into(), "seed".into()];
        known.extend(e.formals.iter().map(|f| f.name.text.clone()));
        fn networks(body: &[Command], out: &mut Vec<String>) {
            for c in body {
                if let CommandKind::Network { name, .. } = &c.kind {
                    out.push(name.text.clone());
                }
                c.kind.blocks().into_iter().for_each(|body| networks(body, out));
            }
        }
        let mut nets = Vec::new();
        networks(&e.body, &mut nets);
        for o in &self.runner.settings.overrides {
            let first = o.path.split('.').next().unwrap_or_default();
            let ok = if o.path.contains('.') { nets.iter().any(|n| n == first) } else { known.contains(&o.path) };
            if !ok {
                let candidates = known.iter().chain(&nets).map(String::as_str);
                let help = crate::diag::nearest(first, candidates).map(|n| format!("did you mean `{n}`?"));
                return Err(Box::new(
                    Diagnostic::new(
                        Code::E0804,
                        format!("`--set {}` names nothing in experiment `{}`", o.path, e.name.text),
                    )
                    .note(format!(
                        "it has {}",
                        known.iter().chain(&nets).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ")
                    ))
                    .maybe_help(help),
                ));
            }
        }
        Ok(())
    }

    /// Evaluates an override and checks its unit against the value it replaces.
    pub(super) fn overridden(&self, path: &str, default: Option<&Value>) -> Attempt<Option<Value>> {
        let Some(o) = self.runner.settings.overrides.iter().rev().find(|o| o.path == path) else { return Ok(None) };
        let value = self.override_value(o)?;
        if let (Value::Quantity(q), Some(Value::Quantity(d))) = (&value, default)
            && q.dim != d.dim
        {
            let unit = d.unit.clone().unwrap_or_else(|| crate::units::canonical_unit(d.dim));
            return Err(Box::new(
                Diagnostic::new(Code::E0805, format!("`--set {path}={}` has the wrong unit", o.value))
                    .note(format!(
                        "`{path}` is {}, this is {}",
                        crate::units::dimension_word(d.dim),
                        crate::units::dimension_word(q.dim)
                    ))
                    .help(format!("write `--set {path}=20{}`", unit.name)),
            ));
        }
        Ok(Some(value))
    }

    fn override_value(&self, o: &Override) -> Attempt<Value> {
        let mut d = Diagnostics::default();
        let bad = |why: String| {
            Box::new(Diagnostic::new(Code::E0805, format!("`--set {}={}` is not a value: {why}", o.path, o.value)))
        };
        let e = crate::syntax::parse_expr(Default::default(), &o.value, &mut d);
        let Some(e) = e else { return Err(bad(d.iter().next().map_or(String::new(), |d| d.message.clone()))) };
        self.scope().eval(&e).map_err(|d| bad(d.message.clone()))
    }

    /// Sets a variable of a network that has been built.
    pub(super) fn set_override(&mut self, o: &Override) -> Attempt<()> {
        let mut d = Diagnostics::default();
        let unknown = || Box::new(Diagnostic::new(Code::E0804, format!("`--set {}` names no variable", o.path)));
        let target = crate::syntax::parse_expr(Default::default(), &o.path, &mut d).ok_or_else(unknown)?;
        let selected = self.scope().select_variable(&target).map_err(|d| {
            Box::new(Diagnostic::new(Code::E0804, format!("`--set {}` names no variable: {}", o.path, d.message)))
        })?;
        let (p, id) = (selected.cells, selected.id);
        let model = self.live[p.network].network().populations[p.view.population].model.clone();
        let var = &model.vars[id];
        let default = Value::Quantity(Quantity::number(0.0, var.dim, var.unit.clone()));
        if let Some(Value::Quantity(q)) = self.overridden(&o.path, Some(&default))? {
            let value = if q.scalar { Column::Const(q.first()) } else { Column::Array(q.data) };
            self.store(&selected, &value, Span::default())?;
        }
        Ok(())
    }
}
