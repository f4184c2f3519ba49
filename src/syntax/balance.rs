//! Brackets that are out of step: found by indentation and by the words that begin declarations, and put right, so that the rest of the
//! file can be read.

use super::ast::Lost;
use super::scan::{Piece, Pieces, blank, closing};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::{FileId, Span};

/// A bracket that is open.
#[derive(Clone, Copy)]
struct Open {
    at: usize,
    bracket: u8,
    /// How far the line that it stands on is indented.
    indent: usize,
}

/// Puts the brackets of one declaration right, and reports those that were missing or too many.
pub(super) fn balance(
    file: FileId,
    bytes: &mut [u8],
    (from, to): (usize, usize),
    lost: &mut Lost,
    diagnostics: &mut Diagnostics,
) {
    // Each turn mends one bracket; their number is bounded by that of the brackets.
    for _ in from..=to {
        match first_fault(bytes, from, to) {
            Some(fault) => {
                diagnostics.push(fault.describe(file));
                // What is within was read with a guess; braces enclose too much to say nothing of it.
                if let Fault::Unclosed(Open { at, bracket: b'(' | b'[', .. }, before) = fault {
                    lost.places.push(Span { file, start: at as u32, end: before as u32 });
                }
                if !fault.mend(bytes, from, to) {
                    return;
                }
            }
            None => return,
        }
    }
}

/// What is wrong with a bracket.
enum Fault {
    /// It is never closed; it should have been before the second place.
    Unclosed(Open, usize),
    /// It closes another one than is open.
    Crossed(usize, u8, Open),
    /// It closes nothing; or it is the one before it that closes too much, and this one shows it.
    Surplus(usize, u8, Option<usize>),
}

/// Finds the first bracket of a stretch of text that is out of step.
fn first_fault(bytes: &[u8], from: usize, to: usize) -> Option<Fault> {
    let mut stack: Vec<Open> = Vec::new();
    // Where the last bracket was closed although the declaration goes on, on a line that does not begin with it.
    let mut emptied = None;
    let (mut indent, mut first_of_line) = (indent_at(bytes, from, to), true);
    for (at, _, piece) in Pieces::new(bytes, from, to) {
        match piece {
            Piece::Line => {
                (indent, first_of_line) = (indent_at(bytes, at + 1, to), true);
                continue;
            }
            Piece::Open(bracket) => stack.push(Open { at, bracket, indent }),
            Piece::Close(b'}') => {
                // A brace at the beginning of a line closes what begins at its indentation.
                if let (true, Some(top)) = (first_of_line, stack.last())
                    && top.bracket == b'{'
                    && top.indent > indent
                    && stack.iter().any(|o| o.bracket == b'{' && o.indent == indent)
                {
                    return Some(Fault::Unclosed(*top, at));
                }
                match stack.pop() {
                    None => return Some(Fault::Surplus(emptied.unwrap_or(at), b'}', emptied.map(|_| at))),
                    Some(open) if open.bracket != b'{' => {
                        return Some(Fault::Unclosed(open, (end_of_line(bytes, open.at, at) + 1).min(at)));
                    }
                    Some(_) if stack.is_empty() && !first_of_line => emptied = emptied.or(Some(at)),
                    Some(_) => {}
                }
            }
            Piece::Close(b) => match stack.last() {
                Some(open) if closing(open.bracket) == b => drop(stack.pop()),
                Some(open) if open.bracket != b'{' => return Some(Fault::Crossed(at, b, *open)),
                _ => return Some(Fault::Surplus(at, b, None)),
            },
            // A statement that is not further in than the line of an open block is outside of it.
            Piece::Word if first_of_line => {
                let inner = stack.last().filter(|top| top.bracket == b'{' && top.indent >= indent && stack.len() > 1);
                if let Some(top) = inner {
                    return Some(Fault::Unclosed(*top, at));
                }
            }
            _ => {}
        }
        first_of_line = false;
    }
    stack.last().map(|top| Fault::Unclosed(*top, to))
}

fn indent_at(bytes: &[u8], from: usize, to: usize) -> usize {
    bytes[from.min(to)..to].iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
}

fn end_of_line(bytes: &[u8], from: usize, to: usize) -> usize {
    (from..to).find(|i| bytes[*i] == b'\n').unwrap_or(to)
}

impl Fault {
    fn describe(&self, file: FileId) -> Diagnostic {
        let span = |at: usize| Span { file, start: at as u32, end: at as u32 + 1 };
        match self {
            Fault::Unclosed(open, _) => {
                let message = format!("`{}` is never closed", open.bracket as char);
                Diagnostic::at(Code::E0103, span(open.at), message, "opened here")
            }
            Fault::Crossed(at, b, open) => {
                let message = format!("`{}` does not close `{}`", *b as char, open.bracket as char);
                Diagnostic::at(Code::E0103, span(*at), message, "does not match").label(span(open.at), "opened here")
            }
            Fault::Surplus(at, b, None) => Diagnostic::at(
                Code::E0103,
                span(*at),
                format!("`{}` closes nothing", *b as char),
                "no bracket is open here",
            ),
            Fault::Surplus(at, b, Some(last)) => {
                let message = format!("one `{}` too many", *b as char);
                let d = Diagnostic::at(Code::E0103, span(*at), message, "closes the whole declaration");
                d.label(span(*last), "so that this closes nothing")
            }
        }
    }

    /// Puts it right; says whether there was room for that.
    fn mend(&self, bytes: &mut [u8], from: usize, to: usize) -> bool {
        match self {
            Fault::Unclosed(open, before) => match room(bytes, open.at, *before) {
                Some(at) => {
                    bytes[at] = closing(open.bracket);
                    true
                }
                None => false,
            },
            Fault::Crossed(at, _, open) => {
                bytes[*at] = closing(open.bracket);
                true
            }
            Fault::Surplus(at, ..) => {
                blank(bytes, (*at).max(from), (at + 1).min(to));
                true
            }
        }
    }
}

/// A space or line end that is not within a comment or a string: the last one before a place, behind another.
fn room(bytes: &[u8], after: usize, before: usize) -> Option<usize> {
    let line = (0..=after).rev().find(|i| *i == 0 || bytes[*i - 1] == b'\n')?;
    let mut free: Vec<bool> = vec![true; before - line];
    let mut i = line;
    while i < before {
        let end = match bytes[i] {
            b'#' => end_of_line(bytes, i, before) + 1,
            b'"' => (i + 1..before).find(|k| matches!(bytes[*k], b'"' | b'\n')).map_or(before, |k| k + 1),
            _ => {
                i += 1;
                continue;
            }
        };
        // The end of a commented line is part of the comment for whoever writes there.
        (i..end.min(before)).for_each(|k| free[k - line] = false);
        i = end;
    }
    let last = (after + 1..before).rev().find(|i| bytes[*i].is_ascii_whitespace() && free[*i - line]);
    // At the end of what is before rather than at the beginning of what follows.
    let first = last?;
    (after + 1..=first).rev().take_while(|i| bytes[*i].is_ascii_whitespace() && free[*i - line]).last()
}
