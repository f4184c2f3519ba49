//! Building projections that say something per pair: `cargo bench --bench construction`.
//!
//! Text to network, one thread and two, without the time that the same network takes without the projection: seconds, and
//! nanoseconds per pair that is looked at. `fixed_probability` stands beside them as what a pair costs that needs no expression.
//! `NEURO_PAIRS=10000` adds 10 000 x 10 000 pairs, which take minutes where an expression is walked for every pair.

use neuro::compiler::{NoImports, Silent, compile};
use neuro::experiment::{Runner, Settings};
use neuro::source::SourceFile;
use std::time::Instant;

/// Name and clauses of each projection; `DEEP` stands for a nest of operators.
const CASES: &[(&str, &str)] = &[
    ("fixed_probability", "connect fixed_probability(0.01)   weight 1"),
    ("distance, constant", "connect distance(0.01)   weight 1"),
    ("distance, gaussian", "connect distance(0.01 * exp(-(d / 200 um)^2))   weight 1"),
    ("where, ring of neighbours", "connect where abs(pre.i - post.i) < 5   weight 1"),
    ("where, modulus", "connect where mod(post.i - pre.i, 100) == 1   weight 1"),
    ("weight of pre and post", "connect fixed_probability(0.01)   weight 1 / (1 + pre.i + post.i)"),
    ("weight of d, all to all", "connect all_to_all   weight exp(-d / 200 um)"),
    (
        "weight of pre, post and d, all to all",
        "connect all_to_all   weight (1 + pre.i) / (1 + post.i) * exp(-d / 200 um)",
    ),
    ("delay of d", "connect fixed_probability(0.01)   weight 1   delay 1 ms + d / 0.2 um * 1 us"),
];

/// Operators in a nest, each twice as many as before.
const DEPTHS: [usize; 4] = [5, 10, 20, 40];

/// `((pre.i + 1) * 0.5) + …`: so many operators, one within the other.
fn nest(operators: usize) -> String {
    (0..operators).fold("pre.i".to_string(), |inner, k| {
        if k % 2 == 0 { format!("({inner} + 1)") } else { format!("({inner} * 0.5)") }
    })
}

fn text(n: usize, clauses: &str) -> String {
    let side = n.isqrt();
    let clauses = if clauses.contains("delay") || clauses.is_empty() {
        clauses.to_string()
    } else {
        format!("{clauses}   delay 1 ms")
    };
    let projection =
        if clauses.is_empty() { String::new() } else { format!("projection a -> b.exc: Static {{ {clauses} }}") };
    format!(
        "neuron Sink {{ event input exc: 1   state v = 0   v' = exc   emit spike when v > 1e9 }}
        network Net {{
            population a: Sink[{side}, {side}] {{ spacing 20 um }}
            population b: Sink[{side}, {side}] {{ spacing 20 um }}
            {projection}
        }}
        experiment e {{ network net = Net()   step }}"
    )
}

/// Seconds from text to the end of the first step; none if the program is refused.
fn seconds(text: &str, threads: usize) -> Option<f64> {
    let begun = Instant::now();
    let p = compile(SourceFile::new("bench.neuro", text), &mut NoImports).ok()?;
    let settings = Settings { threads, ..Settings::default() };
    let runner = Runner { module: &p.module, files: &NoImports, settings, progress: &Silent };
    runner.run(&p.module.experiments[0]).failure.is_none().then(|| begun.elapsed().as_secs_f64())
}

/// Prints and returns the seconds that a projection takes.
fn report(name: &str, n: usize, clauses: &str, threads: usize) -> f64 {
    let side = n.isqrt();
    let pairs = (side * side) as f64 * (side * side) as f64;
    let (Some(with), Some(without)) = (seconds(&text(n, clauses), threads), seconds(&text(n, ""), threads)) else {
        println!("{name:40} refused");
        return f64::NAN;
    };
    let s = (with - without).max(0.0);
    println!("{name:40} {threads} threads   {s:9.3} s   {:9.1} ns per pair", s / pairs * 1e9);
    s
}

/// Nests over few pairs, ever deeper; a cost that is exponential in depth is not followed to its end.
fn nests(threads: usize) {
    let (mut before, mut exponential) = (f64::INFINITY, false);
    for depth in DEPTHS {
        let name = format!("nest of {depth} operators, 36 x 36");
        if exponential {
            println!("{name:40} not tried: the cost is exponential");
            continue;
        }
        let s = report(&name, 36, &format!("connect all_to_all   weight {}", nest(depth)), threads);
        exponential = s > 0.2 && s > 8.0 * before;
        before = s;
    }
}

fn main() {
    let wanted: usize = std::env::var("NEURO_PAIRS").ok().and_then(|v| v.parse().ok()).unwrap_or(1000);
    let filter: Option<String> = std::env::args().skip(1).find(|a| !a.starts_with('-'));
    for n in [1000, 10_000].into_iter().filter(|n| *n <= wanted) {
        println!("{n} x {n} pairs");
        for (name, clauses) in
            CASES.iter().filter(|(name, _)| filter.as_ref().is_none_or(|f| name.contains(f.as_str())))
        {
            for threads in [1, 2] {
                report(name, n, clauses, threads);
            }
        }
    }
    nests(1);
}
