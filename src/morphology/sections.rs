//! Sections: unbranched stretches of one kind between forks, as NEURON's `Import3d_SWC_read` makes them of a file whose samples
//! are numbered depth first, and those of the soma first of all.
//!
//! A section begins with a copy of the sample that it hangs on. The soma and what hangs on it:
//!
//! * A soma of one sample is a sphere, written as a cylinder as long as wide along x, with the same area; neurites hang on its
//!   middle.
//! * Three samples as NeuroMorpho.Org writes spheres (neuromorpho.org/SomaFormat.html: one in the middle with two children half a
//!   diameter away, of the same radius, nothing hangs on these) are that sphere. Within 1 %, for coordinates are rounded.
//! * Any other soma is a chain of frusta through its samples, which forks where they do. Neurites hang on its beginning, on its
//!   end or, from anywhere between, on its middle.
//! * A neurite that hangs on a sphere, on the middle, or where the soma forks begins with its own first sample, on the surface;
//!   what leads there through the soma is a wire without resistance. If it has no second sample, it begins inside the soma
//!   instead.
//! * Whatever begins inside the soma has the radius of its own first sample there.
//!
//! It differs from NEURON in this: sections do not end where numbers skip; where a neurite forks in its very first sample on
//! the surface, all its branches hang on the soma by wires (in NEURON not if that is the second sample of the file, or if they
//! differ in kind); if no wire leads to that sample, the way there is a section (in NEURON, other branches than the first hang
//! on the soma); a section without length is left out however many samples it has; and there is one soma, at the root.

use super::swc::{Kind, Sample, Swc};
use crate::data::Flaw;
use std::collections::BTreeMap;

/// A point of a section.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// x, y and z, µm.
    pub at: [f64; 3],
    /// µm.
    pub radius: f64,
}

impl Point {
    fn of(sample: &Sample) -> Point {
        Point { at: sample.at, radius: sample.radius }
    }

    /// The distance to another point, µm.
    pub fn to(&self, other: &Point) -> f64 {
        let [x, y, z] = [0, 1, 2].map(|k| other.at[k] - self.at[k]);
        (x * x + y * y + z * z).sqrt()
    }
}

/// Where a section hangs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Joint {
    /// The parent section.
    pub section: usize,
    /// The place along it: 0 at its beginning (of the root only), 0.5 in the middle (of the soma only), 1 at its end.
    pub at: f64,
}

/// An unbranched stretch.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub kind: Kind,
    /// Its number among the sections of its kind, by identifiers, as in NEURON: `dend[3]` is the basal one of index 3.
    pub index: usize,
    /// The identifier of the first sample that is its own.
    pub id: i64,
    /// None of the root.
    pub parent: Option<Joint>,
    /// At least two.
    pub points: Vec<Point>,
    /// µm, above zero.
    pub length: f64,
    /// Path distance of its beginning, µm: see `distance`.
    pub begin: f64,
}

impl Section {
    /// The path distance of a place along it (0 to 1) in µm, as NEURON's `distance(soma(0.5), section(x))`: along the sections,
    /// from the middle of the root section if that is of the soma, else from its beginning. Wires have no length.
    pub fn distance(&self, x: f64) -> f64 {
        match (self.parent, self.kind) {
            (None, Kind::Soma) => self.length * (x - 0.5).abs(),
            _ => self.begin + self.length * x,
        }
    }
}

/// Sections this short, in µm, are none.
const NEGLIGIBLE: f64 = 1e-9;

/// How far the length of a sphere of three samples may be from its diameter.
const ROUNDED: f64 = 0.01;

