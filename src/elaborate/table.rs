//! `connect from "edges.csv"(pre = "Source", post = "Target", ids = table, where = type == "chemical", weight = …, duplicates = "sum")`

use super::ends::End;
use crate::data::{Flaw, Table, Texts};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, Columns as Named, Scope, fail, flawed};
use crate::hir::network::model::FromTable;
use crate::hir::typed::{Expr, ExprKind};
use crate::plan::Edge;
use crate::source::Span;
use crate::units::{Dim, format_quantity, lookup};
use crate::value::{Quantity, Value, extent};
use indexmap::IndexSet;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What columns of a table say of synapses.
#[derive(Default)]
pub struct Columns {
    /// Weights.
    pub weight: Option<Vec<f64>>,
    /// Delays, and where they are written.
    pub delay: Option<(Vec<f64>, Span)>,
    /// What became of the rows.
    pub import: Option<Import>,
}

/// What became of the rows of a table of synapses.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Import {
    /// The file.
    pub file: String,
    /// Rows of the table.
    pub rows: usize,
    /// Synapses that were made.
    pub synapses: usize,
    /// Rows that the condition leaves out.
    pub left_out: usize,
    /// Rows that name a cell that is not there.
    pub without_cells: usize,
    /// Rows that were added to others of the same cells.
    pub merged: usize,
    /// The sources, how many there are, and how many of them have no synapse.
    pub sources: (String, usize, usize),
    /// The same of the targets.
    pub targets: (String, usize, usize),
}

impl std::fmt::Display for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let whole = [counted(self.rows, "row"), counted(self.synapses, "synapse")];
        write!(f, "{}: {}, {}", self.file, whole[0], whole[1])?;
        let parts = [
            (self.left_out, "left out by `where`"),
            (self.without_cells, "without such cells"),
            (self.merged, "added to others of the same cells"),
        ];
        for (n, what) in parts.into_iter().filter(|(n, _)| *n > 0) {
            write!(f, ", {n} {what}")?;
        }
        for ((name, of, isolated), end) in [(&self.sources, "from"), (&self.targets, "to")] {
            if *isolated > 0 {
                write!(f, "; none {end} {isolated} of the {of} cells of `{name}`")?;
            }
        }
        Ok(())
    }
}

/// What to do with several rows of the same cells.
#[derive(Clone, Copy, PartialEq)]
enum Duplicates {
    Keep,
    Sum,
    Refuse,
}

