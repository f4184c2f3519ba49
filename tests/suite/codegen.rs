//! Random kernels give the interpreter's bits on every back end; expanded functions keep their stated error bounds.

use neuro::codegen::abi::SlotMemory;
use neuro::codegen::{Backend, KernelFn, Steps, compile};
use neuro::ir::{Builder, Kernel, Precision, SlotKind, Value, expand, passes, read, verify};
use proptest::prelude::*;

/// Builds a legal kernel from a list of choices.
fn random_kernel(precision: Precision, n_states: usize, choices: &[(u8, u8, u8, u8)]) -> Kernel {
    let mut b = Builder::new("random", precision);
    let states: Vec<_> = (0..n_states).map(|i| b.slot(format!("x{i}"), SlotKind::State)).collect();
    let lane = b.slot("lane", SlotKind::Lane);
    let step = b.slot("step", SlotKind::Step);
    let uniform = b.slot("uniform", SlotKind::Uniform);
    let event = b.slot("event", SlotKind::Event);
    let out = b.slot("out", SlotKind::Out);
    let mut floats: Vec<Value> = states.iter().map(|s| b.load(*s)).collect();
    floats.push(b.load(lane));
    floats.push(b.load(step));
    floats.push(b.load(uniform));
    floats.push(b.constant(0.75));
    let mut masks = vec![b.truth(true)];
    for (op, x, y, z) in choices {
        let at = |k: u8, list: &[Value]| list[k as usize % list.len()];
        let (a, c, d) = (at(*x, &floats), at(*y, &floats), at(*z, &floats));
        let (m, n) = (at(*x, &masks), at(*y, &masks));
        let value = match op % 20 {
            0 => b.add(a, c),
            1 => b.sub(a, c),
            2 => b.mul(a, c),
            3 => b.div(a, c),
            4 => b.fma(a, c, d),
            5 => b.min(a, c),
            6 => b.max(a, c),
            7 => b.abs(a),
            8 => b.neg(a),
            9 => b.floor(a),
            10 => b.nearest(a),
            11 => {
                let p = b.abs(a);
                b.sqrt(p)
            }
            12 => expand::exp(&mut b, a),
            13 => expand::tanh(&mut b, a),
            14 => {
                masks.push(b.lt(a, c));
                continue;
            }
            15 => {
                masks.push(b.le(a, c));
                continue;
            }
            16 => {
                masks.push(b.and(m, n));
                continue;
            }
            17 => {
                masks.push(b.not(m));
                continue;
            }
            18 => {
                masks.push(b.or(m, n));
                continue;
            }
            _ => b.select(m, c, d),
        };
        floats.push(value);
    }
    let bound = |b: &mut Builder, v: Value| {
        // States stay bounded so that several steps remain comparable numbers.
        let (hi, lo) = (b.constant(100.0), b.constant(-100.0));
        let v = b.min(hi, v);
        b.max(lo, v)
    };
    for (i, s) in states.iter().enumerate() {
        let v = floats[(floats.len() * 2 - 1 - i) % floats.len()];
        let v = bound(&mut b, v);
        b.store(*s, v);
    }
    let last = floats[floats.len() - 1];
    b.store(out, last);
    b.store(event, masks[masks.len() - 1]);
    b.finish()
}

/// Compiles a kernel for every back end and instruction set of this machine other than the interpreter.
fn compiled(kernel: &Kernel, steps: Steps) -> Vec<(String, KernelFn)> {
    let mut out = vec![("cranelift".to_string(), compile(Backend::Cranelift, kernel, steps))];
    #[cfg(all(target_arch = "x86_64", unix))]
    for isa in neuro::codegen::wide::Isa::available() {
        out.push((format!("{isa:?}"), neuro::codegen::compile_wide(isa, kernel, steps)));
    }
    out
}

/// Returns the bits of the interpreter.
fn interpreted(kernel: &Kernel, n_steps: usize, seed: u64) -> Vec<u64> {
    bits(kernel, &compile(Backend::Interpreter, kernel, Steps::Many), n_steps, seed)
}

