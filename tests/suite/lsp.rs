//! The language server, as an editor talks to it.

use crate::support::root;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

struct Editor {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: u64,
    /// What was published of each text, the last time.
    said: std::collections::HashMap<String, Value>,
}

impl Editor {
    fn start() -> Editor {
        let mut process = Command::new(env!("CARGO_BIN_EXE_neuro"))
            .arg("lsp")
            .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("lsp-cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        let mut editor = Editor { process, input, output, asked: 0, said: Default::default() };
        let abilities = editor.ask("initialize", json!({ "capabilities": {} }));
        assert_eq!(abilities["capabilities"]["hoverProvider"], json!(true));
        editor.tell("initialized", json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    fn read(&mut self) -> Value {
        let mut length = 0;
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "the server is gone");
            match line.trim().split_once(": ") {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().unwrap(),
                Some(_) => {}
                None => break,
            }
        }
        let mut text = vec![0; length];
        self.output.read_exact(&mut text).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn answer(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let message = self.read();
            if message["id"] == json!(id) {
                return message;
            }
            if message["method"] == "textDocument/publishDiagnostics" {
                let uri = message["params"]["uri"].as_str().unwrap().to_string();
                self.said.insert(uri, message["params"].clone());
            }
        }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.answer(method, params);
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].clone()
    }

    fn open(&mut self, uri: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": "neuro", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Asks about the place right behind a piece of the text that is there once.
    fn about(&mut self, method: &str, uri: &str, text: &str, piece: &str, more: Value) -> Value {
        let mut params = json!({ "textDocument": { "uri": uri }, "position": behind(text, piece) });
        for (key, value) in more.as_object().unwrap() {
            params[key] = value.clone();
        }
        self.ask(method, params)
    }

    fn messages(&mut self, uri: &str) -> Vec<Value> {
        // An answer comes after what was published before it.
        self.ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } }));
        self.said[uri]["diagnostics"].as_array().unwrap().clone()
    }

    fn end(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        assert!(self.process.wait().unwrap().success());
    }
}

/// Where a piece of a text ends, in lines and UTF-16 columns.
#[track_caller]
fn behind(text: &str, piece: &str) -> Value {
    assert_eq!(text.matches(piece).count(), 1, "{piece}");
    let before = &text[..text.find(piece).unwrap() + piece.len()];
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap().encode_utf16().count();
    json!({ "line": line, "character": column })
}

const TEXT: &str = "use std.neurons.lif: LifCond
## Decays.
neuron Decay {
    param tau = 20 ms   # how fast — 𝛕
    event input exc: mV
    state v = 0 mV
    let half = v / 2
    v' = -v / tau + exc
    emit spike when half > 1 mV { v = 0 mV }
}
synapse Rule {
    weight w: mV
    state trace = 0
    on pre.spike { trace += 1   deliver w }
    on post.spike { w += trace * 1 mV }
}
network Net(n: int = 3) {
    population cells: Decay(tau = 5 ms)[n]
    population others: LifCond[n]
    projection link: cells -> cells.exc: Rule { connect all_to_all   weight 1 mV   delay 1 ms }
}
experiment e {
    dt 0.1 ms
    network net = Net(n = 4)
    run 10 ms
    let most = max(net.cells.v)
    measure last = net.cells[0].half
    expect most < 1 mV
}
";

fn labels(completions: &Value) -> Vec<&str> {
    completions.as_array().unwrap().iter().map(|c| c["label"].as_str().unwrap()).collect()
}

