//! What nothing uses: variables of cells, handlers that wait for a signal where an event was meant, windows that no experiment has, and
//! statements after the last run.
//!
//! They are known only when networks and experiments have been checked, too.

use super::experiment::model::{BlockId, Experiment, Statement, StatementKind};
use super::network::model::{Item, Local, Network, Parameter, Value};
use super::typed::{Expr, ExprKind, LocalId};
use super::{Kind, Module, Side, Synapse, Trigger, VarId, VarKind, overwritten};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::source::Span;
use std::collections::HashSet;

/// Warns of them.
pub fn report(module: &Module, diagnostics: &mut Diagnostics) {
    if diagnostics.has_errors() {
        return;
    }
    let read = read_from_outside(module);
    for (name, neuron) in &module.neurons {
        let unread = neuron.unused.iter().filter(|(v, _)| !read.contains(&(name.clone(), *v)));
        diagnostics.extend(unread.map(|(_, d)| d.clone()));
    }
    unread(module, diagnostics);
    unsent(module, diagnostics);
    undelivered(module, diagnostics);
    unopened(module, diagnostics);
    for e in module.experiments.iter().chain(&module.tests) {
        too_late(e, diagnostics);
        overwritten::report(e, diagnostics);
    }
}

/// Warns of parameters and values of networks and experiments that nothing reads, neither there nor from outside.
fn unread(module: &Module, diagnostics: &mut Diagnostics) {
    let experiments = || module.experiments.iter().chain(&module.tests);
    let of_experiments = experiments().flat_map(|e| &e.reads);
    let read: HashSet<&(String, String)> =
        of_experiments.chain(module.networks.values().flat_map(|n| &n.reads)).collect();
    let mut warn = |p: &Parameter, of: &str| {
        let message = format!("parameter `{}` of {of} is never used", p.name);
        diagnostics.push(Diagnostic::at(Code::W0201, p.span, message, "unused").help("remove it, or use it"));
    };
    for (name, network) in &module.networks {
        let own = network.params.iter().filter(|p| !network.locals[p.id].read);
        let own = own.filter(|p| !read.contains(&(name.clone(), p.name.clone())));
        own.for_each(|p| warn(p, &format!("network `{name}`")));
    }
    for e in experiments() {
        let own = e.params.iter().filter(|p| !e.locals[p.id].read);
        own.for_each(|p| warn(p, &format!("experiment `{}`", e.name)));
    }
    for e in experiments() {
        let lets = e.blocks.iter().flatten().filter_map(|s| match &s.kind {
            StatementKind::Let(id, _) | StatementKind::LetOver(id, ..) => Some(&e.locals[*id]),
            _ => None,
        });
        lets.filter(|local| !local.read).for_each(|local| diagnostics.push(never_used(local)));
    }
    // A network of a file without experiments is there for others, who may read what it names.
    if let Some(root) = experiments().next() {
        let told = unread_of_networks(module, &read).into_iter().filter(|local| local.span.file == root.span.file);
        told.for_each(|local| diagnostics.push(never_used(local)));
    }
}

fn never_used(local: &Local) -> Diagnostic {
    let message = format!("`{}` is never used", local.name);
    Diagnostic::at(Code::W0201, local.span, message, "unused").help("remove it, or use it")
}

/// Returns the values of networks that nothing reads. A variant is a copy, so that one use is enough for all of them.
fn unread_of_networks<'a>(module: &'a Module, read: &HashSet<&(String, String)>) -> Vec<&'a Local> {
    let (mut unread, mut used_places) = (Vec::new(), HashSet::new());
    for (name, n) in &module.networks {
        let is_read = |id: &LocalId| {
            let local = &n.locals[*id];
            local.read || n.members.get(&local.name) == Some(id) && read.contains(&(name.clone(), local.name.clone()))
        };
        let used: HashSet<LocalId> = n.locals.keys().filter(is_read).collect();
        let mut lets = Vec::new();
        unread_lets(&n.body, n, &used, &mut lets);
        unread.extend(lets.into_iter().map(|id| &n.locals[id]));
        used_places.extend(used.iter().map(|id| n.locals[*id].span));
    }
    unread.retain(|local| !used_places.contains(&local.span));
    unread
}

/// Collects the values of a network that nothing reads; those of two branches are one name.
fn unread_lets(body: &[Item], network: &Network, used: &HashSet<LocalId>, out: &mut Vec<LocalId>) {
    for item in body {
        match item {
            Item::Let(id, e) => match e.kind {
                // The name that both branches give a value.
                ExprKind::Local(of) if network.locals[of].span == e.span => {
                    out.retain(|other| *other != of || !used.contains(id));
                }
                _ if used.contains(id) || matches!(e.ty.kind, Kind::Population(_)) => {}
                _ => out.push(*id),
            },
            Item::For { body, .. } => unread_lets(body, network, used, out),
            Item::If(_, a, b) => {
                unread_lets(a, network, used, out);
                unread_lets(b, network, used, out);
            }
            _ => {}
        }
    }
}

