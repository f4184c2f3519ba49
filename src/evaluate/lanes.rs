//! Expressions that differ from cell to cell, pair to pair or moment to moment: kernels over lanes.
//!
//! What does not differ is evaluated once. What is left becomes an elementwise kernel in double precision, whose inputs are indices,
//! coordinates, the time, and elements that other such kernels pick from arrays.

use super::{Attempt, Scope, fail, one_for_examples};
use crate::builtin::{End, Func};
use crate::codegen::Backend;
use crate::codegen::arrays::{ArrayFunction, ArraySlot, LANES};
use crate::diag::{Code, Diagnostic};
use crate::hir::typed::{Coordinate, Expr, ExprKind, LocalId};
use crate::hir::{Expr as CellExpr, Op, VarId};
use crate::ir::{Precision, SlotKind};
use crate::lower::{Elementwise, Held, Store};
use crate::source::Span;
use crate::value::{Quantity, Value, extent};
use cranelift_entity::EntityRef;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// What a lane's value is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// Its index.
    Index,
    /// The simulated time.
    Time,
    /// The distance of its two cells.
    Distance,
    /// Something of one of its two cells.
    Pair(Side, Asked),
}

/// One end of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Side {
    Pre,
    Post,
}

/// What is asked about a cell of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asked {
    /// Its index in the view.
    Index,
    /// How many cells the view has.
    Count,
    /// Its place on an axis.
    Axis(usize),
}

/// An input of a kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Input {
    From(Source),
    /// A value for each lane.
    Each(Arc<Vec<f64>>),
    /// Elements of an array, or of a matrix, at computed indices.
    Picked {
        values: Arc<Vec<f64>>,
        shape: Vec<usize>,
        index: Vec<CellExpr>,
        span: Span,
    },
}

/// An expression over lanes, as data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaneProgram {
    inputs: Vec<Input>,
    /// Names for parts that are used several times, each from those before it.
    temps: Vec<(VarId, CellExpr)>,
    result: CellExpr,
    span: Span,
}

impl LaneProgram {
    /// Returns whether a function of time for `n` lanes that comes from a file could have been made here.
    pub fn is_sound(&self, n: usize) -> bool {
        // How many inputs each part with a name needs, by itself and through those before it.
        let mut needs = Vec::with_capacity(self.temps.len());
        for (k, (id, e)) in self.temps.iter().enumerate() {
            match self.needed(e, &needs) {
                Some(inputs) if id.index() == TEMPS + k => needs.push(inputs),
                _ => return false,
            }
        }
        let input = |(at, i): (usize, &Input)| match i {
            Input::From(source) => matches!(source, Source::Index | Source::Time),
            Input::Each(values) => values.len() == n,
            Input::Picked { values, shape, index, .. } => {
                let elements = shape.iter().try_fold(1usize, |n, k| n.checked_mul(*k));
                let earlier = |e: &CellExpr| self.needed(e, &needs).is_some_and(|inputs| inputs <= at);
                elements == Some(values.len()) && index.len() == shape.len() && index.iter().all(earlier)
            }
        };
        self.inputs.iter().enumerate().all(input) && self.needed(&self.result, &needs).is_some()
    }

    /// Returns how many inputs an expression needs, if it is made of inputs and of parts for which that is known.
    fn needed(&self, e: &CellExpr, parts: &[usize]) -> Option<usize> {
        let mut most = Some(0);
        e.walk(&mut |e| {
            let of = match e {
                CellExpr::Var(v) => match v.index().checked_sub(TEMPS) {
                    Some(t) => parts.get(t).copied(),
                    None => (v.index() < self.inputs.len()).then_some(v.index() + 1),
                },
                CellExpr::Call(f, args) => (args.len() == f.arity()).then_some(0),
                CellExpr::Since(_) | CellExpr::Fired(_) | CellExpr::Draw(..) | CellExpr::Noise(_) => None,
                _ => Some(0),
            };
            most = most.zip(of).map(|(a, b)| a.max(b));
        });
        most
    }
}

/// The first id of a part with a name; inputs have the ids below.
const TEMPS: usize = 1 << 20;

