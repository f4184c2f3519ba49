//! The reference: what the table says, for readers.

use super::{Builtin, Gives, Place, Wants, rows};
use std::fmt::Write;

impl Wants {
    /// Says what an argument must be.
    fn described(self) -> &'static str {
        match self {
            Wants::Number => "number or array",
            Wants::Pure => "number or array without a unit",
            Wants::PureNumber => "number without a unit",
            Wants::Same => "of the first one's unit",
            Wants::SameAsSecond => "of the second one's unit",
            Wants::Time => "time",
            Wants::Window => "range of times",
            Wants::Truth => "true or false",
            Wants::Events => "recorded events",
            Wants::Trace => "recorded values",
            Wants::Text => "text",
            Wants::Projection => "projection",
            Wants::Table => "table",
            Wants::TableOrPath => "table or path",
            Wants::Texts => "column of a table",
            Wants::Rows => "condition of rows",
            Wants::Network => "network",
            Wants::Collection => "array or data set",
            Wants::Vector => "array or projection",
            Wants::PerPair => "number for each pair",
            Wants::Fields => "arrays by name",
        }
    }
}

impl Gives {
    /// Says what comes out.
    fn described(self) -> &'static str {
        match self {
            Gives::Pure => "number",
            Gives::PureEach => "number for each element",
            Gives::PureArray => "array of numbers",
            Gives::Same => "like the first argument",
            Gives::SameNumber => "one number of the first argument's unit",
            Gives::SameArray => "array of the first argument's unit",
            Gives::SameAny => "array or matrix of the first argument's unit",
            Gives::SameMatrix => "matrix of the first argument's unit",
            Gives::Root => "like the first argument, the root of its unit",
            Gives::Density => "array, the square of the first argument's unit per rate",
            Gives::Square => "one number, the square of the first argument's unit",
            Gives::Product => "one number of the product of both units",
            Gives::MatrixProduct => "array or matrix of the product of both units",
            Gives::Angle => "angle",
            Gives::Time => "time",
            Gives::Times => "array of times",
            Gives::Rate => "rate",
            Gives::Rates => "array of rates",
            Gives::Recorded => "array of the recorded unit",
            Gives::Weights => "in the weights' unit",
            Gives::Unknown => "energy, in the unit of the cells'",
            Gives::PureAny => "numbers of any shape",
            Gives::Table => "table",
            Gives::Images(_) => "images and labels, in parts `train` and `test`",
            Gives::Pictures => "images",
            Gives::Examples => "data set",
            Gives::Nothing => "",
        }
    }
}

impl Place {
    fn described(self) -> &'static str {
        match self {
            Place::Everywhere => "Functions of numbers, in every expression",
            Place::Program => "Functions of networks and experiments",
            Place::Distribution => "Distributions, after `~`",
            Place::Connector => "Connectors, after `connect`",
        }
    }
}

impl Builtin {
    /// Returns what `neuro explain` says of it.
    pub fn page(&self) -> String {
        let mut out = format!("{}\n\n{}\n", self.signature(), self.help);
        for p in self.parameters {
            let optional = if p.optional { ", may be left out" } else { "" };
            let _ = writeln!(out, "  {:<12} {}{optional}", p.name, p.wants.described());
        }
        let gives = match self.place {
            Place::Distribution | Place::Connector => "",
            _ => self.gives.described(),
        };
        if !gives.is_empty() {
            let _ = writeln!(out, "  {:<12} {gives}", "gives");
        }
        let _ = writeln!(out, "\n{}\n\n  {}", self.place.described(), self.example);
        out
    }
}

/// Returns the chapter of the reference, in Markdown.
pub fn reference() -> String {
    let mut out = String::from(
        "# Functions, distributions, connectors\n\n\
         Made by `neuro explain functions`. `neuro explain NAME` says the same of one of them. Arguments are given by place, then by \
         name;\nthose with `= …` may be left out. Every example is executed by a test.\n",
    );
    for place in [Place::Everywhere, Place::Program, Place::Distribution, Place::Connector] {
        let _ = write!(out, "\n## {}\n\n", place.described());
        let _ = writeln!(out, "| call | what | example |\n|---|---|---|");
        for b in rows().filter(|b| b.place == place) {
            let example = b.example.replace('|', "\\|");
            let _ = writeln!(out, "| `{}` | {} | `{example}` |", b.signature(), b.help);
        }
    }
    out
}
