//! Connectors: which pairs of cells a projection connects, drawn from the projection's own random stream.

use super::ends::{End, are_chosen};
use super::table::{Columns, from_table};
use super::values::PairFunction;
use super::{Elaborator, undrawn};
use crate::builtin::Builtin;
use crate::codegen::Backend;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::lanes::BLOCK;
use crate::evaluate::{Attempt, Scope, fail, room};
use crate::hir::network::model::{Connect, Connection};
use crate::hir::typed::Expr;
use crate::plan::{Connector, Convolution, Drawing, Edge, Pairs, Pooling};
use crate::rng::Stream;
use crate::source::Span;
use crate::units::format_number;
use crate::value::{MOST_ELEMENTS, View, elements};

/// The pairs of a connection, and what else says something about them.
pub struct Connected {
    pub pairs: Pairs,
    /// The projection whose weights these are, the other way round.
    pub transpose_of: Option<usize>,
    /// Weights and delays that a table gives.
    pub columns: Columns,
}

impl Elaborator<'_> {
    /// Finds the pairs of a connection.
    pub(super) fn connect(
        &self,
        scope: &Scope,
        c: &Connection,
        ends: (End, End),
        stream: Stream,
    ) -> Attempt<Connected> {
        let plain = |pairs: Pairs| Connected { pairs, transpose_of: None, columns: Columns::default() };
        let (backend, expects) = (self.around.backend, self.around.expects);
        Ok(match &c.connect {
            Connect::By(b, values, span) => {
                if c.anew.is_none() && !expects {
                    fits(scope, (b, values, *span), ends)?;
                }
                if expects {
                    can_be_expected((b, values), ends, *span)?;
                }
                plain(by(scope, (b, values, *span), ends, (stream, expects), backend)?)
            }
            Connect::Where(e) => {
                if expects {
                    few_pairs(ends, "where", e.span)?;
                }
                plain(where_(scope, e, ends, backend)?.into())
            }
            Connect::Transposed(of) => {
                if are_chosen(ends) {
                    let what = "the transpose between cells that are chosen one by one";
                    let d = crate::diag::unsupported(of.span, what);
                    return Err(Box::new(d.help("join populations or ranges of cells")));
                }
                let found = self.transposed(scope, of, (ends.0.view, ends.1.view))?;
                if self.plan.projections[found].pairs.are_expected() {
                    return undrawn(of.span, "the transpose of synapses that are drawn");
                }
                let pairs = Pairs::Transposed(Box::new(self.plan.projections[found].pairs.clone()));
                Connected { transpose_of: Some(found), ..plain(pairs) }
            }
            Connect::Table(table) => {
                let (edges, columns) = from_table(scope, table, ends)?;
                Connected { columns, ..plain(edges.into()) }
            }
        })
    }

    /// Finds the projection whose weights another one shares, the other way round.
    fn transposed(&self, scope: &Scope, of: &Expr, (pre, post): (View, View)) -> Attempt<usize> {
        let (_, list) = scope.projection(of)?;
        let [k] = list[..] else {
            return fail(Code::E0106, of.span, "this projection has several ends", "whose weights?");
        };
        let theirs = &self.plan.projections[k];
        if theirs.transpose_of.is_some() {
            return Err(Box::new(crate::diag::unsupported(of.span, "the transpose of a transpose")));
        }
        if (theirs.pre.n, theirs.post.n) != (post.n, pre.n) {
            let message = format!("`{}` joins {} with {} cells", theirs.name, theirs.pre.n, theirs.post.n);
            let label = format!("its transpose cannot join {} with {}", pre.n, post.n);
            return fail(Code::E0403, of.span, message, label);
        }
        Ok(k)
    }
}

