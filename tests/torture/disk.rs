//! A full disk: told as such (E0809), with old results as they were; with room again, the same command gives the right bits.

use crate::support::{Ended, Neuro, Numbers, Turns, files, folder, has_no_leftovers, results, same, while_};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const MODEL: &str = "
neuron Cell {
    event input exc: mV
    state v = 0 mV
    v' = -v / 10 ms + exc
    emit spike when v > 5 mV { v = 0 mV }
}
network Net { population a: Cell[200]  drive a.exc { poisson 900 Hz  weight 1 mV } }
experiment e(long: int = 1) {
    network net = Net()
    record net.a.spike
    record net.a.v every 0.1 ms as v
    for k in 1 .. long {
        run 20 ms
        measure v_mean = mean(net.a.v)
    }
    save net to \"end.state\"
    plot v_mean
}
";

/// Rounds of an experiment whose recordings outgrow memory.
const LONG: &str = "long=40";

type Results = BTreeMap<String, Vec<u8>>;

fn run(folder: &Path, to: &str, set: &str) -> Neuro {
    Neuro::new(folder, ["run", "m.neuro", "e", "--quiet", "--results", to, "--set", set])
}

/// Says whether a full disk was told as one.
fn is_told(ended: &Ended) -> Result<(), String> {
    ended.is_orderly()?;
    let (full, stopped) = (ended.err.contains("E0809"), ended.err.contains("E0812"));
    match ended.code() == 1 && full && !stopped {
        true => Ok(()),
        false => Err(format!("a full disk is not told as E0809: exits with {}\n{}", ended.code(), ended.err)),
    }
}

/// Says which old results are no longer there.
fn are_intact(old: &Results, now: &Results) -> Result<(), String> {
    let kept: Results = old.keys().filter_map(|k| Some((k.clone(), now.get(k)?.clone()))).collect();
    while_("old results", same(old, &kept))
}

/// No file may be longer than so many KiB.
fn limited(folder: &Path, whole: &Results, n: &mut Numbers) -> Result<(), String> {
    let (over, checkpoints) = (n.chance(0.5), n.chance(0.3));
    let largest = whole.values().map(Vec::len).max().unwrap_or(0) / 1024;
    // Nothing fits, some files fit, or all but the largest.
    let kib = 1 + match n.below(3) {
        0 => 0,
        1 => n.below(60),
        _ => n.below(largest - 8),
    };
    let place = folder.join("parts/e");
    let mut old = Results::new();
    if over {
        while_("an earlier run", run(folder, "parts", "long=1").run().is_well())?;
        old = files(&place);
    }
    let every: &[&str] = if checkpoints { &["--checkpoint-every", "5ms"] } else { &[] };
    // The signal of this limit is for programs that know nothing of errors; without it, a write fails as on a full disk.
    // In `bash` the unit is 1 KiB, in POSIX 512 bytes: one of both.
    let limit = format!("trap '' XFSZ && ulimit -f {kib}");
    let ended = run(folder, "parts", LONG).args(every).before(&limit).run();
    let what = format!("files of {kib} KiB at most{}", if checkpoints { ", with checkpoints" } else { "" });
    while_(&what, is_told(&ended))?;
    while_(&what, are_intact(&old, &files(&place)))?;
    let ended = run(folder, "parts", LONG).run();
    while_("with room again", ended.is_well())?;
    while_("with room again", same(whole, &results(&place)))?;
    while_("with room again", has_no_leftovers(&place))
}

/// A file system of so many KiB, in a name space of its own.
fn tiny(folder: &Path, whole: &Results, n: &mut Numbers) -> Result<(), String> {
    let over = n.chance(0.7);
    let size = |r: &Results| r.values().map(|b| b.len().div_ceil(4096) * 4).sum::<usize>();
    while_("an earlier run", run(folder, "small", "long=1").run().is_well())?;
    let old = size(&files(&folder.join("small/e")));
    // The old results fit, the new ones do not.
    let kib = 24 + if over { old } else { 0 } + n.below(size(whole) / 2);
    let first = match over {
        true => "&& \"$0\" run m.neuro e --quiet --results disk --set long=1 > /dev/null && cp -r disk/e before",
        false => "",
    };
    std::fs::create_dir_all(folder.join("disk")).expect("a folder");
    let mount = format!("mount -t tmpfs -o size={kib}k tmpfs disk {first}");
    let ended = run(folder, "disk", LONG).through(&["unshare", "-rm"]).before(&mount).after("cp -r disk/e after").run();
    let what = format!("a disk of {kib} KiB{}", if over { ", over old results" } else { "" });
    while_(&what, is_told(&ended))?;
    match over {
        true => while_(&what, are_intact(&files(&folder.join("before")), &files(&folder.join("after")))),
        false => Ok(()),
    }
}

/// What is said does not fit either.
fn unheard(folder: &Path) -> Result<(), String> {
    for (to, what) in [("exec > /dev/full", "results"), ("exec 2> /dev/full", "messages")] {
        let ended = run(folder, "unheard", "long=1").before(to).run();
        // What a run measures is data that a reader waits for; messages are not.
        let expected = if what == "results" { 2 } else { 0 };
        if ended.code() != expected {
            return Err(format!("a full disk for {what}: exits with {}", ended.code()));
        }
        let ended = Neuro::new(folder, ["check", "wrong.neuro"]).before(to).run();
        if ended.code() != 1 {
            return Err(format!("a full disk for {what}: check of a wrong file exits with {}", ended.code()));
        }
    }
    Ok(())
}

/// Returns whether file systems can be mounted without being root outside.
fn can_mount(folder: &Path) -> bool {
    std::fs::create_dir_all(folder.join("disk")).expect("a folder");
    let mut command = Command::new("unshare");
    command.args(["-rm", "mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(folder.join("disk"));
    command.output().is_ok_and(|o| o.status.success())
}

#[test]
fn disk() {
    let mut turns = Turns::of("disk", 6);
    let begin = folder("disk");
    std::fs::write(begin.join("m.neuro"), MODEL).expect("a file");
    let ended = run(&begin, "whole", LONG).run();
    if let Err(why) = ended.is_well() {
        panic!("{why}");
    }
    let whole = results(&begin.join("whole/e"));
    let mounts = can_mount(&begin);
    std::fs::write(begin.join("wrong.neuro"), "neuron Cell { state v = u }").expect("a file");
    turns.check(unheard(&begin));
    if !mounts {
        println!("disk: no file system can be mounted here; only files that are too long are tried");
    }
    while let Some(seed) = turns.next() {
        let mut n = Numbers::of(seed);
        let here = folder(&format!("disk-{seed}"));
        std::fs::write(here.join("m.neuro"), MODEL).expect("a file");
        let small = mounts && seed % 2 == 0;
        let done = if small { tiny(&here, &whole, &mut n) } else { limited(&here, &whole, &mut n) };
        turns.count(if small { "tiny disks" } else { "limits" }, 1);
        if turns.check(done.map_err(|why| format!("{}: {why}", here.display()))) {
            let _ = std::fs::remove_dir_all(here);
        }
    }
    turns.end();
}
