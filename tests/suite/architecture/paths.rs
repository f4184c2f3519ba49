//! The paths that Rust sources name: `use` trees and qualified paths, outside of test modules.

/// A path that a file names.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its words; `*` last for all of a module.
    pub path: Vec<String>,
    /// The name that a `use` gives it.
    pub alias: Option<String>,
    /// Whether it is only passed on: `pub use`.
    pub passed_on: bool,
    /// Line, from 1.
    pub line: usize,
}

/// Returns the code of a source: comments, strings and characters become blanks, and test items vanish; lines stay.
pub fn code(text: &str) -> String {
    without_tests(&without_literals(text))
}

fn without_literals(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let blank = |out: &mut Vec<u8>, from: usize, to: usize| {
        let to = to.min(out.len());
        out[from..to].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
    };
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => text[at..].find('\n').map_or(bytes.len(), |n| at + n),
            b'/' if bytes.get(at + 1) == Some(&b'*') => text[at..].find("*/").map_or(bytes.len(), |n| at + n + 2),
            b'"' => end_of_string(bytes, at),
            b'r' if raw_string(bytes, at) => end_of_raw_string(text, at),
            b'\'' => end_of_character(text, at),
            _ => at,
        };
        if end > at {
            blank(&mut out, at, end);
            at = end;
        } else {
            at += 1;
        }
    }
    String::from_utf8(out).expect("blanks and whole characters")
}

fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

fn raw_string(bytes: &[u8], at: usize) -> bool {
    let word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    let hashes = bytes[at + 1..].iter().take_while(|b| **b == b'#').count();
    !word && bytes.get(at + 1 + hashes) == Some(&b'"')
}

fn end_of_raw_string(text: &str, start: usize) -> usize {
    let hashes = text[start + 1..].bytes().take_while(|b| *b == b'#').count();
    let close = format!("\"{}", "#".repeat(hashes));
    let body = start + 2 + hashes;
    text[body..].find(&close).map_or(text.len(), |n| body + n + close.len())
}

/// The end of a character, or the start itself where this is a lifetime.
fn end_of_character(text: &str, start: usize) -> usize {
    let mut rest = text[start + 1..].char_indices();
    match rest.next() {
        Some((_, '\\')) => text[start + 3..].find('\'').map_or(start, |n| start + 3 + n + 1),
        Some((_, c)) if text[start + 1 + c.len_utf8()..].starts_with('\'') => start + 1 + c.len_utf8() + 1,
        _ => start,
    }
}

fn without_tests(code: &str) -> String {
    let mut out = code.to_string();
    while let Some(at) = out.find("#[cfg(test)]") {
        let body = at + "#[cfg(test)]".len();
        let end = match out[body..].find(['{', ';']).map(|n| body + n) {
            Some(open) if out.as_bytes()[open] == b'{' => closing(&out, open) + 1,
            Some(end) => end + 1,
            None => out.len(),
        };
        let lines = "\n".repeat(out[at..end].matches('\n').count());
        out.replace_range(at..end, &lines);
    }
    out
}

/// Where the brace that opens at `open` is closed.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, b) in code.bytes().enumerate().skip(open) {
        match b {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len() - 1
}

