//! What is written becomes the tree that it reads like; what has no meaning yet is refused, not ignored.

use crate::support::{laid_out, root};
use neuro::diag::{Code, Diagnostics};
use neuro::source::FileId;
use neuro::syntax::ast::{Command, CommandKind, Expr, ExprKind, File, ItemKind, Stmt, Value};
use neuro::syntax::{parse, parse_expr};

#[track_caller]
fn parsed(text: &str) -> File {
    let mut d = Diagnostics::default();
    let file = parse(FileId(0), text, &mut d);
    assert!(d.iter().next().is_none(), "{d} in {text}");
    file
}

/// The messages of a text that is not of the language.
#[track_caller]
fn mistakes(text: &str) -> Vec<String> {
    let mut d = Diagnostics::default();
    parse(FileId(0), text, &mut d);
    assert!(d.iter().next().is_some(), "nothing is wrong with {text}");
    d.iter().map(|d| d.message.clone()).collect()
}

/// The statements of an experiment.
#[track_caller]
fn commands(text: &str) -> Vec<Command> {
    let ItemKind::Experiment(e) = parsed(&format!("experiment e {{ {text} }}")).items.remove(0).kind else {
        panic!("not an experiment")
    };
    e.body
}

#[track_caller]
fn command(text: &str) -> CommandKind {
    let mut all = commands(text);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0).kind
}

/// An expression in prefix form.
fn form(e: &Expr) -> String {
    let list = |items: &[Expr]| items.iter().map(form).collect::<Vec<_>>().join(" ");
    match &e.kind {
        ExprKind::Quantity(v, None) => format!("{v}"),
        ExprKind::Quantity(v, Some((unit, (1, 1)))) => format!("{v}_{}", unit.text),
        ExprKind::Quantity(v, Some((unit, (n, d)))) => format!("{v}_{}^{n}/{d}", unit.text),
        ExprKind::Bool(b) => format!("{b}"),
        ExprKind::Text(t) => format!("{t:?}"),
        ExprKind::Name(n) => n.clone(),
        ExprKind::Neg(a) => format!("(neg {})", form(a)),
        ExprKind::Not(a) => format!("(not {})", form(a)),
        ExprKind::Binary(op, a, b) => format!("({} {} {})", op.symbol(), form(a), form(b)),
        ExprKind::Call(f, args) => {
            let args = args.iter().map(|a| match &a.name {
                Some(n) => format!(" {}={}", n.text, form(&a.value)),
                None => format!(" {}", form(&a.value)),
            });
            format!("(call {}{})", form(f), args.collect::<String>())
        }
        ExprKind::Index(a, index) => format!("(at {} {})", form(a), list(index)),
        ExprKind::Member(a, name) => format!("{}.{}", form(a), name.text),
        ExprKind::List(items) => format!("[{}]", list(items)),
        ExprKind::If(c, a, b) => format!("(if {} {} {})", form(c), form(a), form(b)),
        ExprKind::Since(n, previous) => format!("(since {} {previous})", n.text),
        ExprKind::AtEnd(a, w) => format!("(end {} {})", form(a), w.text),
        ExprKind::All => "*".into(),
        ExprKind::Stepped(range, step) => format!("(step {} {})", form(range), form(step)),
    }
}

fn value(v: &Value) -> String {
    match v {
        Value::Expr(e) => form(e),
        Value::Distribution(d) => match &d.bound {
            None => format!("~ {}", form(&d.call)),
            Some((clipped, range)) => format!("~ {} clipped={clipped} {}", form(&d.call), form(range)),
        },
    }
}

