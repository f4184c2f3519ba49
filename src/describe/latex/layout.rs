//! What a section is laid out as: tables over several pages, displayed equations, lines of statements.

use super::formula::Formula;
use super::math::Typesetter;
use super::scope::Symbol;
use crate::syntax::ast::{BinOp, Expr, ExprKind};
use std::fmt::Write;

/// Columns of a table: the head of each, and its share of the width of a line.
pub type Columns = &'static [(&'static str, f32)];

/// A table that may go over several pages.
pub struct Table {
    columns: Columns,
    rows: Vec<String>,
}

impl Table {
    pub fn new(columns: Columns) -> Table {
        Table { columns, rows: Vec::new() }
    }

    /// A row; cells that nothing stands in are empty.
    pub fn row(&mut self, cells: &[String]) {
        self.rows.push(format!("{} \\\\", cells.join(" & ")));
    }

    /// A line over rows that belong together.
    pub fn group(&mut self, of: &str) {
        if !self.rows.is_empty() {
            self.rows.push("\\addlinespace".into());
        }
        self.rows.push(format!("\\multicolumn{{{}}}{{@{{}}l@{{}}}}{{\\textit{{{of}}}}} \\\\", self.columns.len()));
    }

    /// The table below a caption; nothing if it has no rows.
    pub fn written(&self, caption: &str) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let column = |(_, share): &(&str, f32)| format!(">{{\\raggedright\\arraybackslash}}p{{{share:.2}\\linewidth}}");
        let columns: String = self.columns.iter().map(column).collect();
        let heads: Vec<String> = self.columns.iter().map(|(head, _)| format!("\\textbf{{{head}}}")).collect();
        let head = heads.join(" & ");
        let rows = self.rows.join("\n");
        format!(
            "\\begin{{longtable}}{{@{{}}{columns}@{{}}}}\n\\caption{{{caption}}} \\\\\n\\toprule\n{head} \\\\\n\\midrule\n\
             \\endfirsthead\n\\toprule\n{head} \\\\\n\\midrule\n\\endhead\n\\bottomrule\n\\endfoot\n{rows}\n\\end{{longtable}}\n\n"
        )
    }
}

/// Lines of text, some of them further in than others.
#[derive(Default)]
pub struct Lines(String);

impl Lines {
    pub fn line(&mut self, depth: usize, text: &str) {
        let _ = writeln!(self.0, "\\neuroline{{{}}}{{{text}}}", depth as f32 * 1.5);
    }

    /// The lines as a paragraph of their own.
    pub fn written(self) -> String {
        if self.0.is_empty() { String::new() } else { format!("{}\\medskip\n\n", self.0) }
    }
}

/// Equations one below the other.
pub struct Equations<'a> {
    set: Typesetter<'a>,
    rows: Vec<String>,
    out: String,
}

/// The widest equation that fits between the margins, in letters.
const WIDEST: f32 = 54.0;

impl<'a> Equations<'a> {
    pub fn new(set: Typesetter<'a>) -> Equations<'a> {
        Equations { set, rows: Vec::new(), out: String::new() }
    }

    /// `dx/dt = e`
    pub fn rate(&mut self, of: &Symbol, e: &Expr) {
        self.equal(&rate(&of.tex()), e);
    }

    /// What stands left of the sign, and the expression that it equals.
    pub fn equal(&mut self, left: &str, right: &Expr) {
        let whole = self.set.set(right);
        if whole.width <= WIDEST {
            return self.rows.push(format!("{left} &= {}", whole.tex));
        }
        match self.broken(right) {
            Some(lines) => self.rows.push(format!("{left} &= {}", lines.join(" \\\\\n&\\quad {} "))),
            None => self.flowing(left, right),
        }
    }

    /// An equation that is typeset already.
    pub fn given(&mut self, left: &str, right: &str) {
        self.rows.push(format!("{left} &= {right}"));
    }

    /// A sum on several lines, if its terms fit; what it is divided by stands before it.
    fn broken(&self, e: &Expr) -> Option<Vec<String>> {
        let ExprKind::Binary(BinOp::Div, sum, by) = &e.kind else { return self.broken_sum(e, WIDEST - 2.0) };
        let by = self.set.set(by);
        let mut lines = self.broken_sum(sum, WIDEST - 6.0 - by.width)?;
        if let Some(first) = lines.first_mut() {
            *first = format!("\\frac{{1}}{{{}}}\\,\\Bigl( {first}", by.tex);
        }
        if let Some(last) = lines.last_mut() {
            last.push_str(" \\Bigr)");
        }
        Some(lines)
    }

    fn broken_sum(&self, e: &Expr, widest: f32) -> Option<Vec<String>> {
        let mut lines: Vec<(String, f32)> = Vec::new();
        for (sign, term) in terms(e) {
            let Formula { tex, width, .. } = self.set.term(term);
            if width > widest {
                return None;
            }
            match lines.last_mut().filter(|(_, before)| before + width <= widest) {
                Some((line, before)) => {
                    let _ = write!(line, " {sign} {tex}");
                    *before += width + 2.0;
                }
                None => lines.push((format!("{sign} {tex}"), width + 2.0)),
            }
        }
        let lines: Vec<String> = lines.into_iter().map(|(line, _)| line.trim_start().to_string()).collect();
        (lines.len() > 1).then_some(lines)
    }

    /// An equation that is broken wherever a line ends.
    fn flowing(&mut self, left: &str, right: &Expr) {
        self.end();
        let _ = writeln!(self.out, "\\neuroline{{1.5}}{{${left} = {}$}}", self.set.flowing(right));
    }

    fn end(&mut self) {
        if !self.rows.is_empty() {
            let rows = std::mem::take(&mut self.rows).join(" \\\\\n");
            let _ = write!(self.out, "{{\\allowdisplaybreaks\n\\begin{{align*}}\n{rows}\n\\end{{align*}}}}\n");
        }
    }

    pub fn written(mut self) -> String {
        self.end();
        if self.out.is_empty() { self.out } else { self.out + "\n" }
    }
}

/// `dx/dt`
pub fn rate(of: &str) -> String {
    let space = if of.starts_with("\\mathit") { "\\," } else { "" };
    format!("\\frac{{d{space}{of}}}{{dt}}")
}

/// The terms of a sum with their signs; the first has none.
fn terms(e: &Expr) -> Vec<(&'static str, &Expr)> {
    let mut out = Vec::new();
    let mut rest = e;
    while let ExprKind::Binary(op @ (BinOp::Add | BinOp::Sub), a, b) = &rest.kind {
        out.push((if *op == BinOp::Add { "+" } else { "-" }, &**b));
        rest = a;
    }
    out.push(("", rest));
    out.reverse();
    out
}
