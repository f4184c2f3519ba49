//! Random valid models.

use crate::support::Numbers;
use std::fmt::Write as _;

/// A model of cells, and what others must know of it.
struct Cell {
    text: String,
    /// The unit of its ports; none of pure numbers.
    unit: &'static str,
    /// A weight that is felt.
    weight: f64,
    /// The unit of its input `I`, and a value that is felt.
    input: (&'static str, f64),
    /// A state for recordings and assignments, and its unit.
    state: (&'static str, &'static str),
    /// Whether it has bursts.
    bursts: bool,
}

/// A population: its name, its size and which cell.
struct Population {
    name: String,
    n: usize,
    cell: usize,
}

/// Writes a model of cells with events.
fn cell(n: &mut Numbers, name: &str) -> Cell {
    let kind = n.below(6);
    let tau = n.between(5.0, 25.0);
    let (mut params, mut states, mut rates, mut resets) = (vec![format!("tau = {tau} ms")], vec![], vec![], vec![]);
    let (unit, weight, input, state, condition);
    // Schemes that fit the equations; the first is the compiler's choice.
    let mut schemes = vec![""];
    match kind {
        // Linear, with events onto the potential itself.
        0 => {
            (unit, weight, input, state, condition) = ("mV", 1.2, ("mV", 4.0), ("v", "mV"), "v > 8 mV");
            states.push("v = 0 mV".to_string());
            rates.push("v' = (I - v) / tau + exc - inh".to_string());
            resets.push("v = 0 mV".to_string());
            schemes.extend(["exact", "euler", "exponential_euler", "heun", "rk4", "rk45(1e-6)"]);
        }
        // Currents that decay.
        1 => {
            (unit, weight, input, state, condition) = ("pA", 60.0, ("pA", 120.0), ("v", "mV"), "v > -50 mV");
            params.push(format!("C_m = {} pF", n.between(100.0, 300.0)));
            states.push("v = -65 mV".into());
            states.push("up = 0 pA, down = 0 pA".into());
            rates.push(format!("up' = -up / {} ms + exc", n.between(1.0, 6.0)));
            rates.push("down' = -down / 8 ms + inh".into());
            rates.push("v' = (-65 mV - v) / tau + (up - down + I) / C_m".into());
            resets.push("v = -65 mV".into());
            schemes.extend(["exact", "euler", "exponential_euler", "rk4", "heun"]);
        }
        // Conductances, as channels or as equations.
        2 => {
            (unit, weight, input, state, condition) = ("nS", 3.0, ("pA", 100.0), ("v", "mV"), "v > -50 mV");
            params.push(format!("C_m = {} pF, g_L = 10 nS", n.between(100.0, 300.0)));
            states.push("v = -60 mV".into());
            states.push("g_exc = 0 nS, g_inh = 0 nS".into());
            rates.push("g_exc' = -g_exc / 5 ms + exc".into());
            rates.push("g_inh' = -g_inh / tau + inh".into());
            rates.push("v' = (g_L*(-60 mV - v) + g_exc*(0 mV - v) + g_inh*(-80 mV - v) + I) / C_m".into());
            resets.push("v = -60 mV".into());
            schemes.extend(["euler", "exponential_euler", "heun", "rk4"]);
        }
        // Exponential, with adaptation.
        3 => {
            (unit, weight, input, state, condition) = ("pA", 80.0, ("pA", 300.0), ("v", "mV"), "v > -40 mV");
            params.push("C_m = 200 pF, g_L = 10 nS, D = 2 mV".into());
            states.push("v = -70 mV".into());
            states.push("w = 0 pA, s = 0 pA".into());
            rates.push("s' = -s / tau + exc - inh".into());
            rates.push("w' = (2 nS * (v + 70 mV) - w) / 100 ms".into());
            rates.push("v' = (g_L*(-70 mV - v) + g_L*D*exp(min(v + 50 mV, 10 mV) / D) - w + s + I) / C_m".into());
            resets.push("v = -58 mV".into());
            resets.push(format!("w += {} pA", n.between(5.0, 60.0)));
            schemes.extend(["euler", "heun", "rk4", "rk45(1e-5)"]);
        }
        // Pure numbers, not linear, with a threshold that is crossed.
        4 => {
            (unit, weight, input, state, condition) = ("", 0.15, ("", 0.5), ("v", ""), "rising v > 1");
            states.push("v = -1.2".into());
            states.push("w = -0.6".into());
            rates.push("v' = (v - v*v*v / 3 - w + I) / 1 ms + exc - inh".into());
            rates.push(format!("w' = {} * (v + 0.7 - 0.8 * w) / 1 ms", n.between(0.06, 0.1)));
            schemes.extend(["euler", "heun", "rk4"]);
        }
        // Coupled and linear, with a threshold that moves.
        _ => {
            (unit, weight, input, state, condition) = ("mV", 1.5, ("mV", 6.0), ("v", "mV"), "v > 6 mV + th");
            states.push("v = 0 mV, u = 0 mV".into());
            states.push("th = 0 mV".into());
            rates.push("v' = (I - v - 0.5 * u) / tau + exc - inh".into());
            rates.push(format!("u' = (v - u) / {} ms", n.between(20.0, 60.0)));
            rates.push("th' = -th / 40 ms".into());
            resets.push("v = 0 mV".into());
            resets.push(format!("th += {} mV", n.between(0.5, 3.0)));
            schemes.extend(["exact", "euler", "heun", "rk4"]);
        }
    }
    if n.chance(0.25) {
        let noise = format!("{} {} / sqrt(1 ms) * xi", n.between(0.05, 0.5), state.1);
        let of_v = rates.last_mut().filter(|r| r.starts_with("v'"));
        if let Some(rate) = of_v {
            *rate = format!("{rate} + {noise}");
            schemes = vec!["", "euler", "heun"];
        }
    }
    if n.chance(0.3) {
        states.push("seen = 0".into());
        resets.push(
            n.pick(&[
                "if random() < 0.5 { seen += uniform(0, 1) } else { seen += abs(normal(1, 0.2)) }",
                "seen += poisson(0.7)",
                "seen += wald(1.5, 2)",
            ])
            .to_string(),
        );
    }
    if n.chance(0.3) {
        // What is taken of windows of the experiment.
        states.push(format!("told = 0 {}", state.1));
        resets.push(
            n.pick(&[
                "told = v at end of first",
                "told = mean(v, over = first)",
                "told = 0.5 * mean(v, over = second, last = 2 ms)",
            ])
            .to_string(),
        );
    }
    if kind != 4 && n.chance(0.4) {
        resets.push(format!("hold v for {} ms", n.between(0.5, 4.0)));
    } else if n.chance(0.3) {
        resets.push("mute spike for 2 ms".into());
    }
    let bursts = n.chance(0.4);
    let mut text = format!("neuron {name} {{\n    param {}\n", params.join(", "));
    let declared = |unit: &'static str| if unit.is_empty() { "1" } else { unit };
    let _ = writeln!(text, "    event input exc: {0}\n    event input inh: {0}", declared(unit));
    let _ = writeln!(text, "    input I: {} = 0 {}", declared(input.0), input.0);
    states.iter().for_each(|s| text.push_str(&format!("    state {s}\n")));
    rates.iter().for_each(|r| text.push_str(&format!("    {r}\n")));
    let scheme = *n.pick(&schemes);
    if !scheme.is_empty() {
        let _ = writeln!(text, "    scheme {scheme}");
    }
    let _ = writeln!(text, "    emit spike when {condition} {{");
    resets.iter().for_each(|r| text.push_str(&format!("        {r}\n")));
    text.push_str("    }\n");
    if bursts {
        text.push_str("    emit event on spike when since(previous spike) > 12 ms\n");
        text.push_str("    emit burst on spike when since(previous spike) <= 12 ms\n");
    }
    text.push_str("}\n");
    Cell { text, unit, weight, input, state, bursts }
}

/// A synapse: its text, and what a projection writes for it.
struct Synapse {
    text: String,
    learns: bool,
    modulated: bool,
    /// The name of a state, if it has one.
    state: Option<&'static str>,
    hears: bool,
}

fn synapse(n: &mut Numbers, name: &str) -> Synapse {
    let (mut params, mut states, mut rates): (Vec<String>, Vec<String>, Vec<String>) = (vec![], vec![], vec![]);
    let (mut pre, mut post): (Vec<String>, Vec<String>) = (vec![], vec![]);
    let (mut modulated, mut state) = (false, None);
    params.push("w_max".into());
    let learns = n.chance(0.75);
    let short = n.chance(0.25);
    if short {
        params.push(format!("U = {}, tau_rec = {} ms", n.between(0.1, 0.6), n.between(20.0, 200.0)));
        states.push("left = 1".into());
        rates.push("left' = (1 - left) / tau_rec".into());
        pre.push("deliver w * U * left * 2".into());
        pre.push("left -= U * left".into());
    } else if n.chance(0.2) {
        pre.push(n.pick(&["if random() < 0.6 { deliver w }", "if poisson(0.9) > 0 { deliver w }"]).to_string());
    } else {
        pre.push("deliver w".into());
    }
    if learns {
        params.push(format!("a = {}, b = {}", n.between(0.01, 0.05), n.between(0.01, 0.05)));
        states.push("x = 0".into());
        states.push("y = 0".into());
        let curved = n.chance(0.25);
        let square = if curved { "x * " } else { "" };
        rates.push(format!("x' = -{square}x / {} ms", n.between(10.0, 30.0)));
        rates.push(format!("y' = -y / {} ms", n.between(10.0, 30.0)));
        let (up, down) = *n.pick(&[
            ("w += a * w_max * x", "w -= b * w_max * y"),
            ("w += a * (w_max - w) * x", "w -= b * w * y"),
            ("w += a * w_max * x * (1 + y)", "w -= b * w_max * y"),
        ]);
        let nearest = n.chance(0.3);
        pre.push(down.into());
        pre.push(if nearest { "x = 1" } else { "x += 1" }.into());
        post.push(up.into());
        post.push(if nearest { "y = 1" } else { "y += 1" }.into());
        state = Some("x");
        if n.chance(0.35) {
            // An eligibility, which a modulator turns into changes at every step.
            modulated = n.chance(0.7);
            states.push("c = 0".into());
            rates.push(format!("c' = -c / {} ms", n.between(30.0, 200.0)));
            let m = if modulated { "m * " } else { "" };
            rates.push(format!("w' = 0.002 * {m}c * w_max / 1 ms"));
            post.push("c += x".into());
            state = Some("c");
        }
        if n.chance(0.2) {
            post.push("if post.v > post.v at end of first { w -= 0.001 * w_max }".into());
        }
        if n.chance(0.2) {
            post.push("if x > 0.3 and y < 2 { w -= 0.001 * w_max } else { w += 0.001 * w_max }".into());
        }
    }
    let hears = n.chance(0.4);
    let mut text = format!("synapse {name} {{\n    param {}\n", params.join(", "));
    if modulated {
        text.push_str("    modulator m: 1 = 0.5\n");
    }
    text.push_str("    weight w in 0 * w_max .. w_max\n");
    states.iter().for_each(|s| text.push_str(&format!("    state {s}\n")));
    rates.iter().for_each(|r| text.push_str(&format!("    {r}\n")));
    let _ = writeln!(text, "    on pre.spike {{\n        {}\n    }}", pre.join("\n        "));
    if !post.is_empty() {
        let _ = writeln!(text, "    on post.spike {{\n        {}\n    }}", post.join("\n        "));
    }
    if hears {
        text.push_str(n.pick::<&str>(&[
            "    on learn { w *= 0.9 }\n",
            "    on learn { w += 0.2 * (mean(w, over = pre) - w) }\n",
            "    on learn { w += 0.1 * w_max * random() }\n",
            "    on learn { if post.v at end of second > mean(post.v, over = first) { w *= 0.95 } else { w += 0.05 * w_max } }\n",
            "    on learn { w += 0.02 * w_max * poisson(1.5) }\n",
        ]));
    }
    text.push_str("}\n");
    Synapse { text, learns, modulated, state, hears }
}

/// Sizes around the widths of vectors and tiles.
const SIZES: [usize; 12] = [1, 3, 7, 8, 16, 17, 31, 40, 64, 65, 100, 130];

/// Writes how populations of these sizes are connected, and whether that can be drawn again at every event.
fn connector(n: &mut Numbers, a: usize, b: usize) -> (String, bool) {
    match n.below(if a == b { 7 } else { 6 }) {
        0 => (format!("fixed_probability({})", n.between(0.05, 0.5)), true),
        1 | 2 => ("all_to_all".into(), true),
        3 => (format!("fixed_out_degree({})", 1 + n.below(b.min(20))), true),
        4 => (format!("fixed_in_degree({})", 1 + n.below(a.min(20))), false),
        5 => ("where mod(pre.i + 2 * post.i, 3) == 0".into(), false),
        _ => ("one_to_one".into(), true),
    }
}

/// A projection that learns or may: its name, which synapse it is of, the unit of its weight, and a large weight.
struct Link {
    name: String,
    of: usize,
    unit: &'static str,
    top: f64,
}

/// A model with events, as far as it is written.
struct Spiking {
    cells: Vec<Cell>,
    populations: Vec<Population>,
    synapses: Vec<Synapse>,
    links: Vec<Link>,
    text: String,
}

/// Writes a line of a model.
macro_rules! line {
    ($model:expr, $($arg:tt)*) => {{
        let _ = writeln!($model.text, $($arg)*);
    }};
}

impl Spiking {
    fn models(n: &mut Numbers) -> Spiking {
        let cells: Vec<Cell> = (0..1 + n.below(3)).map(|k| cell(n, &format!("C{k}"))).collect();
        let mut population = |k| Population { name: format!("p{k}"), n: *n.pick(&SIZES), cell: n.below(cells.len()) };
        let populations = [0, 1, 2].map(&mut population).into_iter().take(1 + n.below(3)).collect();
        let synapses: Vec<Synapse> = (0..1 + n.below(3)).map(|k| synapse(n, &format!("S{k}"))).collect();
        let mut text: String = cells.iter().map(|c| c.text.as_str()).collect();
        synapses.iter().for_each(|s| text.push_str(&s.text));
        text.push_str("neuron Level { state level = 1, phase = 0   level' = -level / 300 ms   phase' = 1 / 1 ms }\n");
        text.push_str("neuron Several { param rate = 1 kHz   emit spike count ~ poisson(rate * dt) }\n");
        text.push_str("synapse Gap { weight w: 1   deliver w * (pre.v - post.v) }\n");
        text.push_str("synapse Resistor { weight w: nS   deliver w * (pre.v - post.v) }\n");
        Spiking { cells, populations, synapses, links: Vec::new(), text }
    }

