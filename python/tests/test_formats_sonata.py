"""Circuits of SONATA: what is read runs as NumPy says, and what cannot be read is refused with its place."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")
pq = pytest.importorskip("pyarrow.parquet")

import circuits  # noqa: E402

import neuro.formats as formats  # noqa: E402
from neuro.formats import _sonata_files as files  # noqa: E402


@pytest.fixture
def folder(tmp_path):
    at = tmp_path / "sonata"
    at.mkdir()
    circuits.write(at)
    return at


def spikes(run, circuit):
    """All spikes by step and node id."""
    found = []
    for name, (population, ids) in circuit.nodes.items():
        if population == "V1":
            of = run.spikes[name]
            found += zip(np.rint(of.times / 0.1).astype(int).tolist(), ids[of.indices].tolist())
    return sorted(found)


@pytest.mark.parametrize("libver, options", [("latest", {}), ("earliest", {"compression": None})])
def test_a_circuit_does_what_numpy_says(tmp_path, libver, options):
    (tmp_path / "sonata").mkdir()
    x = circuits.write(tmp_path / "sonata", libver=libver, **options)
    fired, potentials = circuits.simulate(x)
    assert len(fired) > 200
    circuit = formats.read_sonata(tmp_path / "sonata" / "simulation_config.json", tmp_path / "model")
    run = circuit.compile().run()
    assert spikes(run, circuit) == sorted((int(s), int(x.ids[k])) for s, k in fired)
    # Nodes of one model of the ten that are in the set, in the order of the population.
    alpha = np.flatnonzero(x.alpha)
    rows = [k for k in alpha if k < 10]
    assert np.abs(np.asarray(run["potential"])[1:] - potentials[4::5, rows]).max() < 1e-9


def test_the_model_has_tables_of_what_the_files_have(folder, tmp_path):
    circuit = formats.read_sonata(folder / "circuit_config.json", tmp_path / "model")
    assert circuit.path == tmp_path / "model" / "circuit.neuro"
    text = circuit.path.read_text()
    assert "experiment" not in text
    x = circuits.Numbers()
    nodes = pq.read_table(tmp_path / "model" / "V1_IafPscAlpha_nodes.parquet")
    assert nodes["node_id"].to_pylist() == x.ids[x.alpha].tolist()
    assert np.array_equal(nodes["V_th"], x.V_th[x.alpha])
    assert np.array_equal(nodes["x"], x.ids[x.alpha])
    assert set(nodes["name"].to_pylist()) == {"pyramidal cell"} and set(nodes["layer"].to_pylist()) == {"four"}
    nodes = pq.read_table(tmp_path / "model" / "V1_IafPscExp_nodes.parquet")
    assert set(nodes["layer"].to_pylist()) == {"four"} and set(nodes["name"].to_pylist()) == {"basket"}
    assert circuit.nodes["LGN"][0] == "LGN" and circuit.nodes["LGN"][1].tolist() == [7, 3, 900, 12, 5]
    written = sorted(
        row
        for file in (tmp_path / "model").glob("*_to_V1_*.parquet")
        for row in zip(*(pq.read_table(file)[c].to_pylist() for c in ("source", "target", "weight", "delay")))
    )
    by = np.where(x.virtual, x.sources[x.by % 5], x.ids[x.by % x.n])
    assert written == sorted(zip(by.tolist(), x.ids[x.to].tolist(), x.weight.tolist(), x.delay.tolist()))


def test_paths_are_relative_to_the_configuration(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder.parent)
    whole = formats.read_sonata("sonata/simulation_config.json", "model")
    assert whole.path == Path("model/circuit.neuro") and whole.compile().run().complete
    # A file that names both, as those of BMTK do, and a variable that another one uses.
    (folder / "config.json").write_text('{"network": "./circuit_config.json", "simulation": "./simulation_config.json"}')
    setting(folder, "networks", "nodes", value=circuits.NETWORK["networks"]["nodes"])
    text(folder / "circuit_config.json", "${configdir}", ".")
    again = formats.read_sonata(folder / "config.json", tmp_path / "again")
    assert again.path.read_text().replace(" config.json", " simulation_config.json") == whole.path.read_text()


def test_blocks_of_any_size_come_to_the_same(folder, tmp_path, monkeypatch):
    whole = formats.read_sonata(folder / "simulation_config.json", tmp_path / "whole")
    for module in ("_sonata_files", "_sonata_edges", "_sonata_inputs"):
        monkeypatch.setattr(f"neuro.formats.{module}.BLOCK", 7)
    formats.read_sonata(folder / "simulation_config.json", tmp_path / "parts")
    files_ = sorted(f.name for f in (tmp_path / "whole").iterdir())
    assert files_ == sorted(f.name for f in (tmp_path / "parts").iterdir())
    for name in files_:
        if name.endswith(".parquet"):
            a, b = (pq.read_table(tmp_path / at / name).to_pydict() for at in ("whole", "parts"))
            assert sorted(zip(*a.values())) == sorted(zip(*b.values())), name
    assert whole.path.read_text() == (tmp_path / "parts" / "circuit.neuro").read_text()


def test_two_spikes_of_a_node_in_a_step_both_arrive(tmp_path):
    at = tmp_path / "sonata"
    at.mkdir()
    x = circuits.Numbers()
    # Five spikes that share steps: two and three of a node.
    x.times[:5], x.sender[:5] = [10.01, 10.02, 10.03, 20.01, 20.02], [1, 1, 1, 4, 4]
    circuits.write(at, x)
    circuit = formats.read_sonata(at / "simulation_config.json", tmp_path / "model")
    assert {"LGN_again", "LGN_again2"} <= set(circuit.nodes)
    fired, _ = circuits.simulate(x)
    assert spikes(circuit.compile().run(), circuit) == sorted((int(s), int(x.ids[k])) for s, k in fired)


def test_what_is_written_can_be_read_by_others(folder, tmp_path):
    circuit = formats.read_sonata(folder / "simulation_config.json", tmp_path / "model")
    run = circuit.compile().run()
    formats.write_sonata(run, tmp_path / "out", nodes=circuit.nodes)
    with h5py.File(tmp_path / "out" / "spikes.h5") as f:
        g = f["spikes/V1"]
        found = sorted(zip(np.rint(g["timestamps"][:] / 0.1).astype(int).tolist(), g["node_ids"][:].tolist()))
    assert found == spikes(run, circuit)


# What is changed in the files, and how the refusal begins and ends.
def edit(path, change):
    with h5py.File(path, "r+") as f:
        change(f)


def replaced(name, values, **options):
    def change(f):
        attributes = dict(f[name].attrs)
        del f[name]
        f.create_dataset(name, data=values, **options).attrs.update(attributes)

    return change


def cut(at):
    bytes_ = at.read_bytes()
    at.write_bytes(bytes_[: len(bytes_) // 2])


def text(path, old, new):
    before = path.read_text()
    assert old in before
    path.write_text(before.replace(old, new))


def setting(folder, *keys, value):
    path = folder / ("circuit_config.json" if keys[0] in ("networks", "components") else "simulation_config.json")
    of = whole = json.loads(path.read_text())
    for key in keys[:-1]:
        of = of[key]
    of[keys[-1]] = value
    path.write_text(json.dumps(whole))


N, E, S = "network/v1_nodes.h5", "network/edges.h5", "spikes.h5"
AT = "edges/V1_to_V1"
REFUSED = {
    "cut off": (lambda d: cut(d / E), r"edges\.h5: .*(cannot be read|is missing)"),
    "not HDF5": (lambda d: (d / N).write_bytes(b"hello"), r"v1_nodes\.h5: the file: cannot be read"),
    "empty": (lambda d: (d / N).write_bytes(b""), r"v1_nodes\.h5: the file: cannot be read"),
    "pointer": (
        lambda d: (d / N).write_text("version https://git-lfs.github.com/spec/v1\noid 1\n"),
        "pointer of Git LFS.*\n.*git lfs pull",
    ),
    "no file": (lambda d: (d / E).unlink(), r"edges\.h5: there is no such file"),
    "no nodes": (lambda d: edit(d / N, lambda f: f.pop("nodes")), r"v1_nodes\.h5: /nodes: is missing"),
    "no type ids": (lambda d: edit(d / N, lambda f: f.pop("nodes/V1/node_type_id")), r"/nodes/V1/node_type_id: is missing"),
    "no group": (lambda d: edit(d / N, lambda f: f.pop("nodes/V1/5")), r"/nodes/V1/5: is missing"),
    "two of an id": (lambda d: edit(d / N, replaced("nodes/V1/node_id", np.arange(40) % 39)), r"node_id: the node 0 is there twice"),
    "negative id": (lambda d: edit(d / N, replaced("nodes/V1/node_id", np.arange(40) - 1)), r"node_id: holds a number that is no id"),
    "numbers with a point": (lambda d: edit(d / N, replaced("nodes/V1/node_id", np.arange(40.0))), r"node_id: holds float64"),
    "other length": (lambda d: edit(d / N, replaced("nodes/V1/node_id", np.arange(39))), r"node_id: has 39 rows where 40 are needed"),
    "matrix": (lambda d: edit(d / N, replaced("nodes/V1/node_id", np.ones((40, 2), int))), r"has the shape \(40, 2\)"),
    "no number": (
        lambda d: edit(d / N, replaced("nodes/V1/0/dynamics_params/V_th", np.full(30, np.nan))),
        r"dynamics_params/V_th: row 0 is not a finite number",
    ),
    "texts": (lambda d: edit(d / E, replaced(f"{AT}/0/syn_weight", ["a"] * 400)), "syn_weight: holds .*not numbers"),
    "index": (lambda d: edit(d / E, replaced(f"{AT}/edge_group_index", np.full(400, 10**9))), "an index of 1000000000 asks for more"),
    "no such node": (
        lambda d: edit(d / E, replaced(f"{AT}/source_node_id", np.full(400, 1))),
        r"source_node_id: edge 0 has the node 1, which population `V1` does not have",
    ),
    "no population": (lambda d: edit(d / E, lambda f: f[f"{AT}/source_node_id"].attrs.clear()), "has no attribute `node_population`"),
    "other population": (
        lambda d: edit(d / E, lambda f: f[f"{AT}/source_node_id"].attrs.modify("node_population", "V2")),
        "names the population `V2`",
    ),
    "huge": (
        lambda d: edit(
            d / E, lambda f: (f.pop(f"{AT}/source_node_id"), f.create_dataset(f"{AT}/source_node_id", (2**33,), "u8", chunks=(4096,)))
        ),
        "has no attribute|has 8589934592 rows",
    ),
    "nothing written": (
        lambda d: edit(
            d / N, lambda f: (f.pop("nodes/V1/node_type_id"), f.create_dataset("nodes/V1/node_type_id", (2**24,), "u8", chunks=(4096,)))
        ),
        "has 16777216 rows and no values",
    ),
    "elsewhere": (
        lambda d: edit(d / N, lambda f: (f.pop("nodes/V1/node_id"), f["nodes/V1"].__setitem__("node_id", h5py.ExternalLink("a.h5", "/b")))),
        "node_id: is a link into another file",
    ),
    "type of edges": (lambda d: text(d / "network/edge_types.csv", "\n2 ", "\n9 "), "edge_type_id 2: is missing; edge"),
    "type of nodes": (lambda d: text(d / "network/v1_node_types.csv", "20 V1", "30 V1"), "node_type_id 20: is missing; population `V1`"),
    "type twice": (lambda d: text(d / "network/v1_node_types.csv", "20 V1", "10 V1"), "node_type_id 10: is there twice"),
    "morphology": (
        lambda d: text(d / "network/v1_node_types.csv", "point_process", "biophysical"),
        r"v1_node_types\.csv: node_type_id 20: `model_template` nest:iaf_psc_exp is not carried over",
    ),
    "compartment": (
        lambda d: text(d / "network/v1_node_types.csv", "point_process", "single_compartment"),
        "node_type_id 20: `model_type` single_compartment is a compartment",
    ),
    "unknown cell": (
        lambda d: text(d / "network/v1_node_types.csv", "nest:iaf_psc_exp", "nest:hh_psc_alpha"),
        "node_type_id 20: `model_template` nest:hh_psc_alpha is not known",
    ),
    "unknown parameter": (lambda d: text(d / "models/exp.json", "tau_m", "tau_q"), r"exp\.json: `tau_q`: is no parameter"),
    "noise": (lambda d: text(d / "models/exp.json", "0.01", "0.5"), r"exp\.json: `rho`: is no parameter"),
    "no JSON": (lambda d: (d / "models/exp.json").write_text("{"), r"exp\.json: line 1: is not JSON"),
    "synapse": (
        lambda d: text(d / "network/edge_types.csv", "nest:static", "nest:stdp"),
        "edge_type_id 2: `model_template` nest:stdp_synapse",
    ),
    "function": (lambda d: text(d / "network/edge_types.csv", "wmax", "gauss"), "edge_type_id 1: `weight_function` gauss"),
    "weight": (lambda d: text(d / "network/edge_types.csv", "40.0", "NULL"), "has no `syn_weight`, nor has its type"),
    "short delay": (lambda d: text(d / "network/edge_types.csv", "1.5", "0.01"), "has a delay of 0.01 ms, and a step is 0.1 ms"),
    "row": (
        lambda d: text(d / "network/edge_types.csv", "static.json static_synapse wmax", "static.json wmax"),
        "row 2: has 7 fields where",
    ),
    "set": (lambda d: setting(d, "inputs", "clamp", "node_set", value="none"), "there is no set of nodes `none`"),
    "loop": (lambda d: (d / "node_sets.json").write_text('{"some": ["some"]}'), r"node_sets\.json: some: is made of itself"),
    "module": (lambda d: setting(d, "inputs", "spikes", "module", value="nwb"), "inputs/spikes: `module` nwb is not carried over"),
    "voltage": (lambda d: setting(d, "inputs", "clamp", "module", value="SEClamp"), "inputs/clamp: `module` SEClamp"),
    "amplitude": (lambda d: setting(d, "inputs", "clamp", "amp", value=["a", 1]), "inputs/clamp/amp: 'a' is not a number"),
    "pairs": (lambda d: setting(d, "inputs", "clamp", "amp", value=1.0), "as many values of `amp`"),
    "variable": (lambda d: setting(d, "components", "point_neuron_models_dir", value="$NO/x"), "the variable \\$NO is not in the manifest"),
    "time": (lambda d: setting(d, "run", value={"dt": 0.1}), "run/tstop: is missing"),
    "start": (lambda d: setting(d, "run", "tstart", value=5.0), "run/tstart: is not 0"),
    "early": (lambda d: edit(d / S, replaced("spikes/LGN/timestamps", np.zeros(400))), "has a spike at 0 ms"),
    "other nodes": (
        lambda d: edit(d / S, replaced("spikes/LGN/node_ids", np.full(400, 8))),
        "node 8 is no virtual node of population `LGN`",
    ),
    "no spikes": (lambda d: edit(d / S, lambda f: f.move("spikes/LGN", "spikes/X")), r"spikes\.h5: /spikes/LGN: is missing\n.*spikes of X"),
    "minutes": (lambda d: edit(d / S, lambda f: f["spikes/LGN/timestamps"].attrs.modify("units", "min")), "timestamps: is in min"),
    "itself": (lambda d: setting(d, "network", value="simulation_config.json"), "is named by a file that it names itself"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(folder, tmp_path, what):
    change, message = REFUSED[what]
    change(folder)
    with pytest.raises(formats.FormatError, match=message) as e:
        formats.read_sonata(folder / "simulation_config.json", tmp_path / "model")
    # Nothing is left of it.
    assert [f.name for f in tmp_path.iterdir()] == ["sonata"]
    again = pickle.loads(pickle.dumps(e.value))
    assert str(again) == str(e.value) and str(folder) in str(e.value)


def test_no_byte_of_a_file_makes_another_exception(folder, tmp_path):
    draw = np.random.default_rng(3)
    of = (folder / N).read_bytes()
    refused = 0
    for k in range(60):
        bytes_ = bytearray(of)
        for at in draw.integers(0, len(of), 8):
            bytes_[at] = draw.integers(0, 256)
        (folder / N).write_bytes(bytes_[: len(of) - 200 * (k % 5 == 0)])
        shutil.rmtree(tmp_path / "model", ignore_errors=True)
        try:
            formats.read_sonata(folder / "simulation_config.json", tmp_path / "model")
        except formats.FormatError:
            refused += 1
    assert refused > 10


def test_a_folder_with_something_in_it_stays(folder, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError):
        formats.read_sonata(folder / "simulation_config.json", tmp_path / "model")
    formats.read_sonata(folder / "simulation_config.json", tmp_path / "model", overwrite=True)
    assert (tmp_path / "model" / "notes.txt").read_text() == "mine"


def one(folder, template, parameters, weights=(), simulator="NEST", inputs=None, edge="static_synapse", stop=100.0, synapse=None):
    """A cell of a kind, which a node drives at 10, 20, 30 … ms through edges of these weights, 1.5 ms later."""
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "cell.json").write_text(json.dumps(parameters))
    for name, ids in (("cell", [0]), ("source", list(range(max(1, len(weights)))))):
        with h5py.File(folder / f"{name}.h5", "w") as f:
            f[f"nodes/{name}/node_type_id"] = np.ones(len(ids), int)
            f.create_group(f"nodes/{name}/0")
    (folder / "cell.csv").write_text(f"node_type_id model_type model_template dynamics_params\n1 point_neuron {template} cell.json\n")
    (folder / "source.csv").write_text("node_type_id model_type\n1 virtual\n")
    config = {
        "target_simulator": simulator,
        "components": {"point_neuron_models_dir": "models", "synaptic_models_dir": "models"},
        "networks": {"nodes": [{"nodes_file": f"{n}.h5", "node_types_file": f"{n}.csv"} for n in ("cell", "source")], "edges": []},
        "run": {"tstop": stop, "dt": 0.1},
        "inputs": inputs or {},
    }
    if len(weights):
        with h5py.File(folder / "edges.h5", "w") as f:
            for end, population in (("source", "source"), ("target", "cell")):
                ids = np.arange(len(weights)) if end == "source" else np.zeros(len(weights), int)
                f[f"edges/e/{end}_node_id"] = ids
                f[f"edges/e/{end}_node_id"].attrs["node_population"] = population
            f["edges/e/edge_type_id"] = np.ones(len(weights), int)
            f["edges/e/0/syn_weight"] = np.array(weights, float)
        named = "NULL" if synapse is None else "synapse.json"
        (folder / "edges.csv").write_text(f"edge_type_id delay model_template dynamics_params\n1 1.5 {edge} {named}\n")
        (folder / "models" / "synapse.json").write_text(json.dumps(synapse))
        config["networks"]["edges"] = [{"edges_file": "edges.h5", "edge_types_file": "edges.csv"}]
        (folder / "spikes.csv").write_text(
            "timestamps population node_ids\n" + "".join(f"{10.0 * (k + 1)} source {k}\n" for k in range(len(weights)))
        )
        config["inputs"]["spikes"] = {"input_type": "spikes", "module": "csv", "input_file": "spikes.csv", "node_set": "source"}
    config["reports"] = {"v": {"cells": "cell", "variable_name": "v", "module": "membrane_report"}}
    (folder / "config.json").write_text(json.dumps(config))
    return folder / "config.json"


def traced(config, folder):
    run = formats.read_sonata(config, folder).compile().run()
    return run.spikes["cell"].times, np.asarray(run["v"])[:, 0]


# Cells of NEST 3.10 and PyNN 0.12 by hand: the potential is that of the equations (the peak of an alpha function is its weight).
def test_currents_of_pynn_are_those_of_nest_in_other_units(tmp_path):
    nest = {"C_m": 500.0, "tau_m": 20.0, "E_L": -65.0, "V_th": -50.0, "V_reset": -65.0, "t_ref": 0.1, "V_m": -65.0}
    nest.update(tau_syn_ex=5.0, tau_syn_in=5.0, I_e=100.0)
    a = traced(one(tmp_path / "a", "nest:iaf_psc_exp", nest, (500.0, -300.0, 900.0)), tmp_path / "x")
    pynn = {"cm": 0.5, "i_offset": 0.1}
    b = traced(one(tmp_path / "b", "pynn:IF_curr_exp", pynn, (0.5, -0.3, 0.9), "PyNN", edge="pynn:StaticSynapse"), tmp_path / "y")
    assert np.array_equal(a[0], b[0]) and np.abs(a[1] - b[1]).max() < 1e-9
    assert a[1].max() > -60


@pytest.mark.parametrize(
    "template, shape",
    [("nest:iaf_cond_exp", lambda age: np.exp(-age / 2.0)), ("nest:iaf_cond_alpha", lambda age: age / 2.0 * np.exp(1 - age / 2.0))],
)
def test_conductances_pull_as_their_equations_say(tmp_path, template, shape):
    times, v = traced(one(tmp_path / "a", template, {"V_th": 0.0, "tau_syn_ex": 2.0, "tau_syn_in": 2.0}, (20.0, -40.0)), tmp_path / "x")
    # The classical rule in steps of 1 us, of the same sum of responses.
    x, h, got = -70.0, 1e-3, [-70.0]

    def rate(t, x):
        g = [w * shape(t - at) if t >= at else 0.0 for w, at in ((20.0, 11.5), (40.0, 21.5))]
        return (16.6667 * (-70.0 - x) + g[0] * (0.0 - x) + g[1] * (-85.0 - x)) / 250.0

    for k in range(40_000):
        t = k * h
        a = rate(t, x)
        b = rate(t + h / 2, x + h / 2 * a)
        c = rate(t + h / 2, x + h / 2 * b)
        x += h / 6 * (a + 2 * b + 2 * c + rate(t + h, x + h * c))
        if (k + 1) % 100 == 0:
            got.append(x)
    assert len(times) == 0 and np.ptp(v) > 1
    assert np.abs(v[:401] - got).max() < 0.01 * np.ptp(got)


def test_an_adaptive_cell_adapts(tmp_path):
    clamp = {"c": {"input_type": "current_clamp", "module": "IClamp", "node_set": "cell", "amp": 0.8, "delay": 0.0, "duration": 300.0}}
    config = one(tmp_path / "a", "pynn:EIF_cond_exp_isfa_ista", {}, (), "PyNN", clamp, stop=300.0)
    times, _ = traced(config, tmp_path / "x")
    intervals = np.diff(times)
    assert len(times) > 5 and intervals[0] < intervals[2]
    # The same cell of NEST, in picoamperes and nanosiemens.
    nest = {"C_m": 281.0, "g_L": 281 / 9.3667, "V_reset": -70.6, "V_peak": -40.0, "t_ref": 0.1, "tau_syn_ex": 5.0, "E_in": -80.0}
    clamp["c"]["amp"] = 800.0
    other, _ = traced(one(tmp_path / "b", "nest:aeif_cond_exp", nest, (), "NEST", clamp, stop=300.0), tmp_path / "y")
    assert np.array_equal(times, other)
    # Times of SciPy, as in std.neurons.adex: cells of NEST as they are. Every reset waits for the end of its step, 0.1 ms at most.
    published = np.array([17.7195, 35.1295, 60.6618, 101.6726, 161.4113])
    default, _ = traced(one(tmp_path / "c", "nest:aeif_cond_exp", {}, (), "NEST", clamp, stop=170.0), tmp_path / "z")
    assert np.abs(np.diff(default, prepend=0) - np.diff(published, prepend=0)).max() < 0.1


def test_integrators_of_events_are_those_of_neuron(tmp_path):
    # BMTK's files of parameters are in seconds, `sign` belongs to the synapse.
    sign = {"level_of_detail": "instanteneous", "sign": -1}
    config = one(
        tmp_path / "a",
        "nrn:IntFire1",
        {"tau": 0.02, "refrac": 0.003, "type": "NEURON_IntFire1"},
        (-0.9, -0.7, -0.3),
        "NEURON",
        synapse=sign,
    )
    of = json.loads(config.read_text())
    of["reports"]["v"]["variable_name"] = "m"
    config.write_text(json.dumps(of))
    times, m = traced(config, tmp_path / "x")
    assert times.tolist() == [21.5]
    assert abs(m[214] - 0.9 * np.exp(-9.9 / 20)) < 1e-9 and m[215] == 0 and abs(m[320] - 0.3 * np.exp(-0.5 / 20)) < 1e-9


GLIF = {
    "C_m": 58.0, "g": 5.9, "E_L": -70.0, "V_th": -46.4, "V_reset": -70.0, "t_ref": 2.6, "V_m": -65.0, "tau_syn": [5.5, 8.5, 2.8],
    "after_spike_currents": True, "asc_init": [0.0, -5.0], "asc_decay": [0.1, 0.3], "asc_amps": [-37.0, -65.0], "asc_r": [1.0, 0.5],
    "spike_dependent_threshold": False, "adapting_threshold": False,
}  # fmt: skip


def test_currents_after_spikes_are_those_of_glif_cells(tmp_path):
    config = one(tmp_path / "a", "nest:glif_psc", GLIF, (300.0, -80.0, 900.0, 900.0, 900.0), synapse={"receptor_type": 3})
    times, v = traced(config, tmp_path / "x")
    # dI, I, two currents after spikes, v - E_L.
    a = np.zeros((5, 5))
    a[0, 0] = a[1, 1] = -1 / 2.8
    a[1, 0], a[2, 2], a[3, 3], a[4, 4] = 1.0, -0.1, -0.3, -5.9 / 58.0
    a[4, 1:4] = 1 / 58.0
    step, y, held, fired, got = circuits.exponential(a * 0.1), np.array([0.0, 0.0, 0.0, -5.0, 5.0]), 0, [], [-65.0]
    for k in range(1, 1001):
        before, y = y, step @ y
        if held:
            y[2:], held = before[2:], held - 1
        y[0] += {115: 300.0, 215: -80.0, 315: 900.0, 415: 900.0, 515: 900.0}.get(k, 0.0) * np.e / 2.8
        if y[4] > 23.6:
            fired.append(k)
            y[2], y[3], y[4], held = -37.0 + y[2] * np.exp(-0.26), -65.0 + 0.5 * y[3] * np.exp(-0.78), 0.0, 26
        got.append(y[4] - 70.0)
    assert len(fired) >= 3 and np.rint(times / 0.1).astype(int).tolist() == fired
    assert np.abs(v - got).max() < 1e-9


@pytest.mark.parametrize(
    "template, parameters, synapse, message",
    [
        ("nest:glif_psc", GLIF, {"receptor_type": 4}, "edge 0 has the receptor_type 4.*\\n.*one of 1 to 3"),
        ("nest:glif_psc", GLIF, None, "edge 0 has no receptor_type"),
        ("nest:glif_psc", {**GLIF, "adapting_threshold": True}, {"receptor_type": 1}, "`adapting_threshold`: is no parameter"),
        ("nest:iaf_psc_exp", {}, {"receptor_type": 1}, "edge 0 has the receptor_type 1.*\\n.*sign of the weight"),
        ("nest:iaf_psc_exp", {}, {"tau_rec": 800.0}, "synapse.json: `tau_rec`: 800.0 of a synapse is not carried over"),
    ],
)
def test_ports_and_parameters_that_are_not_there(tmp_path, template, parameters, synapse, message):
    with pytest.raises(formats.FormatError, match=message):
        formats.read_sonata(one(tmp_path / "a", template, parameters, (1.0,), synapse=synapse), tmp_path / "x")


def test_a_current_from_a_table(tmp_path):
    clamp = {"c": {"input_type": "csv", "module": "IClamp", "node_set": "cell", "file": "amps.csv"}}
    config = one(tmp_path / "a", "nest:iaf_psc_delta", {"V_th": 0.0}, (), "NEST", clamp)
    (tmp_path / "a" / "amps.csv").write_text("timestamps amps\n10.0 50\n20.0 100\n30.0 0.0\n")
    _, v = traced(config, tmp_path / "x")
    assert abs(v[200] - (-70 + 2 * (1 - np.exp(-1)))) < 1e-9
    assert abs(v[300] - (-70 + 4 * (1 - np.exp(-1)) + 2 * (1 - np.exp(-1)) * np.exp(-1))) < 1e-9


def test_currents_of_electrodes(tmp_path):
    clamp = {"c": {"input_type": "current_clamp", "module": "IClamp", "electrode_file": "where.csv", "input_file": "what.csv"}}
    config = one(tmp_path / "a", "nest:iaf_psc_delta", {"V_th": 0.0}, (), "NEST", clamp)
    where, what = tmp_path / "a" / "where.csv", tmp_path / "a" / "what.csv"
    where.write_text("electrode_id node_id population sec_id seg_x\n4 0 cell 0 0.5\n")
    what.write_text("electrode_id dur amp delay\n4 10 50 10.0\n4 5 25 15\n")
    _, v = traced(config, tmp_path / "x")
    half = 2 * (1 - np.exp(-0.5))
    assert abs(v[150] - (-70 + half)) < 1e-9 and abs(v[200] - (-70 + half * np.exp(-0.5) + 1.5 * half)) < 1e-9
    assert abs(v[300] - (-70 + (half * np.exp(-0.5) + 1.5 * half) * np.exp(-1))) < 1e-9
    for file, text_, message in (
        (what, "electrode_id dur amp delay\n5 10 50 10.0\n", "electrode_id 5: is not in"),
        (what, "electrode_id dur amp delay\n4 10 x 10.0\n", "electrode_id 4: `amp` is x, not a number"),
        (what, "electrode_id dur delay\n4 10 10.0\n", "header: there is no column `amp`"),
        (where, "electrode_id node_id population\n4 9 cell\n", "electrode_id 4: there is no node 9 in population `cell`"),
    ):
        file.write_text(text_)
        with pytest.raises(formats.FormatError, match=message):
            formats.read_sonata(config, tmp_path / "y")
        what.write_text("electrode_id dur amp delay\n4 10 50 10.0\n")


def test_spikes_of_nodes_that_are_not_there_are_told(folder, tmp_path):
    with h5py.File(folder / S, "r+") as f:
        f["spikes/LGN/node_ids"][3] = 4
    notes = formats.read_sonata(folder / "simulation_config.json", tmp_path / "model").notes
    assert "spikes.h5 has 1 spikes of nodes that `LGN` does not have" in notes
    assert any("after the end of the run" in n for n in notes) and any("v_init" in n for n in notes)


def test_columns_of_tables_of_types():
    assert files.BLOCK >= 1 << 16
    assert circuits.table("  a   b \n 1   2 ") == "a b\n1 2\n"
