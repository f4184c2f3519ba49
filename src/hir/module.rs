//! Checks a file with everything it imports.

use super::call::check_function;
use super::clash::Declared;
use super::experiment::{check_environment, check_experiment};
use super::infer::{Infer, Nothing};
use super::network::check_network;
use super::neuron::{check_channel, check_neuron};
use super::synapse::check_synapse_alone;
use super::variant::Bases;
use super::*;
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::source::{FileId, SourceFile, SourceMap, Span};
use crate::syntax::{self, ast};
use std::collections::HashMap;

/// Finds the text of a `use`; the core itself reads no files.
pub trait Imports {
    /// Returns the file a quoted path names, relative to the importing file.
    fn file(&mut self, from: &str, path: &str) -> Result<SourceFile, String>;
}

/// Parses and checks the root file and its imports.
pub fn check(
    root: FileId,
    sources: &mut SourceMap,
    imports: &mut dyn Imports,
    diagnostics: &mut Diagnostics,
) -> Module {
    check_showing(root, sources, imports, diagnostics, &mut |_, _| {})
}

/// The same, showing the syntax of every file as it is written.
pub fn check_showing(
    root: FileId,
    sources: &mut SourceMap,
    imports: &mut dyn Imports,
    diagnostics: &mut Diagnostics,
    show: &mut dyn FnMut(FileId, &ast::File),
) -> Module {
    let mut loader = Loader {
        show,
        sources,
        imports,
        done: Vec::new(),
        module: Module::default(),
        bases: Bases::default(),
        lost: ast::Lost::default(),
        declared: Declared::default(),
    };
    // The prelude holds what every model uses: the static synapse and sources.
    for (name, text) in crate::stdlib::PRELUDE {
        let id = loader.sources.add(SourceFile::new(*name, *text));
        loader.load(id, false, None, diagnostics);
    }
    loader.load(root, true, None, diagnostics);
    unused::report(&loader.module, diagnostics);
    let Loader { sources, lost, module, declared, .. } = loader;
    declared.check_networks(&module, sources, diagnostics);
    if !lost.places.is_empty() {
        let text = |s: Span| sources.file(s.file).text.get(s.start as usize..s.end as usize).unwrap_or_default();
        let follows = |d: &Diagnostic| follows_from(d, &lost, text);
        // Something stays of what is wrong.
        if diagnostics.iter().any(|d| d.severity() == Severity::Error && !follows(d)) {
            diagnostics.retain(|d| !follows(d));
        }
    }
    module
}

struct Loader<'a> {
    /// Hears of files before anything in them is written out.
    show: &'a mut dyn FnMut(FileId, &ast::File),
    sources: &'a mut SourceMap,
    imports: &'a mut dyn Imports,
    done: Vec<FileId>,
    module: Module,
    /// Models and networks as they are written, for variants of them.
    bases: Bases,
    /// What could not be read.
    lost: ast::Lost,
    declared: Declared,
}

/// Returns whether something is only missing because it could not be read: it would be said again, or would not be true.
fn follows_from<'a>(d: &Diagnostic, lost: &ast::Lost, text: impl Fn(Span) -> &'a str) -> bool {
    let Some(span) = d.span() else { return false };
    // What is wrong with the writing itself, or with another file, was said where it stands.
    if d.code.to_string().starts_with("E01") || matches!(d.code, Code::E0209 | Code::E0515) {
        return false;
    }
    // Clauses of a projection that could not be read are not missing.
    let opens = |s: &str| s.matches('{').count() > s.matches('}').count();
    let clause = |place: Span| {
        let between = Span { end: place.start, ..span };
        d.code == Code::E0605 && place.file == span.file && place.start > span.start && opens(text(between))
    };
    let touch = |a: Span, b: Span| a.file == b.file && a.start < b.end && b.start < a.end;
    // A name, or a path of names.
    let name = text(span);
    let named = !name.contains(char::is_whitespace)
        && name.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| lost.words.contains(w));
    // Names in the message, in backticks.
    let told = d.message.split('`').skip(1).step_by(2).any(|w| lost.words.contains(w));
    d.severity() == Severity::Warning
        || named
        || told
        || lost.places.iter().any(|place| touch(span, *place) || clause(*place))
}

