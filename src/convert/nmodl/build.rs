//! Building expressions: what says the same in a plainer way is built instead.

use super::graph::{Graph, Id, Op, Role, tidy};

/// A product as factors with exponents, and a number.
#[derive(Debug, Clone)]
pub struct Factors {
    /// Of numbers without unit.
    pub number: f64,
    /// Above (1) and below (-1) the line.
    pub list: Vec<(Id, i32)>,
}

impl Graph {
    /// `x sign y`
    pub fn binary(&mut self, sign: &'static str, x: Id, y: Id) -> Id {
        let (a, b) = (self.constant(x), self.constant(y));
        match (sign, a, b) {
            ("+" | "-", _, Some(n)) if self.offset(x).is_some() => {
                let (of, by) = self.offset(x).unwrap_or((x, 0.0));
                return self.shifted(of, tidy(if sign == "+" { by + n } else { by - n }));
            }
            ("+", Some(n), _) if self.offset(y).is_some() => {
                let (of, by) = self.offset(y).unwrap_or((y, 0.0));
                return self.shifted(of, tidy(by + n));
            }
            ("-", _, _) if self.offset(x).is_some() && self.offset(y).is_some() => {
                let ((x, m), (y, n)) = (self.offset(x).unwrap_or((x, 0.0)), self.offset(y).unwrap_or((y, 0.0)));
                let difference = self.add(Op::Binary("-", x, y));
                return self.shifted(difference, tidy(m - n));
            }
            ("+", _, Some(n)) if n < 0.0 => return self.swapped("-", x, y, n),
            ("-", _, Some(n)) if n < 0.0 => return self.swapped("+", x, y, n),
            ("-", Some(n), _) if n < 0.0 => {
                let y = self.flipped(x, n, y);
                return self.negative(y);
            }
            ("-", _, _) if matches!(self.ops[x], Op::Negative(_)) => {
                let Op::Negative(inner) = self.ops[x] else { return x };
                let sum = self.binary("+", inner, y);
                return self.negative(sum);
            }
            ("*" | "/", _, Some(n)) if n < 0.0 && a.is_none() => {
                let n = self.renumbered(y, -n);
                if let Op::Negative(inner) = self.ops[x] {
                    return self.binary(sign, inner, n);
                }
                let result = self.binary(sign, x, n);
                return self.negative(result);
            }
            ("*", Some(-1.0), None) => return self.negative(y),
            ("*", None, Some(-1.0)) => return self.negative(x),
            ("^", _, Some(1.0)) => return x,
            _ => {}
        }
        match sign {
            "+" if matches!(self.ops[y], Op::Negative(_)) => {
                let Op::Negative(inner) = self.ops[y] else { return x };
                self.binary("-", x, inner)
            }
            "*" => match self.power_of(x, y) {
                Some(id) => id,
                None => self.times(x, y),
            },
            "/" => match self.smooth_quotient(x, y) {
                Some(id) => id,
                None => self.add(Op::Binary("/", x, y)),
            },
            _ => self.add(Op::Binary(sign, x, y)),
        }
    }

    /// `x * (n / z)` as `x * n / z`, with one number.
    fn times(&mut self, x: Id, y: Id) -> Id {
        if let Op::Binary("/", n, z) = *self.op(y)
            && let Some(b) = self.constant(n)
            && self.smooth[y]
        {
            let above = match self.constant(x) {
                Some(a) => self.number(tidy(a * b)),
                None => self.add(Op::Binary("*", x, n)),
            };
            return self.add(Op::Binary("/", above, z));
        }
        self.add(Op::Binary("*", x, y))
    }

    /// The temperature and what is added to it.
    fn offset(&self, id: Id) -> Option<(Id, f64)> {
        match self.op(id) {
            Op::Binary(sign @ ("+" | "-"), of, by) if self.variable(*of)?.role == Role::Temperature => {
                let n = self.constant(*by)?;
                Some((*of, if *sign == "+" { n } else { -n }))
            }
            Op::Atom(_) if self.variable(id)?.role == Role::Temperature => Some((id, 0.0)),
            _ => None,
        }
    }

