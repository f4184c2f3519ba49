//! Where on a cable synapses sit, and where the events of drives arrive.

use super::bounds::out_of_cable;
use super::connect::Connected;
use super::ends::End;
use super::values::{column, per_synapse};
use super::{Elaborator, undrawn};
use crate::diag::{Code, Diagnostic};
use crate::evaluate::{Attempt, Scope, fail};
use crate::hir::VarId;
use crate::hir::network::model::{Connection, Drive, Site};
use crate::plan::{self, Column, Edge, Lanes, Pairs, Placed, Population};
use crate::rng::Stream;
use crate::source::Span;
use crate::units::{Dim, format_quantity, lookup};
use crate::value::Cells;
use std::sync::Arc;

/// What a clause says about the place of each synapse.
pub enum Given {
    /// The number of a segment.
    Segments(Column),
    /// Distances along the path.
    Distances(Column),
}

/// Returns the order of segments of a port, if it is of a cable.
fn lanes_of(p: &Population, port: Option<VarId>) -> Option<Lanes> {
    p.lanes_of(port?)
}

/// Refuses to choose among segments.
fn which<T>(p: &Population, port: VarId, lanes: Lanes, span: Span) -> Attempt<T> {
    let var = &p.model.vars[port];
    let cable = var.name.rsplit_once('.').map_or("the cable", |(cable, _)| cable);
    let message = format!("`{cable}` has {} segments", lanes.segments);
    let d = Diagnostic::at(Code::E0406, span, message, format!("to which of them does `{}` belong?", var.name));
    Err(Box::new(d.help(
        "say where: `place segment 0`, `place each segment`, `place 100 um` along the path, or drawn: `place ~ uniform(20 um, 200 um)`",
    )))
}

/// How many segments a port has, by cell.
struct Counts<'a> {
    of: (&'a Population, VarId),
    /// One if it is the same number.
    each: Vec<usize>,
}

impl Counts<'_> {
    fn new(p: &Population, port: VarId) -> Counts<'_> {
        Counts { of: (p, port), each: p.segments_at(port) }
    }

    /// Returns the number of a cell.
    fn at(&self, cell: usize) -> usize {
        if self.each.len() == 1 { self.each[0] } else { self.each[cell] }
    }

    /// Returns whether all cells have the same.
    fn are_even(&self) -> bool {
        self.each.len() == 1
    }

    /// Takes the number of a segment of a cell.
    fn segment(&self, at: f64, cell: usize, span: Span) -> Attempt<f64> {
        let n = self.at(cell);
        match at.fract() == 0.0 && (0.0..n as f64).contains(&at) {
            true => Ok(at),
            false => out_of_cable(self.of.0, self.of.1, (at, n, cell), span),
        }
    }
}

/// The span of a clause's value.
fn span_of(site: &Site, clause: Span) -> Span {
    match site {
        Site::Segment(value) | Site::Distance(value) => value.span(),
        Site::Each => clause,
    }
}

