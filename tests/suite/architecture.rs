//! The layer map of docs/architecture.md, enforced: a module may use only modules below it, files of one layer do not depend on
//! each other in circles but for known ones, and some names stay in their rooms.

use crate::support::root;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

#[path = "architecture/paths.rs"]
mod paths;
use paths::Named;

/// Bottom layer first. Modules of one entry may use each other.
const LAYERS: [&[&str]; 30] = [
    &["source"],
    &["diag"],
    &["units"],
    &["stdlib"],
    &["budget", "data", "measure", "parallel", "rng"],
    &["convert"],
    &["morphology"],
    &["value"],
    &["figure"],
    &["builtin"],
    &["syntax"],
    // A neuron's scheme is checked where the scheme is chosen, so these three know each other.
    &["hir", "math", "solve"],
    &["ir"],
    &["plan"],
    &["codegen"],
    &["lower"],
    &["image"],
    &["evaluate"],
    &["elaborate"],
    &["runtime"],
    &["draw"],
    &["experiment"],
    &["report"],
    &["disk"],
    &["compiler"],
    &["describe"],
    &["export"],
    &["editor"],
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
    room(&module_path(path)).to_string()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|l| l.contains(&module))
}

/// Files that depend on each other in circles, by their rooms and how many files each circle has. Only ever make a number smaller
/// or take a line out; a file's tests and what it passes on (`pub use`) do not count.
const CIRCLES: &[(&str, &[usize])] =
    &[("codegen", &[5]), ("hir", &[5, 2]), ("ir", &[2]), ("runtime", &[6, 5, 3, 2]), ("solve", &[3])];

/// Upward edges that are known: from, to. Only ever take a line out.
const UPWARD: &[(&str, &str)] = &[];

/// A file as a module, and all that it names.
struct Module {
    file: PathBuf,
    names: Vec<Named>,
}

/// The modules of the crate by their path: `hir::network`.
struct Modules(BTreeMap<String, Module>);

/// One file depends on another.
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    line: usize,
    passed_on: bool,
}

impl Modules {
    fn read() -> Modules {
        let modules = sources().into_iter().map(|(file, text)| {
            let code = paths::code(&text);
            let names = paths::named(&code, &paths::children(&code));
            (module_path(&file), Module { file, names })
        });
        Modules(modules.collect())
    }

    /// Follows a path from within a module to the module that declares what it names.
    fn resolve(&self, from: &str, path: &[String]) -> Option<&str> {
        self.resolve_within(from, path, 8)
    }

    /// `depth` bounds how often a name is passed on.
    fn resolve_within(&self, from: &str, path: &[String], depth: usize) -> Option<&str> {
        let mut at: Vec<&str> = match path[0].as_str() {
            "crate" | "neuro" => Vec::new(),
            "self" | "super" => from.split("::").collect(),
            child if self.0.contains_key(&joined(from, child)) => from.split("::").collect(),
            _ => return None,
        };
        let mut words = path.iter().map(String::as_str).peekable();
        while let Some(word) = words.next_if(|w| ["crate", "neuro", "self", "super"].contains(w)) {
            if word == "super" {
                at.pop();
            }
        }
        while let Some(word) = words.next_if(|w| self.0.contains_key(&joined(&at.join("::"), w))) {
            at.push(word);
        }
        let (name, module) = self.0.get_key_value(&at.join("::"))?;
        let given = words.next().filter(|_| depth > 0).and_then(|word| {
            let import = module.names.iter().find(|n| n.alias.as_deref() == Some(word))?;
            self.resolve_within(name, &import.path, depth - 1)
        });
        Some(given.unwrap_or(name))
    }

    fn edges(&self) -> Vec<Edge<'_>> {
        let mut edges = Vec::new();
        for (from, module) in &self.0 {
            for n in &module.names {
                if let Some(to) = self.resolve(from, &n.path)
                    && to != from
                {
                    edges.push(Edge { from, to, line: n.line, passed_on: n.passed_on });
                }
            }
        }
        edges
    }
}

fn joined(module: &str, name: &str) -> String {
    if module.is_empty() { name.to_string() } else { format!("{module}::{name}") }
}

/// `src/hir/network/mod.rs` is `hir::network`.
fn module_path(file: &Path) -> String {
    let relative = file.strip_prefix(root().join("src")).unwrap().with_extension("");
    let mut words: Vec<String> = relative.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
    if words.last().is_some_and(|w| w == "mod") {
        words.pop();
    }
    words.join("::")
}

