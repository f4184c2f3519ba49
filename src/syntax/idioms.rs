//! Ways of other languages to say something: recognised where they stop the parser, with a line of help, and written as they were meant.

use super::around::{Around, COMMENT, Idiom, idiom, innermost};
use super::scan::{Piece, Pieces};
use crate::diag::nearest;

const TYPOGRAPHY: [(&str, &str); 15] = [
    ("\u{2212}", "-"),
    ("\u{2013}", "-"),
    ("\u{d7}", "*"),
    ("\u{b7}", "*"),
    ("\u{2264}", "<="),
    ("\u{2265}", ">="),
    ("\u{2260}", "!="),
    ("\u{201c}", "\""),
    ("\u{201d}", "\""),
    ("\u{2019}", "'"),
    ("\u{2032}", "'"),
    ("\u{b2}", "^2"),
    ("\u{b3}", "^3"),
    ("\u{3a9}", "Ohm"),
    ("\u{3bc}", "\u{b5}"),
];

/// Words with which lines begin here.
pub(super) const STATEMENTS: &[&str] = &[
    "param",
    "state",
    "event",
    "input",
    "weight",
    "modulator",
    "noise",
    "emit",
    "deliver",
    "scheme",
    "energy",
    "compartment",
    "channel",
    "gate",
    "current",
    "couple",
    "population",
    "network",
    "init",
    "projection",
    "drive",
    "view",
    "connect",
    "delay",
    "poisson",
    "bernoulli",
    "spikes",
    "seed",
    "precision",
    "data",
    "run",
    "step",
    "settle",
    "window",
    "repeat",
    "sweep",
    "signal",
    "plasticity",
    "reset",
    "save",
    "load",
    "record",
    "measure",
    "plot",
    "print",
    "expect",
    "world",
];

/// Recognises what stopped the parser at a place.
pub(super) fn of(bytes: &[u8], (start, end): (usize, usize), at: usize) -> Option<Idiom> {
    let here = |word: &str| bytes[at.min(end)..end].starts_with(word.as_bytes());
    let before = |word: &str| bytes[start..at.min(end)].trim_ascii_end().ends_with(word.as_bytes());
    let place_before = |word: &str| start + bytes[start..at.min(end)].trim_ascii_end().len() - word.len();
    if here(";") {
        return idiom("statements end with their line; of two on one line, spaces are between them", Some((at, " ")));
    }
    if here("&&") || here("&") {
        return idiom("write `and`", here("&&").then_some((at, "or")));
    }
    let line = bytes[start..at.min(end)].rsplit(|b| *b == b'\n').next().unwrap_or_default();
    if here("%") && !line.trim_ascii().is_empty() {
        return idiom("the remainder is `mod(i, 7)`", None);
    }
    if here("||") || here("|") {
        return idiom("write `or`", here("||").then_some((at, "or")));
    }
    if here("!") && !here("!=") {
        return idiom("write `not`", Some((at, " ")));
    }
    if before("**") && !here("*") {
        return idiom("a power is written `x^2`", Some((place_before("**"), "^ ")));
    }
    if here("//") || here("/*") || before("/") && (here("/") || here("*")) || before("//") {
        let from = if here("//") || here("/*") { at } else { place_before("/") - usize::from(before("//")) };
        let line = (from..end).find(|i| bytes[*i] == b'\n').unwrap_or(end);
        let closes = || bytes[from..end].windows(2).position(|w| w == b"*/").map(|k| from + k + 2);
        let to = if bytes[from..end].starts_with(b"/*") { closes().unwrap_or(line) } else { line };
        let spaces = bytes[from..to].iter().map(|b| if *b == b'\n' { '\n' } else { ' ' }).collect();
        return Some(Idiom { help: COMMENT.into(), mend: Some((from, spaces)), declares: None });
    }
    // Signs of typography.
    for (sign, meant) in TYPOGRAPHY {
        if here(sign) {
            let help = format!("this is a sign of typography; write `{meant}`");
            let with = (meant.len() <= sign.len()).then(|| format!("{meant}{}", " ".repeat(sign.len() - meant.len())));
            return Some(Idiom { help, mend: with.map(|with| (at, with)), declares: None });
        }
    }
    if let Some(c) = char_at(bytes, at, end).filter(|c| super::scan::is_invisible(*c)) {
        let help = format!("this character cannot be seen (U+{:04X}); write a space", c as u32);
        // A page from which it was copied has more of them.
        return Some(Idiom { help, mend: Some((at, seen(bytes, at, end))), declares: None });
    }
    if here("==") {
        return idiom("`==` compares; to give a value, write `=`", Some((at, "= ")));
    }
    if here("=") && before("=") {
        return idiom("`==` compares; to give a value, write `=`", Some((at, " ")));
    }
    let line = line_of(bytes, start, at.min(end));
    if let Some(name) = differential(&bytes[at.min(end) - line.len()..end]) {
        return idiom(&format!("a rate of change is written `{name}' = …`"), None);
    }
    let around = Around::new(bytes, (start, end), at);
    if let Some(found) = around.without_panel() {
        return Some(found);
    }
    if let Some(found) = around.elsewhere().or_else(|| around.sign()) {
        return Some(found);
    }
    if here("?") {
        return idiom("a choice is written `if c then a else b`", None);
    }
    if here(",") && innermost(bytes, start, at) == Some(b'{') {
        return idiom("clauses and statements are not separated by commas", Some((at, " ")));
    }
    if here(":") && (innermost(bytes, start, at).is_none() || next_line(bytes, at + 1, end)) {
        return idiom("a block stands in braces: `{ … }`", None);
    }
    if here("if") && line_of(bytes, start, at).trim_ascii_start().starts_with(b"emit") {
        return idiom("the condition of an event follows `when`: `emit spike when v > V_th`", None);
    }
    // `v : volt`
    let mut follows = Pieces::new(bytes, at.min(end), end).skip(1);
    let within = innermost(bytes, start, at.min(end)).is_some();
    if within && line.trim_ascii().is_empty() && follows.next().is_some_and(|p| p.2 == Piece::Other(b':')) {
        return idiom(
            "what changes in time is a state, `state v = -65 mV`; what does not is a parameter, `param tau = 20 ms`",
            None,
        );
    }
    // The first word of the line, if what follows it stopped the parser.
    let is_word =
        |w: &&str| !w.is_empty() && !STATEMENTS.contains(w) && w.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let first = std::str::from_utf8(line).ok().map(str::trim).filter(is_word);
    if let Some(near) = first.and_then(|w| nearest(w, STATEMENTS.iter().copied().filter(|s| *s != w))) {
        return idiom(&format!("did you mean `{near}`?"), None);
    }
    around.meant()
}

