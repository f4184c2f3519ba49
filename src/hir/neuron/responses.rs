//! `convolve(exc, KERNEL, over = TIME)`: responses to events with a kernel that ends.

use super::*;

/// The name of the function.
pub(super) const CONVOLVE: &str = "convolve";

/// What the age of an event is called in a kernel.
pub(super) const AGE: &str = "age";

const USE: &str = "write `convolve(exc, exp(-age / 5 ms), over = 20 ms)`";

impl Checker {
    /// Resolves a response to the impulses at an input, or to events of the cell.
    pub(super) fn response(&mut self, infer: &mut Infer, args: &[ast::Arg], span: Span) -> Option<(Expr, Ty)> {
        let names: Vec<Option<&str>> = args.iter().map(|a| a.name.as_ref().map(|n| n.text.as_str())).collect();
        let ([of, kernel, over], [None, None, Some("over")]) = (args, &names[..]) else {
            return refuse(infer, span, "takes an input or an event, a kernel, and how long it is");
        };
        let Some((to, name, dim)) = self.cause(infer, &of.value) else {
            return refuse(infer, of.value.span, "is of an event input of the cell, or of an event of its own");
        };
        let outer = std::mem::replace(&mut self.in_kernel, true);
        let (kernel, ty) = infer.number(self, &kernel.value);
        self.in_kernel = outer;
        let length = infer.time(self, &over.value, "the length of a kernel");
        let length = crate::math::eval(&length, &|_| None, None).filter(|over| *over > 0.0 && over.is_finite());
        let Some(over) = length else {
            return refuse(infer, over.value.span, "has a kernel whose length is a positive constant");
        };
        let of_a_step = |e: &Expr| matches!(e, Expr::Since(_) | Expr::Fired(_) | Expr::Draw(..) | Expr::Noise(_));
        if kernel.any(&mut |e| of_a_step(e)) {
            return refuse(infer, args[1].span(), "has a kernel without events, noise and draws");
        }
        let (Some(unit), false) = (ty.dim, ty.is_error()) else { return Some((Expr::Num(0.0), Ty::error())) };
        let dim = dim * unit;
        let kind = VarKind::Response(Box::new(Response { to, kernel, over }));
        let found = self.out.vars.iter().find(|(_, v)| v.kind == kind).map(|(id, _)| id);
        let id = found.unwrap_or_else(|| {
            let name = format!("convolve({name})");
            self.out.vars.push(Var { name, kind, dim, unit: None, boolean: false, cable: None, span })
        });
        Some((Expr::Var(id), Ty::number(dim)))
    }

    /// Finds what is convolved: its name, and the dimension of an impulse.
    fn cause(&mut self, infer: &mut Infer, of: &ast::Expr) -> Option<(Cause, String, Dim)> {
        let name = dotted(of)?;
        let port = self.lookup(self.scope, &name).filter(|i| matches!(self.declared[*i].kind, DeclKind::EventInput(_)));
        if let Some(id) = port.and_then(|i| self.define(infer, i, Some(of.span))) {
            self.used.insert(id);
            return self.out.vars[id].cable.is_none().then(|| (Cause::Port(id), name, self.out.vars[id].dim));
        }
        self.out.event(&name).map(|event| (Cause::Event(event), name, Dim::ONE))
    }

    /// Resolves the age of an event in a kernel, where time has no other meaning.
    pub(super) fn of_kernel(&self, infer: &mut Infer, name: &str, span: Span) -> Option<(Expr, Ty)> {
        let time = Ty { unit: crate::units::lookup("ms"), ..Ty::number(Dim::TIME) };
        if name == AGE {
            if let Some(i) = self.lookup(self.scope, AGE) {
                let d = Diagnostic::at(Code::E0401, span, "in a kernel `age` is the time since the event", "this one?")
                    .label(self.declared[i].span, "a variable of the cell, too");
                infer.diagnostics.push(d.help("give the variable another name"));
            }
            return Some((Expr::Time, time));
        }
        (name == "t").then(|| {
            let d = Diagnostic::at(Code::E0401, span, "a kernel does not depend on `t`", "the time of the experiment");
            infer.diagnostics.push(d.help("`age` is the time since the event"));
            (Expr::Num(0.0), Ty::error())
        })
    }
}

fn refuse(infer: &mut Infer, span: Span, why: &str) -> Option<(Expr, Ty)> {
    infer.diagnostics.push(Diagnostic::at(Code::E0401, span, format!("`convolve` {why}"), "not this").help(USE));
    Some((Expr::Num(0.0), Ty::error()))
}
