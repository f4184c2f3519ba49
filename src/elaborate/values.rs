//! Values per cell and per synapse: given, drawn, or computed from indices and coordinates.

use super::ends::End;
use crate::codegen::Backend;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::lanes::{Asked, BLOCK, LaneFunction, Side, Source, per_cell};
use crate::evaluate::{Attempt, LaneProgram, Scope, fail, one_for_examples};
use crate::hir::VarId;
use crate::hir::network::model::{Distribution, Value};
use crate::hir::typed::Expr;
use crate::plan::{self, Bound, Column, DrawnValues, Edge, Pairs, Shape};
use crate::rng::Stream;
use crate::source::Span;
use crate::value::Quantity;
use std::ops::Range;
use std::sync::Arc;

/// Random streams of set-up.
pub struct Streams {
    seed: u64,
    used: u32,
}

impl Streams {
    /// Streams of a seed, after the first few.
    pub fn new(seed: u64, used: u32) -> Streams {
        Streams { seed, used }
    }

    /// Another one.
    pub fn another(&mut self) -> Stream {
        self.used += 1;
        Stream::new(self.seed, 0x8000_0000 + self.used)
    }

    /// The one for values of synapses' variables that goes with the last.
    pub fn of_variable(&self, id: VarId) -> Stream {
        Stream::new(self.seed ^ 0x7661_7273, 0x8000_0000 + (self.used << 8) + id.as_u32())
    }

    /// The one for places on cables that goes with the last.
    pub fn of_sites(&self) -> Stream {
        Stream::new(self.seed, 0x8900_0000 + self.used)
    }

    /// The one for dendritic delays that goes with the last.
    pub fn beside(&self) -> Stream {
        Stream::new(self.seed, 0x8800_0000 + self.used)
    }
}

/// Evaluates a value for n cells or synapses: a constant, an array, an expression of `i`, or a draw for each.
pub fn column(
    scope: &Scope,
    value: &Value,
    (n, what): (usize, &str),
    stream: Option<&Stream>,
    backend: Backend,
) -> Attempt<Column> {
    match value {
        Value::Expr(e) if e.is_per_cell() => Ok(Column::Array(per_cell(scope, e, n, backend)?.data)),
        Value::Expr(e) => one_each(scope.quantity(e)?, n, what, e.span),
        Value::Drawn(d) => {
            let Some(stream) = stream else { crate::ice!("a draw without a stream") };
            let distribution = distribution(scope, d, None)?;
            let sample = |i: usize| distribution.sample(&mut stream.reader(i as u64));
            match (0..n).map(sample).collect::<Option<Vec<f64>>>() {
                Some(values) => Ok(Column::Array(Arc::new(values))),
                None => unreachable_bounds(d.span),
            }
        }
    }
}

/// Takes one value for all, or one for each.
pub fn one_each(q: Quantity, n: usize, what: &str, span: Span) -> Attempt<Column> {
    one_for_examples(&q, span)?;
    if let Some(v) = q.single() {
        return match v.is_nan() {
            true => fail(Code::E0404, span, "this is not a number", "has no value"),
            false => Ok(Column::Const(v)),
        };
    }
    if q.data.len() != n {
        let message = format!("{} values for {n} {what}s", q.data.len());
        let d = Diagnostic::at(Code::E0403, span, message, format!("one value per {what} is needed"));
        return Err(Box::new(d.help(format!("give a value for each {what}, or one for all"))));
    }
    if q.data.iter().any(|v| v.is_nan()) {
        return fail(Code::E0404, span, "one of these values is not a number", "has no value");
    }
    Ok(Column::Array(q.data))
}

