//! Expressions of LEMS.
//!
//! Input: the text of an attribute. Output: a tree. `.gt.` and its kin, `.and.`, `.or.`, `.not.`, arithmetic and functions.

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A number as it is written.
    Number(String),
    /// What a name stands for.
    Name(String),
    /// `-x`
    Negative(Box<Expression>),
    /// `not x`
    Not(Box<Expression>),
    /// `x + y` and its kin.
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `f(x)`
    Call(String, Vec<Expression>),
}

/// What stands between two expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `or`
    Or,
    /// `and`
    And,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Over,
    /// `^`
    Power,
}

impl Operator {
    /// How tightly it binds.
    pub fn binding(self) -> u8 {
        match self {
            Operator::Or => 1,
            Operator::And => 2,
            Operator::Plus | Operator::Minus => 5,
            Operator::Times | Operator::Over => 6,
            Operator::Power => 8,
            _ => 4,
        }
    }

    /// How Neuro writes it.
    pub fn text(self) -> &'static str {
        match self {
            Operator::Or => " or ",
            Operator::And => " and ",
            Operator::Less => " < ",
            Operator::LessOrEqual => " <= ",
            Operator::Greater => " > ",
            Operator::GreaterOrEqual => " >= ",
            Operator::Equal => " == ",
            Operator::Unequal => " != ",
            Operator::Plus => " + ",
            Operator::Minus => " - ",
            Operator::Times => " * ",
            Operator::Over => " / ",
            Operator::Power => "^",
        }
    }

    /// Whether it compares.
    pub fn compares(self) -> bool {
        self.binding() == 4
    }
}

impl Expression {
    /// The expression without what stands beside and within it.
    pub fn visit(&self, seen: &mut dyn FnMut(&Expression)) {
        seen(self);
        match self {
            Expression::Negative(x) | Expression::Not(x) => x.visit(seen),
            Expression::Binary(_, x, y) => {
                x.visit(seen);
                y.visit(seen);
            }
            Expression::Call(_, arguments) => arguments.iter().for_each(|x| x.visit(seen)),
            _ => {}
        }
    }

    /// Whether a name occurs.
    pub fn mentions(&self, name: &str) -> bool {
        let mut found = false;
        self.visit(&mut |x| found |= matches!(x, Expression::Name(n) if n == name));
        found
    }

    /// The number, if it is one.
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Expression::Number(text) => text.parse().ok(),
            Expression::Negative(x) => x.as_number().map(|x| -x),
            _ => None,
        }
    }
}

/// Two expressions joined.
pub fn binary(operator: Operator, x: Expression, y: Expression) -> Expression {
    Expression::Binary(operator, Box::new(x), Box::new(y))
}

/// A name.
pub fn name(name: &str) -> Expression {
    Expression::Name(name.to_string())
}

/// What can be called, and with how many arguments.
const FUNCTIONS: [(&str, usize); 19] = [
    ("exp", 1),
    ("exprel", 1),
    ("log", 1),
    ("ln", 1),
    ("log10", 1),
    ("sqrt", 1),
    ("sin", 1),
    ("cos", 1),
    ("tan", 1),
    ("sinh", 1),
    ("cosh", 1),
    ("tanh", 1),
    ("abs", 1),
    ("ceil", 1),
    ("floor", 1),
    ("random", 1),
    ("H", 1),
    ("max", 2),
    ("min", 2),
];

const DEEPEST: usize = 64;

/// Reads an expression.
pub fn parse(text: &str) -> Result<Expression, String> {
    let tokens = tokens(text)?;
    let mut parser = Parser { tokens: &tokens, at: 0, depth: 0, terms: 0 };
    let expression = parser.level(1)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some(token) => Err(format!("`{}` is not expected", token.text())),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(String),
    Name(String),
    Operator(Operator),
    Not,
    Open,
    Close,
    Comma,
}