    /// Returns a population's model.
    fn cell(&self, population: usize) -> &Cell {
        &self.cells[self.populations[population].cell]
    }

    fn network(&mut self, n: &mut Numbers) {
        line!(self, "network Net {{");
        for p in &self.populations {
            line!(self, "    population {}: C{}[{}]", p.name, p.cell, p.n);
        }
        line!(self, "    population da: Level[1]");
        for k in 0..self.populations.len() {
            self.drives(k, n);
        }
        for k in 0..1 + n.below(4) {
            self.projection(k, n);
        }
        if n.chance(0.25) {
            self.junctions(n);
        }
        if n.chance(0.3) {
            self.several(n);
        }
        line!(self, "}}");
    }

    /// Initial values and what comes from outside.
    fn drives(&mut self, k: usize, n: &mut Numbers) {
        let (name, c) = (&self.populations[k].name, &self.cells[self.populations[k].cell]);
        if n.chance(0.4) {
            let base = if c.unit == "mV" { "" } else { "-65 mV + " };
            match c.state.1.is_empty() {
                true => line!(self, "    init {name}.v ~ uniform(-1, 0)"),
                false => line!(self, "    init {name}.v = {base}0.05 mV * i"),
            }
        }
        let rate = n.between(300.0, 1500.0);
        let weight = format!("{:.3} {}", c.weight * (0.5 + n.part()), c.unit);
        let source = match n.below(4) {
            0 => format!("bernoulli {rate} Hz"),
            1 => format!("poisson {rate} Hz * (1 + sin(t / 20 ms))"),
            2 => format!("poisson {rate} Hz * (1 + 0.01 * i)"),
            _ => format!("poisson {rate} Hz"),
        };
        line!(self, "    drive {name}.exc {{ {source}   weight {weight} }}");
        if n.chance(0.3) {
            line!(self, "    drive {name}.inh {{ spikes [2 ms, 3.3 ms, 21 ms]   weight {weight}   delay 1 ms }}");
        }
    }

