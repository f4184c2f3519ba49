//! Expressions.

use super::*;

/// Operators and how closely they bind, without `^`.
const BINARY: [(&str, u8); 12] = [
    ("||", 1),
    ("&&", 2),
    ("==", 3),
    ("!=", 3),
    ("<", 4),
    (">", 4),
    ("<=", 4),
    (">=", 4),
    ("+", 5),
    ("-", 5),
    ("*", 6),
    ("/", 6),
];

impl Parser<'_> {
    pub(super) fn expression(&mut self) -> Expr {
        self.binary(1)
    }

    fn lost(&self) -> Expr {
        Expr { kind: ExprKind::Lost, at: self.place() }
    }

    fn deeper(&mut self) -> bool {
        self.depth += 1;
        let fits = self.depth < DEEPEST;
        if !fits {
            self.flaw(self.place(), "the expression is too deep or too long", "here", None);
            self.at = self.lexed.tokens.len();
        }
        fits
    }

    fn binary(&mut self, least: u8) -> Expr {
        if !self.deeper() {
            return self.lost();
        }
        let before = self.depth;
        let mut left = self.unary();
        while let Some(&(sign, binds)) =
            BINARY.iter().find(|(s, binds)| *binds >= least && matches!(self.kind(0), Some(Kind::Sign(t)) if t == s))
        {
            self.at += 1;
            let right = self.binary(binds + 1);
            let at = left.at.start..right.at.end;
            left = Expr { kind: ExprKind::Binary(sign, Box::new(left), Box::new(right)), at };
            // A long sum is deep, too.
            if !self.deeper() {
                return left;
            }
        }
        self.depth = before - 1;
        left
    }

    fn unary(&mut self) -> Expr {
        let start = self.place().start;
        if !self.deeper() {
            return self.lost();
        }
        let expr = if self.eat("-") {
            let inner = self.unary();
            let at = start..inner.at.end;
            Expr { kind: ExprKind::Negative(Box::new(inner)), at }
        } else if self.eat("!") {
            let inner = self.unary();
            let at = start..inner.at.end;
            Expr { kind: ExprKind::Not(Box::new(inner)), at }
        } else {
            self.eat("+");
            self.power()
        };
        self.depth -= 1;
        expr
    }

    fn power(&mut self) -> Expr {
        let base = self.atom();
        if !self.eat("^") {
            return base;
        }
        let exponent = self.unary();
        let at = base.at.start..exponent.at.end;
        Expr { kind: ExprKind::Binary("^", Box::new(base), Box::new(exponent)), at }
    }

    fn atom(&mut self) -> Expr {
        let at = self.place();
        match self.kind(0).cloned() {
            Some(Kind::Number(x)) => {
                self.at += 1;
                let unit = self.unit();
                Expr { kind: ExprKind::Number(x, unit), at }
            }
            Some(Kind::Name(name)) => {
                self.at += 1;
                if self.is("(") {
                    let args = self.call_arguments();
                    let at = at.start..self.last_end();
                    return Expr { kind: ExprKind::Call(name, args), at };
                }
                if self.is("[") {
                    let help = "write a variable for each element";
                    self.flaw(at.clone(), format!("`{name}` is an array"), "cannot be carried over", Some(help));
                    while self.peek().is_some() && !self.eat("]") {
                        self.at += 1;
                    }
                }
                Expr { kind: ExprKind::Name(name), at }
            }
            Some(Kind::Sign("(")) => {
                self.at += 1;
                let mut inner = self.expression();
                self.expect(")");
                inner.at = at.start..self.last_end();
                inner
            }
            _ => {
                self.expected("an expression");
                self.at += 1;
                Expr { kind: ExprKind::Lost, at }
            }
        }
    }

    pub(super) fn last_end(&self) -> usize {
        self.at.checked_sub(1).and_then(|i| self.lexed.tokens.get(i)).map_or(0, |t| t.at.end)
    }

    pub(super) fn call_arguments(&mut self) -> Vec<Expr> {
        let mut args = Vec::new();
        self.expect("(");
        while self.peek().is_some() && !self.eat(")") {
            if self.kind(0) == Some(&Kind::Text) {
                self.at += 1;
            } else {
                args.push(self.expression());
            }
            if !self.eat(",") && !self.is(")") {
                self.expected("`)`");
                break;
            }
        }
        args
    }
}