struct Builder<'s, 'a> {
    scope: &'s Scope<'a>,
    inputs: Vec<Input>,
    temps: Vec<(VarId, CellExpr)>,
    /// What names of functions stand for, if it differs from lane to lane.
    bound: HashMap<LocalId, VarId>,
    /// Of how many lanes an array may have one each.
    lanes: Option<(usize, &'static str)>,
}

impl Builder<'_, '_> {
    /// Returns whether a value differs from lane to lane.
    fn varies(&self, e: &Expr) -> bool {
        e.varies(&self.bound.keys().copied().collect())
    }

    fn input(&mut self, input: Input) -> CellExpr {
        let at = match self.inputs.iter().position(|i| *i == input) {
            Some(at) => at,
            None => {
                self.inputs.push(input);
                self.inputs.len() - 1
            }
        };
        CellExpr::Var(VarId::new(at))
    }

    fn temp(&mut self, e: CellExpr) -> VarId {
        let id = VarId::new(TEMPS + self.temps.len());
        self.temps.push((id, e));
        id
    }

    fn all(&mut self, list: &[Expr]) -> Attempt<Vec<CellExpr>> {
        list.iter().map(|e| self.build(e)).collect()
    }

    fn pair(&mut self, a: &Expr, b: &Expr) -> Attempt<(CellExpr, CellExpr)> {
        Ok((self.build(a)?, self.build(b)?))
    }

    /// Takes a value that is the same for all lanes, or an array with one for each.
    fn same(&mut self, e: &Expr) -> Attempt<CellExpr> {
        let q = match self.scope.eval(e)? {
            Value::Bool(b) => return Ok(CellExpr::Bool(b)),
            other => self.scope.as_quantity(other, e.span)?,
        };
        one_for_examples(&q, e.span)?;
        match (q.single(), self.lanes) {
            (Some(v), _) => Ok(CellExpr::Num(v)),
            (None, Some((n, _))) if q.data.len() == n => Ok(self.input(Input::Each(q.data.clone()))),
            (None, Some((n, what))) => {
                let message = format!("{} values for {n} {what}s", q.data.len());
                fail(Code::E0403, e.span, message, format!("one value per {what} is needed"))
            }
            (None, None) => {
                let message = format!("{} where one number is needed", extent(&q.shape));
                fail(Code::E0403, e.span, message, "has several values")
            }
        }
    }

    fn build(&mut self, e: &Expr) -> Attempt<CellExpr> {
        if !self.varies(e) {
            return self.same(e);
        }
        Ok(match &e.kind {
            ExprKind::Index => self.input(Input::From(Source::Index)),
            ExprKind::Time => self.input(Input::From(Source::Time)),
            ExprKind::Distance => self.input(Input::From(Source::Distance)),
            ExprKind::OfPair(end, coordinate) => {
                let side = if *end == End::Pre { Side::Pre } else { Side::Post };
                let asked = match coordinate {
                    Coordinate::Index => Asked::Index,
                    Coordinate::Count => Asked::Count,
                    Coordinate::Axis(k) => Asked::Axis(*k),
                };
                self.input(Input::From(Source::Pair(side, asked)))
            }
            ExprKind::Local(id) => CellExpr::Var(self.bound[id]),
            ExprKind::Neg(a) => CellExpr::Neg(Box::new(self.build(a)?)),
            ExprKind::Not(a) => CellExpr::Not(Box::new(self.build(a)?)),
            ExprKind::Binary(op, a, b) => {
                let (a, b) = self.pair(a, b)?;
                CellExpr::bin(*op, a, b)
            }
            ExprKind::In(x, ends) => {
                let x = self.build(x)?;
                let x = CellExpr::Var(self.temp(x));
                let (lo, hi) = match &ends.kind {
                    ExprKind::Range(lo, hi) => self.pair(lo, hi)?,
                    _ => {
                        let (lo, hi) = self.scope.range(ends)?;
                        (CellExpr::Num(lo), CellExpr::Num(hi))
                    }
                };
                CellExpr::bin(Op::And, CellExpr::bin(Op::Ge, x.clone(), lo), CellExpr::bin(Op::Le, x, hi))
            }
            ExprKind::If(c, a, b) => {
                let c = self.build(c)?;
                let (a, b) = self.pair(a, b)?;
                CellExpr::If(Box::new(c), Box::new(a), Box::new(b))
            }
            ExprKind::Function(f, args) => CellExpr::Call(*f, self.all(args)?),
            ExprKind::Let(names, body) => {
                for (id, value) in names {
                    if self.varies(value) {
                        let value = self.build(value)?;
                        let temp = self.temp(value);
                        self.bound.insert(*id, temp);
                    } else {
                        let value = self.scope.eval(value)?;
                        self.scope.bind(*id, value);
                    }
                }
                self.build(body)?
            }
            ExprKind::Element(of, index) if !self.varies(of) => {
                let q = self.scope.quantity(of)?;
                let fits = q.rows.is_none() && q.shape.len() == index.len();
                if !fits {
                    let message = format!(
                        "{} index{} of {}",
                        index.len(),
                        if index.len() == 1 { "" } else { "es" },
                        extent(&q.shape)
                    );
                    return fail(Code::E0406, e.span, message, "one for each axis is needed");
                }
                let index = self.all(index)?;
                self.input(Input::Picked { values: q.data.clone(), shape: q.shape.clone(), index, span: e.span })
            }
            ExprKind::Sampled(series, every, linear) => self.sampled(series, every, *linear, e.span)?,
            _ => {
                let d = crate::diag::unsupported(
                    e.span,
                    "this of a value that differs from cell to cell, pair to pair or in time",
                );
                return Err(Box::new(
                    d.help("use arithmetic, conditions, functions of numbers, and elements of arrays"),
                ));
            }
        })
    }

