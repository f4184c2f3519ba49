//! Evaluates checked expressions of networks and experiments.

use super::Attempt;
use super::datasets::examples;
use super::functions;
use super::record::Recording;
use super::select::Selected;
use super::value::{PopulationRef, Quantity, Value};
use crate::data::Files;
use crate::diag::{Code, Diagnostic};
use crate::hir::{Func, Module, apply};
use crate::plan::Network;
use crate::rng::Stream;
use crate::runtime::Running;
use crate::source::Span;
use crate::syntax::ast::{self, BinOp, ExprKind};
use crate::units::{Dim, Ratio, Unit, lookup};
use std::borrow::Cow;
use std::cell::Cell;
use std::rc::Rc;

/// A network that may be running.
pub struct Live {
    /// Before the first step: the plan. Afterwards it lives in the simulation.
    pub plan: Network,
    /// Time functions of drives.
    pub rates: Vec<crate::hir::Expr>,
    /// Once running.
    pub simulation: Option<Running>,
    /// Time functions that ports follow.
    pub functions: Vec<(usize, crate::hir::VarId, crate::hir::Expr)>,
}

impl Live {
    /// Returns the network with its current parameters.
    pub fn network(&self) -> &Network {
        self.simulation.as_ref().map_or(&self.plan, Running::network)
    }
}

/// What an evaluation sees.
pub struct Scope<'a> {
    /// Declarations.
    pub module: &'a Module,
    /// Local names, innermost last.
    pub names: Cow<'a, [(String, Value)]>,
    /// Networks.
    pub live: &'a [Live],
    /// Recordings.
    pub recordings: &'a [Recording],
    /// Files.
    pub files: &'a dyn Files,
    /// Cell index `i`, if there is one.
    pub cell: Option<usize>,
    /// Time `t`, if there is one.
    pub time: Option<f64>,
    /// Time step.
    pub dt: f64,
    /// Seed of what is shuffled, and how often something was.
    pub shuffles: (u64, &'a Cell<u32>),
    /// Presynaptic and postsynaptic cell of a connection, and their distance.
    pub pair: Option<Pair>,
}

/// The two cells of a possible connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pair {
    /// Index, number of cells, coordinates.
    pub pre: (usize, usize, [f64; 3]),
    /// Index, number of cells, coordinates.
    pub post: (usize, usize, [f64; 3]),
    /// Distance.
    pub distance: f64,
    /// Dimension of coordinates.
    pub dim: Option<Dim>,
}

pub(super) fn fail<T>(code: Code, span: Span, message: impl Into<String>, label: impl Into<String>) -> Attempt<T> {
    Err(Box::new(Diagnostic::at(code, span, message, label)))
}

