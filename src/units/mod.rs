//! Physical dimensions and units.
//!
//! A [`Dim`] is seven rational exponents over the SI base; a [`Unit`] adds a decimal scale.
//! Values inside the compiler are stored in one coherent system of the size of neurons,
//! {ms, µm, mV, pA, K, amol, cd}, so that nS, pF and MΩ-sized numbers are near one and `f32` keeps its digits.

mod dim;
mod table;

pub use dim::{Dim, Ratio};
pub use table::{Unit, canonical_unit, dimension_word, lookup, unit_names};

/// Formats an internal value in the given unit, or in the customary unit of its dimension.
pub fn format_quantity(value: f64, dim: Dim, unit: Option<&Unit>) -> String {
    let unit = match unit {
        Some(u) if u.dim == dim => u.clone(),
        _ => canonical_unit(dim),
    };
    let shown = format_number(unit.from_internal(value));
    if unit.name.is_empty() || unit.name == "1" { shown } else { format!("{shown} {}", unit.name) }
}

/// Formats a number with at most six significant digits and no trailing zeros.
pub fn format_number(value: f64) -> String {
    format_digits(value, 6)
}

/// The same with at most so many significant digits.
pub fn format_digits(value: f64, digits: usize) -> String {
    let most = digits as i32 - 1;
    if value == 0.0 {
        return "0".into();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            "nan".into()
        } else if value > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    let magnitude = value.abs().log10().floor() as i32;
    if (-4..9).contains(&magnitude) {
        let decimals = (most - magnitude).max(0) as usize;
        let text = format!("{value:.decimals$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
    } else {
        let text = format!("{value:.*e}", digits - 1);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
    }
}
