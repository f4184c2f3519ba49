//! Lists of connections as connectors.
//!
//! Input: pairs of cells. Output: for each part of them views of both populations, a connector, and weights and delays as it takes
//! them: of all pairs between two sets of cells, of cells that each have one partner, or else by a matrix.

use super::dimension::{Quantity, number};
use super::inputs::list;
use super::network::Pair;
use std::collections::{BTreeSet, HashMap, HashSet};

/// Connections that one connector makes.
pub struct Shape {
    /// Sources, in the order of the view.
    pub pre: Vec<usize>,
    /// Targets, in the order of the view.
    pub post: Vec<usize>,
    /// The connector.
    pub connector: String,
    /// Weights, in multiples of one impulse.
    pub weight: Values,
    /// Delays; none if all events arrive at once.
    pub delay: Option<Values>,
    /// Arrays that these need: names and values.
    pub arrays: Vec<(String, String)>,
}

/// Values of synapses.
pub enum Values {
    /// One for all.
    One(String),
    /// One for each, in their order, without the unit, which follows.
    Each(Vec<String>, String),
    /// An element of an array, and the unit.
    Element(String, String),
}

impl Values {
    /// The values as multiples of a quantity.
    pub fn times(&self, impulse: &Quantity) -> String {
        let pure = impulse.text == "1";
        match self {
            Values::One(text) => text.parse().map_or(impulse.text.clone(), |x| impulse.times(x).text),
            Values::Each(all, _) if pure => list(all.iter().cloned()),
            Values::Each(all, _) => format!("{} * {}", impulse.text, list(all.iter().cloned())),
            Values::Element(text, _) if pure => text.clone(),
            Values::Element(text, _) => format!("{} * {text}", impulse.text),
        }
    }

    /// The values with their own unit.
    pub fn text(&self) -> String {
        match self {
            Values::One(text) => text.clone(),
            Values::Each(all, unit) => list(all.iter().map(|x| format!("{x} {unit}"))),
            Values::Element(text, unit) => format!("{text} * 1 {unit}"),
        }
    }
}

/// More elements than this are too many for a matrix.
const LARGEST_MATRIX: usize = 200_000;

/// The connectors that make all pairs. `weighted` is whether weights act.
pub fn shapes(pairs: &[Pair], name: &str, weighted: bool) -> Vec<Shape> {
    let mut rest: Vec<Pair> = pairs.to_vec();
    if !weighted {
        rest.iter_mut().for_each(|p| p.weight = 1.0);
    }
    let mut out = Vec::new();
    while !rest.is_empty() {
        let own = if out.is_empty() { name.to_string() } else { format!("{name}_{}", out.len() + 1) };
        let (now, later) = layer(rest);
        rest = later;
        out.push(shape(now, &own));
    }
    out
}

/// Pairs that one connector can make, and the others.
fn layer(pairs: Vec<Pair>) -> (Vec<Pair>, Vec<Pair>) {
    let mut seen = HashSet::new();
    let (once, again): (Vec<Pair>, Vec<Pair>) = pairs.into_iter().partition(|p| seen.insert((p.pre, p.post)));
    let (pre, post) = sets(&once);
    if pre.len().saturating_mul(post.len()) <= LARGEST_MATRIX || product(&once, &pre, &post) || matching(&once) {
        return (once, again);
    }
    let (mut from, mut to) = (HashSet::new(), HashSet::new());
    let (now, mut later): (Vec<Pair>, Vec<Pair>) = once.into_iter().partition(|p| {
        let free = !from.contains(&p.pre) && !to.contains(&p.post);
        if free {
            from.insert(p.pre);
            to.insert(p.post);
        }
        free
    });
    later.extend(again);
    (now, later)
}

fn sets(pairs: &[Pair]) -> (Vec<usize>, Vec<usize>) {
    let pre: BTreeSet<usize> = pairs.iter().map(|p| p.pre).collect();
    let post: BTreeSet<usize> = pairs.iter().map(|p| p.post).collect();
    (pre.into_iter().collect(), post.into_iter().collect())
}

