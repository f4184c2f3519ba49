//! `SOLVE`.

use super::*;

const METHODS: [&str; 8] = ["cnexp", "derivimplicit", "sparse", "euler", "runge", "matexp", "heun", "after_cvode"];

impl Run<'_> {
    pub(super) fn solve(&mut self, name: &str, method: Option<&str>, steady: bool, at: &Place) {
        if let Some(method) = method.filter(|m| !METHODS.contains(m)) {
            self.flaw(
                at,
                format!("unknown method `{method}`"),
                "here",
                Some("use `cnexp`, `derivimplicit` or `sparse`"),
            );
        }
        self.steady |= steady;
        let mechanism = self.mechanism;
        if self.initial && !(steady && mechanism.kinetics.contains_key(name)) {
            let help = "write the values at the beginning into `INITIAL`";
            self.flaw(at, "equations are solved in `INITIAL`".into(), "cannot be carried over", Some(help));
            return;
        }
        if let Some(block) = mechanism.derivatives.get(name) {
            return self.enter(name, block);
        }
        if let Some(block) = mechanism.kinetics.get(name) {
            return self.enter(name, block);
        }
        if let Some(block) = mechanism.procedures.get(name) {
            return self.enter(name, block);
        }
        self.flaw(at, format!("unknown block `{name}`"), "not in the file", None);
    }

    fn enter(&mut self, name: &str, block: &Block) {
        if self.solved.iter().any(|n| n == name) && !self.initial {
            return;
        }
        self.solved.push(name.into());
        self.shared.remove("v");
        self.frames.push(HashMap::new());
        // Equations follow the currents of the step before.
        let ended: Vec<(String, Id)> = self.ended.iter().map(|(name, id)| (name.clone(), *id)).collect();
        let ended: Vec<(String, Id)> = ended.into_iter().filter(|(name, _)| !self.shared.contains_key(name)).collect();
        self.shared.extend(ended.iter().cloned());
        self.block(&block.body, None);
        for (name, id) in ended {
            if self.shared.get(&name) == Some(&id) {
                self.shared.remove(&name);
            }
        }
        self.frames.pop();
        self.shared.remove("v");
    }

    /// A procedure that advances states itself: `m = m + (1 - exp(-dt / tau)) * (inf - m)` is `m' = (inf - m) / tau`.
    pub(super) fn stepwise(&mut self) {
        let mechanism = self.mechanism;
        let updates = std::mem::take(&mut self.updates);
        for (name, value) in &updates {
            let once = updates.iter().filter(|u| u.0 == *name).count() == 1 && self.branches == 0;
            match self.advance(name, *value).filter(|_| once && !self.rates.contains_key(name)) {
                Some(rate) => {
                    self.rates.insert(name.clone(), rate);
                }
                None => {
                    let at = mechanism.states.iter().find(|s| s.name == *name).map_or(0..0, |s| s.at.clone());
                    let help = "write `x' = …` in a `DERIVATIVE` block";
                    let message = format!("`{name}` is advanced by a procedure");
                    self.flaw(&at, message, "not as `x = x + (1 - exp(-dt/tau))*(inf - x)`", Some(help));
                }
            }
        }
    }

    fn advance(&mut self, state: &str, value: Id) -> Option<Id> {
        let own = self.graph.find(state)?;
        let Op::Binary("+", x, y) = self.graph.op(value).clone() else { return None };
        let step = if self.graph.bare(x) == own {
            y
        } else if self.graph.bare(y) == own {
            x
        } else {
            return None;
        };
        let factors = self.graph.factors(step);
        let (exponent, distance) = match factors.list.as_slice() {
            [(a, 1), (b, 1)] if factors.number == 1.0 => {
                let decays = |graph: &Graph, id| graph.decay(id).filter(|d| d.1 == -1.0).map(|d| d.0);
                match (decays(&self.graph, *a), decays(&self.graph, *b)) {
                    (Some(e), _) => (e, *b),
                    (_, Some(e)) => (e, *a),
                    _ => return None,
                }
            }
            _ => return None,
        };
        if !matches!(self.graph.op(distance), Op::Binary("-", _, s) if self.graph.bare(*s) == own) {
            return None;
        }
        let mut rate = self.graph.factors(exponent);
        let is_dt = |graph: &Graph, id| graph.variable(id).is_some_and(|a| a.role == Role::Step);
        let place = rate.list.iter().position(|f| f.1 == 1 && is_dt(&self.graph, f.0))?;
        rate.list.remove(place);
        rate.number = -rate.number;
        let times = std::mem::take(&mut rate.list);
        let (above, below): (Vec<_>, Vec<_>) = times.into_iter().partition(|f| f.1 > 0);
        // (inf - x) / tau reads better than 1 / tau * (inf - x).
        rate.list = vec![(distance, 1)];
        rate.list.extend(above);
        rate.list.extend(below);
        Some(self.graph.product(&rate))
    }
}