/// Warns of what waits for time to pass where none does any more; of experiments without time nothing is said, because who asks for
/// one from outside may go on with it.
fn too_late(e: &Experiment, diagnostics: &mut Diagnostics) {
    if passes(e, 0) {
        after_the_end(e, 0, (false, false), diagnostics);
    }
}

/// Returns whether a statement makes something or may draw numbers, in which case it matters what they begin from.
fn draws(e: &Experiment, s: &Statement) -> bool {
    use StatementKind as S;
    let drawing = |name: &str| matches!(name, "shuffle" | "random_crop" | "random_flip");
    let calls = |e: &Expr| e.any(&|e| matches!(&e.kind, ExprKind::Call(b, ..) if drawing(b.name)));
    match &s.kind {
        S::Network { .. } | S::Environment(_) | S::Act(..) | S::Reset(_) | S::Drive(_) => true,
        S::LetOver(..) | S::Measure(_, _, Some(_)) | S::Let(_, Value::Drawn(_)) => true,
        S::For { range, .. } if calls(range) => true,
        S::Set(_, _, Value::Drawn(_)) => true,
        S::Let(_, Value::Expr(e)) | S::Set(_, _, Value::Expr(e)) => calls(e),
        S::Measure(_, e, None) | S::Expect(e) => calls(e),
        kind => kind.blocks().into_iter().any(|block| e.blocks[block].iter().any(|s| draws(e, s))),
    }
}

/// Returns whether time passes in a block.
fn passes(e: &Experiment, block: BlockId) -> bool {
    e.blocks[block].iter().any(|s| {
        let own = matches!(s.kind, StatementKind::Run(_) | StatementKind::Step | StatementKind::Settle(..));
        own || s.kind.blocks().into_iter().any(|inner| passes(e, inner))
    })
}

/// Warns of them in a block after which time passes or does not.
fn after_the_end(e: &Experiment, block: BlockId, (mut later, mut sown): (bool, bool), diagnostics: &mut Diagnostics) {
    use StatementKind as S;
    let mut reseeded = false;
    for s in e.blocks[block].iter().rev() {
        let idle = match &s.kind {
            S::Record { .. } => Some("nothing is recorded"),
            S::At(..) => Some("this never happens"),
            S::Drive(_) => Some("nothing is sent"),
            _ => None,
        };
        if let S::Seed(_) = &s.kind {
            if !sown {
                let (until, label) = if reseeded { (" before the next one", "of no use") } else { ("", "too late") };
                let message = format!("this seed has no effect: nothing is made or drawn after it{until}");
                let d = Diagnostic::at(Code::W0205, s.span, message, label);
                diagnostics.push(d.help("write it before the `network` that is to be made from it"));
            }
            (sown, reseeded) = (false, true);
        }
        sown |= draws(e, s);
        if let (Some(what), false) = (idle, later) {
            let d =
                Diagnostic::at(Code::W0205, s.span, format!("{what}: no time passes any more"), "after the last `run`");
            diagnostics.push(d.help("write it before the `run`"));
        }
        let inner = s.kind.blocks();
        let passing = |block: &BlockId| passes(e, *block);
        // Turns of a loop come before the next ones, and what stands in `at` happens while time passes.
        let again =
            !matches!(s.kind, S::If(..) | S::Window(..)) && inner.iter().any(passing) || matches!(s.kind, S::At(..));
        let sown_again = sown || inner.iter().any(|block| e.blocks[*block].iter().any(|s| draws(e, s)));
        inner.iter().for_each(|block| after_the_end(e, *block, (later || again, sown_again), diagnostics));
        later |= matches!(s.kind, S::Run(_) | S::Step | S::Settle(..)) || inner.iter().any(passing);
    }
}

/// The neuron model of an expression's cells.
fn model_of(cells: &Expr) -> Option<&str> {
    match &cells.ty.kind {
        Kind::Population(model) => Some(model),
        _ => None,
    }
}

/// Variables of cells that synapses and modulators read, by the cells' model.
fn read_from_outside(module: &Module) -> HashSet<(String, VarId)> {
    let mut out = HashSet::new();
    for c in module.networks.values().flat_map(|n| n.connections()) {
        for var in c.synapse.vars.values() {
            let (cells, v) = match var.kind {
                VarKind::Pre(v) => (&c.pre, v),
                VarKind::Post(v) => (&c.post, v),
                _ => continue,
            };
            out.extend(model_of(cells).map(|model| (model.to_string(), v)));
        }
        for (_, e) in &c.modulators {
            if let ExprKind::Variable { of, id, .. } = &e.kind {
                out.extend(model_of(of).map(|model| (model.to_string(), *id)));
            }
        }
    }
    out
}

