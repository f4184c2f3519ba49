"""Runs as SONATA spike files and reports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from ._errors import need
from ._recorded import Item, Nodes, grid, groups, recorded

MAGIC, VERSION = 0x0A7A, (0, 1)


def _new(path: Path) -> Any:
    h5py = need("h5py")
    file = h5py.File(path, "w")
    file.attrs["magic"] = np.uint32(MAGIC)
    file.attrs["version"] = np.array(VERSION, dtype=np.uint32)
    return file


def _spikes(file: Any, by_name: dict[str, list[Item]], sort: str) -> None:
    h5py = need("h5py")
    sorting = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
    root = file.create_group("spikes")
    for name, items in by_name.items():
        times = np.concatenate([item.values.times for item in items]).astype(np.float64)
        nodes = np.concatenate([item.ids() for item in items]).astype(np.uint64)
        order = np.lexsort((times, nodes) if sort == "by_id" else (nodes, times))
        group = root.create_group(name)
        group.attrs.create("sorting", {"by_id": 1, "by_time": 2}[sort], dtype=sorting)
        group.create_dataset("timestamps", data=times[order]).attrs["units"] = "ms"
        group.create_dataset("node_ids", data=nodes[order])


def _report(file: Any, item: Item, dt: float) -> None:
    values = np.asarray(item.values)
    segments = values.shape[2] if values.ndim == 3 else 1
    values = values.reshape(len(values), -1)
    even = grid(item.values, dt)
    if even is None:
        raise ValueError(f"the moments of `{item.name}` are not evenly spaced, as those of a SONATA report are")
    start, step = even
    group = file.require_group("report").create_group(item.population)
    # 32 bits are what the format asks for; values that these would change keep 64.
    with np.errstate(over="ignore"):
        short = values.astype(np.float32)
    kept = short if (short.astype(np.float64) == values).all() else values
    rows = max(1, min(len(kept), 2**20 // max(1, kept.shape[1]))) if kept.size else None
    data = group.create_dataset("data", data=kept, chunks=(rows, kept.shape[1]) if rows else None)
    data.attrs["units"] = "" if item.values.unit in (None, "1") else item.values.unit
    data.attrs["variable_name"] = item.variable
    mapping = group.create_group("mapping")
    n = len(item.cells)
    ids = mapping.create_dataset("node_ids", data=item.cells.astype(np.uint64))
    ids.attrs["sorted"] = np.uint8((np.diff(item.cells.astype(np.int64)) > 0).all())
    mapping.create_dataset("index_pointers", data=np.arange(n + 1, dtype=np.uint64) * segments)
    # Of cells that are points, both are 1; of segments the value is that of the middle.
    elements = np.tile(np.arange(segments, dtype=np.uint32), n) if segments > 1 else np.ones(n, dtype=np.uint32)
    mapping.create_dataset("element_ids", data=elements)
    mapping.create_dataset("element_pos", data=np.full(len(elements), 0.5 if segments > 1 else 1.0, dtype=np.float32))
    time = mapping.create_dataset("time", data=np.array([start, start + len(values) * step, step]))
    time.attrs["units"] = "ms"


def write_sonata(
    result: Any,
    path: Union[str, os.PathLike],
    *,
    nodes: Optional[Nodes] = None,
    sort: str = "by_time",
    overwrite: bool = False,
) -> list[Path]:
    """Writes what a run, or a simulation so far, has recorded as SONATA output; returns the files.

    Into a folder: `spikes.h5`, and a report for each recording of states under its name. Into a file, whose name ends in `.h5`, both,
    if no population has two recordings of states. Spikes are sorted "by_time" or "by_id". Node ids are indices in the population, or
    those that `nodes` gives: `Circuit.nodes` of a circuit that was read. An event other than `spike` is kept as population `exc.event`;
    recordings of means and other single numbers belong to no node, and are not written.
    """
    if sort not in ("by_time", "by_id"):
        raise ValueError(f"spikes are sorted by_time or by_id, not {sort}")
    need("h5py")
    path = Path(path)
    items = recorded(result, nodes)
    by_name = groups(items)
    reports = [item for item in items if not item.is_events and item.nodes is not None]
    one = path.suffix in (".h5", ".hdf5")
    if one:
        twice = [item.name for k, item in enumerate(reports) if item.population in {r.population for r in reports[:k]}]
        if twice:
            raise ValueError(f"a file has one report of a population, and `{twice[0]}` is another one: name a folder")
        plan: list[tuple[Path, dict[str, list[Item]], list[Item]]] = [(path, by_name, reports)]
    else:
        plan = [(path / "spikes.h5", by_name, [])] if by_name else []
        plan += [(path / f"{item.name.replace('/', '_')}.h5", {}, [item]) for item in reports]
    for at, _, _ in plan:
        if at.exists() and not overwrite:
            raise FileExistsError(f"{at} is there already; `overwrite=True` replaces it")
    (path.parent if one else path).mkdir(parents=True, exist_ok=True)
    for at, events, values in plan:
        # Aside first, so that a fault leaves no half of a file, nor takes away what was there.
        aside = at.with_name(f".{at.name}.unfinished")
        try:
            with _new(aside) as file:
                if events:
                    _spikes(file, events, sort)
                for item in values:
                    _report(file, item, result.dt)
            aside.replace(at)
        finally:
            aside.unlink(missing_ok=True)
    return [at for at, _, _ in plan]