    fn projection(&mut self, k: usize, n: &mut Numbers) {
        let (from, to) = (n.below(self.populations.len()), n.below(self.populations.len()));
        let (a, b) = (&self.populations[from], &self.populations[to]);
        let unit = self.cells[b.cell].unit;
        let port = if n.chance(0.7) { "exc" } else { "inh" };
        let (connect, drawn_again) = connector(n, a.n, b.n);
        // Weights that are felt, however many there are.
        let top = self.cells[b.cell].weight * 8.0 / (a.n as f64).sqrt();
        let of = n.below(self.synapses.len() + 1);
        let s = self.synapses.get(of);
        let (half, sixth) = (top / 2.0, top / 6.0);
        let weight = match n.below(4) {
            0 => format!("~ uniform(0 {unit}, {top:.4} {unit})"),
            1 => format!("{half:.4} {unit} * (1 + mod(pre.i, 3)) / 4"),
            2 => format!("~ normal({half:.4} {unit}, {sixth:.4} {unit}) clipped in 0 {unit} .. {top:.4} {unit}"),
            _ => format!("{:.4} {unit}", top * 0.4),
        };
        let delay = match n.below(5) {
            0 => "~ uniform(0.5 ms, 6 ms)".to_string(),
            1 => "0.5 ms * (1 + mod(pre.i, 5))".to_string(),
            2 => "0.5 ms * (1 + mod(post.i + pre.i, 3))".to_string(),
            _ => format!("{:.1} ms", 0.5 * (1 + n.below(20)) as f64),
        };
        // Populations follow one another within a step in their order, so never in a circle.
        let at_once = from < to && n.chance(0.25);
        let delay = if at_once { "0 ms".to_string() } else { delay };
        let dendritic = if s.is_some() && !at_once && n.chance(0.3) { "   delay dendritic 1 ms" } else { "" };
        let modulator = if s.is_some_and(|s| s.modulated) && n.chance(0.7) { "   modulator m = da.level" } else { "" };
        let again = if s.is_none() && drawn_again && !at_once && n.chance(0.3) { "   store never" } else { "" };
        let model = s.map_or("Static".to_string(), |_| format!("S{of}(w_max = {top:.4} {unit})"));
        let rest = format!("connect {connect}   weight {weight}   delay {delay}{dendritic}{modulator}{again}");
        line!(self, "    projection l{k}: {} -> {}.{port}: {model} {{ {rest} }}", a.name, b.name);
        let shares = !s.is_some_and(|s| s.learns) && again.is_empty() && self.cells[a.cell].unit == unit;
        if shares && n.chance(0.3) {
            line!(
                self,
                "    projection {} -> {}.inh: Static {{ connect transpose of l{k}   delay 1.5 ms }}",
                b.name,
                a.name
            );
        }
        self.links.push(Link { name: format!("l{k}"), of, unit, top });
    }