impl Elaborator<'_> {
    /// Makes a synapse on each segment of every pair, if a connection asks for that.
    pub(super) fn on_each_segment(&self, c: &Connection, post: usize, connected: Connected) -> Attempt<Connected> {
        let p = &self.plan.populations[post];
        let several = |port: &VarId| p.lanes_of(*port).is_some_and(|lanes| lanes.segments > 1);
        let Some(port) = c.port.filter(several) else { return Ok(connected) };
        if connected.transpose_of.is_some() || matches!(connected.pairs, Pairs::Convolution(_)) {
            let what = "weights that several synapses share, onto a cable of several segments";
            return Err(Box::new(crate::diag::unsupported(c.span, what)));
        }
        if !matches!(c.site, Some((Site::Each, _))) {
            return Ok(connected);
        }
        if connected.pairs.are_expected() {
            return undrawn(c.span, "which cells have a synapse on each of their segments");
        }
        let counts = Counts::new(p, port);
        let edges = connected.pairs.edges();
        let on = |e: &Edge| counts.at(e.post as usize);
        let repeated =
            |list: Vec<f64>| list.iter().zip(edges.iter()).flat_map(|(v, e)| std::iter::repeat_n(*v, on(e))).collect();
        let pairs = Pairs::Listed(Arc::new(edges.iter().flat_map(|e| std::iter::repeat_n(*e, on(e))).collect()));
        let mut columns = connected.columns;
        columns.weight = columns.weight.map(repeated);
        columns.delay = columns.delay.map(|(list, span)| (repeated(list), span));
        Ok(Connected { pairs, columns, ..connected })
    }

    /// Evaluates where the synapses of a connection sit; nothing if there is only one place.
    pub(super) fn places(
        &self,
        scope: &Scope,
        c: &Connection,
        pairs: &Pairs,
        ends: (End, End),
        stream: &Stream,
    ) -> Attempt<Option<Given>> {
        let (Some(port), Some(lanes)) = (c.port, lanes_of(ends.1.population, c.port)) else { return Ok(None) };
        let each = |v| per_synapse(scope, v, pairs, ends, stream, self.around.backend);
        Ok(Some(match &c.site {
            None if lanes.segments == 1 => return Ok(None),
            None => return which(ends.1.population, port, lanes, c.span),
            Some((Site::Each, _)) => {
                let counts = Counts::new(ends.1.population, port);
                let mut next = 0;
                let each = |e: &Edge| {
                    let at = next;
                    next = if at + 1 == counts.at(e.post as usize) { 0 } else { at + 1 };
                    at as f64
                };
                Given::Segments(Column::Array(Arc::new(pairs.edges().iter().map(each).collect())))
            }
            Some((Site::Segment(v), _)) => Given::Segments(each(v)?),
            Some((Site::Distance(v), _)) => Given::Distances(each(v)?),
        }))
    }

    /// Finds the segments of synapses; pairs are those of cells.
    pub(super) fn sites(
        &self,
        c: &Connection,
        given: Option<Given>,
        (pairs, stream): (&Pairs, &Stream),
        post: usize,
    ) -> Attempt<Option<plan::Site>> {
        let p = &self.plan.populations[post];
        let (Some(given), Some(port), Some(lanes), Some((site, clause))) =
            (given, c.port, lanes_of(p, c.port), &c.site)
        else {
            return Ok(None);
        };
        let span = span_of(site, *clause);
        let n = pairs.len();
        let counts = Counts::new(p, port);
        let mut shape = Placed { segments: counts.each.clone(), reach: Vec::new() };
        let segment = match given {
            Given::Segments(Column::Const(at)) if counts.are_even() => Column::Const(counts.segment(at, 0, span)?),
            // Which of the synapses sits where is known when they are drawn.
            Given::Segments(all) | Given::Distances(all) if pairs.are_expected() => all,
            Given::Segments(all) => {
                let edges = pairs.edges();
                let each = |k: usize| counts.segment(all.at(k), edges[k].post as usize, span);
                Column::Array(Arc::new((0..n).map(each).collect::<Attempt<_>>()?))
            }
            Given::Distances(all) => {
                let reach = Reach::new(p, port, self.around.dt);
                shape.reach.clone_from(&reach.of_cells);
                match all {
                    Column::Const(at) if reach.is_common() && reach.segments(0, at, span)?.len() == 1 => {
                        Column::Const(reach.segments(0, at, span)?[0] as f64)
                    }
                    all => {
                        let edges = pairs.edges();
                        // One of the branches at that distance.
                        let branch = stream.derived(0, BRANCH);
                        let each = |k: usize| {
                            let found = reach.segments(edges[k].post as usize, all.at(k), span)?;
                            let one = match found.len() {
                                1 => 0,
                                n => branch.reader(k as u64).below(n as u32) as usize,
                            };
                            Ok(found[one] as f64)
                        };
                        Column::Array(Arc::new((0..n).map(each).collect::<Attempt<_>>()?))
                    }
                }
            }
        };
        // Where there is one place it had only to be right.
        Ok((lanes.segments > 1).then_some(plan::Site { lanes, segment, shape }))
    }

    /// Finds the segments at which the events of a drive arrive, the same for all of its cells.
    pub(super) fn sites_of_drive(
        &self,
        scope: &Scope,
        d: &Drive,
        (cells, port): (&Cells, VarId),
    ) -> Attempt<(std::ops::Range<usize>, Placed)> {
        let p = &self.plan.populations[cells.population];
        let lanes = lanes_of(p, Some(port));
        let counts = Counts::new(p, port);
        let mut shape = Placed { segments: counts.each.clone(), reach: Vec::new() };
        let (lanes, site, clause) = match (lanes, d.site.as_deref()) {
            (Some(lanes), Some((site, clause))) => (lanes, site, clause),
            (Some(lanes), None) if lanes.segments > 1 => return which(p, port, lanes, d.span),
            _ => return Ok((0..1, shape)),
        };
        let span = span_of(site, *clause);
        let one = |v| match column(scope, v, (cells.len(), "cell"), None, self.around.backend)? {
            Column::Const(at) => Ok(at),
            _ => Err(Box::new(crate::diag::unsupported(span, "a place that differs from cell to cell, of a drive"))),
        };
        let drawn = |v: &_| matches!(v, crate::hir::network::model::Value::Drawn(_));
        let at = match site {
            Site::Each => return Ok((0..lanes.segments, shape)),
            Site::Segment(v) | Site::Distance(v) if drawn(v) => {
                return Err(Box::new(crate::diag::unsupported(span, "a drawn place of a drive")));
            }
            Site::Segment(v) => {
                let at = one(v)?;
                cells.iter().try_for_each(|cell| counts.segment(at, cell, span).map(drop))?;
                at
            }
            Site::Distance(v) => {
                let (reach, at) = (Reach::new(p, port, self.around.dt), one(v)?);
                shape.reach.clone_from(&reach.of_cells);
                let all = cells.iter().map(|cell| reach.segments(cell, at, span)).collect::<Attempt<Vec<_>>>()?;
                match all.first() {
                    Some(first) if first.len() > 1 => {
                        let message = format!("{} branches of `{}` lie at this distance", first.len(), reach.name);
                        let d = Diagnostic::at(Code::E0406, span, message, "which of them?");
                        return Err(Box::new(d.help(format!("name a segment, such as `place segment {}`", first[0]))));
                    }
                    Some(first) if all.iter().all(|s| s == first) => first[0] as f64,
                    Some(_) => {
                        let what = "a distance at which cells have different segments, of a drive";
                        return Err(Box::new(crate::diag::unsupported(span, what)));
                    }
                    None => return Ok((0..0, shape)),
                }
            }
        };
        Ok((at as usize..at as usize + 1, shape))
    }
}

