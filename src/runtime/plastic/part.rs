//! The synapses onto one thread's share of the targets.

use super::index::Index;
use super::lanes::{CHUNK, Cells, Lanes, Scratch, Shared, Values, Which};
use super::listed::Listed;
use super::tiles::Tiles;
use super::{View, initial};
use crate::hir::VarId;
use crate::image::Compiled;
use crate::ir::Precision;
use crate::plan::{Delay, Projection};
use crate::runtime::buffer::{Buffer, padded};

/// Synapses, their values, and room to work.
pub struct Part {
    /// Targets, as cells of their population.
    pub range: std::ops::Range<usize>,
    pub index: Index,
    pub values: Values,
    /// By number of the kernel.
    pub scratch: Vec<Scratch>,
    reached: Reached,
    /// Synapses that events have reached.
    visited: u64,
}

/// Synapses of several short rows or columns, gathered for one call.
#[derive(Default)]
struct Reached {
    synapse: Vec<u32>,
    source: Vec<u32>,
    target: Vec<u32>,
    /// Positions in the plan.
    edge: Vec<u32>,
}

/// Which synapses are reached: those of cells, after a delay in steps, or all.
pub enum Way<'a> {
    /// From presynaptic cells.
    Rows(&'a [u32], u32),
    /// Back from postsynaptic cells.
    Columns(&'a [u32], u32),
    /// All.
    All,
}

/// Columns of at least so many synapses are not gathered with others.
const LONG: usize = 128;

/// Rows of fewer synapses are gathered with others.
const SHORT: usize = 32;

impl Part {
    pub fn new(p: &Projection, range: std::ops::Range<usize>, here: &[VarId], precision: Precision) -> Part {
        let index = Index::new(p, range.clone());
        let n = index.places();
        let mut weight = Buffer::new(padded(n), precision);
        index.for_each(&mut |k, edge| weight.set(k, p.weight.at(edge)));
        let states = here.iter().map(|v| (*v, initial(p, *v, n, precision))).collect();
        Part {
            range,
            index,
            values: Values { weight, states, rewired: Vec::new() },
            scratch: Vec::new(),
            reached: Reached::default(),
            visited: 0,
        }
    }

    /// Returns the bytes of synapses and their index.
    pub fn bytes(&self) -> usize {
        let value = self.values.weight.precision().bytes();
        self.index.bytes() + self.index.places() * value * (1 + self.values.states.len())
    }

    /// Returns how many synapses events have reached since this was last asked.
    pub fn take_visited(&mut self) -> u64 {
        std::mem::take(&mut self.visited)
    }

    /// Runs a kernel over the synapses reached; returns whether all results are finite.
    pub fn run(
        &mut self,
        k: &Compiled,
        p: &Projection,
        shared: &Shared,
        view: &View,
        learning: bool,
        way: &Way,
    ) -> bool {
        if k.hands_on_weight && self.hand_on_weights(p, shared, view, way) {
            return true;
        }
        let Part { index, values, scratch, reached, visited, .. } = self;
        let index = &*index;
        let scratch = &mut scratch[k.number];
        let mut finite = true;
        let at_events = !matches!(way, Way::All);
        let mut call = |lanes: &Lanes| {
            *visited += if at_events { lanes.n as u64 } else { 0 };
            scratch.load(k, Some(&mut *values), shared, p, view, learning, lanes);
            finite &= scratch.call(k, lanes.n);
            scratch.store(k, values, index, p, view, shared.ring, learning, lanes);
        };
        match index {
            Index::Tiled(tiles) => run_tiled(tiles, k, way, reached, &mut call),
            Index::Listed(listed) => run_listed(listed, k, way, reached, &mut call),
        }
        finite
    }
}

impl Part {
    /// Delivers the weights of synapses that events of their sources reach, without a kernel; false if that cannot be.
    fn hand_on_weights(&mut self, p: &Projection, shared: &Shared, view: &View, way: &Way) -> bool {
        let (Way::Rows(cells, delay), Delay::Const(dendritic), Some(ring)) = (way, &p.dendritic, shared.ring) else {
            return false;
        };
        let (step, weight) = (view.step + u64::from(dendritic - p.lag), &self.values.weight);
        match &self.index {
            Index::Tiled(tiles) => {
                if tiles.row(0).is_none() {
                    return false;
                }
                let rows = cells.iter().filter_map(|source| tiles.row(*source));
                // SAFETY: the targets of a part lie in its thread's share of the lanes.
                unsafe { ring.add_rows(step, p.post.start + tiles.first, weight, rows, tiles.targets) };
                self.visited += (cells.len() * tiles.targets) as u64;
            }
            Index::Listed(listed) => {
                for source in *cells {
                    let row = listed.row(*source, *delay);
                    self.visited += row.len() as u64;
                    let lanes = row.clone().map(|k| listed.lane(k, p.post.start));
                    // SAFETY: as above.
                    unsafe { ring.add_all(step, lanes, weight, row) };
                }
            }
        }
        true
    }
}

/// Calls a kernel for what is reached of a matrix of synapses.
fn run_tiled(tiles: &Tiles, k: &Compiled, way: &Way, reached: &mut Reached, call: &mut dyn FnMut(&Lanes)) {
    // Rows that lie by themselves are worked on where they are, as far as they are whole vectors.
    let whole = if tiles.row(0).is_some() && tiles.targets >= SHORT { tiles.targets / 16 * 16 } else { 0 };
    let mut rows = |sources: &[u32]| {
        for (source, row) in sources.iter().filter_map(|s| Some((s, tiles.row(*s).filter(|_| whole > 0)?))) {
            for begin in (0..whole).step_by(CHUNK) {
                let n = CHUNK.min(whole - begin);
                reached.edges(k, (begin..begin + n).map(|t| tiles.edge(*source as usize, t)));
                call(&Lanes {
                    n,
                    edge: &reached.edge,
                    source: Cells::One(*source),
                    target: Cells::From((tiles.first + begin) as u32),
                    synapse: Which::From(row + begin),
                    sites: &[],
                    in_place: true,
                });
            }
        }
        let piece = (tiles.targets - whole).min(CHUNK);
        if piece == 0 {
            return;
        }
        for sources in sources.chunks(CHUNK / piece) {
            for begin in (whole..tiles.targets).step_by(piece) {
                let targets = begin..(begin + piece).min(tiles.targets);
                let row = |source: &u32| targets.clone().map(|t| tiles.edge(*source as usize, t)).collect::<Vec<_>>();
                reached.edges(k, sources.iter().flat_map(row));
                call(&Lanes {
                    n: sources.len() * targets.len(),
                    edge: &reached.edge,
                    source: Cells::Each(sources, targets.len()),
                    target: Cells::Again((tiles.first + begin) as u32, targets.len()),
                    synapse: Which::Rows(tiles, sources, targets),
                    sites: &[],
                    in_place: false,
                });
            }
        }
    };
    match way {
        Way::All => rows(&(0..tiles.sources as u32).collect::<Vec<u32>>()),
        Way::Rows(cells, _) => rows(cells),
        Way::Columns(cells, _) => {
            for (cell, target) in cells.iter().filter_map(|c| Some((*c, tiles.target(*c)?))) {
                for first in (0..tiles.sources).step_by(CHUNK) {
                    let n = CHUNK.min(tiles.sources - first);
                    reached.edges(k, (first..first + n).map(|source| tiles.edge(source, target)));
                    call(&Lanes {
                        n,
                        edge: &reached.edge,
                        source: Cells::From(first as u32),
                        target: Cells::One(cell),
                        synapse: Which::Column(tiles, target, first),
                        sites: &[],
                        in_place: false,
                    });
                }
            }
        }
    }
}

/// Calls a kernel for what is reached of synapses in rows.
fn run_listed(index: &Listed, k: &Compiled, way: &Way, reached: &mut Reached, call: &mut dyn FnMut(&Lanes)) {
    match way {
        Way::All => {
            for begin in (0..index.len()).step_by(CHUNK) {
                let range = begin..(begin + CHUNK).min(index.len());
                if k.needs_source {
                    index.sources(range.clone(), &mut reached.source);
                }
                reached.edges(k, range.clone().map(|synapse| index.edge(synapse)));
                call(&Lanes {
                    n: range.len(),
                    synapse: Which::From(begin),
                    edge: &reached.edge,
                    source: if k.needs_source { Cells::List(&reached.source) } else { Cells::None },
                    target: index.target.cells(range),
                    sites: &index.lane,
                    in_place: false,
                });
            }
            reached.source.clear();
        }
        Way::Rows(cells, delay) => {
            for c in *cells {
                let row = index.row(*c, *delay);
                // Whole vectors are worked on where they are; what remains is gathered. A target gets what is delivered in the
                // order of rows, however long they are in this part.
                let whole = row.start + if row.len() < SHORT { 0 } else { row.len() / 16 * 16 };
                if k.delivers && whole > row.start {
                    reached.flush(1, k, index, call);
                }
                for begin in (row.start..whole).step_by(CHUNK) {
                    let range = begin..(begin + CHUNK).min(whole);
                    reached.edges(k, range.clone().map(|synapse| index.edge(synapse)));
                    call(&Lanes {
                        n: range.len(),
                        synapse: Which::From(begin),
                        edge: &reached.edge,
                        source: Cells::One(*c),
                        target: index.target.cells(range),
                        sites: &index.lane,
                        in_place: true,
                    });
                }
                let rest = whole..row.end;
                reached.synapse.extend(rest.start as u32..rest.end as u32);
                reached.source.resize(reached.synapse.len(), *c);
                index.target.extend(rest, &mut reached.target);
                reached.flush(CHUNK - LONG, k, index, call);
            }
            reached.flush(1, k, index, call);
        }
        Way::Columns(cells, delay) => {
            for c in *cells {
                let column = index.column(*c, *delay);
                let n = column.synapses.len();
                if n < LONG {
                    reached.synapse.extend_from_slice(column.synapses);
                    column.extend(&mut reached.source);
                    reached.target.resize(reached.synapse.len(), *c);
                    reached.flush(CHUNK - LONG, k, index, call);
                    continue;
                }
                reached.flush(1, k, index, call);
                for first in (0..n).step_by(CHUNK) {
                    let range = first..(first + CHUNK).min(n);
                    let synapses = &column.synapses[range.clone()];
                    reached.edges(k, synapses.iter().map(|synapse| index.edge(*synapse as usize)));
                    call(&Lanes {
                        n: range.len(),
                        synapse: Which::List(synapses),
                        edge: &reached.edge,
                        source: column.sources(range),
                        target: Cells::One(*c),
                        sites: &index.lane,
                        in_place: false,
                    });
                }
            }
            reached.flush(1, k, index, call);
        }
    }
}

impl Reached {
    /// Notes the positions in the plan, if the kernel needs them.
    fn edges(&mut self, k: &Compiled, edges: impl Iterator<Item = usize>) {
        self.edge.clear();
        if k.needs_edge {
            self.edge.extend(edges.map(|edge| edge as u32));
        }
    }

    /// Runs what was gathered if it is at least `full`.
    fn flush(&mut self, full: usize, k: &Compiled, index: &Listed, call: &mut dyn FnMut(&Lanes)) {
        if self.synapse.len() < full {
            return;
        }
        self.edge.clear();
        if k.needs_edge {
            self.edge.extend(self.synapse.iter().map(|synapse| index.edge(*synapse as usize) as u32));
        }
        call(&Lanes {
            n: self.synapse.len(),
            synapse: Which::List(&self.synapse),
            edge: &self.edge,
            source: Cells::List(&self.source),
            target: Cells::List(&self.target),
            sites: &index.lane,
            in_place: false,
        });
        self.synapse.clear();
        self.source.clear();
        self.target.clear();
    }
}
