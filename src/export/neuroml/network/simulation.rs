//! The simulation: how long, in which steps, and what is recorded.

use super::Writer;
use crate::experiment::record::{Recording, Sampled, What};
use crate::hir::Expr;
use crate::units::Dim;

impl Writer<'_> {
    /// The element, and nothing where the experiment does not run.
    pub fn simulation(&mut self, id: &str, target: &str) -> String {
        let begun = self.begun;
        let Some(length) = begun.length else { return String::new() };
        let (length, step) = (self.quantity(length, Dim::TIME), self.quantity(begun.dt, Dim::TIME));
        let mut out = format!(
            "    <Simulation id=\"{id}\" length=\"{length}\" step=\"{step}\" target=\"{target}\" seed=\"{}\">\n",
            begun.seed
        );
        for r in &begun.recordings {
            if let Some(found) = self.recorded(r) {
                out += &found;
            }
        }
        out + "    </Simulation>\n"
    }

    fn recorded(&mut self, r: &Recording) -> Option<String> {
        let id = self.ids.give(&r.name);
        let groups = self.groups.get(r.cells.population)?;
        if groups.all.is_empty() {
            return None;
        }
        let (head, lines) = match &r.what {
            What::Events(event) => {
                let port = |cell: usize| match &groups.all[groups.of[cell].0].cell {
                    Some(c) => c.events.get(event).cloned().unwrap_or_default(),
                    None => "spike".into(),
                };
                let line = |(k, cell): (usize, usize)| {
                    let port = port(cell);
                    format!(
                        "            <EventSelection id=\"{k}\" select=\"{}\" eventPort=\"{port}\"/>\n",
                        groups.path(cell)
                    )
                };
                let lines: String = r.cells.iter().enumerate().map(line).collect();
                (format!("EventOutputFile id=\"{id}\" fileName=\"{}.spikes\" format=\"ID_TIME\"", r.name), lines)
            }
            What::Samples { of: Sampled::Cells { value: Expr::Var(v), .. }, reduce: None, every, .. } => {
                let mut lines = String::new();
                for (k, cell) in r.cells.iter().enumerate() {
                    let names = groups.all[groups.of[cell].0].cell.as_ref().and_then(|c| c.names.get(v));
                    let model = &self.begun.network.populations[r.cells.population].model;
                    let Some(name) = names.filter(|_| model.states().any(|(s, _)| s == *v)) else {
                        let what = format!("a recording of `{}`", model.vars[*v].name);
                        self.refuse(r.asked, &what, "states of cells are recorded");
                        return None;
                    };
                    lines += &format!(
                        "            <OutputColumn id=\"{}_{k}\" quantity=\"{}/{name}\"/>\n",
                        r.name,
                        groups.path(cell)
                    );
                }
                if *every != 1.0 {
                    self.notes.push("values are recorded at every step".into());
                }
                (format!("OutputFile id=\"{id}\" fileName=\"{}.dat\"", r.name), lines)
            }
            _ => {
                self.refuse(r.asked, "this recording", "states of cells are recorded, each by itself");
                return None;
            }
        };
        let tag = head.split(' ').next().unwrap_or_default();
        Some(format!("        <{head}>\n{lines}        </{tag}>\n"))
    }
}
