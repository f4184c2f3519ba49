//! What the command line says: tests in the order of the file, and not every one of very many messages.

use std::path::Path;
use std::process::Command;

const FILE: &str = "
neuron Cell { state v = 0   v' = 1 / 1 ms   emit spike when v > 1e9 }
network Net(n: int = 1) { population a: Cell[n] }
test \"long\" {
    network net = Net(n = 2000)
    print \"first\"
    run 2 s
    expect net.a.v > 1
}
test \"short\" { print \"second\"   expect 1 < 2 }
test \"wrong\" { print \"third\"   expect 1 > 2 }
experiment e { print \"last\"   expect 1 < 2 }
";

#[test]
fn tests_are_reported_in_the_order_of_the_file_whatever_ends_first() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("testing");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("model.neuro"), FILE).unwrap();
    for more in [&[][..], &["--threads", "2"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
        let out = command.current_dir(&folder).args(["test", "model.neuro"]).args(more).output().unwrap();
        assert_eq!(out.status.code(), Some(1));
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        let words = said.lines().map(|line| line.split(" (").next().unwrap_or(line));
        let expected = [
            "first",
            "ok     model.neuro: test long",
            "second",
            "ok     model.neuro: test short",
            "third",
            "FAILED model.neuro: test wrong",
            "last",
            "ok     model.neuro: experiment e",
            "3 passed, 1 failed",
        ];
        assert_eq!(words.collect::<Vec<_>>(), expected);
        assert!(String::from_utf8_lossy(&out.stderr).contains("E0807"));
    }
}

#[test]
fn slow_experiments_are_run_when_they_are_asked_for() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("slow");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "experiment long(n: int = 2) slow { print \"long\"   expect n > 1 }
experiment short { let slow = 1   expect slow == 1 }
";
    std::fs::write(folder.join("model.neuro"), text).unwrap();
    let said = |args: &[&str], slow: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
        let out = command.current_dir(&folder).args(args).env("NEURO_SLOW", slow).output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        said.lines().map(|line| line.split(" (").next().unwrap_or(line).to_string()).collect::<Vec<_>>()
    };
    for off in ["", "0"] {
        let expected = [
            "slow    model.neuro: experiment long: NEURO_SLOW=1 runs it, too",
            "ok     model.neuro: experiment short",
            "1 passed, 0 failed, 1 left out because they are slow",
        ];
        assert_eq!(said(&["test", "model.neuro"], off), expected);
    }
    let all =
        ["long", "ok     model.neuro: experiment long", "ok     model.neuro: experiment short", "2 passed, 0 failed"];
    assert_eq!(said(&["test", "model.neuro"], "1"), all);
    assert!(said(&["run", "model.neuro", "long"], "").contains(&"long".to_string()));
    // The formatter leaves the word alone.
    assert!(said(&["fmt", "--check", "model.neuro"], "").is_empty());
}

#[test]
fn people_get_the_first_of_very_many_messages_and_programs_all() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("many_messages");
    std::fs::create_dir_all(&folder).unwrap();
    let params: Vec<String> = (0..250).map(|i| format!("param p{i} = {i}")).collect();
    let text = format!("neuron A {{ {}\n state v = 0   v' = 1 / 1 ms }}", params.join("\n"));
    std::fs::write(folder.join("model.neuro"), text).unwrap();
    for (format, shown, more) in [("human", 100, true), ("short", 250, false), ("json", 250, false)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
        let out =
            command.current_dir(&folder).args(["check", "model.neuro", "--message-format", format]).output().unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(said.matches("W0201").count(), shown, "{format}");
        assert_eq!(said.contains("and 150 more: `--message-format short` prints all"), more, "{format}");
    }
}
