//! Tables and arrays from local files. Reads bytes that somebody else fetched: this module does no IO.
//!
//! Nothing that a file announces is believed: it is compared with the bytes that are there before memory is taken for it.

mod arrays;
mod arrow;
mod columnar;
mod csv;
mod element;
mod examples;
mod flaw;
mod idx;
mod images;
mod inflate;
mod json;
mod npy;
mod pictures;
mod table;
mod tables;
mod texts;

pub use arrays::{Archive, Arrays, Named, npz_array, stored};
pub use arrow::{arrow, guarded};
pub use columnar::parquet;
pub use csv::csv;
pub use element::index;
pub use examples::{Examples, Field, Numbers};
pub use flaw::Flaw;
pub use idx::idx;
pub use images::{KNOWN, Known, Unavailable, bytes_to_read, checked, images, like_mnist};
pub use json::json;
pub use npy::npy;
pub use pictures::{Pictures, is_picture};
pub use table::{Table, Wanted};
pub use tables::table;
pub use texts::Texts;

/// Gives the bytes of files; implemented by `disk`.
pub trait Files: Sync {
    /// Reads a file, relative to the source file that names it; the error says why in words.
    fn read(&self, path: &str) -> Result<Vec<u8>, String>;
    /// Lists the names of what a folder holds, sorted; the error says why not in words. None if it is no folder.
    fn list(&self, _path: &str) -> Result<Option<Vec<String>>, String> {
        Ok(None)
    }
    /// Reads a file of a data set from the folders that may hold it, if one does.
    fn find(&self, path: &str) -> Option<Vec<u8>>;
    /// Is told what a compressed file of a data set holds, which took long to unpack: who keeps it will be asked for it the next time.
    fn keep(&self, _path: &str, _content: &[u8]) {}
}

/// Returns the SHA-256 of what can be read, in hexadecimal, without having all of it at once.
pub fn sha256_of(source: &mut dyn std::io::Read) -> std::io::Result<String> {
    use sha2::Digest;
    let mut hash = sha2::Sha256::new();
    std::io::copy(source, &mut hash)?;
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// Returns the SHA-256 of some bytes in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}
