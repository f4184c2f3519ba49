//! The words of the language, as its grammar has them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The grammar itself.
const GRAMMAR: &str = include_str!("../../grammar/neuro.pest");

/// Every word that the grammar gives a meaning, in order of the alphabet; most of them may be names, too, where they begin nothing.
pub fn words() -> impl Iterator<Item = &'static str> {
    static WORDS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
        let rules = GRAMMAR.lines().filter(|line| !line.trim_start().starts_with("//"));
        let quoted = rules.flat_map(|line| line.split('"').skip(1).step_by(2));
        quoted.filter(|word| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')).collect()
    });
    WORDS.iter().copied()
}
