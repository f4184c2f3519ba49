//! Tables from CSV files.

use super::arrow::is_arrow;
use super::columnar::is_parquet;
use super::table::Wanted;
use super::{Flaw, Table, Texts, inflate};
use indexmap::IndexSet;

/// Parses CSV (or with tabs) with a header line; fields are trimmed. Of the columns, only those that are `wanted` are kept.
pub fn csv(file: &str, bytes: &[u8], delimiter: Option<u8>, wanted: Wanted) -> Result<Table, Flaw> {
    let text = inflate::text(bytes)?;
    if is_parquet(&text) {
        return Err(Flaw::new("it is a Parquet file", "read it with `parquet`"));
    }
    if is_arrow(&text) {
        return Err(Flaw::new("it is an Arrow file", "read it with `arrow`"));
    }
    let first = text.split(|b| *b == b'\n').next().unwrap_or(&[]);
    let delimiter = delimiter.unwrap_or(if first.contains(&b'\t') && !first.contains(&b',') { b'\t' } else { b',' });
    let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).trim(::csv::Trim::All).from_reader(&text[..]);
    let mut lines = Lines { text: &text, at: 0, line: 1 };
    let mut header: IndexSet<String> = IndexSet::new();
    for name in reader.headers().map_err(|e| not_a_row(&e, &mut lines))? {
        if !header.insert(name.to_string()) {
            return Err(Flaw::new(format!("two columns are named `{name}`"), "give every column a name of its own"));
        }
    }
    if header.is_empty() {
        return Err(Flaw::new("it is empty", "its first line names the columns: `pre,post,weight`"));
    }
    let mut columns: Vec<Option<Texts>> = header.iter().map(|name| wanted(name).then(Texts::default)).collect();
    let mut starts = Vec::new();
    let mut record = ::csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|e| not_a_row(&e, &mut lines))? {
        starts.push(record.position().map_or(0, |p| lines.of(p.byte() as usize)));
        for (column, field) in columns.iter_mut().zip(record.iter()) {
            if let Some(column) = column {
                column.push(field);
            }
        }
    }
    let named = header.iter().cloned().zip(columns);
    let columns = named.filter_map(|(name, column)| Some((name, column?))).collect();
    let rows = starts.len();
    Ok(Table::new(file, header.into_iter().collect(), columns, rows).with_lines(starts))
}

/// Finds lines, counted from one, of places that are asked for in order.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the row that begins at a byte, or after the blank lines there.
    fn of(&mut self, byte: usize) -> u64 {
        while let Some(b) = self.text.get(self.at)
            && (self.at < byte || matches!(b, b'\r' | b'\n'))
        {
            self.line += u64::from(*b == b'\n' || *b == b'\r' && self.text.get(self.at + 1) != Some(&b'\n'));
            self.at += 1;
        }
        self.line
    }
}

fn not_a_row(e: &::csv::Error, lines: &mut Lines) -> Flaw {
    let line = e.position().map_or("a line".into(), |p| format!("line {}", lines.of(p.byte() as usize)));
    let cells = |n: u64| if n == 1 { "1 cell".into() } else { format!("{n} cells") };
    match e.kind() {
        ::csv::ErrorKind::UnequalLengths { expected_len, len, .. } => Flaw::new(
            format!("{line} has {}, but the first line names {expected_len} columns", cells(*len)),
            "give every line a cell for each column, be it an empty one",
        ),
        ::csv::ErrorKind::Utf8 { .. } => Flaw::new(format!("{line} is not UTF-8 text"), "save the table as UTF-8"),
        _ => Flaw::new(format!("{line} cannot be read: {e}"), "save the table anew as CSV"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_line_without_newline_counts_and_fields_are_trimmed() {
        let t = csv("t.csv", b"pre, post ,weight\nA,B, 1\nA ,C,2", None, &|_| true).unwrap();
        assert_eq!(t.rows(), 2);
        assert_eq!(t.texts("post").unwrap().iter().collect::<Vec<_>>(), ["B", "C"]);
        assert_eq!(t.numbers("weight", None).unwrap(), [1.0, 2.0]);
        assert!(t.numbers("post", None).unwrap_err().what.contains("line 2"));
    }

    #[test]
    fn tabs_are_recognized() {
        assert_eq!(csv("t.csv", b"a\tb\n1\t2\n", None, &|_| true).unwrap().texts("b").unwrap().at(0), "2");
    }

    #[test]
    fn rows_know_their_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("a,b{end}1,2{end}{end}{end}\"3{end}3\",4{end}5,6");
            let t = csv("t.csv", text.as_bytes(), None, &|_| true).unwrap();
            let places: Vec<String> = (0..4).map(|row| t.place(row)).collect();
            assert_eq!(places, ["line 2 of `t.csv`", "line 5 of `t.csv`", "line 7 of `t.csv`", "row 4 of `t.csv`"]);
        }
    }
}
