//! Runs the blocks of a mechanism on expressions instead of numbers, so that what they compute is known in terms of the potential, states
//! and parameters.

use std::collections::{HashMap, HashSet};

use super::ast::*;
use super::graph::{BARE, Graph, Id, MOST, Op, Role, SAMPLES, Values};
use super::parse::flaw;
use crate::convert::Flaw;

mod names;
mod operations;
mod solving;

/// How deep procedures may call each other.
const DEEPEST: usize = 24;

/// States of a reaction, and how many of each.
pub type Terms = Vec<(f64, String)>;

/// What a mechanism computes.
pub struct Run<'a> {
    /// The mechanism.
    pub mechanism: &'a Mechanism,
    /// All expressions.
    pub graph: Graph,
    /// Values of variables of all blocks.
    pub shared: HashMap<String, Id>,
    /// Rates of states.
    pub rates: HashMap<String, Id>,
    /// Reactions: left, right, forward, backward.
    pub reactions: Vec<(Terms, Terms, Id, Id)>,
    /// Sums of states that stay.
    pub conserved: Vec<(Terms, Id)>,
    /// Whether the initial state is the steady state of the reactions.
    pub steady: bool,
    /// What is wrong.
    pub flaws: Vec<Flaw>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// Units that the file gives names.
    pub units: HashMap<String, Option<String>>,
    frames: Vec<HashMap<String, Option<Id>>>,
    written: HashSet<String>,
    absolute: HashSet<String>,
    later: HashSet<String>,
    dependent: HashMap<String, (Vec<String>, Expr)>,
    steps: usize,
    initial: bool,
    begun: HashMap<String, Id>,
    ended: HashMap<String, Id>,
    solved: Vec<String>,
    updates: Vec<(String, Id)>,
    receiving: bool,
    branches: usize,
}

/// What evolves and how, after all blocks have run.
pub struct Outcome {
    /// States at the beginning.
    pub initial: HashMap<String, Id>,
    /// Values of variables at every step.
    pub shared: HashMap<String, Id>,
}

/// What statements assign themselves.
fn assigned(body: &[Stmt]) -> HashSet<&str> {
    let mut names = HashSet::new();
    let mut open: Vec<&Stmt> = body.iter().collect();
    while let Some(statement) = open.pop() {
        match statement {
            Stmt::Assign(name, ..) => {
                names.insert(name.as_str());
            }
            Stmt::If(_, then, other) => open.extend(then.iter().chain(other)),
            _ => {}
        }
    }
    names
}

