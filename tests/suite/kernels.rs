//! What kernels compute: the time that stages see, and functions at the ends of their ranges.

use crate::support::{events, program, root, run, run_failing, run_with, trace, try_program};
use neuro::codegen::abi::SlotMemory;
use neuro::codegen::{Backend, KernelFn, Steps, compile};
use neuro::diag::Code;
use neuro::experiment::{Outcome, Settings};
use neuro::hir::{Expr, Func, VarId};
use neuro::ir::{Kernel, Precision, SlotKind};
use neuro::lower::{Elementwise, Store};
use neuro::math::eval;
use proptest::prelude::*;

/// The largest error of `x` in a model at 6 ms against a known value.
fn error_at_6_ms(neuron: &str, variable: &str, dt: &str, exact: f64) -> f64 {
    let out = run(&format!(
        "{neuron}
        network Net {{ population c: Driven[1] }}
        experiment e {{
            precision f64
            dt {dt}
            network net = Net()
            record net.c.{variable} every 6 ms as x
            run 6 ms
        }}"
    ));
    (trace(&out, "x").1.last().unwrap() - exact).abs()
}

/// `x' = (sin(w t) - x) k` from zero, in closed form.
fn driven_exactly(t: f64) -> f64 {
    let (k, w) = (0.2, std::f64::consts::TAU / 10.0);
    k / (k * k + w * w) * (k * (w * t).sin() - w * (w * t).cos() + w * (-k * t).exp())
}

#[test]
fn schemes_keep_their_order_where_the_time_occurs() {
    let forms = [
        ("x", "state x = 0  x' = (sin(2*pi*t / 10 ms) - x) / 5 ms"),
        ("x", "state x = 0  let phase = 2*pi*t / 10 ms  let force = sin(phase)  x' = (force - x) / 5 ms"),
        ("x", "state x = 0  x' = if t < 100 ms then (sin(2*pi*t / 10 ms) - x) / 5 ms else 0 / 1 ms"),
        ("soma.x", "compartment soma { state x = 0  x' = (sin(2*pi*t / 10 ms) - x) / 5 ms }"),
        // Through a state that the other one reads: stages see each other's.
        ("x", "state x = 0  state f = 0  f' = 2*pi / 10 ms * cos(2*pi*t / 10 ms)  x' = (f - x) / 5 ms"),
    ];
    for (variable, form) in forms {
        for (scheme, order) in [("euler", 1.0), ("exponential_euler", 1.0), ("heun", 2.0), ("rk4", 4.0)] {
            let neuron = format!("neuron Driven {{ {form}  scheme {scheme} }}");
            let (coarse, fine) = (
                error_at_6_ms(&neuron, variable, "0.2 ms", driven_exactly(6.0)),
                error_at_6_ms(&neuron, variable, "0.1 ms", driven_exactly(6.0)),
            );
            let found = (coarse / fine).log2();
            assert!((found - order).abs() < 0.2, "{scheme} of `{form}`: order {found:.2}");
        }
        let adaptive = format!("neuron Driven {{ {form}  scheme rk45(1e-10) }}");
        assert!(error_at_6_ms(&adaptive, variable, "0.5 ms", driven_exactly(6.0)) < 1e-8, "{form}");
    }
}

#[test]
fn the_scheme_of_choice_for_nonlinear_equations_is_of_second_order_in_time_too() {
    // y = x exp(cos t): y' = ... has no closed form worth writing; x' = cos(t) (1 + x^2) has x = tan(sin t).
    let neuron = "neuron Driven { state x = 0  let u = t / 1 ms  x' = cos(u) * (1 + x * x) / 1 ms }";
    let exact = 6f64.sin().tan();
    let error = |dt| error_at_6_ms(neuron, "x", dt, exact);
    let order = (error("0.02 ms") / error("0.01 ms")).log2();
    assert!((order - 2.0).abs() < 0.1, "order {order:.2}");
}

/// A kernel that computes an expression of two variables.
fn kernel_of(e: &Expr, precision: Precision) -> Kernel {
    let (stores, names) = ([Store::Out(e.clone())], |v: VarId| format!("x{}", v.as_u32()));
    let build = Elementwise {
        name: "f".into(),
        precision,
        dt: 0.1,
        names: &names,
        n_lanes: 16,
        params: &|_| None,
        lets: &|_| None,
        place: &|_| Some(SlotKind::Lane),
        temps: &[],
        stores: &stores,
    };
    build.lower().kernel
}

