//! Energies of synapses: what each cell feels of them becomes a projection of its own, and a term of the cell's equations.

use crate::evaluate::Attempt;
use crate::hir::{Equation, Expr, Neuron, Side, Var, VarId, VarKind, inline_lets};
use crate::math::{add, derivative, mul, neg, simplify};
use crate::plan::{Column, Network, Pairs, Projection, View};
use crate::solve::discretize;
use crate::source::Span;
use crate::units::Dim;
use std::sync::Arc;

impl Network {
    /// Adds a projection whose synapses have an energy, and the way back to its sources.
    pub fn energetic(&mut self, mut main: Projection, energy: Expr, span: Span) -> Attempt<()> {
        let energy = simplify(main.synapse.inline(energy));
        let index = self.projections.len();
        let forward = self.force(&main, &energy, Side::Post, main.post, span)?;
        let back = self.force(&main, &energy, Side::Pre, main.pre, span)?;
        let mut synapse = (*main.synapse).clone();
        synapse.energy = None;
        synapse.deliver = None;
        let mut reverse = synapse.clone();
        if let Some((port, force)) = forward {
            main.port = port;
            synapse.deliver = Some(force);
        }
        main.synapse = Arc::new(synapse);
        main.energy = Some(energy);
        let (pre, post) = (main.pre, main.post);
        let (pairs, weight, params) = (main.pairs.clone(), main.weight.clone(), main.params.clone());
        let name = format!("{} (back)", main.name);
        let [sources, targets] = main.chosen.clone();
        let template = Projection { energy: None, chosen: [targets, sources], ..main.clone() };
        self.projections.push(main);
        let Some((port, force)) = back else { return Ok(()) };
        reverse.deliver = Some(force);
        reverse.handlers.clear();
        for (_, v) in reverse.vars.iter_mut() {
            v.kind = match v.kind {
                VarKind::Pre(of) => VarKind::Post(of),
                VarKind::Post(of) => VarKind::Pre(of),
                ref other => other.clone(),
            };
        }
        self.projections.push(Projection {
            name,
            pre: post,
            post: pre,
            port,
            synapse: Arc::new(reverse),
            params,
            pairs: Pairs::Transposed(Box::new(pairs)),
            weight,
            transpose_of: Some(index),
            ..template
        });
        Ok(())
    }

    /// Finds what the cells of one side feel: the port it reaches and the force of one synapse. Cells without an energy of their own
    /// are held where they are.
    fn force(
        &mut self,
        p: &Projection,
        energy: &Expr,
        side: Side,
        view: View,
        span: Span,
    ) -> Attempt<Option<(VarId, Expr)>> {
        let model = self.populations[view.population].model.clone();
        if model.energies.is_empty() {
            return Ok(None);
        }
        let mut felt: Vec<(VarId, VarId)> = Vec::new();
        for (id, v) in &p.synapse.vars {
            let of = match (&v.kind, side) {
                (VarKind::Pre(of), Side::Pre) | (VarKind::Post(of), Side::Post) => *of,
                _ => continue,
            };
            let kept = p.synapse.windows.contains_key(&id) || p.synapse.delayed.contains_key(&id);
            if !kept && energy.mentions(id) && moves(&model, of).next().is_some() {
                felt.push((id, of));
            }
        }
        match felt[..] {
            [] => Ok(None),
            [(id, of)] => {
                let energy_of_cell = model.vars[model.energies[0]].dim;
                let port = self.port_of_force(view, of, energy_of_cell / model.vars[of].dim);
                Ok(Some((port, simplify(neg(derivative(energy, id))))))
            }
            _ => {
                let what = "an energy that reads several variables of a cell which move";
                Err(Box::new(
                    crate::diag::unsupported(span, what).help("define one variable in the neuron and read that"),
                ))
            }
        }
    }

    /// Finds or makes the input through which cells feel a force on one of their variables.
    fn port_of_force(&mut self, view: View, of: VarId, dim: Dim) -> VarId {
        let population = &mut self.populations[view.population];
        let mut model: Neuron = (*population.model).clone();
        let name = format!("force on {}", model.vars[of].name);
        if let Some(port) = model.var(&name) {
            return port;
        }
        let span = model.vars[of].span;
        let port = model.vars.push(Var {
            name,
            kind: VarKind::AnalogPort(Expr::Num(0.0)),
            dim,
            unit: None,
            boolean: false,
            cable: None,
            span,
        });
        let moved: Vec<(VarId, Expr)> = moves(&model, of).collect();
        for (state, along) in moved {
            let term = mul(Expr::Var(port), along);
            match model.equations.iter_mut().find(|e| e.state == state) {
                Some(equation) => equation.rhs = add(equation.rhs.clone(), term),
                None => model.equations.push(Equation { state, rhs: term, span }),
            }
        }
        population.solved = Arc::new(discretize(&model));
        population.model = Arc::new(model);
        population.ports.insert(port, Column::Const(0.0));
        port
    }
}

/// Lists the states that descend along energies on which a variable depends, and its derivative by each.
fn moves(model: &Neuron, of: VarId) -> impl Iterator<Item = (VarId, Expr)> + '_ {
    let read = inline_lets(model, Expr::Var(of));
    let along = move |s: &VarId| (*s, derivative(&read, *s));
    model.descending.iter().map(along).filter(|(_, d)| *d != Expr::Num(0.0))
}
