//! Diagnostics of the E01xx family and the words for grammar rules.

use super::grammar::Rule;
use super::scan::{Piece, Pieces, is_closed, is_invisible, is_space};
use crate::diag::{Code, Diagnostic, nearest};
use crate::source::{FileId, Span};
use pest::error::{Error, ErrorVariant, InputLocation};

/// Deepest nesting accepted of brackets, and most signs, indices and members of one operand.
pub(super) const MAX_DEPTH: usize = 256;

/// Most operators, or conditionals, that stand one within the other. Everything that reads a tree descends in it, on the stack that
/// [`crate::parallel::on_deep_stack`] provides.
pub const MAX_HEIGHT: usize = 1 << 14;

const DECLARATIONS: [&str; 12] = [
    "use",
    "const",
    "unit",
    "fn",
    "channel",
    "morphology",
    "neuron",
    "synapse",
    "network",
    "world",
    "experiment",
    "test",
];

/// Turns pest's furthest failure into a sentence about the language.
pub(super) fn unexpected(file: FileId, offset: usize, text: &str, error: &Error<Rule>) -> Diagnostic {
    let at = match error.location {
        InputLocation::Pos(p) | InputLocation::Span((p, _)) => p,
    };
    let start = (offset + at).min(text.len());
    let found: String = word_at(text, start);
    let span =
        Span { file, start: start as u32, end: (start + found.len().max(usize::from(start < text.len()))) as u32 };
    let span = clamp_to_char(text, span);
    if let ErrorVariant::ParsingError { positives, .. } = &error.variant {
        if positives.iter().all(|r| matches!(r, Rule::item | Rule::doc | Rule::EOI | Rule::doc_line))
            || at == 0 && !positives.is_empty() && positives.iter().any(|r| matches!(r, Rule::neuron_decl))
        {
            return unexpected_text(span, &found);
        }
        let expected = expectation(positives);
        let shown = match found.is_empty() {
            true if text[start..].trim_matches(is_space).is_empty() => "the end of the file".to_string(),
            true if text[start..].starts_with(['\n', '\r']) => "the end of the line".to_string(),
            true => "the end of the word".to_string(),
            false => quoted(&found),
        };
        return Diagnostic::at(Code::E0101, span, format!("expected {expected}, found {shown}"), "not expected here");
    }
    // Only the parser's own guard of the stack gives another kind of error.
    too_deep(span)
}

/// What could have stood where the parser stopped.
fn expectation(positives: &[Rule]) -> String {
    let mut wanted: Vec<&str> = positives.iter().filter_map(|r| phrase(*r)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    // A phrase that stands within another one is said with it.
    let all = wanted.clone();
    wanted.retain(|w| !all.iter().any(|other| other != w && other.split(" or ").any(|part| part == *w)));
    match wanted.as_slice() {
        [] => match keywords(positives).as_slice() {
            words @ [_, ..] if words.len() < 4 => words.join(" or "),
            _ => "something else".to_string(),
        },
        [one] => (*one).to_string(),
        [many @ .., last] if many.len() < 6 => format!("{} or {last}", many.join(", ")),
        _ => "an expression or the end of the statement".to_string(),
    }
}

/// The words among what could have stood there.
fn keywords(positives: &[Rule]) -> Vec<String> {
    let words = positives.iter().map(|r| format!("{r:?}"));
    words.filter_map(|r| r.strip_prefix("k_").map(|word| format!("`{word}`"))).collect()
}

/// Returns whether no statement can begin where the parser stopped: the one before goes on.
pub(super) fn is_left_open(error: &Error<Rule>) -> bool {
    use Rule::*;
    let ErrorVariant::ParsingError { positives, .. } = &error.variant else { return false };
    let begins = |r: &Rule| {
        matches!(
            r,
            EOI | item
                | doc
                | doc_line
                | model_item
                | network_item
                | world_item
                | command
                | panel_cmd
                | stmt
                | gate_field
                | projection_clause
                | connect_clause
                | drive_clause
                | poisson_clause
        )
    };
    positives.iter().any(|r| phrase(*r).is_some()) && !positives.iter().any(begins)
}

/// A statement that is not finished where the next one begins.
pub(super) fn left_open(text: &str, last: Span, error: &Error<Rule>) -> Diagnostic {
    let last = clamp_to_char(text, last);
    let expected = match &error.variant {
        ErrorVariant::ParsingError { positives, .. } => expectation(positives),
        _ => "more".to_string(),
    };
    let word = &text[last.start as usize..last.end as usize];
    let message = format!("expected {expected} after `{word}`, found the next statement");
    Diagnostic::at(Code::E0101, last, message, "nothing follows")
}

/// A line that ends where something must follow.
pub(super) fn unfinished(text: &str, at: Span, sign: char) -> Diagnostic {
    Diagnostic::at(
        Code::E0101,
        clamp_to_char(text, at),
        format!("expected an expression after `{sign}`, found the next statement"),
        "nothing follows",
    )
}

/// A word where a declaration should begin.
pub(super) fn unexpected_text(span: Span, found: &str) -> Diagnostic {
    let word: String = found.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let shown = if word.is_empty() { found.chars().take(12).collect() } else { word.clone() };
    let help = nearest(&word, DECLARATIONS).map(|w| format!("did you mean `{w}`?"));
    Diagnostic::at(Code::E0102, span, format!("expected a declaration, found {}", quoted(&shown)), "not a declaration")
        .note("a file holds `use`, `const`, `unit`, `fn`, `channel`, `morphology`, `neuron`, `synapse`, `network`, `world`, `experiment` and `test`")
        .maybe_help(help)
}

/// Refuses what is nested so deeply that following it could exhaust the stack.
pub(super) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::at(Code::E0107, span, "this is nested too deeply", "this level")
        .note(format!(
            "at most {MAX_DEPTH} brackets or signs are accepted, and {MAX_HEIGHT} operators or conditionals of a chain"
        ))
        .help("name a part of it with `let`")
}

