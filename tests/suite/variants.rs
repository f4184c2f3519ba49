//! Models and networks that say only what differs from another one.

use crate::support::{measured, rendered, run, try_program};
use neuro::compiler::compile;
use neuro::hir::Imports;
use neuro::source::SourceFile;

#[test]
fn a_variant_has_other_defaults_and_is_a_model_of_its_own() {
    let out = run("
use std.neurons.lif
use std.sources.spikes
neuron Faster = Fast(v = 3)
neuron Fast = Cell(tau = 5 ms)
neuron Short = LifExp(tau_m = 5 ms)
neuron Cell { param v = 1, tau = 10 ms   state x = v   x' = -x / tau   emit spike when x > 100 }
synapse Strong = Weak(k = 4)
synapse Weak { param k = 1  weight w: 1  on pre.spike { deliver k * w } }
network Small = Base(n = 2)
network Other = Base(3, w = 2)
network Base(n: int = 5, w = 1) {
    param more = 1
    population a: Cell[n + more]
    population b: Fast[n]
    population c: Faster(tau = 1 ms)[1]
    population d: Short[1]
    population target: Forced[1]
    projection s: target -> target.exc: Strong { connect all_to_all  weight w  delay 1 ms }
    drive target.force { spikes [1 ms]  weight 1 }
}
network Least = Small(more = 0, w = 3)
experiment e {
    network base = Base()
    network small = Small()
    network other = Other(w = 5)
    network least = Least()
    measure sizes = [base.a.n, small.a.n, other.a.n, least.a.n, small.b.n]
    measure tau = [base.a[0].tau, base.b[0].tau, base.c.tau, base.d.tau_m]
    measure x = [base.b[0].x, base.c.x]
    measure w = [weights(base.s), weights(small.s), weights(other.s), weights(least.s)]
    run 5 ms
    measure v = [base.target.v, least.target.v]
}");
    assert_eq!(measured(&out, "sizes"), [6.0, 3.0, 4.0, 2.0, 2.0]);
    assert_eq!(measured(&out, "tau"), [10.0, 5.0, 1.0, 5.0]);
    assert_eq!(measured(&out, "x"), [1.0, 3.0]);
    assert_eq!(measured(&out, "w"), [1.0, 1.0, 5.0, 3.0]);
    assert_eq!(measured(&out, "v"), [4.0, 12.0]);
}

#[test]
fn variants_of_nothing_are_refused() {
    let said = |text: &str| match try_program(text) {
        Ok(_) => panic!("nothing was refused"),
        Err(r) => rendered(r.diagnostics.iter(), &r.sources),
    };
    let base = "neuron Cell { param tau = 10 ms   state x = 1   x' = -x / tau }\n";
    for (text, words) in [
        ("neuron Fast = Sell(tau = 5 ms)", &["unknown neuron `Sell`", "did you mean `Cell`?"][..]),
        ("neuron A = B()\nneuron B = A()", &["`A` is a variant of itself", "`B` is a variant of itself"]),
        ("neuron Fast = Cell(taw = 5 ms)", &["taw", "did you mean `tau`?"]),
        ("neuron Fast = Cell(5 ms, 3)", &["Cell"]),
        ("neuron Fast = Cell(tau = 5 mV)", &["mV"]),
        ("network Fast = Cell(tau = 5 ms)", &["unknown network `Cell`"]),
        ("synapse Fast = Cell(tau = 5 ms)", &["unknown synapse `Cell`"]),
        ("neuron Cell = Cell(tau = 5 ms)", &["`Cell`", "twice"]),
    ] {
        let said = said(&format!("{base}{text}\n"));
        words.iter().for_each(|word| assert!(said.contains(word), "{text}: `{word}` is not said:\n{said}"));
    }
}

/// Models are found by their names, so two that are read together may not have the same.
#[test]
fn no_two_models_of_the_library_have_one_name() {
    let library = neuro::stdlib::LIBRARY.iter().flat_map(|(file, text)| {
        let words = |line: &'static str| (line.split_whitespace().next(), line.split_whitespace().nth(1));
        let named = text
            .lines()
            .filter(|l| !l.starts_with(' '))
            .map(words)
            .filter(|(kind, _)| matches!(kind, Some("neuron" | "synapse" | "world")));
        named.map(move |(_, name)| (name.unwrap_or_default().trim_end_matches(['(', '{']), *file))
    });
    let mut seen = std::collections::BTreeMap::new();
    for (name, file) in library {
        assert_eq!(seen.insert(name, file), None, "{name} in {file} and elsewhere");
    }
}

/// Files by name, for a text that imports them.
struct Files(&'static [(&'static str, &'static str)]);

impl Imports for Files {
    fn file(&mut self, _: &str, path: &str) -> Result<SourceFile, String> {
        let (name, text) = self.0.iter().find(|(name, _)| *name == path).ok_or("there is none")?;
        Ok(SourceFile::new(*name, *text))
    }
}

const FILES: &[(&str, &str)] = &[
    ("a.neuro", "neuron N { event input e: 1   state x = 1   x' = e }\nfn one(x) = x"),
    ("b.neuro", "neuron N { event input e: 1   state x = 2   x' = e }"),
    (
        "c.neuro",
        "use \"b.neuro\": N\nsynapse S { weight w: 1   on pre.spike { deliver w } }\nnetwork Used { population p: N[1] }",
    ),
];

const NET: &str = "network Net { population p: N[1] }
experiment e { dt 0.1 ms   network net = Net()   measure x = net.p.x   expect net.p.x == 1 }";

#[test]
fn an_import_that_another_file_hides_is_refused() {
    for (imports, refused) in [
        ("use \"a.neuro\": N", false),
        // Of `c.neuro` a synapse is wanted, but its cell would be found instead of the one that is asked for.
        ("use \"a.neuro\": N\nuse \"c.neuro\": S", true),
        ("use \"c.neuro\": S\nuse \"a.neuro\": N", false),
        // Without names a file is imported for what the text mentions.
        ("use \"a.neuro\"\nuse \"c.neuro\"", true),
        ("use \"c.neuro\"\nuse \"b.neuro\": N", false),
        // What is declared here is meant here, and nothing else of `a.neuro` is hidden.
        ("use \"a.neuro\": one\nuse \"b.neuro\"\nneuron N { event input e: 1   state x = one(1)   x' = e }", false),
    ] {
        let text = format!("{imports}\n{NET}");
        match compile(SourceFile::new("main.neuro", text), &mut Files(FILES)) {
            Ok(_) => assert!(!refused, "nothing was refused: {imports}"),
            Err(r) => {
                let said = rendered(r.diagnostics.iter(), &r.sources);
                assert!(refused, "{imports}: {said}");
                assert!(said.contains("another `N` hides the one that is imported here"), "{imports}: {said}");
            }
        }
    }
}

#[test]
fn a_network_of_models_that_others_hide_is_refused_where_it_is_built() {
    let own = "use \"c.neuro\": Used\nneuron N { event input e: 1   state x = 5   x' = e }\n";
    let experiment = |network: &str| {
        let text = format!(
            "{own}network Own {{ population p: N[1] }}\nexperiment e {{ dt 0.1 ms   network n = {network}()   measure x = n.p.x }}"
        );
        compile(SourceFile::new("main.neuro", text), &mut Files(FILES))
    };
    let Err(r) = experiment("Used") else { panic!("nothing was refused") };
    let said = rendered(r.diagnostics.iter(), &r.sources);
    assert!(said.contains("`N` is declared twice") && said.contains("is made of the one in `b.neuro`"), "{said}");
    assert!(experiment("Own").is_ok());
    // A helper of one name in a file that is imported for something else does no harm.
    let own = "use std.neurons.rate: LinearUnit\nneuron AffineLearner { input drive: 1   let r = drive }\n";
    assert!(try_program(own).is_ok());
    // The prelude may be replaced.
    let own = "neuron Relay { state n = 0   emit spike when n > 1 }\nnetwork Net { population a: Relay[1] }\n";
    assert!(try_program(own).is_ok());
}
