//! Functions of what was recorded.

use super::{Arguments, Host, Refusal, undefined};
use crate::diag::Code;
use crate::measure::Events;
use crate::units::{Dim, lookup};
use crate::value::{MOST_ELEMENTS, Quantity, Value};

type Given<'a> = &'a Arguments<'a>;
type Result<T = Value> = std::result::Result<T, Refusal>;

/// Events of the first argument within the window that another one names.
fn events(host: &dyn Host, a: Given, window: usize) -> Result<Events> {
    let window = a.window(window)?;
    host.events(a.recording(0)?, window)
}

/// Events of a window that has a duration.
fn lasting(host: &dyn Host, a: Given) -> Result<Events> {
    let e = events(host, a, 1)?;
    match e.to > e.from {
        true => Ok(e),
        false => Err(Refusal::of(0, Code::E0811, "nothing was recorded in this window", "no time has passed in it")),
    }
}

fn pure(v: f64) -> Result {
    Ok(Quantity::pure(v).into())
}

pub fn rate(host: &dyn Host, a: Given) -> Result {
    let e = of_cells(lasting(host, a)?)?;
    Ok(Quantity::number(e.rate(), Dim::RATE, lookup("Hz")).into())
}

/// Events of which a mean over cells can be taken.
fn of_cells(e: Events) -> Result<Events> {
    if e.n == 0 { Err(undefined(0, "there are no cells")) } else { Ok(e) }
}

pub fn rates(host: &dyn Host, a: Given) -> Result {
    Ok(Quantity::array(lasting(host, a)?.rates(), Dim::RATE, lookup("Hz")).into())
}

pub fn count(host: &dyn Host, a: Given) -> Result {
    pure(events(host, a, 1)?.times.len() as f64)
}

pub fn cv(host: &dyn Host, a: Given) -> Result {
    events(host, a, 1)?.cv().map_or_else(|| Err(undefined(0, "no cell has three events")), pure)
}

/// Events and the width of a bin, of which at least one fits into the window.
fn in_bins(host: &dyn Host, a: Given) -> Result<(Events, f64)> {
    let (e, bin) = (events(host, a, 2)?, a.positive(1, "the width of a bin")?);
    let bins = (e.to - e.from) / bin;
    if bins < 1.0 - 1e-6 {
        return Err(Refusal::of(1, Code::E0404, "a bin is longer than the window", "no bin fits"));
    }
    if bins >= MOST_ELEMENTS as f64 {
        let message = format!("{} bins", crate::units::format_number(bins.floor()));
        return Err(Refusal::of(1, Code::E0404, message, "more than an array can have").help("make the bins wider"));
    }
    Ok((e, bin))
}

pub fn binned(host: &dyn Host, a: Given) -> Result {
    let (e, bin) = in_bins(host, a)?;
    let e = of_cells(e)?;
    Ok(Quantity::array(e.binned(bin), Dim::RATE, lookup("Hz")).into())
}

pub fn counts(host: &dyn Host, a: Given) -> Result {
    let (e, bin) = in_bins(host, a)?;
    Ok(Quantity::array(e.counts(bin), Dim::ONE, None).into())
}

pub fn fano(host: &dyn Host, a: Given) -> Result {
    let (e, bin) = in_bins(host, a)?;
    e.fano(bin).map_or_else(|| Err(undefined(0, "there are no events")), pure)
}

pub fn times(host: &dyn Host, a: Given) -> Result {
    Ok(Quantity::array(events(host, a, 1)?.times, Dim::TIME, lookup("ms")).into())
}

pub fn senders(host: &dyn Host, a: Given) -> Result {
    let cells = events(host, a, 1)?.cells;
    Ok(Quantity::array(cells.into_iter().map(f64::from).collect(), Dim::ONE, None).into())
}

pub fn values(host: &dyn Host, a: Given) -> Result {
    let s = host.samples(a.recording(0)?, a.window(1)?)?;
    Ok(Quantity::array(s.values, s.dim, s.unit).into())
}

pub fn sample_times(host: &dyn Host, a: Given) -> Result {
    let s = host.samples(a.recording(0)?, a.window(1)?)?;
    Ok(Quantity::array(s.times, Dim::TIME, lookup("ms")).into())
}

/// Recorded values at a time, linearly interpolated between the samples beside it.
pub fn value_at(host: &dyn Host, a: Given) -> Result {
    let at = a.number(1)?;
    let s = host.samples(a.recording(0)?, None)?;
    let (t, n) = (&s.times, s.cells);
    let (Some(first), Some(last)) = (t.first(), t.last()) else {
        return Err(Refusal::of(0, Code::E0811, "no sample was recorded", "nothing to read"));
    };
    if at < first - 1e-9 || at > last + 1e-9 {
        let shown = |t: f64| crate::units::format_quantity(t, Dim::TIME, lookup("ms").as_ref());
        let message = format!("{} was not recorded", shown(at));
        let label = format!("samples reach from {} to {}", shown(*first), shown(*last));
        return Err(Refusal::of(1, Code::E0811, message, label));
    }
    let k = t.partition_point(|x| *x < at - 1e-9);
    let data: Vec<f64> = match k {
        0 => s.values[..n].to_vec(),
        k if k == t.len() => s.values[(k - 1) * n..].to_vec(),
        k => {
            let f = ((at - t[k - 1]) / (t[k] - t[k - 1])).min(1.0);
            (0..n).map(|i| s.values[(k - 1) * n + i] * (1.0 - f) + s.values[k * n + i] * f).collect()
        }
    };
    Ok(match data[..] {
        [one] => Quantity::number(one, s.dim, s.unit).into(),
        _ => Quantity::array(data, s.dim, s.unit).into(),
    })
}

pub fn wall_clock(host: &dyn Host, _: Given) -> Result {
    Ok(Quantity::number(host.wall_clock() * 1e3, Dim::TIME, lookup("s")).into())
}
