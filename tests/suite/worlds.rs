//! Worlds that agents act in, and elements of variables.

use crate::checkpoint::{All, bits};
use crate::support::{measured, program, rendered, root, run, run_failing, run_with, try_program};
use neuro::diag::Code;
use neuro::experiment::{Override, Settings};

/// A world with everything: parameters, drawn and array states, units, actions with loops, draws and conditions.
const BUSY: &str = "
world Busy(n: int = 3, speed = 2 mm) {
    state place = 0 mm
    state seen = repeat(0, n)
    state luck ~ uniform(0, 1)
    state turns = 0
    let far = place > 5 mm
    let most = max(seen)
    on reset { turns = -1   for k in 0 .. n - 1 { seen[k] = k } }
    on go(times: int, to: mm = 1 mm) {
        let step = to * speed / 1 mm
        for k in 1 .. times { place += step }
        if far { seen[1] *= 10 } else if times == 0 { seen = seen + 1 } else { seen[0] -= 1 }
        luck ~ normal(luck, 0.1)
        var left = 10
        repeat at most 100 times until left < 1 { left -= 3   turns += 1 }
    }
    done when far and turns > 5
}
";

#[test]
fn actions_change_states_and_lets_follow() {
    let out = run(&format!(
        "{BUSY}
experiment e {{
    world busy = Busy()
    measure first = [busy.turns, busy.n, busy.most]
    measure far = [busy.far, busy.done]
    busy.go(2)
    measure place = busy.place / 1 mm
    measure seen = busy.seen
    busy.go(1, to = 4 mm)
    busy.go(0)
    measure place = busy.place / 1 mm
    measure seen = busy.seen
    measure turns = busy.turns
    measure done = busy.done
    let kept = busy
    busy.place = 1 mm
    busy.seen[1 .. 3] = [7, 8]
    busy.seen[0] += 1
    measure seen = busy.seen
    measure kept_place = kept.place / 1 mm
    measure done = busy.done
    busy.luck ~ uniform(5, 6)
    measure luck = busy.luck
}}"
    ));
    assert_eq!(measured(&out, "first"), [-1.0, 3.0, 2.0]);
    assert_eq!(measured(&out, "far"), [0.0, 0.0]);
    // Twice 2 mm; then 8 mm more. `far` holds from then on, so the second element is multiplied.
    assert_eq!(measured(&out, "place"), [4.0, 12.0]);
    assert_eq!(measured(&out, "seen"), [-1.0, 1.0, 2.0, -1.0, 100.0, 2.0, 0.0, 7.0, 8.0]);
    assert_eq!(measured(&out, "turns"), [11.0]);
    assert_eq!(measured(&out, "done"), [1.0, 0.0]);
    assert_eq!(measured(&out, "kept_place"), [12.0]);
    assert!((5.0..6.0).contains(&measured(&out, "luck")[0]));
}

/// Draws follow from the seed, differ from turn to turn, and go on from every checkpoint.
#[test]
fn worlds_are_part_of_a_checkpoint() {
    let text = format!(
        "{BUSY}
network Net {{ population a: Relay[1] }}
experiment e {{
    network net = Net()
    world busy = Busy(n = 4)
    for episode in 1 .. 5 {{
        reset busy
        measure begins = busy.luck
        repeat at most 20 times until busy.done {{
            busy.go(1)
            run 1 ms
        }}
        measure ends = busy.luck
        measure seen = sum(busy.seen)
    }}
}}"
    );
    let p = program(&text);
    let keeper = All::default();
    let whole = crate::checkpoint::run(&p, &keeper, None, 1);
    let begins = measured(&whole, "begins");
    assert!(begins.iter().enumerate().all(|(k, x)| begins[..k].iter().all(|y| x != y)), "{begins:?}");
    let files = keeper.kept();
    assert!(files.len() > 5);
    for file in files.into_iter().step_by(3) {
        let resumed = crate::checkpoint::run(&p, &All::default(), Some(file), 2);
        assert!(bits(&whole) == bits(&resumed));
    }
    assert_ne!(measured(&run(&text.replace("network net", "seed 2 network net")), "begins"), begins);
}

#[test]
fn parameters_are_set_from_the_command_line_and_nothing_else_is() {
    let p = program(&format!("{BUSY} experiment e {{ world busy = Busy(n = 2)  measure n = len(busy.seen) }}"));
    let with = |path: &str, value: &str| {
        let overrides = vec![Override { path: path.into(), value: value.into() }];
        run_with(&p, 0, Settings { overrides, ..Settings::default() }, &root())
    };
    assert_eq!(measured(&with("busy.n", "6"), "n"), [6.0]);
    assert_eq!(with("busy.place", "6mm").failure.expect("refused").code, Code::E0804);
    assert_eq!(with("busy.speed", "6mV").failure.expect("refused").code, Code::E0805);
    assert_eq!(with("busy.n", "1.5").failure.expect("refused").code, Code::E0404);
}

