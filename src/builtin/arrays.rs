//! Functions of arrays and matrices: statistics, order, products.

use super::func::Func;
use super::{Arguments, Host, Refusal, apply, room, same_length, undefined};
use crate::diag::Code;
use crate::measure;
use crate::rng::Stream;
use crate::units::{Dim, Unit, lookup};
use crate::value::{Quantity, Value, extent};
use std::sync::Arc;

type Given<'a> = &'a Arguments<'a>;
type Result<T = Value> = std::result::Result<T, Refusal>;

/// A number of the same dimension as the argument.
fn alike(q: &Quantity, value: f64) -> Result {
    Ok(Quantity::number(value, q.dim, q.unit.clone()).into())
}

pub fn erf(_: &dyn Host, a: Given) -> Result {
    Ok(a.quantity(0)?.map(libm::erf).into())
}

pub fn sum(_: &dyn Host, a: Given) -> Result {
    let q = a.quantity(0)?;
    alike(&q, q.data.iter().sum())
}

fn statistic(a: Given, f: fn(&[f64]) -> Option<f64>) -> Result<(Quantity, f64)> {
    let q = a.quantity(0)?;
    let value = f(&q.data).ok_or_else(|| undefined(0, "there are no values"))?;
    Ok((q, value))
}

pub fn mean(_: &dyn Host, a: Given) -> Result {
    statistic(a, measure::mean).and_then(|(q, v)| alike(&q, v))
}

pub fn median(_: &dyn Host, a: Given) -> Result {
    statistic(a, measure::median).and_then(|(q, v)| alike(&q, v))
}

pub fn std(_: &dyn Host, a: Given) -> Result {
    statistic(a, measure::variance).and_then(|(q, v)| alike(&q, v.sqrt()))
}

pub fn variance(_: &dyn Host, a: Given) -> Result {
    let (q, v) = statistic(a, measure::variance)?;
    Ok(Quantity::number(v, q.dim * q.dim, None).into())
}

/// The smallest or largest element, or element by element the smaller or larger of two.
fn extreme(a: Given, func: Func) -> Result {
    if a.has(1) {
        let (x, y) = (a.quantity(0)?, a.quantity(1)?);
        return match x.zip(&y, |x, y| apply(func, &[x, y])) {
            Ok(q) => Ok(Quantity { unit: x.unit.clone().or(y.unit.clone()), ..q }.into()),
            Err(why) => Err(Refusal::new(Code::E0403, format!("cannot combine {why}"), "different lengths")),
        };
    }
    let q = a.some(0)?;
    let first = q.data[0];
    alike(&q, q.data.iter().fold(first, |m, v| apply(func, &[m, *v])))
}

pub fn min(_: &dyn Host, a: Given) -> Result {
    extreme(a, Func::Min)
}

pub fn max(_: &dyn Host, a: Given) -> Result {
    extreme(a, Func::Max)
}

pub fn first(_: &dyn Host, a: Given) -> Result {
    let q = a.some(0)?;
    alike(&q, q.data[0])
}

pub fn last(_: &dyn Host, a: Given) -> Result {
    let q = a.some(0)?;
    alike(&q, q.data[q.data.len() - 1])
}

/// The index of the largest element times a sign; the first one of several.
fn best(x: &[f64], sign: f64) -> f64 {
    let mut at = 0;
    for (i, v) in x.iter().enumerate() {
        if sign * v > sign * x[at] {
            at = i;
        }
    }
    at as f64
}

pub fn argmax(_: &dyn Host, a: Given) -> Result {
    Ok(a.some(0)?.per_example(Dim::ONE, None, |x| best(x, 1.0)).into())
}

pub fn argmin(_: &dyn Host, a: Given) -> Result {
    Ok(a.some(0)?.per_example(Dim::ONE, None, |x| best(x, -1.0)).into())
}

pub fn total(_: &dyn Host, a: Given) -> Result {
    let q = a.quantity(0)?;
    Ok(q.per_example(q.dim, q.unit.clone(), |x| x.iter().sum()).into())
}

pub fn norm(_: &dyn Host, a: Given) -> Result {
    let q = a.quantity(0)?;
    Ok(q.per_example(q.dim, q.unit.clone(), |x| x.iter().map(|x| x * x).sum::<f64>().sqrt()).into())
}

/// The unit of a product, where one of the two is a pure number.
fn product_unit(x: &Quantity, y: &Quantity) -> Option<Unit> {
    if x.dim == Dim::ONE { y.unit.clone() } else { x.unit.clone().filter(|_| y.dim == Dim::ONE) }
}

