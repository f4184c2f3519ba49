"""What a run has recorded, written as SONATA, NWB and Neo and read back by the packages of these formats."""

import builtins
import sys
from datetime import datetime, timezone

import numpy as np
import pytest

import neuro
import neuro.formats as formats
from neuro.formats._recorded import recorded
from neuro.formats._units import si

MORE = """
experiment more {
    network net = Balanced()
    record net.exc[2..80].spike   record net.exc[[87, 99]].spike
    record net.exc[[3, 8]].v every 1 ms as chosen
    record net.exc[4..6].g_exc every 1 ms
    record mean(net.exc.v) every 1 ms as average
    record net.inh.v every 0.5 ms during 20 ms .. 40 ms as late
    run 100 ms
}
"""


@pytest.fixture
def run(text):
    return neuro.compile(source=text).run("activity", set={"duration": "50 ms"}, seed=3)


@pytest.fixture
def parts(text):
    return neuro.compile(source=text + MORE).run("more", precision="f64")


def test_cells_are_those_of_the_population(run, parts):
    assert [(i.name, i.population, i.variable, len(i.cells)) for i in recorded(run)] == [
        ("exc.spike", "exc", "spike", 160),
        ("inh.spike", "inh", "spike", 40),
        ("exc.v.0-2", "exc", "v", 3),
        ("potential", "exc", "v", 160),
    ]
    pytest.importorskip("pyarrow")
    found = {i.name: (i.population, i.variable, None if i.nodes is None else i.nodes.tolist()) for i in recorded(parts)}
    assert found["exc.spike.2-79"] == ("exc", "spike", list(range(2, 80))) and found["exc.spike.2-chosen"] == ("exc", "spike", [87, 99])
    assert found["chosen"] == ("exc", "v", [3, 8]) and found["exc.g_exc.4-5"] == ("exc", "g_exc", [4, 5])
    assert found["average"] == ("exc", "v", None) and found["late"][:2] == ("inh", "v")
    ids = np.arange(160) * 10 + 7
    given = {i.name: i for i in recorded(parts, {"exc": ("V1", ids), "inh": list(range(40))})}
    assert given["chosen"].population == "V1" and given["chosen"].nodes.tolist() == [37, 87]
    with pytest.raises(ValueError, match="more cells than the 5 ids"):
        recorded(parts, {"exc": range(5)})
    with pytest.raises(ValueError, match="whole numbers"):
        recorded(parts, {"exc": [0.5] * 160})
    with pytest.raises(TypeError, match="a run or a simulation"):
        recorded(3)


def test_sonata_spikes_and_reports_have_every_bit(run, tmp_path):
    h5py = pytest.importorskip("h5py")
    written = formats.write_sonata(run, tmp_path / "out")
    assert [p.name for p in written] == ["spikes.h5", "exc.v.0-2.h5", "potential.h5"]
    with h5py.File(tmp_path / "out" / "spikes.h5") as f:
        assert f.attrs["magic"] == 0x0A7A and f.attrs["version"].tolist() == [0, 1]
        assert set(f["spikes"]) == {"exc", "inh"}
        for name in ("exc", "inh"):
            of, g = run.spikes[name], f["spikes"][name]
            assert h5py.check_enum_dtype(g.attrs.get_id("sorting").dtype) == {"none": 0, "by_id": 1, "by_time": 2}
            assert g.attrs["sorting"] == 2 and g["timestamps"].attrs["units"] == "ms"
            assert g["timestamps"].dtype == "f8" and g["node_ids"].dtype == "u8"
            assert np.array_equal(g["timestamps"], of.times) and len(of.times) > 10
            assert sorted(zip(g["timestamps"], g["node_ids"])) == sorted(zip(of.times, of.indices))
    with h5py.File(tmp_path / "out" / "potential.h5") as f:
        g, of = f["report/exc"], run["potential"]
        assert np.array_equal(g["data"][:].astype(float), of) and g["data"].attrs["units"] == "mV"
        m = g["mapping"]
        assert m["node_ids"][:].tolist() == list(range(160)) and m["node_ids"].attrs["sorted"] == 1
        assert m["index_pointers"][:].tolist() == list(range(161)) and len(m["element_ids"]) == len(m["element_pos"]) == 160
        assert m["time"][:].tolist() == [0.0, 51.0, 1.0] and m["time"].attrs["units"] == "ms"
    with pytest.raises(FileExistsError):
        formats.write_sonata(run, tmp_path / "out")
    formats.write_sonata(run, tmp_path / "out", overwrite=True, sort="by_id", nodes={"exc": range(500, 660)})
    with h5py.File(tmp_path / "out" / "spikes.h5") as f:
        ids = f["spikes/exc/node_ids"][:]
        assert f["spikes/exc"].attrs["sorting"] == 1 and (np.diff(ids.astype(int)) >= 0).all() and ids.min() >= 500
        assert sorted(zip(f["spikes/exc/timestamps"], ids - 500)) == sorted(zip(run.spikes["exc"].times, run.spikes["exc"].indices))


