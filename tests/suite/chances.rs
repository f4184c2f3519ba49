//! Numbers drawn in models, and several events at once.

use crate::checkpoint::{All, bits, run as run_keeping};
use crate::support::{measured, near, program, run, run_failing, same_everywhere, try_program};
use neuro::diag::Code;
use neuro::experiment::Settings;

/// Mean, variance and third central moment.
fn moments(x: &[f64]) -> (f64, f64, f64) {
    let n = x.len() as f64;
    let mean = x.iter().sum::<f64>() / n;
    let central = |k: i32| x.iter().map(|x| (x - mean).powi(k)).sum::<f64>() / n;
    (mean, central(2), central(3))
}

/// 40 000 numbers have a mean and a variance within five standard errors, and a third moment near that of their distribution.
#[track_caller]
fn distributed(x: &[f64], (mean, variance, third): (f64, f64, f64), fourth: f64) {
    let n = x.len() as f64;
    let (m, v, t) = moments(x);
    assert!((m - mean).abs() < 5.0 * (variance / n).sqrt(), "mean {m}, not {mean}");
    assert!((v - variance).abs() < 5.0 * ((fourth - variance * variance) / n).sqrt(), "variance {v}, not {variance}");
    assert!((t - third).abs() < 0.15 * third + 0.02, "third moment {t}, not {third}");
}

/// Wherever a model may draw: handlers of events and signals, of cells and of synapses that learn. Moments of a Poisson number of mean m are
/// m, m, m and m (1 + 3 m); of an inverse Gaussian of mean m and scale s m, v = m³/s, 3 v²/m and 3 v² + 15 v³/m².
#[test]
fn poisson_and_wald_numbers_wherever_a_model_draws() {
    for precision in ["f32", "f64"] {
        let text = format!(
            "
neuron Cell {{
    param mean = 2.5
    event input exc: 1
    state p = 0
    state q = 0 ms
    state sp = 0
    state sq = 0 ms
    emit tick when true {{ p = poisson(mean)   q = wald(2 ms, 3 ms) }}
    on draw {{ sp = poisson(mean)   sq = wald(2 ms, 3 ms) }}
}}
synapse Rule {{
    weight w: 1
    state ep = 0
    state eq = 0
    state sp = 0
    state sq = 0
    on pre.tick {{ ep = poisson(2.5)   eq = wald(2, 3)   deliver 0 }}
    on draw {{ sp = poisson(2.5)   sq = wald(2, 3) }}
}}
network Net {{
    population cell: Cell[20000]
    population few: Cell[200]
    projection link: few -> few.exc: Rule {{ connect all_to_all   weight 1   delay 0.1 ms }}
}}
experiment e {{
    dt 0.1 ms
    precision {precision}
    network net = Net()
    for k in 1 .. 2 {{
        run 0.3 ms
        signal draw
        measure p = net.cell.p
        measure q = net.cell.q / 1 ms
        measure sp = net.cell.sp
        measure sq = net.cell.sq / 1 ms
    }}
    measure lp = net.link.ep
    measure lq = net.link.eq
    measure lsp = net.link.sp
    measure lsq = net.link.sq
}}
"
        );
        let out = run(&text);
        let v = 8.0 / 3.0;
        for (poisson, wald) in [("p", "q"), ("sp", "sq"), ("lp", "lq"), ("lsp", "lsq")] {
            let p = measured(&out, poisson);
            assert!(p.len() == 40_000 && p.iter().all(|x| x.fract() == 0.0 && *x >= 0.0), "{poisson}");
            distributed(&p, (2.5, 2.5, 2.5), 2.5 * 8.5);
            // Each number as often as it should be, within five standard errors.
            let mut term = (-2.5f64).exp();
            for k in 0..8 {
                let found = p.iter().filter(|x| **x == f64::from(k)).count() as f64 / 40_000.0;
                assert!((found - term).abs() < 5.0 * (term / 40_000.0).sqrt(), "{poisson}: {k} in {found}, not {term}");
                term *= 2.5 / f64::from(k + 1);
            }
            let q = measured(&out, wald);
            assert!(q.iter().all(|x| *x > 0.0), "{wald}");
            distributed(&q, (2.0, v, 1.5 * v * v), 3.0 * v * v + 15.0 / 4.0 * v * v * v);
        }
        let names = ["p", "q", "sp", "sq", "lp", "lq", "lsp", "lsq"];
        same_everywhere(&program(&text), &Settings::default(), &names);
    }
}

