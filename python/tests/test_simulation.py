"""Networks that are stepped, read and changed from Python."""

import gc
import os
import threading

import numpy as np
import pytest

import neuro


@pytest.fixture
def sim(model):
    return model.instantiate("Balanced", n=50, record=["exc.spike", "exc[0..2].v every 1 ms"])


def test_steps_are_those_of_a_run(model):
    r = model.run(set={"net.n": 50}, seed=4)
    sim = model.instantiate("Balanced", n=50, seed=4, record="exc.spike")
    for _ in range(10):
        sim.step(100)
    assert sim.t == 100 and sim.dt == 0.1 and sim.seed == 4
    times, cells = sim.spikes["exc"]
    assert len(times) > 10 and np.array_equal(times, r.spikes["exc"].times) and np.array_equal(cells, r.spikes["exc"].indices)
    assert np.array_equal(sim.exc.v, r.measures["last"])


def test_what_there_is(sim):
    assert list(sim.populations) == ["exc", "inh"] and list(sim.projections) == ["ff", "fb"]
    assert len(sim.exc) == 40 and sim.exc.shape == (40,) and sim.exc.events == ["spike"]
    assert sim.exc.variables["v"] == ("state", "mV") and sim.fb.variables["w"] == ("weight", "nS")
    assert "50 neurons" in repr(sim) and "state v (mV)" in repr(sim.exc) and sim["exc"] is sim.exc
    assert {"exc", "fb"} <= set(dir(sim)) and "v" in dir(sim.exc)
    assert sim.exc.v.shape == (40,) and sim.exc.v.unit == "mV" and isinstance(sim.exc.v, np.ndarray)
    assert sim.value("mean(net.exc.v)").unit == "mV" and sim.value("len(net.exc.v)") == 40
    assert len(sim.ff) == sim.ff.w.size and sim.ff.w.unit == "nS" and (sim.ff.w == 6).all()
    assert sim.fb.matrix().shape == (40, 10) and np.count_nonzero(sim.fb.matrix()) == len(sim.fb)


def test_assignments(sim):
    sim.exc.v = -55
    assert (sim.exc.v == -55).all()
    sim.exc.v = "-0.056 V"
    assert np.allclose(sim.exc.v, -56)
    sim.exc.v = np.linspace(-60, -51, 40)
    assert np.allclose(sim.exc.v, np.linspace(-60, -51, 40), atol=1e-5)
    before = np.asarray(sim.exc.v).copy()
    sim.exc.v[3:6] = -70
    assert (sim.exc.v[3:6] == -70).all()
    v = sim.exc.v
    v[[1, 10]] = [-71, -72]
    assert (v[1], v[10]) == (-71, -72) and (sim.exc.v[1], sim.exc.v[10]) == (-71, -72)
    v[before > -52] = "-73 mV"
    assert (sim.exc.v[before > -52] == -73).all()
    v[-1] = -74
    assert sim.exc.v[39] == -74
    # The others are as they were, bit for bit.
    others = np.setdiff1d(np.flatnonzero(before <= -52), [1, 3, 4, 5, 10, 39])
    assert np.array_equal(sim.exc.v[others], before[others])
    sim.exc.I[:] = 100
    sim.exc.I += 5
    assert (sim.exc.I == 105).all()
    sim.exc.C_m = "250 pF"
    assert (sim.exc.C_m == 250).all()
    with pytest.raises(ValueError):
        np.asarray(sim.exc.v)[0] = 1


def test_an_input_changes_what_happens(sim):
    sim.run(20)
    calm = len(sim.spikes["exc"].times)
    sim.forget_recorded()
    sim.exc.I = np.full(40, 20000.0)
    sim.run("20 ms")
    assert sim.t == 40 and len(sim.exc.spikes.times) > 2 * calm and sim.exc.spikes.times.min() > 20
    assert sim.recordings["v"].times[0] > 20