    /// Cells that have several events at once.
    fn several(&mut self, n: &mut Numbers) {
        let (size, b) = (*n.pick(&SIZES), n.pick(&self.populations));
        let (connect, _) = connector(n, size, b.n);
        let c = &self.cells[b.cell];
        let (weight, rate) = (c.weight / size as f64, n.between(0.2, 4.0));
        let delay = *n.pick(&["0 ms", "0.5 ms", "~ uniform(0.5 ms, 3 ms)"]);
        line!(self, "    population several: Several(rate = {rate} kHz)[{size}]");
        line!(
            self,
            "    projection several -> {}.exc: Static {{ connect {connect}   weight {weight:.5} {}   delay {delay} }}",
            b.name,
            c.unit
        );
    }

    /// What flows at every step between the cells of a population.
    fn junctions(&mut self, n: &mut Numbers) {
        let p = n.pick(&self.populations);
        let (model, weight) = match self.cells[p.cell].input.0 {
            "pA" => ("Resistor", "0.1 nS"),
            _ => ("Gap", "0.02"),
        };
        let delay = *n.pick(&["", "   delay 1 ms"]);
        let connect = "connect where mod(pre.i - post.i, 7) == 1";
        line!(self, "    projection {0} -> {0}.I: {model} {{ {connect}   weight {weight}{delay} }}", p.name);
    }