    /// `samples(values, every, linear)`: the value of the interval that the time lies in, or a mixture of the two beside it.
    fn sampled(&mut self, series: &Expr, every: &Expr, linear: bool, span: Span) -> Attempt<CellExpr> {
        let (q, every_value) = (self.scope.quantity(series)?, self.scope.number(every)?);
        if !(every_value > 0.0 && every_value.is_finite()) {
            return fail(Code::E0404, every.span, "the interval of samples must be positive", "out of range");
        }
        let (values, shape) = (q.data.clone(), q.shape.clone());
        let columns = match shape[..] {
            [n] if n > 0 => None,
            [rows, columns] if rows > 0 => Some(columns),
            _ => {
                return fail(
                    Code::E0403,
                    series.span,
                    "samples are an array, or a matrix with a row for each time",
                    "neither",
                );
            }
        };
        if columns.is_some_and(|c| self.lanes.is_none_or(|(n, _)| n != c)) {
            let message = format!("samples of {} cells", columns.unwrap_or_default());
            return fail(Code::E0403, series.span, message, "a column for each cell is needed");
        }
        let time = self.input(Input::From(Source::Time));
        // A moment that is whole but for rounding belongs to the interval that begins there.
        let moment = CellExpr::bin(Op::Div, time, CellExpr::Num(every_value));
        let moment = CellExpr::Var(self.temp(moment));
        let nudged = CellExpr::bin(Op::Add, moment.clone(), CellExpr::Num(1e-6));
        let below = CellExpr::Call(Func::Floor, vec![nudged]);
        let below = CellExpr::Var(self.temp(below));
        let pick = |builder: &mut Self, row: CellExpr| {
            let index = match columns {
                None => vec![row],
                Some(_) => vec![row, builder.input(Input::From(Source::Index))],
            };
            builder.input(Input::Picked { values: values.clone(), shape: shape.clone(), index, span })
        };
        let first = pick(self, below.clone());
        if !linear {
            return Ok(first);
        }
        let last = CellExpr::Num(shape[0] as f64 - 1.0);
        let above = CellExpr::Call(Func::Min, vec![CellExpr::bin(Op::Add, below.clone(), CellExpr::Num(1.0)), last]);
        let second = pick(self, above);
        let part = CellExpr::bin(Op::Sub, moment, below);
        let part = CellExpr::Call(Func::Max, vec![part, CellExpr::Num(0.0)]);
        let rise = CellExpr::bin(Op::Mul, part, CellExpr::bin(Op::Sub, second, first.clone()));
        Ok(CellExpr::bin(Op::Add, first, rise))
    }
}

impl LaneProgram {
    /// Makes the program of an expression. Arrays may have a value for each of `lanes`, which are called so in messages.
    pub fn new(scope: &Scope, e: &Expr, lanes: Option<(usize, &'static str)>) -> Attempt<LaneProgram> {
        let mut b = Builder { scope, inputs: Vec::new(), temps: Vec::new(), bound: HashMap::new(), lanes };
        let result = b.build(e)?;
        let truth = matches!(e.ty.kind, crate::hir::Kind::Bool);
        let one_or_zero =
            |e: CellExpr| CellExpr::If(Box::new(e), Box::new(CellExpr::Num(1.0)), Box::new(CellExpr::Num(0.0)));
        let result = if truth { one_or_zero(result) } else { result };
        Ok(LaneProgram { inputs: b.inputs, temps: b.temps, result, span: e.span })
    }

    /// Makes the program of values that do not change, one for each lane.
    pub fn constant(values: Vec<f64>, span: Span) -> LaneProgram {
        let inputs = vec![Input::Each(Arc::new(values))];
        LaneProgram { inputs, temps: Vec::new(), result: CellExpr::Var(VarId::new(0)), span }
    }

    /// The same with other lanes: each has the value of one of these, or 0.
    pub fn spread(&self, places: &[Option<u32>]) -> LaneProgram {
        let at = |k: &Option<u32>| k.unwrap_or(0) as usize;
        let each = |of: &dyn Fn(usize) -> f64| Input::Each(Arc::new(places.iter().map(|k| of(at(k))).collect()));
        let spread = |input: &Input| match input {
            Input::From(Source::Index) => each(&|k| k as f64),
            Input::Each(values) => each(&|k| values[k]),
            other => other.clone(),
        };
        let mut inputs: Vec<Input> = self.inputs.iter().map(spread).collect();
        let among = CellExpr::Var(VarId::new(inputs.len()));
        let yes = places.iter().map(|k| if k.is_some() { 1.0 } else { 0.0 }).collect();
        inputs.push(Input::Each(Arc::new(yes)));
        let one = CellExpr::bin(Op::Gt, among, CellExpr::Num(0.0));
        let result = CellExpr::If(Box::new(one), Box::new(self.result.clone()), Box::new(CellExpr::Num(0.0)));
        LaneProgram { inputs, result, ..self.clone() }
    }

    /// Returns where it is written.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Returns whether all lanes have the same value at any time.
    pub fn is_shared(&self) -> bool {
        let shared = |i: &Input| match i {
            Input::From(s) => *s == Source::Time,
            Input::Each(_) => false,
            Input::Picked { .. } => true,
        };
        self.inputs.iter().all(shared)
    }

    /// Compiles it.
    pub fn compile(&self, backend: Backend) -> LaneFunction {
        let stages = self.inputs.iter().enumerate().map(|(k, input)| match input {
            Input::Picked { index, .. } => index.iter().map(|e| self.function(e, k, backend)).collect(),
            _ => Vec::new(),
        });
        let stages = stages.collect();
        let result = self.function(&self.result, self.inputs.len(), backend);
        LaneFunction { program: self.clone(), stages, result }
    }

    /// Compiles one expression of inputs below `known`.
    fn function(&self, e: &CellExpr, known: usize, backend: Backend) -> ArrayFunction {
        let place = |v: VarId| (v.index() < known).then_some(SlotKind::Lane);
        // Only what the expression needs, so that nothing is computed before its inputs are there.
        let temps = self.closure(e);
        let kernel = Elementwise {
            name: "lanes".into(),
            precision: Precision::F64,
            dt: 0.0,
            names: &|v| format!("in{}", v.index()),
            n_lanes: LANES,
            params: &|_| None,
            lets: &|_| None,
            place: &place,
            temps: &temps,
            stores: &[Store::Out(e.clone())],
        }
        .lower();
        let slots = kernel.slots.iter().map(|held| match held {
            Held::Variable(v) => ArraySlot::Input(v.index()),
            Held::Fixed(values) => ArraySlot::Fixed(Arc::new(values.iter().copied().cycle().take(BLOCK).collect())),
            _ => ArraySlot::Out,
        });
        ArrayFunction::new(backend, &kernel.kernel, slots.collect())
    }

    /// The named parts that an expression needs, in order.
    fn closure(&self, e: &CellExpr) -> Vec<(VarId, CellExpr)> {
        let mut needed = vec![false; self.temps.len()];
        let mark = |e: &CellExpr, needed: &mut Vec<bool>| {
            e.walk(&mut |e| {
                if let CellExpr::Var(v) = e
                    && let Some(slot) = v.index().checked_sub(TEMPS).and_then(|k| needed.get_mut(k))
                {
                    *slot = true;
                }
            });
        };
        mark(e, &mut needed);
        for k in (0..self.temps.len()).rev() {
            if needed[k] {
                mark(&self.temps[k].1, &mut needed);
            }
        }
        self.temps.iter().zip(needed).filter(|(_, n)| *n).map(|(t, _)| t.clone()).collect()
    }
}

/// Lanes that are worked on at once.
pub const BLOCK: usize = 1024;

/// A compiled program.
pub struct LaneFunction {
    program: LaneProgram,
    /// By input: the functions of its indices.
    stages: Vec<Vec<ArrayFunction>>,
    result: ArrayFunction,
}

impl LaneFunction {
    /// Computes at most [`BLOCK`] lanes. `fill` gives the values of a source, `first` is the first lane's number.
    pub fn block(
        &self,
        first: usize,
        n: usize,
        fill: &mut dyn FnMut(Source, &mut [f64]),
        out: &mut Vec<f64>,
    ) -> Attempt<()> {
        let padded = n.next_multiple_of(LANES);
        let mut inputs: Vec<Vec<f64>> = Vec::with_capacity(self.program.inputs.len());
        for (k, input) in self.program.inputs.iter().enumerate() {
            let mut values = vec![0.0; padded];
            match input {
                Input::From(source) => fill(*source, &mut values[..n]),
                Input::Each(all) => values[..n].copy_from_slice(&all[first..first + n]),
                Input::Picked { values: of, shape, span, .. } => {
                    let mut at = vec![0usize; n];
                    for (axis, f) in self.stages[k].iter().enumerate() {
                        let mut index = vec![0.0; padded];
                        f.call(&inputs, &mut index);
                        for (at, x) in at.iter_mut().zip(&index[..n]) {
                            *at = *at * shape[axis] + position(*x, shape[axis], *span)?;
                        }
                    }
                    values.iter_mut().zip(at).for_each(|(v, k)| *v = of[k]);
                }
            }
            inputs.push(values);
        }
        out.resize(padded, 0.0);
        self.result.call(&inputs, out);
        out.truncate(n);
        if let Some(bad) = out.iter().find(|v| v.is_nan()) {
            let label = "computed from what it names";
            let message = format!("this is not a number ({bad})");
            return Err(Box::new(
                Diagnostic::at(Code::E0404, self.program.span, message, label)
                    .help("look for a division of zero by zero, or a logarithm or root of a negative number"),
            ));
        }
        Ok(())
    }