/// Reports a string without an end.
pub(super) fn open_string(at: Span) -> Diagnostic {
    Diagnostic::at(Code::E0104, at, "this string is not closed", "begins here")
        .help("end it with `\"` on the same line")
}

/// Returns whether a line begins a declaration, or the text above one.
pub(super) fn begins_declaration(line: &str) -> bool {
    let word: String = line.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    line.starts_with("##") || DECLARATIONS.contains(&word.as_str())
}

/// Checks brackets, strings and depth before parsing: the message is better, and the parser's stack is safe.
pub(super) fn out_of_step(file: FileId, text: &str, max_len: usize) -> Option<Diagnostic> {
    if text.len() > max_len {
        return Some(Diagnostic::new(Code::E0107, "the text is too long to be a model"));
    }
    let mut nest = Nest::default();
    let bytes = text.as_bytes();
    for (at, end, piece) in Pieces::new(bytes, 0, bytes.len()) {
        let span = |len: usize| clamp_to_char(text, Span { file, start: at as u32, end: (at + len) as u32 });
        match piece {
            Piece::Text if !is_closed(&bytes[at..end]) => return Some(open_string(span(1))),
            Piece::Text => nest.token(true),
            Piece::Open(b) => nest.open(at, b),
            Piece::Close(b) => {
                if let Err(opened) = nest.close(b) {
                    let message = match opened {
                        None => format!("`{}` closes nothing", b as char),
                        Some((_, o)) => format!("`{}` does not close `{}`", b as char, o as char),
                    };
                    let label = if opened.is_some() { "does not match" } else { "no bracket is open here" };
                    let d = Diagnostic::at(Code::E0103, span(1), message, label);
                    return Some(match opened {
                        None => d,
                        Some((at, _)) => d.label(Span { start: at as u32, end: at as u32 + 1, file }, "opened here"),
                    });
                }
            }
            Piece::Word if bytes[at].is_ascii_digit() => nest.token(true),
            Piece::Word => nest.word(&text[at..end]),
            Piece::Line => nest.new_line = true,
            Piece::Other(b'=')
                if !matches!(bytes.get(end), Some(b'='))
                    && !matches!(bytes[at.max(1) - 1], b'=' | b'<' | b'>' | b'!') =>
            {
                nest.ends_expression();
            }
            Piece::Other(b',') => nest.ends_expression(),
            Piece::Other(b) => nest.token(b == b'%'),
        }
        if nest.levels.len() > MAX_DEPTH || nest.depth() > MAX_HEIGHT {
            return Some(too_deep(span(end - at)));
        }
    }
    nest.levels.last().map(|level| {
        let span = Span { file, start: level.at as u32, end: level.at as u32 + 1 };
        Diagnostic::at(Code::E0103, span, format!("`{}` is never closed", level.bracket as char), "opened here")
    })
}

/// How deeply the parser stands in brackets and in conditionals, which need no brackets to nest.
#[derive(Default)]
struct Nest {
    levels: Vec<Level>,
    /// `if`s that may be open, within the innermost bracket.
    conditionals: usize,
    /// Whether the token before this one ends an operand.
    operand: bool,
    /// Whether a line has begun since then.
    new_line: bool,
    /// Whether the token before this one is `}`: only `else` goes on from there.
    after_block: bool,
}

/// A bracket that is open.
struct Level {
    at: usize,
    bracket: u8,
    /// The depth around it, and how many conditionals may be open there.
    depth: usize,
    conditionals: usize,
}

impl Nest {
    fn depth(&self) -> usize {
        self.levels.last().map_or(0, |l| l.depth) + self.conditionals
    }

