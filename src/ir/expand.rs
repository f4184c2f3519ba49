//! Transcendental functions as IR operations: one definition each, the same bits on every back end.
//!
//! Error bounds are measured against `f64` libm over the stated ranges by `tests/suite/codegen.rs`:
//! `exp`, `expm1`, `log`, `sigmoid` within 3 ulp, `sin` and `cos` within 3 ulp for |x| < 1000, `tanh` within 5 ulp; `pow` within
//! 3 (1 + |y log x|) ulp. What overflows is infinite, what is less than twice the smallest normal number may be zero, and
//! arguments that are not numbers stay not numbers: as where an expression is folded (`hir::apply`, `tests/suite/kernels.rs`).

use super::kernel::{Precision, Value};
use super::{Builder, Op};
use crate::builtin::{MOST_EVENTS, POISSON_TERMS};

fn is_f32(b: &Builder) -> bool {
    b.precision() == Precision::F32
}

/// Evaluates a polynomial by Horner's rule, highest coefficient first.
fn horner(b: &mut Builder, x: Value, coefficients: &[f64]) -> Value {
    let mut acc = b.constant(coefficients[0]);
    for &c in &coefficients[1..] {
        let c = b.constant(c);
        acc = b.fma(acc, x, c);
    }
    acc
}

/// Splits `x = n ln 2 + r` and returns (2^(n - 1), expm1(r)): twice what comes of it overflows where `e^x` does.
fn exp_parts(b: &mut Builder, x: Value) -> (Value, Value) {
    // Range from where 2^(n - 1) is zero to where it is the largest; magic: adding 1.5 * 2^m leaves round(x) in the low mantissa bits.
    let (lo, hi, magic, shift, half, ln2_hi, ln2_lo) = if is_f32(b) {
        (-87.4, 88.9, 12_582_912.0, 23, 0x3f00_0000, 0.693_359_375, -2.121_944_4e-4)
    } else {
        (
            -708.4,
            709.9,
            6_755_399_441_055_744.0,
            52,
            0x3fe0_0000_0000_0000,
            6.931_471_803_691_238e-1,
            1.908_214_929_270_587_7e-10,
        )
    };
    let (lo, hi) = (b.constant(lo), b.constant(hi));
    // Operand order lets NaN through.
    let x = b.min(hi, x);
    let x = b.max(lo, x);
    let (log2e, magic) = (b.constant(std::f64::consts::LOG2_E), b.constant(magic));
    let t = b.fma(x, log2e, magic);
    let n = b.sub(t, magic);
    let (hi, lo) = (b.constant(-ln2_hi), b.constant(-ln2_lo));
    let r = b.fma(n, hi, x);
    let r = b.fma(n, lo, r);
    let bits = b.to_bits(t);
    let bits = b.shl(bits, shift);
    let half = b.int(half);
    let bits = b.iadd(bits, half);
    let scale = b.from_bits(bits);
    // Taylor: |r| <= 0.3466, so degree 7 leaves 5e-9 and degree 13 leaves 4e-18.
    let degree = if is_f32(b) { 7 } else { 13 };
    let coefficients: Vec<f64> = (2..=degree).rev().map(|k| 1.0 / (1..=k).map(f64::from).product::<f64>()).collect();
    let p = horner(b, r, &coefficients);
    let r2 = b.mul(r, r);
    let q = b.fma(p, r2, r);
    (scale, q)
}

/// `e^x`
pub fn exp(b: &mut Builder, x: Value) -> Value {
    let (scale, q) = exp_parts(b, x);
    let half = b.fma(scale, q, scale);
    b.add(half, half)
}

/// `e^x - 1`, accurate near zero.
pub fn expm1(b: &mut Builder, x: Value) -> Value {
    let (scale, q) = exp_parts(b, x);
    let half = b.constant(0.5);
    let rest = b.sub(scale, half);
    let half = b.fma(scale, q, rest);
    b.add(half, half)
}

/// `(e^x - 1) / x`, 1 at zero.
pub fn exprel(b: &mut Builder, x: Value) -> Value {
    let e = expm1(b, x);
    let (zero, one) = (b.constant(0.0), b.constant(1.0));
    let ratio = b.div(e, x);
    let at_zero = b.eq(x, zero);
    b.select(at_zero, one, ratio)
}