    /// The value of the one lane of a function of time.
    pub fn at_time(&self, t: f64) -> Attempt<f64> {
        let mut out = Vec::new();
        self.block(0, 1, &mut |_, values| values.fill(t), &mut out)?;
        Ok(out[0])
    }

    /// The values of `n` cells at a time.
    pub fn cells(&self, n: usize, t: f64) -> Attempt<Vec<f64>> {
        let mut all = Vec::with_capacity(n);
        let mut out = Vec::new();
        for first in (0..n).step_by(BLOCK) {
            let count = BLOCK.min(n - first);
            let mut fill = |source: Source, values: &mut [f64]| match source {
                Source::Index => values.iter_mut().zip(first..).for_each(|(v, i)| *v = i as f64),
                _ => values.fill(t),
            };
            self.block(first, count, &mut fill, &mut out)?;
            all.extend_from_slice(&out);
        }
        Ok(all)
    }
}

/// Checks an index.
fn position(x: f64, n: usize, span: Span) -> Attempt<usize> {
    let whole = x.round();
    if (x - whole).abs() < 1e-9 && whole >= 0.0 && whole < n as f64 {
        return Ok(whole as usize);
    }
    let shown = crate::units::format_number(x);
    fail(Code::E0406, span, format!("index {shown} of {n} elements"), "out of range")
}

/// One value per cell, from an expression that may depend on `i`.
pub fn per_cell(scope: &Scope, e: &Expr, n: usize, backend: Backend) -> Attempt<Quantity> {
    let program = LaneProgram::new(scope, e, Some((n, "cell")))?;
    // Few values are not worth a compilation; the bits are the same.
    let backend = if n <= 64 { Backend::Interpreter } else { backend };
    let values = program.compile(backend).cells(n, 0.0)?;
    let dim = e.ty.dim.unwrap_or(crate::units::Dim::ONE);
    Ok(Quantity::array(values, dim, e.ty.unit.clone()))
}
