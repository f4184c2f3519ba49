//! Checks what is plotted: that panels hold what can be drawn together, and in the way that is asked for.

use super::Checker;
use super::label::label;
use super::model::{MarkWord, Panel};
use crate::diag::{Code, Diagnostic, nearest};
use crate::hir::typed::{Expr, ExprKind};
use crate::hir::{Kind, Shape, Ty, errors};
use crate::syntax::ast::{self, Arg, Name};
use crate::units::Dim;

/// What a word after `as` draws.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Events,
    Values,
    Trace,
}

/// The words after `as`: what they draw, and how many numbers they take.
const MARKS: [(&str, MarkWord, Of, &[&str]); 12] = [
    ("lines", MarkWord::Lines, Of::Values, &[]),
    ("steps", MarkWord::Steps, Of::Values, &[]),
    ("points", MarkWord::Points, Of::Values, &[]),
    ("bars", MarkWord::Bars, Of::Values, &[]),
    ("mean", MarkWord::Mean, Of::Trace, &[]),
    ("histogram", MarkWord::Histogram, Of::Values, &["bins"]),
    ("raster", MarkWord::Raster, Of::Events, &[]),
    ("density", MarkWord::Density, Of::Events, &[]),
    ("cells", MarkWord::Cells, Of::Events, &["cells"]),
    ("psth", MarkWord::Psth, Of::Events, &["bin"]),
    ("heatmap", MarkWord::HeatMap, Of::Values, &[]),
    ("images", MarkWord::Images, Of::Values, &["rows", "columns"]),
];

