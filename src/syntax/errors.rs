//! Diagnostics of the E01xx family and the words for grammar rules.

use super::parse::Rule;
use crate::diag::{Code, Diagnostic, nearest};
use crate::source::{FileId, Span};
use pest::error::{Error, ErrorVariant, InputLocation};

const DECLARATIONS: [&str; 10] =
    ["use", "const", "unit", "fn", "channel", "neuron", "synapse", "network", "experiment", "test"];

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
        let mut wanted: Vec<&str> = positives.iter().filter_map(|r| phrase(*r)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        // A phrase that stands within another one is said with it.
        let all = wanted.clone();
        wanted.retain(|w| !all.iter().any(|other| other != w && other.split(" or ").any(|part| part == *w)));
        let expected = match wanted.as_slice() {
            [] => "something else".to_string(),
            [one] => (*one).to_string(),
            [many @ .., last] if many.len() < 6 => format!("{} or {last}", many.join(", ")),
            _ => "an expression or the end of the statement".to_string(),
        };
        let shown = if found.is_empty() { "the end of the file".to_string() } else { format!("`{found}`") };
        return Diagnostic::at(Code::E0101, span, format!("expected {expected}, found {shown}"), "not expected here");
    }
    Diagnostic::at(Code::E0101, span, "this text is not part of the language", "not expected here")
}

/// A word where a declaration should begin.
pub(super) fn unexpected_text(span: Span, found: &str) -> Diagnostic {
    let word: String = found.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let shown = if word.is_empty() { found.chars().take(12).collect() } else { word.clone() };
    let help = nearest(&word, DECLARATIONS).map(|w| format!("did you mean `{w}`?"));
    Diagnostic::at(Code::E0102, span, format!("expected a declaration, found `{shown}`"), "not a declaration")
        .note("a file holds `use`, `const`, `unit`, `fn`, `channel`, `neuron`, `synapse`, `network`, `experiment` and `test`")
        .maybe_help(help)
}

/// A construct of the language that this version does not compile yet.
pub(crate) fn unsupported(span: Span, what: &str) -> Diagnostic {
    Diagnostic::at(Code::E0106, span, format!("`{what}` is not supported yet"), "this construct")
        .note("it belongs to the language, but this version refuses it rather than ignoring it")
}

/// Checks brackets and strings before parsing: the message is better, and the parser's stack is safe.
pub(super) fn too_deep_or_unbalanced(file: FileId, text: &str, max_depth: usize, max_len: usize) -> Option<Diagnostic> {
    let span =
        |start: usize, len: usize| clamp_to_char(text, Span { file, start: start as u32, end: (start + len) as u32 });
    if text.len() > max_len {
        return Some(Diagnostic::new(Code::E0107, "the text is too long to be a model"));
    }
    let mut open: Vec<(usize, u8)> = Vec::new();
    let bytes = text.as_bytes();
    let mut operators = 0usize;
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'#' => {
                while i < bytes.len() && bytes[i] != b'\n' {
                    i += 1;
                }
            }
            b'"' => {
                let end = text[i + 1..].find(['"', '\n']).map(|e| i + 1 + e);
                match end {
                    Some(e) if bytes[e] == b'"' => i = e,
                    _ => {
                        return Some(
                            Diagnostic::at(Code::E0104, span(i, 1), "this string is not closed", "begins here")
                                .help("end it with `\"` on the same line"),
                        );
                    }
                }
            }
            b @ (b'(' | b'[' | b'{') => {
                operators = 0;
                open.push((i, b));
                if open.len() > max_depth {
                    return Some(
                        Diagnostic::at(Code::E0107, span(i, 1), "brackets are nested too deeply", "this level")
                            .note(format!("at most {max_depth} levels are accepted")),
                    );
                }
            }
            b @ (b')' | b']' | b'}') => {
                operators = 0;
                let wanted = match b {
                    b')' => b'(',
                    b']' => b'[',
                    _ => b'{',
                };
                match open.pop() {
                    Some((_, o)) if o == wanted => {}
                    Some((at, o)) => {
                        return Some(
                            Diagnostic::at(
                                Code::E0103,
                                span(i, 1),
                                format!("`{}` does not close `{}`", b as char, o as char),
                                "does not match",
                            )
                            .label(span(at, 1), "opened here"),
                        );
                    }
                    None => {
                        let message = format!("`{}` closes nothing", b as char);
                        return Some(Diagnostic::at(Code::E0103, span(i, 1), message, "no bracket is open here"));
                    }
                }
            }
            b'-' | b'^' | b'n' => {
                operators += 1;
                if operators > 20_000 {
                    return Some(Diagnostic::at(Code::E0107, span(i, 1), "this expression is too long", "here"));
                }
            }
            b'\n' => operators = 0,
            _ => {}
        }
        i += 1;
    }
    open.last().map(|(at, b)| {
        Diagnostic::at(Code::E0103, span(*at, 1), format!("`{}` is never closed", *b as char), "opened here")
    })
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
    if word.is_empty() { rest.chars().take_while(|c| !c.is_whitespace()).take(1).collect() } else { word }
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
        model_body | network_body | block | handler | projection_body => "`{`",
        model_item | equation | params | state => "a declaration of the model",
        network_item => "a declaration of the network",
        command => "a statement",
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
