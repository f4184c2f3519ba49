//! Expressions to IR values. What depends on parameters only is computed here, in double precision, once.

use super::columns::Columns;
use crate::hir::{Draw, EventId, Expr, Func, Op, VarId};
use crate::ir::{Builder, Precision, Slot, SlotKind, Value, expand};
use crate::math::{eval, eval_through};
use crate::plan::Column;
use std::cell::{RefCell, RefMut};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A function of time and of parameters, computed in double precision at every step.
#[derive(Debug, Clone, PartialEq)]
pub struct Clock {
    /// The function.
    pub e: Expr,
    /// Definitions of the `let`s in it.
    pub lets: Vec<(VarId, Expr)>,
    /// Values of the parameters in it.
    pub columns: Vec<(VarId, Column)>,
    /// The time step.
    pub dt: f64,
}

impl Clock {
    /// Returns whether it is the same in all cells.
    pub fn is_uniform(&self) -> bool {
        self.columns.iter().all(|(_, c)| matches!(c, Column::Const(_)))
    }

    /// Returns the values of a parameter.
    pub fn column(&self, v: VarId) -> Option<Column> {
        self.columns.iter().find(|(of, _)| *of == v).map(|(_, c)| c.clone())
    }

    /// Returns the definition of a `let`.
    pub fn definition(&self, v: VarId) -> Option<Expr> {
        self.lets.iter().find(|(of, _)| *of == v).map(|(_, e)| e.clone())
    }

    /// Returns the value at a time, in one cell.
    pub fn at(&self, t: f64, cell: usize) -> f64 {
        let lets = |v: VarId| self.lets.iter().find(|(of, _)| *of == v).map(|(_, e)| e);
        let params = |v: VarId| self.columns.iter().find(|(of, _)| *of == v).map(|(_, c)| c.at(cell));
        let found = eval_through(&self.e, &lets, &params, (Some(self.dt), Some(t)));
        found.unwrap_or_else(|| crate::ice!("not a function of time"))
    }
}

/// Current values of what varies; counts its changes, after which what followed from it is out of date.
#[derive(Default, Clone)]
pub(super) struct Env {
    values: HashMap<VarId, Value>,
    changes: u64,
}

impl Env {
    pub fn insert(&mut self, v: VarId, value: Value) {
        self.extend([(v, value)]);
    }

    pub fn extend(&mut self, values: impl IntoIterator<Item = (VarId, Value)>) {
        self.values.extend(values);
        self.changes += 1;
    }

    pub fn get(&self, v: &VarId) -> Option<&Value> {
        self.values.get(v)
    }

    pub fn contains_key(&self, v: &VarId) -> bool {
        self.values.contains_key(v)
    }
}

impl std::ops::Index<&VarId> for Env {
    type Output = Value;
    fn index(&self, v: &VarId) -> &Value {
        &self.values[v]
    }
}

/// What has been found out about `let`s while nothing changes.
#[derive(Default)]
struct Found {
    changes: u64,
    constants: HashMap<VarId, Option<f64>>,
    fixed: HashMap<VarId, bool>,
    values: HashMap<VarId, Value>,
}

/// Builds one kernel's expressions.
pub(super) struct Lowering<'a> {
    pub b: Builder,
    /// Values of parameters; what is not here varies.
    pub params: &'a dyn Fn(VarId) -> Option<Column>,
    /// Definitions of `let`s.
    pub lets: &'a dyn Fn(VarId) -> Option<Expr>,
    /// Current values of everything that varies.
    pub env: Env,
    found: RefCell<Found>,
    /// The time step; `None` if it is the value `dt`.
    pub dt: Option<f64>,
    pub dt_value: Option<Value>,
    pub time: Option<Value>,
    /// Time since each event, and whether it happens now.
    pub since: HashMap<EventId, Value>,
    pub fired: HashMap<EventId, Value>,
    /// Standard normal numbers and raw bits by draw and noise number.
    pub randoms: HashMap<(bool, u32), (Slot, Slot)>,
    /// Lane slots made for per-cell invariants: what they hold, and of which expression of parameters.
    pub invariants: Vec<(Slot, Arc<Vec<f64>>, Expr)>,
    /// How slots of functions of time, one per cell, are laid out; `None` if the time itself is read.
    pub clocks_in: Option<SlotKind>,
    /// Slots of functions of time.
    pub clocks: Vec<(Slot, Arc<Clock>)>,
    pub n_lanes: usize,
}