/// Runs a kernel on sixteen values of each variable.
fn values(kernel: &Kernel, function: &KernelFn, x: &[f64; 16], y: &[f64; 16]) -> Vec<f64> {
    let (single, mut memory) = (kernel.precision == Precision::F32, Vec::new());
    for def in kernel.slots.values() {
        let from = if def.name == "x1" { y } else { x };
        let mut words = [[0u64; 8]; 4];
        let bytes: Vec<u8> = match single {
            true => from.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect(),
            false => from.iter().flat_map(|v| v.to_le_bytes()).collect(),
        };
        for (k, word) in bytes.chunks(8).enumerate() {
            words[k / 8][k % 8] = u64::from_le_bytes(word.try_into().unwrap());
        }
        memory.push(words);
    }
    let table: Vec<SlotMemory> = memory
        .iter_mut()
        .map(|m| {
            let at = m.as_mut_ptr().cast::<u8>();
            SlotMemory { input: at, output: at, stride: 0 }
        })
        .collect();
    // SAFETY: every slot is a buffer of sixteen numbers.
    unsafe { function.call(&table, 0, 16, 1) };
    let out = kernel.slots.iter().position(|(_, d)| d.kind == SlotKind::Out).unwrap();
    let words = memory[out].as_flattened();
    match single {
        true => {
            let halves = words.iter().flat_map(|w| [*w as u32, (w >> 32) as u32]).take(16);
            halves.map(|bits| f64::from(f32::from_bits(bits))).collect()
        }
        false => words.iter().take(16).map(|w| f64::from_bits(*w)).collect(),
    }
}

fn backends(kernel: &Kernel) -> Vec<(String, KernelFn)> {
    let mut out = vec![
        ("interpreter".to_string(), compile(Backend::Interpreter, kernel, Steps::One)),
        ("cranelift".to_string(), compile(Backend::Cranelift, kernel, Steps::One)),
    ];
    #[cfg(all(target_arch = "x86_64", unix))]
    for isa in neuro::codegen::wide::Isa::available() {
        out.push((format!("{isa:?}"), neuro::codegen::compile_wide(isa, kernel, Steps::One)));
    }
    out
}

/// Whether a kernel's value is what the folded one is: the same kind of number, and as near as `ulps` and `absolute` say.
fn agree(precision: Precision, found: f64, folded: f64, ulps: f64, absolute: f64) -> bool {
    let (epsilon, least, most) = match precision {
        Precision::F32 => (f64::from(f32::EPSILON), f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX)),
        Precision::F64 => (f64::EPSILON, f64::MIN_POSITIVE, f64::MAX),
    };
    if found.is_nan() || folded.is_nan() {
        return found.is_nan() && folded.is_nan();
    }
    let slack = ulps * epsilon;
    if found.is_infinite() || folded.is_infinite() || folded.abs() > most {
        // Only what lies at the very end of the range may go either way.
        let end = |v: f64| v.abs() >= most * (1.0 - slack);
        return found.signum() == folded.signum() && end(found) && end(folded);
    }
    (found - folded).abs() <= slack * folded.abs() + absolute.max(2.0 * least)
}

const FUNCTIONS: [Func; 21] = [
    Func::Exp,
    Func::Expm1,
    Func::Exprel,
    Func::Log,
    Func::Log10,
    Func::Sqrt,
    Func::Sin,
    Func::Cos,
    Func::Tan,
    Func::Tanh,
    Func::Sigmoid,
    Func::Abs,
    Func::Floor,
    Func::Ceil,
    Func::Round,
    Func::Sign,
    Func::Heaviside,
    Func::Min,
    Func::Max,
    Func::Mod,
    Func::Pow,
];

