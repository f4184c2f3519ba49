//! Statistics of the field: predictivity, dissimilarity, components, read-outs, trains of events and spectra.

use super::{Arguments, Host, Refusal, undefined};
use crate::diag::Code;
use crate::measure::{self, Borders, Flaw, Linear, Score, Split};
use crate::rng::Stream;
use crate::units::{Dim, lookup};
use crate::value::{Quantity, Value, extent};
use ndarray::{Array2, ArrayView2, ArrayView3};

type Given<'a> = &'a Arguments<'a>;
type Result<T = Value> = std::result::Result<T, Refusal>;

/// Divisions are drawn alike in every run: what is scored differs, not how.
const SEED: u64 = 1;

/// The share of rows that a drawn split fits.
const FITTED: f64 = 0.9;

/// Refuses what has no value.
fn flawed(flaw: Flaw) -> Refusal {
    undefined(0, &flaw.to_string())
}

/// The mean of unit vectors with these angles.
fn mean_direction(a: Given) -> Result<(f64, f64)> {
    let angles = a.some(0)?;
    let mean = |of: fn(f64) -> f64| angles.data.iter().map(|x| of(*x)).sum::<f64>() / angles.data.len() as f64;
    Ok((mean(libm::cos), mean(libm::sin)))
}

pub fn circular_mean(_: &dyn Host, a: Given) -> Result {
    let (x, y) = mean_direction(a)?;
    // What rounding leaves of vectors that cancel has no direction.
    if libm::hypot(x, y) < 1e-12 {
        return Err(undefined(0, "no direction is preferred"));
    }
    Ok(Quantity::pure(libm::atan2(y, x)).into())
}

pub fn resultant(_: &dyn Host, a: Given) -> Result {
    let (x, y) = mean_direction(a)?;
    Ok(Quantity::pure(libm::hypot(x, y)).into())
}

/// Rows and columns of a matrix; an example is a row, and an array one column.
fn matrix(q: &Quantity, argument: usize) -> Result<ArrayView2<'_, f64>> {
    let shape = match (&q.shape[..], q.rows) {
        ([rows, columns], None) => Some((*rows, *columns)),
        ([n], None) => Some((*n, 1)),
        (shape, Some(rows)) => Some((rows, shape.iter().product())),
        _ => None,
    };
    shape.and_then(|shape| ArrayView2::from_shape(shape, &q.data[..]).ok()).ok_or_else(|| {
        Refusal::of(argument, Code::E0403, format!("expected a matrix, found {}", extent(&q.shape)), "no matrix")
    })
}

/// A matrix of pure numbers.
fn of_matrix(m: &Array2<f64>) -> Value {
    Quantity::matrix(m.iter().copied().collect(), [m.nrows(), m.ncols()], Dim::ONE, None).into()
}

/// Numbers that are drawn.
fn draws() -> impl FnMut() -> f64 {
    let mut reader = Stream::new(SEED, 0).reader(0);
    move || reader.uniform()
}

/// Divisions of `n` rows: ten or another number of drawn ones, of which `fitted` rows are fitted, or those that a matrix gives, with 1
/// for the rows to be tested.
fn splits(a: Given, argument: usize, n: usize, fitted: usize) -> Result<Vec<Split>> {
    let given = if a.has(argument) { a.quantity(argument)? } else { Quantity::pure(10.0) };
    if given.is_single() {
        let (count, mut draw) = (if a.has(argument) { a.size(argument)? } else { 10 }, draws());
        return (0..count).map(|_| measure::random_split(n, fitted, &mut draw).map_err(flawed)).collect();
    }
    let given = matrix(&given, argument)?.to_owned();
    let refused =
        |message| Refusal::of(argument, Code::E0403, message, "0 for each row to be fitted, 1 for each to be tested");
    if given.ncols() != n {
        return Err(refused(format!("a split has {} rows, the data {n}", given.ncols())));
    }
    if let Some(other) = given.iter().find(|x| **x != 0.0 && **x != 1.0) {
        return Err(refused(format!("a row of a split is {other}")));
    }
    let split = |row: ndarray::ArrayView1<f64>| {
        let which = |tested: f64| (0..row.len()).filter(|k| row[*k] == tested).collect();
        Split::given(n, which(0.0), which(1.0)).map_err(flawed)
    };
    given.rows().into_iter().map(split).collect()
}

/// The score of a regression, and its splits.
fn score(a: Given) -> Result<Score> {
    let (x, y) = (a.quantity(0)?, a.quantity(1)?);
    let (x, y) = (matrix(&x, 0)?, matrix(&y, 1)?);
    let n = x.nrows();
    let splits = splits(a, 3, n, (FITTED * n as f64).floor() as usize)?;
    if a.has(4) {
        let penalty = a.positive(4, "the penalty")?;
        return measure::predictivity(x, y, &splits, &|x, y| measure::ridge(x, y, penalty)).map_err(flawed);
    }
    let components = if a.has(2) { a.size(2)? } else { 25 };
    let fit = |x: ArrayView2<f64>, y: ArrayView2<f64>| -> std::result::Result<Linear, Flaw> {
        Ok(measure::pls(x, y, components)?.linear)
    };
    measure::predictivity(x, y, &splits, &fit).map_err(flawed)
}

pub fn predictivity(_: &dyn Host, a: Given) -> Result {
    Ok(Quantity::pure(score(a)?.center).into())
}

pub fn predictivities(_: &dyn Host, a: Given) -> Result {
    Ok(Quantity::array(score(a)?.splits, Dim::ONE, None).into())
}

