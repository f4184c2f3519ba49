//! Channels: scopes of their own in a compartment, whose arguments are variables around them; and each by itself.

use super::*;
use crate::hir::infer::Nothing;

/// What an argument of a channel stands for.
#[derive(Debug, Clone)]
pub(super) struct Argument {
    /// What it is in the scope around, as given or by its own name.
    value: ast::Expr,
    /// What it is if nothing was given and nothing there has its name.
    default: Option<ast::Expr>,
    formal: ast::Binding,
    /// The channel's name.
    channel: String,
}

/// Checks a channel that nothing may use yet, with arguments of the units that it says.
pub(in crate::hir) fn check_channel(module: &Module, channel: &ast::Model, diagnostics: &mut Diagnostics) {
    let mut found = Diagnostics::default();
    let mut checker = Checker::new(&channel.name.text, "");
    let mut infer = Infer::new(module, &mut found);
    let micrometres = ast::UnitExpr {
        factors: vec![(Name { text: "um".into(), span: channel.name.span }, 1, 1)],
        span: channel.name.span,
    };
    let along = ast::Binding {
        name: Name { text: "distance".into(), ..channel.name.clone() },
        unit: Some(micrometres),
        value: None,
    };
    for formal in channel.formals.iter().chain([&along]) {
        checker.any_value(&mut infer, formal);
    }
    checker.channel(&mut infer, &channel.name, &channel.name, &[], channel.name.span, 0);
    checker.members(&mut infer);
    let told = |d: &Diagnostic| match (d.code, &d.help) {
        (Code::E0201, None) => {
            d.clone().help("what a channel reads of a compartment is an argument: `channel Leak(v: mV, E: mV)`")
        }
        _ => d.clone(),
    };
    diagnostics.extend(found.iter().map(told));
}

impl Checker {
    /// Declares what an argument may be: something of its unit.
    fn any_value(&mut self, infer: &mut Infer, formal: &ast::Binding) {
        let name = &formal.name;
        self.declare(infer, 0, name, DeclKind::Param(formal.unit.clone(), None, 0));
        // Of no unit that is known, it goes with any.
        if formal.unit.is_none()
            && let Some(declared) = self.declared.last_mut().filter(|d| d.span == name.span)
        {
            declared.status = Status::Done(None);
        }
        if let Some(default) = &formal.value {
            self.default_of_argument(infer, formal, default);
        }
    }

    /// The default of an argument: a number, whatever is around.
    fn default_of_argument(&mut self, infer: &mut Infer, formal: &ast::Binding, default: &ast::Expr) -> (Expr, Ty) {
        let (value, ty) = infer.expr(&mut Nothing, default);
        let expected = formal.unit.as_ref().and_then(|u| resolve_unit(infer.module, u, infer.diagnostics));
        let what = format!("argument `{}`", formal.name.text);
        self.fits(infer, &what, expected, &ty, (default.span, formal.name.span));
        (value, ty)
    }

    fn fits(&self, infer: &mut Infer, what: &str, expected: Option<Unit>, found: &Ty, (at, declared): (Span, Span)) {
        let Some(expected) = expected.map(Ty::in_unit) else { return };
        if !found.is_error() && !found.same_dim(&expected) {
            infer.diagnostics.push(errors::wrong_unit(what, &expected, found, at, Some(declared)));
        }
    }

    /// Finds what an argument of a channel in a scope stands for.
    pub(super) fn argument(&mut self, infer: &mut Infer, scope: usize, name: &str) -> Option<(Expr, Ty)> {
        let argument = self.scopes[scope].bound.get(name).cloned()?;
        let parent = self.scopes[scope].parent.unwrap_or(0);
        if let Some(default) = argument.default.as_ref().filter(|_| !self.knows(parent, name)) {
            return Some(self.default_of_argument(infer, &argument.formal, default));
        }
        let place = self.place;
        Some(self.typed(infer, parent, place, &argument.value))
    }

    /// Returns whether a name means something in a scope.
    fn knows(&self, scope: usize, name: &str) -> bool {
        let mut around = std::iter::successors(Some(scope), |s| self.scopes[*s].parent);
        self.lookup(scope, name).is_some() || around.any(|s| self.scopes[s].bound.contains_key(name))
    }

