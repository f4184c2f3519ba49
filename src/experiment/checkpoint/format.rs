//! The files of checkpoints and saved networks: a first line that says what it is, a header, its digest, and the content.

use crate::data::sha256;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::Attempt;
use crate::experiment::store::RunIdentity;
use serde::{Deserialize, Serialize};

/// The version of the format; another one is refused.
const VERSION: u32 = 11;

/// The second line of a file; the third one is its digest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    version: u32,
    /// What the file belongs to; a saved network belongs to nobody.
    belongs: Option<RunIdentity>,
    bytes: usize,
    sha256: String,
}

/// Reports a file from which nothing can go on.
pub(super) fn refuse(why: impl Into<String>, help: &str) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(Code::E0813, why.into()).help(help.to_string()))
}

pub(super) const ANEW: &str = "run it without `--resume` to begin anew";

/// A kind of file: what it is called, its first line, and what to do about a bad one.
pub(super) struct Format {
    name: &'static str,
    magic: &'static str,
    /// What to do about a bad one.
    pub(super) help: &'static str,
}

pub(super) const CHECKPOINT: Format = Format { name: "checkpoint", magic: "neuro checkpoint", help: ANEW };
/// What every process of several knows, and which parts belong to it.
pub(super) const IN_PARTS: Format = Format { name: "checkpoint", magic: "neuro checkpoint in parts", help: ANEW };
/// What one of them alone knows.
pub(super) const PART: Format = Format { name: "part", magic: "neuro part of a checkpoint", help: ANEW };
pub(super) const NETWORK: Format =
    Format { name: "saved network", magic: "neuro network", help: "load a file that `save` has written" };

impl Format {
    /// Returns whether a file says that it is of this kind.
    pub(super) fn is_of(&self, file: &[u8]) -> bool {
        file.split(|b| *b == b'\n').next() == Some(self.magic.as_bytes())
    }

    pub(super) fn write(&self, belongs: Option<RunIdentity>, content: &impl Serialize) -> Result<Vec<u8>, String> {
        let payload = postcard::to_stdvec(content).map_err(|e| e.to_string())?;
        let header = Header { version: VERSION, belongs, bytes: payload.len(), sha256: sha256(&payload) };
        let header = serde_json::to_string(&header).map_err(|e| e.to_string())?;
        let mut file = format!("{}\n{header}\n{}\n", self.magic, sha256(header.as_bytes())).into_bytes();
        file.extend_from_slice(&payload);
        Ok(file)
    }

    /// Takes a file apart: whom it belongs to, and what it holds.
    pub(super) fn read<T: for<'a> Deserialize<'a>>(&self, file: &[u8]) -> Attempt<(Option<RunIdentity>, T)> {
        let refuse = |why: String| refuse(why, self.help);
        let damaged = || refuse(format!("this {} is damaged", self.name));
        if !self.is_of(file) {
            return Err(refuse(format!("this is not a {}", self.name)));
        }
        let mut lines = file.splitn(4, |b| *b == b'\n').skip(1);
        let header = lines.next().ok_or_else(damaged)?;
        let json: serde_json::Value = serde_json::from_slice(header).map_err(|_| damaged())?;
        let version = json["version"].as_u64().unwrap_or_default();
        if version != u64::from(VERSION) {
            let why = format!("this {} has format {version}, this program reads {VERSION}", self.name);
            return Err(refuse(why));
        }
        if lines.next().ok_or_else(damaged)? != sha256(header).as_bytes() {
            return Err(damaged());
        }
        let header: Header = serde_json::from_value(json).map_err(|_| damaged())?;
        let payload = lines.next().ok_or_else(damaged)?;
        if payload.len() != header.bytes {
            let why = format!("this {} is cut off: {} of {} bytes", self.name, payload.len(), header.bytes);
            return Err(refuse(why));
        }
        if sha256(payload) != header.sha256 {
            return Err(damaged());
        }
        match postcard::take_from_bytes(payload) {
            Ok((content, [])) => Ok((header.belongs, content)),
            _ => Err(damaged()),
        }
    }
}