impl Loader<'_> {
    fn load(&mut self, file: FileId, root: bool, only: Option<&[ast::Name]>, diagnostics: &mut Diagnostics) {
        if self.done.contains(&file) {
            return;
        }
        self.done.push(file);
        let text = self.sources.file(file).text.clone();
        let mut parsed = syntax::parse(file, &text, diagnostics);
        (self.show)(file, &parsed);
        self.lost.places.append(&mut parsed.lost.places);
        self.lost.words.append(&mut parsed.lost.words);
        if self.lost.words.contains("morphology") {
            self.lose_sections();
        }
        let mut imported = Vec::new();
        for item in &parsed.items {
            if let ast::ItemKind::Use(path, quoted, names) = &item.kind {
                let id = self.import(file, path, *quoted, names, diagnostics);
                imported.extend(id.map(|id| (path.clone(), names.clone(), id)));
            }
        }
        self.bases.write_out(&mut parsed, &self.module, diagnostics);
        for (path, names, id) in &imported {
            self.declared.check_import((path, names, *id), (&parsed, &text), diagnostics);
        }
        let library = self.sources.file(file).name.starts_with("std/");
        self.declared.add(file, &parsed, library);
        let declared: Vec<&str> = parsed.items.iter().filter_map(item_name).collect();
        for name in only.unwrap_or_default() {
            if !declared.contains(&name.text.as_str()) {
                diagnostics.push(errors::no_member("this module", &name.text, name.span, declared.iter().copied()));
            }
        }
        self.declare(file, &parsed, root, diagnostics);
    }

    fn import(
        &mut self,
        from: FileId,
        path: &ast::Name,
        quoted: bool,
        names: &[ast::Name],
        diagnostics: &mut Diagnostics,
    ) -> Option<FileId> {
        let missing = |reason: String, help: Option<String>| {
            Diagnostic::at(Code::E0209, path.span, format!("cannot import `{}`", path.text), reason).maybe_help(help)
        };
        let file = if quoted {
            let from_name = self.sources.file(from).name.clone();
            match self.imports.file(&from_name, &path.text) {
                Ok(file) => file,
                Err(reason) => {
                    diagnostics.push(missing(reason, Some("paths are relative to the file that imports".into())));
                    return None;
                }
            }
        } else {
            match crate::stdlib::find(&path.text) {
                Some((name, text)) => SourceFile::new(name, text),
                None => {
                    let help = crate::diag::nearest(&path.text, crate::stdlib::module_names())
                        .map(|n| format!("did you mean `{n}`?"));
                    let help = help.or(Some(
                        "`std` holds the standard library; quote the path of a file: `use \"cells.neuro\"`".into(),
                    ));
                    diagnostics.push(missing("not in the standard library".into(), help));
                    return None;
                }
            }
        };
        let id = match self.sources.find(&file.name) {
            Some(id) => id,
            None => self.sources.add(file),
        };
        self.load(id, false, Some(names), diagnostics);
        Some(id)
    }

    /// Declares in dependency order of the kinds: constants first, experiments last.
    fn declare(&mut self, file_id: FileId, file: &ast::File, root: bool, diagnostics: &mut Diagnostics) {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut titles: HashMap<&str, Span> = HashMap::new();
        for item in &file.items {
            if let ast::ItemKind::Test(test) = &item.kind
                && let Some(first) = titles.insert(&test.name.text, test.name.span)
            {
                diagnostics.push(errors::declared_twice(&test.name.text, test.name.span, first));
            }
            let Some(name) = item_name(item) else { continue };
            let span = item_span(item);
            match seen.get(name) {
                Some(first) => diagnostics.push(errors::declared_twice(name, span, *first)),
                None => {
                    seen.insert(name, span);
                }
            }
            if !item.doc.is_empty() {
                self.module.docs.insert(name.to_string(), item.doc.clone());
            }
        }
        super::taken::report(file, diagnostics);
        for item in &file.items {
            match &item.kind {
                ast::ItemKind::Unit(name, e) => {
                    let (value, ty) = self.constant(e, diagnostics);
                    if let (Some(value), Some(dim)) = (value, ty.dim) {
                        let exponent = dim.internal_exponent();
                        let unit = Unit { dim, factor: value, exponent, name: name.text.clone() };
                        self.module.units.insert(name.text.clone(), unit);
                    }
                }
                ast::ItemKind::Const(bindings) => {
                    for b in bindings {
                        let Some(e) = &b.value else {
                            diagnostics.push(Diagnostic::at(
                                Code::E0212,
                                b.name.span,
                                format!("constant `{}` has no value", b.name.text),
                                "value missing",
                            ));
                            continue;
                        };
                        let (value, ty) = self.constant(e, diagnostics);
                        if let Some(value) = value {
                            self.module
                                .constants
                                .insert(b.name.text.clone(), Constant { value, ty, span: b.name.span });
                        }
                    }
                }
                ast::ItemKind::Fn(name, formals, body) => {
                    let f = Function { formals: formals.clone(), body: body.clone() };
                    self.module.functions.insert(name.text.clone(), Arc::new(f));
                }
                ast::ItemKind::Morphology(m) => self.morphology(file_id, m, diagnostics),
                ast::ItemKind::Model(m) if m.kind == ast::ModelKind::Channel => {
                    self.module.channels.insert(m.name.text.clone(), Arc::new(m.clone()));
                }
                ast::ItemKind::Model(m) if m.kind == ast::ModelKind::Synapse => {
                    self.module.synapses.insert(m.name.text.clone(), Arc::new(m.clone()));
                }
                _ => {}
            }
        }
        for item in &file.items {
            match &item.kind {
                ast::ItemKind::Fn(name, ..) => {
                    check_function(&self.module, (&name.text, &self.module.functions[&name.text]), diagnostics)
                }
                ast::ItemKind::Model(m) if m.kind == ast::ModelKind::Channel => {
                    check_channel(&self.module, m, diagnostics)
                }
                ast::ItemKind::Model(m) if m.kind == ast::ModelKind::Synapse => {
                    check_synapse_alone(&self.module, m, diagnostics)
                }
                ast::ItemKind::Model(m) if m.kind == ast::ModelKind::Neuron => {
                    let neuron = check_neuron(&self.module, m, &item.doc, diagnostics);
                    self.module.neurons.insert(m.name.text.clone(), Arc::new(neuron));
                }
                _ => {}
            }
        }
        let networks = file.items.iter().filter_map(|item| match &item.kind {
            ast::ItemKind::Network(n) => Some((n.name.text.as_str(), n)),
            _ => None,
        });
        let networks: IndexMap<&str, &ast::Network> = networks.collect();
        networks.keys().for_each(|name| self.network(name, &networks, diagnostics));
        for item in &file.items {
            if let ast::ItemKind::World(w) = &item.kind {
                let checked = check_environment(&self.module, w, diagnostics);
                self.module.environments.insert(w.name.text.clone(), Arc::new(checked));
            }
        }
        for item in &file.items {
            let (e, out) = match &item.kind {
                ast::ItemKind::Experiment(e) => (e, true),
                ast::ItemKind::Test(e) => (e, false),
                _ => continue,
            };
            let checked = Arc::new(check_experiment(&self.module, e, diagnostics));
            if root {
                let list = if out { &mut self.module.experiments } else { &mut self.module.tests };
                list.push(checked);
            }
        }
    }

    /// Expects no section of a morphology any more: one could not be read.
    fn lose_sections(&mut self) {
        self.lost.words.extend(["undefined", "soma", "axon", "basal", "apical"].map(str::to_string));
    }

    /// Reads the shape of a cell from its file; without it, nobody misses what it would have.
    fn morphology(&mut self, from: FileId, m: &ast::Morphology, diagnostics: &mut Diagnostics) {
        match self.shape(from, m, diagnostics) {
            Some(checked) => drop(self.module.morphologies.insert(m.name.text.clone(), Arc::new(checked))),
            None => {
                self.lost.places.push(m.name.span);
                self.lost.words.insert(m.name.text.clone());
                self.lose_sections();
            }
        }
    }

    fn shape(&mut self, from: FileId, m: &ast::Morphology, diagnostics: &mut Diagnostics) -> Option<Morphology> {
        let Some((path, span)) = shape::file_of(m) else {
            diagnostics.push(shape::no_source(m));
            return None;
        };
        let from = self.sources.file(from).name.clone();
        let file = match self.imports.file(&from, path) {
            Ok(file) => self.sources.find(&file.name).unwrap_or_else(|| self.sources.add(file)),
            Err(reason) => {
                let d = Diagnostic::at(Code::E0209, span, format!("cannot read `{path}`"), reason);
                diagnostics.push(d.help("paths are relative to the file that names them"));
                return None;
            }
        };
        shape::check_morphology(&self.module, m, file, self.sources, diagnostics)
    }

    /// Checks a network of a file, after those of the file that it contains.
    fn network(&mut self, name: &str, all: &IndexMap<&str, &ast::Network>, diagnostics: &mut Diagnostics) {
        let Some(n) = all.get(name) else { return };
        let checked = self.module.networks.get(name).is_some_and(|c| c.span == n.name.span);
        if checked || self.module.unfinished.iter().any(|u| u == name) {
            return;
        }
        self.module.unfinished.push(name.to_string());
        let mut inner = Vec::new();
        contained(&n.body, &mut inner);
        inner.into_iter().for_each(|of| self.network(of, all, diagnostics));
        let network = check_network(&self.module, n, diagnostics);
        self.module.unfinished.pop();
        self.module.networks.insert(name.to_string(), Arc::new(network));
    }

    fn constant(&self, e: &ast::Expr, diagnostics: &mut Diagnostics) -> (Option<f64>, Ty) {
        let mut infer = Infer::new(&self.module, diagnostics);
        let (value, ty) = infer.number(&mut Nothing, e);
        (super::infer::fold(&value).filter(|_| !ty.is_error()), ty)
    }
}

