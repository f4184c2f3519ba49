//! Declarations with their members, and where each is used.

use crate::source::{FileId, Span};
use crate::syntax::ast::*;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Index of a declaration.
pub type DeclarationId = usize;

/// What is declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Kind {
    Constant,
    Unit,
    Function,
    Neuron,
    Synapse,
    Channel,
    Network,
    World,
    Experiment,
    Parameter,
    State,
    Let,
    EventPort,
    Port,
    Weight,
    Modulator,
    Event,
    Morphology,
    Compartment,
    Gate,
    Population,
    Projection,
    View,
    /// A network or world of an experiment, or a network within another.
    Instance,
    /// The cell at an end of a synapse: `pre`, `post`.
    Cell,
    Variable,
    Data,
    Window,
    Action,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Constant => "const",
            Kind::Unit => "unit",
            Kind::Function => "fn",
            Kind::Neuron => "neuron",
            Kind::Morphology => "morphology",
            Kind::Synapse => "synapse",
            Kind::Channel => "channel",
            Kind::Network | Kind::Instance => "network",
            Kind::World => "world",
            Kind::Experiment => "experiment",
            Kind::Parameter => "parameter",
            Kind::State => "state",
            Kind::Let => "let",
            Kind::EventPort => "event input",
            Kind::Port => "input",
            Kind::Weight => "weight",
            Kind::Modulator => "modulator",
            Kind::Event => "event",
            Kind::Compartment => "compartment",
            Kind::Gate => "gate",
            Kind::Cell => "cell",
            Kind::Population => "population",
            Kind::Projection => "projection",
            Kind::View => "view",
            Kind::Variable => "variable",
            Kind::Data => "data",
            Kind::Window => "window",
            Kind::Action => "action",
        }
    }
}

/// A declaration.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// The name, where it is declared.
    pub name: Name,
    /// What it is.
    pub kind: Kind,
    /// The whole of what declares it.
    pub whole: Span,
    /// `##` lines above it.
    pub doc: String,
    /// The model, network or world that it is made of.
    pub of: Option<DeclarationId>,
    /// What can be asked of it after a dot.
    pub members: Vec<DeclarationId>,
}

/// Names that are visible in a stretch of text.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) span: Span,
    pub(super) names: Vec<DeclarationId>,
}

/// By synapse: the neurons before and after it.
pub(super) type Ends = BTreeMap<DeclarationId, [BTreeSet<DeclarationId>; 2]>;

/// The names of a text and of what it imports.
#[derive(Debug, Default)]
pub struct Names {
    /// All declarations.
    pub all: Vec<Declaration>,
    /// Where they are used, and declared.
    pub uses: Vec<(Span, DeclarationId)>,
    /// Names after dots, with what they are asked of.
    pub asked: Vec<(Span, Option<DeclarationId>)>,
    /// Declarations of files, by name; of two the one that is read last.
    top: HashMap<String, DeclarationId>,
    pub(super) frames: Vec<Frame>,
}

impl Names {
    /// The declaration whose name stands at a place.
    pub fn at(&self, file: FileId, offset: u32) -> Option<(Span, DeclarationId)> {
        let covers = |s: &Span| s.file == file && s.start <= offset && offset <= s.end;
        self.uses.iter().find(|(span, _)| covers(span)).copied()
    }

    /// What the name after a dot at a place is asked of, if there is a dot.
    pub fn asked_at(&self, file: FileId, offset: u32) -> Option<Option<DeclarationId>> {
        let covers = |s: &Span| s.file == file && s.start <= offset && offset <= s.end;
        self.asked.iter().find(|(span, _)| covers(span)).map(|(_, of)| *of)
    }

    /// All that can be named at a place.
    pub fn visible(&self, file: FileId, offset: u32) -> Vec<DeclarationId> {
        let covers = |f: &&Frame| f.span.file == file && f.span.start <= offset && offset <= f.span.end;
        let inner = self.frames.iter().filter(covers).flat_map(|f| f.names.iter().copied());
        inner.chain(self.top.values().copied()).collect()
    }

