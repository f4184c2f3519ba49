//! Maps: what the cells of a channel share, convolutions and pools.

use crate::support::{measured, near, program, run, run_failing, same_everywhere, try_program};
use neuro::experiment::{Override, Settings};
use neuro::ir::Precision;

/// A convolution whose channels have a bias, with momentum, and a pool of each kind above it.
fn network(pool: &str) -> String {
    format!(
        "
use std.neurons.rate: LogisticLearner, RateInput
use std.plasticity.gradient: ErrorDriven, Feedback, Fixed
neuron Map {{
    input drive: 1
    input teach: 1
    state bias per channel = 0
    let r = tanh(drive + bias)
    let delta = teach * (1 - r * r)
    on learn {{ bias += delta }}
}}
neuron Pooled {{ input drive: 1   input teach: 1   let r = drive   let delta = teach }}
network Net {{
    population image: RateInput[2, 6, 6]
    population maps: Map[3, 4, 4]
    population small: Pooled[3, 2, 2]
    population out: LogisticLearner(eta = 0)[4]
    projection filters: image -> maps.drive: ErrorDriven(eta = 1) {{ connect conv(3, stride = 2, padding = 2)   weight ~ normal(0, 0.5) }}
    projection down: maps -> small.drive: Fixed {{ connect {pool}   weight 0.8 }}
    projection upper: small -> out.drive: ErrorDriven(eta = 1) {{ connect all_to_all   weight ~ normal(0, 1) }}
    projection out -> small.teach: Feedback {{ connect transpose of upper }}
    projection small -> maps.teach: Feedback {{ connect transpose of down   weight 0.8 }}
}}
"
    )
    .replace("   weight 0.8 }\n}", " }\n}")
}

/// Whatever the pool, weights and biases follow the gradient, which is found by small differences.
#[test]
fn biases_of_channels_and_filters_learn_along_the_gradient_through_any_pool() {
    for pool in
        ["pool(2)", "mean_pool(2)", "max_pool(2)", "max_pool(3, stride = 1)", "mean_pool(3, stride = 3, padding = 2)"]
    {
        for (batch, examples) in [("", 1), (" with batch 5", 5), (" with batch 5 sum", 1)] {
            let text = format!(
                "{}
experiment e {{
    precision f64
    network net = Net(){batch}
    net.image.r ~ normal(0, 1)
    net.maps.bias ~ normal(0, 0.3)
    let target = [0.9, 0.1, 0.4, 0.6]
    let before = net.filters.w
    let bias = net.maps.bias
    for k in 0 .. 53 {{
        for side in [1, -1] {{
            net.filters.w = before + side * 1e-5 * one_hot(k, 54)
            measure loss = sum((target - net.out.r)^2) / 2 / {examples}
        }}
    }}
    net.filters.w = before
    for k in 0 .. 2 {{
        for side in [1, -1] {{
            net.maps.bias = bias + (if i >= 16 * k and i < 16 * k + 16 then side * 1e-5 else 0)
            measure loss_bias = sum((target - net.out.r)^2) / 2 / {examples}
        }}
    }}
    net.maps.bias = bias
    net.out.teach = target - net.out.r
    signal learn
    measure change = net.filters.w - before
    measure change_bias = net.maps.bias - bias
    expect true
}}",
                network(pool)
            );
            let out = run(&text);
            let slope = |name: &str| -> Vec<f64> {
                measured(&out, name).chunks(2).map(|two| (two[1] - two[0]) / 2e-5).collect()
            };
            near(&measured(&out, "change"), &slope("loss"), 1e-7);
            let channels: Vec<f64> = slope("loss_bias").iter().flat_map(|g| [*g; 16]).collect();
            near(&measured(&out, "change_bias"), &channels, 1e-7);
            assert!(channels.iter().chain(&slope("loss")).any(|g| g.abs() > 1e-3), "{pool}");
        }
    }
}

