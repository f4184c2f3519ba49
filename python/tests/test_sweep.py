"""Sweeps, compared with those of the program itself."""

import csv
import warnings

import numpy as np
import pytest

import neuro


def test_a_sweep_is_that_of_the_program(path, command, tmp_path):
    at = tmp_path / "sweep"
    command("sweep", path, "activity", "--over", "net.n=100,200", "--over", "seed=1..3", "--results", at, code=1)
    with open(at / "sweep.csv") as f:
        rows = list(csv.DictReader(f))
    table = neuro.compile(path).sweep("activity", {"net.n": [100, 200]}, seeds=range(1, 4))
    assert list(table)[:5] == ["net.n", "seed", "complete", "expectations_met", "expectations"]
    assert table["net.n"].tolist() == [int(r["net.n"]) for r in rows]
    assert table["seed"].tolist() == [1, 2, 3, 1, 2, 3]
    assert table["expectations_met"].tolist() == [int(r["expectations_met"]) for r in rows] == [1] * 6
    assert table["mean_rate"].tolist() == [float(r["mean_rate (Hz)"]) for r in rows]
    assert table.units["mean_rate"] == "Hz" and "mean_rate (Hz)" in repr(table) and "<th>" in table._repr_html_()
    frame = table.to_pandas()
    assert frame.shape[0] == 6 and frame.attrs["units"]["mean_rate"] == "Hz"


def test_runs_are_kept_if_asked_for(model):
    told = []
    table = model.sweep("activity", {"net.p": [0.05, 0.1]}, keep=True, jobs=1, progress=lambda k, n: told.append((k, n)))
    assert [r.record["overrides"]["net.p"] for r in table.runs] == ["0.05", "0.1"] and told == [(1, 2), (2, 2)]


def test_a_run_that_fails_leaves_its_measures_empty(model):
    with pytest.warns(neuro.NeuroWarning, match="1 of 2 runs have failed"):
        table = model.sweep("activity", {"dt": ["0.1 ms", "-1 ms"]})
    assert table["complete"].tolist() == [True, False] and np.isnan(table["mean_rate"][1])
    assert table.errors[1].code == "E0805"


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda m: m.sweep("nope", {"net.p": [1]}), neuro.NeuroError),
        (lambda m: m.sweep("activity", {"net.nope": [1, 2]}), neuro.NeuroError),
        (lambda m: m.sweep("activity", {}), ValueError),
        (lambda m: m.sweep("activity", {"net.p": []}), ValueError),
        (lambda m: m.sweep("activity", {"net.p": [1, 1]}), ValueError),
        (lambda m: m.sweep("activity", {"seed": [1]}, seeds=[2]), ValueError),
        (lambda m: m.sweep("activity", {"net.p": [1]}, set={"net.p": 1}), ValueError),
        (lambda m: m.sweep("activity", {"net.p": [1]}, jobs=0), ValueError),
    ],
)
def test_what_is_refused(model, call, error):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error):
            call(model)
