//! Reconstructions in the SWC format (Cannon et al. 1998, J Neurosci Methods 84:49; swc-specification.readthedocs.io): a tree of
//! samples, each a line `identifier type x y z radius parent`.
//!
//! Samples may come in any order and with any identifiers, as long as they make up one tree; the standard wants parents first,
//! but files that were edited by hand do not keep to it, and a tree is as well defined without. If the root is not of the soma,
//! the tree is hung up at the soma: which end of a neurite was traced first means nothing.

use crate::data::Flaw;

/// What a sample belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Code 0.
    Undefined,
    /// Code 1.
    Soma,
    /// Code 2.
    Axon,
    /// Code 3, `dend` in NEURON.
    Basal,
    /// Code 4, `apic` in NEURON.
    Apical,
    /// Codes from 5, which everybody uses as they like.
    Custom(u16),
}

impl Kind {
    fn of(code: i64) -> Option<Kind> {
        match code {
            0 => Some(Kind::Undefined),
            1 => Some(Kind::Soma),
            2 => Some(Kind::Axon),
            3 => Some(Kind::Basal),
            4 => Some(Kind::Apical),
            _ => u16::try_from(code).ok().map(Kind::Custom),
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Undefined => f.write_str("undefined"),
            Kind::Soma => f.write_str("soma"),
            Kind::Axon => f.write_str("axon"),
            Kind::Basal => f.write_str("basal"),
            Kind::Apical => f.write_str("apical"),
            Kind::Custom(code) => write!(f, "custom{code}"),
        }
    }
}

/// A point of a reconstruction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Its identifier in the file.
    pub id: i64,
    pub kind: Kind,
    /// x, y and z, µm.
    pub at: [f64; 3],
    /// µm, above zero.
    pub radius: f64,
    /// Its parent among the samples; none of the root.
    pub parent: Option<usize>,
    /// Its line in the file, from one.
    pub line: usize,
}

/// A reconstruction: one tree with one soma at most, which then is at its root.
#[derive(Debug, Clone, PartialEq)]
pub struct Swc {
    /// Depth first from the root, children by their identifiers.
    pub samples: Vec<Sample>,
}

/// No place of a cell is farther from the origin, in µm: squares of what is allowed stay finite.
const FARTHEST: f64 = 1e9;

/// Radii that can be meant, in µm.
const RADII: std::ops::RangeInclusive<f64> = 1e-9..=1e6;

/// Identifiers that a column of floating-point numbers can hold.
const MOST_ID: i64 = 1 << 53;

const COLUMNS: &str = "a sample is a line `identifier type x y z radius parent`";

/// Reads a file. Comments from `#` to the end of a line, blank lines and columns after the seventh are skipped.
pub fn swc(bytes: &[u8]) -> Result<Swc, Flaw> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(Flaw::new("it is UTF-16 text", "save the file as plain text (UTF-8)"));
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut samples = Vec::new();
    // By sample, as the file has it: the root's is negative.
    let mut parents = Vec::new();
    for (k, line) in lines(text).enumerate() {
        if let Some((sample, parent)) = sample(line, k + 1)? {
            samples.push(sample);
            parents.push(parent);
        }
    }
    tree(samples, &parents)
}

/// The lines of a text, which end with LF, CR LF or CR.
fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut left = Some(text);
    std::iter::from_fn(move || {
        let text = left?;
        let Some(end) = text.iter().position(|b| matches!(b, b'\n' | b'\r')) else { return left.take() };
        let after = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        left = Some(&text[after..]);
        Some(&text[..end])
    })
}

