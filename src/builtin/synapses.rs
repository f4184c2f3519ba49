//! Functions of projections and networks.

use super::{Arguments, Dense, End, Host, Refusal};
use crate::diag::Code;
use crate::units::{Dim, lookup};
use crate::value::{Quantity, Value};

type Given<'a> = &'a Arguments<'a>;
type Result<T = Value> = std::result::Result<T, Refusal>;

pub fn n_synapses(host: &dyn Host, a: Given) -> Result {
    let (network, list) = a.projection(0)?;
    Ok(Quantity::pure(host.synapses(network, list)? as f64).into())
}

pub fn weights(host: &dyn Host, a: Given) -> Result {
    let (network, list) = a.projection(0)?;
    Ok(host.weights(network, list)?.into())
}

pub fn delays(host: &dyn Host, a: Given) -> Result {
    let (network, list) = a.projection(0)?;
    Ok(Quantity::array(host.delays(network, list)?, Dim::TIME, lookup("ms")).into())
}

fn degrees(host: &dyn Host, a: Given, end: End) -> Result {
    let (network, list) = a.projection(0)?;
    Ok(Quantity::array(host.degrees(network, list, end)?, Dim::ONE, None).into())
}

pub fn out_degrees(host: &dyn Host, a: Given) -> Result {
    degrees(host, a, End::Pre)
}

pub fn in_degrees(host: &dyn Host, a: Given) -> Result {
    degrees(host, a, End::Post)
}

/// Weights as a matrix with a row for each target.
pub fn matrix(host: &dyn Host, a: Given) -> Result {
    let (network, list) = a.projection(0)?;
    let (dense, dim, unit) = host.dense(network, list)?;
    if dense.shared.is_some() {
        let message = "weights that many places share are no matrix of sources and targets";
        return Err(Refusal::of(0, Code::E0106, message, "a convolution or a pool"));
    }
    let Dense { size: (targets, sources), weights, .. } = transposed(dense);
    Ok(Quantity::matrix(weights, [targets, sources], dim, unit).into())
}

/// Exchanges sources and targets.
fn transposed(m: Dense) -> Dense {
    let (sources, targets) = m.size;
    let at = |j: usize, i: usize| m.weights[i * targets + j];
    let weights = (0..targets).flat_map(|j| (0..sources).map(move |i| (j, i))).map(|(j, i)| at(j, i)).collect();
    Dense { size: (targets, sources), weights, joins: (m.joins.1, m.joins.0), shared: m.shared }
}

/// The angle between two vectors, example by example, or between the weights of two projections that join the same cells.
pub fn angle(host: &dyn Host, a: Given) -> Result {
    let deg = lookup("deg");
    if let (Some(Value::Projection(n, first)), Some(Value::Projection(m, second))) = (a.value(0), a.value(1)) {
        let (x, y) = (host.dense(*n, first)?.0, host.dense(*m, second)?.0);
        if x.shared != y.shared {
            let message = "weights that many places share have no angle with others";
            return Err(Refusal::new(Code::E0403, message, "convolutions of different shapes"));
        }
        let opposite = x.shared.is_none() && x.size == (y.size.1, y.size.0) && x.joins == (y.joins.1, y.joins.0);
        let y = if opposite { transposed(y) } else { y };
        if x.size != y.size {
            let message = format!("weights of {} x {} cells and of {} x {}", x.size.0, x.size.1, y.size.0, y.size.1);
            return Err(Refusal::new(Code::E0403, message, "they do not join the same cells"));
        }
        return Ok(Quantity::number(between(&x.weights, &y.weights)?, Dim::ONE, deg).into());
    }
    let (x, y) = (a.quantity(0)?, a.quantity(1)?);
    if x.width() != y.width() || x.rows.zip(y.rows).is_some_and(|(a, b)| a != b) {
        let message = format!("vectors of {} and {} elements", x.width(), y.width());
        return Err(Refusal::new(Code::E0403, message, "different lengths"));
    }
    let rows = x.rows.or(y.rows);
    let row = |q: &Quantity, k: usize| {
        let at = if q.rows.is_some() { k * q.width() } else { 0 };
        q.data[at..at + q.width()].to_vec()
    };
    let angles = (0..rows.unwrap_or(1)).map(|k| between(&row(&x, k), &row(&y, k)));
    let data: Vec<f64> = angles.collect::<Result<_>>()?;
    Ok(Quantity { data: data.into(), rows, ..Quantity::number(0.0, Dim::ONE, deg) }.into())
}

/// The angle between two vectors in radians.
fn between(x: &[f64], y: &[f64]) -> Result<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let norms = (dot(x, x) * dot(y, y)).sqrt();
    if norms == 0.0 {
        return Err(Refusal::new(Code::E0811, "a vector of zeros has no direction", "one of the two is zero"));
    }
    // Rounding may take the cosine of equal vectors just past one.
    Ok((dot(x, y) / norms).clamp(-1.0, 1.0).acos())
}

pub fn energy(host: &dyn Host, a: Given) -> Result {
    match a.value(0) {
        Some(Value::Network(instance)) => Ok(host.energy(instance.network)?.into()),
        _ => a.wrong(0, "a network"),
    }
}
