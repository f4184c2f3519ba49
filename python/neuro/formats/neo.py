"""Runs as blocks of Neo, for Elephant and the packages that build on it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Optional

import numpy as np

from ._errors import need
from ._recorded import Item, Nodes, grid, recorded
from ._units import si


def _quantity(unit: Optional[str]) -> tuple[Any, float]:
    """A unit of `quantities`, and by what values are multiplied to be in it."""
    pq = need("quantities")
    if unit in (None, "", "1"):
        return pq.dimensionless, 1.0
    text = re.sub(r"sqrt\((\w+)\)", r"\1**0.5", unit).replace("^", "**").replace("Ohm", "ohm")
    try:
        return pq.Quantity(1, text).units, 1.0
    except (LookupError, SyntaxError, ValueError):
        pass
    # Units without a name of their own there, as fC: in SI units.
    factor, name = si(unit)
    singular = name.replace("^", "**") if name in ("siemens", "hertz") or not name.endswith("s") else name[:-1]
    try:
        return pq.Quantity(1, singular).units, factor
    except (LookupError, SyntaxError, ValueError):
        raise ValueError(f"the package `quantities` has no unit like {unit}") from None


def _trains(item: Item, segment: Any) -> Iterable[Any]:
    neo = need("neo")
    pq = need("quantities")
    spikes = item.values
    for k, (node, times) in enumerate(zip(item.cells, spikes.trains())):
        train = neo.SpikeTrain(
            times * pq.ms,
            t_start=spikes.begin * pq.ms,
            # A train has an end after all of its spikes.
            t_stop=max(spikes.end, float(times[-1]) if len(times) else spikes.end) * pq.ms,
            name=f"{item.population} {node}",
            population=item.population,
            event=item.variable,
            cell=int(node),
            recording=item.name,
            index=k,
        )
        train.segment = segment
        yield train


def _signal(item: Item, dt: float) -> Any:
    neo = need("neo")
    pq = need("quantities")
    values = item.values
    units, factor = _quantity(values.unit)
    plain = np.asarray(values)
    segments = plain.shape[2] if plain.ndim == 3 else 1
    plain = plain[:, None] if plain.ndim == 1 else plain.reshape(len(plain), -1)
    plain = plain if factor == 1.0 else plain * factor
    of: dict[str, Any] = dict(name=item.name, population=item.population, variable=item.variable, recording=item.name)
    if item.nodes is not None:
        of["array_annotations"] = {"cell": np.repeat(item.nodes.astype(np.int64), segments)}
        if segments > 1:
            of["array_annotations"]["segment"] = np.tile(np.arange(segments), len(item.nodes))
    even = grid(values, dt)
    if even is None:
        return neo.IrregularlySampledSignal(values.times * pq.ms, plain, units=units, **of)
    start, step = even
    return neo.AnalogSignal(plain, units=units, t_start=start * pq.ms, sampling_period=step * pq.ms, **of)


def to_neo(result: Any, *, nodes: Optional[Nodes] = None, name: Optional[str] = None) -> Any:
    """A `neo.Block` with a segment for each run: a run, a stepped simulation, or several of them.

    Events become `SpikeTrain`s, one for each cell that was recorded, from the beginning to the end of the recording; what was recorded
    of states becomes `AnalogSignal`s with a channel for each cell (`IrregularlySampledSignal` if moments are not evenly spaced).
    Annotations are `population`, `cell`, `event` or `variable`, and of segments the seed and the step. `nodes` gives cells other ids.
    """
    neo = need("neo")
    results: list[Any] = [result] if hasattr(result, "recordings") else list(result)
    if not results:
        raise ValueError("at least one run is needed")
    first = getattr(results[0], "record", None) or {}
    block = neo.Block(name=name or first.get("experiment") or "simulation", description="simulated by Neuro")
    for key in ("experiment", "neuro", "source", "source_sha256", "precision"):
        if first.get(key) is not None:
            block.annotate(**{key: first[key]})
    for k, run in enumerate(results):
        segment = neo.Segment(name=f"run {k}", index=k, seed=run.seed, dt_ms=run.dt)
        for item in recorded(run, nodes):
            if item.is_events:
                segment.spiketrains.extend(list(_trains(item, segment)))
            elif grid(item.values, run.dt) is None:
                segment.irregularlysampledsignals.append(_signal(item, run.dt))
            else:
                segment.analogsignals.append(_signal(item, run.dt))
        block.segments.append(segment)
    check = getattr(block, "check_relationships", None) or getattr(block, "create_relationship", None)
    if check is not None:
        check()
    return block
