//! Weights in files: saved and loaded in the formats of others, in networks with events and without.

use crate::rates::PERCEPTRON;
use crate::support::run;

#[test]
fn weights_are_saved_and_loaded_in_the_formats_of_others() {
    for file in ["best.npz", "best.safetensors"] {
        let out = run(&format!(
            "{PERCEPTRON}
experiment e {{
    network net = Net() with batch 2
    net.a.r ~ normal(0, 1)
    net.b.teach = 1
    signal learn
    let w = net.link.w
    let bias = net.b.bias
    save net to \"{file}\"
    signal learn
    measure moved = norm(net.link.w - w)
    load net from \"{file}\"
    expect net.link.w == w
    expect net.b.bias == bias
    expect moved > 0.01
}}"
        ));
        assert!(out.expectations.iter().all(|e| e.passed), "{file}: {:?}", out.expectations);
        assert!(out.saved.contains_key(file));
    }
}

#[test]
fn ends_of_a_projection_are_saved_by_what_they_join() {
    let out = run("
use std.neurons.rate: RateInput, LinearLearner
synapse Sends { weight w: 1   deliver w * pre.r }
network Net {
    population a: RateInput[2]
    population b: LinearLearner[3]
    population c: LinearLearner[4]
    projection link: a -> (b, c[0 .. 2], c[2 .. 4]).drive: Sends { connect all_to_all   weight ~ normal(0, 1) }
}
experiment e {
    network net = Net()
    let w = net.link.w
    save net to \"w.npz\"
    net.link.w = 0
    load net from \"w.npz\"
    expect net.link.w == w
}");
    assert!(out.expectations[0].passed, "{:?}", out.expectations);
    let names = String::from_utf8_lossy(&out.saved["w.npz"]).into_owned();
    for name in ["link[a -> b.drive].w.npy", "link[a -> c[0 .. 2].drive].w.npy", "link[a -> c[2 .. 4].drive].w.npy"] {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn weights_of_networks_with_events_are_loaded_before_and_between_runs() {
    let experiment = |when: &str| {
        format!(
            "use std.neurons.lif: LifDelta
network Net {{
    population a: LifDelta[3]
    projection link: a -> a.exc {{ connect all_to_all   weight 0.1 mV * (1 + pre.i) }}
}}
experiment e {{
    network net = Net()
    precision f64
    network other = Net()
    other.link.w *= 3
    save other to \"w.npz\"
    {when}
    load net from \"w.npz\"
    expect net.link.w == other.link.w
    run 1 ms
    expect net.link.w[8] == 0.9 mV within 1 nV
}}"
        )
    };
    for when in ["", "run 1 ms"] {
        let out = run(&experiment(when));
        assert!(out.expectations.iter().all(|e| e.passed), "{:?}", out.expectations);
    }
}
