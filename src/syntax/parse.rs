//! Runs the grammar; a broken item becomes one diagnostic and the rest of the file is kept.

use super::{ast, errors, lower::Lowerer};
use crate::diag::Diagnostics;
use crate::source::{FileId, Span};
use pest::Parser;
use pest_derive::Parser;

/// The pest parser of `grammar/neuro.pest`.
#[derive(Parser)]
#[grammar = "grammar/neuro.pest"]
pub(super) struct Grammar;

/// Longest file accepted, in bytes.
const MAX_TEXT: usize = 16 << 20;

/// Parses a file; every broken declaration is reported once and left out.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> ast::File {
    if let Some(d) = errors::too_deep_or_unbalanced(file, text, MAX_TEXT) {
        // With brackets or quotes out of step, everything else that could be said would be wrong.
        diagnostics.push(d);
        return ast::File::default();
    }
    let pairs = match Grammar::parse(Rule::file, text) {
        Ok(pairs) => pairs,
        Err(error) => {
            diagnostics.push(errors::unexpected(file, 0, text, &error));
            return ast::File::default();
        }
    };
    let lowerer = Lowerer::new(file, 0);
    let mut out = ast::File::default();
    let mut pairs = pairs.flat_map(|p| p.into_inner()).peekable();
    while let Some(pair) = pairs.next() {
        match pair.as_rule() {
            // The text above a broken declaration is not a mistake of its own.
            Rule::junk if only_doc(pair.as_str()) && pairs.peek().is_some_and(|n| n.as_rule() == Rule::junk) => {}
            Rule::item => match lowerer.item(pair) {
                Ok(item) => out.items.push(item),
                Err(d) => diagnostics.push(*d),
            },
            Rule::junk => diagnostics.push(explain_junk(file, text, pair.as_span().start(), pair.as_str())),
            _ => {}
        }
    }
    out
}

fn only_doc(text: &str) -> bool {
    text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with("##"))
}

/// Parses one expression, as given on the command line.
pub fn parse_expr(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Option<ast::Expr> {
    if let Some(d) = errors::too_deep_or_unbalanced(file, text, 1 << 16) {
        diagnostics.push(d);
        return None;
    }
    match Grammar::parse(Rule::only_expr, text) {
        Ok(mut pairs) => {
            let inner = pairs.next()?.into_inner().next()?;
            match Lowerer::new(file, 0).expr(inner) {
                Ok(e) => Some(e),
                Err(d) => {
                    diagnostics.push(*d);
                    None
                }
            }
        }
        Err(error) => {
            diagnostics.push(errors::unexpected(file, 0, text, &error));
            None
        }
    }
}

/// Parses junk again as an item, which gives the exact place and expectation.
fn explain_junk(file: FileId, text: &str, start: usize, junk: &str) -> crate::diag::Diagnostic {
    let skipped = junk.len() - junk.trim_start().len();
    let (start, junk) = (start + skipped, junk.trim());
    match Grammar::parse(Rule::only_item, junk) {
        Err(error) => errors::unexpected(file, start, text, &error),
        Ok(_) => errors::unexpected_text(Span { file, start: start as u32, end: (start + junk.len()) as u32 }, junk),
    }
}
