//! Drives: what is sent to which ports.

use super::model::{Drive, Process, Sends};
use super::projection::{is_connect, once, placed, single, target_port};
use super::world::{World, elementwise};
use crate::diag::{Code, Diagnostic};
use crate::hir::infer::Infer;
use crate::hir::{Kind, Ty, Var, VarKind, errors};
use crate::source::Span;
use crate::syntax::ast::{self, Clause};
use crate::units::Dim;

/// Checks a drive; also used by experiments.
pub fn drive(infer: &mut Infer, world: &mut World, d: &ast::Drive) -> Option<Drive> {
    once(infer, &d.clauses);
    let mut targets = Vec::new();
    let mut ports: Vec<Var> = Vec::new();
    for v in &d.targets {
        let Some((cells, neuron, Some(port))) = target_port(infer, world, v, false) else { continue };
        let var = &neuron.vars[port];
        if !matches!(var.kind, VarKind::EventPort) {
            infer.diagnostics.push(
                Diagnostic::at(
                    Code::E0608,
                    v.span,
                    format!("a drive sends events, but `{}` is an analog port", var.name),
                    "this target",
                )
                .label(var.span, "the port")
                .help("assign an analog port in the experiment: `net.exc.I = 3 pA`"),
            );
        }
        ports.push(var.clone());
        targets.push((cells, port));
    }
    let (mut sends, mut weight, mut delay, mut site) = (None, None, None, None);
    for clause in &d.clauses {
        match clause {
            Clause::Place(at, span) => {
                for port in &ports {
                    site = world.within(true, false, |world| placed(infer, world, at, Some(port), *span));
                }
            }
            Clause::Random(process, e) => {
                let rate =
                    world.within(true, true, |world| infer.typed_quantity(world, e, "the rate", &Ty::rate(), None));
                elementwise(infer, &rate);
                let process = match process {
                    ast::Process::Poisson => Process::Poisson,
                    ast::Process::Bernoulli => Process::Bernoulli,
                };
                sends = Some(Sends::Random(process, rate));
            }
            Clause::Spikes(e) => {
                let typed = infer.typed(world, e);
                let table = typed.ty.kind == Kind::Table;
                if !typed.is_error() && !table && (typed.ty.kind != Kind::Number || !typed.ty.same_dim(&Ty::time())) {
                    infer.diagnostics.push(errors::time_needed("a spike", &typed.ty, e.span));
                }
                sends = Some(Sends::Spikes(typed));
            }
            Clause::Weight(value, _) => {
                for port in &ports {
                    let ty = Ty::of_variable(port);
                    weight = Some(world.within(true, false, |world| world.value(infer, value, "the weight", &ty)));
                }
            }
            Clause::Delay(ast::Value::Expr(e), false, _) => {
                delay = Some(infer.typed_one_time(world, e, "the delay of a drive"));
            }
            Clause::Delay(_, _, span) => {
                infer.diagnostics.push(crate::diag::unsupported(*span, "a drawn or dendritic delay of a drive"));
            }
            Clause::Store(_) | Clause::Modulator(..) | Clause::Init(..) => {
                if let Some((what, span)) = single(clause) {
                    infer.diagnostics.push(foreign(what, span));
                }
            }
            other if is_connect(other) => {
                if let Some((what, span)) = single(other) {
                    infer.diagnostics.push(foreign(what, span));
                }
            }
            _ => {}
        }
    }
    if let (Some(Sends::Random(..)), Some(delay)) = (&sends, &delay) {
        infer.diagnostics.push(
            crate::diag::unsupported(delay.span, "a delay of random events")
                .help("leave it out: it changes nothing but the first events, or shift the rate's `t`"),
        );
    }
    if weight.is_none()
        && let Some(sends) = &sends
    {
        infer.diagnostics.extend(weightless(sends, &ports, d.span));
    }
    let Some(sends) = sends else {
        infer.diagnostics.push(
            Diagnostic::at(Code::E0605, d.span, "this drive does not say what it sends", "no `poisson` or `spikes`")
                .help("add `poisson 8 Hz` or `spikes [1 ms, 5 ms]`"),
        );
        return None;
    };
    Some(Drive { targets, sends, weight, delay, site: site.map(Box::new), span: d.span })
}

fn foreign(what: &str, span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0204, span, format!("a drive has no `{what}`"), "belongs to a projection")
        .note("it takes `poisson`, `bernoulli` or `spikes`, `weight`, and for spikes `delay`")
}

/// Refuses events without a weight where a port has a unit: elsewhere each counts one, and a table may have a column of weights.
fn weightless(sends: &Sends, ports: &[Var], span: Span) -> Option<Diagnostic> {
    if matches!(sends, Sends::Spikes(e) if e.ty.kind == Kind::Table || e.is_error()) {
        return None;
    }
    let port = ports.iter().find(|port| port.dim != Dim::ONE)?;
    let unit = port.unit.clone().unwrap_or_else(|| crate::units::canonical_unit(port.dim));
    Some(
        Diagnostic::at(Code::E0212, span, "this drive has no weight", "value missing")
            .label(port.span, "the port")
            .help(format!("say what each event adds to `{0}`: `weight 1 {1}`", port.name, unit.name)),
    )
}