    fn experiment(&mut self, n: &mut Numbers) {
        line!(
            self,
            "experiment e(long: int = 1) {{\n    seed {}\n    dt {} ms",
            n.below(1000),
            n.pick(&["0.1", "0.1", "0.25", "0.05"])
        );
        line!(self, "    network net = Net()");
        self.recordings(n);
        line!(self, "    for k in 1 .. long {{\n        window first {{ run {} ms }}", 10 + n.below(30));
        let chosen = n.below(self.populations.len());
        self.changes(chosen, n);
        line!(self, "        window second {{ run 2.5 ms  for m in 1 .. 3 {{ run {} ms }} }}", 3 + n.below(8));
        for link in &self.links {
            if self.synapses.get(link.of).is_some_and(|s| s.learns) {
                line!(self, "        plasticity on net.{0}\n        measure {0}_mean = mean(net.{0}.w)", link.name);
            }
        }
        line!(self, "        for j in shuffle([1, 2, 3]) {{\n            run {} ms", 2 + n.below(8));
        let ((state, unit), name) = (self.cell(chosen).state, &self.populations[chosen].name);
        line!(self, "            measure total = sum(net.{name}.{state}) + j * 1 {unit}\n        }}\n    }}");
        for p in &self.populations {
            let (state, _) = self.cells[p.cell].state;
            line!(self, "    measure {0}_count = count(net.{0}.spike)\n    measure {0}_last = net.{0}.{state}", p.name);
        }
        for link in &self.links {
            line!(self, "    measure {0}_weights = sum(weights(net.{0}))", link.name);
        }
        line!(self, "}}");
    }

