//! Networks without events: batches, rules as products, energies, windows, data sets.

use crate::support::{Folder, measured, near, program, root, run, run_failing, same_everywhere, try_program};
use neuro::compiler::Stage;
use neuro::experiment::Settings;

pub const PERCEPTRON: &str = "
neuron In { state r = 0 }
neuron Out {
    input drive: 1
    input teach: 1
    state bias = 0
    let r = 1 / (1 + exp(-(drive + bias)))
    let delta = teach * r * (1 - r)
    on learn { bias += 0.5 * delta }
}
synapse Rule { weight w   deliver w * pre.r   on learn { w += 0.5 * post.delta * pre.r } }
network Net {
    population a: In[5]
    population b: Out[3]
    projection link: a -> b.drive: Rule { connect all_to_all   weight 0.1 * pre.i - 0.2 * post.i }
}
";

/// The inputs and targets of seven examples, and what a batch does with them, computed here.
fn examples() -> (Vec<[f64; 5]>, Vec<[f64; 3]>) {
    let x = |k: usize| std::array::from_fn(|i| ((k * 5 + i) as f64 * 0.7).sin());
    let y = |k: usize| std::array::from_fn(|j| if k % 3 == j { 1.0 } else { 0.0 });
    ((0..7).map(x).collect(), (0..7).map(y).collect())
}

fn by_hand(batch: usize, mean: bool) -> Vec<f64> {
    let (x, y) = examples();
    let mut w: Vec<f64> = (0..15).map(|k| 0.1 * (k / 3) as f64 - 0.2 * (k % 3) as f64).collect();
    let mut bias = [0.0; 3];
    for part in (0..7).collect::<Vec<_>>().chunks(batch) {
        let (mut dw, mut db) = (vec![0.0; 15], [0.0; 3]);
        for k in part {
            for j in 0..3 {
                let drive: f64 = (0..5).map(|i| x[*k][i] * w[i * 3 + j]).sum();
                let r = 1.0 / (1.0 + (-(drive + bias[j])).exp());
                let delta = (y[*k][j] - r) * r * (1.0 - r);
                db[j] += delta;
                (0..5).for_each(|i| dw[i * 3 + j] += delta * x[*k][i]);
            }
        }
        let scale = if mean { 0.5 / part.len() as f64 } else { 0.5 };
        w.iter_mut().zip(&dw).for_each(|(w, d)| *w += scale * d);
        bias.iter_mut().zip(&db).for_each(|(b, d)| *b += scale * d);
    }
    w.extend(bias);
    w
}

fn trained(batch: &str) -> Vec<f64> {
    let (x, y) = examples();
    let list = |v: Vec<f64>| format!("[{}]", v.iter().map(|x| format!("{x:.17}")).collect::<Vec<_>>().join(", "));
    let text = format!(
        "{PERCEPTRON}
experiment e {{
    precision f64
    data d = dataset(x = {}, y = {})
    network net = Net(){batch}
    for (x, y) in d {{
        net.a.r = x
        net.b.teach = y - net.b.r
        signal learn
    }}
    measure w = net.link.w
    measure bias = net.b.bias
    expect len(d) == 7
}}",
        list(x.concat()),
        list(y.concat())
    );
    let out = run(&text);
    assert!(out.expectations.iter().all(|e| e.passed));
    let mut w = measured(&out, "w");
    w.extend(measured(&out, "bias"));
    w
}

#[test]
fn a_batch_is_averaged_or_summed_and_the_last_one_may_be_smaller() {
    near(&trained(""), &by_hand(1, true), 1e-14);
    near(&trained(" with batch 1"), &by_hand(1, true), 1e-14);
    near(&trained(" with batch 3"), &by_hand(3, true), 1e-14);
    near(&trained(" with batch 3 sum"), &by_hand(3, false), 1e-14);
    near(&trained(" with batch 7"), &by_hand(7, true), 1e-14);
}