/// A statement, its parts and its blocks in prefix form.
fn shown(c: &Command) -> String {
    let option = |e: &Option<Expr>| e.as_ref().map_or("-".into(), form);
    let block = |body: &[Command]| format!("{{{}}}", body.iter().map(shown).collect::<Vec<_>>().join("; "));
    match &c.kind {
        CommandKind::Set { target, op, value: v } => {
            format!("set {} {}= {}", form(target), op.map_or("", |o| o.symbol()), value(v))
        }
        CommandKind::Let(name, v, over) => {
            let over = over.as_ref().map_or(String::new(), |o| format!(" over {} {}", form(&o.data), block(&o.body)));
            format!("let {} {}{over}", name.text, value(v))
        }
        CommandKind::Measure(name, e, over) => {
            let over = over.as_ref().map_or(String::new(), |o| format!(" over {} {}", form(&o.data), block(&o.body)));
            format!("measure {} {}{over}", name.text, form(e))
        }
        CommandKind::Var(name, v) => format!("var {} {}", name.text, value(v)),
        CommandKind::Repeat { most, until, body } => {
            format!("repeat {} until {} {}", form(most), option(until), block(body))
        }
        CommandKind::Sweep { variables, body } => {
            let all: Vec<_> = variables.iter().map(|(n, e)| format!("{} in {}", n.text, form(e))).collect();
            format!("sweep {} {}", all.join(", "), block(body))
        }
        CommandKind::Print(items) => format!("print {}", items.iter().map(form).collect::<Vec<_>>().join(", ")),
        CommandKind::Reset(e) => format!("reset {}", form(e)),
        CommandKind::Record { what, every, during, name } => {
            let name = name.as_ref().map_or("-", |n| &n.text);
            format!("record {} every {} during {} as {name}", form(what), option(every), option(during))
        }
        CommandKind::For { variables, range, step, body } => {
            let names: Vec<_> = variables.iter().map(|n| n.text.as_str()).collect();
            format!("for {} in {} step {} {}", names.join(" "), form(range), option(step), block(body))
        }
        CommandKind::Run(e) => format!("run {}", form(e)),
        CommandKind::Expect(e) => format!("expect {}", form(e)),
        CommandKind::Signal(n, _) => format!("signal {}", n.text),
        CommandKind::Step => "step".into(),
        other => format!("{other:?}"),
    }
}

#[track_caller]
fn reads(text: &str, expected: &[&str]) {
    let found: Vec<String> = commands(text).iter().map(shown).collect();
    assert_eq!(found, expected, "{text}");
}

fn expr(text: &str) -> Option<String> {
    let mut d = Diagnostics::default();
    parse_expr(FileId(0), text, &mut d).map(|e| form(&e))
}

#[test]
fn a_word_after_a_number_is_a_unit_unless_a_statement_begins_with_it() {
    // Every form of assignment, after every end of a number.
    let targets = ["w", "w_2", "mV", "net.c.w", "w[3]", "w[i, *]", "w[0 .. 2].x", "w [x[1]]"];
    for number in ["1", "1 / 15", "2.5", "1e-3", "-1", "(2) * 3"] {
        let first = format!("set x = {}", expr(number).unwrap());
        for target in targets {
            let name = expr(target).unwrap();
            for (typed, op) in [("=", ""), ("+=", "+"), ("-=", "-"), ("*=", "*"), ("/=", "/")] {
                for gap in [" ", "  ", "\t"] {
                    let second = format!("set {name} {op}= 2");
                    reads(&format!("x = {number}{gap}{target} {typed} 2"), &[&first, &second]);
                    reads(&format!("x = {number}{gap}{target}{typed}2"), &[&first, &second]);
                }
            }
            let drawn = format!("set {name} = ~ (call uniform 0 1)");
            reads(&format!("x = {number} {target} ~ uniform(0, 1)"), &[&first, &drawn]);
        }
    }
    // An assignment that goes on in the next line.
    reads("x = 1 w\n = 2", &["set x = 1", "set w = 2"]);
    // A comparison is none.
    reads("expect x == 1 mV", &["expect (== x 1_mV)"]);
    reads("expect 1 mV == x  y = 2", &["expect (== 1_mV x)", "set y = 2"]);
    reads("expect 1 mV >= x", &["expect (>= 1_mV x)"]);
}

#[test]
fn a_word_after_a_number_begins_the_next_line_of_a_handler_or_equation() {
    let text = "synapse S { weight w: 1  state lp1 = 0  on pre.spike { lp1 = 1 / 15  w -= 2  w *= 3 w = 4  if w > 1 { w = 1 lp1 += 2 } }\n lp1' = -lp1 / 10 ms  w' = 0  soma.v' = 1 w' = 2 }";
    let ItemKind::Model(m) = parsed(text).items.remove(0).kind else { panic!("not a synapse") };
    let equations: Vec<String> = m
        .body
        .iter()
        .filter_map(|item| match item {
            neuro::syntax::ast::ModelItem::Equation(n, e) => Some(format!("{} {}", n.text, form(e))),
            _ => None,
        })
        .collect();
    assert_eq!(equations, ["lp1 (/ (neg lp1) 10_ms)", "w 0", "soma.v 1", "w 2"]);
    let handler = m.body.iter().find_map(|item| match item {
        neuro::syntax::ast::ModelItem::On(_, stmts, _) => Some(stmts),
        _ => None,
    });
    let assigned = |s: &Stmt| match s {
        Stmt::Assign(n, op, e) => format!("{} {}= {}", n.text, op.map_or("", |o| o.symbol()), form(e)),
        other => format!("{other:?}"),
    };
    let handler: Vec<String> = handler.unwrap().iter().take(4).map(assigned).collect();
    assert_eq!(handler, ["lp1 = (/ 1 15)", "w -= 2", "w *= 3", "w = 4"]);
}

