//! Names of another language: what it allows, each once.

use std::collections::HashSet;

/// Gives names that are free.
pub struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// All names are free but those that the language has a meaning for.
    pub fn beside(reserved: &[&str]) -> Names {
        Names { taken: reserved.iter().map(|r| (*r).to_string()).collect() }
    }

    /// A name as much like the given one as it can be: `soma.v` becomes `soma_v`.
    pub fn give(&mut self, name: &str) -> String {
        self.give_with(name, "")
    }

    /// A name that is free with an ending, too.
    pub fn give_with(&mut self, name: &str, ending: &str) -> String {
        let mut out: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if out.starts_with(|c: char| c.is_ascii_digit()) {
            out.insert(0, '_');
        }
        while self.taken.contains(&out) || self.taken.contains(&format!("{out}{ending}")) {
            out.push('_');
        }
        self.taken.extend([out.clone(), format!("{out}{ending}")]);
        out
    }
}

/// `LifCond` as `lif_cond`.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_uppercase() && before != '_' && !before.is_uppercase() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_free_and_alike() {
        let mut names = Names::beside(&["spike"]);
        let given: Vec<String> = ["spike", "soma.v", "soma_v", "2x"].iter().map(|n| names.give(n)).collect();
        assert_eq!(given, ["spike_", "soma_v", "soma_v_", "_2x"]);
        assert_eq!(names.give("held_left"), "held_left");
        assert_eq!(names.give_with("held", "_left"), "held_");
        assert_eq!(names.give("held__left"), "held__left_");
        assert_eq!(["LifCond", "AdEx", "IF_cond", "STDP"].map(snake), ["lif_cond", "ad_ex", "if_cond", "stdp"]);
    }
}
