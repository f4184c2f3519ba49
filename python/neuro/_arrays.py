"""Numbers and arrays with units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np


class Number(float):
    """A float that knows its unit ("1" if it has none)."""

    unit: str

    def __new__(cls, value: float, unit: str = "1") -> "Number":
        self = super().__new__(cls, value)
        self.unit = unit
        return self

    def __getnewargs__(self):
        return (float(self), self.unit)

    def __repr__(self) -> str:
        return f"{float(self):.6g}" + ("" if self.unit == "1" else f" {self.unit}")

    __str__ = __repr__


class Array(np.ndarray):
    """A NumPy array that knows its unit. What is computed from it, and parts of it, are plain arrays."""

    unit: Optional[str]

    def __new__(cls, values: Any, unit: Optional[str] = None) -> "Array":
        self = np.asarray(values).view(cls)
        self.unit = unit
        return self

    def __array_finalize__(self, obj: Any) -> None:
        self.unit = getattr(obj, "unit", None)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        plain = np.asarray(array)
        return plain[()] if return_scalar or plain.ndim == 0 else plain

    def __getitem__(self, key: Any) -> Any:
        return np.asarray(self)[key]

    def __reduce__(self):
        return (Array, (np.asarray(self), self.unit))


def _row_labels(times: np.ndarray) -> Any:
    import pandas

    return pandas.Index(times, name="time (ms)")


@dataclass(frozen=True, eq=False)
class Source:
    """What a recording is of: a population or, of synapses, a projection; a variable or event; which cells of the population, or
    synapses of the projection."""

    owner: str
    variable: str
    synapses: bool
    indices: np.ndarray


class _Of:
    """Says what was recorded, as far as that is known: it is not of recordings that Python has made."""

    _of: Optional[Source]

    @property
    def population(self) -> Optional[str]:
        """The name of the population whose cells were recorded; None for synapses."""
        return None if self._of is None or self._of.synapses else self._of.owner

    @property
    def projection(self) -> Optional[str]:
        """The name of the projection whose synapses were recorded; None for cells."""
        return self._of.owner if self._of is not None and self._of.synapses else None

    @property
    def variable(self) -> Optional[str]:
        """The name of the variable or event: `v`, `spike`."""
        return None if self._of is None else self._of.variable

    @property
    def cells(self) -> Optional[np.ndarray]:
        """Which cells of the population were recorded, by their indices there: of `record net.exc[5..8].v` [5, 6, 7]. If one number is
        kept of each moment, the cells that it is of; None for synapses."""
        return None if self._of is None or self._of.synapses else self._of.indices


class Recording(_Of, Array):
    """Recorded values, of shape (moments, cells), of cells with several segments (moments, cells, segments), or, if only one number of
    each moment is kept, (moments,).

    `times` are those of the moments in ms, `unit` is that of the values, `name` the recording's; `population`, `cells` and `variable` (or
    `projection`) are what was recorded.
    """

    name: str
    _times: Optional[np.ndarray]

    def __new__(cls, values: Any, unit: str, times: np.ndarray, name: str, of: Optional[Source] = None) -> "Recording":
        self = np.asarray(values).view(cls)
        self.unit, self._times, self.name, self._of = unit, times, name, of
        return self

    def __array_finalize__(self, obj: Any) -> None:
        super().__array_finalize__(obj)
        self.name = getattr(obj, "name", "")
        self._of = getattr(obj, "_of", None)
        self._times = None

    def __reduce__(self):
        return (Recording, (np.asarray(self), self.unit, self._times, self.name, self._of))

    def _labels(self) -> np.ndarray:
        """What columns are called: cells by their index in the population, others by their place."""
        n = self.shape[1]
        return self.cells if self.cells is not None and len(self.cells) == n else np.arange(n)

    @property
    def times(self) -> np.ndarray:
        """Times of the moments in ms."""
        if self._times is None:
            raise AttributeError("this was made of a recording and has no times; take them from the recording itself")
        return self._times

    def to_pandas(self) -> Any:
        """A DataFrame with a row for each moment and a column for each cell, called by its index in the population; of several segments
        with a column for each, called by both."""
        import pandas

        values = np.asarray(self)
        member = "cell" if self.projection is None else "synapse"
        if values.ndim == 3:
            columns = pandas.MultiIndex.from_product([self._labels(), range(values.shape[2])], names=[member, "segment"])
        else:
            columns = pandas.Index(self._labels(), name=member) if values.ndim == 2 else [self.name]
        frame = pandas.DataFrame(values.reshape(len(values), -1), index=_row_labels(self.times), columns=columns)
        frame.attrs["unit"] = self.unit
        return frame

    def to_arrow(self) -> Any:
        """A table of time (ms), cell (and segment, of several) and value, as the Parquet file of a run has them; the unit is in its metadata."""
        import pyarrow

        values = np.asarray(self)
        cells = values.shape[1] if values.ndim > 1 else 1
        segments = values.shape[2] if values.ndim == 3 else 1
        member = np.repeat(np.arange(cells, dtype=np.int32), segments)
        columns = {
            "time": np.repeat(self.times, cells * segments),
            "cell" if self.projection is None else "synapse": np.tile(member, len(self.times)),
        }
        if values.ndim == 3:
            columns["segment"] = np.tile(np.arange(segments, dtype=np.int32), cells * len(self.times))
        columns["value"] = values.reshape(-1)
        return pyarrow.table(columns).replace_schema_metadata({"name": self.name, "unit": self.unit})

    def to_xarray(self) -> Any:
        """A DataArray with the dimensions time (ms) and cell (or synapse), whose coordinates are indices in the population, and segment,
        of several."""
        import xarray

        values = np.asarray(self)
        coords = {"time": self.times}
        if values.ndim > 1:
            coords["cell" if self.projection is None else "synapse"] = self._labels()
        if values.ndim == 3:
            coords["segment"] = np.arange(values.shape[2])
        of = xarray.DataArray(values, dims=list(coords), coords=coords, name=self.name, attrs={"unit": self.unit})
        of.time.attrs["unit"] = "ms"
        return of


class Spikes(_Of):
    """Recorded events: `times` in ms and `indices` of cells, of shape (events,), in order of time.

    `times, indices = r.spikes["exc"]` takes both. Indices count among the `n` cells that were recorded, from `begin` to `end` (ms); which
    cells of the `population` these are, `cells` says: `s.cells[s.indices]`.
    """

    def __init__(
        self, times: Any, indices: Any, n: int, begin: float, end: float, name: str, of: Optional[Source] = None
    ) -> None:
        self._of = of
        self.times = np.asarray(times)
        self.indices = np.asarray(indices, dtype=np.int64)
        self.n, self.begin, self.end, self.name = n, begin, end, name

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter((self.times, self.indices))

    def __repr__(self) -> str:
        return f"<{len(self.times)} events of {self.n} cells, {self.name}, {self.begin:g} to {self.end:g} ms>"

    def rates(self) -> Array:
        """The rate of each cell over the whole recording in Hz, of shape (n,)."""
        if self.end <= self.begin:
            raise ValueError("nothing was recorded yet")
        return Array(np.bincount(self.indices, minlength=self.n) * (1000.0 / (self.end - self.begin)), "Hz")

    def trains(self) -> list[np.ndarray]:
        """The times of each cell's events in ms: n arrays."""
        order = np.argsort(self.indices, kind="stable")
        ends = np.cumsum(np.bincount(self.indices, minlength=self.n))[:-1]
        return np.split(self.times[order], ends)

    def to_pandas(self) -> Any:
        """A DataFrame of time (ms) and cell."""
        import pandas

        return pandas.DataFrame({"time": self.times, "cell": self.indices})

    def to_arrow(self) -> Any:
        """A table of time (ms) and cell, as the Parquet file of a run has them."""
        import pyarrow

        columns = {"time": self.times, "cell": self.indices.astype(np.int32)}
        return pyarrow.table(columns).replace_schema_metadata({"name": self.name})


def quantity(values: np.ndarray, unit: str) -> Any:
    """A number or an array with a unit."""
    return Number(values.item(), unit) if values.ndim == 0 else Array(values, unit)