/// Runs a kernel over 80 lanes, so that vectors go side by side and some are left over; returns all bits it wrote, NaNs made equal.
fn bits(kernel: &Kernel, function: &KernelFn, n_steps: usize, seed: u64) -> Vec<u64> {
    const LANES: usize = 80;
    const STEPS: usize = 3;
    let per_byte = function.lanes_per_byte();
    let size = kernel.precision.bytes();
    let mut buffers: Vec<(Vec<u64>, Vec<u64>)> = Vec::new();
    let mut x = seed | 1;
    for _ in kernel.slots.values() {
        let mut input = vec![0u64; LANES * STEPS];
        // Aligned to eight bytes at least; the back ends load vectors wherever they lie.
        let bytes: &mut [u8] = unsafe_bytes(&mut input);
        for i in 0..LANES * STEPS {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let v = ((x >> 40) as f64 / 8_388_608.0 - 1.0) * 4.0;
            match kernel.precision {
                Precision::F32 => bytes[i * 4..i * 4 + 4].copy_from_slice(&(v as f32).to_le_bytes()),
                Precision::F64 => bytes[i * 8..i * 8 + 8].copy_from_slice(&v.to_le_bytes()),
            }
        }
        buffers.push((input, vec![0u64; LANES * STEPS]));
    }
    let table: Vec<SlotMemory> = kernel
        .slots
        .values()
        .zip(&mut buffers)
        .map(|(d, (i, o))| SlotMemory {
            input: i.as_mut_ptr().cast(),
            output: o.as_mut_ptr().cast(),
            stride: if d.kind == SlotKind::Event { LANES / per_byte } else { LANES * size },
        })
        .collect();
    // SAFETY: every buffer holds LANES * STEPS values of the larger precision.
    let finite = unsafe { function.call(&table, 0, LANES, n_steps) };
    let mut out = vec![u64::from(finite)];
    for (d, (_, o)) in kernel.slots.values().zip(&mut buffers) {
        let bytes = unsafe_bytes(o);
        match (d.kind, kernel.precision) {
            (SlotKind::Event, _) => {
                let event = |lane: usize| bytes[lane / per_byte] >> (lane % per_byte) & 1;
                out.extend((0..n_steps * LANES).map(|lane| u64::from(event(lane))));
            }
            (_, Precision::F32) => out.extend(bytes.chunks(4).take(LANES * STEPS).map(|c| {
                let v = f32::from_le_bytes(c.try_into().unwrap());
                if v.is_nan() { 1 } else { u64::from(v.to_bits()) }
            })),
            (_, Precision::F64) => out.extend(bytes.chunks(8).map(|c| {
                let v = f64::from_le_bytes(c.try_into().unwrap());
                if v.is_nan() { 1 } else { v.to_bits() }
            })),
        }
    }
    out
}

fn unsafe_bytes(words: &mut [u64]) -> &mut [u8] {
    // SAFETY: any bits are valid bytes, and the borrow is unique.
    unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len() * 8) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn random_kernels_agree(
        choices in prop::collection::vec(any::<(u8, u8, u8, u8)>(), 1..60),
        seed: u64,
        double: bool,
        n_states in prop::sample::select(vec![1, 3, 8, 20, 40]),
    ) {
        let precision = if double { Precision::F64 } else { Precision::F32 };
        let raw = random_kernel(precision, n_states, &choices);
        prop_assert_eq!(verify(&raw), Ok(()));
        let kernel = passes::optimize(&raw);
        prop_assert_eq!(verify(&kernel), Ok(()));
        for (steps, n_steps) in [(Steps::One, 1), (Steps::Many, 1), (Steps::Many, 3)] {
            let expected = interpreted(&kernel, n_steps, seed);
            for (name, function) in compiled(&kernel, steps) {
                prop_assert_eq!(&expected, &bits(&kernel, &function, n_steps, seed), "{} {:?} {}", name, steps, n_steps);
            }
        }
        // Folding and cleaning never change bits; contraction does, and is part of the kernel from then on.
        let folded = passes::clean(&passes::fold(&raw));
        prop_assert_eq!(interpreted(&raw, 3, seed), interpreted(&folded, 3, seed));
    }

    #[test]
    fn kernels_compile_for_aarch64(
        choices in prop::collection::vec(any::<(u8, u8, u8, u8)>(), 1..60),
        double: bool,
        n_states in prop::sample::select(vec![1, 3, 20]),
    ) {
        let precision = if double { Precision::F64 } else { Precision::F32 };
        let kernel = passes::optimize(&random_kernel(precision, n_states, &choices));
        for steps in [Steps::One, Steps::Many] {
            let text = neuro::codegen::cranelift::assembly_for("aarch64", &kernel, steps).map_err(TestCaseError::fail)?;
            // Results are stored by vectors of 128 bits.
            prop_assert!(text.matches("str q").count() > 1, "{}", text);
        }
    }

    #[test]
    fn the_text_form_reads_back(choices in prop::collection::vec(any::<(u8, u8, u8, u8)>(), 1..30)) {
        let kernel = random_kernel(Precision::F32, 3, &choices);
        let again = read(&kernel.to_string()).map_err(TestCaseError::fail)?;
        prop_assert_eq!(kernel.to_string(), again.to_string());
    }
}