/// Evaluates a value for every synapse: a constant, an array, an expression of the pair, or a draw per synapse.
pub fn per_synapse(
    scope: &Scope,
    value: &Value,
    pairs: &Pairs,
    ends: (End, End),
    stream: &Stream,
    backend: Backend,
) -> Attempt<Column> {
    match value {
        Value::Drawn(d) => {
            let distribution = distribution(scope, d, Some(pairs.fans(ends.0.view.n, ends.1.view.n)))?;
            // If the first ones can be drawn, so can the others, be it with more attempts.
            let sample = |i: usize| distribution.sample(&mut stream.reader(i as u64));
            match (0..pairs.len().min(100)).all(|i| sample(i).is_some()) {
                true => Ok(Column::Drawn(DrawnValues { distribution, stream: *stream })),
                false => unreachable_bounds(d.span),
            }
        }
        Value::Expr(e) if e.is_per_pair() && pairs.are_expected() => super::undrawn(e.span, "a value for every pair"),
        Value::Expr(e) if e.is_per_pair() => {
            let values = PairFunction::new(scope, e, ends, Some((pairs.len(), "synapse")), backend)?.of_pairs(pairs)?;
            Ok(Column::Array(Arc::new(values)))
        }
        Value::Expr(e) => {
            let q = scope.quantity(e)?;
            match (&q.shape[..], pairs.plain()) {
                (_, Pairs::Convolution(_)) => one_each(q, pairs.len(), "synapse", e.span),
                ([rows, columns], _) => {
                    one_for_examples(&q, e.span)?;
                    matrix_fits((*rows, *columns), (ends.1.view.n, ends.0.view.n), e.span)?;
                    if pairs.are_expected() {
                        return super::undrawn(e.span, "a matrix of values");
                    }
                    let (sources, targets) = (ends.0.view.start, ends.1.view.start);
                    let place = |e: &Edge| (e.post as usize - targets, e.pre as usize - sources);
                    matrix_in_order(&q, &pairs.edges(), &place, e.span)
                }
                _ => one_each(q, pairs.len(), "synapse", e.span),
            }
        }
    }
}

/// Refuses a matrix of another size than that of the targets and the sources.
pub fn matrix_fits((rows, columns): (usize, usize), (targets, sources): (usize, usize), span: Span) -> Attempt<()> {
    if (rows, columns) == (targets, sources) {
        return Ok(());
    }
    let message = format!("a matrix of {rows} x {columns} for {targets} targets and {sources} sources");
    fail(Code::E0403, span, message, "a row for each target and a column for each source")
}

/// Takes the values of a matrix in the order of the synapses, given the row and the column of each.
pub fn matrix_in_order(
    q: &Quantity,
    edges: &[Edge],
    place: &dyn Fn(&Edge) -> (usize, usize),
    span: Span,
) -> Attempt<Column> {
    let columns = q.shape[1];
    let places: Vec<usize> = edges.iter().map(place).map(|(row, column)| row * columns + column).collect();
    let mut missing = vec![true; q.data.len()];
    if places.iter().any(|at| !std::mem::replace(&mut missing[*at], false)) {
        let message = "several synapses from the same cell to the same cell";
        return fail(Code::E0403, span, message, "one value for a pair");
    }
    if let Some(at) = (0..missing.len()).find(|k| missing[*k] && q.data[*k] != 0.0) {
        let message =
            format!("a value for a synapse from cell {} to cell {}, which there is not", at % columns, at / columns);
        return fail(Code::E0403, span, message, "zero where nothing is connected");
    }
    let values: Vec<f64> = places.into_iter().map(|at| q.data[at]).collect();
    if values.iter().any(|v| v.is_nan()) {
        return fail(Code::E0404, span, "one of these values is not a number", "has no value");
    }
    Ok(Column::Array(Arc::new(values)))
}

fn unreachable_bounds<T>(span: Span) -> Attempt<T> {
    fail(Code::E0604, span, "nothing can be drawn within the bounds", "would be redrawn for ever")
}

/// The largest mean of Poisson numbers.
const MOST_COUNTED: f64 = 1e12;

