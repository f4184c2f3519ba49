//! Networks: populations, connectivity, input.

use super::document::Document;
use super::escape::{code, prose};
use super::layout::{Columns, Equations, Table};
use super::math::Typesetter;
use super::scope::Scope;
use super::variables::{COLUMNS, Variables};
use crate::describe::written::on_one_line;
use crate::syntax::ast::{Arg, Clause, Drive, Expr, Name, Network, NetworkItem, Process, Projection, Site, ViewPath};

const POPULATIONS: Columns = &[("Name", 0.2), ("Elements", 0.36), ("Size", 0.36)];
const VIEWS: Columns = &[("Name", 0.3), ("Set to", 0.64)];
const CONNECTIVITY: Columns = &[("Name", 0.13), ("Source", 0.16), ("Target", 0.16), ("Pattern", 0.44)];
pub const INPUT: Columns = &[("Target", 0.3), ("Input", 0.64)];

/// A network that is typeset.
pub struct NetworkPages<'a> {
    pub document: &'a Document<'a>,
    pub set: Typesetter<'a>,
    pub network: &'a Network,
}

/// A member of a network, with the loops and conditions that it stands in.
pub struct Member<'a> {
    pub item: &'a NetworkItem,
    pub when: Vec<When<'a>>,
}

/// A loop or a condition that a member of a network stands in.
#[derive(Clone, Copy)]
pub enum When<'a> {
    Each(&'a Name, &'a Expr),
    If(&'a Expr, bool),
}

/// All members of a network, those in loops and conditions among them.
pub fn members(body: &[NetworkItem]) -> Vec<Member<'_>> {
    let mut out = Vec::new();
    collect(body, &[], &mut out);
    out
}

fn collect<'a>(body: &'a [NetworkItem], when: &[When<'a>], out: &mut Vec<Member<'a>>) {
    for item in body {
        match item {
            NetworkItem::For(name, range, body) => collect(body, &[when, &[When::Each(name, range)]].concat(), out),
            NetworkItem::If(c, a, b) => {
                collect(a, &[when, &[When::If(c, true)]].concat(), out);
                collect(b, &[when, &[When::If(c, false)]].concat(), out);
            }
            item => out.push(Member { item, when: when.to_vec() }),
        }
    }
}

