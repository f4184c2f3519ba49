//! The pipeline, top to bottom.
//!
//! 1. `syntax::parse`      text -> `ast::File`
//! 2. `hir::check`         `ast::File` + imports -> `hir::Module`, every name, unit and equation checked
//! 3. `experiment::Runner` an experiment's networks -> `plan::Network` (values known, pairs drawn)
//! 4. `image`              `plan::Network` -> kernels with their code
//!    - `solve::discretize`  equations -> updates
//!    - `lower::*`           updates -> `ir::Kernel`
//!    - `ir::passes`         kernel -> kernel
//!    - `codegen::compile`   kernel -> machine code
//! 5. `runtime::Running`   steps it.

use crate::data::{Files, sha256};
use crate::diag::{Diagnostic, Diagnostics};
use crate::experiment::{Runner, Settings};
use crate::hir::{self, Imports, Module};
use crate::image::Listing;
use crate::runtime::Running;
use crate::source::{FileId, SourceFile, SourceMap};
use crate::{codegen, ir, plan, solve};
use std::fmt::Write;

/// A checked program with its sources.
pub struct Program {
    /// All files, the root first.
    pub sources: SourceMap,
    /// What they declare.
    pub module: Module,
    /// Warnings.
    pub diagnostics: Diagnostics,
}

/// A source text that was refused, with its findings.
pub struct Refused {
    /// All files.
    pub sources: SourceMap,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// Parses and checks one file and its imports.
pub fn compile(file: SourceFile, imports: &mut dyn Imports) -> Result<Program, Box<Refused>> {
    let mut sources = SourceMap::default();
    let root = sources.add(file);
    let mut diagnostics = Diagnostics::default();
    let module = hir::check(root, &mut sources, imports, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(Box::new(Refused { sources, diagnostics }));
    }
    Ok(Program { sources, module, diagnostics })
}

/// No imports but the standard library.
pub struct NoImports;

impl Imports for NoImports {
    fn file(&mut self, _: &str, path: &str) -> Result<SourceFile, String> {
        Err(format!("`{path}` cannot be read here"))
    }
}

impl Files for NoImports {
    fn find(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        Err(format!("`{path}` cannot be read here"))
    }
}

/// Returns whether the brackets of a text stand deep within each other.
fn is_tall(text: &str) -> bool {
    let mut depth = 0;
    text.bytes().any(|b| {
        match b {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
        depth > 1000
    })
}

/// The representations `neuro emit` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Stage {
    Ast,
    Hir,
    Solved,
    Plan,
    Ir,
    Clif,
    Asm,
}

impl Stage {
    /// All stages in order, with their names.
    pub const ALL: [(&'static str, Stage); 7] = [
        ("ast", Stage::Ast),
        ("hir", Stage::Hir),
        ("solved", Stage::Solved),
        ("plan", Stage::Plan),
        ("ir", Stage::Ir),
        ("clif", Stage::Clif),
        ("asm", Stage::Asm),
    ];
}

impl Program {
    /// Hashes all sources and the library, in order.
    pub fn digest(&self) -> String {
        let mut all = Vec::new();
        for f in self.sources.files() {
            all.extend_from_slice(f.text.as_bytes());
            all.push(0);
        }
        sha256(&all)
    }

    /// Prints a stage; stages from `plan` on need an experiment, the first one unless named.
    pub fn emit(
        &self,
        stage: Stage,
        after: Option<&str>,
        experiment: Option<&str>,
        files: &dyn Files,
        settings: &Settings,
    ) -> Result<String, Box<Diagnostic>> {
        let mut out = String::new();
        match stage {
            Stage::Ast => {
                let root = self.sources.file(FileId(0));
                let file = crate::syntax::parse(FileId(0), &root.text, &mut Diagnostics::default());
                let flat = format!("{:?}", file.items);
                // Indented, a tall tree would be mostly blanks.
                let _ = if is_tall(&flat) { writeln!(out, "{flat}") } else { writeln!(out, "{:#?}", file.items) };
            }
            Stage::Hir => {
                for n in self.own_neurons() {
                    let _ = write!(out, "{n}");
                }
            }
            Stage::Solved => {
                for n in self.own_neurons() {
                    let _ = writeln!(out, "# neuron {}", n.name);
                    out.push_str(&solve::discretize(n).show(n));
                }
            }
            Stage::Plan => {
                for s in self.networks(experiment, files, settings)? {
                    let _ = write!(out, "{}", s.network());
                }
            }
            Stage::Ir | Stage::Clif | Stage::Asm => {
                for s in self.networks(experiment, files, settings)? {
                    s.listings().iter().for_each(|k| out.push_str(&print_kernel(k, stage, after, settings.backend)));
                }
            }
        }
        Ok(out)
    }

    /// Neurons that the root file declares.
    fn own_neurons(&self) -> impl Iterator<Item = &hir::Neuron> {
        let of_root = |n: &&hir::Neuron| n.vars.values().any(|v| v.span.file == FileId(0)) || n.vars.is_empty();
        let any = self.module.neurons.values().map(|n| &**n).any(|n| of_root(&n));
        self.module.neurons.values().map(|n| &**n).filter(move |n| !any || of_root(n))
    }

