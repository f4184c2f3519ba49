//! How a row is written.

use crate::builtin::Evaluate::{Elementwise, InItsPlace};
use crate::builtin::Gives as G;
use crate::builtin::Wants;
use crate::builtin::Wants::{Pure, Truth, Window};
use crate::builtin::{Builtin, Evaluate, Func, Gives, Parameter, Place};

pub type Row = (&'static str, &'static [Parameter], Gives, Evaluate, &'static str, &'static str);

pub const fn p(name: &'static str, wants: Wants) -> Parameter {
    Parameter { name, wants, optional: false }
}

pub const fn o(name: &'static str, wants: Wants) -> Parameter {
    Parameter { name, wants, optional: true }
}

pub const fn row(place: Place, r: Row) -> Builtin {
    let (name, parameters, gives, evaluate, help, example) = r;
    Builtin { name, place, parameters, gives, help, example, evaluate }
}

/// A function of pure numbers, for every expression.
pub const fn pure(name: &'static str, func: Func, help: &'static str, example: &'static str) -> Builtin {
    row(Place::Everywhere, (name, X, G::PureEach, Elementwise(func), help, example))
}

pub const fn f(
    name: &'static str,
    parameters: &'static [Parameter],
    gives: Gives,
    evaluate: Evaluate,
    help: &'static str,
    example: &'static str,
) -> Builtin {
    row(Place::Program, (name, parameters, gives, evaluate, help, example))
}

pub const fn distribution(
    name: &'static str,
    parameters: &'static [Parameter],
    help: &'static str,
    example: &'static str,
) -> Builtin {
    row(Place::Distribution, (name, parameters, G::Same, InItsPlace, help, example))
}

pub const fn connector(
    name: &'static str,
    parameters: &'static [Parameter],
    help: &'static str,
    example: &'static str,
) -> Builtin {
    row(Place::Connector, (name, parameters, G::Nothing, InItsPlace, help, example))
}

pub const X: &[Parameter] = &[p("x", Pure)];
pub const AUTAPSES: Parameter = o("autapses", Truth);
pub const WINDOW: Parameter = o("window", Window);
pub const IMAGES: Gives = G::Images(&["train", "test"]);