impl NetworkPages<'_> {
    /// An expression; one with texts in it as it is written.
    fn shown(&self, e: &Expr) -> String {
        let text = on_one_line(self.document.written.of(e.span));
        if text.contains('"') { code(&text) } else { self.set.inline(e) }
    }

    fn caption(&self, what: &str) -> String {
        format!("{what} of {}.", code(&self.network.name.text))
    }

    fn when(&self, when: &[When]) -> String {
        let each = when.iter().map(|w| match w {
            When::Each(name, range) => {
                format!("for each ${} = {}$", self.set.scope.symbol(&name.text).tex(), self.set.flowing(range))
            }
            When::If(c, true) => format!("if {}", self.set.inline(c)),
            When::If(c, false) => format!("unless {}", self.set.inline(c)),
        });
        let each: Vec<String> = each.collect();
        if each.is_empty() { String::new() } else { format!("\\textit{{{}:}} ", each.join(", ")) }
    }

    /// Populations and inner networks, views, and what their variables are set to.
    pub fn populations(&self) -> String {
        let mut populations = Table::new(POPULATIONS);
        let mut values = Table::new(VIEWS);
        for m in members(&self.network.body) {
            let when = self.when(&m.when);
            match m.item {
                NetworkItem::Population { name, model, args, shape, spacing, .. } => {
                    let mut size: Vec<String> = shape.iter().map(|e| self.shown(e)).collect();
                    if size.is_empty() {
                        size.push("$1$".into());
                    }
                    let spacing = spacing.as_ref().map(|e| format!(", {} apart", self.set.inline(e)));
                    let size = format!("{when}{}{}", size.join(" $\\times$ "), spacing.unwrap_or_default());
                    populations.row(&[self.called(name), self.with(model, args), size]);
                }
                NetworkItem::Network { name, model, args, .. } => {
                    populations.row(&[self.called(name), self.with(model, args), format!("{when}a network")]);
                }
                NetworkItem::View(name, of, chosen) => {
                    let chosen = chosen.as_ref().map(|e| format!(" for which {}", self.shown(e)));
                    let cells = format!("{when}the cells {}{}", self.view(of), chosen.unwrap_or_default());
                    values.row(&[code(&name.text), cells]);
                }
                NetworkItem::Init(paths, value) => {
                    let paths: Vec<String> = paths.iter().map(|p| self.view(p)).collect();
                    values.row(&[paths.join(", "), format!("{when}{}", self.set.value(value, "", "$\\sim$ "))]);
                }
                // Other tables, and the loops and conditions before a member, say these.
                NetworkItem::Projection(_) | NetworkItem::Drive(_) => {}
                NetworkItem::Let(..) | NetworkItem::Params(_) | NetworkItem::For(..) | NetworkItem::If(..) => {}
            }
        }
        populations.written(&self.caption("Populations"))
            + &values.written(&self.caption("Groups of cells and first values"))
    }

    /// A name with what is said of it.
    fn called(&self, name: &Name) -> String {
        let said = prose(&self.document.written.comment(name.span));
        if said.is_empty() { code(&name.text) } else { format!("{} ({said})", code(&name.text)) }
    }

    fn with(&self, model: &Name, args: &[Arg]) -> String {
        let args = if args.is_empty() { String::new() } else { format!(" with {}", self.set.args(args)) };
        code(&model.text) + &args
    }

    pub fn view(&self, v: &ViewPath) -> String {
        let text = on_one_line(self.document.written.of(v.span));
        let tail = v.shared.as_ref().map_or(String::new(), |t| format!(".{}", t.text));
        code(&format!("{text}{tail}"))
    }

    fn views(&self, list: &[ViewPath]) -> String {
        list.iter().map(|v| self.view(v)).collect::<Vec<_>>().join(", ")
    }

    pub fn connectivity(&self) -> String {
        let mut table = Table::new(CONNECTIVITY);
        for m in members(&self.network.body) {
            if let NetworkItem::Projection(p) = m.item {
                let name = p.name.as_ref().map_or(String::new(), |n| self.called(n));
                let pattern = self.pattern(p);
                let (sources, targets) = (self.views(&p.sources), self.views(&p.targets));
                table.row(&[name, sources, targets, format!("{}{pattern}", self.when(&m.when))]);
            }
        }
        table.written(&self.caption("Connectivity"))
    }

    fn pattern(&self, p: &Projection) -> String {
        let synapse = match &p.synapse {
            Some(name) => self.with(name, &p.args),
            None => code("Static"),
        };
        let clauses = p.clauses.iter().map(|c| self.clause(c));
        std::iter::once(format!("synapses {synapse}")).chain(clauses).collect::<Vec<_>>().join("; ")
    }

    fn clause(&self, c: &Clause) -> String {
        let set = self.set;
        let source = |span| code(&on_one_line(self.document.written.of(span)));
        match c {
            Clause::Connect(e) => self.shown(e),
            Clause::ConnectTable(table, args, _) => {
                let args: Vec<String> = args.iter().map(|a| source(a.span())).collect();
                let args = if args.is_empty() { String::new() } else { format!(" with {}", args.join(", ")) };
                format!("a synapse for each row of {}{args}", source(table.span))
            }
            Clause::ConnectWhere(e) => format!("all pairs with {}", self.shown(e)),
            Clause::Transpose(name) => format!("the weights of {} the other way round", code(&name.text)),
            Clause::Weight(value, _) => format!("weight {}", set.value(value, "", "$\\sim$ ")),
            Clause::Delay(value, dendritic, _) => {
                let where_ = if *dendritic { "dendritic " } else { "" };
                format!("{where_}delay {}", set.value(value, "", "$\\sim$ "))
            }
            Clause::Modulator(name, e) => format!("modulator {} = {}", set.name(&name.text), set.inline(e)),
            Clause::Init(name, value) => {
                format!("first {} {}", set.name(&name.text), set.value(value, "$=$ ", "$\\sim$ "))
            }
            Clause::Random(Process::Poisson, e) => format!("Poisson events at rate {}", set.inline(e)),
            Clause::Random(Process::Bernoulli, e) => {
                format!("at most one random event a step, at rate {}", set.inline(e))
            }
            Clause::Spikes(e) => format!("events at {}", set.inline(e)),
            Clause::Store(how) => format!("stored: {}", code(&how.text)),
            Clause::Place(Site::Each, _) => "on each segment".into(),
            Clause::Place(Site::Segment(value), _) => format!("on segment {}", set.value(value, "", "$\\sim$ ")),
            Clause::Place(Site::Distance(value), _) => {
                format!("at a path distance {}", set.value(value, "of ", "$\\sim$ "))
            }
        }
    }

    /// A drive as a row of a table.
    pub fn drive(&self, d: &Drive, when: &[When]) -> [String; 2] {
        let clauses: Vec<String> = d.clauses.iter().map(|c| self.clause(c)).collect();
        [self.views(&d.targets), format!("{}{}", self.when(when), clauses.join("; "))]
    }

    pub fn input(&self) -> String {
        let mut table = Table::new(INPUT);
        for m in members(&self.network.body) {
            if let NetworkItem::Drive(d) = m.item {
                table.row(&self.drive(d, &m.when));
            }
        }
        table.written(&self.caption("Input"))
    }

    /// Parameters, and what follows from them.
    pub fn parameters(&self) -> String {
        let variables = Variables { document: self.document, set: self.set, neuron: None };
        let mut table = Table::new(COLUMNS);
        self.network.formals.iter().for_each(|b| table.row(&variables.binding(b)));
        let members = members(&self.network.body);
        for m in &members {
            if let NetworkItem::Params(list) = m.item {
                list.iter().for_each(|b| table.row(&variables.binding(b)));
            }
        }
        table.written(&self.caption("Parameters")) + &self.follows(&members)
    }

    /// What follows from parameters: equations below the loops and conditions that they stand in.
    fn follows(&self, members: &[Member]) -> String {
        let mut out = String::new();
        let mut equations = Equations::new(self.set);
        let mut when = String::new();
        for m in members {
            let NetworkItem::Let(name, e) = m.item else { continue };
            let now = self.when(&m.when);
            if now != when {
                out += &std::mem::replace(&mut equations, Equations::new(self.set)).written();
                out += &format!("\\noindent {}\n\n", if now.is_empty() { "\\textit{Always:}" } else { now.trim_end() });
                when = now;
            }
            equations.equal(&self.set.scope.symbol(&name.text).tex(), e);
        }
        out += &equations.written();
        let of = code(&self.network.name.text);
        if out.is_empty() { out } else { format!("\\noindent What follows in {of}:\n\n{out}") }
    }
}

/// The scope of a network's expressions.
pub fn scope<'a>(document: &Document<'a>, n: &Network) -> Scope<'a> {
    Scope::of_network(&document.program.module, n)
}
