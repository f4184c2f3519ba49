//! What is put into cells: currents that follow time, clamps, and spikes from outside.

use super::dimension::{CURRENT, Dimension, NONE, Quantity, TIME, VOLTAGE, number};
use super::group::{Group, add_synapse};
use super::model::{Model, kind};
use super::network::{Input, Network};
use super::place::{Outcome, flaw};
use super::scope::network_name;
use super::xml::Element;
use std::collections::{BTreeSet, HashSet};

/// A current `amplitude` between two times.
pub fn pulse(delay: &Quantity, duration: &Quantity, amplitude: &str) -> String {
    format!("pulse(t, {}, {}, {amplitude})", delay.text, duration.text)
}

const RATE: Dimension = [0, 0, -1, 0, 0, 0, 0];

/// Functions that inputs are made of, by name.
pub const FUNCTIONS: [(&str, &str); 3] = [
    (
        "pulse",
        "fn pulse(t, delay, duration, amplitude) = if t >= delay and t < delay + duration then amplitude else 0 * amplitude\n",
    ),
    (
        "sine",
        "fn sine(t, delay, duration, amplitude, period, phase) = pulse(t, delay, duration, amplitude) * sin(phase + 2 * pi * (t - delay) / period)\n",
    ),
    (
        "ramp",
        "fn ramp(t, delay, duration, start, finish, baseline) =\n    if t >= delay and t < delay + duration then start + (finish - start) * (t - delay) / duration else baseline\n",
    ),
];

/// What an input asks of the cells that it acts on.
pub fn demand<'a>(model: &Model<'a>, element: &'a Element, group: &mut Group<'a>) -> Outcome<()> {
    match kind(element) {
        "poissonFiringSynapse" | "transientPoissonFiringSynapse" | "timedSynapticInput" => {
            add_synapse(group, model.referred(element, "synapse")?, true);
        }
        "voltageClamp" | "voltageClampTriple" => group.clamped = true,
        own if is_own(model, own) => {
            if !group.sources.iter().any(|s| std::ptr::eq(*s, element)) {
                group.sources.push(element);
            }
        }
        _ => {
            let unit = unit(model, element)?;
            group.current.get_or_insert(unit);
        }
    }
    Ok(())
}

/// Whether an input is of a type that a file declares.
fn is_own(model: &Model, kind: &str) -> bool {
    model.is_own(kind) && (model.is_a(kind, "basePointCurrent") || model.is_a(kind, "basePointCurrentDL"))
}

/// What names of what an input acts on begin with: `soma.` in a cell of compartments.
pub type Heads<'p> = &'p dyn Fn(&Input) -> Outcome<String>;

/// The statements that switch inputs on.
pub fn switched(model: &Model, network: &Network, heads: Heads) -> Outcome<Vec<String>> {
    let mut out: Vec<String> = Vec::new();
    let mut seen = HashSet::new();
    for input in network.inputs.iter().filter(|i| is_own(model, kind(i.component))) {
        let head = heads(input)?;
        if !seen.insert((input.population, input.cell, head.clone(), input.component.get("id"))) {
            return Err(flaw(
                &input.component.place,
                "two inputs of one kind into one cell cannot be carried over",
                "this input",
            )
            .help("declare a component for each of them"));
        }
        let (on, weight) = super::synapse::switches(input.component);
        let cell = view(network, input.population, &[input.cell]);
        out.push(format!("init {cell}.{head}{on} = 1"));
        if input.weight != 1.0 {
            out.push(format!("init {cell}.{head}{weight} = {}", number(input.weight)));
        }
    }
    Ok(out)
}

fn unit(model: &Model, element: &Element) -> Outcome<String> {
    match kind(element) {
        "compoundInput" => match element.children.iter().find(|c| kind(c) != "notes") {
            Some(first) => unit(model, first),
            None => Ok("nA".into()),
        },
        "pulseGenerator" | "sineGenerator" => Ok(model.quantity(element, "amplitude", CURRENT)?.unit),
        "rampGenerator" => Ok(model.quantity(element, "finishAmplitude", CURRENT)?.unit),
        own if own.ends_with("DL") => Ok("1".into()),
        own => Err(super::part::unknown(element, own)),
    }
}