/// Natural logarithm; 0 gives -inf, negative numbers NaN.
pub fn log(b: &mut Builder, x: Value) -> Value {
    // Smaller numbers than the normal ones are made normal first.
    let (least, digits) = if is_f32(b) { (f64::from(f32::MIN_POSITIVE), 24) } else { (f64::MIN_POSITIVE, 53) };
    let (least, grown) = (b.constant(least), b.constant(2f64.powi(digits)));
    let small = b.lt(x, least);
    let larger = b.mul(x, grown);
    let normal = b.select(small, larger, x);
    let out = log_of_normal(b, normal);
    let (zero, shift) = (b.constant(0.0), b.constant(f64::from(digits) * std::f64::consts::LN_2));
    let shift = b.select(small, shift, zero);
    let out = b.sub(out, shift);
    let (infinity, minus_infinity) = (b.constant(f64::INFINITY), b.constant(f64::NEG_INFINITY));
    let is_zero = b.eq(x, zero);
    let out = b.select(is_zero, minus_infinity, out);
    let nan = b.constant(f64::NAN);
    let negative = b.lt(x, zero);
    let out = b.select(negative, nan, out);
    // What is infinite or not a number stays so.
    let finite = b.lt(x, infinity);
    b.select(finite, out, x)
}

/// Natural logarithm of positive normal numbers.
fn log_of_normal(b: &mut Builder, x: Value) -> Value {
    let f32 = is_f32(b);
    let (shift, mantissa, one_bits, int_bits, bias) = if f32 {
        (23, 0x007f_ffff, 0x3f80_0000, 0x4b00_0000, 8_388_608.0 + 127.0)
    } else {
        (52, 0x000f_ffff_ffff_ffff, 0x3ff0_0000_0000_0000, 0x4330_0000_0000_0000, 4_503_599_627_370_496.0 + 1023.0)
    };
    let bits = b.to_bits(x);
    let exponent = b.shr(bits, shift);
    let (mantissa, one_bits, int_bits) = (b.int(mantissa), b.int(one_bits), b.int(int_bits));
    let exponent = b.ior(exponent, int_bits);
    let exponent = b.from_bits(exponent);
    let bias = b.constant(bias);
    let e = b.sub(exponent, bias);
    let m = b.iand(bits, mantissa);
    let m = b.ior(m, one_bits);
    let m = b.from_bits(m);
    let (root2, half, one) = (b.constant(std::f64::consts::SQRT_2), b.constant(0.5), b.constant(1.0));
    let large = b.lt(root2, m);
    let halved = b.mul(m, half);
    let m = b.select(large, halved, m);
    let e1 = b.add(e, one);
    let e = b.select(large, e1, e);
    // log(m) = 2 atanh(s) with s = (m - 1) / (m + 1), |s| < 0.172.
    let f = b.sub(m, one);
    let d = b.add(m, one);
    let s = b.div(f, d);
    let z = b.mul(s, s);
    let terms = if f32 { 5 } else { 11 };
    let coefficients: Vec<f64> = (1..=terms).rev().map(|k| 2.0 / f64::from(2 * k + 1)).collect();
    let p = horner(b, z, &coefficients);
    let zp = b.mul(z, p);
    let two = b.constant(2.0);
    let series = b.add(zp, two);
    let (hi, lo) =
        if f32 { (0.693_359_375, -2.121_944_4e-4) } else { (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10) };
    let (hi, lo) = (b.constant(hi), b.constant(lo));
    let low = b.mul(e, lo);
    let small = b.fma(s, series, low);
    b.fma(e, hi, small)
}

