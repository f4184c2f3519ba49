//! What was given stays, what follows from a default follows.

use super::{Column, Edge, Population, Projection};
use crate::hir::{Expr, Place, VarId, VarKind};
use crate::math::eval_through;
use crate::value::Cells;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// For which cells a value was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Given {
    /// For all.
    All,
    /// For those with a true value.
    Cells(Vec<bool>),
}

impl Given {
    fn of(&self, cell: usize) -> bool {
        match self {
            Given::All => true,
            Given::Cells(cells) => cells[cell],
        }
    }
}

/// A default without a value for some cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// A parameter that has no default was not given.
    Value(VarId),
    /// A default has no value: it depends on what is known only in a run, or is not a number.
    Undefined(VarId),
}

impl Population {
    /// Gives a parameter, port or initial state of some cells a value; of a cable's state, in one segment or in all.
    pub fn give(&mut self, id: VarId, cells: &Cells, segment: Option<usize>, value: &Column) {
        let n = self.n;
        self.settled &= segment.is_none() && self.followed.is_empty() && !self.model.bears_on_segments(id);
        if let Some(segment) = segment {
            let mut values: Vec<f64> = (0..n).map(|i| self.initial(id, i, segment)).collect();
            cells.iter().enumerate().for_each(|(k, cell)| values[cell] = value.at(k));
            self.along.insert((id, segment), Column::Array(Arc::new(values)));
            // Where each segment follows from its place, none of them does any more.
            if self.model.varies_along(id) {
                self.given.insert(id, Given::All);
            }
            return;
        }
        self.along.extract_if((id, 0)..=(id, usize::MAX), |_, _| true).for_each(drop);
        let map = match self.model.vars[id].kind {
            VarKind::State(_) => &mut self.init,
            VarKind::Param(_) => &mut self.params,
            _ => &mut self.ports,
        };
        if cells.is_whole(n) {
            map.insert(id, value.clone());
            self.given.insert(id, Given::All);
            return;
        }
        let mut all: Vec<f64> = (0..n).map(|i| map.get(&id).map_or(0.0, |c| c.at(i))).collect();
        cells.iter().enumerate().for_each(|(k, cell)| all[cell] = value.at(k));
        map.insert(id, Column::Array(Arc::new(all)));
        match self.given.entry(id).or_insert_with(|| Given::Cells(vec![false; n])) {
            Given::All => {}
            Given::Cells(given) => cells.iter().for_each(|cell| given[cell] = true),
        }
    }

    /// Computes parameters and ports that follow from defaults, each from those before it, and initial states if nothing has run
    /// yet; returns what changed.
    pub fn follow(&mut self, states: bool, dt: f64) -> Result<Vec<VarId>, Missing> {
        let model = self.model.clone();
        let mut changed = Vec::new();
        for id in model.vars.keys().filter(|id| !model.varies_along(*id)) {
            let Some(value) = self.default_of(id, states, None, dt)? else { continue };
            let map = match model.vars[id].kind {
                VarKind::State(_) => &mut self.init,
                VarKind::Param(_) => &mut self.params,
                _ => &mut self.ports,
            };
            if map.get(&id) != Some(&value) {
                map.insert(id, value);
                changed.push(id);
            }
        }
        if !self.settled || changed.iter().any(|id| model.bears_on_segments(*id)) {
            self.follow_along(states, dt, &mut changed)?;
            self.settled = true;
        }
        Ok(changed)
    }

    /// The same of what differs along cables. Where segments lie follows from parameters that all of them have in common.
    fn follow_along(&mut self, states: bool, dt: f64, changed: &mut Vec<VarId>) -> Result<(), Missing> {
        let model = self.model.clone();
        let counts: Vec<usize> =
            (0..model.cables.len()).map(|cable| if self.n > 0 { self.segments(cable) } else { 0 }).collect();
        let count = |id: VarId| model.vars[id].cable.and_then(|cable| counts.get(cable)).copied().unwrap_or(0);
        self.along.retain(|(id, segment), _| *segment < count(*id));
        let alike = self.has_one_shape();
        for (id, var) in &model.vars {
            let along = model.along.contains(&id);
            if !along && !self.follows_segments(id, states) {
                if states && self.followed.remove(&id) {
                    self.along.extract_if((id, 0)..=(id, usize::MAX), |_, _| true).for_each(drop);
                    changed.push(id);
                }
                continue;
            }
            for segment in 0..count(id) {
                let value = match (&var.kind, var.cable) {
                    (VarKind::Distance, Some(cable)) => Some(self.distances(cable, segment, alike, dt)),
                    _ => self.default_of(id, states, Some(segment), dt)?,
                };
                let Some(value) = value else { continue };
                match var.kind {
                    VarKind::State(_) if along && segment == 0 => drop(self.init.insert(id, value.clone())),
                    VarKind::Param(_) if segment == 0 => drop(self.params.insert(id, value.clone())),
                    _ => {}
                }
                if self.along.insert((id, segment), value.clone()) != Some(value) && changed.last() != Some(&id) {
                    changed.push(id);
                }
            }
            if !along {
                self.followed.insert(id);
            }
        }
        Ok(())
    }