fn product(pairs: &[Pair], pre: &[usize], post: &[usize]) -> bool {
    pre.len().checked_mul(post.len()) == Some(pairs.len())
}

fn matching(pairs: &[Pair]) -> bool {
    let (pre, post) = sets(pairs);
    pre.len() == pairs.len() && post.len() == pairs.len()
}

fn shape(mut pairs: Vec<Pair>, name: &str) -> Shape {
    let (pre, post) = sets(&pairs);
    let mut arrays = Vec::new();
    if matching(&pairs) || product(&pairs, &pre, &post) {
        pairs.sort_by_key(|p| (p.pre, p.post));
        let whole = product(&pairs, &pre, &post) && pairs.len() > 1;
        let connector = if whole { "connect all_to_all" } else { "connect one_to_one" }.to_string();
        let post = if whole { post } else { pairs.iter().map(|p| p.post).collect() };
        let weights: Vec<String> = pairs.iter().map(|p| number(p.weight)).collect();
        let weight = values(weights, "");
        return Shape { pre, post, connector, weight, delay: delays(&pairs), arrays };
    }
    let at = |all: &[usize]| all.iter().enumerate().map(|(n, c)| (*c, n)).collect::<HashMap<usize, usize>>();
    let (row, column) = (at(&pre), at(&post));
    let index = |p: &Pair| row[&p.pre] * post.len() + column[&p.post];
    let matrix = |value: &dyn Fn(&Pair) -> String| {
        let mut all = vec!["0".to_string(); pre.len() * post.len()];
        pairs.iter().for_each(|p| all[index(p)] = value(p));
        let rows: Vec<String> = all.chunks(post.len()).map(|r| r.join(", ")).collect();
        format!("[\n        {}\n    ]", rows.join(",\n        "))
    };
    let element = |array: &str| format!("{array}[pre.i * {} + post.i]", post.len());
    let same = pairs.windows(2).all(|w| w[0].weight == w[1].weight);
    let silent = pairs.iter().any(|p| p.weight == 0.0);
    let weights = format!("{name}_weights");
    let mut weight = Values::Element(element(&weights), String::new());
    let mut connector = format!("connect where {} != 0", element(&weights));
    if same || silent {
        let there = format!("{name}_pairs");
        arrays.push((there.clone(), matrix(&|_| "1".into())));
        connector = format!("connect where {} == 1", element(&there));
    }
    if same {
        weight = Values::One(number(pairs[0].weight));
    } else {
        arrays.push((weights, matrix(&|p| number(p.weight))));
    }
    let mut delay = delays(&pairs);
    if let Some(Values::Each(..)) = delay {
        let array = format!("{name}_delays");
        arrays.push((array.clone(), matrix(&|p| number(p.delay.as_ref().map_or(0.0, |d| d.value * 1e3)))));
        delay = Some(Values::Element(element(&array), "ms".into()));
    }
    Shape { pre, post, connector, weight, delay, arrays }
}

fn values(all: Vec<String>, unit: &str) -> Values {
    match all.first() {
        Some(first) if all.iter().all(|x| x == first) => Values::One(first.clone()),
        _ => Values::Each(all, unit.to_string()),
    }
}

fn delays(pairs: &[Pair]) -> Option<Values> {
    let value = |p: &Pair| p.delay.as_ref().map_or(0.0, |d| d.value);
    if pairs.iter().all(|p| value(p) == 0.0) {
        return None;
    }
    let first = pairs.first().and_then(|p| p.delay.clone());
    match first {
        Some(first) if pairs.iter().all(|p| value(p) == first.value) => Some(Values::One(first.text)),
        _ => Some(Values::Each(pairs.iter().map(|p| number(value(p) * 1e3)).collect(), "ms".into())),
    }
}