#[test]
fn what_is_wrong_in_a_world_is_refused_at_its_place() {
    let said = |text: &str| match try_program(text) {
        Ok(_) => panic!("nothing was refused: {text}"),
        Err(r) => rendered(r.diagnostics.iter(), &r.sources),
    };
    let world = "world W(n: int = 2) { state x = 0 mV  state v = [1, 2]  on act(a: int) { x += a * 1 mV }  done when x > 5 mV }\n";
    for (inner, words) in [
        ("world w = V()", &["unknown world `V`"][..]),
        ("world w = W(m = 2)", &["`W` has no parameter `m`"]),
        ("world w = W()  w.acd(1)", &["world `W` has no `acd`", "did you mean `act`?"]),
        ("world w = W()  w.act()", &["`a`", "no value"]),
        ("world w = W()  w.act(1, 2)", &["w.act"]),
        ("world w = W()  w.act(1 mV)", &["a pure number"]),
        ("world w = W()  measure y = w.y", &["world `W` has no `y`"]),
        ("world w = W()  w.x = 3", &["mV"]),
        ("world w = W()  w.n = 3", &["cannot be assigned", "a parameter of the world"]),
        ("world w = W()  let u = w  u.act(1)", &["`u` never changes", "a `let`"]),
        ("world w = W()  let u = w  reset u", &["`u` never changes"]),
        ("let u = 3  u.act(1)", &["expected a world"]),
        ("let u = [1, 2]  u[0] = 3", &["`u"]),
    ] {
        let said = said(&format!("{world} experiment e {{ {inner} }}"));
        words.iter().for_each(|word| assert!(said.contains(word), "{inner}: `{word}` is not said:\n{said}"));
    }
    for (body, words) in [
        ("state x = 0  on act(a) { run 5 ms }", &["this cannot stand in a world"][..]),
        ("state x = 0  on act(a) { measure b = a }", &["this cannot stand in a world"]),
        ("state x = 0  on act(a) { a = 3 }", &["`a` cannot be assigned"]),
        ("state x = 0  state x = 1", &["`x`", "twice"]),
        ("state done = 0  done when done > 1", &["`done`", "twice"]),
        ("state x = 0  on act { x = 1 }  on act { x = 2 }", &["`act`", "twice"]),
        ("state x = 0 mV  let y = x + 1", &["mV"]),
        ("state x = 0  on reset(a) { x = a }", &["nothing is told to a world that is reset"]),
        ("state x: mV = 3 ms", &["`x`", "ms"]),
        ("state x = 0  done when x", &["condition"]),
    ] {
        let said = said(&format!("world W {{ {body} }}"));
        words.iter().for_each(|word| assert!(said.contains(word), "{body}: `{word}` is not said:\n{said}"));
    }
}

#[test]
fn what_goes_wrong_in_a_world_stops_the_run() {
    for (body, doing, code) in [
        ("state x = 0  on act(a) { x = 1 / a }", "w.act(0)", Code::E0801),
        ("state x = 0  on act(a) { x = sqrt(a) }", "w.act(-1)", Code::E0801),
        ("state x = [1, 2]  on act(a) { x = repeat(a, 3) }", "w.act(1)", Code::E0403),
        ("state x = [1, 2]  on act(a) { x[a] = 3 }", "w.act(2)", Code::E0406),
        ("state x = [1, 2]  on act(a) { x[0] = x[a] }", "w.act(5)", Code::E0406),
        ("state x = 0  on act(a: int) { x = a }", "w.act(0.5)", Code::E0404),
        ("state x = 1 / 0  on act(a) { x = a }", "", Code::E0801),
    ] {
        let d = run_failing(&format!("world W {{ {body} }} experiment e {{ world w = W()  {doing} }}"));
        assert_eq!(d.code, code, "{body}: {}", d.message);
    }
}

/// A world is one, whatever runs beside it: what a hundred examples have each is not its first.
#[test]
fn values_of_each_example_are_not_told_to_a_world() {
    for doing in ["world w = W()  w.act(net.p.x)", "world w = W(start = net.p.x)", "world w = W()  w.x = net.p.x"] {
        let text = format!(
            "neuron N {{ state x = 1   x' = 0 / 1 ms }}
network Net {{ population p: N[1] }}
world W(start = 0) {{ state x = start  on act(a) {{ x = a }} }}
experiment e {{ dt 0.1 ms  network net = Net() with batch 3  {doing} }}"
        );
        let d = run_failing(&text);
        assert!(d.message.contains("example"), "{doing}: {} {}", d.code, d.message);
    }
}

#[test]
fn elements_of_variables_change_by_index_range_and_list() {
    let out = run("
experiment e {
    var x = [1 mV, 2 mV, 3 mV, 4 mV]
    x[0] = 10 mV
    x[1 .. 3] = [20 mV, 30 mV]
    x[[0, 3]] += 1 mV
    x[2] *= 2
    measure x = x / 1 mV
}");
    assert_eq!(measured(&out, "x"), [11.0, 20.0, 60.0, 5.0]);
    for (statement, code) in [
        ("x[4] = 1", Code::E0406),
        ("x[-1] = 1", Code::E0406),
        ("x[0.5] = 1", Code::E0404),
        ("x[0 .. 2] = [1, 2, 3]", Code::E0403),
    ] {
        let d = run_failing(&format!("experiment e {{ var x = [1, 2, 3, 4]  {statement} }}"));
        assert_eq!(d.code, code, "{statement}: {}", d.message);
    }
}
