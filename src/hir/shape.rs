//! The shapes of cells that files give: what a declaration of a morphology says, read and checked.

use super::infer::Infer;
use super::{Module, Ty, errors};
use crate::data::Flaw;
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::morphology::{self, Kind, Section, Segments};
use crate::source::{FileId, SourceMap, Span};
use crate::syntax::ast::{self, ExprKind};
use crate::units::Dim;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The shape of a cell.
#[derive(Debug)]
pub struct Morphology {
    /// Its name.
    pub name: String,
    /// Unbranched stretches, parents first.
    pub sections: Vec<Section>,
    /// How they are cut into segments.
    pub cut: Cut,
    /// Where it is declared.
    pub span: Span,
}

/// How sections are cut into segments; internal units (µm, 1/ms).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// Into an odd number, by a share of the length constant at a frequency.
    Lambda(f64, f64),
    /// Into the fewest that are no longer than this.
    Every(f64),
    /// Into so many.
    Count(usize),
}

/// The segments of one kind of a cell's sections, in the order of their rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// All rows of the cell.
    pub of: Arc<Segments>,
    /// The rows of these segments.
    pub rows: Vec<usize>,
}

impl Morphology {
    /// Returns the kinds of its sections.
    pub fn kinds(&self) -> BTreeSet<Kind> {
        self.sections.iter().map(|s| s.kind).collect()
    }

    /// Returns how many sections of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.sections.iter().filter(|s| s.kind == kind).count()
    }

    /// Cuts it into segments; `electric` are C_m and R_a of the sections of a kind, internal units (pF/µm², GΩ µm), if they have one value.
    pub fn segments(&self, electric: &dyn Fn(Kind) -> Option<(f64, f64)>) -> Result<Segments, Flaw> {
        let missing = self.kinds().into_iter().find(|kind| electric(*kind).is_none());
        if let (Cut::Lambda(..), Some(kind)) = (self.cut, missing) {
            let what = format!("`C_m` or `R_a` of `{kind}` has no value before the run, or several");
            return Err(Flaw::new(what, "cut by length: `segmented every 20 um`"));
        }
        let by = |s: &Section| match self.cut {
            Cut::Every(length) => morphology::Cut::Every(length),
            Cut::Count(n) => morphology::Cut::Count(n),
            Cut::Lambda(share, frequency) => {
                let (c_m, r_a) = electric(s.kind).unwrap_or_default();
                // Hz, uF/cm^2 and Ohm cm.
                let (frequency, capacitance, resistivity) = (frequency * 1e3, c_m * 100.0, r_a * 1e5);
                morphology::Cut::Lambda { share, frequency, capacitance, resistivity }
            }
        };
        morphology::cut(&self.sections, &by)
    }
}

/// A function that names a file, with the path.
pub(super) fn file_of(m: &ast::Morphology) -> Option<(&str, Span)> {
    let ExprKind::Call(function, args) = &m.source.kind else { return None };
    match (&function.kind, &args[..]) {
        (ExprKind::Name(name), [ast::Arg { name: None, value }]) if name == "swc" => match &value.kind {
            ExprKind::Text(path) => Some((path, value.span)),
            _ => None,
        },
        _ => None,
    }
}

/// Says how a source is written.
pub(super) fn no_source(m: &ast::Morphology) -> Diagnostic {
    Diagnostic::at(Code::E0515, m.source.span, "a morphology is read from a file", "names none")
        .help("write `swc(\"cell.swc\")`: the path of an SWC file, relative to this one")
}

/// Reads a morphology from the text of a file.
pub(super) fn check_morphology(
    module: &Module,
    m: &ast::Morphology,
    file: FileId,
    sources: &SourceMap,
    diagnostics: &mut Diagnostics,
) -> Option<Morphology> {
    let cut = cut(module, &m.cut, diagnostics);
    let text = sources.file(file).text.clone();
    let sections = morphology::swc(text.as_bytes()).and_then(|swc| morphology::sections(&swc));
    match sections {
        Ok(sections) => Some(Morphology { name: m.name.text.clone(), sections, cut: cut?, span: m.name.span }),
        Err(flaw) => {
            let message = format!("`{}` cannot be used: {}", sources.file(file).name, flaw.what);
            let (at, label) = match flaw.line {
                Some(line) => (line_span(file, &text, line), format!("read by `{}`", m.name.text)),
                None => (m.source.span, "this file".to_string()),
            };
            diagnostics.push(Diagnostic::at(Code::E0515, at, message, label).help(flaw.fix));
            None
        }
    }
}

/// The place of a line, from one, without its end.
fn line_span(file: FileId, text: &str, line: usize) -> Span {
    let mut start = 0;
    for (k, found) in text.split_inclusive('\n').enumerate() {
        if k + 1 == line {
            let length = found.trim_end().len();
            return Span { file, start: start as u32, end: (start + length) as u32 };
        }
        start += found.len();
    }
    Span { file, start: start as u32, end: start as u32 }
}

fn cut(module: &Module, cut: &ast::Cut, diagnostics: &mut Diagnostics) -> Option<Cut> {
    let mut number = |e: &ast::Expr, dim: Dim, what: &str| {
        let mut infer = Infer::new(module, diagnostics);
        let value = infer.quantity(&mut super::infer::Nothing, e, what, &Ty::number(dim), None);
        let value = super::infer::fold(&value);
        if value.is_none_or(|v| !(v > 0.0 && v.is_finite())) {
            if !diagnostics.has_errors() {
                let message = format!("{what} must be a number above zero");
                diagnostics.push(Diagnostic::at(Code::E0404, e.span, message, "known before the run"));
            }
            return None;
        }
        value
    };
    let how = match cut {
        ast::Cut::Every(e) => return number(e, Dim::LENGTH, "the length of segments").map(Cut::Every),
        ast::Cut::By(how) => how,
    };
    if let ExprKind::Call(function, args) = &how.kind
        && let ExprKind::Name(name) = &function.kind
    {
        match (name.as_str(), &args[..]) {
            ("d_lambda", [share, frequency]) => {
                let share = number(&share.value, Dim::ONE, "the share of the length constant")?;
                return number(&frequency.value, Dim::RATE, "the frequency").map(|f| Cut::Lambda(share, f));
            }
            ("count", [n]) => {
                let count = number(&n.value, Dim::ONE, "the number of segments")?;
                if count.fract() == 0.0 && count < 1e6 {
                    return Some(Cut::Count(count as usize));
                }
                let message = "the number of segments must be whole";
                diagnostics.push(Diagnostic::at(Code::E0404, n.value.span, message, "of each section"));
                return None;
            }
            ("d_lambda", _) => {
                diagnostics.push(errors::wrong_arity("d_lambda", "2", args.len(), how.span));
                return None;
            }
            ("count", _) => {
                diagnostics.push(errors::wrong_arity("count", "1", args.len(), how.span));
                return None;
            }
            _ => {}
        }
    }
    diagnostics.push(
        Diagnostic::at(Code::E0515, how.span, "sections are cut by a rule", "not one")
            .help("write `segmented by d_lambda(0.1, 100 Hz)`, `segmented by count(3)` or `segmented every 20 um`"),
    );
    None
}