#[test]
fn an_editor_asks_about_names() {
    let mut editor = Editor::start();
    let uri = "file:///models/model.neuro";
    editor.open(uri, TEXT);
    assert_eq!(editor.messages(uri), Vec::<Value>::new());

    // What is said of a name.
    for (piece, words) in [
        ("state v", vec!["state v = 0 mV", "`mV`", "exact"]),
        ("    let half", vec!["let half = v / 2", "`mV`"]),
        ("-v / tau", vec!["param", "tau = 20 ms", "`ms`", "how fast"]),
        ("cells: Deca", vec!["neuron Decay", "Decays.", "| port |", "`exc`"]),
        ("others: Lif", vec!["neuron LifCond", "Brette"]),
        ("state trac", vec!["kept per pre"]),
        ("network ne", vec!["network net = Net(n = 4)"]),
        ("max", vec!["max(", "largest"]),
        ("run 10 ms", vec!["time"]),
        ("let mos", vec!["`mV`"]),
    ] {
        let said = editor.about("textDocument/hover", uri, TEXT, piece, json!({}));
        let said = said["contents"]["value"].as_str().unwrap_or_default().to_string();
        words.iter().for_each(|word| assert!(said.contains(word), "`{piece}`: `{word}` is not in:\n{said}"));
    }

    // Where it is declared: here, or in the library, which the editor can read.
    let here = editor.about("textDocument/definition", uri, TEXT, "net.cells.v", json!({}));
    assert_eq!((&here["uri"], &here["range"]["end"]), (&json!(uri), &behind(TEXT, "state v")));
    let there = editor.about("textDocument/definition", uri, TEXT, "others: LifCond", json!({}));
    let path = url::Url::parse(there["uri"].as_str().unwrap()).unwrap().to_file_path().unwrap();
    let library = std::fs::read_to_string(path).unwrap();
    let line = there["range"]["start"]["line"].as_u64().unwrap() as usize;
    assert!(library.lines().nth(line).unwrap().starts_with("neuron LifCond"));

    // Where it is used, and another name for it.
    let uses = editor.about(
        "textDocument/references",
        uri,
        TEXT,
        "-v / tau",
        json!({ "context": { "includeDeclaration": true } }),
    );
    assert_eq!(uses.as_array().unwrap().len(), 3, "{uses}");
    let edit = editor.about("textDocument/rename", uri, TEXT, "-v / tau", json!({ "newName": "tau_m" }));
    let mut renamed: Vec<_> = edit["changes"][uri].as_array().unwrap().clone();
    renamed.sort_by_key(|e| std::cmp::Reverse(e["range"]["start"]["line"].as_u64()));
    let mut text = TEXT.to_string();
    for e in &renamed {
        let at = |end: &str| offset(&text, &e["range"][end]);
        let (from, to) = (at("start"), at("end"));
        text.replace_range(from..to, e["newText"].as_str().unwrap());
    }
    assert_eq!(text, TEXT.replace("tau", "tau_m"));
    // What synapses read of the cells at their ends is theirs.
    let uses = editor.about(
        "textDocument/references",
        uri,
        TEXT,
        "emit spike",
        json!({ "context": { "includeDeclaration": true } }),
    );
    let mut ends: Vec<_> = uses.as_array().unwrap().iter().map(|u| u["range"]["end"].clone()).collect();
    ends.sort_by_key(|end| end["line"].as_u64());
    assert_eq!(ends, ["emit spike", "on pre.spike", "on post.spike"].map(|piece| behind(TEXT, piece)));
    for (piece, name) in [("on pre", "before"), ("-v / tau", "when"), ("-v / tau", "1x"), ("others: LifCond", "Mine")] {
        let params = json!({ "textDocument": { "uri": uri }, "position": behind(TEXT, piece), "newName": name });
        assert!(editor.answer("textDocument/rename", params)["error"]["message"].is_string(), "{name}");
    }

    // Units that follow.
    let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let hints = editor.ask("textDocument/inlayHint", json!({ "textDocument": { "uri": uri }, "range": whole }));
    let hints: Vec<_> = hints.as_array().unwrap().iter().map(|h| (h["position"].clone(), h["label"].clone())).collect();
    let expected = ["    let half", "    let most", "measure last"].map(|piece| (behind(TEXT, piece), json!(": mV")));
    assert_eq!(hints, expected);

    // What it is made of.
    let symbols = editor.ask("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri } }));
    let names: Vec<_> = symbols.as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Decay", "Rule", "Net", "e"]);
    let inner: Vec<_> =
        symbols[2]["children"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(inner, ["n", "cells", "others", "link"]);
    let tokens = editor.ask("textDocument/semanticTokens/full", json!({ "textDocument": { "uri": uri } }));
    assert!(tokens["data"].as_array().unwrap().len() > 5 * 30);
    editor.end();
}

/// The byte of a place.
fn offset(text: &str, at: &Value) -> usize {
    let line: usize = text.split_inclusive('\n').take(at["line"].as_u64().unwrap() as usize).map(str::len).sum();
    let mut units = at["character"].as_u64().unwrap() as usize;
    let mut byte = line;
    for c in text[line..].chars() {
        if units == 0 {
            break;
        }
        units -= c.len_utf16().min(units);
        byte += c.len_utf8();
    }
    byte
}

#[test]
fn an_editor_asks_what_could_follow() {
    let mut editor = Editor::start();
    let uri = "file:///models/model.neuro";
    editor.open(uri, TEXT);
    for (typed, has, has_not) in [
        ("    run net.", vec!["cells", "others", "link"], vec!["v", "max"]),
        ("    run net.cells.", vec!["v", "half", "tau", "exc"], vec!["cells"]),
        ("    run net.cells[0].", vec!["v", "half"], vec!["cells"]),
        ("    run net.link.", vec!["w", "trace"], vec!["v"]),
        ("    run 25 ", vec!["ms", "mV"], vec!["max"]),
        ("    run ma", vec!["max", "most", "net"], vec![]),
        ("    network other = ", vec!["Net"], vec!["Decay", "max"]),
    ] {
        let text = TEXT.replace("    expect most < 1 mV", typed);
        let change = json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [{ "text": text }] });
        editor.tell("textDocument/didChange", change);
        let found = editor.about("textDocument/completion", uri, &text, typed, json!({}));
        let found = labels(&found);
        has.iter().for_each(|name| assert!(found.contains(name), "`{typed}`: no `{name}` in {found:?}"));
        has_not.iter().for_each(|name| assert!(!found.contains(name), "`{typed}`: `{name}` in {found:?}"));
    }
    for (from, to, has, has_not) in [
        ("link: cells -> cells.exc: Rule", "link: cells -> ", vec!["cells", "others"], vec!["Rule", "v"]),
        ("link: cells -> cells.exc: Rule", "link: cells -> cells.", vec!["exc"], vec!["cells"]),
        ("link: cells -> cells.exc: Rule", "link: cells -> cells.exc: ", vec!["Rule", "Static"], vec!["Decay"]),
        ("others: LifCond", "others: ", vec!["LifCond", "Decay"], vec!["Rule", "Net"]),
        ("use std.neurons.lif: LifCond", "use std.neu", vec!["neurons.lif"], vec!["max", "std.neurons.lif"]),
        ("use std.neurons.lif: LifCond", "use std.neurons.lif: Lif", vec!["LifCond", "LifExp"], vec!["max", "tau_m"]),
    ] {
        let text = TEXT.replace(from, to);
        let change = json!({ "textDocument": { "uri": uri, "version": 3 }, "contentChanges": [{ "text": text }] });
        editor.tell("textDocument/didChange", change);
        let at =
            json!({ "textDocument": { "uri": uri }, "position": position(&text, text.find(to).unwrap() + to.len()) });
        let found = editor.ask("textDocument/completion", at);
        let found = labels(&found);
        has.iter()
            .for_each(|name| assert!(found.iter().any(|f| f.ends_with(name)), "`{to}`: no `{name}` in {found:?}"));
        has_not.iter().for_each(|name| assert!(!found.contains(name), "`{to}`: `{name}` in {found:?}"));
    }
    editor.end();
}

