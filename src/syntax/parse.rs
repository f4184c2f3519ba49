//! Runs the grammar; every mistake becomes one diagnostic, and what can be understood is kept.

use super::balance::balance;
use super::grammar::{Grammar, Rule};
use super::scan::{Piece, Pieces, blank, is_closed, is_space};
use super::{ast, errors, lower::Lowerer, recover};
use crate::diag::{Code, Diagnostics};
use crate::source::{FileId, Span};
use pest::Parser;

/// Longest file accepted, in bytes.
const MAX_TEXT: usize = 16 << 20;

/// Parses a file; every mistake is reported once, and what can be understood is kept.
pub fn parse(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> ast::File {
    let mut out = ast::File::default();
    let mut mended;
    let read = match errors::out_of_step(file, text, MAX_TEXT) {
        None => text,
        Some(d) if d.code == Code::E0107 => {
            // Too deep to be followed, wherever it stands.
            diagnostics.push(d);
            return out;
        }
        Some(_) => {
            mended = text.as_bytes().to_vec();
            step_in(file, text, &mut mended, &mut out.lost, diagnostics);
            match std::str::from_utf8(&mended) {
                Ok(text) if errors::out_of_step(file, text, MAX_TEXT).is_none() => text,
                _ => return out,
            }
        }
    };
    let pairs = match Grammar::parse(Rule::file, read) {
        Ok(pairs) => pairs,
        Err(error) => {
            diagnostics.push(errors::unexpected(file, 0, text, &error));
            return out;
        }
    };
    let lowerer = Lowerer::new(file, 0);
    // Only a text in which something is wrong is copied.
    let mut copy: Option<Vec<u8>> = None;
    let mut recovered = |place, lost: &mut ast::Lost, diagnostics: &mut Diagnostics| {
        recover::item(file, text, copy.get_or_insert_with(|| read.as_bytes().to_vec()), place, lost, diagnostics)
    };
    let mut pairs = pairs.flat_map(|p| p.into_inner()).peekable();
    while let Some(pair) = pairs.next() {
        let (start, end) = (pair.as_span().start(), pair.as_span().end());
        match pair.as_rule() {
            // The text above a broken declaration is not a mistake of its own.
            Rule::junk if only_doc(pair.as_str()) && pairs.peek().is_some_and(|n| n.as_rule() == Rule::junk) => {}
            Rule::item => match lowerer.item(pair) {
                Ok(item) => out.items.push(item),
                Err(_) => out.items.extend(recovered((start, end), &mut out.lost, diagnostics)),
            },
            Rule::junk => {
                let from = end - pair.as_str().trim_start_matches(is_space).len();
                let place = (from, (start + pair.as_str().trim_end_matches(is_space).len()).max(from));
                out.items.extend(recovered(place, &mut out.lost, diagnostics));
            }
            _ => {}
        }
    }
    out
}

/// Puts brackets and quotes right that are out of step, declaration by declaration.
fn step_in(file: FileId, text: &str, bytes: &mut [u8], lost: &mut ast::Lost, diagnostics: &mut Diagnostics) {
    for (at, to, piece) in Pieces::new(text.as_bytes(), 0, text.len()) {
        if piece == Piece::Text && !is_closed(&text.as_bytes()[at..to]) {
            diagnostics.push(errors::open_string(Span { file, start: at as u32, end: at as u32 + 1 }));
            lost.take(file, text, at, to);
            blank(bytes, at, to);
            let line =
                (text[..at].rfind('\n').map_or(0, |n| n + 1), text[at..].find('\n').map_or(text.len(), |n| at + n));
            let (from, to) = recover::statement(bytes, (0, text.len()), at).unwrap_or(line);
            lost.take(file, text, from, to);
            blank(bytes, from, to);
        }
    }
    let mut begins: Vec<usize> = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > 0 && errors::begins_declaration(line) {
            begins.push(at);
        }
        at += line.len();
    }
    begins.push(text.len());
    begins.windows(2).for_each(|w| balance(file, bytes, (w[0], w[1]), lost, diagnostics));
}

fn only_doc(text: &str) -> bool {
    text.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with("##"))
}

/// Parses one expression, as given on the command line.
pub fn parse_expr(file: FileId, text: &str, diagnostics: &mut Diagnostics) -> Option<ast::Expr> {
    if let Some(d) = errors::out_of_step(file, text, 1 << 16) {
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