#[test]
fn units_keep_their_exponents_and_quotients() {
    for (text, expected) in [
        ("5 mV/ms", "(/ 5_mV 1_ms)"),
        ("3 nS * E", "(* 3_nS E)"),
        ("1 cm^2", "1_cm^2/1"),
        ("1 ms^-1", "1_ms^-1/1"),
        ("2 ms^(1/2)", "2_ms^1/2"),
        ("2.5 %", "2.5_%"),
        ("5mV", "5_mV"),
        ("1 µm", "1_µm"),
        ("3 nS - 2 nS", "(- 3_nS 2_nS)"),
        ("1 mV .. 3 mV", "(.. 1_mV 3_mV)"),
        ("1 mV == x", "(== 1_mV x)"),
        ("[1 mV, 2 mV]", "[1_mV 2_mV]"),
        ("f(1 mV, a = 2 mV)", "(call f 1_mV a=2_mV)"),
        ("1 mV + 2 * m", "(+ 1_mV (* 2 m))"),
    ] {
        assert_eq!(expr(text).as_deref(), Some(expected), "{text}");
    }
}

/// Words that the grammar quotes.
fn words_of_the_grammar() -> Vec<String> {
    let grammar = std::fs::read_to_string(root().join("grammar/neuro.pest")).unwrap();
    let code = grammar.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut words: Vec<String> = code
        .flat_map(|l| l.split('"').skip(1).step_by(2).map(str::to_string).collect::<Vec<_>>())
        .filter(|w| w.len() > 1 && w.chars().all(|c| c.is_ascii_lowercase()))
        .collect();
    words.sort();
    words.dedup();
    words
}

#[test]
fn no_word_of_the_language_is_a_unit_after_a_number() {
    // Words that stand after another word only, and functions, which `(` tells from units.
    let inner = ["end", "most", "previous", "rising", "falling", "sample", "off", "since", "log", "slow", "count"];
    for word in words_of_the_grammar().iter().filter(|w| !inner.contains(&w.as_str())) {
        let found = expr(&format!("1 {word}"));
        assert_eq!(found, None, "`{word}` is taken for a unit");
    }
}

#[test]
fn variables() {
    reads("var x = 1 mV  x = 2 mV  x += 3 mV", &["var x 1_mV", "set x = 2_mV", "set x += 3_mV"]);
    reads("var u ~ normal(0, 1) redrawn in 0 .. inf", &["var u ~ (call normal 0 1) clipped=false (.. 0 inf)"]);
    reads("var var = 1  var += 2", &["var var 1", "set var += 2"]);
    reads("let u ~ uniform(0, 1)  let v = u", &["let u ~ (call uniform 0 1)", "let v u"]);
    assert_eq!(mistakes("experiment e { var x }"), ["expected `=` or `~`, found `}`"]);
}

#[test]
fn words_of_statements_still_name_variables() {
    for word in ["var", "print", "reset", "repeat", "sweep", "step", "run", "expect", "dt", "save", "times", "until"] {
        for op in ["", "+", "-", "*", "/"] {
            let expected = format!("set {word} {op}= 2");
            reads(&format!("{word} {op}= 2"), &[&expected]);
            let expected = format!("set (at {word} 0).x {op}= 2");
            reads(&format!("{word}[0].x {op}= 2"), &[&expected]);
        }
    }
}