fn room(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

#[test]
fn dependencies_point_downward() {
    let modules = Modules::read();
    let mut problems = Vec::new();
    let mut known = BTreeSet::new();
    for name in modules.0.keys() {
        assert!(layer(room(name)).is_some(), "{name} is not in the layer map");
    }
    for e in modules.edges() {
        let (own, used) = (room(e.from), room(e.to));
        if layer(used) <= layer(own) {
            continue;
        }
        if UPWARD.contains(&(e.from, e.to)) {
            known.insert((e.from, e.to));
        } else {
            problems.push(format!("{}:{}: {} uses {}", modules.0[e.from].file.display(), e.line, e.from, e.to));
        }
    }
    problems.extend(UPWARD.iter().filter(|k| !known.contains(*k)).map(|k| format!("{k:?} is no longer there")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Which modules each module reaches.
fn reached<'a>(edges: &[Edge<'a>]) -> BTreeMap<&'a str, BTreeSet<&'a str>> {
    let mut direct: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    edges.iter().for_each(|e| {
        direct.entry(e.from).or_default().insert(e.to);
    });
    let reach = |start: &'a str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(m) = open.pop() {
            open.extend(direct.get(m).into_iter().flatten().filter(|to| seen.insert(**to)));
        }
        seen
    };
    direct.keys().map(|m| (*m, reach(m))).collect()
}

/// Groups of modules that all reach each other, the largest first.
fn circles<'a>(edges: &[Edge<'a>]) -> Vec<Vec<&'a str>> {
    let reached = reached(edges);
    let both = |a: &str, b: &str| reached[a].contains(b) && reached.get(b).is_some_and(|r| r.contains(a));
    let mut groups: Vec<Vec<&str>> = Vec::new();
    for m in reached.keys().filter(|m| reached[**m].contains(**m)) {
        match groups.iter_mut().find(|g| both(g[0], m)) {
            Some(g) => g.push(m),
            None => groups.push(vec![m]),
        }
    }
    groups.sort_by_key(|g| std::cmp::Reverse(g.len()));
    groups
}

/// A shortest way from the first of a group back to it, with the lines.
fn cycle(group: &[&str], edges: &[Edge], modules: &Modules) -> String {
    let shortest = group.iter().filter_map(|start| path_back(start, group, edges)).min_by_key(Vec::len);
    let step = |e: &&Edge| format!("    {}:{} uses {}", modules.0[e.from].file.display(), e.line, e.to);
    shortest.unwrap_or_default().iter().map(step).collect::<Vec<_>>().join("\n")
}

fn path_back<'e, 'a>(start: &str, group: &[&str], edges: &'e [Edge<'a>]) -> Option<Vec<&'e Edge<'a>>> {
    let mut ways: Vec<Vec<&Edge>> = vec![Vec::new()];
    let mut seen = BTreeSet::new();
    while let Some(way) = (!ways.is_empty()).then(|| ways.remove(0)) {
        let at = way.last().map_or(start, |e| e.to);
        for e in edges.iter().filter(|e| e.from == at && group.contains(&e.to)) {
            let mut longer = way.clone();
            longer.push(e);
            if e.to == start {
                return Some(longer);
            }
            if seen.insert(e.to) {
                ways.push(longer);
            }
        }
    }
    None
}

#[test]
fn files_depend_on_each_other_in_known_circles_only() {
    let modules = Modules::read();
    let edges: Vec<Edge> = modules.edges().into_iter().filter(|e| !e.passed_on).collect();
    let mut found: BTreeMap<String, Vec<Vec<&str>>> = BTreeMap::new();
    for group in circles(&edges) {
        let rooms: BTreeSet<&str> = group.iter().map(|m| room(m)).collect();
        found.entry(rooms.into_iter().collect::<Vec<_>>().join(" ")).or_default().push(group);
    }
    let known: BTreeMap<&str, &[usize]> = CIRCLES.iter().copied().collect();
    let mut problems = Vec::new();
    for (rooms, groups) in &found {
        let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
        let expected = known.get(rooms.as_str()).copied().unwrap_or_default();
        if sizes != expected {
            problems.push(format!("{rooms}: circles of {sizes:?} files, {expected:?} are known"));
            problems.extend(groups.iter().map(|g| format!("  {}\n{}", g.join(" "), cycle(g, &edges, &modules))));
        }
    }
    let gone = known.keys().filter(|k| !found.contains_key(**k));
    problems.extend(gone.map(|k| format!("{k}: no circle is left, take the line out")));
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn names_stay_in_their_rooms() {
    let rules: [(&str, &[&str]); 7] = [
        // What is written is given its meaning in one room; the compiler prints it, and pages and editors show it as it is written.
        ("crate::syntax", &["syntax", "hir", "compiler", "describe", "editor"]),
        ("pest::", &["syntax"]),
        ("cranelift_codegen", &["codegen"]),
        ("miette::", &["diag"]),
        // Kernels are made in one room; what runs them sees their slots.
        ("crate::lower", &["lower", "image", "evaluate"]),
        ("std::fs", &["budget", "cli", "disk", "experiment", "report", "main"]),
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