pub fn dot(_: &dyn Host, a: Given) -> Result {
    let (x, y) = (a.quantity(0)?, a.quantity(1)?);
    let products = x.zip(&y, |x, y| x * y);
    let p = products.map_err(|why| Refusal::new(Code::E0403, format!("cannot multiply {why}"), "different lengths"))?;
    Ok(p.per_example(x.dim * y.dim, product_unit(&x, &y), |x| x.iter().sum()).into())
}

pub fn len(_: &dyn Host, a: Given) -> Result {
    if let Some(Value::Examples(_, order)) = a.value(0) {
        return Ok(Quantity::pure(order.len() as f64).into());
    }
    let q = a.quantity(0)?;
    let n = match (q.rows, q.shape.first()) {
        (Some(rows), None) => rows,
        (_, Some(first)) => *first,
        (None, None) => 1,
    };
    Ok(Quantity::pure(n as f64).into())
}

/// Rearranges an array, or each example by itself.
fn each_example(q: &Quantity, f: impl Fn(&[f64]) -> Vec<f64>) -> Result {
    Ok(q.with(q.examples().flat_map(f).collect()).into())
}

pub fn sort(_: &dyn Host, a: Given) -> Result {
    each_example(&a.quantity(0)?, |x| {
        let mut sorted = x.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    })
}

/// The order that sorts an array: its element k is the index of the k-th smallest.
fn order(x: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..x.len()).collect();
    order.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    order
}

pub fn argsort(_: &dyn Host, a: Given) -> Result {
    let q = a.quantity(0)?;
    let sorted = each_example(&q, |x| order(x).into_iter().map(|k| k as f64).collect())?;
    Ok(without_dimension(sorted))
}

fn without_dimension(v: Value) -> Value {
    match v {
        Value::Quantity(q) => Quantity { dim: Dim::ONE, unit: None, ..q }.into(),
        other => other,
    }
}

pub fn rank(_: &dyn Host, a: Given) -> Result {
    let ranked = each_example(&a.quantity(0)?, |x| {
        let mut ranks = vec![0.0; x.len()];
        let mut falling: Vec<usize> = (0..x.len()).collect();
        falling.sort_by(|a, b| x[*b].total_cmp(&x[*a]));
        falling.iter().zip(1..).for_each(|(k, rank)| ranks[*k] = f64::from(rank));
        ranks
    })?;
    Ok(without_dimension(ranked))
}

pub fn top(_: &dyn Host, a: Given) -> Result {
    let (q, k) = (a.quantity(0)?, a.size(1)?);
    if k > q.width() {
        let message = format!("the {k} largest of {}", extent(&q.shape));
        return Err(Refusal::of(1, Code::E0404, message, "more than there are"));
    }
    let chosen = each_example(&q, |x| {
        let mut falling: Vec<usize> = (0..x.len()).collect();
        falling.sort_by(|a, b| x[*b].total_cmp(&x[*a]));
        let mut out = vec![0.0; x.len()];
        falling[..k].iter().for_each(|i| out[*i] = 1.0);
        out
    })?;
    Ok(without_dimension(chosen))
}

pub fn softmax(_: &dyn Host, a: Given) -> Result {
    each_example(&a.some(0)?, |x| {
        let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let raised: Vec<f64> = x.iter().map(|v| (v - most).exp()).collect();
        let sum: f64 = raised.iter().sum();
        raised.iter().map(|v| v / sum).collect()
    })
}

/// Means of the values, or of the rows of a matrix, that share a label.
pub fn group_mean(_: &dyn Host, a: Given) -> Result {
    let (x, by) = (a.quantity(0)?, a.quantity(1)?);
    let groups = by.data.len();
    let per = match (x.rows, &x.shape[..]) {
        (Some(rows), _) if rows == groups => x.width(),
        (None, [n]) if *n == groups => 1,
        (None, [rows, columns]) if *rows == groups => *columns,
        _ => {
            let message = format!("{} with {groups} labels", extent(&x.shape));
            return Err(Refusal::of(1, Code::E0403, message, "one label for each value or row is needed"));
        }
    };
    let mut labels = by.data.to_vec();
    labels.sort_by(f64::total_cmp);
    labels.dedup();
    let mut sums = vec![0.0; room(&[labels.len(), per], 0)?];
    let mut counts = vec![0.0; labels.len()];
    for (row, label) in x.data.chunks(per).zip(by.data.iter()) {
        let k = labels.partition_point(|l| l < label);
        counts[k] += 1.0;
        sums[k * per..(k + 1) * per].iter_mut().zip(row).for_each(|(sum, v)| *sum += v);
    }
    let means: Vec<f64> = sums.chunks(per).zip(&counts).flat_map(|(s, n)| s.iter().map(move |v| v / n)).collect();
    let (dim, unit) = (x.dim, x.unit.clone());
    Ok(match per {
        1 => Quantity::array(means, dim, unit).into(),
        _ => Quantity::matrix(means, [labels.len(), per], dim, unit).into(),
    })
}

