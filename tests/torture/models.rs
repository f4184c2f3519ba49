//! Random valid models: the same bits on every back end, at any number of threads, and across a stop and a resume.

use crate::generate::model;
use crate::support::{Ended, Neuro, Numbers, SIGINT, SIGKILL, Turns, folder, has_no_leftovers, results, same, while_};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

type Results = BTreeMap<String, Vec<u8>>;

/// What a run says and leaves, times left out.
fn run(folder: &Path, to: &str, more: &[&str]) -> (Ended, Results) {
    let args = ["run", "model.neuro", "e", "--quiet", "--message-format", "json", "--results", to];
    let mut ended = Neuro::new(folder, args).args(more).run();
    // It says where its results are.
    ended.out = ended.out.replace(to, "there");
    (ended, results(&folder.join(to)))
}

/// Compares all back ends and numbers of threads, at both precisions.
fn compare(folder: &Path, turns: &mut Turns) -> Result<bool, String> {
    let mut well = true;
    for precision in ["f32", "f64"] {
        let mut first: Option<(Ended, Results)> = None;
        for backend in ["cranelift", "wide", "interpreter"] {
            for threads in ["1", "2"] {
                let what = format!("{precision} {backend} {threads}");
                let more = ["--precision", precision, "--backend", backend, "--threads", threads];
                let (ended, found) = run(folder, &what.replace(' ', "-"), &more);
                if backend == "wide" && ended.err.contains("no vectors wider") {
                    turns.count("back ends not here", 1);
                    continue;
                }
                while_(&what, ended.is_orderly())?;
                turns.count("runs", 1);
                well &= ended.succeeded();
                // It may explode, stay silent where intervals are asked for, or draw no synapse to be averaged.
                let ends = ["\"E0801\"", "this has no value", "there is nothing to be reduced"];
                let excused = ends.iter().any(|why| ended.err.contains(why));
                if ended.code() == 2 || ended.err.contains("\"E0") && !excused {
                    return Err(format!("{what}: a valid model is refused\n{}", ended.err));
                }
                match &first {
                    None => first = Some((ended, found)),
                    Some((e, f)) => {
                        let said = (e.code(), &e.out, &e.err) == (ended.code(), &ended.out, &ended.err);
                        let agree =
                            if said { same(f, &found) } else { Err(format!("says {} for {}", ended.err, e.err)) };
                        while_(&format!("{what} is not as cranelift with one thread"), agree)?;
                    }
                }
            }
        }
    }
    Ok(well)
}

/// Stops a run at random moments, and lets it go on.
fn interrupt(folder: &Path, n: &mut Numbers, turns: &mut Turns) -> Result<(), String> {
    // Long enough to be stopped.
    let mut long = 1;
    let (took, whole) = loop {
        let set = format!("long={long}");
        let (ended, found) = run(folder, &format!("whole{long}"), &["--set", &set]);
        if ended.is_orderly().is_ok() && ended.err.contains("\"E0801\"") {
            // Nothing that goes on for long enough stays finite.
            turns.count("models that explode later", 1);
            return Ok(());
        }
        ended.is_well()?;
        if ended.took > Duration::from_millis(400) || long > 5000 {
            break (ended.took, found);
        }
        long *= 4;
    };
    let set = format!("long={long}");
    let every = *n.pick(&["1ms", "20ms", "1h"]);
    for _ in 0..3 {
        let signal = *n.pick(&[SIGINT, SIGINT, SIGKILL]);
        let threads = *n.pick(&["1", "2"]);
        let backend = *n.pick(&["auto", "cranelift"]);
        let more = ["--set", &set, "--checkpoint-every", every, "--resume", "--threads", threads, "--backend", backend];
        let args = ["run", "model.neuro", "e", "--quiet", "--results", "parts"];
        let mut going = Neuro::new(folder, args).args(more).start();
        going.wait(took.mul_f64(n.part()));
        going.signal(signal);
        let ended = going.end();
        let what = format!("signal {signal} to a run with --checkpoint-every {every}");
        while_(&what, ended.is_orderly())?;
        if ended.sent == Some(SIGINT) && ![0, 130].contains(&ended.code()) {
            return Err(format!("{what}: exits with {}, not 130\n{}", ended.code(), ended.err));
        }
        turns.count("stops", u64::from(ended.sent.is_some()));
    }
    let (ended, found) = run(folder, "parts", &["--set", &set, "--checkpoint-every", "1h", "--resume"]);
    while_("resumed", ended.is_well())?;
    while_("resumed", same(&whole, &found))?;
    while_("resumed", has_no_leftovers(&folder.join("parts")))
}

#[test]
fn models() {
    let mut turns = Turns::of("models", 10);
    while let Some(seed) = turns.next() {
        let mut n = Numbers::of(seed);
        let here = folder(&format!("models-{seed}"));
        std::fs::write(here.join("model.neuro"), model(&mut n)).expect("a file");
        let compared = compare(&here, &mut turns);
        let goes_on = matches!(compared, Ok(true)) && seed % 4 == 0;
        turns.count("models that end well", u64::from(matches!(compared, Ok(true))));
        let told = |why: String| format!("{}: {why}", here.join("model.neuro").display());
        let mut fine = turns.check(compared.map(|_| ()).map_err(told));
        if goes_on {
            let done = interrupt(&here, &mut n, &mut turns);
            fine &= turns.check(done.map_err(told));
        }
        if fine {
            let _ = std::fs::remove_dir_all(here);
        }
    }
    turns.end();
}