/// The sample of a line, without its parent, and the identifier of that; none if there is only a comment.
fn sample(line: &[u8], number: usize) -> Result<Option<(Sample, i64)>, Flaw> {
    let data = line.split(|b| *b == b'#').next().unwrap_or(&[]);
    let mut fields: [&[u8]; 7] = [&[]; 7];
    let mut found = 0;
    let filled = data.split(u8::is_ascii_whitespace).filter(|f| !f.is_empty());
    for (field, part) in fields.iter_mut().zip(filled) {
        *field = part;
        found += 1;
    }
    if found == 0 {
        return Ok(None);
    }
    if found < fields.len() {
        let fix = match data.iter().find(|b| matches!(b, b',' | b';')) {
            Some(_) => "separate the columns by blanks",
            None => COLUMNS,
        };
        return Err(flaw(number, format!("has {found} of the 7 columns"), fix));
    }
    let whole = |k: usize| whole(fields[k], ["identifier", "type", "", "", "", "", "parent"][k], number);
    let (id, code, parent) = (whole(0)?, whole(1)?, whole(6)?);
    if id < 0 {
        return Err(flaw(number, format!("has the identifier {id}"), "number samples from 0 or 1"));
    }
    let Some(kind) = Kind::of(code) else {
        let fix = "1 is soma, 2 axon, 3 basal and 4 apical dendrite, 0 undefined, 5 to 65535 are your own";
        return Err(flaw(number, format!("has the type {code}"), fix));
    };
    let mut at = [0.0; 3];
    for (k, name) in ["x", "y", "z"].into_iter().enumerate() {
        at[k] = real(fields[2 + k], name, number)?;
        if at[k].abs() > FARTHEST {
            return Err(flaw(
                number,
                format!("has {name} = {:e} µm", at[k]),
                "coordinates are in µm, and within a kilometre",
            ));
        }
    }
    let radius = real(fields[5], "radius", number)?;
    if radius <= 0.0 {
        let fix = "give every sample the radius of its neurite in µm; where it was not measured, a typical one";
        return Err(flaw(number, format!("has the radius {radius}"), fix));
    }
    if !RADII.contains(&radius) {
        return Err(flaw(number, format!("has a radius of {radius:e} µm"), "radii are in µm, from 1e-9 to 1e6"));
    }
    Ok(Some((Sample { id, kind, at, radius, parent: None, line: number }, parent)))
}

/// A finite number.
fn real(field: &[u8], name: &str, line: usize) -> Result<f64, Flaw> {
    match std::str::from_utf8(field).ok().and_then(|t| t.parse::<f64>().ok()) {
        Some(x) if x.is_finite() => Ok(x),
        Some(x) => Err(flaw(line, format!("has {name} = {x}"), "every number must be finite")),
        None => Err(flaw(line, format!("has {name} = `{}`, which is no number", shown(field)), COLUMNS)),
    }
}

/// A whole number, be it written like `3.0`.
fn whole(field: &[u8], name: &str, line: usize) -> Result<i64, Flaw> {
    let x = real(field, name, line)?;
    if x.fract() != 0.0 || x.abs() > MOST_ID as f64 {
        let what = format!("has the {name} `{}`", shown(field));
        return Err(flaw(line, what, "identifiers, types and parents are whole numbers"));
    }
    Ok(x as i64)
}

/// The beginning of a field, as far as a message needs it.
fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(field);
    let clean = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    match text.char_indices().nth(24) {
        Some((end, _)) => text[..end].chars().map(clean).chain(['…']).collect(),
        None => text.chars().map(clean).collect(),
    }
}

fn flaw(line: usize, what: impl std::fmt::Display, fix: &str) -> Flaw {
    Flaw { line: Some(line), ..Flaw::new(format!("line {line} {what}"), fix) }
}

