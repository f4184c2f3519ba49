//! What the editor asks, answered in the types of the protocol.

use super::super::files::shelved;
use super::kinds::{TOKEN_TYPES, completion_kind, symbol_kind, token_type};
use super::places::{self, Lines, location};
use super::texts::{Text, Texts};
use lsp_types::*;
use neuro::diag::{self, Severity};
use neuro::editor::names::{DeclarationId, Kind};
use neuro::editor::{self, Document};
use neuro::source::{FileId, Span};
use neuro::syntax;
use std::collections::HashMap;

impl Texts {
    fn at(&self, p: &TextDocumentPositionParams) -> Option<(&Text, usize)> {
        let text = self.0.get(p.text_document.uri.as_str())?;
        Some((text, text.lines.offset(p.position)))
    }

    fn declaration(&self, p: &TextDocumentPositionParams) -> Option<(&Text, Span, DeclarationId)> {
        let (text, offset) = self.at(p)?;
        let (span, id) = text.document.declaration_at(offset as u32)?;
        Some((text, span, id))
    }

    pub(super) fn hover(&self, p: &TextDocumentPositionParams) -> Option<Hover> {
        let (text, offset) = self.at(p)?;
        let (span, value) = editor::hover(&text.document, offset as u32)?;
        let contents = HoverContents::Markup(MarkupContent { kind: MarkupKind::Markdown, value });
        Some(Hover { contents, range: Some(text.lines.range(span)) })
    }

    pub(super) fn definition(&self, p: &TextDocumentPositionParams) -> Option<Location> {
        let (text, _, id) = self.declaration(p)?;
        location(&p.text_document.uri, &text.document, text.document.names.all[id].name.span)
    }

    pub(super) fn references(&self, p: &TextDocumentPositionParams, declared: bool) -> Vec<Location> {
        let Some((text, _, id)) = self.declaration(p) else { return Vec::new() };
        let own = text.document.names.all[id].name.span;
        let places = text.document.places_of(id).into_iter().filter(|span| declared || *span != own);
        places.filter_map(|span| location(&p.text_document.uri, &text.document, span)).collect()
    }

    pub(super) fn highlights(&self, p: &TextDocumentPositionParams) -> Vec<DocumentHighlight> {
        let Some((text, _, id)) = self.declaration(p) else { return Vec::new() };
        let places = text.document.places_of(id).into_iter().filter(|span| span.file == FileId(0));
        places.map(|span| DocumentHighlight { range: text.lines.range(span), kind: None }).collect()
    }

    /// What would be renamed at a place.
    pub(super) fn renamed(&self, p: &TextDocumentPositionParams) -> Result<(Range, DeclarationId), String> {
        let (text, span, id) = self.declaration(p).ok_or("no name stands here")?;
        let declared = &text.document.names.all[id];
        let is_word = text.lines.text[span.start as usize..span.end as usize] == declared.name.text;
        match (declared.kind, text.document.is_library(declared.name.span.file)) {
            (_, true) => Err("the name belongs to the library".into()),
            (Kind::Cell, _) => Err("the word belongs to the language".into()),
            _ if !is_word => Err("a title is not a name".into()),
            _ => Ok((text.lines.range(span), id)),
        }
    }

    pub(super) fn rename(&self, p: &TextDocumentPositionParams, to: &str) -> Result<WorkspaceEdit, String> {
        let (_, id) = self.renamed(p)?;
        let starts = to.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !starts || !to.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') || syntax::words().any(|w| w == to) {
            return Err(format!("`{to}` cannot be a name"));
        }
        let Some(text) = self.0.get(p.text_document.uri.as_str()) else { return Err("no such text".into()) };
        #[expect(clippy::mutable_key_type, reason = "the protocol's type has these keys")]
        let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
        for span in text.document.places_of(id) {
            if let Some(at) = location(&p.text_document.uri, &text.document, span) {
                changes.entry(at.uri).or_default().push(TextEdit { range: at.range, new_text: to.to_string() });
            }
        }
        Ok(WorkspaceEdit { changes: Some(changes), ..Default::default() })
    }

    pub(super) fn completions(&self, p: &TextDocumentPositionParams) -> Option<CompletionResponse> {
        let (text, offset) = self.at(p)?;
        let item = |p: editor::Proposal| CompletionItem {
            label: p.text,
            kind: Some(p.kind.map_or(CompletionItemKind::KEYWORD, completion_kind)),
            detail: Some(p.said).filter(|s| !s.is_empty()),
            ..Default::default()
        };
        let items = editor::complete(&text.document, &text.lines.text, offset).into_iter().map(item).collect();
        Some(CompletionResponse::Array(items))
    }

    pub(super) fn hints(&self, uri: &Uri, within: Range) -> Vec<InlayHint> {
        let Some(text) = self.0.get(uri.as_str()) else { return Vec::new() };
        let hint = |h: editor::Hint| InlayHint {
            position: text.lines.range(h.after).end,
            label: InlayHintLabel::String(format!(": {}", h.unit)),
            kind: Some(InlayHintKind::TYPE),
            text_edits: None,
            tooltip: None,
            padding_left: None,
            padding_right: None,
            data: None,
        };
        let all = editor::hints(&text.document).into_iter().map(hint);
        all.filter(|h| within.start <= h.position && h.position <= within.end).collect()
    }

    /// What a message proposes, as changes of the text.
    pub(super) fn actions(&self, p: &CodeActionParams) -> Vec<CodeActionOrCommand> {
        let Some(text) = self.0.get(p.text_document.uri.as_str()) else { return Vec::new() };
        let mut out = Vec::new();
        for d in text.document.program.diagnostics.iter() {
            let (Some(span), Some(with)) = (d.span(), d.suggestion()) else { continue };
            let at = text.lines.range(span);
            if span.file != FileId(0) || at.end < p.range.start || at.start > p.range.end {
                continue;
            }
            let edit = TextEdit { range: at, new_text: with.to_string() };
            out.push(CodeActionOrCommand::CodeAction(CodeAction {
                title: format!("Write `{with}`"),
                kind: Some(CodeActionKind::QUICKFIX),
                diagnostics: Some(vec![diagnostic(&p.text_document.uri, &text.lines, &text.document, d)]),
                edit: Some(WorkspaceEdit {
                    changes: Some(HashMap::from([(p.text_document.uri.clone(), vec![edit])])),
                    ..Default::default()
                }),
                is_preferred: Some(true),
                ..Default::default()
            }));
        }
        out
    }
}

