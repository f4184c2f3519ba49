"""Checked programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

from . import _neuro
from ._errors import Diagnostic, NeuroError, diagnostic, warn
from ._results import Listener, Progress, Run
from ._simulation import Simulation, World, begin, begin_world
from ._sweep import Table, sweep
from ._values import options

#: What a text that is no file is called in messages.
NAMELESS = "<source>"


@dataclass(frozen=True)
class Parameter:
    """A parameter: its unit, if it has one, and its default as it is written."""

    name: str
    unit: Optional[str]
    default: Optional[str]

    def __str__(self) -> str:
        return self.name if self.default is None else f"{self.name} = {self.default}"


@dataclass(frozen=True)
class Experiment:
    """An experiment, what is written above it, and its parameters."""

    name: str
    doc: str
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class Declared:
    """A neuron, synapse, network or world, what is written above it, and, of the last two, its parameters."""

    kind: str
    name: str
    doc: str
    parameters: tuple[Parameter, ...] = ()


def compile(
    path: Union[str, os.PathLike, None] = None,
    *,
    source: Optional[str] = None,
    folder: Union[str, os.PathLike, None] = None,
) -> "Model":
    """Checks a file, or a text (`source=`) that lies in a folder (the current one) as far as its imports and data are concerned.

    Raises `NeuroError` with all mistakes at once.
    """
    if (path is None) == (source is None):
        raise TypeError("either a path or source= is needed")
    if path is not None:
        if folder is not None:
            raise TypeError("folder= goes with source=; a file has its own")
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"a path is a text or os.PathLike, not {type(path).__name__}")
        at = Path(path)
        # A file that cannot be read is an OSError of the right kind.
        at.open("rb").close()
        native = _neuro.Program.compile(at)
    else:
        at = Path(folder or "") / NAMELESS
        native = _neuro.Program.compile(at, source)
    model = Model(native, at)
    warn(model.warnings, 2)
    return model


def _again(path: Path, source: str) -> "Model":
    """The same text in another process."""
    return Model(_neuro.Program.compile(path, source), path)


class Model:
    """A checked program: what it declares, and what can be done with it.

    `experiments` and `models` (networks, neurons, synapses and worlds, imported ones too) are what it declares by name, `source` is its
    text, `warnings` are findings that do not stop it.
    """

    def __init__(self, native: Any, path: Path) -> None:
        self._native = native
        self.path = path
        self.source: str = native.source()
        self.warnings: list[Diagnostic] = [diagnostic(f) for f in native.warnings()]
        parameters = lambda all: tuple(Parameter(*p) for p in all)
        self.experiments: dict[str, Experiment] = {
            name: Experiment(name, doc, parameters(params)) for name, doc, params in native.experiments()
        }
        self.models: dict[str, Declared] = {}
        for kind, all in (("network", native.networks()), ("world", native.worlds())):
            self.models.update((name, Declared(kind, name, doc, parameters(params))) for name, doc, params in all)
        for kind, all in (("neuron", native.neurons()), ("synapse", native.synapses())):
            self.models.update((name, Declared(kind, name, doc)) for name, doc in all)

    def __reduce__(self):
        return (_again, (self.path, self.source))

    def __repr__(self) -> str:
        of = [f"{m.kind} {m.name}" for m in self.models.values() if m.kind in ("network", "world")]
        return f"<{self.path}: {', '.join([*of, *(f'experiment {e}' for e in self.experiments)])}>"

    def explain(self) -> str:
        """Which scheme each state got and why, as `neuro explain` says it."""
        return self._native.explain()

    def _chosen(self, experiment: Optional[str]) -> str:
        if experiment is not None:
            return experiment
        if len(self.experiments) == 1:
            return next(iter(self.experiments))
        raise ValueError(f"which experiment? There is {', '.join(self.experiments) or 'none'}")

    def run(
        self,
        experiment: Optional[str] = None,
        *,
        set: Optional[Mapping[str, Any]] = None,
        seed: Optional[int] = None,
        dt: Union[str, None] = None,
        threads: Optional[int] = None,
        precision: Optional[str] = None,
        backend: Optional[str] = None,
        max_time: Optional[float] = None,
        profile: bool = False,
        progress: Union[bool, Callable[[Progress], Any]] = False,
    ) -> Run:
        """Runs an experiment (the only one unless named); the bits are those of `neuro run` with the same seed.

        `set` gives parameters and variables other values: `{"net.n": 1000, "net.exc.tau_m": "20 ms"}`. Results do not depend on
        `threads` (all cores unless given) nor `backend`; `precision` is "f32" or "f64"; `max_time` is wall time in seconds, `profile`
        finds out where it goes (`Run.profile`). `progress` is True, or is called with `Progress` every tenth of a second; what it raises
        stops the run. Ctrl-C does, too. Other threads of Python go on meanwhile.

        A run that fails raises `NeuroError`, whose `run` is what it came to; so is that of `KeyboardInterrupt`. Expectations that do not
        hold are no failure: see `Run.held`.
        """
        given = options(set, seed, dt, threads, precision, backend, max_time, profile)
        return self._run(self._chosen(experiment), given, progress)

    def _run(self, experiment: str, given: dict[str, Any], progress: Any, stop: Any = None, stacklevel: int = 3) -> Run:
        if progress is not True and progress not in (False, None) and not callable(progress):
            raise TypeError("progress is True, False or something to be called")
        listener = Listener(experiment, progress) if progress else None
        try:
            outcome, stopped = self._native.run(experiment, given, stop or _neuro.Stop(), listener)
        finally:
            if listener is not None:
                listener.clear()
        run = Run(outcome)
        if stopped is not None:
            stopped.run = run
            raise stopped
        if run.failure is not None:
            error = NeuroError([*run.warnings, run.failure])
            error.run = run
            raise error
        warn(run.warnings, stacklevel)
        return run

    def sweep(
        self,
        experiment: str,
        over: Mapping[str, Iterable[Any]],
        *,
        seeds: Optional[Iterable[int]] = None,
        set: Optional[Mapping[str, Any]] = None,
        dt: Union[str, None] = None,
        jobs: Optional[int] = None,
        threads: Optional[int] = None,
        precision: Optional[str] = None,
        backend: Optional[str] = None,
        max_time: Optional[float] = None,
        progress: Union[bool, Callable[[int, int], Any]] = False,
        keep: bool = False,
    ) -> Table:
        """Runs an experiment at all combinations of values, the last changing fastest: `{"net.g": ["1 nS", "2 nS"]}`.

        `jobs` runs go on side by side (as many as there are cores), each with `threads` threads. `progress` is True, or is called with how
        many runs have ended, and of how many. The table has the columns of `neuro sweep`: the values, whether the run came to its end,
        expectations met and made, and every measure. A run that fails leaves its measures empty; `Table.errors` has its `NeuroError`, and
        with `keep=True`, `Table.runs` every `Run`.
        """
        given = options(set, None, dt, threads, precision, backend, max_time)
        return sweep(self, experiment, over, seeds, given, jobs, progress, keep)

    def instantiate(
        self,
        network: str,
        *,
        record: Union[str, Iterable[str]] = (),
        set: Optional[Mapping[str, Any]] = None,
        seed: Optional[int] = None,
        dt: Union[str, None] = None,
        threads: Optional[int] = None,
        precision: Optional[str] = None,
        backend: Optional[str] = None,
        **parameters: Any,
    ) -> Simulation:
        """Makes a network that is stepped, read and changed from Python; its parameters are given by name.

        `record` says what is recorded, in the words of `record`: `["exc.spike", "exc[0..10].v every 1 ms"]`. `set` gives variables other
        values: `{"exc.tau_m": "20 ms"}`.
        """
        inner = {f"net.{path}": value for path, value in dict(set or {}).items()}
        given = options(inner, seed, dt, threads, precision, backend, None)
        return begin(self, network, [record] if isinstance(record, str) else list(record), parameters, given)

    def world(self, world: str, *, seed: Optional[int] = None, **parameters: Any) -> World:
        """Makes a world in which something can act; its parameters are given by name."""
        return begin_world(self, world, parameters, options(None, seed, None, None, None, None, None))
