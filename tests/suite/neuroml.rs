//! Files of NeuroML and LEMS, as they are carried over.
//!
//! The texts that are expected lie in `tests/convert/neuroml`; `NEURO_UPDATE=1` writes them anew. Spike times in `tests/oracle/neuroml` are
//! those of jNeuroML.

use crate::support::{rendered, root, run_with, try_program};
use neuro::convert::{Converted, Flaw, neuroml};
use neuro::experiment::Settings;
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

fn folder() -> PathBuf {
    root().join("tests")
}

fn read(path: &Path) -> io::Result<String> {
    std::fs::read_to_string(path)
}

fn nothing(_: &Path) -> io::Result<String> {
    Err(io::Error::new(io::ErrorKind::NotFound, "no such file"))
}

fn convert(text: &str) -> Result<Converted, Vec<Flaw>> {
    neuroml(text, Path::new("model.xml"), &nothing)
}

fn file(name: &str) -> Converted {
    let path = folder().join("convert/neuroml").join(name);
    let text = read(&path).expect("a test file");
    neuroml(&text, &path, &read).unwrap_or_else(|flaws| panic!("{name}: {flaws:?}"))
}

/// Compiles a text, and runs what it declares if it is to; what was wrong.
fn neuro(command: &str, text: &str) -> Result<(), String> {
    let p = try_program(text).map_err(|r| rendered(r.diagnostics.iter(), &r.sources))?;
    if command == "check" {
        return Ok(());
    }
    let out = run_with(&p, 0, Settings::default(), &folder().join("oracle/neuroml"));
    match out.failure {
        Some(d) => Err(rendered(std::iter::once(&*d), &p.sources)),
        None if out.expectations.is_empty() => Err("nothing is expected".into()),
        None => out.expectations.iter().find(|e| !e.passed).map_or(Ok(()), |e| Err(e.found.to_string())),
    }
}

fn expect_file(name: &str) {
    let converted = file(name);
    let path = folder().join("convert/neuroml").join(name).with_extension("neuro");
    if std::env::var_os("NEURO_UPDATE").is_some() {
        std::fs::write(&path, &converted.text).expect("a place to write");
    }
    assert_eq!(converted.text, read(&path).expect("an expected text"), "{name}");
    assert_eq!(neuro("check", &converted.text), Ok(()), "{name}");
}

/// Runs the experiment in the small steps of the oracle, with more statements at its end.
fn expect_run(name: &str, statements: &str) {
    let text = file(name).text.replace("0.01 ms", "0.0005 ms").replace("0.005 ms", "0.0005 ms");
    let text = text.trim_end().strip_suffix('}').expect("an experiment").to_string() + statements + "}\n";
    assert_eq!(neuro("test", &text), Ok(()), "{name}");
}

#[test]
fn texts_are_as_expected_and_pass_the_checks() {
    for name in
        ["izhikevich.xml", "channels.xml", "network.xml", "own_types.xml", "branches.xml", "varying.xml", "pools.xml"]
    {
        expect_file(name);
    }
}

#[test]
fn spikes_are_those_of_jneuroml() {
    let one = "    let oracle = csv(\"izhikevich.csv\")
    let regular = filter(oracle, oracle.cell == 1)
    let bursts = filter(oracle, oracle.cell == 2)
    expect times(net.regular.spike) == regular.time * 1 ms within 0.03 ms
    expect times(net.bursts.spike) == bursts.time * 1 ms within 0.03 ms\n";
    expect_run("izhikevich.xml", one);
    let other = |name: &str| {
        format!(
            "    let oracle = csv(\"{name}.csv\")\n    expect times(net.cells.spike) == oracle.time * 1 ms within 0.03 ms\n"
        )
    };
    expect_run("channels.xml", &other("channels"));
    expect_run("own_types.xml", &other("own_types"));
}

