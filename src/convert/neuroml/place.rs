//! Places of files, and what is wrong there.

use crate::convert::Flaw;
use std::ops::Range;
use std::path::Path;
use std::rc::Rc;

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Place {
    /// The file, if it is not the one that was given.
    pub file: Option<Rc<Path>>,
    /// Bytes of its text.
    pub at: Range<usize>,
}

/// Something, or what is wrong.
pub type Outcome<T> = Result<T, Box<Flaw>>;

/// What is wrong at a place.
pub fn flaw(place: &Place, message: impl Into<String>, label: &str) -> Box<Flaw> {
    Box::new(Flaw {
        at: place.at.clone(),
        file: place.file.as_deref().map(Path::to_path_buf),
        message: message.into(),
        label: label.to_string(),
        help: None,
    })
}

impl Flaw {
    /// The same with what to do about it.
    pub(super) fn help(mut self: Box<Self>, help: impl Into<String>) -> Box<Self> {
        self.help = Some(help.into());
        self
    }
}
