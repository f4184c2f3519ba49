//! Units of the file as exponents of base units and a power of ten, and as text in Neuro.

use std::collections::HashMap;

/// Exponents of V, s, A, m, mol, K; and the decimal logarithm of the size.
pub type Unit = [f64; 7];

/// A pure number.
pub const ONE: Unit = [0.0; 7];
/// Millivolt.
pub const MV: Unit = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, -3.0];
/// Millisecond.
pub const MS: Unit = [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, -3.0];
/// Milliampere per square centimetre.
pub const DENSITY: Unit = [0.0, 0.0, 1.0, -2.0, 0.0, 0.0, 1.0];
/// Nanoampere.
pub const NA: Unit = [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -9.0];
/// Millimole per litre.
pub const MM: Unit = [0.0, 0.0, 0.0, -3.0, 1.0, 0.0, 0.0];
/// Kelvin.
pub const KELVIN: Unit = [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
/// Micrometre.
pub const UM: Unit = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -6.0];
/// Coulomb per mole.
pub const FARADAY: Unit = [0.0, 1.0, 1.0, 0.0, -1.0, 0.0, 0.0];
/// Joule per kelvin and mole.
pub const GAS: Unit = [1.0, 1.0, 1.0, 0.0, -1.0, -1.0, 0.0];

