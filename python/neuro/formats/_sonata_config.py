"""Configuration files of SONATA: what belongs to a circuit and to a simulation, and sets of nodes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ._errors import FormatError
from ._sonata_files import read_json
from ._sonata_nodes import Population


class Config:
    """A circuit's configuration, a simulation's, or a file that names both. Its values have their manifest's variables put in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        #: Where a member was written.
        self.written: dict[str, Path] = {}
        self.values: dict[str, Any] = {}
        self._add(path, 0)
        if "networks" not in self.values:
            raise FormatError(path, "networks", "is missing", "name the configuration of a circuit, or of a simulation with `network`")

    def _add(self, path: Path, depth: int) -> None:
        if depth > 3:
            raise FormatError(path, None, "is named by a file that it names itself")
        of = read_json(path)
        manifest = self._manifest(path, of.get("manifest", {}))
        for key, value in of.items():
            if key != "manifest" and key not in self.values:
                self.values[key] = self._filled(path, value, manifest, key)
                self.written[key] = path
        for key in ("simulation", "network"):
            named = of.get(key)
            if isinstance(named, str):
                self._add(self._path(path, self._filled(path, named, manifest, key)), depth + 1)

    def _manifest(self, path: Path, of: Any) -> dict[str, str]:
        if not isinstance(of, dict) or not all(isinstance(v, str) for v in of.values()):
            raise FormatError(path, "manifest", "is no object of texts")
        here = str(path.parent.resolve())
        known = {"configdir": here, "workingdir": here, "configname": path.stem}
        open_ = {k.strip().lstrip("$").strip("{}"): v for k, v in of.items()}
        # A variable may use those that are written after it.
        for _ in range(len(open_) + 1):
            for name, value in list(open_.items()):
                try:
                    known[name] = self._filled(path, value, known, f"manifest/${name}")
                    del open_[name]
                except FormatError:
                    continue
        if open_:
            name, value = next(iter(open_.items()))
            raise FormatError(path, f"manifest/${name}", f"{value} uses a variable that is not there, or itself")
        return known

    def _filled(self, path: Path, value: Any, known: dict[str, str], place: str) -> Any:
        if isinstance(value, str) and "$" in value:

            def put(m: re.Match) -> str:
                name = m[1] or m[2]
                if name not in known:
                    raise FormatError(path, place, f"the variable ${name} is not in the manifest")
                return known[name]

            return re.sub(r"\$(?:\{(\w+)\}|(\w+))", put, value)
        if isinstance(value, dict):
            return {k: self._filled(path, v, known, f"{place}/{k}") for k, v in value.items()}
        if isinstance(value, list):
            return [self._filled(path, v, known, place) for v in value]
        return value

    def _path(self, written: Path, text: str) -> Path:
        at = Path(text)
        return at if at.is_absolute() else written.parent / at

    def fault(self, place: str, what: str, fix: Optional[str] = None) -> FormatError:
        return FormatError(self.written.get(place.partition("/")[0], self.path), place, what, fix)

    def file(self, place: str, text: Any) -> Path:
        """A file that is named below a member."""
        if not isinstance(text, str) or not text:
            raise self.fault(place, "names no file")
        return self._path(self.written[place.partition("/")[0]], text)

    def section(self, name: str) -> dict[str, Any]:
        of = self.values.get(name) or {}
        if not isinstance(of, dict):
            raise self.fault(name, "is not an object")
        return of

    def listed(self, kind: str) -> list[dict[str, Any]]:
        """`nodes` or `edges` of the circuit, without what is not enabled."""
        of = self.section("networks").get(kind) or []
        if not isinstance(of, list) or not all(isinstance(e, dict) for e in of):
            raise self.fault(f"networks/{kind}", "is not a list of objects")
        return [e for e in of if e.get("enabled", True) is not False]

    def number(self, section: str, key: str, given: Any = None) -> Optional[float]:
        value = self.section(section).get(key) if given is None and "/" not in section else given
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
            raise self.fault(f"{section}/{key}", f"{value!r} is not a number")
        return float(value)

    @property
    def simulator(self) -> str:
        text = self.values.get("target_simulator")
        return str(text).lower() if text else ""


class NodeSets:
    """Sets of nodes by name; each population is one of its own name."""

    def __init__(self, config: Config, populations: dict[str, Population]) -> None:
        self.config, self.populations = config, populations
        self.path = config.path
        self.sets: dict[str, Any] = {}
        named = config.values.get("node_sets_file")
        if named:
            self.path = config.file("node_sets_file", named)
            self.sets = read_json(self.path)

    def find(self, what: Any, place: str) -> dict[str, np.ndarray]:
        """Nodes of a set, as a truth value for each node of the populations that have some."""
        found = self._find(what, place, 0)
        return {name: mask for name, mask in found.items() if mask.any()}

    def _find(self, what: Any, place: str, depth: int) -> dict[str, np.ndarray]:
        if depth > 20:
            raise FormatError(self.path, place, "is made of itself")
        if isinstance(what, str):
            if what in self.sets:
                return self._find(self.sets[what], what, depth + 1)
            if what in self.populations:
                return {what: np.ones(len(self.populations[what]), dtype=bool)}
            # Examples of the format write a name in capitals in one place and small in another.
            other = [n for n in [*self.sets, *self.populations] if n.lower() == what.lower()]
            if other:
                return self._find(other[0], place, depth + 1)
            if what == "all":
                return {n: np.ones(len(p), dtype=bool) for n, p in self.populations.items()}
            known = ", ".join([*self.sets, *self.populations])
            raise FormatError(self.path, place, f"there is no set of nodes `{what}`", f"there is {known}")
        if isinstance(what, list):
            out: dict[str, np.ndarray] = {}
            for one in what:
                if not isinstance(one, str):
                    raise FormatError(self.path, place, "a list is of names of sets")
                for name, mask in self._find(one, place, depth + 1).items():
                    out[name] = out[name] | mask if name in out else mask
            return out
        if not isinstance(what, dict):
            raise FormatError(self.path, place, "a set of nodes is a name, a list of names, or an object")
        populations = what.get("population", list(self.populations))
        populations = populations if isinstance(populations, list) else [populations]
        out = {}
        for name in populations:
            population = self.populations.get(name)
            if population is None:
                raise FormatError(self.path, place, f"there is no population `{name}`", f"there is {', '.join(self.populations)}")
            mask = np.ones(len(population), dtype=bool)
            for key, wanted in what.items():
                if key == "population":
                    continue
                wanted = wanted if isinstance(wanted, list) else [wanted]
                if key in ("node_id", "node_ids"):
                    mask &= np.isin(population.ids, [w for w in wanted if isinstance(w, int)])
                else:
                    mask &= population.has(key, wanted)
            out[name] = mask
        return out