impl<'a> Run<'a> {
    /// Prepares to run.
    pub fn new(mechanism: &'a Mechanism) -> Run<'a> {
        let mut run = Run {
            mechanism,
            graph: Graph::default(),
            shared: HashMap::new(),
            rates: HashMap::new(),
            reactions: Vec::new(),
            conserved: Vec::new(),
            steady: false,
            flaws: Vec::new(),
            notes: Vec::new(),
            units: HashMap::new(),
            frames: Vec::new(),
            written: HashSet::new(),
            absolute: HashSet::new(),
            later: HashSet::new(),
            dependent: HashMap::new(),
            steps: 0,
            initial: false,
            begun: HashMap::new(),
            ended: HashMap::new(),
            solved: Vec::new(),
            updates: Vec::new(),
            receiving: false,
            branches: 0,
        };
        run.survey();
        run
    }

    /// Runs `INITIAL` and `BREAKPOINT`.
    pub fn all(&mut self) -> Outcome {
        self.initial = true;
        self.frames.push(HashMap::new());
        let mechanism = self.mechanism;
        self.block(&mechanism.initial.body, None);
        self.initial = false;
        let begun = std::mem::take(&mut self.shared);
        let states: HashSet<&str> = mechanism.states.iter().map(|s| s.name.as_str()).collect();
        let initial = begun.iter().filter(|(n, _)| states.contains(n.as_str())).map(|(n, i)| (n.clone(), *i)).collect();
        self.forget(begun, &states);
        self.begun = self.shared.clone();
        self.reactions.clear();
        self.conserved.clear();
        if let Some(block) = &mechanism.breakpoint {
            let direct = assigned(&block.body);
            // The second time, what the equations read from the end of the step before is known.
            for _ in 0..2 {
                let last = std::mem::replace(&mut self.shared, self.begun.clone());
                self.ended = last.into_iter().filter(|(name, _)| direct.contains(name.as_str())).collect();
                self.rates.clear();
                self.reactions.clear();
                self.conserved.clear();
                self.solved.clear();
                self.updates.clear();
                self.shared.remove("v");
                self.frames = vec![HashMap::new()];
                self.block(&block.body, None);
            }
            self.stepwise();
        }
        Outcome { initial, shared: self.shared.clone() }
    }

    /// The variable that stands for the weight of an event.
    pub fn weight(&mut self, name: &str) -> Id {
        self.graph.atom(&format!("weight {name}"), Role::Weight, Self::sample(name, |x| 0.5 + x))
    }

    /// Runs `NET_RECEIVE`.
    pub fn receive(&mut self, name: &str, weight: Id, body: &[Stmt]) {
        self.shared.remove("v");
        for state in &self.mechanism.states {
            self.shared.remove(&state.name);
        }
        self.frames = vec![HashMap::from([(name.to_string(), Some(weight))])];
        self.receiving = true;
        self.block(body, None);
        self.receiving = false;
    }

    /// The node of a state.
    pub fn state(&mut self, name: &str) -> Id {
        self.read(name, &(0..0))
    }

    /// Whether the mechanism writes a variable of an ion.
    pub fn sets(&self, name: &str) -> bool {
        self.mechanism.ions.iter().any(|ion| ion.write.iter().any(|(n, _)| n == name))
    }

    /// Whether a variable is computed after the beginning.
    pub fn renewed(&self, name: &str) -> bool {
        self.later.contains(name)
    }

    /// Whether a state follows from the others.
    pub fn eliminated(&self, name: &str) -> bool {
        self.dependent.contains_key(name)
    }

    /// Keeps of the beginning what stays; the rest is stale.
    fn forget(&mut self, begun: HashMap<String, Id>, states: &HashSet<&str>) {
        for (name, id) in begun {
            // What is computed again later must be computed before it is read.
            // Variables of ions belong to the cell.
            let elsewhere = name == "v" || self.of_ion(&name).is_some();
            if states.contains(name.as_str()) || elsewhere || self.later.contains(&name) {
                continue;
            }
            let moves =
                self.graph.contains(id, &|a| !matches!(a.role, Role::Parameter | Role::Constant | Role::Temperature));
            let id = if moves { self.stale(&name) } else { id };
            self.shared.insert(name, id);
        }
    }

    fn stale(&mut self, name: &str) -> Id {
        self.graph.atom(&format!("{name} of before"), Role::Stale, [f64::NAN; SAMPLES])
    }

    /// What stands for a value that is not set in every case.
    fn unset(&mut self, name: &str) -> Id {
        self.graph.atom(&format!("{name} in no case"), Role::Stale, [f64::NAN; SAMPLES])
    }

    /// Complains once about a thing.
    pub fn flaw(&mut self, at: &Place, message: String, label: &str, help: Option<&str>) {
        let found = flaw(at.clone(), message, label, help);
        if self.flaws.len() < 50 && !self.flaws.contains(&found) {
            self.flaws.push(found);
        }
    }

    fn note(&mut self, text: String) {
        if !self.notes.contains(&text) {
            self.notes.push(text);
        }
    }

    fn block(&mut self, body: &[Stmt], function: Option<&str>) {
        for statement in body {
            self.steps += 1;
            if self.steps > 100_000 || self.graph.ops.len() > MOST {
                let at = self.mechanism.name.as_ref().map_or(0..0, |n| n.1.clone());
                self.flaw(&at, "the mechanism is too long".into(), "here", Some("divide it"));
                return;
            }
            self.statement(statement, function);
        }
    }

    fn statement(&mut self, statement: &Stmt, function: Option<&str>) {
        match statement {
            Stmt::Local(names) => {
                for (name, at) in names {
                    let frame = self.frames.last_mut();
                    if frame.is_some_and(|f| f.insert(name.clone(), None).is_some()) {
                        let help = "give one of them another name";
                        self.flaw(at, format!("`{name}` is declared twice"), "hides another one", Some(help));
                    }
                }
            }
            Stmt::Assign(name, value, at) => {
                let id = self.expression(value);
                self.assign(name, id, at);
            }
            Stmt::Rate(name, value, at) => {
                let id = self.expression(value);
                if self.mechanism.states.iter().any(|s| s.name == *name) {
                    let id = self.named(&format!("{name}'"), id);
                    self.rates.insert(name.clone(), id);
                } else {
                    self.flaw(at, format!("`{name}` has an equation, but is no state"), "not in `STATE`", None);
                }
            }
            Stmt::Call(name, args, at) => {
                self.call(name, args, at);
            }
            Stmt::If(condition, then, other) => self.branch(condition, then, other, function),
            Stmt::Solve(name, method, steady, at) => self.solve(name, method.as_deref(), *steady, at),
            Stmt::Reaction(left, right, forward, backward) => {
                let (forward, backward) = (self.expression(forward), self.expression(backward));
                self.reactions.push((left.clone(), right.clone(), forward, backward));
            }
            Stmt::Conserve(terms, total) => {
                let total = self.expression(total);
                self.conserved.push((terms.clone(), total));
            }
        }
    }

    fn named(&mut self, name: &str, id: Id) -> Id {
        match &self.graph.ops[id] {
            Op::Number(..) | Op::Atom(_) | Op::Named(..) => id,
            Op::Negative(x) if matches!(self.graph.ops[*x], Op::Atom(_)) => id,
            Op::Binary("-" | "+", x, y)
                if self.graph.variable(*x).is_some_and(|a| a.role == Role::Temperature)
                    && self.graph.constant(*y).is_some() =>
            {
                id
            }
            _ => self.graph.add(Op::Named(name.into(), id)),
        }
    }

    fn assign(&mut self, name: &str, id: Id, at: &Place) {
        let id = self.named(name, id);
        if let Some(slot) = self.frames.last_mut().and_then(|f| f.get_mut(name)) {
            *slot = Some(id);
            return;
        }
        if matches!(name, "t" | "dt" | "celsius" | "diam" | "area") {
            self.flaw(at, format!("`{name}` belongs to the simulator"), "is assigned here", None);
            return;
        }
        if !self.known(name) {
            self.flaw(at, format!("unknown name `{name}`"), "not declared", Some("declare it in `ASSIGNED`"));
        }
        if !self.initial && !self.receiving && self.mechanism.states.iter().any(|s| s.name == name) {
            // A state that is advanced: from here on its name means what it has become.
            let own = self.graph.contains(id, &|a| a.role == Role::State && a.name == name);
            if own {
                self.updates.push((name.into(), id));
                return;
            }
        }
        self.shared.insert(name.into(), id);
    }

    fn branch(&mut self, test: &Expr, then: &[Stmt], other: &[Stmt], function: Option<&str>) {
        let condition = self.condition(test);
        if let Some(holds) = self.graph.truth(condition) {
            return self.block(if holds { then } else { other }, function);
        }
        let floor = self.graph.ops.len();
        let advanced = self.updates.len();
        let reactions = self.reactions.len() + self.conserved.len();
        let before = (self.frames.last().cloned().unwrap_or_default(), self.shared.clone(), self.rates.clone());
        let mut locals: Vec<String> = before.0.keys().cloned().collect();
        locals.sort();
        self.block(then, function);
        let first = self.swap(before);
        self.block(other, function);
        // An advance under a condition is none that is recognized.
        if self.updates.len() > advanced {
            self.branches += 1;
        }
        if self.reactions.len() + self.conserved.len() > reactions {
            let help = "write the condition into the rates of the reaction";
            self.flaw(&test.at, "reactions under a condition".into(), "cannot be carried over", Some(help));
        }
        let mut rates: Vec<String> = first.2.keys().chain(self.rates.keys()).cloned().collect();
        rates.sort();
        rates.dedup();
        for name in rates {
            match (first.2.get(&name).copied(), self.rates.get(&name).copied()) {
                (Some(x), Some(y)) if x == y => {}
                (Some(x), Some(y)) => {
                    let id = self.merge(condition, x, y, &name, floor);
                    self.rates.insert(name, id);
                }
                _ => {
                    let help = "write its equation in both branches";
                    self.flaw(
                        &test.at,
                        format!("`{name}` has an equation in one branch only"),
                        "under this",
                        Some(help),
                    );
                }
            }
        }
        // What a branch declares ends with it.
        if let Some(frame) = self.frames.last_mut() {
            frame.retain(|name, _| locals.binary_search(name).is_ok());
        }
        for name in locals {
            let x = first.0.get(&name).copied().flatten();
            let y = self.frames.last().and_then(|f| f.get(&name).copied()).flatten();
            if x == y {
                continue;
            }
            let [x, y] = [x, y].map(|id| id.unwrap_or_else(|| self.unset(&name)));
            let id = self.merge(condition, x, y, &name, floor);
            if let Some(frame) = self.frames.last_mut() {
                frame.insert(name, Some(id));
            }
        }
        let mut names: Vec<String> = first.1.keys().chain(self.shared.keys()).cloned().collect();
        names.sort();
        names.dedup();
        for name in names {
            let x = first.1.get(&name).copied();
            let y = self.shared.get(&name).copied();
            if x == y {
                continue;
            }
            // What a branch does not set has the value that it has without any.
            let [x, y] = [x, y].map(|id| id.unwrap_or_else(|| self.global(&name, &(0..0))));
            let id = self.merge(condition, x, y, &name, floor);
            self.shared.insert(name, id);
        }
    }

    #[allow(clippy::type_complexity)]
    fn swap(
        &mut self,
        before: (HashMap<String, Option<Id>>, HashMap<String, Id>, HashMap<String, Id>),
    ) -> (HashMap<String, Option<Id>>, HashMap<String, Id>, HashMap<String, Id>) {
        let frame = self.frames.last_mut().map(|f| std::mem::replace(f, before.0)).unwrap_or_default();
        (frame, std::mem::replace(&mut self.shared, before.1), std::mem::replace(&mut self.rates, before.2))
    }

    fn merge(&mut self, condition: Id, x: Id, y: Id, name: &str, floor: Id) -> Id {
        // Names of within the branch; older ones may be used elsewhere.
        let strip = |graph: &Graph, id: Id| match &graph.ops[id] {
            Op::Named(n, inner) if n == name && id >= floor => *inner,
            _ => id,
        };
        let (x, y) = (strip(&self.graph, x), strip(&self.graph, y));
        let nudges = self.graph.nudges.len();
        let (id, guard) = self.graph.choice(condition, x, y);
        if self.graph.nudges.len() > nudges {
            self.note("the potential is not moved off singularities: rates are smooth there".into());
        } else if guard {
            self.note("branches around 0/0 are not needed: `exprel` has the limit".into());
        }
        self.named(name, id)
    }

    /// A number of samples that is the same for the same name.
    fn sample(name: &str, of: impl Fn(f64) -> f64) -> Values {
        let mut seed =
            name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        std::array::from_fn(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            of((seed >> 11) as f64 / (1u64 << 53) as f64)
        })
    }
}