def test_weights(sim):
    before = sim.fb.w
    sim.fb.w = before * 2
    assert np.array_equal(sim.fb.w, 2 * np.asarray(before))
    sim.fb.w[3] = 1
    assert sim.fb.w[3] == 1 and sim.fb.w[4] == 134
    matrix = np.asarray(sim.fb.matrix())
    sim.fb.w = matrix * 0.5
    assert np.array_equal(sim.fb.matrix(), matrix * 0.5)


def test_save_and_load(sim, model, tmp_path):
    sim.run(10)
    kept = sim.snapshot()
    saved = sim.save(tmp_path / "net.state")
    sim.run(20)
    after = np.asarray(sim.exc.v)
    sim.restore(kept)
    assert sim.t == 10
    sim.run(20)
    assert sim.t == 30 and np.array_equal(sim.exc.v, after)
    other = model.instantiate("Balanced", n=50)
    other.load(saved)
    other.run(20)
    assert np.array_equal(other.exc.v, after)
    with pytest.raises(neuro.NeuroError, match="does not fit the network"):
        model.instantiate("Balanced", n=60).load(saved)


def test_weights_in_files_of_others(tmp_path):
    m = neuro.compile(source=LEARNING)
    sim = m.instantiate("Net")
    sim.link.w = np.arange(6.0)
    saved = sim.save(tmp_path / "w.npz")
    assert np.load(saved)["link.w"].reshape(-1).tolist() == [0, 1, 2, 3, 4, 5]
    other = m.instantiate("Net")
    other.load(saved)
    assert np.array_equal(other.link.w, np.arange(6.0))


LEARNING = """
neuron In { state r = 1 }
neuron Out { input x: 1 = 0   let y = x }
synapse Rule { weight w: 1   on learn { w += 0.5 * pre.r }   deliver pre.r * w }
network Net {
    population a: In[2]
    population b: Out[3]
    projection link: a -> b.x: Rule { connect all_to_all   weight 0 }
}
"""


def test_signals_and_reset(sim):
    with pytest.raises(neuro.NeuroError, match="nobody|none of these waits"):
        sim.signal("learn")
    begun = np.asarray(sim.exc.v).copy()
    sim.run(5)
    assert not np.array_equal(sim.exc.v, begun)
    sim.reset()
    assert np.array_equal(sim.exc.v, begun)
    sim.exc.v = -51
    sim.exc.reset()
    assert np.array_equal(sim.exc.v, begun)


def test_parameters_and_options(model):
    sim = model.instantiate("Balanced", n=20, p=0.5, dt="0.05 ms", precision="f64", threads=1, set={"exc.C_m": "100 pF"})
    assert sim.dt == 0.05 and (sim.exc.C_m == 100).all() and len(sim.exc) == 16
    sim.exc.v = -60 + 1e-9
    assert sim.exc.v[0] == -60 + 1e-9


@pytest.mark.parametrize(
    "call, error",
    [
        (lambda s: s.nope, AttributeError),
        (lambda s: s["nope"], KeyError),
        (lambda s: s.exc.nope, AttributeError),
        (lambda s: setattr(s.exc, "nope", 1), AttributeError),
        (lambda s: setattr(s.exc, "v", [1, 2]), neuro.NeuroError),
        (lambda s: setattr(s.exc, "v", "3 nS"), neuro.NeuroError),
        (lambda s: setattr(s.exc, "v", float("nan")), ValueError),
        (lambda s: s.exc.v.__setitem__(99, 1), IndexError),
        (lambda s: s.exc.v.__setitem__([0, 0], 1), IndexError),
        (lambda s: s.exc.v.__setitem__(slice(3), [1, 2]), ValueError),
        (lambda s: s.exc.v.copy().__setitem__(0, 1), TypeError),
        (lambda s: s.step(-1), ValueError),
        (lambda s: s.step(1.5), ValueError),
        (lambda s: s.run(-1), neuro.NeuroError),
        (lambda s: s.run("5 mV"), ValueError),
        (lambda s: s.value("net.nope"), neuro.NeuroError),
        (lambda s: s.value("net.exc"), TypeError),
        (lambda s: s.inh.spikes, KeyError),
        (lambda s: s.restore(b"nonsense"), neuro.NeuroError),
    ],
)
def test_what_is_refused(sim, call, error):
    with pytest.raises(error) as e:
        call(sim)
    # No place in the model is shown for what was asked from outside.
    assert "<source>" not in str(e.value)
    sim.step()


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.instantiate("Nope"),
        lambda m: m.instantiate("Balanced", nope=3),
        lambda m: m.instantiate("Balanced", record="exc.nope"),
        lambda m: m.instantiate("Balanced", set={"exc.nope": 3}),
    ],
)
def test_networks_that_cannot_be(model, call):
    with pytest.raises(neuro.NeuroError):
        call(model)


