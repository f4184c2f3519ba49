//! Continuous contributions in networks with events: sums over the sources of every target, however they are connected and weighted.

use crate::support::{measured, near, run};

const CONNECTS: [&str; 6] = [
    "connect all_to_all   weight 0.3",
    "connect all_to_all   weight 0.1 * pre.i - 0.2 * post.i + 0.05",
    "connect all_to_all   weight ~ normal(0, 1)",
    "connect fixed_probability(0.4)   weight 0.3",
    "connect where pre.i < post.i   weight 0.1 * pre.i - 0.2 * post.i + 0.05",
    "connect where mod(pre.i, 3) == mod(post.i, 2)   weight ~ normal(0, 1)",
];

/// What a synapse delivers, and the sum that follows from matrices: `W` has a row for each target.
const DELIVERED: [(&str, &str); 5] = [
    ("w * pre.s", "matmul(W, s)"),
    ("w * (pre.s - post.r)", "matmul(W, s) - r * matmul(W, 1 + 0 * s)"),
    ("2 * w * pre.s * post.r + pre.s", "2 * r * matmul(W, s) + matmul(there, s)"),
    ("w^2 * exp(pre.s) * m", "3 * matmul(W * W, exp(s))"),
    // Does not come apart.
    ("w * max(pre.s, 0.5 * post.r)", ""),
];

#[test]
fn contributions_are_sums_over_the_sources() {
    for precision in ["f32", "f64"] {
        for connect in CONNECTS {
            for (delivered, sum) in DELIVERED {
                let expected = if sum.is_empty() { "got" } else { sum };
                let out = run(&format!(
                    "neuron A {{ state s = 0   s' = 0 / 1 ms   emit spike when s > 100 }}
neuron B {{ input I: 1 = 0.25   state r = 0   r' = 0 / 1 ms   emit spike when r > 100 }}
neuron Level {{ state level = 3   level' = 0 / 1 ms }}
synapse S {{ weight w   modulator m: 1 = 3   deliver {delivered} }}
network Net {{
    population a: A[20]
    population b: B[15]
    init a.s ~ normal(0, 1)
    init b.r ~ normal(0, 1)
    projection p: a[3 .. 13] -> b[2 .. 13].I: S {{ {connect} }}
}}
experiment e {{
    precision {precision}
    network net = Net()
    let s = net.a[3 .. 13].s
    let r = net.b[2 .. 13].r
    for turn in 1 .. 2 {{
        run 0.1 ms
        let W = matrix(net.p)
        let there = W != 0
        let got = net.b[2 .. 13].I - 0.25
        measure got_sum = got
        measure expected_sum = {expected}
        measure others = [net.b[1].I, net.b[14].I]
        net.p.w = 0.5 * W + (W != 0)
    }}
}}"
                ));
                let tolerance = if precision == "f32" { 2e-5 } else { 1e-12 };
                near(&measured(&out, "got_sum"), &measured(&out, "expected_sum"), tolerance);
                assert_eq!(measured(&out, "others"), [0.25; 4]);
                let sums = measured(&out, "got_sum");
                assert!(sums[..11] != sums[11..] && sums.iter().any(|x| x.abs() > 0.1), "{connect} {delivered}");
            }
        }
    }
}

/// One way and the other give the same where both can be taken: a factor that comes apart, and the same hidden in one that does not.
#[test]
fn products_and_single_synapses_agree_with_delays_and_modulators() {
    let values = |delivered: &str, delay: &str| {
        let out = run(&format!(
            "neuron A {{ event input e: 1   state s = 0   s' = -s / 5 ms + e   emit spike when s > 2 {{ s = 0 }} }}
neuron B {{ input I: 1 = 0   state r = 1   r' = (I - r) / 7 ms }}
neuron Level {{ state level = 1   level' = -level / 20 ms }}
synapse S {{ weight w   modulator m: 1   deliver {delivered} }}
network Net {{
    population a: A[30]
    population b: B[20]
    population one: Level[1]
    population each: Level[20]
    projection p: a -> b.I: S {{ connect fixed_probability(0.5)   weight ~ normal(0, 1)   {delay}   modulator m = each.level }}
    projection q: a -> b.I: S {{ connect all_to_all   weight 0.1   {delay}   modulator m = one.level }}
    drive a.e {{ poisson 300 Hz   weight 0.7 }}
}}
experiment e {{ precision f64   network net = Net()   run 30 ms   measure r = net.b.r }}"
        ));
        measured(&out, "r")
    };
    for delay in ["", "delay 0.3 ms", "delay 2 ms"] {
        let product = values("w * m * pre.s * post.r", delay);
        // The greater of two equal values does not come apart.
        let single = values("max(w * m * pre.s * post.r, w * m * pre.s * post.r)", delay);
        assert!(product.iter().any(|x| (x - product[0]).abs() > 1e-3));
        near(&product, &single, 1e-12);
    }
}
