//! The statements of an experiment.

use super::model::{Batch, Environs, Form, StatementKind, Target};
use super::{Checker, network};
use crate::diag::{Code, Diagnostic};
use crate::hir::infer::{Meaning, constant};
use crate::hir::network::model::{Nested, Value, Within};
use crate::hir::typed::{Expr, ExprKind, LocalId, Seen};
use crate::hir::{Kind, Op, Shape, Ty, VarKind, errors};
use crate::source::Span;
use crate::syntax::ast::{self, BinOp, Command, CommandKind, Name};
use crate::units::Dim;

impl Checker<'_> {
    fn report(&mut self, d: Diagnostic) -> Option<StatementKind> {
        self.infer.diagnostics.push(d);
        None
    }

    pub(super) fn typed(&mut self, e: &ast::Expr) -> Expr {
        self.infer.typed(&mut self.world, e)
    }

    pub(super) fn pure(&mut self, e: &ast::Expr, what: &str) -> Expr {
        self.infer.typed_one(&mut self.world, e, what, &Ty::number(Dim::ONE))
    }

    pub(super) fn one_time(&mut self, e: &ast::Expr, what: &str) -> Expr {
        self.infer.typed_one_time(&mut self.world, e, what)
    }

    /// Checks that a value is of one of some kinds.
    pub(super) fn must_be(&mut self, e: &Expr, fits: impl Fn(&Kind) -> bool, expected: &str) {
        if !e.is_error() && !fits(&e.ty.kind) {
            self.infer.diagnostics.push(errors::wrong_kind(expected, &e.ty, e.span));
        }
    }

    /// Checks a statement; none if nothing can be made of it.
    pub(super) fn statement(&mut self, c: &Command) -> Option<StatementKind> {
        use StatementKind as S;
        Some(match &c.kind {
            CommandKind::Network { name, model, args, batch } => {
                return self.network(name, model, args, batch.as_ref());
            }
            CommandKind::World { name, model, args } => return self.world(name, model, args),
            CommandKind::Act { of, action, args } => return self.act(of, action, args, c.span),
            CommandKind::Seed(e) => S::Seed(self.pure(e, "the seed")),
            CommandKind::Dt(e) => {
                self.before_networks(c.span);
                S::Dt(self.one_time(e, "the time step"))
            }
            CommandKind::Precision(name) => return self.precision(name),
            CommandKind::Data(name, e) => {
                let value = self.typed(e);
                S::Let(self.world.declare_over(&mut self.infer, name, value.ty.clone()), Value::Expr(value))
            }
            CommandKind::Let(name, ast::Value::Expr(e), Some(over)) => return self.let_over(name, e, over),
            CommandKind::Let(name, value, _) => self.let_(name, value, false),
            CommandKind::Var(name, value) => self.let_(name, value, true),
            CommandKind::Repeat { most, until, body } => {
                let most = self.pure(most, "the number of turns");
                if constant(&most).is_some_and(|n| n <= 0.0) {
                    self.infer.diagnostics.push(errors::never_repeated(most.span));
                }
                let depth = self.world.names.depth();
                let block = self.block(body);
                // The condition is about what the turn has done.
                let until = until.as_ref().map(|c| self.infer.typed_condition(&mut self.world, c));
                self.leave(depth, body, Within::Turn);
                S::Repeat { most, until, block }
            }
            CommandKind::Sweep { variables, body } => self.sweep(variables, body),
            CommandKind::Print(what) => S::Print(what.iter().map(|e| self.printed(e)).collect()),
            CommandKind::Reset(what) => {
                let e = self.typed(what);
                let fits = |k: &Kind| matches!(k, Kind::Population(_) | Kind::Network(_) | Kind::Environment(_));
                self.must_be(&e, fits, "a network, a population or a world");
                if let (ast::ExprKind::Name(name), Kind::Environment(_)) = (&what.kind, &e.ty.kind) {
                    self.environment(&Name { text: name.clone(), span: what.span })?;
                }
                S::Reset(e)
            }
            CommandKind::Snapshot(form, of) => return self.snapshot(form, of),
            CommandKind::Run(e) => {
                self.not_in_at(c.span, "run");
                self.after_networks(c.span);
                S::Run(self.one_time(e, "how long to run"))
            }
            CommandKind::Step => {
                self.not_in_at(c.span, "step");
                self.after_networks(c.span);
                S::Step
            }
            CommandKind::Plasticity(on, what) => {
                let list =
                    self.list(what, |k| matches!(k, Kind::Projection(_) | Kind::Network(_)), "a named projection");
                list.iter().for_each(|e| self.learns(e));
                S::Plasticity(*on, list)
            }
            CommandKind::Save(e, path, at) => {
                if let Some(why) = cannot_be_saved_as(path) {
                    self.infer.diagnostics.push(errors::no_file_name(path, why, *at));
                }
                S::Save(self.whole_network(e), path.clone())
            }
            CommandKind::Load(e, path, _) => S::Load(self.whole_network(e), path.clone()),
            CommandKind::Signal(name, target) => self.signal(name, target.as_ref()),
            CommandKind::Record { what, every, during, name } => {
                let during = during.as_ref().map(|e| self.window_of_time(e));
                return self.record(what, every.as_ref(), during, name.as_ref());
            }
            CommandKind::At(time, body) => {
                let time = self.one_time(time, "when");
                let captured = self.world.names.iter().map(|(_, id)| *id);
                let captured: Vec<LocalId> = captured.filter(|id| !self.world.locals[*id].mutable).collect();
                self.at += 1;
                let block = self.inner(body);
                self.at -= 1;
                S::At(time, block, captured)
            }
            CommandKind::For { variables, range, step, body } => {
                return self.for_(variables, range, step.as_ref(), body);
            }
            CommandKind::Window(name, body) => S::Window(name.text.clone(), self.inner(body)),
            CommandKind::Settle(steps, change) => {
                let steps = self.pure(steps, "the number of steps");
                let change = change.as_ref().map(|e| {
                    let e = self.infer.typed_number(&mut self.world, e);
                    if e.ty.is_several() {
                        self.infer.diagnostics.push(errors::one_number_needed("the largest change", &e.ty, e.span));
                    }
                    e
                });
                S::Settle(steps, change)
            }
            CommandKind::If(condition, a, b) => {
                let condition = self.infer.typed_condition(&mut self.world, condition);
                let (a, b) = (self.inner(a), self.inner(b));
                S::If(condition, a, b)
            }
            CommandKind::Measure(name, e, over) => return self.measure(name, e, over.as_ref()),
            CommandKind::Plot { title, columns, panels } => {
                let columns = columns.as_ref().map(|e| self.pure(e, "the number of columns"));
                let panels = self.panels(panels);
                S::Plot { title: title.clone(), columns, panels }
            }
            CommandKind::Expect(e) => S::Expect(self.infer.typed_condition(&mut self.world, e)),
            CommandKind::Drive(d) => S::Drive(network::drive(&mut self.infer, &mut self.world, d)?),
            CommandKind::Set { target, value, op } => return self.set(target, *op, value),
        })
    }

    /// Refuses to give a name to something that is no value.
    fn must_be_value(&mut self, e: &Expr) {
        let fits = |k: &Kind| !matches!(k, Kind::Events) && !matches!(k, Kind::Error);
        let recorded = matches!(e.kind, ExprKind::Events { .. });
        if !recorded {
            self.must_be(e, fits, "a value");
        }
    }

    fn whole_network(&mut self, e: &ast::Expr) -> Expr {
        let e = self.typed(e);
        self.must_be(&e, |k| matches!(k, Kind::Network(_)), "a network");
        e
    }

    /// Checks one value, or several in parentheses.
    pub(super) fn list(&mut self, e: &ast::Expr, fits: impl Fn(&Kind) -> bool, expected: &str) -> Vec<Expr> {
        let list: Vec<Expr> = e.elements().iter().map(|e| self.typed(e)).collect();
        list.iter().for_each(|e| self.must_be(e, &fits, expected));
        list
    }

    fn network(
        &mut self,
        name: &Name,
        model: &Name,
        args: &[ast::Arg],
        batch: Option<&ast::Batch>,
    ) -> Option<StatementKind> {
        let batch = batch.map(|b| Batch { size: self.pure(&b.size, "the batch"), sum: b.sum });
        let span = Span { end: model.span.end, ..name.span };
        let found = network::nested(&mut self.infer, &mut self.world, model, args, span);
        let ty = found.as_ref().map_or(Ty::error(), |_| Ty::of(Kind::Network(model.text.clone())));
        let id = self.world.declare_anew(&mut self.infer, name, ty);
        let (of, args) = found?;
        let network = Nested { id, model: of, args, span: name.span };
        Some(StatementKind::Network { network, name: name.text.clone(), batch })
    }

    fn world(&mut self, name: &Name, model: &Name, args: &[ast::Arg]) -> Option<StatementKind> {
        let Some(found) = self.infer.module.environments.get(&model.text).cloned() else {
            let known: Vec<&str> = self.infer.module.environments.keys().map(String::as_str).collect();
            self.infer.diagnostics.push(errors::unknown_model("world", model, known));
            self.world.declare(&mut self.infer, name, Ty::error());
            return None;
        };
        let span = Span { end: model.span.end, ..name.span };
        let args = network::arguments(&mut self.infer, &mut self.world, model, &found.params, args, span);
        let ty = args.as_ref().map_or(Ty::error(), |_| Ty::of(Kind::Environment(model.text.clone())));
        let id = self.world.declare_anew(&mut self.infer, name, ty);
        self.world.locals[id].mutable = true;
        Some(StatementKind::Environment(Environs { id, name: name.text.clone(), model: found, args: args? }))
    }

    /// `grid.act(a)`
    fn act(&mut self, of: &Name, action: &Name, args: &[ast::Arg], span: Span) -> Option<StatementKind> {
        let (id, environment) = self.environment(of)?;
        let Some(at) = environment.actions.iter().position(|a| a.name == action.text) else {
            let owner = format!("world `{}`", environment.name);
            let known = environment.actions.iter().map(|a| a.name.as_str());
            self.infer.diagnostics.push(errors::no_member(&owner, &action.text, action.span, known));
            return None;
        };
        let called = Name { text: format!("{}.{}", of.text, action.text), span };
        let params = &environment.actions[at].params;
        let args = network::arguments(&mut self.infer, &mut self.world, &called, params, args, span)?;
        Some(StatementKind::Act(id, at, args))
    }

    /// `snapshot ir of LifCond`
    fn snapshot(&mut self, form: &Name, of: &Name) -> Option<StatementKind> {
        let Some((_, found)) = Form::ALL.iter().find(|(word, _)| *word == form.text) else {
            let known = Form::ALL.map(|(word, _)| word);
            let label = format!("expected one of {}", known.map(|word| format!("`{word}`")).join(", "));
            let d = Diagnostic::at(Code::E0201, form.span, format!("there is no snapshot of `{}`", form.text), label);
            let near = crate::diag::nearest(&form.text, known).map(|w| format!("did you mean `{w}`?"));
            return self.report(d.maybe_help(near));
        };
        let neurons = self.infer.module.neurons.keys();
        let (what, known): (&str, Vec<&String>) = match found {
            Form::Solved => ("neuron", neurons.collect()),
            Form::Plan => {
                let is_network = |id: LocalId| matches!(self.world.locals[id].ty.kind, Kind::Network(_));
                let names = self.world.names.iter().filter(|(_, id)| is_network(*id));
                ("network of this experiment", names.map(|(name, _)| name).collect())
            }
            _ => ("neuron or synapse", neurons.chain(self.infer.module.synapses.keys()).collect()),
        };
        if !known.contains(&&of.text) {
            let message = format!("there is no `{}` of `{}`", form.text, of.text);
            let d = Diagnostic::at(Code::E0818, of.span, message, format!("no {what} has this name"));
            let near = crate::diag::nearest(&of.text, known.iter().map(|n| n.as_str()));
            let near = near.map(|n| format!("did you mean `{n}`?"));
            return self.report(d.maybe_help(near));
        }
        Some(StatementKind::Snapshot(*found, of.text.clone()))
    }

    fn precision(&mut self, name: &Name) -> Option<StatementKind> {
        match name.text.as_str() {
            "f32" => Some(StatementKind::Precision(false)),
            "f64" => Some(StatementKind::Precision(true)),
            other => self.report(
                Diagnostic::at(
                    Code::E0201,
                    name.span,
                    format!("unknown precision `{other}`"),
                    "expected `f32` or `f64`",
                )
                .help("write `precision f64`"),
            ),
        }
    }

    /// A range of times.
    fn window_of_time(&mut self, e: &ast::Expr) -> Expr {
        let range = self.typed(e);
        self.must_be(&range, |k| *k == Kind::Range, "a range of times");
        if range.ty.kind == Kind::Range && !range.ty.same_dim(&Ty::time()) {
            let number = Ty { kind: Kind::Number, ..range.ty.clone() };
            self.infer.diagnostics.push(errors::time_needed("a window", &number, e.span));
        }
        range
    }

    fn printed(&mut self, e: &ast::Expr) -> Expr {
        let texts = |e: &&ast::Expr| matches!(e.kind, ast::ExprKind::Text(_));
        if let ast::ExprKind::List(items) = &e.kind
            && let Some(text) = items.iter().find(texts)
        {
            let d = errors::wrong_kind("numbers", &Ty::of(Kind::Text), text.span);
            self.infer.diagnostics.push(d.help("what is printed stands without brackets: `print \"mean:\", m`"));
            return Expr::error(e.span);
        }
        let e = self.typed(e);
        self.must_be(&e, |k| matches!(k, Kind::Number | Kind::Bool | Kind::Text), "a number, a truth value or a text");
        e
    }

    /// `let x = e`, `let x ~ d`, and the same for variables.
    fn let_(&mut self, name: &Name, value: &ast::Value, mutable: bool) -> StatementKind {
        let (value, ty) = match value {
            ast::Value::Expr(e) => {
                let value = self.typed(e);
                self.must_be_value(&value);
                let ty = value.ty.clone();
                (Value::Expr(value), ty)
            }
            ast::Value::Distribution(d) => match self.world.distribution(&mut self.infer, d) {
                Some((drawn, ty)) => {
                    if matches!(drawn.of.name, "xavier" | "xavier_uniform" | "kaiming") {
                        let message = format!("`{}` draws weights", drawn.of.name);
                        let d = Diagnostic::at(Code::E0401, drawn.span, message, "depends on the size of a projection");
                        self.infer.diagnostics.push(d);
                    }
                    (Value::Drawn(drawn), ty)
                }
                None => (Value::Expr(Expr::error(d.call.span)), Ty::error()),
            },
        };
        // A variable may hold other numbers later, but of the same kind.
        let ty = if mutable { ty.shaped(Shape::Any) } else { ty };
        let id = self.world.declare_over(&mut self.infer, name, ty);
        self.world.locals[id].mutable = mutable;
        StatementKind::Let(id, value)
    }

    fn let_over(&mut self, name: &Name, e: &ast::Expr, over: &ast::Over) -> Option<StatementKind> {
        let (value, over) = self.over(e, over);
        let id = self.world.declare_over(&mut self.infer, name, value.ty.clone());
        Some(StatementKind::LetOver(id, value, over))
    }

    fn measure(&mut self, name: &Name, e: &ast::Expr, over: Option<&ast::Over>) -> Option<StatementKind> {
        let (value, over) = match over {
            None => (self.typed(e), None),
            Some(over) => {
                let (value, over) = self.over(e, over);
                (value, Some(over))
            }
        };
        self.must_be(&value, |k| matches!(k, Kind::Number | Kind::Bool), "a number to measure");
        // A measure that is taken several times is the series of its values.
        let before = self.world.find(&name.text).filter(|id| self.world.locals[*id].mutable);
        let id = match before {
            Some(id) => {
                let series = &self.world.locals[id];
                let measured = self.measured.contains(&id);
                if measured && !value.is_error() && !series.ty.is_error() && !value.ty.same_dim(&series.ty) {
                    let what = format!("`{}`, which was measured before,", name.text);
                    let d = errors::wrong_unit(&what, &series.ty, &value.ty, e.span, Some(series.span));
                    self.infer
                        .diagnostics
                        .push(d.help("a measure that is taken several times is a series in one unit"));
                }
                id
            }
            None => {
                // `measure x = x` keeps what was named before.
                let keeps = |id: LocalId| value.any(&|e| matches!(e.kind, ExprKind::Local(of) if of == id));
                if let Some(hidden) = self.world.find(&name.text).filter(|id| !keeps(*id)) {
                    let declared = self.world.locals[hidden].span;
                    self.infer.diagnostics.push(errors::shadowed(&name.text, name.span, declared));
                }
                let ty = Ty { kind: if value.is_error() { Kind::Error } else { Kind::Number }, ..value.ty.clone() };
                let id = self.world.declare(&mut self.infer, name, ty.shaped(Shape::Any));
                self.world.locals[id].mutable = true;
                self.measured.insert(id);
                id
            }
        };
        Some(StatementKind::Measure(id, value, over))
    }

    /// Finds what an assignment changes, and its type.
    fn target(&mut self, target: &ast::Expr) -> Option<(Target, Ty, VarKind)> {
        let span = target.span;
        if let ast::ExprKind::Name(name) = &target.kind {
            match self.world.find(name) {
                Some(id) if self.world.locals[id].mutable => {
                    return Some((
                        Target::Local(id, Vec::new()),
                        self.world.locals[id].ty.clone(),
                        VarKind::State(crate::hir::Expr::Num(0.0)),
                    ));
                }
                Some(id) => {
                    self.never_changes(id, span);
                }
                None => {
                    let names: Vec<&str> = self.world.names.iter().map(|(n, _)| n.as_str()).collect();
                    let d = errors::unknown_name(name, span, names);
                    let reached = Meaning::reached(&self.world, &self.infer, name);
                    self.infer.diagnostics.push(match name.as_str() {
                        "dt" => d.help("the time step is a statement of its own: `dt 0.1 ms`"),
                        "seed" => d.help("the seed is a statement of its own: `seed 3`"),
                        "precision" => d.help("the precision is a statement of its own: `precision f64`"),
                        _ if d.help.is_some() => d,
                        _ if reached.is_some() => d.maybe_help(reached.map(|path| format!("did you mean `{path}`?"))),
                        _ => d.help(format!(
                            "a variable is declared by `var {name} = …`, a value that stays by \
                         `let`, a network by `network {name} = …`"
                        )),
                    });
                }
            }
            return None;
        }
        let e = self.typed(target);
        if e.is_error() {
            return None;
        }
        let ty = e.ty.clone();
        let (inner, index) = match e.kind {
            ExprKind::Element(of, index) => (*of, Some(index)),
            kind => (Expr { kind, ..e }, None),
        };
        let of_model = |checker: &Self, of: &Expr, id| match &of.ty.kind {
            Kind::Population(model) => checker.infer.module.neurons.get(model).map(|n| n.vars[id].kind.clone()),
            _ => None,
        };
        match (inner.kind, index) {
            (ExprKind::Variable { of, id, segment }, index) => {
                let kind = of_model(self, &of, id)?;
                network::refuse_segment(&mut self.infer, &kind, segment.is_some(), span);
                // `net.exc.v[3]` means `net.exc[3].v`.
                let cells = match index {
                    None => *of,
                    Some(index) => network::element(&mut self.infer, *of, index, span),
                };
                Some((Target::Cells { of: cells, id, segment: segment.map(|s| *s) }, ty, kind))
            }
            (ExprKind::Synaptic { of, name }, index) => {
                let mut index = index.unwrap_or_default().into_iter();
                let (first, second) = (index.next(), index.next());
                if let Some(second) = second {
                    let d = Diagnostic::at(Code::E0406, second.span, "synapses have one index", "one too many");
                    self.infer.diagnostics.push(d);
                    return None;
                }
                Some((Target::Synapses { of: *of, name, index: first }, ty, VarKind::Weight))
            }
            (ExprKind::Local(id), Some(_)) if !self.world.locals[id].mutable => {
                self.never_changes(id, span);
                None
            }
            // Elements of a variable, and states of worlds.
            (ExprKind::Local(id), Some(index)) if self.world.locals[id].mutable => {
                Some((Target::Local(id, index), ty, VarKind::State(crate::hir::Expr::Num(0.0))))
            }
            (ExprKind::OfEnvironment(of, Seen::Local(state)), index) => {
                let ExprKind::Local(_) = of.kind else { return None };
                let ast::ExprKind::Name(name) = &base_of(target).kind else { return None };
                let (id, environment) = self.environment(&Name { text: name.clone(), span })?;
                if !environment.locals[state].mutable {
                    let declared = Some(environment.locals[state].span);
                    let what = "a parameter of the world";
                    self.infer.diagnostics.push(errors::not_assignable("this", what, span, declared));
                    return None;
                }
                let index = index.unwrap_or_default();
                Some((Target::Environment(id, state, index), ty, VarKind::State(crate::hir::Expr::Num(0.0))))
            }
            _ => {
                let d = match &target.kind {
                    ast::ExprKind::Member(of, name) => match self.typed(of).ty.kind {
                        Kind::Network(model) => errors::fixed_when_made(&model, &name.text, span),
                        _ => errors::not_assignable(&name.text, &ty.describe(), span, None)
                            .help("states, parameters and inputs of cells are assigned, and what synapses have"),
                    },
                    _ => errors::not_assignable("this", &ty.describe(), span, None),
                };
                self.infer.diagnostics.push(d);
                None
            }
        }
    }

    /// Refuses an assignment to a name that is no variable.
    fn never_changes(&mut self, id: LocalId, span: Span) {
        let local = &self.world.locals[id];
        let message = format!("`{}` cannot be assigned", local.name);
        let d = Diagnostic::at(Code::E0207, span, message, "it never changes").label(local.span, "declared here");
        self.infer.diagnostics.push(d.help(match local.ty.kind {
            Kind::Network(_) => "a network is made by `network net = Net(n = 100)`",
            _ => "what changes is declared with `var`, in a world with `state`",
        }));
    }

    fn set(&mut self, target: &ast::Expr, op: Option<BinOp>, value: &ast::Value) -> Option<StatementKind> {
        let found = self.target(target);
        let (found, ty, kind) = found?;
        let scaling = matches!(op, Some(BinOp::Mul | BinOp::Div));
        let expected = if scaling { Ty::number(Dim::ONE) } else { ty };
        let port = matches!(kind, VarKind::AnalogPort(_));
        let cells = matches!(found, Target::Cells { .. });
        if !matches!(kind, VarKind::State(_) | VarKind::Param(_) | VarKind::AnalogPort(_) | VarKind::Weight) {
            let d = Diagnostic::at(
                Code::E0207,
                target.span,
                "this cannot be assigned",
                "not a state, parameter or analog port",
            );
            let events = matches!(kind, VarKind::EventPort);
            let help = events.then(|| "what arrives there is sent by a `drive`, or by synapses".to_string());
            return self.report(d.maybe_help(help));
        }
        let infer = &mut self.infer;
        let value =
            self.world.within(cells, true, |world| world.whole_value(infer, value, "the assigned value", &expected));
        if let Value::Expr(e) = &value
            && e.is_timed()
            && (!port || op.is_some())
        {
            return self.report(follows_no_time(target.span, port));
        }
        if let Value::Expr(e) = &value {
            network::elementwise(&mut self.infer, e);
        }
        let op = op.map(|op| match op {
            BinOp::Add => Op::Add,
            BinOp::Sub => Op::Sub,
            BinOp::Mul => Op::Mul,
            _ => Op::Div,
        });
        Some(StatementKind::Set(found, op, value))
    }
}

