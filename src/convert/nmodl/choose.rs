//! Which expressions become `let`s, and how everything is called.

use std::collections::{HashMap, HashSet};

use super::graph::{Graph, Id, Op, Role, children};
use super::model::{Model, Motion, roots};
use super::run::Run;

/// Names of the output.
#[derive(Debug, Default)]
pub struct Names {
    /// Of variables.
    pub atoms: HashMap<String, String>,
    /// Of expressions, in the order in which they are declared.
    pub lets: Vec<(Id, String)>,
    taken: HashSet<String>,
}

/// Expressions of more parts than this get a line of their own.
const LONGEST: usize = 20;

const RESERVED: [&str; 49] = [
    "t",
    "dt",
    "xi",
    "inf",
    "pi",
    "and",
    "or",
    "not",
    "if",
    "then",
    "else",
    "in",
    "for",
    "when",
    "true",
    "false",
    "within",
    "every",
    "against",
    "over",
    "param",
    "state",
    "let",
    "input",
    "event",
    "weight",
    "modulator",
    "noise",
    "emit",
    "on",
    "deliver",
    "scheme",
    "energy",
    "compartment",
    "channel",
    "gate",
    "current",
    "couple",
    "length",
    "diameter",
    "per",
    "since",
    "random",
    "convolve",
    "all",
    "v",
    "place",
    "age",
    "normal",
];
const FUNCTIONS: [&str; 30] = [
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
    "mod",
    "min",
    "max",
    "clip",
    "nernst",
    "erf",
    "sum",
    "mean",
    "std",
    "rate",
    "count",
    "uniform",
    "poisson",
];
const UNITS: [&str; 21] =
    ["l", "g", "m", "s", "min", "A", "K", "mol", "cd", "Hz", "V", "S", "Ohm", "F", "C", "N", "J", "W", "Pa", "Wb", "M"];

/// Whether a name of more than one letter is also that of a unit.
fn is_unit(name: &str) -> bool {
    let base = |n: &str| UNITS.contains(&n) || matches!(n, "L" | "deg" | "rad");
    name.len() > 1 && (base(name) || name.chars().next().is_some_and(|c| "afpnumcdkMG".contains(c)) && base(&name[1..]))
}

impl Names {
    /// A name that is not taken, like the one that is wanted.
    pub fn claim(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_string();
        // Units of one letter that stand below the line.
        let hidden = matches!(wanted, "K" | "C" | "F" | "R" | "J" | "e_charge" | "S" | "V" | "L" | "M" | "N" | "W");
        if RESERVED.contains(&wanted) || FUNCTIONS.contains(&wanted) || is_unit(wanted) || hidden {
            name.push('_');
        }
        let mut n = 2;
        let stem = name.clone();
        while !self.taken.insert(name.clone()) {
            name = format!("{stem}_{n}");
            n += 1;
        }
        name
    }
}

/// What an ion's variables are called.
pub fn ion_name(ion: &str, what: &str) -> String {
    let mut letters = ion.chars();
    let capital: String = letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect();
    match what {
        "e" if matches!(ion, "na" | "k" | "ca" | "cl") => format!("E_{capital}"),
        "e" => format!("e{ion}"),
        "i" => ion.into(),
        "o" => format!("{ion}_out"),
        _ => format!("i_{ion}"),
    }
}

/// Chooses names and `let`s.
pub fn choose(run: &Run, model: &Model, forced: &[Id], maximal: Option<&str>) -> Names {
    let mut names = Names::default();
    let used = used(&run.graph, model);
    let order = |role: Role| match role {
        Role::Voltage | Role::Argument => 0,
        Role::State => 1,
        Role::Temperature => 2,
        _ => 3,
    };
    let mut atoms: Vec<Id> = used.iter().copied().filter(|&id| matches!(run.graph.ops[id], Op::Atom(_))).collect();
    atoms.sort_by_key(|&id| run.graph.variable(id).map_or(9, |a| order(a.role)));
    let temperatures =
        atoms.iter().filter(|&&id| run.graph.variable(id).is_some_and(|a| a.role == Role::Temperature)).count();
    for id in atoms {
        let Some(atom) = run.graph.variable(id) else { continue };
        let wanted = match atom.role {
            Role::Voltage | Role::Time | Role::Step | Role::Constant => {
                let name = atom.name.split(' ').next().unwrap_or(&atom.name).to_string();
                names.atoms.insert(atom.name.clone(), name.clone());
                names.taken.insert(name);
                continue;
            }
            Role::Temperature if atom.name == "celsius" => "T".into(),
            Role::Temperature if temperatures == 2 => "T_0".into(),
            Role::Weight => "events".into(),
            Role::Argument if atom.name == "diam" => "diam".into(),
            Role::Parameter if maximal == Some(atom.name.as_str()) => "g_max".into(),
            _ => match run.of_ion(&atom.name) {
                // What a pool begins with.
                Some((ion, what @ ("i" | "o"))) if atom.role == Role::Parameter && run.sets(&atom.name) => {
                    format!("{}_0", ion_name(ion, what))
                }
                Some((ion, what)) => ion_name(ion, what),
                None => atom.name.clone(),
            },
        };
        let mut name = names.claim(&wanted);
        if atom.role == Role::State && wanted.len() == 1 && !RESERVED.contains(&wanted.as_str()) {
            // Gates of one letter keep it, whatever units there are.
            if names.taken.insert(wanted.clone()) {
                name = wanted;
            }
        }
        names.atoms.insert(atom.name.clone(), name);
    }
    let chosen = lets(&run.graph, model, &used, forced);
    call(run, model, &mut names, &chosen);
    names
}