/// Reduces to a quarter turn; returns (sin r, cos r, quadrant as 0, 1, 2 or 3).
fn quarter(b: &mut Builder, x: Value) -> (Value, Value, Value) {
    let two_over_pi = b.constant(std::f64::consts::FRAC_2_PI);
    let n = b.mul(x, two_over_pi);
    let n = b.nearest(n);
    // pi/2 in parts whose products with n are exact for |n| < 2^11 (f32) or 2^20 (f64).
    let parts: [f64; 3] = if is_f32(b) {
        [1.570_312_5, 4.837_512_969e-4, 7.549_789_948_768_648e-8]
    } else {
        [1.570_796_326_734_125_6, 6.077_100_506_303_966e-11, 2.022_266_248_795_950_6e-21]
    };
    let mut r = x;
    for part in parts {
        let c = b.constant(-part);
        r = b.fma(n, c, r);
    }
    let z = b.mul(r, r);
    let (sines, cosines): (&[f64], &[f64]) = if is_f32(b) {
        (&[-1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0], &[1.0 / 40320.0, -1.0 / 720.0, 1.0 / 24.0, -0.5])
    } else {
        (
            &[
                1.0 / 355_687_428_096_000.0,
                -1.0 / 1_307_674_368_000.0,
                1.0 / 6_227_020_800.0,
                -1.0 / 39_916_800.0,
                1.0 / 362_880.0,
                -1.0 / 5040.0,
                1.0 / 120.0,
                -1.0 / 6.0,
            ],
            &[
                1.0 / 20_922_789_888_000.0,
                -1.0 / 87_178_291_200.0,
                1.0 / 479_001_600.0,
                -1.0 / 3_628_800.0,
                1.0 / 40320.0,
                -1.0 / 720.0,
                1.0 / 24.0,
                -0.5,
            ],
        )
    };
    let sines: Vec<f64> = if is_f32(b) { [&[1.0 / 362_880.0], sines].concat() } else { sines.to_vec() };
    let s = horner(b, z, &sines);
    let rz = b.mul(r, z);
    let s = b.fma(s, rz, r);
    let c = horner(b, z, cosines);
    let one = b.constant(1.0);
    let c = b.fma(c, z, one);
    let (quarter, four) = (b.constant(0.25), b.constant(4.0));
    let turns = b.mul(n, quarter);
    let turns = b.floor(turns);
    let back = b.mul(turns, four);
    let quadrant = b.sub(n, back);
    (s, c, quadrant)
}

fn turn(b: &mut Builder, x: Value, offset: f64) -> Value {
    let (s, c, q) = quarter(b, x);
    let (offset, four, three) = (b.constant(offset), b.constant(4.0), b.constant(3.0));
    let shifted = b.add(q, offset);
    let wrapped = b.sub(shifted, four);
    let over = b.lt(three, shifted);
    let q = b.select(over, wrapped, shifted);
    let (one, two) = (b.constant(1.0), b.constant(2.0));
    let is1 = b.eq(q, one);
    let is3 = b.eq(q, three);
    let swap = b.or(is1, is3);
    let value = b.select(swap, c, s);
    let minus = b.neg(value);
    let flip = b.le(two, q);
    b.select(flip, minus, value)
}

/// Sine of radians.
pub fn sin(b: &mut Builder, x: Value) -> Value {
    turn(b, x, 0.0)
}

/// Cosine of radians.
pub fn cos(b: &mut Builder, x: Value) -> Value {
    turn(b, x, 1.0)
}

/// Hyperbolic tangent.
pub fn tanh(b: &mut Builder, x: Value) -> Value {
    let limit = if is_f32(b) { 10.0 } else { 22.0 };
    let (hi, lo) = (b.constant(limit), b.constant(-limit));
    let x = b.min(hi, x);
    let x = b.max(lo, x);
    let doubled = b.add(x, x);
    let e = expm1(b, doubled);
    let two = b.constant(2.0);
    let d = b.add(e, two);
    b.div(e, d)
}

/// `1 / (1 + e^-x)`
pub fn sigmoid(b: &mut Builder, x: Value) -> Value {
    let minus = b.neg(x);
    let e = exp(b, minus);
    let one = b.constant(1.0);
    let d = b.add(one, e);
    b.div(one, d)
}

/// `x^n` for a whole number, by squaring.
pub fn powi(b: &mut Builder, x: Value, n: i32) -> Value {
    let mut result: Option<Value> = None;
    let (mut base, mut k) = (x, n.unsigned_abs());
    while k > 0 {
        if k & 1 == 1 {
            result = Some(match result {
                None => base,
                Some(r) => b.mul(r, base),
            });
        }
        k >>= 1;
        if k > 0 {
            base = b.mul(base, base);
        }
    }
    let one = b.constant(1.0);
    match result {
        None => one,
        Some(r) if n < 0 => b.div(one, r),
        Some(r) => r,
    }
}

/// The smaller; not a number if one of them is not.
pub fn min(b: &mut Builder, x: Value, y: Value) -> Value {
    extreme(b, x, y, Builder::min)
}

/// The larger; not a number if one of them is not.
pub fn max(b: &mut Builder, x: Value, y: Value) -> Value {
    extreme(b, x, y, Builder::max)
}

/// The operation lets its second operand through if that is not a number, but not its first.
fn extreme(b: &mut Builder, x: Value, y: Value, of: fn(&mut Builder, Value, Value) -> Value) -> Value {
    let number = |b: &Builder, v| matches!(b.op(v), Op::Const(bits) if !f64::from_bits(bits).is_nan());
    if number(b, x) {
        return of(b, x, y);
    }
    if number(b, y) {
        return of(b, y, x);
    }
    let found = of(b, x, y);
    let is_number = b.eq(x, x);
    b.select(is_number, found, x)
}