/// Warns of handlers of signals that nobody sends and that have the name of an event of one of the cells.
fn unsent(module: &Module, diagnostics: &mut Diagnostics) {
    let statements = module.experiments.iter().chain(&module.tests).flat_map(|e| e.blocks.iter().flatten());
    let sent: HashSet<&str> = statements
        .filter_map(|s| match &s.kind {
            StatementKind::Signal(name, _) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    for neuron in module.neurons.values() {
        for h in neuron.handlers.iter().filter(|h| !sent.contains(h.signal.as_str())) {
            if neuron.event(&h.signal).is_some() {
                let message = format!("nothing sends the signal `{}`, so this never runs", h.signal);
                let d = Diagnostic::at(Code::W0203, h.span, message, "waits for a signal, not for an event");
                diagnostics
                    .push(d.help(format!("what follows the event stands with it: `emit {} when … {{ … }}`", h.signal)));
            }
        }
    }
    for c in module.networks.values().flat_map(|n| n.connections()) {
        let emits = |cells: &Expr, event: &str| {
            let neuron = model_of(cells).and_then(|model| module.neurons.get(model));
            neuron.is_some_and(|n| n.event(event).is_some())
        };
        for (name, span) in signals(&c.synapse).filter(|(name, _)| !sent.contains(name)) {
            let (pre, post) = (emits(&c.pre, name), emits(&c.post, name));
            let meant = match (pre, post) {
                (true, true) => format!("`on pre.{name}` or `on post.{name}`"),
                (true, false) => format!("`on pre.{name}`"),
                (false, true) => format!("`on post.{name}`"),
                (false, false) => continue,
            };
            let message = format!("nothing sends the signal `{name}`, so this never runs");
            diagnostics.push(
                Diagnostic::at(Code::W0203, span, message, "waits for a signal, not for an event")
                    .label(c.span, "in this projection")
                    .help(format!("for the event write {meant}")),
            );
        }
    }
}

/// Warns of synapses that hear an event of the sending cell, onto a port that nothing of it ever reaches.
fn undelivered(module: &Module, diagnostics: &mut Diagnostics) {
    for c in module.networks.values().flat_map(|n| n.connections()) {
        let heard = c.synapse.handlers.iter().find(|h| matches!(h.trigger, Trigger::Cell(Side::Pre, _)));
        let port = c.port.and_then(|port| Some(&module.neurons.get(model_of(&c.post)?)?.vars[port]));
        let (Some(port), Some(heard)) = (port, heard) else { continue };
        // A weight in another unit than the port's is not meant to be delivered.
        let meant = c.synapse.weight().is_some_and(|w| c.synapse.vars[w].dim == port.dim);
        if c.synapse.delivers() || !meant {
            continue;
        }
        let message = format!("`{}` never delivers anything", c.synapse.name);
        let d = Diagnostic::at(Code::W0206, heard.span, message, "hears the event, and sends nothing on");
        let onto = format!("nothing reaches `{}` through this projection", port.name);
        diagnostics.push(d.label(c.span, onto).help("write `deliver w` in the handler of the event"));
    }
}

/// Warns of what cells and synapses of networks take of windows that no experiment has, where there are experiments.
fn unopened(module: &Module, diagnostics: &mut Diagnostics) {
    let mut experiments = module.experiments.iter().chain(&module.tests).peekable();
    if experiments.peek().is_none() {
        return;
    }
    let windows: Vec<&str> = experiments
        .flat_map(|e| e.blocks.iter().flatten())
        .filter_map(|s| match &s.kind {
            StatementKind::Window(name, _) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let mut taken: Vec<(&str, Span)> = Vec::new();
    module.networks.values().for_each(|n| n.windows(&mut taken));
    taken.sort_by_key(|(name, span)| (span.file, span.start, *name));
    taken.dedup();
    for (name, span) in taken.into_iter().filter(|(name, _)| !windows.contains(name)) {
        let message = format!("no experiment has a window `{name}`");
        let d = Diagnostic::at(Code::W0204, span, message, "stays what it is at the beginning");
        let near = crate::diag::nearest(name, windows.iter().copied()).map(|n| format!("did you mean `{n}`?"));
        diagnostics.push(d.help(near.unwrap_or_else(|| format!("write `window {name} {{ … }}` in the experiment"))));
    }
}

fn signals(s: &Synapse) -> impl Iterator<Item = (&str, crate::source::Span)> {
    s.handlers.iter().filter_map(|h| match &h.trigger {
        Trigger::Signal(name) => Some((name.as_str(), h.span)),
        Trigger::Cell(..) => None,
    })
}
