"""Circuits of SONATA whose cells have a morphology: where synapses sit, what they do, and what is refused."""

import json
import os
import shutil

import numpy as np
import pytest

h5py = pytest.importorskip("h5py")
pq = pytest.importorskip("pyarrow.parquet")

import neuro.formats as formats  # noqa: E402
from neuro.formats._sonata_shape import Shape  # noqa: E402

if "NEURO" not in os.environ and shutil.which("neuro") is None:
    pytest.skip("mechanisms are carried over by the program `neuro`", allow_module_level=True)

#: A soma, an axon that is cut off, a dendrite of 50 um that forks into 30 um and 90 um, and an apical one of 45 um on the soma.
SHAPE = """\
# id type x y z radius parent
1 1 0 0 0 10 -1
2 2 0 -10 0 1 1
3 2 0 -200 0 1 2
4 3 10 0 0 1 1
5 3 60 0 0 1 4
6 3 90 0 0 0.5 5
7 3 60 90 0 0.5 5
8 4 0 10 0 1 1
9 4 0 55 0 1 8
"""
MECHANISM = """\
NEURON { SUFFIX Kx  USEION k READ ek WRITE ik  RANGE gbar }
UNITS { (S) = (siemens) (mV) = (millivolt) (mA) = (milliamp) }
PARAMETER { gbar = 0.001 (S/cm2) }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) }
STATE { n }
BREAKPOINT { SOLVE states METHOD cnexp  ik = gbar*n*(v - ek) }
DERIVATIVE states { n' = (1/(1 + exp(-(v + 40)/5)) - n)/2 }
INITIAL { n = 1/(1 + exp(-(v + 40)/5)) }
"""
CELL = """\
<neuroml><cell id="x"><biophysicalProperties id="b"><membraneProperties>
<channelDensity id="k" segmentGroup="soma" ion="k" ionChannel="Kx" erev="-90 mV" condDensity="0.0001 S_per_cm2"/>
<channelDensity id="leak" segmentGroup="all" ion="non_specific" ionChannel="pas" erev="-70 mV" condDensity="0.0001 S_per_cm2"/>
<specificCapacitance segmentGroup="all" value="1.0 uF_per_cm2"/>
</membraneProperties><intracellularProperties><resistivity segmentGroup="all" value="150 ohm_cm"/></intracellularProperties>
</biophysicalProperties></cell></neuroml>
"""
NETWORK = {
    "components": {k: "parts" for k in ("morphologies_dir", "biophysical_neuron_models_dir", "mechanisms_dir", "synaptic_models_dir")},
    "networks": {
        "nodes": [{"nodes_file": "nodes.h5", "node_types_file": "node_types.csv"}],
        "edges": [{"edges_file": "edges.h5", "edge_types_file": "edge_types.csv"}],
    },
    "run": {"tstop": 60.0, "dt": 0.025, "dL": 20.0, "spike_threshold": -20},
    "target_simulator": "NEURON",
    "conditions": {"celsius": 34.0, "v_init": -70.0},
    "inputs": {"in": {"input_type": "spikes", "module": "h5", "input_file": "spikes.h5", "node_set": {"population": "outside"}}},
    "reports": {
        "potential": {"cells": {"population": "cells"}, "variable_name": "v", "module": "membrane_report", "sections": "soma"},
        "field": {"cells": {"population": "cells"}, "variable_name": "v", "module": "extracellular"},
    },
}


def write(at, places):
    """A circuit: a cell for each place (section, along it), with one synapse there."""
    (at / "parts").mkdir(parents=True)
    (at / "parts" / "form.swc").write_text(SHAPE)
    (at / "parts" / "Kx.mod").write_text(MECHANISM)
    (at / "parts" / "cell.nml").write_text(CELL)
    (at / "parts" / "ampa.json").write_text(json.dumps({"level_of_detail": "exp2syn", "tau1": 1.0, "tau2": 3.0, "erev": 0.0}))
    (at / "config.json").write_text(json.dumps(NETWORK))
    node_types = ["node_type_id model_type model_template morphology model_processing", "1 biophysical nml:cell.nml form aibs_perisomatic"]
    (at / "node_types.csv").write_text("\n".join([*node_types, "2 virtual NULL NULL NULL"]) + "\n")
    edge_types = "edge_type_id delay syn_weight dynamics_params model_template\n5 1.0 0.001 ampa.json Exp2Syn\n"
    (at / "edge_types.csv").write_text(edge_types)
    n = len(places)
    with h5py.File(at / "nodes.h5", "w") as f:
        for name, count, kind in (("cells", n, 1), ("outside", 1, 2)):
            f[f"nodes/{name}/node_type_id"] = np.full(count, kind)
            f[f"nodes/{name}/node_id"] = np.arange(count)
            f.create_group(f"nodes/{name}/0")
    with h5py.File(at / "edges.h5", "w") as f:
        of = f.create_group("edges/e")
        for end, population, ids in (("source", "outside", np.zeros(n, int)), ("target", "cells", np.arange(n))):
            of[f"{end}_node_id"] = ids
            of[f"{end}_node_id"].attrs["node_population"] = population
        of["edge_type_id"] = np.full(n, 5)
        of["0/sec_id"], of["0/sec_x"] = np.array([p[0] for p in places]), np.array([p[1] for p in places])
    with h5py.File(at / "spikes.h5", "w") as f:
        f["spikes/outside/node_ids"], f["spikes/outside/timestamps"] = np.array([0]), np.array([10.0])


