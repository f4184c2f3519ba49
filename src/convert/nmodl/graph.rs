//! Expressions as a graph: what several places share is one node. Every node has its values at a few samples of all variables, by which
//! expressions are compared.

use std::collections::HashMap;

/// A node.
pub type Id = usize;
/// How many samples there are.
pub const SAMPLES: usize = 10;
/// Values of a node.
pub type Values = [f64; SAMPLES];
/// How many nodes a mechanism may have.
pub const MOST: usize = 200_000;

/// What a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The membrane potential, in mV.
    Voltage,
    /// Time, in ms.
    Time,
    /// The step, in ms.
    Step,
    /// The temperature, in K.
    Temperature,
    /// Given by the file or by who uses it.
    Parameter,
    /// It evolves.
    State,
    /// Given by the cell around, such as a concentration.
    Argument,
    /// What comes with an event.
    Weight,
    /// One of the library's constants.
    Constant,
    /// A value that is not that of now; what follows from it cannot be carried over.
    Stale,
}

/// A variable.
#[derive(Debug, Clone)]
pub struct Atom {
    /// Its name in the file.
    pub name: String,
    /// What it is.
    pub role: Role,
}

/// An operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A number, with its unit if the file has one.
    Number(f64, Option<String>),
    /// A variable.
    Atom(usize),
    /// `-x`
    Negative(Id),
    /// `not x`
    Not(Id),
    /// `x + y`, and the like.
    Binary(&'static str, Id, Id),
    /// A function of numbers.
    Call(&'static str, Vec<Id>),
    /// `if c then x else y`
    If(Id, Id, Id),
    /// An expression that has a name in the file.
    Named(String, Id),
}

/// All nodes and variables.
#[derive(Debug, Default)]
pub struct Graph {
    /// Operations; what they work on stands before them.
    pub ops: Vec<Op>,
    /// Their values at the samples.
    pub values: Vec<Values>,
    /// Variables.
    pub atoms: Vec<Atom>,
    /// The variables' values at the samples.
    pub samples: Vec<Values>,
    nodes_of_atoms: HashMap<String, Id>,
    /// Whether nodes contain a quotient whose singularity was removed.
    pub smooth: Vec<bool>,
    /// Where the potential is moved off a singularity, and to where: both of sample 0. The move is left out.
    pub nudges: Vec<(Id, Id)>,
    /// Whether such moves are kept.
    pub literal: bool,
}

/// A number that is not one of the file.
pub const BARE: Option<String> = None;

impl Graph {
    /// Adds a node.
    pub fn add(&mut self, op: Op) -> Id {
        let children = children(&op);
        let values = std::array::from_fn(|k| self.value(&op, &|id| self.values[id][k], &|a| self.samples[a][k]));
        let smooth = matches!(op, Op::Call("exprel", _)) || children.iter().any(|&c| self.smooth[c]);
        self.ops.push(op);
        self.values.push(values);
        self.smooth.push(smooth);
        self.ops.len() - 1
    }

    /// The node of a variable, if there is one.
    pub fn find(&self, name: &str) -> Option<Id> {
        self.nodes_of_atoms.get(name).copied()
    }

    /// Adds a variable.
    pub fn atom(&mut self, name: &str, role: Role, samples: Values) -> Id {
        if let Some(&id) = self.nodes_of_atoms.get(name) {
            return id;
        }
        self.atoms.push(Atom { name: name.into(), role });
        self.samples.push(samples);
        let id = self.add(Op::Atom(self.atoms.len() - 1));
        self.nodes_of_atoms.insert(name.into(), id);
        id
    }

    /// Adds a number.
    pub fn number(&mut self, x: f64) -> Id {
        self.add(Op::Number(x, BARE))
    }

    /// Looks through names.
    pub fn bare(&self, mut id: Id) -> Id {
        while let Op::Named(_, inner) = self.ops[id] {
            id = inner;
        }
        id
    }

    /// The operation of a node, looking through names.
    pub fn op(&self, id: Id) -> &Op {
        &self.ops[self.bare(id)]
    }

    /// The number that a node is.
    pub fn constant(&self, id: Id) -> Option<f64> {
        match self.op(id) {
            Op::Number(x, _) => Some(*x),
            _ => None,
        }
    }

    /// Whether a comparison of numbers holds.
    pub fn truth(&self, id: Id) -> Option<bool> {
        let Op::Binary(_, x, y) = self.op(id) else { return None };
        (self.constant(*x).is_some() && self.constant(*y).is_some()).then(|| self.values[id][0] != 0.0)
    }

    /// The variable that a node is.
    pub fn variable(&self, id: Id) -> Option<&Atom> {
        match self.op(id) {
            Op::Atom(a) => self.atoms.get(*a),
            _ => None,
        }
    }

    /// Whether two nodes have the same values.
    pub fn same(&self, a: Id, b: Id) -> bool {
        self.bare(a) == self.bare(b) || self.values[a].iter().zip(&self.values[b]).all(|(x, y)| close(*x, *y))
    }

    /// The factor between two nodes, if it is the same at all samples.
    pub fn ratio(&self, a: Id, b: Id) -> Option<f64> {
        let first = self.values[a][0] / self.values[b][0];
        let constant = self.values[a].iter().zip(&self.values[b]).all(|(x, y)| close(x / y, first));
        let plain: f64 = format!("{first:.8e}").parse().unwrap_or(first);
        let first = if close(plain, first) { plain } else { tidy(first) };
        (constant && first.is_finite() && first != 0.0).then_some(first)
    }

    /// Whether a variable of such a role is part of a node.
    pub fn contains(&self, id: Id, wanted: &dyn Fn(&Atom) -> bool) -> bool {
        let mut seen = vec![false; id + 1];
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if std::mem::replace(&mut seen[id], true) {
                continue;
            }
            match &self.ops[id] {
                Op::Atom(a) if wanted(&self.atoms[*a]) => return true,
                op => open.extend(children(op)),
            }
        }
        false
    }

    /// A node's value where a variable has another value than in sample 0.
    pub fn value_at(&self, id: Id, atom: usize, value: f64) -> f64 {
        self.all_at(id, &|a| if a == atom { value } else { self.samples[a][0] })[id]
    }

    /// The values of a node and of those before it, where variables have these values.
    pub fn all_at(&self, id: Id, atom: &dyn Fn(usize) -> f64) -> Vec<f64> {
        let mut values = Vec::with_capacity(id + 1);
        for op in &self.ops[..=id] {
            let x = self.value(op, &|i| values[i], atom);
            values.push(x);
        }
        values
    }

    fn value(&self, op: &Op, node: &dyn Fn(Id) -> f64, atom: &dyn Fn(usize) -> f64) -> f64 {
        let truth = |b: bool| f64::from(u8::from(b));
        match op {
            Op::Number(x, _) => *x,
            Op::Atom(a) => atom(*a),
            Op::Negative(x) => -node(*x),
            Op::Not(x) => truth(node(*x) == 0.0),
            Op::Named(_, x) => node(*x),
            Op::If(c, x, y) => node(if node(*c) != 0.0 { *x } else { *y }),
            Op::Binary(sign, x, y) => {
                let (x, y) = (node(*x), node(*y));
                match *sign {
                    "+" => x + y,
                    "-" => x - y,
                    "*" => x * y,
                    "/" => x / y,
                    "^" => x.powf(y),
                    "<" => truth(x < y),
                    ">" => truth(x > y),
                    "<=" => truth(x <= y),
                    ">=" => truth(x >= y),
                    "==" => truth(x == y),
                    "!=" => truth(x != y),
                    "and" => truth(x != 0.0 && y != 0.0),
                    "or" => truth(x != 0.0 || y != 0.0),
                    _ => f64::NAN,
                }
            }
            Op::Call(name, args) => {
                let x = args.first().map_or(f64::NAN, |a| node(*a));
                let y = args.get(1).map_or(f64::NAN, |a| node(*a));
                match *name {
                    "exp" => x.exp(),
                    "exprel" if x.abs() < 1e-12 => 1.0,
                    "exprel" => x.exp_m1() / x,
                    "expm1" => x.exp_m1(),
                    "log" => x.ln(),
                    "log10" => x.log10(),
                    "sqrt" => x.sqrt(),
                    "sin" => x.sin(),
                    "cos" => x.cos(),
                    "tan" => x.tan(),
                    "tanh" => x.tanh(),
                    "abs" => x.abs(),
                    "floor" => x.floor(),
                    "ceil" => x.ceil(),
                    "min" => x.min(y),
                    "max" => x.max(y),
                    _ => f64::NAN,
                }
            }
        }
    }
}

/// What an operation works on.
pub fn children(op: &Op) -> Vec<Id> {
    match op {
        Op::Number(..) | Op::Atom(_) => Vec::new(),
        Op::Negative(x) | Op::Not(x) | Op::Named(_, x) => vec![*x],
        Op::Binary(_, x, y) => vec![*x, *y],
        Op::If(c, x, y) => vec![*c, *x, *y],
        Op::Call(_, args) => args.clone(),
    }
}

fn close(x: f64, y: f64) -> bool {
    x == y || (x - y).abs() <= 1e-11 * x.abs().max(y.abs())
}

/// Rounds what arithmetic left over.
pub fn tidy(x: f64) -> f64 {
    format!("{x:.14e}").parse().unwrap_or(x)
}
