//! Collects what figures show: values as they are now, and which part of which recording.

use super::outcome::Progress;
use super::record::{Recording, Sampled, What};
use super::run::Run;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, fail};
use crate::figure::{Axis, Column, Data, Figure, MOST_BINS, Mark, Panel, Recorded, Series};
use crate::hir::Expr as CellExpr;
use crate::hir::experiment::model::{MarkWord, Panel as Written};
use crate::hir::typed::{Expr, ExprKind};
use crate::units::{Dim, Unit, canonical_unit};
use crate::value::{Quantity, Value, extent};

impl Run<'_> {
    pub(super) fn plot(&mut self, title: Option<&str>, columns: Option<&Expr>, panels: &[Written]) -> Attempt<()> {
        let columns = match columns {
            None => 1,
            Some(e) => match self.size(e)? {
                0 => {
                    return fail(Code::E0404, e.span, "panels stand in at least one column", "not a number of columns");
                }
                n => n.min(panels.len()),
            },
        };
        let panels = panels.iter().map(|p| self.panel(p)).collect::<Attempt<Vec<Panel>>>()?;
        let called = || panels.iter().flat_map(|p| &p.series).map(|s| s.of.name.as_str()).find(|n| !n.is_empty());
        let mut name = file_name(title.filter(|t| !t.is_empty()).or_else(called).unwrap_or("figure"));
        let taken = |name: &str| self.out.figures.iter().any(|f| f.name == name);
        if taken(&name) {
            let numbered = (2..).map(|k: u64| format!("{name}_{k}"));
            name = numbered.into_iter().find(|name| !taken(name)).unwrap_or_default();
        }
        let figure = Figure { name, title: title.unwrap_or_default().into(), columns, panels };
        self.limits.figure(&figure, &self.recordings);
        self.out.figures.push(figure);
        Ok(())
    }

    fn panel(&mut self, p: &Written) -> Attempt<Panel> {
        for (e, _) in p.series.iter().chain(&p.against) {
            self.start_rates_in(e)?;
        }
        let mark = p.mark.as_ref().map(|(word, args)| self.mark(*word, args)).transpose()?;
        let against = p.against.as_ref().map(|(e, name)| self.column(e, name)).transpose()?;
        let mut series: Vec<Series> = Vec::new();
        for (k, (e, name)) in p.series.iter().enumerate() {
            let of = self.column(e, name)?;
            if let (Some(x), Some((at, _))) = (&against, &p.against) {
                fits(&of, x, e, at)?;
            }
            if let Some(Mark::Images(rows, columns)) = mark {
                holds_images(&of, (rows, columns), e)?;
            }
            if let (Some(Mark::Psth(bin)), Data::Events(r)) = (mark, &of.data)
                && r.to - r.from < bin * (1.0 - 1e-6)
            {
                let message = format!("a bin of {bin} ms is longer than the recording of {} ms", r.to - r.from);
                let d = Diagnostic::at(Code::E0404, e.span, message, "not one whole bin");
                return Err(Box::new(d.help("choose shorter bins, or plot after a longer `run`")));
            }
            let error = p.errors.get(k).map(|error| self.column(error, "").map(|c| (c, error))).transpose()?;
            if let Some((error, at)) = &error {
                fits(error, &of, at, e)?;
                if matches!(&error.data, Data::Values { values, .. } if values.iter().any(|v| *v < 0.0)) {
                    return fail(Code::E0404, at.span, "an error is half of an interval", "negative");
                }
            }
            let label = p.labels.get(k).cloned();
            series.push(Series { label, of, error: error.map(|(column, _)| column) });
        }
        if against.is_none() && series.iter().any(|s| matches!(s.of.data, Data::Samples(_))) {
            beside_recordings(&series, p)?;
        }
        let mut dims: Vec<Dim> = Vec::new();
        for (s, (e, _)) in series.iter().zip(&p.series) {
            if !matches!(s.of.data, Data::Events(_)) && !dims.contains(&s.of.dim) {
                dims.push(s.of.dim);
            }
            if dims.len() == 3 {
                let message = "a panel has two axes of ordinates, and this is a third unit";
                let d = Diagnostic::at(Code::E0312, e.span, message, format!("in {}", s.of.unit.name));
                return Err(Box::new(d.help("give it a panel of its own: `plot \"title\" { panel a, b   panel c }`")));
            }
        }
        let mut axes = [Axis { log: p.log[0], range: None }, Axis { log: p.log[1], range: None }];
        for (axis, range) in axes.iter_mut().zip(&p.ranges) {
            let Some(e) = range else { continue };
            let (from, to) = self.with(|s| s.range(e))?;
            if !(from < to && from.is_finite() && to.is_finite()) || axis.log && from <= 0.0 {
                let why = if from < to { "a logarithmic axis begins above zero" } else { "this axis has no extent" };
                return fail(Code::E0404, e.span, why, "not the ends of this axis");
            }
            axis.range = Some((from, to));
        }
        let [x, y] = axes;
        let title = p.title.clone().unwrap_or_default();
        Ok(Panel { title, series, against, mark, x, y, zero: p.zero, fit: p.fit })
    }

    fn mark(&mut self, word: MarkWord, args: &[Expr]) -> Attempt<Mark> {
        let whole = |k: usize| {
            let n = self.size(&args[k])?;
            match n {
                0 => fail(Code::E0404, args[k].span, "at least one is needed", "none"),
                n => Ok(n),
            }
        };
        Ok(match word {
            MarkWord::Lines => Mark::Lines,
            MarkWord::Steps => Mark::Steps,
            MarkWord::Points => Mark::Points,
            MarkWord::Bars => Mark::Bars,
            MarkWord::Mean => Mark::Mean,
            MarkWord::Raster => Mark::Raster,
            MarkWord::Density => Mark::Density,
            MarkWord::HeatMap => Mark::HeatMap,
            MarkWord::Histogram if args.is_empty() => Mark::Histogram(0),
            MarkWord::Histogram => match whole(0)? {
                n if n > MOST_BINS => {
                    let message = format!("{n} bins are more than can be told apart");
                    return fail(Code::E0404, args[0].span, message, format!("at most {MOST_BINS}"));
                }
                n => Mark::Histogram(n),
            },
            MarkWord::Cells => Mark::Cells(whole(0)?),
            MarkWord::Images => Mark::Images(whole(0)?, whole(1)?),
            MarkWord::Psth => {
                let bin = self.number(&args[0])?;
                if !(bin > 0.0 && bin.is_finite()) {
                    return fail(Code::E0404, args[0].span, "a bin is longer than nothing", "not a length of time");
                }
                Mark::Psth(bin)
            }
        })
    }

    /// Takes what an expression names: a recording if there is one, else its values now.
    fn column(&self, e: &Expr, name: &str) -> Attempt<Column> {
        let value = match self.recorded(e) {
            Some(i) => Value::Recording(i),
            None => self.eval(e)?,
        };
        let name = name.to_string();
        match value {
            Value::Recording(i) => {
                let r = &self.recordings[i];
                let data = part(r);
                Ok(match &r.what {
                    What::Events(_) => Column { name, dim: Dim::ONE, unit: Unit::one(), data: Data::Events(data) },
                    What::Samples { dim, unit, .. } => {
                        let unit = unit.clone().filter(|u| u.dim == *dim).unwrap_or_else(|| canonical_unit(*dim));
                        Column { name, dim: *dim, unit, data: Data::Samples(data) }
                    }
                })
            }
            Value::Quantity(q) => Ok(values(&q, name)),
            _ => fail(Code::E0401, e.span, "this cannot be plotted", "not data"),
        }
    }

    /// Finds the recording of a state that an expression names.
    fn recorded(&self, e: &Expr) -> Option<usize> {
        let ExprKind::Variable { of, id, segment } = &e.kind else { return None };
        let p = self.cells(of).ok()?;
        let segment = segment.as_ref().map(|s| self.size(s)).transpose().ok()?;
        let live = &self.live[p.network];
        let model = &live.network().populations[p.cells.population].model;
        let wanted = model.unfold(CellExpr::Var(*id));
        let of_segments = live.segments(&p.cells, *id, segment, e.span).ok()?;
        self.recordings.iter().rposition(|r| {
            r.network == p.network
                && r.cells == p.cells
                && matches!(&r.what, What::Samples { of: Sampled::Cells { value, segments, .. }, reduce: None, .. }
                    if *value == wanted && *segments == of_segments)
        })
    }
}

