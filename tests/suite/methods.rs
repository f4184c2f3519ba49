//! The Methods of a paper: all of a model is in them, and LaTeX can read them.

use crate::support::{Folder, program, rendered, root};
use neuro::compiler::{Program, compile};
use neuro::describe::{document, methods, module_methods};
use neuro::source::SourceFile;
use neuro::syntax::ast::{ItemKind, ModelItem};
use std::path::PathBuf;
use std::process::Command;

const MODEL: &str = "## A cell with adaptation & noise. Nobody 2020, 100 % invented: `v` decays.
neuron Cell {
    param tau_m = 20 ms, E_L = -65 mV, C_m = 200 pF   # membrane_time & more
    param V_th = -50 mV, t_ref = 2 ms, sigma = 1 mV / sqrt(1 ms)
    event input exc: pA
    input I: pA = 100 pA
    state v = E_L
    state I_exc = 0 pA, calm = 1
    let drive = if v > V_th - 5 mV then 2 * (I_exc + I) / C_m else (I_exc + I) / C_m
    I_exc' = -I_exc / 5 ms + exc
    calm' = (1 - calm) / 100 ms
    v' = (E_L - v) / tau_m + drive + sigma * xi
    emit spike when v > V_th {
        v = E_L
        calm *= 0.5
        hold v for t_ref
    }
    emit late on spike when since(previous spike) > 50 ms and calm > 0.2 { if calm < 0.5 { calm += 0.1 } else { calm = 0 } }
}

## A squared difference.
fn apart(a, b) = (a - b)^2 / (1 + exp(-(a + b)))

synapse Pair {
    param A_plus = 0.01, tau_plus = 20 ms
    weight w: pA in 0 pA .. 10 pA
    state x_pre = 0
    x_pre' = -x_pre / tau_plus
    on pre.spike { deliver w   x_pre += 1 }
    on post.spike { w += A_plus * x_pre * 1 pA }
}

## Two populations.
network Net(n: int = 100, p = 0.1) {
    let J = 10 pA * apart(p, 1) / sqrt(n)
    population exc: Cell(tau_m = 10 ms)[4*n/5]   # four fifths
    population grid: Cell[4, 5] { spacing 20 um }
    init exc.v, grid.v ~ uniform(-65 mV, -55 mV)
    for k in 0 .. 1 {
        projection exc[10*k .. 10*k + 10] -> grid.exc { connect fixed_in_degree(3)   weight J   delay 1 ms }
    }
    projection learns: exc -> (exc, grid).exc: Pair(A_plus = 0.02) {
        connect fixed_probability(p)   weight ~ normal(2 pA, 0.5 pA) redrawn in 0 pA .. inf   delay ~ uniform(0.5 ms, 2 ms)
    }
    drive exc.exc { poisson 1000 * 8 Hz   weight 5e-7 nA }
}

## One second, twice.
experiment run(n: int = 100) {
    dt 0.1 ms
    network net = Net(n = n)
    record net.exc.spike
    record net.exc[0].v every 1 ms during 0 s .. 1 s as potential
    for k in 1 .. 2 { run 500 ms   # half of it
        measure rates = rate(net.exc.spike) }
    if n == 100 { expect mean(rates) > 0 Hz } else { print \"50 % of & more\" }
}
";

#[test]
fn a_small_model_is_told_whole() {
    let tex = methods(&program(MODEL));
    assert_eq!(flaw(&tex), None, "{tex}");
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../emit" }, {
        insta::assert_snapshot!("methods", tex);
    });
}