fn char_at(bytes: &[u8], at: usize, end: usize) -> Option<char> {
    bytes.get(at..end.min(at + 4))?.utf8_chunks().next()?.valid().chars().next()
}

/// The text from a place on with spaces for characters that cannot be seen, but in comments and strings.
fn seen(bytes: &[u8], at: usize, end: usize) -> String {
    let mut text = bytes[at..end].to_vec();
    for (from, _, _) in Pieces::new(bytes, at, end).filter(|p| matches!(p.2, Piece::Other(_))) {
        if let Some(c) = char_at(bytes, from, end).filter(|c| super::scan::is_invisible(*c)) {
            text[from - at..][..c.len_utf8()].fill(b' ');
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// Finds the sign at the end of the line before, if an expression must follow it and a statement stopped the parser instead.
pub(super) fn unfinished(bytes: &[u8], (start, end): (usize, usize), at: usize) -> Option<usize> {
    let line = (start..at.min(end)).rev().find(|i| bytes[*i] == b'\n')?;
    let (from, to, _) = Pieces::new(bytes, line + 1, end).next().filter(|p| p.2 == Piece::Word)?;
    let word = std::str::from_utf8(&bytes[from..to]).ok()?;
    if !STATEMENTS.contains(&word) && !matches!(word, "let" | "on" | "for" | "if" | "dt" | "at") {
        return None;
    }
    let (sign, _, piece) = Pieces::new(bytes, start, line).filter(|p| p.2 != Piece::Line).last()?;
    matches!(piece, Piece::Other(b'=' | b'+' | b'-' | b'*' | b'/' | b'^' | b'~')).then_some(sign)
}

fn next_line(bytes: &[u8], at: usize, end: usize) -> bool {
    Pieces::new(bytes, at.min(end), end).next().is_none_or(|(_, _, piece)| piece == Piece::Line)
}

/// The line up to a place.
fn line_of(bytes: &[u8], start: usize, at: usize) -> &[u8] {
    let from = (start..at).rev().find(|i| bytes[*i] == b'\n').map_or(start, |i| i + 1);
    &bytes[from..at]
}

/// The name in `dv/dt = …`, at the beginning of a line.
fn differential(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?.lines().next()?.trim_start();
    let (left, right) = text.split_once('/')?;
    let name = left.trim().strip_prefix('d')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && right.trim_start().strip_prefix("dt")?.trim_start().starts_with('=')).then(|| name.to_string())
}
