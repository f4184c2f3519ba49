//! The segments of a cell with a morphology, their groups, and the unbranched sections that they make up.
//!
//! Input: a `morphology`. Output: segments with both ends, groups as sets of them, and sections, parents first. A section is a group
//! marked as unbranched (`neuroLexId="sao864921383"`); any other segment is one of its own.

use super::place::{Outcome, Place, flaw};
use super::xml::Element;
use std::collections::{BTreeMap, BTreeSet};

/// An end of a segment, in micrometres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    at: [f64; 3],
    /// Its diameter.
    pub diameter: f64,
}

/// A frustum of a cell.
#[derive(Clone, Debug)]
pub struct Segment {
    id: String,
    name: Option<String>,
    place: Place,
    /// The segment that it hangs on, and where along it.
    parent: Option<(usize, f64)>,
    /// Its beginning.
    pub from: End,
    /// Its end.
    pub to: End,
    /// Its length: none of a sphere, which has a diameter alone.
    pub length: f64,
}

/// An unbranched chain of segments.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its name.
    pub name: String,
    /// Its segments, in their order.
    pub members: Vec<usize>,
    /// Into how many pieces it is to be cut.
    pub divisions: usize,
    /// The section that it hangs on, and where along it.
    pub joint: Option<(usize, f64)>,
    /// Its length.
    pub length: f64,
}

/// The shape of a cell.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Its segments, parents first.
    pub segments: Vec<Segment>,
    /// Its sections, parents first.
    pub sections: Vec<Section>,
    groups: BTreeMap<String, BTreeSet<usize>>,
}

/// The mark of groups whose segments are one unbranched section.
const UNBRANCHED: &str = "sao864921383";
const MOST_SEGMENTS: usize = 20_000;
const MOST_PIECES: usize = 20_000;
const DEEPEST_GROUP: usize = 64;

impl End {
    /// The distance to another one.
    pub fn to(&self, other: &End) -> f64 {
        (0..3).map(|k| (other.at[k] - self.at[k]).powi(2)).sum::<f64>().sqrt()
    }
}

impl Shape {
    /// Reads a morphology.
    pub fn read(morphology: &Element) -> Outcome<Shape> {
        let mut shape = Shape { segments: segments(morphology)?, ..Shape::default() };
        let mut tags: BTreeMap<&str, &Element> = BTreeMap::new();
        for tag in morphology.all("segmentGroup") {
            let id = tag.need("id")?;
            if tags.insert(id, tag).is_some() {
                return Err(flaw(&tag.place, format!("the group `{id}` is declared twice"), "the second"));
            }
        }
        for tag in morphology.all("segmentGroup") {
            shape.group(tag, &tags, &mut Vec::new())?;
        }
        for own in &morphology.children {
            if !matches!(own.name.as_str(), "segment" | "segmentGroup" | "notes" | "annotation" | "property") {
                return Err(super::part::unknown(own, &own.name));
            }
        }
        shape.cut_sections(morphology)?;
        Ok(shape)
    }

    /// The index of a segment.
    pub fn segment(&self, id: &str) -> Option<usize> {
        self.segments.iter().position(|s| s.id == id)
    }

    /// Whether a group, or for none of this name `all`, holds a segment.
    pub fn holds(&self, group: &str, segment: usize) -> Option<bool> {
        match self.groups.get(group) {
            Some(members) => Some(members.contains(&segment)),
            None => (group == "all").then_some(true),
        }
    }

    /// The section of a place along a segment, and where along the section it is.
    pub fn along(&self, segment: usize, fraction: f64) -> Option<(usize, f64)> {
        self.sections.iter().enumerate().find_map(|(n, section)| {
            let at = section.members.iter().position(|m| *m == segment)?;
            let before: f64 = section.members[..at].iter().map(|m| self.segments[*m].length).sum();
            let length = if section.length > 0.0 { section.length } else { 1.0 };
            Some((n, (before + fraction * self.segments[segment].length) / length))
        })
    }

    /// How far a place along a section lies from the beginning of the root, along the path.
    pub fn path(&self, section: usize, along: f64) -> f64 {
        let (mut section, mut sum) = (section, along * self.sections[section].length);
        while let Some((parent, at)) = self.sections[section].joint {
            section = parent;
            sum += at * self.sections[parent].length;
        }
        sum
    }

    /// The least and the largest path to an end of a segment of a group.
    pub fn extent(&self, group: &str) -> (f64, f64) {
        let members = (0..self.segments.len()).filter(|s| self.holds(group, *s) == Some(true));
        let ends = members.flat_map(|s| [self.along(s, 0.0), self.along(s, 1.0)]).flatten();
        let paths: Vec<f64> = ends.map(|(section, along)| self.path(section, along)).collect();
        (paths.iter().copied().fold(f64::INFINITY, f64::min), paths.iter().copied().fold(0.0, f64::max))
    }

