//! pest pairs to AST: figures.

use super::ast::*;
use super::grammar::Rule;
use super::lower::{Lowered, Lowerer, P, Parts, unquote};
use crate::diag::{Code, Diagnostic};

impl Lowerer {
    /// `plot …`, after its keyword.
    pub(super) fn plot(&self, mut p: Parts) -> Lowered<CommandKind> {
        let title = p.take(Rule::string).map(|t| unquote(t.as_str()));
        let of = p.next()?;
        if of.as_rule() == Rule::panel {
            Ok(CommandKind::Plot { title, columns: None, panels: vec![self.panel(None, of)?] })
        } else {
            let mut p = self.parts(of);
            let columns = p.take(Rule::expr).map(|e| self.expr(e)).transpose()?;
            p.take(Rule::k_columns);
            let panels = p.all(Rule::panel_cmd).into_iter().map(|panel| {
                let mut p = self.parts(panel);
                let title = p.take(Rule::string).map(|t| unquote(t.as_str()));
                self.panel(title, p.next()?)
            });
            Ok(CommandKind::Plot { title, columns, panels: panels.collect::<Lowered<_>>()? })
        }
    }

    fn panel(&self, title: Option<String>, pair: P) -> Lowered<Panel> {
        let span = self.span(&pair);
        let mut p = self.parts(pair);
        let series = p.all(Rule::expr).into_iter().map(|e| self.expr(e)).collect::<Lowered<_>>()?;
        let against = p.take(Rule::against).map(|_| self.expr(p.next()?)).transpose()?;
        let (errors, ranges, words, labels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut out = Panel { title, series, against, mark: None, errors, ranges, words, labels, span };
        while let Ok(clause) = p.next() {
            let (rule, whole) = (clause.as_rule(), self.span(&clause));
            let mut p = self.parts(clause);
            match rule {
                Rule::plot_as => {
                    let name = self.name(&p.next()?);
                    let args = p.take(Rule::call_args).map(|args| self.args(args)).transpose()?.unwrap_or_default();
                    if out.mark.replace((name, args)).is_some() {
                        let message = "a panel is drawn as one thing";
                        return Err(Box::new(Diagnostic::at(Code::E0101, whole, message, "a second `as`")));
                    }
                }
                Rule::plot_labels => out.labels.extend(p.all(Rule::string).iter().map(|t| unquote(t.as_str()))),
                _ => {
                    let first = p.next()?;
                    match first.as_rule() {
                        Rule::with_error => {
                            for e in p.all(Rule::expr) {
                                out.errors.push(self.expr(e)?);
                            }
                        }
                        Rule::with_range => {
                            out.ranges.push((first.as_str().trim() == "x", self.expr(p.next()?)?));
                        }
                        _ => {
                            let all = std::iter::once(first).chain(p.all(Rule::with_word));
                            out.words.extend(all.map(|w| Name {
                                text: w.as_str().split_whitespace().collect::<Vec<_>>().join(" "),
                                span: self.span(&w),
                            }));
                        }
                    }
                }
            }
        }
        Ok(out)
    }
}
