//! Goes through what uses names, scope by scope.

use super::table::{DeclarationId, Frame, Kind, Names};
use crate::source::Span;
use crate::syntax::ast::*;

/// Goes through what uses names.
pub(super) struct Walk<'a> {
    names: &'a mut Names,
    /// Visible names, the innermost last, each with the number of its frame.
    frames: Vec<usize>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(names: &'a mut Names) -> Walk<'a> {
        Walk { names, frames: Vec::new() }
    }

    fn enter(&mut self, span: Span, names: Vec<DeclarationId>) {
        self.frames.push(self.names.frames.len());
        self.names.frames.push(Frame { span, names });
    }

    fn leave(&mut self) {
        self.frames.pop();
    }

    fn declare(&mut self, name: &Name, kind: Kind, whole: Span) -> DeclarationId {
        let id = self.names.declare(name, kind, whole);
        if let Some(frame) = self.frames.last() {
            self.names.frames[*frame].names.push(id);
        }
        id
    }

    fn find(&self, name: &str) -> Option<DeclarationId> {
        let in_frame = |frame: &usize| {
            let names = self.names.frames[*frame].names.iter().rev();
            names.copied().find(|id| self.names.all[*id].name.text == name)
        };
        self.frames.iter().rev().find_map(in_frame).or_else(|| self.names.top(name))
    }

    /// A name that is used, and what it stands for.
    fn name(&mut self, name: &Name) -> Option<DeclarationId> {
        self.word(&name.text, name.span)
    }

    fn word(&mut self, text: &str, span: Span) -> Option<DeclarationId> {
        let id = self.find(text)?;
        self.names.uses.push((span, id));
        Some(id)
    }

    /// A name after a dot; several models at the end of a synapse may have it.
    fn ask(&mut self, of: Option<DeclarationId>, text: &str, span: Span) -> Option<DeclarationId> {
        self.names.asked.push((span, of));
        let found: Vec<DeclarationId> =
            self.names.members(of?).filter(|m| self.names.all[*m].name.text == text).collect();
        self.names.uses.extend(found.iter().map(|id| (span, *id)));
        found.first().copied()
    }

    /// `soma.v`: one name after the other.
    fn path(&mut self, path: &Name) -> Option<DeclarationId> {
        let mut parts = parts(path);
        let (first, span) = parts.next()?;
        let of = self.word(first, span);
        parts.fold(of, |of, (part, span)| self.ask(of, part, span))
    }

    /// Resolves what an item says; `cells` are those at the ends of a synapse.
    pub(super) fn item(&mut self, ids: &[DeclarationId], cells: &[DeclarationId], item: &Item) {
        let mut members = ids.first().map(|id| self.names.all[*id].members.clone()).unwrap_or_default();
        members.extend(cells);
        match &item.kind {
            ItemKind::Use(..) => {}
            ItemKind::Const(list) => self.values(list),
            ItemKind::Unit(_, e) => {
                self.expr(e);
            }
            ItemKind::Fn(_, formals, body) => {
                let formals = self.names.bindings(formals);
                self.enter(item.span, formals);
                self.expr(body);
                self.leave();
            }
            ItemKind::Morphology(m) => {
                let (Cut::By(e) | Cut::Every(e)) = &m.cut;
                self.expr(e);
            }
            ItemKind::Model(m) => {
                self.enter(item.span, members);
                self.values(&m.formals);
                self.model_items(&m.body);
                self.leave();
            }
            ItemKind::Variant(v) => {
                let base = self.name(&v.base);
                self.args(base, &v.args);
            }
            ItemKind::Network(n) => {
                self.enter(item.span, members);
                self.values(&n.formals);
                self.network_items(&n.body);
                self.leave();
            }
            ItemKind::World(w) => {
                self.enter(item.span, members);
                self.values(&w.formals);
                for i in &w.body {
                    match i {
                        WorldItem::State(_, _, value) => self.value(value),
                        WorldItem::Let(_, e) | WorldItem::Done(e) => {
                            self.expr(e);
                        }
                        WorldItem::Action(a) => {
                            let formals = self.names.bindings(&a.formals);
                            let end = a.body.last().map_or(a.name.span, |c| c.span);
                            self.enter(a.name.span.to(end), formals);
                            self.commands(&a.body);
                            self.leave();
                        }
                    }
                }
                self.leave();
            }
            ItemKind::Experiment(e) | ItemKind::Test(e) => {
                let formals = self.names.bindings(&e.formals);
                self.enter(item.span, formals);
                self.values(&e.formals);
                self.commands(&e.body);
                self.leave();
            }
        }
    }

    fn values(&mut self, list: &[Binding]) {
        self.each(list.iter().filter_map(|b| b.value.as_ref()));
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Expr(e) => {
                self.expr(e);
            }
            Value::Distribution(d) => {
                self.expr(&d.call);
                self.each(d.bound.iter().map(|(_, e)| e));
            }
        }
    }

    fn args(&mut self, of: Option<DeclarationId>, args: &[Arg]) {
        for a in args {
            if let (Some(name), Some(of)) = (&a.name, of)
                && let Some(param) = self.names.member(of, &name.text)
            {
                self.names.uses.push((name.span, param));
            }
            self.expr(&a.value);
        }
    }

    fn each<'e>(&mut self, list: impl IntoIterator<Item = &'e Expr>) {
        for e in list {
            self.expr(e);
        }
    }

    fn paths<'e>(&mut self, list: impl IntoIterator<Item = &'e Name>) {
        for path in list {
            self.path(path);
        }
    }

    fn views<'e>(&mut self, list: impl IntoIterator<Item = &'e ViewPath>) {
        for view in list {
            self.view(view);
        }
    }

    /// What an expression stands for, if it names something.
    fn expr(&mut self, e: &Expr) -> Option<DeclarationId> {
        match &e.kind {
            ExprKind::Name(name) => return self.word(name, e.span),
            ExprKind::Member(of, name) => {
                let of = self.expr(of);
                return self.ask(of, &name.text, name.span);
            }
            ExprKind::Index(of, index) => {
                let of = self.expr(of);
                self.each(index);
                return of;
            }
            ExprKind::Call(f, args) => {
                let f = self.expr(f);
                self.args(f, args);
            }
            ExprKind::Quantity(_, Some((unit, _))) => {
                self.name(unit);
            }
            ExprKind::Neg(a) | ExprKind::Not(a) => {
                self.expr(a);
            }
            ExprKind::Binary(_, a, b) | ExprKind::Stepped(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            ExprKind::List(list) => self.each(list),
            ExprKind::If(c, a, b) => self.each([&**c, a, b]),
            ExprKind::Since(name, _) => {
                self.name(name);
            }
            ExprKind::AtEnd(a, window) => {
                let a = self.expr(a);
                self.name(window);
                return a;
            }
            ExprKind::Quantity(_, None) | ExprKind::Bool(_) | ExprKind::Text(_) | ExprKind::All => {}
        }
        None
    }

    fn model_items(&mut self, body: &[ModelItem]) {
        let mut last = Span::default();
        for item in body {
            match item {
                ModelItem::Params(list) => self.values(list),
                ModelItem::States(list) => {
                    for s in list {
                        self.each(s.init.iter().chain(&s.bounds));
                    }
                }
                ModelItem::Let(_, e) | ModelItem::Energy(_, e) | ModelItem::Current(e) | ModelItem::Deliver(e) => {
                    self.expr(e);
                }
                ModelItem::Geometry(_, e) => {
                    self.expr(e);
                }
                ModelItem::Input(_, _, e) | ModelItem::Weight(_, _, e) | ModelItem::Modulator(_, _, e) => {
                    self.each(e);
                }
                ModelItem::Equation(state, e) => {
                    self.path(state);
                    self.expr(e);
                }
                ModelItem::Emit(emit) => {
                    if let Some(on) = &emit.on {
                        self.name(on);
                    }
                    self.each(emit.when.iter().chain(&emit.count));
                    self.handler(&emit.body);
                }
                ModelItem::Compartment(name, segments, body, span) => {
                    self.each(segments);
                    if std::mem::replace(&mut last, *span) == *span {
                        continue;
                    }
                    let members = self.find(&name.text).map(|id| self.names.all[id].members.clone());
                    self.enter(*span, members.unwrap_or_default());
                    self.model_items(body);
                    self.leave();
                }
                ModelItem::Cable(name, body, _) => {
                    self.name(name);
                    self.model_items(body);
                }
                ModelItem::Sections(_, body) => self.model_items(body),
                ModelItem::ChannelUse(_, channel, args, _) => {
                    let channel = self.name(channel);
                    self.args(channel, args);
                }
                ModelItem::Gate(_, fields, _) => self.each(fields.iter().map(|(_, e)| e)),
                ModelItem::Couple(a, b, with, span) => {
                    // What several compartments are coupled to and by stands there once.
                    if std::mem::replace(&mut last, *span) != *span {
                        self.name(a);
                        self.each(with);
                    }
                    self.name(b);
                }
                ModelItem::Scheme(s) => self.paths(s.states.iter()),
                ModelItem::On(of, body, _) => {
                    self.path(of);
                    self.handler(body);
                }
                ModelItem::EventInput(..) | ModelItem::Noise(_) => {}
            }
        }
    }

    fn handler(&mut self, body: &[Stmt]) {
        for s in body {
            match s {
                Stmt::Assign(name, _, e) => {
                    self.path(name);
                    self.expr(e);
                }
                Stmt::Hold(names, e) => {
                    self.paths(names.iter());
                    self.expr(e);
                }
                Stmt::Mute(name, e) => {
                    self.name(name);
                    self.expr(e);
                }
                Stmt::If(c, a, b) => {
                    self.expr(c);
                    self.handler(a);
                    self.handler(b);
                }
                Stmt::Deliver(e) => {
                    self.expr(e);
                }
                Stmt::Rewire(_) => {}
            }
        }
    }

    fn network_items(&mut self, body: &[NetworkItem]) {
        for item in body {
            match item {
                NetworkItem::Population { model, args, shape, spacing, .. } => {
                    let model = self.name(model);
                    self.args(model, args);
                    self.each(shape.iter().chain(spacing));
                }
                NetworkItem::Network { model, args, .. } => {
                    let model = self.name(model);
                    self.args(model, args);
                }
                NetworkItem::Init(views, value) => {
                    self.views(views.iter());
                    self.value(value);
                }
                NetworkItem::Projection(p) => {
                    self.views(p.sources.iter().chain(&p.targets));
                    let synapse = p.synapse.as_ref().and_then(|s| self.name(s));
                    self.args(synapse, &p.args);
                    self.clauses(&p.clauses, synapse);
                }
                NetworkItem::Drive(d) => self.drive(d),
                NetworkItem::View(_, of, chosen) => {
                    self.view(of);
                    chosen.iter().for_each(|e| {
                        self.expr(e);
                    });
                }
                NetworkItem::Let(_, e) => {
                    self.expr(e);
                }
                NetworkItem::Params(list) => self.values(list),
                NetworkItem::For(name, range, body) => {
                    self.expr(range);
                    self.enter(name.span.to(end_of(body).unwrap_or(range.span)), Vec::new());
                    self.declare(name, Kind::Variable, name.span);
                    self.network_items(body);
                    self.leave();
                }
                NetworkItem::If(c, a, b) => {
                    self.expr(c);
                    self.network_items(a);
                    self.network_items(b);
                }
            }
        }
    }

    fn view(&mut self, v: &ViewPath) -> Option<DeclarationId> {
        let of = self.path(&v.path);
        self.each(v.steps.iter().flat_map(|(index, _)| index));
        let tails = v.steps.iter().filter_map(|(_, tail)| tail.as_ref()).chain(&v.shared);
        tails.fold(of, |of, tail| parts(tail).fold(of, |of, (part, span)| self.ask(of, part, span)))
    }

    fn clauses(&mut self, clauses: &[Clause], synapse: Option<DeclarationId>) {
        for c in clauses {
            match c {
                Clause::Connect(e) | Clause::ConnectWhere(e) | Clause::Spikes(e) | Clause::Random(_, e) => {
                    self.expr(e);
                }
                Clause::ConnectTable(table, args, _) => {
                    self.expr(table);
                    self.each(args.iter().map(|a| &a.value));
                }
                Clause::Transpose(name) => {
                    self.path(name);
                }
                Clause::Weight(value, _) | Clause::Delay(value, ..) => self.value(value),
                Clause::Modulator(name, e) => {
                    if let Some(id) = synapse.and_then(|s| self.names.member(s, &name.text)) {
                        self.names.uses.push((name.span, id));
                    }
                    self.expr(e);
                }
                Clause::Init(name, value) => {
                    if let Some(id) = synapse.and_then(|s| self.names.member(s, &name.text)) {
                        self.names.uses.push((name.span, id));
                    }
                    self.value(value);
                }
                Clause::Place(Site::Segment(value) | Site::Distance(value), _) => self.value(value),
                Clause::Store(_) | Clause::Place(Site::Each, _) => {}
            }
        }
    }

    fn drive(&mut self, d: &Drive) {
        self.views(d.targets.iter());
        self.clauses(&d.clauses, None);
    }

    /// The statements of a block, which sees names from where they are declared.
    fn block(&mut self, within: Span, body: &[Command]) {
        self.enter(within, Vec::new());
        self.commands(body);
        self.leave();
    }

    fn over(&mut self, over: &Option<Over>, within: Span, e: &Expr) {
        let Some(over) = over else {
            self.expr(e);
            return;
        };
        self.expr(&over.data);
        self.enter(within, Vec::new());
        self.commands(&over.body);
        self.expr(e);
        self.leave();
    }

    fn commands(&mut self, body: &[Command]) {
        body.iter().for_each(|c| self.command(c));
    }

    fn command(&mut self, c: &Command) {
        match &c.kind {
            CommandKind::Network { name, model, args, batch } => {
                let of = self.name(model);
                self.args(of, args);
                self.each(batch.iter().map(|b| &b.size));
                let id = self.declare(name, Kind::Instance, c.span);
                self.names.all[id].of = of;
            }
            CommandKind::World { name, model, args } => {
                let of = self.name(model);
                self.args(of, args);
                let id = self.declare(name, Kind::Instance, c.span);
                self.names.all[id].of = of;
            }
            CommandKind::Act { of, action, args } => {
                let of = self.name(of);
                self.ask(of, &action.text, action.span);
                self.each(args.iter().map(|a| &a.value));
            }
            CommandKind::Seed(e)
            | CommandKind::Dt(e)
            | CommandKind::Run(e)
            | CommandKind::Save(e, ..)
            | CommandKind::Load(e, ..)
            | CommandKind::Plasticity(_, e)
            | CommandKind::Reset(e)
            | CommandKind::Expect(e) => {
                self.expr(e);
            }
            CommandKind::Settle(e, until) => self.each([Some(e), until.as_ref()].into_iter().flatten()),
            CommandKind::Precision(_) | CommandKind::Step => {}
            CommandKind::Snapshot(_, of) => drop(self.name(of)),
            CommandKind::Signal(_, of) => self.each(of),
            CommandKind::Data(name, e) => {
                self.expr(e);
                self.declare(name, Kind::Data, c.span);
            }
            CommandKind::Record { what, every, during, name } => {
                self.expr(what);
                self.each(every.iter().chain(during));
                if let Some(name) = name {
                    self.declare(name, Kind::Variable, c.span);
                }
            }
            CommandKind::At(time, body) => {
                self.expr(time);
                self.commands(body);
            }
            CommandKind::For { variables, range, step, body } => {
                self.expr(range);
                self.each(step);
                self.enter(c.span, Vec::new());
                for n in variables {
                    self.declare(n, Kind::Variable, n.span);
                }
                self.commands(body);
                self.leave();
            }
            CommandKind::If(condition, a, b) => {
                self.expr(condition);
                self.block(c.span, a);
                self.block(c.span, b);
            }
            CommandKind::Repeat { most, until, body } => {
                self.expr(most);
                self.enter(c.span, Vec::new());
                self.commands(body);
                self.each(until);
                self.leave();
            }
            CommandKind::Sweep { variables, body } => {
                self.each(variables.iter().map(|(_, e)| e));
                self.enter(c.span, Vec::new());
                for (n, _) in variables {
                    self.declare(n, Kind::Variable, n.span);
                }
                self.commands(body);
                self.leave();
            }
            CommandKind::Measure(name, e, over) => {
                self.over(over, c.span, e);
                // Measured again it is the same series.
                if self.find(&name.text).is_none_or(|id| self.names.all[id].kind != Kind::Variable) {
                    self.declare_outside(name, c.span);
                } else {
                    self.name(name);
                }
            }
            CommandKind::Let(name, value, over) => {
                match value {
                    Value::Expr(e) => self.over(over, c.span, e),
                    drawn => self.value(drawn),
                }
                self.declare(name, Kind::Variable, c.span);
            }
            CommandKind::Var(name, value) => {
                self.value(value);
                self.declare(name, Kind::Variable, c.span);
            }
            CommandKind::Window(name, body) => {
                self.declare_outside(name, c.span);
                self.commands(body);
            }
            CommandKind::Plot { columns, panels, .. } => {
                self.each(columns);
                for p in panels {
                    let ranges = p.ranges.iter().map(|(_, e)| e);
                    self.each(p.series.iter().chain(&p.against).chain(&p.errors).chain(ranges));
                    self.each(p.mark.iter().flat_map(|(_, args)| args).map(|a| &a.value));
                }
            }
            CommandKind::Print(list) => self.each(list),
            CommandKind::Drive(d) => self.drive(d),
            CommandKind::Set { target, value, .. } => {
                self.value(value);
                self.expr(target);
            }
        }
    }

    /// Declares a name that is known after the block that it stands in.
    fn declare_outside(&mut self, name: &Name, whole: Span) {
        let id = self.names.declare(name, Kind::Variable, whole);
        if let Some(frame) = self.frames.first() {
            self.names.frames[*frame].names.push(id);
        }
    }
}

