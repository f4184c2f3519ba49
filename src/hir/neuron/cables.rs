//! Cable compartments: geometry, membrane currents, and what their kernels do not have yet.

use super::*;

/// Orders cables so that each comes after the one it hangs on, whatever the order of declaration; none where they hang in a circle.
fn parents_first(infer: &mut Infer, compartments: &[Compartment]) -> Option<Vec<usize>> {
    let parent = |i: usize| compartments[i].cable.and_then(|p| p.checked_sub(1));
    let mut left: Vec<usize> = (0..compartments.len()).filter(|&i| compartments[i].cable.is_some()).collect();
    let mut order: Vec<usize> = Vec::new();
    while let Some(k) = left.iter().position(|&i| parent(i).is_none_or(|p| order.contains(&p))) {
        order.push(left.remove(k));
    }
    let Some(&i) = left.first() else { return Some(order) };
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
        let Some(order) = parents_first(infer, &compartments) else { return };
        for (new_index, &i) in order.iter().enumerate() {
            let parent = compartments[i].cable.and_then(|p| p.checked_sub(1));
            let parent = parent.and_then(|p| order.iter().position(|&o| o == p));
            let Some(cable) = self.cable(infer, &compartments[i], parent) else { continue };
            self.out.cables.push(cable);
            for (_, var) in self.out.vars.iter_mut() {
                if var.cable == Some(i) {
                    var.cable = Some(1000 + new_index);
                }
            }
        }
        for (_, var) in self.out.vars.iter_mut() {
            var.cable = var.cable.map(|c| c.saturating_sub(1000));
        }
    }

    /// Checks what one cable needs: geometry, capacitance, resistance, a potential, and currents.
    fn cable(&mut self, infer: &mut Infer, c: &Compartment, parent: Option<usize>) -> Option<Cable> {
        let prefix = self.scopes[c.scope].prefix.trim_end_matches('.').to_string();
        let mut need = |this: &mut Self, name: &str| this.needed_by_cable(infer, c, &prefix, name);
        let (c_m, r_a, v) = (need(self, "C_m"), need(self, "R_a"), need(self, "v"));
        let mut geometry = |this: &mut Self, name: &str| this.cable_geometry(infer, c, &prefix, name);
        let (length, diameter) = (geometry(self, "length"), geometry(self, "diameter"));
        let segments = match &c.segments {
            Some(e) => self.typed(infer, c.scope, Place::Init, e).0,
            None => Expr::Num(1.0),
        };
        let (mut density, mut whole) = (Expr::Num(0.0), Expr::Num(0.0));
        for (s, e) in &c.currents {
            (self.scope, self.place) = (*s, Place::Let);
            let (current, of_segment) = self.current(infer, e);
            let sum = if of_segment { &mut whole } else { &mut density };
            *sum = crate::math::add(std::mem::replace(sum, Expr::Num(0.0)), current);
        }
        let mut injected = Expr::Num(0.0);
        for name in &c.injected {
            let id = self.index.get(name).copied().and_then(|d| self.define(infer, d, None));
            if let Some(id) = id.filter(|id| self.out.vars[*id].dim == Dim::CURRENT) {
                self.used.insert(id);
                injected = crate::math::add(injected, Expr::Var(id));
            }
        }
        self.scope = 0;
        let (c_m, r_a, v) = (c_m?, r_a?, v?);
        Some(Cable { name: prefix, segments, length, diameter, c_m, r_a, v, density, whole, injected, parent })
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

    /// Finds a variable that a cable must have.
    fn needed_by_cable(&mut self, infer: &mut Infer, c: &Compartment, prefix: &str, name: &str) -> Option<VarId> {
        let declared = self.index.get(&format!("{prefix}.{name}")).copied();
        let found = declared.and_then(|d| self.define(infer, d, None));
        match found {
            Some(id) => {
                self.used.insert(id);
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
                infer.quantity(self, e, &format!("`{name}`"), &Ty::number(Dim::LENGTH), None)
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

    /// Refuses what the kernels of cable segments do not have: other compartments' states, events, noise and time.
    pub(super) fn cable_limits(&mut self, infer: &mut Infer) {
        let out = &self.out;
        let foreign = |e: &Expr, cable: usize, arrivals: bool| {
            out.any(e, &mut |e| match e {
                Expr::Var(v) => match out.vars[*v].kind {
                    VarKind::Param(_) => false,
                    VarKind::State(_) => out.vars[*v].cable != Some(cable),
                    VarKind::EventPort => !arrivals || out.vars[*v].cable != Some(cable),
                    _ => true,
                },
                Expr::Time | Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_) => true,
                _ => false,
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
                        "an equation of a cable that needs more than its own states, parameters and event inputs",
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
                    "a membrane current of a cable that needs more than its own states and parameters",
                ));
            }
        }
        let mut reads: Vec<Expr> = Vec::new();
        for emit in &out.emits {
            let event = out.events[emit.event].span;
            let mut writes = Vec::new();
            effects(&emit.body, &mut writes, &mut reads);
            if writes.iter().any(|v| out.vars[*v].cable.is_some()) {
                found.push(refuse(event, "a handler that changes or holds a state of a cable"));
            }
            if reads.drain(..).any(|e| out.reads_segments(&e)) {
                found.push(refuse(event, "reading a cable of several segments in a handler"));
            }
        }
        found.into_iter().for_each(|d| infer.diagnostics.push(d));
    }
}

/// Collects what statements write and the expressions they read.
fn effects(body: &[Stmt], writes: &mut Vec<VarId>, reads: &mut Vec<Expr>) {
    for s in body {
        match s {
            Stmt::Assign(v, e) | Stmt::Hold(v, e, _) => {
                writes.push(*v);
                reads.push(e.clone());
            }
            Stmt::Mute(_, e, _) | Stmt::Deliver(e) => reads.push(e.clone()),
            Stmt::Rewire => {}
            Stmt::If(c, a, b) => {
                reads.push(c.clone());
                effects(a, writes, reads);
                effects(b, writes, reads);
            }
        }
    }
}