fn position(text: &str, offset: usize) -> Value {
    let before = &text[..offset];
    json!({
        "line": before.matches('\n').count(),
        "character": before.rsplit('\n').next().unwrap().encode_utf16().count(),
    })
}

#[test]
fn mistakes_are_published_as_one_types_with_what_to_write_instead() {
    let mut editor = Editor::start();
    let uri = "file:///models/wrong.neuro";
    let text = "neuron A {\n    # 𝛕\n    param tau = 20 ms   # 𝛕 𝛕\n    state v = 0 mV\n    v' = -v / tua\n}\n";
    editor.open(uri, text);
    let messages = editor.messages(uri);
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!((&messages[0]["code"], &messages[0]["severity"]), (&json!("E0201"), &json!(1)));
    assert_eq!(messages[0]["range"]["end"], behind(text, "tua"));
    let page = url::Url::parse(messages[0]["codeDescription"]["href"].as_str().unwrap()).unwrap();
    assert!(std::fs::read_to_string(page.to_file_path().unwrap()).unwrap().starts_with("# E0201"));
    let asked =
        json!({ "textDocument": { "uri": uri }, "range": messages[0]["range"], "context": { "diagnostics": [] } });
    let actions = editor.ask("textDocument/codeAction", asked);
    let edit = &actions[0]["edit"]["changes"][uri][0];
    assert_eq!((&edit["newText"], &edit["range"]), (&json!("tau"), &messages[0]["range"]));

    // The change is sent as it is typed.
    let change = json!({ "range": edit["range"], "text": "tau" });
    let document = json!({ "uri": uri, "version": 2 });
    editor.tell("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
    assert_eq!(editor.messages(uri), Vec::<Value>::new());
    assert_eq!(editor.said[uri]["version"], json!(2));

    // Laid out; a text that is wrong is not.
    let asked = json!({ "textDocument": { "uri": uri }, "options": { "tabSize": 4, "insertSpaces": true } });
    assert_eq!(editor.ask("textDocument/formatting", asked.clone()), json!([]));
    let change = json!([{ "text": text.replace("    ", "") }]);
    editor.tell(
        "textDocument/didChange",
        json!({ "textDocument": { "uri": uri, "version": 3 }, "contentChanges": change }),
    );
    assert_eq!(editor.ask("textDocument/formatting", asked)[0]["newText"], json!(text));

    // A file that is imported is taken as it is shown.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lsp");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("cells.neuro"), "neuron C { state x = 1 }\n").unwrap();
    let at = |name: &str| url::Url::from_file_path(folder.join(name)).unwrap().to_string();
    editor.open(&at("net.neuro"), "use \"cells.neuro\": D\nnetwork Net { population a: D[1] }\n");
    assert!(!editor.messages(&at("net.neuro")).is_empty());
    editor.open(&at("cells.neuro"), "neuron D { state x = 1   x' = -x / 1 s }\n");
    editor.tell("textDocument/didSave", json!({ "textDocument": { "uri": at("cells.neuro") } }));
    assert_eq!(editor.messages(&at("net.neuro")), Vec::<Value>::new());
    editor.end();
}

/// Every example is opened; of every name it is asked what it is, where, and what could stand there.
#[test]
fn every_example_can_be_edited() {
    let mut editor = Editor::start();
    let files: Vec<PathBuf> = std::fs::read_dir(root().join("examples")).unwrap().map(|e| e.unwrap().path()).collect();
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "neuro")) {
        let uri = url::Url::from_file_path(path).unwrap().to_string();
        let text = std::fs::read_to_string(path).unwrap();
        editor.open(&uri, &text);
        let errors: Vec<_> = editor.messages(&uri).into_iter().filter(|m| m["severity"] == json!(1)).collect();
        assert!(errors.is_empty(), "{uri}: {errors:?}");
        let document = json!({ "textDocument": { "uri": uri } });
        let tokens = editor.ask("textDocument/semanticTokens/full", document.clone());
        let tokens: Vec<u64> = tokens["data"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).collect();
        let (mut line, mut column) = (0, 0);
        for (i, t) in tokens.chunks(5).enumerate() {
            (line, column) = (line + t[0], if t[0] == 0 { column + t[1] } else { t[1] });
            if i % 7 > 0 {
                continue;
            }
            let at = json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": column } });
            let said = editor.ask("textDocument/hover", at.clone());
            assert!(said["contents"]["value"].is_string(), "{uri} {line}:{column}");
            let declared = editor.ask("textDocument/definition", at.clone());
            assert!(declared["uri"].is_string(), "{uri} {line}:{column}");
            let mut asked = at.clone();
            asked["context"] = json!({ "includeDeclaration": true });
            let places = editor.ask("textDocument/references", asked);
            assert!(!places.as_array().unwrap().is_empty(), "{uri} {line}:{column}");
        }
        assert!(tokens.len() > 5 * 10, "{uri}");
        editor.ask(
            "textDocument/completion",
            json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": column } }),
        );
        editor.ask("textDocument/documentSymbol", document);
        editor.tell("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    }
    editor.end();
}
