"""What a run has recorded, with the populations and the cells that it belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

import numpy as np

from .._arrays import Recording, Spikes

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


def _parsed(name: str) -> re.Match[str]:
    found = _NAME.fullmatch(name)
    assert found is not None
    return found


def _split(path: str, populations: set[str]) -> tuple[str, str]:
    """`left.exc.v` is `v` of `left.exc`: the longest population that is known, or all but the last word."""
    known = [p for p in populations if path.startswith(f"{p}.")]
    population = max(known, key=len) if known else path.rpartition(".")[0]
    return (population, path[len(population) + 1 :]) if population else (path, path)


def _source(name: str, values: Any, n: int, populations: set[str]) -> tuple[str, str, Optional[np.ndarray]]:
    """The population, the variable and the cells of a recording; by its name, if it does not say so itself."""
    owner = values.population or values.projection
    if owner is not None and values.variable is not None:
        return owner, values.variable, np.arange(n) if values.cells is None else values.cells
    of = _parsed(name)
    population, variable = _split(of["path"], populations)
    if of["first"] is not None:
        return population, variable, np.arange(int(of["first"]), int(of["last"]) + 1)
    return population, variable, None if of["chosen"] is not None else np.arange(n)


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
    populations = set(getattr(result, "populations", ()) or ()) | set(given)
    populations |= {_parsed(n)["path"].rpartition(".")[0] for n in result.spikes if "." in n}
    populations.discard("")
    items = []
    for name in result.recordings:
        values = result.recordings[name]
        n = values.n if isinstance(values, Spikes) else values.shape[1] if values.ndim > 1 else 0
        population, variable, cells = _source(name, values, n, populations)
        if n and cells is None and name not in given:
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
