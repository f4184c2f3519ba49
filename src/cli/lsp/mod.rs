//! `neuro lsp`: the language server protocol over standard input and output.
//!
//! Synchronous: a text is read and checked as a whole after it has changed, as soon as nothing more has arrived.

mod answers;
mod kinds;
mod places;
mod texts;

use super::messages::{Done, Stop};
use answers::{diagnostics, laid_out, symbol, tokens};
use kinds::TOKEN_TYPES;
use lsp_server::{Connection, ErrorCode, Message, Notification, Request, Response};
use lsp_types::notification::{DidChangeTextDocument, DidCloseTextDocument, DidOpenTextDocument, Notification as _};
use lsp_types::notification::{DidSaveTextDocument, PublishDiagnostics};
use lsp_types::request::{self, Request as _};
use lsp_types::*;
use neuro::editor;
use places::Lines;
use std::collections::BTreeSet;
use std::sync::Arc;
use texts::{Text, Texts, read};

pub fn serve() -> Done {
    let (connection, threads) = Connection::stdio();
    let told = |e: &dyn std::fmt::Display| Stop::Usage(format!("the editor cannot be understood: {e}"));
    let abilities = serde_json::to_value(abilities()).map_err(|e| told(&e))?;
    connection.initialize(abilities).map_err(|e| told(&e))?;
    Server { connection: &connection, texts: Texts::default(), changed: BTreeSet::new() }
        .run()
        .map_err(|e| told(&e))?;
    drop(connection);
    threads.join().map_err(|e| told(&e))
}

fn abilities() -> ServerCapabilities {
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::INCREMENTAL),
            save: Some(TextDocumentSyncSaveOptions::Supported(true)),
            ..Default::default()
        })),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        document_highlight_provider: Some(OneOf::Left(true)),
        rename_provider: Some(OneOf::Right(RenameOptions {
            prepare_provider: Some(true),
            work_done_progress_options: Default::default(),
        })),
        completion_provider: Some(CompletionOptions {
            trigger_characters: Some([".", ">", " ", ":"].map(String::from).to_vec()),
            ..Default::default()
        }),
        inlay_hint_provider: Some(OneOf::Left(true)),
        document_symbol_provider: Some(OneOf::Left(true)),
        document_formatting_provider: Some(OneOf::Left(true)),
        code_action_provider: Some(CodeActionProviderCapability::Simple(true)),
        semantic_tokens_provider: Some(SemanticTokensServerCapabilities::SemanticTokensOptions(
            SemanticTokensOptions {
                legend: SemanticTokensLegend {
                    token_types: TOKEN_TYPES.to_vec(),
                    token_modifiers: vec![SemanticTokenModifier::DECLARATION],
                },
                full: Some(SemanticTokensFullOptions::Bool(true)),
                ..Default::default()
            },
        )),
        ..Default::default()
    }
}

struct Server<'a> {
    connection: &'a Connection,
    texts: Texts,
    /// Texts that have not been checked since they changed.
    changed: BTreeSet<String>,
}

const INVALID_PARAMS: i32 = ErrorCode::InvalidParams as i32;

type Failed = Box<dyn std::error::Error + Send + Sync>;

