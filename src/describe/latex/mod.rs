//! The Methods of a paper: tables as in Nordlie, Gewaltig & Plesser 2009, PLoS Comput Biol 5:e1000456, with all equations.
//!
//! What has no form of its own is shown as it is written.

mod document;
mod escape;
mod experiments;
mod formula;
mod layout;
mod math;
mod models;
mod networks;
mod notation;
mod reached;
mod scope;
mod statements;
mod summary;
mod units;
mod variables;
mod worlds;

use self::document::Document;
use self::escape::{code, paragraph, prose};
use self::layout::{Columns, Equations, Table};
use self::math::Typesetter;
use self::models::is_plastic;
use self::networks::NetworkPages;
use self::scope::Scope;
use self::variables::{COLUMNS, Variables};
use crate::compiler::Program;
use crate::syntax::ast::{Binding, Expr, Item, ItemKind, ModelKind, Name, Network, Variant};

const NOTATION: Columns = &[("Sign", 0.42), ("Meaning", 0.52)];

/// A section to be read by a paper.
pub fn section(program: &Program, file: &str, library: bool) -> String {
    let document = Document::new(program, library);
    let head = format!(
        "% Made by `neuro doc --format latex {}`.\n% Needs the packages amsmath, array, booktabs and longtable.\n\
         \\providecommand{{\\neuroline}}[2]{{\\par{{\\leftskip=#1em\\relax\\rightskip=0pt plus 1fil\\relax\
         \\hangindent=1.5em\\hangafter=1\\noindent #2\\par}}}}\n\\providecommand{{\\neurotext}}[1]{{{{\\sloppy\\noindent #1\\par}}}}\n\n",
        file.replace(['\n', '\r'], " ")
    );
    head + &document.parts()
}

/// A document that has only one section.
pub fn document(section: &str) -> String {
    format!(
        "\\documentclass[a4paper]{{article}}\n\\usepackage[utf8]{{inputenc}}\n\
         \\usepackage{{amsmath,array,booktabs,longtable}}\n\\setlength{{\\textwidth}}{{160mm}}\n\
         \\setlength{{\\textheight}}{{240mm}}\n\\setlength{{\\oddsidemargin}}{{0mm}}\n\\setlength{{\\topmargin}}{{-15mm}}\n\
         \\begin{{document}}\n\n{}\n\n\\end{{document}}\n",
        section.trim_end()
    )
}