def test_sonata_of_parts_in_a_file(parts, tmp_path):
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("pyarrow")
    with pytest.raises(ValueError, match="one report of a population"):
        formats.write_sonata(parts, tmp_path / "all.h5")
    assert list(tmp_path.iterdir()) == []
    formats.write_sonata(parts, tmp_path / "out")
    with h5py.File(tmp_path / "out" / "spikes.h5") as f:
        # Two parts of a population, without a cell in common, are its spikes.
        a, b = parts.spikes["exc.spike.2-79"], parts.spikes["exc.spike.2-chosen"]
        expected = sorted([*zip(a.times, a.indices + 2), *zip(b.times, np.array([87, 99])[b.indices])])
        assert sorted(zip(f["spikes/exc/timestamps"], f["spikes/exc/node_ids"])) == expected and len(expected) > 10
    with h5py.File(tmp_path / "out" / "late.h5") as f:
        assert np.array_equal(f["report/inh/data"], parts["late"]) and f["report/inh/data"].dtype == "f8"
        assert np.allclose(f["report/inh/mapping/time"], [parts["late"].times[0], parts["late"].times[-1] + 0.5, 0.5])


def test_libsonata_reads_it(run, tmp_path):
    libsonata = pytest.importorskip("libsonata")
    formats.write_sonata(run, tmp_path / "out")
    of = libsonata.SpikeReader(str(tmp_path / "out" / "spikes.h5"))["exc"]
    assert sorted((t, i) for i, t in of.get()) == sorted(zip(run.spikes["exc"].times.tolist(), run.spikes["exc"].indices.tolist()))
    report = libsonata.SomaReportReader(str(tmp_path / "out" / "exc.v.0-2.h5"))["exc"]
    assert np.allclose(report.get().data, run["exc.v.0-2"], atol=1e-5) and report.data_units == "mV"


def test_a_simulation_is_written_as_it_is(text, tmp_path):
    h5py = pytest.importorskip("h5py")
    sim = neuro.compile(source=text).instantiate("Balanced", n=50, seed=2, record=["exc.spike", "exc[0..2].v every 1 ms"])
    sim.step(300)
    formats.write_sonata(sim, tmp_path / "both.h5")
    with h5py.File(tmp_path / "both.h5") as f:
        assert np.array_equal(f["spikes/exc/timestamps"], sim.spikes["exc"].times)
        assert f["report/exc/data"].shape == (31, 2)


