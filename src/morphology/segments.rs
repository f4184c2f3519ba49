//! Segments: sections cut into pieces of equal length, and the nodes between them, as rows for a solver along the tree.
//!
//! A segment's potential is that of its middle. Sections meet in nodes: rows of no area at the end of every section on which
//! others hang, and one at the beginning of the root if some hang there. So the resistance between any two rows lies within one
//! section, and coupling is of second order at forks, too. What hangs on the middle of the soma joins the middle of its segment
//! there.

use super::frusta::{Stretch, arc, stretches};
use super::sections::{Joint, Section};
use super::swc::Kind;
use crate::data::Flaw;
use std::f64::consts::PI;

/// How sections are cut.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cut {
    /// Into so many segments.
    Count(usize),
    /// Into the fewest segments that are no longer than this, in µm.
    Every(f64),
    /// Into the fewest segments of an odd number that are no longer than a share of the length constant at a frequency (Hines and
    /// Carnevale 2001, Neuroscientist 7:123, doi 10.1177/107385840100700207).
    Lambda {
        /// 0.1 is usual.
        share: f64,
        /// Hz; 100 is usual.
        frequency: f64,
        /// C_m, µF/cm².
        capacitance: f64,
        /// R_a, Ω·cm.
        resistivity: f64,
    },
}

/// A cell may have so many segments.
const MOST: usize = 1 << 20;

impl Cut {
    /// Returns how many segments a section has; more than `MOST` mean too many.
    fn count(&self, section: &Section) -> usize {
        // Rounding of lengths makes no segment more.
        let fewest = |n: f64| (n - 1e-9).ceil().clamp(1.0, MOST as f64 + 1.0) as usize;
        match *self {
            Cut::Count(n) => n.min(MOST + 1),
            Cut::Every(longest) => fewest(section.length / longest),
            // `nseg = int((L/(d_lambda*lambda_f(f))+.9)/2)*2 + 1`, the form in NEURON's documentation.
            Cut::Lambda { share, frequency, capacitance, resistivity } => {
                let constants = electrotonic_length(section, frequency, capacitance, resistivity) / share;
                ((constants + 0.9) / 2.0).clamp(0.0, MOST as f64) as usize * 2 + 1
            }
        }
    }

    fn check(&self) -> Result<(), Flaw> {
        let above_zero = |what: &str, x: f64| match x.is_finite() && x > 0.0 {
            true => Ok(()),
            false => Err(Flaw::new(format!("{what} is {x}"), "it must be finite and above zero")),
        };
        match *self {
            Cut::Count(0) => Err(Flaw::new("a section has no segments", "cut sections into at least one segment")),
            Cut::Count(_) => Ok(()),
            Cut::Every(longest) => above_zero("the length of segments", longest),
            Cut::Lambda { share, frequency, capacitance, resistivity } => {
                above_zero("the share of the length constant", share)?;
                above_zero("the frequency", frequency)?;
                above_zero("the capacitance", capacitance)?;
                above_zero("the resistivity", resistivity)
            }
        }
    }
}

/// The length of a section in units of its length constant at a frequency, `L/lambda_f` of NEURON's stdlib.hoc: the sum over
/// pieces between points, each as if its diameter were the mean of its ends.
fn electrotonic_length(section: &Section, frequency: f64, capacitance: f64, resistivity: f64) -> f64 {
    let arc = arc(&section.points);
    let pieces = section.points.windows(2).zip(arc.windows(2));
    let sum: f64 = pieces.map(|(p, x)| (x[1] - x[0]) / (2.0 * (p[0].radius + p[1].radius)).sqrt()).sum();
    // 1e-5 is of µm, Ω·cm and µF/cm².
    sum * 2f64.sqrt() * 1e-5 * (4.0 * PI * frequency * resistivity * capacitance).sqrt()
}

/// The rows of a cell, parents first and depth first: segments, and nodes, which have no area. A section's segments follow each
/// other from its beginning to its end, then comes the node at its end, if it has one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Segments {
    /// By row; none of the first.
    pub parent: Vec<Option<usize>>,
    /// By row, the axial resistance to its parent's middle, or to the parent itself if that is a node: over the resistivity, ∫
    /// dx / (π r²), in 1/µm. Infinite of the first. Times 0.01 R_a in Ω·cm it is in MΩ.
    pub axial: Vec<f64>,
    /// By row, the part of that from the middle to the segment's beginning, and that from the middle to its end; zero of nodes.
    pub to_begin: Vec<f64>,
    pub to_end: Vec<f64>,
    /// By row, lateral area, µm²; zero of nodes.
    pub area: Vec<f64>,
    /// By row, µm; zero of nodes.
    pub length: Vec<f64>,
    /// By row, the mean along the segment, or that where the node is, µm.
    pub diameter: Vec<f64>,
    /// By row, path distance of the middle, µm: see `Section::distance`.
    pub distance: Vec<f64>,
    /// By row.
    pub kind: Vec<Kind>,
    /// By row, the section that it is part of.
    pub section: Vec<usize>,
    /// By row, the number of the segment in its section; none of nodes.
    pub number: Vec<Option<usize>>,
    /// By section, the row of its first segment.
    pub first: Vec<usize>,
    /// By section, the number of its segments.
    pub count: Vec<usize>,
}