pub fn cumsum(_: &dyn Host, a: Given) -> Result {
    each_example(&a.quantity(0)?, |x| {
        let mut sum = 0.0;
        x.iter()
            .map(|v| {
                sum += v;
                sum
            })
            .collect()
    })
}

pub fn diff(_: &dyn Host, a: Given) -> Result {
    let q = a.some(0)?;
    let between = |x: &[f64]| x.windows(2).map(|w| w[1] - w[0]).collect::<Vec<f64>>();
    let (shape, rows) = match q.rows {
        Some(rows) => (vec![q.width() - 1], Some(rows)),
        None => (vec![q.data.len() - 1], None),
    };
    let data: Vec<f64> = match rows {
        Some(_) => q.examples().flat_map(between).collect(),
        None => between(&q.data),
    };
    Ok(Quantity { shape, rows, ..Quantity::array(data, q.dim, q.unit.clone()) }.into())
}

/// Fisher and Yates.
fn shuffled<T>(mut list: Vec<T>, stream: &Stream) -> Vec<T> {
    let mut draw = stream.reader(0);
    for i in (1..list.len()).rev() {
        list.swap(i, draw.below(i as u32 + 1) as usize);
    }
    list
}

pub fn shuffle(host: &dyn Host, a: Given) -> Result {
    let stream = host.stream();
    if let Some(Value::Examples(set, order)) = a.value(0) {
        return Ok(Value::Examples(set.clone(), Arc::new(shuffled(order.to_vec(), &stream))));
    }
    let q = a.quantity(0)?;
    Ok(q.with(shuffled(q.data.to_vec(), &stream)).into())
}

pub fn linspace(_: &dyn Host, a: Given) -> Result {
    let (from, to, n) = (a.number(0)?, a.number(1)?, a.size(2)?);
    if n < 2 {
        return Err(Refusal::of(2, Code::E0404, "both ends need at least two values", "too few"));
    }
    room(&[n], 2)?;
    let (q, step) = (a.quantity(0)?, (to - from) / (n - 1) as f64);
    Ok(Quantity::array((0..n).map(|i| from + step * i as f64).collect(), q.dim, q.unit).into())
}

pub fn repeat(_: &dyn Host, a: Given) -> Result {
    let (value, n, q) = (a.number(0)?, a.size(1)?, a.quantity(0)?);
    Ok(Quantity::array(vec![value; room(&[n], 1)?], q.dim, q.unit).into())
}

/// The elements of one array after those of another, or rows below rows; of every example by itself.
pub fn concat(_: &dyn Host, a: Given) -> Result {
    let (x, y) = (a.quantity(0)?, a.quantity(1)?);
    // What has no axis counts as one element.
    let axes = |q: &Quantity| if q.is_scalar() { vec![1] } else { q.shape.clone() };
    let (above, below) = (axes(&x), axes(&y));
    let apart = matches!((x.rows, y.rows), (Some(n), Some(m)) if n != m);
    if above[1..] != below[1..] || apart {
        let message = format!("{} before {}", extent(&above), extent(&below));
        return Err(Refusal::new(Code::E0403, message, "rows must have one length, and batches as many examples"));
    }
    let rows = x.rows.or(y.rows);
    let of = |q: &Quantity, row: usize| {
        let at = if q.rows.is_some() { row * q.width() } else { 0 };
        q.data[at..at + q.width()].to_vec()
    };
    let data = (0..rows.unwrap_or(1)).flat_map(|row| of(&x, row).into_iter().chain(of(&y, row))).collect::<Vec<f64>>();
    let shape = std::iter::once(above[0] + below[0]).chain(above[1..].iter().copied()).collect();
    let unit = x.unit.clone().or_else(|| y.unit.clone());
    Ok(Quantity { data: data.into(), shape, rows, classes: None, unit, ..x }.into())
}

