//! Dimensions: seven small rational exponents, an Abelian group under multiplication.

use serde::{Deserialize, Serialize};
use std::ops::{Div, Mul};

/// A rational number with a small denominator, kept in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ratio {
    /// Numerator.
    pub num: i16,
    /// Denominator, at least 1.
    pub den: i16,
}

impl Ratio {
    /// Zero.
    pub const ZERO: Ratio = Ratio { num: 0, den: 1 };

    /// Returns `num / den` in lowest terms; `den` must not be zero.
    pub fn new(num: i32, den: i32) -> Ratio {
        let g = gcd(num.unsigned_abs(), den.unsigned_abs()).max(1) as i32;
        let sign = if den < 0 { -1 } else { 1 };
        let clamp = |x: i32| x.clamp(-9999, 9999) as i16;
        Ratio { num: clamp(sign * num / g), den: clamp(den.abs() / g) }
    }

    /// Returns the fraction with denominator up to 12 that equals `value`, if there is one.
    pub fn from_f64(value: f64) -> Option<Ratio> {
        (1..=12).find_map(|den| {
            let num = value * f64::from(den);
            ((num - num.round()).abs() < 1e-9 && num.abs() < 1000.0).then(|| Ratio::new(num.round() as i32, den))
        })
    }

    /// Returns the value as a float.
    pub fn as_f64(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    fn add(self, other: Ratio) -> Ratio {
        let (a, b) = (i32::from(self.den), i32::from(other.den));
        Ratio::new(i32::from(self.num) * b + i32::from(other.num) * a, a * b)
    }

    fn scale(self, other: Ratio) -> Ratio {
        Ratio::new(i32::from(self.num) * i32::from(other.num), i32::from(self.den) * i32::from(other.den))
    }
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The dimension of a quantity: exponents of kg, m, s, A, K, mol, cd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dim(pub [Ratio; 7]);

impl Dim {
    /// A pure number.
    pub const ONE: Dim = Dim([Ratio::ZERO; 7]);
    /// Time.
    pub const TIME: Dim = Dim::of([0, 0, 1, 0, 0, 0, 0]);
    /// Length.
    pub const LENGTH: Dim = Dim::of([0, 1, 0, 0, 0, 0, 0]);
    /// Electric potential.
    pub const VOLTAGE: Dim = Dim::of([1, 2, -3, -1, 0, 0, 0]);
    /// Electric current.
    pub const CURRENT: Dim = Dim::of([0, 0, 0, 1, 0, 0, 0]);
    /// Electric conductance.
    pub const CONDUCTANCE: Dim = Dim::of([-1, -2, 3, 2, 0, 0, 0]);
    /// Electric capacitance.
    pub const CAPACITANCE: Dim = Dim::of([-1, -2, 4, 2, 0, 0, 0]);
    /// Frequency.
    pub const RATE: Dim = Dim::of([0, 0, -1, 0, 0, 0, 0]);

    /// Returns the dimension with integer exponents of kg, m, s, A, K, mol, cd.
    pub const fn of(e: [i16; 7]) -> Dim {
        let mut out = [Ratio::ZERO; 7];
        let mut i = 0;
        while i < 7 {
            out[i] = Ratio { num: e[i], den: 1 };
            i += 1;
        }
        Dim(out)
    }

    /// Raises to a rational power.
    pub fn pow(self, exponent: Ratio) -> Dim {
        Dim(self.0.map(|e| e.scale(exponent)))
    }

    /// Returns the inverse dimension.
    pub fn recip(self) -> Dim {
        self.pow(Ratio::new(-1, 1))
    }

    /// Returns the decimal exponent of the internal unit of this dimension relative to SI.
    ///
    /// The internal base is kg·1e-12, m·1e-6, s·1e-3, A·1e-12, K, mol·1e-18, cd, which makes mV, pA, nS, pF coherent.
    pub fn internal_exponent(self) -> f64 {
        const BASE: [f64; 7] = [-12.0, -6.0, -3.0, -12.0, 0.0, -18.0, 0.0];
        self.0.iter().zip(BASE).map(|(e, b)| e.as_f64() * b).sum()
    }
}

impl Mul for Dim {
    type Output = Dim;
    fn mul(self, other: Dim) -> Dim {
        let mut out = self;
        for (a, b) in out.0.iter_mut().zip(other.0) {
            *a = a.add(b);
        }
        out
    }
}

impl Div for Dim {
    type Output = Dim;
    fn div(self, other: Dim) -> Dim {
        let inverse = other.recip();
        self.mul(inverse)
    }
}