fn counted(precision: &str, delay: &str) -> String {
    format!(
        "
neuron Source {{
    param rate = 1 kHz
    state total = 0
    emit spike count ~ poisson(rate * dt) {{ total += 1 }}
}}
neuron Gated {{
    input open: 1 = 1
    emit spike count ~ poisson(0.8) when open > 0
    emit spike when random() < 0.25
}}
neuron Cell {{
    event input exc: 1
    state n = 0
    n' = 0 * n / 1 ms + exc
}}
synapse Taught {{
    weight w: 1
    on pre.spike {{ deliver w }}
    on learn {{ w += 1 }}
}}
network Net {{
    population source: Source[100]
    init source.rate = 1 kHz * (i + 1) / 20
    population gated: Gated[50]
    population cell: Cell[3]
    population each: Cell[50]
    projection source -> cell.exc: Static {{ connect all_to_all  weight 1  {delay} }}
    projection gated -> each.exc: Static {{ connect one_to_one  weight 2  delay 1 ms }}
    population taught: Cell[3]
    projection lower: source -> taught.exc: Taught {{ connect all_to_all  weight 1  {delay} }}
}}
experiment e {{
    dt 1 ms
    precision {precision}
    network net = Net()
    record net.source.spike
    record net.gated.spike
    net.gated.open = mod(i, 2)
    for k in 1 .. 4 {{ run 50 ms }}
    measure spikes = count(net.source.spike)
    measure before = [count(net.source.spike, 0 ms .. 199 ms), count(net.gated.spike, 0 ms .. 199 ms)]
    measure steps = sum(net.source.total)
    measure arrived = net.cell.n
    measure taught = net.taught.n - net.cell.n
    measure each = net.each.n
    measure gated = count(net.gated.spike)
}}
"
    )
}

#[test]
fn several_events_at_once_are_recorded_counted_and_delivered() {
    for (precision, delay) in [("f32", "delay 1 ms"), ("f64", "delay 1 ms"), ("f32", "delay ~ uniform(1 ms, 4.5 ms)")] {
        let text = counted(precision, delay);
        let out = run(&text);
        let one = |name: &str| measured(&out, name)[0];
        // Cells expect (i + 1) / 20 events in each of 200 steps: 100 * 101 / 2 / 20 * 200, with as much variance.
        let expected = 50_500.0f64;
        assert!((one("spikes") - expected).abs() < 5.0 * expected.sqrt(), "{}", one("spikes"));
        // A handler runs once, however many events there are: in 1 - exp(-mean) of the steps.
        let steps: f64 = (1..=100).map(|i| 200.0 * (1.0 - (-f64::from(i) / 20.0).exp())).sum();
        assert!((one("steps") - steps).abs() < 5.0 * steps.sqrt(), "{} steps, not {steps}", one("steps"));
        let (times, cells) = crate::support::events(&out, "source.spike");
        assert_eq!(times.len() as f64, one("spikes"));
        assert!(times.windows(2).zip(cells.windows(2)).any(|(t, c)| t[0] == t[1] && c[0] == c[1]));
        let before = measured(&out, "before");
        if delay == "delay 1 ms" {
            near(&measured(&out, "arrived"), &[before[0]; 3], 0.0);
        } else {
            // Those of the last steps are still under way.
            assert!(measured(&out, "arrived").iter().all(|n| *n <= before[0] && *n > 0.97 * before[0]));
        }
        if delay == "delay 1 ms" {
            near(&measured(&out, "taught"), &[0.0; 3], 0.0);
        }
        let each = measured(&out, "each");
        assert_eq!(each.iter().sum::<f64>(), 2.0 * before[1]);
        // Open ones have 0.8 + 0.25 per step, closed ones 0.25; each cell as it should, in sum.
        for (k, mean) in [(0, 0.25), (1, 1.05)] {
            let n: f64 = each.iter().skip(k).step_by(2).sum::<f64>() / 2.0;
            let expected = mean * 25.0 * 199.0;
            assert!((n - expected).abs() < 5.0 * f64::sqrt(expected), "{n}, not {expected}");
        }
        let names = ["spikes", "steps", "arrived", "each", "gated", "taught"];
        same_everywhere(&program(&text), &Settings::default(), &names);
        let all = All::default();
        let p = program(&text);
        let whole = bits(&run_keeping(&p, &all, None, 2));
        for file in all.kept() {
            assert!(whole == bits(&run_keeping(&p, &All::default(), Some(file), 1)));
        }
    }
}

