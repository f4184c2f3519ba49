//! `connect from "edges.csv"(pre = "Source", post = "Target", ids = table, weight = …, where = "type", equals = "chemical")`

use crate::data::{Flaw, Table};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, Scope, fail, flawed};
use crate::hir::network::model::FromTable;
use crate::hir::typed::Expr;
use crate::plan::Edge;
use crate::source::Span;
use crate::units::{Dim, format_quantity, lookup};
use crate::value::{Quantity, Value, View, extent};
use indexmap::IndexMap;

/// What columns of a table say of synapses.
#[derive(Default)]
pub struct Columns {
    /// Weights.
    pub weight: Option<Vec<f64>>,
    /// Delays, and where they are written.
    pub delay: Option<(Vec<f64>, Span)>,
}

/// Reads synapses, and their weights and delays if columns give them, from a table.
pub fn from_table(scope: &Scope, of: &FromTable, pre: View, post: View) -> Attempt<(Vec<Edge>, Columns)> {
    let table = read(scope, of)?;
    let text = |e: &Option<Expr>, default: &str| match e {
        None => Ok(default.to_string()),
        Some(e) => scope.text(e).map(|t| t.to_string()),
    };
    let column = |n: &str, span: Span| match table.columns.get(n) {
        Some(c) => Ok(c),
        None => {
            let d = Diagnostic::at(Code::E0803, span, format!("`{}` lacks a column", of.path), table.no_column(n));
            Err(Box::new(d.help("say which columns name the ends: `pre = \"source\", post = \"target\"`")))
        }
    };
    let at = |e: &Option<Expr>| e.as_ref().map_or(of.span, |e| e.span);
    let names = (text(&of.ends.0, "pre")?, text(&of.ends.1, "post")?);
    let sources = column(&names.0, at(&of.ends.0))?;
    let targets = column(&names.1, at(&of.ends.1))?;
    let filter = match &of.filter {
        None => None,
        Some((name, equals)) => Some((column(&scope.text(name)?, name.span)?, scope.text(equals)?)),
    };
    let ids = ids(scope, of)?;
    let skip = match &*text(&of.missing, "error")? {
        "error" => false,
        "skip" => true,
        other => {
            let message = format!("`missing` cannot be \"{other}\"");
            return fail(Code::E0401, at(&of.missing), message, "expected \"error\" or \"skip\"");
        }
    };
    let (mut edges, mut rows) = (Vec::new(), Vec::new());
    for k in 0..table.rows() {
        if filter.as_ref().is_some_and(|(c, wanted)| *c[k] != **wanted) {
            continue;
        }
        let ends = [(&names.0, &sources[k], pre.n), (&names.1, &targets[k], post.n)];
        let found = ends.map(|(_, text, n)| cell(ids.as_ref(), text, n));
        if let [Cell::At(i), Cell::At(j)] = found {
            edges.push(Edge { pre: pre.start as u32 + i, post: post.start as u32 + j });
            rows.push(k);
            continue;
        }
        // A row is left out if its cells are not there, but not if they can be nowhere.
        let end = found.iter().position(|c| matches!(c, Cell::Impossible));
        let end = end.or_else(|| found.iter().position(|c| matches!(c, Cell::Absent)).filter(|_| !skip));
        if let Some(end) = end {
            return Err(no_cell(of, &table.place(k), found[end], ends[end]));
        }
    }
    let values = |e: &Option<Expr>, what: &str| -> Attempt<Option<(Vec<f64>, Span)>> {
        let Some(e) = e else { return Ok(None) };
        Ok(Some((of_rows(scope, of, (&table, &rows), e, what)?, e.span)))
    };
    let (weight, delay) = (values(&of.weight, "weight")?, values(&of.delay, "delay")?);
    if let Some((delays, span)) = &delay
        && let Some(k) = delays.iter().position(|d| *d < 0.0)
    {
        let shown = format_quantity(delays[k], Dim::TIME, lookup("ms").as_ref());
        let message = format!("{}: a delay of {shown}", table.place(rows[k]));
        let d = Diagnostic::at(Code::E0601, *span, message, "nothing arrives before it is sent");
        return Err(Box::new(d.help("give every row a delay of at least `dt`")));
    }
    Ok((edges, Columns { weight: weight.map(|(w, _)| w), delay }))
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

/// Finds the cell that a text names: by its name, or else by its index.
fn cell(ids: Option<&IndexMap<String, u32>>, text: &str, n: usize) -> Cell {
    let within = |index: u32| if (index as usize) < n { Cell::At(index) } else { Cell::Absent };
    match ids {
        Some(ids) => ids.get(text).map_or(Cell::Absent, |index| within(*index)),
        None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().map_or(Cell::Absent, within),
        None => Cell::Impossible,
    }
}

/// Refuses a row that names no cell.
fn no_cell(of: &FromTable, place: &str, found: Cell, (column, text, n): (&String, &String, usize)) -> Box<Diagnostic> {
    let message = format!("{place}: `{text}` in column `{column}`");
    Box::new(match found {
        Cell::Impossible => Diagnostic::at(Code::E0609, of.span, message, "a cell is a whole number, not negative")
            .help("number the cells from 0, or name them: `ids = table`"),
        _ => Diagnostic::at(Code::E0609, of.span, message, format!("no such cell among the {n} cells of this end"))
            .help("add `missing = \"skip\"` if such rows are to be left out"),
    })
}

fn read(scope: &Scope, of: &FromTable) -> Attempt<Table> {
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
    crate::data::csv(&of.path, &bytes, delimiter)
        .map_err(|flaw| flawed(flaw, of.span, format!("`{}` is not a table", of.path)))
}

/// The index of each name in the first column of a table; without one, cells are numbers.
fn ids(scope: &Scope, of: &FromTable) -> Attempt<Option<IndexMap<String, u32>>> {
    let Some(e) = &of.ids else { return Ok(None) };
    let Value::Table(t) = scope.eval(e)? else {
        return fail(Code::E0401, e.span, "expected a table of names", "its first column names the cells");
    };
    let mut ids = IndexMap::new();
    for (name, k) in t.columns.values().next().into_iter().flatten().zip(0..) {
        if let Some(first) = ids.insert(name.clone(), k) {
            let message = format!("`{name}` names two cells: {} and {}", t.place(first as usize), t.place(k as usize));
            let d = Diagnostic::at(Code::E0803, e.span, message, "names must differ");
            return Err(Box::new(d.help("give every cell a name of its own")));
        }
    }
    Ok(Some(ids))
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
    let columns = |name: &str, span: Span| match table.numbers_of(name, rows.iter().copied(), blank) {
        Ok(v) => Ok(Quantity::array(v, Dim::ONE, None)),
        Err(flaw) => Err(flawed(flaw, span, format!("`{}` cannot be used", of.path))),
    };
    let inner = Scope::new(scope.world, scope.locals).with_columns(&columns);
    let q = inner.quantity(e)?;
    let values = match (q.single(), &q.shape[..]) {
        (Some(one), _) => vec![one; rows.len()],
        (None, [n]) if *n == rows.len() && q.rows.is_none() => q.data.to_vec(),
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
        return Err(flawed(Flaw::new(what, fix), e.span, format!("`{}` cannot be used", of.path)));
    }
    Ok(values)
}