def test_nwb_keeps_times_cells_and_units(run, text, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    path = formats.write_nwb(run, tmp_path / "run.nwb", start=datetime(2026, 1, 31, tzinfo=timezone.utc))
    assert not pynwb.validate(path=str(path))
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        nwb = io.read()
        units = nwb.units.to_dataframe()
        assert nwb.units.resolution == 1e-4 and len(units) == 200
        for name in ("exc", "inh"):
            for cell, times in enumerate(run.spikes[name].trains()):
                (row,) = units[(units.population == name) & (units.cell == cell)].itertuples()
                assert np.array_equal(row.spike_times, times / 1000) and row.event == "spike"
                assert row.obs_intervals.tolist() == [[0.0, 0.05]]
        series = nwb.acquisition["potential"]
        assert series.unit == "volts" and series.conversion == 1e-3 and series.rate == 1000.0 and series.starting_time == 0.0
        assert np.array_equal(series.data[:], run["potential"]) and "exc" in series.description
        columns = nwb.processing["misc"]["columns"].to_dataframe()
        mine = columns[columns.series == "exc.v.0-2"]
        assert mine.cell.tolist() == [0, 1, 2] and set(mine.population) == {"exc"} and set(mine.variable) == {"v"}
        assert "seed: 3\n" in nwb.notes and "precision: f32\n" in nwb.notes and '"duration": "50 ms"' in nwb.notes
        assert run.record["sources"][0]["text"].rstrip() in nwb.notes
        assert nwb.source_script == run.record["sources"][0]["text"] and nwb.session_start_time.year == 2026
        identifier = nwb.identifier
    with pytest.raises(FileExistsError):
        formats.write_nwb(run, path)
    with pytest.raises(ValueError, match="time zone"):
        formats.write_nwb(run, tmp_path / "b.nwb", start=datetime(2026, 1, 31))
    assert sorted(f.name for f in tmp_path.iterdir()) == ["run.nwb"]
    formats.write_nwb(run, path, overwrite=True, nodes={"exc": range(1000, 1160)})
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        nwb = io.read()
        assert nwb.identifier == identifier and nwb.units["cell"][5] == 1005
    formats.write_nwb(neuro.compile(source=text).run("activity", set={"duration": "50 ms"}, seed=4), path, overwrite=True)
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        assert io.read().identifier != identifier


def test_nwb_inspector_finds_nothing_that_is_against_the_standard(run, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    inspector = pytest.importorskip("nwbinspector")
    subject = pynwb.file.Subject(subject_id="model", species="Mus musculus", sex="U", age="P60D")
    people = {"experimenter": ["Doe, Jane"], "institution": "Institute"}
    path = formats.write_nwb(run, tmp_path / "run.nwb", subject=subject, **people)
    found = [m for m in inspector.inspect_nwbfile(nwbfile_path=str(path))]
    # There are more cells than moments, which is taken for the axes the wrong way round.
    found = [m for m in found if m.check_function_name != "check_data_orientation"]
    assert not [m for m in found if m.importance.value > inspector.Importance.BEST_PRACTICE_SUGGESTION.value], found


def test_neo_has_a_train_for_each_cell_and_signals_with_units(run, parts):
    pytest.importorskip("neo")
    pytest.importorskip("pyarrow")
    block = formats.to_neo(run)
    (segment,) = block.segments
    assert block.annotations["experiment"] == "activity" and segment.annotations["seed"] == 3 and segment.annotations["dt_ms"] == 0.1
    assert len(segment.spiketrains) == 200
    trains = {(t.annotations["population"], t.annotations["cell"]): t for t in segment.spiketrains}
    for name in ("exc", "inh"):
        for cell, times in enumerate(run.spikes[name].trains()):
            train = trains[name, cell]
            assert np.array_equal(train.magnitude, times) and str(train.units.dimensionality) == "ms"
            assert float(train.t_start) == 0 and float(train.t_stop) == 50
    signal = next(s for s in segment.analogsignals if s.name == "potential")
    assert np.array_equal(signal.magnitude, run["potential"]) and str(signal.units.dimensionality) == "mV"
    assert float(signal.sampling_period) == 1 and signal.array_annotations["cell"].tolist() == list(range(160))
    two = formats.to_neo([run, parts], nodes={"exc": range(100, 260)})
    assert [len(s.spiketrains) for s in two.segments] == [200, 80]
    of = {s.name: s for s in two.segments[1].analogsignals}
    assert of["chosen"].array_annotations["cell"].tolist() == [103, 108] and float(of["late"].t_start) == parts["late"].times[0]
    assert np.allclose(of["exc.g_exc.4-5"].rescale("S").magnitude, parts["exc.g_exc.4-5"] * 1e-9)
    assert of["average"].shape == (101, 1)


def test_segments_are_elements_of_reports_and_columns_of_signals(cables, tmp_path):
    h5py = pytest.importorskip("h5py")
    pytest.importorskip("neo")
    r = cables
    reports = [p for p in formats.write_sonata(r, tmp_path / "sonata") if "spikes" not in p.name]
    with h5py.File(reports[0]) as f:
        of = f["report/cell"]
        assert np.array_equal(of["data"], r["v"].reshape(21, 8)) and of["mapping/node_ids"][:].tolist() == [1, 2]
        assert of["mapping/index_pointers"][:].tolist() == [0, 4, 8] and of["mapping/element_ids"][:].tolist() == [0, 1, 2, 3] * 2
    (signal,) = formats.to_neo(r).segments[0].analogsignals
    assert signal.shape == (21, 8) and np.array_equal(signal.magnitude, r["v"].reshape(21, 8))
    assert signal.array_annotations["cell"].tolist() == [1] * 4 + [2] * 4
    assert signal.array_annotations["segment"].tolist() == [0, 1, 2, 3] * 2


def test_values_in_units_that_quantities_does_not_know():
    pytest.importorskip("neo")

    class Made:
        recordings = {"exc.q": neuro.Recording(np.full((3, 2), 2.0), "fC", np.array([0.0, 1.0, 5.0]), "exc.q")}
        spikes, seed, dt = {}, 1, 0.1

    (signal,) = formats.to_neo(Made()).segments[0].irregularlysampledsignals
    assert np.allclose(signal.rescale("C").magnitude, 2e-15) and signal.times.magnitude.tolist() == [0.0, 1.0, 5.0]


def test_elephant_finds_the_rates(run):
    pytest.importorskip("neo")
    statistics = pytest.importorskip("elephant.statistics")
    trains = [t for t in formats.to_neo(run).segments[0].spiketrains if t.annotations["population"] == "exc"]
    rates = [float(statistics.mean_firing_rate(t).rescale("Hz")) for t in trains]
    assert np.allclose(rates, run.spikes["exc"].rates()) and max(rates) > 0


def test_units_of_quantities():
    pytest.importorskip("quantities")
    from neuro.formats.neo import _quantity

    for unit, factor, called in (("nS", 1.0, "nS"), ("fC", 1e-15, "C"), ("GOhm", 1e9, "ohm"), ("mV/sqrt(ms)", 1.0, "mV/ms**0.5")):
        of, by = _quantity(unit)
        assert (by, str(of.dimensionality)) == (factor, called)
    with pytest.raises(ValueError, match="no unit like apples"):
        _quantity("apples")


def test_units_in_si():
    assert si("mV") == (1e-3, "volts") and si("pA") == (1e-12, "amperes") and si("nS") == (1e-9, "siemens")
    assert si("mV/ms") == (1.0, "V/s") and si("1/ms") == (1e3, "1/s") and si("pA*ms") == (1e-15, "A*s")
    assert si("1") == (1.0, "n.a.") and si("apples") == (1.0, "apples") and si("mV^2") == (1e-6, "V^2")
    assert si("MOhm") == (1e6, "ohms") and si("uF/cm^2") == (1e-2, "F/m^2") and si("kHz") == (1e3, "hertz")


@pytest.mark.parametrize("package", ["h5py", "pynwb", "neo"])
def test_a_package_that_is_not_there_is_named(run, tmp_path, monkeypatch, package):
    real = builtins.__import__

    def without(name, *args, **more):
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **more)

    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(builtins, "__import__", without)
    calls = {
        "h5py": lambda: formats.write_sonata(run, tmp_path / "x"),
        "pynwb": lambda: formats.write_nwb(run, tmp_path / "x.nwb"),
        "neo": lambda: formats.to_neo(run),
    }
    with pytest.raises(ModuleNotFoundError, match=rf"`{package}` is needed.*pip install 'neuro-lang\[formats\]'"):
        calls[package]()
    assert list(tmp_path.iterdir()) == []
