//! Texts for LaTeX: names as they are written, prose, and characters that mean something else there.

/// A name or a piece of a text as it is written, which may be broken behind its marks.
pub fn code(text: &str) -> String {
    let mut out = String::from("\\texttt{");
    let mut last = ' ';
    for c in text.chars() {
        match c {
            // No sentence ends here.
            ' ' if last == '.' => out += "\\ ",
            '_' | '.' | ',' | '(' | '[' | '/' | '*' | '=' => {
                out += &plain(c);
                out += "\\allowbreak{}";
            }
            // Two of them are one dash in some fonts.
            '-' => out += "-{}",
            _ => out += &plain(c),
        }
        last = c;
    }
    out + "}"
}

/// A text without marks of its own, for formulas and headings.
pub fn text(text: &str) -> String {
    text.chars().map(plain).collect()
}

/// What is said of something, in a paragraph of its own.
pub fn paragraph(text: &str) -> String {
    if text.trim().is_empty() { String::new() } else { format!("\\neurotext{{{}}}\n\n", prose(text)) }
}

/// What is said of something: prose with code between backquotes.
pub fn prose(text: &str) -> String {
    let mut out = String::new();
    for (i, part) in text.trim().split('`').enumerate() {
        out += &if i % 2 == 1 { code(part) } else { sentences(part, out.is_empty()) };
    }
    out
}

/// Words of more letters are addresses, which may be broken.
const LONGEST_WORD: usize = 20;

fn sentences(text: &str, begins: bool) -> String {
    let mut out = String::new();
    let mut last = if begins { ' ' } else { 'x' };
    for word in text.split_inclusive(char::is_whitespace) {
        let long = word.chars().count() > LONGEST_WORD;
        let mut chars = word.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '-' if chars.next_if_eq(&'>').is_some() => out += "$\\rightarrow$",
                '"' if last.is_whitespace() || last == '(' => out += "``",
                '"' => out += "''",
                '/' | '.' | '_' | '-' if long => out += &format!("{}\\allowbreak{{}}", plain(c)),
                _ => out += &plain(c),
            }
            last = c;
        }
    }
    out
}

fn plain(c: char) -> String {
    match c {
        '\\' => "\\textbackslash{}".into(),
        '{' | '}' | '_' | '%' | '&' | '#' | '$' => format!("\\{c}"),
        '^' => "\\textasciicircum{}".into(),
        '~' => "\\textasciitilde{}".into(),
        '<' => "\\textless{}".into(),
        '>' => "\\textgreater{}".into(),
        '|' => "\\textbar{}".into(),
        '`' => "\\textasciigrave{}".into(),
        '\t' | '\r' => " ".into(),
        c if c.is_ascii() || ('\u{c0}'..='\u{ff}').contains(&c) => c.to_string(),
        c => beyond(c),
    }
}

/// Letters and signs that fonts have as formulas only; what none has is named by its number.
fn beyond(c: char) -> String {
    let math = |tex: &str| format!("\\ensuremath{{{tex}}}");
    match c {
        '…' => "\\ldots{}".into(),
        '–' => "--".into(),
        '—' => "---".into(),
        '‘' => "`".into(),
        '’' => "'".into(),
        '“' => "``".into(),
        '”' => "''".into(),
        '\u{a0}' | '\u{202f}' => "\\ ".into(),
        '§' => "\\S{}".into(),
        '°' => math("^\\circ"),
        '²' => math("^2"),
        '³' => math("^3"),
        '·' => math("\\cdot"),
        '±' => math("\\pm"),
        '−' => math("-"),
        '≈' => math("\\approx"),
        '≠' => math("\\neq"),
        '≤' => math("\\le"),
        '≥' => math("\\ge"),
        '→' => math("\\rightarrow"),
        '←' => math("\\leftarrow"),
        '↔' => math("\\leftrightarrow"),
        '∞' => math("\\infty"),
        '√' => math("\\surd"),
        '∂' => math("\\partial"),
        '∑' => math("\\sum"),
        '∫' => math("\\int"),
        'µ' => math("\\mu"),
        c => match GREEK.iter().find(|(letter, _)| *letter == c) {
            Some((_, name)) => math(&format!("\\{name}")),
            None => format!("U+{:04X}", c as u32),
        },
    }
}

const GREEK: [(char, &str); 34] = [
    ('α', "alpha"),
    ('β', "beta"),
    ('γ', "gamma"),
    ('δ', "delta"),
    ('ε', "epsilon"),
    ('ζ', "zeta"),
    ('η', "eta"),
    ('θ', "theta"),
    ('ι', "iota"),
    ('κ', "kappa"),
    ('λ', "lambda"),
    ('μ', "mu"),
    ('ν', "nu"),
    ('ξ', "xi"),
    ('π', "pi"),
    ('ρ', "rho"),
    ('σ', "sigma"),
    ('τ', "tau"),
    ('υ', "upsilon"),
    ('φ', "phi"),
    ('χ', "chi"),
    ('ψ', "psi"),
    ('ω', "omega"),
    ('Γ', "Gamma"),
    ('Δ', "Delta"),
    ('Θ', "Theta"),
    ('Λ', "Lambda"),
    ('Ξ', "Xi"),
    ('Π', "Pi"),
    ('Σ', "Sigma"),
    ('Υ', "Upsilon"),
    ('Φ', "Phi"),
    ('Ψ', "Psi"),
    ('Ω', "Omega"),
];

/// The command of a Greek letter that is written by its name: `tau`, `Delta`.
pub fn greek(name: &str) -> Option<&'static str> {
    GREEK.iter().map(|(_, n)| *n).find(|n| *n == name)
}
