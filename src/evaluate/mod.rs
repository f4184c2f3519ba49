//! Evaluates checked expressions of networks and experiments.

mod arithmetic;
mod attempt;
mod index;
pub mod lanes;
mod scalar;
mod turns;

use arithmetic::{arithmetic, different};

pub use arithmetic::combine;
pub use attempt::{Attempt, fail, flawed, refused, room};
pub use lanes::{LaneFunction, LaneProgram};
pub use turns::{Progression, Turns};

use crate::builtin::{self, Arguments, Evaluate, Host, apply, power};
use crate::data::Texts;
use crate::diag::{Code, Diagnostic};
use crate::hir::errors::uneven;
use crate::hir::experiment::model::Environment;
use crate::hir::typed::{Expr, ExprKind, LocalId, Seen, Within};
use crate::hir::{EventId, Func, Op, VarId};
use crate::plan::Unnamed;
use crate::source::Span;
use crate::units::{Dim, format_number};
use crate::value::{PopulationRef, Quantity, Value, extent};
use std::cell::RefCell;
use std::sync::Arc;

/// More cells, synapses or elements than are counted in 32 bits.
const MOST_OF_ANYTHING: f64 = 4e9;

/// What an expression sees of networks and recordings.
pub trait World: Host {
    /// The time step.
    fn dt(&self) -> f64;
    /// Extents of a population.
    fn shape(&self, p: &PopulationRef) -> &[usize];
    /// Which cell of a population has a name.
    fn cell_named(&self, p: &PopulationRef, name: &str) -> Result<usize, Unnamed>;
    /// Values of a variable of cells, of one segment of a cable if it has several.
    fn values(&self, p: &PopulationRef, id: VarId, segment: Option<usize>, span: Span) -> Attempt<Quantity>;
    /// The recording of an event of cells.
    fn recording(&self, p: &PopulationRef, id: EventId, span: Span) -> Attempt<usize>;
    /// Values of a variable of synapses.
    fn synaptic(&self, network: usize, list: &[usize], name: &str, span: Span) -> Attempt<Quantity>;
    /// What was gathered over a data set.
    fn gathered(&self, k: usize) -> Option<Quantity>;
    /// A world that is declared, by its place.
    fn environment(&self, k: usize) -> Option<&Environment>;
}

/// Values of names; none before they are declared.
pub type Locals = [Option<Value>];

/// What an evaluation sees.
pub struct Scope<'a> {
    /// Networks, recordings, files.
    pub world: &'a dyn World,
    /// Values of names.
    pub locals: &'a Locals,
    /// Values of functions' arguments, innermost last.
    bound: RefCell<Vec<(LocalId, Value)>>,
    columns: Option<&'a dyn Columns>,
}

/// Columns of the table that is being read, by name: of the rows that are in use.
pub trait Columns {
    /// A column of numbers.
    fn numbers(&self, name: &str, span: Span) -> Attempt<Quantity>;
    /// A column of texts.
    fn texts(&self, name: &str, span: Span) -> Attempt<Arc<Texts>>;
}