/// Refuses a function of time for what follows none, or as a change of what was there before.
fn follows_no_time(span: Span, port: bool) -> Diagnostic {
    if port {
        let message = "a function of time cannot be added to what an input is now, nor scale it";
        return Diagnostic::at(Code::E0207, span, message, "follows one function of time as a whole")
            .help("write the whole course with `=`: `net.cells.I = 3 pA + 1 pA * sin(t / 1 ms)`");
    }
    let message = "only an analog port can follow a function of time";
    Diagnostic::at(Code::E0207, span, message, "not an `input`").help(
        "what follows a function of time from outside is declared by `input`; a state follows its \
         equation, in which `t` may stand",
    )
}

/// The name that a chain of members and indices begins with.
fn base_of(e: &ast::Expr) -> &ast::Expr {
    match &e.kind {
        ast::ExprKind::Member(of, _) | ast::ExprKind::Index(of, _) => base_of(of),
        _ => e,
    }
}

/// The longest name of a file that is saved; file systems allow 255 bytes, and a file is written aside first.
const LONGEST_NAME: usize = 200;

/// Says why something cannot be saved under a name, if it cannot: it lies beside the results, and is none that a run writes.
fn cannot_be_saved_as(name: &str) -> Option<&'static str> {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let same = |other: &&str| name.eq_ignore_ascii_case(other);
    if name.is_empty() {
        Some("it is empty")
    } else if name.contains(['/', '\\', ':']) {
        Some("it is more than one component of a path")
    } else if name.starts_with('.') || name.ends_with(['.', ' ']) {
        Some("a dot at its beginning or end, or a space at its end, has a meaning of its own")
    } else if name.chars().any(char::is_control) {
        Some("it has characters that cannot be shown")
    } else if name.len() > LONGEST_NAME {
        Some("it is longer than 200 bytes")
    } else if ["run.json", "measures.json", "figures.json", "report.html", "checkpoint.state"].iter().any(same) {
        Some("a run writes a file of this name by itself")
    } else if name.to_ascii_lowercase().starts_with("unfinished-") {
        Some("a run works in folders of such names")
    } else if ["neuro", "parquet", "svg", "png", "pdf", "part", "spool"].iter().any(|e| end.eq_ignore_ascii_case(e)) {
        Some("its ending is that of a source, or of a file that a run writes by itself")
    } else {
        None
    }
}