    /// Returns whether a state begins with what follows from another one that was given a value in single segments.
    fn follows_segments(&self, id: VarId, states: bool) -> bool {
        let VarKind::State(default) = &self.model.vars[id].kind else { return false };
        let along = |v: VarId| self.along.range((v, 0)..=(v, usize::MAX)).next().is_some();
        let given = matches!(self.given.get(&id), Some(Given::All)) || along(id) && !self.followed.contains(&id);
        let cable = self.model.vars[id].cable;
        let here = |v: VarId| cable.is_some() && self.model.vars[v].cable == cable && along(v);
        states && !given && self.model.any(default, &mut |e| matches!(e, Expr::Var(v) if here(*v)))
    }

    /// Returns the value that follows from a variable's default, perhaps in one segment, if it has one and not all of it was given.
    fn default_of(&self, id: VarId, states: bool, segment: Option<usize>, dt: f64) -> Result<Option<Column>, Missing> {
        let default = match &self.model.vars[id].kind {
            VarKind::Param(None) if !self.params.contains_key(&id) => return Err(Missing::Value(id)),
            VarKind::Param(Some(e)) | VarKind::AnalogPort(e) => e,
            VarKind::State(e) if states => e,
            _ => return Ok(None),
        };
        let own = self.params.get(&id).or(self.init.get(&id)).or(self.ports.get(&id));
        let given = match (self.given.get(&id), own) {
            (Some(Given::All), _) => return Ok(None),
            (Some(given), Some(own)) => Some((given, own)),
            _ => None,
        };
        let value = self.at_segment(default, segment, dt).ok_or(Missing::Undefined(id))?;
        Ok(Some(match given {
            Some((given, own)) => {
                let of = |i: usize| if given.of(i) { own.at(i) } else { value.at(i) };
                Column::Array(Arc::new((0..self.n).map(of).collect()))
            }
            None => value,
        }))
    }

    /// Returns how far a segment of a cable lies from the root, by cell; once if all cells are alike.
    fn distances(&self, cable: usize, segment: usize, alike: bool, dt: f64) -> Column {
        let of = |cell| self.distance(cable, cell, segment, dt);
        if alike { Column::Const(of(0)) } else { Column::Array(Arc::new((0..self.n).map(of).collect())) }
    }

    /// Evaluates an expression of parameters and initial states, once or for every cell; none if it has no value.
    pub fn per_cell(&self, e: &Expr, dt: f64) -> Option<Column> {
        self.at_segment(e, None, dt)
    }

    /// The same at a segment of a cable.
    fn at_segment(&self, e: &Expr, segment: Option<usize>, dt: f64) -> Option<Column> {
        let along = |v: VarId| self.along.get(&(v, segment?));
        let find = |v: VarId| along(v).or(self.params.get(&v)).or(self.init.get(&v)).or(self.ports.get(&v));
        let of_cells = |e: &Expr| matches!(e, Expr::Var(v) if matches!(find(*v), Some(Column::Array(_))));
        let varies = self.model.any(e, &mut |e| of_cells(e));
        let lets = |v: VarId| self.model.definition(v);
        let at =
            |i: usize| eval_through(e, &lets, &|v| find(v).map(|c| c.at(i)), (Some(dt), None)).filter(|v| !v.is_nan());
        match varies {
            true => (0..self.n).map(at).collect::<Option<Vec<f64>>>().map(|v| Column::Array(Arc::new(v))),
            false => at(0).map(Column::Const),
        }
    }
}

