"""What a run has recorded, with the populations and the cells that it belongs to."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from .._arrays import Recording, Spikes
from ._errors import need

#: Which nodes of which population cells are: `{"exc": ids}`, or `{"exc": ("V1", ids)}` where the population is called otherwise elsewhere.
Nodes = Mapping[str, Union[Sequence[int], np.ndarray, tuple[str, Any]]]


@dataclass
class Item:
    """A recording: of what variable or event of what population, and of which nodes of it.

    `nodes` are the ids of the cells, in the order of the recording; none if it is one number of several cells.
    """

    name: str
    population: str
    variable: str
    nodes: Optional[np.ndarray]
    values: Any

    @property
    def is_events(self) -> bool:
        return isinstance(self.values, Spikes)

    @property
    def cells(self) -> np.ndarray:
        """Ids of the cells, of a recording that has some."""
        assert self.nodes is not None
        return self.nodes

    def ids(self) -> np.ndarray:
        """Ids of the events of this recording, one each."""
        return self.cells[self.values.indices]


# exc.v, exc.v.0-2 (cells 0 to 2), exc.v.3-chosen (three cells), exc.spike#1 (the second of this name)
_NAME = re.compile(r"(?P<path>.+?)(?:\.(?P<first>\d+)-(?P<last>\d+)|\.(?P<chosen>\d+)-chosen)?(?:#\d+)?")
# `record net.exc[0..3].v every 1 ms as potential`
_RECORDED_AS = re.compile(
    r"\brecord\s+(?P<reduced>(?:mean|sum|min|max|norm)\s*\(\s*)?[A-Za-z_]\w*\.(?P<path>[A-Za-z_][\w.]*?)"
    r"(?:\[(?P<cells>[^\n]*?)\])?\.(?P<variable>[A-Za-z_]\w*)\s*\)?\s(?:(?!\brecord\b)[^\n{}])*?\bas\s+(?P<name>[A-Za-z_]\w*)"
)


def _parsed(name: str) -> re.Match[str]:
    found = _NAME.fullmatch(name)
    assert found is not None
    return found


def _sources(result: Any) -> str:
    """The text of the model that ran, without comments."""
    record = getattr(result, "record", None) or {}
    text = "\n".join(source["text"] for source in record.get("sources", ()))
    return re.sub(r"#[^\n]*", "", text)


def _cells(text: Optional[str], n: int) -> Optional[np.ndarray]:
    """The cells of `[0..3]`, `[4]` or `[[3, 5, 9]]`, if that is all there is to it."""
    if text is None:
        return np.arange(n)
    if re.fullmatch(r"[\d\s,\[\]]+", text):
        found = np.array([int(d) for d in re.findall(r"\d+", text)])
    else:
        span = re.fullmatch(r"\s*(\d+)\s*\.\.\s*(\d+)\s*", text)
        if span is None:
            return None
        found = np.arange(int(span[1]), int(span[2]))
    return found if len(found) == n else None


def _chosen(result: Any) -> dict[str, np.ndarray]:
    """The cells of recordings of chosen cells, which the files of a run keep."""
    outcome = getattr(result, "_outcome", None)
    if outcome is None:
        return {}
    parquet = need("pyarrow.parquet")
    out = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in outcome.save(Path(folder)):
            if name.endswith(".parquet"):
                metadata = parquet.read_schema(Path(folder) / name).metadata or {}
                if b"neuro.indices" in metadata:
                    cells = metadata[b"neuro.indices"].decode().split(",")
                    out[metadata[b"neuro.recording"].decode()] = np.array(cells, dtype=np.int64)
    return out


def _split(path: str, populations: set[str]) -> tuple[str, str]:
    """`left.exc.v` is `v` of `left.exc`: the longest population that is known, or all but the last word."""
    known = [p for p in populations if path.startswith(f"{p}.")]
    population = max(known, key=len) if known else path.rpartition(".")[0]
    return (population, path[len(population) + 1 :]) if population else (path, path)


def _nodes(nodes: Nodes) -> dict[str, tuple[str, np.ndarray]]:
    out = {}
    for name, of in nodes.items():
        population, ids = of if isinstance(of, tuple) and len(of) == 2 and isinstance(of[0], str) else (name, of)
        array = np.asarray(ids)
        if array.ndim != 1 or (len(array) and array.dtype.kind not in "iu") or (array < 0).any():
            raise ValueError(f"ids of nodes of `{name}` are whole numbers, not negative, one for each cell")
        out[name] = (population, array.astype(np.uint64))
    return out


def recorded(result: Any, nodes: Optional[Nodes] = None) -> list[Item]:
    """All recordings of a run or of a simulation.

    Cells are those of the population: of `record net.exc[5..8].v` the first is cell 5. Where `nodes` gives the ids of a population (or
    of a recording, by its name), these are the nodes' ids; else they count from 0.
    """
    if not hasattr(result, "recordings"):
        raise TypeError(f"a run or a simulation is needed, not {type(result).__name__}")
    given = _nodes(nodes or {})
    names = list(result.recordings)
    text = _sources(result)
    spoken = {of["name"]: of for of in _RECORDED_AS.finditer(text)}
    populations = set(getattr(result, "populations", ()) or ()) | set(given)
    populations |= {_parsed(n)["path"].rpartition(".")[0] for n in result.spikes if "." in n}
    populations.discard("")
    chosen: Optional[dict[str, np.ndarray]] = None
    items = []
    for name in names:
        values = result.recordings[name]
        n = values.n if isinstance(values, Spikes) else values.shape[1] if values.ndim == 2 else 0
        of = _parsed(name)
        cells: Optional[np.ndarray] = np.arange(n)
        if "." not in name and name in spoken:
            population, variable = spoken[name]["path"], spoken[name]["variable"]
            cells = _cells(spoken[name]["cells"], n) if n else None
        else:
            population, variable = _split(of["path"], populations)
            if of["first"] is not None:
                cells = np.arange(int(of["first"]), int(of["last"]) + 1)
            elif of["chosen"] is not None:
                cells = None
        if n and cells is None and name not in given:
            chosen = _chosen(result) if chosen is None else chosen
            cells = chosen.get(name)
            if cells is None:
                raise ValueError(f"which cells `{name}` has is not known: give them, nodes={{{name!r}: ids}}")
        ids = None
        if n:
            assert cells is not None or name in given
            if name in given:
                population, ids = given[name]
                if len(ids) != n:
                    raise ValueError(f"`{name}` has {n} cells, and {len(ids)} ids are given")
            elif cells is not None and population in given:
                called, all = given[population]
                if len(all) <= int(cells.max(initial=-1)):
                    raise ValueError(f"`{population}` has more cells than the {len(all)} ids that are given")
                population, ids = called, all[cells]
            elif cells is not None:
                ids = cells.astype(np.uint64)
        elif population in given:
            population = given[population][0]
        items.append(Item(name, population, variable, ids, values))
    return items


def groups(items: list[Item]) -> dict[str, list[Item]]:
    """Events by population: those of the event `spike` under its name, parts of it together as long as no cell is twice in it."""
    out: dict[str, list[Item]] = {}
    for item in items:
        if not item.is_events:
            continue
        name = item.population if item.variable == "spike" else f"{item.population}.{item.variable}"
        before = out.get(name)
        if before is not None and np.isin(item.cells, np.concatenate([b.cells for b in before])).any():
            name = item.name
        out.setdefault(name, []).append(item)
    return out


def grid(values: Recording, dt: float) -> Optional[tuple[float, float]]:
    """The first moment and the step (ms) of a recording, if its moments are evenly spaced."""
    times = values.times
    if len(times) < 2:
        return (float(times[0]) if len(times) else 0.0), dt
    step = (times[-1] - times[0]) / (len(times) - 1)
    if not step > 0 or np.abs(np.diff(times) - step).max() > 1e-6 * step:
        return None
    # As it is written: 0.1, not 0.10000000000000142.
    return float(times[0]), float(f"{step:.9g}")
