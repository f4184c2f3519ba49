"""What comes of a run."""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from ._arrays import Array, Number, Recording, Source, Spikes, quantity
from ._errors import diagnostic


@dataclass(frozen=True)
class Progress:
    """How far a run is: simulated time and, if it is known, that of the whole experiment (ms), the turn of its outermost
    loop (counted from zero, and how many there are), and which part is done (0 to 1)."""

    experiment: str
    simulated: float = 0.0
    total: Optional[float] = None
    turn: Optional[tuple[int, int]] = None
    part: Optional[float] = None
    building: Optional[str] = None

    def __str__(self) -> str:
        if self.building is not None:
            return f"{self.experiment}: {self.building}"
        parts = [f"{self.simulated:.6g} ms" if self.total is None else f"{self.simulated:.6g} of {self.total:.6g} ms"]
        if self.turn is not None:
            parts.append(f"turn {self.turn[0] + 1} of {self.turn[1]}")
        if self.part is not None:
            parts.append(f"{100 * self.part:.0f} %")
        return f"{self.experiment}: {', '.join(parts)}"


class Listener:
    """Hears a run, and tells who asked for it."""

    def __init__(self, experiment: str, tell: Union[bool, Callable[[Progress], Any]]) -> None:
        self.experiment = experiment
        self.tell: Callable[[Progress], Any] = tell if callable(tell) else self._show
        self.shown = 0

    def building(self, network: str, so_far: int, all: int) -> None:
        of = f" {so_far} of {all} synapses" if all else ""
        self.tell(Progress(self.experiment, building=f"building {network}{of}"))

    def at(self, simulated: float, total: Any, turn: Any, part: Any) -> None:
        self.tell(Progress(self.experiment, simulated, total, turn, part))

    def line(self, text: str) -> None:
        if self.tell == self._show:
            self.clear()
            print(text, flush=True)

    def _show(self, at: Progress) -> None:
        text = str(at)
        sys.stderr.write("\r" + text.ljust(self.shown))
        sys.stderr.flush()
        self.shown = len(text)

    def clear(self) -> None:
        if self.shown:
            sys.stderr.write("\r" + " " * self.shown + "\r")
            sys.stderr.flush()
            self.shown = 0


@dataclass(frozen=True)
class Expectation:
    """An `expect` line: whether it held, and what was found."""

    text: str
    held: bool
    found: str
    path: str
    line: int

    def __str__(self) -> str:
        return f"{'ok    ' if self.held else 'FAILED'} {self.text}   [{self.found}]"


class Figure:
    """A figure. Notebooks show it."""

    def __init__(self, outcome: Any, k: int, name: str, title: str) -> None:
        self._outcome, self._k = outcome, k
        self.name, self.title = name, title

    @property
    def svg(self) -> str:
        """The figure as SVG, with its font."""
        return self._outcome.svg(self._k)

    @property
    def png(self) -> bytes:
        """Two pixels for each of the SVG's."""
        return self._outcome.png(self._k)

    @property
    def pdf(self) -> bytes:
        """A page of the figure's size."""
        return self._outcome.pdf(self._k)

    def save(self, path: Any) -> Path:
        """Writes the figure; the ending (.svg, .png, .pdf) says how."""
        path = Path(path)
        if path.suffix not in (".svg", ".png", ".pdf"):
            raise ValueError(f"a figure is saved as .svg, .png or .pdf, not {path.suffix or path.name}")
        content = getattr(self, path.suffix[1:])
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<figure {self.name}{': ' + self.title if self.title else ''}>"


class Named(Mapping):
    """Things by name, each read when it is asked for first. A part that only one of them has is enough: `v` for `exc.v`."""

    def __init__(self, what: str, names: list[str], read: Callable[[str], Any], other: Callable[[str], list[str]]) -> None:
        self._what, self._names, self._read, self._other = what, names, read, other
        self._known: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        found = [n for n in self._names if n == name] or [n for n in self._names if name in self._other(n)]
        if len(found) != 1:
            why = f"several {self._what}s are meant by" if found else f"there is no {self._what}"
            listed = ", ".join(found or self._names) or "none"
            raise KeyError(f"{why} `{name}`: {listed}")
        if found[0] not in self._known:
            self._known[found[0]] = self._read(found[0])
        return self._known[found[0]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"{{{', '.join(self._names)}}}"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self._names)


