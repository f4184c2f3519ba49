//! Cells that NeuroML has a type for: integrate-and-fire, Izhikevich's of 2007, and the adaptive exponential one.
//!
//! A cell is one of these if its equations are, whichever way they are written: they are compared as sums of products.

use super::polynomial::{Factor, Known, LARGEST, Polynomial, close};
use super::synapses::Values;
use super::unit::Units;
use crate::hir::{Expr, Neuron, Op, Stmt, VarId, VarKind};
use crate::units::{Dim, lookup};
use std::collections::BTreeMap;

/// The component that a neuron without ports is, with these values of parameters and first values of states; none if it is no standard
/// cell.
pub fn component(n: &Neuron, first: &BTreeMap<VarId, f64>, units: &mut Units) -> Option<Standard> {
    let cell = Cell::of(n, first)?;
    let (kind, values) = cell.integrate().or_else(|| cell.izhikevich()).or_else(|| cell.exponential())?;
    let second = if kind == "izhikevich2007Cell" { "u" } else { "w" };
    let names = [(cell.v, "v")].into_iter().chain(cell.second.map(|s| (s, second))).collect();
    Some(Standard { attributes: attributes(&values, units)?, kind, names })
}

/// A component of a type of NeuroML.
pub struct Standard {
    pub kind: String,
    /// Its parameters.
    pub attributes: String,
    /// What its states are called.
    pub names: BTreeMap<VarId, &'static str>,
}

/// Values as attributes.
pub fn attributes(values: &Values, units: &mut Units) -> Option<String> {
    let mut out = String::new();
    for (name, x, unit) in values.iter().filter(|(_, x, _)| x.is_finite()) {
        let dim = match *unit {
            "" => Dim::ONE,
            "nS/mV" => Dim::CURRENT / Dim::VOLTAGE / Dim::VOLTAGE,
            unit => lookup(unit)?.dim,
        };
        out += &format!(" {name}=\"{}{}\"", tidy(*x), units.of(dim)?.1);
    }
    Some(out)
}

/// A number without what rounding left in its last places.
pub fn tidy(x: f64) -> f64 {
    format!("{x:.12e}").parse().unwrap_or(x)
}

/// A type, and the values of its parameters.
type Found = (String, Values);

/// What a cell of one or two states does, beside those of its synapses.
struct Cell {
    v: VarId,
    second: Option<VarId>,
    input: Option<VarId>,
    rates: BTreeMap<VarId, Polynomial>,
    first: BTreeMap<VarId, f64>,
    threshold: f64,
    reset: f64,
    /// What an event adds to the second state.
    step: f64,
    /// How long the potential is held.
    held: Option<f64>,
}

/// Whether a neuron has nothing that no standard cell has.
fn is_plain(n: &Neuron) -> bool {
    let quiet = n.handlers.is_empty() && n.bounds.is_empty() && n.kept.is_empty() && n.energies.is_empty();
    let emits = n.emits.len() == 1 && n.emits[0].count.is_none() && n.emits[0].edge.is_none();
    quiet && emits && n.cables.is_empty() && n.n_noises + n.n_draws == 0 && n.events[n.emits[0].event].name == "spike"
}