    /// Finds the segments of a group, and of those that it includes.
    fn group(&mut self, tag: &Element, tags: &BTreeMap<&str, &Element>, open: &mut Vec<String>) -> Outcome<()> {
        let id = tag.need("id")?;
        if self.groups.contains_key(id) {
            return Ok(());
        }
        if open.iter().any(|o| o == id) || open.len() > DEEPEST_GROUP {
            return Err(flaw(&tag.place, format!("the group `{id}` includes itself, or is nested too deep"), "here"));
        }
        open.push(id.to_string());
        let mut out = BTreeSet::new();
        for own in &tag.children {
            match own.name.as_str() {
                "member" => {
                    out.insert(self.named(own)?);
                }
                "include" => {
                    let other = own.need("segmentGroup")?;
                    let found = tags.get(other).ok_or_else(|| {
                        flaw(&own.place, format!("there is no group `{other}`"), "named here")
                            .help("declare a `segmentGroup` of this name")
                    })?;
                    self.group(found, tags, open)?;
                    out.extend(&self.groups[other]);
                }
                "path" | "subTree" => out.extend(self.reach(own)?),
                "notes" | "annotation" | "property" | "inhomogeneousParameter" => {}
                other => return Err(super::part::unknown(own, other)),
            }
        }
        open.pop();
        self.groups.insert(id.to_string(), out);
        Ok(())
    }

    fn named(&self, element: &Element) -> Outcome<usize> {
        let id = element.need("segment")?;
        self.segment(id).ok_or_else(|| {
            flaw(&element.place, format!("there is no segment {id}"), "named here").help("mend the number")
        })
    }

    /// The segments of a path, or of all that hangs on one.
    fn reach(&self, element: &Element) -> Outcome<BTreeSet<usize>> {
        let end = |name: &str| element.child(name).map(|e| self.named(e)).transpose();
        let (from, to) = (end("from")?, end("to")?);
        let ancestors = |segment: usize| {
            std::iter::successors(Some(segment), |s| self.segments[*s].parent.map(|p| p.0)).collect::<Vec<_>>()
        };
        match (element.name.as_str(), from, to) {
            ("subTree", Some(from), None) => {
                // Parents come first.
                let mut out = BTreeSet::from([from]);
                for (n, segment) in self.segments.iter().enumerate().skip(from) {
                    if segment.parent.is_some_and(|(parent, _)| out.contains(&parent)) {
                        out.insert(n);
                    }
                }
                Ok(out)
            }
            ("path", Some(from), Some(to)) if ancestors(to).contains(&from) => {
                let mut path: BTreeSet<usize> = ancestors(to).into_iter().collect();
                ancestors(from)[1..].iter().for_each(|s| {
                    path.remove(s);
                });
                Ok(path)
            }
            (tag, ..) => Err(flaw(&element.place, format!("a `{tag}` between these cannot be carried over"), "here")
                .help("write `member`s")),
        }
    }

    fn cut_sections(&mut self, morphology: &Element) -> Outcome<()> {
        let mut home: Vec<Option<usize>> = vec![None; self.segments.len()];
        let mut chains: Vec<(String, Vec<usize>, usize, Place)> = Vec::new();
        let marked = |t: &&Element| t.get("neuroLexId") == Some(UNBRANCHED);
        for tag in morphology.all("segmentGroup").filter(marked) {
            let id = tag.need("id")?;
            let members: Vec<usize> = self.groups[id].iter().copied().collect();
            for (n, member) in members.iter().enumerate() {
                let follows = n == 0 || self.segments[*member].parent == Some((members[n - 1], 1.0));
                if !follows || home[*member].is_some() {
                    let what = format!("the section `{id}` is no chain of segments of its own");
                    return Err(flaw(&tag.place, what, "marked as unbranched")
                        .help("let each segment follow the end of the one before it, and be in one section"));
                }
                home[*member] = Some(chains.len());
            }
            if !members.is_empty() {
                chains.push((id.to_string(), members, divisions(tag)?, tag.place.clone()));
            }
        }
        for (n, segment) in self.segments.iter().enumerate().filter(|(n, _)| home[*n].is_none()) {
            let name = segment.name.clone().unwrap_or_else(|| format!("segment_{}", segment.id));
            chains.push((name, vec![n], 1, segment.place.clone()));
        }
        if chains.iter().map(|c| c.2).sum::<usize>() > MOST_PIECES {
            return Err(flaw(&morphology.place, format!("more than {MOST_PIECES} pieces of sections"), "too many"));
        }
        // Segments stand parents first, and so do their sections.
        chains.sort_by_key(|c| c.1[0]);
        for (name, members, divisions, place) in chains {
            let joint = match self.segments[members[0]].parent {
                Some((segment, fraction)) => self.along(segment, fraction),
                None => None,
            };
            let mut length: f64 = members.iter().map(|m| self.segments[*m].length).sum();
            if let ([root], None) = (&members[..], joint)
                && length == 0.0
            {
                // A sphere, as a cylinder of its area.
                length = self.segments[*root].to.diameter;
                self.segments[*root].length = length;
            }
            if length == 0.0 {
                return Err(flaw(&place, format!("`{name}` has no length"), "this section").help("remove it"));
            }
            self.sections.push(Section { name, members, divisions, joint, length });
        }
        Ok(())
    }
}

