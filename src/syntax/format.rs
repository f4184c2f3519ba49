//! Formats `.neuro` text: indentation from brackets, one blank line at most, spaces after commas and before comments.
//!
//! Comments and line breaks are kept; formatting twice gives the same text, and the meaning never changes.

/// Returns the text in canonical layout.
pub fn format(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0usize;
    let mut blank_lines = 0;
    for line in text.lines() {
        let (code, comment) = split_comment(line.trim());
        let code = tidy(code.trim_end());
        if code.is_empty() && comment.is_empty() {
            blank_lines += 1;
            continue;
        }
        if blank_lines > 0 && !out.is_empty() && !out.ends_with("{\n") {
            out.push('\n');
        }
        blank_lines = 0;
        let closers = code.chars().take_while(|c| matches!(c, ')' | ']' | '}' | ' ')).filter(|c| *c != ' ').count();
        let indent = depth.saturating_sub(closers);
        out.push_str(&"    ".repeat(indent));
        out.push_str(&code);
        if !comment.is_empty() {
            if !code.is_empty() {
                // Aligned trailing comments stay aligned: the author's own spacing is kept.
                let gap = line.trim().len() - code_len(line.trim()) - comment.len();
                out.push_str(&" ".repeat(gap.clamp(1, 60)));
            }
            out.push_str(comment.trim_end());
        }
        out.push('\n');
        for c in strip_strings(&code).chars() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
    }
    out
}

fn code_len(line: &str) -> usize {
    split_comment(line).0.trim_end().len()
}

/// Splits a line at its comment, which a `#` outside a string begins.
fn split_comment(line: &str) -> (&str, &str) {
    let mut in_string = false;
    for (i, c) in line.char_indices() {
        match c {
            '"' => in_string = !in_string,
            '#' if !in_string => return (&line[..i], &line[i..]),
            _ => {}
        }
    }
    (line, "")
}

fn strip_strings(code: &str) -> String {
    code.split('"').step_by(2).collect()
}

/// Puts one space after commas and after `{`; other spacing is the author's.
fn tidy(code: &str) -> String {
    let mut out = String::new();
    let mut in_string = false;
    let chars: Vec<char> = code.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        if c == '"' {
            in_string = !in_string;
        }
        if !in_string && c == '\t' {
            out.push(' ');
            continue;
        }
        out.push(c);
        let next = chars.get(i + 1);
        if !in_string && c == ',' && next.is_some_and(|n| !n.is_whitespace()) {
            out.push(' ');
        }
        if !in_string && c == '{' && next.is_some_and(|n| !n.is_whitespace() && *n != '}') {
            out.push(' ');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn formatting_indents_and_is_idempotent() {
        let text =
            "neuron A {\nparam tau=1 ms,b = 2   # note\n\n\n  state v = 0\n    emit spike when v > 1 {v = 0}\n}\n";
        let once = format(text);
        assert_eq!(
            once,
            "neuron A {\n    param tau=1 ms, b = 2   # note\n\n    state v = 0\n    emit spike when v > 1 { v = 0}\n}\n"
        );
        assert_eq!(format(&once), once);
    }
}