impl Cell {
    fn of(n: &Neuron, first: &BTreeMap<VarId, f64>) -> Option<Cell> {
        if !is_plain(n) {
            return None;
        }
        let mut inputs = Vec::new();
        for (id, var) in &n.vars {
            match var.kind {
                VarKind::Param(_) | VarKind::State(_) if first.contains_key(&id) => {}
                VarKind::Let(_) => {}
                VarKind::AnalogPort(_) if var.dim == Dim::CURRENT && first.get(&id) == Some(&0.0) => inputs.push(id),
                _ => return None,
            }
        }
        let known = |v: VarId| match &n.vars[v].kind {
            VarKind::Param(_) => first.get(&v).map_or(Known::Nothing, |x| Known::Value(*x)),
            VarKind::Let(e) => Known::Definition(e),
            VarKind::State(_) | VarKind::AnalogPort(_) => Known::Itself,
            _ => Known::Nothing,
        };
        let sum = |e: &Expr| Polynomial::of(e, &known, &mut { LARGEST });
        let emit = &n.emits[0];
        let Expr::Bin(Op::Gt, left, right) = &emit.when else { return None };
        let (Expr::Var(v), threshold) = (&**left, sum(right)?.value()?) else { return None };
        let v = *v;
        let mut rates = BTreeMap::new();
        for equation in &n.equations {
            rates.insert(equation.state, sum(&equation.rhs)?);
        }
        let states = n.states().count();
        if inputs.len() > 1 || n.vars[v].dim != Dim::VOLTAGE || rates.len() != states || !rates.contains_key(&v) {
            return None;
        }
        let input = inputs.first().copied();
        let second = rates.keys().copied().find(|s| *s != v);
        if rates.len() > 2 {
            return None;
        }
        let first = first.clone();
        let (reset, step, held) = (f64::NAN, 0.0, None);
        let mut cell = Cell { v, second, input, rates, first, threshold, reset, step, held };
        cell.event(&emit.body, &sum)?;
        cell.reset.is_finite().then_some(cell)
    }

    /// What an event does.
    fn event(&mut self, body: &[Stmt], sum: &dyn Fn(&Expr) -> Option<Polynomial>) -> Option<()> {
        for statement in body {
            match statement {
                Stmt::Assign(s, e) if *s == self.v => self.reset = sum(e)?.value()?,
                Stmt::Assign(s, e) if Some(*s) == self.second => {
                    let (e, own) = (sum(e)?, Factor::Variable(*s));
                    self.step = e.coefficient(&[]);
                    if e.coefficient(&[own]) != 1.0 || !e.is_of(&[&[], &[own]]) {
                        return None;
                    }
                }
                Stmt::Hold(s, e, _) if *s == self.v => self.held = Some(sum(e)?.value()?),
                _ => return None,
            }
        }
        Some(())
    }

    fn own(&self) -> Factor {
        Factor::Variable(self.v)
    }

    /// The rate of the potential: what multiplies itself, what the input, and what stays.
    fn potential(&self) -> Option<(&Polynomial, f64, f64, f64)> {
        let rate = self.rates.get(&self.v)?;
        let input = self.input.map_or(0.0, |i| rate.coefficient(&[Factor::Variable(i)]));
        Some((rate, rate.coefficient(&[self.own()]), input, rate.coefficient(&[])))
    }

    fn begins_at(&self, v: VarId, value: f64) -> bool {
        self.first.get(&v).is_some_and(|x| close(*x, value))
    }

    /// `v' = (g_L * (E_L - v) + I) / C`, or `(E_L - v) / tau`.
    fn integrate(&self) -> Option<Found> {
        let (rate, leak, input, rest) = self.potential()?;
        let resting = -rest / leak;
        let attached: Vec<Factor> = self.input.map(Factor::Variable).into_iter().collect();
        let linear = rate.is_of(&[&[], &[self.own()], &attached]);
        if self.second.is_some() || leak >= 0.0 || !linear || !self.begins_at(self.v, resting) {
            return None;
        }
        let mut values =
            vec![("leakReversal", resting, "mV"), ("thresh", self.threshold, "mV"), ("reset", self.reset, "mV")];
        let mut kind = String::from("iaf");
        match self.input {
            Some(_) if input > 0.0 => {
                values.extend([("C", 1.0 / input, "pF"), ("leakConductance", -leak / input, "nS")]);
            }
            None => {
                kind += "Tau";
                values.push(("tau", -1.0 / leak, "ms"));
            }
            _ => return None,
        }
        if let Some(held) = self.held {
            kind += "Ref";
            values.push(("refract", held, "ms"));
        }
        Some((kind + "Cell", values))
    }