    /// What can be asked of a declaration after a dot: what it is made of has it, or it itself.
    pub fn members(&self, id: DeclarationId) -> impl Iterator<Item = DeclarationId> + '_ {
        let d = &self.all[id];
        d.of.into_iter().flat_map(|of| self.all[of].members.iter().copied()).chain(d.members.iter().copied())
    }

    /// The declaration of a name at the top of a file.
    pub fn top(&self, name: &str) -> Option<DeclarationId> {
        self.top.get(name).copied()
    }

    pub(super) fn declare(&mut self, name: &Name, kind: Kind, whole: Span) -> DeclarationId {
        let id = self.all.len();
        self.uses.push((name.span, id));
        let name = name.clone();
        self.all.push(Declaration { name, kind, whole, doc: String::new(), of: None, members: Vec::new() });
        id
    }

    pub(super) fn member(&self, of: DeclarationId, name: &str) -> Option<DeclarationId> {
        self.members(of).find(|m| self.all[*m].name.text == name)
    }

    /// Declares what an item does, with its members.
    pub(super) fn declare_item(&mut self, item: &Item) -> Vec<DeclarationId> {
        let mut ids = Vec::new();
        let mut one = |names: &mut Names, name: &Name, kind| {
            let id = names.declare(name, kind, item.span);
            names.all[id].doc.clone_from(&item.doc);
            names.top.insert(name.text.clone(), id);
            ids.push(id);
            id
        };
        let kind_of = |kind: ModelKind| match kind {
            ModelKind::Neuron => Kind::Neuron,
            ModelKind::Synapse => Kind::Synapse,
            ModelKind::Channel => Kind::Channel,
        };
        match &item.kind {
            ItemKind::Use(..) => {}
            ItemKind::Const(list) => {
                for b in list {
                    one(self, &b.name, Kind::Constant);
                }
            }
            ItemKind::Unit(name, _) => {
                one(self, name, Kind::Unit);
            }
            ItemKind::Fn(name, ..) => {
                one(self, name, Kind::Function);
            }
            ItemKind::Morphology(m) => {
                one(self, &m.name, Kind::Morphology);
            }
            ItemKind::Model(m) => {
                let id = one(self, &m.name, kind_of(m.kind));
                let mut members = self.bindings(&m.formals);
                members.extend(self.model_items(&m.body));
                self.all[id].members = members;
            }
            ItemKind::Variant(v) => {
                one(self, &v.name, v.kind.map_or(Kind::Network, kind_of));
            }
            ItemKind::Network(n) => {
                let id = one(self, &n.name, Kind::Network);
                let mut members = self.bindings(&n.formals);
                self.network_items(&n.body, &mut members);
                self.all[id].members = members;
            }
            ItemKind::World(w) => {
                let id = one(self, &w.name, Kind::World);
                let mut members = self.bindings(&w.formals);
                for i in &w.body {
                    members.extend(match i {
                        WorldItem::State(name, ..) => Some(self.declare(name, Kind::State, name.span)),
                        WorldItem::Let(name, e) => Some(self.declare(name, Kind::Let, name.span.to(e.span))),
                        WorldItem::Action(a) => Some(self.declare(&a.name, Kind::Action, a.name.span)),
                        WorldItem::Done(_) => None,
                    });
                }
                self.all[id].members = members;
            }
            ItemKind::Experiment(e) | ItemKind::Test(e) => {
                let id = self.declare(&e.name, Kind::Experiment, item.span);
                self.all[id].doc.clone_from(&item.doc);
                ids.push(id);
            }
        }
        ids
    }

    pub(super) fn bindings(&mut self, list: &[Binding]) -> Vec<DeclarationId> {
        let whole = |b: &Binding| b.name.span.to(b.value.as_ref().map_or(b.name.span, |e| e.span));
        list.iter().map(|b| self.declare(&b.name, Kind::Parameter, whole(b))).collect()
    }

    fn model_items(&mut self, body: &[ModelItem]) -> Vec<DeclarationId> {
        let mut out: Vec<DeclarationId> = Vec::new();
        for item in body {
            match item {
                ModelItem::Params(list) => out.extend(self.bindings(list)),
                ModelItem::States(list) => {
                    let whole = |s: &StateBinding| s.name.span.to(s.init.as_ref().map_or(s.name.span, |e| e.span));
                    out.extend(list.iter().map(|s| self.declare(&s.name, Kind::State, whole(s))));
                }
                ModelItem::Let(name, e) | ModelItem::Energy(name, e) => {
                    out.push(self.declare(name, Kind::Let, name.span.to(e.span)));
                }
                ModelItem::EventInput(name, _) => out.push(self.declare(name, Kind::EventPort, name.span)),
                ModelItem::Input(name, ..) => out.push(self.declare(name, Kind::Port, name.span)),
                ModelItem::Weight(name, ..) => out.push(self.declare(name, Kind::Weight, name.span)),
                ModelItem::Modulator(name, ..) => out.push(self.declare(name, Kind::Modulator, name.span)),
                ModelItem::Emit(e) => {
                    // Several statements may emit one event.
                    match out.iter().find(|d| self.all[**d].name.text == e.name.text) {
                        Some(first) => self.uses.push((e.name.span, *first)),
                        None => out.push(self.declare(&e.name, Kind::Event, e.span)),
                    }
                }
                ModelItem::Noise(name) => out.push(self.declare(name, Kind::Let, name.span)),
                ModelItem::Compartment(name, _, body, span) => {
                    // Several may have one body.
                    let same = out.iter().find(|d| self.all[**d].whole == *span).copied();
                    let id = self.declare(name, Kind::Compartment, *span);
                    self.all[id].members = match same {
                        Some(first) => self.all[first].members.clone(),
                        None => self.model_items(body),
                    };
                    out.push(id);
                }
                ModelItem::Cable(_, body, _) | ModelItem::Sections(_, body) => out.extend(self.model_items(body)),
                ModelItem::ChannelUse(name, _, _, span) | ModelItem::Gate(name, _, span) => {
                    out.push(self.declare(name, Kind::Gate, *span));
                }
                _ => {}
            }
        }
        out
    }

    fn network_items(&mut self, body: &[NetworkItem], out: &mut Vec<DeclarationId>) {
        for item in body {
            match item {
                NetworkItem::Population { name, span, .. } => out.push(self.declare(name, Kind::Population, *span)),
                NetworkItem::Network { name, span, .. } => out.push(self.declare(name, Kind::Instance, *span)),
                NetworkItem::Projection(p) => {
                    out.extend(p.name.as_ref().map(|name| self.declare(name, Kind::Projection, p.span)));
                }
                NetworkItem::View(name, of, chosen) => {
                    let end = chosen.as_ref().map_or(of.span, |e| e.span);
                    out.push(self.declare(name, Kind::View, name.span.to(end)));
                }
                NetworkItem::Let(name, e) => out.push(self.declare(name, Kind::Let, name.span.to(e.span))),
                NetworkItem::Params(list) => out.extend(self.bindings(list)),
                NetworkItem::For(_, _, body) => self.network_items(body, out),
                NetworkItem::If(_, a, b) => {
                    self.network_items(a, out);
                    self.network_items(b, out);
                }
                NetworkItem::Init(..) | NetworkItem::Drive(_) => {}
            }
        }
    }

    /// What populations, projections and networks within a network are made of.
    pub(super) fn made_of(&mut self, network: DeclarationId, body: &[NetworkItem]) {
        for item in body {
            let (name, of) = match item {
                NetworkItem::Population { name, model, .. } | NetworkItem::Network { name, model, .. } => {
                    (name, self.top(&model.text))
                }
                NetworkItem::Projection(p) => {
                    let Some(name) = &p.name else { continue };
                    (name, self.synapse_of(p))
                }
                NetworkItem::View(name, of, _) => {
                    let base = of.path.text.split('.').next().and_then(|n| self.member(network, n));
                    (name, base.and_then(|id| self.all[id].of))
                }
                NetworkItem::For(_, _, body) => {
                    self.made_of(network, body);
                    continue;
                }
                NetworkItem::If(_, a, b) => {
                    self.made_of(network, a);
                    self.made_of(network, b);
                    continue;
                }
                _ => continue,
            };
            if let Some(id) = self.member(network, &name.text) {
                self.all[id].of = of;
            }
        }
    }

    fn synapse_of(&self, p: &Projection) -> Option<DeclarationId> {
        self.top(p.synapse.as_ref().map_or("Static", |s| &s.text))
    }

    /// Notes which neurons synapses join: by synapse, those before and those after it.
    pub(super) fn joined(&self, network: DeclarationId, body: &[NetworkItem], ends: &mut Ends) {
        for item in body {
            match item {
                NetworkItem::Projection(p) => {
                    let Some(synapse) = self.synapse_of(p) else { continue };
                    let [pre, post] = ends.entry(synapse).or_default();
                    pre.extend(p.sources.iter().filter_map(|v| self.neuron_of(network, v)));
                    post.extend(p.targets.iter().filter_map(|v| self.neuron_of(network, v)));
                }
                NetworkItem::For(_, _, body) => self.joined(network, body, ends),
                NetworkItem::If(_, a, b) => {
                    self.joined(network, a, ends);
                    self.joined(network, b, ends);
                }
                _ => {}
            }
        }
    }

    /// The neuron that the cells of a view are of; a port may stand behind them.
    fn neuron_of(&self, network: DeclarationId, view: &ViewPath) -> Option<DeclarationId> {
        let mut of = network;
        for part in view.path.text.split('.') {
            of = self.member(of, part)?;
            if matches!(self.all[of].kind, Kind::Population | Kind::View) {
                return self.all[of].of;
            }
        }
        None
    }

    /// Declares the cell at an end of a synapse, which has what any of some neurons has.
    pub(super) fn cell(
        &mut self,
        word: &str,
        synapse: DeclarationId,
        neurons: &BTreeSet<DeclarationId>,
    ) -> DeclarationId {
        let members = neurons.iter().flat_map(|n| self.members(*n)).collect();
        let span = self.all[synapse].name.span;
        let name = Name { text: word.to_string(), span };
        self.all.push(Declaration { name, kind: Kind::Cell, whole: span, doc: String::new(), of: None, members });
        self.all.len() - 1
    }

    /// A variant has the members of what it is a variant of.
    pub(super) fn variant_of(&mut self, item: &Item) {
        if let ItemKind::Variant(v) = &item.kind
            && let (Some(id), Some(base)) = (self.top(&v.name.text), self.top(&v.base.text))
        {
            self.all[id].of = Some(base);
        }
    }

    /// The names that an import picks.
    pub(super) fn imported(&mut self, item: &Item) {
        if let ItemKind::Use(_, _, picked) = &item.kind {
            for name in picked {
                self.uses.extend(self.top(&name.text).map(|id| (name.span, id)));
            }
        }
    }
}