impl Document<'_> {
    fn parts(&self) -> String {
        let each = |page: &dyn Fn(&NetworkPages) -> String| self.each_network(page);
        let networks: String = self.reached.networks().map(|(item, n)| self.network(item, n)).collect();
        let mut out = String::from("\\section{Methods}\n\n");
        out += &part("Model summary", &(self.models_at_a_glance() + &networks));
        out += &part("Populations", &each(&|n| n.populations()));
        out += &part("Connectivity", &each(&|n| n.connectivity()));
        out += &part("Neuron, channel and synapse models", &self.models(false));
        out += &part("Plasticity", &self.models(true));
        out += &part("Input", &(each(&|n| n.input()) + &self.drives()));
        let experiments: String = self.experiments().map(|(item, e)| self.experiment(item, e)).collect();
        out += &part("Measurements", &experiments);
        out += &part("Worlds", &self.worlds());
        out += &part("Parameters of networks", &each(&|n| n.parameters()));
        out += &part("Constants and functions", &self.constants());
        out += &part("Notation", &self.told());
        out.trim_end().to_string() + "\n"
    }

    fn each_network(&self, page: &dyn Fn(&NetworkPages) -> String) -> String {
        let networks = self.reached.networks().map(|(_, network)| {
            let scope = networks::scope(self, network);
            page(&NetworkPages { document: self, set: Typesetter::new(&scope, &self.notation), network })
        });
        networks.collect()
    }

    fn network(&self, item: &Item, n: &Network) -> String {
        format!("\\subsubsection*{{Network {}}}\n\n{}{}", code(&n.name.text), paragraph(&item.doc), self.summary(n))
    }

    /// Models by their names, if there is no network that they are summed up with; and networks that are variants of others.
    fn models_at_a_glance(&self) -> String {
        let mut out = String::new();
        if self.reached.networks().next().is_none() {
            for kind in [ModelKind::Neuron, ModelKind::Channel, ModelKind::Synapse] {
                let names: Vec<String> = self.reached.models(kind).map(|(_, m)| code(&m.name.text)).collect();
                if !names.is_empty() {
                    out += &format!("{}: {}.\n\n", summary::plural(kind), names.join(", "));
                }
            }
        }
        out + &self.variants(|v| v.kind.is_none())
    }

    fn variants(&self, which: impl Fn(&Variant) -> bool) -> String {
        let each = self.reached.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Variant(v) if which(v) => Some(self.variant(item, v)),
            _ => None,
        });
        each.collect()
    }

    /// Models whose weights change, or all others.
    fn models(&self, plastic: bool) -> String {
        let mut out = String::new();
        for kind in [ModelKind::Neuron, ModelKind::Channel, ModelKind::Synapse] {
            let models = self.reached.models(kind).filter(|(_, m)| is_plastic(m) == plastic);
            out += &models.map(|(item, m)| self.model(item, m)).collect::<String>();
        }
        let of = |v: &Variant| self.reached.model(&v.base.text).is_some_and(is_plastic);
        out + &self.variants(|v| v.kind.is_some() && of(v) == plastic)
    }

    fn worlds(&self) -> String {
        let each = self.reached.items.iter().filter_map(|item| match &item.kind {
            ItemKind::World(w) => Some(self.world(item, w)),
            _ => None,
        });
        each.collect()
    }

    fn constants(&self) -> String {
        let scope = Scope::new(&self.program.module, Vec::new());
        let set = Typesetter::new(&scope, &self.notation);
        let variables = Variables { document: self, set, neuron: None };
        let mut table = Table::new(COLUMNS);
        let mut functions = String::new();
        for item in &self.reached.items {
            match &item.kind {
                ItemKind::Const(list) => list.iter().for_each(|b| {
                    let value = b.value.as_ref().ok_or(variables::GIVEN);
                    table.row(&variables.row(&b.name, b.unit.as_ref(), value, &prose(&item.doc)));
                }),
                ItemKind::Unit(name, e) => table.row(&variables.row(name, None, Ok(e), "unit")),
                ItemKind::Fn(name, formals, body) => functions += &self.function(item, name, formals, body),
                _ => {}
            }
        }
        table.written("Constants.") + &functions
    }

    fn function(&self, item: &Item, name: &Name, formals: &[Binding], body: &Expr) -> String {
        let scope = Scope::new(&self.program.module, formals.iter().map(|b| b.name.text.clone()));
        let set = Typesetter::new(&scope, &self.notation);
        let with: Vec<String> = formals.iter().map(|b| scope.symbol(&b.name.text).tex()).collect();
        let mut equation = Equations::new(set);
        let shown = if name.text.len() == 1 { name.text.clone() } else { scope::upright(&name.text) };
        equation.equal(&format!("{shown}({})", with.join(",\\allowbreak\\, ")), body);
        let defaults = formals.iter().filter_map(|b| Some((b, b.value.as_ref()?)));
        let defaults = defaults.map(|(b, e)| format!("${} = {}$", scope.symbol(&b.name.text).tex(), set.flowing(e)));
        let defaults = defaults.collect::<Vec<_>>().join(", ");
        let unless = if defaults.is_empty() { String::new() } else { format!("Unless given, {defaults}.\n\n") };
        let (name, doc) = (code(&name.text), paragraph(&item.doc));
        format!("\\subsubsection*{{Function {name}}}\n\n{doc}{}{unless}", equation.written())
    }

    fn told(&self) -> String {
        let mut table = Table::new(NOTATION);
        self.notation.told().iter().for_each(|(sign, what)| table.row(&[sign.clone(), what.clone()]));
        table.written("Signs and functions.")
    }
}

/// A part below its heading; nothing if nothing belongs there.
fn part(of: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("\\subsection{{{of}}}\n\n{text}") }
}
