//! What stands around the place where the parser stopped: the statement, and what it was meant to be.

use super::foreign::{self, ANYWHERE, EVENTS_ELSEWHERE, FORMS, HOMES, INSTEAD_IN, STATEMENTS_ELSEWHERE};
use super::scan::{Piece, Pieces};

pub(super) const COMMENT: &str = "a comment begins with `#`";

/// What was meant.
pub(super) struct Idiom {
    /// What to write instead.
    pub(super) help: String,
    /// Where the text can be written as it was meant, and how; of the same length.
    pub(super) mend: Option<(usize, String)>,
    /// A name that would have been declared, beside those that are written.
    pub(super) declares: Option<&'static str>,
}

pub(super) fn idiom(help: &str, mend: Option<(usize, &str)>) -> Option<Idiom> {
    Some(Idiom { help: help.to_string(), mend: mend.map(|(at, with)| (at, with.to_string())), declares: None })
}

/// The bracket around a place.
pub(super) fn innermost(bytes: &[u8], start: usize, at: usize) -> Option<u8> {
    let mut open = Vec::new();
    for (_, _, piece) in Pieces::new(bytes, start, at) {
        match piece {
            Piece::Open(b) => open.push(b),
            Piece::Close(_) => drop(open.pop()),
            _ => {}
        }
    }
    open.last().copied()
}

/// A place in a declaration.
pub(super) struct Around<'a> {
    bytes: &'a [u8],
    start: usize,
    end: usize,
    at: usize,
    /// Where the statement begins that the place lies in.
    begin: usize,
    /// Its pieces before the place.
    before: Vec<(usize, usize, Piece)>,
    /// How many blocks are open.
    depth: usize,
}

impl<'a> Around<'a> {
    pub(super) fn new(bytes: &'a [u8], (start, end): (usize, usize), at: usize) -> Around<'a> {
        let at = at.min(end);
        let (mut before, mut depth) = (Vec::new(), 0usize);
        for piece in Pieces::new(bytes, start, at) {
            match piece.2 {
                Piece::Line => before.clear(),
                Piece::Open(b'{') => {
                    before.clear();
                    depth += 1;
                }
                Piece::Close(_) if bytes[piece.0] == b'}' => {
                    before.clear();
                    depth = depth.saturating_sub(1);
                }
                _ => before.push(piece),
            }
        }
        let begin = before.first().map_or(at, |p| p.0);
        Around { bytes, start, end, at, begin, before, depth }
    }

    fn text(&self, from: usize, to: usize) -> &'a str {
        std::str::from_utf8(&self.bytes[from..to.min(self.end)]).unwrap_or("")
    }

    fn here(&self, word: &str) -> bool {
        self.bytes[self.at..self.end].starts_with(word.as_bytes())
    }