/// Makes sections of samples, parents first.
pub fn sections(swc: &Swc) -> Result<Vec<Section>, Flaw> {
    let skeleton = Skeleton::of(&swc.samples);
    let mut found: Vec<Section> = Vec::new();
    // By sample: the section that it is part of.
    let mut home = vec![0; swc.samples.len()];
    for (k, sample) in swc.samples.iter().enumerate() {
        let start = match sample.parent {
            None => Start { parent: None, first: None },
            Some(p) if skeleton.next[p] == Some(k) => {
                home[k] = home[p];
                found[home[k]].points.push(Point::of(sample));
                continue;
            }
            Some(p) => match skeleton.start(p, k, home[p]) {
                Some(start) => start,
                None => {
                    home[k] = home[p];
                    continue;
                }
            },
        };
        home[k] = found.len();
        let points = start.first.into_iter().chain([Point::of(sample)]).collect();
        let (kind, id, parent) = (sample.kind, sample.id, start.parent);
        found.push(Section { kind, index: 0, id, parent, points, length: 0.0, begin: 0.0 });
    }
    if let [center] = found[0].points[..] {
        found[0].points = sphere(center);
    }
    for section in &mut found {
        section.length = section.points.windows(2).map(|p| p[0].to(&p[1])).sum();
    }
    if found[0].length <= NEGLIGIBLE {
        let (line, n) = (swc.samples[0].line, found[0].points.len());
        let what = format!("line {line} begins a section of {n} samples in one place");
        return Err(Flaw::new(what, "keep one of them, which stands for a sphere"));
    }
    let mut kept = without_lengthless(found);
    for k in 0..kept.len() {
        kept[k].begin = match kept[k].parent {
            Some(joint) => kept[joint.section].distance(joint.at),
            None => kept[k].distance(0.0),
        };
    }
    let mut by_id: Vec<&mut Section> = kept.iter_mut().collect();
    by_id.sort_by_key(|s| s.id);
    let mut counts = BTreeMap::new();
    for section in by_id {
        let count = counts.entry(section.kind).or_insert(0);
        section.index = *count;
        *count += 1;
    }
    Ok(kept)
}

/// A cylinder as long as wide, of the same area as the sphere.
fn sphere(center: Point) -> Vec<Point> {
    let [x, y, z] = center.at;
    [x - center.radius, x, x + center.radius].map(|x| Point { at: [x, y, z], ..center }).into()
}

/// Leaves sections without length out; what hangs on one hangs on its parent instead.
fn without_lengthless(found: Vec<Section>) -> Vec<Section> {
    let mut kept: Vec<Section> = Vec::new();
    // By section: where it has gone, or for those that are left out, what their children hang on.
    let mut moved: Vec<Result<usize, Option<Joint>>> = Vec::with_capacity(found.len());
    for mut section in found {
        section.parent = section.parent.and_then(|joint| match moved[joint.section] {
            Ok(section) => Some(Joint { section, ..joint }),
            Err(joint) => joint,
        });
        if section.length <= NEGLIGIBLE {
            moved.push(Err(section.parent));
        } else {
            moved.push(Ok(kept.len()));
            kept.push(section);
        }
    }
    kept
}

/// How a section begins.
struct Start {
    parent: Option<Joint>,
    /// The point before its first sample; none where a wire leads there.
    first: Option<Point>,
}

/// How samples follow each other.
struct Skeleton<'a> {
    samples: &'a [Sample],
    /// By sample, how many children it has, and how many of the soma.
    children: Vec<usize>,
    of_soma: Vec<usize>,
    /// By sample: the child that goes on with its section.
    next: Vec<Option<usize>>,
    /// Whether the soma is a sphere of three samples.
    is_three_points: bool,
}

