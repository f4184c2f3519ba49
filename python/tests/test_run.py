"""Runs and their results, compared with those of the program itself."""

import json
import pickle

import numpy as np
import pandas
import pyarrow.parquet
import pytest

import neuro


@pytest.mark.parametrize("precision, threads", [("f32", 1), ("f32", 2), ("f64", 1)])
def test_bits_are_those_of_the_program(path, command, tmp_path, precision, threads):
    options = ["--set", "seed=3", "--set", "net.n=300", "--precision", precision, "--quiet"]
    command("run", path, "activity", "--results", tmp_path / "results", *options, code=1)
    folder = tmp_path / "results" / "activity"
    r = neuro.compile(path).run("activity", set={"net.n": 300}, seed=3, precision=precision, threads=threads)
    for population in ("exc", "inh"):
        table = pyarrow.parquet.read_table(folder / f"{population}.spike.parquet")
        times, cells = r.spikes[population]
        assert len(times) > 10
        assert np.array_equal(table["time"], times) and np.array_equal(table["cell"], cells)
    for name, cells in (("exc.v.0-2", 3), ("potential", 240)):
        table = pyarrow.parquet.read_table(folder / f"{name}.parquet")
        recording = r[name]
        assert recording.shape == (101, cells)
        assert np.array_equal(table["value"], np.asarray(recording).reshape(-1))
        assert np.array_equal(table["time"], np.repeat(recording.times, cells))
    kept = json.loads((folder / "measures.json").read_text())
    assert kept["mean_rate"] == {"value": r.measures["mean_rate"], "unit": "Hz"}
    assert np.array_equal(kept["last"]["value"], r.measures["last"])
    svg = r.figures["net.exc.spike" if "net.exc.spike" in r.figures else next(iter(r.figures))]
    assert (folder / f"{svg.name}.svg").read_text() == svg.svg
    record = json.loads((folder / "run.json").read_text())
    for key in ("source_sha256", "seed", "dt_ms", "precision", "overrides", "spikes", "synaptic_events", "neurons", "log"):
        assert record[key] == r.record[key] or key == "overrides"
    assert record["overrides"] == r.record["overrides"]


def test_a_profile_says_where_the_time_went(model):
    assert model.run().profile == []
    rows = model.run(profile=True).profile
    assert {"network", "of", "what", "seconds", "times"} <= set(rows[0]) and any(row["of"] == "exc" for row in rows)


def test_models_go_to_other_processes(model):
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.run().measures["last"], model.run().measures["last"])


def test_what_is_declared(path):
    m = neuro.compile(path)
    e = m.experiments["activity"]
    assert e.doc.strip() == "What it does by itself."
    assert e.parameters == (neuro.Parameter("duration", "ms", "100 ms"),)
    assert m.models["Balanced"].kind == "network" and m.models["Cell"].kind == "neuron"
    assert [p.name for p in m.models["Balanced"].parameters] == ["n", "p"]
    assert "Balanced" in repr(m) and "exponential_euler" in m.explain()
    assert "std.neurons.lif" in neuro.library()


def test_results(model):
    r = model.run()
    assert r.experiment == "activity" and r.seed == 1 and r.dt == 0.1 and r.complete and not r.held
    assert [(e.text, e.held) for e in r.expectations] == [
        ("expect mean_rate > 1 Hz", True),
        ("expect mean_rate > 1 kHz", False),
    ]
    rate = r.measures["mean_rate"]
    assert rate.unit == "Hz" and rate > 1 and str(rate).endswith(" Hz")
    assert r.expectations[0].found == str(rate) and r.log == [f"rate {rate}"]
    assert r.measures["last"].shape == (160,) and r.measures["last"].unit == "mV"
    assert set(r.recordings) == {"exc.spike", "inh.spike", "exc.v.0-2", "potential"}
    assert r["v"] is r["exc.v.0-2"] and r["v"].name == "exc.v.0-2"
    spikes = r.spikes["exc"]
    assert spikes.n == 160 and len(spikes.trains()) == 160 and (np.diff(spikes.times) >= 0).all()
    assert np.isclose(spikes.rates().mean(), rate)
    assert "expect mean_rate" in repr(r) and "<svg" in r._repr_html_()
    with pytest.raises(KeyError, match="several .* `spike`: exc.spike, inh.spike"):
        r["spike"]
    with pytest.raises(KeyError, match="there is no recording of events `v`"):
        r.spikes["v"]