impl Segments {
    /// The row of the segment that holds a place along a section (0 to 1); a border belongs to the later one.
    pub fn row(&self, section: usize, x: f64) -> usize {
        let count = self.count[section];
        self.first[section] + ((x * count as f64) as usize).min(count - 1)
    }
}

/// Cuts sections, of which parents come first, each in its way.
pub fn cut(sections: &[Section], by: &dyn Fn(&Section) -> Cut) -> Result<Segments, Flaw> {
    let mut total = 0usize;
    let mut counts = Vec::with_capacity(sections.len());
    for section in sections {
        let cut = by(section);
        cut.check()?;
        counts.push(cut.count(section));
        total = total.saturating_add(counts[counts.len() - 1]);
        if total > MOST {
            return Err(Flaw::new(format!("a cell of more than {MOST} segments"), "cut sections into longer segments"));
        }
    }
    let joined = |joint: &Joint, at: f64| joint.at == at;
    let (mut node_at_end, mut node_at_begin) = (vec![false; sections.len()], false);
    for joint in sections.iter().filter_map(|s| s.parent.as_ref()) {
        node_at_end[joint.section] |= joined(joint, 1.0);
        node_at_begin |= joined(joint, 0.0);
    }
    let mut rows = Segments { count: counts, ..Segments::default() };
    // By section.
    let mut end_nodes = vec![None; sections.len()];
    for (s, section) in sections.iter().enumerate() {
        let mut above = match &section.parent {
            None => node_at_begin.then(|| rows.node(s, section, 0.0, (None, f64::INFINITY))),
            Some(joint) if joined(joint, 0.0) => Some(0),
            Some(joint) if joined(joint, 1.0) => end_nodes[joint.section],
            Some(joint) => Some(rows.row(joint.section, joint.at)),
        };
        let count = rows.count[s];
        rows.first.push(rows.parent.len());
        let halves = stretches(&section.points, 2 * count);
        // From the row above to the beginning of the segment.
        let mut before = if above.is_some() { 0.0 } else { f64::INFINITY };
        for (k, half) in halves.as_chunks::<2>().0.iter().enumerate() {
            above = Some(rows.segment((s, k), section, half, (above, before)));
            before = half[1].axial;
        }
        if node_at_end[s] {
            end_nodes[s] = Some(rows.node(s, section, 1.0, (above, before)));
        }
    }
    Ok(rows)
}

impl Segments {
    /// Adds a segment of which the halves are given, and returns its row.
    fn segment(
        &mut self,
        (s, k): (usize, usize),
        section: &Section,
        [first, second]: &[Stretch; 2],
        (parent, before): (Option<usize>, f64),
    ) -> usize {
        let count = self.count[s] as f64;
        let length = section.length / count;
        self.to_begin.push(first.axial);
        self.to_end.push(second.axial);
        self.area.push(first.area + second.area);
        self.length.push(length);
        self.diameter.push((first.profile + second.profile) / length);
        self.number.push(Some(k));
        self.joined(s, section, (k as f64 + 0.5) / count, (parent, before + first.axial))
    }

    /// Adds the node at an end of a section, and returns its row.
    fn node(&mut self, s: usize, section: &Section, x: f64, link: (Option<usize>, f64)) -> usize {
        let at = if x == 0.0 { 0 } else { section.points.len() - 1 };
        for zero in [&mut self.to_begin, &mut self.to_end, &mut self.area, &mut self.length] {
            zero.push(0.0);
        }
        self.diameter.push(2.0 * section.points[at].radius);
        self.number.push(None);
        self.joined(s, section, x, link)
    }

