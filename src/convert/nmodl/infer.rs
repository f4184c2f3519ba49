//! Units of all expressions: those of numbers follow from where they stand. The equations are linear in the exponents, so they are solved
//! by elimination; what the file says of units comes after what its arithmetic says.

use std::collections::{BTreeMap, HashMap};

use super::graph::{Graph, Id, Op, Role};
use super::units::{self, ONE, Unit, alike, plus};

/// A unit in terms of unknown ones.
#[derive(Debug, Clone, Default)]
struct Form {
    unknown: BTreeMap<usize, f64>,
    known: Unit,
}

impl Form {
    fn add(&mut self, other: &Form, n: f64) {
        for (&i, &c) in &other.unknown {
            let sum = self.unknown.entry(i).or_insert(0.0);
            *sum += n * c;
            if sum.abs() < 1e-9 {
                self.unknown.remove(&i);
            }
        }
        self.known = plus(&self.known, &other.known, n);
    }
}

/// How many unknown units there may be.
pub const MOST: usize = 1500;

/// Infers units.
#[derive(Default)]
pub struct Infer {
    forms: Vec<Option<Form>>,
    /// The unknown unit of a number or a variable.
    unknowns: HashMap<Id, usize>,
    solved: HashMap<usize, Form>,
    /// Sums of an exponential and something else, which should be alike.
    loose: Vec<(Id, Id)>,
}

impl Infer {
    /// Prepares for a graph in which the units of some variables are known.
    pub fn new(graph: &Graph, known: &HashMap<Id, Unit>) -> Infer {
        let mut infer = Infer { forms: vec![None; graph.ops.len()], ..Infer::default() };
        for (&id, &unit) in known {
            infer.forms[id] = Some(Form { known: unit, ..Form::default() });
        }
        infer
    }

    /// How many unknown units there are.
    pub fn size(&self) -> usize {
        self.unknowns.len()
    }

    fn form(&self, id: Id) -> Form {
        self.forms[id].clone().unwrap_or_default()
    }

    /// Demands that an expression is consistent, and all that it is made of.
    pub fn visit(&mut self, graph: &Graph, root: Id) {
        let mut order = Vec::new();
        let mut seen = vec![false; root + 1];
        let mut open = vec![root];
        while let Some(id) = open.pop() {
            if self.forms[id].is_none() && !std::mem::replace(&mut seen[id], true) {
                order.push(id);
                open.extend(super::graph::children(&graph.ops[id]));
            }
        }
        // Children stand before their parents.
        order.sort_unstable();
        for id in order {
            if self.size() <= MOST {
                let form = self.of(graph, id);
                self.forms[id] = Some(form);
            }
        }
    }

    fn unknown(&mut self, id: Id) -> Form {
        let next = self.unknowns.len();
        let index = *self.unknowns.entry(id).or_insert(next);
        Form { unknown: BTreeMap::from([(index, 1.0)]), known: ONE }
    }

    fn of(&mut self, graph: &Graph, id: Id) -> Form {
        match &graph.ops[id] {
            Op::Number(..) | Op::Atom(_) => self.unknown(id),
            Op::Negative(x) | Op::Named(_, x) => self.form(*x),
            Op::Not(_) => Form::default(),
            Op::If(_, x, y) => self.alike(graph, *x, *y),
            Op::Binary("*", x, y) => {
                let mut form = self.form(*x);
                form.add(&self.form(*y), 1.0);
                form
            }
            Op::Binary("/", x, y) => {
                let mut form = self.form(*x);
                form.add(&self.form(*y), -1.0);
                form
            }
            Op::Binary("^", x, y) => {
                self.demand(*y, &ONE);
                if let Some(n) = graph.constant(*y) {
                    let mut form = Form::default();
                    form.add(&self.form(*x), n);
                    return form;
                }
                self.demand(*x, &ONE);
                Form::default()
            }
            Op::Binary("and" | "or", ..) => Form::default(),
            Op::Binary(sign, x, y) => {
                let form = self.alike(graph, *x, *y);
                if matches!(*sign, "+" | "-") { form } else { Form::default() }
            }
            Op::Call("min" | "max", args) => self.alike(graph, args[0], args[1]),
            Op::Call("abs" | "floor" | "ceil", args) => self.form(args[0]),
            Op::Call("sqrt", args) => {
                let mut form = Form::default();
                form.add(&self.form(args[0]), 0.5);
                form
            }
            Op::Call(_, args) => {
                for &a in args {
                    self.demand(a, &ONE);
                }
                Form::default()
            }
        }
    }