/// Evaluates the parameters of a distribution.
///
/// `fans` are the numbers of inputs of a target and of outputs of a source, where weights are drawn.
pub fn distribution(scope: &Scope, d: &Distribution, fans: Option<(f64, f64)>) -> Attempt<plan::Distribution> {
    let value = |i: usize| scope.number(&d.args[i]);
    let positive = |i: usize, what: &str| -> Attempt<f64> {
        let v = value(i)?;
        match v >= 0.0 {
            true => Ok(v),
            false => fail(Code::E0404, d.args[i].span, format!("{what} cannot be negative"), "out of range"),
        }
    };
    let of_weights = || match fans {
        Some(fans) => Ok(fans),
        None => {
            fail(Code::E0401, d.span, format!("`{}` draws weights", d.of.name), "depends on the size of a projection")
        }
    };
    let shape = match d.of.name {
        "normal" => Shape::Normal(value(0)?, positive(1, "a standard deviation")?),
        "lognormal" => {
            let (mean, sd) = (value(0)?, positive(1, "a standard deviation")?);
            if mean <= 0.0 {
                return fail(Code::E0404, d.args[0].span, "the mean of a log-normal value is positive", "out of range");
            }
            Shape::Lognormal(mean, sd)
        }
        "uniform" => {
            let (lo, hi) = (value(0)?, value(1)?);
            if lo > hi {
                return fail(Code::E0404, d.span, "the lower end lies above the upper end", "an empty interval");
            }
            Shape::Uniform(lo, hi)
        }
        "exponential" => Shape::Exponential(positive(0, "a mean")?),
        "poisson" => match positive(0, "a mean")? {
            // Beyond, whole numbers have gaps.
            mean if mean <= MOST_COUNTED => Shape::Poisson(mean),
            mean => {
                let message = format!("a Poisson number with the mean {mean}");
                return fail(Code::E0404, d.args[0].span, message, format!("at most {MOST_COUNTED}"));
            }
        },
        "wald" => {
            let (mean, scale) = (value(0)?, value(1)?);
            let wrong =
                [(0, mean, "mean"), (1, scale, "scale")].into_iter().find(|(_, v, _)| *v <= 0.0 || !v.is_finite());
            if let Some((i, _, what)) = wrong {
                let message = format!("the {what} of a Wald value is positive");
                return fail(Code::E0404, d.args[i].span, message, "out of range");
            }
            Shape::Wald(mean, scale)
        }
        "xavier" => {
            let (inputs, outputs) = of_weights()?;
            Shape::Normal(0.0, value(0)? * (2.0 / (inputs + outputs)).sqrt())
        }
        "kaiming" => Shape::Normal(0.0, value(0)? * (2.0 / of_weights()?.0).sqrt()),
        "xavier_uniform" => {
            let (inputs, outputs) = of_weights()?;
            let most = value(0)? * (6.0 / (inputs + outputs)).sqrt();
            Shape::Uniform(-most, most)
        }
        other => {
            return fail(
                Code::E0401,
                d.span,
                format!("`{other}` draws one value for an experiment"),
                "not for cells or synapses",
            );
        }
    };
    let bound = match &d.bound {
        None => Bound::None,
        Some((clipped, range)) => match (scope.range(range)?, clipped) {
            ((lo, hi), _) if lo > hi => return unreachable_bounds(range.span),
            ((lo, hi), true) => Bound::Clipped(lo, hi),
            ((lo, hi), false) => Bound::Redrawn(lo, hi),
        },
    };
    Ok(plan::Distribution { shape, bound })
}

/// Coordinates of the cells of one end, axis by axis.
struct Coordinates {
    first: usize,
    n: usize,
    axes: [Vec<f64>; 3],
}

impl Coordinates {
    fn of(end: End) -> Coordinates {
        let positions: Vec<[f64; 3]> = end.cells.iter().map(|cell| end.position(cell)).collect();
        let axis = |k: usize| positions.iter().map(|p| p[k]).collect();
        Coordinates { first: end.view.start, n: end.view.n, axes: [axis(0), axis(1), axis(2)] }
    }