    /// Checks that arguments have the units that channels say, also those that nothing reads.
    pub(super) fn arguments(&mut self, infer: &mut Infer) {
        for scope in 0..self.scopes.len() {
            let mut bound: Vec<Argument> = self.scopes[scope].bound.values().cloned().collect();
            bound.sort_by_key(|a| a.formal.name.span.start);
            for a in bound {
                // What is only looked at is not used.
                let (used, noises, impulses) = (self.used.clone(), self.out.n_noises, infer.impulses.len());
                let place = std::mem::replace(&mut self.place, Place::Equation);
                let found = self.argument(infer, scope, &a.formal.name.text);
                self.place = place;
                (self.used, self.out.n_noises) = (used, noises);
                infer.impulses.truncate(impulses);
                let expected = a.formal.unit.as_ref().and_then(|u| resolve_unit(infer.module, u, infer.diagnostics));
                if let Some((_, found)) = found {
                    let what = format!("argument `{}` of `{}`", a.formal.name.text, a.channel);
                    self.fits(infer, &what, expected, &found, (a.value.span, a.formal.name.span));
                }
            }
        }
    }

    pub(super) fn channel(
        &mut self,
        infer: &mut Infer,
        name: &Name,
        model: &Name,
        args: &[ast::Arg],
        span: Span,
        scope: usize,
    ) {
        let Some(channel) = infer.module.channels.get(&model.text).cloned() else {
            let known: Vec<&str> = infer.module.channels.keys().map(String::as_str).collect();
            infer.diagnostics.push(errors::unknown_model("channel", model, known));
            return;
        };
        if !self.name_scope(infer, scope, name) {
            return;
        }
        let inner = self.scopes.len();
        let mut bound = HashMap::new();
        for formal in &channel.formals {
            // An argument is the enclosing compartment's variable of the same name, unless given.
            let given = args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == formal.name.text));
            let value = given.map(|a| a.value.clone());
            let argument = Argument {
                default: formal.value.clone().filter(|_| value.is_none()),
                value: value.unwrap_or(ast::Expr { kind: ExprKind::Name(formal.name.text.clone()), span }),
                formal: formal.clone(),
                channel: model.text.clone(),
            };
            bound.insert(formal.name.text.clone(), argument);
        }
        let cable = self.scopes[scope].cable;
        self.scopes.push(Scope {
            prefix: format!("{}{}.", self.scopes[scope].prefix, name.text),
            parent: Some(scope),
            bound,
            cable: None,
        });
        let mut known = Vec::new();
        for item in &channel.body {
            if let ModelItem::Params(bindings) = item {
                for b in bindings {
                    known.push(b.name.text.clone());
                    let given = args.iter().find(|a| a.name.as_ref().is_some_and(|n| n.text == b.name.text));
                    let (value, value_scope) = match given {
                        Some(a) => (Some(a.value.clone()), scope),
                        None => (b.value.clone(), inner),
                    };
                    // The unit is the one of the channel's own default, so that overrides are checked against it.
                    let unit = b.unit.clone();
                    if given.is_some() && unit.is_none() {
                        self.check_override(infer, &model.text, b, value.as_ref(), scope, inner);
                    }
                    self.declare(infer, inner, &b.name, DeclKind::Param(unit, value, value_scope));
                }
            }
        }
        for a in args {
            let Some(n) = &a.name else {
                infer.diagnostics.push(
                    errors::wrong_arity(&model.text, "named", args.len(), a.value.span)
                        .help("name the parameter: `g_max = …`"),
                );
                continue;
            };
            if !known.contains(&n.text) && !channel.formals.iter().any(|f| f.name.text == n.text) {
                infer.diagnostics.push(errors::unknown_parameter(&model.text, n, known.iter().map(String::as_str)));
            }
        }
        let rest: Vec<ModelItem> =
            channel.body.iter().filter(|i| !matches!(i, ModelItem::Params(_))).cloned().collect();
        self.collect(infer, &rest, inner);
        if let Some(cable) = cable {
            // What carries no current, as a pool of calcium, adds none.
            if channel.has_current() {
                let e = ast::Expr { kind: ExprKind::Name("current".into()), span };
                self.pending.compartments[cable].currents.push((inner, e));
            }
            self.scopes[inner].cable = None;
        }
    }

    pub(super) fn check_override(
        &mut self,
        infer: &mut Infer,
        model: &str,
        b: &ast::Binding,
        value: Option<&ast::Expr>,
        scope: usize,
        inner: usize,
    ) {
        let (Some(default), Some(value)) = (&b.value, value) else { return };
        let expected = self.typed(infer, inner, Place::Init, default).1;
        let found = self.typed(infer, scope, Place::Init, value).1;
        if !expected.is_error() && !found.is_error() && !found.same_dim(&expected) {
            let what = format!("parameter `{}` of `{model}`", b.name.text);
            infer.diagnostics.push(errors::wrong_unit(&what, &expected, &found, value.span, Some(b.name.span)));
        }
    }
}