def test_recordings_are_arrays(model):
    v = model.run()["v"]
    assert isinstance(v, np.ndarray) and v.unit == "mV" and v.times[1] == 1.0
    # What is computed of it, and parts of it, are plain: their moments may be others.
    assert type(v * 2) is np.ndarray and type(v[1:]) is np.ndarray and type(v.mean()) is np.float64
    with pytest.raises(AttributeError, match="has no times"):
        v.T.times
    again = pickle.loads(pickle.dumps(v))
    assert np.array_equal(again, v) and np.array_equal(again.times, v.times) and again.unit == "mV"
    frame = v.to_pandas()
    assert frame.shape == (101, 3) and frame.index.name == "time (ms)" and frame.attrs["unit"] == "mV"
    table = v.to_arrow()
    assert table.num_rows == 303 and table.column_names == ["time", "cell", "value"]
    assert table.schema.metadata[b"unit"] == b"mV"


def test_spikes_as_tables(model):
    spikes = model.run().spikes["exc"]
    assert list(spikes.to_pandas().columns) == ["time", "cell"] and len(spikes.to_pandas()) == len(spikes.times)
    assert spikes.to_arrow().num_rows == len(spikes.times)


def test_xarray(model):
    of = model.run()["v"].to_xarray()
    assert of.dims == ("time", "cell") and of.attrs["unit"] == "mV" and float(of.time[1]) == 1.0


