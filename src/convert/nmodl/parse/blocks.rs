//! Blocks of a file, and declarations.

use super::*;
use std::collections::HashMap;

impl Parser<'_> {
    pub(super) fn file(&mut self) {
        while self.at < self.lexed.tokens.len() {
            let before = self.at;
            self.block();
            if self.at == before {
                self.expected("a block such as `NEURON { … }`");
                self.skip();
            }
        }
    }

    fn block(&mut self) {
        if self.kind(0) == Some(&Kind::Verbatim) {
            return self.verbatim();
        }
        let Some((word, place)) = self.name() else { return };
        match word.as_str() {
            "NEURON" => self.neuron(),
            "UNITS" => self.units(),
            "CONSTANT" => {
                let list = self.declarations();
                self.out.constants.extend(list);
            }
            "PARAMETER" => {
                let list = self.declarations();
                self.out.parameters.extend(list);
            }
            "ASSIGNED" => {
                let list = self.declarations();
                self.out.assigned.extend(list);
            }
            "STATE" => {
                let list = self.declarations();
                self.out.states.extend(list);
            }
            "INITIAL" => {
                let body = self.braces();
                self.out.initial.body.extend(body);
                self.out.initial.at = place;
            }
            "BREAKPOINT" => {
                let body = self.braces();
                let block = Block { body, at: place.clone(), ..Block::default() };
                let before = self.out.breakpoint.replace(block);
                self.once(before.is_none(), &word, place);
            }
            "NET_RECEIVE" => self.receive(place),
            "DERIVATIVE" | "KINETIC" | "PROCEDURE" | "FUNCTION" => self.procedure(&word),
            "LOCAL" => {
                while let Some((name, _)) = self.name() {
                    self.out.shared.push(name);
                    if !self.eat(",") {
                        break;
                    }
                }
            }
            "INDEPENDENT" => self.skip(),
            "DEFINE" => self.at += 2,
            _ => self.refused(&word, place),
        }
    }

    fn verbatim(&mut self) {
        let place = self.place();
        let help = "write what it does as an equation in the `.neuro` file";
        self.flaw(place, "`VERBATIM` is C code", "cannot be carried over", Some(help));
        self.at += 1;
    }

    fn refused(&mut self, word: &str, place: Place) {
        let (message, help) = match word {
            "LINEAR" | "NONLINEAR" => ("solves equations at every step", "solve them by hand and write the solution"),
            "FUNCTION_TABLE" => ("reads a table of numbers", "write a function that fits the table"),
            "CONSTRUCTOR" | "DESTRUCTOR" => ("runs when the mechanism is made", "write what it computes as `param`"),
            "BEFORE" | "AFTER" => ("runs outside of the equations", "write what it does as equations"),
            "DISCRETE" | "PARTIAL" => ("has no counterpart", "write it as equations `x' = …`"),
            "INCLUDE" => ("reads another file", "put the text of the file in its place"),
            _ => {
                self.at -= 1;
                return;
            }
        };
        self.flaw(place, format!("`{word}` {message}"), "cannot be carried over", Some(help));
        if word == "INCLUDE" || (word == "FUNCTION_TABLE") {
            while self.peek().is_some() && !self.is("}") && !self.starts_block() {
                self.at += 1;
            }
        } else {
            self.skip();
        }
    }

    fn starts_block(&self) -> bool {
        let blocks = ["NEURON", "UNITS", "PARAMETER", "ASSIGNED", "STATE", "INITIAL", "BREAKPOINT", "FUNCTION"];
        matches!(self.kind(0), Some(Kind::Name(n)) if blocks.contains(&n.as_str())
            || ["PROCEDURE", "DERIVATIVE", "KINETIC", "CONSTANT", "NET_RECEIVE"].contains(&n.as_str()))
    }

    fn procedure(&mut self, word: &str) {
        let Some((name, at)) = self.name() else { return self.expected("a name") };
        let args = self.arguments();
        let unit = self.unit();
        let body = self.braces();
        let block = Block { args, unit, body, at };
        if word == "FUNCTION" {
            self.out.functions.push(name.clone());
        }
        let into = match word {
            "DERIVATIVE" => &mut self.out.derivatives,
            "KINETIC" => &mut self.out.kinetics,
            _ => &mut self.out.procedures,
        };
        let place = block.at.clone();
        let before = into.insert(name.clone(), block);
        self.once(before.is_none(), &name, place);
    }

    /// Complains about what is there a second time.
    fn once(&mut self, first: bool, name: &str, place: Place) {
        if !first {
            let help = "remove one of them";
            self.flaw(place, format!("`{name}` is there twice"), "the second", Some(help));
        }
    }

    /// Complains about names that are declared with two values.
    pub(super) fn contradictions(&mut self) {
        let mut values: HashMap<String, f64> = HashMap::new();
        let mut twice = Vec::new();
        for one in self.out.parameters.iter().chain(&self.out.constants) {
            let Some(value) = one.value else { continue };
            if values.insert(one.name.clone(), value).is_some_and(|before| before != value) {
                twice.push((one.name.clone(), one.at.clone()));
            }
        }
        for (name, at) in twice {
            self.once(false, &name, at);
        }
    }

    fn arguments(&mut self) -> Vec<(String, Option<String>)> {
        let mut args = Vec::new();
        if self.eat("(") {
            while let Some((name, _)) = self.name() {
                let unit = self.unit();
                args.push((name, unit));
                self.eat(",");
            }
            self.expect(")");
        }
        args
    }

    fn receive(&mut self, at: Place) {
        let args = self.arguments();
        let body = self.braces();
        let block = Block { args, body, at: at.clone(), ..Block::default() };
        let before = self.out.receive.replace(block);
        self.once(before.is_none(), "NET_RECEIVE", at);
    }

    fn neuron(&mut self) {
        self.expect("{");
        while !self.closed() {
            let Some((word, place)) = self.name() else {
                self.expected("a word of `NEURON`");
                return self.skip();
            };
            match word.as_str() {
                "SUFFIX" => self.out.name = self.name(),
                "POINT_PROCESS" => {
                    self.out.sort = Sort::Point;
                    self.out.name = self.name();
                }
                "ARTIFICIAL_CELL" => {
                    self.out.name = self.name();
                    let help = "write a `neuron` with `emit spike when …`";
                    self.flaw(place, "an `ARTIFICIAL_CELL` is no channel", "cannot be carried over", Some(help));
                }
                "USEION" => self.ion(),
                "NONSPECIFIC_CURRENT" | "ELECTRODE_CURRENT" => {
                    let names = self.names();
                    let list = if word.starts_with('N') { &mut self.out.currents } else { &mut self.out.electrodes };
                    list.extend(names);
                }
                "RANGE" | "GLOBAL" => {
                    self.names();
                }
                "POINTER" | "BBCOREPOINTER" | "EXTERNAL" | "RANDOM" => {
                    self.names();
                    self.foreign(&word, place);
                }
                "REPRESENTS" => {
                    self.at += 1;
                    while self.eat(":") || self.eat("[") || self.eat("]") {}
                }
                "NONBLOCKING" => {}
                _ => {
                    self.flaw(place, format!("unknown word `{word}` in `NEURON`"), "not expected here", None);
                    return self.skip();
                }
            }
        }
    }

    /// Whether a block ends here; one that the file cuts off does, with a flaw.
    fn closed(&mut self) -> bool {
        let ends = self.peek().is_none();
        if ends {
            self.expected("`}`");
        }
        ends || self.eat("}")
    }

    fn foreign(&mut self, word: &str, place: Place) {
        let help = match word {
            "RANDOM" => "draw in an event handler, or write noise as `xi`",
            "EXTERNAL" => "make it a parameter",
            _ => "make it an argument of the channel, and give it where the channel is used",
        };
        let what = match word {
            "RANDOM" => "draws numbers",
            _ => "points out of the mechanism",
        };
        self.flaw(place, format!("`{word}` {what}"), "cannot be carried over", Some(help));
    }

    fn names(&mut self) -> Vec<(String, Place)> {
        let mut names = Vec::new();
        let after = self.at;
        while let Some(name) = self.name() {
            names.push(name);
            if !self.eat(",") {
                break;
            }
        }
        if self.at == after {
            self.expected("a name");
        }
        names
    }

    fn ion(&mut self) {
        let Some((name, _)) = self.name() else { return self.expected("the name of an ion") };
        let mut ion = Ion { name, ..Ion::default() };
        loop {
            if self.eat_word("READ") {
                ion.read.extend(self.names());
            } else if self.eat_word("WRITE") {
                ion.write.extend(self.names());
            } else if self.eat_word("VALENCE") {
                self.signed();
            } else if self.eat_word("REPRESENTS") {
                self.name();
                if matches!(self.kind(0), Some(Kind::Number(_))) {
                    self.at += 1;
                }
            } else {
                break;
            }
        }
        self.out.ions.push(ion);
    }

    fn units(&mut self) {
        self.expect("{");
        while !self.closed() {
            if self.is("(") {
                let name = self.unit().unwrap_or_default();
                self.eat("=");
                let means = self.unit().unwrap_or_default();
                self.out.units.push((name, means));
            } else if let Some((name, at)) = self.name() {
                self.eat("=");
                if let Some(first) = self.unit() {
                    let unit = self.unit().unwrap_or_default();
                    self.out.known.push((name, first, unit, at));
                } else {
                    let value = self.value();
                    let unit = self.unit();
                    self.out.constants.push(Declared { name, value, unit, at, remark: None });
                }
            } else {
                self.expected("a unit");
                return self.skip();
            }
        }
    }

    fn declarations(&mut self) -> Vec<Declared> {
        let mut list = Vec::new();
        self.expect("{");
        while !self.closed() {
            if self.eat(",") {
                continue;
            }
            if self.kind(0) == Some(&Kind::Verbatim) {
                self.verbatim();
                continue;
            }
            let Some((name, at)) = self.name() else {
                self.expected("a name");
                self.skip();
                return list;
            };
            if self.is("[") {
                let help = "write a variable for each element";
                self.flaw(at.clone(), format!("`{name}` is an array"), "cannot be carried over", Some(help));
                while self.peek().is_some() && !self.eat("]") {
                    self.at += 1;
                }
            }
            let value = if self.eat("=") { self.value() } else { None };
            let unit = self.unit();
            let value = value.or(self.range());
            let remark = self.remark(at.end);
            list.push(Declared { name, value, unit, at, remark });
        }
        list
    }

    fn value(&mut self) -> Option<f64> {
        let value = self.signed();
        if value.is_none() {
            self.expected("a number");
            self.at += 1;
        }
        value
    }

    /// `<a, b>`, `FROM a TO b`, `START a`: ranges are hints for windows; where a state starts is kept.
    fn range(&mut self) -> Option<f64> {
        if self.eat_word("FROM") {
            self.signed();
            self.eat_word("TO");
            self.signed();
        }
        let start = if self.eat_word("START") { self.value() } else { None };
        if self.eat("<") {
            while self.peek().is_some() && !self.eat(">") {
                self.at += 1;
            }
        }
        start
    }

    /// The comment on the line of a declaration, if nothing else is declared there.
    fn remark(&self, from: usize) -> Option<String> {
        let end = from + self.text[from..].find(['\n', '\r']).unwrap_or(self.text.len() - from);
        let next = self.place();
        if next.start < end && !self.is("}") {
            return None;
        }
        let found = self.lexed.remarks.iter().find(|(at, _)| (from..end).contains(at));
        found.map(|(_, text)| text.clone())
    }
}