/// Reads synapses, and their weights and delays if columns give them, from a table.
pub fn from_table(scope: &Scope, of: &FromTable, (pre, post): (End, End)) -> Attempt<(Vec<Edge>, Columns)> {
    let text = |e: &Option<Expr>, default: &str| match e {
        None => Ok(default.to_string()),
        Some(e) => scope.text(e).map(|t| t.to_string()),
    };
    let at = |e: &Option<Expr>| e.as_ref().map_or(of.span, |e| e.span);
    let choice = |e: &Option<Expr>, name: &str, options: &[&str]| {
        let chosen = text(e, options[0])?;
        options.iter().position(|o| *o == chosen).map(Ok).unwrap_or_else(|| {
            let known: Vec<String> = options.iter().map(|o| format!("\"{o}\"")).collect();
            let message = format!("`{name}` cannot be \"{chosen}\"");
            let d = Diagnostic::at(Code::E0401, at(e), message, "not one of its words");
            Err(Box::new(d.help(format!("write {}", known.join(" or ")))))
        })
    };
    let names = [text(&of.ends.0, "pre")?, text(&of.ends.1, "post")?];
    let skip = choice(&of.missing, "missing", &["error", "skip"])? == 1;
    let duplicates = match choice(&of.duplicates, "duplicates", &["keep", "sum", "error"])? {
        0 => Duplicates::Keep,
        1 => Duplicates::Sum,
        _ => Duplicates::Refuse,
    };
    let table = read(scope, of, &names)?;
    unambiguous(of, &table)?;
    let column = |name: &str, span: Span| {
        table.texts(name).map_err(|flaw| {
            let d = Diagnostic::at(Code::E0803, span, format!("`{}` lacks a column", of.path), flaw.what);
            Box::new(d.help("say which columns name the ends: `pre = \"source\", post = \"target\"`"))
        })
    };
    let sources = column(&names[0], at(&of.ends.0))?;
    let targets = column(&names[1], at(&of.ends.1))?;
    let given = ids(scope, of)?;
    let mut kept: Vec<usize> = (0..table.rows()).collect();
    if let Some(condition) = &of.filter {
        let holds = of_rows(scope, of, (&table, &kept), condition, "condition")?;
        kept.retain(|k| holds[*k] != 0.0);
    }
    let left_out = table.rows() - kept.len();
    let finders = [Finder::new(given.as_ref(), pre), Finder::new(given.as_ref(), post)];
    let (mut edges, mut rows) = (Vec::with_capacity(kept.len()), Vec::with_capacity(kept.len()));
    for k in kept {
        let texts = [sources.at(k), targets.at(k)];
        let found = [finders[0].cell(texts[0]), finders[1].cell(texts[1])];
        if let [Cell::At(i), Cell::At(j)] = found {
            edges.push(Edge { pre: pre.view.start as u32 + i, post: post.view.start as u32 + j });
            rows.push(k);
            continue;
        }
        // A row is left out if its cells are not there, but not if they can be nowhere.
        let end = found.iter().position(|c| matches!(c, Cell::Impossible));
        let end = end.or_else(|| found.iter().position(|c| matches!(c, Cell::Absent)).filter(|_| !skip));
        if let Some(end) = end {
            return Err(no_cell(of, &table.place(k), found[end], (&names[end], texts[end], &finders[end])));
        }
    }
    let without_cells = table.rows() - left_out - rows.len();
    let values = |e: &Option<Expr>, what: &str| -> Attempt<Option<(Vec<f64>, Span)>> {
        let Some(e) = e else { return Ok(None) };
        Ok(Some((of_rows(scope, of, (&table, &rows), e, what)?, e.span)))
    };
    let weight = values(&of.weight, "weight")?.map(|(w, _)| w);
    let delay = values(&of.delay, "delay")?;
    if let Some((delays, span)) = &delay
        && let Some(k) = delays.iter().position(|d| *d < 0.0)
    {
        let shown = format_quantity(delays[k], Dim::TIME, lookup("ms").as_ref());
        let message = format!("{}: a delay of {shown}", table.place(rows[k]));
        let d = Diagnostic::at(Code::E0601, *span, message, "nothing arrives before it is sent");
        return Err(Box::new(d.help("give every row a delay of at least `dt`")));
    }
    let read = edges.len();
    let mut columns = Columns { weight, delay, import: None };
    if duplicates != Duplicates::Keep {
        edges = merged(edges, &mut columns, duplicates, (of, &table, &rows), at(&of.duplicates))?;
    }
    columns.import = Some(Import {
        file: of.path.clone(),
        rows: table.rows(),
        synapses: edges.len(),
        left_out,
        without_cells,
        merged: read - edges.len(),
        sources: isolated(pre, edges.iter().map(|e| e.pre)),
        targets: isolated(post, edges.iter().map(|e| e.post)),
    });
    Ok((edges, columns))
}

/// The name of an end, how many cells it has, and how many of them have no synapse.
fn isolated(end: End, connected: impl Iterator<Item = u32>) -> (String, usize, usize) {
    let mut none = vec![true; end.view.n];
    connected.for_each(|cell| none[cell as usize - end.view.start] = false);
    (end.population.name.clone(), end.view.n, none.into_iter().filter(|none| *none).count())
}

/// Adds the weights of rows of the same cells up, each synapse where its first row is, or refuses such rows.
fn merged(
    edges: Vec<Edge>,
    columns: &mut Columns,
    duplicates: Duplicates,
    (of, table, rows): (&FromTable, &Table, &[usize]),
    span: Span,
) -> Attempt<Vec<Edge>> {
    if duplicates == Duplicates::Sum && columns.weight.is_none() {
        let d = Diagnostic::at(Code::E0402, span, "there is nothing to add up", "the table gives no weights");
        return Err(Box::new(d.help("write `weight = …` of its columns")));
    }
    let mut first: HashMap<(u32, u32), usize> = HashMap::with_capacity(edges.len());
    let (mut kept, mut from): (Vec<Edge>, Vec<usize>) = (Vec::new(), Vec::new());
    for (k, e) in edges.into_iter().enumerate() {
        let place = *first.entry((e.pre, e.post)).or_insert(kept.len());
        if place == kept.len() {
            kept.push(e);
            from.push(k);
            continue;
        }
        let two = || format!("{} and {}", table.place(rows[from[place]]), table.place(rows[k]));
        if duplicates == Duplicates::Refuse {
            let message = format!("`{}` names a pair of cells twice: {}", of.path, two());
            let d = Diagnostic::at(Code::E0803, span, message, "pairs must differ");
            return Err(Box::new(d.help("write `duplicates = \"sum\"`, or leave it out if each row is a synapse")));
        }
        if let Some((delays, span)) = &columns.delay
            && delays[from[place]] != delays[k]
        {
            let message = format!("{} have the same cells and different delays", two());
            let d = Diagnostic::at(Code::E0803, *span, message, "cannot be added up");
            return Err(Box::new(d.help("give them one delay, or leave `duplicates` out: each row is a synapse then")));
        }
        if let Some(weights) = &mut columns.weight {
            weights[from[place]] += weights[k];
        }
    }
    let chosen = |values: &mut Vec<f64>| *values = from.iter().map(|k| values[*k]).collect();
    columns.weight.iter_mut().for_each(chosen);
    columns.delay.iter_mut().for_each(|(delays, _)| chosen(delays));
    Ok(kept)
}

