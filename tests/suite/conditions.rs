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
