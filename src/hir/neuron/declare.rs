//! Collects declarations, in any order; compartments and channels become scopes of dotted names.

use super::*;

impl Checker {
    pub(super) fn collect(&mut self, infer: &mut Infer, body: &[ModelItem], scope: usize) {
        for item in body {
            match item {
                ModelItem::Params(bindings) => {
                    for b in bindings {
                        self.declare(infer, scope, &b.name, DeclKind::Param(b.unit.clone(), b.value.clone(), scope));
                    }
                }
                ModelItem::States(states) => {
                    for s in states {
                        if let Some(per) = &s.per {
                            self.pending.per.push((scope, s.name.clone(), per.clone()));
                        }
                        if let Some(bounds) = &s.bounds {
                            self.pending.bounds.push((scope, s.name.clone(), bounds.clone()));
                        }
                        self.declare(infer, scope, &s.name, DeclKind::State(s.unit.clone(), s.init.clone()));
                    }
                }
                ModelItem::Let(name, e) => self.declare(infer, scope, name, DeclKind::Let(e.clone())),
                ModelItem::EventInput(name, unit) => {
                    self.declare(infer, scope, name, DeclKind::EventInput(unit.clone()))
                }
                ModelItem::Input(name, unit, default) => {
                    if let Some(cable) = self.scopes[scope].cable {
                        let full = format!("{}{}", self.scopes[scope].prefix, name.text);
                        self.pending.compartments[cable].injected.push(full);
                    }
                    self.declare(infer, scope, name, DeclKind::Input(unit.clone(), default.clone()));
                }
                ModelItem::Equation(name, rhs) => self.pending.equations.push((scope, name.clone(), rhs.clone())),
                ModelItem::Emit(e) => self.pending.emits.push((scope, e.clone())),
                ModelItem::Couple(a, b, g, span) => self.pending.couples.push((a.clone(), b.clone(), g.clone(), *span)),
                ModelItem::Scheme(s) => self.pending.schemes.push((scope, s.clone())),
                ModelItem::Noise(name) => {
                    let id = self.out.n_noises;
                    self.out.n_noises += 1;
                    self.noises.insert(name.text.clone(), id);
                }
                ModelItem::Compartment(name, segments, body, span) => {
                    self.compartment(infer, name, segments.as_ref(), body, *span, scope)
                }
                ModelItem::Cable(morphology, body, span) => self.parts(infer, morphology, body, *span, scope),
                ModelItem::Sections(kinds, _) => self.refuse_sections(infer, kinds),
                ModelItem::ChannelUse(name, model, args, span) => self.channel(infer, name, model, args, *span, scope),
                ModelItem::Gate(name, fields, _) => self.declare(infer, scope, name, DeclKind::Gate(fields.clone())),
                ModelItem::Current(e) => match self.scopes[scope].cable {
                    Some(cable) => self.pending.compartments[cable].currents.push((scope, e.clone())),
                    None => {
                        let name = Name { text: "current".into(), span: e.span };
                        self.declare(infer, scope, &name, DeclKind::Let(e.clone()));
                    }
                },
                ModelItem::Geometry(name, _) if self.part_of(scope).is_some() => {
                    let message = format!("`{}` is that of the file", name.text);
                    infer.diagnostics.push(
                        Diagnostic::at(Code::E0511, name.span, message, "a morphology has it").help("remove the line"),
                    );
                }
                ModelItem::Geometry(name, e) => match self.scopes[scope].cable {
                    Some(cable) => {
                        let geometry = &mut self.pending.compartments[cable].geometry;
                        match geometry.iter().find(|(known, _)| known.text == name.text) {
                            Some((first, _)) => {
                                infer.diagnostics.push(errors::declared_twice(&name.text, name.span, first.span));
                            }
                            None => geometry.push((name.clone(), e.clone())),
                        }
                    }
                    None => infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0511,
                            name.span,
                            format!("`{}` belongs to a cable compartment", name.text),
                            "not in a cable",
                        )
                        .help("write `compartment dend[10] { … }` to cut a compartment into segments"),
                    ),
                },
                ModelItem::Weight(name, ..) | ModelItem::Modulator(name, ..) => {
                    infer.diagnostics.push(
                        Diagnostic::at(
                            Code::E0401,
                            name.span,
                            format!("neuron `{}` holds a declaration of a synapse", self.out.name),
                            "belongs to a synapse",
                        )
                        .help("declare a state or an input: `state x = 0`, `input x`"),
                    );
                }
                ModelItem::On(name, body, span) => {
                    self.pending.signals.push((scope, name.clone(), body.clone(), *span));
                }
                ModelItem::Energy(name, e) => {
                    self.pending.energies.push((scope, name.clone(), e.span));
                    self.declare(infer, scope, name, DeclKind::Let(e.clone()));
                }
                ModelItem::Deliver(e) => infer.diagnostics.push(
                    Diagnostic::at(Code::E0401, e.span, "a neuron does not deliver", "`deliver` belongs to a synapse")
                        .help("emit an event with `emit`, and let a synapse deliver it"),
                ),
            }
        }
    }

    pub(super) fn declare(&mut self, infer: &mut Infer, scope: usize, name: &Name, kind: DeclKind) {
        if RESERVED.contains(&name.text.as_str()) {
            infer.diagnostics.push(errors::reserved(&name.text, name.span));
            return;
        }
        if name.text.chars().count() > 1
            && (crate::units::lookup(&name.text).is_some() || infer.module.units.contains_key(&name.text))
        {
            infer.diagnostics.push(errors::unit_clash(&name.text, name.span));
        }
        let full = format!("{}{}", self.scopes[scope].prefix, name.text);
        if let Some(first) = self.named(&full) {
            infer.diagnostics.push(errors::declared_twice(&name.text, name.span, first));
            return;
        }
        if infer.module.constants.contains_key(&name.text) {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::W0202,
                    name.span,
                    format!("`{}` shadows a constant of the same name", name.text),
                    "hides the constant here",
                )
                .help("rename one of them"),
            );
        }
        self.index.insert(full.clone(), self.declared.len());
        self.declared.push(Declared { name: full, span: name.span, scope, kind, status: Status::Waiting });
    }

    /// Finds where a name is given to a variable, a compartment or a channel.
    fn named(&self, full: &str) -> Option<Span> {
        let declared = self.index.get(full).map(|first| self.declared[*first].span);
        declared.or_else(|| self.scopes_named.get(full).copied())
    }

    /// Names a scope; returns whether no other one has the name.
    pub(super) fn name_scope(&mut self, infer: &mut Infer, scope: usize, name: &Name) -> bool {
        let full = format!("{}{}", self.scopes[scope].prefix, name.text);
        if let Some(first) = self.named(&full) {
            infer.diagnostics.push(errors::declared_twice(&name.text, name.span, first));
        }
        self.scopes_named.insert(full, name.span).is_none()
    }

    pub(super) fn compartment(
        &mut self,
        infer: &mut Infer,
        name: &Name,
        segments: Option<&ast::Expr>,
        body: &[ModelItem],
        span: Span,
        scope: usize,
    ) {
        if let Some(&first) = self.compartments.get(&name.text) {
            let first = self.pending.compartments[first].span;
            infer.diagnostics.push(errors::declared_twice(&name.text, name.span, first));
            return;
        }
        if !self.name_scope(infer, scope, name) {
            return;
        }
        let index = self.pending.compartments.len();
        let is_cable = segments.is_some() || body.iter().any(|i| matches!(i, ModelItem::Geometry(..)));
        let inner = self.scopes.len();
        self.scopes.push(Scope {
            prefix: format!("{}{}.", self.scopes[scope].prefix, name.text),
            parent: Some(scope),
            bound: HashMap::new(),
            cable: is_cable.then_some(index),
        });
        self.pending.compartments.push(Compartment {
            scope: inner,
            span: name.span.to(Span { end: name.span.end, ..span }),
            cable: is_cable.then_some(0),
            segments: segments.cloned(),
            geometry: Vec::new(),
            currents: Vec::new(),
            injected: Vec::new(),
            part: None,
        });
        self.compartments.insert(name.text.clone(), index);
        self.collect(infer, body, inner);
    }
}
