//! Pages as Markdown: what a model, network or world takes and gives.

use super::written::{Written, dedented, name_of, unit_name};
use crate::compiler::Program;
use crate::hir::{Neuron, Var, VarKind};
use crate::source::Span;
use crate::syntax::ast::{Arg, Binding, Item, ItemKind, Model, ModelItem, ModelKind, NetworkItem, Value, WorldItem};
use crate::units::format_quantity;
use std::fmt::Write;

/// A row of a table: what, of which unit, with which value, and what is said of it.
type Row = [String; 4];

/// The page of a declaration; of a module of the library it says how it is imported.
pub fn page(program: &Program, item: &Item, module: Option<&str>) -> String {
    Page { program, text: Written(&program.sources), out: String::new() }.written(item, module)
}

struct Page<'a> {
    program: &'a Program,
    text: Written<'a>,
    out: String,
}

impl Page<'_> {
    fn written(mut self, item: &Item, module: Option<&str>) -> String {
        let Some((kind, name)) = name_of(item) else { return self.out };
        let _ = writeln!(self.out, "## {kind} {name}\n");
        if !item.doc.is_empty() {
            let _ = writeln!(self.out, "{}\n", item.doc.trim());
        }
        let import = module.map_or(String::new(), |m| format!("use {m}: {name}\n"));
        match &item.kind {
            ItemKind::Model(m) => self.model(m, &import),
            ItemKind::Variant(v) => {
                let args: Vec<&str> = v.args.iter().map(|a| self.of(a.span())).collect();
                let _ = writeln!(self.out, "`{}` with {}.\n", v.base.text, args.join(", "));
            }
            ItemKind::Network(n) => {
                let params = self.bindings(&n.formals);
                self.table("parameter", &params);
                let mut members = Vec::new();
                self.members(&n.body, &mut members);
                self.table("member", &members);
                self.example(&format!("{import}experiment e {{\n    network net = {name}()\n}}"));
            }
            ItemKind::World(w) => {
                let params = self.bindings(&w.formals);
                self.table("parameter", &params);
                let (mut states, mut actions) = (Vec::new(), Vec::new());
                for i in &w.body {
                    match i {
                        WorldItem::State(n, _, Value::Expr(e)) => {
                            states.push([n.text.clone(), String::new(), self.of(e.span).into(), self.comment(n.span)]);
                        }
                        WorldItem::State(n, _, Value::Distribution(d)) => {
                            let drawn = format!("~ {}", self.of(d.call.span));
                            states.push([n.text.clone(), String::new(), drawn, self.comment(n.span)]);
                        }
                        WorldItem::Let(n, e) => {
                            states.push([
                                n.text.clone(),
                                String::new(),
                                format!("= {}", self.of(e.span)),
                                self.comment(n.span),
                            ]);
                        }
                        WorldItem::Action(a) => {
                            let args: Vec<&str> = a.formals.iter().map(|b| b.name.text.as_str()).collect();
                            actions.push(format!("`{}({})`", a.name.text, args.join(", ")));
                        }
                        WorldItem::Done(e) => {
                            states.push(["done".into(), String::new(), self.of(e.span).into(), String::new()]);
                        }
                    }
                }
                self.table("seen", &states);
                let _ = writeln!(self.out, "Actions: {}.\n", actions.join(", "));
                self.example(&format!("{import}experiment e {{\n    world w = {name}()\n}}"));
            }
            ItemKind::Fn(_, formals, body) => {
                let formals: Vec<&str> = formals.iter().map(|b| b.name.text.as_str()).collect();
                self.example(&format!("{name}({}) = {}", formals.join(", "), self.of(body.span)));
            }
            _ => {}
        }
        self.out.trim_end().to_string() + "\n"
    }

    fn model(&mut self, m: &Model, import: &str) {
        let name = &m.name.text;
        match (m.kind, self.program.module.neurons.get(name).cloned()) {
            (ModelKind::Neuron, Some(neuron)) => {
                self.neuron(m, &neuron);
                self.equations(m);
                self.example(&format!("{import}network Net {{\n    population cells: {name}[10]\n}}"));
            }
            _ => {
                let (mut params, mut states, mut ports) = (Vec::new(), Vec::new(), Vec::new());
                for i in &m.body {
                    match i {
                        ModelItem::Params(list) => params.extend(self.bindings(list)),
                        ModelItem::States(list) => states.extend(list.iter().map(|s| {
                            let unit = s.unit.as_ref().map_or(String::new(), |u| self.of(u.span).into());
                            let value = s.init.as_ref().map_or(String::new(), |e| self.of(e.span).into());
                            [s.name.text.clone(), unit, value, self.comment(s.name.span)]
                        })),
                        ModelItem::Weight(n, unit, bounds) => {
                            let unit = unit.as_ref().map_or("of the port".into(), |u| self.of(u.span).to_string());
                            let bounds = bounds.as_ref().map_or(String::new(), |e| format!("in {}", self.of(e.span)));
                            states.push([n.text.clone(), unit, bounds, self.comment(n.span)]);
                        }
                        ModelItem::Modulator(n, unit, value) => {
                            let unit = unit.as_ref().map_or(String::new(), |u| self.of(u.span).to_string());
                            let value = value.as_ref().map_or("must be bound".into(), |e| self.of(e.span).to_string());
                            ports.push([n.text.clone(), unit, value, self.comment(n.span)]);
                        }
                        _ => {}
                    }
                }
                self.table("parameter", &params);
                self.table("modulator", &ports);
                self.table("state", &states);
                self.equations(m);
                if m.kind == ModelKind::Synapse {
                    let weight = "connect all_to_all   weight 1   delay 1 ms";
                    self.example(&format!("{import}projection a -> b.PORT: {name} {{ {weight} }}"));
                }
            }
        }
    }

    fn neuron(&mut self, m: &Model, n: &Neuron) {
        let value = |v: &Var, e: &crate::hir::Expr| {
            let known = crate::math::eval(e, &|_| None, None);
            known.map_or_else(|| "follows".to_string(), |x| format_quantity(x, v.dim, v.unit.as_ref()))
        };
        let (mut params, mut ports, mut states) = (Vec::new(), Vec::new(), Vec::new());
        for v in n.vars.values() {
            let said = self.comment(v.span);
            match &v.kind {
                VarKind::Param(Some(e)) => params.push([v.name.clone(), unit_name(v), value(v, e), said]),
                VarKind::Param(None) => params.push([v.name.clone(), unit_name(v), "must be given".into(), said]),
                VarKind::EventPort => ports.push([v.name.clone(), unit_name(v), "events".into(), said]),
                VarKind::AnalogPort(e) => ports.push([v.name.clone(), unit_name(v), value(v, e), said]),
                VarKind::State(e) => {
                    let written = self.first_value(m, &v.name);
                    states.push([v.name.clone(), unit_name(v), written.unwrap_or_else(|| value(v, e)), said]);
                }
                VarKind::Let(_) => states.push([v.name.clone(), unit_name(v), "follows".into(), said]),
                _ => {}
            }
        }
        self.table("port", &ports);
        self.table("parameter", &params);
        self.table("state", &states);
        let events: Vec<String> = n.events.values().map(|e| format!("`{}`", e.name)).collect();
        if !events.is_empty() {
            let _ = writeln!(self.out, "Events: {}.\n", events.join(", "));
        }
        let signals: Vec<String> = n.handlers.iter().map(|h| format!("`{}`", h.signal)).collect();
        if !signals.is_empty() {
            let _ = writeln!(self.out, "Signals: {}.\n", signals.join(", "));
        }
    }

    /// The first value of a state as it is written.
    fn first_value(&self, m: &Model, name: &str) -> Option<String> {
        let states = m.body.iter().filter_map(|i| match i {
            ModelItem::States(list) => Some(list),
            _ => None,
        });
        let state = states.flatten().find(|s| s.name.text == name)?;
        Some(self.of(state.init.as_ref()?.span).to_string())
    }

    /// Equations and what happens, as they are written.
    fn equations(&mut self, m: &Model) {
        let mut lines = Vec::new();
        for i in &m.body {
            match i {
                ModelItem::Equation(name, e) => lines.push(format!("{}' = {}", name.text, self.of(e.span))),
                ModelItem::Let(name, e) => lines.push(format!("let {} = {}", name.text, self.of(e.span))),
                ModelItem::Emit(e) => lines.push(self.of(e.span).to_string()),
                ModelItem::On(_, _, span) => lines.push(self.of(*span).to_string()),
                ModelItem::Deliver(e) => lines.push(format!("deliver {}", self.of(e.span))),
                _ => {}
            }
        }
        if !lines.is_empty() {
            let text = lines.iter().map(|l| dedented(l)).collect::<Vec<_>>().join("\n");
            let _ = writeln!(self.out, "```text\n{text}\n```\n");
        }
    }

    fn members(&self, body: &[NetworkItem], out: &mut Vec<Row>) {
        for item in body {
            match item {
                NetworkItem::Population { name, model, args, shape, .. } => {
                    let shape: Vec<&str> = shape.iter().map(|e| self.of(e.span)).collect();
                    let what = format!("{}{}[{}]", model.text, self.args(args), shape.join(", "));
                    out.push([name.text.clone(), "population".into(), what, self.comment(name.span)]);
                }
                NetworkItem::Network { name, model, args, .. } => {
                    let what = format!("{}{}", model.text, self.args(args));
                    out.push([name.text.clone(), "network".into(), what, self.comment(name.span)]);
                }
                NetworkItem::Projection(p) => {
                    let Some(name) = &p.name else { continue };
                    let ends = |list: &[crate::syntax::ast::ViewPath]| {
                        list.iter().map(|v| self.of(v.span).trim().to_string()).collect::<Vec<_>>().join(", ")
                    };
                    let what = format!("{} -> {}", ends(&p.sources), ends(&p.targets));
                    out.push([name.text.clone(), "projection".into(), what, self.comment(name.span)]);
                }
                NetworkItem::View(name, of, chosen) => {
                    let span = chosen.as_ref().map_or(of.span, |e| of.span.to(e.span));
                    out.push([name.text.clone(), "view".into(), self.of(span).into(), self.comment(name.span)]);
                }
                NetworkItem::For(_, _, body) => self.members(body, out),
                NetworkItem::If(_, a, b) => {
                    self.members(a, out);
                    self.members(b, out);
                }
                _ => {}
            }
        }
    }

    fn args(&self, args: &[Arg]) -> String {
        let args: Vec<&str> = args.iter().map(|a| self.of(a.span())).collect();
        if args.is_empty() { String::new() } else { format!("({})", args.join(", ")) }
    }

    fn bindings(&self, list: &[Binding]) -> Vec<Row> {
        let row = |b: &Binding| {
            let unit = b.unit.as_ref().map_or(String::new(), |u| self.of(u.span).to_string());
            let value = b.value.as_ref().map_or("must be given".into(), |e| self.of(e.span).to_string());
            [b.name.text.clone(), unit, value, self.comment(b.name.span)]
        };
        list.iter().map(row).collect()
    }

    fn table(&mut self, of: &str, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        let head = [of.to_string(), "unit".into(), "value".into(), String::new()];
        // A column in which nothing stands is left out.
        let columns: Vec<usize> = (0..4).filter(|c| *c == 0 || rows.iter().any(|r| !r[*c].is_empty())).collect();
        let mut line = |row: &Row, code: bool| {
            let cell = |c: &usize| match row[*c].as_str() {
                "" => String::new(),
                text if code && *c != 3 => format!("`{}`", text.replace('|', "\\|")),
                text => text.to_string(),
            };
            let cells: Vec<String> = columns.iter().map(cell).collect();
            let _ = writeln!(self.out, "| {} |", cells.join(" | "));
        };
        line(&head, false);
        let rule = ["---"; 4].map(String::from);
        line(&rule, false);
        rows.iter().for_each(|r| line(r, true));
        self.out.push('\n');
    }

    fn example(&mut self, text: &str) {
        let _ = writeln!(self.out, "```text\n{text}\n```\n");
    }

    fn of(&self, span: Span) -> &str {
        self.text.of(span)
    }

    fn comment(&self, at: Span) -> String {
        self.text.comment(at)
    }
}