    fn fill(&self, asked: Asked, cells: &[u32], values: &mut [f64]) {
        let index = |c: &u32| *c as usize - self.first;
        match asked {
            Asked::Index => values.iter_mut().zip(cells).for_each(|(v, c)| *v = index(c) as f64),
            Asked::Count => values.fill(self.n as f64),
            Asked::Axis(k) => values.iter_mut().zip(cells).for_each(|(v, c)| *v = self.axes[k][index(c)]),
        }
    }
}

/// An expression of `pre`, `post` and `d`, compiled.
pub struct PairFunction {
    function: LaneFunction,
    ends: (Coordinates, Coordinates),
}

impl PairFunction {
    /// Compiles an expression; arrays may have a value for each of so many lanes.
    pub fn new(
        scope: &Scope,
        e: &Expr,
        ends: (End, End),
        lanes: Option<(usize, &'static str)>,
        backend: Backend,
    ) -> Attempt<PairFunction> {
        let program = LaneProgram::new(scope, e, lanes)?;
        let few = ends.0.view.n * ends.1.view.n <= 64;
        let function = program.compile(if few { Backend::Interpreter } else { backend });
        Ok(PairFunction { function, ends: (Coordinates::of(ends.0), Coordinates::of(ends.1)) })
    }

    /// Computes the values of at most [`BLOCK`] pairs of cells, the first of which has a number among all.
    pub fn block(&self, first: usize, pre: &[u32], post: &[u32], out: &mut Vec<f64>) -> Attempt<()> {
        let mut fill = |source: Source, values: &mut [f64]| match source {
            Source::Pair(Side::Pre, asked) => self.ends.0.fill(asked, pre, values),
            Source::Pair(Side::Post, asked) => self.ends.1.fill(asked, post, values),
            Source::Distance => self.distance(pre, post, values),
            Source::Index | Source::Time => crate::ice!("a pair has neither an index nor a time"),
        };
        self.function.block(first, pre.len(), &mut fill, out)
    }

    fn distance(&self, pre: &[u32], post: &[u32], values: &mut [f64]) {
        let (a, b) = &self.ends;
        for ((v, i), j) in values.iter_mut().zip(pre).zip(post) {
            let (i, j) = (*i as usize - a.first, *j as usize - b.first);
            let off = |k: usize| a.axes[k][i] - b.axes[k][j];
            let (x, y, z) = (off(0), off(1), off(2));
            *v = (x * x + y * y + z * z).sqrt();
        }
    }

    /// Computes the values of pairs, in their order.
    pub fn of_pairs(&self, pairs: &Pairs) -> Attempt<Vec<f64>> {
        let mut all = Vec::with_capacity(pairs.len());
        let (mut pre, mut post) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
        let mut out = Vec::new();
        let mut failed = Ok(());
        let mut flush = |pre: &mut Vec<u32>, post: &mut Vec<u32>| {
            let done = self.block(all.len(), pre, post, &mut out);
            all.extend_from_slice(&out);
            pre.clear();
            post.clear();
            done
        };
        each_row(pairs, &mut |i, mut targets| {
            while !targets.is_empty() && failed.is_ok() {
                let piece = targets.start..targets.end.min(targets.start + (BLOCK - pre.len()) as u32);
                targets.start = piece.end;
                pre.resize(pre.len() + piece.len(), i);
                post.extend(piece);
                if pre.len() == BLOCK {
                    failed = flush(&mut pre, &mut post);
                }
            }
        });
        failed?;
        if !pre.is_empty() {
            flush(&mut pre, &mut post)?;
        }
        Ok(all)
    }
}

/// Visits pairs in the order of their weights: a source with consecutive targets.
fn each_row(pairs: &Pairs, visit: &mut dyn FnMut(u32, Range<u32>)) {
    match pairs {
        Pairs::All(pre, post) => {
            let targets = post.start as u32..(post.start + post.n) as u32;
            (pre.start..pre.start + pre.n).for_each(|i| visit(i as u32, targets.clone()));
        }
        other => other.edges().iter().for_each(|e| visit(e.pre, e.post..e.post + 1)),
    }
}