impl Projection {
    /// Gives a parameter or an initial state a value, one for all synapses or one for each; it no longer follows from a default.
    pub fn give(&mut self, id: VarId, value: Column) {
        self.given.insert(id);
        self.put(id, value);
    }

    /// What differs between synapses is kept at each of them; a parameter is then a state that nothing changes.
    fn put(&mut self, id: VarId, value: Column) {
        let parameter = matches!(self.synapse.vars[id].kind, VarKind::Param(_));
        if let Column::Const(value) = value {
            self.values.remove(&id);
            // A modulator that follows no population has one value, as a parameter has.
            match self.synapse.vars[id].kind {
                VarKind::State(_) => self.init.insert(id, value),
                _ => self.params.insert(id, value),
            };
            return;
        }
        if parameter || !self.is_plastic() || self.shared_differently(id, &value) {
            Arc::make_mut(&mut self.synapse).scatter(id);
        }
        self.params.remove(&id);
        self.init.remove(&id);
        self.values.insert(id, value);
    }

    /// Returns whether values differ between synapses that keep a state together.
    pub fn shared_differently(&self, state: VarId, values: &Column) -> bool {
        let key: fn(&Edge) -> u32 = match self.places().get(&state) {
            None | Some(Place::Synapse) => return false,
            Some(Place::Projection) => |_| 0,
            Some(Place::Pre) => |e| e.pre,
            Some(Place::Post) => |e| e.post,
        };
        if let Column::Const(_) = values {
            return false;
        }
        let mut first = HashMap::new();
        let edges = self.pairs.edges();
        edges.iter().enumerate().any(|(k, e)| *first.entry(key(e)).or_insert(values.at(k)) != values.at(k))
    }

    /// Computes parameters that follow from defaults, each from those before it, and initial states if nothing has run yet;
    /// returns what changed.
    pub fn follow(&mut self, states: bool, dt: f64) -> Result<Vec<VarId>, Missing> {
        let synapse = self.synapse.clone();
        let mut changed = Vec::new();
        for (id, var) in &synapse.vars {
            if self.given.contains(&id) {
                continue;
            }
            let default = match &var.kind {
                VarKind::Param(None) => return Err(Missing::Value(id)),
                VarKind::Param(Some(e)) => e,
                VarKind::State(e) if states || synapse.is_parameter(id) => e,
                _ => continue,
            };
            let value = self.per_synapse(default, dt).ok_or(Missing::Undefined(id))?;
            let before = self.params.get(&id).or(self.init.get(&id)).map(|v| Column::Const(*v));
            if before.as_ref().or(self.values.get(&id)) != Some(&value) {
                changed.push(id);
                self.put(id, value);
            }
        }
        Ok(changed)
    }

    /// Evaluates an expression of parameters and initial states, once or for every synapse; none if it has no value.
    fn per_synapse(&self, e: &Expr, dt: f64) -> Option<Column> {
        let known = |v: VarId, k: usize| match self.values.get(&v) {
            Some(each) => Some(each.at(k)),
            None => self.params.get(&v).or(self.init.get(&v)).copied(),
        };
        let varies = self.synapse.any(e, &mut |e| matches!(e, Expr::Var(v) if self.values.contains_key(v)));
        let lets = |v: VarId| self.synapse.definition(v);
        let at = |k: usize| eval_through(e, &lets, &|v| known(v, k), (Some(dt), None)).filter(|v| !v.is_nan());
        match varies {
            true => (0..self.pairs.len()).map(at).collect::<Option<Vec<f64>>>().map(|v| Column::Array(Arc::new(v))),
            false => at(0).map(Column::Const),
        }
    }

    /// Returns the initial values of a state of all synapses.
    pub fn all_initial(&self, state: VarId) -> Vec<f64> {
        let n = self.pairs.len();
        match self.values.get(&state) {
            Some(each) => (0..n).map(|k| each.at(k)).collect(),
            None if n == 0 => Vec::new(),
            None => vec![self.initial(state, 0); n],
        }
    }

    /// Returns the initial value of a state of one synapse.
    pub fn initial(&self, state: VarId, synapse: usize) -> f64 {
        match (self.values.get(&state), self.init.get(&state)) {
            (Some(each), _) => each.at(synapse),
            (None, Some(all)) => *all,
            (None, None) => crate::ice!("`{}` has no initial value", self.synapse.vars[state].name),
        }
    }
}