#[test]
fn methods_of_all_models_can_be_read_and_leave_nothing_out() {
    let mut problems = Vec::new();
    for path in models() {
        let text = std::fs::read_to_string(&path).unwrap();
        let tex = methods(&checked(&path, &text));
        let name = path.display();
        problems.extend(flaw(&tex).map(|f| format!("{name}: {f}")));
        problems.extend(flaw(&document(&tex)).map(|f| format!("{name}, by itself: {f}")));
        let plain = tex.replace("\\allowbreak{}", "");
        for wanted in declared(&text) {
            if !plain.contains(&format!("\\texttt{{{}}}", wanted.replace('_', "\\_"))) {
                problems.push(format!("{name}: nothing is said of `{wanted}`"));
            }
        }
    }
    for module in neuro::stdlib::module_names() {
        let tex = module_methods(module).expect("a module");
        problems.extend(flaw(&tex).map(|f| format!("{module}: {f}")));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn cables_of_a_morphology_are_told_with_what_sections_add() {
    let text = "
        morphology Shape = swc(\"data/cells/pyramid.swc\") segmented every 20 um
        channel Pool { state c = 0   c' = -c / 3 ms }
        channel Leak2(v: mV) { param g = 1 mS/cm^2   current = g * (v + 65 mV) }
        neuron Cell {
            cable Shape {
                param C_m = 1 uF/cm^2
                state v = -65 mV
                channel leak: Leak2(g = 20 mS/cm^2)
                sections soma, axon { param R_a = 100 Ohm*cm }
                sections basal, apical { param R_a = 150 Ohm*cm   current = 3 uA/cm^2   channel more: Leak2   channel pool: Pool }
            }
        }
        network Net { population cell: Cell[1] }
        experiment e { network net = Net()   run 1 ms }";
    let tex = methods(&program(text));
    assert_eq!(flaw(&tex), None, "{tex}");
    let plain = tex.replace("\\allowbreak", "").replace("\\, ", "\\,");
    assert!(plain.contains("20\\,\\mathrm{mS}\\,\\mathrm{cm}^{-2}"), "{plain}");
    assert!(
        plain.contains("I_{\\mathrm{m}} &= \\ldots + 3\\,\\mu\\mathrm{A}\\,\\mathrm{cm}^{-2} + I_{\\mathrm{more}}"),
        "{plain}"
    );
    // Parameters alone stand in the table.
    assert_eq!(plain.matches("In sections").count(), 1, "{plain}");
}

/// What would not be read is found: the check above is worth something.
#[test]
fn flaws_are_seen() {
    for (text, what) in [
        ("a_b", "outside"),
        ("{", "brace"),
        ("a}", "brace"),
        ("5 % of", "%"),
        ("a & b", "&"),
        ("a # b", "#"),
        ("$a", "formula"),
        ("$\\left(a)$", "left"),
        ("\\begin{align*} a \\end{cases}", "end"),
        ("\\begin{align*} a ", "begin"),
    ] {
        let found = flaw(text).unwrap_or_default();
        assert!(found.contains(what), "`{text}`: `{found}`");
    }
    assert_eq!(flaw("% 5 & _\n\\texttt{a\\_b} $a_b$ \\% \\begin{align*} a &= b_c \\\\ d \\end{align*}"), None);
}

#[test]
fn a_whole_document_is_one_of_latex() {
    let neuro = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_neuro")).args(args).output().unwrap();
    let done = neuro(&["doc", "--format", "latex", "--standalone", "std.neurons.lif"]);
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && text.starts_with("\\documentclass") && text.contains("\\frac{dv}{dt}"), "{text}");
    let refused = neuro(&["doc", "--standalone", "std.neurons.lif"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--format latex"));
}

fn models() -> Vec<PathBuf> {
    let folders = std::fs::read_dir(root().join("stdlib")).unwrap().flatten().map(|f| f.path()).filter(|p| p.is_dir());
    let folders = folders.chain([root().join("stdlib"), root().join("examples")]);
    let files = folders.flat_map(|f| std::fs::read_dir(f).unwrap().flatten().map(|f| f.path()));
    let mut models: Vec<PathBuf> = files.filter(|p| p.extension().is_some_and(|e| e == "neuro")).collect();
    models.sort();
    assert!(models.len() > 70, "{}", models.len());
    models
}

fn checked(path: &std::path::Path, text: &str) -> Program {
    let folder = path.parent().unwrap().to_path_buf();
    let file = SourceFile::new(path.display().to_string(), text);
    compile(file, &mut Folder(folder)).unwrap_or_else(|r| panic!("{}", rendered(r.diagnostics.iter(), &r.sources)))
}

/// Names of parameters, states, inputs and weights of the models of a file, of parameters of its networks and worlds, and of all of these.
fn declared(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for item in neuro::syntax::parse(Default::default(), text, &mut Default::default()).items {
        match item.kind {
            ItemKind::Model(m) => {
                names.push(m.name.text);
                of_body(&m.body, &mut names);
            }
            ItemKind::Network(n) => {
                names.push(n.name.text);
                names.extend(n.formals.into_iter().map(|b| b.name.text));
            }
            ItemKind::World(w) => {
                names.push(w.name.text);
                names.extend(w.formals.into_iter().map(|b| b.name.text));
            }
            ItemKind::Experiment(e) => {
                names.push(e.name.text);
                names.extend(e.formals.into_iter().map(|b| b.name.text));
            }
            ItemKind::Variant(v) => names.push(v.name.text),
            ItemKind::Fn(name, ..) => names.push(name.text),
            _ => {}
        }
    }
    names
}

fn of_body(body: &[ModelItem], names: &mut Vec<String>) {
    for i in body {
        match i {
            ModelItem::Params(list) => names.extend(list.iter().map(|b| b.name.text.clone())),
            ModelItem::States(list) => names.extend(list.iter().map(|s| s.name.text.clone())),
            ModelItem::EventInput(name, _)
            | ModelItem::Input(name, ..)
            | ModelItem::Weight(name, ..)
            | ModelItem::Modulator(name, ..)
            | ModelItem::Gate(name, ..) => names.push(name.text.clone()),
            ModelItem::Compartment(name, _, body, _) => {
                names.push(name.text.clone());
                of_body(body, names);
            }
            _ => {}
        }
    }
}

/// What LaTeX would stumble over first: braces, environments, formulas, and signs with a meaning of their own where they have none.
fn flaw(tex: &str) -> Option<String> {
    let mut reader = Reader { open: Vec::new(), depth: 0, formula: None, left: 0 };
    let lines = tex.lines().filter(|l| !l.starts_with('%') && !l.starts_with("\\providecommand"));
    for line in lines {
        if let Some(what) = reader.line(line) {
            return Some(format!("{what} in `{line}`"));
        }
    }
    match reader {
        Reader { formula: Some(_), .. } => Some("a formula is not ended".into()),
        Reader { depth: 1.., .. } => Some("a brace is not closed".into()),
        Reader { open, .. } => open.first().map(|name| format!("begin{{{name}}} has no end")),
    }
}

struct Reader {
    open: Vec<String>,
    depth: usize,
    /// How deep the formula stands that is read.
    formula: Option<usize>,
    left: usize,
}

impl Reader {
    fn line(&mut self, line: &str) -> Option<String> {
        let mut chars = line.chars();
        while let Some(c) = chars.next() {
            let math = self.formula.is_some() || self.open.iter().any(|e| e == "align*");
            match c {
                '\\' => {
                    let rest = chars.as_str();
                    let name: String = rest.chars().take_while(char::is_ascii_alphabetic).collect();
                    // A command of one sign is read with it.
                    let length =
                        if name.is_empty() { rest.chars().next().map_or(0, char::len_utf8) } else { name.len() };
                    chars = rest[length..].chars();
                    if let Some(what) = self.command(&name, chars.as_str()) {
                        return Some(what);
                    }
                }
                '{' => self.depth += 1,
                '}' if self.depth == 0 => return Some("a brace too many".into()),
                '}' => self.depth -= 1,
                '$' => match self.formula.take() {
                    None => self.formula = Some(self.depth),
                    Some(depth) if depth != self.depth || self.left > 0 => {
                        return Some("left without right, or a brace".into());
                    }
                    Some(_) => {}
                },
                '_' | '^' if !math => return Some(format!("{c} outside of a formula")),
                '%' | '#' => return Some(format!("{c} by itself")),
                '&' if self.open.last().is_none_or(|e| e == "document") => return Some("& outside of a table".into()),
                _ => {}
            }
        }
        None
    }

    fn command(&mut self, name: &str, rest: &str) -> Option<String> {
        let argument = || rest.strip_prefix('{').and_then(|r| r.split_once('}')).map_or("", |(a, _)| a).to_string();
        match name {
            "begin" => self.open.push(argument()),
            "end" if self.open.pop().is_none_or(|e| e != argument()) => return Some("end of something else".into()),
            "left" => self.left += 1,
            "right" if self.left == 0 => return Some("right without left".into()),
            "right" => self.left -= 1,
            _ => {}
        }
        None
    }
}
