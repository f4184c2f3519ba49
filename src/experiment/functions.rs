//! The functions of experiments: reads arguments, calls [`crate::measure`].

use super::Attempt;
use super::datasets;
use super::eval::{Scope, fail};
use super::record::{Recording, What};
use super::value::{Quantity, Value};
use crate::diag::{Code, Diagnostic};
use crate::measure;
use crate::rng::Stream;
use crate::source::Span;
use crate::syntax::ast;
use crate::units::{Dim, lookup};
use std::rc::Rc;

struct Call<'a, 'b> {
    scope: &'a Scope<'b>,
    args: &'a [ast::Arg],
}

impl Call<'_, '_> {
    fn quantity(&self, i: usize) -> Attempt<Quantity> {
        self.scope.quantity(&self.args[i].value)
    }

    fn text(&self, i: usize) -> Attempt<Rc<str>> {
        match self.scope.eval(&self.args[i].value)? {
            Value::Text(t) => Ok(t),
            _ => fail(Code::E0401, self.args[i].value.span, "expected a string", "not a string"),
        }
    }

    fn recording(&self, i: usize) -> Attempt<&Recording> {
        match self.scope.eval(&self.args[i].value)? {
            Value::Recording(r) => Ok(&self.scope.recordings[r]),
            _ => fail(Code::E0407, self.args[i].value.span, "expected a recording", "not a recording"),
        }
    }

    fn window(&self, i: usize) -> Attempt<Option<(f64, f64)>> {
        let Some(a) = self.args.get(i) else { return Ok(None) };
        match self.scope.eval(&a.value)? {
            Value::Range(lo, hi, ..) => Ok(Some((lo, hi))),
            _ => fail(Code::E0401, a.value.span, "expected a range of times", "not a range"),
        }
    }

    fn events(&self, window: usize) -> Attempt<measure::Events> {
        let r = self.recording(0)?;
        r.events(self.window(window)?).map_err(|e| self.unreadable(e))
    }

    fn samples(&self, window: Option<(f64, f64)>) -> Attempt<(Vec<f64>, Vec<f64>)> {
        self.recording(0)?.samples(window).map_err(|e| self.unreadable(e))
    }

    fn unreadable(&self, reason: String) -> Box<Diagnostic> {
        Box::new(Diagnostic::at(Code::E0802, self.args[0].value.span, "a recording cannot be read back", reason))
    }

    fn table(&self, i: usize) -> Attempt<Rc<crate::data::Table>> {
        match self.scope.eval(&self.args[i].value)? {
            Value::Table(t) => Ok(t),
            _ => fail(Code::E0401, self.args[i].value.span, "expected a table", "not a table"),
        }
    }

    fn file(&self) -> Attempt<(String, Vec<u8>)> {
        let path = self.text(0)?;
        match self.scope.files.read(&path) {
            Ok(bytes) => Ok((path.to_string(), bytes)),
            Err(reason) => fail(Code::E0802, self.args[0].value.span, format!("cannot read `{path}`"), reason),
        }
    }

    /// The synapses of a projection: pairs, weights, delays.
    fn projection(&self) -> Attempt<Vec<&crate::plan::Projection>> {
        match self.scope.eval(&self.args[0].value)? {
            Value::Projection(network, list) => {
                Ok(list.iter().map(|k| &self.scope.live[network].network().projections[*k]).collect())
            }
            _ => fail(Code::E0401, self.args[0].value.span, "expected a projection", "not a projection"),
        }
    }
}

