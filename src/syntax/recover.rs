//! Recovery from mistakes: each is reported, taken out of the text or written as it was meant, and the declaration is read again, until the
//! rest of it is known.

use super::around::Around;
use super::ast::{Item, Lost};
use super::grammar::{Grammar, Rule};
use super::lower::Lowerer;
use super::scan::{Piece, Pieces, blank, is_space};
use super::{errors, idioms};
use crate::diag::Diagnostics;
use crate::source::{FileId, Span};
use pest::Parser;
use pest::error::InputLocation;

/// Mistakes of a declaration after which it is given up.
const MOST_MISTAKES: usize = 64;

/// Reads a declaration in which something is wrong; the text is changed as it is mended.
pub(super) fn item(
    file: FileId,
    text: &str,
    bytes: &mut [u8],
    (start, end): (usize, usize),
    lost: &mut Lost,
    diagnostics: &mut Diagnostics,
) -> Option<Item> {
    for _ in 0..MOST_MISTAKES {
        // What is changed is ASCII, or whole characters.
        let mended = std::str::from_utf8(&bytes[start..end]).ok()?;
        if mended.trim_matches(is_space).is_empty() {
            return None;
        }
        let at = match Grammar::parse(Rule::only_item, mended) {
            Ok(mut pairs) => {
                let inner = pairs.next()?.into_inner().next()?;
                match Lowerer::new(file, start as u32).item(inner) {
                    Ok(item) => return Some(item),
                    Err(d) => {
                        let at = d.span().map(|s| s.start as usize);
                        diagnostics.push(*d);
                        at.filter(|at| (start..end).contains(at))
                    }
                }
            }
            Err(error) => {
                let (InputLocation::Pos(p) | InputLocation::Span((p, _))) = error.location;
                if let Some(at) = idioms::unfinished(bytes, (start, end), start + p) {
                    let span = Span { file, start: at as u32, end: at as u32 + 1 };
                    diagnostics.push(errors::unfinished(text, span, bytes[at] as char));
                    let Some((from, to)) = statement(bytes, (start, end), at) else { break };
                    lost.take(file, text, from, to);
                    blank(bytes, from, to);
                    continue;
                }
                let at = start + p;
                if errors::is_left_open(&error)
                    && let Some((from, to, idiom)) = Around::new(bytes, (start, end), at).left_open()
                {
                    let span = Span { file, start: from as u32, end: to as u32 };
                    let help = idiom.as_ref().map(|i| i.help.clone());
                    diagnostics.push(errors::left_open(text, span, &error).maybe_help(help));
                    if let Some((place, with)) = idiom.and_then(|i| i.mend) {
                        bytes[place..place + with.len()].copy_from_slice(with.as_bytes());
                        continue;
                    }
                    let Some((from, to)) = statement(bytes, (start, end), from) else { break };
                    lost.take(file, text, from, to);
                    blank(bytes, from, to);
                    continue;
                }
                let d = errors::unexpected(file, start, text, &error);
                match idioms::of(bytes, (start, end), at) {
                    Some(idiom) => {
                        lost.words.extend(idiom.declares.map(str::to_string));
                        diagnostics.push(d.help(idiom.help));
                        if let Some((place, with)) = idiom.mend {
                            bytes[place..place + with.len()].copy_from_slice(with.as_bytes());
                            continue;
                        }
                    }
                    None => diagnostics.push(d),
                }
                Some(at)
            }
        };
        match at.and_then(|at| statement(bytes, (start, end), at)) {
            Some((from, to)) => {
                lost.take(file, text, from, to);
                blank(bytes, from, to);
            }
            None => break,
        }
    }
    lost.take(file, text, start, end);
    blank(bytes, start, end);
    None
}

/// The statement that a place lies in, within the innermost block around it; none if there is no block, or nothing in it.
pub(super) fn statement(bytes: &[u8], (start, end): (usize, usize), at: usize) -> Option<(usize, usize)> {
    // The blocks around the place, and how deep the brackets within the innermost are.
    let mut open: Vec<(usize, u8)> = Vec::new();
    let mut begins: Vec<usize> = Vec::new();
    for (from, to, piece) in Pieces::new(bytes, start, end) {
        if from >= at {
            break;
        }
        match piece {
            Piece::Open(b) => {
                open.push((from, b));
                begins.push(to);
            }
            Piece::Close(_) => {
                open.pop();
                begins.pop();
                if let (Some((_, b'{')), Some(begin), b'}') = (open.last(), begins.last_mut(), bytes[from]) {
                    *begin = to;
                }
            }
            Piece::Line => {
                if let (Some((_, b'{')), Some(begin)) = (open.last(), begins.last_mut()) {
                    *begin = to;
                }
            }
            _ => {}
        }
    }
    let block = open.iter().rposition(|(_, b)| *b == b'{')?;
    let from = begins[block];
    let mut depth = open.len() - block - 1;
    let mut to = end;
    let mut pieces = Pieces::new(bytes, at.max(from), end).peekable();
    while let Some((place, after, piece)) = pieces.next() {
        match piece {
            Piece::Open(_) => depth += 1,
            Piece::Close(_) if depth == 0 => {
                to = place;
                break;
            }
            Piece::Close(_) => depth -= 1,
            Piece::Line if depth == 0 => {
                // An operator goes on with the line before.
                let goes_on = matches!(pieces.peek(), Some((_, _, Piece::Other(b'+' | b'-' | b'*' | b'/' | b'^'))));
                if !goes_on {
                    to = after - 1;
                    break;
                }
            }
            _ => {}
        }
    }
    let said = bytes[from..to].iter().any(|b| !b.is_ascii_whitespace());
    said.then_some((from, to))
}

impl Lost {
    /// Remembers what is not read: its place, and the words in it.
    pub(super) fn take(&mut self, file: FileId, text: &str, from: usize, to: usize) {
        self.places.push(Span { file, start: from as u32, end: to as u32 });
        let words = Pieces::new(text.as_bytes(), from, to).filter(|(_, _, piece)| *piece == Piece::Word);
        self.words.extend(words.map(|(from, to, _)| text[from..to].to_string()));
    }
}