/// Refuses values without a time of their own beside recorded ones; a single value holds all the time.
fn beside_recordings(series: &[Series], p: &Written) -> Attempt<()> {
    for (s, (e, _)) in series.iter().zip(&p.series) {
        let Data::Values { values, .. } = &s.of.data else { continue };
        if values.len() == 1 {
            continue;
        }
        let (message, label) = match &e.kind {
            ExprKind::Variable { .. } => ("this state was not recorded, the other one was", "only its values now"),
            _ => ("these values have no time, the recorded ones have", "an array"),
        };
        let d = Diagnostic::at(Code::E0403, e.span, message, label);
        return Err(Box::new(d.help("record it, draw all `against` something, or give it a panel of its own")));
    }
    Ok(())
}

/// What a recording holds by now.
fn part(r: &Recording) -> Recorded {
    let (begin, end) = (r.span.0 as f64 * r.dt, r.span.1 as f64 * r.dt);
    let (from, to) = r.window.map_or((begin, end), |(from, to)| (begin.max(from), end.min(to)));
    let cells = if matches!(r.what, What::Events(_)) { r.cells.len() } else { r.width() };
    Recorded { name: r.name.clone(), records: r.records(), cells, member: r.member(), from, to: to.max(from) }
}

fn values(q: &Quantity, name: String) -> Column {
    let unit = q.shown_unit();
    let values = q.data.iter().map(|v| unit.from_internal(*v)).collect();
    let shape = q.rows.into_iter().chain(q.shape.iter().copied()).collect();
    Column { name, dim: q.dim, unit, data: Data::Values { values, shape } }
}

