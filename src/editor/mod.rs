//! What an editor asks of a text: mistakes, what a name stands for and where it is used, what could follow, how it is laid out.
//!
//! Input: the text as it is typed, whole or not. Output: places and texts; the protocol that carries them is not known here.

mod complete;
mod document;
mod facts;
mod hover;
pub mod names;
mod outline;

pub use complete::{Proposal, complete};
pub use document::Document;
pub use hover::hover;
pub use outline::{Hint, Symbol, hints, symbols};