/// Computes an expression of parameters for every cell; nothing if it has no value.
pub fn lanes_of(
    e: &Expr,
    definitions: &dyn Fn(VarId) -> Option<Expr>,
    params: &dyn Fn(VarId) -> Option<Column>,
    dt: Option<f64>,
    n: usize,
) -> Option<Vec<f64>> {
    if let Expr::Var(v) = e
        && let Some(Column::Array(values)) = params(*v)
    {
        return Some(values.to_vec());
    }
    if let Some(values) = (Columns { definitions, params, dt, n }).of(e) {
        return Some(values);
    }
    let lane = |i: usize| {
        let params = |v: VarId| params(v).map(|c| c.at(i));
        eval_through(e, definitions, &params, (dt, None))
    };
    (0..n).map(lane).collect()
}

impl<'a> Lowering<'a> {
    /// Starts a kernel in which nothing varies yet.
    pub fn new(
        name: &str,
        precision: Precision,
        params: &'a dyn Fn(VarId) -> Option<Column>,
        lets: &'a dyn Fn(VarId) -> Option<Expr>,
    ) -> Lowering<'a> {
        Lowering {
            b: Builder::new(name, precision),
            params,
            lets,
            env: Env::default(),
            found: RefCell::default(),
            dt: None,
            dt_value: None,
            time: None,
            since: HashMap::new(),
            fired: HashMap::new(),
            randoms: HashMap::new(),
            invariants: Vec::new(),
            clocks_in: None,
            clocks: Vec::new(),
            n_lanes: 0,
        }
    }

    /// Returns what is known about `let`s now.
    fn found(&self) -> RefMut<'_, Found> {
        let mut found = self.found.borrow_mut();
        if found.changes != self.env.changes {
            *found = Found { changes: self.env.changes, ..Found::default() };
        }
        found
    }

    /// Returns the definition of what has no value of its own.
    fn definition(&self, v: VarId) -> Option<Expr> {
        if self.env.contains_key(&v) { None } else { (self.lets)(v) }
    }

    fn constant(&self, e: &Expr) -> Option<f64> {
        eval(e, &|v| self.constant_variable(v), self.dt)
    }

    fn constant_variable(&self, v: VarId) -> Option<f64> {
        let Some(definition) = self.definition(v) else {
            return match (self.params)(v) {
                Some(Column::Const(c)) => Some(c),
                _ => None,
            };
        };
        if let Some(value) = self.found().constants.get(&v) {
            return *value;
        }
        let value = self.constant(&definition);
        self.found().constants.insert(v, value);
        value
    }

    /// Returns whether an expression is of parameters only.
    pub fn is_fixed(&self, e: &Expr) -> bool {
        !e.any(&mut |e| match e {
            Expr::Var(v) => !self.is_fixed_variable(*v),
            Expr::Dt => self.dt.is_none(),
            Expr::Time | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => true,
            _ => false,
        })
    }

    fn is_fixed_variable(&self, v: VarId) -> bool {
        let Some(definition) = self.definition(v) else {
            return !self.env.contains_key(&v) && (self.params)(v).is_some();
        };
        if let Some(fixed) = self.found().fixed.get(&v) {
            return *fixed;
        }
        let fixed = self.is_fixed(&definition);
        self.found().fixed.insert(v, fixed);
        fixed
    }

    /// Computes an expression of per-cell parameters once for every cell.
    fn invariant(&mut self, e: &Expr) -> Option<Value> {
        if matches!(e, Expr::Num(_)) || !self.is_fixed(e) {
            return None;
        }
        if let Some((slot, ..)) = self.invariants.iter().find(|(.., known)| known == e) {
            return Some(self.b.load(*slot));
        }
        let values = lanes_of(e, &|v| self.definition(v), self.params, self.dt, self.n_lanes)?;
        let slot = self.b.slot(format!("invariant{}", self.invariants.len()), SlotKind::Lane);
        self.invariants.push((slot, Arc::new(values), e.clone()));
        Some(self.b.load(slot))
    }

    /// Computes what depends on time and parameters outside of a kernel in single precision, which cannot tell two late
    /// moments apart.
    fn clock(&mut self, e: &Expr) -> Option<Value> {
        let per_cell = self.clocks_in.filter(|_| self.b.precision() == Precision::F32)?;
        if !matches!(e, Expr::Bin(..) | Expr::Neg(_) | Expr::Not(_) | Expr::Call(..) | Expr::If(..)) {
            return None;
        }
        let (mut timed, mut known) = (false, true);
        let mut clock = Clock { e: e.clone(), lets: Vec::new(), columns: Vec::new(), dt: self.dt.unwrap_or_default() };
        let (mut seen, mut waiting) = (HashSet::new(), vec![e.clone()]);
        while let Some(e) = waiting.pop() {
            e.walk(&mut |e| match e {
                Expr::Time => timed = true,
                Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => known = false,
                Expr::Dt => known &= self.dt.is_some(),
                Expr::Var(v) if !seen.insert(*v) => {}
                Expr::Var(v) => match (self.definition(*v), (self.params)(*v)) {
                    (Some(definition), _) => {
                        clock.lets.push((*v, definition.clone()));
                        waiting.push(definition);
                    }
                    (None, Some(column)) if !self.env.contains_key(v) => clock.columns.push((*v, column)),
                    _ => known = false,
                },
                _ => {}
            });
        }
        if !timed || !known {
            return None;
        }
        if let Some((slot, _)) = self.clocks.iter().find(|(_, c)| **c == clock) {
            return Some(self.b.load(*slot));
        }
        let kind = if clock.is_uniform() { SlotKind::Uniform } else { per_cell };
        let slot = self.b.slot(format!("clock{}", self.clocks.len()), kind);
        self.clocks.push((slot, Arc::new(clock)));
        Some(self.b.load(slot))
    }

    /// Splits a product into its constant part, computed in double precision, and the factors that vary.
    fn factors<'e>(&self, e: &'e Expr, scale: &mut f64, rest: &mut Vec<&'e Expr>) {
        match e {
            Expr::Bin(Op::Mul, a, b) => {
                self.factors(a, scale, rest);
                self.factors(b, scale, rest);
            }
            Expr::Bin(Op::Div, a, b) => match self.constant(b) {
                Some(d) => {
                    *scale /= d;
                    self.factors(a, scale, rest);
                }
                None => rest.push(e),
            },
            _ => match self.constant(e) {
                Some(c) => *scale *= c,
                None => rest.push(e),
            },
        }
    }

    /// Lowers a product, or a quotient: its constant part first if that is how it is written, else last.
    fn product(&mut self, e: &Expr) -> Value {
        let (mut scale, mut rest) = (1.0, Vec::new());
        self.factors(e, &mut scale, &mut rest);
        let mut leftmost = e;
        while let Expr::Bin(Op::Mul | Op::Div, a, _) = leftmost {
            leftmost = a;
        }
        let first = scale != 1.0 && self.constant(leftmost).is_some();
        let mut product = first.then(|| self.b.constant(scale));
        for factor in rest {
            let value = match factor {
                Expr::Bin(Op::Div, a, b) => {
                    let (a, b) = (self.number(a), self.number(b));
                    self.b.div(a, b)
                }
                other => self.number(other),
            };
            product = Some(product.map_or(value, |p| self.b.mul(p, value)));
        }
        match product {
            Some(p) if first || scale == 1.0 => p,
            Some(p) => {
                let scale = self.b.constant(scale);
                self.b.mul(p, scale)
            }
            None => self.b.constant(scale),
        }
    }

    /// Lowers a `let`, once while nothing changes.
    fn let_value(&mut self, v: VarId) -> Value {
        if let Some(value) = self.found().values.get(&v) {
            return *value;
        }
        let Some(definition) = (self.lets)(v) else { crate::ice!("variable {v} has no value") };
        let value = self.number(&definition);
        self.found().values.insert(v, value);
        value
    }

    /// Lowers a number.
    pub fn number(&mut self, e: &Expr) -> Value {
        if let Some(c) = self.constant(e) {
            return self.b.constant(c);
        }
        if let Some(v) = self.invariant(e).or_else(|| self.clock(e)) {
            return v;
        }
        match e {
            Expr::Num(v) => self.b.constant(*v),
            Expr::Var(v) => match self.env.get(v) {
                Some(value) => *value,
                None => self.let_value(*v),
            },
            Expr::Time => self.time.unwrap_or_else(|| crate::ice!("time is not available")),
            Expr::Dt => self.dt_value.unwrap_or_else(|| crate::ice!("dt is not available")),
            Expr::Neg(a) => {
                let a = self.number(a);
                self.b.neg(a)
            }
            Expr::Bin(Op::Mul | Op::Div, ..) => self.product(e),
            Expr::Bin(op @ (Op::Add | Op::Sub), a, b) => {
                // An input that is off adds nothing.
                match (self.constant(a), self.constant(b), op) {
                    (Some(0.0), _, Op::Add) => return self.number(b),
                    (_, Some(0.0), _) => return self.number(a),
                    _ => {}
                }
                let (x, y) = (self.number(a), self.number(b));
                if *op == Op::Add { self.b.add(x, y) } else { self.b.sub(x, y) }
            }
            Expr::Call(f, args) => self.call(*f, args),
            Expr::If(c, a, b) => {
                if let Some(c) = self.constant(c) {
                    return self.number(if c != 0.0 { a } else { b });
                }
                let c = self.mask(c);
                let (a, b) = (self.number(a), self.number(b));
                self.b.select(c, a, b)
            }
            Expr::Since(e) => self.since.get(e).copied().unwrap_or_else(|| crate::ice!("since of an unknown event")),
            Expr::Draw(id, draw, args) => {
                let (first, second) = self.randoms[&(false, *id)];
                let (a, b) = (self.number(&args[0]), self.number(&args[1]));
                match draw {
                    Draw::Uniform => {
                        let bits = self.b.load_bits(first);
                        let u = expand::uniform(&mut self.b, bits);
                        let width = self.b.sub(b, a);
                        let scaled = self.b.mul(u, width);
                        self.b.add(scaled, a)
                    }
                    Draw::Normal => {
                        let z = self.normal(first, second);
                        let scaled = self.b.mul(z, b);
                        self.b.add(scaled, a)
                    }
                }
            }
            Expr::Noise(k) => {
                let (first, second) = self.randoms[&(true, *k)];
                let z = self.normal(first, second);
                let scale = self.b.constant(1.0 / self.dt.unwrap_or(1.0).sqrt());
                self.b.mul(z, scale)
            }
            Expr::Bool(_) | Expr::Not(_) | Expr::Fired(_) | Expr::Bin(..) => {
                let m = self.mask(e);
                let (one, zero) = (self.b.constant(1.0), self.b.constant(0.0));
                self.b.select(m, one, zero)
            }
        }
    }

    fn normal(&mut self, first: Slot, second: Slot) -> Value {
        let (x, y) = (self.b.load_bits(first), self.b.load_bits(second));
        expand::normal(&mut self.b, x, y)
    }

    fn call(&mut self, f: Func, args: &[Expr]) -> Value {
        let a = self.number(&args[0]);
        let second = args.get(1).map(|e| self.number(e));
        let b = &mut self.b;
        match (f, second) {
            (Func::Exp, _) => expand::exp(b, a),
            (Func::Expm1, _) => expand::expm1(b, a),
            (Func::Exprel, _) => expand::exprel(b, a),
            (Func::Log, _) => expand::log(b, a),
            (Func::Log10, _) => {
                let l = expand::log(b, a);
                let c = b.constant(std::f64::consts::LOG10_E);
                b.mul(l, c)
            }
            (Func::Sqrt, _) => b.sqrt(a),
            (Func::Sin, _) => expand::sin(b, a),
            (Func::Cos, _) => expand::cos(b, a),
            (Func::Tan, _) => {
                let (s, c) = (expand::sin(b, a), expand::cos(b, a));
                b.div(s, c)
            }
            (Func::Tanh, _) => expand::tanh(b, a),
            (Func::Sigmoid, _) => expand::sigmoid(b, a),
            (Func::Abs, _) => b.abs(a),
            (Func::Floor, _) => b.floor(a),
            (Func::Round, _) => b.nearest(a),
            (Func::Ceil, _) => {
                let m = b.neg(a);
                let m = b.floor(m);
                b.neg(m)
            }
            (Func::Sign, _) => {
                let (zero, one, minus) = (b.constant(0.0), b.constant(1.0), b.constant(-1.0));
                let (below, above) = (b.lt(a, zero), b.lt(zero, a));
                let out = b.select(below, minus, zero);
                b.select(above, one, out)
            }
            (Func::Heaviside, _) => {
                let (zero, one) = (b.constant(0.0), b.constant(1.0));
                let m = b.le(zero, a);
                b.select(m, one, zero)
            }
            (Func::Min, Some(y)) => expand::min(b, a, y),
            (Func::Max, Some(y)) => expand::max(b, a, y),
            (Func::Mod, Some(y)) => {
                let q = b.div(a, y);
                let q = b.floor(q);
                let back = b.mul(q, y);
                b.sub(a, back)
            }
            (Func::Pow, Some(y)) => expand::pow(b, a, y),
            (Func::Poisson, Some(mean)) => expand::poisson(b, a, mean),
            (_, None) => crate::ice!("{} lacks an argument", f.name()),
        }
    }

    /// Lowers a condition.
    pub fn mask(&mut self, e: &Expr) -> Value {
        if let Some(c) = self.constant(e) {
            return self.b.truth(c != 0.0);
        }
        if let Some(v) = self.clock(e) {
            let half = self.b.constant(0.5);
            return self.b.lt(half, v);
        }
        match e {
            Expr::Bool(t) => self.b.truth(*t),
            Expr::Not(a) => {
                let a = self.mask(a);
                self.b.not(a)
            }
            Expr::Fired(e) => match self.fired.get(e) {
                Some(v) => *v,
                None => self.b.truth(false),
            },
            Expr::Bin(op, x, y) => match op {
                Op::And | Op::Or => {
                    let (x, y) = (self.mask(x), self.mask(y));
                    if *op == Op::And { self.b.and(x, y) } else { self.b.or(x, y) }
                }
                _ => {
                    let (x, y) = (self.number(x), self.number(y));
                    match op {
                        Op::Lt => self.b.lt(x, y),
                        Op::Le => self.b.le(x, y),
                        Op::Gt => self.b.lt(y, x),
                        Op::Ge => self.b.le(y, x),
                        Op::Eq => self.b.eq(x, y),
                        _ => {
                            let m = self.b.eq(x, y);
                            self.b.not(m)
                        }
                    }
                }
            },
            other => {
                let v = self.number(other);
                let half = self.b.constant(0.5);
                self.b.lt(half, v)
            }
        }
    }
}