    /// What is recorded, and inputs that follow time.
    fn recordings(&mut self, n: &mut Numbers) {
        for p in &self.populations {
            let c = &self.cells[p.cell];
            let (name, (state, _), (input, felt)) = (&p.name, c.state, c.input);
            line!(self, "    record net.{name}.spike");
            if c.bursts && n.chance(0.5) {
                line!(self, "    record (net.{name}.event, net.{name}.burst)");
            }
            if n.chance(0.6) {
                line!(self, "    record net.{name}.{state} every 1 ms as {name}_{state}");
            }
            if n.chance(0.3) {
                line!(self, "    record mean(net.{name}.{state}) every 2 ms as {name}_mean");
            }
            match n.below(3) {
                0 => line!(self, "    net.{name}.I = {felt} {input} * sin(t / 7 ms)"),
                1 => line!(self, "    net.{name}.I = {felt} {input}"),
                _ => {}
            }
            if n.chance(0.2) {
                line!(self, "    at 13.7 ms {{ net.{name}.I = {} {input} }}", felt / 2.0);
            }
        }
        for Link { name, of, .. } in &self.links {
            let Some(s) = self.synapses.get(*of) else { continue };
            if n.chance(0.4) {
                line!(self, "    record net.{name}.w every 10 ms as {name}_w");
            }
            if let Some(state) = s.state.filter(|_| n.chance(0.4)) {
                line!(self, "    record sum(net.{name}.{state}) every 5 ms as {name}_{state}");
            }
        }
    }

