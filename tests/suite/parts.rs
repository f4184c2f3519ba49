//! Checkpoints of several processes, which here are threads: each keeps a part, and any number of them goes on from these.

use crate::checkpoint::{All, Files, Parts, belongs, bits, run_with};
use crate::ranks::{BATCHED, DENDRITES, EVENTLESS, REACHING, UNEVEN, together};
use crate::support::program;
use neuro::diag::Code;
use neuro::experiment::{Outcome, Settings};
use neuro::runtime::exchange::Ranks;

/// Runs a text in one of several processes, perhaps from a checkpoint on; returns the checkpoints that this process keeps.
fn run(text: &str, resume: Option<&[u8]>, parts: &Parts, ranks: Ranks) -> (Outcome, Vec<Vec<u8>>) {
    let keeper = All(Vec::new().into(), parts.clone());
    let settings = Settings { threads: 1, ranks, ..Settings::default() };
    let out = run_with(&program(text), &keeper, resume.map(<[u8]>::to_vec), settings);
    (out, keeper.kept())
}

/// The bits of a run, and the checkpoints that the first process keeps, with the parts of all.
fn kept(text: &str, processes: usize) -> (Vec<u64>, Vec<Vec<u8>>, Parts) {
    let parts = Parts::default();
    let each = together(processes, |ranks| {
        let (out, files) = run(text, None, &parts, ranks);
        (bits(&out), files)
    });
    assert!(each.iter().all(|(found, _)| *found == each[0].0));
    assert!(each[1..].iter().all(|(_, files)| files.is_empty()), "others keep parts only");
    let (found, files) = each.into_iter().next().unwrap();
    (found, files, parts)
}

#[test]
fn a_checkpoint_of_two_processes_goes_on_in_any_number() {
    for text in [REACHING, DENDRITES, UNEVEN, BATCHED, EVENTLESS] {
        let (whole, checkpoints, _) = kept(text, 1);
        assert!(checkpoints.len() > 3);
        for (before, after) in [(2, [3, 1, 2]), (3, [2, 5, 1])] {
            let (found, files, parts) = kept(text, before);
            assert!(found == whole && files.len() == checkpoints.len());
            assert_eq!(parts.lock().unwrap().len(), before * files.len());
            for (k, file) in files.iter().enumerate() {
                let (ranks, parts) = (after[k % 3], Parts::new(parts.lock().unwrap().clone().into()));
                for found in together(ranks, |ranks| bits(&run(text, Some(file), &parts, ranks).0)) {
                    assert!(found == whole, "from checkpoint {k} of {before} in {ranks} processes: {text}");
                }
            }
        }
        // What one process keeps is whole, and goes on in several.
        let (file, parts) = (&checkpoints[checkpoints.len() / 2], Parts::default());
        for found in together(3, |ranks| bits(&run(text, Some(file), &parts, ranks).0)) {
            assert!(found == whole);
        }
    }
}

/// Many plastic synapses, and delays of many steps.
const LEARNING: &str = "
neuron Cell { event input exc: mV  state v = 0 mV  v' = -v / 10 ms + exc  emit spike when v > 5 mV { v = 0 mV } }
synapse Learned { weight w: mV in 0 mV .. 5 mV  state x = 0  x' = -x / 20 ms  on pre.spike { deliver w  x += 1 }  on post.spike { w += 0.001 mV * x } }
network Net {
    population a: Cell[320]
    drive a.exc { poisson 900 Hz  weight 1 mV }
    projection p: a -> a.exc: Learned { connect all_to_all  weight 0.01 mV  delay 30 ms }
}
experiment e { network net = Net()  run 50 ms  measure w = net.p.w }";

#[test]
fn nobody_keeps_what_all_others_have() {
    let (_, whole, _) = kept(LEARNING, 1);
    let (_, files, parts) = kept(LEARNING, 4);
    let parts: Vec<usize> = parts.lock().unwrap().values().map(Vec::len).collect();
    let quarter = whole[0].len() / 4;
    assert!(files[0].len() < quarter / 2, "{} of {}", files[0].len(), whole[0].len());
    assert!(parts.iter().all(|n| (quarter * 4 / 5..quarter * 6 / 5).contains(n)), "{parts:?} of {}", whole[0].len());
}

/// What processes say that go on from a checkpoint; all say the same.
fn refused(file: &[u8], parts: &Parts, processes: usize) -> String {
    let said = together(processes, |ranks| {
        let d = run(REACHING, Some(file), parts, ranks).0.failure.expect("refused");
        assert_eq!(d.code, Code::E0813);
        d.message.clone()
    });
    assert!(said.iter().all(|message| *message == said[0]), "{said:?}");
    said[0].clone()
}

#[test]
fn parts_that_are_missing_damaged_or_of_another_checkpoint_are_refused() {
    let (_, files, parts) = kept(REACHING, 2);
    let (file, number) = (files.last().unwrap(), files.len());
    let with = |change: &dyn Fn(&mut Files)| {
        let mut changed = parts.lock().unwrap().clone();
        change(&mut changed);
        Parts::new(changed.into())
    };
    let name = |number: usize, rank: usize| format!(".checkpoint-{number}-{rank}.part");
    let second = &*name(number, 1);
    let cannot = "this checkpoint cannot be resumed: ";
    let missing = with(&|parts| drop(parts.remove(second).expect("such a part")));
    let said = format!("{cannot}part 2 of 2 is missing: {second}: there is no such file");
    assert_eq!(refused(file, &missing, 1), said);
    let at = |process: usize| said.replace("resumed: part", &format!("resumed: in process {process}: part"));
    assert_eq!(refused(file, &missing, 2), at(1));
    assert_eq!(refused(file, &missing, 3), at(1));
    let damaged = format!("{cannot}part 2 of 2 is damaged, or belongs to another checkpoint");
    let flipped = with(&|parts| *parts.get_mut(second).unwrap().last_mut().unwrap() ^= 1);
    assert_eq!(refused(file, &flipped, 1), damaged);
    let cut = with(&|parts| parts.get_mut(second).unwrap().truncate(300));
    assert_eq!(refused(file, &cut, 1), damaged);
    let mixed = with(&|parts| drop(parts.insert(second.into(), parts[&name(1, 1)].clone())));
    assert_eq!(refused(file, &mixed, 1), damaged);
    let swapped = with(&|parts| drop(parts.insert(second.into(), parts[&name(number, 0)].clone())));
    assert_eq!(refused(file, &swapped, 1), damaged);
    // The file that names the parts is held against its digest, and against what it belongs to, as any checkpoint.
    let mut flipped = file.clone();
    *flipped.last_mut().unwrap() ^= 1;
    assert_eq!(refused(&flipped, &parts, 2), "this checkpoint is damaged");
    assert_eq!(refused(&parts.lock().unwrap()[second].clone(), &Parts::default(), 1), "this is not a checkpoint");
}

#[test]
fn a_checkpoint_in_parts_of_another_program_is_refused() {
    let (_, files, parts) = kept(REACHING, 2);
    let other = neuro::experiment::RunIdentity { source_sha256: "other".into(), ..belongs() };
    let said = together(2, |ranks| {
        let p = program(REACHING);
        let keeper = All(Vec::new().into(), parts.clone());
        let settings = Settings { threads: 1, ranks, ..Settings::default() };
        let out = crate::checkpoint::run_as(&p, &keeper, Some(files[0].clone()), settings, other.clone());
        out.failure.expect("refused").message.clone()
    });
    let changed = "this checkpoint cannot be resumed: the model, or a file it imports, has changed since";
    assert_eq!(said, [changed, changed]);
}
