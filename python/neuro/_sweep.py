"""One experiment at several values, with one table of results."""

from __future__ import annotations

import itertools
import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any, Optional

import numpy as np

from . import _neuro
from ._arrays import Array, Number
from ._errors import NeuroError, NeuroWarning
from ._values import written


class Table(dict):
    """Columns by name, each with a value for every run.

    `units` are those of the measures, `errors` what failed, by the number of the run, and `runs` all runs if they were kept.
    """

    def __init__(self, columns: Mapping[str, Any], units: Mapping[str, str], errors: Mapping[int, NeuroError], runs: list) -> None:
        super().__init__(columns)
        self.units, self.errors, self.runs = dict(units), dict(errors), runs

    def to_pandas(self) -> Any:
        """A DataFrame with a row for every run."""
        import pandas

        frame = pandas.DataFrame({name: list(column) for name, column in self.items()})
        frame.attrs["units"] = self.units
        return frame

    def _heading(self, name: str) -> str:
        unit = self.units.get(name, "1")
        return name if unit == "1" else f"{name} ({unit})"

    def _rows(self) -> list[list[str]]:
        n = len(next(iter(self.values()), []))
        shown = lambda v: f"{v:.6g}" if isinstance(v, (float, np.floating)) else str(v)
        return [[self._heading(name) for name in self], *([shown(column[k]) for column in self.values()] for k in range(n))]

    def __repr__(self) -> str:
        rows = self._rows()
        widths = [max(len(row[k]) for row in rows) for k in range(len(self))]
        return "\n".join("  ".join(cell.rjust(w) for cell, w in zip(row, widths)) for row in rows)

    def _repr_html_(self) -> str:
        import html

        head, *rest = [[html.escape(cell) for cell in row] for row in self._rows()]
        row = lambda cells, tag: "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in cells) + "</tr>"
        return "<table>" + row(head, "th") + "".join(row(cells, "td") for cells in rest) + "</table>"


def _axes(over: Mapping[str, Iterable[Any]], seeds: Optional[Iterable[int]]) -> dict[str, list[Any]]:
    axes = {path: list(values) if not isinstance(values, str) else [values] for path, values in over.items()}
    if seeds is not None:
        if "seed" in axes:
            raise ValueError("`seed` is given twice: as `seeds=` and among the values")
        axes["seed"] = [seeds] if isinstance(seeds, int) else list(seeds)
    for path, values in axes.items():
        if not values:
            raise ValueError(f"there are no values of `{path}`")
        if len({written(v) for v in values}) < len(values):
            raise ValueError(f"a value of `{path}` is there twice")
    if not axes:
        raise ValueError("there is nothing to be varied")
    return axes


def sweep(
    model: Any,
    experiment: str,
    over: Mapping[str, Iterable[Any]],
    seeds: Optional[Iterable[int]],
    given: dict[str, Any],
    jobs: Optional[int],
    progress: Any,
    keep: bool,
) -> Table:
    axes = _axes(over, seeds)
    twice = [path for path, _ in given["overrides"] if path in axes]
    if twice:
        raise ValueError(f"`{twice[0]}` is given twice: in `set=` and among the values")
    if experiment not in model.experiments:
        model._run(experiment, given, False)
    points = list(itertools.product(*axes.values()))
    cores = os.cpu_count() or 1
    if jobs is not None and jobs < 1:
        raise ValueError("jobs must be at least 1")
    jobs = min(jobs or cores, len(points))
    threads = given["threads"] or max(1, cores // jobs)
    stop = _neuro.Stop()

    def one(values: tuple) -> Any:
        swept = [(path, written(v)) for path, v in zip(axes, values)]
        try:
            run = model._run(experiment, {**given, "threads": threads, "overrides": given["overrides"] + swept}, False, stop)
        except NeuroError as e:
            return e
        return run if keep else Summary(run)

    def told(ended: int) -> None:
        if progress is True:
            sys.stderr.write(f"\r{experiment}: {ended} of {len(points)} runs" + ("\n" if ended == len(points) else ""))
            sys.stderr.flush()
        elif progress:
            progress(ended, len(points))

    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(one, values) for values in points]
        left = set(futures)
        try:
            while left:
                # Signals are heard by the main thread only, and only between waits.
                ended, left = wait(left, timeout=0.1, return_when=FIRST_COMPLETED)
                for future in ended:
                    future.result()
                if ended:
                    told(len(points) - len(left))
        except BaseException:
            stop.stop()
            for future in left:
                future.cancel()
            raise
    results = [future.result() for future in futures]
    failed = [r for r in results if isinstance(r, NeuroError)]
    if len(failed) == len(results):
        raise failed[0]
    if failed:
        text = f"{len(failed)} of {len(results)} runs have failed, see the table's `errors`; the first: {failed[0].diagnostics[-1].message}"
        warnings.warn(text, NeuroWarning, stacklevel=3)
    return tabulated(axes, points, results, keep)


class Summary:
    """What a table needs of a run."""

    def __init__(self, run: Any) -> None:
        self.measures, self.expectations = run.measures, run.expectations


def _cell(value: Any) -> tuple[Any, str]:
    """A number; of a series of numbers the last, as `neuro sweep` has it; or an array as it is."""
    if isinstance(value, Array) and value.ndim == 1 and value.size:
        return float(value[-1]), value.unit or "1"
    if isinstance(value, Number):
        return float(value), value.unit
    return value, getattr(value, "unit", None) or "1"


def tabulated(axes: dict[str, list[Any]], points: list[tuple], results: list[Any], keep: bool) -> Table:
    errors = {k: r for k, r in enumerate(results) if isinstance(r, NeuroError)}
    columns: dict[str, Any] = {path: [values[k] for values in points] for k, path in enumerate(axes)}
    ended = [r for r in results if not isinstance(r, NeuroError)]
    clash = {"complete", "expectations_met", "expectations"} & set(axes)
    if clash:
        raise ValueError(f"`{clash.pop()}` is a column of the table")
    of = [r.run if isinstance(r, NeuroError) else r for r in results]
    columns["complete"] = [not isinstance(r, NeuroError) for r in results]
    columns["expectations_met"] = [sum(e.held for e in r.expectations) if r else 0 for r in of]
    columns["expectations"] = [len(r.expectations) if r else 0 for r in of]
    units: dict[str, str] = {}
    for name in dict.fromkeys(name for r in ended for name in r.measures):
        heading = name if name not in columns else f"measure {name}"
        cells = [_cell(r.measures[name]) if not isinstance(r, NeuroError) and name in r.measures else (np.nan, None) for r in results]
        units[heading] = next(unit for _, unit in cells if unit)
        columns[heading] = [value for value, _ in cells]
    plain = (bool, int, float, str)
    as_array = lambda c: np.array(c) if len({type(v) for v in c}) == 1 and isinstance(c[0], plain) else _objects(c)
    return Table({name: as_array(c) for name, c in columns.items()}, units, errors, ended if keep else [])


def _objects(values: list[Any]) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out