impl Server<'_> {
    fn run(&mut self) -> Result<(), Failed> {
        loop {
            // What was typed meanwhile is read before anything is checked.
            let message = match self.connection.receiver.try_recv() {
                Ok(message) => message,
                Err(_) => {
                    self.check()?;
                    match self.connection.receiver.recv() {
                        Ok(message) => message,
                        Err(_) => return Ok(()),
                    }
                }
            };
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request)? {
                        return Ok(());
                    }
                    self.check()?;
                    let id = request.id.clone();
                    // What cannot be understood is no reason to leave the editor alone.
                    let answer = self.answer(request);
                    let answer = answer.unwrap_or_else(|e| Response::new_err(id, INVALID_PARAMS, e.to_string()));
                    self.connection.sender.send(Message::Response(answer))?;
                }
                Message::Notification(notification) => self.heed(notification)?,
                Message::Response(_) => {}
            }
        }
    }

    fn heed(&mut self, n: Notification) -> Result<(), Failed> {
        match n.method.as_str() {
            DidOpenTextDocument::METHOD => {
                let p: DidOpenTextDocumentParams = serde_json::from_value(n.params)?;
                let text: Arc<str> = p.text_document.text.into();
                let document = read(&p.text_document.uri, text.clone(), &self.texts.0);
                let found = diagnostics(&p.text_document.uri, &document);
                let text = Text { lines: Lines::of(text), version: p.text_document.version, document };
                self.texts.0.insert(p.text_document.uri.to_string(), text);
                self.publish(p.text_document.uri, Some(p.text_document.version), found)?;
            }
            DidChangeTextDocument::METHOD => {
                let p: DidChangeTextDocumentParams = serde_json::from_value(n.params)?;
                if let Some(of) = self.texts.0.get_mut(p.text_document.uri.as_str()) {
                    for change in p.content_changes {
                        let mut text = change.text;
                        if let Some(range) = change.range {
                            let (from, to) = (of.lines.offset(range.start), of.lines.offset(range.end));
                            let changed = text;
                            text = of.lines.text.to_string();
                            text.replace_range(from..to.max(from), &changed);
                        }
                        of.lines = Lines::of(text.into());
                    }
                    of.version = p.text_document.version;
                    self.changed.insert(p.text_document.uri.to_string());
                }
            }
            // What others import may have changed.
            DidSaveTextDocument::METHOD => self.changed.extend(self.texts.0.keys().cloned()),
            DidCloseTextDocument::METHOD => {
                let p: DidCloseTextDocumentParams = serde_json::from_value(n.params)?;
                self.texts.0.remove(p.text_document.uri.as_str());
                self.changed.remove(p.text_document.uri.as_str());
                self.publish(p.text_document.uri, None, Vec::new())?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Checks what has changed, and says what is wrong with it.
    fn check(&mut self) -> Result<(), Failed> {
        for uri in std::mem::take(&mut self.changed) {
            let (Some(of), Ok(address)) = (self.texts.0.get(&uri), uri.parse::<Uri>()) else { continue };
            let text = of.lines.text.clone();
            let document = read(&address, text, &self.texts.0);
            let diagnostics = diagnostics(&address, &document);
            let Some(of) = self.texts.0.get_mut(&uri) else { continue };
            of.document = document;
            let version = of.version;
            self.publish(address, Some(version), diagnostics)?;
        }
        Ok(())
    }

    fn publish(&self, uri: Uri, version: Option<i32>, diagnostics: Vec<Diagnostic>) -> Result<(), Failed> {
        let params = PublishDiagnosticsParams { uri, diagnostics, version };
        let notification = Notification::new(PublishDiagnostics::METHOD.into(), params);
        Ok(self.connection.sender.send(Message::Notification(notification))?)
    }

    fn answer(&self, request: Request) -> Result<Response, Failed> {
        let Request { id, method, params } = request;
        let value = match method.as_str() {
            request::HoverRequest::METHOD => {
                let p: HoverParams = serde_json::from_value(params)?;
                serde_json::to_value(self.texts.hover(&p.text_document_position_params))
            }
            request::GotoDefinition::METHOD => {
                let p: GotoDefinitionParams = serde_json::from_value(params)?;
                serde_json::to_value(
                    self.texts.definition(&p.text_document_position_params).map(GotoDefinitionResponse::Scalar),
                )
            }
            request::References::METHOD => {
                let p: ReferenceParams = serde_json::from_value(params)?;
                serde_json::to_value(self.texts.references(&p.text_document_position, p.context.include_declaration))
            }
            request::DocumentHighlightRequest::METHOD => {
                let p: DocumentHighlightParams = serde_json::from_value(params)?;
                serde_json::to_value(self.texts.highlights(&p.text_document_position_params))
            }
            request::PrepareRenameRequest::METHOD => {
                let p: TextDocumentPositionParams = serde_json::from_value(params)?;
                serde_json::to_value(self.texts.renamed(&p).ok().map(|(range, _)| PrepareRenameResponse::Range(range)))
            }
            request::Rename::METHOD => {
                let p: RenameParams = serde_json::from_value(params)?;
                match self.texts.rename(&p.text_document_position, &p.new_name) {
                    Ok(edit) => serde_json::to_value(edit),
                    Err(why) => return Ok(Response::new_err(id, INVALID_PARAMS, why)),
                }
            }
            request::Completion::METHOD => {
                let p: CompletionParams = serde_json::from_value(params)?;
                serde_json::to_value(self.texts.completions(&p.text_document_position))
            }
            request::InlayHintRequest::METHOD => {
                let p: InlayHintParams = serde_json::from_value(params)?;
                serde_json::to_value(self.texts.hints(&p.text_document.uri, p.range))
            }
            request::DocumentSymbolRequest::METHOD => {
                let p: DocumentSymbolParams = serde_json::from_value(params)?;
                let symbols = |t: &Text| editor::symbols(&t.document).iter().map(|s| symbol(&t.lines, s)).collect();
                serde_json::to_value(
                    self.texts.0.get(p.text_document.uri.as_str()).map(symbols).map(DocumentSymbolResponse::Nested),
                )
            }
            request::SemanticTokensFullRequest::METHOD => {
                let p: SemanticTokensParams = serde_json::from_value(params)?;
                serde_json::to_value(self.texts.0.get(p.text_document.uri.as_str()).map(tokens))
            }
            request::Formatting::METHOD => {
                let p: DocumentFormattingParams = serde_json::from_value(params)?;
                serde_json::to_value(self.texts.0.get(p.text_document.uri.as_str()).and_then(|t| laid_out(&t.lines)))
            }
            request::CodeActionRequest::METHOD => {
                let p: CodeActionParams = serde_json::from_value(params)?;
                serde_json::to_value(self.texts.actions(&p))
            }
            _ => {
                let what = format!("`{method}` is not known");
                return Ok(Response::new_err(id, ErrorCode::MethodNotFound as i32, what));
            }
        };
        Ok(Response::new_ok(id, value?))
    }
}