/// Calls a function that needs more than its numbers.
pub fn call(scope: &Scope, name: &str, args: &[ast::Arg], span: Span) -> Attempt<Value> {
    let c = Call { scope, args };
    let pure = |v: f64| Ok(Quantity::pure(v).into());
    let times = |v: Vec<f64>| Ok(Quantity::array(v, Dim::TIME, lookup("ms")).into());
    let rate = |v: f64| Ok(Quantity::number(v, Dim::RATE, lookup("Hz")).into());
    match name {
        "erf" => {
            let q = c.quantity(0)?;
            Ok(q.with(q.data.iter().map(|x| libm::erf(*x)).collect()).into())
        }
        "sum" | "mean" | "std" | "variance" | "median" | "min" | "max" | "first" | "last" => {
            let q = c.quantity(0)?;
            let x = &q.data;
            let v = match name {
                "sum" => x.iter().sum(),
                "mean" => measure::mean(x),
                "std" => measure::variance(x).sqrt(),
                "variance" => measure::variance(x),
                "median" => measure::median(x),
                "min" => x.iter().copied().fold(f64::INFINITY, f64::min),
                "max" => x.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                "first" => q.first(),
                _ => x.last().copied().unwrap_or(f64::NAN),
            };
            if name == "variance" {
                return Ok(Quantity::number(v, q.dim * q.dim, None).into());
            }
            Ok(Quantity::number(v, q.dim, q.unit.clone()).into())
        }
        "argmax" | "argmin" => {
            let q = c.quantity(0)?;
            let sign = if name == "argmax" { 1.0 } else { -1.0 };
            Ok(q.per_example(Dim::ONE, None, |x| best(x, sign)).into())
        }
        "total" => {
            let q = c.quantity(0)?;
            Ok(q.per_example(q.dim, q.unit.clone(), |x| x.iter().sum()).into())
        }
        "norm" => {
            let q = c.quantity(0)?;
            Ok(q.per_example(q.dim, q.unit.clone(), |x| x.iter().map(|x| x * x).sum::<f64>().sqrt()).into())
        }
        "dot" => {
            let (x, y) = (c.quantity(0)?, c.quantity(1)?);
            let product = super::eval::arithmetic(ast::BinOp::Mul, &x, &y, span)?;
            let Value::Quantity(p) = product else { return pure(f64::NAN) };
            let unit = if x.dim == Dim::ONE { y.unit.clone() } else { p.unit.clone() };
            Ok(p.per_example(p.dim, unit, |x| x.iter().sum()).into())
        }
        "angle" => datasets::angle(scope, args, span),
        "one_hot" => {
            let label = c.quantity(0)?;
            let classes = match args.get(1) {
                Some(a) => Some(scope.size(&a.value)? as u32),
                None => label.classes,
            };
            datasets::one_hot(&label, classes, args[0].value.span)
        }
        "confusion" => {
            let (x, y) = (c.quantity(0)?, c.quantity(1)?);
            let classes = match args.get(2) {
                Some(a) => Some(scope.size(&a.value)? as u32),
                None => x.classes.or(y.classes),
            };
            datasets::confusion(&x, &y, classes, span)
        }
        "mnist" | "cifar10" | "digits" => datasets::known(scope, name, span),
        "random_crop" => datasets::random_crop(scope, args),
        "random_flip" => datasets::random_flip(scope, args),
        "normalise" => datasets::normalise(scope, args, span),
        "dataset" => datasets::made(scope, args, span),
        "energy" => datasets::energy(scope, &args[0].value),
        "len" => match scope.eval(&args[0].value)? {
            Value::Examples(_, order) => pure(order.len() as f64),
            _ => {
                let q = c.quantity(0)?;
                pure(q.rows.filter(|_| q.scalar).unwrap_or(q.width()) as f64)
            }
        },
        "sort" | "cumsum" | "diff" => {
            let q = c.quantity(0)?;
            let data = match name {
                "sort" => {
                    let mut s = q.data.to_vec();
                    s.sort_by(f64::total_cmp);
                    s
                }
                "cumsum" => q
                    .data
                    .iter()
                    .scan(0.0, |s, v| {
                        *s += v;
                        Some(*s)
                    })
                    .collect(),
                _ => q.data.windows(2).map(|w| w[1] - w[0]).collect(),
            };
            Ok(Quantity::array(data, q.dim, q.unit.clone()).into())
        }
        "shuffle" => {
            let value = scope.eval(&args[0].value)?;
            let stream = scope.another_stream();
            if let Value::Examples(set, order) = value {
                let mut order = order.to_vec();
                shuffle(&mut order, &stream);
                return Ok(Value::Examples(set, Rc::new(order)));
            }
            let q = c.quantity(0)?;
            let mut data = q.data.to_vec();
            shuffle(&mut data, &stream);
            Ok(Quantity::array(data, q.dim, q.unit.clone()).into())
        }
        "linspace" => {
            let (a, b, n) = (c.quantity(0)?, c.quantity(1)?, scope.size(&args[2].value)?);
            let step = (b.first() - a.first()) / (n.max(2) - 1) as f64;
            Ok(Quantity::array((0..n).map(|i| a.first() + step * i as f64).collect(), a.dim, a.unit.clone()).into())
        }
        "repeat" => {
            let (a, n) = (c.quantity(0)?, scope.size(&args[1].value)?);
            Ok(Quantity::array(vec![a.first(); n], a.dim, a.unit.clone()).into())
        }
        "corr" => {
            let (x, y) = (c.quantity(0)?, c.quantity(1)?);
            if x.data.len() != y.data.len() {
                let message = format!("cannot correlate {} with {} values", x.data.len(), y.data.len());
                return fail(Code::E0403, span, message, "different lengths");
            }
            pure(measure::correlation(&x.data, &y.data))
        }
        "crossing" => {
            let (x, y, level) = (c.quantity(0)?, c.quantity(1)?, c.quantity(2)?);
            Ok(Quantity::number(measure::crossing(&x.data, &y.data, level.first()), x.dim, x.unit.clone()).into())
        }
        "peak_frequency" => rate(measure::peak_frequency(&c.quantity(0)?.data, c.quantity(1)?.first())),
        "wall_clock" => {
            let begin = BEGIN.get_or_init(std::time::Instant::now);
            Ok(Quantity::number(begin.elapsed().as_secs_f64() * 1e3, Dim::TIME, lookup("s")).into())
        }
        "rate" => rate(c.events(1)?.rate()),
        "rates" => Ok(Quantity::array(c.events(1)?.rates(), Dim::RATE, lookup("Hz")).into()),
        "count" => pure(c.events(1)?.times.len() as f64),
        "cv" => pure(c.events(1)?.cv()),
        "binned" => Ok(Quantity::array(c.events(2)?.binned(c.quantity(1)?.first()), Dim::RATE, lookup("Hz")).into()),
        "counts" => Ok(Quantity::array(c.events(2)?.counts(c.quantity(1)?.first()), Dim::ONE, None).into()),
        "fano" => pure(c.events(2)?.fano(c.quantity(1)?.first())),
        "times" => times(c.events(1)?.times),
        "senders" => {
            Ok(Quantity::array(c.events(1)?.cells.iter().map(|x| f64::from(*x)).collect(), Dim::ONE, None).into())
        }
        "values" | "sample_times" | "value_at" => samples(&c, name, span),
        "csv" => {
            let (path, bytes) = c.file()?;
            match crate::data::csv(&bytes, None) {
                Ok(t) => Ok(Value::Table(Rc::new(t))),
                Err(reason) => fail(Code::E0803, args[0].value.span, format!("`{path}` is not a table"), reason),
            }
        }
        "npy" => {
            let (path, bytes) = c.file()?;
            match crate::data::npy(&bytes) {
                Ok(v) => Ok(Quantity::array(v, Dim::ONE, None).into()),
                Err(reason) => fail(Code::E0803, args[0].value.span, format!("`{path}` is not an array"), reason),
            }
        }
        "rows" => pure(c.table(0)?.rows() as f64),
        "column" => {
            let (t, n) = (c.table(0)?, c.text(1)?);
            match t.numbers(&n) {
                Ok(v) => Ok(Quantity::array(v, Dim::ONE, None).into()),
                Err(reason) => fail(Code::E0803, args[1].value.span, "this column cannot be read as numbers", reason),
            }
        }
        "count_where" => {
            let (t, n, wanted) = (c.table(0)?, c.text(1)?, c.text(2)?);
            match t.columns.get(&*n) {
                Some(column) => pure(column.iter().filter(|x| **x == *wanted).count() as f64),
                None => fail(Code::E0205, args[1].value.span, t.no_column(&n), "no such column"),
            }
        }
        "n_synapses" => pure(c.projection()?.iter().map(|p| p.pairs.len()).sum::<usize>() as f64),
        "weights" => {
            let Value::Projection(network, list) = scope.eval(&args[0].value)? else {
                return fail(Code::E0401, args[0].value.span, "expected a projection", "not a projection");
            };
            let live = &scope.live[network];
            let mut data = Vec::new();
            let mut unit = (Dim::ONE, None);
            for k in list.iter() {
                let p = &live.network().projections[*k];
                let model = &live.network().populations[p.post.population].model;
                let port = &model.vars[p.port];
                let weight = p.synapse.weight().map_or(port, |w| &p.synapse.vars[w]);
                unit = (weight.dim, weight.unit.clone());
                match &live.simulation {
                    Some(s) => data.extend(p.synapse.weight().map_or(Vec::new(), |w| s.synapses(*k, w))),
                    None => data.extend((0..p.pairs.len()).map(|e| p.weight.at(e))),
                }
            }
            Ok(Quantity::array(data, unit.0, unit.1).into())
        }
        "delays" => {
            let list = c.projection()?;
            let data = list.iter().flat_map(|p| (0..p.pairs.len()).map(|k| f64::from(p.delay.at(k)) * scope.dt));
            times(data.collect())
        }
        "out_degrees" | "in_degrees" => {
            let list = c.projection()?;
            let mut degrees = Vec::new();
            for p in list {
                let (view, out) = if name == "out_degrees" { (p.pre, true) } else { (p.post, false) };
                let mut d = vec![0.0; view.n];
                for e in p.pairs.edges().iter() {
                    d[if out { e.pre } else { e.post } as usize - view.start] += 1.0;
                }
                degrees.extend(d);
            }
            Ok(Quantity::array(degrees, Dim::ONE, None).into())
        }
        _ => fail(
            Code::E0210,
            span,
            format!("`{name}` has no value here"),
            "a distribution or connector needs its own place",
        ),
    }
}