#: The soma; the dendrite near and far; its two branches; the apical dendrite; the second section of the stub.
PLACES = [(0, 0.5), (1, 0.1), (1, 1.0), (2, 0.5), (3, 0.95), (4, 0.5), (6, 1.0)]


def test_sections_are_those_of_neuron(tmp_path):
    (tmp_path / "form.swc").write_text(SHAPE)
    segments = Shape(tmp_path / "form.swc", True).segments(20.0)
    # Basal: 50 um in three segments, 30 um in two, 90 um in five; the stub of 60 um in three.
    assert [segments.at(*p) for p in PLACES] == [
        ("soma", 0),
        ("basal", 0),
        ("basal", 2),
        ("basal", 4),
        ("basal", 9),
        ("apical", 1),
        ("axon", 2),
    ]
    assert segments.at(7, 0.5) is None and segments.at(1, 1.5) is None
    whole = Shape(tmp_path / "form.swc", False).segments(20.0)
    assert whole.at(1, 0.5) == ("axon", 5) and whole.at(2, 0.1) == ("basal", 0)


def test_synapses_act_where_they_sit(tmp_path):
    write(tmp_path / "sonata", PLACES)
    circuit = formats.read_sonata(tmp_path / "sonata" / "config.json", tmp_path / "model")
    assert circuit.notes == ("report `field` is left out: potentials outside of cells are not computed",)
    text = circuit.path.read_text()
    assert 'swc("form.swc") segmented every 20 um' in text and "channel k: Kx(g_max = 0.0001 S/cm^2, E_K = -90 mV) in soma" in text
    run = circuit.compile().run()
    v = np.asarray(run["potential"])
    high = v.max(axis=0)
    # A synapse on the soma does most, and less the farther it is.
    assert (high > -69.9).all() and np.argmax(high) == 0
    assert high[1] > high[2] > high[3] and high[2] > high[4]
    assert np.abs(v[: int(10 / 0.025)].max(axis=0) - v[: int(10 / 0.025)].min(axis=0)).max() < 0.5


def test_a_current_enters_the_soma(tmp_path):
    write(tmp_path / "sonata", [(0, 0.5)])
    clamp = {
        "input_type": "current_clamp",
        "module": "IClamp",
        "node_set": {"population": "cells"},
        "amp": 0.05,
        "delay": 20.0,
        "duration": 20.0,
    }
    config = {**NETWORK, "inputs": {"clamp": clamp}}
    (tmp_path / "sonata" / "config.json").write_text(json.dumps(config))
    circuit = formats.read_sonata(tmp_path / "sonata" / "config.json", tmp_path / "model")
    v = np.asarray(circuit.compile().run()["potential"])[:, 0]
    before, during, after = v[790], v[1590], v[2390]
    assert during > before + 2.0 and after < during - 1.0


@pytest.mark.parametrize(
    "break_, message",
    [
        (
            lambda d: edit(d / "node_types.csv", "nml:cell.nml", "ctdb:Biophys1.hoc"),
            r"node_type_id 1: `model_template` ctdb:Biophys1.hoc is not",
        ),
        (
            lambda d: edit(d / "node_types.csv", "aibs_perisomatic", "aibs_allactive"),
            r"`model_processing` aibs_allactive is not carried over",
        ),
        (lambda d: edit(d / "edge_types.csv", "Exp2Syn", "stp2syn"), r"edge_type_id 5: `model_template` stp2syn is a synapse"),
        (lambda d: edit(d / "parts/ampa.json", '"erev"', '"e"'), r"ampa.json: `e` of a synapse is not carried over"),
        (lambda d: edit(d / "parts/cell.nml", 'ionChannel="Kx"', 'ionChannel="Ky"'), r"the mechanism `Ky` is not in `mechanisms_dir`"),
        (
            lambda d: edit(d / "parts/cell.nml", "0.0001 S_per_cm2", "0.0001 S_per_m"),
            r"channelDensity k: `condDensity` is 0.0001 S_per_m, no",
        ),
        (lambda d: edit(d / "parts/Kx.mod", "SOLVE", "VERBATIM\nx = 1;\nENDVERBATIM\nSOLVE"), r"Kx.mod: cannot be carried over"),
        (lambda d: edit(d / "parts/form.swc", "4 3 10", "4 1 10"), r"form.swc: has 2 samples of a soma"),
        (lambda d: edit(d / "parts/form.swc", "0.5 5\n8", "0.5 3\n8"), r"form.swc: sample 7: hangs on sample 3, which is not there"),
        (lambda d: lose(d / "edges.h5", "edges/e/0/sec_x"), r"edge 0 has no `sec_id` and `sec_x`"),
    ],
)
def test_what_is_not_carried_over_is_told_with_its_place(tmp_path, break_, message):
    write(tmp_path / "sonata", PLACES)
    break_(tmp_path / "sonata")
    with pytest.raises(formats.FormatError, match=message):
        formats.read_sonata(tmp_path / "sonata" / "config.json", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_place_that_is_not_there(tmp_path):
    write(tmp_path / "sonata", [(7, 0.5)])
    with pytest.raises(formats.FormatError, match=r"edge 0 is at 0.5 of section 7, which its cell does not have"):
        formats.read_sonata(tmp_path / "sonata" / "config.json", tmp_path / "model")


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def lose(path, name):
    with h5py.File(path, "a") as f:
        del f[name]
