//! A text that was read and checked as far as it goes.

use super::facts::{self, Fact};
use super::names::{self, DeclarationId, Names};
use crate::compiler::Program;
use crate::diag::Diagnostics;
use crate::hir::{self, Imports};
use crate::source::{FileId, SourceFile, SourceMap, Span};
use crate::syntax::ast;
use std::collections::HashMap;

/// The text that the editor shows; what it imports has other numbers.
pub(super) const ROOT: FileId = FileId(0);

/// A text that was read and checked as far as it goes.
pub struct Document {
    /// Everything that was read, and what is wrong with it.
    pub program: Program,
    /// What names stand for.
    pub names: Names,
    pub(super) files: Vec<ast::File>,
    pub(super) facts: HashMap<Span, Fact>,
}

impl Document {
    /// Reads and checks a text.
    pub fn of(file: SourceFile, imports: &mut dyn Imports) -> Document {
        let mut sources = SourceMap::default();
        let root = sources.add(file);
        let mut diagnostics = Diagnostics::default();
        let mut files: Vec<ast::File> = Vec::new();
        let mut show = |FileId(i): FileId, file: &ast::File| {
            files.resize(files.len().max(i as usize + 1), ast::File::default());
            files[i as usize] = file.clone();
        };
        let module = hir::check_showing(root, &mut sources, imports, &mut diagnostics, &mut show);
        let names = resolved(&files);
        let facts = facts::facts(&module);
        Document { program: Program { sources, module, diagnostics }, names, files, facts }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.program.sources.file(ROOT).text
    }

    /// The declaration whose name stands at a place of the text, and where that name begins and ends.
    pub fn declaration_at(&self, offset: u32) -> Option<(Span, DeclarationId)> {
        self.names.at(ROOT, offset)
    }

    /// Where a name is declared and used, in all files, each place once.
    pub fn places_of(&self, id: DeclarationId) -> Vec<Span> {
        let mut places: Vec<Span> = self.names.uses.iter().filter(|(_, of)| *of == id).map(|(span, _)| *span).collect();
        places.dedup();
        places
    }

    /// Returns whether a file is one of the library.
    pub fn is_library(&self, file: FileId) -> bool {
        let name = &self.program.sources.file(file).name;
        crate::stdlib::LIBRARY.iter().chain(crate::stdlib::PRELUDE).any(|(n, _)| n == name)
    }

    /// Declarations of the text itself.
    pub(super) fn own(&self) -> impl Iterator<Item = &names::Declaration> {
        self.names.all.iter().filter(|d| d.name.span.file == ROOT)
    }
}

/// Resolves files, the text itself last: its names hide those of others.
pub(super) fn resolved(files: &[ast::File]) -> Names {
    names::resolved(files.iter().skip(1).chain(files.iter().take(1)))
}