#[test]
fn a_rule_that_does_not_factor_gives_what_one_that_does_gives() {
    let text = |rule: &str, deliver: &str, batch: &str| {
        format!(
            "neuron In {{ state r = 0 }}
neuron Out {{ input drive: 1   let r = tanh(drive) }}
synapse Rule {{ weight w   deliver {deliver}   on learn {{ {rule} }} }}
network Net {{
    population a: In[20]
    population b: Out[17]
    projection link: a -> b.drive: Rule {{ connect all_to_all   weight sin(pre.i + 3 * post.i) }}
}}
experiment e {{
    precision f64
    network net = Net(){batch}
    net.a.r ~ normal(0, 1)
    signal learn
    signal learn
    measure w = net.link.w
    measure r = net.b.r
    expect true
}}"
        )
    };
    // max(x, x) hides the product from the compiler, not its value.
    for batch in ["", " with batch 5", " with batch 5 sum"] {
        let plain = run(&text("w += 0.1 * pre.r * post.r", "w * pre.r", batch));
        let hidden = run(&text("w += 0.1 * max(pre.r * post.r, pre.r * post.r)", "max(w * pre.r, w * pre.r)", batch));
        near(&measured(&hidden, "w"), &measured(&plain, "w"), 1e-12);
        near(&measured(&hidden, "r"), &measured(&plain, "r"), 1e-12);
    }
}

#[test]
fn absent_connections_stay_absent() {
    let text = |batch: &str| {
        format!(
            "{}
experiment e {{
    network net = Sparse(){batch}
    net.a.r = 1
    net.b.teach = 1
    signal learn
    measure r = net.b.r
    measure bias = net.b.bias
    measure w = net.link.w
    expect n_synapses(net.link) == 2
}}",
            PERCEPTRON.replace(
                "network Net {",
                "network Sparse {
    population a: In[5]
    population b: Out[3]
    projection link: a -> b.drive: Rule { connect where post.i == 1 and pre.i < 2   weight 1 }
}
network Net {"
            )
        )
    };
    for batch in ["", " with batch 4"] {
        let out = run(&text(batch));
        assert!(out.expectations[0].passed);
        // Biases learn; only the middle unit has inputs, and what is not there does not learn to be.
        let (r, bias, w) = (measured(&out, "r"), measured(&out, "bias"), measured(&out, "w"));
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        near(&r[..3], &[sigmoid(bias[0]), sigmoid(bias[1] + w[0] + w[1]), sigmoid(bias[2])], 1e-6);
        assert!(w.len() == 2 && w[0] > 1.0, "{w:?}");
    }
}

/// The same for connectors that draw. All inputs are one, so the drives of all targets add up to the weights of all synapses.
#[test]
fn absent_connections_of_drawn_ones_stay_absent() {
    for connector in ["fixed_in_degree(1)", "fixed_out_degree(1)", "fixed_total(1)", "fixed_probability(0.3)"] {
        let network = format!(
            "network Sparse {{
    population a: In[5]
    population b: Out[3]
    projection link: a -> b.drive: Rule {{ connect {connector}   weight ~ uniform(1, 2) }}
}}
network Net {{"
        );
        let text = format!(
            "{}
experiment e {{
    network net = Sparse()
    net.a.r = 1
    measure drive = net.b.drive
    measure w = net.link.w
    net.b.teach = 1
    signal learn
    measure learned = net.b.drive
    measure after = net.link.w
}}",
            PERCEPTRON.replace("network Net {", &network)
        );
        let out = run(&text);
        let total = |name: &str| measured(&out, name).iter().sum::<f64>();
        near(&[total("drive")], &[total("w")], 1e-5);
        near(&[total("learned")], &[total("after")], 1e-5);
        assert!(measured(&out, "w").len() < 15 && total("after") > total("w"), "{connector}");
    }
}