    /// Adds what segments and nodes have in common.
    fn joined(&mut self, s: usize, section: &Section, x: f64, (parent, axial): (Option<usize>, f64)) -> usize {
        self.parent.push(parent);
        self.axial.push(axial);
        self.distance.push(section.distance(x));
        self.kind.push(section.kind);
        self.section.push(s);
        self.parent.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::morphology::{sections, swc};

    /// A sphere with a neurite 60 µm long, which forks.
    fn cell() -> Vec<Section> {
        let text = "1 1 0 0 0 5 -1\n2 3 5 0 0 1 1\n3 3 65 0 0 1 2\n4 3 65 30 0 0.5 3\n5 2 65 -30 0 0.5 3";
        sections(&swc(text.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn sections_meet_in_nodes() {
        let rows = cut(&cell(), &|_| Cut::Count(1)).unwrap();
        // Soma, neurite, the node where it forks, and two branches. Nothing hangs on the ends of these and of the soma.
        assert_eq!(rows.parent, [None, Some(0), Some(1), Some(2), Some(2)]);
        assert_eq!(rows.number, [Some(0), Some(0), None, Some(0), Some(0)]);
        assert_eq!((rows.area[2], rows.distance[2], rows.diameter[2]), (0.0, 60.0, 2.0));
        let half = 30.0 / PI;
        assert_eq!((rows.to_begin[1], rows.axial[1], rows.axial[2]), (half, half, half));
        assert_eq!((rows.axial[0], rows.axial[3], rows.axial[4]), (f64::INFINITY, rows.to_begin[3], rows.to_begin[4]));
        // A cone from the parent's radius to the branch's own: ∫ dx / (π r²) = L / (π r₁ r₂).
        assert!((rows.to_begin[3] + rows.to_end[3] - 30.0 / (PI * 0.5)).abs() < 1e-12);
        assert!((rows.area[3] - PI * 1.5 * 30f64.hypot(0.5)).abs() < 1e-9);
        assert!((rows.diameter[3] - 1.5).abs() < 1e-12);
    }

    #[test]
    fn areas_and_resistances_do_not_depend_on_the_cut() {
        let whole = cut(&cell(), &|_| Cut::Count(1)).unwrap();
        for n in [2, 3, 10, 101] {
            let rows = cut(&cell(), &|_| Cut::Count(n)).unwrap();
            for s in 0..4 {
                let of =
                    |r: &Segments, values: &[f64]| -> f64 { values[r.first[s]..r.first[s] + r.count[s]].iter().sum() };
                let same = |a: f64, b: f64| assert!((a / b - 1.0).abs() < 1e-12, "{a} {b}");
                same(of(&rows, &rows.area), of(&whole, &whole.area));
                same(
                    of(&rows, &rows.to_begin) + of(&rows, &rows.to_end),
                    of(&whole, &whole.to_begin) + of(&whole, &whole.to_end),
                );
            }
        }
    }

    #[test]
    fn lengths_of_segments_are_kept() {
        let counts = |longest| cut(&cell(), &|_| Cut::Every(longest)).unwrap().count;
        assert_eq!(counts(20.0), [1, 3, 2, 2]);
        assert_eq!(counts(19.0), [1, 4, 2, 2]);
        assert_eq!(counts(1e6), [1, 1, 1, 1]);
        // 0.1 + 0.2 is a little more than 0.3.
        let text = "1 3 0 0 0 1 -1\n2 3 0.1 0 0 1 1\n3 3 0.30000000000000004 0 0 1 2";
        let short = sections(&swc(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(cut(&short, &|_| Cut::Every(0.1)).unwrap().count, [3]);
    }

    #[test]
    fn sections_are_cut_each_in_its_way() {
        let rows = cut(&cell(), &|s| if s.kind == Kind::Axon { Cut::Count(4) } else { Cut::Every(30.0) }).unwrap();
        assert_eq!(rows.count, [1, 2, 1, 4]);
        assert_eq!(rows.kind[rows.row(3, 0.99)], Kind::Axon);
        assert_eq!([0.0, 0.24, 0.25, 0.5, 1.0].map(|x| rows.row(3, x) - rows.first[3]), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn cuts_that_mean_nothing_are_refused() {
        let refused = |by: Cut| cut(&cell(), &|_| by).unwrap_err().what;
        let lambda = |share, frequency| Cut::Lambda { share, frequency, capacitance: 1.0, resistivity: 100.0 };
        assert_eq!(refused(Cut::Count(0)), "a section has no segments");
        assert_eq!(refused(Cut::Every(0.0)), "the length of segments is 0");
        assert_eq!(refused(Cut::Every(f64::NAN)), "the length of segments is NaN");
        assert_eq!(refused(lambda(-0.1, 100.0)), "the share of the length constant is -0.1");
        assert_eq!(refused(lambda(0.1, f64::INFINITY)), "the frequency is inf");
        // No memory is taken for what would be too many.
        for by in [Cut::Count(usize::MAX), Cut::Every(1e-300), lambda(1e-300, 100.0)] {
            assert_eq!(refused(by), "a cell of more than 1048576 segments");
        }
    }
}
