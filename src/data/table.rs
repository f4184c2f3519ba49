//! Tables of text.

use super::{Flaw, Texts};
use indexmap::IndexSet;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A table with named columns of text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    columns: Vec<(String, Arc<Texts>)>,
    /// The names of all columns, also of those that were not kept.
    header: Vec<String>,
    rows: usize,
    /// The column that names the rows, if it was said.
    id: Option<String>,
    /// Where it comes from.
    origin: Origin,
}

/// The file of a table, and the line at which each of its rows begins.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Origin {
    file: String,
    lines: Vec<u64>,
}

impl Table {
    /// Makes a table of columns of one length; `header` names all, also those that were not kept.
    pub fn new(file: &str, header: Vec<String>, columns: Vec<(String, Texts)>, rows: usize) -> Table {
        let columns = columns.into_iter().map(|(name, column)| (name, Arc::new(column))).collect();
        Table { columns, header, rows, id: None, origin: Origin { file: file.to_string(), lines: Vec::new() } }
    }

    /// The same table, whose rows begin at some lines of its file.
    pub fn with_lines(mut self, lines: Vec<u64>) -> Table {
        self.origin.lines = lines;
        self
    }

    /// Returns whether all columns have a text for each row.
    pub fn is_sound(&self) -> bool {
        let lines = self.origin.lines.len();
        self.columns.iter().all(|(_, c)| c.len() == self.rows) && (lines == 0 || lines == self.rows)
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns whether there is a column of a name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|(n, _)| n == name)
    }

    /// Returns whether there is a column of a name in its file, kept or not.
    pub fn names_column(&self, name: &str) -> bool {
        self.header.iter().any(|n| n == name)
    }

    /// Returns a column.
    pub fn texts(&self, name: &str) -> Result<&Arc<Texts>, Flaw> {
        let found = self.columns.iter().find(|(n, _)| n == name).map(|(_, column)| column);
        found.ok_or_else(|| Flaw::new(self.no_column(name), "name one of its columns"))
    }

    /// Says which column names the rows: each by a text of its own.
    pub fn named_by(mut self, id: &str) -> Result<Table, Flaw> {
        self.id = Some(id.to_string());
        self.names()?;
        Ok(self)
    }

    /// Returns the names of the rows: texts of the column that was said, or of the first one.
    pub fn names(&self) -> Result<IndexSet<String>, Flaw> {
        let first = || self.header.first().map_or("", String::as_str);
        let id = self.id.as_deref().unwrap_or_else(first);
        let mut names = IndexSet::with_capacity(self.rows);
        for (row, name) in self.texts(id)?.iter().enumerate() {
            if name.is_empty() {
                let what = format!("{}: the cell is empty, in column `{id}`, which names the rows", self.place(row));
                return Err(Flaw::new(what, "give every row a name, or name another column: `csv(…, id = \"…\")`"));
            }
            let (first, new) = names.insert_full(name.to_string());
            if !new {
                let (first, second) = (self.place(first), self.place(row));
                let what = format!("`{name}` names two rows in column `{id}`: {first} and {second}");
                return Err(Flaw::new(
                    what,
                    "give every row a name of its own, or name another column: `csv(…, id = \"…\")`",
                ));
            }
        }
        Ok(names)
    }

    /// Returns the table with some of its rows.
    pub fn filtered(&self, keep: &[bool]) -> Table {
        let kept = |column: &Texts| column.iter().zip(keep).filter(|(_, keep)| **keep).map(|(text, _)| text).collect();
        let columns = self.columns.iter().map(|(name, column)| (name.clone(), Arc::new(kept(column)))).collect();
        let lines = self.origin.lines.iter().zip(keep).filter(|(_, keep)| **keep).map(|(line, _)| *line).collect();
        let origin = Origin { file: self.origin.file.clone(), lines };
        let rows = keep.iter().filter(|keep| **keep).count();
        Table { columns, header: self.header.clone(), rows, id: self.id.clone(), origin }
    }

    /// Says where a row is: line 3 of `edges.csv`.
    pub fn place(&self, row: usize) -> String {
        match self.origin.lines.get(row) {
            Some(line) => format!("line {line} of `{}`", self.origin.file),
            None => format!("row {} of `{}`", row + 1, self.origin.file),
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
        let column = self.texts(name)?;
        let number = |row: usize| match column.at(row).parse::<f64>() {
            Ok(x) if x.is_finite() => Ok(x),
            Err(_) if column.at(row).is_empty() && blank.is_some() => Ok(blank.unwrap_or_default()),
            read => {
                let text = column.at(row);
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
        let known: Vec<String> = self.header.iter().map(|k| format!("`{k}`")).collect();
        format!("there is no column `{name}`; the columns are {}", known.join(", "))
    }
}

/// Whether a column is wanted.
pub type Wanted<'a> = &'a dyn Fn(&str) -> bool;
