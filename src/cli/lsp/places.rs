//! Places: bytes here; lines, UTF-16 columns and addresses in the protocol.

use super::super::files::shelved;
use lsp_types::{Location, Position, Range, Uri};
use neuro::editor::Document;
use neuro::source::{FileId, Span};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A text with the places where its lines begin.
pub(super) struct Lines {
    pub(super) text: Arc<str>,
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn of(text: Arc<str>) -> Lines {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(i, _)| i + 1)).collect();
        Lines { text, starts }
    }

    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.starts.partition_point(|start| *start <= offset) - 1;
        let column = self.text[self.starts[line]..offset].encode_utf16().count();
        Position::new(line as u32, column as u32)
    }

    pub(super) fn range(&self, span: Span) -> Range {
        Range { start: self.position(span.start as usize), end: self.position(span.end as usize) }
    }

    /// The byte that a place of the protocol means; what is beyond a line is its end.
    pub(super) fn offset(&self, at: Position) -> usize {
        let Some(start) = self.starts.get(at.line as usize).copied() else { return self.text.len() };
        let line = self.text[start..].split(['\r', '\n']).next().unwrap_or_default();
        let mut units = 0;
        for (i, c) in line.char_indices() {
            if units >= at.character as usize {
                return start + i;
            }
            units += c.len_utf16();
        }
        start + line.len()
    }
}

pub(super) fn path(uri: &Uri) -> Option<PathBuf> {
    url::Url::parse(uri.as_str()).ok()?.to_file_path().ok()
}

pub(super) fn uri(path: &Path) -> Option<Uri> {
    url::Url::from_file_path(path).ok()?.as_str().parse().ok()
}

/// Where a span is, for the editor: files of the library are put where it can read them.
pub(super) fn location(root: &Uri, document: &Document, span: Span) -> Option<Location> {
    let file = document.program.sources.file(span.file);
    let uri = match span.file {
        FileId(0) => root.clone(),
        of if document.is_library(of) => uri(&shelved(&file.name, &file.text)?)?,
        _ => uri(Path::new(&file.name))?,
    };
    Some(Location { uri, range: Lines::of(file.text.clone()).range(span) })
}
