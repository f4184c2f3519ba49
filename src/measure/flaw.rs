//! Why a statistic has no value.

use std::fmt;

/// Why a statistic has no value.
#[derive(Debug, Clone, PartialEq)]
pub enum Flaw {
    /// Two arguments should have the same number of something.
    Unequal { what: &'static str, first: usize, second: usize },
    /// A value is infinite or not a number.
    NotFinite,
    /// There is less of something than the statistic needs.
    TooFew { what: &'static str, given: usize, needed: usize },
    /// There is more of something than the data have.
    TooMany { what: &'static str, given: usize, most: usize },
    /// Something that is a positive number is not.
    NotPositive { what: &'static str, value: f64 },
    /// An index is named where it cannot be: twice, or beyond the end.
    Index { index: usize, n: usize },
    /// A class has fewer members than there are parts to divide it into.
    Class { class: usize, members: usize, needed: usize },
    /// A column does not vary in a split, as given or as predicted.
    Constant { split: usize, column: usize },
    /// The rows of a matrix are dependent but for rounding.
    Singular,
    /// Steps were taken without the result being reached.
    Unconverged,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Flaw::Unequal { what, first, second } => write!(f, "{first} {what} here and {second} there"),
            Flaw::NotFinite => write!(f, "a value is not finite"),
            Flaw::TooFew { what, given, needed } => write!(f, "{given} {what}, where at least {needed} are needed"),
            Flaw::TooMany { what, given, most } => write!(f, "{given} {what}, where the data have at most {most}"),
            Flaw::NotPositive { what, value } => write!(f, "a {what} of {value}, which must be positive"),
            Flaw::Index { index, n } => write!(f, "{index} is named twice or is not among the {n} from 0"),
            Flaw::Class { class, members, needed } => {
                write!(f, "class {class} has {members} members, where at least {needed} are needed")
            }
            Flaw::Constant { split, column } => write!(f, "column {column} does not vary in split {split}"),
            Flaw::Singular => write!(f, "rows of a matrix are dependent"),
            Flaw::Unconverged => write!(f, "no result after many steps"),
        }
    }
}

/// Checks that two numbers of something agree.
pub fn equal(what: &'static str, first: usize, second: usize) -> Result<(), Flaw> {
    if first == second { Ok(()) } else { Err(Flaw::Unequal { what, first, second }) }
}

/// Checks that there are enough of something.
pub fn at_least(what: &'static str, given: usize, needed: usize) -> Result<(), Flaw> {
    if given >= needed { Ok(()) } else { Err(Flaw::TooFew { what, given, needed }) }
}

/// Checks that all values are finite.
pub fn finite<'a>(values: impl IntoIterator<Item = &'a f64>) -> Result<(), Flaw> {
    if values.into_iter().all(|v| v.is_finite()) { Ok(()) } else { Err(Flaw::NotFinite) }
}

/// Checks that a number is positive and finite.
pub fn positive(what: &'static str, value: f64) -> Result<(), Flaw> {
    if value > 0.0 && value.is_finite() { Ok(()) } else { Err(Flaw::NotPositive { what, value }) }
}