/// The current of an input as a function of `t`.
fn current(model: &Model, element: &Element, weight: f64) -> Outcome<String> {
    let time = |name: &str| model.quantity(element, name, TIME);
    let scaled = |name: &str, dimension| {
        Ok::<_, Box<crate::convert::Flaw>>(model.quantity(element, name, dimension)?.times(weight))
    };
    let own = kind(element);
    let dimension = if own.ends_with("DL") { NONE } else { CURRENT };
    match own.trim_end_matches("DL") {
        "pulseGenerator" => Ok(pulse(&time("delay")?, &time("duration")?, &scaled("amplitude", dimension)?.text)),
        "sineGenerator" => Ok(format!(
            "sine(t, {}, {}, {}, {}, {})",
            time("delay")?.text,
            time("duration")?.text,
            scaled("amplitude", dimension)?.text,
            time("period")?.text,
            model.quantity(element, "phase", NONE)?.text
        )),
        "rampGenerator" => Ok(format!(
            "ramp(t, {}, {}, {}, {}, {})",
            time("delay")?.text,
            time("duration")?.text,
            scaled("startAmplitude", dimension)?.text,
            scaled("finishAmplitude", dimension)?.text,
            scaled("baselineAmplitude", dimension)?.text
        )),
        "compoundInput" => {
            let children =
                element.children.iter().filter(|c| !matches!(c.name.as_str(), "notes" | "annotation" | "property"));
            let parts: Vec<String> = children.map(|c| current(model, c, weight)).collect::<Outcome<_>>()?;
            if parts.is_empty() {
                return Err(
                    flaw(&element.place, "a compound input of nothing", "here").help("write an input within it")
                );
            }
            Ok(parts.join(" + "))
        }
        _ => Err(super::part::unknown(element, own)),
    }
}

/// What the experiment assigns.
#[derive(Default)]
pub struct Assignments {
    /// Target and value of each statement.
    pub lines: Vec<(String, String)>,
}

/// What is assigned: to which cell, called what, which value.
type Assigned = ((usize, usize), String, String);

/// The statements that put currents into cells. Cells of one population that are given the same share one.
pub fn assignments(
    model: &Model,
    network: &Network,
    heads: Heads,
    port: &dyn Fn(&Input) -> Outcome<String>,
) -> Outcome<Assignments> {
    let mut currents: Vec<Assigned> = Vec::new();
    let mut clamps: [Vec<Assigned>; 2] = [Vec::new(), Vec::new()];
    for input in &network.inputs {
        let at = (input.population, input.cell);
        match kind(input.component) {
            "poissonFiringSynapse" | "transientPoissonFiringSynapse" | "timedSynapticInput" => {}
            "voltageClamp" | "voltageClampTriple" => {
                let head = heads(input)?;
                let (conductance, potential) = clamp(model, input.component, input.weight)?;
                if clamps[0].iter().any(|c| c.0 == at && c.1.starts_with(&head)) {
                    return Err(flaw(
                        &input.component.place,
                        "two clamps of one cell cannot be carried over",
                        "the second",
                    ));
                }
                clamps[0].push((at, format!("{head}g_clamp"), conductance));
                clamps[1].push((at, format!("{head}V_clamp"), potential));
            }
            own if is_own(model, own) => {}
            _ => {
                let text = current(model, input.component, input.weight)?;
                let port = port(input)?;
                match currents.iter_mut().find(|c| c.0 == at && c.1 == port) {
                    Some((.., terms)) => *terms += &format!(" + {text}"),
                    None => currents.push((at, port, text)),
                }
            }
        }
    }
    let mut out = Assignments::default();
    shared(network, &currents, &mut out);
    clamps.iter().for_each(|all| shared(network, all, &mut out));
    Ok(out)
}

fn clamp(model: &Model, element: &Element, weight: f64) -> Outcome<(String, String)> {
    let (delay, duration) = (model.quantity(element, "delay", TIME)?, model.quantity(element, "duration", TIME)?);
    let resistance = model.quantity(element, "simpleSeriesResistance", [1, 2, -3, -2, 0, 0, 0])?;
    let conductance = format!("{} / ({})", number(weight), resistance.text);
    if kind(element) == "voltageClampTriple" {
        let active = model.quantity(element, "active", NONE)?.value == 1.0;
        let voltage = |name: &str| model.quantity(element, name, VOLTAGE).map(|q| q.text);
        let (first, second) = (voltage("conditioningVoltage")?, voltage("testingVoltage")?);
        let third = voltage("returnVoltage")?;
        let steps = format!(
            "if t < {} then {first} else if t <= {} + {} then {second} else {third}",
            delay.text, duration.text, delay.text
        );
        return Ok((if active { conductance } else { format!("0 / ({})", resistance.text) }, steps));
    }
    let voltage = model.quantity(element, "targetVoltage", VOLTAGE)?;
    Ok((pulse(&delay, &duration, &conductance), voltage.text))
}