#[test]
fn branches_have_the_potentials_of_neuron() {
    let mut statements = "    let oracle = csv(\"branches.csv\")
    expect times(net.cells.spike) == oracle.time * 1 ms within 0.03 ms
    let before = csv(\"branches_potentials.csv\")\n"
        .to_string();
    let recorded = [
        ("cells_0_body_v", "body"),
        ("cells_0_trunk_0_v", "trunk"),
        ("cells_0_left_2_v", "left"),
        ("cells_0_root_v", "root"),
        ("cells_1_body_v", "other_body"),
        ("cells_1_right_v", "other_right"),
    ];
    for (name, column) in recorded {
        statements +=
            &format!("    expect values({name})[round(before.time * 2000)] == before.{column} * 1 mV within 0.1 mV\n");
    }
    expect_run("branches.xml", &statements);
}

const HEAD: &str = "<Lems><Include file='Cells.xml'/>";
const CELL: &str =
    "<iafCell id='c' leakReversal='-70mV' thresh='-50mV' reset='-65mV' C='0.2nF' leakConductance='0.01uS'/>";

fn flaws(body: &str) -> Vec<Flaw> {
    let text = format!("{HEAD}{body}</Lems>");
    let found = convert(&text).expect_err(&text);
    for flaw in &found {
        assert!(flaw.at.start <= flaw.at.end && flaw.at.end <= text.len(), "{flaw:?}");
        assert!(!flaw.message.is_empty() && !flaw.message.contains('\n'), "{flaw:?}");
    }
    found
}

fn refused(body: &str, message: &str, place: &str) {
    let found = flaws(body);
    let text = format!("{HEAD}{body}</Lems>");
    let one = found.iter().find(|f| f.message.contains(message)).unwrap_or_else(|| panic!("{message}: {found:?}"));
    assert!(text[one.at.clone()].contains(place), "{:?} is at `{}`", one, &text[one.at.clone()]);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let net =
        |inner: &str| format!("{CELL}<network id='n'><population id='p' component='c' size='2'/>{inner}</network>");
    refused("<iafCell id='c' leakReversal='-70mV'/>", "has no `C`", "<iafCell");
    refused(&CELL.replace("0.2nF", "0.2nS"), "is a conductance, where a capacitance is needed", "<iafCell");
    refused(&CELL.replace("0.2nF", "0.2"), "is a pure number", "<iafCell");
    refused(&CELL.replace("0.2nF", "0.2 furlongs"), "`furlongs` is not known", "<iafCell");
    refused(&CELL.replace("0.2nF", "1e999nF"), "not a finite number", "<iafCell");
    refused(&CELL.replace("id='c'", "id='c' colour='red'"), "has no `colour`", "<iafCell");
    refused(
        "<network id='n'><population id='p' component='none' size='1'/></network>",
        "`none` is not declared",
        "<pop",
    );
    refused(&net("<explicitInput target='p[2]' input='c'/>"), "has 2 cells", "<explicitInput");
    refused(&net("<explicitInput target='q[0]' input='c'/>"), "no population `q`", "<explicitInput");
    refused(&net("<nonsense/>"), "`nonsense` in a network", "<nonsense");
    refused(&net("<population id='q' component='c' size='many'/>"), "no number of cells", "<population id='q'");
    refused(&format!("{CELL}{CELL}"), "", "");
    refused(
        "<Simulation id='s' length='1ms' step='0.1ms' target='missing'/>",
        "`missing` is not declared",
        "<Simulation",
    );
    refused(
        &format!("{}<Simulation id='s' length='1ms' step='2ms' target='n'/>", net("")),
        "shorter than its step",
        "<Sim",
    );
    refused("<Include file='absent.nml'/>", "cannot be read", "<Include file='absent");
    refused("<notes>only words</notes>", "no network, no cell and no channel", "");
    refused("<ionChannelKS id='x'/><cell id='y'/>", "has no `morphology`", "<cell");
}

#[test]
fn densities_vary_as_in_neuron() {
    let mut statements = "    let oracle = csv(\"varying.csv\")\n".to_string();
    for (name, column) in [("cells_body_v", "body"), ("cells_near_3_v", "near"), ("cells_far_2_v", "far")] {
        statements +=
            &format!("    expect values({name})[round(oracle.time * 2000)] == oracle.{column} * 1 mV within 0.01 mV\n");
    }
    expect_run("varying.xml", &statements);
}

/// A pool of a type of the file, a Nernst potential and a population of channels.
#[test]
fn own_pools_are_those_of_jneuroml() {
    let statements = "    let oracle = csv(\"pools.csv\")
    expect values(cells_v)[round(oracle.time * 2000)] == oracle.v * 1 mV within 0.005 mV
    expect values(cells_ca)[round(oracle.time * 2000)] == oracle.ca * 1 nM within 2 nM\n";
    expect_run("pools.xml", statements);
    let pools = read(&folder().join("convert/neuroml/pools.xml")).expect("a test file");
    let pools = pools.trim().trim_start_matches("<Lems>").trim_end_matches("</Lems>");
    let moving = "<TimeDerivative variable=\"extConcentration\" value=\"-extConcentration / decay\"/><OnStart>";
    refused(&pools.replace("<OnStart>", moving), "outside of the cell that changes", "<TimeDerivative variable=\"ext");
    let longer = "<segment id=\"1\"><parent segment=\"0\"/><distal x=\"0\" y=\"90\" z=\"0\" diameter=\"2\"/></segment></morphology>";
    let several = pools
        .replace("</morphology>", longer)
        .replace("<intracellularProperties>", "<intracellularProperties><resistivity value=\"0.15 kohm_cm\"/>");
    refused(&several, "on several compartments", "<channelPopulation");
    let alone = several.replace("ionChannel=\"leak\" number", "ionChannel=\"leak\" segment=\"0\" number");
    assert!(convert(&format!("<Lems>{alone}</Lems>")).is_ok());
}

/// A cell of three segments, with more in its morphology and other properties.
fn branching(segments: &str, groups: &str, properties: &str) -> String {
    format!(
        "<ionChannelHH id='leak' conductance='10pS'/><cell id='c'><morphology id='m'>\
         <segment id='0'><proximal x='0' y='0' z='0' diameter='9'/><distal x='9' y='0' z='0' diameter='9'/></segment>\
         <segment id='1' name='one'><parent segment='0'/><distal x='19' y='0' z='0' diameter='2'/></segment>\
         {segments}{groups}</morphology><biophysicalProperties id='b'><membraneProperties>\
         <specificCapacitance value='1 uF_per_cm2'/><initMembPotential value='-65mV'/>{properties}\
         </membraneProperties><intracellularProperties><resistivity value='100 ohm_cm'/></intracellularProperties>\
         </biophysicalProperties></cell>"
    )
}

#[test]
fn shapes_of_cells_are_checked() {
    let third = "<segment id='2'><parent segment='0' fractionAlong='0.5'/><proximal x='4' y='0' z='0' diameter='1'/>\
                 <distal x='4' y='9' z='0' diameter='1'/></segment>";
    let leak = |group: &str| {
        format!("<channelDensity id='l' ionChannel='leak' condDensity='1 S_per_m2' erev='-65mV' ion='x' {group}/>")
    };
    let section = |members: &str| format!("<segmentGroup id='s' neuroLexId='sao864921383'>{members}</segmentGroup>");
    let whole = section("<member segment='0'/><member segment='1'/>");
    let refuse = |segments: &str, groups: &str, properties: &str, message: &str, place: &str| {
        refused(&branching(segments, groups, properties), message, place);
    };
    refuse("<segment id='1'/>", "", "", "a second segment without a parent", "<segment id='1'");
    refuse(
        "<segment id='1'><parent segment='0'/><distal x='1' y='1' z='1' diameter='1'/></segment>",
        "",
        "",
        "twice",
        "<segment",
    );
    refuse("<segment id='2'><parent segment='7'/></segment>", "", "", "hangs on none", "<segment id='2'");
    refuse("<segment id='2'><parent segment='0'/></segment>", "", "", "has no end", "<segment id='2'");
    refuse(&third.replace("0.5", "1.5"), "", "", "`1.5` is no place", "<parent");
    refuse(&third.replace("diameter='1'", "diameter='0'"), "", "", "not above zero", "<distal");
    refuse(&third.replace("y='9'", "y='0'"), "", "", "has no length", "<segment id='2'");
    refuse("", "<segmentGroup id='g'><member segment='5'/></segmentGroup>", "", "no segment 5", "<member");
    refuse(
        "",
        "<segmentGroup id='g'><include segmentGroup='g'/></segmentGroup>",
        "",
        "includes itself",
        "<segmentGroup",
    );
    refuse("", "<segmentGroup id='g'><include segmentGroup='h'/></segmentGroup>", "", "no group `h`", "<include");
    refuse(third, &section("<member segment='0'/><member segment='2'/>"), "", "no chain of segments", "<segmentGroup");
    refuse(
        "",
        &whole.replace(
            "<member segment='0'/>",
            "<property tag='numberInternalDivisions' value='0'/><member segment='0'/>",
        ),
        "",
        "no number of pieces",
        "<property",
    );
    refuse("", &whole, &leak("segment='1'"), "a part of an unbranched section", "<channelDensity");
    refuse("", "", &leak("segmentGroup='h'"), "no group `h`", "<channelDensity");
    refuse("", "", &leak("segment='8'"), "no segment 8", "<channelDensity");
    refuse("", "", "<specificCapacitance value='2 uF_per_cm2'/>", "declared twice", "value='2 uF");
    let varying = |what: &str, value: &str| {
        let groups = format!(
            "<segmentGroup id='g'><member segment='1'/><inhomogeneousParameter id='x' variable='p' {what}/></segmentGroup>"
        );
        let density = format!(
            "<channelDensityNonUniform id='n' ionChannel='leak' erev='-65mV'><variableParameter parameter='condDensity' segmentGroup='g'>\
            <inhomogeneousValue inhomogeneousParameter='x' value='{value}'/></variableParameter></channelDensityNonUniform>"
        );
        branching("", &groups, &density)
    };
    refused(&varying("metric='Steps'", "p"), "this metric", "<inhomogeneousParameter");
    refused(&varying("", "p + q"), "has no value", "<inhomogeneousValue");
    refused(&varying("", "log(0 - p)"), "has no value", "<inhomogeneousValue");
    refused(&varying("", "p +"), "", "<inhomogeneousValue");
    refused(
        &varying("", "p").replace("inhomogeneousParameter='x'", "inhomogeneousParameter='y'"),
        "no parameter `y`",
        "<inhomogeneousValue",
    );
    refused(&branching("", "", "").replace("<resistivity value='100 ohm_cm'/>", ""), "no `resistivity`", "<bio");
    let net = |inner: &str| {
        format!(
            "{}<pulseGenerator id='i' delay='1ms' duration='1ms' amplitude='1nA'/>\
             <expOneSynapse id='y' gbase='1nS' erev='0mV' tauDecay='1ms'/>\
             <network id='n'><population id='p' component='c' size='2'/>{inner}</network>",
            branching(third, "", "<spikeThresh value='0mV'/>")
        )
    };
    let list = |segment: &str| {
        net(&format!(
            "<inputList id='l' component='i' population='p'><input id='0' target='../p[0]' {segment}/></inputList>"
        ))
    };
    refused(&list("segmentId='9'"), "no segment 9", "<pulseGenerator");
    refused(&list("segmentId='1' fractionAlong='2'"), "`2` is no place", "<input id");
    let joined = |more: &str| {
        net(&format!(
            "<projection id='j' presynapticPopulation='p' postsynapticPopulation='p' synapse='y'>\
             <connection id='0' preCellId='../p[0]' postCellId='../p[1]'/>\
             <connection id='1' preCellId='../p[1]' postCellId='../p[0]' {more}/></projection>"
        ))
    };
    refused(&joined("preSegmentId='2'"), "two segments of one cell", "<expOneSynapse");
    for text in [list("segmentId='1'"), list(""), joined("postSegmentId='2'")] {
        let converted = convert(&format!("{HEAD}{text}</Lems>")).expect(&text);
        assert_eq!(neuro("check", &converted.text), Ok(()), "{}", converted.text);
    }
}

/// What hangs on the middle of a segment cuts it there, and the tree begins where an end is free.
#[test]
fn segments_become_coupled_compartments() {
    let more = "<segment id='2'><parent segment='0' fractionAlong='0.5'/><proximal x='4' y='0' z='0' diameter='1'/>\
                <distal x='4' y='9' z='0' diameter='1'/></segment><segment id='3' name='left'>\
                <parent segment='0' fractionAlong='0'/><proximal x='0' y='0' z='0' diameter='2'/>\
                <distal x='-8' y='0' z='0' diameter='2'/></segment>";
    let groups = "<segmentGroup id='left' neuroLexId='sao864921383'>\
                  <property tag='numberInternalDivisions' value='2'/><member segment='3'/></segmentGroup>\
                  <segmentGroup id='far'><subTree><from segment='2'/></subTree><path><from segment='0'/>\
                  <to segment='1'/></path></segmentGroup>";
    let leak = "<channelDensity id='l' ionChannel='leak' condDensity='1 S_per_m2' erev='-65mV' segmentGroup='far'/>";
    let text = convert(&format!("{HEAD}{}</Lems>", branching(more, groups, leak))).expect("a cell").text;
    for line in [
        "compartment segment_0_1 {\n        length 4.5 um   diameter 9 um",
        "compartment left[2] {\n        length 8 um   diameter 2 um",
        "couple one <-> segment_0_2\n    couple segment_0_2 <-> segment_0_1\n    couple segment_0_2 <-> segment_2",
        "couple segment_0_1 <-> left",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let left = text.split("compartment left").nth(1).expect("a cable").split('}').next();
    assert!(left.is_some_and(|l| !l.contains("channel")) && text.matches("channel l: Leak").count() == 4, "{text}");
    assert_eq!(neuro("check", &text), Ok(()), "{text}");
}

#[test]
fn formulas_are_checked() {
    let with = |inner: &str| {
        format!(
            "<ComponentType name='own' extends='baseCell'><Parameter name='tau' dimension='time'/><Dynamics>\
             <StateVariable name='x' dimension='voltage'/>{inner}</Dynamics></ComponentType><own id='c' tau='2ms'/>"
        )
    };
    let rate = |x: &str| with(&format!("<TimeDerivative variable='x' value='{x}'/>"));
    refused(&rate("-x * tau"), "where a", "<TimeDerivative");
    refused(&rate("-y / tau"), "`y` is not declared", "<TimeDerivative");
    refused(&rate("(x / tau"), "`)` is missing", "<TimeDerivative");
    refused(&rate("magic(x) / tau"), "`magic` is not known", "<TimeDerivative");
    refused(&rate("exp(x) / tau"), "", "<TimeDerivative");
    refused(&rate(&format!("{}x{}", "(".repeat(5000), ")".repeat(5000))), "nested deeper", "<TimeDerivative");
    refused(&rate(&format!("x / tau{}", " + x / tau".repeat(5000))), "more than 512 terms", "<TimeDerivative");
    let inner = format!("x{}", " + x".repeat(500));
    let nested = format!("{}{inner}{}", "(".repeat(60), format!("{})", " + x".repeat(500)).repeat(60));
    refused(&rate(&nested), "more than 512 terms", "<TimeDerivative");
    refused(&rate(&"-".repeat(5000)), "nested deeper", "<TimeDerivative");
    refused(&with("<KineticScheme name='k'/>"), "`KineticScheme` cannot", "<KineticScheme");
    refused(&with("<OnCondition test='x .gt. tau'/>"), "needs the same", "<OnCondition");
    refused(&with("<TimeDerivative variable='z' value='x / tau'/>"), "no state", "<TimeDerivative");
    refused("<ComponentType name='a' extends='a'/><a id='c'/><cell id='d'/>", "", "");
    assert!(convert(&format!("{HEAD}{}</Lems>", rate("-x / tau"))).is_ok());
}

#[test]
fn what_is_no_xml_is_refused_in_bounded_time() {
    let start = Instant::now();
    for text in [
        "",
        " ",
        "\u{feff}",
        "text",
        "<",
        "<Lems",
        "<Lems>",
        "<Lems></Cells>",
        "<Lems a=1/>",
        "<Lems/><Lems/>",
        "<Lems><!--",
    ] {
        assert!(convert(text).is_err(), "{text}");
    }
    let bomb = "<!DOCTYPE l [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><Lems><x id='&b;'/></Lems>";
    assert!(convert(bomb).expect_err("entities")[0].message.contains("entities of its own"));
    assert!(convert("<Lems><x id='&b;'/></Lems>").is_err());
    let deep = "<a id='x'>".repeat(100_000);
    assert!(convert(&deep).expect_err("nesting")[0].message.contains("nested deeper"));
    let wide = format!("<Lems>{}</Lems>", "<a id='x'/>".repeat(100_000));
    assert!(convert(&wide).is_err());
    assert!(start.elapsed().as_secs() < 20);
}

#[test]
fn a_circle_of_includes_ends() {
    let files: HashMap<&str, String> = HashMap::from([
        ("here/a.nml", format!("<neuroml id='a'><include href='sub/b.nml'/>{CELL}</neuroml>")),
        ("here/sub/b.nml", "<neuroml id='b'><include href='../a.nml'/><include href='b.nml'/></neuroml>".to_string()),
    ]);
    let read = |path: &Path| -> io::Result<String> {
        let mut plain: Vec<&str> = Vec::new();
        for part in path.iter().filter_map(|p| p.to_str()) {
            if part == ".." { plain.pop().map_or((), drop) } else { plain.push(part) }
        }
        files.get(plain.join("/").as_str()).cloned().ok_or(io::ErrorKind::NotFound.into())
    };
    let converted = neuroml(&files["here/a.nml"], Path::new("here/a.nml"), &read).expect("a cell");
    assert!(converted.text.contains("neuron IafCell"));
}

#[test]
fn a_flaw_of_an_included_file_names_it() {
    let read = |_: &Path| -> io::Result<String> { Ok("<neuroml id='b'><cell id='d'/></neuroml>".into()) };
    let found =
        neuroml("<neuroml id='a'><include href='b.nml'/></neuroml>", Path::new("x/a.nml"), &read).expect_err("a flaw");
    assert_eq!(found[0].file.as_deref(), Some(Path::new("x/b.nml")));
}

/// Texts cut short, and texts with a byte changed: whatever they say, an answer comes.
#[test]
fn damaged_files_never_end_the_program() {
    for name in ["izhikevich.xml", "channels.nml", "network.xml", "own_types.xml", "branches.nml"] {
        let text = read(&folder().join("convert/neuroml").join(name)).expect("a test file");
        let path = folder().join("convert/neuroml").join(name);
        for cut in (0..text.len()).step_by(53) {
            if let Some(short) = text.get(..cut) {
                let _ = neuroml(short, &path, &read);
            }
        }
        let mut state = 12345u64;
        for _ in 0..400 {
            let mut bytes = text.clone().into_bytes();
            for _ in 0..3 {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let at = (state >> 33) as usize % bytes.len();
                bytes[at] = b"0159-.<>/'\"=abemvst()[]& "[(state >> 20) as usize % 25];
            }
            if let Ok(changed) = String::from_utf8(bytes) {
                let _ = neuroml(&changed, &path, &read);
            }
        }
    }
}

/// What survives a change of a number or a name still passes the checks of the compiler.
#[test]
fn what_is_carried_over_passes_the_checks() {
    let text = read(&folder().join("convert/neuroml/network.xml")).expect("a test file");
    let path = folder().join("convert/neuroml/network.xml");
    let changes = [
        ("weight=\"3\"", "weight=\"0\""),
        ("delay=\"1ms\"", "delay=\"0ms\""),
        ("size=\"2\"", "size=\"5\""),
        ("id=\"cells\"", "id=\"in\""),
        ("period=\"7ms\"", "period=\"0.007 s\""),
        ("leakConductance=\"0.01uS\"", "leakConductance=\"1e-8 S\""),
        ("tsodyksMarkramDepMechanism", "tsodyksMarkramDepFacMechanism\" tauFac=\"20ms"),
        ("<expTwoSynapse", "<alphaSynapse id=\"more\" gbase=\"1nS\" erev=\"0mV\" tau=\"2ms\"/><expTwoSynapse"),
        ("id=\"fast\"", "id=\"pre\""),
        ("\"clocks\"", "\"i\""),
        ("\"tired\"", "\"al\""),
    ];
    for (from, to) in changes {
        let mut changed = text.replace(from, to);
        if from == "id=\"cells\"" {
            changed = changed.replace("../cells", "../in").replace("cells/", "in/").replace("\"cells\"", "\"in\"");
        }
        changed = changed.replace("../clocks", if from == "\"clocks\"" { "../i" } else { "../clocks" });
        if from == "id=\"fast\"" {
            changed = changed.replace("synapse=\"fast\"", "synapse=\"pre\"");
        }
        assert_ne!(changed, text, "{from}");
        match neuroml(&changed, &path, &read) {
            Ok(converted) => assert_eq!(neuro("check", &converted.text), Ok(()), "{to}\n{}", converted.text),
            Err(flaws) => panic!("{to}: {flaws:?}"),
        }
    }
}
