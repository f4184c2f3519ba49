//! Runs and sweeps that are killed or told to stop at any moment: the next one gives the bits of an undisturbed one, nothing is left
//! behind, and what the user has put beside the results stays.

use crate::support::{
    Ended, Neuro, Numbers, SIGHUP, SIGINT, SIGKILL, SIGTERM, Turns, files, folder, has_no_leftovers, processes,
    results, same, while_,
};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// Learning synapses, recordings of all kinds that outgrow memory, a saved network and a figure.
const MODEL: &str = "
neuron Cell {
    param tau = 10 ms
    event input exc: mV
    state v = 0 mV
    v' = -v / tau + exc
    emit spike when v > 5 mV { v = 0 mV   hold v for 1 ms }
}
synapse Rule {
    weight w: mV in 0 mV .. 1 mV
    state x = 0
    x' = -x / 20 ms
    on pre.spike { deliver w   x += 1 }
    on post.spike { w += 0.01 mV * (x - 0.5) }
}
network Net {
    population a: Cell[200]
    population b: Cell[100]
    drive a.exc { poisson 900 Hz  weight 1 mV }
    drive b.exc { poisson 700 Hz  weight 1 mV }
    projection link: a -> b.exc: Rule { connect fixed_probability(0.2)  weight ~ uniform(0 mV, 0.5 mV)  delay ~ uniform(1 ms, 4 ms) }
}
experiment e(long: int = 1, tau = 10 ms) {
    network net = Net()
    net.b.tau = tau
    record (net.a.spike, net.b.spike)
    record net.a.v every 0.1 ms as v
    record net.link.w every 50 ms as w
    for k in 1 .. long {
        run 50 ms
        net.a[0].v += 1 mV
        measure total = sum(net.link.w)
    }
    save net to \"end.state\"
    measure spikes = count(net.b.spike)
    plot total
    expect spikes > 0
}
";

type Results = BTreeMap<String, Vec<u8>>;

/// A file of the user's beside the results.
const OWN: (&str, &[u8]) = ("notes.txt", b"what the user has found");

fn run(folder: &Path, to: &str, long: usize) -> Neuro {
    let set = format!("long={long}");
    Neuro::new(folder, ["run", "m.neuro", "e", "--quiet", "--results", to, "--set", &set])
}

/// Finds a length that takes long enough to be hit, and what comes out.
fn undisturbed(folder: &Path) -> Result<(usize, Duration, Results), String> {
    let mut long = 4;
    loop {
        let to = format!("whole{long}");
        let ended = run(folder, &to, long).run();
        while_("undisturbed", ended.is_well())?;
        if ended.took > Duration::from_millis(300) || long > 5000 {
            return Ok((long, ended.took, results(&folder.join(to).join("e"))));
        }
        long *= 3;
    }
}

/// Says whether a run that got a signal has ended as it must.
fn ends_as_asked(ended: &Ended) -> Result<(), String> {
    ended.is_orderly()?;
    let allowed = match ended.sent {
        None => vec![0],
        // It may have come to its end before the signal came.
        Some(SIGKILL) => vec![0, 128 + SIGKILL],
        Some(s) => vec![0, 128 + s],
    };
    if !allowed.contains(&ended.code()) {
        return Err(format!("signal {:?} ends it with {}, not {allowed:?}\n{}", ended.sent, ended.code(), ended.err));
    }
    if ended.err.contains("E0809") {
        return Err(format!("a stop is told as a full disk\n{}", ended.err));
    }
    Ok(())
}

/// Says whether the results are those of an undisturbed run, with nothing but the user's own file beside them.
fn is_whole(whole: &Results, folder: &Path) -> Result<(), String> {
    let mut found = results(folder);
    if found.remove(OWN.0).as_deref() != Some(OWN.1) {
        return Err("the user's own file is gone".into());
    }
    has_no_leftovers(folder)?;
    same(whole, &found)?;
    match is_complete(folder) {
        true => Ok(()),
        false => Err("run.json does not say that the run is complete".into()),
    }
}

