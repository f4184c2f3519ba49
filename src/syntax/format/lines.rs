//! Tokens to lines.

use super::super::grammar::Rule;
use super::tokens::{Kind, Token};
use std::ops::Range;

/// Columns of a line.
const WIDTH: usize = 160;
/// Spaces for each block or bracket.
const STEP: usize = 4;
/// Spaces between statements of a line, and before a comment.
const WIDE: usize = 3;
/// The most spaces that are put in so that statements begin in one column.
const STRETCH: usize = 8;

/// Writes tokens down.
pub(super) fn lay_out(tokens: Vec<Token>) -> String {
    let mut page = Page { ends: breaks(&tokens), tokens };
    page.mend_blocks();
    loop {
        let ends: Vec<usize> = page.lines().iter().filter_map(|line| page.should_end(line)).collect();
        if ends.is_empty() {
            return page.write();
        }
        ends.into_iter().for_each(|at| page.ends[at] = 1);
        page.mend_blocks();
    }
}

struct Page {
    tokens: Vec<Token>,
    /// How many lines end before each token: none, one, or two, so that one is empty.
    ends: Vec<usize>,
}

/// A line of tokens.
struct Line {
    tokens: Range<usize>,
    indent: usize,
    /// Spaces before each token but the first.
    gaps: Vec<usize>,
}

/// How many lines end before each token, as far as that does not depend on others.
fn breaks(tokens: &[Token]) -> Vec<usize> {
    let mut previous: Option<&Token> = None;
    let mut depth = 0usize;
    let ends = tokens.iter().map(|t| {
        let Some(p) = previous.replace(t) else { return 0 };
        match p.kind {
            Kind::BlockOpen => depth += 1,
            Kind::BlockClose => depth -= 1,
            _ => {}
        }
        let after_text = matches!(p.kind, Kind::Comment | Kind::Doc);
        let never = t.kind == Kind::BlockOpen
            || t.text == "else" && p.kind == Kind::BlockClose
            || t.tight.0 && t.kind != Kind::Close && p.kind != Kind::Quantity
            || p.tight.1 && p.kind != Kind::Open;
        let stands_alone = t.begins.is_some() || matches!(t.kind, Kind::Comment | Kind::Doc);
        let most = if stands_alone && p.kind != Kind::BlockOpen { 2 } else { 1 };
        match t.lines.min(most) {
            _ if never && !after_text => 0,
            n if after_text || t.kind == Kind::Doc || depth == 0 && t.begins.is_some() => n.max(1),
            n => n,
        }
    });
    ends.collect()
}