fn divisions(tag: &Element) -> Outcome<usize> {
    let Some(own) = tag.all("property").find(|p| p.get("tag") == Some("numberInternalDivisions")) else {
        return Ok(1);
    };
    let text = own.need("value")?;
    text.parse().ok().filter(|n| (1..=10_000).contains(n)).ok_or_else(|| {
        flaw(&own.place, format!("`{text}` is no number of pieces"), "here").help("write a whole number above zero")
    })
}

/// The segments of a morphology, parents first.
fn segments(morphology: &Element) -> Outcome<Vec<Segment>> {
    let mut waiting: Vec<&Element> = morphology.all("segment").collect();
    if waiting.len() > MOST_SEGMENTS {
        return Err(flaw(&morphology.place, format!("more than {MOST_SEGMENTS} segments"), "too many"));
    }
    let mut out: Vec<Segment> = Vec::new();
    let mut index: BTreeMap<String, usize> = BTreeMap::new();
    while !waiting.is_empty() {
        let mut later = Vec::new();
        let before = out.len();
        for tag in waiting {
            let parent = tag.child("parent").map(|p| Ok::<_, Box<_>>((p, p.need("segment")?))).transpose()?;
            let parent = match parent {
                None if out.is_empty() => None,
                None => {
                    return Err(flaw(&tag.place, "a second segment without a parent", "here").help("name its parent"));
                }
                Some((own, id)) => match index.get(id) {
                    Some(found) => Some((*found, fraction(own)?)),
                    None => {
                        later.push(tag);
                        continue;
                    }
                },
            };
            let id = tag.need("id")?.to_string();
            if index.insert(id.clone(), out.len()).is_some() {
                return Err(flaw(&tag.place, format!("the segment {id} is declared twice"), "the second"));
            }
            out.push(segment(tag, id, parent, &out)?);
        }
        if let (true, Some(first)) = (out.len() == before, later.first()) {
            return Err(flaw(&first.place, "this segment hangs on none that there is", "here").help("mend its parent"));
        }
        waiting = later;
    }
    Ok(out)
}

fn segment(tag: &Element, id: String, parent: Option<(usize, f64)>, known: &[Segment]) -> Outcome<Segment> {
    let to = tag
        .child("distal")
        .ok_or_else(|| flaw(&tag.place, "this segment has no end", "incomplete").help("write `distal` within it"))?;
    let to = end(to)?;
    let from = match (tag.child("proximal"), parent) {
        (Some(own), _) => end(own)?,
        (None, Some((parent, fraction))) => known[parent].between(fraction),
        (None, None) => {
            return Err(
                flaw(&tag.place, "this segment has no two ends", "incomplete").help("write `proximal` and `distal`")
            );
        }
    };
    let length = from.to(&to);
    let name = tag.get("name").map(str::to_string);
    Ok(Segment { id, name, place: tag.place.clone(), parent, from, to, length })
}

impl Segment {
    /// What it is like somewhere along it.
    fn between(&self, fraction: f64) -> End {
        let mix = |x: f64, y: f64| if fraction == 1.0 { y } else { x + fraction * (y - x) };
        let at = [0, 1, 2].map(|k| mix(self.from.at[k], self.to.at[k]));
        End { at, diameter: mix(self.from.diameter, self.to.diameter) }
    }
}

fn fraction(parent: &Element) -> Outcome<f64> {
    let Some(text) = parent.get("fractionAlong") else { return Ok(1.0) };
    text.parse().ok().filter(|x| (0.0..=1.0).contains(x)).ok_or_else(|| {
        flaw(&parent.place, format!("`{text}` is no place along a segment"), "here").help("write a number from 0 to 1")
    })
}

/// An end of a segment.
pub fn end(tag: &Element) -> Outcome<End> {
    let number = |name: &str| {
        let text = tag.need(name)?;
        text.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(|| {
            flaw(&tag.place, format!("`{text}` is no number"), "here").help("write a number of micrometres")
        })
    };
    let (at, diameter) = ([number("x")?, number("y")?, number("z")?], number("diameter")?);
    if diameter <= 0.0 {
        return Err(flaw(&tag.place, "a diameter that is not above zero", "of this segment"));
    }
    Ok(End { at, diameter })
}