#[test]
fn maps_have_the_same_bits_at_any_thread_count_and_on_any_back_end() {
    // Large enough that several threads share the work; forward and feedback weights follow one product.
    let text = "
use std.neurons.rate: LinearLearner, RateInput
use std.plasticity.gradient: ErrorDriven, ErrorDrivenMomentum, Feedback, Fixed
neuron Map {
    input drive: 1
    input teach: 1
    state bias per channel = 0
    state v per channel = 0
    let r = tanh(drive + bias)
    let delta = teach * (1 - r * r)
    on learn {
        v = 0.9 * v + 0.01 * delta
        bias += v
    }
}
synapse Backward {
    weight w: 1
    state v = 0
    on learn {
        v = 0.9 * v + 0.1 * post.delta * pre.r
        w += v
    }
}
network Net {
    population image: RateInput[3, 20, 20]
    population first: Map[12, 18, 18]
    population pooled: LinearLearner[12, 9, 9]
    population second: Map[17, 5, 5]
    projection a: image -> first.drive: ErrorDrivenMomentum { connect conv(3)   weight ~ xavier(1) }
    projection down: first -> pooled.drive: Fixed { connect max_pool(2)   weight 1 }
    projection b: pooled -> second.drive: ErrorDrivenMomentum { connect conv(3, stride = 2, padding = 1)   weight ~ xavier(1) }
    projection y: pooled -> second: Backward { connect conv(3, stride = 2, padding = 1)   weight ~ xavier(1) }
    projection second -> pooled.teach: Feedback { connect transpose of y }
    projection pooled -> first.teach: Feedback { connect transpose of down }
}
experiment e(batch: int = 40) {
    network net = Net() with batch batch
    for k in 1 .. 3 {
        net.image.r ~ normal(0, 1)
        net.second.teach ~ normal(0, 1)
        signal learn
    }
    measure all = net.a.w
    measure all = net.b.w
    measure all = net.y.w
    measure all = net.first.bias
    measure all = net.second.v
    expect true
}";
    let p = program(text);
    for precision in [Precision::F32, Precision::F64] {
        for batch in ["40", "1", "3"] {
            let overrides = vec![Override { path: "batch".into(), value: batch.into() }];
            let settings = Settings { overrides, precision: Some(precision), ..Settings::default() };
            let all = same_everywhere(&p, &settings, &["all"]);
            assert!(all.iter().all(|w| w.is_finite()) && all.iter().any(|w| *w != 0.0));
        }
    }
}

#[test]
fn what_a_channel_shares_has_one_value() {
    let with = |shape: &str, body: &str| {
        format!(
            "
neuron Cell {{
    param gain = 1
    state r = 0
    state bias per channel = 0
    let y = r + bias
    on learn {{ bias += gain * r }}
}}
synapse Up {{ weight w: 1   deliver w * pre.y }}
neuron Sum {{ input drive: 1   let r = drive }}
network Net {{
    population a: Cell[{shape}]
    population b: Sum[1]
    projection a -> b.drive: Up {{ connect all_to_all weight 1 }}
}}
experiment e {{
    precision f64
    network net = Net()
    {body}
    measure bias = net.a.bias
    expect true
}}"
        )
    };
    let learned = "net.a.r = i   signal learn";
    let cases: [(&str, &[f64]); 3] =
        [("2, 1, 3", &[3.0, 3.0, 3.0, 12.0, 12.0, 12.0]), ("2, 2", &[6.0; 4]), ("4", &[0.0, 1.0, 2.0, 3.0])];
    for (shape, expected) in cases {
        assert_eq!(measured(&run(&with(shape, learned)), "bias"), expected, "{shape}");
    }
    // A draw is one for each channel.
    let drawn = measured(&run(&with("2, 1, 3", "net.a.bias ~ normal(0, 1)")), "bias");
    assert!(drawn[..3].iter().all(|b| *b == drawn[0]) && drawn[3..].iter().all(|b| *b == drawn[3]));
    assert!(drawn[0] != drawn[3]);
    let set = measured(&run(&with("2, 1, 3", "net.a.bias = [1, 1, 1, 2, 2, 2]   net.a[3 .. 6].bias += 1")), "bias");
    assert_eq!(set, [1.0, 1.0, 1.0, 3.0, 3.0, 3.0]);
    for (body, what) in [
        ("net.a.bias = i", "kept per channel"),
        ("net.a[0 .. 2].bias = 1", "kept per channel"),
        ("net.a.bias[1] = 1", "kept per channel"),
        ("signal learn   reset net.a[0 .. 2]", "kept per channel"),
        ("net.a.gain = i + 1", "several values in one channel"),
        ("signal learn   net.a.gain = i + 1", "several values in one channel"),
    ] {
        let d = run_failing(&with("2, 1, 3", body));
        assert!(d.message.contains(what), "{body}: {}", d.message);
    }
}

