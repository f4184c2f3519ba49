//! Kinds of names in the words of the protocol.

use lsp_types::{CompletionItemKind, SemanticTokenType, SymbolKind};
use neuro::editor::names::Kind;

/// Types of tokens, in the order in which the editor is told of them.
pub(super) const TOKEN_TYPES: [SemanticTokenType; 8] = [
    SemanticTokenType::CLASS,
    SemanticTokenType::NAMESPACE,
    SemanticTokenType::FUNCTION,
    SemanticTokenType::PARAMETER,
    SemanticTokenType::PROPERTY,
    SemanticTokenType::EVENT,
    SemanticTokenType::VARIABLE,
    SemanticTokenType::TYPE,
];

pub(super) fn token_type(kind: Kind) -> SemanticTokenType {
    match kind {
        Kind::Neuron | Kind::Synapse | Kind::Channel | Kind::Morphology | Kind::World => SemanticTokenType::CLASS,
        Kind::Network | Kind::Experiment => SemanticTokenType::NAMESPACE,
        Kind::Function | Kind::Action => SemanticTokenType::FUNCTION,
        Kind::Parameter | Kind::Constant | Kind::Weight | Kind::Modulator => SemanticTokenType::PARAMETER,
        Kind::State | Kind::Let | Kind::Port | Kind::Compartment | Kind::Gate => SemanticTokenType::PROPERTY,
        Kind::Event | Kind::EventPort => SemanticTokenType::EVENT,
        Kind::Unit => SemanticTokenType::TYPE,
        _ => SemanticTokenType::VARIABLE,
    }
}

pub(super) fn symbol_kind(kind: Kind) -> SymbolKind {
    match kind {
        Kind::Neuron | Kind::Synapse | Kind::Channel | Kind::Morphology | Kind::World => SymbolKind::CLASS,
        Kind::Network => SymbolKind::MODULE,
        Kind::Experiment | Kind::Function | Kind::Action => SymbolKind::FUNCTION,
        Kind::Event | Kind::EventPort => SymbolKind::EVENT,
        Kind::Constant | Kind::Parameter => SymbolKind::CONSTANT,
        Kind::Population | Kind::Projection | Kind::Instance | Kind::View => SymbolKind::OBJECT,
        _ => SymbolKind::VARIABLE,
    }
}

pub(super) fn completion_kind(kind: Kind) -> CompletionItemKind {
    match kind {
        Kind::Neuron | Kind::Synapse | Kind::Channel | Kind::Morphology | Kind::World => CompletionItemKind::CLASS,
        Kind::Network | Kind::Experiment => CompletionItemKind::MODULE,
        Kind::Function | Kind::Action => CompletionItemKind::FUNCTION,
        Kind::Event | Kind::EventPort => CompletionItemKind::EVENT,
        Kind::Unit => CompletionItemKind::UNIT,
        Kind::Constant => CompletionItemKind::CONSTANT,
        Kind::State | Kind::Let | Kind::Port | Kind::Parameter => CompletionItemKind::FIELD,
        _ => CompletionItemKind::VARIABLE,
    }
}