/// The networks that a body contains.
fn contained<'a>(body: &'a [ast::NetworkItem], out: &mut Vec<&'a str>) {
    for item in body {
        match item {
            ast::NetworkItem::Network { model, .. } => out.push(&model.text),
            ast::NetworkItem::For(_, _, body) => contained(body, out),
            ast::NetworkItem::If(_, a, b) => {
                contained(a, out);
                contained(b, out);
            }
            _ => {}
        }
    }
}

fn item_name(item: &ast::Item) -> Option<&str> {
    Some(match &item.kind {
        ast::ItemKind::Unit(n, _) | ast::ItemKind::Fn(n, ..) => &n.text,
        ast::ItemKind::Model(m) => &m.name.text,
        ast::ItemKind::Morphology(m) => &m.name.text,
        ast::ItemKind::Network(n) => &n.name.text,
        ast::ItemKind::World(w) => &w.name.text,
        ast::ItemKind::Experiment(e) => &e.name.text,
        ast::ItemKind::Const(b) => &b.first()?.name.text,
        ast::ItemKind::Variant(v) => &v.name.text,
        ast::ItemKind::Use(..) | ast::ItemKind::Test(_) => return None,
    })
}

fn item_span(item: &ast::Item) -> Span {
    match &item.kind {
        ast::ItemKind::Unit(n, _) | ast::ItemKind::Fn(n, ..) => n.span,
        ast::ItemKind::Model(m) => m.name.span,
        ast::ItemKind::Morphology(m) => m.name.span,
        ast::ItemKind::Network(n) => n.name.span,
        ast::ItemKind::World(w) => w.name.span,
        ast::ItemKind::Variant(v) => v.name.span,
        ast::ItemKind::Experiment(e) => e.name.span,
        _ => item.span,
    }
}