impl<'a> Scope<'a> {
    /// A scope of names.
    pub fn new(world: &'a dyn World, locals: &'a Locals) -> Scope<'a> {
        Scope { world, locals, bound: RefCell::new(Vec::new()), columns: None }
    }

    /// The same scope while a table is read.
    pub fn with_columns(self, columns: &'a dyn Columns) -> Scope<'a> {
        Scope { columns: Some(columns), ..self }
    }

    /// Gives an argument of a function its value.
    pub fn bind(&self, id: LocalId, value: Value) {
        let mut bound = self.bound.borrow_mut();
        match bound.iter_mut().find(|(b, _)| *b == id) {
            Some(slot) => slot.1 = value,
            None => bound.push((id, value)),
        }
    }

    fn local(&self, id: LocalId, span: Span) -> Attempt<Value> {
        if let Some((_, v)) = self.bound.borrow().iter().find(|(b, _)| *b == id) {
            return Ok(v.clone());
        }
        match self.locals.get(id.as_u32() as usize).and_then(Option::as_ref) {
            Some(v) => Ok(v.clone()),
            None => fail(Code::E0811, span, "this has no value yet", "was not measured, or not declared, before this"),
        }
    }

    /// Evaluates to one number.
    pub fn number(&self, e: &Expr) -> Attempt<f64> {
        if let Some(v) = self.scalar(e) {
            return Ok(v);
        }
        let q = self.quantity(e)?;
        match q.single() {
            Some(v) => Ok(v),
            None => {
                let found = if q.rows.is_some() { "a number for each example".into() } else { extent(&q.shape) };
                let d = Diagnostic::at(
                    Code::E0403,
                    e.span,
                    format!("one number is needed, found {found}"),
                    "not one number",
                );
                Err(Box::new(d.help("take one element, as in `x[0]`, or reduce it, as in `mean(x)`")))
            }
        }
    }

    /// Evaluates to numbers; truth values count as 0 and 1.
    pub fn quantity(&self, e: &Expr) -> Attempt<Quantity> {
        let value = self.eval(e)?;
        self.as_quantity(value, e.span)
    }

    /// Takes a value as numbers.
    pub fn as_quantity(&self, value: Value, span: Span) -> Attempt<Quantity> {
        match value {
            Value::Quantity(q) => Ok(q),
            Value::Bool(b) => Ok(Quantity::pure(f64::from(u8::from(b)))),
            Value::Population(p) => Ok(Quantity::pure(p.cells.len() as f64)),
            other => fail(Code::E0401, span, format!("expected a number, found {}", other.kind()), "not a number"),
        }
    }

    /// Evaluates to true or false; several numbers are true if none of them is zero.
    pub fn truth(&self, e: &Expr) -> Attempt<bool> {
        if let Some(v) = self.scalar(e) {
            return Ok(v != 0.0);
        }
        match &e.kind {
            ExprKind::Not(a) => return Ok(!self.truth(a)?),
            ExprKind::Binary(Op::And, a, b) => return Ok(self.truth(a)? && self.truth(b)?),
            ExprKind::Binary(Op::Or, a, b) => return Ok(self.truth(a)? || self.truth(b)?),
            _ => {}
        }
        holds(&self.eval(e)?, e.span)
    }

    /// Evaluates to a whole number, not negative.
    pub fn size(&self, e: &Expr) -> Attempt<usize> {
        let n = self.number(e)?;
        if n.fract().abs() > 1e-9 || !(0.0..MOST_OF_ANYTHING).contains(&n) {
            let message = format!("{} is not a size", format_number(n));
            let label = match n >= MOST_OF_ANYTHING {
                true => "more than can be counted here: at most 4e9",
                false => "must be a whole number, not negative",
            };
            return fail(Code::E0404, e.span, message, label);
        }
        Ok(n.round() as usize)
    }

    /// Evaluates to a text.
    pub fn text(&self, e: &Expr) -> Attempt<Arc<str>> {
        match self.eval(e)? {
            Value::Text(t) => Ok(t),
            other => fail(Code::E0401, e.span, format!("expected a text, found {}", other.kind()), "not a text"),
        }
    }

    /// Evaluates to the ends of a range.
    pub fn range(&self, e: &Expr) -> Attempt<(f64, f64)> {
        match self.eval(e)? {
            Value::Range(lo, hi, ..) => Ok((lo, hi)),
            other => fail(Code::E0401, e.span, format!("expected a range, found {}", other.kind()), "not a range"),
        }
    }

    /// Evaluates to cells.
    pub fn cells(&self, e: &Expr) -> Attempt<PopulationRef> {
        match self.eval(e)? {
            Value::Population(p) => Ok(p),
            other => fail(Code::E0401, e.span, format!("expected cells, found {}", other.kind()), "not a population"),
        }
    }

    /// Evaluates to a projection: its network, and its ends.
    pub fn projection(&self, e: &Expr) -> Attempt<(usize, Arc<Vec<usize>>)> {
        match self.eval(e)? {
            Value::Projection(network, list) => Ok((network, list)),
            other => {
                fail(Code::E0401, e.span, format!("expected a projection, found {}", other.kind()), "not a projection")
            }
        }
    }

    /// Evaluates an expression.
    pub fn eval(&self, e: &Expr) -> Attempt<Value> {
        let dim = || e.ty.dim.unwrap_or(Dim::ONE);
        Ok(match &e.kind {
            ExprKind::Number(v) => Quantity::number(*v, dim(), e.ty.unit.clone()).into(),
            ExprKind::Bool(b) => Value::Bool(*b),
            ExprKind::Text(t) => Value::Text((&**t).into()),
            ExprKind::Local(id) => self.local(*id, e.span)?,
            ExprKind::Step => Quantity::number(self.world.dt(), Dim::TIME, e.ty.unit.clone()).into(),
            ExprKind::Neg(a) => self.quantity(a)?.map(|x| -x).into(),
            ExprKind::Not(a) => match self.eval(a)? {
                Value::Quantity(q) if !q.is_single() => {
                    Quantity { dim: Dim::ONE, unit: None, ..q.map(|x| f64::from(u8::from(x == 0.0))) }.into()
                }
                one => Value::Bool(!holds(&one, a.span)?),
            },
            ExprKind::Binary(op, a, b) => self.binary(*op, a, b, e)?,
            ExprKind::In(x, ends) => {
                let (x, (lo, hi)) = (self.quantity(x)?, self.range(ends)?);
                let within = |v: f64| v >= lo && v <= hi;
                match x.is_single() {
                    true => Value::Bool(within(x.data[0])),
                    false => Quantity { dim: Dim::ONE, unit: None, ..x.map(|v| f64::from(u8::from(within(v)))) }.into(),
                }
            }
            ExprKind::Range(a, b) => {
                let (lo, hi) = (self.number(a)?, self.number(b)?);
                Value::Range(lo, hi, dim(), e.ty.unit.clone())
            }
            ExprKind::Stepped(range, step) => {
                let p = Progression::new(self.range(range)?, self.number(step)?, e.span)?;
                room(8.0 * p.count() as f64, e.span, || format!("{} numbers", p.count()))?;
                let values = (0..p.count()).map(|k| p.at(k)).collect();
                Quantity::array(values, dim(), e.ty.unit.clone()).into()
            }
            ExprKind::Within(w) => self.within(w, e.span)?,
            ExprKind::If(c, a, b) => match self.eval(c)? {
                Value::Quantity(q) if !q.is_single() => self.chosen(&q, a, b, e)?,
                one => self.eval(if holds(&one, c.span)? { a } else { b })?,
            },
            ExprKind::List(items) => self.list(items, e)?,
            ExprKind::Function(f, args) => self.function(*f, args, e)?,
            ExprKind::Call(b, values, fields) => self.call(b, values, fields, e.span)?,
            ExprKind::Let(names, body) => {
                for (id, value) in names {
                    let value = self.eval(value)?;
                    self.bind(*id, value);
                }
                self.eval(body)?
            }
            ExprKind::Member(of, name) => match self.eval(of)? {
                Value::Network(instance) => match instance.names.get(name) {
                    Some(v) => v.clone(),
                    None => {
                        return fail(Code::E0205, e.span, format!("this network has no `{name}`"), "no such member");
                    }
                },
                other => {
                    return fail(Code::E0401, of.span, format!("{} has no members", other.kind()), "not a network");
                }
            },
            ExprKind::OfEnvironment(of, seen) => self.of_environment(of, *seen, e.span)?,
            ExprKind::Size(of) => Quantity::pure(self.cells(of)?.cells.len() as f64).into(),
            ExprKind::Variable { of, id, segment } => {
                let segment = segment.as_ref().map(|s| self.size(s)).transpose()?;
                self.world.values(&self.cells(of)?, *id, segment, e.span)?.into()
            }
            ExprKind::Events { of, id } => Value::Recording(self.world.recording(&self.cells(of)?, *id, e.span)?),
            ExprKind::Synaptic { of, name } => {
                let (network, list) = self.projection(of)?;
                self.world.synaptic(network, &list, name, e.span)?.into()
            }
            ExprKind::Column(of, name) => match self.eval(of)? {
                Value::Table(t) => match t.numbers(name, None) {
                    Ok(v) => Quantity::array(v, Dim::ONE, None).into(),
                    Err(flaw) => return Err(flawed(flaw, e.span, "this is not a column of numbers")),
                },
                other => return fail(Code::E0401, of.span, format!("{} has no columns", other.kind()), "not a table"),
            },
            ExprKind::TableColumn(name) => match self.columns {
                Some(columns) => columns.numbers(name, e.span)?.into(),
                None => return fail(Code::E0201, e.span, format!("unknown name `{name}`"), "no table is read here"),
            },
            ExprKind::Texts(of) => Value::Texts(self.texts(of)?),
            ExprKind::Part(of, name) => match self.eval(of)? {
                Value::Data(parts) => match parts.iter().find(|(n, _)| n == name) {
                    Some((_, set)) => Value::Examples(set.clone(), Arc::new((0..set.n).collect())),
                    None => return fail(Code::E0205, e.span, format!("there is no part `{name}`"), "no such part"),
                },
                other => return fail(Code::E0401, of.span, format!("{} has no parts", other.kind()), "not a data set"),
            },
            ExprKind::Field(of, name) => match self.eval(of)? {
                Value::Examples(set, order) => match set.fields.iter().position(|f| f.name == *name) {
                    Some(field) => builtin::examples(&set, field, &order).into(),
                    None => {
                        return fail(Code::E0205, e.span, format!("this data set has no `{name}`"), "no such field");
                    }
                },
                other => {
                    return fail(Code::E0401, of.span, format!("{} has no fields", other.kind()), "not a data set");
                }
            },
            ExprKind::Element(of, index) => self.element(of, index, e.span)?,
            ExprKind::All => Value::Range(0.0, f64::INFINITY, Dim::ONE, None),
            ExprKind::Gathered(k) | ExprKind::Rows(k) => match self.world.gathered(*k) {
                Some(q) if matches!(e.kind, ExprKind::Gathered(_)) => q.flattened().into(),
                Some(q) => q.into(),
                None => return fail(Code::E0811, e.span, "nothing was gathered", "the data set was not gone through"),
            },
            ExprKind::AtEnd(..) => {
                let d = crate::diag::unsupported(e.span, "`at end of` in an experiment");
                return Err(Box::new(d.help("write `let x = …` as the last statement of the window")));
            }
            ExprKind::Index | ExprKind::Time | ExprKind::Distance | ExprKind::OfPair(..) | ExprKind::Sampled(..) => {
                return fail(
                    Code::E0401,
                    e.span,
                    "this has a value only cell by cell, pair by pair or in time",
                    "none here",
                );
            }
            ExprKind::Cell(_) | ExprKind::Error => crate::ice!("an expression of a cell, or in error, in a program"),
        })
    }

    /// `a and b`, `a or b`: element by element where the first is several, else only as far as it decides.
    fn logical(&self, op: Op, a: &Expr, b: &Expr, span: Span) -> Attempt<Value> {
        let truth = |x: f64| x != 0.0;
        match self.eval(a)? {
            Value::Quantity(x) if !x.is_single() => {
                let joined = x.zip(&self.quantity(b)?, |x, y| {
                    f64::from(u8::from(if op == Op::And { truth(x) && truth(y) } else { truth(x) || truth(y) }))
                });
                let q = joined.or_else(|why| different(span, &why))?;
                Ok(Quantity { dim: Dim::ONE, unit: None, ..q }.into())
            }
            one if holds(&one, a.span)? == (op == Op::Or) => Ok(Value::Bool(op == Op::Or)),
            _ => match self.eval(b)? {
                Value::Quantity(y) if !y.is_single() => Ok(y.map(|y| f64::from(u8::from(truth(y)))).into()),
                one => Ok(Value::Bool(holds(&one, b.span)?)),
            },
        }
    }

    /// `if c then a else b` of several conditions: for each element the one or the other.
    fn chosen(&self, c: &Quantity, a: &Expr, b: &Expr, whole: &Expr) -> Attempt<Value> {
        let (x, y) = (self.quantity(a)?, self.quantity(b)?);
        let of = |q: &Quantity, wanted: bool| {
            let picked = c.zip(q, |c, x| if (c != 0.0) == wanted { x } else { 0.0 });
            picked.or_else(|why| different(whole.span, &why))
        };
        let (first, second) = (of(&x, true)?, of(&y, false)?);
        let q = first.zip(&second, |x, y| x + y).or_else(|why| different(whole.span, &why))?;
        Ok(Quantity { dim: x.dim, unit: x.unit.or(y.unit), ..q }.into())
    }

    fn of_environment(&self, of: &Expr, seen: Seen, span: Span) -> Attempt<Value> {
        let found = match self.eval(of)? {
            Value::Environment(s) => self.world.environment(s.model).map(|model| (s, model)),
            other => return fail(Code::E0401, of.span, format!("{} is no world", other.kind()), "not a world"),
        };
        let Some((s, model)) = found else { crate::ice!("a world that is not declared") };
        let within = Scope::new(self.world, &s.locals);
        match (seen, &model.done) {
            (Seen::Local(id), _) => within.local(id, span),
            (Seen::Let(k), _) => within.eval(&model.lets[k].1),
            (Seen::Done, Some(e)) => Ok(Value::Bool(within.truth(e)?)),
            (Seen::Done, None) => crate::ice!("a world that is never done"),
        }
    }

    fn binary(&self, op: Op, a: &Expr, b: &Expr, whole: &Expr) -> Attempt<Value> {
        if matches!(op, Op::And | Op::Or) {
            return self.logical(op, a, b, whole.span);
        }
        let (x, y) = match (self.eval(a)?, self.eval(b)?) {
            (Value::Text(x), Value::Text(y)) => return Ok(Value::Bool((x == y) == (op == Op::Eq))),
            (Value::Texts(x), Value::Text(y)) => {
                let same = x.iter().map(|x| f64::from(u8::from((*x == *y) == (op == Op::Eq)))).collect();
                return Ok(Quantity::array(same, Dim::ONE, None).into());
            }
            (x, y) => (self.as_quantity(x, a.span)?, self.as_quantity(y, b.span)?),
        };
        arithmetic(op, &x, &y, whole)
    }

    /// The texts of a column of a table.
    fn texts(&self, column: &Expr) -> Attempt<Arc<Texts>> {
        match &column.kind {
            ExprKind::Column(of, name) => match self.eval(of)? {
                Value::Table(t) => match t.texts(name) {
                    Ok(texts) => Ok(texts.clone()),
                    Err(flaw) => Err(flawed(flaw, column.span, "this is not a column")),
                },
                other => fail(Code::E0401, of.span, format!("{} has no columns", other.kind()), "not a table"),
            },
            ExprKind::TableColumn(name) => match self.columns {
                Some(columns) => columns.texts(name, column.span),
                None => fail(Code::E0201, column.span, format!("unknown name `{name}`"), "no table is read here"),
            },
            _ => crate::ice!("texts of what is no column"),
        }
    }

    fn within(&self, w: &Within, span: Span) -> Attempt<Value> {
        let (x, y, tolerance) = (self.quantity(&w.a)?, self.quantity(&w.b)?, self.quantity(&w.tolerance)?);
        let off = x.zip(&y, |x, y| (x - y).abs()).or_else(|why| different(span, &why))?;
        let allowed = match w.relative {
            true => y.zip(&tolerance, |y, t| t * y.abs()).or_else(|why| different(span, &why))?,
            false => tolerance,
        };
        let near = off.zip(&allowed, |off, allowed| f64::from(u8::from(off <= allowed)));
        let near = near.or_else(|why| different(span, &why))?;
        if near.data.is_empty() {
            return fail(Code::E0811, span, "nothing is compared here", "there are no values");
        }
        Ok(match near.single() {
            Some(one) => Value::Bool(one == 1.0),
            None => Quantity { dim: Dim::ONE, unit: None, ..near }.into(),
        })
    }

    /// `[a, b]`: numbers make an array, arrays of one length a matrix; of a batch, one for each example.
    fn list(&self, items: &[Expr], whole: &Expr) -> Attempt<Value> {
        let parts = items.iter().map(|i| self.quantity(i)).collect::<Attempt<Vec<Quantity>>>()?;
        let Some(first) = parts.first() else {
            return Ok(Quantity::array(Vec::new(), whole.ty.dim.unwrap_or(Dim::ONE), None).into());
        };
        let batch = parts.iter().zip(items).find_map(|(q, e)| q.rows.map(|rows| (rows, e.span)));
        for (q, e) in parts.iter().zip(items) {
            if q.shape != first.shape {
                return Err(Box::new(uneven(&extent(&first.shape), items[0].span, &extent(&q.shape), e.span)));
            }
            if let (Some((rows, at)), Some(other)) = (batch, q.rows)
                && rows != other
            {
                return Err(Box::new(uneven(&format!("{rows} examples"), at, &format!("{other} examples"), e.span)));
            }
        }
        let mut data = Vec::with_capacity(parts.iter().map(|q| q.data.len()).sum());
        for row in 0..batch.map_or(1, |(rows, _)| rows) {
            for q in &parts {
                let width = q.width();
                let at = if q.rows.is_some() { row * width } else { 0 };
                data.extend_from_slice(&q.data[at..at + width]);
            }
        }
        let shape = std::iter::once(parts.len()).chain(first.shape.iter().copied()).collect();
        let unit = parts.iter().find_map(|q| q.unit.clone());
        let dim = whole.ty.dim.unwrap_or(first.dim);
        Ok(Quantity { data: data.into(), shape, dim, unit, rows: batch.map(|(rows, _)| rows), classes: None }.into())
    }

    fn function(&self, f: Func, args: &[Expr], whole: &Expr) -> Attempt<Value> {
        let q = args.iter().map(|a| self.quantity(a)).collect::<Attempt<Vec<Quantity>>>()?;
        let value = match &q[..] {
            [x] => x.map(|x| apply(f, &[x])),
            [x, y] if f == Func::Pow => x.zip(y, power).or_else(|why| different(whole.span, &why))?,
            [x, y] => x.zip(y, |x, y| apply(f, &[x, y])).or_else(|why| different(whole.span, &why))?,
            _ => return fail(Code::E0402, whole.span, "a function of numbers has one or two arguments", "here"),
        };
        let dim = self.dimension(f, &q, whole);
        let keeps = matches!(f, Func::Abs | Func::Min | Func::Max | Func::Mod);
        let unit =
            if keeps { q.iter().find_map(|q| q.unit.clone()) } else { whole.ty.unit.clone().filter(|u| u.dim == dim) };
        Ok(Quantity { dim, unit, ..value }.into())
    }

    fn dimension(&self, f: Func, q: &[Quantity], whole: &Expr) -> Dim {
        match f {
            Func::Abs | Func::Min | Func::Max | Func::Mod => q[0].dim,
            Func::Sqrt => q[0].dim.pow(crate::units::Ratio::new(1, 2)),
            _ => whole.ty.dim.unwrap_or(Dim::ONE),
        }
    }

    fn call(
        &self,
        b: &builtin::Builtin,
        values: &[Option<Expr>],
        fields: &[(String, Expr)],
        span: Span,
    ) -> Attempt<Value> {
        let Evaluate::Function(f) = b.evaluate else {
            return fail(Code::E0401, span, format!("`{}` has no value by itself", b.name), "not a value");
        };
        let each = |e: &Option<Expr>| e.as_ref().map(|e| self.eval(e)).transpose();
        let evaluated = values.iter().map(each).collect::<Attempt<Vec<Option<Value>>>>()?;
        let named = |(n, e): &(String, Expr)| Ok((n.clone(), self.eval(e)?));
        let named = fields.iter().map(named).collect::<Attempt<Vec<(String, Value)>>>()?;
        let arguments = Arguments { values: &evaluated, fields: &named };
        f(self.world, &arguments).map_err(|r| {
            let argument = r.argument.and_then(|i| values.get(i)).and_then(Option::as_ref);
            refused(r, argument.map_or(span, |e| e.span))
        })
    }
}

/// Returns whether a condition holds; several numbers are true if none of them is zero.
pub fn holds(value: &Value, span: Span) -> Attempt<bool> {
    match value {
        Value::Bool(b) => Ok(*b),
        Value::Quantity(q) if q.data.is_empty() => {
            fail(Code::E0811, span, "nothing is compared here", "there are no values")
        }
        Value::Quantity(q) => Ok(q.data.iter().all(|v| *v != 0.0)),
        other => fail(Code::E0405, span, format!("expected a condition, found {}", other.kind()), "not a condition"),
    }
}

/// Refuses a value for each of several examples where they have one in common.
pub fn one_for_examples(q: &Quantity, span: Span) -> Attempt<()> {
    let Some(rows) = q.rows.filter(|rows| *rows > 1) else { return Ok(()) };
    let message = format!("a value for each of {rows} examples where they have one in common");
    let d = Diagnostic::at(Code::E0403, span, message, "differs between examples");
    Err(Box::new(d.help("take that of one of them, as in `x[0]`, or reduce it, as in `mean(x)`")))
}