/// When somebody first asked for the time.
static BEGIN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();

/// Fisher and Yates.
fn shuffle<T>(list: &mut [T], stream: &Stream) {
    let mut draw = stream.reader(0);
    for i in (1..list.len()).rev() {
        list.swap(i, draw.below(i as u32 + 1) as usize);
    }
}

/// Returns the index of the largest element times a sign; the first one of several.
fn best(x: &[f64], sign: f64) -> f64 {
    let mut at = 0;
    for (i, v) in x.iter().enumerate() {
        if sign * v > sign * x[at] {
            at = i;
        }
    }
    if x.is_empty() { f64::NAN } else { at as f64 }
}

fn samples(c: &Call, name: &str, span: Span) -> Attempt<Value> {
    let r = c.recording(0)?;
    let What::Samples { dim, unit, .. } = &r.what else {
        return fail(Code::E0407, span, format!("`{name}` needs a recorded state"), "these are events");
    };
    let (dim, unit) = (*dim, unit.clone());
    if name == "value_at" {
        let at = c.quantity(1)?.first();
        let (t, v) = c.samples(Some((at - 2.0 * r.dt - 1.0, at + 2.0 * r.dt + 1.0)))?;
        let (t, v) = if t.len() < 2 { c.samples(None)? } else { (t, v) };
        let n = r.cells.1;
        let k = t.partition_point(|x| *x < at - 1e-9).clamp(1, t.len().saturating_sub(1).max(1));
        if t.len() < 2 {
            return fail(Code::E0811, span, "fewer than two samples were recorded", "nothing to read");
        }
        let f = ((at - t[k - 1]) / (t[k] - t[k - 1])).clamp(0.0, 1.0);
        let data: Vec<f64> = (0..n).map(|i| v[(k - 1) * n + i] * (1.0 - f) + v[k * n + i] * f).collect();
        return Ok(if n == 1 {
            Quantity::number(data[0], dim, unit).into()
        } else {
            Quantity::array(data, dim, unit).into()
        });
    }
    let (t, v) = c.samples(c.window(1)?)?;
    Ok(if name == "values" {
        Quantity::array(v, dim, unit).into()
    } else {
        Quantity::array(t, Dim::TIME, lookup("ms")).into()
    })
}