/// Returns all paths that some code names: those of `use` items first, then those in it that begin with `crate`, `super`, `self`,
/// the crate's own name or one of the modules that it declares.
pub fn named(code: &str, children: &[String]) -> Vec<Named> {
    let mut rest = code.to_string();
    let mut found = Vec::new();
    for (start, end) in uses(code) {
        let line = code[..start].matches('\n').count() + 1;
        let visibility = code[..start].trim_end();
        let passed_on = visibility.ends_with("pub") || visibility.ends_with(')');
        let tree: String = code[start + 4..end].split_whitespace().collect::<Vec<_>>().join(" ");
        expand(&tree, &[], &mut |path, alias| {
            found.push(Named { path, alias, passed_on, line });
        });
        let blank: String = code[start..=end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        rest.replace_range(start..=end, &blank);
    }
    let starts = |word: &str| ["crate", "super", "self", "neuro"].contains(&word) || children.iter().any(|c| c == word);
    found.extend(qualified(&rest).into_iter().filter(|n| starts(&n.path[0])));
    found
}

/// From the word `use` to the semicolon of every item that imports.
fn uses(code: &str) -> Vec<(usize, usize)> {
    let begins =
        |at: usize| code[..at].trim_end().is_empty() || code[..at].trim_end().ends_with([';', '{', '}', ')', 'b', ']']);
    code.match_indices("use ")
        .map(|(at, _)| at)
        .filter(|at| begins(*at) && !code[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        .filter_map(|at| code[at..].find(';').map(|n| (at, at + n)))
        .collect()
}

/// Calls `each` with every path of a `use` tree and the name that it gets.
fn expand(tree: &str, before: &[String], each: &mut impl FnMut(Vec<String>, Option<String>)) {
    let tree = tree.trim();
    if tree.is_empty() {
        return;
    }
    let (head, group) = match tree.find('{') {
        Some(open) => (&tree[..open], Some(&tree[open + 1..tree.rfind('}').unwrap_or(tree.len())])),
        None => (tree, None),
    };
    let (head, alias) = match head.split_once(" as ") {
        Some((head, alias)) => (head, Some(alias.trim().to_string())),
        None => (head, None),
    };
    let mut path = before.to_vec();
    path.extend(head.split("::").map(str::trim).filter(|w| !w.is_empty()).map(str::to_string));
    match group {
        Some(inner) => split_group(inner).into_iter().for_each(|part| expand(part, &path, each)),
        None => {
            // `a::{self}` is `a`.
            if path.len() > 1 && path.last().is_some_and(|w| w == "self") {
                path.pop();
            }
            let name = alias.or_else(|| path.last().cloned());
            each(path, name);
        }
    }
}

/// Splits at commas outside of braces.
fn split_group(inner: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    parts
}

/// Every `word::word…` of some code.
fn qualified(code: &str) -> Vec<Named> {
    let word_char = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(n) = code[at..].find("::") {
        let colons = at + n;
        let start = code[..colons].rfind(|c: char| !word_char(c)).map_or(0, |p| p + 1);
        let mut path = vec![code[start..colons].to_string()];
        let mut end = colons;
        while code[end..].starts_with("::") {
            let rest = &code[end + 2..];
            let length = rest.find(|c: char| !word_char(c)).unwrap_or(rest.len());
            if length == 0 {
                break;
            }
            path.push(rest[..length].to_string());
            end += 2 + length;
        }
        if !path[0].is_empty() && path.len() > 1 && !code[..start].ends_with("::") {
            let line = code[..start].matches('\n').count() + 1;
            found.push(Named { path, alias: None, passed_on: false, line });
        }
        at = end.max(colons + 2);
    }
    found
}

/// Names of the modules that some code declares: `mod name;`.
pub fn children(code: &str) -> Vec<String> {
    let words: Vec<&str> = code.split_whitespace().collect();
    let declared = words.windows(2).filter(|w| w[0] == "mod" && w[1].ends_with(';'));
    declared.map(|w| w[1].trim_end_matches(';').to_string()).collect()
}

#[test]
fn paths_are_found_wherever_they_are_written() {
    let text = r##"
        use crate::{a, b::{self, c as d}, e::*};
        pub(crate) use super::super::f::G;
        mod child;
        fn x() { crate::h::i::<u8>(); child::j(); "crate::no"; 'c'; r#"crate::no"#; let y: &'static self::K = K::new(); } // crate::no
        #[cfg(test)]
        mod tests { use crate::no; }
        use std::fmt;
    "##;
    let code = code(text);
    let found = named(&code, &children(&code));
    let shown: Vec<String> = found.iter().map(|n| n.path.join("::")).collect();
    assert_eq!(
        shown,
        [
            "crate::a",
            "crate::b",
            "crate::b::c",
            "crate::e::*",
            "super::super::f::G",
            "std::fmt",
            "crate::h::i",
            "child::j",
            "self::K"
        ]
    );
    assert_eq!(found[2].alias.as_deref(), Some("d"));
    assert!(found[4].passed_on && !found[0].passed_on);
    assert_eq!((found[0].line, found[4].line, found[6].line), (2, 3, 5));
}
