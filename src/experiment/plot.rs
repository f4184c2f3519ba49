//! Collects the data of figures.

use super::Attempt;
use super::eval::fail;
use super::outcome::{Figure, FigureData};
use super::record::What;
use super::run::Run;
use super::select::Selected;
use super::value::{Quantity, Value};
use crate::diag::{Code, Diagnostic};
use crate::hir::{Expr, inline_lets};
use crate::source::Span;
use crate::syntax::ast::{self, ExprKind};

impl Run<'_> {
    pub(super) fn plot(
        &mut self,
        title: Option<&str>,
        series: &[ast::Expr],
        against: Option<&ast::Expr>,
    ) -> Attempt<()> {
        let mut figure = Figure {
            name: String::new(),
            title: title.unwrap_or_default().into(),
            x: String::new(),
            y: String::new(),
            series: Vec::new(),
        };
        let x = against.map(|e| self.scope().quantity(e)).transpose()?;
        if let (Some(q), Some(e)) = (&x, against) {
            figure.x = axis(&label(e), q);
        }
        for e in series {
            let name = label(e);
            let value = match self.recorded(e) {
                Some(i) => Value::Recording(i),
                None => self.scope().eval(e)?,
            };
            match value {
                Value::Recording(i) => self.plot_recording(&mut figure, i, &name, e.span)?,
                Value::Quantity(q) => {
                    let unit = q
                        .unit
                        .clone()
                        .filter(|u| u.dim == q.dim)
                        .unwrap_or_else(|| crate::units::canonical_unit(q.dim));
                    let xs: Vec<f64> = match &x {
                        Some(x) => {
                            let unit = x
                                .unit
                                .clone()
                                .filter(|u| u.dim == x.dim)
                                .unwrap_or_else(|| crate::units::canonical_unit(x.dim));
                            x.data.iter().map(|v| unit.from_internal(*v)).collect()
                        }
                        None => (0..q.data.len()).map(|i| i as f64).collect(),
                    };
                    if xs.len() != q.data.len() {
                        let message = format!("cannot plot {} values against {}", q.data.len(), xs.len());
                        return fail(Code::E0403, e.span, message, "different lengths");
                    }
                    figure.y = axis(if series.len() == 1 { &name } else { "" }, &q);
                    if figure.x.is_empty() {
                        figure.x = "index".into();
                    }
                    figure.series.push(FigureData::Line {
                        x: xs,
                        y: q.data.iter().map(|v| unit.from_internal(*v)).collect(),
                        label: name.clone(),
                    });
                }
                _ => return fail(Code::E0401, e.span, "this cannot be plotted", "not data"),
            }
            if figure.name.is_empty() {
                figure.name = title
                    .map_or(name, String::from)
                    .chars()
                    .map(|c| if c.is_alphanumeric() || c == '.' { c } else { '_' })
                    .collect();
            }
        }
        let copies = self.out.figures.iter().filter(|f| f.name == figure.name).count();
        if copies > 0 {
            figure.name = format!("{}_{}", figure.name, copies + 1);
        }
        self.out.figures.push(figure);
        Ok(())
    }

    /// Finds the recording that `net.exc.v` names in a plot.
    fn recorded(&self, e: &ast::Expr) -> Option<usize> {
        let scope = self.scope();
        let Selected { cells: p, path, .. } = scope.select(e).ok()?;
        let model = &self.live[p.network].network().populations[p.view.population].model;
        let wanted = inline_lets(model, Expr::Var(model.var(&path)?));
        self.recordings.iter().rposition(|r| {
            r.network == p.network
                && r.population == p.view.population
                && r.cells == (p.view.start, p.view.n)
                && matches!(&r.what, What::Samples { value, .. } if *value == wanted)
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
                let n = r.cells.1;
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

fn label(e: &ast::Expr) -> String {
    match &e.kind {
        ExprKind::Name(n) => n.clone(),
        ExprKind::Member(base, n) => match label(base) {
            b if b.is_empty() => n.text.clone(),
            b => format!("{b}.{}", n.text),
        },
        ExprKind::Index(base, _) => label(base),
        _ => String::new(),
    }
}

fn axis(name: &str, q: &Quantity) -> String {
    let unit = q.unit.clone().filter(|u| u.dim == q.dim).unwrap_or_else(|| crate::units::canonical_unit(q.dim));
    if unit.name == "1" { name.to_string() } else { format!("{name} ({})", unit.name).trim().to_string() }
}
