//! From pieces to a mechanism; all that is wrong is collected.

use super::ast::*;
use super::lexer::{Kind, Lexed, Token};
use crate::convert::Flaw;

mod blocks;
mod expressions;
mod statements;

/// How deep blocks and brackets may lie within each other.
const DEEPEST: usize = 150;

/// Reads a mechanism.
pub fn parse(text: &str, lexed: &Lexed) -> (Mechanism, Vec<Flaw>) {
    let mut parser = Parser { text, lexed, at: 0, depth: 0, flaws: Vec::new(), out: Mechanism::default() };
    for (at, message, label) in &lexed.faults {
        parser.flaw(at.clone(), message, label, None);
    }
    parser.file();
    parser.contradictions();
    (parser.out, parser.flaws)
}

struct Parser<'a> {
    text: &'a str,
    lexed: &'a Lexed,
    at: usize,
    depth: usize,
    flaws: Vec<Flaw>,
    out: Mechanism,
}

/// A flaw of this file.
pub fn flaw(at: Place, message: impl Into<String>, label: &str, help: Option<&str>) -> Flaw {
    Flaw { at, file: None, message: message.into(), label: label.into(), help: help.map(str::to_string) }
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.lexed.tokens.get(self.at)
    }

    fn kind(&self, ahead: usize) -> Option<&Kind> {
        self.lexed.tokens.get(self.at + ahead).map(|t| &t.kind)
    }

    fn place(&self) -> Place {
        self.peek().map_or(self.text.len()..self.text.len(), |t| t.at.clone())
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.kind(0), Some(Kind::Sign(s)) if *s == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.kind(0), Some(Kind::Name(n)) if n == word)
    }

    fn eat(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn name(&mut self) -> Option<(String, Place)> {
        let Some(Token { kind: Kind::Name(name), at }) = self.peek() else { return None };
        let found = (name.clone(), at.clone());
        self.at += 1;
        Some(found)
    }

    fn flaw(&mut self, at: Place, message: impl Into<String>, label: &str, help: Option<&str>) {
        if self.flaws.len() < 100 {
            self.flaws.push(flaw(at, message, label, help));
        }
    }

    fn expected(&mut self, what: &str) {
        let found = match self.peek() {
            Some(token) => format!("`{}`", &self.text[token.at.clone()]),
            None => "the end of the file".into(),
        };
        let found = if found.len() > 40 { "something else".to_string() } else { found };
        self.flaw(self.place(), format!("expected {what}, found {found}"), "not expected here", None);
    }

    fn expect(&mut self, sign: &'static str) -> bool {
        let found = self.eat(sign);
        if !found {
            self.expected(&format!("`{sign}`"));
        }
        found
    }

    /// Passes over a block in braces, or over one piece.
    fn skip(&mut self) {
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match token.kind {
                Kind::Sign("{") => depth += 1,
                Kind::Sign("}") => depth = depth.saturating_sub(1),
                _ => {}
            }
            let ended = depth == 0 && matches!(token.kind, Kind::Sign("}"));
            self.at += 1;
            if ended {
                return;
            }
        }
    }

    /// Passes over `( … )` and returns what stands in it.
    fn unit(&mut self) -> Option<String> {
        if !self.is("(") {
            return None;
        }
        let start = self.place().end;
        self.at += 1;
        while let Some(token) = self.peek() {
            let end = token.at.start;
            let closes = matches!(token.kind, Kind::Sign(")"));
            self.at += 1;
            if closes {
                // The micro sign, and the Greek letter that looks like it.
                return Some(self.text[start..end].trim().replace(['\u{b5}', '\u{3bc}'], "u"));
            }
        }
        None
    }

    /// A number with a sign.
    fn signed(&mut self) -> Option<f64> {
        let ahead = usize::from(self.is("-") || self.is("+"));
        let negative = self.is("-");
        let Some(Kind::Number(x)) = self.kind(ahead) else { return None };
        let value = if negative { -x } else { *x };
        self.at += ahead + 1;
        Some(value)
    }
}