#[test]
fn loops() {
    reads("repeat 5 times { run 1 ms }", &["repeat 5 until - {run 1_ms}"]);
    reads("repeat n + 1 times { step }", &["repeat (+ n 1) until - {step}"]);
    reads(
        "repeat at most 200 times until count(net.c.spike) >= 5 or done { run 1 ms step }",
        &["repeat 200 until (or (>= (call count net.c.spike) 5) done) {run 1_ms; step}"],
    );
    reads("for x in [1 mV, 3 mV] { step }", &["for x in [1_mV 3_mV] step - {step}"]);
    reads("for x in xs[1 .. 3] { step }", &["for x in (at xs (.. 1 3)) step - {step}"]);
    reads("for (a, b) in data.train { step }", &["for a b in data.train step - {step}"]);
    reads("for x in 0 mV .. 2 * hi step dt + 1 { step }", &["for x in (.. 0_mV (* 2 hi)) step (+ dt 1) {step}"]);
    reads(
        "sweep seed in 1 .. 5, w in [1 nS, 2 nS], d in 0 .. 4 step 2 { run 1 ms }",
        &["sweep seed in (.. 1 5), w in [1_nS 2_nS], d in (step (.. 0 4) 2) {run 1_ms}"],
    );
    // Without a most there may be no end.
    for text in ["repeat n { step }", "repeat until x { step }"] {
        assert!(mistakes(&format!("experiment e {{ {text} }}"))[0].starts_with("expected"));
    }
    assert!(mistakes("experiment e { repeat at most 3 times { step } }")[0].contains("`until`"));
}

#[test]
fn a_step_after_a_range_is_its_own_or_a_statement() {
    let range = "(step (.. 0 10) 2)";
    for text in ["let x = 0 .. 10 step 2", "let x = (0 .. 10 step 2)", "let x = 0 .. 10\n step 2"] {
        reads(text, &[&format!("let x {range}")]);
    }
    reads("let x = f(0 .. 10 step 2)", &["let x (call f (step (.. 0 10) 2))"]);
    reads("let x = y[0 .. 10 step 2, *]", &["let x (at y (step (.. 0 10) 2) *)"]);
    reads("let x = [0 .. 10 step 2]", &["let x [(step (.. 0 10) 2)]"]);
    reads("let x = 0 .. 10 step dt\n let y = 1", &["let x (step (.. 0 10) dt)", "let y 1"]);
    reads("let x = 0 .. 10 step -n * 2", &["let x (step (.. 0 10) (* (neg n) 2))"]);
    let expected = ["expect (in x (.. 1 3))", "step"];
    reads("expect x in 1 .. 3 step", &expected);
    reads("expect x in 1 .. 3\n step\n", &expected);
    reads("expect x in 1 .. 3\n step # once\n", &expected);
    for (text, last) in [
        ("net.c.I = 2", "set net.c.I = 2"),
        ("y += 2", "set y += 2"),
        ("y[2] = 1", "set (at y 2) = 1"),
        ("signal learn", "signal learn"),
        ("run 5 ms", "run 5_ms"),
        ("\n run 5 ms", "run 5_ms"),
        ("let y = 3", "let y 3"),
    ] {
        reads(&format!("expect x in 1 .. 3 step {text}"), &["expect (in x (.. 1 3))", "step", last]);
    }
    reads("net.c.x = y step net.c.z = 1", &["set net.c.x = y", "step", "set net.c.z = 1"]);
}

#[test]
fn recordings_take_their_clauses_in_any_order() {
    let clauses = ["every 1 s", "during 1 s .. 2 s", "as name"];
    let expected = "record net.c.v every 1_s during (.. 1_s 2_s) as name";
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let text = order.map(|k| clauses[k]).join(" ");
        reads(&format!("record net.c.v {text}"), &[expected]);
    }
    reads("record net.c.spike", &["record net.c.spike every - during - as -"]);
    reads("record mean(net.c.v) during a .. b", &["record (call mean net.c.v) every - during (.. a b) as -"]);
    for (k, word) in ["every", "during", "as"].iter().enumerate() {
        let text = format!("experiment e {{ record net.c.v {} {} }}", clauses[k], clauses[k]);
        assert_eq!(mistakes(&text), [format!("`{word}` is given twice")]);
    }
}

#[test]
fn printing_and_resetting() {
    reads("print x, \"text, =\", [1, 2]  print \"a\"", &["print x, \"text, =\", [1 2]", "print \"a\""]);
    reads("reset net.pop reset net", &["reset net.pop", "reset net"]);
}

#[test]
fn values_over_data() {
    let block = "{set net.input.r = x; step}";
    let typed = "all(net.h.r) over digits.test { net.input.r = x step }";
    reads(&format!("let f = {typed}"), &[&format!("let f (call all net.h.r) over digits.test {block}")]);
    reads(&format!("measure f = {typed}"), &[&format!("measure f (call all net.h.r) over digits.test {block}")]);
    assert!(mistakes("experiment e { let f ~ uniform(0, 1) over data { step } }")[0].starts_with("expected"));
}

