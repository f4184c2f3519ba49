//! Every diagnostic: its page's wrong example gives exactly that code, its right one compiles and runs, and the
//! rendering of source and message together is a snapshot.

use crate::support::{rendered, root, run_with, try_program};
use neuro::diag::{Code, Diagnostics};
use neuro::experiment::Settings;

/// Codes that only the command line or files on disk can bring about; `tests/suite/models.rs` and the CLI cover them.
const WITHOUT_EXAMPLE: [&str; 12] =
    ["E0609", "E0803", "E0804", "E0805", "E0806", "E0808", "E0809", "E0810", "E0812", "E0813", "E0814", "E0815"];

fn fences(page: &str) -> Vec<String> {
    page.split("```neuro\n").skip(1).map(|p| p.split("```").next().unwrap_or("").to_string()).collect()
}

/// Checks, and if that finds nothing, runs what the text declares first.
fn findings(text: &str) -> (Vec<Code>, String) {
    let (diagnostics, sources) = match try_program(text) {
        Err(r) => (r.diagnostics, r.sources),
        Ok(p) => {
            let mut all = p.diagnostics.clone();
            if !p.module.experiments.is_empty() || !p.module.tests.is_empty() {
                let out = run_with(&p, 0, Settings::default(), &root());
                all.append(out.warnings);
                if let Some(d) = out.failure {
                    all.push(*d);
                }
                for e in out.expectations.iter().filter(|e| !e.passed) {
                    let d = neuro::diag::Diagnostic::at(
                        Code::E0807,
                        e.span,
                        format!("expectation failed: found {}", e.found),
                        "does not hold",
                    );
                    all.push(d);
                }
            }
            (all, p.sources)
        }
    };
    let codes = diagnostics.iter().map(|d| d.code).collect();
    (codes, rendered(diagnostics.iter(), &sources))
}

#[test]
fn every_page_has_a_wrong_and_a_right_example() {
    let mut problems = Vec::new();
    for code in Code::ALL {
        let examples = fences(code.page());
        let name = code.to_string();
        if examples.len() != 2 {
            if !WITHOUT_EXAMPLE.contains(&name.as_str()) {
                problems.push(format!("{name}: {} examples", examples.len()));
            }
            continue;
        }
        let (wrong, _) = findings(&examples[0]);
        if wrong != [*code] {
            problems.push(format!("{name}: wrong example gives {wrong:?}"));
        }
        let (right, text) = findings(&examples[1]);
        if !right.is_empty() {
            problems.push(format!("{name}: right example gives {right:?}\n{text}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn renderings() {
    for code in Code::ALL {
        let examples = fences(code.page());
        let Some(wrong) = examples.first() else { continue };
        let (_, text) = findings(wrong);
        let name = code.to_string();
        // How much memory a machine has left is its own.
        let memory = (r"[0-9.]+ [kMGT]B are there", "[memory] are there");
        insta::with_settings!({
            omit_expression => true,
            prepend_module_to_snapshot => false,
            snapshot_path => "../ui",
            filters => vec![memory],
        }, {
            insta::assert_snapshot!(name, format!("----- SOURCE\n{wrong}\n----- MESSAGES\n{text}"));
        });
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported_at_once_and_each_once() {
    let text = "neuron A {\n    param tau = 20 ms\n    state v = 0 mV\n    v' = -u / tau\n    emit spike when v > 3 { w = 0 mV }\n}\nneuron B {\n    state g = 0\n    g' = -g / 3 mV\n}\nneuron C { state }\n";
    let (codes, text) = findings(text);
    let shown: Vec<String> = codes.iter().map(Code::to_string).collect();
    assert_eq!(shown, ["E0201", "E0303", "E0201", "E0301", "E0101"], "{text}");
}

#[test]
fn a_mis_declared_variable_is_complained_about_once() {
    let text = "neuron A {\n    param tau = 20 mx\n    state v = 0 mV\n    v' = -v / tau\n    emit spike when v > 3 mV * (tau / tau)\n}\n";
    assert_eq!(findings(text).0, [Code::E0305]);
}

#[test]
fn there_are_at_least_sixty_codes_with_snapshots() {
    let with = Code::ALL.iter().filter(|c| !fences(c.page()).is_empty()).count();
    assert!(with >= 60, "{with}");
}

#[test]
fn diagnostics_sort_and_do_not_repeat() {
    let mut d = Diagnostics::default();
    d.push(neuro::diag::Diagnostic::new(Code::E0812, "stopped"));
    d.push(neuro::diag::Diagnostic::new(Code::E0812, "stopped"));
    assert_eq!(d.counts(), (1, 0));
}

#[test]
fn the_text_above_a_broken_declaration_is_no_mistake_of_its_own() {
    let (codes, text) = findings("## What it is for.\nnetwork Net { population (a): A[1] }\n\n## Fine.\nconst c = 1\n");
    assert_eq!(codes, [Code::E0101], "{text}");
}