fn shared(network: &Network, all: &[Assigned], out: &mut Assignments) {
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for (n, ((population, _), port, text)) in all.iter().enumerate() {
        if done.contains(&n) {
            continue;
        }
        let same = |m: &usize| all[*m].0.0 == *population && all[*m].1 == *port && all[*m].2 == *text;
        let alike: Vec<usize> = (n..all.len()).filter(same).collect();
        done.extend(&alike);
        let indices: Vec<usize> = alike.iter().map(|m| all[*m].0.1).collect();
        let target = view(network, *population, &indices);
        out.lines.push((format!("{target}.{port}"), text.clone()));
    }
}

/// Cells of a population, as they are written.
pub fn view(network: &Network, population: usize, cells: &[usize]) -> String {
    let own = &network.populations[population];
    let name = network_name(own.id);
    let whole = cells.len() == own.size && cells.iter().enumerate().all(|(n, c)| n == *c);
    let run = cells.windows(2).all(|w| w[1] == w[0] + 1);
    match cells {
        _ if whole => name,
        [one] => format!("{name}[{one}]"),
        [first, .., last] if run => format!("{name}[{first} .. {}]", last + 1),
        _ => format!("{name}[{}]", list(cells.iter().map(usize::to_string))),
    }
}

/// A list, wrapped.
pub fn list(items: impl Iterator<Item = String>) -> String {
    let mut out = String::from("[");
    let mut width = 0;
    for (n, item) in items.enumerate() {
        if n > 0 {
            out.push(',');
            width += 1;
            if width + item.len() > 100 {
                out += "\n            ";
                width = 0;
            } else {
                out.push(' ');
                width += 1;
            }
        }
        width += item.len();
        out += &item;
    }
    out + "]"
}

/// The times of spikes, in ascending order.
pub fn times<'e>(model: &Model, spikes: impl Iterator<Item = &'e Element>) -> Outcome<Vec<String>> {
    let mut all: Vec<Quantity> = spikes.map(|s| model.quantity(s, "time", TIME)).collect::<Outcome<_>>()?;
    all.sort_by(|x, y| x.value.total_cmp(&y.value));
    Ok(all.into_iter().map(|q| q.text).collect())
}

/// The port of a synapse of a population, and what an event of weight one is.
pub type Ports<'p> = &'p dyn Fn(&Input, &str) -> Outcome<Option<(String, Quantity)>>;

/// Spikes from outside: a drive for each kind of input and set of cells.
pub fn drives(model: &Model, network: &Network, ports: Ports) -> Outcome<Vec<String>> {
    let mut kinds: Vec<(&Input, Vec<usize>)> = Vec::new();
    for input in &network.inputs {
        if !matches!(
            kind(input.component),
            "poissonFiringSynapse" | "transientPoissonFiringSynapse" | "timedSynapticInput"
        ) {
            continue;
        }
        let same = |k: &&mut (&Input, Vec<usize>)| {
            std::ptr::eq(k.0.component, input.component)
                && k.0.population == input.population
                && k.0.spot == input.spot
                && k.0.weight == input.weight
                && !k.1.contains(&input.cell)
        };
        match kinds.iter_mut().find(same) {
            Some(found) => found.1.push(input.cell),
            None => kinds.push((input, vec![input.cell])),
        }
    }
    let mut out = Vec::new();
    for (input, cells) in kinds {
        let element = input.component;
        let synapse = model.referred(element, "synapse")?;
        if !super::synapse::mechanisms(model, synapse).is_empty() {
            return Err(flaw(&element.place, "a drive through a plastic synapse cannot be carried over", "this input")
                .help("use a population of `spikeGeneratorPoisson` and a projection"));
        }
        let Some((port, impulse)) = ports(input, synapse.get("id").unwrap_or(""))? else { continue };
        let events = match kind(element) {
            "timedSynapticInput" => {
                let times = times(model, element.children.iter().filter(|c| c.name == "spike"))?;
                format!("spikes {}", list(times.into_iter()))
            }
            "transientPoissonFiringSynapse" => {
                let rate = model.quantity(element, "averageRate", RATE)?;
                let (delay, duration) =
                    (model.quantity(element, "delay", TIME)?, model.quantity(element, "duration", TIME)?);
                format!("poisson {}", pulse(&delay, &duration, &rate.text))
            }
            _ => format!("poisson {}", model.quantity(element, "averageRate", RATE)?.text),
        };
        let target = view(network, input.population, &cells);
        let weight = impulse.times(input.weight).text;
        let delay = if events.starts_with("spikes") { "   delay 0 ms" } else { "" };
        out.push(format!("drive {target}.{port} {{ {events}   weight {weight}{delay} }}"));
    }
    Ok(out)
}