/// `x^y`; of a negative `x` for whole `y` only, as IEEE 754 has it but for the sign of what comes of zeros.
pub fn pow(b: &mut Builder, x: Value, y: Value) -> Value {
    let constant = match b.op(y) {
        Op::Const(bits) => Some(f64::from_bits(bits)),
        _ => None,
    };
    match constant {
        Some(y) if y.fract() == 0.0 && y.abs() < 64.0 => return powi(b, x, y as i32),
        Some(0.5) => return b.sqrt(x),
        Some(y) if y.fract() != 0.0 && y.is_finite() => {
            let l = log(b, x);
            let y = b.constant(y);
            let product = b.mul(y, l);
            return exp(b, product);
        }
        _ => {}
    }
    let (zero, one, half) = (b.constant(0.0), b.constant(1.0), b.constant(0.5));
    let size = b.abs(x);
    let l = log(b, size);
    let product = b.mul(y, l);
    let size = exp(b, product);
    // Odd powers of negative numbers are negative, others than whole ones are not numbers.
    let minus = b.neg(size);
    let whole = b.floor(y);
    let whole = b.eq(whole, y);
    let (length, infinity) = (b.abs(y), b.constant(f64::INFINITY));
    let finite = b.lt(length, infinity);
    let whole = b.and(whole, finite);
    let halved = b.mul(y, half);
    let even = b.floor(halved);
    let even = b.eq(even, halved);
    let signed = b.select(even, size, minus);
    let nan = b.constant(f64::NAN);
    let signed = b.select(whole, signed, nan);
    let negative = b.lt(x, zero);
    let out = b.select(negative, signed, size);
    // 1 to whatever, and whatever to 0, is 1; 1 to the infinite is where 0 meets infinity.
    let (is_one, is_zero) = (b.eq(x, one), b.eq(y, zero));
    let fixed = b.or(is_one, is_zero);
    b.select(fixed, one, out)
}

/// A uniform number in (0, 1) from raw bits, with the resolution of the mantissa.
pub fn uniform(b: &mut Builder, bits: Value) -> Value {
    let (shift, one_bits, offset) = if is_f32(b) {
        (9, 0x3f80_0000, 1.0 - 2f64.powi(-24))
    } else {
        (12, 0x3ff0_0000_0000_0000, 1.0 - 2f64.powi(-53))
    };
    let one_bits = b.int(one_bits);
    let m = b.shr(bits, shift);
    let m = b.ior(m, one_bits);
    let m = b.from_bits(m);
    let offset = b.constant(offset);
    b.sub(m, offset)
}

/// A Poisson number from a uniform one and its mean: [`crate::builtin::apply`] says how.
pub fn poisson(b: &mut Builder, drawn: Value, mean: Value) -> Value {
    let minus = b.neg(mean);
    let mut term = exp(b, minus);
    let mut terms = Vec::with_capacity(POISSON_TERMS);
    for k in 1..=POISSON_TERMS {
        let reciprocal = b.constant(1.0 / k as f64);
        let factor = b.mul(mean, reciprocal);
        term = b.mul(term, factor);
        terms.push(term);
    }
    let (zero, one) = (b.constant(0.0), b.constant(1.0));
    let (mut beyond, mut count) = (zero, zero);
    for term in terms.into_iter().rev() {
        beyond = b.add(beyond, term);
        let more = b.le(drawn, beyond);
        let more = b.select(more, one, zero);
        count = b.add(count, more);
    }
    let (most, undefined) = (b.constant(MOST_EVENTS), b.constant(f64::NAN));
    let (positive, small) = (b.le(zero, mean), b.le(mean, most));
    let possible = b.and(positive, small);
    b.select(possible, count, undefined)
}

/// A standard normal number from two sources of raw bits (Box and Muller 1958).
pub fn normal(b: &mut Builder, first: Value, second: Value) -> Value {
    let u = uniform(b, first);
    let v = uniform(b, second);
    let l = log_of_normal(b, u);
    let minus_two = b.constant(-2.0);
    let square = b.mul(l, minus_two);
    let radius = b.sqrt(square);
    let tau = b.constant(std::f64::consts::TAU);
    let angle = b.mul(v, tau);
    let c = cos(b, angle);
    b.mul(radius, c)
}
