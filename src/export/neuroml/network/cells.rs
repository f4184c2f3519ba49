//! Populations: cells that have the same values are one of NeuroML.

use super::super::cell::{Given, attached};
use super::super::component::connected;
use super::{Group, Groups, Writer};
use crate::export::names::snake;
use crate::hir::network::model::Process;
use crate::hir::{Draw, Emit, Expr, Neuron, Op, Stmt, VarId, VarKind};
use crate::plan::{Column, DriveKind, Population};
use crate::units::Dim;
use std::collections::{BTreeMap, BTreeSet};

impl Writer<'_> {
    /// Writes all populations.
    pub fn cells(&mut self) {
        for (k, p) in self.begun.network.populations.iter().enumerate() {
            let groups = if is_relay(&p.model) {
                self.relays(k, p)
            } else if let Some(rate) = self.drawn(p) {
                self.poisson(p, &rate)
            } else {
                self.own(p)
            };
            self.groups.push(groups);
        }
    }

    /// Cells of a population, by what they are.
    fn grouped<K: Ord + Clone>(
        &mut self,
        p: &Population,
        key: impl Fn(usize) -> K,
        mut make: impl FnMut(&mut Self, &K) -> Option<(String, Option<super::Component>, Vec<String>)>,
    ) -> Groups {
        let mut members: BTreeMap<K, (usize, Vec<usize>)> = BTreeMap::new();
        for cell in 0..p.n {
            let count = members.len();
            members.entry(key(cell)).or_insert((count, Vec::new())).1.push(cell);
        }
        let mut all: Vec<(usize, K, Vec<usize>)> = members.into_iter().map(|(k, (n, cells))| (n, k, cells)).collect();
        all.sort_by_key(|(n, ..)| *n);
        let mut groups = Groups { all: Vec::new(), of: vec![(0, 0); p.n] };
        if all.len() > 1 {
            self.notes.push(format!("`{}` is written as {} populations, whose cells differ", p.name, all.len()));
        }
        for (n, key, cells) in all {
            let Some((component, cell, synapses)) = make(self, &key) else { continue };
            let id = self.ids.give(&if n == 0 { p.name.clone() } else { format!("{}_{}", p.name, n + 1) });
            let (group, size) = (groups.all.len(), cells.len());
            self.populations +=
                &format!("        <population id=\"{id}\" component=\"{component}\" size=\"{size}\"/>\n");
            cells.iter().enumerate().for_each(|(place, cell)| groups.of[*cell] = (group, place));
            groups.all.push(Group { id, cell, synapses });
        }
        groups
    }

    fn own(&mut self, p: &Population) -> Groups {
        let n = p.model.clone();
        let input = attached(&n);
        let columns = || p.params.iter().chain(&p.init).chain(&p.ports).filter(|(v, _)| Some(**v) != input);
        let differ: Vec<&Column> = columns().map(|(_, c)| c).filter(|c| !matches!(c, Column::Const(_))).collect();
        let begun = self.begun_states(&n);
        // Bits, so that they have an order.
        let key = |cell: usize| {
            (cell * usize::from(!differ.is_empty()), differ.iter().map(|c| c.at(cell).to_bits()).collect())
        };
        let mut cells: BTreeMap<Vec<u64>, usize> = BTreeMap::new();
        for cell in 0..p.n {
            let (first, bits): (usize, Vec<u64>) = key(cell);
            cells.entry(bits).or_insert(first);
        }
        let bits = |cell: usize| key(cell).1;
        self.grouped(p, bits, |this, bits| {
            let cell = cells.get(bits).copied().unwrap_or(0);
            let mut first: BTreeMap<VarId, f64> = columns().map(|(v, c)| (*v, c.at(cell))).collect();
            first.extend(input.map(|i| (i, 0.0)));
            let given = Given { first: &first, begun: &begun };
            let found = match connected(&n, &given, &mut this.units, &mut this.notes) {
                Ok(found) => found,
                Err(flaws) => {
                    // Once for all cells of a model.
                    let new = flaws.iter().all(|d| this.flaws.iter().all(|known| known.span() != d.span()));
                    if new {
                        this.flaws.append(flaws);
                    }
                    return None;
                }
            };
            Some(this.declared(&n, found))
        })
    }

    /// Declares types and components that are new.
    fn declared(&mut self, n: &Neuron, mut found: super::Component) -> (String, Option<super::Component>, Vec<String>) {
        for (name, text) in std::mem::take(&mut found.types) {
            let same = |(known, declared): &(String, String)| *known == name && *declared == text;
            if self.types.iter().any(same) {
                continue;
            }
            let own = self.ids.give(&name);
            if own != name {
                let renamed =
                    text.replace(&format!("<ComponentType name=\"{name}\""), &format!("<ComponentType name=\"{own}\""));
                self.types.push((own.clone(), renamed));
                found.kind = if found.kind == name { own.clone() } else { found.kind };
                found.synapses.iter_mut().filter(|s| s.kind == name).for_each(|s| s.kind.clone_from(&own));
            } else {
                self.types.push((name, text));
            }
        }
        let described = found.lines("", &vec![String::new(); found.synapses.len()]);
        if let Some(id) = self.known.get(&described).cloned() {
            let synapses = found.beside(n, &id).collect();
            return (id, Some(found), synapses);
        }
        let id = self.ids.give(&snake(&n.name));
        let synapses: Vec<String> = found.beside(n, &id).collect::<Vec<_>>().iter().map(|s| self.ids.give(s)).collect();
        self.components += &found.lines(&id, &synapses);
        self.known.insert(described, id.clone());
        (id, Some(found), synapses)
    }

    /// States of a model whose first values are given in some population.
    fn begun_states(&self, n: &Neuron) -> BTreeSet<VarId> {
        let alike = self.begun.network.populations.iter().filter(|p| p.model.name == n.name);
        let given = alike.flat_map(|p| p.given.keys().copied());
        given.filter(|v| matches!(n.vars[*v].kind, VarKind::State(_))).collect()
    }

    /// Cells that pass on what drives them: the trains of these drives.
    fn relays(&mut self, k: usize, p: &Population) -> Groups {
        let at = self.places.population(&p.name);
        let mut trains: Vec<BTreeSet<u64>> = vec![BTreeSet::new(); p.n];
        let mut rates = vec![0.0; p.n];
        for d in self.begun.network.drives.iter().filter(|d| d.post.population == k) {
            match &d.kind {
                DriveKind::Spikes(list) => {
                    for (step, cell, _) in list.iter() {
                        let to = |c: usize| c + d.post.start;
                        match cell {
                            Some(c) => _ = trains[to(*c as usize)].insert(*step + 1),
                            None => (0..d.post.n).for_each(|c| _ = trains[to(c)].insert(*step + 1)),
                        }
                    }
                }
                DriveKind::Random(Process::Poisson, column) => {
                    (0..d.post.n).for_each(|c| rates[c + d.post.start] += column.at(c));
                }
                _ => self.refuse(self.places.drive(d.port), "this drive", "its sources have a constant rate"),
            }
        }
        let mixed = (0..p.n).any(|c| rates[c] > 0.0 && !trains[c].is_empty());
        let met = self.begun.network.projections.iter().any(|j| j.post.population == k);
        if mixed || met {
            self.refuse(at, "relays that more than one thing drives", "a source of spikes is one by itself");
        }
        let key = |c: usize| (rates[c].to_bits(), trains[c].clone());
        self.grouped(p, key, |this, (rate, train)| {
            let rate = f64::from_bits(*rate);
            if rate > 0.0 {
                let rate = this.quantity(rate, Dim::RATE);
                let body = format!(" averageRate=\"{rate}\"/>");
                return Some((
                    this.component("spikeGeneratorPoisson", &format!("{}_poisson", p.name), &body),
                    None,
                    Vec::new(),
                ));
            }
            Some((this.spike_array(&format!("{}_train", p.name), train.iter().copied()), None, Vec::new()))
        })
    }

    /// The rate of each cell, if all that the cells do is spike by chance.
    fn drawn(&self, p: &Population) -> Option<Vec<f64>> {
        let n = &p.model;
        let [Emit { when: Expr::Bin(Op::Lt, drawn, chance), body, count: None, edge: None, .. }] = &n.emits[..] else {
            return None;
        };
        let quiet = n.states().count() == 0 && body.is_empty() && n.handlers.is_empty();
        if !quiet || !matches!(**drawn, Expr::Draw(_, Draw::Uniform, _)) {
            return None;
        }
        let dt = self.begun.dt;
        (0..p.n)
            .map(|cell| {
                let value = |v: VarId| p.params.get(&v).or(p.ports.get(&v)).map(|c| c.at(cell));
                let chance = crate::math::eval_through(chance, &|v| n.definition(v), &value, (Some(dt), None))?;
                Some(chance / dt)
            })
            .collect()
    }

    fn poisson(&mut self, p: &Population, rates: &[f64]) -> Groups {
        self.grouped(
            p,
            |c| rates[c].to_bits(),
            |this, rate| {
                let rate = this.quantity(f64::from_bits(*rate), Dim::RATE);
                let body = format!(" averageRate=\"{rate}\"/>");
                Some((this.component("spikeGeneratorPoisson", &format!("{}_poisson", p.name), &body), None, Vec::new()))
            },
        )
    }
}

/// Whether a cell does nothing but pass on what arrives.
fn is_relay(n: &Neuron) -> bool {
    let [equation] = &n.equations[..] else { return false };
    let passes = matches!(&equation.rhs, Expr::Var(v) if matches!(n.vars[*v].kind, VarKind::EventPort));
    let [Emit { when: Expr::Bin(Op::Gt, state, none), body, count: None, edge: None, .. }] = &n.emits[..] else {
        return false;
    };
    let of_state = |e: &Expr| *e == Expr::Var(equation.state);
    let cleared = matches!(&body[..], [Stmt::Assign(v, Expr::Num(0.0))] if *v == equation.state);
    passes && cleared && of_state(state) && **none == Expr::Num(0.0) && n.vars.len() == 2 && n.handlers.is_empty()
}