#[test]
fn what_cannot_be_drawn_or_counted_is_refused() {
    let model = |emit: &str, synapse: &str| {
        format!(
            "
neuron Source {{
    param rate = 9 kHz
    state x = 0
    {emit}
}}
neuron Cell {{ event input exc: 1   state n = 0   n' = -n / 1 ms + exc   emit spike when n > 1e9 {{ n = 0 }} }}
{synapse}
network Net {{
    population source: Source[4]
    population cell: Cell[3]
    projection source -> cell.exc: Link {{ connect all_to_all  weight 1  delay 1 ms }}
}}
experiment e {{ dt 1 ms  network net = Net()  run 3 ms }}
"
        )
    };
    let link = "synapse Link { weight w: 1   on pre.spike { deliver w } }";
    let learning = "synapse Link { weight w: 1   on pre.spike { deliver w  w += 1 } }";
    let said = |text: &str| match try_program(text) {
        Err(refused) => {
            let d = refused.diagnostics.iter().next().expect("a diagnostic");
            (d.code, d.message.clone())
        }
        Ok(_) => {
            let d = run_failing(text);
            (d.code, d.message)
        }
    };
    let counted = "emit spike count ~ poisson(rate * dt)";
    for (emit, synapse, code, message) in [
        (counted, link, Code::E0604, "`source.spike[0]` would happen too often in the step to 1 ms"),
        (
            "emit spike count ~ poisson(x - 1)",
            link,
            Code::E0604,
            "`source.spike[0]` would happen too often in the step to 1 ms",
        ),
        (
            counted,
            learning,
            Code::E0106,
            "`several events at once at a synapse that changes at them` is not supported yet",
        ),
        ("emit spike count ~ uniform(0, 3)", link, Code::E0405, "how many events there are is drawn by `poisson`"),
        ("emit spike count ~ 2", link, Code::E0405, "how many events there are is drawn by `poisson`"),
        ("emit spike count ~ poisson(rate)", link, Code::E0301, "the mean of a number of events is a number"),
        (
            "emit spike count ~ poisson(1) when rising x > 1",
            link,
            Code::E0405,
            "events are counted at every step, not when a condition changes",
        ),
        ("emit spike when true { x = poisson(1, 2) }", link, Code::E0402, "`poisson` takes 1 argument, found 2"),
        ("emit spike when true { x = wald(1) }", link, Code::E0402, "`wald` takes 2 arguments, found 1"),
        ("emit spike when true { x = poisson(9) }", link, Code::E0604, "a Poisson number of mean 9 is not drawn here"),
        (
            "emit spike when poisson(rate * dt) >= 1",
            link,
            Code::E0604,
            "a condition on a Poisson number whose mean is not a constant",
        ),
        (
            "emit spike when true { if poisson(x) >= 1 { x = 2 } }",
            link,
            Code::E0604,
            "a condition on a Poisson number whose mean is not a constant",
        ),
        (
            "emit spike when true { x = if poisson(x) >= 1 then 2 else 0 }",
            link,
            Code::E0604,
            "a condition on a Poisson number whose mean is not a constant",
        ),
        (
            counted,
            "synapse Link { weight w: 1  on pre.spike { deliver w * poisson(2) } }",
            Code::E0106,
            "`several events at once at a synapse that changes at them` is not supported yet",
        ),
        ("emit spike when true { x = normal(mu = 1, sd = 2) }", link, Code::E0204, "`normal` has no parameter `mu`"),
    ] {
        assert_eq!(said(&model(emit, synapse)), (code, message.to_string()), "{emit}");
    }
    // A condition that is not true asks for no number.
    let out = run(&model("emit spike count ~ poisson(rate * dt) when x > 1", link));
    assert!(out.failure.is_none());
}

#[test]
fn arguments_of_draws_are_taken_by_their_names() {
    let out = run("
neuron Cell {
    state n = 0, u = 0, w = 0
    emit spike when true { n = normal(sd = 1e-6, mean = 5)  u = uniform(high = 3, low = 2.999999)  w = wald(scale = 1e12, mean = 2) }
    on learn { n = normal(sd = 1e-6, mean = -5) }
}
neuron Target { event input exc: 1  state x = 0  x' = exc }
synapse Late { weight w: 1  state z = 0  on pre.spike { deliver w  z = normal(sd = 1e-6, mean = 7) } }
network Net {
    population a: Cell[3]
    population b: Target[3]
    projection p: a -> b.exc: Late { connect one_to_one  weight 1  delay 0.1 ms }
}
experiment e {
    precision f64
    network net = Net()
    run 0.3 ms
    measure of_event = [mean(net.a.n), mean(net.a.u), mean(net.a.w), mean(net.p.z)]
    signal learn
    measure of_signal = mean(net.a.n)
}
");
    near(&measured(&out, "of_event"), &[5.0, 3.0, 2.0, 7.0], 1e-5);
    near(&measured(&out, "of_signal"), &[-5.0], 1e-5);
}