/// Halves of repetitions, `[repetition, image, cell]`.
fn halves(a: Given) -> Result<Score> {
    let q = a.quantity(0)?;
    let [n, images, cells] = q.shape[..] else {
        let message = format!("expected repetitions, images and cells, found {}", extent(&q.shape));
        return Err(
            Refusal::of(0, Code::E0403, message, "three axes").help("`transpose` turns the order of axes round")
        );
    };
    let Ok(repetitions) = ArrayView3::from_shape((n, images, cells), &q.data[..]) else {
        crate::ice!("an array that is not as large as its shape")
    };
    let measured = match a.has(2) {
        true => {
            let missing = a.number(2)?;
            Some(repetitions.map(|x| *x != missing))
        }
        false => None,
    };
    let halves = splits(a, 1, n, n / 2)?;
    measure::ceiling(repetitions, measured.as_ref().map(|m| m.view()), &halves).map_err(flawed)
}

pub fn ceiling(_: &dyn Host, a: Given) -> Result {
    Ok(Quantity::pure(halves(a)?.center).into())
}

pub fn spearman(_: &dyn Host, a: Given) -> Result {
    let (x, y) = (a.quantity(0)?, a.quantity(1)?);
    super::same_length(&x, &y)?;
    match measure::rank_correlation(&x.data, &y.data) {
        Some(r) => Ok(Quantity::pure(r).into()),
        None => Err(undefined(0, "one of the two arrays does not vary")),
    }
}

pub fn dissimilarity(_: &dyn Host, a: Given) -> Result {
    let x = a.quantity(0)?;
    match measure::dissimilarity(matrix(&x, 0)?) {
        Some(all) => Ok(Quantity::array(all, Dim::ONE, None).into()),
        None => Err(undefined(0, "a row does not vary, or there are fewer than two")),
    }
}

pub fn pca(_: &dyn Host, a: Given) -> Result {
    let x = a.quantity(0)?;
    let x = matrix(&x, 0)?;
    let found = measure::pca(x, a.size(1)?).map_err(flawed)?;
    found.transform(x).map(|scores| of_matrix(&scores)).map_err(flawed)
}

pub fn singular_values(_: &dyn Host, a: Given) -> Result {
    let x = a.quantity(0)?;
    let found = measure::svd(matrix(&x, 0)?).map_err(flawed)?;
    Ok(Quantity::array(found.values.to_vec(), x.dim, x.unit.clone()).into())
}

pub fn pseudo_inverse(_: &dyn Host, a: Given) -> Result {
    let x = a.quantity(0)?;
    measure::pseudo_inverse(matrix(&x, 0)?).map(|m| of_matrix(&m)).map_err(flawed)
}

/// The classes that a read-out of labelled rows gives to others.
pub fn classify(_: &dyn Host, a: Given) -> Result {
    let (x, labels, others) = (a.quantity(0)?, a.quantity(1)?, a.quantity(2)?);
    let class = |label: &f64| match label.fract() == 0.0 && (0.0..1e6).contains(label) {
        true => Ok(*label as usize),
        false => Err(Refusal::of(1, Code::E0404, format!("{label} is no class"), "classes are numbered from 0")),
    };
    let classes = labels.data.iter().map(class).collect::<Result<Vec<usize>>>()?;
    let known = classes.iter().max().map_or(0, |most| most + 1);
    let count = labels.classes.map_or(known, |n| n as usize).max(known);
    let penalty = if a.has(3) { a.positive(3, "the penalty")? } else { 1.0 };
    let readout = measure::readout(matrix(&x, 0)?, &classes, count, penalty).map_err(flawed)?;
    let found = readout.classes(matrix(&others, 2)?).map_err(flawed)?;
    let found = found.into_iter().map(|class| class as f64).collect();
    Ok(Quantity { classes: Some(count as u32), ..Quantity::array(found, Dim::ONE, None) }.into())
}

fn of_intervals(a: Given, f: fn(&[f64]) -> Option<f64>, needs: &str) -> Result {
    let x = a.quantity(0)?;
    f(&x.data).map(|v| Quantity::pure(v).into()).ok_or_else(|| undefined(0, needs))
}

pub fn intervals(_: &dyn Host, a: Given) -> Result {
    let x = a.quantity(0)?;
    Ok(Quantity::array(measure::intervals(&x.data), x.dim, x.unit.clone()).into())
}

pub fn cv2(_: &dyn Host, a: Given) -> Result {
    of_intervals(a, measure::cv2, "there are fewer than two intervals")
}

pub fn local_variation(_: &dyn Host, a: Given) -> Result {
    of_intervals(a, measure::local_variation, "there are fewer than two intervals")
}

pub fn cross_correlogram(_: &dyn Host, a: Given) -> Result {
    let (x, y) = (a.quantity(0)?, a.quantity(1)?);
    let found = measure::cross_correlogram(&x.data, &y.data, a.size(2)?, Borders::AsCounted).map_err(flawed)?;
    Ok(Quantity::array(found, Dim::ONE, None).into())
}

/// The density, or the frequencies it is of.
fn spectrum(a: Given) -> Result<(Quantity, measure::Spectrum)> {
    let x = a.quantity(0)?;
    let found = measure::power_spectrum(&x.data, a.positive(1, "the interval of the samples")?, a.size(2)?);
    Ok((x, found.map_err(flawed)?))
}

pub fn power_spectrum(_: &dyn Host, a: Given) -> Result {
    let (x, found) = spectrum(a)?;
    Ok(Quantity::array(found.density, x.dim * x.dim * Dim::TIME, None).into())
}

pub fn frequencies(_: &dyn Host, a: Given) -> Result {
    let (_, found) = spectrum(a)?;
    Ok(Quantity::array(found.frequencies, Dim::RATE, lookup("Hz")).into())
}
