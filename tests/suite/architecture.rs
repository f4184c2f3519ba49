//! The layer map of docs/architecture.md, enforced: a module may use only modules below it, and some names stay in
//! their rooms.

use crate::support::root;
use std::path::{Path, PathBuf};

/// Bottom layer first. Modules of one entry may use each other.
const LAYERS: [&[&str]; 19] = [
    &["source"],
    &["diag"],
    &["units"],
    &["stdlib"],
    &["syntax"],
    // A neuron's scheme is checked where the scheme is chosen, so these three know each other.
    &["hir", "math", "solve"],
    &["ir"],
    &["parallel", "rng"],
    &["plan"],
    &["codegen"],
    &["lower"],
    &["runtime"],
    &["data"],
    &["measure"],
    &["experiment"],
    &["report"],
    &["compiler"],
    &["lib"],
    &["cli", "main"],
];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, out: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, out);
            } else if path.extension().is_some_and(|e| e == "rs") {
                out.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut out = Vec::new();
    walk(&root().join("src"), &mut out);
    out
}

fn module_of(path: &Path) -> String {
    let relative = path.strip_prefix(root().join("src")).unwrap();
    let first = relative.components().next().unwrap().as_os_str().to_string_lossy().to_string();
    first.trim_end_matches(".rs").to_string()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&module))
}

#[test]
fn dependencies_point_downward() {
    let mut problems = Vec::new();
    for (path, text) in sources() {
        let own = module_of(&path);
        let own_layer = layer(&own).unwrap_or_else(|| panic!("{own} is not in the layer map"));
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or("");
            for part in code.split("crate::").skip(1) {
                let used: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if let Some(other) = layer(&used)
                    && other > own_layer
                {
                    problems.push(format!("{}:{}: {own} uses {used}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn names_stay_in_their_rooms() {
    let rules: [(&str, &[&str]); 5] = [
        ("pest::", &["syntax"]),
        ("cranelift_codegen", &["codegen"]),
        ("miette::", &["diag"]),
        ("std::fs", &["cli", "experiment", "report", "main"]),
        ("unsafe {", &["codegen", "rng", "runtime"]),
    ];
    let mut problems = Vec::new();
    for (path, text) in sources() {
        let own = module_of(&path);
        for (name, rooms) in rules {
            if text.contains(name) && !rooms.contains(&own.as_str()) {
                problems.push(format!("{} uses {name}", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_unsafe_block_says_why() {
    for (path, text) in sources() {
        let blocks = text.matches("unsafe {").count() - text.matches("unsafe { //").count();
        let reasons = text.matches("SAFETY:").count();
        assert!(
            blocks <= reasons + text.matches("SAFETY").count(),
            "{}: {blocks} blocks, {reasons} reasons",
            path.display()
        );
    }
}
