//! The texts that the editor shows.

use super::places::{Lines, path, uri};
use lsp_types::Uri;
use neuro::disk::Disk;
use neuro::editor::Document;
use neuro::source::SourceFile;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the editor shows of a file.
pub(super) struct Text {
    pub(super) lines: Lines,
    pub(super) version: i32,
    pub(super) document: Document,
}

/// Texts by their addresses.
#[derive(Default)]
pub(super) struct Texts(pub(super) HashMap<String, Text>);

/// Reads and checks the text of an editor; files that it imports are taken as they are shown, else as they are on the disk.
pub(super) fn read(uri: &Uri, text: Arc<str>, shown: &HashMap<String, Text>) -> Document {
    let path = path(uri).unwrap_or_else(|| PathBuf::from(uri.as_str()));
    let mut imports = Shown { shown, disk: Disk::beside(&path) };
    Document::of(SourceFile::new(path.to_string_lossy(), text), &mut imports)
}

struct Shown<'a> {
    shown: &'a HashMap<String, Text>,
    disk: Disk,
}

impl neuro::hir::Imports for Shown<'_> {
    fn file(&mut self, from: &str, path: &str) -> Result<SourceFile, String> {
        let file = self.disk.file(from, path)?;
        let shown = uri(Path::new(&file.name)).and_then(|uri| self.shown.get(uri.as_str()));
        Ok(match shown {
            Some(of) => SourceFile::new(file.name, of.lines.text.clone()),
            None => file,
        })
    }
}