    fn shifted(&mut self, of: Id, by: f64) -> Id {
        if by == 0.0 {
            return of;
        }
        let n = self.number(by.abs());
        self.add(Op::Binary(if by > 0.0 { "+" } else { "-" }, of, n))
    }

    fn swapped(&mut self, sign: &'static str, x: Id, y: Id, n: f64) -> Id {
        let y = self.renumbered(y, -n);
        self.add(Op::Binary(sign, x, y))
    }

    /// `-n - y` as `y + n`, to be negated.
    fn flipped(&mut self, x: Id, n: f64, y: Id) -> Id {
        let n = self.renumbered(x, -n);
        self.add(Op::Binary("+", y, n))
    }

    fn renumbered(&mut self, id: Id, n: f64) -> Id {
        let unit = match self.op(id) {
            Op::Number(_, unit) => unit.clone(),
            _ => None,
        };
        self.add(Op::Number(n, unit))
    }

    /// `-x`
    pub fn negative(&mut self, x: Id) -> Id {
        match self.ops[x].clone() {
            Op::Number(n, unit) => self.add(Op::Number(-n, unit)),
            Op::Negative(inner) => inner,
            _ => self.add(Op::Negative(x)),
        }
    }

    /// `m * m * h * m` with powers of variables.
    fn power_of(&mut self, x: Id, y: Id) -> Option<Id> {
        let base = |graph: &Graph, id: Id| match graph.op(id) {
            Op::Atom(a) => Some((*a, id, 1.0)),
            Op::Binary("^", b, n) => match (graph.op(*b), graph.constant(*n)) {
                (Op::Atom(a), Some(n)) => Some((*a, *b, n)),
                _ => None,
            },
            _ => None,
        };
        let (atom, id, n) = base(self, y)?;
        if let Some((other, _, m)) = base(self, x) {
            if other != atom {
                return None;
            }
            let n = self.number(n + m);
            return Some(self.add(Op::Binary("^", id, n)));
        }
        let Op::Binary("*", left, right) = self.ops[x].clone() else { return None };
        if base(self, right).is_some_and(|b| b.0 == atom) {
            let power = self.power_of(right, y)?;
            return Some(self.add(Op::Binary("*", left, power)));
        }
        let left = self.power_of(left, y)?;
        Some(self.add(Op::Binary("*", left, right)))
    }

    /// The factors of a product; looks through names.
    pub fn factors(&self, id: Id) -> Factors {
        let mut out = Factors { number: 1.0, list: Vec::new() };
        self.collect(id, 1, &mut out, 0);
        out
    }

    fn collect(&self, id: Id, power: i32, out: &mut Factors, depth: usize) {
        match self.op(id) {
            _ if depth > 100 || out.list.len() > 100 => out.list.push((id, power)),
            Op::Number(n, _) if *n != 0.0 => out.number *= n.powi(power),
            Op::Negative(x) => {
                out.number = -out.number;
                self.collect(*x, power, out, depth + 1);
            }
            Op::Binary("*", x, y) => {
                self.collect(*x, power, out, depth + 1);
                self.collect(*y, power, out, depth + 1);
            }
            Op::Binary("/", x, y) => {
                self.collect(*x, power, out, depth + 1);
                self.collect(*y, -power, out, depth + 1);
            }
            _ => out.list.push((id, power)),
        }
    }

    /// A product from its factors.
    pub fn product(&mut self, factors: &Factors) -> Id {
        let number = tidy(factors.number);
        let factors = self.cancelled(factors);
        let above: Vec<Id> = factors.list.iter().filter(|f| f.1 > 0).map(|f| f.0).collect();
        let below: Vec<Id> = factors.list.iter().filter(|f| f.1 < 0).map(|f| f.0).collect();
        let mut result = match (number.abs(), above.is_empty()) {
            (1.0, false) => None,
            (n, _) => Some(self.number(n)),
        };
        for id in above {
            result = Some(match result {
                None => id,
                Some(x) => self.binary("*", x, id),
            });
        }
        let mut result = result.unwrap_or_default();
        if let Some((&first, rest)) = below.split_first() {
            let mut divisor = first;
            for &id in rest {
                divisor = self.binary("*", divisor, id);
            }
            result = self.add(Op::Binary("/", result, divisor));
        }
        if number < 0.0 { self.negative(result) } else { result }
    }

