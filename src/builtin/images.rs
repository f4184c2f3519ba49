//! Functions of square images.

use super::{Arguments, Host, Refusal};
use crate::diag::Code;
use crate::value::{Quantity, Value};

type Given<'a> = &'a Arguments<'a>;
type Result<T = Value> = std::result::Result<T, Refusal>;

/// Images, with the number of their channels and their side.
fn squares(a: Given) -> Result<(Quantity, usize, usize)> {
    let q = a.quantity(0)?;
    let width = q.width();
    for channels in [1, 3] {
        let side = ((width / channels) as f64).sqrt().round() as usize;
        if side > 0 && channels * side * side == width {
            return Ok((q, channels, side));
        }
    }
    let message = format!("{width} numbers are not a square image");
    Err(Refusal::of(0, Code::E0403, message, "of one or three channels"))
}

/// An image whose pixels are those at another place, with zeros where nothing was.
fn moved(image: &[f64], channels: usize, side: usize, (down, right): (i64, i64), out: &mut Vec<f64>) {
    let inside = |i: i64| (0..side as i64).contains(&i);
    for c in 0..channels {
        for y in 0..side as i64 {
            for x in 0..side as i64 {
                let (i, j) = (y - down, x - right);
                let there = inside(i) && inside(j);
                out.push(if there { image[(c * side + i as usize) * side + j as usize] } else { 0.0 });
            }
        }
    }
}

/// Moves every image by so many pixels down and to the right.
pub fn shift(_: &dyn Host, a: Given) -> Result {
    let (q, channels, side) = squares(a)?;
    let by = |k: usize| -> Result<i64> {
        match a.quantity(k)?.single() {
            Some(v) if v.fract() == 0.0 && v.abs() <= side as f64 => Ok(v as i64),
            _ => {
                let message = format!("images of {side} x {side} pixels are moved by whole pixels");
                Err(Refusal::of(k, Code::E0404, message, "not a whole number of pixels within them"))
            }
        }
    };
    let by = (by(1)?, by(2)?);
    let mut data = Vec::with_capacity(q.data.len());
    q.examples().for_each(|image| moved(image, channels, side, by, &mut data));
    Ok(q.with(data).into())
}

/// Moves every image by up to so many pixels either way, with zeros where nothing was.
pub fn random_crop(host: &dyn Host, a: Given) -> Result {
    let ((q, channels, side), by) = (squares(a)?, a.size(1)?);
    if by > side {
        let message = format!("images of {side} x {side} pixels, moved by up to {by}");
        return Err(Refusal::of(1, Code::E0404, message, "nothing of them would be left").help("move them by less"));
    }
    let by = by as i64;
    let mut data = Vec::with_capacity(q.data.len());
    let stream = host.stream();
    for (k, image) in q.examples().enumerate() {
        let mut draw = stream.reader(k as u64);
        let mut shift = || i64::from(draw.below(2 * by as u32 + 1)) - by;
        let (dy, dx) = (shift(), shift());
        moved(image, channels, side, (-dy, -dx), &mut data);
    }
    Ok(q.with(data).into())
}

/// Mirrors every image from left to right, or not, at random.
pub fn random_flip(host: &dyn Host, a: Given) -> Result {
    let (q, _, side) = squares(a)?;
    let mut data = q.data.to_vec();
    let stream = host.stream();
    for (k, image) in data.chunks_mut(q.width()).enumerate() {
        if stream.reader(k as u64).below(2) == 1 {
            image.chunks_mut(side).for_each(<[f64]>::reverse);
        }
    }
    Ok(q.with(data).into())
}

/// Subtracts a mean from every channel and divides it by a standard deviation.
pub fn normalise(_: &dyn Host, a: Given) -> Result {
    let (q, channels, side) = squares(a)?;
    let per_channel = |i: usize, what: &str| -> Result<Vec<f64>> {
        let given = a.quantity(i)?;
        match (given.single(), given.data.len()) {
            (Some(one), _) => Ok(vec![one; channels]),
            (None, n) if n == channels => Ok(given.data.to_vec()),
            (None, n) => {
                let message = format!("{n} {what} for {channels} channels");
                Err(Refusal::of(i, Code::E0403, message, "one for all, or one for each"))
            }
        }
    };
    let (mean, deviation) = (per_channel(1, "means")?, per_channel(2, "standard deviations")?);
    if deviation.contains(&0.0) {
        return Err(Refusal::of(2, Code::E0404, "a standard deviation of zero", "nothing can be divided by it"));
    }
    let mut data = Vec::with_capacity(q.data.len());
    for (k, plane) in q.data.chunks_exact(side * side).enumerate() {
        let (mean, deviation) = (mean[k % channels], deviation[k % channels]);
        data.extend(plane.iter().map(|x| (x - mean) / deviation));
    }
    Ok(q.with(data).into())
}
