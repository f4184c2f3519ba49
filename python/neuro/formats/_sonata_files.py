"""HDF5, CSV and JSON files of SONATA, read so that a fault names the file and the place in it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ._errors import FormatError, need

#: Rows that are in memory at a time.
BLOCK = 1 << 18
#: More nodes than this in a population are a fault of the file rather than a network.
MOST_NODES = 100_000_000
MOST_EDGES = 1 << 36
#: A piece of a dataset is read as a whole.
MOST_CHUNK = 256 << 20
#: Texts (JSON, CSV of types) are longer than this only by mistake.
MOST_BYTES = 256 << 20


@contextmanager
def _guarded(path: Path, place: str) -> Iterator[None]:
    try:
        yield
    except FormatError:
        raise
    # What h5py raises of damaged files is of many kinds.
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, OverflowError, SystemError) as e:
        why = str(e).strip().splitlines()[0] if str(e).strip() else type(e).__name__
        raise FormatError(path, place, f"cannot be read ({why})", "the file may be damaged or cut off; fetch or write it anew") from None
    except MemoryError:
        raise FormatError(path, place, "does not fit into memory") from None


class H5:
    """An HDF5 file."""

    def __init__(self, path: Path) -> None:
        h5py = need("h5py")
        self.path, self._h5py = path, h5py
        _there(path)
        with path.open("rb") as f:
            if f.read(40).startswith(b"version https://git-lfs"):
                raise FormatError(path, None, "is a pointer of Git LFS, not the file itself", "run `git lfs pull` in its repository")
        with _guarded(path, "the file"):
            self.file = h5py.File(path, "r")

    def __enter__(self) -> "H5":
        return self

    def __exit__(self, *_: Any) -> None:
        self.file.close()

    def fault(self, place: Optional[str], what: str, fix: Optional[str] = None) -> FormatError:
        return FormatError(self.path, place, what, fix)

    def get(self, place: str) -> Any:
        """A group or dataset of this file; none if there is none."""
        with _guarded(self.path, place):
            at: Any = self.file
            for name in place.strip("/").split("/"):
                if not isinstance(at, self._h5py.Group) or at.get(name, getlink=True) is None:
                    return None
                if isinstance(at.get(name, getlink=True), self._h5py.ExternalLink):
                    raise self.fault(place, "is a link into another file", "put the data into this file")
                at = at[name]
            return at

    def group(self, place: str, fix: Optional[str] = None) -> list[str]:
        """Names in a group."""
        of = self.get(place)
        if not isinstance(of, self._h5py.Group):
            raise self.fault(place, "is missing" if of is None else "is no group", fix)
        with _guarded(self.path, place):
            return [str(name) for name in of]

    def is_group(self, place: str) -> bool:
        return isinstance(self.get(place), self._h5py.Group)

    def column(self, place: str, n: Optional[int] = None, most: int = MOST_NODES) -> Any:
        """A dataset of one axis, of n rows if that is known."""
        of = self.get(place)
        if of is None:
            raise self.fault(place, "is missing", "SONATA asks for this dataset")
        if not isinstance(of, self._h5py.Dataset):
            raise self.fault(place, "is no dataset")
        with _guarded(self.path, place):
            shape, external, virtual = of.shape, of.external, of.is_virtual
            stored = of.id.get_storage_size()
            chunk = of.chunks[0] * of.dtype.itemsize if of.chunks and len(of.chunks) == 1 else 0
        if shape is None or len(shape) != 1:
            raise self.fault(place, f"has the shape {shape}, not one axis")
        if external or virtual:
            raise self.fault(place, "has its values in other files", "put them into this file")
        if n is not None and shape[0] != n:
            raise self.fault(place, f"has {shape[0]} rows where {n} are needed")
        if shape[0] > most:
            raise self.fault(place, f"has {shape[0]} rows, more than the {most} that are read")
        if chunk > MOST_CHUNK:
            raise self.fault(place, f"is kept in pieces of {chunk >> 20} MiB", f"write it in pieces of at most {MOST_CHUNK >> 20} MiB")
        if shape[0] > BLOCK and not stored:
            raise self.fault(place, f"has {shape[0]} rows and no values", "it was never written, or was cut off")
        return of

    def shape_is_other(self, place: str) -> bool:
        """Whether a dataset has more axes than one: nothing that is read of nodes or edges has."""
        of = self.get(place)
        return len(getattr(of, "shape", None) or ()) != 1

    def attribute(self, place: str, name: str) -> Any:
        of = self.get(place)
        if of is None:
            return None
        with _guarded(self.path, f"{place}@{name}"):
            value = of.attrs.get(name)
        value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else value

    def rows(self, place: str, of: Any, begin: int, end: int, kind: str) -> np.ndarray:
        """Some rows of a column: whole numbers ("id"), numbers ("number"), or whatever it has ("any")."""
        with _guarded(self.path, place):
            is_text = self._h5py.check_string_dtype(of.dtype) is not None
            values = of.asstr()[begin:end] if is_text else of[begin:end]
        if kind == "any":
            return values
        if kind == "id":
            if values.dtype.kind not in "iu":
                raise self.fault(place, f"holds {values.dtype}, not whole numbers")
            if values.size and (values.min() < 0 or values.max() > np.iinfo(np.int64).max):
                raise self.fault(place, "holds a number that is no id: it is negative or too large")
            return values.astype(np.int64)
        if values.dtype.kind not in "iufb":
            raise self.fault(place, f"holds {values.dtype}, not numbers")
        values = values.astype(np.float64)
        if not np.isfinite(values).all():
            k = begin + int(np.flatnonzero(~np.isfinite(values))[0])
            raise self.fault(place, f"row {k} is not a finite number")
        return values

    def all(self, place: str, kind: str, n: Optional[int] = None) -> np.ndarray:
        of = self.column(place, n)
        return self.rows(place, of, 0, of.shape[0], kind)

    def take(self, place: str, of: Any, index: np.ndarray, kind: str) -> np.ndarray:
        """Rows by their numbers, in any order, a block of the dataset at a time."""
        if not len(index):
            return np.empty(0)
        if index.max() >= of.shape[0]:
            raise self.fault(place, f"has {of.shape[0]} rows, and an index of {int(index.max())} asks for more")
        low, high = int(index.min()), int(index.max()) + 1
        if high - low <= 4 * BLOCK:
            return self.rows(place, of, low, high, kind)[index - low]
        order = np.argsort(index, kind="stable")
        at = index[order]
        out: Optional[np.ndarray] = None
        begin = 0
        while begin < len(at):
            end = int(np.searchsorted(at, at[begin] + BLOCK))
            low, high = int(at[begin]), int(at[end - 1]) + 1
            values = self.rows(place, of, low, high, kind)[at[begin:end] - low]
            out = np.empty(len(index), dtype=values.dtype) if out is None else out
            out[order[begin:end]] = values
            begin = end
        assert out is not None
        return out


def _there(path: Path) -> None:
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "there is no such file"
        raise FormatError(path, None, what, "paths are relative to the configuration; look at its `manifest`")


def read_text(path: Path) -> str:
    _there(path)
    if path.stat().st_size > MOST_BYTES:
        raise FormatError(path, None, f"has more than {MOST_BYTES >> 20} MiB", "this is no file of this kind")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as e:
        raise FormatError(path, f"byte {e.start}", "is not UTF-8", "save the file as UTF-8") from None


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def read_json(path: Path) -> dict[str, Any]:
    try:
        of = json.loads(read_text(path), parse_constant=_no_constant)
    except json.JSONDecodeError as e:
        raise FormatError(path, f"line {e.lineno}", f"is not JSON ({e.msg})") from None
    except (ValueError, RecursionError) as e:
        raise FormatError(path, None, f"is not JSON ({e})") from None
    if not isinstance(of, dict):
        raise FormatError(path, None, "is not an object", "it begins with {")
    return of


def read_table(path: Path, separator: Optional[str] = None) -> tuple[list[str], list[dict[str, Optional[str]]]]:
    """A CSV file with a header line: columns are separated by spaces unless it is said otherwise. NULL and empty fields are none."""
    lines = [line.rstrip(" \r") for line in read_text(path).split("\n")]
    lines = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise FormatError(path, None, "is empty", "its first line names the columns")
    if separator is None:
        separator = " " if " " in lines[0] or not re.search(r"[,\t;]", lines[0]) else next(s for s in ",\t;" if s in lines[0])
    try:
        rows = list(csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=True))
    except csv.Error as e:
        raise FormatError(path, None, f"is not a table ({e})") from None
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header):
        raise FormatError(path, "header", f"the column `{next(h for h in header if header.count(h) > 1)}` is there twice")
    out = []
    for k, row in enumerate(rows[1:], 2):
        if len(row) != len(header):
            fix = "fields with spaces are put into quotation marks"
            raise FormatError(path, f"row {k}", f"has {len(row)} fields where the header has {len(header)}", fix)
        out.append({h: None if v.strip() in ("", "NULL", "NA", "None", "nan", "NaN") else v.strip() for h, v in zip(header, row)})
    return header, out


class Types:
    """The node types or edge types of a population, and what files of parameters they name."""

    def __init__(self, path: Optional[Path], key: str, population: str) -> None:
        self.path, self.key = path, key
        self.rows: dict[int, dict[str, Optional[str]]] = {}
        self.columns: list[str] = []
        if path is None:
            return
        self.columns, rows = read_table(path)
        if key not in self.columns:
            raise FormatError(path, "header", f"there is no column `{key}`", f"it has {', '.join(self.columns)}")
        for row in rows:
            if row.get("population") not in (None, population):
                continue
            text = row[key]
            if text is None or not re.fullmatch(r"\d{1,18}", text):
                raise FormatError(path, f"{key} {text}", "is not a whole number")
            if int(text) in self.rows:
                raise FormatError(path, f"{key} {text}", "is there twice")
            self.rows[int(text)] = row

    def fault(self, type_id: int, what: str, fix: Optional[str] = None) -> FormatError:
        return FormatError(self.path or Path("types"), f"{self.key} {type_id}", what, fix)

    def number(self, type_id: int, column: str) -> Optional[float]:
        text = self.rows[type_id].get(column)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise self.fault(type_id, f"`{column}` is {text}, not a number")
        return value