    /// Without what stands above and below the line.
    fn cancelled(&self, factors: &Factors) -> Factors {
        let mut out = Factors { number: factors.number, list: Vec::new() };
        for &(id, power) in &factors.list {
            let twin = out.list.iter().position(|f| f.1 == -power && self.bare(f.0) == self.bare(id));
            match twin {
                Some(place) => {
                    out.list.remove(place);
                }
                None => out.list.push((id, power)),
            }
        }
        out
    }

    /// `c L / (exp(k L) - 1)` as `c / k / exprel(k L)`, which is smooth at L = 0.
    fn smooth_quotient(&mut self, x: Id, y: Id) -> Option<Id> {
        let below = self.factors(y);
        let (place, exponent, sign) = below
            .list
            .iter()
            .enumerate()
            .find_map(|(i, f)| self.decay(f.0).filter(|_| f.1 == 1).map(|d| (i, d.0, d.1)))?;
        let mut all = self.factors(x);
        let inner = self.factors(exponent);
        let (which, of, ratio) = self.shared_factor(&all, exponent, &inner)?;
        all.list.remove(which);
        all.number *= sign * ratio / below.number;
        all.list.extend(below.list.iter().enumerate().filter(|(i, _)| *i != place).map(|(_, f)| (f.0, -f.1)));
        if let Some(of) = of {
            all.number /= inner.number;
            all.list.extend(inner.list.iter().enumerate().filter(|(i, _)| *i != of).map(|(_, f)| (f.0, -f.1)));
        }
        let smooth = self.add(Op::Call("exprel", vec![exponent]));
        all.list.push((smooth, -1));
        Some(self.product(&all))
    }

    /// `exp(E) - 1` (sign 1) or `1 - exp(E)` (sign -1).
    pub fn decay(&self, id: Id) -> Option<(Id, f64)> {
        let exponent = |id: Id| match self.op(id) {
            Op::Call("exp", args) => args.first().copied(),
            _ => None,
        };
        match self.op(id) {
            Op::Binary("-", a, b) if self.constant(*b) == Some(1.0) => Some((exponent(*a)?, 1.0)),
            Op::Binary("-", a, b) if self.constant(*a) == Some(1.0) => Some((exponent(*b)?, -1.0)),
            Op::Binary("+", a, b) if self.constant(*a) == Some(-1.0) => Some((exponent(*b)?, 1.0)),
            _ => None,
        }
    }

    /// A factor above the line that is a constant times the exponent, or times one of its factors.
    fn shared_factor(&self, all: &Factors, exponent: Id, inner: &Factors) -> Option<(usize, Option<usize>, f64)> {
        for (which, &(f, _)) in all.list.iter().enumerate().filter(|(_, f)| f.1 == 1) {
            for (of, &(g, _)) in inner.list.iter().enumerate().filter(|(_, g)| g.1 == 1) {
                if let Some(ratio) = self.ratio(f, g).filter(|_| self.moves(f)) {
                    return Some((which, Some(of), ratio));
                }
            }
            if let Some(ratio) = self.ratio(f, exponent).filter(|_| self.moves(f)) {
                return Some((which, None, ratio));
            }
        }
        None
    }

    /// Whether a node depends on what moves.
    fn moves(&self, id: Id) -> bool {
        self.contains(id, &|a| matches!(a.role, Role::Voltage | Role::State | Role::Argument))
    }

    /// `if c then x else y`, without guards against quotients that are smooth here.
    pub fn choice(&mut self, c: Id, x: Id, y: Id) -> (Id, bool) {
        if self.bare(x) == self.bare(y) {
            return (x, false);
        }
        let op = self.op(c).clone();
        if let Op::Binary(sign, l, r) = op {
            if let Some(found) = self.without_guard(sign, l, r, x, y) {
                return (found, true);
            }
            if let Some(found) = self.bounded(sign, l, r, x, y) {
                return (found, false);
            }
        }
        (self.add(Op::If(c, x, y)), false)
    }