/// The names of a path, each with its place.
fn parts(path: &Name) -> impl Iterator<Item = (&str, Span)> {
    let mut start = path.span.start;
    path.text.split('.').map(move |part| {
        let span = Span { file: path.span.file, start, end: start + part.len() as u32 };
        start = span.end + 1;
        (part, span)
    })
}

/// The last place that the items of a network's block name.
fn end_of(body: &[NetworkItem]) -> Option<Span> {
    body.iter().rev().find_map(|item| match item {
        NetworkItem::Population { span, .. } | NetworkItem::Network { span, .. } => Some(*span),
        NetworkItem::Projection(p) => Some(p.span),
        NetworkItem::Drive(d) => Some(d.span),
        NetworkItem::Let(_, e) => Some(e.span),
        NetworkItem::View(_, v, chosen) => Some(chosen.as_ref().map_or(v.span, |e| e.span)),
        NetworkItem::Init(_, Value::Expr(e)) => Some(e.span),
        NetworkItem::Init(_, Value::Distribution(d)) => Some(d.call.span),
        NetworkItem::For(_, range, body) => end_of(body).or(Some(range.span)),
        NetworkItem::If(c, a, b) => end_of(b).or_else(|| end_of(a)).or(Some(c.span)),
        NetworkItem::Params(list) => list.last().map(|b| b.name.span),
    })
}