/// Evaluates one function at one point in the interpreter.
fn evaluate(precision: Precision, f: fn(&mut Builder, Value) -> Value, x: f64) -> f64 {
    struct One(u64, u64);
    impl neuro::ir::interp::Memory for One {
        fn load(&self, _: neuro::ir::Slot) -> u64 {
            self.0
        }
        fn store(&mut self, _: neuro::ir::Slot, bits: u64) {
            self.1 = bits;
        }
    }
    let mut b = Builder::new("f", precision);
    let (i, o) = (b.slot("x", SlotKind::Lane), b.slot("y", SlotKind::Out));
    let v = b.load(i);
    let y = f(&mut b, v);
    b.store(o, y);
    let kernel = b.finish();
    let bits = if precision == Precision::F32 { u64::from((x as f32).to_bits()) } else { x.to_bits() };
    let mut m = One(bits, 0);
    neuro::ir::interp::run(&kernel, &mut m, &mut Vec::new());
    if precision == Precision::F32 { f64::from(f32::from_bits(m.1 as u32)) } else { f64::from_bits(m.1) }
}

/// Returns the largest error in units of the last place of the exact result.
fn worst(precision: Precision, f: fn(&mut Builder, Value) -> Value, exact: fn(f64) -> f64, lo: f64, hi: f64) -> f64 {
    let epsilon = if precision == Precision::F32 { f64::from(f32::EPSILON) } else { f64::EPSILON };
    (0..4001)
        .map(|k| {
            let x = lo + (hi - lo) * f64::from(k) / 4000.0;
            let x = if precision == Precision::F32 { f64::from(x as f32) } else { x };
            let wanted = exact(x);
            (evaluate(precision, f, x) - wanted).abs() / (wanted.abs().max(1e-30) * epsilon)
        })
        .fold(0.0, f64::max)
}

#[test]
fn expanded_functions_keep_their_bounds() {
    type F = fn(&mut Builder, Value) -> Value;
    type Case = (&'static str, F, fn(f64) -> f64, f64, f64, f64);
    let cases: [Case; 7] = [
        ("exp", expand::exp, f64::exp, -80.0, 80.0, 3.0),
        ("expm1", expand::expm1, f64::exp_m1, -1.0, 1.0, 3.0),
        ("log", expand::log, f64::ln, 1.5, 1e4, 3.0),
        ("log below one", expand::log, f64::ln, 1e-4, 0.7, 3.0),
        ("sigmoid", expand::sigmoid, |x| 1.0 / (1.0 + (-x).exp()), -20.0, 20.0, 3.0),
        ("tanh", expand::tanh, f64::tanh, 0.01, 8.0, 5.0),
        ("sin", expand::sin, f64::sin, 0.1, 3.0, 3.0),
    ];
    for (name, f, exact, lo, hi, bound) in cases {
        for precision in [Precision::F32, Precision::F64] {
            let found = worst(precision, f, exact, lo, hi);
            assert!(found <= bound, "{name} in {precision}: {found:.2} ulp");
        }
    }
}

#[test]
fn not_a_number_stays_one_and_edges_are_defined() {
    for precision in [Precision::F32, Precision::F64] {
        assert!(evaluate(precision, expand::exp, f64::NAN).is_nan());
        assert!(evaluate(precision, expand::tanh, f64::NAN).is_nan());
        assert_eq!(evaluate(precision, expand::exprel, 0.0), 1.0);
        assert_eq!(evaluate(precision, expand::log, 0.0), f64::NEG_INFINITY);
        assert!(evaluate(precision, expand::log, -1.0).is_nan());
        assert!(evaluate(precision, expand::exp, 1e4) > 1e38);
    }
}
