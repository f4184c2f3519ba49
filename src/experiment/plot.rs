//! Collects the data of figures.

use super::outcome::{Figure, FigureData};
use super::record::{Sampled, What};
use super::run::Run;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, fail};
use crate::hir::Expr as CellExpr;
use crate::hir::typed::{Expr, ExprKind};
use crate::source::Span;
use crate::value::{Quantity, Value};

/// What is drawn, with its label.
type Labelled = (Expr, String);

impl Run<'_> {
    pub(super) fn plot(&mut self, title: Option<&str>, series: &[Labelled], against: Option<&Labelled>) -> Attempt<()> {
        for (e, _) in series.iter().chain(against) {
            self.start_rates_in(e)?;
        }
        let mut figure = Figure {
            name: String::new(),
            title: title.unwrap_or_default().into(),
            x: String::new(),
            y: String::new(),
            series: Vec::new(),
        };
        let x = against.map(|(e, _)| self.quantity(e)).transpose()?;
        if let (Some(q), Some((_, name))) = (&x, against) {
            figure.x = axis(name, q);
        }
        for (e, name) in series {
            let name = name.clone();
            let value = match self.recorded(e) {
                Some(i) => Value::Recording(i),
                None => self.eval(e)?,
            };
            match value {
                Value::Recording(i) => self.plot_recording(&mut figure, i, &name, e.span)?,
                Value::Quantity(q) => {
                    let shown = |q: &Quantity| {
                        let unit = q.shown_unit();
                        q.data.iter().map(|v| unit.from_internal(*v)).collect::<Vec<f64>>()
                    };
                    let xs = x.as_ref().map_or_else(|| (0..q.data.len()).map(|i| i as f64).collect(), shown);
                    if xs.len() != q.data.len() {
                        let message = format!("cannot plot {} values against {}", q.data.len(), xs.len());
                        return fail(Code::E0403, e.span, message, "different lengths");
                    }
                    figure.y = axis(if series.len() == 1 { &name } else { "" }, &q);
                    if figure.x.is_empty() {
                        figure.x = "index".into();
                    }
                    figure.series.push(FigureData::Line { x: xs, y: shown(&q), label: name.clone() });
                }
                _ => return fail(Code::E0401, e.span, "this cannot be plotted", "not data"),
            }
            if figure.name.is_empty() {
                figure.name = file_name(title.filter(|t| !t.is_empty()).unwrap_or(&name));
            }
        }
        let taken = |name: &str| self.out.figures.iter().any(|f| f.name == name);
        if taken(&figure.name) {
            let numbered = (2..).map(|k: u64| format!("{}_{k}", figure.name));
            figure.name = numbered.into_iter().find(|name| !taken(name)).unwrap_or_default();
        }
        self.out.figures.push(figure);
        Ok(())
    }

    /// Finds the recording of a state that an expression names.
    fn recorded(&self, e: &Expr) -> Option<usize> {
        let ExprKind::Variable { of, id, segment } = &e.kind else { return None };
        let p = self.cells(of).ok()?;
        let segment = segment.as_ref().map(|s| self.size(s)).transpose().ok()?;
        let live = &self.live[p.network];
        let model = &live.network().populations[p.view.population].model;
        let wanted = model.unfold(CellExpr::Var(*id));
        let of_segment = live.segment(p.view, *id, segment, e.span).ok()?;
        self.recordings.iter().rposition(|r| {
            r.network == p.network
                && r.population == p.view.population
                && r.cells == (p.view.start, p.view.n)
                && matches!(&r.what, What::Samples { of: Sampled::Cells { value, segment, .. }, reduce: None, .. }
                    if *value == wanted && *segment == of_segment)
        })
    }

    fn plot_recording(&self, figure: &mut Figure, i: usize, name: &str, span: Span) -> Attempt<()> {
        let r = &self.recordings[i];
        let unreadable = |e: String| Box::new(Diagnostic::at(Code::E0802, span, "a recording cannot be read back", e));
        figure.x = "time (ms)".into();
        match &r.what {
            What::Events(_) => {
                let events = r.events(None).map_err(unreadable)?;
                let offset: f64 = figure
                    .series
                    .iter()
                    .map(|s| if let FigureData::Raster { rows, .. } = s { *rows as f64 } else { 0.0 })
                    .sum();
                // A raster of more than this many marks is only ink; every k-th cell is shown.
                let keep = (events.times.len() / 12_000 + 1) as u32;
                let shown: Vec<(f64, f64)> = events
                    .times
                    .iter()
                    .zip(&events.cells)
                    .filter(|(_, c)| *c % keep == 0)
                    .map(|(t, c)| (*t, f64::from(*c) + offset))
                    .collect();
                figure.y = "cell".into();
                figure.series.push(FigureData::Raster {
                    times: shown.iter().map(|s| s.0).collect(),
                    cells: shown.iter().map(|s| s.1).collect(),
                    rows: r.cells.1,
                    label: name.into(),
                });
            }
            What::Samples { dim, unit, .. } => {
                let (t, v) = r.samples(None).map_err(unreadable)?;
                let unit = unit.clone().filter(|u| u.dim == *dim).unwrap_or_else(|| crate::units::canonical_unit(*dim));
                let n = r.width();
                let keep = t.len() / 4000 + 1;
                for cell in 0..n.min(8) {
                    let points: Vec<usize> = (0..t.len()).step_by(keep).collect();
                    figure.series.push(FigureData::Line {
                        x: points.iter().map(|k| t[*k]).collect(),
                        y: points.iter().map(|k| unit.from_internal(v[k * n + cell])).collect(),
                        label: if n == 1 { name.into() } else { format!("{name}[{cell}]") },
                    });
                }
                figure.y = if unit.name == "1" { name.into() } else { format!("{name} ({})", unit.name) };
            }
        }
        Ok(())
    }
}

/// The longest name of a file that a title becomes, in characters; file systems allow 255 bytes.
const LONGEST: usize = 60;

/// Makes a name of a file of a title.
fn file_name(title: &str) -> String {
    let plain = |(at, c): (usize, char)| if c.is_alphanumeric() || c == '.' && at > 0 { c } else { '_' };
    title.chars().take(LONGEST).enumerate().map(plain).collect()
}

fn axis(name: &str, q: &Quantity) -> String {
    let unit = q.shown_unit();
    if unit.name == "1" { name.to_string() } else { format!("{name} ({})", unit.name).trim().to_string() }
}
