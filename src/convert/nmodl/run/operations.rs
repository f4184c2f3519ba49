//! Expressions and calls.

use super::*;

const FUNCTIONS: [(&str, &str, usize); 21] = [
    ("exp", "exp", 1),
    ("log", "log", 1),
    ("log10", "log10", 1),
    ("sqrt", "sqrt", 1),
    ("sin", "sin", 1),
    ("cos", "cos", 1),
    ("tan", "tan", 1),
    ("tanh", "tanh", 1),
    ("fabs", "abs", 1),
    ("abs", "abs", 1),
    ("floor", "floor", 1),
    ("ceil", "ceil", 1),
    ("fmin", "min", 2),
    ("fmax", "max", 2),
    ("min", "min", 2),
    ("max", "max", 2),
    ("exprel", "exprel", 1),
    ("expm1", "expm1", 1),
    ("pow", "^", 2),
    ("sinh", "sinh", 1),
    ("cosh", "cosh", 1),
];

impl Run<'_> {
    pub(super) fn expression(&mut self, e: &Expr) -> Id {
        match &e.kind {
            ExprKind::Number(x, unit) => self.graph.add(Op::Number(*x, unit.clone())),
            ExprKind::Name(name) => self.read(name, &e.at),
            ExprKind::Negative(x) => {
                let x = self.expression(x);
                self.graph.negative(x)
            }
            ExprKind::Not(x) => {
                let x = self.condition(x);
                self.graph.add(Op::Not(x))
            }
            ExprKind::Binary(sign, x, y) => {
                let logical = match *sign {
                    "&&" => Some("and"),
                    "||" => Some("or"),
                    _ => None,
                };
                if let Some(sign) = logical {
                    let (x, y) = (self.condition(x), self.condition(y));
                    return self.graph.add(Op::Binary(sign, x, y));
                }
                let (x, y) = (self.expression(x), self.expression(y));
                self.graph.binary(sign, x, y)
            }
            ExprKind::Call(name, args) => match self.call(name, args, &e.at) {
                Some(id) => id,
                None => {
                    let id = self.graph.number(0.0);
                    self.named(name, id)
                }
            },
            ExprKind::Lost => self.stale("lost"),
        }
    }

    /// A truth value.
    pub(super) fn condition(&mut self, e: &Expr) -> Id {
        let id = self.expression(e);
        let truth = match self.graph.op(id) {
            Op::Binary(sign, ..) => matches!(*sign, "<" | ">" | "<=" | ">=" | "==" | "!=" | "and" | "or"),
            Op::Not(_) => true,
            _ => false,
        };
        if truth {
            return id;
        }
        let zero = self.graph.number(0.0);
        self.graph.add(Op::Binary("!=", id, zero))
    }

    /// Runs a procedure or function; what a function gives.
    pub(super) fn call(&mut self, name: &str, args: &[Expr], at: &Place) -> Option<Id> {
        let values: Vec<Id> = args.iter().map(|a| self.expression(a)).collect();
        let mechanism = self.mechanism;
        let Some(block) = mechanism.procedures.get(name) else { return Some(self.builtin(name, &values, at)) };
        if self.frames.len() > DEEPEST {
            self.flaw(
                at,
                format!("`{name}` calls itself, or is called too deep"),
                "here",
                Some("write its result as an expression"),
            );
            return Some(self.stale(name));
        }
        let mut frame = HashMap::new();
        if values.len() != block.args.len() {
            let message = format!("`{name}` takes {} arguments, not {}", block.args.len(), values.len());
            self.flaw(at, message, "here", None);
            return Some(self.stale(name));
        }
        for ((arg, _), value) in block.args.iter().zip(values) {
            let value = self.named(arg, value);
            frame.insert(arg.clone(), Some(value));
        }
        let function = mechanism.functions.iter().any(|f| f == name);
        if function {
            frame.insert(name.into(), None);
        }
        self.frames.push(frame);
        self.block(&block.body, Some(name));
        let result = self.frames.pop().and_then(|f| f.get(name).copied()).flatten();
        match (function, result) {
            (true, found) => Some(found.unwrap_or_else(|| self.unset(name))),
            _ => None,
        }
    }

    fn builtin(&mut self, name: &str, values: &[Id], at: &Place) -> Id {
        let found = FUNCTIONS.iter().find(|f| f.0 == name && f.2 == values.len());
        match found {
            Some((_, "^", _)) => self.graph.binary("^", values[0], values[1]),
            Some((_, sign @ ("sinh" | "cosh"), _)) => {
                let up = self.graph.add(Op::Call("exp", vec![values[0]]));
                let down = self.graph.negative(values[0]);
                let down = self.graph.add(Op::Call("exp", vec![down]));
                let sum = self.graph.binary(if *sign == "sinh" { "-" } else { "+" }, up, down);
                let two = self.graph.add(Op::Number(2.0, BARE));
                self.graph.add(Op::Binary("/", sum, two))
            }
            Some((_, function, _)) => self.graph.add(Op::Call(function, values.to_vec())),
            None => self.unknown(name, at),
        }
    }

    fn unknown(&mut self, name: &str, at: &Place) -> Id {
        let drawn = ["scop_random", "normrand", "exprand", "nrn_random_pick", "random", "poisrand", "erand"];
        let (message, help) = match name {
            "at_time" | "net_send" | "net_event" | "net_move" | "state_discontinuity" => {
                (format!("`{name}` makes events"), "write it in the neuron: `emit … when …`")
            }
            n if drawn.contains(&n) => (format!("`{name}` draws numbers"), "draw in a handler, or write noise as `xi`"),
            "nrn_ghk" => (format!("`{name}` is not known here"), "write the equation of Goldman, Hodgkin and Katz"),
            _ => (format!("unknown function `{name}`"), "write what it computes as an expression"),
        };
        self.flaw(at, message, "cannot be carried over", Some(help));
        self.stale(name)
    }
}