/// The cell that a row names.
#[derive(Clone, Copy)]
enum Cell {
    At(u32),
    /// There is no such cell here.
    Absent,
    /// This cannot be a cell.
    Impossible,
}

/// Finds cells of one end by what a row says.
struct Finder<'a> {
    /// Names, and the cells that they are those of.
    names: Option<(&'a IndexSet<String>, Option<Places>)>,
    n: usize,
}

/// Where each cell from a first one on stands among those of an end.
struct Places {
    first: usize,
    of: Vec<Option<u32>>,
}

impl<'a> Finder<'a> {
    /// By given names, or those that the cells have, or by their index.
    fn new(given: Option<&'a IndexSet<String>>, end: End<'a>) -> Finder<'a> {
        let places = || Places { first: end.cells.cover().start, of: end.cells.places() };
        let own = || end.population.names.as_deref().map(|names| (names, Some(places())));
        Finder { names: given.map(|names| (names, None)).or_else(own), n: end.view.n }
    }

    fn cell(&self, text: &str) -> Cell {
        let within = |index: usize| if index < self.n { Cell::At(index as u32) } else { Cell::Absent };
        match &self.names {
            Some((names, None)) => names.get_index_of(text).map_or(Cell::Absent, within),
            Some((names, Some(places))) => {
                let place = |k: usize| places.of.get(k.checked_sub(places.first)?).copied().flatten();
                names.get_index_of(text).and_then(place).map_or(Cell::Absent, Cell::At)
            }
            None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().map_or(Cell::Absent, within),
            None => Cell::Impossible,
        }
    }
}

/// Refuses a row that names no cell.
fn no_cell(of: &FromTable, place: &str, found: Cell, (column, text, end): (&str, &str, &Finder)) -> Box<Diagnostic> {
    let message = format!("{place}: `{text}` in column `{column}`");
    let label = match end.names {
        Some(_) => format!("none of the {} cells of this end has this name", end.n),
        None => format!("no such cell among the {} cells of this end", end.n),
    };
    Box::new(match found {
        Cell::Impossible => Diagnostic::at(Code::E0609, of.span, message, "a cell is a whole number, not negative")
            .help("number the cells from 0, or name them: `ids = table`, or `population …: Model[table]`"),
        _ => Diagnostic::at(Code::E0609, of.span, message, label)
            .help("add `missing = \"skip\"` if such rows are to be left out"),
    })
}

/// Reads those columns of the table that are asked for.
fn read(scope: &Scope, of: &FromTable, ends: &[String; 2]) -> Attempt<Arc<Table>> {
    if let Some(e) = &of.table {
        let Value::Table(t) = scope.eval(e)? else { return fail(Code::E0401, e.span, "expected a table", "not one") };
        return Ok(t);
    }
    let bytes = match scope.world.files().read(&of.path) {
        Ok(b) => b,
        Err(reason) => {
            let d = Diagnostic::at(Code::E0802, of.span, format!("cannot read `{}`", of.path), reason);
            return Err(Box::new(d.help("paths count from the folder of the source file")));
        }
    };
    let delimiter = match &of.delimiter {
        None => None,
        Some(e) => match scope.text(e)?.as_bytes() {
            [one] => Some(*one),
            _ => return fail(Code::E0401, e.span, "a delimiter is one character", "not one character"),
        },
    };
    let mut wanted: BTreeSet<&str> = ends.iter().map(String::as_str).collect();
    [&of.filter, &of.weight, &of.delay].into_iter().flatten().for_each(|e| named(e, &mut wanted));
    let wanted = |name: &str| wanted.contains(name);
    let table = crate::data::table(&of.path, bytes, delimiter, &wanted);
    table.map(Arc::new).map_err(|flaw| flawed(flaw, of.span, format!("`{}` is not a table", of.path)))
}

