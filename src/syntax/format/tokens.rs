//! The tokens of a syntax tree, and how they want to stand beside each other.

use super::super::grammar::Rule;
use pest::iterators::Pair;

/// A word, an operator, a bracket, a comment.
pub(super) struct Token {
    pub(super) text: String,
    pub(super) kind: Kind,
    /// The statement, clause or declaration that begins with it.
    pub(super) begins: Option<Rule>,
    /// How many lines the author ended before it.
    pub(super) lines: usize,
    /// Whether no space stands before it, and after it.
    pub(super) tight: (bool, bool),
    /// Whether a line that is too wide may be broken before it.
    pub(super) may_break: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `(` or `[`
    Open,
    /// `)` or `]`
    Close,
    /// `{`
    BlockOpen,
    /// `}`
    BlockClose,
    /// `# …`
    Comment,
    /// `## …`
    Doc,
    /// A number with its unit: what follows on its line may belong to it.
    Quantity,
    Other,
}

/// Returns the tokens of a file in order.
pub(super) fn tokens(file: Pair<Rule>) -> Vec<Token> {
    let mut walk = Walk { text: file.get_input(), at: 0, lines: 0, begins: None, out: Vec::new() };
    walk.pair(file);
    walk.out
}

/// What can stand beside others in a block, or by itself.
fn is_statement(rule: Rule) -> bool {
    use Rule::*;
    matches!(
        rule,
        item | model_item
            | network_item
            | world_item
            | command
            | stmt
            | projection_clause
            | drive_clause
            | gate_field
            | panel_cmd
    )
}

/// What is written in one piece, whatever it consists of.
fn is_one(rule: Rule) -> bool {
    use Rule::*;
    matches!(rule, member | path | view_tail | unit_factor)
}

fn is_operator(rule: Rule) -> bool {
    use Rule::*;
    matches!(rule, or | and | within | in_range | le | ge | eq | ne | lt | gt | add | sub | mul | div)
}

struct Walk<'a> {
    text: &'a str,
    /// Up to where the text has been taken.
    at: usize,
    /// How many lines ended since the last token.
    lines: usize,
    begins: Option<Rule>,
    out: Vec<Token>,
}

impl Walk<'_> {
    fn pair(&mut self, pair: Pair<Rule>) {
        let (rule, span) = (pair.as_rule(), pair.as_span());
        let mut inner = pair.into_inner().peekable();
        match rule {
            Rule::EOI => return,
            Rule::quantity => {
                let parts = inner.map(|p| p.as_str().split_whitespace().collect::<String>()).collect::<Vec<_>>();
                self.push(parts.join(" "), Kind::Quantity, (false, false), false);
                self.at = span.end();
                return;
            }
            _ => {}
        }
        if is_one(rule) || inner.peek().is_none() && !span.as_str().starts_with(['(', '[', '{']) {
            self.leaf(rule, span.as_str());
            self.at = span.end();
            return;
        }
        for child in inner {
            let (child_rule, start) = (child.as_rule(), child.as_span().start());
            self.between(rule, start);
            // What an `at` does, it does on its line.
            if is_statement(child_rule) && rule != Rule::at_cmd {
                let what = child.clone().into_inner().find(|p| p.as_rule() != Rule::doc);
                self.begins = Some(what.map_or(child_rule, |p| p.as_rule()));
            }
            self.pair(child);
        }
        self.between(rule, span.end());
    }

    /// A token that the grammar names, as it is written but for the spaces in it.
    fn leaf(&mut self, rule: Rule, text: &str) {
        use Rule::*;
        let text = match rule {
            string | doc_line => text.trim_end().to_string(),
            member | path | view_tail | unit_factor => text.split_whitespace().collect(),
            _ => text.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let is_blank = |c: Option<char>| c.is_some_and(char::is_whitespace);
        let rest = &self.text[self.at..];
        // Asked of operators, which are one sign.
        let spaced = is_blank(self.text[..self.at].chars().next_back()) || is_blank(rest.chars().nth(1));
        let tight = match rule {
            neg => (false, true),
            pow | unit_op => (true, true),
            // `g_L*(E_L - v) / C_m`: the author's choice, on both sides.
            mul | div if !spaced => (true, true),
            member | view_tail => (true, false),
            _ => (false, false),
        };
        let kind = if rule == doc_line { Kind::Doc } else { Kind::Other };
        self.push(text, kind, tight, is_operator(rule));
    }

    /// What stands between the parts of a rule: its words and signs, and comments.
    fn between(&mut self, rule: Rule, to: usize) {
        while let Some(c) = self.text[self.at..to].chars().next() {
            let rest = &self.text[self.at..to];
            if c.is_whitespace() {
                self.lines += usize::from(c == '\n');
                self.at += c.len_utf8();
                continue;
            }
            let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let length = match c {
                '#' => rest.find('\n').unwrap_or(rest.len()),
                '-' | '<' => rest.find(|c| !matches!(c, '-' | '<' | '>')).unwrap_or(rest.len()),
                c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                c => c.len_utf8(),
            };
            let kind = match c {
                '#' => Kind::Comment,
                '(' | '[' => Kind::Open,
                ')' | ']' => Kind::Close,
                '{' => Kind::BlockOpen,
                '}' => Kind::BlockClose,
                _ => Kind::Other,
            };
            let after_name = matches!(rule, Rule::call_args | Rule::formals | Rule::since | Rule::index);
            let tight = match c {
                '(' | '[' => (after_name, true),
                ')' | ']' | ',' | ':' | '\'' => (true, false),
                '.' => (true, true),
                _ => (false, false),
            };
            self.push(rest[..length].trim_end().to_string(), kind, tight, false);
            self.at += length;
        }
    }

    fn push(&mut self, text: String, kind: Kind, tight: (bool, bool), operator: bool) {
        let after = self.out.last().is_some_and(|t| t.text == "," || t.kind == Kind::Open);
        let begins = if kind == Kind::Comment { None } else { self.begins.take() };
        let lines = std::mem::take(&mut self.lines);
        self.out.push(Token { text, kind, begins, lines, tight, may_break: operator || after });
    }
}
