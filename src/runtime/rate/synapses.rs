//! Weights and states of synapses, and what they deliver.

use super::Inner;
use super::array::Array;
use super::build::{SO_FAR, extra};
use super::convolution;
use super::graph::{Domain, Key, Node, What};
use crate::codegen::abi::SlotMemory;
use crate::hir::{Expr, Place, VarId, VarKind};
use crate::image::Store;
use crate::ir::{Precision, SlotKind};
use crate::plan::{Column, Convolution, GROUP, Network, Pairs, Pooling, Projection};
use crate::runtime::exchange::{Array as Values, Layout as Lanes};
use crate::runtime::pool::share;
use crate::runtime::product::{Element, FEW, Matrix, Tile};
use crate::solve::{Owner, Splitter, Term, owner_in_synapse};
use std::collections::BTreeMap;
use std::ops::Range;

/// Products with fewer multiplications than this are computed by one thread.
const WORTH_SHARING: usize = 2_000_000;

/// Products with fewer multiplications are computed by every process: a message takes longer than what it saves.
const WORTH_TELLING: usize = 2_000_000;

/// How the synapses of a projection lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A row of targets for each source.
    Dense,
    /// One row: source and target have the same index.
    Diagonal,
    /// A row of target channels for each place in the window of each source channel.
    Convolution,
    /// One weight.
    Pool,
}

/// The synapses of one projection.
pub struct Synapses {
    /// How they lie.
    pub layout: Layout,
    /// How windows move over the sources, whichever way round they are used.
    pub map: Option<Convolution>,
    /// Sources and targets.
    size: (usize, usize),
    /// Which places of the rows are synapses, if not all.
    pub mask: Option<Node>,
    /// States of which there is one for the whole projection.
    pub places: BTreeMap<VarId, Place>,
}

/// What a projection adds to its port.
pub enum Contribution {
    /// A value of its own, cell by cell.
    Cellwise(Node),
    /// Products of matrices.
    Products(Vec<Product>),
    /// Source by source, each with all its targets: what it reads, and the kernel once it is compiled.
    BySource(Vec<Node>, Option<Box<super::kernel::Compiled>>),
}

/// One term: the sum over sources of `matrix * sources`, times `targets`.
#[derive(Clone, Copy)]
pub struct Product {
    /// Of a pool that takes the greatest: the values of its sources and what multiplies them, whichever way round it is used.
    compared: Option<(Node, Node)>,
    matrix: Node,
    sources: Node,
    targets: Option<Node>,
}

impl Contribution {
    /// Returns what it is computed from.
    pub fn inputs(&self) -> Vec<Node> {
        match self {
            Contribution::Cellwise(node) => vec![*node],
            Contribution::Products(list) => list.iter().flat_map(Product::inputs).collect(),
            Contribution::BySource(inputs, _) => inputs.clone(),
        }
    }
}

impl Product {
    fn inputs(&self) -> Vec<Node> {
        let compared = self.compared.into_iter().flat_map(|(values, factor)| [values, factor]);
        [self.matrix, self.sources].into_iter().chain(self.targets).chain(compared).collect()
    }
}