impl Token {
    fn text(&self) -> String {
        match self {
            Token::Number(t) | Token::Name(t) => t.clone(),
            Token::Operator(o) => o.text().trim().to_string(),
            Token::Not => ".not.".into(),
            Token::Open => "(".into(),
            Token::Close => ")".into(),
            Token::Comma => ",".into(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let characters: Vec<char> = text.chars().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(&c) = characters.get(at) {
        let next = characters.get(at + 1).copied().unwrap_or(' ');
        if c.is_whitespace() {
            at += 1;
        } else if c.is_ascii_digit() || (c == '.' && next.is_ascii_digit()) {
            let from = at;
            at = number_end(&characters, at);
            out.push(Token::Number(characters[from..at].iter().collect()));
        } else if c.is_alphabetic() || c == '_' {
            let from = at;
            while characters.get(at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                at += 1;
            }
            out.push(Token::Name(characters[from..at].iter().collect()));
        } else if c == '.' {
            let rest = &characters[at + 1..characters.len().min(at + 6)];
            let end = rest.iter().position(|c| *c == '.').ok_or("a point that begins no word")?;
            let word: String = rest[..end].iter().collect();
            out.push(word_token(&word.to_lowercase()).ok_or_else(|| format!("`.{word}.` is not known"))?);
            at += end + 2;
        } else {
            out.push(sign(c).ok_or_else(|| format!("`{c}` is not expected"))?);
            at += 1;
        }
    }
    Ok(out)
}

fn number_end(characters: &[char], from: usize) -> usize {
    let digits = |mut at: usize| {
        while characters.get(at).is_some_and(char::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let mut at = digits(from);
    if characters.get(at) == Some(&'.') && !characters.get(at + 1).is_some_and(|c| c.is_alphabetic()) {
        at = digits(at + 1);
    }
    if matches!(characters.get(at), Some('e' | 'E')) {
        let sign = usize::from(matches!(characters.get(at + 1), Some('+' | '-')));
        let end = digits(at + 1 + sign);
        if end > at + 1 + sign {
            at = end;
        }
    }
    at
}

fn word_token(word: &str) -> Option<Token> {
    Some(match word {
        "gt" => Token::Operator(Operator::Greater),
        "lt" => Token::Operator(Operator::Less),
        "geq" | "ge" => Token::Operator(Operator::GreaterOrEqual),
        "leq" | "le" => Token::Operator(Operator::LessOrEqual),
        "eq" => Token::Operator(Operator::Equal),
        "neq" | "ne" => Token::Operator(Operator::Unequal),
        "and" => Token::Operator(Operator::And),
        "or" => Token::Operator(Operator::Or),
        "not" => Token::Not,
        _ => return None,
    })
}

fn sign(c: char) -> Option<Token> {
    Some(match c {
        '+' => Token::Operator(Operator::Plus),
        '-' => Token::Operator(Operator::Minus),
        '*' => Token::Operator(Operator::Times),
        '/' => Token::Operator(Operator::Over),
        '^' => Token::Operator(Operator::Power),
        '<' => Token::Operator(Operator::Less),
        '>' => Token::Operator(Operator::Greater),
        '(' => Token::Open,
        ')' => Token::Close,
        ',' => Token::Comma,
        _ => return None,
    })
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    terms: usize,
}

impl Parser<'_> {
    fn level(&mut self, lowest: u8) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("the expression is nested deeper than {DEEPEST}"));
        }
        let mut left = self.operand()?;
        while let Some(&Token::Operator(operator)) = self.tokens.get(self.at) {
            if operator.binding() < lowest {
                break;
            }
            self.at += 1;
            self.terms += 1;
            if self.terms > 512 {
                return Err("the expression has more than 512 terms".into());
            }
            let next = if operator == Operator::Power { 7 } else { operator.binding() + 1 };
            left = binary(operator, left, self.level(next)?);
        }
        self.depth -= 1;
        Ok(left)
    }

    fn operand(&mut self) -> Result<Expression, String> {
        let token = self.tokens.get(self.at).ok_or("the expression ends too early")?;
        self.at += 1;
        match token {
            Token::Number(text) => Ok(Expression::Number(text.clone())),
            Token::Operator(Operator::Minus) => Ok(Expression::Negative(Box::new(self.level(7)?))),
            Token::Operator(Operator::Plus) => self.level(7),
            Token::Not => Ok(Expression::Not(Box::new(self.level(4)?))),
            Token::Open => {
                let inner = self.level(1)?;
                self.take(&Token::Close)?;
                Ok(inner)
            }
            Token::Name(name) if self.tokens.get(self.at) == Some(&Token::Open) => self.call(name.clone()),
            Token::Name(name) => Ok(Expression::Name(name.clone())),
            other => Err(format!("`{}` is not expected", other.text())),
        }
    }

    fn call(&mut self, name: String) -> Result<Expression, String> {
        self.at += 1;
        let mut arguments = vec![self.level(1)?];
        while self.tokens.get(self.at) == Some(&Token::Comma) {
            self.at += 1;
            arguments.push(self.level(1)?);
        }
        self.take(&Token::Close)?;
        match FUNCTIONS.iter().find(|(n, _)| *n == name) {
            Some((_, n)) if *n == arguments.len() => Ok(Expression::Call(name, arguments)),
            Some((_, n)) => Err(format!("`{name}` takes {n} arguments, not {}", arguments.len())),
            None => Err(format!("the function `{name}` is not known")),
        }
    }

    fn take(&mut self, token: &Token) -> Result<(), String> {
        if self.tokens.get(self.at) == Some(token) {
            self.at += 1;
            return Ok(());
        }
        Err(format!("a `{}` is missing", token.text()))
    }
}
