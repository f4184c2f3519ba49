//! What names mean in a declaration, and the symbols that they are typeset as.

use super::escape::{self, greek};
use super::units::{self, Factor};
use crate::hir::Module;
use crate::syntax::ast::{Binding, CommandKind, Model, ModelItem, Network, NetworkItem, World, WorldItem};
use std::collections::{BTreeMap, BTreeSet};

/// A letter or word with what stands below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Symbol {
    pub base: String,
    pub below: Vec<String>,
}

impl Symbol {
    /// The symbol of a name: what follows the first `_` stands below it, as digits behind a letter do.
    pub fn of(name: &str) -> Symbol {
        let parts: Vec<&str> = name.split('_').collect();
        if parts.iter().any(|p| p.is_empty()) {
            return Symbol { base: word(name), below: Vec::new() };
        }
        let letters = parts[0].trim_end_matches(|c: char| c.is_ascii_digit());
        let (base, digits) = match letter(letters) {
            Some(base) => (base, &parts[0][letters.len()..]),
            None => (word(parts[0]), ""),
        };
        let digits = Some(digits.to_string()).filter(|d| !d.is_empty());
        Symbol { base, below: digits.into_iter().chain(parts[1..].iter().map(|p| below(p))).collect() }
    }

    /// The same with something else below it.
    pub fn with(mut self, below: String) -> Symbol {
        self.below.push(below);
        self
    }

    /// The text, for formulas.
    pub fn tex(&self) -> String {
        match self.below.is_empty() {
            true => self.base.clone(),
            false => format!("{}_{{{}}}", self.base, self.below.join(",")),
        }
    }
}

fn letter(name: &str) -> Option<String> {
    match greek(name) {
        Some(greek) => Some(format!("\\{greek}")),
        None => (name.len() == 1).then(|| name.to_string()),
    }
}

fn word(name: &str) -> String {
    format!("\\mathit{{{}}}", escape::text(name))
}

fn below(part: &str) -> String {
    match part {
        "plus" => "+".into(),
        "minus" => "-".into(),
        "inf" => "\\infty".into(),
        _ if part.bytes().all(|b| b.is_ascii_digit()) => part.to_string(),
        _ => greek(part).map_or_else(|| upright(part), |g| format!("\\{g}")),
    }
}

/// A word of the text in a formula.
pub fn upright(text: &str) -> String {
    format!("\\mathrm{{{}}}", escape::text(text))
}

/// The names that a declaration binds.
pub struct Scope<'a> {
    bound: BTreeSet<String>,
    /// Names that would have the same symbol, and are written out.
    alike: BTreeSet<String>,
    module: &'a Module,
}

