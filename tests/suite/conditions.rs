//! Conditions of arrays: combined element by element where numbers are wanted, true if they hold for all where a truth value is.

use crate::support::{measured, run};

#[test]
fn conditions_of_arrays_are_combined_element_by_element_where_they_count() {
    let out = run("
neuron Unit { state v = 1 }
network Net { population a: Unit[3] }
experiment e {
    network net = Net()
    net.a.v = [1, 2, 3]
    let x = [1, 2, 3]
    var y = [1, 2, 3]
    measure m = x > 1 and x < 3
    measure n = not (x > 1)
    measure o = x > 2 or x < 2
    measure s = [sum(x > 1 and x < 3), sum(y > 1 and y < 3), sum(net.a.v > 1 and net.a.v < 3), mean(not (y > 1)), sum(y > 2 or y < 2)]
    measure w = y * (y > 1 and y < 3) + x * not (x > 1)
    # As conditions they hold if they hold for all.
    expect x > 0 and x < 4
    expect not (x > 1)
    expect x > 0 or x > 5
    if x > 1 and x < 3 { measure never = 1 }
    let whole = 2 > 1 and 3 > 2
    if whole { measure once = 1 }
}");
    assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
    assert_eq!(measured(&out, "m"), [0.0, 1.0, 0.0]);
    assert_eq!(measured(&out, "n"), [1.0, 0.0, 0.0]);
    assert_eq!(measured(&out, "o"), [1.0, 0.0, 1.0]);
    assert_eq!(measured(&out, "s"), [1.0, 1.0, 1.0, 1.0 / 3.0, 2.0]);
    assert_eq!(measured(&out, "w"), [1.0, 2.0, 0.0]);
    assert!(!out.measures.contains_key("never") && out.measures.contains_key("once"));
}

#[test]
fn a_number_other_than_zero_counts_as_true() {
    let out = run("
experiment e {
    let x = [5, 0, -2]
    var y = [5, 0, -2]
    measure n = sum(not x)
    measure o = sum(x or 0 > 1)
    measure a = sum(y and x > 0)
    measure b = sum(not (not y))
}");
    assert_eq!(measured(&out, "n"), [1.0]);
    assert_eq!(measured(&out, "o"), [2.0]);
    assert_eq!(measured(&out, "a"), [1.0]);
    assert_eq!(measured(&out, "b"), [2.0]);
}

#[test]
fn what_is_drawn_in_a_condition_is_drawn_once() {
    let after = |first: &str| {
        let text = format!("experiment e {{ let order = linspace(1, 50, 50)  {first}  measure x = shuffle(order) }}");
        measured(&run(&text), "x")
    };
    assert_eq!(after("if shuffle(order)[0] > 0 { measure one = 1 }"), after("let one = shuffle(order)"));
    assert!(after("let one = 1") != after("let one = shuffle(order)"));
}

#[test]
fn a_choice_between_values_is_made_for_each_element() {
    let out = run("
neuron Unit { state v = 1   state u = 0 }
network Net { population a: Unit[3] }
experiment e {
    network net = Net()
    net.a.v = [1, 2, 3]
    let x = [1, 2, 3]
    var y = [1 mV, 2 mV, 3 mV]
    measure of_array = if x > 1 then 10 else x
    measure of_variable = (if y > 1 mV then y else 0 mV) / 1 mV
    measure of_cells = if net.a.v > 1 and net.a.v < 3 then 1 else -1
    measure negated = if not (net.a.v > 1) then 1 else 0
    measure either = if net.a.v < 2 or net.a.v > 2 then 1 else 0
    measure of_one = if max(x) > 1 then x else 0
    measure sum = 2 * (max(x) > 1) + (min(x) > 1)
    net.a.u = net.a.v < 2
    measure assigned = net.a.u
    net.a.u = if net.a.v < 2 then net.a.v else 10 * i
    measure mixed = net.a.u
    # In a statement each comparison holds if it holds for all.
    if not (net.a.v > 1) { measure once = 1 }
    if net.a.v > 1 or net.a.v > 2 { measure never = 1 }
}");
    assert_eq!(measured(&out, "of_array"), [1.0, 10.0, 10.0]);
    assert_eq!(measured(&out, "of_variable"), [0.0, 2.0, 3.0]);
    assert_eq!(measured(&out, "of_cells"), [-1.0, 1.0, -1.0]);
    assert_eq!(measured(&out, "negated"), [1.0, 0.0, 0.0]);
    assert_eq!(measured(&out, "either"), [1.0, 0.0, 1.0]);
    assert_eq!(measured(&out, "of_one"), [1.0, 2.0, 3.0]);
    assert_eq!(measured(&out, "sum"), [2.0]);
    assert_eq!(measured(&out, "assigned"), [1.0, 0.0, 0.0]);
    assert_eq!(measured(&out, "mixed"), [1.0, 10.0, 20.0]);
    assert!(!out.measures.contains_key("never") && out.measures.contains_key("once"));
}

#[test]
fn a_seed_begins_anew_whatever_was_drawn_and_assigned_before() {
    let out = run("
neuron A { input drive: 1   let r = drive }
synapse F { weight w: 1   deliver w * pre.r }
network Inner { population a: A[1]   population b: A[2]   projection l: a -> b.drive: F { connect all_to_all   weight ~ uniform(-1, 1) } }
experiment e {
    for k in 1 .. 2 {
        seed 5
        network x = Inner()
        measure w = x.l.w
        let u ~ uniform(0, 1)
        measure drawn = u
        measure order = shuffle([1, 2, 3, 4, 5, 6, 7])
        x.l.w ~ uniform(0, 1)
        measure again = x.l.w
    }
}");
    for (name, n) in [("w", 2), ("drawn", 1), ("order", 7), ("again", 2)] {
        let all = measured(&out, name);
        assert_eq!(all[..n], all[n..], "{name}");
    }
}

#[test]
fn truth_values_count_as_numbers_but_are_not_compared_with_them() {
    let out = run("
world W { state x = 0   on go { x += 1 }   done when x > 1 }
experiment e {
    world w = W()
    w.go()
    measure before = 1 - w.done
    w.go()
    measure after = [1 - w.done, 2 * w.done + (w.x > 5), -(w.x > 1)]
}");
    assert_eq!(measured(&out, "before"), [1.0]);
    assert_eq!(measured(&out, "after"), [0.0, 2.0, -1.0]);
    assert!(crate::support::try_program("experiment e { let x = 2   expect 1 < x < 3 }").is_err());
}

#[test]
fn what_is_found_has_the_digits_that_tell_it_from_what_was_expected() {
    let found = |condition: &str| {
        let out = run(&format!("experiment e {{ let x = 1 mV  let near = 1.00000004 mV  expect {condition} }}"));
        let [e] = &out.expectations[..] else { panic!("{condition}: {} expectations", out.expectations.len()) };
        (e.passed, e.found.clone())
    };
    let differs =
        |condition: &str, shown: &str| assert_eq!(found(condition), (false, shown.to_string()), "{condition}");
    differs("near == x", "1.00000004 mV, 1 mV");
    differs("near == 1 mV", "1.00000004 mV");
    differs("near == 1e-3 V * 1", "1.00000004 mV, 0.001 V");
    differs("near in 0 mV .. 1 mV", "1.00000004 mV");
    differs("near == x within 1e-9 mV", "1.00000004 mV, 1 mV");
    differs("2 mV == x", "2 mV, 1 mV");
    differs("0.1 + 0.2 == 0.3 + 0", "0.30000000000000004, 0.3");
    differs("[1, 2, 3.00000004] == [1, 2, 3]", "[1, 2, 3], [1, 2, 3]; element 2: 3.00000004, 3");
    differs("[[1, 2], [3, 4]] == [[1, 2], [3, 5]]", "[[1, 2], [3, 4]], [[1, 2], [3, 5]]");
    let long = "linspace(0, 19, 20) == linspace(0, 19, 20) + (linspace(0, 19, 20) == 15)";
    assert!(found(long).1.ends_with("; element 15: 15, 16"), "{}", found(long).1);
    assert!(found("near == x within 1 %").0);
}

#[test]
fn a_precision_with_which_no_network_begins_is_told() {
    let told = |statements: &str| {
        let out = run(&format!(
            "neuron Cell {{ state v = 1   v' = -v / 10 ms }}
            network Net {{ population a: Cell[2] }}
            experiment e {{ {statements} }}"
        ));
        out.warnings.iter().map(|d| d.code.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(told("network net = Net()  run 1 ms  precision f64  run 1 ms"), ["W0205"]);
    assert!(told("network net = Net()  precision f64  run 1 ms").is_empty());
    assert!(told("network net = Net()  run 1 ms  precision f64  network other = Net()  run 1 ms").is_empty());
    assert!(told("precision f64  expect 1 == 1").is_empty());
}

#[test]
fn tests_of_a_file_have_titles_of_their_own() {
    let twice = "test \"one\" { expect 1 == 1 }\ntest \"one\" { expect 2 == 2 }\n";
    let refused = crate::support::try_program(twice).err().expect("a refusal");
    let codes: Vec<String> = refused.diagnostics.iter().map(|d| d.code.to_string()).collect();
    assert_eq!(codes, ["E0202"]);
}
