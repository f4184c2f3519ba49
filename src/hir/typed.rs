//! Checked expressions of networks and experiments: every name an id, every call a row of the table, every part with its type and
//! its place in the text. Expressions of cells and synapses pass through the same form on their way to [`super::Expr`].

use super::expr::{EventId, Expr as CellExpr, Op, VarId};
use super::ty::Ty;
use crate::builtin::{Builtin, End, Func};
use crate::source::Span;
use cranelift_entity::entity_impl;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A name of a network's or experiment's body, or of a function's arguments.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LocalId(u32);
entity_impl!(LocalId, "local");

/// An expression with its type and place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type.
    pub ty: Ty,
    /// The text it was read from.
    pub span: Span,
}

/// What is asked about one cell of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coordinate {
    /// Its index in the view.
    Index,
    /// How many cells the view has.
    Count,
    /// Its place on an axis of the grid.
    Axis(usize),
}

/// What is seen of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A parameter or a state.
    Local(LocalId),
    /// A `let`, by its place.
    Let(usize),
    /// Whether it is done.
    Done,
}

/// The forms of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A number in internal units.
    Number(f64),
    /// `true`, `false`
    Bool(bool),
    /// `"text"`
    Text(Arc<str>),
    /// Something that only a cell or synapse has.
    Cell(CellExpr),
    /// What a name stands for.
    Local(LocalId),
    /// `i`
    Index,
    /// `t`
    Time,
    /// `dt`
    Step,
    /// `d`
    Distance,
    /// `pre.i`, `post.x`
    OfPair(End, Coordinate),
    /// A column of the table that is being read, by its name.
    TableColumn(Arc<str>),
    /// `-x`
    Neg(Box<Expr>),
    /// `not x`
    Not(Box<Expr>),
    /// `a op b`
    Binary(Op, Box<Expr>, Box<Expr>),
    /// `x in lo .. hi`; the ends are a range
    In(Box<Expr>, Box<Expr>),
    /// `lo .. hi`
    Range(Box<Expr>, Box<Expr>),
    /// `lo .. hi step s`: the values from one end to the other
    Stepped(Box<Expr>, Box<Expr>),
    /// `a == b within tolerance`
    Within(Box<Within>),
    /// `if c then a else b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `[a, b]`
    List(Vec<Expr>),
    /// A function of single numbers.
    Function(Func, Vec<Expr>),
    /// A row of the table with its arguments by parameter, and those whose names the caller chose.
    Call(&'static Builtin, Vec<Option<Expr>>, Vec<(String, Expr)>),
    /// A user's function: its arguments, each evaluated once, and its body.
    Let(Vec<(LocalId, Expr)>, Box<Expr>),
    /// A name of a network, from outside.
    Member(Box<Expr>, String),
    /// Something of a world.
    OfEnvironment(Box<Expr>, Seen),
    /// The number of cells of a population.
    Size(Box<Expr>),
    /// A variable of cells, of one segment of a cable if one is named.
    Variable {
        /// The cells.
        of: Box<Expr>,
        /// The variable.
        id: VarId,
        /// The segment.
        segment: Option<Box<Expr>>,
    },
    /// Recorded events of cells.
    Events {
        /// The cells.
        of: Box<Expr>,
        /// The event.
        id: EventId,
    },
    /// A weight, state or parameter of a projection's synapses.
    Synaptic {
        /// The projection.
        of: Box<Expr>,
        /// The variable's name; its id may differ between ends.
        name: String,
    },
    /// A column of a table.
    Column(Box<Expr>, Arc<str>),
    /// The texts of a column.
    Texts(Box<Expr>),
    /// A part of a data set.
    Part(Box<Expr>, String),
    /// A field of a data set.
    Field(Box<Expr>, String),
    /// `x[i]`, `x[2 .. 5]`, `x[*, 3]`, `x[order]`
    Element(Box<Expr>, Vec<Expr>),
    /// `*` in an index.
    All,
    /// A series of values as a function of time: the values, their interval, whether it is interpolated.
    Sampled(Box<Expr>, Box<Expr>, bool),
    /// What was gathered over a data set, all numbers one after the other.
    Gathered(usize),
    /// The same, with a row for each example.
    Rows(usize),
    /// A value at the end of the last window of a name.
    AtEnd(Box<Expr>, String),
    /// What could not be understood; reported already.
    Error,
}