#[test]
fn what_is_learned_has_the_same_bits_at_any_thread_count_and_on_any_back_end() {
    // Large enough that several threads share the work.
    let text = "
use std.plasticity.gradient: ErrorDrivenMomentum, Feedback
use std.neurons.rate: LogisticLearner, RateInput
network Net {
    population a: RateInput[300]
    population h: LogisticLearner[400]
    population b: LogisticLearner[50]
    projection lower: a -> h.drive: ErrorDrivenMomentum { connect all_to_all   weight ~ normal(0, 0.1) }
    projection upper: h -> b.drive: ErrorDrivenMomentum { connect all_to_all   weight ~ normal(0, 0.1) }
    projection b -> h.teach: Feedback { connect transpose of upper }
}
experiment e(batch: int = 64) {
    network net = Net() with batch batch
    for k in 1 .. 3 {
        net.a.r ~ normal(0, 1)
        net.b.teach ~ normal(0, 1)
        signal learn
    }
    measure lower = net.lower.w
    measure upper = net.upper.w
    expect true
}";
    let p = program(text);
    for batch in ["64", "1", "2"] {
        let overrides = vec![neuro::experiment::Override { path: "batch".into(), value: batch.into() }];
        let learned = same_everywhere(&p, &Settings { overrides, ..Settings::default() }, &["lower", "upper"]);
        assert!(learned.iter().all(|w| w.is_finite()));
    }
}

