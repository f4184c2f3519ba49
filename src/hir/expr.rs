//! Checked expressions: names are ids, numbers are in internal units, and units have done their work.

use cranelift_entity::entity_impl;
use serde::{Deserialize, Serialize};

/// A variable of a model: parameter, state, `let`, or port.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VarId(u32);
entity_impl!(VarId, "var");

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

/// Functions of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Func {
    Exp,
    Expm1,
    Exprel,
    Log,
    Log10,
    Sqrt,
    Sin,
    Cos,
    Tan,
    Tanh,
    Sigmoid,
    Abs,
    Floor,
    Ceil,
    Round,
    Sign,
    Heaviside,
    Min,
    Max,
    Mod,
    Pow,
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

/// Reads a draw's or function's definition in ordinary floating point; the compile-time twin of the IR.
pub fn apply(func: Func, a: &[f64]) -> f64 {
    match func {
        Func::Exp => a[0].exp(),
        Func::Expm1 => a[0].exp_m1(),
        Func::Exprel => {
            if a[0].abs() < 1e-8 {
                1.0 + a[0] / 2.0
            } else {
                a[0].exp_m1() / a[0]
            }
        }
        Func::Log => a[0].ln(),
        Func::Log10 => a[0].log10(),
        Func::Sqrt => a[0].sqrt(),
        Func::Sin => a[0].sin(),
        Func::Cos => a[0].cos(),
        Func::Tan => a[0].tan(),
        Func::Tanh => a[0].tanh(),
        Func::Sigmoid => 1.0 / (1.0 + (-a[0]).exp()),
        Func::Abs => a[0].abs(),
        Func::Floor => a[0].floor(),
        Func::Ceil => a[0].ceil(),
        Func::Round => a[0].round_ties_even(),
        Func::Sign => {
            if a[0] > 0.0 {
                1.0
            } else if a[0] < 0.0 {
                -1.0
            } else {
                0.0
            }
        }
        Func::Heaviside => f64::from(u8::from(a[0] >= 0.0)),
        Func::Min => {
            if a[0] < a[1] {
                a[0]
            } else {
                a[1]
            }
        }
        Func::Max => {
            if a[1] < a[0] {
                a[0]
            } else {
                a[1]
            }
        }
        Func::Mod => a[0] - a[1] * (a[0] / a[1]).floor(),
        Func::Pow => a[0].powf(a[1]),
    }
}

impl Func {
    /// Finds a function by name, with its number of arguments.
    pub fn parse(name: &str) -> Option<(Func, usize)> {
        Some(match name {
            "exp" => (Func::Exp, 1),
            "expm1" => (Func::Expm1, 1),
            "exprel" => (Func::Exprel, 1),
            "log" => (Func::Log, 1),
            "log10" => (Func::Log10, 1),
            "sqrt" => (Func::Sqrt, 1),
            "sin" => (Func::Sin, 1),
            "cos" => (Func::Cos, 1),
            "tan" => (Func::Tan, 1),
            "tanh" => (Func::Tanh, 1),
            "sigmoid" => (Func::Sigmoid, 1),
            "abs" => (Func::Abs, 1),
            "floor" => (Func::Floor, 1),
            "ceil" => (Func::Ceil, 1),
            "round" => (Func::Round, 1),
            "sign" => (Func::Sign, 1),
            "heaviside" => (Func::Heaviside, 1),
            "min" => (Func::Min, 2),
            "max" => (Func::Max, 2),
            "mod" => (Func::Mod, 2),
            _ => return None,
        })
    }

    /// Returns the name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Func::Exp => "exp",
            Func::Expm1 => "expm1",
            Func::Exprel => "exprel",
            Func::Log => "log",
            Func::Log10 => "log10",
            Func::Sqrt => "sqrt",
            Func::Sin => "sin",
            Func::Cos => "cos",
            Func::Tan => "tan",
            Func::Tanh => "tanh",
            Func::Sigmoid => "sigmoid",
            Func::Abs => "abs",
            Func::Floor => "floor",
            Func::Ceil => "ceil",
            Func::Round => "round",
            Func::Sign => "sign",
            Func::Heaviside => "heaviside",
            Func::Min => "min",
            Func::Max => "max",
            Func::Mod => "mod",
            Func::Pow => "pow",
        }
    }

    /// All function names, for suggestions.
    pub const NAMES: [&'static str; 20] = [
        "exp",
        "expm1",
        "exprel",
        "log",
        "log10",
        "sqrt",
        "sin",
        "cos",
        "tan",
        "tanh",
        "sigmoid",
        "abs",
        "floor",
        "ceil",
        "round",
        "sign",
        "heaviside",
        "min",
        "max",
        "mod",
    ];
}