impl Checker<'_> {
    fn complain(&mut self, d: Diagnostic) {
        self.infer.diagnostics.push(d);
    }

    /// Checks the panels of a figure. One with events and values becomes two, for they have different ordinates.
    pub(super) fn panels(&mut self, panels: &[ast::Panel]) -> Vec<Panel> {
        let mut out = Vec::new();
        for p in panels {
            let mut p = self.panel(p);
            let is_events = |(e, _): &(Expr, String)| e.ty.kind == Kind::Events;
            let mixed = p.series.iter().any(is_events) && !p.series.iter().all(is_events);
            if !mixed {
                out.push(p);
                continue;
            }
            let mut below = Panel { title: None, ..p.clone() };
            let of_events: Vec<bool> = p.series.iter().map(is_events).collect();
            for (panel, events) in [(&mut p, true), (&mut below, false)] {
                let mut kept = of_events.iter().map(|e| *e == events);
                panel.series.retain(|_| kept.next().unwrap_or(false));
                let mut kept = of_events.iter().map(|e| *e == events);
                panel.labels.retain(|_| kept.next().unwrap_or(false));
            }
            out.extend([p, below]);
        }
        out
    }

    fn panel(&mut self, p: &ast::Panel) -> Panel {
        let series: Vec<(Expr, String)> = p.series.iter().map(|e| self.plotted(e)).collect();
        self.levels(&series);
        let against = p.against.as_ref().map(|e| self.plotted(e));
        self.drawn_together(&series, p.mark.as_ref().map(|m| m.0.text.as_str()));
        if let Some((x, _)) = &against {
            self.has_an_abscissa(x, &series);
        }
        let mark = p.mark.as_ref().and_then(|(name, args)| self.mark(name, args, &series));
        let errors = p.errors.iter().map(|e| self.infer.typed_number(&mut self.world, e)).collect::<Vec<Expr>>();
        self.uncertain(&errors, &series);
        if !p.labels.is_empty() && p.labels.len() != series.len() {
            let message = format!("{} names for {} series", p.labels.len(), series.len());
            self.complain(Diagnostic::at(Code::E0402, p.span, message, "one for each is needed"));
        }
        let dims = axes(&series, against.as_ref().map(|(e, _)| e), mark.as_ref().map(|m| m.0));
        let mut ranges = [None, None];
        for (of_x, e) in &p.ranges {
            let range = self.typed(e);
            self.must_be(&range, |k| *k == Kind::Range, "the ends of an axis, as in `0 mV .. 10 mV`");
            let k = usize::from(!of_x);
            if let (Some(axis), Some(given)) = (dims[k], range.ty.dim)
                && axis != given
                && range.ty.kind == Kind::Range
            {
                let shown = |dim| Ty { unit: None, ..Ty::number(dim) }.describe();
                let message = format!("this axis is {}, not {}", shown(axis), shown(given));
                self.complain(Diagnostic::at(Code::E0306, range.span, message, "another unit"));
            }
            if let Some(first) = ranges[k].replace(range.clone()) {
                let what = if *of_x { "with x" } else { "with y" };
                self.complain(errors::said_twice(what, range.span, first.span));
            }
        }
        let mut out = Panel {
            title: p.title.clone(),
            series,
            against,
            mark,
            errors,
            ranges,
            log: [false; 2],
            zero: false,
            fit: false,
            labels: p.labels.clone(),
            span: p.span,
        };
        for (k, word) in p.words.iter().enumerate() {
            if let Some(first) = p.words[..k].iter().find(|w| w.text == word.text) {
                self.complain(errors::said_twice(&word.text, word.span, first.span));
            }
            match word.text.as_str() {
                "log x" => out.log[0] = true,
                "log y" => out.log[1] = true,
                "zero" => out.zero = true,
                "fit" => out.fit = true,
                other => {
                    let known = ["error", "x", "y", "log x", "log y", "zero", "fit"];
                    self.complain(unknown_word("with", other, word, &known));
                }
            }
        }
        self.has_a_use(&out, &p.words);
        out
    }

    /// Refuses words that say nothing of what is drawn.
    fn has_a_use(&mut self, p: &Panel, words: &[Name]) {
        let Some((first, _)) = p.series.first() else { return };
        let mark = p.mark.as_ref().map(|m| m.0);
        let events = first.ty.kind == Kind::Events;
        let colors = matches!(mark, Some(MarkWord::HeatMap | MarkWord::Images));
        let what = match mark {
            Some(MarkWord::Psth) => "rates of events",
            _ if events => "marks of events",
            Some(MarkWord::Histogram) => "a histogram",
            _ if colors => "colors",
            _ => return,
        };
        for word in words {
            let useful = match word.text.as_str() {
                "log x" => !colors,
                "log y" => matches!(mark, Some(MarkWord::Psth | MarkWord::Histogram)),
                _ => false,
            };
            if !useful && ["log x", "log y", "zero", "fit"].contains(&word.text.as_str()) {
                let message = format!("`{}` says nothing of {what}", word.text);
                self.complain(Diagnostic::at(Code::E0401, word.span, message, "of no use here").help("remove it"));
            }
        }
        if let Some(error) = p.errors.first().filter(|_| !events) {
            let message = format!("`error` says nothing of {what}");
            self.complain(Diagnostic::at(Code::E0401, error.span, message, "of no use here").help("remove it"));
        }
    }

    fn plotted(&mut self, e: &ast::Expr) -> (Expr, String) {
        let e = self.typed(e);
        self.must_be(&e, |k| matches!(k, Kind::Number | Kind::Events | Kind::Trace), "something to plot");
        if matches!(&e.kind, ExprKind::List(items) if items.is_empty()) {
            let d = Diagnostic::at(Code::E0811, e.span, "this series has no values", "nothing to plot");
            self.complain(d.help("plot a recording, a measure, or a list of numbers: `plot [1, 4, 9]`"));
        }
        let label = label(self.infer.module, &self.world.locals, &e);
        (e, label)
    }

    /// A number that stands there is a level beside what is drawn over time, and nothing among other values.
    fn levels(&mut self, series: &[(Expr, String)]) {
        let over_time = |e: &Expr| {
            e.ty.kind != Kind::Number || matches!(e.kind, ExprKind::Variable { .. } | ExprKind::Synaptic { .. })
        };
        if series.iter().any(|(e, _)| over_time(e)) {
            return;
        }
        for (e, _) in series.iter().filter(|(e, _)| crate::hir::infer::constant(e).is_some()) {
            let d = Diagnostic::at(Code::E0401, e.span, "one number is no series", "drawn as what?");
            self.complain(d.help(
                "a level has as many points as the others: `repeat(3 mV, len(x))`; what a word takes stands in its \
                 brackets: `as psth(3 ms)`",
            ));
        }
    }

    /// A panel has an axis of ordinates on each side.
    fn drawn_together(&mut self, series: &[(Expr, String)], mark: Option<&str>) {
        let most = if mark == Some("histogram") { 1 } else { 2 };
        let mut dims: Vec<Dim> = Vec::new();
        for (e, _) in series {
            let Some(dim) = e.ty.dim else { continue };
            if dims.contains(&dim) {
                continue;
            }
            dims.push(dim);
            if dims.len() == most + 1 {
                let message = match most {
                    1 => "a histogram has one abscissa, and this is a second unit",
                    _ => "a panel has two axes of ordinates, and this is a third unit",
                };
                let d = Diagnostic::at(Code::E0312, e.span, message, e.ty.describe());
                self.complain(d.help("give it a panel of its own: `plot \"title\" { panel a, b   panel c }`"));
            }
        }
    }

    fn has_an_abscissa(&mut self, x: &Expr, series: &[(Expr, String)]) {
        if x.ty.kind == Kind::Events {
            self.complain(errors::wrong_kind("values", &x.ty, x.span));
        }
        if let Some((e, _)) = series.iter().find(|(e, _)| e.ty.kind == Kind::Events) {
            let d = Diagnostic::at(Code::E0401, x.span, "events are drawn against time", "not an abscissa of events");
            self.complain(d.label(e.span, "these are events").help("remove `against`"));
        }
    }

    fn uncertain(&mut self, errors: &[Expr], series: &[(Expr, String)]) {
        if errors.len() > series.len() {
            let message = format!("{} errors of {} series", errors.len(), series.len());
            self.complain(Diagnostic::at(Code::E0402, errors[series.len()].span, message, "of which series?"));
        }
        for (error, (e, _)) in errors.iter().zip(series) {
            if !error.ty.same_dim(&e.ty) {
                let message = format!("an error in {} of values in {}", error.ty.describe(), e.ty.describe());
                self.complain(Diagnostic::at(Code::E0306, error.span, message, "another unit"));
            }
            if matches!(e.ty.kind, Kind::Events | Kind::Trace) {
                self.complain(errors::wrong_kind("values", &e.ty, e.span));
            }
        }
    }

    /// Checks `as word(…)`.
    fn mark(&mut self, name: &Name, args: &[Arg], series: &[(Expr, String)]) -> Option<(MarkWord, Vec<Expr>)> {
        let Some((word, mark, of, takes)) = MARKS.iter().copied().find(|m| m.0 == name.text) else {
            self.complain(unknown_word("as", &name.text, name, &MARKS.map(|m| m.0)));
            return None;
        };
        let optional = mark == MarkWord::Histogram && args.is_empty();
        if args.len() != takes.len() && !optional {
            let needs = if takes.is_empty() { "takes nothing".into() } else { format!("takes {}", takes.join(", ")) };
            let message = format!("`{word}` {needs}, found {}", args.len());
            let d = Diagnostic::at(Code::E0402, name.span, message, "wrong number");
            let example = if takes.is_empty() { word.to_string() } else { format!("{word}({})", takes.join(", ")) };
            self.complain(d.help(format!("write `as {example}`")));
            return None;
        }
        let args = args.iter().map(|a| match mark {
            MarkWord::Psth => self.infer.typed_one_time(&mut self.world, &a.value, "the length of a bin"),
            _ => self.pure(&a.value, "a number of the drawing"),
        });
        let args: Vec<Expr> = args.collect();
        for (e, _) in series.iter().filter(|(e, _)| !e.is_error()) {
            let fits = match of {
                Of::Events => e.ty.kind == Kind::Events,
                Of::Trace => e.ty.kind != Kind::Events && !matches!(e.ty.shape, Shape::Number | Shape::Array),
                Of::Values => e.ty.kind != Kind::Events,
            };
            if !fits {
                let what = match of {
                    Of::Events => "events",
                    Of::Trace => "a recorded state of cells",
                    Of::Values => "values",
                };
                let message = format!("`{word}` draws {what}, found {}", e.ty.describe());
                let d = Diagnostic::at(Code::E0401, e.span, message, format!("cannot be drawn as {word}"));
                let events = e.ty.kind == Kind::Events;
                let others = MARKS.iter().filter(|m| if events { m.2 == Of::Events } else { m.2 == Of::Values });
                let others: Vec<&str> = others.map(|m| m.0).collect();
                self.complain(d.note(format!("it can be drawn as {}", errors::list(&others))));
            }
        }
        if matches!(mark, MarkWord::HeatMap | MarkWord::Images)
            && let Some((second, _)) = series.get(1)
        {
            let message = format!("`{word}` fills a panel with one series");
            let d = Diagnostic::at(Code::E0402, second.span, message, "a second one");
            self.complain(d.help("give it a panel of its own: `plot \"title\" { panel a as …   panel b as … }`"));
        }
        Some((mark, args))
    }
}