/// Returns whether a folder's record says that the run has come to its end.
fn is_complete(folder: &Path) -> bool {
    let record = std::fs::read(folder.join("run.json")).unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&record).is_ok_and(|r| r["complete"] == true)
}

/// Disturbs a run some times, then lets it end.
fn one(folder: &Path, whole: &(usize, Duration, Results), n: &mut Numbers, turns: &mut Turns) -> Result<(), String> {
    let (long, took, whole) = (whole.0, whole.1, &whole.2);
    let every: &[&str] = n.pick::<&[&str]>(&[
        &[][..],
        &["--checkpoint-every", "1ms"],
        &["--checkpoint-every", "50ms"],
        &["--checkpoint-every", "1h"],
    ]);
    let resume = n.chance(0.6);
    // Over results of an earlier run, sometimes, which stay until the new ones are complete.
    let over = n.chance(0.4);
    let place = folder.join("parts/e");
    let what = format!(
        "{} {}{}",
        every.join(" "),
        if resume { "--resume" } else { "" },
        if over { ", over old results" } else { "" }
    );
    let mut old = Results::new();
    if over {
        let ended = run(folder, "parts", 4).run();
        while_("an earlier run", ended.is_well())?;
        old = files(&place);
        std::fs::write(place.join(OWN.0), OWN.1).expect("a file");
    }
    for _ in 0..1 + n.below(3) {
        let signal = *n.pick(&[SIGKILL, SIGKILL, SIGTERM, SIGHUP, SIGINT]);
        let options: &[&str] = if resume { &["--resume"] } else { &[] };
        let mut going = run(folder, "parts", long).args(every).args(options).start();
        going.wait(took.mul_f64(n.part() * 1.1));
        going.signal(signal);
        let ended = going.end();
        turns.count("signals", u64::from(ended.sent.is_some()));
        let what = format!("signal {signal} to a run ({what})");
        while_(&what, ends_as_asked(&ended))?;
        // What was complete before is still there, unless the new run was complete as well, or was killed while it took its place.
        if ended.code() == 0 {
            old.clear();
        } else if !old.is_empty() {
            let now = files(&place);
            let taken = || {
                same(
                    whole,
                    &now.iter().filter(|(k, _)| whole.contains_key(*k)).map(|(k, v)| (k.clone(), v.clone())).collect(),
                )
            };
            // Killed while it took its place, or between its end and its exit.
            if ended.sent == Some(SIGKILL) && (!is_complete(&place) || taken().is_ok()) {
                old.clear();
            } else {
                let kept: Results = old.keys().filter_map(|k| Some((k.clone(), now.get(k)?.clone()))).collect();
                while_(&format!("{what}: old results"), same(&old, &kept))?;
            }
        }
        if place.join("run.json").exists() && !place.join(OWN.0).exists() {
            std::fs::write(place.join(OWN.0), OWN.1).expect("a file");
        }
    }
    let own = place.join(OWN.0).exists();
    let options: &[&str] = if resume { &["--resume"] } else { &[] };
    let ended = run(folder, "parts", long).args(every).args(options).run();
    while_(&format!("at last ({what})"), ended.is_well())?;
    if !own {
        std::fs::write(place.join(OWN.0), OWN.1).expect("a file");
    }
    while_(&format!("at last ({what})"), is_whole(whole, &place))?;
    // Of a finished run `--resume` says so; anew it gives the same.
    let ended = run(folder, "parts", long).args(["--resume"]).run();
    while_("--resume of a finished run", ended.is_well())?;
    while_("--resume of a finished run", is_whole(whole, &place))?;
    if n.chance(0.3) {
        let ended = run(folder, "parts", long).run();
        while_("a second run", ended.is_well())?;
        while_("a second run", is_whole(whole, &place))?;
    }
    Ok(())
}

const VALUES: [&str; 3] = ["8ms", "10ms", "12ms"];

fn sweep(folder: &Path, to: &Path, long: usize) -> Neuro {
    let set = format!("long={long}");
    let over = format!("tau={}", VALUES.join(","));
    let args = ["sweep", "m.neuro", "e", "--over", &over, "--set", &set, "--jobs", "2", "--results"];
    Neuro::new(folder, args).args([to])
}

