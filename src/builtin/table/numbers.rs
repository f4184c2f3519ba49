//! Functions of single numbers, applied to every element.

use super::row::{f, o, p, pure, row};
use crate::builtin::Evaluate::{Elementwise, Expanded, Function};
use crate::builtin::Gives as G;
use crate::builtin::Wants::{Number, Pure, Same};
use crate::builtin::{Builtin, Func, Place, arrays};

pub(super) static ROWS: &[Builtin] = &[
    pure("exp", Func::Exp, "exponential function", "expect exp(0) == 1"),
    pure("expm1", Func::Expm1, "exp(x) - 1, exact near zero", "expect expm1(0) == 0"),
    pure("exprel", Func::Exprel, "(exp(x) - 1) / x, with its limit 1 at zero", "expect exprel(0) == 1"),
    pure("log", Func::Log, "natural logarithm", "expect log(exp(2)) == 2 within 1e-12"),
    pure("log10", Func::Log10, "logarithm to the base 10", "expect log10(1000) == 3 within 1e-12"),
    row(
        Place::Everywhere,
        (
            "sqrt",
            &[p("x", Number)],
            G::Root,
            Elementwise(Func::Sqrt),
            "square root; of the unit, too",
            "expect sqrt(9 mV^2) == 3 mV within 1e-12 mV",
        ),
    ),
    pure("sin", Func::Sin, "sine of an angle in radians", "expect sin(pi / 2) == 1"),
    pure("cos", Func::Cos, "cosine of an angle in radians", "expect cos(0) == 1"),
    pure("tan", Func::Tan, "tangent of an angle in radians", "expect tan(0) == 0"),
    pure("tanh", Func::Tanh, "hyperbolic tangent", "expect tanh(0) == 0"),
    pure("sigmoid", Func::Sigmoid, "1 / (1 + exp(-x))", "expect sigmoid(0) == 0.5"),
    row(
        Place::Everywhere,
        ("abs", &[p("x", Number)], G::Same, Elementwise(Func::Abs), "magnitude", "expect abs(-3 mV) == 3 mV"),
    ),
    pure("floor", Func::Floor, "the whole number below", "expect floor(2.7) == 2"),
    pure("ceil", Func::Ceil, "the whole number above", "expect ceil(2.1) == 3"),
    pure("round", Func::Round, "the nearest whole number, halves to the even one", "expect round(2.5) == 2"),
    row(
        Place::Everywhere,
        ("sign", &[p("x", Number)], G::PureEach, Elementwise(Func::Sign), "-1, 0 or 1", "expect sign(-3 mV) == -1"),
    ),
    row(
        Place::Everywhere,
        (
            "heaviside",
            &[p("x", Number)],
            G::PureEach,
            Elementwise(Func::Heaviside),
            "1 from zero on, else 0",
            "expect heaviside(2 ms) == 1",
        ),
    ),
    row(
        Place::Everywhere,
        (
            "mod",
            &[p("x", Number), p("by", Same)],
            G::Same,
            Elementwise(Func::Mod),
            "what is left of a division, with the sign of the divisor",
            "expect mod(-1, 3) == 2",
        ),
    ),
    row(
        Place::Everywhere,
        (
            "min",
            &[p("x", Number), o("y", Same)],
            G::SameNumber,
            Function(arrays::min),
            "the smallest element; of two arguments the smaller, element by element",
            "expect min([3, 1, 2]) == 1 and min(1 ms, 2 ms) == 1 ms",
        ),
    ),
    row(
        Place::Everywhere,
        (
            "max",
            &[p("x", Number), o("y", Same)],
            G::SameNumber,
            Function(arrays::max),
            "the largest element; of two arguments the larger, element by element",
            "expect max([3, 1, 2]) == 3 and max(1 ms, 2 ms) == 2 ms",
        ),
    ),
    row(
        Place::Everywhere,
        (
            "clip",
            &[p("x", Number), p("low", Same), p("high", Same)],
            G::Same,
            Expanded,
            "x, but not below `low` and not above `high`",
            "expect clip(5 mV, 0 mV, 3 mV) == 3 mV",
        ),
    ),
    f("erf", &[p("x", Pure)], G::PureEach, Function(arrays::erf), "error function", "expect erf(0) == 0"),
];
