//! Cable compartments: geometry, membrane currents, and what their kernels do not have yet.

use super::*;
use crate::hir::shape::Traced;

/// Orders cables so that each comes after the one it hangs on, whatever the order of declaration; none where they hang in a circle. If they
/// have been `coupled` as they were meant to be, they must be one tree.
fn parents_first(infer: &mut Infer, compartments: &[Compartment], coupled: bool) -> Option<Vec<usize>> {
    let parent = |i: usize| compartments[i].cable.and_then(|p| p.checked_sub(1));
    let mut left: Vec<usize> = (0..compartments.len()).filter(|&i| compartments[i].cable.is_some()).collect();
    let mut order: Vec<usize> = Vec::new();
    while let Some(k) = left.iter().position(|&i| parent(i).is_none_or(|p| order.contains(&p))) {
        order.push(left.remove(k));
    }
    let Some(&i) = left.first() else {
        let alone = |i: &usize| parent(*i).is_none() && compartments[*i].part.is_none();
        let in_a_file = compartments.iter().any(|c| c.part.is_some());
        if let Some(&i) = order.iter().filter(|i| coupled && alone(i)).nth(usize::from(!in_a_file)) {
            let d = Diagnostic::at(Code::E0511, compartments[i].span, "this cable hangs on no other", "a second root");
            infer.diagnostics.push(d.help("the cables of a neuron are one tree: write `couple a <-> b`"));
        }
        return Some(order);
    };
    infer.diagnostics.push(
        Diagnostic::at(
            Code::E0503,
            compartments[i].span,
            "these cables hang on each other in a circle",
            "part of the circle",
        )
        .help("a tree of cables has one root"),
    );
    None
}

impl Checker {
    pub(super) fn cables(&mut self, infer: &mut Infer) {
        let compartments = std::mem::take(&mut self.pending.compartments);
        let Some(order) = parents_first(infer, &compartments, !self.pending.uncoupled) else { return };
        self.follow_distances();
        let mut traced = self.traced(infer, &compartments);
        // So much more are places in the new order than any in the old one.
        let more = compartments.len();
        for (new_index, &i) in order.iter().enumerate() {
            let parent = compartments[i].cable.and_then(|p| p.checked_sub(1));
            let parent = parent.and_then(|p| order.iter().position(|&o| o == p));
            let Some(cable) = self.cable(infer, &compartments[i], parent, traced.remove(&i)) else { continue };
            // For those who look at it from outside.
            if !self.index.contains_key(&format!("{}.distance", cable.name)) {
                self.distance_along(i, compartments[i].span);
            }
            self.out.cables.push(cable);
            for (_, var) in self.out.vars.iter_mut() {
                if var.cable == Some(i) {
                    var.cable = Some(more + new_index);
                }
            }
        }
        for (_, var) in self.out.vars.iter_mut() {
            var.cable = var.cable.map(|c| c.saturating_sub(more));
        }
    }

    /// Returns how far the segments of a cable lie from the root, a variable that each cable has by itself.
    pub(super) fn distance_along(&mut self, cable: usize, span: Span) -> VarId {
        let known = self.out.vars.iter().find(|(_, v)| v.kind == VarKind::Distance && v.cable == Some(cable));
        if let Some((id, _)) = known {
            return id;
        }
        let prefix = self.scopes.iter().find(|s| s.cable == Some(cable)).map_or("", |s| s.prefix.as_str());
        let unit = crate::units::lookup("um");
        let name = format!("{prefix}distance");
        let (kind, dim) = (VarKind::Distance, Dim::LENGTH);
        let id = self.out.vars.push(Var { name, kind, dim, unit, boolean: false, cable: Some(cable), span });
        self.out.along.insert(id);
        id
    }

    /// Finds what follows from distances; what a variable follows from has been defined before it.
    fn follow_distances(&mut self) {
        for (id, var) in &self.out.vars {
            if let (VarKind::Param(Some(e)) | VarKind::State(e), Some(_)) = (&var.kind, var.cable)
                && self.out.any(e, &mut |e| matches!(e, Expr::Var(of) if self.out.along.contains(of)))
            {
                let e = id;
                self.out.along.insert(e);
            }
        }
    }

