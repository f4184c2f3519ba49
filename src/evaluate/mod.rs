//! Evaluates checked expressions of networks and experiments.

pub mod lanes;
mod scalar;
mod turns;

pub use lanes::{LaneFunction, LaneProgram};
pub use turns::{Progression, Turns};

use crate::builtin::{self, Arguments, Evaluate, Host, Refusal, apply, power};
use crate::data::{Flaw, Texts};
use crate::diag::{Code, Diagnostic};
use crate::hir::errors::uneven;
use crate::hir::experiment::model::Environment;
use crate::hir::typed::{Expr, ExprKind, LocalId, Seen, Within};
use crate::hir::{EventId, Func, Kind, Op, VarId};
use crate::plan::Unnamed;
use crate::source::Span;
use crate::units::{Dim, format_number};
use crate::value::{PopulationRef, Quantity, Value, extent};
use std::cell::RefCell;
use std::rc::Rc;

/// More cells, synapses or elements than are counted in 32 bits.
const MOST_OF_ANYTHING: f64 = 4e9;

/// A value, or why there is none.
pub type Attempt<T> = Result<T, Box<Diagnostic>>;

/// Reports why something cannot be done.
pub fn fail<T>(code: Code, span: Span, message: impl Into<String>, label: impl Into<String>) -> Attempt<T> {
    Err(Box::new(Diagnostic::at(code, span, message, label)))
}

/// Refuses what does not fit into memory; `what` says where the bytes come from.
pub fn room(bytes: f64, span: Span, what: impl FnOnce() -> String) -> Attempt<()> {
    let Err(lack) = crate::budget::fits(bytes) else { return Ok(()) };
    let d = Diagnostic::at(Code::E0408, span, format!("{} do not fit into memory", what()), lack.to_string());
    Err(Box::new(d.help("make it smaller, or run it on a machine with more memory")))
}