impl Scope<'_> {
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.names.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v)
    }

    pub fn number(&self, e: &ast::Expr) -> Attempt<f64> {
        Ok(self.quantity(e)?.first())
    }

    pub fn quantity(&self, e: &ast::Expr) -> Attempt<Quantity> {
        match self.eval(e)? {
            Value::Quantity(q) => Ok(q),
            Value::Bool(b) => Ok(Quantity::pure(f64::from(u8::from(b)))),
            Value::Population(p) => Ok(Quantity::pure(p.view.n as f64)),
            _ => fail(Code::E0401, e.span, "expected a number", "not a number"),
        }
    }

    pub fn truth(&self, e: &ast::Expr) -> Attempt<bool> {
        match self.eval(e)? {
            Value::Bool(b) => Ok(b),
            Value::Quantity(q) => Ok(q.data.iter().all(|v| *v != 0.0)),
            _ => fail(Code::E0405, e.span, "expected a condition", "not a condition"),
        }
    }

    pub fn size(&self, e: &ast::Expr) -> Attempt<usize> {
        let n = self.number(e)?;
        if n.fract().abs() > 1e-9 || !(0.0..4e9).contains(&n) {
            let shown = crate::units::format_number(n);
            return fail(Code::E0404, e.span, format!("{shown} is not a size"), "must be a whole number, not negative");
        }
        Ok(n.round() as usize)
    }

    pub fn eval(&self, e: &ast::Expr) -> Attempt<Value> {
        Ok(match &e.kind {
            ExprKind::Quantity(v, None) => Quantity::number(*v, Dim::ONE, None).into(),
            ExprKind::Quantity(v, Some((name, (num, den)))) => {
                let unit = self.unit(&name.text, name.span)?;
                let r = Ratio::new(*num, *den);
                let unit = if r == Ratio::new(1, 1) { unit } else { unit.power(r) };
                Quantity::number(unit.to_internal(*v), unit.dim, Some(unit)).into()
            }
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::Text(t) => Value::Text(t.as_str().into()),
            ExprKind::Name(n) => self.name(n, e.span)?,
            ExprKind::Neg(a) => {
                let a = self.quantity(a)?;
                map(&a, |x| -x).into()
            }
            ExprKind::Not(a) => Value::Bool(!self.truth(a)?),
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b)?,
            ExprKind::Call(f, args) => self.call(f, args, e.span)?,
            ExprKind::Index(base, index) => self.index(base, index)?,
            ExprKind::Member(base, name) => self.member(e, base, name)?,
            ExprKind::List(items) => {
                let mut data = Vec::new();
                let mut first: Option<Quantity> = None;
                for item in items {
                    let q = self.quantity(item)?;
                    data.extend(q.data.iter());
                    first.get_or_insert(q);
                }
                let (dim, unit) = first.map_or((Dim::ONE, None), |q| (q.dim, q.unit));
                Quantity::array(data, dim, unit).into()
            }
            ExprKind::If(c, a, b) => {
                if self.truth(c)? {
                    self.eval(a)?
                } else {
                    self.eval(b)?
                }
            }
            ExprKind::Since(n, _) => return fail(Code::E0607, n.span, "`since` belongs to neurons", "not here"),
            ExprKind::AtEnd(_, window) => {
                let d = crate::syntax::unsupported(window.span, "`at end of` in an experiment");
                return Err(Box::new(d.help("write `let x = …` as the last statement of the window")));
            }
            ExprKind::All => Value::Range(0.0, f64::INFINITY, Dim::ONE, None),
            ExprKind::Stepped(..) => {
                return Err(Box::new(crate::syntax::unsupported(e.span, "a range with steps as a value")));
            }
        })
    }

    pub fn unit(&self, name: &str, span: Span) -> Attempt<Unit> {
        match self.module.units.get(name).cloned().or_else(|| lookup(name)) {
            Some(u) => Ok(u),
            None => fail(Code::E0305, span, format!("unknown unit `{name}`"), "not a unit"),
        }
    }

    fn name(&self, name: &str, span: Span) -> Attempt<Value> {
        if let Some(v) = self.find(name) {
            return Ok(v.clone());
        }
        match name {
            "i" => {
                if let Some(i) = self.cell {
                    return Ok(Quantity::pure(i as f64).into());
                }
            }
            "t" => {
                if let Some(t) = self.time {
                    return Ok(Quantity::number(t, Dim::TIME, lookup("ms")).into());
                }
            }
            "d" => {
                if let Some(p) = &self.pair {
                    return Ok(Quantity::number(p.distance, p.dim.unwrap_or(Dim::ONE), None).into());
                }
            }
            "pi" => return Ok(Quantity::pure(std::f64::consts::PI).into()),
            "inf" => return Ok(Quantity::pure(f64::INFINITY).into()),
            _ => {}
        }
        if let Some(c) = self.module.constants.get(name) {
            return Ok(Quantity::number(c.value, c.ty.dim.unwrap_or(Dim::ONE), c.ty.unit.clone()).into());
        }
        if let Some(unit) = self.module.units.get(name).cloned().or_else(|| lookup(name)) {
            return Ok(Quantity::number(unit.to_internal(1.0), unit.dim, Some(unit)).into());
        }
        fail(Code::E0201, span, format!("unknown name `{name}`"), "has no value here")
    }

    fn binary(&self, op: BinOp, a: &ast::Expr, b: &ast::Expr) -> Attempt<Value> {
        use BinOp::*;
        match op {
            And => return Ok(Value::Bool(self.truth(a)? && self.truth(b)?)),
            Or => return Ok(Value::Bool(self.truth(a)? || self.truth(b)?)),
            In => {
                let x = self.quantity(a)?;
                let Value::Range(lo, hi, ..) = self.eval(b)? else {
                    return fail(Code::E0401, b.span, "expected a range", "not a range");
                };
                return Ok(Value::Bool(!x.data.is_empty() && x.data.iter().all(|v| *v >= lo && *v <= hi)));
            }
            Range => {
                let (lo, hi) = (self.quantity(a)?, self.quantity(b)?);
                return Ok(Value::Range(lo.first(), hi.first(), lo.dim, lo.unit.or(hi.unit)));
            }
            Within => {
                let ExprKind::Binary(Eq, x, y) = &a.kind else {
                    return fail(Code::E0401, a.span, "expected `a == b` before `within`", "not an equality");
                };
                let (x, y, tol) = (self.quantity(x)?, self.quantity(y)?, self.quantity(b)?);
                let relative = tol.unit.as_ref().is_some_and(|u| u.name == "%");
                let span = a.span.to(b.span);
                let or_different = |r: Result<Quantity, String>| r.or_else(|why| different(span, &why));
                let off = or_different(x.zip(&y, |x, y| (x - y).abs()))?;
                let allowed = if relative { or_different(y.zip(&tol, |y, tol| tol * y.abs()))? } else { tol };
                let near = or_different(off.zip(&allowed, |off, allowed| f64::from(u8::from(off <= allowed))))?;
                return Ok(Value::Bool(near.data.iter().all(|near| *near == 1.0)));
            }
            _ => {}
        }
        let (va, vb) = (self.eval(a)?, self.eval(b)?);
        if let (Value::Text(x), Value::Text(y)) = (&va, &vb) {
            return Ok(Value::Bool(if op == Eq { x == y } else { x != y }));
        }
        let (x, y) = (self.quantity(a)?, self.quantity(b)?);
        arithmetic(op, &x, &y, a.span.to(b.span))
    }

    fn call(&self, callee: &ast::Expr, args: &[ast::Arg], span: Span) -> Attempt<Value> {
        let ExprKind::Name(name) = &callee.kind else {
            return fail(Code::E0401, callee.span, "expected the name of a function", "not a name");
        };
        if let Some(f) = self.module.functions.get(name).cloned() {
            let mut names = Vec::new();
            for (i, formal) in f.formals.iter().enumerate() {
                let given = args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == formal.name.text));
                let value = given.or(args.get(i)).map(|a| &a.value).or(formal.value.as_ref());
                let Some(value) = value else {
                    return fail(Code::E0402, span, format!("`{name}` lacks an argument"), "here");
                };
                names.push((formal.name.text.clone(), self.eval(value)?));
            }
            let inner = Scope { names: Cow::Owned(names), ..self.without_names() };
            return inner.eval(&f.body);
        }
        if let Some((func, arity)) = Func::parse(name)
            && args.len() == arity
        {
            let q: Vec<Quantity> = args.iter().map(|a| self.quantity(&a.value)).collect::<Attempt<_>>()?;
            let value = match &q[..] {
                [x] => x.with(x.data.iter().map(|x| apply(func, &[*x])).collect()),
                [x, y] => x.zip(y, |x, y| apply(func, &[x, y])).or_else(|why| different(span, &why))?,
                _ => return fail(Code::E0402, span, format!("`{name}` has too many arguments"), "here"),
            };
            let keeps = matches!(func, Func::Abs | Func::Min | Func::Max | Func::Mod);
            let dim = if keeps {
                q[0].dim
            } else if func == Func::Sqrt {
                q[0].dim.pow(Ratio::new(1, 2))
            } else {
                Dim::ONE
            };
            let unit = if keeps { q[0].unit.clone() } else { None };
            return Ok(Quantity { dim, unit, ..value }.into());
        }
        if name == "clip" && args.len() == 3 {
            let (x, lo, hi) =
                (self.quantity(&args[0].value)?, self.number(&args[1].value)?, self.number(&args[2].value)?);
            return Ok(map(&x, |v| v.max(lo).min(hi)).into());
        }
        functions::call(self, name, args, span)
    }

    /// Returns the random stream of what is shuffled, or otherwise drawn by an experiment, next.
    pub fn another_stream(&self) -> Stream {
        let (seed, count) = self.shuffles;
        count.set(count.get() + 1);
        Stream::new(seed, 0xd000_0000 + count.get())
    }

    /// The same scope without local names.
    pub fn without_names(&self) -> Scope<'_> {
        Scope { names: Cow::Borrowed(&[]), ..*self }
    }

    fn index(&self, base: &ast::Expr, index: &[ast::Expr]) -> Attempt<Value> {
        match self.eval(base)? {
            Value::Population(p) => Ok(Value::Population(self.slice(p, index)?)),
            Value::Quantity(q) => {
                let Some(e) = index.first() else { return Ok(q.into()) };
                if q.rows.is_some() && !q.scalar {
                    return self.example(&q, e);
                }
                let q = Quantity { rows: None, scalar: false, ..q };
                if let Some(second) = index.get(1) {
                    return fail(Code::E0406, second.span, "an array has one index", "one too many");
                }
                match self.eval(e)? {
                    Value::Range(lo, hi, ..) => {
                        let (lo, hi) = (lo as usize, (hi as usize).min(q.data.len()));
                        if lo > hi {
                            return fail(Code::E0406, e.span, "this range is empty", "here");
                        }
                        Ok(Quantity::array(q.data[lo..hi].to_vec(), q.dim, q.unit.clone()).into())
                    }
                    _ => self.element(&q, self.size(e)?, e.span),
                }
            }
            Value::Examples(set, order) => {
                let Some(e) = index.first() else { return Ok(Value::Examples(set, order)) };
                let (lo, hi) = match self.eval(e)? {
                    Value::Range(lo, hi, ..) => (lo.max(0.0) as usize, (hi as usize).min(order.len())),
                    _ => (self.size(e)?, self.size(e)? + 1),
                };
                if lo >= hi || hi > order.len() {
                    let message = format!("examples {lo} .. {hi} of {}", order.len());
                    return fail(Code::E0406, e.span, message, "out of range");
                }
                Ok(Value::Examples(set, Rc::new(order[lo..hi].to_vec())))
            }
            _ => fail(Code::E0401, base.span, "this has no elements", "cannot be indexed"),
        }
    }

    /// One example of a batch.
    fn example(&self, q: &Quantity, e: &ast::Expr) -> Attempt<Value> {
        let i = self.size(e)?;
        match q.examples().nth(i) {
            Some(x) => Ok(Quantity::array(x.to_vec(), q.dim, q.unit.clone()).into()),
            None => {
                let message = format!("example {i} of a batch of {}", q.rows.unwrap_or(1));
                fail(Code::E0406, e.span, message, "out of range")
            }
        }
    }

    fn element(&self, q: &Quantity, i: usize, span: Span) -> Attempt<Value> {
        match q.data.get(i) {
            Some(v) => Ok(Quantity::number(*v, q.dim, q.unit.clone()).into()),
            None => {
                fail(Code::E0406, span, format!("index {i} of an array of {} elements", q.data.len()), "out of range")
            }
        }
    }

    /// Restricts a population: `pop[3]`, `pop[0..10]`, `pop[1, 2]`.
    pub fn slice(&self, p: PopulationRef, index: &[ast::Expr]) -> Attempt<PopulationRef> {
        let Some(first) = index.first() else { return Ok(p) };
        let (start, n) = match self.eval(first)? {
            Value::Range(lo, hi, ..) => {
                let hi = if hi.is_finite() { hi as usize } else { p.view.n };
                (lo as usize, hi.saturating_sub(lo as usize))
            }
            _ if index.len() > 1 => {
                let shape = &self.live[p.network].network().populations[p.view.population].shape;
                let mut flat = 0;
                for (e, extent) in index.iter().zip(shape) {
                    flat = flat * extent + self.size(e)?;
                }
                (flat, 1)
            }
            _ => (self.size(first)?, 1),
        };
        if n == 0 {
            return fail(Code::E0610, first.span, "this view has no cells", "empty");
        }
        if start + n > p.view.n {
            let message = format!("cells {start} .. {} of a population of {}", start + n, p.view.n);
            return fail(Code::E0406, first.span, message, "out of range");
        }
        let view = crate::plan::View { start: p.view.start + start, n, ..p.view };
        Ok(PopulationRef { view, ..p })
    }

    fn member(&self, whole: &ast::Expr, base: &ast::Expr, name: &ast::Name) -> Attempt<Value> {
        if let (ExprKind::Name(side), Some(pair)) = (&base.kind, &self.pair)
            && matches!(side.as_str(), "pre" | "post")
        {
            let (i, n, x) = if side == "pre" { pair.pre } else { pair.post };
            let at = |k: usize| Quantity::number(x[k], pair.dim.unwrap_or(Dim::ONE), None);
            return Ok(match name.text.as_str() {
                "i" => Quantity::pure(i as f64),
                "n" => Quantity::pure(n as f64),
                "x" => at(0),
                "y" => at(1),
                _ => at(2),
            }
            .into());
        }
        // Members of a population may have dots of their own (compartments), so they are gathered first.
        let mut parts = vec![name.text.as_str()];
        let mut inner = base;
        while let ExprKind::Member(b, n) = &inner.kind {
            parts.push(&n.text);
            inner = b;
        }
        parts.reverse();
        if matches!(&inner.kind, ExprKind::Index(of, _) if self.is_cable(of)) {
            let Selected { cells, path, index } = self.select(whole)?;
            let model = &self.live[cells.network].network().populations[cells.view.population].model;
            let Some(id) = model.var(&path) else {
                return fail(Code::E0205, whole.span, format!("`{}` has no `{path}`", model.name), "no such member");
            };
            let segment = self.segment(cells, id, index, whole.span)?;
            return Ok(self.values(cells, id, segment).into());
        }
        let mut value = self.eval(inner)?;
        let mut i = 0;
        while i < parts.len() {
            value = match &value {
                Value::Network(instance) => match instance.names.get(parts[i]) {
                    Some(v) => v.clone(),
                    None => {
                        return fail(
                            Code::E0205,
                            name.span,
                            format!("this network has no `{}`", parts[i]),
                            "no such member",
                        );
                    }
                },
                Value::Population(p) => {
                    let path = parts[i..].join(".");
                    return self.variable(*p, &path, whole.span);
                }
                Value::Projection(network, list) if i + 1 == parts.len() => {
                    return self.synapse_variable(*network, list, name);
                }
                Value::Table(t) => match t.columns.get(parts[i]) {
                    Some(_) => match t.numbers(parts[i]) {
                        Ok(v) => Quantity::array(v, Dim::ONE, None).into(),
                        Err(reason) => return fail(Code::E0803, name.span, "this column is not numbers", reason),
                    },
                    None => return fail(Code::E0205, name.span, t.no_column(parts[i]), "no such column"),
                },
                Value::Data(of) => match of.iter().find(|(n, _)| *n == parts[i]) {
                    Some((_, set)) => Value::Examples(set.clone(), Rc::new((0..set.n).collect())),
                    None => {
                        return fail(
                            Code::E0205,
                            name.span,
                            format!("there is no part `{}`", parts[i]),
                            "no such part",
                        );
                    }
                },
                Value::Examples(set, order) => match set.fields.iter().position(|f| f.name == parts[i]) {
                    Some(field) => examples(set, field, order).into(),
                    None => {
                        let message = format!("this data set has no `{}`", parts[i]);
                        return fail(Code::E0205, name.span, message, "no such field");
                    }
                },
                _ => return fail(Code::E0205, name.span, format!("there is no `{}` here", parts[i]), "no such member"),
            };
            i += 1;
        }
        Ok(value)
    }

    /// Reads a population's variable: current values of all its cells, or the recording of an event.
    pub fn variable(&self, p: PopulationRef, path: &str, span: Span) -> Attempt<Value> {
        let live = &self.live[p.network];
        let population = &live.network().populations[p.view.population];
        if path == "n" && population.model.var(path).is_none() {
            return Ok(Quantity::pure(p.view.n as f64).into());
        }
        if let Some(event) = population.model.event(path) {
            let found = self.recordings.iter().rposition(|r| {
                r.network == p.network
                    && r.population == p.view.population
                    && r.cells == (p.view.start, p.view.n)
                    && matches!(r.what, super::record::What::Events(e) if e == event)
            });
            return match found {
                Some(i) => Ok(Value::Recording(i)),
                None => Err(Box::new(
                    Diagnostic::at(
                        Code::E0811,
                        span,
                        format!("`{path}` of these cells was not recorded"),
                        "no recording",
                    )
                    .help("write `record …` with the same cells before `run`"),
                )),
            };
        }
        let Some(id) = population.model.var(path) else {
            return fail(Code::E0205, span, format!("`{}` has no `{path}`", population.model.name), "no such member");
        };
        let segment = self.segment(p, id, None, span)?;
        Ok(self.values(p, id, segment).into())
    }
}