/// Hangs samples on their parents and checks that they make up one tree.
fn tree(mut samples: Vec<Sample>, parents: &[i64]) -> Result<Swc, Flaw> {
    if samples.is_empty() {
        return Err(Flaw::new("there is no sample in it", COLUMNS));
    }
    let mut by_id: Vec<usize> = (0..samples.len()).collect();
    by_id.sort_by_key(|k| samples[*k].id);
    for pair in by_id.windows(2) {
        let (first, second) = (&samples[pair[0]], &samples[pair[1]]);
        if first.id == second.id {
            let what = format!("has the identifier {}, as line {} has", second.id, first.line);
            return Err(flaw(second.line, what, "give every sample an identifier of its own"));
        }
    }
    let mut root = None;
    for (k, id) in parents.iter().enumerate() {
        let (line, own) = (samples[k].line, samples[k].id);
        if *id < 0 {
            if let Some(first) = root.replace(k) {
                let what = format!("is a second root, after that of line {}", samples[first].line);
                return Err(flaw(line, what, "give it a parent, or keep each tree in a file of its own"));
            }
        } else if *id == own {
            return Err(flaw(line, format!("has sample {own} as its own parent"), "the parent of the root is -1"));
        } else {
            let Ok(found) = by_id.binary_search_by_key(id, |k| samples[*k].id) else {
                let fix = "name a sample that is in the file; the parent of the root is -1";
                return Err(flaw(line, format!("has the parent {id}, which is no sample"), fix));
            };
            samples[k].parent = Some(by_id[found]);
        }
    }
    let order = root.map(|root| depth_first(&samples, &by_id, root)).unwrap_or_default();
    if order.len() < samples.len() {
        return Err(circle(&samples, &order));
    }
    name_forks_and_ends(&mut samples, &order);
    let order = match hung_up_at_soma(&mut samples)? {
        Some(root) => depth_first(&samples, &by_id, root),
        None => order,
    };
    let mut place = by_id;
    for (k, sample) in order.iter().enumerate() {
        place[*sample] = k;
    }
    let moved = |k: &usize| Sample { parent: samples[*k].parent.map(|p| place[p]), ..samples[*k] };
    Ok(Swc { samples: order.iter().map(moved).collect() })
}

/// What can be reached from the root: depth first, children by their identifiers.
fn depth_first(samples: &[Sample], by_id: &[usize], root: usize) -> Vec<usize> {
    // The children of sample k are `children[first[k]..first[k + 1]]`.
    let mut first = vec![0; samples.len() + 1];
    for parent in samples.iter().filter_map(|s| s.parent) {
        first[parent + 1] += 1;
    }
    for k in 1..first.len() {
        first[k] += first[k - 1];
    }
    let (mut free, mut children) = (first.clone(), vec![0; samples.len()]);
    for k in by_id {
        if let Some(parent) = samples[*k].parent {
            children[free[parent]] = *k;
            free[parent] += 1;
        }
    }
    let (mut order, mut waiting) = (Vec::with_capacity(samples.len()), vec![root]);
    while let Some(k) = waiting.pop() {
        order.push(k);
        waiting.extend(children[first[k]..first[k + 1]].iter().rev());
    }
    order
}

/// Why samples cannot be reached from the root: each has a parent, so some go round.
fn circle(samples: &[Sample], reached: &[usize]) -> Flaw {
    let mut seen = vec![false; samples.len()];
    reached.iter().for_each(|k| seen[*k] = true);
    let mut at = seen.iter().position(|s| !s).unwrap_or_default();
    while !std::mem::replace(&mut seen[at], true)
        && let Some(parent) = samples[at].parent
    {
        at = parent;
    }
    let what = format!("has sample {}, which is an ancestor of itself", samples[at].id);
    flaw(samples[at].line, what, "follow the parents from there: one must be nearer to the root, whose parent is -1")
}

/// Turns the parents round between the root and the soma, if that is elsewhere, and returns the new root.
fn hung_up_at_soma(samples: &mut [Sample]) -> Result<Option<usize>, Flaw> {
    let is_soma = |k: usize| samples[k].kind == Kind::Soma;
    let mut begins = (0..samples.len()).filter(|k| is_soma(*k) && !samples[*k].parent.is_some_and(is_soma));
    let Some(soma) = begins.next() else { return Ok(None) };
    if let Some(other) = begins.next() {
        let what = format!("begins a second soma, apart from that of line {}", samples[soma].line);
        return Err(flaw(samples[other].line, what, "a cell has one soma: give the others the type of their neurite"));
    }
    if samples[soma].parent.is_none() {
        return Ok(None);
    }
    let (mut above, mut at) = (None, Some(soma));
    while let Some(k) = at {
        at = std::mem::replace(&mut samples[k].parent, above);
        above = Some(k);
    }
    Ok(Some(soma))
}