/// Finds how a square of sources moves over a population of the shape `[channels, height, width]` or `[height, width]`.
fn windows(scope: &Scope, (b, values, span): Called, (pre, post): (End, End)) -> Attempt<Convolution> {
    let shape = |end: End| -> Attempt<(usize, usize, usize)> {
        match (&end.population.shape[..], end.is_whole()) {
            ([c, h, w], true) => Ok((*c, *h, *w)),
            ([h, w], true) => Ok((1, *h, *w)),
            _ => {
                let message = format!("`{}` is not an image", end.population.name);
                let label = format!("`{}` joins whole populations with the shape [channels, height, width]", b.name);
                fail(Code::E0603, span, message, label)
            }
        }
    };
    let ((c, h, w), (d, y, x)) = (shape(pre)?, shape(post)?);
    let given = |k: usize| values[k].as_ref().map(|e| scope.size(e)).transpose();
    let pool = match b.name {
        "pool" => Some(Pooling::Sum),
        "mean_pool" => Some(Pooling::Mean),
        "max_pool" => Some(Pooling::Max),
        _ => None,
    };
    let Some(kernel) = given(0)? else { crate::ice!("a window without a kernel") };
    let stride = given(1)?.unwrap_or(if pool.is_some() { kernel } else { 1 });
    let padding = given(2)?.unwrap_or(0);
    if kernel == 0 || stride == 0 || h + 2 * padding < kernel || w + 2 * padding < kernel || padding >= kernel {
        let message = format!("a window of {kernel} x {kernel} does not fit {h} x {w} sources");
        return fail(Code::E0603, span, message, "kernel, stride or padding is out of range");
    }
    let out = ((h + 2 * padding - kernel) / stride + 1, (w + 2 * padding - kernel) / stride + 1);
    let channels = if pool.is_some() { c } else { d };
    if (d, y, x) != (channels, out.0, out.1) {
        let message = format!("`{}` must have the shape [{channels}, {}, {}]", post.population.name, out.0, out.1);
        return fail(Code::E0603, span, message, format!("its shape is [{d}, {y}, {x}]"));
    }
    // What all windows see is laid out side by side.
    countable(&[c, kernel, kernel, d.max(out.0), out.1], span)?;
    countable(&[c, kernel, kernel, d], span)?;
    Ok(Convolution {
        pre: pre.view,
        post: post.view,
        channels: (c, d),
        size: (h, w),
        out,
        kernel,
        stride,
        padding,
        pool,
    })
}

type Called<'a> = (&'a Builtin, &'a [Option<Expr>], Span);

/// The least that one synapse takes: where it leads.
const LEAST_BYTES: f64 = 2.0;

/// Refuses more synapses than there is memory for, before any is drawn.
fn fits(scope: &Scope, (b, values, span): Called, ends: (End, End)) -> Attempt<()> {
    let (n, m) = (ends.0.view.n as f64, ends.1.view.n as f64);
    let given = || values[0].as_ref().map_or(Ok(0.0), |e| scope.number(e));
    let synapses = match b.name {
        "fixed_probability" => n * m * given()?,
        "fixed_in_degree" => m * given()?,
        "fixed_out_degree" => n * given()?,
        "fixed_total" => given()?,
        _ => return Ok(()),
    };
    let from = || format!("about {synapses:.3e} synapses from {n} to {m} cells");
    room(LEAST_BYTES * synapses.max(0.0), span, from)
}

/// Pairs that are looked at one by one for a plan.
const MOST_PLANNED: usize = 20_000_000;

/// Refuses to look at more pairs than a plan has time for.
fn few_pairs(ends: (End, End), name: &str, span: Span) -> Attempt<()> {
    let (n, m) = (ends.0.view.n, ends.1.view.n);
    match n.saturating_mul(m) <= MOST_PLANNED {
        true => Ok(()),
        false => undrawn(span, format!("how many of {n} x {m} pairs `{name}` connects")),
    }
}

/// Refuses connectors of which only a look at very many pairs says how many they connect.
fn can_be_expected((b, values): (&Builtin, &[Option<Expr>]), ends: (End, End), span: Span) -> Attempt<()> {
    let chosen = b.name == "all_to_all" && values.iter().any(Option::is_some);
    if chosen || b.name == "distance" { few_pairs(ends, b.name, span) } else { Ok(()) }
}