#[test]
fn values_follow_from_one_another_at_once_and_delays_hold_them_back() {
    let out = run("
neuron In { state r = 0 }
neuron Unit { input drive: 1   let r = 2 * drive }
synapse Link { weight w   deliver w * pre.r }
network Net {
    population a: In[1]
    population b: Unit[1]
    population c: Unit[1]
    population late: Unit[1]
    projection a -> b.drive: Link { connect all_to_all   weight 3 }
    projection b -> c.drive: Link { connect all_to_all   weight 5 }
    projection b -> late.drive: Link { connect all_to_all   weight 1   delay 0.3 ms }
}
experiment e {
    network net = Net()
    net.a.r = 1
    measure c = net.c.r
    for k in 1 .. 5 {
        measure late = net.late.r
        net.a.r = k
        step
    }
    expect true
}");
    assert_eq!(measured(&out, "c"), [60.0]);
    // What `b` was three steps ago: 6 k, doubled; before the first step all was as at it.
    assert_eq!(measured(&out, "late"), [12.0, 12.0, 12.0, 12.0, 24.0]);
}

#[test]
fn an_energy_moves_states_down_along_its_derivative() {
    let out = run("
neuron Unit {
    state s = 0.3
    let f = tanh(s)
    energy E = (s * s * s * s / 4 - 0.3 * s + cos(s)) / 1 ms
    scheme euler
}
synapse Link { weight w   energy F = -w * pre.f * post.f * post.f / 1 ms }
network Net {
    population a: Unit[4]
    population b: Unit[3]
    projection link: a -> b: Link { connect all_to_all   weight 0.1 * pre.i + 0.07 * post.i }
}
experiment e {
    precision f64
    dt 0.01 ms
    network net = Net()
    net.a.s = [0.3, -0.2, 0.7, 1.1]
    net.b.s = [0.5, 0.1, -0.9]
    for side in [1, -1] {
        for k in 0 .. 3 {
            net.a.s[k] += side * 1e-5
            measure e_a = energy(net)
            net.a.s[k] -= side * 1e-5
        }
        for k in 0 .. 2 {
            net.b.s[k] += side * 1e-5
            measure e_b = energy(net)
            net.b.s[k] -= side * 1e-5
        }
    }
    let a = net.a.s
    let b = net.b.s
    step
    measure da = net.a.s - a
    measure db = net.b.s - b
    expect true
}");
    let slopes = |name: &str, n: usize| -> Vec<f64> {
        let e = measured(&out, name);
        // One step of Euler's method over 0.01 ms.
        (0..n).map(|k| (e[n + k] - e[k]) / 2e-5 * 0.01).collect()
    };
    near(&measured(&out, "da"), &slopes("e_a", 4), 1e-8);
    near(&measured(&out, "db"), &slopes("e_b", 3), 1e-8);
    assert!(measured(&out, "da").iter().all(|d| d.abs() > 1e-4));
}

#[test]
fn windows_remember_their_end_and_settling_ends_early() {
    let out = run("
neuron Unit {
    input drive: 1
    state s = 0
    state seen = 0
    s' = (drive - s) / 1 ms
    on compare { seen = s - s at end of first }
}
network Net { population a: Unit[2] }
experiment e {
    dt 0.1 ms
    precision f64
    network net = Net()
    net.a.drive = [1, 2]
    window first { settle until change < 1e-9 or 1000 steps }
    measure at_rest = net.a.s
    net.a.drive = [4, 4]
    settle for 500 steps
    signal compare
    measure seen = net.a.seen
    expect true
}");
    near(&measured(&out, "at_rest"), &[1.0, 2.0], 1e-7);
    near(&measured(&out, "seen"), &[3.0, 2.0], 1e-7);
}

#[test]
fn every_item_of_a_data_set_keeps_its_own_state_and_absent_examples_theirs() {
    let out = run("
neuron Counter {
    input amount: 1
    per sample state total = 0
    state shown = 0
    on add { total += amount   shown += 1 }
}
network Net { population a: Counter[1] }
experiment e {
    data d = dataset(x = [1, 2, 3, 4, 5])
    network net = Net() with batch 2
    for round in 1 .. 3 {
        for (x) in shuffle(d) {
            net.a.amount = x
            signal add
        }
    }
    measure total = sum(net.a.total - 3 * x) over d { net.a.amount = x }
    measure sums = mean(net.a.total) over d { }
    measure shown = net.a.shown[0]
    expect true
}");
    assert_eq!(measured(&out, "total"), [0.0]);
    assert_eq!(measured(&out, "sums"), [9.0]);
    // The first row of the batch is there in all three minibatches of a round; the second in two of three.
    assert_eq!(measured(&out, "shown"), [9.0]);
}

#[test]
fn bounds_hold_in_steps_and_handlers() {
    let out = run("
neuron Unit {
    input drive: 1
    state s = 0 in -1 .. 1
    s' = drive / 1 ms
    on kick { s += 5 }
}
network Net { population a: Unit[3] }
experiment e {
    dt 0.5 ms
    network net = Net()
    net.a.drive = [-10, 0.5, 10]
    step
    measure s = net.a.s
    signal kick
    measure s = net.a.s
    expect true
}");
    near(&measured(&out, "s"), &[-1.0, 0.25, 1.0, 1.0, 1.0, 1.0], 1e-6);
}

#[test]
fn digits_are_embedded_and_measures_gather_over_batches() {
    let out = run("
use std.neurons.rate: RateInput
network Net { population a: RateInput[64] }
experiment e {
    data d = digits()
    network net = Net() with batch 7
    measure ink = mean(total(net.a.r)) over d.train { net.a.r = image }
    measure counts = confusion(label, label) over d.test { net.a.r = image }
    measure labels = mean(one_hot(label)) over d.train { net.a.r = image }
    expect len(d.train) == 1297 and len(d.test) == 500
    expect sum(counts) == 500
    expect labels == 0.1 within 1e-12
    expect one_hot([0, 1], 2) - one_hot([0, 0], 2) == [0, 0] within [1, 1]
}");
    assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
    assert!(measured(&out, "ink")[0] > 100.0);
}

#[test]
fn failures_name_what_is_wrong() {
    let header = "use std.neurons.rate: RateInput
network Net { population a: RateInput[3] }
";
    let failing = |body: &str| {
        run_failing(&format!("{header}experiment e {{ network net = Net() with batch 4\n{body} expect true }}"))
    };
    let d = failing("data d = dataset(x = [1, 2, 3], y = [1, 2], examples = 3)");
    assert_eq!(d.code.to_string(), "E0403");
    let d = failing("net.a.r = [1, 2]");
    assert!(d.message.contains("2 values for 3 cells"), "{}", d.message);
    let d = failing("let x = one_hot([0, 5], 3)");
    assert!(d.message.contains("5 is not one of 3 classes"), "{}", d.message);
    let d = failing("expect [1, 2] == [1, 2, 3] within 5");
    assert!(d.code.to_string() == "E0403" && d.message.contains("2 and 3"), "{}", d.message);
    let d = failing("record net.a.r");
    assert_eq!(d.code.to_string(), "E0106");
    let text = "experiment e { network net = Net() with batch 4  data d = digits()  measure x = net.a.r over d.test { net.a.r = 1 } }";
    let Err(refused) = crate::support::try_program(&format!("{header}{text}")) else { panic!("accepted") };
    let first = refused.diagnostics.iter().next().map(|d| d.message.clone());
    assert!(first.is_some_and(|m| m.contains("put together")));
}

#[test]
fn products_and_kernels_of_a_library_of_rules() {
    let text = std::fs::read_to_string(root().join("stdlib/plasticity/gradient.neuro")).unwrap();
    let p = program(&text);
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../emit" }, {
        insta::assert_snapshot!("factors", p.explain());
        let ir = p.emit(Stage::Ir, None, None, &Folder(root()), &Settings::default()).unwrap();
        let kernels: Vec<&str> = ir.split("kernel ").filter(|k| k.starts_with("ErrorDriven")).collect();
        insta::assert_snapshot!("rule_kernel", kernels.join("kernel "));
    });
}

/// A network with a convolution, a pool and a dense layer, and the loss after training it a little.
const CONVOLUTION: &str = "
use std.neurons.rate: LinearLearner, LogisticLearner, RateInput
use std.plasticity.gradient: ErrorDriven, Feedback, Fixed
neuron Smooth {
    input drive: 1
    input teach: 1
    let r = tanh(drive)
    let delta = teach * (1 - r * r)
}
neuron Pooled { input drive: 1   input teach: 1   let r = drive   let delta = teach }
network Net {
    population image: RateInput[2, 7, 6]
    population maps: Smooth[3, 4, 4]
    population small: Pooled[3, 2, 2]
    population out: LogisticLearner(eta = 0)[4]
    projection filters: image -> maps.drive: ErrorDriven(eta = 1) { connect conv(3, stride = 2, padding = 2)   weight ~ normal(0, 0.5) }
    projection maps -> small.drive: Fixed { connect pool(2)   weight 0.25 }
    projection upper: small -> out.drive: ErrorDriven(eta = 1) { connect all_to_all   weight ~ normal(0, 1) }
    projection out -> small.teach: Feedback { connect transpose of upper }
    projection unpool: small -> maps.teach: Feedback { connect transpose of pool }
}
";

#[test]
fn a_convolution_learns_along_its_gradient() {
    // [2, 7, 6] with kernel 3, stride 2 and padding 2 gives [3, 5, 4]; the shape above is wrong on purpose.
    let wrong = CONVOLUTION.replace("projection maps -> small", "projection pool: maps -> small");
    let d = run_failing(&format!("{wrong}experiment e {{ network net = Net()   expect true }}"));
    assert!(d.message.contains("must have the shape [3, 5, 4]"), "{}", d.message);
    let right = wrong.replace("RateInput[2, 7, 6]", "RateInput[2, 6, 6]");
    let text = |batch: &str, examples: usize| {
        format!(
            "{right}
experiment e {{
    precision f64
    network net = Net(){batch}
    net.image.r ~ normal(0, 1)
    let target = [0.9, 0.1, 0.4, 0.6]
    let before = net.filters.w
    for k in 0 .. 53 {{
        for side in [1, -1] {{
            net.filters.w = before + side * 1e-5 * one_hot(k, 54)
            measure loss = sum((target - net.out.r)^2) / 2 / {examples}
        }}
    }}
    net.filters.w = before
    net.out.teach = target - net.out.r
    signal learn
    measure change = net.filters.w - before
    expect n_synapses(net.filters) == 54
}}"
        )
    };
    for (batch, examples) in [("", 1), (" with batch 5", 5)] {
        let out = run(&text(batch, examples));
        assert!(out.expectations[0].passed);
        let loss = measured(&out, "loss");
        let gradient: Vec<f64> = (0..54).map(|k| (loss[2 * k + 1] - loss[2 * k]) / 2e-5).collect();
        near(&measured(&out, "change"), &gradient, 1e-8);
        assert!(gradient.iter().any(|g| g.abs() > 1e-3));
    }
}

#[test]
fn images_are_moved_mirrored_and_normalised() {
    let out = run("
use std.neurons.rate: RateInput
network Net { population a: RateInput[12] }
experiment e {
    network net = Net() with batch 40
    data d = dataset(image = repeat(1, 480), examples = 40)
    for (image) in d {
        # Three channels of 2 x 2; what is moved in from outside is zero.
        measure moved = mean(total(random_crop(image, 1)))
        measure same = total(random_crop(image, 0))
        net.a.r = normalise(image, [0, 1, 0.5], [1, 1, 0.25])
        measure channels = net.a.r[0]
    }
    data e = dataset(image = [1, 2, 3, 4], examples = 1)
    for k in 1 .. 50 {
        for (image) in e {
            measure flipped = random_flip(image)
        }
    }
    expect same == 12
}");
    assert!(out.expectations[0].passed);
    // A move by one keeps half, in either direction with probability 2/3: (1/3 + 2/3 / 2)^2 of all.
    assert!((measured(&out, "moved")[0] - 12.0 * 4.0 / 9.0).abs() < 1.0, "{:?}", measured(&out, "moved"));
    assert_eq!(measured(&out, "channels"), [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 2.0, 2.0, 2.0, 2.0]);
    let flipped = measured(&out, "flipped");
    let ways: Vec<&[f64]> = flipped.chunks(4).collect();
    let (as_it_was, mirrored): (&[f64], &[f64]) = (&[1.0, 2.0, 3.0, 4.0], &[2.0, 1.0, 4.0, 3.0]);
    assert!(ways.contains(&as_it_was) && ways.contains(&mirrored), "{ways:?}");
    assert!(ways.iter().all(|w| *w == as_it_was || *w == mirrored), "{ways:?}");
}

/// A network whose projection `b -> a` uses the weights of another; its synapse and the projection's extras are given.
fn with_shared_weights(synapse: &str) -> String {
    format!(
        "use std.neurons.rate: LinearLearner
synapse F {{ weight w   deliver w * pre.r }}
synapse B {{ weight w   {synapse} }}
network Net {{
    population a: LinearLearner[3]
    population b: LinearLearner[2]
    projection f: a -> b.drive: F {{ connect all_to_all weight 2 }}
    projection back: b -> a.teach: B {{ connect transpose of f }}
}}
experiment e {{ network net = Net() with batch 4   net.b.teach = 1   measure heard = net.a.teach[0]   expect true }}"
    )
}

#[test]
fn shared_weights_do_only_what_comes_apart() {
    let out = run(&with_shared_weights("deliver 3 * w * pre.delta"));
    assert_eq!(measured(&out, "heard"), [12.0; 3]);
    // What does not come apart is computed synapse by synapse, by the engine for events.
    let out = run(&with_shared_weights("deliver max(w * pre.delta - 1, 0)"));
    assert_eq!(measured(&out, "heard"), [2.0; 3]);
    for synapse in ["state gain = 3   deliver gain * w * pre.delta", "deliver w * pre.delta   on learn { w += pre.r }"]
    {
        let d = run_failing(&with_shared_weights(synapse));
        assert!(d.code.to_string() == "E0106" && d.message.contains("weights are another's"), "{}", d.message);
    }
    let d = run_failing(
        "neuron Unit {
    state s = 0
    energy E = s * s / 2 / 1 ms
    scheme euler
}
synapse Mixed { weight w   energy F = -max(w * pre.s * post.s, 0) / 1 ms }
network Net {
    population a: Unit[3]
    projection a -> a: Mixed { connect all_to_all weight 1 }
}
experiment e { network net = Net() with batch 4   step   expect true }",
    );
    assert!(d.code.to_string() == "E0106" && d.message.contains("an energy that does not come apart"), "{}", d.message);
}

#[test]
fn definitions_follow_time_through_one_another() {
    let out = run("
neuron Unit { input drive: 1   let phase = sin(t / 1 ms)   let r = 2 * phase + drive }
network Net { population a: Unit[1] }
experiment e {
    dt 1 ms
    network net = Net() with batch 2
    for k in 1 .. 3 { measure r = net.a.r[0]   step }
    expect true
}");
    let expected: Vec<f64> = (0..3).map(|k| 2.0 * f64::from(k).sin()).collect();
    near(&measured(&out, "r"), &expected, 1e-6);
}

#[test]
fn what_an_item_keeps_has_the_precision_of_the_network() {
    let out = run("
neuron CheckpointStore { input amount: 1   per sample state kept = 0   on keep { kept = amount } }
network Net { population a: CheckpointStore[1] }
experiment e {
    precision f64
    data d = dataset(x = [0.1, 0.2, 0.3])
    network net = Net() with batch 2
    for (x) in d { net.a.amount = x   signal keep }
    measure off = max(abs(net.a.kept - x)) over d { }
    expect true
}");
    assert_eq!(measured(&out, "off"), [0.0]);
}

#[test]
fn signals_reach_what_they_are_sent_to_and_weights_that_do_not_learn_stay() {
    let out = run(&format!(
        "{PERCEPTRON}
synapse Counting {{ weight w   state heard = 0   deliver w * pre.r
    on learn {{
        w += 1
        heard += 1
    }}
}}
network Other {{
    population a: In[2]
    population b: Out[2]
    projection link: a -> b.drive: Counting {{ connect all_to_all   weight 1 }}
}}
experiment e {{
    network net = Net() with batch 2
    network other = Other() with batch 2
    net.a.r = 1
    net.b.teach = 1
    let w = net.link.w
    signal learn in net.b
    expect net.link.w == w and min(net.b.bias) > 0
    expect other.link.heard == 0
    signal learn in [net.link, other]
    expect norm(net.link.w - w) > 0.01 and other.link.heard == 1 and other.link.w == 2
    plasticity off other.link
    signal learn
    expect other.link.heard == 2 and other.link.w == 2
    plasticity on other.link
    signal learn
    expect other.link.heard == 3 and other.link.w == 3
}}"
    ));
    let failed: Vec<&str> = out.expectations.iter().filter(|e| !e.passed).map(|e| e.found.as_str()).collect();
    assert!(failed.is_empty(), "{failed:?}");
    let refused = try_program(&format!(
        "{PERCEPTRON}experiment e {{ network net = Net() with batch 2   signal learn in net.a   expect true }}"
    ));
    let codes: Vec<String> =
        refused.err().iter().flat_map(|r| r.diagnostics.iter()).map(|d| d.code.to_string()).collect();
    assert_eq!(codes, ["E0607"]);
}

#[test]
fn a_state_of_a_whole_projection_is_an_array_of_one() {
    let out = run("
neuron In { state r = 0 }
neuron Out { input drive: 1   let r = drive }
synapse Rule { weight w   state calls per projection = 0   deliver w * pre.r   on learn { calls += 1 } }
network Net {
    population a: In[2]
    population b: Out[3]
    projection link: a -> b.drive: Rule { connect all_to_all   weight 1 }
}
experiment e {
    network net = Net() with batch 2
    signal learn
    signal learn
    save net to \"w.safetensors\"
    signal learn
    load net from \"w.safetensors\"
    expect net.link.calls[0] == 2
}");
    assert!(out.expectations[0].passed, "{:?}", out.expectations);
}

#[test]
fn only_what_is_read_starts_a_network() {
    let out = run("
neuron Unit { input drive: 1   param k = 2   state s = 3 * k   let r = drive + s }
network Net { population a: Unit[2] }
experiment e {
    network net = Net() with batch 2
    network other = Net() with batch 2
    let unrelated = 3
    net.a.k = 5
    expect net.a.r[0] == 15
    if other.a.r[0][0] == 6 { measure seen = 1 }
    expect true
}");
    assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
    assert_eq!(measured(&out, "seen"), [1.0]);
}

#[test]
fn rules_heed_only_the_synapses_that_there_are() {
    for batch in ["", " with batch 2"] {
        let out = run(&format!(
            "
neuron Cell {{ state r = 1  input drive: 1 }}
synapse Shared {{
    weight w: 1
    state c = 2
    deliver w * pre.r / c
    on normalise {{ w *= 6 / sum(w, over = pre) }}
    on ratio {{ c = w / sum(w, over = post) }}
}}
network Net {{
    population a: Cell[3]
    population b: Cell[3]
    projection p: a -> b.drive: Shared {{ connect where pre.i < post.i  weight 1 + pre.i }}
}}
experiment e {{
    network net = Net(){batch}
    measure before = net.b.drive
    signal normalise
    measure w = weights(net.p)
    signal ratio
    measure c = net.p.c
}}"
        ));
        assert_eq!(measured(&out, "before")[..3], [0.0, 0.5, 1.5]);
        assert_eq!(measured(&out, "w"), [6.0, 2.0, 4.0]);
        assert_eq!(measured(&out, "c"), [0.75, 0.25, 1.0]);
    }
}
