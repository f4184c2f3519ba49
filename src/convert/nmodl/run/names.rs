//! What names mean.

use super::*;

/// Concentrations and reversal potentials where nothing else is said, as NEURON has them.
fn usual(ion: &str, what: &str) -> f64 {
    match (ion, what) {
        ("na", "e") => 50.0,
        ("k", "e") => -77.0,
        ("ca", "e") => 132.457_934_145_984,
        ("na", "i") => 10.0,
        ("na", "o") => 140.0,
        ("k", "i") => 54.4,
        ("k", "o") => 2.5,
        ("ca", "i") => 5e-5,
        ("ca", "o") => 2.0,
        (_, "e") => 0.0,
        _ => 1.0,
    }
}

/// Names of a block alone.
fn locals<'a>(block: &'a Block, own: &'a str) -> HashSet<&'a str> {
    let mut names: HashSet<&str> = block.args.iter().map(|a| a.0.as_str()).collect();
    names.insert(own);
    let mut statements: Vec<&Stmt> = block.body.iter().collect();
    while let Some(statement) = statements.pop() {
        match statement {
            Stmt::Local(list) => names.extend(list.iter().map(|l| l.0.as_str())),
            Stmt::If(_, then, other) => statements.extend(then.iter().chain(other)),
            _ => {}
        }
    }
    names
}