/// The results of a sweep; what the runs say tells times, and so do their records.
fn swept(folder: &Path) -> Results {
    let mut out = results(folder);
    out.retain(|name, _| !name.ends_with("messages.txt"));
    out
}

/// Waits until no process names a text; those that are left are killed and told.
fn no_orphans(with: &str) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let left = processes(with);
        if left.is_empty() {
            return Ok(());
        }
        // A second is enough; a busy machine needs more.
        if begun.elapsed() > Duration::from_secs(60) {
            left.iter().for_each(|id| drop(std::process::Command::new("kill").args(["-9", &id.to_string()]).status()));
            return Err(format!("{} processes are left over", left.len()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn one_sweep(
    folder: &Path,
    whole: &(Duration, Results),
    long: usize,
    n: &mut Numbers,
    turns: &mut Turns,
) -> Result<(), String> {
    let to = folder.join("swept");
    let every: &[&str] = n.pick::<&[&str]>(&[&[][..], &["--checkpoint-every", "20ms", "--resume"]]);
    let signal = *n.pick(&[SIGKILL, SIGTERM, SIGHUP, SIGINT]);
    let mut going = sweep(folder, &to, long).args(every).start();
    going.wait(whole.0.mul_f64(n.part() * 1.1));
    going.signal(signal);
    let ended = going.end();
    turns.count("signals", u64::from(ended.sent.is_some()));
    let what = format!("signal {signal} to a sweep {}", every.join(" "));
    while_(&what, ends_as_asked(&ended))?;
    let ended = sweep(folder, &to, long).args(every).run();
    while_(&format!("after {what}"), ended.is_well())?;
    while_(&format!("after {what}"), has_no_leftovers(&to))?;
    while_(&format!("after {what}"), same(&whole.1, &swept(&to)))?;
    std::fs::remove_dir_all(&to).map_err(|e| e.to_string())
}

/// Stops a sweep whose runs would go on for long: they stop as well.
fn orphans(folder: &Path, took: Duration, long: usize, n: &mut Numbers, turns: &mut Turns) -> Result<(), String> {
    let to = folder.join("endless");
    let every: &[&str] = n.pick::<&[&str]>(&[&[][..], &["--checkpoint-every", "20ms"]]);
    let signal = *n.pick(&[SIGKILL, SIGTERM, SIGHUP, SIGINT]);
    let mut going = sweep(folder, &to, 1000 * long).args(every).start();
    going.wait(took.mul_f64(n.part()));
    going.signal(signal);
    let ended = going.end();
    turns.count("signals", 1);
    let what = format!("signal {signal} to a long sweep {}", every.join(" "));
    // Its runs name its folder.
    while_(&what, no_orphans(&to.to_string_lossy()))?;
    while_(&what, ends_as_asked(&ended))?;
    match ended.code() == 128 + signal {
        true => Ok(()),
        false => Err(format!("{what}: exits with {}", ended.code())),
    }
}

#[test]
fn kills() {
    let mut turns = Turns::of("kills", 8);
    let begin = folder("kills");
    std::fs::write(begin.join("m.neuro"), MODEL).expect("a file");
    let (whole, many) = match undisturbed(&begin).and_then(|whole| {
        let to = begin.join("sweep");
        let ended = sweep(&begin, &to, whole.0).run();
        while_("an undisturbed sweep", ended.is_well())?;
        let many = (ended.took, swept(&to));
        Ok((whole, many))
    }) {
        Ok(both) => both,
        Err(why) => panic!("{why}"),
    };
    while let Some(seed) = turns.next() {
        let mut n = Numbers::of(seed);
        let here = folder(&format!("kills-{seed}"));
        std::fs::write(here.join("m.neuro"), MODEL).expect("a file");
        let done = match seed % 4 {
            0 => orphans(&here, many.0, whole.0, &mut n, &mut turns),
            1 => one_sweep(&here, &many, whole.0, &mut n, &mut turns),
            _ => one(&here, &whole, &mut n, &mut turns),
        };
        if turns.check(done.map_err(|why| format!("{}: {why}", here.display()))) {
            let _ = std::fs::remove_dir_all(here);
        }
    }
    turns.end();
}