    fn bounded(&mut self, sign: &str, l: Id, r: Id, x: Id, y: Id) -> Option<Id> {
        // if (l < r) l = r
        let same = |a: Id, b: Id| {
            self.bare(a) == self.bare(b) || (self.constant(a).is_some() && self.constant(a) == self.constant(b))
        };
        let name = match sign {
            "<" | "<=" if same(l, y) && same(r, x) => "max",
            ">" | ">=" if same(l, y) && same(r, x) => "min",
            "<" | "<=" if same(l, x) && same(r, y) => "min",
            ">" | ">=" if same(l, x) && same(r, y) => "max",
            "<" | "<=" => return self.underflow(l, r, x, y),
            _ => return None,
        };
        Some(self.add(Op::Call(name, vec![l, r])))
    }

    /// `if (x < -100) 0 else exp(x)` is `exp(x)`: the difference is below 1e-43.
    fn underflow(&self, l: Id, r: Id, x: Id, y: Id) -> Option<Id> {
        let deep = self.constant(r).is_some_and(|n| n <= -50.0) && self.constant(x) == Some(0.0);
        match self.op(y) {
            Op::Call("exp", args) if deep && self.same(args[0], l) => Some(y),
            _ => None,
        }
    }

    fn without_guard(&mut self, sign: &str, l: Id, r: Id, x: Id, y: Id) -> Option<Id> {
        let (near, far, near_is_then) = match sign {
            "<" | "<=" | "==" => (x, y, true),
            ">" | ">=" | "!=" => (y, x, false),
            _ => return None,
        };
        let zero = match (self.op(l), self.constant(r)) {
            (Op::Call("abs", args), Some(n)) if n.abs() < 0.02 => args[0],
            _ if matches!(sign, "==" | "!=") => self.add(Op::Binary("-", l, r)),
            _ => return None,
        };
        if near_is_then && sign == "==" && !self.literal && self.nudged(l, r, near, far) {
            let from = if self.bare(l) == self.bare(far) { r } else { l };
            self.nudges.push((from, near));
            return Some(far);
        }
        if !self.smooth[far] {
            return None;
        }
        let atom = self.atoms.iter().enumerate().find_map(|(a, _)| {
            let (at_0, at_1) = (self.value_at(zero, a, 0.0), self.value_at(zero, a, 1.0));
            let root = -at_0 / (at_1 - at_0);
            (root.is_finite() && self.value_at(zero, a, root).abs() < 1e-9).then_some((a, root))
        });
        let (a, root) = atom?;
        let (exact, limit) = (self.value_at(far, a, root), self.value_at(near, a, root));
        ((exact - limit).abs() <= 1e-6 * exact.abs()).then_some(far)
    }

    /// Whether one is the other, the potential, moved a little where it is equal to something fixed.
    fn nudged(&self, l: Id, r: Id, near: Id, far: Id) -> bool {
        let by = self.values[near].iter().zip(&self.values[far]).map(|(a, b)| (a - b).abs());
        let moves = self.variable(far).is_some_and(|a| a.role == Role::Voltage);
        let compared =
            self.bare(l) == self.bare(far) && !self.moves(r) || self.bare(r) == self.bare(far) && !self.moves(l);
        moves && compared && by.fold(0.0, f64::max) <= 0.01
    }

    /// Whether expressions stay as they are where moves of the potential off a singularity were left out: they are smooth there.
    pub fn nudges_hold(&self, roots: &[Id], value: &dyn Fn(usize) -> f64) -> bool {
        let Some(v) = self.atoms.iter().position(|a| a.role == Role::Voltage) else { return true };
        let (Some(&last), false) = (roots.iter().max(), self.nudges.is_empty()) else { return true };
        let at = |id: Id, x: f64| self.all_at(id, &|a| if a == v { x } else { value(a) });
        self.nudges.iter().all(|&(from, near)| {
            let here = at(from, 0.0)[from];
            let step = at(near, here)[near] - here;
            let [zero, one, two] = [0.0, 1.0, 2.0].map(|n| at(last, here + n * step));
            roots.iter().all(|&id| {
                let tiny = 1e-9 * (zero[id].abs() + one[id].abs());
                let still = one[id].is_nan() && two[id].is_nan();
                still || (zero[id] - one[id]).abs() <= 4.0 * (two[id] - one[id]).abs() + tiny
            })
        })
    }
}
