//! Networks and worlds that go on as they are asked to from outside.

use crate::support::{program, run};
use neuro::compiler::{NoImports, Program, Silent};
use neuro::diag::{Code, Diagnostic};
use neuro::experiment::{Given, Moment, Progress, Runner, Session, Settings, Value};
use std::sync::atomic::{AtomicU32, Ordering};

const CELLS: &str = "
neuron Cell {
    param tau = 10 ms
    input I: mV = 0 mV
    state v = 0 mV
    v' = (I - v) / tau
    emit spike when v > 10 mV { v = 0 mV }
}
synapse Rule { weight w: mV   on learn { w += 1 mV }   deliver w }
network Net {
    population cell: Cell[3]
    projection link: cell -> cell.I: Rule { connect all_to_all   weight 1 mV }
}
network Two {
    population cell: Cell[3]
    init cell.I = 15 mV
}
world Counter(most: int = 3) {
    state n = 0
    on count(by: int) { n = n + by }
    done when n >= most
}
";

/// Asks a session of an experiment.
fn asked<T>(experiment: &str, progress: &dyn Progress, ask: impl FnOnce(&mut Session) -> T) -> T {
    let p: Program = program(&format!("{CELLS}\nexperiment e {{ {experiment} }}"));
    let runner = Runner { module: &p.module, files: &NoImports, settings: Settings::default(), progress };
    ask(&mut Session::begin(&runner, &p.module.experiments[0]).unwrap_or_else(|d| panic!("{}", d.message)))
}

fn numbers(s: &mut Session, text: &str) -> Vec<f64> {
    match s.value(text).unwrap_or_else(|d| panic!("{}", d.message)) {
        Value::Quantity(q) => q.data.to_vec(),
        other => panic!("{}", other.kind()),
    }
}

fn one(value: f64) -> Given {
    Given::Numbers(vec![value], Vec::new())
}

#[test]
fn pieces_are_those_of_a_run_in_one_go() {
    let whole = run(&format!(
        "{CELLS}\nexperiment e {{ network net = Two()   net.cell.I = [12 mV, 20 mV, 50 mV]   record net.cell.spike   run 100 ms   measure v = net.cell.v }}"
    ));
    let of_run = whole.recordings[0].events(None).unwrap();
    asked("network net = Two()   record net.cell.spike", &Silent, |s| {
        s.assign("net.cell.I", Given::Numbers(vec![12.0, 20.0, 50.0], vec![3])).unwrap();
        (0..1000).for_each(|_| s.advance(s.dt()).unwrap());
        assert!((s.time() - 100.0).abs() < 1e-9 && s.dt() == 0.1 && s.seed() == 1);
        let here = s.recordings()[0].events(None).unwrap();
        assert!(!here.times.is_empty());
        assert_eq!((&here.times, &here.cells), (&of_run.times, &of_run.cells));
        assert_eq!(numbers(s, "net.cell.v"), *whole.measures["v"][0].data);
        s.forget_recorded();
        assert!(s.recordings()[0].events(None).unwrap().times.is_empty());
        s.advance(50.0).unwrap();
        let later = s.recordings()[0].events(None).unwrap();
        assert!(!later.times.is_empty() && later.times.iter().all(|t| *t > 100.0));
    });
}

#[test]
fn what_is_saved_goes_on_with_the_same_bits() {
    asked("network net = Two()   net.cell.I = 15 mV", &Silent, |s| {
        s.advance(30.0).unwrap();
        let saved = s.save("net", "here").unwrap();
        s.advance(30.0).unwrap();
        let after = numbers(s, "net.cell.v");
        s.load("net", "here", saved).unwrap();
        assert_eq!(s.time(), 30.0);
        s.advance(30.0).unwrap();
        assert_eq!((s.time(), numbers(s, "net.cell.v")), (60.0, after));
        s.reset("net").unwrap();
        assert_eq!(numbers(s, "net.cell.v"), [0.0; 3]);
    });
}

