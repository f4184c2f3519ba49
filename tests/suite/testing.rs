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
fn what_a_run_warns_of_is_shown() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("warned");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "neuron Cell { input I: 1 = 0   state v = 0   v' = I / 1 ms }
network Net { population a: Cell[1] }
test \"late\" { network net = Net()   at 15 ms net.a.I = 1   run 5 ms   expect net.a.v == 0 }
";
    std::fs::write(folder.join("model.neuro"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_neuro"));
    let out = command.current_dir(&folder).args(["test", "model.neuro"]).output().unwrap();
    let told = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success() && told.contains("warning[W0205]"), "{told}");
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

const KERNELS: &str = "neuron Decay {
    param tau = 10 ms
    event input exc: mV
    state v = 1 mV
    v' = -v / tau + exc
    emit spike when v > 5 mV { v = 0 mV }
}
synapse Rule {
    weight w: mV
    state trace = 0
    trace' = -trace / 20 ms
    on pre.spike { trace += 1   deliver w }
    on post.spike { w += trace * 0.1 mV }
}
network Net {
    population cells: Decay[2]
    projection link: cells -> cells.exc: Rule { connect all_to_all   weight 1 mV   delay 1 ms }
}
test \"what the compiler makes\" {
    network net = Net()
    run 1 ms
    snapshot solved of Decay
    snapshot plan of net
    snapshot ir of Decay
    snapshot ir of Rule
    snapshot clif of Rule
    snapshot asm of Rule
    expect net.cells.v < 1 mV
}
";

/// Kernels are kept beside the model, in the form of insta; what differs is shown, and taken only when that is asked for.
#[test]
fn snapshots_of_generated_code_are_kept_compared_and_accepted() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snapshots_of_code");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("rule.neuro");
    std::fs::write(&file, KERNELS).unwrap();
    let test = |more: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_neuro"))
            .current_dir(&folder)
            .args(["test", "rule.neuro"])
            .args(more)
            .output()
            .unwrap();
        let said = [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).to_string()).join("");
        (out.status.code(), said)
    };
    let kept = |ending: &str| {
        let files = std::fs::read_dir(folder.join("snapshots")).unwrap().map(|e| e.unwrap().file_name());
        files.filter(|f| f.to_string_lossy().ends_with(ending)).count()
    };
    // Nothing is kept yet.
    let (code, said) = test(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.matches("is new").count(), 6, "{said}");
    assert!(said.contains("+kernel Rule.pre.spike") && said.contains("neuro test --accept"), "{said}");
    assert_eq!((kept(".snap"), kept(".snap.new")), (0, 6));
    let (code, said) = test(&["--accept"]);
    assert_eq!((code, said.matches("taken").count()), (Some(0), 6), "{said}");
    assert_eq!((kept(".snap"), kept(".snap.new")), (6, 0));
    let (code, said) = test(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("(1 expectations, 6 snapshots,"), "{said}");
    let path = folder.join("snapshots/rule__what_the_compiler_makes__ir_of_Rule.snap");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("---\nsource: rule.neuro\nexpression: ir of Rule\n---\nkernel Rule."), "{text}");
    assert!(!text.contains("kernel Decay"), "{text}");

    // A rule that is another has other kernels, and the neuron has not.
    std::fs::write(&file, KERNELS.replace("trace * 0.1 mV", "trace * 0.2 mV")).unwrap();
    let (code, said) = test(&[]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("`ir of Rule` differs") && !said.contains("`ir of Decay` differs"), "{said}");
    assert!(said.lines().any(|l| l.starts_with('-') && l.contains("0.1")), "{said}");
    assert!(said.lines().any(|l| l.starts_with('+') && l.contains("0.2")), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    // A test that fails for another reason keeps nothing.
    std::fs::write(&file, KERNELS.replace("0.1 mV", "0.2 mV").replace("v < 1 mV", "v > 1 mV")).unwrap();
    let (code, said) = test(&["--accept"]);
    assert_eq!((code, said.matches("taken").count()), (Some(1), 0), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    // Code of another machine is not compared.
    std::fs::write(&file, KERNELS).unwrap();
    let asm = folder.join("snapshots/rule__what_the_compiler_makes__asm_of_Rule.snap");
    let elsewhere = std::fs::read_to_string(&asm).unwrap();
    let machine = elsewhere.lines().find(|l| l.starts_with("description: ")).unwrap();
    std::fs::write(&asm, elsewhere.replace(machine, "description: a pocket calculator")).unwrap();
    let (code, said) = test(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("another machine (a pocket calculator)"), "{said}");

    for (wrong, message) in [
        ("snapshot ir of Nothing", "E0818"),
        ("snapshot plan of Decay", "E0818"),
        ("snapshot solved of Rule", "E0818"),
        ("snapshot irr of Rule", "did you mean `ir`?"),
    ] {
        std::fs::write(&file, KERNELS.replace("snapshot ir of Decay", wrong)).unwrap();
        let (code, said) = test(&["--accept"]);
        assert!(code == Some(1) && said.contains(message), "{wrong}: {said}");
    }
}

#[test]
fn a_unit_that_was_forgotten_is_added_to_the_number_that_was_given() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("forgotten_unit");
    std::fs::create_dir_all(&folder).unwrap();
    let text = "neuron N { input I: pA = 0 pA   state v = 0 mV   v' = I / 1 pF }
network Net(k = 1 Hz) { population a: N[1] }
experiment e(current = 200 pA) { network net = Net()   net.a.I = current   run 1 ms   expect net.a.v > 0 mV }
";
    std::fs::write(folder.join("m.neuro"), text).unwrap();
    let said = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_neuro")).current_dir(&folder).args(args).output().unwrap();
        [out.stdout, out.stderr].map(|bytes| String::from_utf8_lossy(&bytes).to_string()).join("")
    };
    let wrong = said(&["run", "m.neuro", "--set", "current=300"]);
    assert!(wrong.contains("E0805") && wrong.contains("write `--set current=300pA`"), "{wrong}");
    let right = said(&["run", "m.neuro", "--set", "current=300pA", "--force"]);
    assert!(right.contains("1 neuron, 0 synapses; built"), "{right}");
    std::fs::write(folder.join("k.neuro"), text.replace("run 1 ms", "net.k = 2 Hz   run 1 ms")).unwrap();
    let refused = said(&["check", "k.neuro"]);
    assert!(refused.contains("E0207") && refused.contains("`Net(k = …)`"), "{refused}");
}