    /// What changes between two runs.
    fn changes(&mut self, chosen: usize, n: &mut Numbers) {
        let hears = self.links.iter().any(|l| self.synapses.get(l.of).is_some_and(|s| s.hears));
        if hears && n.chance(0.7) {
            line!(self, "        signal learn");
        }
        let name = &self.populations[chosen].name;
        let c = &self.cells[self.populations[chosen].cell];
        let (state, unit) = c.state;
        match n.below(5) {
            0 => line!(self, "        net.{name}.tau = {} ms", n.between(5.0, 25.0)),
            1 => line!(self, "        net.{name}[0].{state} += 1 {unit}"),
            2 => line!(self, "        reset net.{name}"),
            3 => line!(self, "        net.{name}.I += 1 {}", c.input.0),
            _ => {}
        }
        for Link { name, of, unit, top } in &self.links {
            match self.synapses.get(*of) {
                Some(s) if s.learns && n.chance(0.3) => line!(self, "        plasticity off net.{name}"),
                Some(_) if n.chance(0.2) => line!(self, "        net.{name}.w = {:.4} {unit}", top / 3.0),
                _ => {}
            }
        }
    }
}

/// Writes a model with events.
fn spiking(n: &mut Numbers) -> String {
    let mut model = Spiking::models(n);
    model.network(n);
    model.experiment(n);
    model.text
}

/// Writes a model without events.
fn rates(n: &mut Numbers) -> String {
    let batch = n.chance(0.5);
    let mut text = String::from(
        "neuron Source { state x = 0.2   let r = tanh(x)   x' = -x / 20 ms }
neuron Unit { param gain = 1.5   input I: 1 = 0.1   input teach: 1 = 0   state x = 0.3   state bias = 0
    let r = tanh(gain * I + bias) + 0.1 * x   let delta = teach - r   x' = (tanh(I) - x) / 5 ms
    on learn { bias += 0.05 * delta } }
",
    );
    let learn =
        n.pick(&["w += 0.05 * pre.r * post.delta", "w += 0.02 * (pre.r * post.r - w * post.r * post.r)", "w *= 0.99"]);
    let bent = !batch && n.chance(0.3);
    let deliver = if bent { "tanh(w * pre.r)" } else { "w * pre.r" };
    let _ = writeln!(text, "synapse Link {{ weight w   deliver {deliver}   on learn {{ {learn} }} }}");
    text.push_str("synapse Back { weight w   deliver w * pre.delta }\n");
    let sizes: Vec<usize> = (0..3).map(|_| *n.pick(&SIZES)).collect();
    let _ = writeln!(
        text,
        "network Net {{\n    population a: Source[{}]\n    population b: Unit[{}]\n    population c: Unit[{}]",
        sizes[0], sizes[1], sizes[2]
    );
    let scale = 1.0 / (sizes[0] as f64).sqrt();
    let delay = |n: &mut Numbers| match n.below(4) {
        0 => "   delay 1 ms",
        // Rules that read the cells take one delay for all synapses.
        1 if !learn.contains("pre") => "   delay 0.5 ms * (1 + mod(pre.i, 3))",
        _ => "",
    };
    let connect = if batch || n.chance(0.6) { "all_to_all" } else { "fixed_probability(0.3)" };
    let first = if batch { "" } else { delay(n) };
    let _ = writeln!(
        text,
        "    projection lower: a -> b.I: Link {{ connect {connect}   weight ~ uniform(-{scale:.3}, {scale:.3}){first} }}"
    );
    let second = if batch { "" } else { delay(n) };
    let _ = writeln!(
        text,
        "    projection upper: b -> c.I: Link {{ connect all_to_all   weight ~ normal(0, 0.3){second} }}"
    );
    if second.is_empty() && !bent {
        text.push_str("    projection c -> b.teach: Back { connect transpose of upper }\n");
    }
    text.push_str("}\n");
    let _ = writeln!(text, "experiment e(long: int = 1) {{\n    seed {}\n    dt 0.5 ms", n.below(1000));
    if batch {
        let many = 2 + n.below(6);
        let examples = many * (1 + n.below(4)) + n.below(2);
        let _ = writeln!(text, "    network net = Net() with batch {many}");
        let _ = writeln!(
            text,
            "    data d = dataset(x = linspace(-1, 1, {}), y = linspace(0, 1, {examples}), examples = {examples})",
            examples * sizes[0]
        );
        let _ = writeln!(text, "    for k in 1 .. long {{\n        for (x, y) in shuffle(d) {{");
        text.push_str("            net.a.x = x\n            net.c.teach = y\n            run 2 ms\n            signal learn\n        }\n");
        text.push_str("        measure error = mean((net.c.r - y)^2) over d { net.a.x = x }\n    }\n");
    } else {
        text.push_str("    network net = Net()\n    net.a.x ~ uniform(-1, 1)\n    record net.b.r every 1 ms as r\n    record mean(net.c.x) every 2 ms as m\n");
        text.push_str("    net.b.I = 0.2 * sin(t / 9 ms)\n    for k in 1 .. long {\n        run 12 ms\n        signal learn\n        net.c.teach = 0.5\n        run 5 ms\n");
        text.push_str("        plasticity off net.upper\n        signal learn\n        plasticity on net.upper\n        measure c = net.c.r\n    }\n");
    }
    text.push_str(
        "    measure lower = net.lower.w\n    measure upper = sum(net.upper.w)\n    measure bias = net.b.bias\n}\n",
    );
    text
}

/// A random valid model, `model.neuro`, with an experiment `e` that `long` makes longer.
pub fn model(n: &mut Numbers) -> String {
    if n.chance(0.25) { rates(n) } else { spiking(n) }
}
