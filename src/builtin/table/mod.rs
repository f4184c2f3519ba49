//! The table, in the order of the reference.

mod arrays;
mod data;
mod networks;
mod numbers;
mod places;
mod recordings;
mod row;
mod statistics;

use super::Builtin;

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static Builtin> {
    let parts =
        [numbers::ROWS, arrays::ROWS, statistics::ROWS, recordings::ROWS, data::ROWS, networks::ROWS, places::ROWS];
    parts.into_iter().flatten()
}