    /// The unit of a sum. An exponential in a sum may stand for itself times one of a unit.
    fn alike(&mut self, graph: &Graph, x: Id, y: Id) -> Form {
        match (pure(graph, x), pure(graph, y)) {
            (true, false) => {
                self.loose.push((x, y));
                self.form(y)
            }
            (false, true) => {
                self.loose.push((y, x));
                self.form(x)
            }
            _ => {
                self.equal(x, y);
                self.form(x)
            }
        }
    }

    fn equal(&mut self, x: Id, y: Id) -> bool {
        let mut form = self.form(x);
        form.add(&self.form(y), -1.0);
        self.row(form)
    }

    /// Demands a unit of an expression; false if that contradicts what was demanded before.
    pub fn demand(&mut self, id: Id, unit: &Unit) -> bool {
        let mut form = self.form(id);
        form.known = plus(&form.known, unit, -1.0);
        self.row(form)
    }

    /// Demands the same unit, times a power of another, of two expressions.
    pub fn relate(&mut self, x: Id, y: Id, times: &Unit) -> bool {
        let mut form = self.form(x);
        form.add(&self.form(y), -1.0);
        form.known = plus(&form.known, times, -1.0);
        self.row(form)
    }

    /// Demands that a state has the unit of a factor times that of a weight.
    pub fn arrival(&mut self, state: Id, factor: Id, weight: Id) -> bool {
        let mut form = self.form(state);
        form.add(&self.form(factor), -1.0);
        form.add(&self.form(weight), -1.0);
        self.row(form)
    }

    fn reduced(&self, form: &Form) -> Form {
        let mut out = Form { unknown: BTreeMap::new(), known: form.known };
        for (&i, &c) in &form.unknown {
            let one = match self.solved.get(&i) {
                Some(found) => found.clone(),
                None => Form { unknown: BTreeMap::from([(i, 1.0)]), known: ONE },
            };
            out.add(&one, c);
        }
        out
    }

    /// `form = 0`
    fn row(&mut self, form: Form) -> bool {
        let mut form = self.reduced(&form);
        let Some((&pivot, &c)) = form.unknown.iter().next() else { return alike(&form.known, &ONE) };
        form.unknown.remove(&pivot);
        let mut value = Form::default();
        value.add(&form, -1.0 / c);
        for other in self.solved.values_mut() {
            if let Some(n) = other.unknown.remove(&pivot) {
                other.add(&value, n);
            }
        }
        self.solved.insert(pivot, value);
        true
    }

    /// The unit of a node that was visited, once all is demanded; what is still free is a pure number.
    pub fn unit(&self, id: Id) -> Unit {
        let mut unit = self.reduced(&self.form(id)).known;
        for x in &mut unit {
            // Sums of many terms.
            if (*x - x.round()).abs() < 1e-9 {
                *x = x.round();
            }
        }
        unit
    }

    /// Lets the numbers that are left be pure: whole ones first, powers of ten last, later ones before earlier ones.
    pub fn settle(&mut self, graph: &Graph) {
        for (x, y) in std::mem::take(&mut self.loose) {
            self.equal(x, y);
        }
        let mut numbers: Vec<(u8, Id)> = self.unknowns.keys().map(|&id| (rank(graph, id), id)).collect();
        numbers.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        for (_, id) in numbers {
            self.demand(id, &ONE);
        }
    }
}

/// Whether an expression is an exponential, or one times pure numbers.
pub fn pure(graph: &Graph, id: Id) -> bool {
    let exponential = |id: Id| matches!(graph.op(id), Op::Call("exp", _));
    if exponential(id) {
        return true;
    }
    if !matches!(graph.op(id), Op::Binary("*" | "/", ..)) {
        return false;
    }
    let factors = graph.factors(id);
    let power = |id: Id| matches!(graph.op(id), Op::Binary("^", _, n) if graph.constant(*n).is_none());
    factors.number.abs() == 1.0
        && factors.list.iter().any(|f| exponential(f.0))
        && factors.list.iter().all(|f| exponential(f.0) || power(f.0))
}

fn rank(graph: &Graph, id: Id) -> u8 {
    match &graph.ops[id] {
        Op::Number(n, _) if n.fract() == 0.0 && n.abs() < 10.0 => 0,
        Op::Atom(a) if graph.atoms[*a].role == Role::State => 1,
        Op::Atom(_) => 2,
        Op::Number(n, _) if n.abs().log10().fract() == 0.0 => 4,
        _ => 3,
    }
}

/// The unit that a file gives, if it is one.
pub fn declared(text: Option<&str>, names: &HashMap<String, Option<String>>) -> Option<Unit> {
    units::parse(text?, names)
}
