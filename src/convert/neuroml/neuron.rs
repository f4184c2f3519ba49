//! A neuron in the making, and its text.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;

/// A neuron in the making.
#[derive(Clone, Debug, Default)]
pub struct Neuron {
    /// Its name.
    pub name: String,
    /// What is said of it.
    pub doc: Vec<String>,
    /// Parameters: name and value.
    pub params: Vec<(String, String)>,
    /// Declarations of inputs.
    pub inputs: Vec<String>,
    /// States: name and value at the beginning.
    pub states: Vec<(String, String)>,
    /// Channels and pools, and what they need, as they are written.
    pub channels: Vec<String>,
    /// What is recomputed: name and formula.
    pub lets: Vec<(String, String)>,
    /// Rates of change: state and formula.
    pub rates: Vec<(String, String)>,
    /// Currents out of a compartment.
    pub currents: Vec<String>,
    /// Events: name, condition, and what is done.
    pub emits: Vec<(String, String, Vec<String>)>,
    /// What paths of LEMS are called.
    pub paths: BTreeMap<String, String>,
    /// What is recorded, and so stays.
    pub kept: BTreeSet<String>,
    /// Names that are taken.
    pub taken: HashSet<String>,
}

impl Neuron {
    /// A name that nothing else has: the wanted one, or it with a suffix.
    pub fn fresh(&mut self, wanted: &str, suffix: &str) -> String {
        let mut name = super::scope::identifier(wanted);
        if !suffix.is_empty() {
            name = super::scope::identifier(&format!("{wanted}_{suffix}"));
        }
        let base = name.clone();
        let mut n = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{base}_{n}");
            n += 1;
        }
        name
    }

    /// Adds a term to the rate of a state.
    pub fn add_rate(&mut self, state: &str, term: String) {
        match self.rates.iter_mut().find(|(s, _)| s == state) {
            Some((_, rate)) => *rate = format!("{rate} + {term}"),
            None => self.rates.push((state.to_string(), term)),
        }
    }

    /// Removes what nothing needs: formulas, parameters and states that are neither used nor recorded.
    pub fn prune(&mut self) {
        self.short();
        loop {
            let before = self.lets.len() + self.params.len();
            let used = self.used();
            let kept = self.kept.clone();
            self.lets.retain(|(name, _)| used.contains(name) || kept.contains(name));
            self.params.retain(|(name, _)| name.is_empty() || used.contains(name) || kept.contains(name));
            if self.lets.len() + self.params.len() == before {
                break;
            }
        }
    }

    /// Formulas that only give another name, or are used once and are short, are put where they are used.
    fn short(&mut self) {
        let mut n = 0;
        while let Some((name, text)) = self.lets.get(n).cloned() {
            let alias = text.chars().all(|c| c.is_alphanumeric() || c == '_') && !text.is_empty();
            let other = self.lets.iter().any(|l| l.0 == text) || self.states.iter().any(|l| l.0 == text);
            if !alias || !other || self.kept.contains(&name) {
                n += 1;
                continue;
            }
            self.lets.remove(n);
            let every = self.lets.iter_mut().chain(&mut self.rates).chain(&mut self.states).map(|(_, x)| x);
            let body = self.emits.iter_mut().flat_map(|e| std::iter::once(&mut e.1).chain(&mut e.2));
            every
                .chain(body)
                .chain(&mut self.channels)
                .chain(&mut self.currents)
                .for_each(|x| *x = renamed(x, &name, &text));
        }
    }

    fn used(&self) -> HashSet<String> {
        let mut used = HashSet::new();
        let mut add = |text: &str| {
            used.extend(text.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_string));
        };
        for (_, text) in self.params.iter().chain(&self.states).chain(&self.lets).chain(&self.rates) {
            add(text);
        }
        self.channels.iter().chain(&self.currents).for_each(|line| add(line));
        for (_, condition, body) in &self.emits {
            add(condition);
            body.iter().for_each(|line| add(line));
        }
        used
    }

    /// The declaration.
    pub fn text(&self) -> String {
        self.around("")
    }

    /// The declaration, with more at its beginning.
    pub fn around(&self, within: &str) -> String {
        let mut out = String::new();
        for line in &self.doc {
            let _ = writeln!(out, "## {line}");
        }
        let _ = writeln!(out, "neuron {} {{", self.name);
        out + within + &self.body() + "}\n"
    }

    /// What stands within the braces of a declaration.
    pub fn body(&self) -> String {
        let mut out = String::new();
        out += &rows("param", &self.params);
        self.inputs.iter().for_each(|line| out += &format!("    {line}\n"));
        if !self.params.is_empty() || !self.inputs.is_empty() {
            out.push('\n');
        }
        for (name, value) in &self.states {
            let _ = writeln!(out, "    state {name} = {value}");
        }
        self.channels.iter().for_each(|line| out += &format!("    {line}\n"));
        for (name, value) in &self.lets {
            let _ = writeln!(out, "    let {name} = {value}");
        }
        if !self.rates.is_empty() || !self.currents.is_empty() {
            out.push('\n');
        }
        for (name, value) in &self.rates {
            let _ = writeln!(out, "    {name}' = {value}");
        }
        self.currents.iter().for_each(|value| out += &format!("    current = {value}\n"));
        if !self.emits.is_empty() {
            out.push('\n');
        }
        for (name, condition, body) in &self.emits {
            let _ = write!(out, "    emit {name} when {condition}");
            if body.is_empty() {
                out.push('\n');
                continue;
            }
            out += " {\n";
            body.iter().for_each(|line| out += &format!("        {line}\n"));
            out += "    }\n";
        }
        out
    }
}

/// A text with another name instead of one.
fn renamed(text: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let free = !rest[..at].ends_with(word) && !rest[at + from.len()..].starts_with(word);
        out += &rest[..at];
        out += if free { to } else { from };
        rest = &rest[at + from.len()..];
    }
    out + rest
}

/// Declarations, several to a line.
pub fn rows(word: &str, all: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut row = String::new();
    for (name, value) in all {
        let one = format!("{name} = {value}");
        if !row.is_empty() && (name.is_empty() || row.len() + one.len() > 100) {
            let _ = writeln!(out, "    {word} {row}");
            row.clear();
        }
        if name.is_empty() {
            continue;
        }
        if !row.is_empty() {
            row += ", ";
        }
        row += &one;
    }
    if !row.is_empty() {
        let _ = writeln!(out, "    {word} {row}");
    }
    out
}
