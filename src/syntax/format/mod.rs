//! Lays out `.neuro` text from its syntax tree: spaces, indentation, line breaks, columns.
//!
//! Where a line breaks between statements or within an expression is the author's choice, as are blank lines (one at most); what is too wide is
//! broken, the braces of a block stand at the ends of lines if there are several within, and statements of lines that are built alike begin in the
//! same columns, as do comments after them. Laying out twice gives the same text; the meaning never changes.

mod lines;
mod tokens;

use super::grammar::{Grammar, Rule};
use crate::diag::Diagnostics;
use crate::source::FileId;
use pest::Parser;
use pest::iterators::Pair;

/// Returns the text in canonical layout, or what is wrong with it.
pub fn format(file: FileId, text: &str) -> Result<String, Diagnostics> {
    let mut diagnostics = Diagnostics::default();
    super::parse(file, text, &mut diagnostics);
    match whole(text) {
        Some(tree) if !diagnostics.has_errors() => {
            let laid_out = lines::lay_out(tokens::tokens(tree));
            if !same(text, &laid_out) {
                crate::ice!("the layout would change the meaning")
            }
            Ok(laid_out)
        }
        _ => Err(diagnostics),
    }
}

fn whole(text: &str) -> Option<Pair<'_, Rule>> {
    Grammar::parse(Rule::file, text).ok()?.next()
}

/// Returns whether two texts have one syntax tree.
fn same(a: &str, b: &str) -> bool {
    fn leaves<'a>(pair: Pair<'a, Rule>, out: &mut Vec<(Rule, String)>) {
        let (rule, text) = (pair.as_rule(), pair.as_str());
        let mut inner = pair.into_inner().peekable();
        let leaf = inner.peek().is_none();
        out.push((rule, if leaf { text.split_whitespace().collect() } else { String::new() }));
        inner.for_each(|p| leaves(p, out));
    }
    let tree = |text| {
        let mut out = Vec::new();
        whole(text).into_iter().for_each(|p| leaves(p, &mut out));
        out
    };
    tree(a) == tree(b)
}
