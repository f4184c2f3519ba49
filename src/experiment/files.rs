//! Files as several processes read them: what one of them cannot read, or reads otherwise, none has read.

use crate::data::{Files, sha256};
use crate::runtime::exchange::Ranks;
use serde::{Deserialize, Serialize};

/// Files that all processes of a run read at the same places of it.
pub(super) struct SameFiles<'a> {
    files: &'a dyn Files,
    ranks: &'a Ranks,
}

/// What a process has of a file or folder: a digest, nothing, or why it cannot be read.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
enum Found {
    There(String),
    Missing,
    Unreadable(String),
}

impl<'a> SameFiles<'a> {
    /// Files that each process reads by itself.
    pub fn new(files: &'a dyn Files, ranks: &'a Ranks) -> SameFiles<'a> {
        SameFiles { files, ranks }
    }

    /// Compares what this process has with what the others have; says where it differs.
    fn compare(&self, mine: Found) -> Result<(), String> {
        let all = self.ranks.tell(&mine);
        let Some(rank) = all.iter().position(|found| *found != all[0]) else { return Ok(()) };
        let unreadable = |(rank, found): (usize, &Found)| match found {
            Found::Unreadable(why) => Some(format!("{why} (in process {rank}; others can read it)")),
            Found::There(_) | Found::Missing => None,
        };
        let missing = all.iter().position(|found| *found == Found::Missing);
        let differs = || match missing {
            Some(rank) => format!("it is not there in process {rank}, but in others"),
            None => format!("it is another one in process {rank} than in process 0"),
        };
        let any_can = all.iter().any(|found| !matches!(found, Found::Unreadable(_)));
        let why = all.iter().enumerate().find_map(unreadable).filter(|_| any_can);
        // Where none can read it, each says why, in its own words.
        match (why, any_can) {
            (Some(why), _) => Err(why),
            (None, true) => Err(differs()),
            (None, false) => Ok(()),
        }
    }
}

impl Files for SameFiles<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, String> {
        let found = self.files.read(path);
        let of = |found: &Result<Vec<u8>, String>| match found {
            Ok(bytes) => Found::There(sha256(bytes)),
            Err(why) => Found::Unreadable(why.clone()),
        };
        match self.ranks.are_several() {
            true => self.compare(of(&found)).and(found),
            false => found,
        }
    }

    fn list(&self, path: &str) -> Result<Option<Vec<String>>, String> {
        let found = self.files.list(path);
        let of = |found: &Result<Option<Vec<String>>, String>| match found {
            Ok(Some(names)) => Found::There(names.join("\n")),
            Ok(None) => Found::Missing,
            Err(why) => Found::Unreadable(why.clone()),
        };
        match self.ranks.are_several() {
            true => self.compare(of(&found)).and(found),
            false => found,
        }
    }

    fn find(&self, path: &str) -> Option<Vec<u8>> {
        let found = self.files.find(path);
        let of = |found: &Option<Vec<u8>>| found.as_ref().map_or(Found::Missing, |bytes| Found::There(sha256(bytes)));
        match self.ranks.are_several() {
            true => self.compare(of(&found)).ok().and(found),
            false => found,
        }
    }

    fn keep(&self, path: &str, content: &[u8]) {
        self.files.keep(path, content);
    }
}