def test_figures(model, tmp_path):
    (figure,) = model.run().figures.values()
    assert figure.title == "Activity" and figure._repr_svg_().startswith("<svg") and figure._repr_html_() == figure.svg
    assert figure.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert figure.save(tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert figure.save(tmp_path / "a.svg").read_text() == figure.svg
    with pytest.raises(ValueError, match="not .gif"):
        figure.save(tmp_path / "a.gif")


def test_files_of_a_run_are_those_that_the_program_reads(path, command, tmp_path):
    r = neuro.compile(path).run()
    folder = r.save(tmp_path / "kept")
    assert {"run.json", "measures.json", "exc.spike.parquet", "figures.json"} <= {f.name for f in folder.iterdir()}
    command("report", folder)
    command("plot", folder)
    with pytest.raises(FileExistsError):
        r.save(folder)


SOURCES = """
neuron Cell { event input in_: mV  state v = 1 mV  v' = -v / 10 ms + in_  emit spike when v > 0.5 mV { v = 0 mV } }
synapse Grows { weight w: mV  on pre.spike { deliver w  w += 0.1 mV } }
network Net {
    population a: Cell[12]
    projection link: a[0..2] -> a.in_: Grows { connect all_to_all  weight 1 mV  delay 1 ms }
}
experiment e {
    network net = Net()
    record net.a.spike
    record net.a[[7, 3, 5]].spike as some
    record net.a[5..8].v every 1 ms
    record mean(net.a[[2, 9]].v) every 1 ms as m
    record net.link.w every 1 ms as w
    run 20 ms
}
"""


def test_recordings_say_of_what_they_are():
    m = neuro.compile(source=SOURCES)
    sim = m.instantiate("Net", record=["a[5..8].v every 1 ms", "a.spike"])
    sim.run("20 ms")
    r = m.run()
    for v in (r["v"], sim.recordings["v"], pickle.loads(pickle.dumps(r["v"]))):
        assert (v.population, v.variable, v.projection, v.cells.tolist()) == ("a", "v", None, [5, 6, 7])
        assert v.to_pandas().columns.tolist() == [5, 6, 7] and v.to_xarray().cell.values.tolist() == [5, 6, 7]
        assert v.to_arrow()["cell"].to_pylist()[:3] == [0, 1, 2]
    for of, cells in ((r.spikes["some"], [7, 3, 5]), (r.spikes["a"], list(range(12))), (sim.spikes["a"], list(range(12)))):
        assert (of.population, of.variable, of.cells.tolist()) == ("a", "spike", cells)
        assert set(of.cells[of.indices]) == set(cells)
    assert r["m"].ndim == 1 and r["m"].cells.tolist() == [2, 9]
    w = r["w"]
    assert (w.population, w.projection, w.variable, w.cells) == (None, "link", "w", None)
    assert w.to_pandas().columns.name == "synapse" and w.to_arrow().column_names == ["time", "synapse", "value"]
    made = neuro.Recording(np.zeros((2, 3)), "mV", np.arange(2.0), "v")
    assert made.population is None and made.cells is None and made.to_pandas().columns.tolist() == [0, 1, 2]


def test_segments_are_an_axis_of_their_own(cables, tmp_path):
    r = cables
    v = r["v"]
    assert v.shape == (21, 2, 4) and v[0, 1].tolist() == [-60, -61, -62, -63] and v[0, 0].tolist() == [-70] * 4
    frame = v.to_pandas()
    assert frame.columns.names == ["cell", "segment"] and frame[2, 3].iloc[0] == -63 and frame.shape == (21, 8)
    of = v.to_xarray()
    assert of.dims == ("time", "cell", "segment") and float(of.sel(cell=2, segment=1)[0]) == -61
    table = v.to_arrow().to_pandas()
    folder = r.save(tmp_path / "kept", formats=["parquet", "csv", "npy", "arrow"])
    parquet, feather = pyarrow.parquet.read_table(folder / "v.parquet").to_pandas(), pandas.read_feather(folder / "v.arrow")
    text = pandas.read_csv(folder / "v.csv")
    assert list(text.columns) == ["time (ms)", "population", "cell", "index", "segment", "value (mV)"]
    for name in ("cell", "segment"):
        for other in (parquet, feather, text):
            assert np.array_equal(other[name], table[name])
    assert np.array_equal(parquet["value"], v.reshape(-1)) and np.array_equal(feather["value"], v.reshape(-1))
    with np.load(folder / "v.npz") as npz:
        assert np.array_equal(npz["values"], v) and npz["indices"].tolist() == [1, 2]


@pytest.mark.parametrize("precision", ["f32", "f64"])
def test_recordings_are_the_same_in_every_format(tmp_path, precision):
    r = neuro.compile(source=SOURCES).run(precision=precision)
    folder = r.save(tmp_path / "kept", formats=["parquet", "csv", "npy", "arrow"])
    assert json.loads((folder / "run.json").read_text())["formats"] == ["parquet", "csv", "npy", "arrow"]
    for name, of in r.recordings.items():
        table = pyarrow.parquet.read_table(folder / f"{name}.parquet").to_pandas()
        feather = pandas.read_feather(folder / f"{name}.arrow")
        text = pandas.read_csv(folder / f"{name}.csv", dtype=str)
        assert np.array_equal(table["time"], feather["time"]) and np.array_equal(table["time"], text["time (ms)"].astype(float))
        with np.load(folder / f"{name}.npz", allow_pickle=False) as npz:
            assert np.array_equal(npz["times"], of.times) and npz["span"].tolist() == [0.0, 20.0]
            assert str(npz["variable"]) == of.variable
            if isinstance(of, neuro.Spikes):
                assert np.array_equal(npz["cells"], of.indices) and np.array_equal(npz["indices"], of.cells)
                continue
            assert np.array_equal(npz["values"], of) and str(npz["unit"]) == of.unit == "mV"
            single = precision == "f32" and name != "m"
            assert npz["values"].dtype == feather["value"].dtype == np.dtype("f4" if single else "f8")
        assert np.array_equal(feather["value"], table["value"]) and np.array_equal(text["value (mV)"].astype(float), table["value"])
    text = pandas.read_csv(folder / "a.v.5-7.csv")
    assert text["index"].tolist()[:4] == [5, 6, 7, 5] and set(text["population"]) == {"a"}
    with pytest.raises(ValueError, match="parquet, arrow, npy, csv"):
        r.save(tmp_path / "other", formats="hdf5")


def test_values_are_written_as_the_language_has_them(model):
    potential = neuro.Array(np.full(160, -0.055), "V")
    r = model.run(set={"net.exc.E_L": neuro.Number(-58.0, "mV"), "net.exc.v": potential, "net.p": 0.2, "dt": "0.05 ms"}, threads=1)
    assert r.dt == 0.05 and np.allclose(r["v"][0], -55)
    assert r.record["overrides"]["net.exc.E_L"] == "-58.0 mV"


def test_a_measure_of_several_executions_is_an_array():
    m = neuro.compile(
        source="""
experiment several {
    for k in 1 .. 3 {
        measure x = k * 2 mV
        measure y = [k, k]
        measure z = if k == 1 then 1 else 2
    }
}
"""
    )
    r = m.run()
    assert r.measures["x"].tolist() == [2, 4, 6] and r.measures["x"].unit == "mV"
    assert r.measures["y"].shape == (3, 2)


def test_imports_and_data_are_beside_the_folder_that_is_named(tmp_path, text):
    (tmp_path / "cells.neuro").write_text(text)
    source = 'use "cells.neuro": Balanced\nexperiment e { network net = Balanced(n = 10)   run 1 ms }'
    assert neuro.compile(source=source, folder=tmp_path).run().record["neurons"] == 10
    with pytest.raises(neuro.NeuroError) as e:
        neuro.compile(source=source, folder=tmp_path / "elsewhere")
    assert e.value.code == "E0209"