/// How many values there are in a row of a column.
fn length(c: &Column) -> (usize, String) {
    match &c.data {
        Data::Values { values, shape } => (values.len(), extent(shape)),
        Data::Events(r) | Data::Samples(r) => {
            (r.records as usize, format!("a recording of {} moments and {} cells", r.records, r.cells))
        }
    }
}

/// Checks that two columns have a value of one for each of the other.
fn fits(a: &Column, b: &Column, at: &Expr, other: &Expr) -> Attempt<()> {
    let cells = |c: &Column| if let Data::Samples(r) = &c.data { r.cells } else { 1 };
    let (na, nb) = (length(a), length(b));
    // A recording of many cells may be drawn against one value of each moment, or against as many.
    if na.0 == nb.0 && (cells(a) == cells(b) || cells(b) == 1) {
        return Ok(());
    }
    let d = Diagnostic::at(Code::E0403, at.span, format!("{} does not fit {}", na.1, nb.1), na.1);
    Err(Box::new(d.label(other.span, nb.1)))
}

/// Checks that each row of a matrix, or an array, is an image.
fn holds_images(c: &Column, (rows, columns): (usize, usize), e: &Expr) -> Attempt<()> {
    let pixels = rows.checked_mul(columns);
    match &c.data {
        Data::Values { shape, .. } if shape.last().is_some_and(|n| Some(*n) == pixels) => Ok(()),
        // An array may hold several, one after the other.
        Data::Values { values, shape }
            if shape.len() == 1 && pixels.is_some_and(|n| values.len().is_multiple_of(n)) =>
        {
            Ok(())
        }
        _ => {
            let message = format!("images of {rows} x {columns} need {} values in a row", pixels.unwrap_or(usize::MAX));
            fail(Code::E0403, e.span, message, length(c).1)
        }
    }
}

/// The longest name of a file that a title becomes, in characters; file systems allow 255 bytes.
const LONGEST: usize = 60;

/// Makes a name of a file of a title.
fn file_name(title: &str) -> String {
    let plain = |(at, c): (usize, char)| if c.is_alphanumeric() || c == '.' && at > 0 { c } else { '_' };
    title.chars().take(LONGEST).enumerate().map(plain).collect()
}