class Recorded:
    """The recordings of an outcome or a simulation."""

    def __init__(self, native: Any) -> None:
        self._native = native
        self._all = {of[0]: (k, *of) for k, of in enumerate(native.recordings())}
        names = list(self._all)
        events = [n for n in names if self._all[n][2] is None]

        def short(name: str) -> list[str]:
            """`exc.v` and `v` for `exc.v.0-9`, which is of some cells only."""
            whole = re.sub(r"\.[0-9]+-([0-9]+|chosen)$", "", name)
            return [whole, whole.rpartition(".")[2]]

        def population(name: str) -> list[str]:
            """`exc` for `exc.spike`: the population whose events were recorded."""
            whole = short(name)[0]
            return [whole, whole.rpartition(".")[0]]

        self.all = Named("recording", names, self._read, short)
        self.spikes = Named("recording of events", events, self._read, population)

    def _read(self, name: str) -> Union[Recording, Spikes]:
        k, _, unit, n, segments, reduced, begin, end, owner, synapses, variable = self._all[name]
        of = Source(owner, variable, synapses, self._native.indices(k))
        if unit is None:
            times, cells = self._native.events(k)
            return Spikes(times, cells, n, begin, end, name, of)
        times, values = self._native.samples(k)
        shape = (len(times), n, segments) if segments > 1 else (len(times), n)
        return Recording(values if reduced else values.reshape(shape), unit, times, name, of)


def measured(executions: list[tuple[np.ndarray, str]]) -> Any:
    """One execution as it is; of several an array whose first extent counts them, or a list if their shapes differ."""
    values = [quantity(v, unit) for v, unit in executions]
    if len(values) == 1:
        return values[0]
    if len({v.shape for v, _ in executions}) == 1:
        return Array(np.stack([v for v, _ in executions]), executions[0][1])
    return values


class Run:
    """What came of an experiment.

    `r["exc.v"]` is a recording (`r["v"]` if no other one ends so), `r.spikes["exc"]` the events of a population.
    """

    #: Measures by name: a `Number`; an `Array` if it is one, or if the statement was executed several times.
    measures: dict[str, Any]
    #: `expect` lines in order.
    expectations: list[Expectation]
    #: Recordings by name.
    recordings: Named
    #: Recordings of events, by name or by population.
    spikes: Named
    #: Figures by name.
    figures: dict[str, Figure]
    #: Lines that the experiment printed.
    log: list[str]
    #: Networks that it saved: names of files with their bytes.
    saved: dict[str, bytes]
    #: The record of the run, as `run.json` holds it.
    record: dict[str, Any]

    def __init__(self, outcome: Any) -> None:
        self._outcome = outcome
        self.record = json.loads(outcome.record())
        self.measures = {name: measured(list_) for name, list_ in outcome.measures()}
        self.expectations = []
        for text in outcome.expectations():
            of = json.loads(text)
            self.expectations.append(Expectation(of["text"], of["passed"], of["found"], of["path"], of["line"]))
        recorded = Recorded(outcome)
        self.recordings, self.spikes = recorded.all, recorded.spikes
        self.figures = {name: Figure(outcome, k, name, title) for k, (name, title) in enumerate(outcome.figures())}
        self.log = outcome.log()
        self.saved = dict(outcome.saved())
        self.warnings = [diagnostic(f) for f in outcome.warnings()]
        failure = outcome.failure()
        #: Why the run stopped early, if it did.
        self.failure = None if failure is None else diagnostic(failure)

    @property
    def experiment(self) -> str:
        return self.record["experiment"]

    @property
    def seed(self) -> int:
        return self.record["seed"]

    @property
    def dt(self) -> float:
        """The time step in ms."""
        return self.record["dt_ms"]

    @property
    def profile(self) -> list[dict[str, Any]]:
        """Where the time went, if that was asked for: network, of, what, seconds, times."""
        return self.record["profile"] or []

    @property
    def complete(self) -> bool:
        """Whether the run has come to its end."""
        return self.failure is None

    @property
    def held(self) -> bool:
        """Whether the run has come to its end and all expectations held."""
        return self.complete and all(e.held for e in self.expectations)

    def __getitem__(self, name: str) -> Any:
        return self.recordings[name]

    def save(self, folder: Any, formats: Union[str, Iterable[str]] = ("parquet",)) -> Path:
        """Writes recordings, figures and JSON into a new or empty folder, as `neuro run` does; `formats` are those of recordings:
        "parquet", "csv", "npy", "arrow"."""
        formats = formats.split(",") if isinstance(formats, str) else list(formats)
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FileExistsError(f"{folder} is not empty")
        self._outcome.save(folder, formats)
        return folder

    def _lines(self) -> list[str]:
        shown = lambda v: str(v) if isinstance(v, Number) else f"{np.asarray(v).shape} {getattr(v, 'unit', '') or ''}"
        lines = [f"{name} = {shown(v)}".rstrip() for name, v in self.measures.items()]
        return [*lines, *map(str, self.expectations)]

    def __repr__(self) -> str:
        of = self.record
        end = "" if self.complete else f", stopped: {of['stopped_because']}"
        head = f"<run of {self.experiment}: {of['neurons']} neurons, {of['synapses']} synapses, {of['simulated_ms']:g} ms{end}>"
        return "\n".join([head, *self._lines()])

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(repr(self))}</pre>" + "".join(f"<div>{f.svg}</div>" for f in self.figures.values())
