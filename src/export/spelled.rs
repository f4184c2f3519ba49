//! Units in which the numbers of the compiler are those of a text: products of ms, mV, pA, nS, pF, µm and their like.

use crate::units::{Dim, Ratio, lookup};

/// Units that are one of the compiler's own, in the order in which they are preferred.
const NAMED: [&str; 10] = ["mV", "ms", "pA", "nS", "pF", "um", "GOhm", "fC", "K", "amol"];

/// A unit as a product of powers, positive exponents first; none for a pure number.
pub fn factors(dim: Dim) -> Vec<(&'static str, Ratio)> {
    let one = |n: i32| Ratio::new(n, 1);
    if dim == Dim::ONE {
        return Vec::new();
    }
    let known: Vec<(&'static str, Dim)> = NAMED.iter().filter_map(|n| Some((*n, lookup(n)?.dim))).collect();
    for power in [1, -1, 2, -2, 3] {
        if let Some((name, _)) = known.iter().find(|(_, d)| d.pow(one(power)) == dim) {
            return vec![(name, one(power))];
        }
    }
    // Products of charges and resistances are not what anybody would write.
    let usual: Vec<_> = known.iter().filter(|(n, _)| !["GOhm", "fC"].contains(n)).collect();
    for (first, power) in [(1, -1), (1, -2), (1, 1), (1, -3), (-1, -1)] {
        for (a, of_a) in &usual {
            let rest = |(b, d): &&&(&'static str, Dim)| b != a && of_a.pow(one(first)) * d.pow(one(power)) == dim;
            if let Some((b, _)) = usual.iter().find(rest) {
                return vec![(a, one(first)), (b, one(power))];
            }
        }
    }
    basis(dim)
}

/// The unit as powers of mV, pA, ms, µm, K and amol, which every dimension has.
fn basis(dim: Dim) -> Vec<(&'static str, Ratio)> {
    let [kg, m, s, a, k, mol, _] = dim.0;
    let sum = |x: Ratio, y: Ratio, times: i32| {
        let den = i32::from(x.den) * i32::from(y.den);
        Ratio::new(i32::from(x.num) * i32::from(y.den) + times * i32::from(y.num) * i32::from(x.den), den)
    };
    let all =
        [("mV", kg), ("pA", sum(a, kg, 1)), ("ms", sum(s, kg, 3)), ("um", sum(m, kg, -2)), ("K", k), ("amol", mol)];
    let (over, under): (Vec<_>, Vec<_>) = all.into_iter().filter(|(_, e)| e.num != 0).partition(|(_, e)| e.num > 0);
    over.into_iter().chain(under).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_the_compiler() {
        let spelled = |text: &str| {
            let parts: Vec<String> =
                factors(lookup(text).unwrap().dim).iter().map(|(n, e)| format!("{n}^{}", e.num)).collect();
            parts.join(" ")
        };
        assert_eq!(["uS", "Hz", "nA", "MOhm", "mM"].map(spelled), ["nS^1", "ms^-1", "pA^1", "GOhm^1", "amol^1 um^-3"]);
        for name in NAMED {
            assert_eq!(lookup(name).unwrap().to_internal(1.0), 1.0, "{name}");
        }
        let (pf, um, ms) = (lookup("pF").unwrap().dim, Dim::LENGTH, Dim::TIME);
        assert_eq!(factors(pf / um / um), [("pF", Ratio::new(1, 1)), ("um", Ratio::new(-2, 1))]);
        let odd = pf * pf * um / ms;
        let back = factors(odd).iter().fold(Dim::ONE, |d, (n, e)| d * lookup(n).unwrap().dim.pow(*e));
        assert_eq!(back, odd);
    }
}