/// `a == b within tolerance`
#[derive(Debug, Clone, PartialEq)]
pub struct Within {
    /// Left side.
    pub a: Expr,
    /// Right side.
    pub b: Expr,
    /// How far apart they may be.
    pub tolerance: Expr,
    /// Whether the tolerance is a part of the right side.
    pub relative: bool,
}

impl Expr {
    /// An expression.
    pub fn new(kind: ExprKind, ty: Ty, span: Span) -> Expr {
        Expr { kind, ty, span }
    }

    /// One that was reported.
    pub fn error(span: Span) -> Expr {
        Expr { kind: ExprKind::Error, ty: Ty::error(), span }
    }

    /// Returns whether an earlier error made it unknown.
    pub fn is_error(&self) -> bool {
        self.ty.is_error()
    }

    /// Returns whether it is written like another one, wherever they stand.
    pub fn is_spelled_like(&self, other: &Expr) -> bool {
        use ExprKind::*;
        let names = match (&self.kind, &other.kind) {
            (Local(a), Local(b)) => a == b,
            (Number(a), Number(b)) => a == b,
            (Text(a), Text(b)) => a == b,
            (Member(_, a), Member(_, b)) => a == b,
            (Variable { id: a, .. }, Variable { id: b, .. }) => a == b,
            (Binary(a, ..), Binary(b, ..)) => a == b,
            (Element(..), Element(..))
            | (Range(..), Range(..))
            | (List(_), List(_))
            | (Neg(_), Neg(_))
            | (All, All) => true,
            _ => false,
        };
        let (a, b) = (self.parts(), other.parts());
        names && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_spelled_like(b))
    }

    /// The variable, if it is one of all cells of a population.
    pub fn is_of_all(&self, population: LocalId) -> Option<VarId> {
        match &self.kind {
            ExprKind::Variable { of, id, segment: None } if of.kind == ExprKind::Local(population) => Some(*id),
            _ => None,
        }
    }

    /// Returns whether a variable of cells is one of all cells that another one is of, as far as the text says.
    pub fn covers(&self, other: &Expr) -> bool {
        use ExprKind::{Element, Variable};
        let (Variable { of, id, segment }, Variable { of: part, id: same, segment: at }) = (&self.kind, &other.kind)
        else {
            return false;
        };
        let segments = match (segment, at) {
            (None, _) => true,
            (Some(a), Some(b)) => a.is_spelled_like(b),
            (Some(_), None) => false,
        };
        let cells = of.is_spelled_like(part) || matches!(&part.kind, Element(whole, _) if of.is_spelled_like(whole));
        id == same && segments && cells
    }

    /// Returns whether it compares two values.
    pub fn is_comparison(&self) -> bool {
        use Op::{Eq, Ge, Gt, Le, Lt, Ne};
        matches!(self.kind, ExprKind::Binary(Eq | Ne | Lt | Le | Gt | Ge, ..) | ExprKind::In(..) | ExprKind::Within(_))
    }

    /// Returns the texts of a column, if it is one.
    pub fn texts(&self) -> Option<Expr> {
        let column = matches!(self.kind, ExprKind::Column(..) | ExprKind::TableColumn(_));
        column.then(|| Expr::new(ExprKind::Texts(Box::new(self.clone())), Ty::of(super::Kind::Texts), self.span))
    }

    /// Returns the parts.
    pub fn parts(&self) -> Vec<&Expr> {
        use ExprKind::*;
        match &self.kind {
            Neg(a)
            | Not(a)
            | Texts(a)
            | Member(a, _)
            | OfEnvironment(a, _)
            | Size(a)
            | Column(a, _)
            | Part(a, _)
            | Field(a, _)
            | AtEnd(a, _) => vec![a],
            Events { of, .. } | Synaptic { of, .. } => vec![of],
            Binary(_, a, b) | In(a, b) | Range(a, b) | Stepped(a, b) | Sampled(a, b, _) => vec![a, b],
            If(a, b, c) => vec![a, b, c],
            Within(w) => vec![&w.a, &w.b, &w.tolerance],
            List(items) | Function(_, items) => items.iter().collect(),
            Call(_, args, fields) => args.iter().flatten().chain(fields.iter().map(|(_, e)| e)).collect(),
            Let(bound, body) => bound.iter().map(|(_, e)| e).chain([&**body]).collect(),
            Variable { of, segment, .. } => [&**of].into_iter().chain(segment.as_deref()).collect(),
            Element(of, index) => [&**of].into_iter().chain(index).collect(),
            Number(_) | Bool(_) | Text(_) | Cell(_) | Local(_) | Index | Time | Step | Distance | OfPair(..)
            | TableColumn(_) | All | Gathered(_) | Rows(_) | Error => Vec::new(),
        }
    }

    /// Returns whether any part satisfies the predicate.
    pub fn any(&self, predicate: &dyn Fn(&Expr) -> bool) -> bool {
        predicate(self) || self.parts().into_iter().any(|p| p.any(predicate))
    }

    /// Returns whether it follows simulated time.
    pub fn is_timed(&self) -> bool {
        self.any(&|e| matches!(e.kind, ExprKind::Time | ExprKind::Sampled(..)))
    }

    /// Returns whether it differs from cell to cell by their index.
    pub fn is_per_cell(&self) -> bool {
        self.any(&|e| matches!(e.kind, ExprKind::Index))
    }

    /// Returns whether it differs from pair to pair of cells.
    pub fn is_per_pair(&self) -> bool {
        self.any(&|e| matches!(e.kind, ExprKind::Distance | ExprKind::OfPair(..)))
    }

    /// Finds the part that differs from cell to cell, pair to pair or in time and yet is no number for each of them.
    pub fn not_elementwise(&self) -> Option<Span> {
        self.not_elementwise_with(&mut BTreeSet::new())
    }

    fn not_elementwise_with(&self, bound: &mut BTreeSet<LocalId>) -> Option<Span> {
        use ExprKind::*;
        if !self.varies(bound) {
            return None;
        }
        match &self.kind {
            Index | Time | Distance | OfPair(..) | Local(_) | Sampled(..) | Error => None,
            Neg(_) | Not(_) | Binary(..) | In(..) | Range(..) | If(..) | Function(..) => {
                self.parts().into_iter().find_map(|p| p.not_elementwise_with(bound))
            }
            Let(names, body) => {
                for (id, value) in names {
                    if let Some(span) = value.not_elementwise_with(bound) {
                        return Some(span);
                    }
                    if value.varies(bound) {
                        bound.insert(*id);
                    }
                }
                body.not_elementwise_with(bound)
            }
            Element(of, index) if !of.varies(bound) => index.iter().find_map(|i| i.not_elementwise_with(bound)),
            _ => Some(self.span),
        }
    }

    /// Returns whether it differs from cell to cell, pair to pair or in time, or reads one of the names that do.
    pub fn varies(&self, bound: &BTreeSet<LocalId>) -> bool {
        use ExprKind::*;
        self.any(&|e| match &e.kind {
            Index | Time | Distance | OfPair(..) | Sampled(..) => true,
            Local(id) => bound.contains(id),
            _ => false,
        })
    }

    /// Collects the names that are read.
    pub fn locals(&self, out: &mut Vec<LocalId>) {
        if let ExprKind::Local(id) = self.kind {
            out.push(id);
        }
        self.parts().into_iter().for_each(|p| p.locals(out));
    }

    /// Takes the elements of a list apart.
    pub fn elements(&self) -> &[Expr] {
        match &self.kind {
            ExprKind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Returns the number of parts, and the height, that it has where names stand for what they are bound to.
    pub fn written_out(&self) -> (usize, usize) {
        self.written_out_with(&mut BTreeMap::new())
    }

    fn written_out_with(&self, bound: &mut BTreeMap<LocalId, (usize, usize)>) -> (usize, usize) {
        match &self.kind {
            ExprKind::Local(id) => return bound.get(id).copied().unwrap_or((1, 1)),
            ExprKind::Let(names, body) => {
                for (id, e) in names {
                    let size = e.written_out_with(bound);
                    bound.insert(*id, size);
                }
                return body.written_out_with(bound);
            }
            _ => {}
        }
        let parts = self.parts().into_iter().map(|p| p.written_out_with(bound));
        let (n, height) = parts.fold((1usize, 0), |(n, most), (m, height)| (n.saturating_add(m), height.max(most)));
        (n, height + 1)
    }

    /// Finds a part that no cell or synapse can have, such as an array.
    pub fn foreign_to_cells(&self) -> Option<&Expr> {
        use ExprKind::*;
        match &self.kind {
            Number(_) | Bool(_) | Cell(_) | Time | Step | Local(_) | Error => None,
            // The ends of `in` are a range.
            In(x, ends) => [&**x].into_iter().chain(ends.parts()).find_map(|p| p.foreign_to_cells()),
            Neg(_) | Not(_) | Binary(..) | Within(_) | If(..) | Function(..) | Let(..) => {
                self.parts().into_iter().find_map(|p| p.foreign_to_cells())
            }
            _ => Some(self),
        }
    }

    /// Turns it into an expression of a cell or synapse; it has nothing that is foreign to them.
    pub fn cell(self) -> CellExpr {
        self.cell_with(&mut BTreeMap::new())
    }

    fn cell_with(self, bound: &mut BTreeMap<LocalId, CellExpr>) -> CellExpr {
        let both = |a: Expr, b: Expr, bound: &mut BTreeMap<LocalId, CellExpr>| (a.cell_with(bound), b.cell_with(bound));
        match self.kind {
            ExprKind::Number(v) => CellExpr::Num(v),
            ExprKind::Bool(b) => CellExpr::Bool(b),
            ExprKind::Cell(e) => e,
            ExprKind::Time => CellExpr::Time,
            ExprKind::Step => CellExpr::Dt,
            ExprKind::Local(id) => bound.get(&id).cloned().unwrap_or(CellExpr::Num(0.0)),
            ExprKind::Neg(a) => CellExpr::Neg(Box::new(a.cell_with(bound))),
            ExprKind::Not(a) => CellExpr::Not(Box::new(a.cell_with(bound))),
            ExprKind::Binary(op, a, b) => {
                let (a, b) = both(*a, *b, bound);
                CellExpr::bin(op, a, b)
            }
            ExprKind::In(x, ends) => {
                let ExprKind::Range(lo, hi) = ends.kind else { return CellExpr::Bool(true) };
                let (x, (lo, hi)) = (x.cell_with(bound), both(*lo, *hi, bound));
                CellExpr::bin(Op::And, CellExpr::bin(Op::Ge, x.clone(), lo), CellExpr::bin(Op::Le, x, hi))
            }
            ExprKind::Within(w) => {
                let ((a, b), tolerance) = (both(w.a, w.b, bound), w.tolerance.cell_with(bound));
                let off = CellExpr::Call(Func::Abs, vec![CellExpr::bin(Op::Sub, a, b.clone())]);
                let allowed = match w.relative {
                    true => CellExpr::bin(Op::Mul, tolerance, CellExpr::Call(Func::Abs, vec![b])),
                    false => tolerance,
                };
                CellExpr::bin(Op::Le, off, allowed)
            }
            ExprKind::If(c, a, b) => {
                let (c, (a, b)) = (c.cell_with(bound), both(*a, *b, bound));
                CellExpr::If(Box::new(c), Box::new(a), Box::new(b))
            }
            ExprKind::Function(f, args) => CellExpr::Call(f, args.into_iter().map(|a| a.cell_with(bound)).collect()),
            ExprKind::Let(names, body) => {
                for (id, e) in names {
                    let e = e.cell_with(bound);
                    bound.insert(id, e);
                }
                body.cell_with(bound)
            }
            _ => CellExpr::Num(0.0),
        }
    }
}