impl Synapses {
    /// Lays out the synapses of a projection and sets them to their initial values.
    pub fn new(inner: &mut Inner, net: &Network, k: usize) -> Synapses {
        let p = &net.projections[k];
        let layout = match p.pairs.plain() {
            Pairs::OneToOne(..) => Layout::Diagonal,
            Pairs::Convolution(w) if w.pool.is_some() => Layout::Pool,
            Pairs::Convolution(_) => Layout::Convolution,
            _ => Layout::Dense,
        };
        let map = match p.pairs.plain() {
            Pairs::Convolution(m) => Some(*m),
            _ => None,
        };
        let size = (p.pre.n, p.post.n);
        let mut out = Synapses { layout, map, size, mask: None, places: BTreeMap::new() };
        if p.transpose_of.is_some() {
            return out;
        }
        out.places = crate::solve::places(&p.synapse, &crate::solve::Sharing::ALL);
        if matches!(p.pairs, Pairs::Listed(_)) {
            let mut mask = out.array(inner.precision());
            (0..p.pairs.len()).for_each(|i| out.set(p, &mut mask, i, 1.0));
            out.mask = Some(inner.graph.add(Key::Mask(k), What::Given, mask, Vec::new()));
        }
        for (id, var) in &p.synapse.vars {
            match var.kind {
                VarKind::Weight => {
                    let mut array = out.array(inner.precision());
                    out.set_all(p, &mut array, &p.weight);
                    inner.graph.add(Key::Synaptic(k, id), What::Given, array, Vec::new());
                }
                VarKind::State(_) => {
                    let array = if out.is_single(id) {
                        let mut array = Array::new(1, 1, inner.precision());
                        array.fill_rows(&|_| p.initial(id, 0));
                        array
                    } else {
                        let mut array = out.array(inner.precision());
                        let values = p.values.get(&id).cloned();
                        out.set_states(p, &mut array, &values.unwrap_or_else(|| Column::Const(p.initial(id, 0))));
                        array
                    };
                    inner.graph.add(Key::Synaptic(k, id), What::Given, array, Vec::new());
                }
                _ => {}
            }
        }
        out
    }

    /// Returns whether a state has one value for the whole projection.
    pub fn is_single(&self, v: VarId) -> bool {
        self.places.get(&v) == Some(&Place::Projection)
    }

    /// Returns whether the synapses of another projection lie in memory as these do.
    pub fn lies_like(&self, other: &Synapses) -> bool {
        (self.layout, self.map, self.size) == (other.layout, other.map, other.size)
    }

    /// Returns the rows and columns of the synapses' arrays.
    pub fn extent(&self) -> (usize, usize) {
        match self.layout {
            Layout::Dense => self.size,
            Layout::Diagonal => (1, self.size.1),
            Layout::Convolution => self.map.map_or((1, 1), |m| (m.inputs(), m.channels.1)),
            Layout::Pool => (1, 1),
        }
    }

    /// Returns how many multiplications it takes to find what one example delivers.
    pub fn multiplications(&self) -> usize {
        match self.map {
            Some(m) => m.weights() * m.out.0 * m.out.1,
            None => self.size.0 * self.size.1,
        }
    }

    fn array(&self, precision: Precision) -> Array {
        let (rows, n) = self.extent();
        Array::new(rows, n, precision)
    }

    /// Returns the row and column of a synapse.
    pub fn at(&self, p: &Projection, synapse: usize) -> (usize, usize) {
        if let Some(w) = self.map {
            return if w.pool.is_some() { (0, 0) } else { (synapse % w.inputs(), synapse / w.inputs()) };
        }
        let e = p.pairs.at(synapse);
        let (i, j) = (e.pre as usize - p.pre.start, e.post as usize - p.post.start);
        match self.layout {
            Layout::Diagonal => (0, j),
            _ => (i, j),
        }
    }

    fn set(&self, p: &Projection, array: &mut Array, synapse: usize, value: f64) {
        let (i, j) = self.at(p, synapse);
        let ld = array.ld;
        array.buffer.set(i * ld + j, value);
    }

    /// Sets a state of all synapses, in the order of the plan. Lanes beyond the last compute the same as it does, so that they stay
    /// finite when it does; those of weights are zero.
    pub fn set_states(&self, p: &Projection, array: &mut Array, value: &Column) {
        self.set_all(p, array, value);
        (0..array.rows).for_each(|row| array.pad(row));
    }

    /// Sets the weights of all synapses, in the order of the plan.
    pub fn set_all(&self, p: &Projection, array: &mut Array, value: &Column) {
        if let (Pairs::All(..), Layout::Dense) = (&p.pairs, self.layout) {
            let (rows, n) = self.size;
            for i in 0..rows {
                (0..n).for_each(|j| array.buffer.set(i * array.ld + j, value.at(i * n + j)));
            }
            return;
        }
        (0..p.pairs.len()).for_each(|s| self.set(p, array, s, value.at(s)));
    }

    /// Reads the values of all synapses, in the order of the plan.
    pub fn read(&self, p: &Projection, array: &Array) -> Vec<f64> {
        if (array.rows, array.n) == (1, 1) && self.extent() != (1, 1) {
            return vec![array.get(0, 0); p.pairs.len()];
        }
        let value = |s: usize| {
            let (i, j) = self.at(p, s);
            array.get(i, j)
        };
        (0..p.pairs.len()).map(value).collect()
    }
}

