//! Words, numbers and signs of a mechanism, with the comments that a reader wants to keep.

use std::ops::Range;

/// What a piece of the text is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A name or a word of the language.
    Name(String),
    /// A number.
    Number(f64),
    /// A text in quotes.
    Text,
    /// A sign, such as `{` or `<=`.
    Sign(&'static str),
    /// A block of C code.
    Verbatim,
    /// Anything else.
    Other(char),
}

/// A piece of the text and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its bytes.
    pub at: Range<usize>,
}

/// All pieces, and what stands beside them.
#[derive(Debug, Default)]
pub struct Lexed {
    /// Without comments.
    pub tokens: Vec<Token>,
    /// The title and the comments before the first block, line by line.
    pub doc: Vec<String>,
    /// Comments that end a line, with where they begin.
    pub remarks: Vec<(usize, String)>,
    /// What is no piece of a file: where, what, and a label.
    pub faults: Vec<(Range<usize>, String, &'static str)>,
}

const SIGNS: [&str; 27] = [
    "<->", "->", "<<", "<=", ">=", "==", "!=", "&&", "||", "{", "}", "(", ")", "[", "]", "+", "-", "*", "/", "^", "=",
    "<", ">", ",", "'", "~", "!",
];

/// Cuts a text into pieces.
pub fn lex(text: &str) -> Lexed {
    let mut lexer = Lexer { text, at: 0, out: Lexed::default() };
    while lexer.at < text.len() {
        lexer.step();
    }
    lexer.out
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    out: Lexed,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn step(&mut self) {
        let Some(c) = self.rest().chars().next() else { return };
        match c {
            c if c.is_whitespace() => self.at += c.len_utf8(),
            ':' | '?' => self.comment(),
            '"' => self.quoted(),
            c if c.is_ascii_alphabetic() || c == '_' => self.word(),
            c if c.is_ascii_digit() => self.number(),
            '.' if self.rest()[1..].starts_with(|c: char| c.is_ascii_digit()) => self.number(),
            _ => self.sign(c),
        }
    }

    fn line(&self) -> usize {
        self.rest().find(['\n', '\r']).unwrap_or(self.rest().len())
    }

    fn comment(&mut self) {
        let length = self.line();
        let text = self.rest()[..length].trim_start_matches([':', '?']).trim().to_string();
        let alone = self.text[..self.at].lines().next_back().is_none_or(|l| l.trim().is_empty())
            || self.text[..self.at].ends_with(['\n', '\r']);
        if alone && self.out.tokens.is_empty() {
            self.out.doc.push(text);
        } else if !alone && !text.is_empty() {
            self.out.remarks.push((self.at, text));
        }
        self.at += length;
    }

    fn quoted(&mut self) {
        let start = self.at;
        let rest = &self.rest()[1..];
        let end = rest.find(['"', '\n']).map_or(rest.len(), |i| if rest[i..].starts_with('"') { i + 1 } else { i });
        self.at += 1 + end;
        self.push(Kind::Text, start);
    }

    fn word(&mut self) {
        let start = self.at;
        let length = self.rest().find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.rest().len());
        let word = self.rest()[..length].to_string();
        self.at += length;
        match word.as_str() {
            "TITLE" => {
                let length = self.line();
                let title = self.rest()[..length].trim().to_string();
                self.out.doc.insert(0, title);
                self.at += length;
            }
            "COMMENT" => {
                let body = self.until("ENDCOMMENT", start);
                if self.out.tokens.is_empty() {
                    self.out.doc.push(String::new());
                    self.out.doc.extend(body.lines().map(|l| l.trim().to_string()));
                }
            }
            "VERBATIM" => {
                // An old way to end a procedure; it does nothing.
                let idle = matches!(self.until("ENDVERBATIM", start).trim(), "return 0;" | "");
                if !idle {
                    self.push(Kind::Verbatim, start);
                }
            }
            "UNITSON" | "UNITSOFF" | "THREADSAFE" => {}
            _ => self.push(Kind::Name(word), start),
        }
    }

    /// Passes over what stands before a word, and the word; what it ends begins at `start`.
    fn until(&mut self, word: &str, start: usize) -> String {
        let found = self.rest().find(word);
        let body = found.unwrap_or(self.rest().len());
        let text = self.rest()[..body].to_string();
        if found.is_none() {
            self.out.faults.push((start..self.at, format!("`{word}` is missing"), "begins here"));
        }
        self.at = (self.at + body + word.len()).min(self.text.len());
        text
    }

    fn number(&mut self) {
        let start = self.at;
        let bytes = self.rest().as_bytes();
        let digits = |mut i: usize| {
            while bytes.get(i).is_some_and(u8::is_ascii_digit) {
                i += 1;
            }
            i
        };
        let mut end = digits(0);
        if bytes.get(end) == Some(&b'.') {
            end = digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits(end + 1 + sign);
            if exponent > end + 1 + sign {
                end = exponent;
            }
        }
        let value = self.rest()[..end].parse::<f64>().ok().filter(|value| value.is_finite());
        self.at += end;
        match value {
            Some(value) => self.push(Kind::Number(value), start),
            // The file is refused; what follows is read as if a number stood there.
            None => {
                let message = format!("`{}` is no finite number", &self.text[start..self.at.min(start + 40)]);
                self.out.faults.push((start..self.at, message, "too large"));
                self.push(Kind::Number(1.0), start);
            }
        }
    }

    fn sign(&mut self, c: char) {
        let start = self.at;
        match SIGNS.iter().find(|s| self.rest().starts_with(**s)) {
            Some(sign) => {
                self.at += sign.len();
                self.push(Kind::Sign(sign), start);
            }
            None => {
                self.at += c.len_utf8();
                self.push(Kind::Other(c), start);
            }
        }
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.out.tokens.push(Token { kind, at: start..self.at });
    }
}