#[test]
fn indices_and_named_arguments() {
    for (text, expected) in [
        ("x[i, *]", "(at x i *)"),
        ("x[*, 3]", "(at x * 3)"),
        ("x[2 .. 5]", "(at x (.. 2 5))"),
        ("x[order]", "(at x order)"),
        ("x[0 .. 10, 2]", "(at x (.. 0 10) 2)"),
        ("sum(w, over = pre)", "(call sum w over=pre)"),
        ("samples(x, every = 0.1 ms)", "(call samples x every=0.1_ms)"),
        ("f(if = 1, x == 2)", "(call f if=1 (== x 2))"),
        ("random()", "(call random)"),
    ] {
        assert_eq!(expr(text).as_deref(), Some(expected), "{text}");
    }
    for (text, target) in [
        ("net.link.w[3] = 0.2 nS", "(at net.link.w 3)"),
        ("net.link.w[i, *] = 0.2 nS", "(at net.link.w i *)"),
        ("net.link.w[2 .. 5] = 0.2 nS", "(at net.link.w (.. 2 5))"),
        ("net.link.w[order] = 0.2 nS", "(at net.link.w order)"),
        ("net.link.w[*, 3] = 0.2 nS", "(at net.link.w * 3)"),
        ("net.c[3].I = 0.2 nS", "(at net.c 3).I"),
        ("net.c.I = 0.2 nS", "net.c.I"),
    ] {
        reads(text, &[&format!("set {target} = 0.2_nS")]);
    }
    let CommandKind::Set { target, .. } = command("net.link.w[3] = 1") else { panic!("no assignment") };
    assert_eq!((target.span.start, target.span.end), (15, 28));
}

const EVERY_STATEMENT: &str = "experiment e(n = 3) {
network net = N()
var total = 0   # counts
var u ~ uniform(0,1)
let v ~ normal(0 mV,1 mV) clipped in 0 mV .. 1 mV
let f = all(net.h.r) over digits.test {net.in.r = image/255   step}
measure g = mean(f[*,0]) over digits.test {
step
}
repeat 5 times {run 1 ms}
repeat at most 200 times until total >= 5 {
total += 1   w -= 2
}
record net.c.v every 1 ms during 1 s .. 2 s as v
record net.c.w as w during 1 s .. 2 s every 1 ms
print total,\"a, {b}\",[1,2]
reset net.c
reset net
sweep seed in 1 .. 5,w in [1 nS,2 nS] {
for x in [1 mV,3 mV] {print x}
for (a,b) in data {print a,b}
for k in 0 .. 10 step 2 {print k}
}
let xs = 0 .. 10 step 2
net.link.w[3] = 0.2 nS
net.link.w[i,*] *= sum(w,over = pre)
x = 1   y = 2
}
";

/// Drops positions, so that only the meaning is compared.
fn meaning(text: &str) -> Vec<String> {
    let ItemKind::Experiment(e) = parsed(text).items.remove(0).kind else { panic!("not an experiment") };
    e.body.iter().map(shown).collect()
}

#[test]
fn formatting_keeps_every_statement() {
    let once = laid_out(EVERY_STATEMENT);
    assert_ne!(once, EVERY_STATEMENT);
    assert_eq!(laid_out(&once), once);
    let without_spans = |all: Vec<String>| all.into_iter().filter(|s| !s.contains("Span")).collect::<Vec<_>>();
    let (before, after) = (meaning(EVERY_STATEMENT), meaning(&once));
    assert!(before.len() > 15 && before.len() == after.len());
    assert_eq!(without_spans(before), without_spans(after));
    assert!(once.contains("\n    var total = 0   # counts\n"), "{once}");
    assert!(once.contains("\n        for k in 0 .. 10 step 2 { print k }\n"), "{once}");
}