impl<'a> Scope<'a> {
    /// A scope of the given names, in which the constants of the program are known, too.
    pub fn new(module: &'a Module, names: impl IntoIterator<Item = String>) -> Scope<'a> {
        let bound: BTreeSet<String> = names.into_iter().chain(module.constants.keys().cloned()).collect();
        let mut symbols: BTreeMap<String, Vec<&String>> = BTreeMap::new();
        for name in &bound {
            symbols.entry(Symbol::of(name).tex()).or_default().push(name);
        }
        let alike = symbols.into_values().filter(|n| n.len() > 1).flatten().cloned().collect();
        Scope { bound, alike, module }
    }

    pub fn of_model(module: &'a Module, m: &Model) -> Scope<'a> {
        let mut names = bindings(&m.formals);
        of_body(&m.body, &mut names);
        Scope::new(module, names)
    }

    pub fn of_network(module: &'a Module, n: &Network) -> Scope<'a> {
        let mut names = bindings(&n.formals);
        of_members(&n.body, &mut names);
        Scope::new(module, names)
    }

    pub fn of_world(module: &'a Module, w: &World) -> Scope<'a> {
        let mut names = bindings(&w.formals);
        for i in &w.body {
            match i {
                WorldItem::State(name, ..) | WorldItem::Let(name, _) => names.push(name.text.clone()),
                WorldItem::Action(a) => {
                    names.extend(bindings(&a.formals));
                    names.extend(a.body.iter().filter_map(|c| match &c.kind {
                        CommandKind::Let(name, ..) | CommandKind::Var(name, _) => Some(name.text.clone()),
                        _ => None,
                    }));
                }
                WorldItem::Done(_) => {}
            }
        }
        Scope::new(module, names)
    }

    /// Returns whether a channel carries a current.
    pub fn has_current(&self, channel: &str) -> bool {
        self.module.channels.get(channel).is_some_and(|c| c.has_current())
    }

    /// The symbol of a name.
    pub fn symbol(&self, name: &str) -> Symbol {
        match name {
            "dt" if !self.bound.contains(name) => Symbol { base: "\\Delta t".into(), below: Vec::new() },
            "inf" if !self.bound.contains(name) => Symbol { base: "\\infty".into(), below: Vec::new() },
            _ if self.alike.contains(name) => Symbol { base: word(name), below: Vec::new() },
            _ => Symbol::of(name),
        }
    }

    /// The symbol of a name with dots: of a compartment's variable, or a channel's current.
    pub fn path(&self, path: &str) -> Symbol {
        match path.rsplit_once('.') {
            None => self.symbol(path),
            Some((of, "current")) => Symbol { base: "I".into(), below: vec![upright(of)] },
            Some((of, name)) => self.symbol(name).with(upright(of)),
        }
    }

    /// The unit that a name stands for, if it is not that of anything else.
    pub fn unit(&self, name: &str) -> Option<Factor> {
        let free = !self.bound.contains(name) && !matches!(name, "pi" | "inf" | "t" | "dt" | "i");
        let known = free && (self.module.units.contains_key(name) || crate::units::lookup(name).is_some());
        known.then(|| (name.to_string(), 1, 1))
    }

    /// Whether a name is one of the declaration's own, or a constant.
    pub fn binds(&self, name: &str) -> bool {
        self.bound.contains(name)
    }

    /// Whether a name is that of a function of the program.
    pub fn has_function(&self, name: &str) -> bool {
        self.module.functions.contains_key(name)
    }
}

/// The unit of a quantity with its power.
pub fn factor(name: &str, power: (i32, i32)) -> Vec<Factor> {
    units::raised(&[(name.to_string(), 1, 1)], power)
}

fn bindings(list: &[Binding]) -> Vec<String> {
    list.iter().map(|b| b.name.text.clone()).collect()
}

fn of_body(body: &[ModelItem], names: &mut Vec<String>) {
    for i in body {
        match i {
            ModelItem::Params(list) => names.extend(bindings(list)),
            ModelItem::States(list) => names.extend(list.iter().map(|s| s.name.text.clone())),
            ModelItem::Let(name, _)
            | ModelItem::EventInput(name, _)
            | ModelItem::Input(name, ..)
            | ModelItem::Weight(name, ..)
            | ModelItem::Modulator(name, ..)
            | ModelItem::Noise(name)
            | ModelItem::Gate(name, ..)
            | ModelItem::Energy(name, _) => names.push(name.text.clone()),
            ModelItem::Compartment(_, _, body, _) | ModelItem::Cable(_, body, _) | ModelItem::Sections(_, body) => {
                of_body(body, names);
            }
            _ => {}
        }
    }
}

fn of_members(body: &[NetworkItem], names: &mut Vec<String>) {
    for i in body {
        match i {
            NetworkItem::Population { name, .. } | NetworkItem::Network { name, .. } => names.push(name.text.clone()),
            NetworkItem::View(name, ..) | NetworkItem::Let(name, _) => names.push(name.text.clone()),
            NetworkItem::Projection(p) => names.extend(p.name.iter().map(|n| n.text.clone())),
            NetworkItem::Params(list) => names.extend(bindings(list)),
            NetworkItem::For(variable, _, body) => {
                names.push(variable.text.clone());
                of_members(body, names);
            }
            NetworkItem::If(_, a, b) => {
                of_members(a, names);
                of_members(b, names);
            }
            _ => {}
        }
    }
}
