//! Rows of tables for what has a value: symbol, name, value, unit, meaning.

use super::document::Document;
use super::escape::{code, prose};
use super::formula::digits;
use super::layout::{Columns, Table};
use super::math::Typesetter;
use super::units;
use crate::describe::written::unit_name;
use crate::syntax::ast::{Binding, Expr, ExprKind, Model, ModelItem, Name, StateBinding, UnitExpr};

pub const COLUMNS: Columns = &[("Symbol", 0.12), ("Name", 0.17), ("Value", 0.18), ("Unit", 0.11), ("Meaning", 0.28)];

/// What has no value of its own.
pub const GIVEN: &str = "\\textit{must be given}";

/// Typesets the variables of one declaration.
pub struct Variables<'a> {
    pub document: &'a Document<'a>,
    pub set: Typesetter<'a>,
    /// The neuron whose units were inferred.
    pub neuron: Option<&'a str>,
}

impl Variables<'_> {
    /// A row: a name with its value, or with what is said in place of one.
    pub fn row(&self, name: &Name, unit: Option<&UnitExpr>, value: Result<&Expr, &str>, more: &str) -> [String; 5] {
        let known = unit.map(units::declared).or_else(|| self.inferred(name));
        let (value, unit) = match value {
            Err(said) => (said.to_string(), known),
            Ok(e) => match self.number(e) {
                Some((number, own)) => (format!("${number}$"), Some(own).filter(|u| !u.is_empty()).or(known)),
                None => (self.set.inline(e), known),
            },
        };
        let unit = match unit.as_deref() {
            None => String::new(),
            Some("") => "--".into(),
            Some(unit) => format!("${unit}$"),
        };
        let said = [prose(&self.document.written.comment(name.span)), more.to_string()];
        let said = said.into_iter().filter(|s| !s.is_empty()).collect::<Vec<_>>().join("; ");
        [self.set.name(&name.text), code(&name.text), value, unit, said]
    }

    pub fn binding(&self, b: &Binding) -> [String; 5] {
        let value = b.value.as_ref().ok_or(GIVEN);
        match b.unit.as_ref().filter(|u| self.document.written.of(u.span) == "int") {
            Some(_) => self.row(&b.name, None, value, "a whole number"),
            None => self.row(&b.name, b.unit.as_ref(), value, ""),
        }
    }

    fn state(&self, s: &StateBinding) -> [String; 5] {
        let per = s.per.as_ref().map(|p| format!("one per {}", code(&p.text)));
        let bounds = s.bounds.as_ref().map(|b| format!("within {}", self.set.interval(b)));
        let more = per.into_iter().chain(bounds).collect::<Vec<_>>().join("; ");
        self.row(&s.name, s.unit.as_ref(), s.init.as_ref().ok_or("$0$"), &more)
    }

    /// A number, its sign, and its unit.
    fn number(&self, e: &Expr) -> Option<(String, String)> {
        let (sign, inner) = match &e.kind {
            ExprKind::Neg(inner) => ("-", &**inner),
            _ => ("", e),
        };
        let (number, unit) = self.set.measured(inner)?;
        Some((format!("{sign}{}", digits(number)), units::product(&unit)))
    }

    /// The unit that was inferred for a variable of a neuron.
    fn inferred(&self, name: &Name) -> Option<String> {
        let neuron = self.document.program.module.neurons.get(self.neuron?)?;
        let v = neuron.vars.values().find(|v| v.span == name.span)?;
        Some(units::named(&unit_name(v)))
    }

    /// All variables of a model, with those of its compartments.
    pub fn table(&self, m: &Model) -> Table {
        let mut table = Table::new(COLUMNS);
        self.parts(&m.body, "", &mut table);
        table
    }

    fn parts(&self, body: &[ModelItem], of: &str, table: &mut Table) {
        self.group(table, &format!("Parameters{of}"), body, |i| match i {
            ModelItem::Params(list) => list.iter().map(|b| self.binding(b)).collect(),
            _ => Vec::new(),
        });
        self.group(table, &format!("Inputs{of}"), body, |i| self.input(i).into_iter().collect());
        self.group(table, &format!("States{of}, with their first values"), body, |i| match i {
            ModelItem::States(list) => list.iter().map(|s| self.state(s)).collect(),
            ModelItem::Weight(name, unit, bounds) => vec![self.weight(name, unit.as_ref(), bounds.as_ref())],
            ModelItem::Gate(name, ..) => vec![self.row(name, None, Err("steady state"), "gate")],
            _ => Vec::new(),
        });
        for i in body {
            match i {
                ModelItem::Compartment(name, _, body, _) | ModelItem::Cable(name, body, _) => {
                    self.parts(body, &format!(" of {}", code(&name.text)), table);
                }
                ModelItem::Sections(kinds, body) => self.parts(body, &format!(" of {}", sections(kinds)), table),
                _ => {}
            }
        }
    }

    fn weight(&self, name: &Name, unit: Option<&UnitExpr>, bounds: Option<&Expr>) -> [String; 5] {
        let bounds = bounds.map_or(String::new(), |b| format!("; within {}", self.set.interval(b)));
        let of_port = if unit.is_none() { "; in the unit of the port" } else { "" };
        self.row(name, unit, Err("set by the projection"), &format!("weight{bounds}{of_port}"))
    }

    fn input(&self, i: &ModelItem) -> Option<[String; 5]> {
        Some(match i {
            ModelItem::EventInput(name, unit) => {
                self.document.notation.mention("impulses");
                self.row(name, unit.as_ref(), Err("impulses"), "")
            }
            ModelItem::Input(name, unit, value) => {
                self.row(name, unit.as_ref(), value.as_ref().ok_or("what arrives"), "")
            }
            ModelItem::Modulator(name, unit, value) => {
                self.row(name, unit.as_ref(), value.as_ref().ok_or("must be bound"), "modulator")
            }
            _ => return None,
        })
    }

    fn group(&self, table: &mut Table, of: &str, body: &[ModelItem], rows: impl Fn(&ModelItem) -> Vec<[String; 5]>) {
        let rows: Vec<_> = body.iter().flat_map(rows).collect();
        if !rows.is_empty() {
            table.group(of);
            rows.iter().for_each(|r| table.row(r));
        }
    }
}

/// Names of kinds of sections.
pub(super) fn sections(kinds: &[Name]) -> String {
    let kinds: Vec<String> = kinds.iter().map(|kind| code(&kind.text)).collect();
    kinds.join(", ")
}