    /// The capacitance, and the rate of the second state: what multiplies the potential, itself, and what stays.
    fn adapting(&self) -> Option<(f64, [f64; 3])> {
        let (second, (rate, _, input, _)) = (self.second?, self.potential()?);
        let second_factor = Factor::Variable(second);
        let own = self.rates.get(&second)?;
        let adapts = close(rate.coefficient(&[second_factor]), -input) && input > 0.0;
        if !adapts || !own.is_of(&[&[], &[self.own()], &[second_factor]]) || !self.begins_at(second, 0.0) {
            return None;
        }
        let of = [own.coefficient(&[self.own()]), own.coefficient(&[second_factor]), own.coefficient(&[])];
        (of[1] < 0.0).then_some((1.0 / input, of))
    }

    /// The products that the rate of the potential of an adapting cell consists of, and one more.
    fn is_adapting_with(&self, rate: &Polynomial, more: &[Factor]) -> bool {
        let (Some(input), Some(second)) = (self.input, self.second) else { return false };
        rate.is_of(&[&[], &[self.own()], &[Factor::Variable(input)], &[Factor::Variable(second)], more])
    }

    /// `v' = (k * (v - v_r) * (v - v_t) - u + I) / C` and `u' = a * (b * (v - v_r) - u)`
    fn izhikevich(&self) -> Option<Found> {
        let (capacitance, [slope, own, rest]) = self.adapting()?;
        let (rate, linear, _, constant) = self.potential()?;
        let square = rate.coefficient(&[self.own(); 2]);
        if square <= 0.0 || !self.is_adapting_with(rate, &[self.own(); 2]) || self.held.is_some() || slope == 0.0 {
            return None;
        }
        let resting = -rest / slope;
        let other = -linear / square - resting;
        if !close(resting * other, constant / square) {
            return None;
        }
        let values = vec![
            ("v0", *self.first.get(&self.v)?, "mV"),
            ("C", capacitance, "pF"),
            ("k", square * capacitance, "nS/mV"),
            ("vr", resting, "mV"),
            ("vt", other, "mV"),
            ("vpeak", self.threshold, "mV"),
            ("a", -own, "kHz"),
            ("b", slope / -own, "nS"),
            ("c", self.reset, "mV"),
            ("d", self.step, "pA"),
        ];
        Some(("izhikevich2007Cell".into(), values))
    }

    /// `v' = (g_L * (E_L - v) + g_L * D * exp((v - V_T) / D) - w + I) / C` and `w' = (a * (v - E_L) - w) / tau_w`
    fn exponential(&self) -> Option<Found> {
        let (capacitance, [slope, own, rest]) = self.adapting()?;
        let (rate, leak, _, constant) = self.potential()?;
        let (exponent, factor) = (rate.exponent()?, rate.coefficient(&[Factor::Exponential]));
        let (steep, shift) = (exponent.coefficient(&[self.own()]), exponent.coefficient(&[]));
        let (width, resting, conductance) = (1.0 / steep, -constant / leak, -leak * capacitance);
        let fits = exponent.is_of(&[&[], &[self.own()]]) && self.is_adapting_with(rate, &[Factor::Exponential]);
        if !fits || steep <= 0.0 || leak >= 0.0 || factor <= 0.0 {
            return None;
        }
        // The factor of the exponential may hold a part of its argument.
        let threshold = -width * (shift + (factor * capacitance / (conductance * width)).ln());
        if !close(-rest, slope * resting) || !self.begins_at(self.v, resting) {
            return None;
        }
        let values = vec![
            ("C", capacitance, "pF"),
            ("gL", conductance, "nS"),
            ("EL", resting, "mV"),
            ("reset", self.reset, "mV"),
            ("VT", threshold, "mV"),
            ("thresh", self.threshold, "mV"),
            ("refract", self.held.unwrap_or(0.0), "ms"),
            ("delT", width, "mV"),
            ("tauw", -1.0 / own, "ms"),
            ("a", slope / -own, "nS"),
            ("b", self.step, "pA"),
        ];
        Some(("adExIaFCell".into(), values))
    }
}
