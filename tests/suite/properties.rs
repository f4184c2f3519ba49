//! No input makes the parser or the checker panic; formatting is idempotent and keeps the meaning.
//!
//! `NEURO_FUZZ=1000000 cargo test --release --test suite properties` runs as many inputs as the variable says.

use crate::support::{laid_out, root, try_program};
use neuro::compiler::NoImports;
use neuro::diag::Diagnostics;
use neuro::editor::{self, Document};
use neuro::source::{FileId, SourceFile};
use neuro::syntax::{format, parse};
use std::path::PathBuf;

fn corpus() -> Vec<String> {
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in ["examples", "stdlib", "stdlib/neurons", "stdlib/channels", "stdlib/synapses", "stdlib/sources"] {
        files.extend(
            std::fs::read_dir(root().join(folder))
                .unwrap()
                .flatten()
                .map(|e| e.path())
                .filter(|p| p.extension().is_some_and(|e| e == "neuro")),
        );
    }
    files.sort();
    files.iter().map(|f| std::fs::read_to_string(f).unwrap()).collect()
}

/// A small generator, so that a failing input can be found again by its number.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below.max(1) as u64) as usize
    }
}

/// Takes a window of a real file and deletes, repeats, swaps or replaces some of its tokens.
fn mutate(corpus: &[String], n: &mut Numbers) -> String {
    const WORDS: [&str; 26] = [
        "{", "}", "(", ")", "'", "=", "+=", "state", "param", "v", "mV", "3", "emit", "on", "..", "~", "normal(", "->",
        "if", "else", "\"", "#", "^", "[", "]", "-",
    ];
    let text = &corpus[n.next(corpus.len())];
    let items: Vec<&str> = text.split("\n\n").collect();
    let start = n.next(items.len());
    let piece = items[start..(start + 1 + n.next(2)).min(items.len())].join("\n\n");
    let mut tokens: Vec<&str> = piece.split_inclusive([' ', '\n', '(', ')', ',']).collect();
    for _ in 0..1 + n.next(4) {
        if tokens.is_empty() {
            break;
        }
        let at = n.next(tokens.len());
        match n.next(5) {
            0 => {
                tokens.remove(at);
            }
            1 => tokens.insert(at, tokens[at]),
            2 => {
                let other = n.next(tokens.len());
                tokens.swap(at, other);
            }
            3 => tokens.insert(at, WORDS[n.next(WORDS.len())]),
            _ => tokens[at] = WORDS[n.next(WORDS.len())],
        }
    }
    tokens.concat()
}

#[test]
fn no_input_makes_the_compiler_panic() {
    let wanted: u64 = std::env::var("NEURO_FUZZ").ok().and_then(|v| v.parse().ok()).unwrap_or(3000);
    let corpus = corpus();
    let threads = 2;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let corpus = &corpus;
            scope.spawn(move || {
                for k in (thread..wanted).step_by(threads as usize) {
                    let text = mutate(
                        corpus,
                        &mut Numbers(0x9e37_79b9_7f4a_7c15 ^ (k + 1).wrapping_mul(0x2545_f491_4f6c_dd1d)),
                    );
                    let done = std::panic::catch_unwind(|| {
                        let _ = try_program(&text);
                        let document = Document::of(SourceFile::new("m.neuro", &*text), &mut NoImports);
                        let at = (0..=text.len() / 2).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                        let _ = (editor::symbols(&document), editor::hints(&document));
                        let _ = (editor::hover(&document, at as u32), editor::complete(&document, &text, at));
                        if let Ok(once) = format::format(FileId(0), &text) {
                            let again = format::format(FileId(0), &once).ok();
                            assert_eq!(again.as_ref(), Some(&once), "formatting twice differs");
                        }
                    });
                    assert!(done.is_ok(), "input {k} panics:\n{text}");
                }
            });
        }
    });
}

#[test]
fn arbitrary_bytes_are_refused_in_words() {
    let mut n = Numbers(7);
    for _ in 0..2000 {
        let text: String = (0..n.next(60))
            .map(|_| char::from_u32([32 + n.next(95) as u32, 0xb5, 10, 0x1f600][n.next(4)]).unwrap_or(' '))
            .collect();
        let _ = try_program(&text);
    }
}

/// Drops positions, so that only the meaning is compared.
fn shape(text: &str) -> String {
    let mut d = Diagnostics::default();
    let file = parse(FileId(0), text, &mut d);
    let debug = format!("{:?} {}", file, d);
    let mut out = String::new();
    let mut rest = debug.as_str();
    while let Some(at) = rest.find("Span {") {
        out.push_str(&rest[..at]);
        rest = rest[at..].split_once("} ").map_or("", |(_, r)| r);
    }
    out + rest
}

#[test]
fn formatting_keeps_the_meaning_of_every_file() {
    for text in corpus() {
        let formatted = laid_out(&text);
        assert_eq!(shape(&text), shape(&formatted));
        assert_eq!(laid_out(&formatted), formatted);
    }
}