    /// Instantiates the networks of an experiment.
    pub fn networks(
        &self,
        name: Option<&str>,
        files: &dyn Files,
        settings: &Settings,
    ) -> Result<Vec<Running>, Box<Diagnostic>> {
        let all = || self.module.experiments.iter().chain(&self.module.tests);
        let found = match name {
            Some(n) => all().find(|e| e.name == n),
            None => all().next(),
        };
        let Some(e) = found else { return Err(Box::new(unknown_experiment(&self.module, name.unwrap_or("")))) };
        let runner = Runner { module: &self.module, files, settings: settings.clone(), progress: &Silent };
        runner.networks(e)
    }

    /// Says which scheme each state got and why, and where synaptic state lives if delays and modulators allow it.
    pub fn explain(&self) -> String {
        let mut out = self.explain_neurons();
        let mut seen: Vec<&str> = Vec::new();
        let here = self.module.networks.values().filter(|n| n.span.file == FileId(0));
        for (_, s) in here.flat_map(|n| n.synapses()) {
            if seen.contains(&s.name.as_str()) {
                continue;
            }
            seen.push(&s.name);
            let places = solve::places(s, &solve::Sharing::ALL);
            let plastic = solve::is_plastic(s, &places);
            let stepped = solve::stepped(s);
            let kind = match (plastic, stepped.is_empty()) {
                (false, _) => "weight fixed",
                (true, true) => "changes at events",
                (true, false) => "changes at every step",
            };
            let bytes = |word| plan::synapse_bytes(&places, plastic, word);
            let _ = writeln!(
                out,
                "synapse {}\n  {kind}, {} bytes per synapse in single precision, {} in double",
                s.name,
                bytes(4),
                bytes(8)
            );
            let advanced = |v| if stepped.contains(&v) { ", advanced at every step" } else { "" };
            for (state, place) in &places {
                let _ = writeln!(out, "  {:<16} {place}{}", s.vars[*state].name, advanced(*state));
            }
            for f in solve::factors(s, &|_| true) {
                let _ = writeln!(out, "  {}", explain_factor(s, &f));
            }
            if let Some(w) = s.weight().filter(|w| stepped.contains(w)) {
                let _ = writeln!(out, "  {:<16} per synapse, advanced at every step", s.vars[w].name);
            }
        }
        out
    }

    fn explain_neurons(&self) -> String {
        let mut out = String::new();
        for n in self.own_neurons() {
            let solved = solve::discretize(n);
            let _ = writeln!(out, "neuron {}", n.name);
            for (state, scheme, why) in &solved.schemes {
                let _ = writeln!(out, "  {:<16} {:<18} {why}", n.vars[*state].name, solve::scheme_name(*scheme));
            }
            for (_, v) in n.states().filter(|(id, _)| !solved.schemes.iter().any(|(state, ..)| state == id)) {
                let _ = writeln!(out, "  {:<16} {:<18} changes only in handlers", v.name, "-");
            }
        }
        out
    }
}

/// Says whether a sum over sources or examples is a product of matrices in a network without events.
fn explain_factor(s: &hir::Synapse, f: &solve::Factor) -> String {
    let show = |e: &hir::Expr| hir::print::expression(e, &s.vars, &|_| String::new());
    let (what, over) = match &f.signal {
        None => ("deliver".to_string(), "sources"),
        Some(name) => (format!("on {name}"), "examples"),
    };
    let t = &f.term;
    if let Some(mixed) = &t.mixed {
        let how = if f.signal.is_none() { "source by source" } else { "synapse by synapse" };
        return format!("{what:<16} {how}: `{}` does not come apart into pre times post", show(mixed));
    }
    let parts = [solve::Owner::Own, solve::Owner::Pre, solve::Owner::Post, solve::Owner::Example];
    let parts: Vec<String> = parts
        .iter()
        .map(|o| t.part(*o))
        .filter(|e| **e != hir::Expr::Num(1.0))
        .map(|e| format!("[{}]", show(e)))
        .collect();
    format!("{what:<16} a product of matrices over the {over}: {}", parts.join(" x "))
}

/// An experiment that does not exist.
pub fn unknown_experiment(module: &Module, name: &str) -> Diagnostic {
    let known: Vec<&str> = module.experiments.iter().map(|e| e.name.as_str()).collect();
    let message = if known.is_empty() {
        "this file has no experiment to run".to_string()
    } else {
        format!("no experiment `{name}` in this file")
    };
    let help = crate::diag::nearest(name, known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
    let d = Diagnostic::new(crate::diag::Code::E0808, message);
    let d = if known.is_empty() {
        d.help("add `experiment name { … }`")
    } else {
        d.note(format!("it has {}", known.join(", ")))
    };
    d.maybe_help(help)
}

fn print_kernel(listing: &Listing, stage: Stage, after: Option<&str>, backend: codegen::Backend) -> String {
    let kernel = match after {
        None => listing.kernel.clone(),
        Some("quiet") => ir::passes::quiet(&listing.kernel).map_or(listing.kernel.clone(), |q| q.kernel),
        Some(name) => {
            let mut kernel = listing.raw.clone();
            for (pass, f) in ir::passes::PASSES {
                kernel = f(&kernel);
                if pass == name {
                    break;
                }
            }
            kernel
        }
    };
    match stage {
        Stage::Clif => codegen::cranelift::clif(&kernel, listing.steps),
        Stage::Asm => codegen::assembly(backend, &kernel, listing.steps),
        _ => kernel.to_string(),
    }
}

/// Hears nothing.
pub struct Silent;

impl crate::experiment::Progress for Silent {
    fn update(&self, _: &crate::experiment::Moment) {}
    fn interrupted(&self) -> Option<String> {
        None
    }
}