fn used(graph: &Graph, model: &Model) -> Vec<Id> {
    let mut seen = HashSet::new();
    let mut open = roots(model);
    open.extend(model.weight);
    open.extend(model.states.iter().filter_map(|s| graph.find(&s.name)));
    open.extend(model.gates.iter().filter_map(|g| graph.find(&g.name)));
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(children(&graph.ops[id]));
        }
    }
    let mut all: Vec<Id> = seen.into_iter().collect();
    all.sort_unstable();
    all
}

fn lets(graph: &Graph, model: &Model, used: &[Id], forced: &[Id]) -> Vec<Id> {
    let mut uses: HashMap<Id, usize> = HashMap::new();
    let tops = roots(model);
    for &root in &tops {
        *uses.entry(root).or_insert(0) += 1;
    }
    for &id in used {
        for child in children(&graph.ops[id]) {
            *uses.entry(child).or_insert(0) += 1;
        }
    }
    let mut sizes: HashMap<Id, usize> = HashMap::new();
    let mut chosen = Vec::new();
    for &id in used {
        let size = 1 + children(&graph.ops[id]).iter().map(|c| sizes.get(c).copied().unwrap_or(1)).sum::<usize>();
        let Op::Named(_, inner) = &graph.ops[id] else {
            sizes.insert(id, size);
            continue;
        };
        let times = uses.get(&id).copied().unwrap_or(0);
        let plain = matches!(graph.ops[*inner], Op::Number(..) | Op::Atom(_) | Op::Named(..));
        let alone = tops.contains(&id) && times == 1;
        let wanted =
            (times > 1 && size > 4) || (size > LONGEST && !alone) || (times > 1 && size > 2 && !short(graph, *inner));
        if forced.contains(&id) || (wanted && !plain) {
            chosen.push(id);
            sizes.insert(id, 1);
        } else {
            sizes.insert(id, size - 1);
        }
    }
    chosen
}

/// `-x`, `v + 3`: not worth a name.
fn short(graph: &Graph, id: Id) -> bool {
    matches!(graph.ops[id], Op::Negative(x) if matches!(graph.ops[x], Op::Atom(_)))
}

/// Gives chosen expressions their names; those that several have get the name of the gate that they are for.
fn call(run: &Run, model: &Model, names: &mut Names, chosen: &[Id]) {
    let graph = &run.graph;
    let stem = |id: Id| match &graph.ops[id] {
        Op::Named(name, _) => name.trim_end_matches('\'').to_string(),
        _ => "x".into(),
    };
    let mut users: HashMap<Id, HashSet<&str>> = HashMap::new();
    let owners = model.gates.iter().map(|g| {
        (
            g.name.as_str(),
            match g.motion {
                Motion::Towards(a, b) | Motion::Rates(a, b) => vec![a, b],
            },
        )
    });
    let owners = owners.chain(model.states.iter().map(|s| (s.name.as_str(), s.rate.iter().copied().collect())));
    for (name, starts) in owners {
        let mut open: Vec<Id> = starts;
        let mut seen = HashSet::new();
        while let Some(id) = open.pop() {
            if seen.insert(id) {
                users.entry(id).or_default().insert(name);
                open.extend(children(&graph.ops[id]));
            }
        }
    }
    for &id in chosen {
        let stem = stem(id);
        let twins = chosen
            .iter()
            .filter(|&&other| matches!(&graph.ops[other], Op::Named(n, _) if n.trim_end_matches('\'') == stem))
            .count();
        let only = users.get(&id).filter(|u| u.len() == 1).and_then(|u| u.iter().next().copied());
        let mut wanted = match (twins > 1 || matches!(stem.as_str(), "alpha" | "beta" | "tau" | "inf"), only) {
            (true, Some(gate)) => format!("{stem}_{gate}"),
            _ => stem,
        };
        if let Some((ion, what)) = run.of_ion(&wanted) {
            wanted = ion_name(ion, what);
        }
        let name = names.claim(&wanted);
        names.lets.push((id, name));
    }
}
