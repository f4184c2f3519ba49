//! Tables of text from CSV files.

use super::{Flaw, inflate};
use indexmap::IndexMap;

/// A table with named columns of text.
#[derive(Debug, Default, PartialEq)]
pub struct Table {
    /// Columns in order.
    pub columns: IndexMap<String, Vec<String>>,
    /// Where it comes from; empty if that is no longer known.
    origin: Origin,
}

/// The file of a table, and the line at which each of its rows begins.
#[derive(Debug, Default, PartialEq)]
struct Origin {
    file: String,
    lines: Vec<u64>,
}

impl Table {
    /// A table of which only the columns are known.
    pub fn of(columns: IndexMap<String, Vec<String>>) -> Table {
        Table { columns, origin: Origin::default() }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.columns.values().next().map_or(0, Vec::len)
    }

    /// Says where a row is: line 3 of `edges.csv`.
    pub fn place(&self, row: usize) -> String {
        match self.origin.lines.get(row) {
            Some(line) => format!("line {line} of `{}`", self.origin.file),
            None => format!("row {} of the table", row + 1),
        }
    }

    /// Reads a column as numbers; an empty cell stands for `blank`, if that is given.
    pub fn numbers(&self, name: &str, blank: Option<f64>) -> Result<Vec<f64>, Flaw> {
        self.numbers_of(name, 0..self.rows(), blank)
    }

    /// Reads some rows of a column as numbers, which must be finite.
    pub fn numbers_of(
        &self,
        name: &str,
        rows: impl IntoIterator<Item = usize>,
        blank: Option<f64>,
    ) -> Result<Vec<f64>, Flaw> {
        let Some(column) = self.columns.get(name) else {
            return Err(Flaw::new(self.no_column(name), "name one of its columns"));
        };
        let number = |row: usize| match column[row].parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            Err(_) if column[row].is_empty() && blank.is_some() => Ok(blank.unwrap_or_default()),
            read => {
                let text = &column[row];
                let what = match read {
                    Ok(_) if text.contains(|c: char| c.is_ascii_digit()) => {
                        format!("`{text}` is too large for a number")
                    }
                    Ok(_) => format!("`{text}` is not a finite number"),
                    Err(_) if text.is_empty() => "the cell is empty".into(),
                    Err(_) => format!("`{text}` is not a number"),
                };
                let what = format!("{}: {what}, in column `{name}`", self.place(row));
                Err(Flaw::new(what, "write a number there, or take the row out of the table"))
            }
        };
        rows.into_iter().map(number).collect()
    }

    /// Says that a column does not exist.
    pub fn no_column(&self, name: &str) -> String {
        let known: Vec<String> = self.columns.keys().map(|k| format!("`{k}`")).collect();
        format!("there is no column `{name}`; the columns are {}", known.join(", "))
    }
}

/// Parses CSV (or with tabs) with a header line; fields are trimmed.
pub fn csv(file: &str, bytes: &[u8], delimiter: Option<u8>) -> Result<Table, Flaw> {
    let text = inflate::text(bytes)?;
    let first = text.split(|b| *b == b'\n').next().unwrap_or(&[]);
    let delimiter = delimiter.unwrap_or(if first.contains(&b'\t') && !first.contains(&b',') { b'\t' } else { b',' });
    let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).trim(::csv::Trim::All).from_reader(&text[..]);
    let mut lines = Lines { text: &text, at: 0, line: 1 };
    let mut columns: IndexMap<String, Vec<String>> = IndexMap::new();
    for name in reader.headers().map_err(|e| not_a_row(&e, &mut lines))? {
        if columns.insert(name.to_string(), Vec::new()).is_some() {
            return Err(Flaw::new(format!("two columns are named `{name}`"), "give every column a name of its own"));
        }
    }
    if columns.is_empty() {
        return Err(Flaw::new("it is empty", "its first line names the columns: `pre,post,weight`"));
    }
    let mut starts = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| not_a_row(&e, &mut lines))?;
        starts.push(record.position().map_or(0, |p| lines.of(p.byte() as usize)));
        for (column, field) in columns.values_mut().zip(record.iter()) {
            column.push(field.to_string());
        }
    }
    Ok(Table { columns, origin: Origin { file: file.to_string(), lines: starts } })
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
        let t = csv("t.csv", b"pre, post ,weight\nA,B, 1\nA ,C,2", None).unwrap();
        assert_eq!(t.rows(), 2);
        assert_eq!(t.columns["post"], ["B", "C"]);
        assert_eq!(t.numbers("weight", None).unwrap(), [1.0, 2.0]);
        assert!(t.numbers("post", None).unwrap_err().what.contains("line 2"));
    }

    #[test]
    fn tabs_are_recognized() {
        assert_eq!(csv("t.csv", b"a\tb\n1\t2\n", None).unwrap().columns["b"], ["2"]);
    }

    #[test]
    fn rows_know_their_lines() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("a,b{end}1,2{end}{end}{end}\"3{end}3\",4{end}5,6");
            let t = csv("t.csv", text.as_bytes(), None).unwrap();
            let places: Vec<String> = (0..4).map(|row| t.place(row)).collect();
            assert_eq!(places, ["line 2 of `t.csv`", "line 5 of `t.csv`", "line 7 of `t.csv`", "row 4 of the table"]);
        }
    }
}
