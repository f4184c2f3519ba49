//! Functions of single numbers, which expressions of cells and of programs share.

use serde::{Deserialize, Serialize};

/// Functions of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs)]
pub enum Func {
    Exp,
    Expm1,
    Exprel,
    Log,
    Log10,
    Sqrt,
    Sin,
    Cos,
    Tan,
    Tanh,
    Sigmoid,
    Abs,
    Floor,
    Ceil,
    Round,
    Sign,
    Heaviside,
    Min,
    Max,
    Mod,
    Pow,
    /// How many events a Poisson number has, of what is drawn between 0 and 1 and its mean.
    Poisson,
}

/// The greatest mean of a Poisson number that a model draws.
pub const MOST_EVENTS: f64 = 8.0;

/// Terms of its distribution: what lies beyond has a probability below 1e-15.
pub const POISSON_TERMS: usize = 40;

/// Computes a function in ordinary floating point; the compile-time twin of the IR.
pub fn apply(func: Func, a: &[f64]) -> f64 {
    match func {
        Func::Exp => a[0].exp(),
        Func::Expm1 => a[0].exp_m1(),
        Func::Exprel => {
            if a[0].abs() < 1e-8 {
                1.0 + a[0] / 2.0
            } else {
                a[0].exp_m1() / a[0]
            }
        }
        Func::Log => a[0].ln(),
        Func::Log10 => a[0].log10(),
        Func::Sqrt => a[0].sqrt(),
        Func::Sin => a[0].sin(),
        Func::Cos => a[0].cos(),
        Func::Tan => a[0].tan(),
        Func::Tanh => a[0].tanh(),
        Func::Sigmoid => 1.0 / (1.0 + (-a[0]).exp()),
        Func::Abs => a[0].abs(),
        Func::Floor => a[0].floor(),
        Func::Ceil => a[0].ceil(),
        Func::Round => a[0].round_ties_even(),
        Func::Sign => {
            if a[0] > 0.0 {
                1.0
            } else if a[0] < 0.0 {
                -1.0
            } else {
                0.0
            }
        }
        Func::Heaviside => f64::from(u8::from(a[0] >= 0.0)),
        Func::Min | Func::Max if a[0].is_nan() => a[0],
        Func::Min => {
            if a[0] < a[1] {
                a[0]
            } else {
                a[1]
            }
        }
        Func::Max => {
            if a[1] < a[0] {
                a[0]
            } else {
                a[1]
            }
        }
        Func::Mod => a[0] - a[1] * (a[0] / a[1]).floor(),
        // Of a negative number for whole exponents only.
        Func::Pow if a[0] < 0.0 && (a[1].floor() != a[1] || a[1].is_infinite()) => f64::NAN,
        Func::Pow => a[0].powf(a[1]),
        Func::Poisson => poisson(a[0], a[1]),
    }
}

impl Func {
    /// Returns the number of arguments.
    pub fn arity(self) -> usize {
        match self {
            Func::Min | Func::Max | Func::Mod | Func::Pow | Func::Poisson => 2,
            _ => 1,
        }
    }

    /// Returns the name in the language.
    pub fn name(self) -> &'static str {
        match self {
            Func::Exp => "exp",
            Func::Expm1 => "expm1",
            Func::Exprel => "exprel",
            Func::Log => "log",
            Func::Log10 => "log10",
            Func::Sqrt => "sqrt",
            Func::Sin => "sin",
            Func::Cos => "cos",
            Func::Tan => "tan",
            Func::Tanh => "tanh",
            Func::Sigmoid => "sigmoid",
            Func::Abs => "abs",
            Func::Floor => "floor",
            Func::Ceil => "ceil",
            Func::Round => "round",
            Func::Sign => "sign",
            Func::Heaviside => "heaviside",
            Func::Min => "min",
            Func::Max => "max",
            Func::Mod => "mod",
            Func::Pow => "pow",
            Func::Poisson => "poisson",
        }
    }
}

/// Inverts the distribution of a Poisson number from its far end, where probabilities are small: the number exceeds k where what is drawn
/// is below P(N > k). Not a number for a mean that is negative or above [`MOST_EVENTS`].
fn poisson(drawn: f64, mean: f64) -> f64 {
    if !(0.0..=MOST_EVENTS).contains(&mean) {
        return f64::NAN;
    }
    let mut terms = [(-mean).exp(); POISSON_TERMS + 1];
    for k in 1..=POISSON_TERMS {
        terms[k] = terms[k - 1] * mean / k as f64;
    }
    let (mut beyond, mut count) = (0.0, 0.0);
    for term in terms.iter().skip(1).rev() {
        beyond += term;
        count += f64::from(u8::from(drawn <= beyond));
    }
    count
}

/// Raises to a power; whole exponents by multiplication.
pub fn power(a: f64, b: f64) -> f64 {
    if b.fract() == 0.0 && b.abs() < 64.0 { a.powi(b as i32) } else { a.powf(b) }
}
