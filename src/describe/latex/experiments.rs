//! Experiments: what they measure, and step by step what is done.

use super::document::Document;
use super::escape::{code, paragraph};
use super::layout::{Columns, Lines, Table};
use super::math::Typesetter;
use super::networks::INPUT;
use super::scope::Scope;
use super::variables::{COLUMNS, Variables};
use crate::describe::written::on_one_line;
use crate::source::Span;
use crate::syntax::ast::{Command, CommandKind, Drive, Experiment, Item, ItemKind};
use std::collections::BTreeSet;

const MEASUREMENTS: Columns = &[("Name", 0.2), ("What", 0.44), ("When", 0.28)];

impl Document<'_> {
    pub fn experiments(&self) -> impl Iterator<Item = (&Item, &Experiment)> {
        self.reached.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Experiment(e) => Some((item, e)),
            _ => None,
        })
    }

    fn source(&self, span: Span) -> String {
        code(&on_one_line(self.written.of(span)))
    }

    /// What experiments with a network record and measure, as it is written.
    pub fn measured(&self, network: &str) -> BTreeSet<String> {
        let mut out = BTreeSet::new();
        for (_, e) in self.experiments() {
            let all = flat(&e.body);
            let built = |c: &&Command| matches!(&c.kind, CommandKind::Network { model, .. } if model.text == network);
            if all.iter().any(built) {
                out.extend(all.iter().filter_map(|c| match &c.kind {
                    CommandKind::Record { what, .. } => Some(self.source(what.span)),
                    CommandKind::Measure(name, ..) => Some(code(&name.text)),
                    _ => None,
                }));
            }
        }
        out
    }

    /// What experiments send into networks.
    pub fn drives(&self) -> String {
        let mut out = String::new();
        for (_, e) in self.experiments() {
            let mut table = Table::new(INPUT);
            for c in flat(&e.body) {
                if let CommandKind::Drive(d) = &c.kind {
                    table.row(&self.driven(d));
                }
            }
            out += &table.written(&format!("Input in the experiment {}.", code(&e.name.text)));
        }
        out
    }

    /// A drive of an experiment, as it is written.
    fn driven(&self, d: &Drive) -> [String; 2] {
        let text = on_one_line(self.written.of(d.span));
        let text = text.trim_start_matches("drive").trim_end_matches('}');
        let (target, clauses) = text.split_once('{').unwrap_or((text, ""));
        [code(target.trim()), code(clauses.trim())]
    }

    /// An experiment: its parameters, what it measures, and its statements.
    pub fn experiment(&self, item: &Item, e: &Experiment) -> String {
        let name = code(&e.name.text);
        let mut out = format!("\\subsubsection*{{Experiment {name}}}\n\n");
        out += &paragraph(&item.doc);
        let scope = Scope::new(&self.program.module, e.formals.iter().map(|b| b.name.text.clone()));
        let variables = Variables { document: self, set: Typesetter::new(&scope, &self.notation), neuron: None };
        let mut parameters = Table::new(COLUMNS);
        e.formals.iter().for_each(|b| parameters.row(&variables.binding(b)));
        out += &parameters.written(&format!("Parameters of the experiment {name}."));
        let mut measurements = Table::new(MEASUREMENTS);
        flat(&e.body).iter().for_each(|c| self.measurement(c, &mut measurements));
        out += &measurements.written(&format!("Measurements of the experiment {name}."));
        let mut lines = Lines::default();
        lines.line(0, "\\emph{Protocol:}");
        self.protocol(&e.body, 1, &mut lines);
        out + &lines.written()
    }

    fn measurement(&self, c: &Command, table: &mut Table) {
        match &c.kind {
            CommandKind::Record { what, every, during, name } => {
                let every = every.as_ref().map(|e| format!("every {}", self.source(e.span)));
                let during = during.as_ref().map(|e| format!("during {}", self.source(e.span)));
                let when: Vec<String> = every.into_iter().chain(during).collect();
                let when = if when.is_empty() { "throughout".into() } else { when.join(", ") };
                let name = name.as_ref().map_or(String::new(), |n| code(&n.text));
                table.row(&[name, self.source(what.span), when]);
            }
            CommandKind::Measure(name, e, over) => {
                let over = over.as_ref().map_or(String::new(), |o| format!("over {}", self.source(o.data.span)));
                table.row(&[code(&name.text), self.source(e.span), over]);
            }
            _ => {}
        }
    }

    /// Statements as they are written, those of blocks further in.
    pub fn protocol(&self, body: &[Command], depth: usize, lines: &mut Lines) {
        for c in body {
            let blocks = c.kind.blocks();
            let first = blocks.first().and_then(|b| b.first());
            let Some(first) = first else {
                lines.line(depth, &self.source(c.span));
                continue;
            };
            let head = on_one_line(self.written.of(Span { end: first.span.start, ..c.span }));
            lines.line(depth, &code(head.trim_end_matches('{').trim_end()));
            for (i, block) in blocks.iter().enumerate() {
                match block {
                    [one] if i > 0 && matches!(one.kind, CommandKind::If(..)) => {
                        lines.line(depth, &code("else"));
                        self.protocol(block, depth + 1, lines);
                    }
                    [] => {}
                    _ => {
                        if i > 0 {
                            lines.line(depth, &code("else"));
                        }
                        self.protocol(block, depth + 1, lines);
                    }
                }
            }
        }
    }
}

/// All statements, those in blocks among them.
fn flat(body: &[Command]) -> Vec<&Command> {
    let mut out = Vec::new();
    for c in body {
        out.push(c);
        c.kind.blocks().into_iter().for_each(|b| out.extend(flat(b)));
    }
    out
}