fn map(q: &Quantity, f: impl Fn(f64) -> f64) -> Quantity {
    q.with(q.data.iter().map(|v| f(*v)).collect())
}

fn different<T>(span: Span, why: &str) -> Attempt<T> {
    fail(Code::E0403, span, format!("cannot combine {why}"), "different lengths")
}

/// Adds, compares and so on, element by element.
pub(super) fn arithmetic(op: BinOp, x: &Quantity, y: &Quantity, span: Span) -> Attempt<Value> {
    use BinOp::*;
    let zip = |f: fn(f64, f64) -> f64| x.zip(y, f).or_else(|why| different(span, &why));
    let unit = x.unit.clone().or(y.unit.clone());
    let (q, dim, unit) = match op {
        Add => (zip(|a, b| a + b)?, x.dim, unit),
        Sub => (zip(|a, b| a - b)?, x.dim, unit),
        Mul => {
            let unit = if x.dim == Dim::ONE { y.unit.clone() } else { x.unit.clone().filter(|_| y.dim == Dim::ONE) };
            (zip(|a, b| a * b)?, x.dim * y.dim, unit)
        }
        Div => (zip(|a, b| a / b)?, x.dim / y.dim, x.unit.clone().filter(|_| y.dim == Dim::ONE)),
        Pow => {
            let exponent = Ratio::from_f64(y.first()).unwrap_or(Ratio::new(1, 1));
            let dim = if x.dim == Dim::ONE { Dim::ONE } else { x.dim.pow(exponent) };
            let power = |a: f64, b: f64| if b.fract() == 0.0 && b.abs() < 64.0 { a.powi(b as i32) } else { a.powf(b) };
            (zip(power)?, dim, None)
        }
        _ => {
            let test: fn(f64, f64) -> f64 = match op {
                Le => |a, b| f64::from(u8::from(a <= b)),
                Ge => |a, b| f64::from(u8::from(a >= b)),
                Eq => |a, b| f64::from(u8::from(a == b)),
                Ne => |a, b| f64::from(u8::from(a != b)),
                Lt => |a, b| f64::from(u8::from(a < b)),
                _ => |a, b| f64::from(u8::from(a > b)),
            };
            let q = zip(test)?;
            if q.is_single() {
                return Ok(Value::Bool(q.first() != 0.0));
            }
            (q, Dim::ONE, None)
        }
    };
    Ok(Quantity { dim, unit, ..q }.into())
}
