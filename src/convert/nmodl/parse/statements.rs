//! Statements.

use super::*;

/// Words of statements that cannot be carried over, and what to do instead.
const REFUSED: [(&str, &str); 8] = [
    ("WATCH", "write `emit … when rising …` in the neuron"),
    ("while", "write the result of the loop as an expression"),
    ("WHILE", "write the result of the loop as an expression"),
    ("FROM", "write a statement for each element"),
    ("for", "write a statement for each element"),
    ("COMPARTMENT", "divide the rates by the volume"),
    ("LONGITUDINAL_DIFFUSION", "couple compartments, each with a pool of its own"),
    ("FOR_NETCONS", "write the rule as a `synapse`"),
];

impl Parser<'_> {
    pub(super) fn braces(&mut self) -> Vec<Stmt> {
        let mut body = Vec::new();
        if !self.expect("{") {
            return body;
        }
        self.depth += 1;
        if self.depth >= DEEPEST {
            self.flaw(self.place(), "blocks lie too deep in each other", "here", None);
            self.at = self.lexed.tokens.len();
        }
        while self.peek().is_some() && !self.is("}") {
            let before = self.at;
            self.statement(&mut body);
            if self.at == before {
                self.expected("a statement");
                self.at += 1;
            }
        }
        self.expect("}");
        self.depth -= 1;
        body
    }

    fn statement(&mut self, body: &mut Vec<Stmt>) {
        if self.kind(0) == Some(&Kind::Verbatim) {
            let help = "write what it does as an equation in the `.neuro` file";
            self.flaw(self.place(), "`VERBATIM` is C code", "cannot be carried over", Some(help));
            self.at += 1;
            return;
        }
        if self.is("~") {
            return self.reaction(body);
        }
        if self.is("{") {
            let inner = self.braces();
            body.extend(inner);
            return;
        }
        let Some((word, place)) = self.name() else { return };
        match word.as_str() {
            "LOCAL" => {
                let mut names = Vec::new();
                while let Some(found) = self.name() {
                    names.push(found);
                    if !self.eat(",") {
                        break;
                    }
                }
                body.push(Stmt::Local(names));
            }
            "if" | "IF" => {
                let found = self.branch();
                body.push(found);
            }
            "SOLVE" => self.solve(body, place),
            "TABLE" => self.table(),
            "CONSERVE" => self.conserve(body),
            "MUTEXLOCK" | "MUTEXUNLOCK" | "PROTECT" => {}
            "INITIAL" => {
                let help = "keep no numbers with a connection; write the rule as a `synapse`";
                self.flaw(place, "`INITIAL` of a connection", "cannot be carried over", Some(help));
                self.braces();
            }
            _ => match REFUSED.iter().find(|(w, _)| *w == word) {
                Some((_, help)) => {
                    self.flaw(place, format!("`{word}` has no counterpart"), "cannot be carried over", Some(help));
                    while self.peek().is_some() && !self.is("{") && !self.is("}") && !self.next_line() {
                        self.at += 1;
                    }
                    if self.is("{") {
                        self.skip();
                    }
                }
                None => self.assignment(word, place, body),
            },
        }
    }

    /// Whether a line ends before the next piece.
    fn next_line(&self) -> bool {
        self.text[self.last_end()..self.place().start].contains('\n')
    }

    fn assignment(&mut self, word: String, place: Place, body: &mut Vec<Stmt>) {
        if self.is("(") {
            let args = self.call_arguments();
            if word == "printf" || word == "fprintf" {
                self.out.prints = true;
                return;
            }
            body.push(Stmt::Call(word, args, place.start..self.last_end()));
            return;
        }
        if self.is("[") {
            let help = "write a variable for each element";
            self.flaw(place.clone(), format!("`{word}` is an array"), "cannot be carried over", Some(help));
            while self.peek().is_some() && !self.eat("]") {
                self.at += 1;
            }
        }
        let rate = self.eat("'");
        if rate && self.eat("'") {
            let help = "write two equations of the first order";
            self.flaw(place.clone(), format!("`{word}''` is of second order"), "cannot be carried over", Some(help));
        }
        if !self.expect("=") {
            self.at += 1;
            return;
        }
        let value = self.expression();
        body.push(if rate { Stmt::Rate(word, value, place) } else { Stmt::Assign(word, value, place) });
    }

    fn branch(&mut self) -> Stmt {
        self.expect("(");
        let condition = self.expression();
        self.expect(")");
        let then = self.braces();
        let mut other = Vec::new();
        if self.eat_word("else") || self.eat_word("ELSE") {
            if self.eat_word("if") || self.eat_word("IF") {
                self.depth += 1;
                if self.depth < DEEPEST {
                    let inner = self.branch();
                    other.push(inner);
                } else {
                    self.flaw(self.place(), "branches lie too deep in each other", "here", None);
                    self.at = self.lexed.tokens.len();
                }
                self.depth -= 1;
            } else {
                other = self.braces();
            }
        }
        Stmt::If(condition, then, other)
    }

    fn solve(&mut self, body: &mut Vec<Stmt>, place: Place) {
        let Some((name, _)) = self.name() else { return self.expected("the name of a block") };
        let mut method = None;
        let mut steady = false;
        loop {
            if self.eat_word("METHOD") {
                method = self.name().map(|n| n.0);
            } else if self.eat_word("STEADYSTATE") {
                steady = true;
                method = self.name().map(|n| n.0);
            } else if self.eat_word("IFERROR") {
                self.skip();
            } else {
                break;
            }
        }
        body.push(Stmt::Solve(name, method, steady, place));
    }

    /// A table saves time only.
    fn table(&mut self) {
        self.out.table = true;
        while let Some(Kind::Name(n)) = self.kind(0) {
            if n == "FROM" || n == "DEPEND" {
                break;
            }
            self.at += 1;
            if !self.eat(",") {
                break;
            }
        }
        if self.eat_word("DEPEND") {
            while self.name().is_some() && self.eat(",") {}
        }
        if self.eat_word("FROM") {
            self.expression();
            self.eat_word("TO");
            self.expression();
            self.eat_word("WITH");
            self.expression();
        }
    }

    fn terms(&mut self) -> Vec<(f64, String)> {
        let mut terms = Vec::new();
        loop {
            let mut factor = 1.0;
            if let Some(Kind::Number(x)) = self.kind(0) {
                factor = *x;
                self.at += 1;
                self.eat("*");
            }
            let Some((name, at)) = self.name() else {
                self.expected("a state");
                self.at += 1;
                return terms;
            };
            if self.is("[") {
                let help = "write a variable for each element";
                self.flaw(at, format!("`{name}` is an array"), "cannot be carried over", Some(help));
                while self.peek().is_some() && !self.eat("]") {
                    self.at += 1;
                }
            }
            terms.push((factor, name));
            if !self.eat("+") {
                return terms;
            }
        }
    }

    fn reaction(&mut self, body: &mut Vec<Stmt>) {
        let place = self.place();
        self.eat("~");
        let left = self.terms();
        let zero = |at: &Place| Expr { kind: ExprKind::Number(0.0, None), at: at.clone() };
        if self.eat("<<") {
            self.expect("(");
            let flux = self.expression();
            self.expect(")");
            body.push(Stmt::Reaction(Vec::new(), left, flux, zero(&place)));
            return;
        }
        if self.eat("->") {
            self.expect("(");
            let forward = self.expression();
            self.expect(")");
            body.push(Stmt::Reaction(left, Vec::new(), forward, zero(&place)));
            return;
        }
        if !self.expect("<->") {
            return;
        }
        let right = self.terms();
        self.expect("(");
        let forward = self.expression();
        self.expect(",");
        let backward = self.expression();
        self.expect(")");
        body.push(Stmt::Reaction(left, right, forward, backward));
    }

    fn conserve(&mut self, body: &mut Vec<Stmt>) {
        let terms = self.terms();
        self.expect("=");
        let total = self.expression();
        body.push(Stmt::Conserve(terms, total));
    }
}