/// Separates the draws of branches from others of a stream.
const BRANCH: u32 = 0x6272;

/// Rounding of distances, in µm.
const TIP: f64 = 1e-6;

/// Where a cable begins and how long it is, by cell: along the path from the middle of the root.
struct Reach<'a> {
    name: String,
    of_cells: Vec<(f64, f64)>,
    counts: Counts<'a>,
    /// Of a morphology, the same of all cells: where each segment begins and ends.
    traced: Option<Vec<(f64, f64)>>,
}

impl Reach<'_> {
    fn new(p: &Population, port: VarId, dt: f64) -> Reach<'_> {
        let Some(cable) = p.model.vars[port].cable else { crate::ice!("a distance along no cable") };
        let traced = p.model.cables[cable].traced.as_ref().map(|t| {
            let ends = |row: &usize| {
                let (middle, half) = (t.of.distance[*row], t.of.length[*row] / 2.0);
                ((middle - half).max(0.0), middle + half)
            };
            t.rows.iter().map(ends).collect()
        });
        // The file's shape stays.
        let reach = |cell| p.reach(cable, cell, dt);
        let of_cells = if traced.is_some() { Vec::new() } else { (0..p.n).map(reach).collect() };
        Reach { name: p.model.cables[cable].name.clone(), of_cells, counts: Counts::new(p, port), traced }
    }

    /// Returns whether it is the same for all cells.
    fn is_common(&self) -> bool {
        self.counts.are_even() && self.of_cells.windows(2).all(|pair| pair[0] == pair[1])
    }

    /// Returns the segments at a distance: one, or one of each branch there.
    fn segments(&self, cell: usize, at: f64, span: Span) -> Attempt<Vec<usize>> {
        if let Some(traced) = &self.traced {
            let begins = traced.iter().map(|(begin, _)| *begin).fold(f64::INFINITY, f64::min);
            let ends = traced.iter().map(|(_, end)| *end).fold(0.0, f64::max);
            let all = |holds: &dyn Fn(f64, f64) -> bool| -> Vec<usize> {
                traced.iter().enumerate().filter(|(_, (begin, end))| holds(*begin, *end)).map(|(s, _)| s).collect()
            };
            let within = all(&|begin, end| begin <= at && at < end);
            // A tip belongs to the segment that ends there.
            let found = if within.is_empty() { all(&|_, end| (end - at).abs() < TIP) } else { within };
            return if found.is_empty() { self.nowhere(at, (begins, ends), span) } else { Ok(found) };
        }
        let Some((begin, length)) = self.of_cells.get(cell) else { return Ok(vec![0]) };
        if !(at >= *begin && at <= begin + length) {
            return self.nowhere(at, (*begin, begin + length), span);
        }
        let n = self.counts.at(cell) as f64;
        Ok(vec![((at - begin) / length * n).floor().min(n - 1.0) as usize])
    }

    fn nowhere<T>(&self, at: f64, (begin, end): (f64, f64), span: Span) -> Attempt<T> {
        let shown = |d: f64| format_quantity(d, Dim::LENGTH, lookup("um").as_ref());
        let message = format!("`{}` has no place at {}", self.name, shown(at));
        fail(Code::E0406, span, message, format!("it reaches from {} to {}", shown(begin), shown(end)))
    }
}