    fn open(&mut self, at: usize, bracket: u8) {
        // The block of an `if` is no level of its own.
        let own = usize::from(bracket != b'{' || self.conditionals == 0);
        self.levels.push(Level { at, bracket, depth: self.depth() + own, conditionals: self.conditionals });
        self.conditionals = 0;
        self.token(false);
    }

    /// A token without a word, and whether an operand ends with it.
    fn token(&mut self, operand: bool) {
        self.operand = operand;
        (self.new_line, self.after_block) = (false, false);
    }

    /// Leaves a bracket; else returns the one that is open instead.
    fn close(&mut self, bracket: u8) -> Result<(), Option<(usize, u8)>> {
        let level = self.levels.pop().ok_or(None)?;
        if !matches!((level.bracket, bracket), (b'(', b')') | (b'[', b']') | (b'{', b'}')) {
            return Err(Some((level.at, level.bracket)));
        }
        self.conditionals = level.conditionals;
        self.token(bracket != b'}');
        self.after_block = bracket == b'}';
        Ok(())
    }

    fn word(&mut self, word: &str) {
        // No expression goes on with a name in the next line, or after a block.
        let goes_on = matches!(word, "or" | "and" | "within" | "in" | "step" | "then" | "else" | "at");
        if self.operand && self.new_line && !goes_on || self.after_block && word != "else" {
            self.conditionals = 0;
        }
        self.conditionals += usize::from(word == "if");
        self.token(!goes_on && !matches!(word, "if" | "not"));
    }

    fn ends_expression(&mut self) {
        self.conditionals = 0;
        self.token(false);
    }
}

fn clamp_to_char(text: &str, mut span: Span) -> Span {
    let len = text.len() as u32;
    span.start = span.start.min(len);
    span.end = span.end.min(len).max(span.start);
    while !text.is_char_boundary(span.start as usize) {
        span.start -= 1;
    }
    while !text.is_char_boundary(span.end as usize) {
        span.end += 1;
    }
    span
}

fn word_at(text: &str, start: usize) -> String {
    let rest = text.get(start..).unwrap_or("");
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    // Signs that belong together.
    let pair = ["==", "!=", "<=", ">=", "&&", "||", "**", "//", "->", "+=", "-=", "*=", "/="]
        .iter()
        .find(|p| rest.starts_with(**p));
    match pair {
        Some(pair) => (*pair).to_string(),
        None if word.is_empty() => rest.chars().take(1).filter(|c| !is_space(*c)).collect(),
        None => word,
    }
}

/// Text in quotes, or the number of a character that cannot be seen.
fn quoted(text: &str) -> String {
    match text.chars().next().filter(|c| is_invisible(*c)) {
        Some(c) => format!("U+{:04X}", c as u32),
        None => format!("`{text}`"),
    }
}

/// The words for a grammar rule; `None` for rules that would only add noise to a list of expectations.
fn phrase(rule: Rule) -> Option<&'static str> {
    use Rule::*;
    Some(match rule {
        expr | primary | neg | not | conditional | since | quantity | list | paren | number | boolean | all_of => {
            "an expression"
        }
        ident | any_ident | path | target | use_path => "a name",
        string => "a string in quotes",
        unit_expr | unit_factor | unit_atom | unit_name | unit_exponent => "a unit",
        or | and | within | in_range | le | ge | eq | ne | lt | gt | range | add | sub | mul | div | pow => {
            "an operator"
        }
        call_args | formals => "`(`",
        index => "`[`",
        segmented => "`segmented`",
        model_body | network_body | block | handler | projection_body => "`{`",
        model_item | equation | params | state => "a declaration of the model",
        network_item => "a declaration of the network",
        command => "a statement",
        panel_cmd => "`panel`",
        binding | state_binding => "a name and its value",
        assign_op => "`=`",
        distribution | value => "`=` or `~`",
        emit_on | emit_when | arg | postfix | member | at_end | at_end_of | batch | reduction | over | for_names
        | unit_op | doc | doc_line | blank | EOI => return None,
        projection_clause | connect_clause | weight_clause | delay_clause | modulator_clause => {
            "`connect`, `weight`, `delay` or `modulator`"
        }
        drive_clause | poisson_clause | bernoulli_clause | spikes_clause => {
            "`poisson`, `bernoulli`, `spikes`, `weight` or `delay`"
        }
        record_every | record_during | record_as => "`every`, `during` or `as`",
        until => "`until`",
        k_times => "`times`",
        sweep_variable => "a name and its values",
        settle_for | settle_until => "`for` or `until change`",
        k_steps => "`steps`",
        k_batch => "`batch`",
        gate_field => "`alpha`, `beta`, `inf` or `tau`",
        _ => return None,
    })
}