    /// Resolves a state in one segment of a cable: `soma[0].v`.
    pub(super) fn in_segment(&mut self, infer: &mut Infer, e: &ast::Expr) -> Option<(Expr, Ty)> {
        let mut names: Vec<&Name> = Vec::new();
        let mut at = e;
        while let ExprKind::Member(inner, name) = &at.kind {
            names.insert(0, name);
            at = inner;
        }
        let ExprKind::Index(cable, index) = &at.kind else { return None };
        let (ExprKind::Name(cable), [index]) = (&cable.kind, &index[..]) else { return None };
        let compartment = *self.compartments.get(cable)?;
        self.scopes.iter().find(|s| s.cable == Some(compartment))?;
        let failed = Some((Expr::Num(0.0), Ty::error()));
        let number = infer.number(&mut crate::hir::infer::Nothing, index).0;
        let Some(segment) = crate::hir::infer::fold(&number).filter(|k| *k >= 0.0 && k.fract() == 0.0) else {
            infer.diagnostics.push(
                errors::no_segment(index.span)
                    .help("segments are counted from the root; the number must be known before the run"),
            );
            return failed;
        };
        let path: Vec<&str> = std::iter::once(cable.as_str()).chain(names.iter().map(|n| n.text.as_str())).collect();
        let Some((value, ty)) = self.resolve(infer, &path.join("."), e.span) else {
            let prefix = format!("{cable}.");
            let known: Vec<&str> = self.declared.iter().filter_map(|d| d.name.strip_prefix(&prefix)).collect();
            infer.diagnostics.push(errors::no_member(&format!("`{cable}`"), &path[1..].join("."), e.span, known));
            return failed;
        };
        let Expr::Var(id) = value else { return failed };
        if !matches!(self.out.vars[id].kind, VarKind::State(_)) {
            infer.diagnostics.push(
                crate::diag::unsupported(e.span, "reading what is no state in one segment")
                    .help("states of a segment have values of their own: `soma[0].v`"),
            );
            return failed;
        }
        let kind = VarKind::Segment(id, segment as usize);
        let known = self.out.vars.iter().find(|(_, v)| v.kind == kind).map(|(id, _)| id);
        let name =
            format!("{cable}[{segment}].{}", names.iter().map(|n| n.text.as_str()).collect::<Vec<_>>().join("."));
        let id = known.unwrap_or_else(|| {
            let of = self.out.vars[id].clone();
            self.out.vars.push(Var { name, kind, cable: None, span: e.span, ..of })
        });
        Some((Expr::Var(id), ty))
    }

    /// Refuses what the shape of a cable cannot follow from: what changes in a run, or (of lengths and numbers) differs along it.
    fn refuse_as_shape(&self, infer: &mut Infer, what: &str, e: &Expr, along: bool, span: Span) {
        let mut found = None;
        self.out.any(e, &mut |e| {
            match e {
                Expr::Var(v) if matches!(self.out.vars[*v].kind, VarKind::Param(_) | VarKind::Distance) => {
                    let differs = !along && self.out.varies_along(*v);
                    found = differs.then_some((*v, "differs from segment to segment")).or(found);
                }
                Expr::Var(v) => found = Some((*v, "changes in a run")),
                _ => {}
            }
            false
        });
        if let Some((v, how)) = found {
            let var = &self.out.vars[v];
            let message = format!("{what} of a cable would follow `{}`, which {how}", var.name);
            infer.diagnostics.push(
                Diagnostic::at(Code::E0401, span, message, "must stay the same")
                    .label(var.span, "declared here")
                    .help("let it follow from numbers and parameters"),
            );
        }
    }

