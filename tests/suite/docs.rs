//! Examples in the documents are executed: `neuro` fences of one heading form one file; those with a test or an
//! experiment are run and their expectations must hold.

use crate::support::{rendered, root, run_with, try_program};
use neuro::experiment::Settings;

/// Splits at headings; lines within fences are code, also if they begin with `#`.
fn sections(text: &str) -> Vec<String> {
    let mut out = vec![String::new()];
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if !fenced && line.starts_with('#') {
            out.push(String::new());
        }
        if let Some(last) = out.last_mut() {
            last.push_str(line);
            last.push('\n');
        }
    }
    out
}

#[test]
fn examples_in_the_documents_run() {
    let mut files: Vec<_> =
        std::fs::read_dir(root().join("docs/language")).unwrap().flatten().map(|e| e.path()).collect();
    files.push(root().join("README.md"));
    files.sort();
    let mut count = 0;
    for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "md")) {
        let text = std::fs::read_to_string(file).unwrap();
        for section in sections(&text) {
            let code: Vec<&str> = section.split("```neuro\n").skip(1).filter_map(|p| p.split("```").next()).collect();
            if code.is_empty() {
                continue;
            }
            let code = code.join("\n");
            let heading = section.lines().next().unwrap_or("");
            let p = try_program(&code).unwrap_or_else(|r| {
                panic!("{} {heading}\n{}", file.display(), rendered(r.diagnostics.iter(), &r.sources))
            });
            for i in 0..p.module.experiments.len() + p.module.tests.len() {
                let out = run_with(&p, i, Settings::default(), &root().join("examples"));
                assert!(out.failure.is_none(), "{} {heading}: {:?}", file.display(), out.failure);
                let failed: Vec<_> = out
                    .expectations
                    .iter()
                    .filter(|e| !e.passed)
                    .map(|e| p.sources.text(e.span).to_string() + " found " + &e.found)
                    .collect();
                assert!(failed.is_empty(), "{} {heading}: {failed:?}", file.display());
            }
            count += 1;
        }
    }
    assert!(count >= 10, "only {count} examples were found");
}