/// Refuses a name that is both a column and something else.
fn unambiguous(of: &FromTable, table: &Table) -> Attempt<()> {
    let Some(beside) = of.beside.iter().find(|b| table.names_column(&b.name)) else { return Ok(()) };
    let name = &beside.name;
    let message = format!("`{name}` is a column of `{}`, and something else", of.path);
    let d = Diagnostic::at(Code::E0202, beside.span, message, "which of the two?");
    let d = match beside.declared {
        Some(span) => d.label(span, "the other one is declared here"),
        None => d.note(format!(
            "`{name}` has a meaning of its own: `dt` is the time step, `pi` and `inf` are numbers, and there are units"
        )),
    };
    let other = if beside.declared.is_some() { "; for the other, give one of the two another name" } else { "" };
    Err(Box::new(d.help(format!("for the column write `column(\"{name}\")`{other}"))))
}

/// Collects the columns that an expression reads.
fn named<'e>(e: &'e Expr, out: &mut BTreeSet<&'e str>) {
    if let ExprKind::TableColumn(name) = &e.kind {
        out.insert(name);
    }
    e.parts().into_iter().for_each(|part| named(part, out));
}

/// The names of the rows of a table; without one, cells have those of their own or are numbers.
fn ids(scope: &Scope, of: &FromTable) -> Attempt<Option<IndexSet<String>>> {
    let Some(e) = &of.ids else { return Ok(None) };
    let Value::Table(t) = scope.eval(e)? else {
        return fail(Code::E0401, e.span, "expected a table of names", "its first column names the cells");
    };
    t.names().map(Some).map_err(|flaw| flawed(flaw, e.span, "these are no names of cells"))
}

/// The rows of a table that are in use.
struct Rows<'a> {
    table: &'a Table,
    rows: &'a [usize],
    blank: Option<f64>,
    path: &'a str,
}

impl Rows<'_> {
    fn unusable(&self, flaw: Flaw, span: Span) -> Box<Diagnostic> {
        flawed(flaw, span, format!("`{}` cannot be used", self.path))
    }
}

impl Named for Rows<'_> {
    fn numbers(&self, name: &str, span: Span) -> Attempt<Quantity> {
        let numbers = self.table.numbers_of(name, self.rows.iter().copied(), self.blank);
        Ok(Quantity::array(numbers.map_err(|flaw| self.unusable(flaw, span))?, Dim::ONE, None))
    }

    fn texts(&self, name: &str, span: Span) -> Attempt<Arc<Texts>> {
        let all = self.table.texts(name).map_err(|flaw| self.unusable(flaw, span))?;
        match self.rows.len() == all.len() {
            true => Ok(all.clone()),
            false => Ok(Arc::new(self.rows.iter().map(|k| all.at(*k)).collect())),
        }
    }
}

/// Evaluates an expression of columns for the rows in use: `weight = 0.1 nS * weight`.
fn of_rows(
    scope: &Scope,
    of: &FromTable,
    (table, rows): (&Table, &[usize]),
    e: &Expr,
    what: &str,
) -> Attempt<Vec<f64>> {
    let blank = of.blank.as_ref().map(|e| scope.number(e)).transpose()?;
    let columns = Rows { table, rows, blank, path: &of.path };
    let inner = Scope::new(scope.world, scope.locals).with_columns(&columns);
    let q = inner.quantity(e)?;
    let values = match (q.single(), &q.shape[..]) {
        (None, [n]) if *n == rows.len() && q.rows.is_none() => q.data.to_vec(),
        (Some(one), _) => vec![one; rows.len()],
        (None, shape) => {
            let found = match shape {
                [n] => format!("{n} {what}s"),
                more => format!("{}, as {what}s,", extent(more)),
            };
            let message = format!("{found} for {} rows of `{}`", rows.len(), of.path);
            let d = Diagnostic::at(Code::E0403, e.span, message, "a list has a value for each row");
            return Err(Box::new(d.help("give one for each row that is read, or one for all, or name a column")));
        }
    };
    if let Some(k) = values.iter().position(|x| !x.is_finite()) {
        let what = format!("{}: the {what} is {}, not a finite number", table.place(rows[k]), values[k]);
        let fix = "correct the row, or the expression; smaller numbers may need a larger unit";
        return Err(columns.unusable(Flaw::new(what, fix), e.span));
    }
    Ok(values)
}
