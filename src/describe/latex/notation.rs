//! What signs and functions mean that a text uses: collected while it is typeset, told at its end.

use super::escape::{code, prose};
use super::scope::upright;
use crate::builtin::{self, Place};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Names that formulas mention.
#[derive(Default)]
pub struct Notation(RefCell<BTreeSet<String>>);

/// Functions with signs of their own need no words.
const KNOWN: [&str; 12] = ["exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "min", "max", "abs", "floor", "ceil"];

impl Notation {
    pub fn mention(&self, name: &str) {
        self.0.borrow_mut().insert(name.to_string());
    }

    /// Signs and functions with what they mean, in the order of the alphabet.
    pub fn told(&self) -> Vec<(String, String)> {
        let mentioned = self.0.borrow();
        let signs = SIGNS.iter().filter(|(name, ..)| mentioned.contains(*name));
        let mut out: Vec<_> = signs.map(|(_, sign, what)| (sign.to_string(), what.to_string())).collect();
        for name in mentioned.iter().filter(|n| !KNOWN.contains(&n.as_str())) {
            let Some(b) = builtin::find(name) else { continue };
            let what = match b.place {
                Place::Distribution => format!("drawn: {}", b.help),
                _ => b.help.to_string(),
            };
            out.push((format!("${}$, {}", upright(name), code(&b.signature())), prose(&what)));
        }
        out
    }
}

const SIGNS: [(&str, &str, &str); 9] = [
    (
        "cable",
        "$D$, $I_{\\mathrm{in}}$",
        "diameter of a cable, and what is injected into its middle, per area of membrane",
    ),
    ("dt", "$\\Delta t$", "the time step"),
    (
        "impulses",
        "$x(t) = \\sum_k w_k\\,\\delta(t - t_k)$",
        "an input $x$ of events: impulses of weights $w_k$ that arrive at times $t_k$",
    ),
    ("indicator", "$\\mathbf{1}[c]$", "1 if $c$ holds, else 0"),
    ("post", "$x_{\\mathrm{post}}$", "$x$ of the postsynaptic cell"),
    ("pre", "$x_{\\mathrm{pre}}$", "$x$ of the presynaptic cell"),
    ("assignment", "$x \\leftarrow y$", "$x$ becomes $y$, at once"),
    ("since", "$\\hat t_e$", "time of the last event $e$ before this step"),
    (
        "xi",
        "$\\xi$",
        "Gaussian white noise, $\\langle\\xi(t)\\,\\xi(t')\\rangle = \\delta(t - t')$, independent for each occurrence and each cell",
    ),
];
