//! Walks over text as far as brackets matter: past comments and strings.

/// A part of a text that is looked at as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// `(`, `[` or `{`
    Open(u8),
    /// `)`, `]` or `}`
    Close(u8),
    /// The end of a line.
    Line,
    /// A word: letters, digits, underscores.
    Word,
    /// A string with its quotes.
    Text,
    /// Anything else that is no space: one byte.
    Other(u8),
}

/// Pieces with their places.
pub(super) struct Pieces<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Pieces<'a> {
    /// Those from one place to another.
    pub(super) fn new(bytes: &'a [u8], from: usize, to: usize) -> Pieces<'a> {
        Pieces { bytes, at: from, end: to }
    }

    fn while_(&self, from: usize, fits: impl Fn(u8) -> bool) -> usize {
        (from..self.end).find(|i| !fits(self.bytes[*i])).unwrap_or(self.end)
    }
}

impl Iterator for Pieces<'_> {
    type Item = (usize, usize, Piece);

    fn next(&mut self) -> Option<(usize, usize, Piece)> {
        while self.at < self.end {
            let (from, b) = (self.at, self.bytes[self.at]);
            let (to, piece) = match b {
                b'\n' => (from + 1, Some(Piece::Line)),
                b'#' => (self.while_(from, |b| b != b'\n'), None),
                b'"' => {
                    let close = self.while_(from + 1, |b| b != b'"' && b != b'\n');
                    let closed = close < self.end && self.bytes[close] == b'"';
                    (close + usize::from(closed), Some(Piece::Text))
                }
                b'(' | b'[' | b'{' => (from + 1, Some(Piece::Open(b))),
                b')' | b']' | b'}' => (from + 1, Some(Piece::Close(b))),
                b if b.is_ascii_alphanumeric() || b == b'_' => {
                    (self.while_(from, |b| b.is_ascii_alphanumeric() || b == b'_'), Some(Piece::Word))
                }
                b if is_space(b as char) => (from + 1, None),
                b => (from + 1, Some(Piece::Other(b))),
            };
            self.at = to;
            if let Some(piece) = piece {
                return Some((from, to, piece));
            }
        }
        None
    }
}

/// The bracket that closes one.
pub(super) fn closing(open: u8) -> u8 {
    match open {
        b'(' => b')',
        b'[' => b']',
        _ => b'}',
    }
}

/// Puts spaces in the place of a stretch of text; lines and the places of everything else stay.
pub(super) fn blank(bytes: &mut [u8], from: usize, to: usize) {
    bytes[from..to].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b' ');
}

/// Returns whether a character outside ASCII, or one of control, leaves no mark where it stands: spaces of other widths and of no width.
pub(super) fn is_invisible(c: char) -> bool {
    let of_no_width = matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    of_no_width || c.is_control() && !is_space(c) || c.is_whitespace() && !c.is_ascii()
}

/// Returns whether a character is what the grammar takes for a space.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Returns whether a string has its second quote.
pub(super) fn is_closed(string: &[u8]) -> bool {
    string.len() > 1 && string.ends_with(b"\"")
}