impl Run<'_> {
    /// Looks around before running: what is written, which parameters are temperatures, names of units.
    pub(super) fn survey(&mut self) {
        let mechanism = self.mechanism;
        for (name, means) in &mechanism.units {
            self.units.insert(name.clone(), Some(means.clone()));
        }
        let blocks =
            mechanism.procedures.values().chain(mechanism.derivatives.values()).chain(mechanism.kinetics.values());
        let blocks = blocks.chain(mechanism.breakpoint.iter()).chain(mechanism.receive.iter());
        let mut bodies: Vec<&Stmt> = mechanism.initial.body.iter().collect();
        bodies.extend(blocks.flat_map(|b| &b.body));
        while let Some(statement) = bodies.pop() {
            match statement {
                Stmt::Assign(name, value, _) => {
                    self.written.insert(name.clone());
                    self.temperatures(value);
                }
                Stmt::If(_, then, other) => bodies.extend(then.iter().chain(other)),
                Stmt::Rate(_, value, _) => self.temperatures(value),
                Stmt::Call(_, args, _) => args.iter().for_each(|a| self.temperatures(a)),
                _ => {}
            }
        }
        self.conserve();
        self.reach();
        for p in &mechanism.parameters {
            if p.unit.as_deref() == Some("degC") && p.name != "celsius" {
                self.absolute.insert(p.name.clone());
            }
        }
    }

    /// Finds what is written after the beginning: by `BREAKPOINT` and all that it calls.
    fn reach(&mut self) {
        let mechanism = self.mechanism;
        let mut seen: HashSet<&str> = HashSet::new();
        let mut bodies: Vec<(HashSet<&str>, Vec<&Stmt>)> = Vec::new();
        bodies.extend(mechanism.breakpoint.iter().map(|b| (locals(b, ""), b.body.iter().collect())));
        while let Some((local, mut statements)) = bodies.pop() {
            let mut expressions: Vec<&Expr> = Vec::new();
            let mut called: Vec<&str> = Vec::new();
            while let Some(statement) = statements.pop() {
                match statement {
                    Stmt::Assign(name, value, _) => {
                        if !local.contains(name.as_str()) {
                            self.later.insert(name.clone());
                        }
                        expressions.push(value);
                    }
                    Stmt::Rate(_, value, _) => expressions.push(value),
                    Stmt::Call(name, args, _) => {
                        called.push(name);
                        expressions.extend(args);
                    }
                    Stmt::If(condition, then, other) => {
                        expressions.push(condition);
                        statements.extend(then.iter().chain(other));
                    }
                    Stmt::Solve(name, ..) => called.push(name),
                    Stmt::Reaction(_, _, x, y) => expressions.extend([x, y]),
                    Stmt::Local(_) | Stmt::Conserve(..) => {}
                }
            }
            while let Some(e) = expressions.pop() {
                match &e.kind {
                    ExprKind::Binary(_, x, y) => expressions.extend([x.as_ref(), y.as_ref()]),
                    ExprKind::Negative(x) | ExprKind::Not(x) => expressions.push(x),
                    ExprKind::Call(name, args) => {
                        called.push(name);
                        expressions.extend(args);
                    }
                    _ => {}
                }
            }
            let blocks = [&mechanism.procedures, &mechanism.derivatives, &mechanism.kinetics];
            for name in called.into_iter().filter(|n| seen.insert(n)) {
                let found = blocks.iter().filter_map(|b| b.get(name));
                bodies.extend(found.map(|b| (locals(b, name), b.body.iter().collect())));
            }
        }
    }

    /// What a scheme conserves makes one of its states follow from the others: one that no current reads, if there is one.
    fn conserve(&mut self) {
        let (mut currents, mut conserved) = (String::new(), Vec::new());
        for statement in self.mechanism.breakpoint.iter().flat_map(|b| &b.body) {
            currents.push_str(&format!("{statement:?}"));
        }
        for block in self.mechanism.kinetics.values() {
            for statement in &block.body {
                let Stmt::Conserve(terms, total) = statement else { continue };
                if terms.len() < 2 || terms.iter().any(|t| t.0 != 1.0 || self.dependent.contains_key(&t.1)) {
                    conserved.push(total.at.clone());
                    continue;
                }
                let names: Vec<String> = terms.iter().map(|t| t.1.clone()).collect();
                let unread = names.iter().find(|n| !currents.contains(&format!("\"{n}\"")));
                let chosen = unread.unwrap_or(&names[0]).clone();
                let others = names.into_iter().filter(|n| *n != chosen).collect();
                self.dependent.insert(chosen, (others, total.clone()));
            }
        }
        for at in conserved {
            let help = "leave it out where the reactions keep the sum anyway";
            let message = "`CONSERVE` of other than a sum of states of its own".into();
            self.flaw(&at, message, "cannot be carried over", Some(help));
        }
    }

    /// Notes parameters that are compared with the temperature.
    fn temperatures(&mut self, value: &Expr) {
        let mut open = vec![value];
        while let Some(e) = open.pop() {
            match &e.kind {
                ExprKind::Binary(sign, x, y) => {
                    if let ("-", ExprKind::Name(x), ExprKind::Name(y)) = (*sign, &x.kind, &y.kind)
                        && x == "celsius"
                        && self.mechanism.parameters.iter().any(|p| p.name == *y && p.unit.is_none())
                    {
                        self.absolute.insert(y.clone());
                    }
                    open.extend([x.as_ref(), y.as_ref()]);
                }
                ExprKind::Negative(x) | ExprKind::Not(x) => open.push(x),
                ExprKind::Call(_, args) => open.extend(args),
                _ => {}
            }
        }
    }

    /// The ion and the kind of variable (`e`, `i`, `o`, `current`) that a name stands for.
    pub fn of_ion(&self, name: &str) -> Option<(&str, &'static str)> {
        self.mechanism.ions.iter().find_map(|ion| {
            let all = || ion.read.iter().chain(&ion.write).any(|(n, _)| n == name);
            let rest = |kind| all().then_some((ion.name.as_str(), kind));
            match name.strip_suffix(ion.name.as_str()) {
                Some("e") => return rest("e"),
                Some("i") => return rest("current"),
                _ => {}
            }
            match name.strip_prefix(ion.name.as_str()) {
                Some("i") => rest("i"),
                Some("o") => rest("o"),
                _ => None,
            }
        })
    }

    pub(super) fn known(&self, name: &str) -> bool {
        let m = self.mechanism;
        let mut declared = m.parameters.iter().chain(&m.assigned).chain(&m.states).chain(&m.constants);
        declared.any(|d| d.name == name)
            || m.shared.iter().any(|n| n == name)
            || m.known.iter().any(|k| k.0 == name)
            || m.currents.iter().chain(&m.electrodes).any(|(n, _)| n == name)
            || self.of_ion(name).is_some()
            || name == "v"
    }

    /// Whether a parameter is declared.
    pub fn declares(&self, name: &str) -> bool {
        self.mechanism.parameters.iter().any(|p| p.name == name)
    }

    /// The value of a variable.
    pub(super) fn read(&mut self, name: &str, at: &Place) -> Id {
        if let Some(local) = self.frames.last().and_then(|f| f.get(name)) {
            return match *local {
                Some(id) => id,
                None => {
                    self.flaw(at, format!("`{name}` is used before it is set"), "has no value here", None);
                    self.stale(name)
                }
            };
        }
        if let Some(&id) = self.shared.get(name) {
            return id;
        }
        self.global(name, at)
    }

    pub(super) fn global(&mut self, name: &str, at: &Place) -> Id {
        let m = self.mechanism;
        let constant = |x: f64| [x; SAMPLES];
        match name {
            "v" => {
                let v = [-87.3, -71.9, -58.2, -44.7, -31.3, -12.6, 7.9, 33.1, -103.7, -64.1];
                return self.graph.atom("v", Role::Voltage, v);
            }
            "t" => return self.graph.atom("t", Role::Time, Self::sample("t", |x| 50.0 * x)),
            "dt" => return self.graph.atom("dt", Role::Step, Self::sample("dt", |x| 0.01 + 0.04 * x)),
            "celsius" => return self.temperature("celsius"),
            "diam" | "area" => return self.graph.atom(name, Role::Argument, Self::sample(name, |x| 1.0 + 3.0 * x)),
            "pi" | "PI" if !self.known(name) => {
                return self.graph.atom("pi", Role::Constant, constant(std::f64::consts::PI));
            }
            _ => {}
        }
        if let Some((others, total)) = self.dependent.get(name).cloned() {
            let mut id = self.expression(&total);
            for other in others {
                let other = self.read(&other, at);
                id = self.graph.binary("-", id, other);
            }
            return self.named(name, id);
        }
        if let Some(state) = m.states.iter().find(|s| s.name == name) {
            if self.initial && !self.steady && self.of_ion(name).is_none() {
                return self.begin(name, state.value, at);
            }
            let samples = match self.of_ion(name) {
                Some((ion, what)) => Self::sample(name, |x| usual(ion, what) * (0.5 + x)),
                None => Self::sample(name, |x| 0.05 + 0.9 * x),
            };
            return self.graph.atom(name, Role::State, samples);
        }
        if let Some((which, unit)) = m.known.iter().find(|k| k.0 == name).map(|k| (k.1.clone(), k.2.clone())) {
            return self.known_constant(name, &which, &unit, at);
        }
        if let Some((ion, what)) = self.of_ion(name) {
            let value = usual(ion, what);
            let moves = what == "i" || what == "current" || (ion == "ca" && what == "e");
            let role = if moves { Role::Argument } else { Role::Parameter };
            let sets = m.ions.iter().any(|ion| ion.write.iter().any(|(n, _)| n == name));
            let concentration = what == "i" || what == "o";
            if (self.written.contains(name) && !concentration) || (sets && concentration && !self.initial) {
                return self.stale(name);
            }
            let role = if sets && concentration { Role::Parameter } else { role };
            return self.graph.atom(
                name,
                role,
                Self::sample(name, |x| if what == "current" { -0.001 - 0.01 * x } else { value * (0.9 + 0.2 * x) }),
            );
        }
        if self.absolute.contains(name) {
            return self.temperature(name);
        }
        let given = m.parameters.iter().chain(&m.constants).find(|p| p.name == name);
        if given.is_some() || m.assigned.iter().any(|a| a.name == name) || m.shared.iter().any(|n| n == name) {
            if (given.is_none() && self.written.contains(name)) || (self.later.contains(name) && !self.initial) {
                return self.stale(name);
            }
            if given.is_none_or(|p| p.value.is_none()) {
                self.note(format!("`{name}` has no value in the file, as NEURON has it: 0"));
            }
            let value = given.and_then(|p| p.value).unwrap_or(0.0);
            let spread = |x: f64| if value == 0.0 { 0.02 + 0.3 * x } else { value * (0.97 + 0.06 * x) };
            return self.graph.atom(name, Role::Parameter, Self::sample(name, spread));
        }
        if name == "flag" {
            let help = "write the times of its events in the neuron: `emit … when …`";
            self.flaw(at, "`flag` tells events of its own from others".into(), "cannot be carried over", Some(help));
            return self.stale(name);
        }
        self.flaw(
            at,
            format!("unknown name `{name}`"),
            "not declared",
            Some("declare it in `PARAMETER` or `ASSIGNED`"),
        );
        self.stale(name)
    }

    /// What a state has before `INITIAL`: the parameter `m0`, what its declaration says, or 0.
    pub fn begin(&mut self, name: &str, declared: Option<f64>, at: &Place) -> Id {
        let parameter = format!("{name}0");
        if self.declares(&parameter) {
            return self.read(&parameter, at);
        }
        self.graph.number(declared.unwrap_or(0.0))
    }

    /// A temperature in degrees Celsius, as one in kelvin less 273.15 K.
    fn temperature(&mut self, name: &str) -> Id {
        let id = self.graph.atom(name, Role::Temperature, Self::sample(name, |x| 280.0 + 30.0 * x));
        let zero = self.graph.add(Op::Number(273.15, Some("K".into())));
        self.graph.binary("-", id, zero)
    }

    fn known_constant(&mut self, name: &str, which: &str, unit: &str, at: &Place) -> Id {
        let unit = unit.replace(' ', "");
        let constant = |run: &mut Self, name: &str, value: f64| run.graph.atom(name, Role::Constant, [value; SAMPLES]);
        let coulombs = unit.trim_start_matches("kilo").starts_with("coul");
        // One quantity, counted in different units.
        match which {
            "faraday" if coulombs && unit.starts_with("kilo") => constant(self, "F in kC", 96.485_332_123_310_02),
            "faraday" if coulombs => constant(self, "F", 96_485.332_123_310_02),
            "faraday" if unit == "10000coulomb" => constant(self, "F in 10 kC", 9.648_533_212_331_002),
            "k-mole" if unit.starts_with("joule/deg") || unit == "joule/K" => constant(self, "R", 8.314_462_618_153_24),
            "pi" => self.graph.atom("pi", Role::Constant, [std::f64::consts::PI; SAMPLES]),
            _ => {
                let help = "write its value as a number";
                self.flaw(at, format!("the constant `{name}` = ({which}) ({unit})"), "not known", Some(help));
                self.stale(name)
            }
        }
    }

    /// The value that a variable of the graph has in the file, or else in the first sample.
    pub fn value(&self, atom: usize) -> f64 {
        let name = &self.graph.atoms[atom].name;
        let mut given = self.mechanism.parameters.iter().chain(&self.mechanism.constants);
        let value = given.find(|p| p.name == *name).and_then(|p| p.value);
        match self.graph.atoms[atom].role {
            Role::Parameter => value.unwrap_or(self.graph.samples[atom][0]),
            Role::Temperature => value.map_or(self.graph.samples[atom][0], |celsius| celsius + 273.15),
            _ => self.graph.samples[atom][0],
        }
    }

    /// The value that NEURON gives what an ion has, if the file does not.
    pub fn usual(&self, name: &str) -> Option<f64> {
        self.of_ion(name).map(|(ion, what)| usual(ion, what))
    }
}
