"""What is refused, and how it looks."""

import pickle
import warnings

import pytest

import neuro


def test_an_error_looks_as_in_the_terminal(tmp_path, command, text):
    path = tmp_path / "wrong.neuro"
    path.write_text(text.replace(" + I) / C_m", " + I)").replace("1 kHz", "1 kHx"))
    with pytest.raises(neuro.NeuroError) as e:
        neuro.compile(path)
    assert str(e.value).rstrip() == command("check", path, code=1).stderr.rstrip()
    assert e.value.code in ("E0301", "E0305") and len(e.value.diagnostics) == 2
    found = {d.code: d for d in e.value.diagnostics}["E0301"]
    assert found.severity == "error" and "mismatched units" in found.message and found.help.startswith("divide the current")
    assert (found.labels[0].file, found.labels[0].line) == (str(path), 11)
    assert "# E0301" in found.explain() and found.explain() == neuro.explain("E0301")
    assert "<pre" in e.value._repr_html_() and "&lt;" not in found.text
    again = pickle.loads(pickle.dumps(e.value))
    assert str(again) == str(e.value) and again.code == e.value.code


def test_warnings_are_heard():
    with pytest.warns(neuro.NeuroWarning, match="W0801"):
        r = neuro.compile(
            source="neuron A { state x = 0   x' = -x / 1 ms }\nnetwork N { population a: A[1] }\n"
            "experiment e { network net = N()   run 1.03 ms }"
        ).run()
    assert r.warnings[0].code == "W0801"


def test_unknown_experiment(model):
    with pytest.raises(neuro.NeuroError) as e:
        model.run("activitx")
    assert e.value.code == "E0808" and "did you mean `activity`?" in str(e.value)


@pytest.mark.parametrize(
    "given, code",
    [
        ({"net.exc.nope": 1}, "E0804"),
        ({"nope": 1}, "E0804"),
        ({"net.n": "5 mV"}, "E0805"),
        ({"net.exc.v": [1, 2]}, "E0805"),
        ({"seed": 1.5}, "E0805"),
        ({"dt": "-1 ms"}, "E0805"),
    ],
)
def test_overrides_that_do_not_fit(model, given, code):
    with pytest.raises(neuro.NeuroError) as e:
        model.run(set=given)
    assert e.value.code == code and e.value.run.complete is False


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda m: m.run(seed=1, set={"seed": 2}), ValueError),
        (lambda m: m.run(threads=0), ValueError),
        (lambda m: m.run(precision="f16"), ValueError),
        (lambda m: m.run(backend="gpu"), ValueError),
        (lambda m: m.run(max_time=0), ValueError),
        (lambda m: m.run(progress="yes"), TypeError),
        (lambda m: m.run(set={"net.p": float("nan")}), ValueError),
        (lambda m: m.run(set={"net.p": object()}), TypeError),
        (lambda m: m.run(colour=1), TypeError),
        (lambda m: neuro.compile(), TypeError),
        (lambda m: neuro.compile("a.neuro", source="b"), TypeError),
        (lambda m: neuro.compile("a.neuro", folder="b"), TypeError),
        (lambda m: neuro.compile("no such file.neuro"), FileNotFoundError),
        (lambda m: neuro.compile(3), TypeError),
        (lambda m: neuro.explain("E9999"), KeyError),
        (lambda m: neuro.allow_memory("much"), ValueError),
    ],
)
def test_what_python_refuses(model, call, error):
    with pytest.raises(error):
        call(model)


def test_which_experiment(text):
    two = text + "\nexperiment other { let x = 1 }"
    with pytest.raises(ValueError, match="which experiment.*activity, other"):
        neuro.compile(source=two).run()


def test_a_run_that_fails_says_what_it_came_to():
    m = neuro.compile(
        source="neuron A { state x = 1   x' = x * x / 1 ms }\nnetwork N { population a: A[2] }\n"
        "experiment e { network net = N()   record net.a.x   measure before = 3   run 5 ms   measure after = 4 }"
    )
    with pytest.raises(neuro.NeuroError) as e:
        m.run()
    assert e.value.code == "E0801"
    r = e.value.run
    assert not r.complete and r.failure.code == "E0801" and r.measures == {"before": 3} and len(r["x"]) > 2


def test_files_elsewhere_must_be_allowed(tmp_path, text):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir(), outside.mkdir()
    (outside / "cells.neuro").write_text(text)
    source = 'use "../outside/cells.neuro": Balanced\nexperiment e { network net = Balanced(n = 10)   run 1 ms }'
    with pytest.raises(neuro.NeuroError, match="--allow-read"):
        neuro.compile(source=source, folder=inside)
    neuro.allow_read(outside)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        neuro.compile(source=source, folder=inside).run()