/// Refuses the content of a file.
pub fn flawed(flaw: Flaw, span: Span, message: impl Into<String>) -> Box<Diagnostic> {
    Box::new(Diagnostic::at(Code::E0803, span, message, flaw.what).help(flaw.fix))
}

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
    fn texts(&self, name: &str, span: Span) -> Attempt<Rc<Texts>>;
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
    pub fn text(&self, e: &Expr) -> Attempt<Rc<str>> {
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
    pub fn projection(&self, e: &Expr) -> Attempt<(usize, Rc<Vec<usize>>)> {
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
                if x.data.is_empty() {
                    return fail(Code::E0811, e.span, "nothing is compared here", "there are no values");
                }
                Value::Bool(x.data.iter().all(|v| *v >= lo && *v <= hi))
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
                    Some((_, set)) => Value::Examples(set.clone(), Rc::new((0..set.n).collect())),
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
    fn texts(&self, column: &Expr) -> Attempt<Rc<Texts>> {
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

    fn element(&self, of: &Expr, index: &[Expr], span: Span) -> Attempt<Value> {
        match self.eval(of)? {
            Value::Population(p) => Ok(Value::Population(self.slice(p, index, span)?)),
            Value::Examples(set, order) => {
                let Some(first) = index.first() else { return Ok(Value::Examples(set, order)) };
                let Picked { items, .. } = self.pick(first, order.len(), "examples")?;
                let order = items.into_iter().map(|k| order[k]).collect();
                Ok(Value::Examples(set, Rc::new(order)))
            }
            other => {
                let q = self.as_quantity(other, of.span)?;
                // Of a population of one cell, or of one synapse, the value is an array of one, too.
                let of_one = q.is_single() && matches!(of.kind, ExprKind::Variable { .. } | ExprKind::Synaptic { .. });
                let q = if of_one { q.flattened() } else { q };
                self.pick_numbers(&q, index, span).map(Value::Quantity)
            }
        }
    }

    /// Elements of an array, rows and columns of a matrix, examples of a batch.
    fn pick_numbers(&self, q: &Quantity, index: &[Expr], span: Span) -> Attempt<Quantity> {
        if q.is_single() {
            return fail(Code::E0401, span, "a number has no elements", "cannot be indexed");
        }
        // Examples come first, as rows do.
        let extents: Vec<usize> = q.rows.into_iter().chain(q.shape.iter().copied()).collect();
        if index.len() > extents.len() {
            let message = format!("{} indices of {}", index.len(), extent(&extents));
            return fail(Code::E0406, index[extents.len()].span, message, "one too many");
        }
        let mut chosen: Vec<Picked> = Vec::new();
        for (axis, n) in extents.iter().enumerate() {
            chosen.push(match index.get(axis) {
                Some(e) => self.pick(e, *n, if axis == 0 && q.rows.is_some() { "examples" } else { "elements" })?,
                None => Picked { items: (0..*n).collect(), single: false },
            });
        }
        let picked: Vec<usize> = chosen.iter().map(|p| p.items.len()).collect();
        if crate::value::elements(&picked).is_none() {
            return fail(Code::E0404, span, format!("{} is no array", extent(&picked)), "too many elements");
        }
        let mut flat = vec![0usize];
        for (picked, n) in chosen.iter().zip(&extents) {
            flat = flat.iter().flat_map(|at| picked.items.iter().map(move |k| at * n + k)).collect();
        }
        let data: Vec<f64> = flat.into_iter().map(|k| q.data[k]).collect();
        let mut kept = chosen.iter().filter(|p| !p.single).map(|p| p.items.len());
        // One example is no batch any more.
        let batch = q.rows.is_some() && !chosen[0].single;
        let rows = if batch { kept.next() } else { None };
        let shape: Vec<usize> = kept.collect();
        Ok(Quantity { data: data.into(), shape, rows, ..q.clone() })
    }

    /// Which elements of an array or a matrix an index picks, row after row; none without an index.
    pub fn places(&self, q: &Quantity, index: &[Expr], span: Span) -> Attempt<Vec<usize>> {
        if index.is_empty() {
            return Ok(Vec::new());
        }
        if q.rows.is_some() || index.len() != q.shape.len() {
            let found = if q.rows.is_some() { "a value for each example".into() } else { extent(&q.shape) };
            let message = format!("{} ind{} of {found}", index.len(), if index.len() == 1 { "ex" } else { "ices" });
            let d = Diagnostic::at(Code::E0406, span, message, "one for each axis is needed");
            return Err(Box::new(d.help("assign the whole: `x = …`")));
        }
        let mut flat = vec![0usize];
        for (e, n) in index.iter().zip(&q.shape) {
            let Picked { items, .. } = self.pick(e, *n, "elements")?;
            flat = flat.iter().flat_map(|at| items.iter().map(move |k| at * n + k)).collect();
        }
        Ok(flat)
    }

    /// Which of `n` things an index picks.
    fn pick(&self, e: &Expr, n: usize, what: &str) -> Attempt<Picked> {
        let out_of_range = |message: String| {
            let d = Diagnostic::at(Code::E0406, e.span, message, "out of range");
            let help = match n {
                0 => format!("there are no {what} here"),
                n => format!("indices go from 0 to {}; the end of a range is not in it", n - 1),
            };
            Err(Box::new(d.help(help)))
        };
        match self.eval(e)? {
            Value::Range(lo, hi, ..) => {
                let hi = if hi == f64::INFINITY { n as f64 } else { hi };
                if lo.fract() != 0.0 || hi.fract() != 0.0 {
                    return fail(Code::E0404, e.span, "the ends of an index are whole numbers", "not whole");
                }
                if lo < 0.0 || hi > n as f64 || lo > hi {
                    return out_of_range(format!("{what} {lo} .. {hi} of {n}"));
                }
                if lo == hi && what != "cells" {
                    return fail(Code::E0406, e.span, "this range is empty", "from an index to the same");
                }
                Ok(Picked { items: (lo as usize..hi as usize).collect(), single: false })
            }
            other => {
                let q = self.as_quantity(other, e.span)?;
                let mut items = Vec::with_capacity(q.data.len());
                for x in q.data.iter() {
                    if x.fract().abs() > 1e-9 {
                        let message = format!("{} is not an index", format_number(*x));
                        return fail(Code::E0404, e.span, message, "must be a whole number");
                    }
                    if *x < 0.0 || *x >= n as f64 {
                        return out_of_range(format!("index {} of {n} {what}", format_number(*x)));
                    }
                    items.push(x.round() as usize);
                }
                Ok(Picked { items, single: q.is_single() })
            }
        }
    }

    /// The cell of a population that has a name: `pop["720575940660219265"]`.
    fn named_cell(&self, p: PopulationRef, name: &Expr) -> Attempt<PopulationRef> {
        let text = self.text(name)?;
        let found = self.world.cell_named(&p, &text).map(|cell| p.cells.iter().position(|c| c == cell));
        match found {
            Ok(Some(k)) => Ok(PopulationRef { cells: p.cells.part(&[k]), ..p }),
            Ok(None) | Err(Unnamed::This) => {
                let message = format!("no cell is called \"{text}\"");
                let d = Diagnostic::at(Code::E0406, name.span, message, "not among these cells");
                Err(Box::new(d.help("names are those of the rows of the population's table, letter by letter")))
            }
            Err(Unnamed::All) => {
                let d = Diagnostic::at(Code::E0406, name.span, "these cells have no names", "a text picks none");
                Err(Box::new(d.help("make the population of a table, a cell per row: `population cell: Lif[cells]`")))
            }
        }
    }

    /// Restricts a population: `pop[3]`, `pop[0..10]`, `pop[1, 2]`, `pop[[4, 0, 9]]`.
    fn slice(&self, p: PopulationRef, index: &[Expr], span: Span) -> Attempt<PopulationRef> {
        let Some(first) = index.first() else { return Ok(p) };
        if first.ty.kind == Kind::Text {
            return self.named_cell(p, first);
        }
        let extents = if index.len() > 1 { self.world.shape(&p).to_vec() } else { vec![p.cells.len()] };
        if index.len() != extents.len() {
            let message = format!("{} indices of a population of the shape {extents:?}", index.len());
            return fail(Code::E0406, span, message, "one for each axis is needed");
        }
        let mut places = vec![0usize];
        for (e, n) in index.iter().zip(&extents) {
            let Picked { items, .. } = self.pick(e, *n, "cells")?;
            places = places.iter().flat_map(|at| items.iter().map(move |k| at * n + k)).collect();
        }
        let n = p.cells.len();
        if let Some(beyond) = places.iter().find(|k| **k >= n) {
            return fail(Code::E0406, first.span, format!("cell {beyond} of {n} cells"), "out of range");
        }
        let mut seen = vec![false; n];
        if let Some(twice) = places.iter().find(|k| std::mem::replace(&mut seen[**k], true)) {
            let d = Diagnostic::at(Code::E0406, first.span, format!("cell {twice} is named twice"), "each cell once");
            return Err(Box::new(d.help("leave out what is there already")));
        }
        Ok(PopulationRef { cells: p.cells.part(&places), ..p })
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

/// What an index picks.
struct Picked {
    items: Vec<usize>,
    /// Whether it is one by its index, so that the axis is gone.
    single: bool,
}

/// Turns a refusal of a function into a finding at a place.
pub fn refused(r: Refusal, span: Span) -> Box<Diagnostic> {
    let mut d = Diagnostic::at(r.code, span, r.message, r.label).maybe_help(r.help);
    for note in r.notes {
        d = d.note(note);
    }
    Box::new(d)
}

fn different<T>(span: Span, why: &str) -> Attempt<T> {
    fail(Code::E0403, span, format!("cannot combine {why}"), "different lengths")
}

/// Adds, compares and so on, element by element.
fn arithmetic(op: Op, x: &Quantity, y: &Quantity, whole: &Expr) -> Attempt<Value> {
    let unit = || x.unit.clone().or(y.unit.clone());
    let (q, dim, unit) = match op {
        Op::Add => (zip(x, y, whole, |a, b| a + b)?, x.dim, unit()),
        Op::Sub => (zip(x, y, whole, |a, b| a - b)?, x.dim, unit()),
        Op::Mul => {
            let unit = if x.dim == Dim::ONE { y.unit.clone() } else { x.unit.clone().filter(|_| y.dim == Dim::ONE) };
            (zip(x, y, whole, |a, b| a * b)?, x.dim * y.dim, unit)
        }
        Op::Div => (zip(x, y, whole, |a, b| a / b)?, x.dim / y.dim, x.unit.clone().filter(|_| y.dim == Dim::ONE)),
        _ => {
            let test: fn(f64, f64) -> bool = match op {
                Op::Le => |a, b| a <= b,
                Op::Ge => |a, b| a >= b,
                Op::Eq => |a, b| a == b,
                Op::Ne => |a, b| a != b,
                Op::Lt => |a, b| a < b,
                _ => |a, b| a > b,
            };
            let q = zip(x, y, whole, |a, b| f64::from(u8::from(test(a, b))))?;
            if let Some(one) = q.single() {
                return Ok(Value::Bool(one != 0.0));
            }
            (q, Dim::ONE, None)
        }
    };
    Ok(Quantity { dim, unit, ..q }.into())
}

/// Element by element, in a loop of each operation's own.
fn zip(x: &Quantity, y: &Quantity, whole: &Expr, f: impl Fn(f64, f64) -> f64) -> Attempt<Quantity> {
    x.zip(y, f).or_else(|why| different(whole.span, &why))
}

/// The same for an assignment with an operator.
pub fn combine(op: Op, x: &Quantity, y: &Quantity, span: Span) -> Attempt<Quantity> {
    let whole = Expr::error(span);
    match arithmetic(op, x, y, &whole)? {
        Value::Quantity(q) => Ok(q),
        _ => fail(Code::E0401, span, "a comparison cannot be assigned", "not a number"),
    }
}
