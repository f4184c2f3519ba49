//! Units as typed to [`Unit`] values.

use super::{Module, errors};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::syntax::ast;
use crate::units::{Ratio, Unit, lookup};

/// Resolves a unit expression; unknown names are reported and give `None`.
pub fn resolve_unit(module: &Module, unit: &ast::UnitExpr, diagnostics: &mut Diagnostics) -> Option<Unit> {
    let mut out = Unit::one();
    for (name, num, den) in &unit.factors {
        let base = unit_named(module, name, diagnostics)?;
        let positive = Ratio::new(num.abs(), *den);
        let powered = if positive == Ratio::new(1, 1) { base } else { base.power(positive) };
        out = if *num < 0 { out.per(&powered) } else { out.times(&powered) };
    }
    Some(out)
}

/// Finds one unit by name, user-declared ones first.
pub fn unit_named(module: &Module, name: &ast::Name, diagnostics: &mut Diagnostics) -> Option<Unit> {
    if name.text == "1" {
        return Some(Unit::one());
    }
    if let Some(unit) = module.units.get(&name.text) {
        return Some(unit.clone());
    }
    let found = lookup(&name.text);
    if found.is_none() {
        diagnostics.push(match name.text.as_str() {
            "degC" | "celsius" | "degF" | "dB" => affine(name),
            _ => errors::unknown_unit(name, module.units.keys().map(String::as_str)),
        });
    }
    found
}

fn affine(name: &ast::Name) -> Diagnostic {
    Diagnostic::at(
        Code::E0311,
        name.span,
        format!("`{}` is not a multiplicative unit", name.text),
        "has an offset or a logarithm",
    )
    .help("write temperatures in kelvin: `279.45 K` for 6.3 degrees Celsius")
}