impl Inner {
    /// Finds how what a projection delivers is computed.
    pub fn contribution(&mut self, net: &Network, k: usize) -> Contribution {
        let p = &net.projections[k];
        let Some(deliver) = &p.synapse.deliver else { crate::ice!("a projection that does not deliver") };
        let deliver = p.synapse.inline(deliver.clone());
        if self.synapses[k].layout == Layout::Diagonal {
            return Contribution::Cellwise(self.expression(net, Domain::Synapses(k), &deliver, false));
        }
        let single = |v: VarId| p.is_of_one(v);
        let owner = owner_in_synapse(&p.synapse, &single);
        let terms = Splitter { owner: &owner }.terms(&deliver);
        // With delays of their own, synapses of one source see different values of it.
        let of_source = |e: &Expr| matches!(e, Expr::Var(v) if matches!(p.synapse.vars[*v].kind, VarKind::Pre(_)));
        let late = p.spread().is_some() && deliver.any(&mut |e| of_source(e));
        if late || terms.iter().any(|t| t.mixed.is_some()) {
            let inputs = self.sources(net, Domain::Synapses(k), &deliver);
            return Contribution::BySource(inputs, None);
        }
        let products = terms.iter().map(|t| self.product(net, k, t)).collect();
        Contribution::Products(products)
    }

    /// Returns the energy of all synapses of a projection, of every example.
    pub fn energy(&mut self, net: &Network, k: usize, energy: &Expr) -> Vec<f64> {
        let p = &net.projections[k];
        let mut sum = Array::new(self.batch, p.post.n, self.precision());
        if self.synapses[k].layout == Layout::Diagonal {
            let node = self.expression(net, Domain::Synapses(k), energy, false);
            self.pull(net, node);
            let values = &self.graph.nodes[node].array;
            (0..self.active).for_each(|row| sum.add(row, 0, values, values.row_of(row)));
        } else {
            let single = |v: VarId| p.is_of_one(v);
            let owner = owner_in_synapse(&p.synapse, &single);
            for term in (Splitter { owner: &owner }).terms(energy) {
                let product = self.product(net, k, &term);
                for node in product.inputs() {
                    self.pull(net, node);
                }
                let (memory, ld) = (sum.memory(), sum.ld);
                self.add_product(net, k, &product, memory, ld);
            }
        }
        (0..self.active).map(|row| (0..sum.n).map(|i| sum.get(row, i)).sum()).collect()
    }

    /// A term that comes apart: the plan has refused energies and shared weights where one does not.
    fn product(&mut self, net: &Network, k: usize, term: &Term) -> Product {
        let one = Expr::Num(1.0);
        let compared = self.compared(net, k);
        let targets = crate::math::mul(term.part(Owner::Post).clone(), term.part(Owner::Example).clone());
        Product {
            compared,
            matrix: self.matrix(net, k, term.part(Owner::Own)),
            sources: self.expression(net, Domain::Sources(k), term.part(Owner::Pre), true),
            targets: (targets != one).then(|| self.expression(net, Domain::Targets(k), &targets, true)),
        }
    }

    /// What a pool that takes the greatest compares.
    fn compared(&mut self, net: &Network, k: usize) -> Option<(Node, Node)> {
        let owner = net.projections[k].transpose_of.unwrap_or(k);
        self.synapses[k].map.filter(|m| m.pool == Some(Pooling::Max))?;
        let p = &net.projections[owner];
        let single = |v: VarId| p.is_of_one(v);
        let split = owner_in_synapse(&p.synapse, &single);
        let deliver = p.synapse.deliver.as_ref().map(|e| p.synapse.inline(e.clone()))?;
        let term = (Splitter { owner: &split }).terms(&deliver).into_iter().next()?;
        let values = self.expression(net, Domain::Sources(owner), term.part(Owner::Pre), true);
        Some((values, self.matrix(net, owner, term.part(Owner::Own))))
    }

