//! What `neuro fmt` makes of texts.

use crate::support::{laid_out, root};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn spaces_lines_and_columns_follow_from_the_syntax() {
    insta::with_settings!({ snapshot_path => "layout", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("untidy", laid_out(include_str!("layout/untidy.neuro")));
    });
}

fn texts() -> Vec<(PathBuf, String)> {
    let mut folders = vec![root().join("stdlib"), root().join("examples")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            match entry.extension() {
                _ if entry.is_dir() => folders.push(entry),
                Some(e) if e == "neuro" => files.push(entry),
                _ => {}
            }
        }
    }
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

/// Where lines end is the author's choice; how far they are indented, and how much space is within them, is not.
#[test]
fn layout_does_not_depend_on_spaces() {
    for (path, text) in texts() {
        assert_eq!(laid_out(&text), text, "{}", path.display());
        let shifted = |wide: &str| {
            let line = |line: &str| match line.split_once(['#', '"']) {
                // Spaces within texts and comments are theirs.
                Some(_) => format!("{wide}{}  ", line.trim_start()),
                None => {
                    format!("{wide}{}", line.trim_start().replace("   ", " ").replace("{ ", "{").replace(" }", "}"))
                }
            };
            text.lines().map(line).collect::<Vec<_>>().join("\r\n")
        };
        for wide in ["", "\t   "] {
            assert_eq!(laid_out(&shifted(wide)), text, "{}", path.display());
        }
    }
}

/// The part of a unit after its slash is none any more on a line of its own.
#[test]
fn a_line_is_not_broken_within_a_unit() {
    let text = format!("neuron Cell {{ compartment soma {{ param C_m = 1 uF/cm^2{} }} }}\n", "x".repeat(300));
    let once = laid_out(&text);
    assert!(once.contains("uF/cm^2"), "{once}");
    assert_eq!(laid_out(&once), once);
}

fn fmt(args: &[&str], text: &str, folder: &Path) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    command
        .current_dir(folder)
        .arg("fmt")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_string();
    (out.status.code(), said(&out.stdout), said(&out.stderr))
}

#[test]
fn standard_input_is_laid_out_and_mistakes_leave_files_alone() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layout");
    std::fs::create_dir_all(&folder).unwrap();
    let (tidy, untidy) = ("fn f(x) = x + 1\n", "fn  f( x )=x+1");
    assert_eq!(fmt(&["-"], untidy, &folder), (Some(0), tidy.into(), String::new()));
    assert_eq!(fmt(&["--check", "-"], untidy, &folder), (Some(1), String::new(), String::new()));
    assert_eq!(fmt(&["--check", "-"], tidy, &folder), (Some(0), String::new(), String::new()));
    // A stray `;` is a mistake, not something to be laid out; other files are, all the same.
    let wrong = "neuron A { state x = 1;   x' = -x / 1 s }\n";
    std::fs::write(folder.join("wrong.neuro"), wrong).unwrap();
    std::fs::write(folder.join("right.neuro"), untidy).unwrap();
    let (code, _, said) = fmt(&["wrong.neuro", "right.neuro"], "", &folder);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("error[E0101]") && said.contains("wrong.neuro:1:23") && said.contains("formatted right.neuro"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(folder.join("wrong.neuro")).unwrap(), wrong);
    assert_eq!(std::fs::read_to_string(folder.join("right.neuro")).unwrap(), tidy);
}