impl Page {
    /// Puts the braces of blocks of several lines at the ends of lines.
    fn mend_blocks(&mut self) {
        let mut open = Vec::new();
        for at in 0..self.tokens.len() {
            match self.tokens[at].kind {
                Kind::BlockOpen => open.push(at),
                Kind::BlockClose => {
                    let from = open.pop().unwrap_or(at);
                    if at == from + 1 {
                        self.ends[at] = 0;
                    } else if self.ends[from + 1..=at].iter().any(|n| *n > 0) {
                        let trailing = self.tokens[from + 1].kind == Kind::Comment && self.ends[from + 1] == 0;
                        self.ends[from + 1] = usize::from(!trailing);
                        self.ends[at] = 1;
                        if let Some(n) = self.ends.get_mut(at + 1).filter(|_| self.tokens[at + 1].begins.is_some()) {
                            *n = (*n).max(1);
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        // Brackets that are open: the line of each, and whether it is a block.
        let mut open: Vec<(usize, bool)> = Vec::new();
        let mut from = 0;
        while from < self.tokens.len() {
            let to = (from + 1..self.tokens.len()).find(|i| self.ends[*i] > 0).unwrap_or(self.tokens.len());
            let first = &self.tokens[from];
            let closers = self.tokens[from..to].iter().take_while(|t| matches!(t.kind, Kind::Close | Kind::BlockClose));
            let closers = closers.count();
            let outer = &open[..open.len() - closers.min(open.len())];
            let blocks = outer.iter().filter(|(_, block)| *block).count();
            let mut brackets: Vec<usize> = outer.iter().filter(|(_, block)| !block).map(|(line, _)| *line).collect();
            brackets.dedup();
            let begins = first.begins.is_some() || matches!(first.kind, Kind::Comment | Kind::Doc) || closers > 0;
            let within = if begins { brackets.len() } else { brackets.len().max(1) };
            let after_doc = from > 0 && self.tokens[from - 1].kind == Kind::Doc;
            let indent = STEP * (blocks + if after_doc { 0 } else { within });
            for t in &self.tokens[from..to] {
                match t.kind {
                    Kind::Open | Kind::BlockOpen => open.push((lines.len(), t.kind == Kind::BlockOpen)),
                    Kind::Close | Kind::BlockClose => drop(open.pop()),
                    _ => {}
                }
            }
            let gaps = (from + 1..to).map(|i| self.gap(i)).collect();
            lines.push(Line { tokens: from..to, indent, gaps });
            from = to;
        }
        lines
    }

    /// Spaces before a token on the line of the one before it.
    fn gap(&self, at: usize) -> usize {
        let (before, t) = (&self.tokens[at - 1], &self.tokens[at]);
        match () {
            _ if t.kind == Kind::Comment => WIDE,
            _ if before.tight.1 || t.tight.0 => 0,
            _ if before.kind == Kind::BlockOpen => usize::from(t.kind != Kind::BlockClose),
            _ if t.begins.is_some() => WIDE,
            _ => 1,
        }
    }

    /// Where each token of a line begins, and where the last one ends.
    fn places(&self, line: &Line) -> Vec<usize> {
        let mut places = vec![line.indent];
        for (i, at) in line.tokens.clone().enumerate() {
            let gap = line.gaps.get(i).copied().unwrap_or(0);
            places.push(places[i] + self.tokens[at].text.chars().count() + gap);
        }
        places
    }

    /// Where a line that is too wide should end earlier: at a block, else between statements, else as far out as possible within an expression.
    fn should_end(&self, line: &Line) -> Option<usize> {
        let (start, places) = (line.tokens.start, self.places(line));
        let code = line.tokens.clone().filter(|i| self.tokens[*i].kind != Kind::Comment);
        let last = code.clone().next_back()?;
        if places[last - start] + self.tokens[last].text.chars().count() <= WIDTH {
            return None;
        }
        let inner = code.skip(1);
        let fits = |i: &usize| places[i - start] <= WIDTH;
        let opens = |i: &usize| self.tokens[*i - 1].kind == Kind::BlockOpen && self.tokens[*i].kind != Kind::BlockClose;
        let statement = || inner.clone().filter(|i| self.tokens[*i].begins.is_some()).filter(fits).last();
        let within = || {
            let mut depth = 0usize;
            let depths = inner.clone().map(|i| {
                match self.tokens[i - 1].kind {
                    Kind::Open => depth += 1,
                    Kind::Close => depth = depth.saturating_sub(1),
                    _ => {}
                }
                (depth, i)
            });
            // What stands close to what is before it, as the parts of a unit do, would be something else on a line of its own.
            let may_break = |i: usize| self.tokens[i].may_break && !self.tokens[i].tight.0;
            let may: Vec<(usize, usize)> = depths.filter(|(_, i)| may_break(*i) && fits(i)).collect();
            let outermost = may.iter().map(|(depth, _)| *depth).min()?;
            may.iter().filter(|(depth, _)| *depth == outermost).map(|(_, i)| *i).next_back()
        };
        inner.clone().find(opens).or_else(statement).or_else(within)
    }

    /// What the statements of a line are, if there are several, and which tokens begin all but the first.
    fn built(&self, line: &Line) -> (Vec<Option<Rule>>, Vec<usize>) {
        let (start, tokens) = (line.tokens.start, &self.tokens);
        let begins = line.tokens.clone().skip(1).filter(|i| tokens[*i].begins.is_some() && self.gap(*i) == WIDE);
        let begins: Vec<usize> = begins.collect();
        let kinds = std::iter::once(start).chain(begins.iter().copied()).map(|i| tokens[i].begins).collect();
        (kinds, begins.iter().map(|i| i - start).collect())
    }

    /// The comment after the code of a line.
    fn trailing(&self, line: &Line) -> Option<usize> {
        let last = line.tokens.len() - 1;
        (last > 0 && self.tokens[line.tokens.start + last].kind == Kind::Comment).then_some(last)
    }

    /// Aligns lines that follow one another and are alike: those of one key, with the tokens that should stand below each other, as far as
    /// that takes few spaces.
    fn align_runs<K: PartialEq>(&self, lines: &mut [Line], most: usize, of: impl Fn(&Line) -> Option<(K, Vec<usize>)>) {
        let alike: Vec<Option<(K, Vec<usize>)>> = lines.iter().map(of).collect();
        let mut from = 0;
        while from < lines.len() {
            let mut to = from + 1;
            if let Some((key, _)) = &alike[from] {
                let goes_on = |i: usize| {
                    let same = alike[i].as_ref().is_some_and(|(k, _)| k == key);
                    same && lines[i].indent == lines[from].indent && self.ends[lines[i].tokens.start] == 1
                };
                to += (to..lines.len()).take_while(|i| goes_on(*i)).count();
                let columns: Vec<&[usize]> = alike[from..to].iter().flatten().map(|(_, c)| &c[..]).collect();
                self.align(&mut lines[from..to], most, &columns);
            }
            from = to;
        }
    }

    /// Moves tokens of lines to common places, column by column.
    fn align(&self, lines: &mut [Line], stretch: usize, columns: &[&[usize]]) {
        for k in 0..columns[0].len() {
            let places: Vec<usize> = lines.iter().zip(columns).map(|(l, c)| self.places(l)[c[k]]).collect();
            let (least, most) = (places.iter().min().copied().unwrap_or(0), places.iter().max().copied().unwrap_or(0));
            let fits = |(line, place): (&Line, &usize)| {
                self.places(line).last().is_some_and(|end| end + most - place <= WIDTH)
            };
            if most - least > stretch || !lines.iter().zip(&places).all(fits) {
                return;
            }
            for ((line, column), place) in lines.iter_mut().zip(columns).zip(places) {
                line.gaps[column[k] - 1] += most - place;
            }
        }
    }

    fn write(&self) -> String {
        let mut lines = self.lines();
        self.align_runs(&mut lines, STRETCH, |line| {
            let (kinds, columns) = self.built(line);
            (!columns.is_empty() && kinds[0].is_some()).then_some((kinds, columns))
        });
        self.align_runs(&mut lines, WIDTH, |line| Some(((), vec![self.trailing(line)?])));
        let mut out = String::new();
        for line in &lines {
            if line.tokens.start > 0 {
                out.push_str(&"\n".repeat(self.ends[line.tokens.start]));
            }
            out.push_str(&" ".repeat(line.indent));
            for (i, at) in line.tokens.clone().enumerate() {
                out.push_str(&self.tokens[at].text);
                out.push_str(&" ".repeat(line.gaps.get(i).copied().unwrap_or(0)));
            }
        }
        out.push('\n');
        out
    }
}