/// Draws the synapses of a connector, in a fixed order, or says only how many to expect.
fn by(
    scope: &Scope,
    called: Called,
    ends: (End, End),
    (stream, expects): (Stream, bool),
    backend: Backend,
) -> Attempt<Pairs> {
    let (b, values, span) = called;
    let (pre, post) = ends;
    let same = pre.view.population == post.view.population;
    let named = |name: &str| b.parameters.iter().position(|p| p.name == name).and_then(|k| values[k].as_ref());
    let autapses = named("autapses").map(|e| scope.truth(e)).transpose()?.unwrap_or(true);
    let first = || match &values[0] {
        Some(e) => e,
        None => crate::ice!("a connector without its argument"),
    };
    let (n, m) = (pre.view.n, post.view.n);
    let allowed = |i: usize, j: usize| autapses || !same || pre.cells.at(i) != post.cells.at(j);
    let drawn = |connector: Connector, degree: usize| {
        let lonely = match connector {
            Connector::InDegree => n == 1 && (0..m).any(|j| !allowed(0, j)),
            Connector::Total => n == 1 && m == 1 && !allowed(0, 0),
            _ => m == 1 && (0..n).any(|i| !allowed(i, 0)),
        };
        if degree > 0 && lonely {
            return fail(Code::E0606, span, "no cell is left to connect to", "autapses are excluded");
        }
        let lines = match connector {
            Connector::InDegree => m,
            Connector::OutDegree => n,
            Connector::Total | Connector::Probability(_) => 1,
        };
        countable(&[lines, degree], span)?;
        if expects {
            let free = if autapses || !same { 0 } else { same_cells(pre, post) };
            let synapses = match connector {
                Connector::Probability(p) => (p * (n as f64 * m as f64 - free as f64)).round() as u64,
                _ => (lines * degree) as u64,
            };
            return Ok(Pairs::Drawn(Drawing::expected((pre.view, post.view), connector, synapses, stream)));
        }
        let drawing = match are_chosen(ends) && !autapses && same {
            true => Drawing::between((pre.view, post.view), (pre.cells, post.cells), connector, degree, stream),
            false => Drawing::new((pre.view, post.view), connector, degree, autapses, stream),
        };
        Ok(Pairs::Drawn(drawing))
    };
    match b.name {
        "all_to_all" if autapses || !same => {
            countable(&[n, m], span)?;
            Ok(Pairs::All(pre.view, post.view))
        }
        "all_to_all" => {
            let edge =
                |i: usize, j: usize| Edge { pre: (pre.view.start + i) as u32, post: (post.view.start + j) as u32 };
            let all = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
            let edges: Vec<Edge> = all.filter(|(i, j)| allowed(*i, *j)).map(|(i, j)| edge(i, j)).collect();
            Ok(edges.into())
        }
        "conv" | "pool" | "mean_pool" | "max_pool" => Ok(Pairs::Convolution(windows(scope, called, ends)?)),
        "one_to_one" => {
            if n != m {
                return Err(Box::new(
                    Diagnostic::at(
                        Code::E0603,
                        span,
                        format!("cannot connect {n} cells one to one with {m}"),
                        "different sizes",
                    )
                    .help("use views of the same size: `exc[0..100]`"),
                ));
            }
            Ok(Pairs::OneToOne(pre.view, post.view))
        }
        "fixed_probability" => {
            let p = probability(scope.number(first())?, first().span)?;
            drawn(Connector::Probability(p), 0)
        }
        "fixed_in_degree" => drawn(Connector::InDegree, degree(scope, first(), n, "sources")?),
        "fixed_out_degree" => drawn(Connector::OutDegree, degree(scope, first(), m, "targets")?),
        "fixed_total" => drawn(Connector::Total, degree(scope, first(), n * m, "pairs")?),
        "distance" => by_distance(scope, first(), ends, autapses || !same, stream, backend),
        other => fail(Code::E0210, span, format!("unknown connector `{other}`"), "not a connector"),
    }
}

