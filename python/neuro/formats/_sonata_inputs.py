"""Inputs of a SONATA simulation: spikes of virtual nodes, and currents into cells."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ._errors import FormatError, need
from ._sonata_config import Config, NodeSets
from ._sonata_files import BLOCK, H5, MOST_EDGES, read_table
from ._sonata_nodes import Part, Population

_MS = {"ms": 1.0, "millisecond": 1.0, "milliseconds": 1.0, "s": 1000.0, "sec": 1000.0, "second": 1000.0, "seconds": 1000.0}


def _from_h5(path: Path, names: list[str], units: Any) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    """Spikes of populations, a block at a time: population, place, nodes, times in ms."""
    with H5(path) as h5:
        inside = h5.group("/spikes", "a file of spikes has the group /spikes")
        old = "gids" in inside and "timestamps" in inside
        if old and len(names) != 1:
            raise h5.fault("/spikes/gids", "does not say to which population its nodes belong", "name one population in the `node_set`")
        for name in names if not old else names[:1]:
            at = "/spikes" if old else f"/spikes/{name}"
            if not old and name not in inside:
                raise h5.fault(at, "is missing", f"the file has spikes of {', '.join(inside) or 'nothing'}")
            nodes = h5.column(f"{at}/{'gids' if old else 'node_ids'}", most=MOST_EDGES)
            times = h5.column(f"{at}/timestamps", nodes.shape[0], MOST_EDGES)
            unit = str(h5.attribute(f"{at}/timestamps", "units") or units or "ms")
            if unit not in _MS:
                raise h5.fault(f"{at}/timestamps", f"is in {unit}", "times are in ms or s")
            for k in range(0, nodes.shape[0], BLOCK):
                end = min(k + BLOCK, nodes.shape[0])
                got = h5.rows(f"{at}/timestamps", times, k, end, "number")
                yield name, f"{at}/node_ids", h5.rows(f"{at}/node_ids", nodes, k, end, "id"), got * _MS[unit]


def _from_csv(path: Path, names: list[str], units: Any) -> Iterator[tuple[str, str, np.ndarray, np.ndarray]]:
    header, rows = read_table(path)
    if "timestamps" not in header or not {"node_ids", "node_id"} & set(header):
        fix = "its columns are timestamps, population, node_ids, separated by spaces"
        raise FormatError(path, "header", f"has the columns {', '.join(header)}", fix)
    key = "node_ids" if "node_ids" in header else "node_id"
    if str(units or "ms") not in _MS:
        raise FormatError(path, "units", f"times are in {units}", "times are in ms or s")
    of: dict[str, tuple[list[int], list[float]]] = {}
    for k, row in enumerate(rows, 2):
        name = row.get("population") or (names[0] if len(names) == 1 else None)
        if name is None:
            raise FormatError(path, f"row {k}", "does not say to which population its node belongs")
        try:
            node, time = int(str(row[key])), float(str(row["timestamps"]))
        except ValueError:
            raise FormatError(path, f"row {k}", f"{row['timestamps']} of node {row[key]} is no spike") from None
        if name in names:
            nodes, times = of.setdefault(name, ([], []))
            nodes.append(node)
            times.append(time)
    for name, (nodes, times) in of.items():
        yield name, "node_ids", np.array(nodes, dtype=np.int64), np.array(times) * _MS[str(units or "ms")]


class Spikes:
    """The spikes of virtual nodes, on the grid of the simulation."""

    def __init__(self, dt: float, stop: float, upwards: bool) -> None:
        self.dt, self.stop, self.upwards = dt, stop, upwards
        self.steps: dict[str, list[np.ndarray]] = {}
        self.cells: dict[str, list[np.ndarray]] = {}
        self.after = 0

    def read(
        self,
        config: Config,
        key: str,
        of: dict[str, Any],
        sets: NodeSets,
        populations: dict[str, Population],
        parts: dict[str, list[Part]],
        notes: list[str],
    ) -> None:
        place = f"inputs/{key}"
        module = str(of.get("module", "")).lower()
        if module not in ("h5", "hdf5", "sonata", "csv"):
            fix = "spikes are read from SONATA files (`h5`, `sonata`) and from `csv`"
            raise config.fault(place, f"`module` {of.get('module')} is not carried over", fix)
        path = config.file(place, of.get("input_file", of.get("file")))
        found = sets.find(of.get("node_set", "all"), place)
        names = [n for n in found if any(p.model is None for p in parts[n])]
        if not names:
            raise config.fault(place, "has no virtual nodes", "spikes are those of nodes whose `model_type` is virtual")
        for name, where, nodes, times in (_from_csv if module == "csv" else _from_h5)(path, names, of.get("units")):
            self._add(path, where, populations[name], parts[name], nodes, times, notes)

    def _add(
        self, path: Path, place: str, population: Population, parts: list[Part], nodes: np.ndarray, times: np.ndarray, notes: list[str]
    ) -> None:
        if not len(nodes):
            return
        early = np.flatnonzero(~(times > 0))
        if len(early):
            k = int(early[0])
            what = f"node {int(nodes[k])} has a spike at {times[k]:g} ms"
            raise FormatError(path, place, what, "spikes are later than 0 ms: the simulation begins there")
        virtual = next(p for p in parts if p.model is None)
        cell = {int(i): k for k, i in enumerate(virtual.ids)}
        known = np.isin(nodes, virtual.ids)
        if not known.any():
            raise FormatError(path, place, f"node {int(nodes[0])} is no virtual node of population `{population.name}`, nor is another")
        if not known.all():
            notes.append(f"{path.name} has {int((~known).sum())} spikes of nodes that `{population.name}` does not have")
        nodes, times = nodes[known], times[known]
        exact = times / self.dt
        steps = np.maximum(1, np.ceil(exact - 1e-6) if self.upwards else np.round(exact)).astype(np.int64)
        inside = times <= self.stop
        self.after += int((~inside).sum())
        self.steps.setdefault(virtual.name, []).append(steps[inside])
        ids, back = np.unique(nodes[inside], return_inverse=True)
        self.cells.setdefault(virtual.name, []).append(np.array([cell[int(i)] for i in ids], dtype=np.int64)[back])

    def write(self, folder: Path, parts: dict[str, list[Part]]) -> tuple[dict[str, str], dict[str, list[Part]]]:
        """Writes a table of spikes for each part that sends; returns their names, and parts that send what shares a step with another.

        A cell of the language spikes once a step. Where a node has two spikes within one, the second is sent by a cell of its own, which
        has the same edges.
        """
        pa, parquet = need("pyarrow"), need("pyarrow.parquet")
        out: dict[str, str] = {}
        again: dict[str, list[Part]] = {}
        virtual = {p.name: p for ps in parts.values() for p in ps if p.model is None}
        for name, blocks in self.steps.items():
            steps, cells = np.concatenate(blocks), np.concatenate(self.cells[name])
            order = np.lexsort((cells, steps))
            steps, cells = steps[order], cells[order]
            # How many of the same cell and step come before.
            start = np.concatenate([[True], (np.diff(steps) != 0) | (np.diff(cells) != 0)]) if len(steps) else np.empty(0, dtype=bool)
            turn = np.arange(len(steps)) - np.maximum.accumulate(np.where(start, np.arange(len(steps)), 0))
            for k in range(int(turn.max(initial=0)) + 1):
                mine = turn == k
                at, sender = f"{name}_again{'' if k == 1 else k}" if k else name, cells[mine]
                if k:
                    rows, sender = np.unique(sender, return_inverse=True)
                    again.setdefault(name, []).append(Part(at, virtual[name].rows[rows], virtual[name].ids[rows], None, "virtual"))
                table = pa.table({"time": np.round(steps[mine] * self.dt, 9), "cell": sender})
                parquet.write_table(table, folder / f"{at}_spikes.parquet", compression="snappy")
                out[at] = f"{at}_spikes.parquet"
        return out, again


def _number(path: Path, row: dict[str, Optional[str]], column: str) -> float:
    try:
        value = float(str(row[column]))
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise FormatError(path, f"electrode_id {row.get('electrode_id')}", f"`{column}` is {row[column]}, not a number")
    return value


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Clamps:
    """Currents into cells, as what they are from a moment on."""

    #: Changes that a text has room for.
    MOST = 20_000

    def __init__(self, dt: float, stop: float, unit: Optional[str]) -> None:
        self.dt, self.stop, self.unit = dt, stop, unit
        #: Moment (steps), part, rows of it, and by how much the current changes.
        self.changes: list[tuple[int, Part, np.ndarray, float]] = []

    def read(self, config: Config, key: str, of: dict[str, Any], sets: NodeSets, parts: dict[str, list[Part]]) -> None:
        place = f"inputs/{key}"
        if of.get("module") != "IClamp":
            raise config.fault(place, f"`module` {of.get('module')} is not carried over", "currents are those of `IClamp`")
        if of.get("electrode_file") is not None:
            clamped = self._electrodes(config, place, of, sets)
        else:
            found = sets.find(of.get("node_set", "all"), place)
            clamped = [(found, *step) for step in self._steps(config, place, of)]
        for masks, begin, end, size in clamped:
            for name, mask in masks.items():
                for part in parts[name]:
                    rows = np.flatnonzero(mask[part.rows])
                    if not len(rows) or part.model is None:
                        continue
                    if part.model.current is None:
                        raise config.fault(place, f"is a current into `{part.template}`, which has none", "leave such nodes out of the set")
                    self.changes.append((begin, part, rows, size))
                    if end is not None:
                        self.changes.append((end, part, rows, -size))

    def _electrodes(
        self, config: Config, place: str, of: dict[str, Any], sets: NodeSets
    ) -> list[tuple[dict[str, np.ndarray], int, Optional[int], float]]:
        """Steps of electrodes, each of which is in a cell: one table says in which, another what it does."""
        path, times = config.file(place, of["electrode_file"]), config.file(place, of.get("input_file", of.get("file")))
        where: dict[str, dict[str, np.ndarray]] = {}
        for row in self._table(path, ("electrode_id", "node_id", "population")):
            node = _number(path, row, "node_id")
            found = sets.find({"population": row["population"], "node_id": int(node)}, place)
            if not found:
                raise FormatError(
                    path, f"electrode_id {row['electrode_id']}", f"there is no node {node:g} in population `{row['population']}`"
                )
            where[str(row["electrode_id"])] = found
        out: list[tuple[dict[str, np.ndarray], int, Optional[int], float]] = []
        for row in self._table(times, ("electrode_id", "dur", "amp", "delay")):
            electrode = str(row["electrode_id"])
            if electrode not in where:
                raise FormatError(times, f"electrode_id {electrode}", f"is not in {path}")
            begin, length, size = (_number(times, row, c) for c in ("delay", "dur", "amp"))
            if begin < 0 or length < 0:
                raise FormatError(times, f"electrode_id {electrode}", "has a `delay` or a `dur` that is negative")
            out.append((where[electrode], self._step(begin), self._step(begin + length), size))
        return out

    @staticmethod
    def _table(path: Path, columns: tuple[str, ...]) -> list[dict[str, Optional[str]]]:
        header, rows = read_table(path)
        for column in columns:
            if column not in header:
                raise FormatError(path, "header", f"there is no column `{column}`", f"it has {', '.join(header)}")
        return rows

    def _steps(self, config: Config, place: str, of: dict[str, Any]) -> list[tuple[int, Optional[int], float]]:
        kind = of.get("input_type")
        number = lambda what, v: config.number(place, what, v) or 0.0
        if kind == "current_clamp":
            amps, delays, durations = (_listed(of.get(k)) for k in ("amp", "delay", "duration"))
            if not len(amps) == len(delays) == len(durations) or None in (*amps, *delays, *durations):
                raise config.fault(place, "needs as many values of `amp` as of `delay` and `duration`")
            out: list[tuple[int, Optional[int], float]] = []
            for amp, delay, duration in zip(amps, delays, durations):
                size, begin, length = number("amp", amp), number("delay", delay), number("duration", duration)
                if begin < 0 or length < 0:
                    raise config.fault(place, "has a `delay` or a `duration` that is negative")
                out.append((self._step(begin), self._step(begin + length), size))
            return out
        if kind in ("csv", "file"):
            path = config.file(place, of.get("file", of.get("input_file")))
            at, size = of.get("timestamps_column", "timestamps"), of.get("amplitudes_column", "amps")
            header, table = read_table(path, of.get("separator"))
            for column in (at, size):
                if column not in header:
                    raise FormatError(path, "header", f"there is no column `{column}`", f"it has {', '.join(header)}")
            try:
                rows = [(float(str(r[at])), float(str(r[size]))) for r in table]
            except ValueError as e:
                raise FormatError(path, None, f"has a field that is not a number ({e})") from None
            if any(b[0] <= a[0] for a, b in zip(rows, rows[1:])) or any(t < 0 for t, _ in rows):
                raise FormatError(path, at, "does not rise from row to row")
            # A value holds until the next one.
            ends = [*(t for t, _ in rows[1:]), None]
            return [(self._step(t), None if e is None else self._step(e), s) for (t, s), e in zip(rows, ends)]
        raise config.fault(place, f"`input_type` {kind} is not carried over", "currents are `current_clamp` or `csv`")

    def _step(self, time: float) -> int:
        return int(round(time / self.dt))

    def lines(self, config: Config) -> list[str]:
        """Statements of an experiment: what the current of which cells is from when on."""
        now: dict[str, np.ndarray] = {}
        of = {part.name: part for _, part, _, _ in self.changes}
        dust = 1e-12 * max((abs(size) for *_, size in self.changes), default=0.0)
        out: list[str] = []
        for step in sorted({c[0] for c in self.changes}):
            if step * self.dt >= self.stop - 1e-9:
                break
            for name, part in of.items():
                before = now.setdefault(name, np.zeros(len(part.rows)))
                after = before.copy()
                for at, changed, rows, size in self.changes:
                    if at == step and changed.name == name:
                        after[rows] += size
                # What began and ended leaves nothing behind, not even what rounding does.
                after[np.abs(after) < dust] = 0.0
                for value in np.unique(after[after != before]).tolist():
                    rows = np.flatnonzero((after == value) & (before != after))
                    when = f"at {step * self.dt:.9g} ms " if step else ""
                    assert part.model is not None
                    unit = self.unit or part.model.current
                    unit = "mV" if part.model.current == "mV" else unit
                    out.append(f"{when}net.{name}{chosen(rows, len(before))}.{part.model.put} = {value:.17g} {unit}")
                now[name] = after
        if len(out) > self.MOST:
            raise config.fault("inputs", f"change currents {len(out)} times", f"{self.MOST} changes are carried over at most")
        return out


def chosen(rows: np.ndarray, n: int) -> str:
    """The words for some cells of n."""
    if len(rows) == n:
        return ""
    if len(rows) == 1:
        return f"[{rows[0]}]"
    if (np.diff(rows) == 1).all():
        return f"[{rows[0]}..{rows[-1] + 1}]"
    return f"[[{', '.join(map(str, rows.tolist()))}]]"
