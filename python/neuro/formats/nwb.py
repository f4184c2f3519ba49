"""Runs as files of Neurodata Without Borders (NWB 2)."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from ._errors import need
from ._recorded import Item, Nodes, grid, groups, recorded
from ._units import si


def _notes(record: dict[str, Any], result: Any) -> str:
    """What one needs to run it again: seed, step, precision, values that were set, and the text of the model."""
    lines = [f"Simulated by Neuro {record.get('neuro', '')}".rstrip()]
    for key, of in (
        ("experiment", record.get("experiment")),
        ("seed", result.seed),
        ("dt", f"{result.dt:g} ms"),
        ("precision", record.get("precision")),
        ("sha256 of the source", record.get("source_sha256")),
    ):
        if of is not None:
            lines.append(f"{key}: {of}")
    if record.get("overrides"):
        lines.append(f"set: {json.dumps(record['overrides'])}")
    for source in record.get("sources", ()):
        lines += ["", f"==> {source['path']} <==", source["text"].rstrip("\n")]
    return "\n".join(lines)


def _identifier(record: dict[str, Any], result: Any) -> str:
    of = [record.get(k) for k in ("neuro", "source_sha256", "experiment", "precision", "overrides", "data_sha256")]
    text = json.dumps([*of, result.seed, result.dt, sorted(result.recordings)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _add_units(nwb: Any, by_name: dict[str, list[Item]], dt: float) -> None:
    if not by_name:
        return
    nwb.units = need("pynwb.misc").Units(name="units", description="cells whose events were recorded", resolution=dt / 1000.0)
    nwb.add_unit_column("population", "population of the cell")
    nwb.add_unit_column("cell", "id of the cell in its population")
    nwb.add_unit_column("event", "name of the event")
    for items in by_name.values():
        for item in items:
            spikes = item.values
            interval = np.array([[spikes.begin, spikes.end]]) / 1000.0
            for node, times in zip(item.cells, spikes.trains()):
                nwb.add_unit(
                    # A spike is in the interval in which it was observed, at its very end too.
                    spike_times=np.clip(times / 1000.0, None, interval[0, 1]),
                    obs_intervals=interval,
                    population=item.population,
                    cell=int(node),
                    event=item.variable,
                )


def _series(item: Item, dt: float, compression: bool) -> Any:
    pynwb = need("pynwb")
    values = np.asarray(item.values)
    factor, unit = si(item.values.unit)
    even = grid(item.values, dt)
    if even is None:
        timing = {"timestamps": item.values.times / 1000.0}
    else:
        timing = {"starting_time": even[0] / 1000.0, "rate": 1000.0 / even[1]}
    what = f"{item.variable} of population {item.population}"
    axes = {1: "one number of all cells", 2: "one column for each cell", 3: "one column for each cell, a number for each segment"}
    cells = f"cells {' '.join(map(str, item.nodes))}" if item.nodes is not None and len(item.nodes) <= 1000 else None
    return pynwb.TimeSeries(
        name=item.name.replace("/", "_").replace(":", "_"),
        data=need("hdmf.backends.hdf5.h5_utils").H5DataIO(values, compression="gzip") if compression else values,
        unit=unit,
        conversion=factor,
        description=f"{what}, {axes[values.ndim]}; in {item.values.unit}",
        comments=cells or "the table of columns says which cells these are",
        **timing,
    )


def _add_columns(nwb: Any, items: list[Item]) -> None:
    """Which cell each column of a series is."""
    common = need("hdmf.common")
    rows = [(item, k, node) for item in items if item.nodes is not None for k, node in enumerate(item.nodes)]
    if not rows:
        return
    columns = [
        common.VectorData(name=name, description=text, data=of)
        for name, text, of in (
            ("series", "name of the series", [item.name for item, _, _ in rows]),
            ("column", "column of its data", [k for _, k, _ in rows]),
            ("population", "population of the cell", [item.population for item, _, _ in rows]),
            ("cell", "id of the cell in its population", [int(node) for _, _, node in rows]),
            ("variable", "what was recorded of it", [item.variable for item, _, _ in rows]),
        )
    ]
    table = common.DynamicTable(name="columns", description="cells of the columns of the series that were recorded", columns=columns)
    nwb.create_processing_module("misc", "what belongs to the recordings of the simulation").add(table)


def write_nwb(
    result: Any,
    path: Union[str, os.PathLike],
    *,
    description: Optional[str] = None,
    identifier: Optional[str] = None,
    start: Optional[datetime] = None,
    experimenter: Optional[Sequence[str]] = None,
    institution: Optional[str] = None,
    keywords: Optional[Sequence[str]] = None,
    subject: Any = None,
    nodes: Optional[Nodes] = None,
    compression: bool = True,
    overwrite: bool = False,
) -> Path:
    """Writes a run, or what a simulation has recorded so far, as an NWB file.

    Events are rows of the table of units: `spike_times` (s), `obs_intervals`, `population`, `cell`, `event`. What was recorded of states
    are `TimeSeries` in `acquisition`, in the unit of the recording with its `conversion` to SI units; `processing/misc/columns`
    says which cell each column is. `notes` has seed, step, precision, what was set, and the text of the model; the identifier follows
    from these. `subject` is a `pynwb.file.Subject`, if there is one: a model has none. `start` is the time of day at which the session began (with a time zone; now). `nodes` gives cells other ids.
    """
    pynwb = need("pynwb")
    path = Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already; `overwrite=True` replaces it")
    start = start or datetime.now(timezone.utc)
    if start.tzinfo is None:
        raise ValueError("the start of a session has a time zone: datetime(2026, 1, 31, tzinfo=timezone.utc)")
    record = getattr(result, "record", None) or {}
    experiment = record.get("experiment")
    items = recorded(result, nodes)
    nwb = pynwb.NWBFile(
        session_description=description or f"Simulation of a model{f': experiment {experiment}' if experiment else ''}.",
        identifier=identifier or _identifier(record, result),
        session_start_time=start,
        session_id=f"{experiment or 'simulation'}, seed {result.seed}",
        experiment_description="Simulated; nothing in this file was measured in an animal.",
        experimenter=list(experimenter) if experimenter else None,
        institution=institution,
        keywords=list(keywords or ["simulation", "Neuro"]),
        subject=subject,
        notes=_notes(record, result),
        source_script=record["sources"][0]["text"] if record.get("sources") else None,
        source_script_file_name=str(record["sources"][0]["path"]) if record.get("sources") else None,
    )
    _add_units(nwb, groups(items), result.dt)
    values = [item for item in items if not item.is_events]
    for item in values:
        if np.asarray(item.values).size:
            nwb.add_acquisition(_series(item, result.dt, compression))
    _add_columns(nwb, values)
    # Aside first, so that a fault leaves no half of a file, nor takes away what was there.
    aside = path.with_name(f".unfinished-{path.name}")
    try:
        with pynwb.NWBHDF5IO(str(aside), "w") as io:
            io.write(nwb)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return path
