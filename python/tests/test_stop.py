"""Progress, Ctrl-C, and other threads of Python."""

import os
import signal
import threading
import time

import pytest

import neuro

LONG = {"duration": "500 s", "net.n": 1000}


@pytest.fixture
def ctrl_c():
    """Sends the signal of Ctrl-C a moment later."""
    timers = []

    def later(seconds=0.5):
        timers.append(threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT)))
        timers[-1].start()

    yield later
    [t.join() for t in timers]


def test_ctrl_c_stops_a_run(model, ctrl_c):
    ctrl_c()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as e:
        model.run(set=LONG)
    assert time.monotonic() - begun < 10
    r = e.value.run
    assert not r.complete and r.failure.code == "E0812" and len(r.spikes["exc"].times) > 0


def test_ctrl_c_stops_a_sweep(model, ctrl_c):
    ctrl_c()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        model.sweep("activity", {"duration": ["500 s", "600 s"]}, seeds=range(4))
    assert time.monotonic() - begun < 10


def test_ctrl_c_stops_a_simulation_between_two_steps(model, ctrl_c):
    sim = model.instantiate("Balanced")
    ctrl_c()
    with pytest.raises(KeyboardInterrupt):
        sim.run("100000 s")
    t = sim.t
    assert 0 < t < 1e8
    sim.step(10)
    assert sim.t == pytest.approx(t + 1)


def test_progress_is_told_and_may_stop(model):
    told = []
    model.run(set={"duration": "3 s", "net.n": 2000}, progress=told.append)
    assert told and all(isinstance(p, neuro.Progress) for p in told)
    parts = [p.part for p in told if p.part is not None]
    assert parts == sorted(parts) and told[-1].total == 3000

    def stop(at):
        raise ZeroDivisionError(at)

    with pytest.raises(ZeroDivisionError) as e:
        model.run(set=LONG, progress=stop)
    assert not e.value.run.complete


def test_progress_is_shown(model, capsys):
    model.run(set={"duration": "1 s", "net.n": 2000}, progress=True)
    shown = capsys.readouterr()
    assert "activity: " in shown.err and shown.out.startswith("rate ")


def test_the_time_of_a_run_may_be_limited(model):
    with pytest.raises(neuro.NeuroError) as e:
        model.run(set=LONG, max_time=0.3)
    assert e.value.code == "E0812" and not e.value.run.complete


def test_other_threads_go_on(model):
    counted, over = 0, threading.Event()

    def count():
        nonlocal counted
        while not over.is_set():
            counted += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    model.run(set={"duration": "2 s", "net.n": 2000})
    over.set()
    thread.join()
    assert counted > 20


def test_runs_of_several_threads(model):
    alone = model.run(seed=7).spikes["exc"]
    found = []
    threads = [threading.Thread(target=lambda: found.append(model.run(seed=7).spikes["exc"])) for _ in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(found) == 4 and all((s.times == alone.times).all() for s in found)