#[test]
fn what_is_refused_changes_nothing_and_has_no_place_in_the_model() {
    asked("network net = Two()   world counter = Counter()", &Silent, |s| {
        let refused = |found: Result<(), Box<Diagnostic>>, code: Code| {
            let d = found.expect_err("accepted");
            assert_eq!(d.code, code, "{}", d.message);
            assert!(d.labels.is_empty(), "{:?}", d.labels);
        };
        refused(s.assign("net.cell.v", Given::Numbers(vec![1.0, 2.0], vec![2])), Code::E0403);
        refused(s.assign("net.cell.v", Given::Text("3 nS".into())), Code::E0805);
        refused(s.assign("net.cell.v", Given::Text("3 mV +".into())), Code::E0805);
        refused(s.assign("net.cell.nope", one(1.0)), Code::E0804);
        refused(s.assign("1 + 1", one(1.0)), Code::E0804);
        refused(s.assign("counter.most", one(1.0)), Code::E0804);
        refused(s.advance(-1.0), Code::E0404);
        refused(s.signal("learn"), Code::E0607);
        refused(s.act("counter", "fly", &[1.0]), Code::E0804);
        refused(s.act("counter", "count", &[]), Code::E0804);
        refused(s.act("nobody", "count", &[1.0]), Code::E0804);
        refused(s.save("counter", "here").map(|_| ()), Code::E0401);
        refused(s.load("net", "here", b"nonsense".to_vec()), Code::E0813);
        assert_eq!((s.time(), numbers(s, "net.cell.v")), (0.0, vec![0.0; 3]));
        s.advance(1.0).unwrap();
    });
}

#[test]
fn worlds_act_and_begin_again() {
    asked("world counter = Counter(most = 2)", &Silent, |s| {
        s.act("counter", "count", &[1.0]).unwrap();
        assert_eq!(numbers(s, "counter.n"), [1.0]);
        s.assign("counter.n", one(2.0)).unwrap();
        assert!(matches!(s.value("counter.done"), Ok(Value::Bool(true))));
        s.reset("counter").unwrap();
        assert_eq!(numbers(s, "counter.n"), [0.0]);
    });
}

#[test]
fn signals_change_weights() {
    asked("network net = Net()", &Silent, |s| {
        s.assign("net.link.w", Given::Numbers((0..9).map(f64::from).collect(), vec![9])).unwrap();
        s.signal("learn").unwrap();
        assert_eq!(numbers(s, "net.link.w"), (1..10).map(f64::from).collect::<Vec<_>>());
        s.learning(false, "net.link").unwrap();
        s.signal("learn").unwrap();
        assert_eq!(numbers(s, "net.link.w"), (1..10).map(f64::from).collect::<Vec<_>>());
    });
}

#[test]
fn a_session_may_go_from_thread_to_thread() {
    fn may_go(_: impl Send) {}
    asked("network net = Two()", &Silent, |s| {
        let v = std::thread::scope(|scope| {
            may_go(&mut *s);
            let other = || s.advance(1.0).map(|()| s.value("2 * (3 + net.cell[0].v / 1 mV)").map(|v| v.kind()));
            // On a stack that is small, too.
            std::thread::Builder::new().stack_size(1 << 18).spawn_scoped(scope, other).unwrap().join().unwrap()
        });
        assert_eq!(v.unwrap().unwrap(), "a number");
    });
}

/// Asks for a stop once.
struct Once(AtomicU32);

impl Progress for Once {
    fn update(&self, _: &Moment) {}

    fn interrupted(&self) -> Option<String> {
        (self.0.fetch_add(1, Ordering::Relaxed) == 1).then(|| "enough".into())
    }
}

#[test]
fn a_request_that_is_stopped_leaves_the_networks_between_two_steps() {
    asked("network net = Two()", &Once(AtomicU32::new(0)), |s| {
        let d = s.advance(1e6).expect_err("not stopped");
        assert_eq!(d.code, Code::E0812);
        let t = s.time();
        assert!(t < 1e6 && ((t / s.dt()).round() - t / s.dt()).abs() < 1e-6);
        s.advance(1.0).unwrap();
        assert!((s.time() - t - 1.0).abs() < 1e-9);
    });
}