    /// The word at a place.
    fn word_at(&self, at: usize) -> &'a str {
        match Pieces::new(self.bytes, at, self.end).next() {
            Some((from, to, Piece::Word)) if from == at => self.text(from, to),
            _ => "",
        }
    }

    /// The words of the statement before the place.
    fn words(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.before.iter().filter(|p| p.2 == Piece::Word).map(|p| self.text(p.0, p.1))
    }

    /// The piece before the place, counted from the last one.
    fn last(&self, k: usize) -> Option<&(usize, usize, Piece)> {
        self.before.len().checked_sub(k + 1).and_then(|i| self.before.get(i))
    }

    fn last_word(&self, k: usize) -> &'a str {
        self.last(k).filter(|p| p.2 == Piece::Word).map_or("", |p| self.text(p.0, p.1))
    }

    /// The end of the line.
    fn line_end(&self) -> usize {
        (self.at..self.end).find(|i| self.bytes[*i] == b'\n').unwrap_or(self.end)
    }

    /// The word of the declaration.
    fn declaration(&self) -> &'a str {
        let declared = Pieces::new(self.bytes, self.start, self.end).find(|p| p.2 == Piece::Word);
        declared.map_or("", |p| self.text(p.0, p.1))
    }

    /// Returns whether the declaration is one of a neuron, synapse or channel.
    fn in_model(&self) -> bool {
        matches!(self.declaration(), "neuron" | "synapse" | "channel")
    }

    /// The path at the place, if something is assigned to it.
    fn assigned(&self) -> Option<&'a str> {
        let (mut depth, mut after_word) = (0, false);
        for (from, _, piece) in Pieces::new(self.bytes, self.at, self.end) {
            match piece {
                Piece::Open(_) => depth += 1,
                Piece::Close(_) => depth -= 1,
                _ if depth > 0 => {}
                Piece::Word if after_word => return None,
                Piece::Word | Piece::Other(b'.') => after_word = piece == Piece::Word,
                Piece::Other(b'=' | b'~' | b'+' | b'-' | b'*' | b'/') => {
                    return Some(self.text(self.at, from).trim_end()).filter(|path| !path.is_empty());
                }
                _ => return None,
            }
        }
        None
    }

    /// A statement that stands in a declaration of another kind than its own.
    fn misplaced(&self) -> Option<Idiom> {
        let here = self.declaration();
        let words = [self.word_at(self.at), self.last_word(0)];
        let mut instead = INSTEAD_IN.iter().filter(|(kinds, _)| kinds.contains(&here)).map(|(_, table)| table);
        if let Some(help) = instead.find_map(|table| words.into_iter().find_map(|word| foreign::help(table, word))) {
            return idiom(help, None);
        }
        let word = words.into_iter().find_map(|word| {
            let home = HOMES.iter().find(|(words, at, ..)| words.contains(&word) && !at.contains(&here));
            home.map(|(_, _, what, block)| (word, what, block))
        });
        let (word, what, block) = word?;
        let form = FORMS.iter().find(|(keyword, _)| *keyword == word)?.1;
        idiom(&format!("this belongs to {what}: `{}`", block.replace('…', form)), None)
    }

    fn first(&self) -> &'a str {
        self.word_at(self.begin)
    }

    /// What a sign at the place was meant to be.
    pub(super) fn sign(&self) -> Option<Idiom> {
        match self.bytes[..self.end].get(self.at)? {
            b'=' => self.equals(),
            b':' => self.colon(),
            b'\'' => self.quote().or_else(|| self.equation()),
            b'%' | b'.' | b'+' | b'>' | b'~' | b',' => self.operator(),
            b'{' if self.depth == 0 => self.variant(),
            b'"' if matches!(self.last_word(0), "f" | "r") => {
                idiom("values follow a text, separated by commas: `print \"mean:\", m`", None)
            }
            _ => self.operand(),
        }
    }

    /// `v' = …` among statements.
    fn equation(&self) -> Option<Idiom> {
        let derives = !self.last_word(0).is_empty() && self.depth > 1 && self.in_model();
        derives
            .then(|| idiom("an equation holds all the time: it stands outside of the braces of events", None))
            .flatten()
    }

    /// `plot "title" { a, b }`: without braces it is one panel, of all that stands in them.
    pub(super) fn without_panel(&self) -> Option<Idiom> {
        let mut blocks = Vec::new();
        for (from, _, piece) in Pieces::new(self.bytes, self.start, self.at) {
            match piece {
                Piece::Open(_) => blocks.push(from),
                Piece::Close(_) => drop(blocks.pop()),
                _ => {}
            }
        }
        let open = blocks.pop().filter(|from| self.bytes[*from] == b'{')?;
        let mut said = Vec::new();
        for (from, to, piece) in Pieces::new(self.bytes, self.start, open) {
            match piece {
                Piece::Line | Piece::Open(b'{') => said.clear(),
                _ => said.push(self.text(from, to)),
            }
        }
        if said.first() != Some(&"plot") || self.word_at(self.at) == "panel" {
            return None;
        }
        let close = Pieces::new(self.bytes, open + 1, self.end).find(|(from, ..)| self.bytes[*from] == b'}')?.0;
        let within = self.text(open + 1, close);
        let help = "each panel begins with its word, `plot \"title\" { panel a, b   panel c }`; a figure of one panel has no \
                    braces: `plot \"title\" a, b`";
        let plain = said.len() <= 2 && self.text(open + 1, self.at).trim().is_empty();
        let one_line = |text: &str| text.trim().lines().count() == 1;
        let without = format!(" {} ", within.replace('\n', " "));
        Some(Idiom {
            help: help.to_string(),
            mend: (plain && one_line(within)).then_some((open, without)),
            declares: None,
        })
    }

    /// `neuron Fast = Lif { … }`
    fn variant(&self) -> Option<Idiom> {
        let line = (0..self.at).rev().find(|i| self.bytes[*i] == b'\n').map_or(0, |i| i + 1);
        let line = std::str::from_utf8(&self.bytes[line..self.at]).ok()?;
        let (declares, of) = line.split_once('=')?;
        let (kind, name) = declares.trim().split_once(' ')?;
        let known = matches!(kind, "neuron" | "synapse" | "network");
        let help = format!("a variant gives values in brackets: `{kind} {} = {}(…)`", name.trim(), of.trim());
        known.then(|| idiom(&help, None)).flatten()
    }

    fn equals(&self) -> Option<Idiom> {
        if self.here("=>") {
            return idiom("write `->`", Some((self.at, "->")));
        }
        let (last, name) = (self.last_word(1), self.last(0));
        if last == "weight" && self.in_model() {
            return idiom(
                "a synapse declares its weight with a unit, bounds or neither, `weight w: nS in 0 nS .. 5 nS`; how large \
                 it is, a projection says: `weight 2 nS`",
                None,
            );
        }
        if let ("weight" | "delay", Some((from, to, Piece::Word))) = (last, name) {
            let spaces = " ".repeat(to - from);
            let help = format!("it has no name here: write `{last} 1 …`, or `{last} = 1 …`");
            return idiom(&help, Some((*from, &spaces)));
        }
        if self.words().any(|w| w == "connect") {
            return idiom("which pairs to connect is said by a connector: `connect fixed_probability(0.1)`", None);
        }
        let compares = |w: &str| matches!(w, "if" | "when" | "until" | "where" | "expect" | "not");
        if self.words().any(compares) {
            let room = self.bytes[..self.end].get(self.at + 1) == Some(&b' ');
            return idiom("`=` gives a value; to compare, write `==`", room.then_some((self.at, "==")));
        }
        None
    }

    fn colon(&self) -> Option<Idiom> {
        let around = innermost(self.bytes, self.start, self.at);
        if around == Some(b'(') && !self.last_word(0).is_empty() {
            let name = self.last_word(0);
            return idiom(&format!("an argument is given by `=`: `{name} = …`"), Some((self.at, "=")));
        }
        if around == Some(b'[') {
            return idiom("a range is written `0 .. 2`: here of the elements 0 and 1", None);
        }
        if matches!(self.first(), "let" | "var" | "measure" | "data") {
            let to = (self.at..self.line_end()).find(|i| self.bytes[*i] == b'=');
            let spaces = to.map(|to| " ".repeat(to - self.at));
            let help = "a value has the unit that it is given: `let x = 3 mV`";
            return idiom(help, spaces.as_deref().map(|s| (self.at, s)));
        }
        let derived = self.before.iter().any(|p| p.2 == Piece::Other(b'\''));
        if derived && !self.text(self.at + 1, self.line_end()).trim().is_empty() {
            let spaces = " ".repeat(self.line_end() - self.at);
            return idiom("a unit belongs to the declaration: `state v: mV = -65 mV`", Some((self.at, &spaces)));
        }
        None
    }

    /// `'text'`
    fn quote(&self) -> Option<Idiom> {
        let line = self.text(self.at + 1, self.line_end());
        let inner = line.split_once('\'').map(|(inner, _)| inner).filter(|inner| !inner.contains('"'))?;
        idiom("a text stands in double quotes: `\"…\"`", Some((self.at, &format!("\"{inner}\""))))
    }

    fn operator(&self) -> Option<Idiom> {
        let byte = |at: usize| self.bytes[..self.end].get(at).copied().unwrap_or(b' ');
        let previous = self.at.checked_sub(1).map_or(b' ', byte);
        if self.here("%") && self.before.is_empty() {
            return idiom(COMMENT, Some((self.at, &" ".repeat(self.line_end() - self.at))));
        }
        if self.here("%") && self.last(0).is_some_and(|p| p.2 == Piece::Text) {
            return idiom("values follow a text, separated by commas: `print \"mean:\", m`", None);
        }
        if self.here(".") && byte(self.at + 1).is_ascii_digit() {
            let digits = self.word_at(self.at + 1);
            let help = format!("a number begins with a digit: `0.{digits}`");
            return idiom(&help, (previous == b' ').then_some((self.at.saturating_sub(1), "0.")));
        }
        if self.here(".") && crate::units::lookup(self.last_word(0)).is_some() {
            return idiom(UNITS, None);
        }
        if self.here("++") {
            return idiom("write `x += 1`", None);
        }
        if self.here(">") && previous == b'<' {
            return idiom("what differs is written `!=`", Some((self.at - 1, "!=")));
        }
        if self.here("~=") {
            return idiom("what differs is written `!=`", Some((self.at, "!=")));
        }
        if self.here(",") && self.first() == "population" {
            return idiom(
                "each population is declared by itself: `population a: Cell[2]`, and another in the next line",
                None,
            );
        }
        if self.here(",") && matches!(self.first(), "let" | "var" | "measure" | "data") {
            return idiom("each value is named by itself: `let a = 1`, and `let b = 2` in the next line", None);
        }
        None
    }

    /// What is not expected although it could stand elsewhere.
    fn operand(&self) -> Option<Idiom> {
        let word = self.word_at(self.at);
        let previous = self.at.checked_sub(1).map_or(b' ', |at| self.bytes[at]);
        let digit_before = self.at.checked_sub(2).is_some_and(|at| self.bytes[at].is_ascii_digit());
        if previous == b'.' && digit_before && self.bytes[..self.end].get(self.at).is_none_or(u8::is_ascii_whitespace) {
            return idiom("a number ends with a digit: `5.0`, or `5`", Some((self.at - 1, " ")));
        }
        let same_line = !self.before.is_empty();
        if self.last(0).is_some_and(|p| p.2 == Piece::Other(b'%')) && same_line && previous != b'%' {
            return idiom("the rest of a division is `mod(7, 2)`; after a number, `%` is the unit", None);
        }
        if crate::units::lookup(word).is_some() && self.bytes[..self.end].get(self.at + word.len()) == Some(&b'.') {
            return idiom(UNITS, None);
        }
        if self.words().any(|w| w == "connect") && word.starts_with(|c: char| c.is_ascii_digit()) {
            let connector = if self.last_word(1) == "connect" { self.last_word(0) } else { "" };
            if !connector.is_empty() && crate::units::lookup(connector).is_none() {
                return idiom(&format!("arguments stand in brackets: `{connector}(…)`"), None);
            }
        }
        if let until @ ("hold" | "mute") = self.last_word(1) {
            let what = self.last_word(0);
            return idiom(&format!("how long it lasts follows `for`: `{until} {what} for 2 ms`"), None);
        }
        let emits = self.first() == "emit";
        match word {
            "is" if same_line => idiom("what is equal is written `==`", Some((self.at, "=="))),
            "if" | "else" if same_line && !emits && !matches!(self.first(), "if" | "else") => {
                idiom("a choice is written `if c then a else b`", None)
            }
            "for" if innermost(self.bytes, self.start, self.at) == Some(b'[') => {
                idiom("functions and operators work on whole arrays, `2 * linspace(0, 1, 5)`; else write a `for`", None)
            }
            _ => None,
        }
    }

    /// What the words of the statement say in other languages.
    pub(super) fn elsewhere(&self) -> Option<Idiom> {
        let (word, first) = (self.word_at(self.at), self.first());
        let after = Pieces::new(self.bytes, self.at, self.line_end()).filter(|p| p.2 == Piece::Word);
        let after = after.map(|p| self.text(p.0, p.1));
        if let Some(help) = self.words().chain(after).find_map(|w| foreign::help(ANYWHERE, w)) {
            return idiom(help, None);
        }
        if let Some(help) = [word, first].into_iter().find_map(|w| foreign::help(EVENTS_ELSEWHERE, w))
            && (self.in_model() || word == "spike")
        {
            return idiom(help, None).map(|found| Idiom { declares: Some("spike"), ..found });
        }
        // What is assigned to may have any name.
        let sign = self.before.get(1).map(|p| p.2);
        let assigned = matches!(sign, Some(Piece::Other(b'=' | b'~' | b'+' | b'-' | b'*' | b'/')));
        let first = if assigned { "" } else { first };
        [word, first]
            .into_iter()
            .find_map(|w| foreign::help(STATEMENTS_ELSEWHERE, w))
            .and_then(|help| idiom(help, None))
    }

    /// What the statement was meant to be: something that does not stand here, or a statement in another form.
    pub(super) fn meant(&self) -> Option<Idiom> {
        let word = self.word_at(self.at);
        let begins = self.before.is_empty();
        if self.declaration() == "morphology" {
            let help = "how it is cut into segments is said as well: `morphology Cell = swc(\"cell.swc\") segmented every \
                        20 um`";
            return idiom(help, None);
        }
        if let Some(found) = self.misplaced() {
            return Some(found);
        }
        if begins && self.depth == 1 && self.in_model() && word == "if" {
            let help = "an event is written `emit spike when v > V_th { v = V_reset }`, a choice between values \
             `let x = if c then a else b`";
            return idiom(help, None).map(|found| Idiom { declares: Some("spike"), ..found });
        }
        let line = self.text(self.at, self.line_end());
        if begins
            && self.depth == 1
            && self.in_model()
            && line.split('=').next().is_some_and(|left| left.contains('\''))
        {
            let higher = line.contains("''");
            let help = if higher {
                "equations are of first order: `v' = u`, and `u' = …` for the change of the change"
            } else {
                "a rate of change stands alone on its side: `v' = … / tau`"
            };
            return idiom(help, None);
        }
        let in_network = self.declaration() == "network";
        if let Some(path) = self.assigned().filter(|_| (begins || in_network) && self.depth == 1) {
            return match self.in_model() {
                true => idiom(
                    &format!(
                        "a rate of change is written `{name}' = …`, what always follows from others `let {name} = …`; \
                         what an event changes stands in the braces of its `emit` or `on`",
                        name = path.rsplit('.').next().unwrap_or(path)
                    ),
                    None,
                ),
                false if path != word => idiom(
                    &format!("where cells begin is said by `init {path} = …`; an experiment assigns: `net.{path} = …`"),
                    None,
                ),
                false => idiom(
                    &format!("cells are declared so: `population {word}: LifCond[100]`, values so: `let {word} = …`"),
                    None,
                ),
            };
        }
        // A statement that is not in its form: nothing of it was understood beyond its head.
        let first = if begins { word } else { self.first() };
        let headless = self.before.iter().all(|p| !matches!(p.2, Piece::Other(b'=' | b'~')));
        let form = FORMS.iter().find(|(keyword, _)| *keyword == first).filter(|_| headless)?;
        idiom(&format!("it is written so: `{}`", form.1), None)
    }

    /// The last piece of the line before, if the place begins a line, and what was meant by it.
    pub(super) fn left_open(&self) -> Option<(usize, usize, Option<Idiom>)> {
        if !self.before.is_empty() || self.word_at(self.at).is_empty() {
            return None;
        }
        let line = (self.start..self.at).rev().find(|i| self.bytes[*i] == b'\n')?;
        let (from, to, _) = Pieces::new(self.bytes, self.start, line)
            .filter(|p| p.2 != Piece::Line)
            .last()
            .filter(|p| !matches!(p.2, Piece::Open(_)))?;
        let earlier = Around::new(self.bytes, (self.start, self.end), to);
        let statement = earlier.text(earlier.begin, to);
        let comment = |to: usize| {
            let blank = |b: &u8| if *b == b'\n' { '\n' } else { ' ' };
            let spaces: String = self.bytes[earlier.begin..to].iter().map(blank).collect();
            idiom(COMMENT, Some((earlier.begin, &spaces)))
        };
        let closed = || self.bytes[from..self.end].windows(2).position(|w| w == b"*/").map(|k| from + k + 2);
        let product = || {
            let of_units =
                [earlier.last_word(0), earlier.last_word(2)].iter().all(|w| crate::units::lookup(w).is_some());
            let dot = earlier.last(1).is_some_and(|p| p.2 == Piece::Other(b'.'));
            (of_units && dot).then(|| idiom(UNITS, None)).flatten()
        };
        let found = match statement {
            s if s.starts_with("--") => comment(to),
            s if s.starts_with("/*") => closed().and_then(comment),
            _ => product()
                .or_else(|| earlier.elsewhere())
                .or_else(|| Around { at: earlier.begin, before: Vec::new(), ..earlier }.meant()),
        };
        Some((from, to, found))
    }
}

const UNITS: &str = "units are multiplied by `*` and divided by `/`: `mV/ms`, `nS*mV`";
