//! Cables whose shape a file gives: a compartment for the sections of each kind, `soma`, `axon`, `basal`, `apical`.

use super::*;
use crate::hir::shape::Traced;
use crate::math::eval_through;
use std::collections::BTreeMap;

/// What a cable's body says of sections of one kind.
fn of_kind(body: &[ModelItem], kind: &str) -> Vec<ModelItem> {
    let each = body.iter().flat_map(|item| match item {
        ModelItem::Sections(kinds, inner) if kinds.iter().any(|k| k.text == kind) => of_kind(inner, kind),
        ModelItem::Sections(..) => Vec::new(),
        other => vec![other.clone()],
    });
    each.collect()
}

/// All names of kinds in a body.
fn kinds_named<'a>(body: &'a [ModelItem], out: &mut Vec<&'a Name>) {
    for item in body {
        if let ModelItem::Sections(kinds, inner) = item {
            out.extend(kinds);
            kinds_named(inner, out);
        }
    }
}

impl Checker {
    /// Declares the parts of a cable whose shape is a morphology.
    pub(super) fn parts(&mut self, infer: &mut Infer, name: &Name, body: &[ModelItem], span: Span, scope: usize) {
        let Some(of) = infer.module.morphologies.get(&name.text).cloned() else {
            let known: Vec<&str> = infer.module.morphologies.keys().map(String::as_str).collect();
            infer.diagnostics.push(errors::unknown_model("morphology", name, known));
            return;
        };
        if scope != 0 || self.pending.compartments.iter().any(|c| c.part.is_some()) {
            let message = format!("`{}` is not the only shape of this cell", name.text);
            infer.diagnostics.push(
                Diagnostic::at(Code::E0511, name.span, message, "a neuron has one morphology")
                    .help("let one `cable` stand in the neuron itself, not within a compartment"),
            );
            return;
        }
        let kinds = of.kinds();
        let known: Vec<String> = kinds.iter().map(ToString::to_string).collect();
        let mut named = Vec::new();
        kinds_named(body, &mut named);
        for kind in named.into_iter().filter(|kind| !known.contains(&kind.text)) {
            let owner = format!("morphology `{}`", of.name);
            infer.diagnostics.push(errors::no_member(&owner, &kind.text, kind.span, known.iter().map(String::as_str)));
        }
        for kind in kinds {
            let part = Name { text: kind.to_string(), span: name.span };
            if let Some(&first) = self.compartments.get(&part.text) {
                let first = self.pending.compartments[first].span;
                infer.diagnostics.push(errors::declared_twice(&part.text, name.span, first));
                continue;
            }
            let (index, inner) = (self.pending.compartments.len(), self.scopes.len());
            self.scopes.push(Scope {
                prefix: format!("{part}.", part = part.text),
                parent: Some(scope),
                bound: HashMap::new(),
                cable: Some(index),
            });
            self.pending.compartments.push(Compartment {
                scope: inner,
                span: name.span.to(Span { end: name.span.end, ..span }),
                cable: Some(0),
                segments: None,
                geometry: Vec::new(),
                currents: Vec::new(),
                injected: Vec::new(),
                part: Some(Part { of: of.clone(), kind }),
            });
            self.compartments.insert(part.text.clone(), index);
            self.collect(infer, &of_kind(body, &part.text), inner);
        }
    }

    /// Refuses sections of what has none.
    pub(super) fn refuse_sections(&self, infer: &mut Infer, kinds: &[Name]) {
        let Some(first) = kinds.first() else { return };
        let message = format!("`{}` names sections, but there is no morphology", first.text);
        infer.diagnostics.push(
            Diagnostic::at(Code::E0511, first.span, message, "not in a `cable` of a morphology").help(
                "declare `morphology Cell = swc(\"cell.swc\") segmented every 20 um`, and write `cable Cell { … }`",
            ),
        );
    }

    /// Returns the part of a morphology that a scope is of.
    pub(super) fn part_of(&self, scope: usize) -> Option<&Part> {
        self.pending.compartments[self.scopes[scope].cable?].part.as_ref()
    }

    /// Cuts the morphology into segments, and returns those of each part by its compartment.
    pub(super) fn traced(&mut self, infer: &mut Infer, compartments: &[Compartment]) -> BTreeMap<usize, Traced> {
        let parts: Vec<(usize, Part)> =
            compartments.iter().enumerate().filter_map(|(i, c)| Some((i, c.part.clone()?))).collect();
        let Some((first, Part { of, .. })) = parts.first() else { return BTreeMap::new() };
        let mut value = |kind: morphology::Kind, name: &str| {
            let declared = self.index.get(&format!("{kind}.{name}")).copied();
            declared.and_then(|d| self.define(infer, d, None)).and_then(|id| self.by_default(id))
        };
        let electric: BTreeMap<morphology::Kind, (f64, f64)> =
            of.kinds().into_iter().filter_map(|k| Some((k, (value(k, "C_m")?, value(k, "R_a")?)))).collect();
        match of.segments(&|kind| electric.get(&kind).copied()) {
            Ok(rows) => {
                let rows = Arc::new(rows);
                let of_kind = |kind| (0..rows.kind.len()).filter(|r| is_segment_of(&rows, *r, kind)).collect();
                parts.iter().map(|(i, p)| (*i, Traced { rows: of_kind(p.kind), of: rows.clone() })).collect()
            }
            Err(flaw) => {
                let message = format!("`{}` cannot be cut into segments: {}", of.name, flaw.what);
                let d = Diagnostic::at(Code::E0515, compartments[*first].span, message, "for this cell");
                infer.diagnostics.push(d.label(of.span, "declared here").help(flaw.fix));
                BTreeMap::new()
            }
        }
    }

    /// The value of a parameter that follows from defaults alone, if it has one.
    fn by_default(&self, id: VarId) -> Option<f64> {
        let lets = |v: VarId| self.out.definition(v);
        match &self.out.vars[id].kind {
            VarKind::Param(Some(e)) | VarKind::Let(e) => {
                eval_through(e, &lets, &|v| self.by_default(v), (None, None)).filter(|v| v.is_finite())
            }
            _ => None,
        }
    }
}

/// Whether a row is a segment of a kind.
fn is_segment_of(rows: &morphology::Segments, row: usize, kind: morphology::Kind) -> bool {
    rows.number[row].is_some() && rows.kind[row] == kind
}