/// Some programs give forks the type 5 and ends the type 6. Where all forks and ends have these types but for the soma and the
/// root, and nothing else has, they belong to the neurite that they lie on. `order` has parents first.
fn name_forks_and_ends(samples: &mut [Sample], order: &[usize]) {
    const FORK: Kind = Kind::Custom(5);
    const END: Kind = Kind::Custom(6);
    let mut children = vec![0usize; samples.len()];
    samples.iter().filter_map(|s| s.parent).for_each(|p| children[p] += 1);
    let of_neurites = || samples.iter().zip(&children).filter(|(s, _)| s.kind != Kind::Soma && s.parent.is_some());
    let marked = of_neurites().all(|(s, n)| (s.kind == FORK) == (*n > 1) && (s.kind == END) == (*n == 0));
    if !marked || !of_neurites().any(|(s, _)| s.kind == FORK) {
        return;
    }
    for (place, k) in order.iter().enumerate() {
        if !matches!(samples[*k].kind, FORK | END) {
            continue;
        }
        samples[*k].kind = match samples[*k].parent.map(|p| samples[p].kind) {
            // A sample's first child follows it, down to an end.
            None | Some(Kind::Soma) => {
                let after = order[place + 1..].iter().map(|k| samples[*k].kind);
                after.take_while(|kind| *kind != END).find(|kind| *kind != FORK).unwrap_or(Kind::Undefined)
            }
            Some(kind) => kind,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaw_of(text: &str) -> Flaw {
        swc(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn comments_blank_lines_and_more_columns_are_skipped() {
        let plain = swc(b"1 1 0 0 0 5 -1\n2 3 6 0 0 1 1\n").unwrap();
        assert_eq!(plain.samples.iter().map(|s| s.line).collect::<Vec<_>>(), [1, 2]);
        let mut other =
            swc(b"\xef\xbb\xbf# M\xfcller, 5 \xb5m\r\n\r\n  1\t1 0 0.0 -0 5e0 -1 0.3 # soma\r2 3.0 6 0 0 +1 1.0 x")
                .unwrap();
        assert_eq!(other.samples.iter().map(|s| s.line).collect::<Vec<_>>(), [3, 4]);
        for (a, b) in other.samples.iter_mut().zip(&plain.samples) {
            a.line = b.line;
        }
        assert_eq!(other, plain);
    }

    #[test]
    fn defects_name_their_line() {
        let what = |line: &str| flaw_of(&format!("# a cell\n1 1 0 0 0 5 -1\n{line}")).what;
        assert_eq!(what("2 3 6 0 0 1"), "line 3 has 6 of the 7 columns");
        assert_eq!(what("2 3 6 zero 0 1 1"), "line 3 has y = `zero`, which is no number");
        assert_eq!(what("2 3 6 0 NaN 1 1"), "line 3 has z = NaN");
        assert_eq!(what("2 3 1e999 0 0 1 1"), "line 3 has x = inf");
        assert_eq!(what("2 3 1e300 0 0 1 1"), "line 3 has x = 1e300 µm");
        assert_eq!(what("2 3 6 0 0 0 1"), "line 3 has the radius 0");
        assert_eq!(what("2 3 6 0 0 -1 1"), "line 3 has the radius -1");
        assert_eq!(what("2 3 6 0 0 1e-20 1"), "line 3 has a radius of 1e-20 µm");
        assert_eq!(what("2 3 6 0 0 1 2"), "line 3 has sample 2 as its own parent");
        assert_eq!(what("1 3 6 0 0 1 -1"), "line 3 has the identifier 1, as line 2 has");
        assert_eq!(what("2.5 3 6 0 0 1 1"), "line 3 has the identifier `2.5`");
        assert_eq!(what("-2 3 6 0 0 1 1"), "line 3 has the identifier -2");
        assert_eq!(what("2 -3 6 0 0 1 1"), "line 3 has the type -3");
        assert_eq!(what("2 70000 6 0 0 1 1"), "line 3 has the type 70000");
        assert_eq!(what("2 3 6 0 0 1 9"), "line 3 has the parent 9, which is no sample");
        assert_eq!(what("2 3 6 0 0 1 99999999999999999999"), "line 3 has the parent `99999999999999999999`");
        assert_eq!(what("2 3 6 0 0 1 -1"), "line 3 is a second root, after that of line 2");
        assert_eq!(what("2 3 6 0 0 1 1\n3 1 9 0 0 1 2"), "line 4 begins a second soma, apart from that of line 2");
        assert_eq!(
            what("2 3 6 0 0 1 4\n3 3 7 0 0 1 2\n4 3 8 0 0 1 3"),
            "line 3 has sample 2, which is an ancestor of itself"
        );
        assert_eq!(flaw_of("1,1,0,0,0,5,-1").fix, "separate the columns by blanks");
        assert_eq!(flaw_of("# nothing").what, "there is no sample in it");
        assert_eq!(flaw_of("").what, "there is no sample in it");
        assert_eq!(swc(b"\xff\xfe1\0").unwrap_err().what, "it is UTF-16 text");
        let long = what(&format!("2 3 {} 0 0 1 1", "µ".repeat(1000)));
        assert_eq!(long, format!("line 3 has x = `{}…`, which is no number", "µ".repeat(24)));
    }

    #[test]
    fn circles_are_found_beside_what_hangs_on_them() {
        assert_eq!(
            flaw_of("1 3 0 0 0 1 2\n2 3 1 0 0 1 3\n3 3 2 0 0 1 2").what,
            "line 2 has sample 2, which is an ancestor of itself"
        );
    }

    #[test]
    fn parents_may_come_after_their_children() {
        let tree = swc(b"9 3 8 0 0 1 4\n4 3 6 0 0 1 7\n7 1 0 0 0 5 -1\n2 2 0 6 0 1 7").unwrap();
        assert_eq!(tree.samples.iter().map(|s| s.id).collect::<Vec<_>>(), [7, 2, 4, 9]);
        assert_eq!(tree.samples.iter().map(|s| s.parent).collect::<Vec<_>>(), [None, Some(0), Some(0), Some(2)]);
    }

    #[test]
    fn trees_hang_on_their_soma() {
        let tree = swc(b"1 3 9 0 0 1 -1\n2 3 6 0 0 1 1\n3 1 0 0 0 5 2\n4 1 -4 0 0 5 3\n5 3 6 5 0 1 2").unwrap();
        assert_eq!(tree.samples.iter().map(|s| s.id).collect::<Vec<_>>(), [3, 2, 1, 5, 4]);
        assert_eq!(
            tree.samples.iter().map(|s| s.parent).collect::<Vec<_>>(),
            [None, Some(0), Some(1), Some(1), Some(0)]
        );
    }

    #[test]
    fn forks_and_ends_belong_to_their_neurites() {
        let kinds = |text: &str| swc(text.as_bytes()).unwrap().samples.iter().map(|s| s.kind).collect::<Vec<_>>();
        use Kind::*;
        let file = "1 1 0 0 0 5 -1\n2 5 6 0 0 1 1\n3 4 7 0 0 1 2\n4 6 8 0 0 1 3\n5 4 6 7 0 1 2\n6 5 6 8 0 1 5\n7 6 6 9 0 1 6\n8 6 6 8 3 1 6";
        assert_eq!(kinds(file), [Soma, Apical, Apical, Apical, Apical, Apical, Apical, Apical]);
        // An end without the mark: these types are somebody's own.
        let own = kinds(&file.replace("8 6 6", "8 4 6"));
        assert_eq!(own, [Soma, Custom(5), Apical, Custom(6), Apical, Custom(5), Custom(6), Apical]);
        assert_eq!(Custom(5).to_string(), "custom5");
    }

    #[test]
    fn long_chains_are_read() {
        let line = |k: usize| format!("{} 3 {k} 0 0 1 {}\n", k + 1, if k == 0 { -1 } else { k as i64 });
        let text: String = (0..200_000).rev().map(line).collect();
        assert_eq!(swc(text.as_bytes()).unwrap().samples.len(), 200_000);
    }
}