    /// Adds what a projection delivers to rows of `out`, which are `ld` apart.
    pub fn deliver(&mut self, net: &Network, k: usize, out: SlotMemory, ld: usize) {
        let Some(mut contribution) = self.deliveries.remove(&k) else { crate::ice!("nothing to deliver") };
        match &mut contribution {
            Contribution::Products(list) => {
                for p in list.iter() {
                    self.add_product(net, k, p, out, ld);
                }
            }
            Contribution::BySource(_, compiled) => {
                if compiled.is_none() {
                    let p = &net.projections[k];
                    let deliver = p.synapse.deliver.clone().map(|e| p.synapse.inline(e)).unwrap_or(Expr::Num(0.0));
                    let so_far = extra(SO_FAR);
                    let connected = match self.synapses[p.transpose_of.unwrap_or(k)].mask {
                        Some(_) => super::build::where_connected(deliver),
                        None => deliver,
                    };
                    let sum = Store::Out(crate::math::add(Expr::Var(so_far), connected));
                    let kind = if self.batch > 1 { SlotKind::Step } else { SlotKind::Lane };
                    let name = format!("{}.deliver", p.synapse.name);
                    let new = self.compile(net, Domain::Synapses(k), &name, (&[sum], &[]), &[(so_far, kind)]);
                    *compiled = Some(Box::new(new));
                }
                if let Some(compiled) = compiled {
                    let so_far = |_: VarId| Some(out);
                    self.by_source(net, k, compiled, out, &so_far);
                }
            }
            Contribution::Cellwise(_) => {}
        }
        self.deliveries.insert(k, contribution);
    }

    fn add_product(&mut self, net: &Network, k: usize, p: &Product, out: SlotMemory, ld: usize) {
        match p.targets {
            None => self.multiply(net, k, p, out, ld),
            Some(targets) => {
                let n = net.projections[k].post.n;
                let mut sum = Array::new(self.batch, n, self.precision());
                let memory = sum.memory();
                self.multiply(net, k, p, memory, sum.ld);
                let factor = &self.graph.nodes[targets].array;
                for row in 0..self.active {
                    // SAFETY: `out` holds a padded row for every example.
                    unsafe { add_scaled(out, row * ld, &sum, row, factor, factor.row_of(row)) };
                }
            }
        }
    }

    /// `out += sources * matrix`, or with the matrix transposed: each process what arrives at its cells, where it has their synapses alone, or
    /// the rows of its examples, where that is worth a message.
    fn multiply(&mut self, net: &Network, k: usize, p: &Product, out: SlotMemory, ld: usize) {
        let ranks = self.options.ranks.clone();
        let work = self.active * self.synapses[k].multiplications();
        let dealt_out = self.is_dealt_out(k);
        if !dealt_out && (!ranks.are_several() || !self.is_dealt(work)) {
            return self.multiply_rows(net, k, p, out, (ld, 0..self.active, 0..ld));
        }
        let rows = if dealt_out { 0..self.active } else { ranks.rows(self.active) };
        self.multiply_rows(net, k, p, out, (ld, rows, self.own_lanes(k, ld)));
        let size = self.precision().bytes();
        // SAFETY: `out` holds a padded row for every example, and nobody else uses it meanwhile.
        let bytes = unsafe { std::slice::from_raw_parts_mut(out.output, self.active * ld * size) };
        match dealt_out {
            true => ranks.complete(vec![Values { bytes, layout: Lanes { lanes: ld, unit: GROUP, size } }]),
            false => ranks.collect(self.active, bytes),
        }
    }

    /// Whether each process computes its own examples of a product of so many multiplications, where there are several.
    pub fn is_dealt(&self, work: usize) -> bool {
        work >= WORTH_TELLING && self.batch > FEW
    }

