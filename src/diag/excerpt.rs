//! A source text as messages show it: of long lines only what is near a label is left, so that they fit a screen.

use crate::source::{SourceFile, Span};
use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use std::ops::Range;

/// Longer lines, in bytes, are cut.
const LONG: usize = 1000;

/// Bytes that are left on either side of the end of a label.
const NEAR: usize = 60;

/// A part of the text that was left as it was: where it began, where it begins now, and how long it is.
struct Kept {
    before: usize,
    now: usize,
    len: usize,
}

/// A text without the parts of long lines that nothing points to.
pub struct Excerpt {
    name: String,
    text: String,
    kept: Vec<Kept>,
    /// Where labels begin, and the columns that they have in the source.
    columns: Vec<(usize, usize)>,
}

impl Excerpt {
    /// Cuts the long lines of a file, except near some places.
    pub fn new(file: &SourceFile, labels: Vec<Span>) -> Excerpt {
        let mut out = Excerpt { name: file.name.clone(), text: String::new(), kept: Vec::new(), columns: Vec::new() };
        let mut begin = 0;
        for line in file.text.split_inclusive('\n') {
            let end = begin + line.trim_end_matches('\n').len();
            if end - begin > LONG {
                out.cut(&file.text, begin..end, &labels);
                out.keep(&file.text, end..begin + line.len());
            } else {
                out.keep(&file.text, begin..begin + line.len());
            }
            begin += line.len();
        }
        if out.text.len() != file.text.len() {
            let column = |s: &Span| (out.place(s.start as usize), file.line_column(s.start).1 - 1);
            out.columns = labels.iter().map(column).collect();
        }
        out
    }

    fn keep(&mut self, text: &str, range: Range<usize>) {
        self.kept.push(Kept { before: range.start, now: self.text.len(), len: range.len() });
        self.text.push_str(&text[range]);
    }

    /// Keeps what is near a label, or else the beginning.
    fn cut(&mut self, text: &str, line: Range<usize>, labels: &[Span]) {
        let ends = labels.iter().flat_map(|s| [s.start as usize, s.end as usize]);
        let mut places: Vec<usize> = ends.filter(|at| (line.start..=line.end).contains(at)).collect();
        places.sort_unstable();
        places.dedup();
        if places.is_empty() {
            places.push(line.start);
        }
        let mut parts: Vec<Range<usize>> = Vec::new();
        for at in places {
            let from = boundary(text, at.saturating_sub(NEAR).max(line.start));
            let to = boundary(text, (at + NEAR).min(line.end));
            match parts.last_mut() {
                Some(last) if from <= last.end => last.end = to,
                _ => parts.push(from..to),
            }
        }
        let mut end = line.start;
        for part in parts {
            if part.start > end {
                self.text.push('…');
            }
            end = part.end;
            self.keep(text, part);
        }
        if end < line.end {
            self.text.push('…');
        }
    }

    /// Returns where a place of the source is now.
    pub fn place(&self, at: usize) -> usize {
        let next = self.kept.partition_point(|k| k.before <= at);
        let Some(k) = next.checked_sub(1).and_then(|k| self.kept.get(k)) else { return 0 };
        k.now + (at - k.before).min(k.len)
    }
}

/// Returns the last boundary of a character that is not beyond a place.
fn boundary(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let inner = self.text.as_str().read_span(span, before, after)?;
        // Asked for without the lines around, it is for the head of the message.
        let own = self.columns.iter().find(|(start, _)| before == 0 && *start == span.offset());
        let column = own.map_or(inner.column(), |(_, column)| *column);
        let (line, count) = (inner.line(), inner.line_count());
        let name = self.name.clone();
        Ok(Box::new(MietteSpanContents::new_named(name, inner.data(), *inner.span(), line, column, count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    #[test]
    fn long_lines_are_cut_and_places_are_found_again() {
        let text = format!("short\n{}b{}\nlast", "a".repeat(5000), "é".repeat(5000));
        let at = 6 + 5000;
        let label = Span { file: FileId(0), start: at as u32, end: at as u32 + 1 };
        let e = Excerpt::new(&SourceFile::new("m", text.clone()), vec![label]);
        assert!(e.text.len() < 400 && e.text.lines().count() == 3, "{}", e.text);
        assert!(e.text[e.place(at)..].starts_with("bé") && e.text[e.place(text.len() - 4)..] == *"last");
        assert_eq!(e.columns, [(e.place(at), 5000)]);
        assert!(e.text.starts_with("short\n…"));
    }
}
