//! Every word of the grammar is known where words are listed: in the grammars of editors, in the book, and in the reference.

use crate::support::root;
use neuro::syntax::words;
use std::collections::BTreeSet;

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn of_grammar() -> BTreeSet<String> {
    words().map(String::from).collect()
}

/// Words in lower case among those that a piece of text between two others lists.
#[track_caller]
fn listed(text: &str, from: &str, to: &str) -> BTreeSet<String> {
    let start = text.find(from).unwrap_or_else(|| panic!("no {from}")) + from.len();
    let list = &text[start..start + text[start..].find(to).unwrap()];
    list.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|w| !w.is_empty()).map(String::from).collect()
}

#[test]
fn editors_know_every_word() {
    let text = read("editors/vscode/syntaxes/neuro.tmLanguage.json");
    let groups = text.split('(').skip(1).filter_map(|rest| rest.split_once(')'));
    let plain = |group: &&str| group.chars().all(|c| c.is_ascii_lowercase() || c == '|' || c == '_');
    let groups = groups.map(|(group, _)| group.trim_start_matches("?:")).filter(plain);
    let known: BTreeSet<String> = groups.flat_map(|g| g.split('|')).map(String::from).collect();
    let missing: Vec<_> = of_grammar().difference(&known).cloned().collect();
    assert!(missing.is_empty(), "not in the grammar for VS Code: {missing:?}");
}

/// What is never a unit after a number is decided in three places.
#[test]
fn no_word_of_a_clause_is_a_unit_anywhere() {
    let grammar = read("grammar/neuro.pest");
    let clauses = listed(&grammar, "clause_word = _{ (", ") ~ !ident_char");
    let reserved = listed(&grammar, "reserved   = _{", "}");
    let scanner = read("editors/tree-sitter/src/scanner.c");
    assert_eq!(
        listed(&scanner, "CLAUSE_WORDS[] = {", "}").difference(&clauses).collect::<Vec<_>>(),
        [] as [&String; 0]
    );
    assert_eq!(
        clauses.difference(&listed(&scanner, "CLAUSE_WORDS[] = {", "}")).collect::<Vec<_>>(),
        [] as [&String; 0]
    );
    assert_eq!(listed(&scanner, "RESERVED[] = {", "}"), reserved);
}

#[test]
fn the_book_colours_words_of_the_language() {
    let text = read("docs/theme/neuro.js");
    let coloured = listed(&text, "keyword:", "literal");
    let unknown: Vec<_> = coloured.difference(&of_grammar()).cloned().collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    assert!(coloured.len() > 60);
}

#[test]
fn the_reference_lists_every_word() {
    let text = read("docs/language/README.md");
    let listed = listed(&text, "<!-- words -->", "<!-- end of words -->");
    assert_eq!(listed, of_grammar(), "write docs/language/README.md: {}", words().collect::<Vec<_>>().join(" "));
}