impl Skeleton<'_> {
    fn of(samples: &[Sample]) -> Skeleton<'_> {
        let n = samples.len();
        let mut s = Skeleton {
            samples,
            children: vec![0; n],
            of_soma: vec![0; n],
            next: vec![None; n],
            is_three_points: false,
        };
        for sample in samples {
            if let Some(p) = sample.parent {
                s.children[p] += 1;
                s.of_soma[p] += usize::from(sample.kind == Kind::Soma);
            }
        }
        s.is_three_points = s.has_three_points();
        for (k, sample) in samples.iter().enumerate() {
            if let Some(p) = sample.parent
                && s.next[p].is_none()
                && s.goes_on(p, k)
            {
                s.next[p] = Some(k);
            }
        }
        s
    }

    fn is_soma(&self, k: usize) -> bool {
        self.samples[k].kind == Kind::Soma
    }

    /// Returns whether the soma is three samples that stand for a sphere.
    fn has_three_points(&self) -> bool {
        let middle = &self.samples[0];
        let others = || self.samples[1..].iter().zip(&self.children[1..]).filter(|(s, _)| s.kind == Kind::Soma);
        let fits = |s: &Sample, children: usize| s.parent == Some(0) && children == 0 && s.radius == middle.radius;
        let length: f64 = others().map(|(s, _)| Point::of(middle).to(&Point::of(s))).sum();
        self.is_soma(0)
            && others().count() == 2
            && others().all(|(s, n)| fits(s, *n))
            && (length / (2.0 * middle.radius) - 1.0).abs() < ROUNDED
    }

    /// Returns whether a child may go on with its parent's section. On the soma, neurites do not end one; the root's first
    /// child goes on with it, and others hang on its beginning.
    fn goes_on(&self, parent: usize, child: usize) -> bool {
        if self.samples[parent].kind != self.samples[child].kind || self.is_soma(parent) && self.is_three_points {
            return false;
        }
        let among = if self.is_soma(parent) { self.of_soma[parent] } else { self.children[parent] };
        parent == 0 || among == 1
    }

    /// Where a neurite hangs on a sample of the soma, and whether a wire leads to it.
    fn on_soma(&self, p: usize) -> (f64, bool) {
        match (p, self.next[p]) {
            (0, None) => (0.5, true),
            (0, Some(_)) => (0.0, self.of_soma[p] > 1),
            (_, Some(_)) => (0.5, true),
            (_, None) => (1.0, self.of_soma[p] > 1),
        }
    }

    /// Returns whether branches of a neurite that forks in its first sample hang on the soma, each by a wire.
    fn is_dissolved(&self, k: usize) -> bool {
        let parent = self.samples[k].parent.filter(|p| self.is_soma(*p) && !self.is_soma(k));
        parent.is_some_and(|p| self.on_soma(p).1 && self.children[k] > 1)
    }

    /// How a section begins whose first sample `k` hangs on `p` of section `home`; none if `k` begins no section.
    fn start(&self, p: usize, k: usize, home: usize) -> Option<Start> {
        let begin = |at, first| Some(Start { parent: Some(Joint { section: home, at }), first });
        let before = Point::of(&self.samples[p]);
        if self.is_soma(k) && self.is_three_points || self.is_dissolved(k) {
            return None;
        }
        if self.is_soma(p) && !self.is_soma(k) {
            let (at, by_wire) = self.on_soma(p);
            let inside = Point { radius: self.samples[k].radius, ..before };
            return begin(at, (!by_wire || self.next[k].is_none()).then_some(inside));
        }
        if self.is_dissolved(p) {
            let soma = self.samples[p].parent.unwrap_or_default();
            return begin(self.on_soma(soma).0, Some(before));
        }
        begin(if p == 0 { 0.0 } else { 1.0 }, Some(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::morphology::swc;

    fn of(text: &str) -> Vec<Section> {
        sections(&swc(text.as_bytes()).unwrap()).unwrap()
    }

    fn joint(section: usize, at: f64) -> Option<Joint> {
        Some(Joint { section, at })
    }

    #[test]
    fn a_lone_sample_is_a_sphere() {
        let cell = of("7 1 1 2 3 5 -1");
        let xs: Vec<f64> = cell[0].points.iter().map(|p| p.at[0]).collect();
        assert_eq!((cell.len(), xs, cell[0].length, cell[0].begin), (1, vec![-4.0, 1.0, 6.0], 10.0, 5.0));
    }

    #[test]
    fn three_samples_are_a_sphere_within_a_percent() {
        let soma = |y: f64, r: f64| {
            format!("1 1 0 0 0 5 -1\n2 1 0 -5 0 5 1\n3 1 0 {y} 0 {r} 1\n4 3 9 0 0 1 1\n5 3 19 0 0 1 4")
        };
        let cell = of(&soma(5.04, 5.0));
        assert_eq!((cell.len(), cell[0].length, cell[1].length, cell[1].parent), (2, 10.0, 10.0, joint(0, 0.5)));
        // Too long, or not of one radius: two sections of the soma, and a neurite on a wire where they meet.
        for other in [soma(5.2, 5.0), soma(5.0, 4.9)] {
            let cell = of(&other);
            assert_eq!((cell.len(), cell[0].length, cell[2].length), (3, 5.0, 10.0));
            assert_eq!((cell[1].parent, cell[2].parent, cell[2].begin), (joint(0, 0.0), joint(0, 0.0), 2.5));
        }
    }

    #[test]
    fn neurites_on_a_sphere_begin_on_its_surface_if_they_can() {
        let cell = of("1 1 0 0 0 5 -1\n2 3 6 0 0 1 1\n3 3 16 0 0 1 2\n4 3 0 7 0 2 1");
        assert_eq!((cell[1].length, cell[1].points.len(), cell[1].begin), (10.0, 2, 0.0));
        // One sample: from the centre, as wide as it is there.
        assert_eq!((cell[2].length, cell[2].points[0].radius, cell[2].parent), (7.0, 2.0, joint(0, 0.5)));
    }

    #[test]
    fn forks_on_the_surface_hang_on_the_soma() {
        let second = "1 1 0 0 0 5 -1\n2 3 6 0 0 1 1\n3 3 16 0 0 2 2\n4 2 6 8 0 1 2";
        let cell = of(second);
        assert_eq!(cell.iter().map(|s| s.kind).collect::<Vec<_>>(), [Kind::Soma, Kind::Basal, Kind::Axon]);
        assert!(cell[1..].iter().all(|s| s.parent == joint(0, 0.5) && s.begin == 0.0 && s.points.len() == 2));
        assert_eq!((cell[1].length, cell[2].length, cell[1].points[0].radius), (10.0, 8.0, 1.0));
        // Where no wire leads, the way to the fork is a section.
        let cell = of("1 1 0 0 0 5 -1\n2 1 10 0 0 5 1\n3 3 14 0 0 1 2\n4 3 24 0 0 2 3\n5 3 14 8 0 1 3");
        assert_eq!((cell.len(), cell[1].length, cell[1].parent), (4, 4.0, joint(0, 1.0)));
        assert!(cell[2..].iter().all(|s| s.parent == joint(1, 1.0) && s.begin == 9.0));
    }

    #[test]
    fn sections_do_not_depend_on_numbers_and_order() {
        let file = "1 1 0 0 0 5 -1\n2 3 6 0 0 1 1\n3 3 16 0 0 1 2\n4 3 26 3 0 0.5 3\n5 3 26 -3 0 0.5 3\n6 2 0 -6 0 1 1\n7 2 0 -9 0 1 6";
        let mut lines: Vec<String> = file.lines().map(str::to_string).collect();
        lines.reverse();
        assert_eq!(of(&lines.join("\n")), of(file));
        // Breadth first, with gaps.
        let other = "10 1 0 0 0 5 -1\n20 3 6 0 0 1 10\n31 2 0 -6 0 1 10\n\
            40 3 16 0 0 1 20\n57 2 0 -9 0 1 31\n60 3 26 3 0 0.5 40\n70 3 26 -3 0 0.5 40";
        let shape = |s: Section| (s.kind, s.index, s.parent, s.points, s.begin);
        assert_eq!(
            of(other).into_iter().map(shape).collect::<Vec<_>>(),
            of(file).into_iter().map(shape).collect::<Vec<_>>()
        );
    }

    #[test]
    fn sections_without_length_are_left_out() {
        let cell = of(
            "1 1 0 0 0 5 -1\n2 3 6 0 0 1 1\n3 3 16 0 0 1 2\n4 3 16 9 0 1 3\n5 3 16 0 0 2 3\n6 3 16 0 8 1 5\n7 3 16 0 -8 1 5",
        );
        assert_eq!(cell.iter().map(|s| s.parent).collect::<Vec<_>>()[2..], [joint(1, 1.0); 3]);
        assert_eq!(cell.iter().map(|s| s.id).collect::<Vec<_>>(), [1, 2, 4, 6, 7]);
        let soma = swc(b"1 1 0 0 0 5 -1\n2 1 0 0 0 5 1").unwrap();
        assert_eq!(sections(&soma).unwrap_err().what, "line 1 begins a section of 2 samples in one place");
    }

    #[test]
    fn without_a_soma_paths_begin_at_the_root() {
        let cell = of("1 2 0 0 0 1 -1\n2 2 10 0 0 1 1\n3 2 20 0 0 1 2\n4 2 -10 0 0 1 1");
        assert_eq!((cell.len(), cell[0].begin, cell[0].distance(1.0)), (2, 0.0, 20.0));
        assert_eq!((cell[1].parent, cell[1].distance(0.5)), (joint(0, 0.0), 5.0));
    }
}