/// Returns how many cells of a population are at both ends.
fn same_cells(pre: End, post: End) -> usize {
    if let (Some(a), Some(b)) = (pre.cells.view(), post.cells.view()) {
        return (a.start + a.n).min(b.start + b.n).saturating_sub(a.start.max(b.start));
    }
    let places = post.cells.places();
    let first = post.cells.cover().start;
    let there = |cell: usize| cell.checked_sub(first).and_then(|k| places.get(k).copied().flatten()).is_some();
    pre.cells.iter().filter(|cell| there(*cell)).count()
}

/// Sees a source, some targets, and a value for each of the pairs.
type Visit<'a> = dyn FnMut(u32, &[u32], &[f64]) -> Attempt<()> + 'a;

/// Visits all pairs in blocks, source by source, with the values of an expression.
fn all_pairs(f: &PairFunction, (pre, post): (View, View), visit: &mut Visit) -> Attempt<()> {
    let targets: Vec<u32> = (post.start..post.start + post.n).map(|j| j as u32).collect();
    let mut out = Vec::new();
    for i in pre.start..pre.start + pre.n {
        let source = [i as u32; BLOCK];
        for part in targets.chunks(BLOCK) {
            f.block(0, &source[..part.len()], part, &mut out)?;
            visit(i as u32, part, &out)?;
        }
    }
    Ok(())
}

/// Connects each pair with a probability of its own.
fn by_distance(
    scope: &Scope,
    p: &Expr,
    ends: (End, End),
    autapses: bool,
    stream: Stream,
    backend: Backend,
) -> Attempt<Pairs> {
    let (pre, post) = (ends.0.view, ends.1.view);
    let f = PairFunction::new(scope, p, ends, None, backend)?;
    let mut edges = Vec::new();
    let mut line: Option<(u32, crate::rng::Reader)> = None;
    all_pairs(&f, (pre, post), &mut |i, targets, values| {
        let reader = match &mut line {
            Some((of, reader)) if *of == i => reader,
            slot => &mut slot.insert((i, stream.reader(u64::from(i) - pre.start as u64))).1,
        };
        for (j, value) in targets.iter().zip(values) {
            probability(*value, p.span)?;
            if reader.uniform() < *value && (autapses || ends.0.cell(i as usize) != ends.1.cell(*j as usize)) {
                edges.push(Edge { pre: i, post: *j });
            }
        }
        Ok(())
    })?;
    Ok(edges.into())
}

/// Connects the pairs that satisfy a condition.
fn where_(scope: &Scope, e: &Expr, ends: (End, End), backend: Backend) -> Attempt<Vec<Edge>> {
    let (pre, post) = (ends.0.view, ends.1.view);
    let mut edges = Vec::new();
    let f = PairFunction::new(scope, e, ends, None, backend)?;
    all_pairs(&f, (pre, post), &mut |i, targets, values| {
        let chosen = targets.iter().zip(values).filter(|(_, v)| **v != 0.0);
        edges.extend(chosen.map(|(j, _)| Edge { pre: i, post: *j }));
        Ok(())
    })?;
    Ok(edges)
}

/// Refuses more synapses than can be counted.
fn countable(extents: &[usize], span: Span) -> Attempt<()> {
    if elements(extents).is_some() {
        return Ok(());
    }
    let shown: Vec<String> = extents.iter().map(usize::to_string).collect();
    let message = format!("{} synapses", shown.join(" x "));
    let d = Diagnostic::at(Code::E0404, span, message, format!("a projection has at most {MOST_ELEMENTS}"));
    Err(Box::new(d.help("connect fewer cells")))
}

fn probability(p: f64, span: Span) -> Attempt<f64> {
    if (0.0..=1.0).contains(&p) {
        return Ok(p);
    }
    fail(Code::E0604, span, format!("{} is not a probability", format_number(p)), "must lie in 0 .. 1")
}

fn degree(scope: &Scope, e: &Expr, available: usize, what: &str) -> Attempt<usize> {
    let k = scope.size(e)?;
    if k > 0 && available == 0 {
        return fail(Code::E0606, e.span, format!("{k} synapses, but there are no {what}"), "nothing to connect");
    }
    Ok(k)
}