    /// The same for some rows, which are `ld` apart, and some lanes of them; of convolutions, all.
    fn multiply_rows(
        &mut self,
        net: &Network,
        k: usize,
        p: &Product,
        out: SlotMemory,
        (ld, examples, lanes): (usize, Range<usize>, Range<usize>),
    ) {
        if let Some(map) = self.synapses[k].map {
            let transposed = net.projections[k].transpose_of.is_some();
            let array = |node: Node| &self.graph.nodes[node].array;
            let (sources, weights) = (array(p.sources), array(p.matrix));
            let compared = p.compared.map(|(values, factor)| (array(values), array(factor)));
            let job = convolution::Job { map, transposed, sources, weights, compared, out, ld, examples };
            return match self.precision() {
                Precision::F32 => job.run::<f32>(&mut self.pool, &mut self.packed.0, |b| b.f32()),
                Precision::F64 => job.run::<f64>(&mut self.pool, &mut self.packed.1, |b| b.f64()),
            };
        }
        match self.precision() {
            Precision::F32 => self.multiply_as::<f32>(net, k, p, out, (ld, examples, lanes), |b| b.f32()),
            Precision::F64 => self.multiply_as::<f64>(net, k, p, out, (ld, examples, lanes), |b| b.f64()),
        }
    }

    fn multiply_as<T: Element>(
        &mut self,
        net: &Network,
        k: usize,
        p: &Product,
        out: SlotMemory,
        (ld, examples, lanes): (usize, Range<usize>, Range<usize>),
        numbers: impl Fn(&crate::runtime::Buffer) -> &[T],
    ) {
        let projection = &net.projections[k];
        let (m, inner, n) = (examples.len(), projection.pre.n, projection.post.n);
        let (a, b) = (&self.graph.nodes[p.sources].array, &self.graph.nodes[p.matrix].array);
        let left = Matrix::new(numbers(&a.buffer), self.active, inner, a.ld);
        let stored = Matrix::new(numbers(&b.buffer), b.rows, b.n, b.ld);
        let transposed = projection.transpose_of.is_some();
        let threads = if m * inner * n < WORTH_SHARING { 1 } else { self.pool.threads() };
        let few = self.batch <= FEW;
        let job = |t: usize| {
            if t >= threads {
                return;
            }
            let part = share(lanes.len(), t, threads);
            let part = lanes.start + part.start..(lanes.start + part.end).min(n);
            if part.is_empty() {
                return;
            }
            // Named whole, so that the thread gets what may be sent.
            let out = {
                let whole = &out;
                whole.output.cast::<T>()
            };
            if !few {
                let right = if transposed { stored.transposed() } else { stored };
                let tile = Tile { out, ld, rows: examples.clone(), columns: part };
                // SAFETY: each thread has columns of its own; rows are padded to 16.
                return unsafe { T::accumulate(&tile, left, right) };
            }
            for row in examples.clone() {
                let x = &left.data[row * left.row..row * left.row + inner];
                // SAFETY: each thread has columns of its own of every row; rows are padded to 16.
                unsafe {
                    let at = out.add(row * ld);
                    if transposed {
                        T::across(std::slice::from_raw_parts_mut(at, n), part.clone(), x, stored);
                    } else {
                        T::along(at, part.clone(), x, stored);
                    }
                }
            }
        };
        if threads == 1 { job(0) } else { self.pool.run(&job) }
    }
}

/// `out[at..] += sum * factor`, element by element.
///
/// # Safety
/// `out` must be writable from element `at` on for as many as a padded row has.
unsafe fn add_scaled(out: SlotMemory, at: usize, sum: &Array, row: usize, factor: &Array, factor_row: usize) {
    let n = sum.ld;
    match sum.buffer.precision() {
        Precision::F32 => {
            // SAFETY: the caller's promise.
            let out = unsafe { std::slice::from_raw_parts_mut(out.output.cast::<f32>().add(at), n) };
            let (x, y) = (&sum.buffer.f32()[row * n..][..n], &factor.buffer.f32()[factor_row * n..][..n]);
            out.iter_mut().zip(x.iter().zip(y)).for_each(|(o, (x, y))| *o += x * y);
        }
        Precision::F64 => {
            // SAFETY: the caller's promise.
            let out = unsafe { std::slice::from_raw_parts_mut(out.output.cast::<f64>().add(at), n) };
            let (x, y) = (&sum.buffer.f64()[row * n..][..n], &factor.buffer.f64()[factor_row * n..][..n]);
            out.iter_mut().zip(x.iter().zip(y)).for_each(|(o, (x, y))| *o += x * y);
        }
    }
}