/// Compares a function at sixteen points with its folded value, on every back end.
fn compare(f: Func, precision: Precision, x: &[f64; 16], y: &[f64; 16]) -> Result<(), String> {
    let two = matches!(f, Func::Min | Func::Max | Func::Mod | Func::Pow);
    let variables = [Expr::Var(VarId::from_u32(0)), Expr::Var(VarId::from_u32(1))];
    let call = |args: &[Expr]| Expr::Call(f, args[..if two { 2 } else { 1 }].to_vec());
    let rounded = |v: f64| if precision == Precision::F32 { f64::from(v as f32) } else { v };
    let kernel = kernel_of(&call(&variables), precision);
    for (backend, function) in backends(&kernel) {
        for (i, found) in values(&kernel, &function, x, y).into_iter().enumerate() {
            let (x, y) = (rounded(x[i]), rounded(y[i]));
            let folded = eval(&call(&[Expr::Num(x), Expr::Num(y)]), &|_| None, None).unwrap();
            // Nothing is left of a number after more multiples than the precision has numbers for.
            if f == Func::Mod && precision == Precision::F32 && (x / y).abs() > f64::from(f32::MAX) && y != 0.0 {
                continue;
            }
            // Its exponential overflows before it does.
            let overflows =
                f == Func::Exprel && precision == Precision::F32 && x > f64::from(f32::MAX).ln() && x.is_finite();
            let folded = if overflows { f64::INFINITY } else { folded };
            let epsilon = if precision == Precision::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
            let (ulps, absolute) = match f {
                // The logarithm's error is multiplied.
                Func::Pow => (4.0 * (1.0 + (y * x.abs().ln()).abs().min(800.0)), 0.0),
                Func::Tanh => (6.0, 0.0),
                Func::Sin | Func::Cos => (4.0, epsilon),
                Func::Tan => (8.0 * (1.0 + folded.abs()), epsilon),
                // What is left of a number after whole multiples is as exact as the number.
                Func::Mod => (1.0, 2.0 * epsilon * (x.abs() + y.abs())),
                _ => (4.0, 0.0),
            };
            // Near a multiple the floor may fall to either side.
            let wrapped = f == Func::Mod && agree(precision, (found - folded).abs(), y.abs(), 4.0, absolute);
            if !agree(precision, found, folded, ulps, absolute) && !wrapped {
                return Err(format!(
                    "{}({x:e}, {y:e}) in {precision:?} by {backend}: {found:e}, folded {folded:e}",
                    f.name()
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn functions_at_the_ends_of_their_ranges_are_what_they_fold_to() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    let x = [0.0, 1.0, -1.0, inf, -inf, nan, 89.5, -89.5, 710.5, -710.5, 709.5, 88.6, 0.5, -2.0, 1e-300, 3.0];
    let y = [0.0, inf, 3.0, 0.5, 2.0, 1.0, nan, 2.5, 0.0, -1.0, -inf, 7.0, -3.0, 65.0, 1.0, 1.5];
    let mut wrong = Vec::new();
    for f in FUNCTIONS {
        for precision in [Precision::F32, Precision::F64] {
            for shift in 0..16 {
                let mut turned = y;
                turned.rotate_left(shift);
                // A number that is not normal in single precision may count as zero there.
                let x = if precision == Precision::F32 { x.map(|v| if v == 1e-300 { 1e-30 } else { v }) } else { x };
                wrong.extend(compare(f, precision, &x, &turned).err());
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![-1.0..1.0f64, -100.0..100.0f64, -1000.0..1000.0f64, (-30.0..30.0f64).prop_map(|e| 10f64.powf(e))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn functions_are_what_they_fold_to(
        f in prop::sample::select(FUNCTIONS.to_vec()),
        double: bool,
        x in prop::array::uniform16(number()),
        y in prop::array::uniform16(number()),
    ) {
        let precision = if double { Precision::F64 } else { Precision::F32 };
        // Turns are counted in the precision of the kernel.
        let trigonometric = matches!(f, Func::Sin | Func::Cos | Func::Tan);
        let x = if trigonometric { x.map(|v| v % 1000.0) } else { x };
        prop_assert_eq!(compare(f, precision, &x, &y), Ok(()));
    }
}

/// Runs the first experiment on a back end and returns one of its measures.
fn measured(text: &str, backend: Backend, name: &str) -> Vec<f64> {
    let settings = Settings { backend, ..Settings::default() };
    let p = program(text);
    let out = run_with(&p, 0, settings, &root());
    if let Some(d) = &out.failure {
        panic!("{}", neuro::diag::render::human(d, &p.sources, false));
    }
    out.measures[name][0].data.to_vec()
}

const BACKENDS: [Backend; 2] = [Backend::Interpreter, Backend::Cranelift];

#[test]
fn slow_states_are_exact_in_single_precision() {
    // 2 s at 0.1 ms: with tau = 10 000 s a step changes the state by 1e-8 of it, a sixth of what single precision resolves.
    let forms = [
        ("a", "state a = 1  a' = -a / tau"),
        ("a", "state a = 0  a' = (1 - a) / tau"),
        // In a coupled block, with a coefficient that changes, and by the explicit schemes.
        ("a", "state a = 1  state b = 0  a' = -a / tau  b' = (a - b) / 10 ms"),
        ("a", "state a = 1  state b = 0  b' = (0 - b) * (1 + 0 * a) / 1 s  a' = -a * (1 + 0 * b) / tau"),
        ("a", "state a = 1  a' = -a / tau  scheme euler"),
        ("a", "state a = 1  a' = -a / tau  scheme heun"),
        ("a", "state a = 1  a' = -a / tau  scheme rk4"),
        ("a", "state a = 0  a' = (1 - a) / tau  scheme exponential_euler"),
    ];
    for (given, taus) in [("", vec![1e4]), ("net.c.tau = [100 s, 1000 s, 10000 s]", vec![100.0, 1000.0, 1e4])] {
        for (state, form) in forms {
            let text = format!(
                "neuron Slow {{ param tau = 10000 s  {form}  emit spike when {state} < -1 }}
                network N {{ population c: Slow[{}] }}
                experiment e {{ network net = N()  {given}  run 2 s  measure a = net.c.{state} }}",
                taus.len()
            );
            let from = if form.contains("state a = 0") { 0.0 } else { 1.0 };
            for (found, tau) in measured(&text, Backend::Cranelift, "a").iter().zip(&taus) {
                let change = f64::exp_m1(-2.0 / tau) * (2.0 * from - 1.0);
                // What has changed is known to the resolution of the state, once; no part of it is lost at every step.
                let error = (found - from - change).abs();
                assert!(error < 1.0e-7 + 1e-5 * change.abs(), "{form}, tau {tau} s: {found}, not {}", from + change);
            }
        }
    }
}

#[test]
fn small_arrivals_add_up_and_assignments_begin_anew_in_single_precision() {
    let text = |body: &str| {
        format!(
            "neuron Clock {{ state n = 0  n' = 1 / 1 ms  emit spike when n > 0.95 {{ n = 0 }} }}
            neuron Pool {{ event input more: 1  state a = 1  a' = -a / 1000000 s + more  emit full when a < 0 }}
            network N {{
                population clock: Clock[1]
                population pool: Pool[1]
                projection p: clock -> pool.more {{ connect all_to_all  weight 2e-8  delay 1 ms }}
            }}
            experiment e {{ network net = N()  {body}  measure a = net.pool.a }}"
        )
    };
    for backend in BACKENDS {
        let found = measured(&text("run 2001.5 ms"), backend, "a")[0];
        let exact = 1.0 + 2000.0 * 2e-8 - 2e-6;
        assert!((found - exact).abs() < 2e-7, "{found:.9}, not {exact:.9}");
        let found = measured(&text("run 1001.5 ms  net.pool.a = 0  run 1000 ms"), backend, "a")[0];
        assert!((found / 2e-5 - 1.0).abs() < 1e-5, "{found:e}");
    }
}

#[test]
fn late_moments_are_told_apart_in_single_precision() {
    // After 1000 s single precision resolves 0.06 ms; the period is 3.1 ms.
    let text = |precision: &str, given: &str| {
        format!(
            "neuron Late {{
                param shift = 0.3 ms, late = 999999.97 ms
                input I: 1 = 0
                state x = 0, y = 0, n = 0, z = 0
                let phase = 2*pi*(t - shift) / 3.1 ms
                x' = (sin(phase) - x) / 5 ms
                y' = (I - y) / 5 ms
                n' = if t > late then 1 / 1 ms else 0 / 1 ms
                z' = (z * z - 1 + cos(2*pi*t / 3.1 ms)) / 100 ms
                emit spike when x > 10
            }}
            network N {{ population c: Late[3] }}
            experiment e {{
                precision {precision}
                dt 1 ms
                network net = N()
                {given}
                net.c.I = sin(2*pi*t / 3.1 ms)
                run 1000010 ms
                measure x = net.c.x
                measure y = net.c.y
                measure n = net.c.n
                measure z = net.c.z
            }}"
        )
    };
    for given in
        ["", "net.c.shift = [0.1 ms, 0.2 ms, 0.7 ms]", "net.c.late = [999998.03 ms, 1000001.97 ms, 1000005.5 ms]"]
    {
        let (exact, found) = (run(&text("f64", given)), run(&text("f32", given)));
        for name in ["x", "y", "n", "z"] {
            let values = |out: &Outcome| out.measures[name][0].data.to_vec();
            for (found, exact) in values(&found).iter().zip(values(&exact)) {
                assert!((found - exact).abs() < 2e-5, "{name} with `{given}`: {found}, not {exact}");
            }
        }
        if given.is_empty() {
            // Ten whole steps, and half of the one in which it begins: Heun's second stage is at its end.
            assert_eq!(found.measures["n"][0].data[..], [10.5; 3]);
        }
    }
}

#[test]
fn long_intervals_are_counted_exactly_in_single_precision() {
    // 2^24 steps are 16 777 216: beyond them a number of steps is no longer exact in single precision.
    let text = |precision: &str| {
        format!(
            "neuron Once {{
                state v = 0, seen = 0, apart = 0 ms
                v' = 1 / 1 ms
                emit spike when v > 1.5 and seen < 0.5 {{ seen = 1 }}
                emit late when since(spike) > 16900000 ms and v > 10 and seen < 1.5 {{ seen = 2  apart = since(spike) }}
            }}
            network N {{ population c: Once[1] }}
            experiment e {{
                precision {precision}
                dt 1 ms
                network net = N()
                record net.c.spike as spikes
                record net.c.late as lates
                run 16900100 ms
                measure apart = net.c.apart / 1 ms
            }}"
        )
    };
    for precision in ["f32", "f64"] {
        let out = run(&text(precision));
        assert_eq!(events(&out, "spikes").0, [2.0], "{precision}");
        // The count is exact; the time that it makes is rounded like any number, here to 2 ms.
        let late = events(&out, "lates").0;
        assert!(late.len() == 1 && (late[0] - 16_900_003.0).abs() <= 1.0, "{precision}: {late:?}");
        let apart = out.measures["apart"][0].data[0];
        assert!((apart - 16_900_001.0).abs() <= 1.0, "{precision}: {apart}");
    }
}

#[test]
fn what_has_not_happened_is_long_ago_at_any_step() {
    for dt in ["0.001 ms", "1 ms"] {
        for precision in ["f32", "f64"] {
            let out = run(&format!(
                "neuron Never {{ state v = 0  v' = 1 / 1 ms
                    emit spike when v < -1
                    emit quiet when since(spike) > 1000000 s and v > 1 {{ v = 0 }} }}
                network N {{ population c: Never[1] }}
                experiment e {{ precision {precision}  dt {dt}  network net = N()  record net.c.quiet as quiets  run 10 ms }}"
            ));
            assert!(events(&out, "quiets").0.len() > 3, "{dt} {precision}");
        }
    }
}

/// Two events that hold, or mute, for different times; returns the state after 10 ms.
fn two_holds(precision: &str, backend: Backend, statement: &str, times: (&str, &str), more: &str) -> Vec<f64> {
    let (long, short) = times;
    let (v, counting) = match statement {
        "hold v" => ("v' = 1 / 1 ms", ""),
        _ => ("", "emit tick { v += 0.1 }"),
    };
    let counting = counting.replace("emit tick", "emit tick when fa > -1");
    let text = format!(
        "neuron Two {{
            param long = 5 ms, short = 1 ms
            event input a: 1
            event input b: 1
            state fa = 0, fb = 0, v = 0
            fa' = a
            fb' = b
            {v}
            {counting}
            emit one when fa > 0.5 {{ fa = 0  {statement} for {long} }}
            emit other when fb > 0.5 {{ fb = 0  {statement} for {short} }}
        }}
        network Net {{
            population c: Two[2]
            drive c[0].a {{ spikes [1 ms]  weight 1  delay 0.1 ms }}
            drive c[0].b {{ spikes [2 ms]  weight 1  delay 0.1 ms }}
            drive c[1].b {{ spikes [1 ms]  weight 1  delay 0.1 ms }}
            drive c[1].a {{ spikes [1.5 ms]  weight 1  delay 0.1 ms }}
        }}
        experiment e {{ precision {precision}  network net = Net()  {more}  run 10 ms  measure v = net.c.v }}"
    );
    measured(&text, backend, "v")
}

#[test]
fn the_later_end_of_two_holds_or_mutes_wins() {
    for precision in ["f32", "f64"] {
        for backend in BACKENDS {
            for statement in ["hold v", "mute tick"] {
                let given = [
                    (("5 ms", "1 ms"), ""),
                    (("long", "short"), ""),
                    (("long", "short"), "net.c.long = [5 ms, 5 ms]"),
                    (("(5 ms + 0 ms * v)", "max(1 ms, v * 0 ms)"), ""),
                ];
                for (times, more) in given {
                    let found = two_holds(precision, backend, statement, times, more);
                    // The long one begins at 1 ms in the first cell; half a millisecond after the short one in the other.
                    for (found, exact) in found.iter().zip([5.0, 4.5 + 0.5 * 0.0 + 0.0]) {
                        let exact = if exact == 5.0 { 5.0 } else { 10.0 - 5.5 };
                        assert!(
                            (found - exact).abs() < 0.011,
                            "{precision} {backend:?} {statement} {times:?}: {found}, not {exact}"
                        );
                    }
                }
                let found = two_holds(precision, backend, statement, ("inf", "1 ms"), "");
                assert!(
                    (found[0] - 1.0).abs() < 0.11 && (found[1] - 1.0).abs() < 0.11,
                    "{statement} for ever: {found:?}"
                );
                let found = two_holds(precision, backend, statement, ("long", "short"), "net.c.long = [inf, 5 ms]");
                assert!((found[0] - 1.0).abs() < 0.11 && (found[1] - 4.5).abs() < 0.011, "for ever in one: {found:?}");
            }
        }
    }
}

fn holding(time: &str, more: &str) -> String {
    format!(
        "neuron Held {{
            param long = 5 ms
            state v = 0
            v' = 1 / 1 ms
            emit spike when v > 1 {{ v = 0  hold v for {time} }}
        }}
        network Net {{ population c: Held[3] }}
        experiment e {{ network net = Net()  {more}  run 10 ms }}"
    )
}

#[test]
fn durations_that_are_none_are_refused() {
    for time in ["-1 ms", "(0 ms / 0)", "(1 ms - 2 ms)"] {
        let refused = try_program(&holding(time, ""));
        let codes: Vec<Code> =
            refused.err().map(|r| r.diagnostics.iter().map(|d| d.code).collect()).unwrap_or_default();
        assert_eq!(codes, [Code::E0816], "{time}");
    }
    let built = [
        ("long", "net.c.long = -1 ms"),
        ("(long - 6 ms)", ""),
        ("long", "net.c.long = [1 ms, 2 ms, -1 ms]"),
        ("long", "net.c.long = 5000 s"),
    ];
    for (time, more) in built {
        let d = run_failing(&holding(time, more));
        assert_eq!(d.code, Code::E0816, "{time} {more}");
        assert!(!d.labels.is_empty());
    }
    for precision in ["f32", "f64"] {
        for time in ["(v - 1) * 1 ms - 1 ms", "sqrt(-1 - v) * 1 ms", "normal(-9, 1) * 1 ms"] {
            let d = run_failing(&holding(&format!("({time})"), &format!("precision {precision}")));
            assert_eq!(d.code, Code::E0816, "{time}");
            assert!(d.message.contains("hold v"), "{}", d.message);
        }
    }
    run(&holding("5000 s", "precision f64"));
    run(&holding("(if v > -1 then inf else 1) * 1 ms", ""));
}

#[test]
fn values_outside_of_their_bounds_are_refused_where_they_are_written() {
    let cell = |init: &str, more: &str| {
        format!(
            "neuron Rate {{ param top = 1  state w = {init} in -top .. top  w' = -w / 10 ms }}
            network Net {{ population c: Rate[3] }}
            experiment e {{ network net = Net()  {more}  run 1 ms }}"
        )
    };
    let refused = [("2", ""), ("0", "net.c.w = -1.5"), ("0", "net.c.w = [0, 1, 1.1]"), ("0.5", "net.c.top = 0.25")];
    for (init, more) in refused {
        assert_eq!(run_failing(&cell(init, more)).code, Code::E0817, "{init} {more}");
    }
    assert_eq!(run_failing(&cell("0", "run 1 ms  net.c[1].w = 7")).code, Code::E0817);
    run(&cell("-1", "net.c.w = [1, -1, 0]"));
    let synapse = |weight: &str, more: &str| {
        format!(
            "use std.sources.spikes: Forced
            synapse Bound {{ weight w: 1 in 0 .. 1   state x = 0  x' = -x / 20 ms
                on pre.spike {{ deliver w  x += 1 }}  on post.spike {{ w -= 0.1 * x }} }}
            network Net {{
                population a: Forced[2]
                population b: Forced[2]
                projection p: a -> b.exc: Bound {{ connect all_to_all  weight {weight}  delay 1 ms }}
            }}
            experiment e {{ network net = Net()  {more}  run 1 ms }}"
        )
    };
    for (weight, more) in
        [("2", ""), ("~ uniform(0, 3)", ""), ("0.5", "net.p.w = -0.5"), ("0.5", "run 1 ms  net.p.w = 3")]
    {
        assert_eq!(run_failing(&synapse(weight, more)).code, Code::E0817, "{weight} {more}");
    }
    run(&synapse("~ uniform(0, 1)", "net.p.w = 1"));
    // 0.1 is larger in single precision than in double: what stands at a bound can be set to what it is.
    let narrow = synapse("0.1", "run 1 ms  net.p.w *= 1").replace("in 0 .. 1", "in 0 .. 0.1");
    run(&narrow);
}

/// A chain of `let`s, each using the one before twice.
fn chain(first: &str, n: usize) -> String {
    let links = (1..n).map(|k| format!("let x{k} = x{0} - 0.5 * x{0}\n", k - 1));
    format!("let x0 = {first}\n{}", links.collect::<String>())
}

#[test]
fn long_chains_of_lets_cost_no_more_than_their_length() {
    let clock = std::time::Instant::now();
    let power = 0.5f64.powi(39);
    for (scheme, order) in
        [("", 1), ("scheme euler", 1), ("scheme heun", 2), ("scheme rk4", 4), ("scheme rk45(1e-9)", 4)]
    {
        for precision in ["f32", "f64"] {
            let out = run(&format!(
                "neuron Chain {{
                    state y = 1
                    {}
                    y' = -x39 * {:e} / 10 ms
                    {scheme}
                    emit spike when x39 < -1
                }}
                network Net {{ population c: Chain[2] }}
                experiment e {{ precision {precision}  network net = Net()  run 10 ms  measure y = net.c.y }}",
                chain("y", 40),
                1.0 / power
            ));
            let (found, exact) = (out.measures["y"][0].data[0], (-1.0f64).exp());
            let allowed = if order == 1 { 3e-3 } else { 1e-5 };
            assert!((found - exact).abs() < allowed, "`{scheme}` in {precision}: {found}, not {exact}");
        }
    }
    for driven in ["I", "k", "t / 1 ms"] {
        run(&format!(
            "neuron Chain {{ input I: 1 = 1  param k = 2  state y = 1  {}  y' = (x39 - y) / 10 ms  emit spike when y > 7 }}
            network Net {{ population c: Chain[2] }}
            experiment e {{ network net = Net()  net.c.k = [1, 2]  run 10 ms  measure x = net.c.x39 }}",
            chain(driven, 40)
        ));
    }
    for (read, sent) in [("x", "w * (1 + x39)"), ("pre.v", "w * (1 + x39)"), ("w", "w")] {
        run(&format!(
            "neuron Cell {{ state v = 0  v' = 1 / 1 ms  event input exc: 1  state g = 0  g' = exc  emit spike when v > 1 {{ v = 0 }} }}
            synapse Chain {{ weight w: 1  state x = 1, z = 0
                {}
                x' = -x / 20 ms
                z' = (x39 - z) / 10 ms
                on pre.spike {{ deliver {sent}  x += 1 }}
                on post.spike {{ w += 0.001 * x39 }} }}
            network Net {{
                population a: Cell[2]
                projection p: a -> a.exc: Chain {{ connect all_to_all  weight 1  delay 1 ms }}
            }}
            experiment e {{ network net = Net()  run 10 ms }}",
            chain(read, 40)
        ));
    }
    // Written out these would have 2^40 parts; the limit is for a slow machine that does other things.
    assert!(clock.elapsed().as_secs() < 30, "{:?}", clock.elapsed());
}