    /// Checks what one cable needs: geometry, capacitance, resistance, a potential, and currents.
    fn cable(
        &mut self,
        infer: &mut Infer,
        c: &Compartment,
        parent: Option<usize>,
        traced: Option<Traced>,
    ) -> Option<Cable> {
        let prefix = self.scopes[c.scope].prefix.trim_end_matches('.').to_string();
        let area = Dim::LENGTH.pow(Ratio::new(2, 1));
        let mut need = |this: &mut Self, name: &str, dim: Dim| this.needed_by_cable(infer, c, (&prefix, name), dim);
        let c_m = need(self, "C_m", Dim::CAPACITANCE / area);
        let r_a = need(self, "R_a", Dim::LENGTH / Dim::CONDUCTANCE);
        let v = need(self, "v", Dim::VOLTAGE);
        for (name, id) in [("`C_m`", c_m), ("`R_a`", r_a)] {
            if let Some(id) = id {
                self.refuse_as_shape(infer, name, &Expr::Var(id), true, self.out.vars[id].span);
            }
        }
        let mut geometry = |this: &mut Self, name: &str| match c.part {
            // Of each segment by itself.
            Some(_) => Expr::Num(0.0),
            None => this.cable_geometry(infer, c, &prefix, name),
        };
        let (length, diameter) = (geometry(self, "length"), geometry(self, "diameter"));
        let segments = match (&c.segments, &traced) {
            (_, Some(traced)) => Expr::Num(traced.rows.len() as f64),
            (Some(e), None) => {
                let segments = self.typed(infer, c.scope, Place::Init, e).0;
                self.refuse_as_shape(infer, "the number of segments", &segments, false, e.span);
                segments
            }
            (None, None) => Expr::Num(1.0),
        };
        let (mut density, mut whole) = (Expr::Num(0.0), Expr::Num(0.0));
        for (s, e) in &c.currents {
            (self.scope, self.place) = (*s, Place::Current);
            let (current, of_segment) = self.current(infer, e);
            if let Some(v) = v {
                self.refuse_noisy_conductance(infer, &current, v, e.span);
            }
            let sum = if of_segment { &mut whole } else { &mut density };
            *sum = crate::math::add(std::mem::replace(sum, Expr::Num(0.0)), current);
        }
        let mut injected = Expr::Num(0.0);
        let sections = c.part.as_ref().map_or(1, |part| part.of.count(part.kind));
        for name in &c.injected {
            if sections > 1 {
                let declared = self.index.get(name).map(|d| self.declared[*d].span).unwrap_or(c.span);
                let message = format!("`{prefix}` has {sections} sections, and no middle that `{name}` could enter");
                infer.diagnostics.push(Diagnostic::at(Code::E0511, declared, message, "an input of all of them").help(
                    "let it be a state that may differ from segment to segment: `state I = 0 pA   current = -I`",
                ));
            }
            let id = self.index.get(name).copied().and_then(|d| self.define(infer, d, None));
            if let Some(id) = id.filter(|id| self.out.vars[*id].dim == Dim::CURRENT) {
                self.used.insert(id);
                injected = crate::math::add(injected, Expr::Var(id));
            }
        }
        self.scope = 0;
        let (c_m, r_a, v) = (c_m?, r_a?, v?);
        Some(Cable {
            name: prefix,
            segments,
            length,
            diameter,
            c_m,
            r_a,
            v,
            density,
            whole,
            injected,
            parent,
            traced,
            span: c.span,
        })
    }

    /// Checks a current through the membrane of a cable: per area, or of a whole segment, which is told beside.
    fn current(&mut self, infer: &mut Infer, e: &ast::Expr) -> (Expr, bool) {
        let (current, ty) = infer.number(self, e);
        let per_area = Ty::number(Dim::CURRENT / Dim::LENGTH.pow(Ratio::new(2, 1)));
        let whole = ty.dim == Some(Dim::CURRENT);
        if !whole && !ty.is_error() && !ty.same_dim(&per_area) {
            let d = errors::wrong_unit("a current through a cable's membrane", &per_area, &ty, e.span, None);
            infer.diagnostics.push(d.note("a current in `pA` is that of each segment, one in `uA/cm^2` is per area"));
        }
        (current, whole)
    }