def test_projections_without_a_name_cannot_be_asked(text):
    m = neuro.compile(source=text.replace("projection fb: ", "projection "))
    sim = m.instantiate("Balanced")
    with pytest.raises(KeyError, match="write `projection NAME:"):
        sim["inh -> exc.inh"]["w"]


def test_networks_within_networks(text):
    outer = text + "\nnetwork Two { network left = Balanced(n = 10)   network right = Balanced(n = 20) }\n"
    sim = neuro.compile(source=outer).instantiate("Two")
    assert len(sim.left.exc) == 8 and len(sim.right.exc) == 16
    sim.left.exc.v = -52
    assert (sim.left.exc.v == -52).all() and (sim.right.exc.v == -60).all()


def test_sheets_have_their_shape(text):
    sheet = text + "\nnetwork Sheet { population cell: Cell[3, 4] }\n"
    sim = neuro.compile(source=sheet).instantiate("Sheet")
    assert sim.cell.v.shape == (3, 4)
    sim.cell.v = np.arange(-63.0, -51).reshape(3, 4)
    sim.cell.v[1] = -70
    assert np.array_equal(sim.cell.v, [[-63, -62, -61, -60], [-70] * 4, [-55, -54, -53, -52]])


def test_requests_of_several_threads_take_turns(sim):
    threads = [threading.Thread(target=lambda: [sim.step() for _ in range(50)]) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sim.t == pytest.approx(20)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not copied here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_copy_of_the_process_has_no_simulation(sim):
    child = os.fork()
    if child == 0:
        try:
            sim.step()
        except RuntimeError:
            os._exit(42)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42


def test_warnings_are_heard(model):
    with pytest.warns(neuro.NeuroWarning, match="W0801"):
        sim = model.instantiate("Balanced", record="exc.v every 0.25 ms")
    with pytest.warns(neuro.NeuroWarning, match="1.03 ms is not a multiple"):
        sim.run(1.03)


def test_simulations_end_when_nobody_has_them(model):
    before = threading.active_count()
    for _ in range(20):
        model.instantiate("Balanced", n=10).step()
    gc.collect()
    assert threading.active_count() == before


def test_a_population_without_cells_and_names_of_methods():
    m = neuro.compile(
        source="""
neuron Cell { state v = 0 mV   v' = -v / 1 ms }
network Odd(n: int = 0) { population none: Cell[n]   population step: Cell[2]   population other: Cell[3] }
"""
    )
    sim = m.instantiate("Odd")
    assert len(sim.none) == 0 and sim["none"] is sim.none and sim.other is sim.populations["other"]
    # A method stays one; its population is found by name.
    sim.step(1)
    assert sim["step"].v.shape == (2,)
    sim.other.v = 3.0
    sim.other.v[:2] = 1
    assert sim.other.v.tolist() == [1, 1, 3] and sim.other.v.unit == "mV"
    with pytest.raises(ValueError, match="nan"):
        sim.other.v = float("nan")
    copy = sim.other.v.copy()
    assert copy.unit == "mV"
    with pytest.raises(TypeError, match="assign to the variable itself"):
        copy[:2] = 4
