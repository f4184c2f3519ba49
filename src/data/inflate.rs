//! The content of files that may be compressed with gzip or xz: read as a stream, and no further than something is expected.

use super::Flaw;
use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use std::borrow::Cow;
use std::io::{self, Read};

/// No content is expected to be longer than so many times its compressed file; gzip cannot pack more tightly.
pub const MOST_TIMES: u64 = 1032;

/// A compressed text may have so many bytes …
const MOST_TEXT: u64 = 64 << 20;

/// … or be so many times as long as its file, if that is more.
const MOST_TIMES_TEXT: u64 = 100;

/// What unpacking xz may take, in KiB: room for the 64 MiB that its highest level looks back.
const MOST_MEMORY: u32 = 66 << 10;

/// The content of a file, from its beginning to its end.
pub struct Content<'a> {
    from: Packing<'a>,
    /// How many bytes of content have been read.
    done: u64,
    /// The length of the file.
    file: u64,
}

enum Packing<'a> {
    Plain(&'a [u8]),
    Gzip(Box<MultiGzDecoder<&'a [u8]>>),
    Xz(Box<XzReader<&'a [u8]>>),
}

impl<'a> Content<'a> {
    /// The content of a file; gzip and xz are recognized by their first bytes.
    pub fn of(bytes: &'a [u8]) -> Content<'a> {
        let from = if bytes.starts_with(&[0x1f, 0x8b]) {
            Packing::Gzip(Box::new(MultiGzDecoder::new(bytes)))
        } else if bytes.starts_with(&[0xfd, b'7', b'z', b'X', b'Z', 0]) {
            Packing::Xz(Box::new(XzReader::new_mem_limit(bytes, true, MOST_MEMORY)))
        } else {
            Packing::Plain(bytes)
        };
        Content { from, done: 0, file: bytes.len() as u64 }
    }

    /// Returns how many bytes are left, if that is known without unpacking them.
    pub fn left(&self) -> Option<u64> {
        match &self.from {
            Packing::Plain(bytes) => Some(bytes.len() as u64),
            _ => None,
        }
    }

    /// Returns how many bytes can be left at most.
    pub fn left_at_most(&self) -> u64 {
        self.left().unwrap_or(self.file.saturating_mul(MOST_TIMES))
    }

    /// Reads what is left, of which so many bytes are expected: the content if there are no more, else nothing.
    pub fn rest(&mut self, expected: u64) -> Result<Option<Vec<u8>>, Flaw> {
        let mut out = Vec::new();
        match self.by_ref().take(expected.saturating_add(1)).read_to_end(&mut out) {
            Ok(_) if out.len() as u64 > expected => Ok(None),
            Ok(_) => Ok(Some(out)),
            Err(e) => Err(self.damaged(&e)),
        }
    }

    /// Says that what was read last cannot be unpacked.
    pub fn damaged(&self, e: &io::Error) -> Flaw {
        let packing = match self.from {
            Packing::Plain(_) => "the file",
            Packing::Gzip(_) => "the gzip data",
            Packing::Xz(_) => "the xz data",
        };
        Flaw::new(
            format!("{packing} is damaged after {} bytes of content: {e}", self.done),
            "copy or compress the file anew",
        )
    }
}

impl Read for Content<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = match &mut self.from {
            Packing::Plain(bytes) => bytes.read(into),
            Packing::Gzip(from) => from.read(into),
            Packing::Xz(from) => from.read(into),
        }?;
        self.done += n as u64;
        Ok(n)
    }
}

/// Returns a text that may be compressed.
pub fn text(bytes: &[u8]) -> Result<Cow<'_, [u8]>, Flaw> {
    let mut content = Content::of(bytes);
    if content.left().is_some() {
        return Ok(Cow::Borrowed(bytes));
    }
    let most = MOST_TEXT.max(content.file.saturating_mul(MOST_TIMES_TEXT));
    match content.rest(most)? {
        Some(text) => Ok(Cow::Owned(text)),
        None => {
            let what = format!("its {} bytes inflate to more than {most} bytes", content.file);
            Err(Flaw::new(what, "if so long a table is meant, inflate the file before it is read"))
        }
    }
}