pub fn corr(_: &dyn Host, a: Given) -> Result {
    let (x, y) = (a.quantity(0)?, a.quantity(1)?);
    same_length(&x, &y)?;
    match measure::correlation(&x.data, &y.data) {
        Some(r) => Ok(Quantity::pure(r).into()),
        None => Err(undefined(0, "one of the two arrays does not vary")),
    }
}

pub fn crossing(_: &dyn Host, a: Given) -> Result {
    let (x, y, level) = (a.quantity(0)?, a.quantity(1)?, a.number(2)?);
    same_length(&x, &y)?;
    match measure::crossing(&x.data, &y.data, level) {
        Some(at) => alike(&x, at),
        None => Err(undefined(1, "this never crosses the level")),
    }
}

pub fn peak_frequency(_: &dyn Host, a: Given) -> Result {
    let (series, bin) = (a.quantity(0)?, a.positive(1, "the interval of the samples")?);
    match measure::peak_frequency(&series.data, bin) {
        Some(f) => Ok(Quantity::number(f, Dim::RATE, lookup("Hz")).into()),
        None => Err(undefined(0, "the series is shorter than 8 values, or does not vary")),
    }
}

/// Rows and columns of a matrix, an array being one row.
fn rows_and_columns(q: &Quantity, argument: usize) -> Result<(usize, usize)> {
    match (&q.shape[..], q.rows) {
        ([rows, columns], None) => Ok((*rows, *columns)),
        ([n], Some(rows)) => Ok((rows, *n)),
        _ => Err(Refusal::of(
            argument,
            Code::E0403,
            format!("expected a matrix, found {}", extent(&q.shape)),
            "no matrix",
        )),
    }
}

pub fn transpose(_: &dyn Host, a: Given) -> Result {
    let q = a.quantity(0)?;
    if q.rows.is_none() && q.shape.len() > 2 {
        return Ok(turned_round(&q).into());
    }
    let (rows, columns) = rows_and_columns(&q, 0)?;
    let data =
        (0..columns).flat_map(|j| (0..rows).map(move |i| (i, j))).map(|(i, j)| q.data[i * columns + j]).collect();
    Ok(Quantity::matrix(data, [columns, rows], q.dim, q.unit.clone()).into())
}

/// The same elements with the order of the axes turned round.
fn turned_round(q: &Quantity) -> Quantity {
    let shape: Vec<usize> = q.shape.iter().rev().copied().collect();
    let steps: Vec<usize> = (0..q.shape.len()).map(|axis| q.shape[axis + 1..].iter().product()).collect();
    let mut data = Vec::with_capacity(q.data.len());
    let mut at = vec![0; shape.len()];
    for _ in 0..q.data.len() {
        data.push(q.data[at.iter().rev().zip(&steps).map(|(i, step)| i * step).sum::<usize>()]);
        for axis in (0..at.len()).rev() {
            at[axis] += 1;
            if at[axis] < shape[axis] {
                break;
            }
            at[axis] = 0;
        }
    }
    Quantity { data: data.into(), shape, classes: None, ..q.clone() }
}

/// A matrix times a matrix, or times an array.
pub fn matmul(_: &dyn Host, a: Given) -> Result {
    let (x, y) = (a.quantity(0)?, a.quantity(1)?);
    let (n, k) = rows_and_columns(&x, 0)?;
    let (inner, m) = match (&y.shape[..], y.rows) {
        ([len], None) => (*len, 1),
        _ => rows_and_columns(&y, 1)?,
    };
    if k != inner {
        let message = format!("a matrix of {n} x {k} times one of {inner} x {m}");
        return Err(Refusal::new(Code::E0403, message, format!("{k} columns need {k} rows")));
    }
    let mut out = vec![0.0; room(&[n, m], 0)?];
    for i in 0..n {
        for l in 0..k {
            let factor = x.data[i * k + l];
            let row = &y.data[l * m..(l + 1) * m];
            out[i * m..(i + 1) * m].iter_mut().zip(row).for_each(|(sum, v)| *sum += factor * v);
        }
    }
    let (dim, unit) = (x.dim * y.dim, product_unit(&x, &y));
    let vector = y.shape.len() == 1 && y.rows.is_none();
    Ok(if vector { Quantity::array(out, dim, unit) } else { Quantity::matrix(out, [n, m], dim, unit) }.into())
}