const BASE: [(&str, Unit); 53] = [
    ("volt", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("V", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("v", [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("second", [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("sec", [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("s", [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("ampere", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("amp", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("A", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("a", [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("siemens", [-1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("mho", [-1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("S", [-1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("ohm", [1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]),
    ("Ohm", [1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0]),
    ("farad", [-1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("F", [-1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("meter", [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    ("metre", [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    ("m", [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]),
    ("micron", UM),
    ("liter", [0.0, 0.0, 0.0, 3.0, 0.0, 0.0, -3.0]),
    ("litre", [0.0, 0.0, 0.0, 3.0, 0.0, 0.0, -3.0]),
    ("l", [0.0, 0.0, 0.0, 3.0, 0.0, 0.0, -3.0]),
    ("molar", [0.0, 0.0, 0.0, -3.0, 1.0, 0.0, 3.0]),
    ("M", [0.0, 0.0, 0.0, -3.0, 1.0, 0.0, 3.0]),
    ("mole", [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
    ("mol", [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]),
    ("degC", KELVIN),
    ("degc", KELVIN),
    ("DegC", KELVIN),
    ("degK", KELVIN),
    ("degree", KELVIN),
    ("kelvin", KELVIN),
    ("K", KELVIN),
    ("coulomb", [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("coul", [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("C", [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("joule", [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("J", [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("watt", [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
    ("hertz", [0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("Hz", [0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("hz", [0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
    ("minute", [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.778_151_250_383_643_6]),
    ("1", ONE),
    ("e", ONE),
    ("radian", ONE),
    ("rad", ONE),
    ("unitless", ONE),
    ("none", ONE),
    ("nd", ONE),
    ("dimensionless", ONE),
];
const PREFIXES: [(&str, f64); 24] = [
    ("milli", -3.0),
    ("micro", -6.0),
    ("nano", -9.0),
    ("pico", -12.0),
    ("femto", -15.0),
    ("centi", -2.0),
    ("deci", -1.0),
    ("kilo", 3.0),
    ("mega", 6.0),
    ("giga", 9.0),
    ("u", -6.0),
    ("m", -3.0),
    ("n", -9.0),
    ("p", -12.0),
    ("f", -15.0),
    ("c", -2.0),
    ("d", -1.0),
    ("k", 3.0),
    ("K", 3.0),
    ("M", 6.0),
    ("G", 9.0),
    ("a", -18.0),
    ("atto", -18.0),
    ("T", 12.0),
];

/// Adds `n` times a unit.
pub fn plus(a: &Unit, b: &Unit, n: f64) -> Unit {
    std::array::from_fn(|i| a[i] + n * b[i])
}

/// Whether two units are the same.
pub fn alike(a: &Unit, b: &Unit) -> bool {
    a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-9)
}

/// Reads a unit.
pub fn parse(text: &str, names: &HashMap<String, Option<String>>) -> Option<Unit> {
    read(text, names, 0)
}

fn read(text: &str, names: &HashMap<String, Option<String>>, depth: usize) -> Option<Unit> {
    if depth > 6 || text.len() > 200 {
        return None;
    }
    let (mut unit, mut sign) = (ONE, 1.0);
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        let begins_number = c.is_ascii_digit() || (c == '.' && rest[1..].starts_with(|d: char| d.is_ascii_digit()));
        if c == '/' {
            sign = -1.0;
            rest = &rest[1..];
        } else if !begins_number && (c.is_whitespace() || matches!(c, '-' | '*' | '.')) {
            rest = &rest[c.len_utf8()..];
        } else if begins_number {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E'))).unwrap_or(rest.len());
            let n: f64 = rest[..end].parse().ok().filter(|n| *n > 0.0)?;
            unit[6] += sign * n.log10();
            rest = &rest[end..];
        } else {
            let end = rest.find(|c: char| !(c.is_ascii_alphabetic() || c == '_' || c == '%')).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            let name = &rest[..end];
            rest = &rest[end..];
            let (power, length) = exponent(rest);
            rest = &rest[length..];
            unit = plus(&unit, &lookup(name, names, depth)?, sign * power);
        }
    }
    // A number per volume is an amount: files leave moles out.
    if (unit[3] + 3.0).abs() < 1e-9 && [0, 1, 2, 4, 5].iter().all(|&i| unit[i] == 0.0) {
        unit[4] = 1.0;
    }
    Some(unit)
}

/// `2`, `^2` or `-2` after a name.
fn exponent(rest: &str) -> (f64, usize) {
    let skip = usize::from(rest.starts_with('^'));
    let minus = usize::from(rest[skip..].starts_with('-'));
    let digits = rest[skip + minus..].bytes().take_while(u8::is_ascii_digit).count();
    match rest[skip + minus..skip + minus + digits].parse::<f64>() {
        Ok(n) if n < 20.0 => (if minus == 1 { -n } else { n }, skip + minus + digits),
        _ => (1.0, 0),
    }
}

fn lookup(name: &str, names: &HashMap<String, Option<String>>, depth: usize) -> Option<Unit> {
    let known = |n: &str| BASE.iter().find(|b| b.0 == n).map(|b| b.1);
    let whole = |n: &str| {
        let single = n.strip_suffix('s').filter(|s| s.len() > 2);
        known(n).or_else(|| single.and_then(known))
    };
    if matches!(name, "mM" | "uM" | "nM" | "M" | "molar" | "millimolar" | "mv" | "ms") {
        let special = [("mv", MV), ("ms", MS)];
        if let Some(found) = special.iter().find(|s| s.0 == name) {
            return Some(found.1);
        }
    } else if let Some(Some(means)) = names.get(name)
        && means != name
    {
        return read(means, names, depth + 1);
    }
    if name == "mole" || name == "moles" {
        return known("mole");
    }
    whole(name).or_else(|| {
        PREFIXES.iter().find_map(|(prefix, power)| {
            let base = whole(name.strip_prefix(prefix)?)?;
            Some(plus(&base, &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, *power], 1.0))
        })
    })
}

/// A unit as the file spells it, in the words of Neuro, if it has them all.
pub fn spelled(text: &str) -> Option<String> {
    let known = [
        ("mho", "S"),
        ("umho", "uS"),
        ("nmho", "nS"),
        ("mmho", "mS"),
        ("siemens", "S"),
        ("degC", "K"),
        ("/ms", "/ms"),
        ("micron", "um"),
    ];
    let plain = [
        "mV", "V", "ms", "s", "mA", "nA", "pA", "uA", "S", "mS", "uS", "nS", "pS", "cm", "um", "mM", "uM", "nM", "K",
        "uF", "pF", "mol", "nm",
    ];
    let mut out = String::new();
    for (i, part) in text.split('/').enumerate() {
        let part = part.trim();
        if i > 0 {
            out.push('/');
        }
        if part == "1" || part.is_empty() {
            if i > 0 {
                return None;
            }
            continue;
        }
        let end = part.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(part.len());
        let name = &part[..end];
        let name =
            known.iter().find(|k| k.0 == name).map(|k| k.1).or_else(|| plain.iter().copied().find(|p| *p == name))?;
        out.push_str(name);
        match part[end..].trim_start_matches('^') {
            "" => {}
            n if n.len() == 1 && n.bytes().all(|b| b.is_ascii_digit()) => out.push_str(&format!("^{n}")),
            _ => return None,
        }
    }
    Some(if out.starts_with('/') { out } else { format!(" {out}") }).filter(|o| o.trim() != "")
}

/// A unit as text: names above and below the line with their exponents, and the power of ten by which numbers must be multiplied.
pub fn write(unit: &Unit) -> (Vec<(String, f64)>, f64) {
    let mut rest = *unit;
    let mut parts: Vec<(&str, Unit, f64)> = Vec::new();
    let mut take = |rest: &mut Unit, name: &'static str, of: Unit, n: f64| {
        if n.abs() > 1e-9 {
            *rest = plus(rest, &of, -n);
            parts.push((name, of, n));
        }
    };
    if alike(&rest, &FARADAY) {
        take(&mut rest, "C", [0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], 1.0);
    }
    if rest[0] == rest[1] && rest[1] == rest[2] && rest[0] != 0.0 {
        let n = rest[0];
        take(&mut rest, "J", [1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], n);
    }
    if rest[4] != 0.0 && (rest[3] + 3.0 * rest[4]).abs() < rest[3].abs() {
        let n = rest[4];
        take(&mut rest, "mM", MM, n);
    }
    if rest[0] * rest[2] < 0.0 {
        let n = if rest[2].abs() < rest[0].abs() { rest[2] } else { -rest[0] };
        take(&mut rest, "S", [-1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0], n);
    }
    let n = rest[2];
    let alone = n == 1.0 && rest[3] == 0.0;
    let (current, size) = if alone { ("nA", -9.0) } else { ("mA", -3.0) };
    take(&mut rest, current, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, size], n);
    let n = rest[0];
    take(&mut rest, "mV", MV, n);
    let n = rest[4];
    take(&mut rest, "mol", [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0], n);
    let n = rest[5];
    take(&mut rest, "K", KELVIN, n);
    let n = rest[3];
    let cm = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -2.0];
    let (length, size) = if n > 0.0 { ("um", UM) } else { ("cm", cm) };
    take(&mut rest, length, size, n);
    let n = rest[1];
    take(&mut rest, "ms", MS, n);
    let mut named: Vec<(String, f64)> = parts.iter().map(|(name, _, n)| (name.to_string(), *n)).collect();
    let mut scale = rest[6];
    rescale(&mut named, &mut scale);
    named.sort_by(|a, b| b.1.signum().total_cmp(&a.1.signum()));
    (named, if scale.abs() < 1e-9 { 0.0 } else { scale })
}

/// Takes a power of ten into prefixes.
fn rescale(named: &mut [(String, f64)], scale: &mut f64) {
    let swap = |named: &mut [(String, f64)], scale: &mut f64, from: &str, to: &str, power: f64| {
        let Some(part) = named.iter_mut().find(|p| p.0 == from) else { return };
        let change = part.1 * power;
        if (*scale - change).abs() < 1e-9 && scale.abs() > 1e-9 {
            part.0 = to.into();
            *scale = 0.0;
        }
    };
    let prefixed = [
        ("S", "mS", -3.0),
        ("S", "uS", -6.0),
        ("S", "nS", -9.0),
        ("S", "pS", -12.0),
        ("mM", "uM", -3.0),
        ("mM", "M", 3.0),
    ];
    let others = [("cm", "um", -4.0), ("um", "cm", 4.0), ("um", "nm", -3.0), ("ms", "s", 3.0)];
    let currents = [
        ("mA", "uA", -3.0),
        ("mA", "nA", -6.0),
        ("mA", "pA", -9.0),
        ("mA", "A", 3.0),
        ("nA", "pA", -3.0),
        ("nA", "uA", 3.0),
        ("nA", "mA", 6.0),
        ("mV", "V", 3.0),
        ("mV", "uV", -3.0),
    ];
    for (from, to, power) in prefixed.iter().chain(&others).chain(&currents) {
        swap(named, scale, from, to, *power);
    }
    // pS/um^2
    if scale.abs() > 1e-9
        && let Some(area) = named.iter().position(|p| p.0 == "cm" && p.1 == -2.0)
    {
        let mut less = *scale - 8.0;
        let before = less;
        for (from, to, power) in prefixed.iter().chain(&currents) {
            swap(named, &mut less, from, to, *power);
        }
        if less == 0.0 && before != 0.0 {
            named[area].0 = "um".into();
            *scale = 0.0;
        }
    }
}