/// What the abscissa and the ordinate on the left measure, as far as the text says.
fn axes(series: &[(Expr, String)], against: Option<&Expr>, mark: Option<MarkWord>) -> [Option<Dim>; 2] {
    let Some((first, _)) = series.first() else { return [None, None] };
    let events = first.ty.kind == Kind::Events;
    let over_time = series.iter().any(|(e, _)| matches!(e.ty.kind, Kind::Events | Kind::Trace));
    let x = match (mark, against) {
        (Some(MarkWord::Histogram), _) => first.ty.dim,
        (Some(MarkWord::Images), _) => Some(Dim::ONE),
        (_, Some(e)) => e.ty.dim,
        _ if over_time => Some(Dim::TIME),
        // A state that was recorded is drawn over time, one that was not over its cells.
        _ if series.iter().any(|(e, _)| matches!(e.kind, ExprKind::Variable { .. })) => None,
        _ => Some(Dim::ONE),
    };
    let y = match mark {
        Some(MarkWord::Psth) => Some(Dim::RATE),
        Some(MarkWord::Histogram | MarkWord::HeatMap | MarkWord::Images) => Some(Dim::ONE),
        _ if events => Some(Dim::ONE),
        _ => first.ty.dim,
    };
    [x, y]
}

fn unknown_word(after: &str, found: &str, name: &Name, known: &[&str]) -> Diagnostic {
    let help = nearest(found, known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
    Diagnostic::at(Code::E0201, name.span, format!("`{after} {found}` says nothing of a plot"), "unknown word")
        .note(format!("known are {}", errors::list(known)))
        .maybe_help(help)
}