/// Every form that nests, `n` times; what stands in an expression, and whole bodies of experiments and handlers.
fn nests(n: usize) -> Vec<(&'static str, String)> {
    let expressions = [
        ("parentheses", "(".repeat(n) + "1" + &")".repeat(n)),
        ("lists", "[".repeat(n) + "1" + &"]".repeat(n)),
        ("calls", "abs(".repeat(n) + "1" + &")".repeat(n)),
        ("named arguments", "f(a = ".repeat(n) + "1" + &")".repeat(n)),
        ("indices within", "x[".repeat(n) + "0" + &"]".repeat(n)),
        ("indices", "x".to_string() + &"[0]".repeat(n)),
        ("members", "x".to_string() + &".y".repeat(n)),
        ("calls of calls", "x".to_string() + &"(0)".repeat(n)),
        ("ends of windows", "x".to_string() + &" at end of w".repeat(n)),
        ("sums", "1".to_string() + &" + 1".repeat(n)),
        ("products", "1".to_string() + &"\n * 1".repeat(n)),
        ("powers", "1".to_string() + &" ^ 1".repeat(n)),
        ("minus", "-".repeat(n) + "1"),
        ("powers of minus", "1".to_string() + &" ^ -1".repeat(n / 2)),
        ("not", "not ".repeat(n) + "true"),
        ("not in sums", "1".to_string() + &" + not 1".repeat(n)),
        ("and", "true".to_string() + &" and true".repeat(n)),
        ("else if", "if a then 1 ".to_string() + &"else if a then 1 ".repeat(n) + "else 2"),
        ("else 1 + if", "if a then 1 ".to_string() + &"else 1 + if\n a\n then\n 1 mV ".repeat(n / 2) + "else 2"),
        ("then if", "if a then ".repeat(n) + "1" + &" else 2".repeat(n)),
        ("if if", "if ".repeat(n) + "true" + &" then true else true".repeat(n)),
        ("ifs in parentheses", "(if a then ".repeat(n / 2 + 1) + "1" + &" else 2)".repeat(n / 2 + 1)),
    ];
    let bodies = [
        ("blocks", "for k in xs { ".repeat(n) + &"}".repeat(n)),
        ("if blocks", "if a { ".repeat(n) + &"}".repeat(n)),
        ("else if blocks", "if a { step }".to_string() + &" else if a { step }".repeat(n)),
        ("ifs in else ifs", "if a { step } else if a { ".repeat(n / 2 + 1) + &"}".repeat(n / 2 + 1)),
        ("indices of a target", "x".to_string() + &"[0]".repeat(n) + " = 1"),
    ];
    let experiment = |body: String| format!("experiment e {{ {body} }}\n");
    let mut all: Vec<_> = expressions.into_iter().map(|(name, e)| (name, experiment(format!("let x = {e}")))).collect();
    all.extend(bodies.into_iter().map(|(name, b)| (name, experiment(b))));
    let handler = |body: &str| format!("neuron A {{ state v = 0\n emit spike when v > 1 {{ {body} }} }}\n");
    all.push(("ifs of handlers", handler(&("if v > 2 { ".repeat(n) + &"}".repeat(n)))));
    all.push(("else ifs of handlers", handler(&("if v > 2 { }".to_string() + &" else if v > 2 { }".repeat(n)))));
    all.push(("compartments", format!("neuron A {{ {} {} }}\n", "compartment a { ".repeat(n), "}".repeat(n))));
    all
}

/// Forms whose levels stand one after the other in the text, so that long ones are written, or generated.
const CHAINS: [&str; 9] =
    ["if if", "else 1 + if", "sums", "products", "and", "else if", "then if", "else if blocks", "else ifs of handlers"];

#[test]
fn whatever_nests_is_followed_so_far_and_refused_beyond() {
    let found = |text: &str| {
        let mut d = Diagnostics::default();
        parse(FileId(0), text, &mut d);
        d.iter().map(|d| (d.code, d.message.clone())).collect::<Vec<_>>()
    };
    neuro::parallel::on_deep_stack(|| {
        for (name, text) in nests(200) {
            assert_eq!(found(&text), [], "{name}");
        }
        let mut problems = Vec::new();
        for n in [600, 5000, 100_000] {
            for (name, text) in nests(n) {
                let expected = match n < 10_000 && CHAINS.contains(&name) {
                    true => vec![],
                    false => vec![(Code::E0107, "this is nested too deeply".to_string())],
                };
                if found(&text) != expected {
                    problems.push(format!("{n} {name}: {:?}", found(&text)));
                }
            }
        }
        assert!(problems.is_empty(), "{problems:#?}");
    });
}

#[test]
fn many_conditionals_one_after_the_other_are_no_nest() {
    let text = [
        "x = if a then 1 else 2  ".repeat(300),
        "expect if a then b else c\n".repeat(300),
        "if a { step }\n".repeat(300),
        "if a { step } else { step } ".repeat(300),
        "print if a then 1 else 2, if b then 1 mV else 2 mV\n".repeat(300),
    ];
    for body in text {
        parsed(&format!("experiment e {{ {body} }}"));
    }
}

#[test]
fn statements_at_a_time_do_not_nest_without_blocks() {
    assert_eq!(command("at 1 ms { at 2 ms x = 3 }").blocks().len(), 1);
    assert!(mistakes("experiment e { at 1 ms at 2 ms x = 3 }")[0].starts_with("expected"));
}
