//! The `update` block: what happens in every step before anything arrives.

use super::neuron::Writer;
use crate::hir::VarId;

impl Writer<'_> {
    /// The `update` block: counters, then equations, without those of states that are held.
    pub fn update(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for name in self.speech.counters.names() {
            lines.extend([format!("if {name} > 0:"), format!("    {name} -= 1")]);
        }
        let states: Vec<VarId> = self.n.equations.iter().map(|e| e.state).collect();
        let states: Vec<VarId> = states.into_iter().filter(|s| self.evolves(*s)).collect();
        let (held, free): (Vec<VarId>, Vec<VarId>) =
            states.iter().copied().partition(|s| self.speech.counters.hold(*s).is_some());
        if held.is_empty() && !free.is_empty() {
            lines.push("integrate_odes()".into());
        } else {
            self.integrated(&held, &free, &mut lines, 0);
        }
        lines.extend(self.speech.bounded(&states));
        lines
    }

    /// A branch for each set of states that may be held at once.
    fn integrated(&self, held: &[VarId], free: &[VarId], lines: &mut Vec<String>, depth: usize) {
        let pad = "    ".repeat(depth);
        let Some((first, rest)) = held.split_first() else {
            let names: Vec<&str> = free.iter().map(|v| self.speech.names[v].as_str()).collect();
            if !names.is_empty() {
                lines.push(format!("{pad}integrate_odes({})", names.join(", ")));
            }
            return;
        };
        let Some(counter) = self.speech.counters.hold(*first) else { return };
        let with: Vec<VarId> = free.iter().copied().chain([*first]).collect();
        if rest.is_empty() && free.is_empty() {
            lines.push(format!("{pad}if {counter} == 0:"));
            return self.integrated(rest, &with, lines, depth + 1);
        }
        lines.push(format!("{pad}if {counter} > 0:"));
        self.integrated(rest, free, lines, depth + 1);
        lines.push(format!("{pad}else:"));
        self.integrated(rest, &with, lines, depth + 1);
    }
}
