//! Which argument belongs to which parameter: by position first, then by name.

use super::errors;
use super::infer::Infer;
use super::typed::Expr;
use crate::diag::{Code, Diagnostic};
use crate::source::Span;
use crate::syntax::ast;

/// Arguments of a row of the table.
pub struct Given {
    /// By parameter.
    pub values: Vec<Option<Expr>>,
    /// Those whose names the caller chose.
    pub fields: Vec<(String, Expr)>,
}

/// Parameters that are given by name alone: switches, whose position says nothing.
const BY_NAME: &[&str] = &["autapses", "linear"];

/// Finds the argument of each parameter (name, whether it may be left out); none after an error.
pub(super) fn bind<'a>(
    infer: &mut Infer,
    callee: &str,
    parameters: &[(&str, bool)],
    args: &[&'a ast::Arg],
    span: Span,
    help: Option<&str>,
) -> Option<Vec<Option<&'a ast::Expr>>> {
    let mut bound: Vec<Option<&'a ast::Expr>> = vec![None; parameters.len()];
    let mut named: Option<Span> = None;
    for (i, a) in args.iter().enumerate() {
        let at = match &a.name {
            Some(name) => {
                named = Some(name.span);
                match parameters.iter().position(|(n, _)| *n == name.text) {
                    Some(at) => at,
                    None => {
                        let known = parameters.iter().map(|(n, _)| *n);
                        infer.diagnostics.push(errors::unknown_parameter(callee, name, known));
                        return None;
                    }
                }
            }
            None => {
                if let Some(first) = named {
                    infer.diagnostics.push(
                        Diagnostic::at(Code::E0402, a.value.span, "which parameter is this for?", "has no name")
                            .label(first, "after one with a name")
                            .help("put arguments without a name first, or name them all"),
                    );
                    return None;
                }
                i
            }
        };
        let switch = a.name.is_none() && parameters.get(at).is_some_and(|(n, _)| BY_NAME.contains(n));
        let Some(slot) = bound.get_mut(at).filter(|_| !switch) else {
            let d = errors::wrong_arity(callee, &expected(parameters), args.len(), a.value.span);
            infer.diagnostics.push(match help {
                Some(help) => d.note(help.to_string()),
                None => d,
            });
            return None;
        };
        if let Some(first) = slot {
            let message = format!("`{}` is given twice", parameters[at].0);
            infer.diagnostics.push(
                Diagnostic::at(Code::E0202, a.span(), message, "given again")
                    .label(first.span, "first given here")
                    .help("remove one of them"),
            );
            return None;
        }
        *slot = Some(&a.value);
    }
    let missing = bound.iter().zip(parameters).find(|(b, (_, optional))| b.is_none() && !optional);
    if let Some((_, (name, _))) = missing {
        let d = errors::wrong_arity(callee, &expected(parameters), args.len(), span);
        let d = d.note(format!("`{name}` is missing"));
        infer.diagnostics.push(match help {
            Some(help) => d.note(help.to_string()),
            None => d,
        });
        return None;
    }
    Some(bound)
}

/// How many arguments there may be.
fn expected(parameters: &[(&str, bool)]) -> String {
    let (least, most) = (parameters.iter().filter(|(_, optional)| !optional).count(), parameters.len());
    if least == most { most.to_string() } else { format!("{least} to {most}") }
}