pub(super) fn diagnostics(uri: &Uri, document: &Document) -> Vec<Diagnostic> {
    let lines = Lines::of(document.text().into());
    document.program.diagnostics.iter().map(|d| diagnostic(uri, &lines, document, d)).collect()
}

fn diagnostic(uri: &Uri, lines: &Lines, document: &Document, d: &diag::Diagnostic) -> Diagnostic {
    let own = |span: &Span| span.file == FileId(0);
    let help = d.help.iter().map(|h| format!("help: {h}")).chain(d.notes.iter().map(|n| format!("note: {n}")));
    let mut message = std::iter::once(d.message.clone()).chain(help).collect::<Vec<_>>().join("\n");
    let place = d.labels.first().filter(|(span, _)| own(span));
    if let Some((_, label)) = place.filter(|(_, label)| !label.is_empty()) {
        message = message.replacen(&d.message, &format!("{}: {label}", d.message), 1);
    }
    let others = d.labels.iter().skip(usize::from(place.is_some()));
    let related = others.filter_map(|(span, label)| {
        Some(DiagnosticRelatedInformation { location: location(uri, document, *span)?, message: label.clone() })
    });
    let page = shelved(&format!("errors/{}.md", d.code), d.code.page()).and_then(|path| places::uri(&path));
    Diagnostic {
        range: place.map_or(Range::default(), |(span, _)| lines.range(*span)),
        severity: Some(match d.severity() {
            Severity::Error => DiagnosticSeverity::ERROR,
            Severity::Warning => DiagnosticSeverity::WARNING,
        }),
        code: Some(NumberOrString::String(d.code.to_string())),
        code_description: page.map(|href| CodeDescription { href }),
        source: Some("neuro".into()),
        message,
        related_information: Some(related.collect()),
        ..Default::default()
    }
}

pub(super) fn laid_out(lines: &Lines) -> Option<Vec<TextEdit>> {
    let new_text = syntax::format::format(FileId(0), &lines.text).ok()?;
    let whole = Range { start: Position::new(0, 0), end: lines.position(lines.text.len()) };
    Some(if new_text == *lines.text { Vec::new() } else { vec![TextEdit { range: whole, new_text }] })
}

#[allow(deprecated, reason = "the protocol's type has a field that is")]
pub(super) fn symbol(lines: &Lines, s: &editor::Symbol) -> DocumentSymbol {
    DocumentSymbol {
        name: s.name.clone(),
        detail: Some(s.kind.word().into()),
        kind: symbol_kind(s.kind),
        tags: None,
        deprecated: None,
        range: lines.range(s.whole.to(s.place)),
        selection_range: lines.range(s.place),
        children: Some(s.inner.iter().map(|s| symbol(lines, s)).collect()),
    }
}

/// Names by what they stand for.
pub(super) fn tokens(text: &Text) -> SemanticTokens {
    let names = &text.document.names;
    let mut data = Vec::new();
    let mut last = Position::new(0, 0);
    let mut previous: Option<Span> = None;
    for (span, id) in names.uses.iter().filter(|(span, _)| span.file == FileId(0)) {
        let at = text.lines.range(*span);
        // A title or a name that is used twice at one place is one token.
        if previous.replace(*span) == Some(*span)
            || at.start.line != at.end.line
            || text.lines.text[span.start as usize..].starts_with('"')
        {
            continue;
        }
        let of = token_type(names.all[*id].kind);
        let delta_line = at.start.line - last.line;
        data.push(SemanticToken {
            delta_line,
            delta_start: at.start.character - if delta_line == 0 { last.character } else { 0 },
            length: at.end.character - at.start.character,
            token_type: TOKEN_TYPES.iter().position(|t| *t == of).unwrap_or(0) as u32,
            token_modifiers_bitset: u32::from(names.all[*id].name.span == *span),
        });
        last = at.start;
    }
    SemanticTokens { result_id: None, data }
}