    /// Refuses noise that multiplies the potential, which is solved for.
    fn refuse_noisy_conductance(&self, infer: &mut Infer, current: &Expr, v: VarId, span: Span) {
        let slope = crate::math::derivative(&crate::hir::inline_lets(&self.out, current.clone()), v);
        if slope.any(&mut |e| matches!(e, Expr::Noise(_))) {
            infer.diagnostics.push(
                crate::diag::unsupported(span, "white noise that is multiplied by the potential of a cable").help(
                    "let a conductance follow the noise: `state g = 0 nS   g' = -g / 3 ms + 0.1 nS/ms^0.5 * xi   current = g * v`",
                ),
            );
        }
    }

    /// Finds a variable that a cable must have.
    fn needed_by_cable(
        &mut self,
        infer: &mut Infer,
        c: &Compartment,
        (prefix, name): (&str, &str),
        dim: Dim,
    ) -> Option<VarId> {
        let declared = self.index.get(&format!("{prefix}.{name}")).copied();
        let found = declared.and_then(|d| self.define(infer, d, None));
        match found {
            Some(id) => {
                self.used.insert(id);
                let var = &self.out.vars[id];
                if var.dim != dim {
                    let what = format!("`{name}` of a cable");
                    let d = errors::wrong_unit(&what, &Ty::number(dim), &Ty::of_variable(var), var.span, None);
                    infer.diagnostics.push(d);
                }
            }
            None => {
                let message = format!("cable `{prefix}` needs `{name}`");
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0511, c.span, message, "incomplete cable")
                        .help("declare `param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm` and `state v = -65 mV`"),
                );
            }
        }
        found
    }

    /// The length or diameter of a cable.
    fn cable_geometry(&mut self, infer: &mut Infer, c: &Compartment, prefix: &str, name: &str) -> Expr {
        match c.geometry.iter().find(|(n, _)| n.text == name) {
            Some((_, e)) => {
                self.scope = c.scope;
                let value = infer.quantity(self, e, &format!("`{name}`"), &Ty::number(Dim::LENGTH), None);
                self.refuse_as_shape(infer, &format!("`{name}`"), &value, false, e.span);
                value
            }
            None => {
                let message = format!("cable `{prefix}` needs `{name}`");
                infer.diagnostics.push(
                    Diagnostic::at(Code::E0511, c.span, message, "incomplete cable")
                        .help(format!("write `{name} 20 um` in the compartment")),
                );
                Expr::Num(1.0)
            }
        }
    }

    /// Refuses what the kernels of cable segments do not have: all segments of other cables, what enters the middle, events and draws.
    pub(super) fn cable_limits(&mut self, infer: &mut Infer) {
        let out = &self.out;
        let foreign = |e: &Expr, cable: usize, arrivals: bool| {
            let elsewhere = |v: VarId| out.vars[v].cable.is_some_and(|c| c != cable);
            out.any(e, &mut |e| match e {
                Expr::Var(v) => match out.vars[*v].kind {
                    VarKind::Param(_) => out.varies_along(*v) && elsewhere(*v),
                    VarKind::State(_) => elsewhere(*v) && out.reads_segments(e),
                    VarKind::Distance => elsewhere(*v),
                    VarKind::EventPort => !arrivals || out.vars[*v].cable != Some(cable),
                    VarKind::AnalogPort(_) => out.cables.get(cable).is_some_and(|c| c.injected.mentions(*v)),
                    VarKind::Segment(..) => false,
                    _ => true,
                },
                Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) => true,
                _ => false,
            })
        };
        // What arrives is added when the segments have been advanced, by a kernel that has nothing but the segment.
        let scaled = |e: &Expr, cable: usize| {
            let ports = out.vars.iter().filter(|(_, v)| matches!(v.kind, VarKind::EventPort) && v.cable == Some(cable));
            let mut factors = ports.map(|(port, _)| crate::math::derivative(&inline_lets(out, e.clone()), port));
            factors.any(|factor| {
                factor.any(&mut |e| match e {
                    Expr::Var(v) => match out.vars[*v].kind {
                        VarKind::State(_) => out.vars[*v].cable != Some(cable),
                        VarKind::AnalogPort(_) | VarKind::Segment(..) => true,
                        _ => false,
                    },
                    Expr::Time | Expr::Noise(_) => true,
                    _ => false,
                })
            })
        };
        let arrives = |e: &Expr| {
            out.any(e, &mut |e| matches!(e, Expr::Var(v) if out.vars[*v].cable.is_some() && matches!(out.vars[*v].kind, VarKind::EventPort)))
        };
        let refuse = |span: Span, what: &str| crate::diag::unsupported(span, what);
        let mut found: Vec<Diagnostic> = Vec::new();
        for eq in &out.equations {
            match out.vars[eq.state].cable {
                Some(c) if out.cables.get(c).is_some_and(|cable| cable.v == eq.state) => {
                    found.push(refuse(eq.span, "an equation for the potential of a cable"));
                }
                Some(c) if foreign(&eq.rhs, c, true) => {
                    found.push(refuse(
                        eq.span,
                        "an equation of a cable that reads all segments of another, what enters its middle, events of the cell or draws",
                    ));
                }
                Some(c) if scaled(&eq.rhs, c) => {
                    found.push(refuse(
                        eq.span,
                        "an event input of a cable that is multiplied by time, noise or what is not its segment's own",
                    ));
                }
                None if arrives(&eq.rhs) => {
                    found.push(refuse(eq.span, "an event input of a cable elsewhere than in the cable"));
                }
                None if out.reads_segments(&eq.rhs) => {
                    found.push(refuse(eq.span, "reading a cable of several segments here"));
                }
                _ => {}
            }
        }
        for (c, cable) in out.cables.iter().enumerate() {
            if foreign(&cable.density, c, false) || foreign(&cable.whole, c, false) {
                let span = out.vars[cable.v].span;
                found.push(refuse(
                    span,
                    "a membrane current of a cable that reads all segments of another, what enters its middle, events of the cell or draws",
                ));
            }
        }
        let mut reads: Vec<Expr> = Vec::new();
        for emit in &out.emits {
            let event = out.events[emit.event].span;
            let (mut assigned, mut held) = (Vec::new(), Vec::new());
            effects(&emit.body, (&mut assigned, &mut held), &mut reads);
            let of_one = |v: VarId| {
                let cable = out.vars[v].cable.and_then(|c| out.cables.get(c));
                cable.is_none_or(|c| crate::math::eval(&c.segments, &|_| None, None) == Some(1.0))
            };
            if assigned.iter().chain(&held).any(|v| !of_one(*v)) {
                let d = refuse(event, "a handler that changes or holds all segments of a cable");
                found.push(d.help(
                    "events change and hold the states of cables of one segment, `compartment soma { length … }`",
                ));
            }
            if held.iter().any(|v| out.vars[*v].cable.is_some() && !out.cables.iter().any(|c| c.v == *v)) {
                found.push(refuse(event, "holding another state of a cable than its potential"));
            }
            if reads.drain(..).any(|e| out.reads_segments(&e)) {
                found.push(refuse(event, "reading a cable of several segments in a handler"));
            }
        }
        found.into_iter().for_each(|d| infer.diagnostics.push(d));
    }
}

/// Collects what statements assign to and what they hold, and the expressions they read.
fn effects(body: &[Stmt], (assigned, held): (&mut Vec<VarId>, &mut Vec<VarId>), reads: &mut Vec<Expr>) {
    for s in body {
        match s {
            Stmt::Assign(v, e) => {
                assigned.push(*v);
                reads.push(e.clone());
            }
            Stmt::Hold(v, e, _) => {
                held.push(*v);
                reads.push(e.clone());
            }
            Stmt::Mute(_, e, _) | Stmt::Deliver(e) => reads.push(e.clone()),
            Stmt::Rewire => {}
            Stmt::If(c, a, b) => {
                reads.push(c.clone());
                effects(a, (assigned, held), reads);
                effects(b, (assigned, held), reads);
            }
        }
    }
}