#[test]
fn what_a_channel_shares_follows_from_nothing_that_cells_have_of_their_own() {
    let text = |per: &str, change: &str| {
        format!(
            "neuron Cell {{ state bias per channel = 0   state v {per} = 0   state r = 0   on learn {{ v += 1   {change} }} }}
network Net {{ population a: Cell[2, 3, 3] }}
experiment e {{ network net = Net()   signal learn   expect true }}"
        )
    };
    for change in ["bias += v", "if v > 3 { bias += r }", "if r > 3 { bias += 1 } else { bias += v * r }"] {
        let Err(refused) = try_program(&text("", change)) else { panic!("{change} is accepted") };
        let first = refused.diagnostics.iter().next().map(|d| (d.code.to_string(), d.message.clone()));
        let expected = ("E0702".to_string(), "`bias` is kept per channel and follows from `v`".to_string());
        assert_eq!(first, Some(expected), "{change}");
        assert!(try_program(&text("per channel", change)).is_ok(), "{change}");
    }
}

#[test]
fn a_pool_that_takes_the_greatest_takes_the_first_of_equals_and_leads_back_to_it() {
    let text = |weight: &str| {
        format!(
            "
neuron Cell {{ state r = 0   input back: 1   let heard = back }}
neuron Sum {{ input drive: 1   let r = drive }}
synapse Up {{ weight w: 1   deliver w * pre.r }}
network Net {{
    population a: Cell[1, 2, 4]
    population b: Sum[1, 1, 2]
    projection up: a -> b.drive: Up {{ connect max_pool(2) weight {weight} }}
    projection b -> a.back: Up {{ connect transpose of up }}
}}
experiment e {{
    precision f64
    network net = Net()
    net.a.r = [1, 3, -2, -2, 3, 0, -5, -4]
    measure up = net.b.r
    measure back = net.a.heard
    expect true
}}"
        )
    };
    let out = run(&text("2"));
    assert_eq!(measured(&out, "up"), [6.0, -4.0]);
    assert_eq!(measured(&out, "back"), [0.0, 12.0, -8.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    // The greatest contribution is that of the smallest rate where the weight is negative.
    let out = run(&text("-1"));
    assert_eq!(measured(&out, "up"), [0.0, 5.0]);
    assert_eq!(measured(&out, "back"), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -5.0, 0.0]);
    let several = text("1").replace("deliver w * pre.r", "deliver w * pre.r + pre.r * pre.r");
    assert!(run_failing(&several).message.contains("several terms to compare"));
}

/// What is asked of synapses is asked of all of them, also where many share a weight.
#[test]
fn angles_and_degrees_of_convolutions_are_of_all_their_weights() {
    let text = "
use std.neurons.rate: LinearUnit, RateInput
use std.plasticity.gradient: Fixed
network Net {
    population a: RateInput[2, 4, 4]
    population b: LinearUnit[3, 2, 2]
    population p: LinearUnit[2, 3, 3]
    projection x: a -> b.drive: Fixed { connect conv(3)   weight ~ normal(0, 1) }
    projection y: a -> b.drive: Fixed { connect conv(3)   weight ~ normal(0, 1) }
    projection z: a -> p.drive: Fixed { connect pool(2, stride = 2, padding = 1)   weight 1 }
}
experiment e {
    network net = Net()
    measure between = cos(angle(net.x, net.y))
    measure by_hand = dot(net.x.w, net.y.w) / (norm(net.x.w) * norm(net.y.w))
    measure incoming = in_degrees(net.x)
    measure outgoing = out_degrees(net.x)
    measure pooled = in_degrees(net.z)
    expect true
}";
    let out = run(text);
    near(&measured(&out, "between"), &measured(&out, "by_hand"), 1e-6);
    assert_eq!(measured(&out, "incoming"), [18.0; 12]);
    // A corner is seen from one place, its neighbours from two, the middle from four; by three channels.
    let row = |a: f64, b: f64| [a, b, b, a];
    let square = [row(3.0, 6.0), row(6.0, 12.0), row(6.0, 12.0), row(3.0, 6.0)].concat();
    assert_eq!(measured(&out, "outgoing"), [square.clone(), square].concat());
    let pooled = [1.0, 2.0, 1.0, 2.0, 4.0, 2.0, 1.0, 2.0, 1.0];
    assert_eq!(measured(&out, "pooled"), [pooled, pooled].concat());
    let d = run_failing(&text.replace("measure incoming = in_degrees(net.x)", "measure incoming = sum(matrix(net.x))"));
    assert!(d.message.contains("no matrix"), "{}", d.message);
    let d = run_failing(&text.replace("angle(net.x, net.y)", "angle(net.x, net.z)"));
    assert!(d.message.contains("share"), "{}", d.message);
}

/// Events go through convolutions and pools as rates do: what arrives is the sum over the window of the weights of those that were active.
#[test]
fn events_go_through_convolutions_and_pools() {
    let text = |connect: &str, shape: &str, synapse: &str| {
        format!(
            "
use std.neurons.rate: LinearUnit, RateInput
use std.plasticity.gradient: Fixed
neuron Source {{ input on: 1 = 0   emit spike when random() < on }}
neuron Count {{ event input exc: 1   state x = 0   x' = exc   emit never when x > 1e9 }}
synapse Event {{ weight w: 1   {synapse} }}
network Spiking {{
    population a: Source[2, 5, 4]
    population b: Count[{shape}]
    projection up: a -> b.exc: Event {{ connect {connect}   weight 0.1   delay 1 ms }}
}}
network Rates {{
    population a: RateInput[2, 5, 4]
    population b: LinearUnit[{shape}]
    projection up: a -> b.drive: Fixed {{ connect {connect}   weight 0.1 }}
}}
experiment e {{
    dt 1 ms
    precision f64
    network s = Spiking()
    network r = Rates()
    let x = [1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1]
    s.a.on = x
    r.a.r = x
    run 1 ms
    s.a.on = 0
    run 3 ms
    measure events = s.b.x
    measure rates = r.b.r
    expect true
}}"
        )
    };
    let deliver = "on pre.spike { deliver w }";
    for (connect, shape) in [
        ("conv(3, stride = 2, padding = 1)", "3, 3, 2"),
        ("conv(2)", "2, 4, 3"),
        ("pool(2, stride = 1)", "2, 4, 3"),
        ("mean_pool(3, stride = 2, padding = 1)", "2, 3, 2"),
    ] {
        let out = run(&text(connect, shape, deliver));
        near(&measured(&out, "events"), &measured(&out, "rates"), 1e-12);
        assert!(measured(&out, "events").iter().any(|x| *x > 0.0), "{connect}");
    }
    for (connect, synapse, what) in [
        ("max_pool(2, stride = 1)", deliver, "a pool that takes the greatest"),
        ("pool(2, stride = 1)", "on pre.spike { deliver w   w += 0.1 }", "learning by weights that many places share"),
    ] {
        let d = run_failing(&text(connect, "2, 4, 3", synapse));
        assert!(d.code.to_string() == "E0106" && d.message.contains(what), "{}", d.message);
    }
}
