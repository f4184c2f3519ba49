//! Checked expressions: names are ids, numbers are in internal units, and units have done their work.

use crate::builtin::Func;
use cranelift_entity::entity_impl;
use serde::{Deserialize, Serialize};

/// A variable of a model: parameter, state, `let`, or port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VarId(u32);
entity_impl!(VarId, "var");

impl VarId {
    /// Stands for one where there is one of it for every example.
    pub const EACH: VarId = VarId(u32::MAX - 90);
}

/// An event a neuron emits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(u32);
entity_impl!(EventId, "event");

/// Arithmetic and comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    And,
    Or,
}

/// Draws that a model may make at each step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Draw {
    /// Uniform between the two arguments.
    Uniform,
    /// Normal with mean and standard deviation.
    Normal,
}

/// What can be made of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reduce {
    /// Their sum.
    Sum,
    /// Their mean.
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The root of the sum of their squares.
    Norm,
}

impl Reduce {
    /// Finds one by name.
    pub fn named(name: &str) -> Option<Reduce> {
        Some(match name {
            "sum" => Reduce::Sum,
            "mean" => Reduce::Mean,
            "max" => Reduce::Max,
            "min" => Reduce::Min,
            "norm" => Reduce::Norm,
            _ => return None,
        })
    }
}

/// A checked expression of one instance (one cell, one synapse) at one step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Expr {
    /// A number in internal units.
    Num(f64),
    /// A truth value.
    Bool(bool),
    /// A variable.
    Var(VarId),
    /// Simulated time at the beginning of the step.
    Time,
    /// The time step.
    Dt,
    /// `-x`
    Neg(Box<Expr>),
    /// `not x`
    Not(Box<Expr>),
    /// `a op b`
    Bin(Op, Box<Expr>, Box<Expr>),
    /// `f(x, …)`
    Call(Func, Vec<Expr>),
    /// `if c then a else b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// Time since the event last happened before this step's decision.
    Since(EventId),
    /// Whether the event happens in this step.
    Fired(EventId),
    /// A draw; the number distinguishes independent draws of one model.
    Draw(u32, Draw, Vec<Expr>),
    /// White noise of unit intensity; the number distinguishes processes.
    Noise(u32),
}

impl Expr {
    /// Replaces `t` by a time, internal units.
    pub fn at_time(self, t: f64) -> Expr {
        self.map(&mut |e| if e == Expr::Time { Expr::Num(t) } else { e })
    }

    /// Builds `a op b`.
    pub fn bin(op: Op, a: Expr, b: Expr) -> Expr {
        Expr::Bin(op, Box::new(a), Box::new(b))
    }

    /// Calls `visit` on this expression and all parts, outermost first.
    pub fn walk(&self, visit: &mut dyn FnMut(&Expr)) {
        visit(self);
        match self {
            Expr::Neg(a) | Expr::Not(a) => a.walk(visit),
            Expr::Bin(_, a, b) => {
                a.walk(visit);
                b.walk(visit);
            }
            Expr::Call(_, args) | Expr::Draw(_, _, args) => args.iter().for_each(|a| a.walk(visit)),
            Expr::If(a, b, c) => {
                a.walk(visit);
                b.walk(visit);
                c.walk(visit);
            }
            _ => {}
        }
    }

    /// Rebuilds the expression bottom-up; `f` maps each node whose parts are already mapped.
    pub fn map(self, f: &mut dyn FnMut(Expr) -> Expr) -> Expr {
        let mapped = match self {
            Expr::Neg(a) => Expr::Neg(Box::new(a.map(f))),
            Expr::Not(a) => Expr::Not(Box::new(a.map(f))),
            Expr::Bin(op, a, b) => Expr::Bin(op, Box::new(a.map(f)), Box::new(b.map(f))),
            Expr::Call(func, args) => Expr::Call(func, args.into_iter().map(|a| a.map(f)).collect()),
            Expr::Draw(id, d, args) => Expr::Draw(id, d, args.into_iter().map(|a| a.map(f)).collect()),
            Expr::If(a, b, c) => Expr::If(Box::new(a.map(f)), Box::new(b.map(f)), Box::new(c.map(f))),
            leaf => leaf,
        };
        f(mapped)
    }

    /// Returns whether any part satisfies the predicate.
    pub fn any(&self, predicate: &mut dyn FnMut(&Expr) -> bool) -> bool {
        let mut found = false;
        self.walk(&mut |e| found |= predicate(e));
        found
    }

    /// Returns whether the variable occurs.
    pub fn mentions(&self, var: VarId) -> bool {
        self.any(&mut |e| matches!(e, Expr::Var(v) if *v == var))
    }
}
