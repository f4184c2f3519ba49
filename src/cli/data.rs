//! `neuro data`: where data sets are looked for, and whether they are whole.

use super::messages::{Done, Messages, Stop};
use neuro::data::{KNOWN, Unavailable, checked};
use neuro::disk::{Disk, data_folders};
use std::path::Path;

/// Lists the data sets and the folders that are searched, or compares every file with its digest.
pub fn data(check: bool, messages: Messages) -> Done {
    for folder in data_folders() {
        let there = if folder.exists() { "" } else { " (not there)" };
        messages.note(&format!("searched: {}{there}", folder.display()));
    }
    say!("digits   built in: 8 x 8 pixels, 1 297 to train, 500 to test");
    let disk = Disk::beside(Path::new(""));
    let mut whole = true;
    for known in KNOWN {
        let mut missing = Vec::new();
        for (file, digest) in known.files {
            match check {
                true => match checked(known.folder, file, digest, &disk) {
                    Ok(content) => say!("{:8} {file}: {} bytes, whole", known.name, content.len()),
                    Err(Unavailable::Missing(file)) => missing.push(file),
                    Err(Unavailable::Damaged(file, why)) => {
                        whole = false;
                        say!("{:8} {file}: damaged: {why}", known.name);
                    }
                },
                false if disk.has(known.folder, file) => {}
                false => missing.push(file.to_string()),
            }
        }
        if missing.is_empty() {
            if !check {
                say!("{:8} there: {}", known.name, known.about);
            }
        } else {
            say!("{:8} missing: {}; from {}", known.name, missing.join(", "), known.address);
        }
    }
    if whole { Ok(()) } else { Err(Stop::Failed) }
}
