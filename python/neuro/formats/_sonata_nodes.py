"""Nodes of a SONATA circuit, and the populations of cells that they become."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ._errors import FormatError
from ._sonata_files import H5, Types, read_json
from ._sonata_models import IDLE, MODELS, Model, glif_psc

_REFUSED = {
    "single_compartment": "is a compartment with mechanisms of NEURON: only point neurons are carried over",
}
#: Attributes that say something of a cell's place or shape in space, or are read otherwise.
_OWN = ("node_id", "node_type_id", "node_group_id", "node_group_index", "model_type", "model_template", "dynamics_params", "population")


@dataclass
class Part:
    """Nodes of a population that have one model: a population of the language. `model` is none of virtual nodes."""

    name: str
    rows: np.ndarray
    ids: np.ndarray
    model: Optional[Model]
    template: str
    #: Values that nodes are given, by parameter or state, one for each.
    values: dict[str, np.ndarray] = field(default_factory=dict)
    #: Synapses onto cells with a morphology, by kind of section and name.
    synapses: dict[tuple[str, str], Any] = field(default_factory=dict)


class Population:
    """The nodes of a population, with the attributes that they have and those of their types."""

    def __init__(self, h5: H5, name: str, types: Types) -> None:
        self.name, self.types, self.path = name, types, h5.path
        at = self._at = f"/nodes/{name}"
        self.type_ids = h5.all(f"{at}/node_type_id", "id")
        n = len(self.type_ids)
        self.ids = h5.all(f"{at}/node_id", "id", n) if h5.get(f"{at}/node_id") is not None else np.arange(n)
        self.order = np.argsort(self.ids, kind="stable")
        again = np.flatnonzero(np.diff(self.ids[self.order]) == 0)
        if len(again):
            raise h5.fault(f"{at}/node_id", f"the node {self.ids[self.order][again[0]]} is there twice")
        for type_id in np.unique(self.type_ids).tolist():
            if type_id not in types.rows:
                if types.path is not None:
                    raise types.fault(type_id, f"is missing; population `{name}` in {h5.path} has nodes of it")
                types.rows[type_id] = {}
        #: Attributes of groups: for each, the rows of the nodes and their values.
        self.attributes: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        self.dynamics: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        self._read_groups(h5, n)

    def __len__(self) -> int:
        return len(self.ids)

    def fault(self, place: str, what: str, fix: Optional[str] = None) -> FormatError:
        return FormatError(self.path, f"{self._at}/{place}", what, fix)

    def _read_groups(self, h5: H5, n: int) -> None:
        names = [g for g in h5.group(self._at) if g.isdigit() and h5.is_group(f"{self._at}/{g}")]
        if h5.get(f"{self._at}/node_group_id") is not None:
            group = h5.all(f"{self._at}/node_group_id", "id", n)
            index = h5.all(f"{self._at}/node_group_index", "id", n)
        elif len(names) <= 1:
            group, index = np.full(n, int(names[0]) if names else 0), np.arange(n)
        else:
            raise h5.fault(f"{self._at}/node_group_id", "is missing", "with several groups of nodes it says which group a node is in")
        for number in np.unique(group).tolist():
            place = f"{self._at}/{number}"
            if str(number) not in names:
                raise h5.fault(place, "is missing", "`node_group_id` names this group")
            rows = np.flatnonzero(group == number)
            for name in h5.group(place):
                if name == "dynamics_params":
                    for parameter in h5.group(f"{place}/{name}"):
                        values = self._column(h5, f"{place}/{name}/{parameter}", index[rows], "number")
                        self.dynamics.setdefault(parameter, []).append((rows, values))
                elif not h5.is_group(f"{place}/{name}") and not h5.shape_is_other(f"{place}/{name}"):
                    values = self._column(h5, f"{place}/{name}", index[rows], "any")
                    library = h5.get(f"{place}/@library/{name}")
                    if library is not None and values.dtype.kind in "iu":
                        words = h5.all(f"{place}/@library/{name}", "any")
                        if len(values) and int(values.max()) >= len(words):
                            raise h5.fault(f"{place}/{name}", f"{int(values.max())} is no place in its @library")
                        values = words[values.astype(np.int64)]
                    self.attributes.setdefault(name, []).append((rows, values))

    def _column(self, h5: H5, place: str, index: np.ndarray, kind: str) -> np.ndarray:
        return h5.take(place, h5.column(place), index, kind)

    def text(self, name: str) -> np.ndarray:
        """An attribute of all nodes, of their own or of their types; none where they do not have it."""
        out = np.full(len(self), None, dtype=object)
        if name in self.types.columns:
            for type_id in np.unique(self.type_ids).tolist():
                out[self.type_ids == type_id] = self.types.rows[type_id].get(name)
        for rows, values in self.attributes.get(name, ()):
            for row, value in zip(rows.tolist(), values.tolist()):
                if value not in ("", "NULL"):
                    out[row] = value
        return out

    def has(self, name: str, wanted: list[Any]) -> np.ndarray:
        """Whether an attribute of a node is one of some values."""
        if name in ("node_type_id", "node_group_id"):
            return np.isin(self.type_ids, wanted)
        texts = {str(w) for w in wanted}
        numbers = {float(w) for w in wanted if isinstance(w, (int, float))}

        def one(value: Any) -> bool:
            if value is None:
                return False
            if str(value) in texts:
                return True
            try:
                return float(value) in numbers
            except (TypeError, ValueError):
                return False

        return np.array([one(v) for v in self.text(name)], dtype=bool)

    def numbers(self) -> dict[str, np.ndarray]:
        """Attributes that are numbers of all nodes: their places, and what else users have added."""
        out = {}
        for name, groups in self.attributes.items():
            if name in _OWN or sum(len(rows) for rows, _ in groups) != len(self) or not all(v.dtype.kind in "iuf" for _, v in groups):
                continue
            out[name] = np.empty(len(self))
            for rows, values in groups:
                out[name][rows] = values
        return out

    def words(self) -> dict[str, np.ndarray]:
        """Attributes that are words of all nodes: `ei`, `location`, `model_name`."""
        names = [n for n in dict.fromkeys([*self.types.columns, *self.attributes]) if n not in _OWN]
        found = {n: self.text(n) for n in names if n not in self.numbers()}
        return {n: v for n, v in found.items() if all(isinstance(x, str) for x in v)}


def _parameters(population: Population, type_id: int, named: Any, folder: Optional[Path], cache: dict) -> dict[str, Any]:
    """The parameters that a type of nodes (or of edges) names: a file beside others, or an object itself."""
    if named is None:
        return {}
    if str(named).lstrip().startswith("{"):
        try:
            of = json.loads(named)
        except json.JSONDecodeError as e:
            raise population.types.fault(type_id, f"`dynamics_params` is not JSON ({e.msg})") from None
        if not isinstance(of, dict):
            raise population.types.fault(type_id, "`dynamics_params` is not an object")
        return of
    if folder is None:
        fix = "add `point_neuron_models_dir` to `components` of the circuit"
        raise population.types.fault(type_id, f"`dynamics_params` names {named}, and where such files are is not said", fix)
    path = folder / str(named)
    if path not in cache:
        if path.suffix != ".json":
            raise population.types.fault(type_id, f"`dynamics_params` names {named}, which is not JSON")
        cache[path] = read_json(path)
    return cache[path]


def parts(
    population: Population,
    names: Mapping[str, str],
    folder: Optional[Path],
    v_init: Optional[float],
    notes: list[str],
    shaped: Callable[[Types, int, Any, Any, Any, Any], Model],
) -> list[Part]:
    """The populations of the language that a population becomes: one for each model. `names` gives words that are free, `shaped` models of
    cells with a morphology."""
    kinds, templates = population.text("model_type"), population.text("model_template")
    keys = []
    own: dict[str, Model] = {}
    shapes = [population.text(name) for name in ("morphology", "model_processing", "dynamics_params")]
    for row, (kind, template, type_id) in enumerate(zip(kinds, templates, population.type_ids.tolist())):
        if kind is None:
            raise population.types.fault(type_id, "`model_type` is missing", "SONATA asks for it in the types or in the nodes")
        if kind == "virtual":
            keys.append("virtual")
        elif kind in ("point_neuron", "point_process"):
            key = str(template).lower() if template is not None else ""
            if key not in MODELS:
                known = ", ".join(MODELS)
                what = f"`model_template` {template} is not known" if template else "`model_template` is missing"
                raise population.types.fault(type_id, f"{what} (node {population.ids[row]})", f"carried over are {known}")
            keys.append(key)
        elif kind == "biophysical":
            said = [of[row] for of in shapes]
            key = f"{template} {said}"
            if key not in own:
                own[key] = shaped(population.types, type_id, template, *said)
            keys.append(key)
        else:
            why = _REFUSED.get(str(kind), "is not known")
            raise population.types.fault(type_id, f"`model_type` {kind} {why} (node {population.ids[row]} of {population.path})")
    kinds_of = np.array(keys, dtype=object)
    distinct = list(dict.fromkeys(keys))
    out: list[Part] = []
    cache: dict[Path, dict[str, Any]] = {}
    for key in distinct:
        rows = np.flatnonzero(kinds_of == key)
        model = own.get(key) or MODELS.get(key)
        if key == "nest:glif_psc":
            model = _glif(population, rows, folder, cache)
        name = names[population.name] if len(distinct) == 1 else f"{names[population.name]}_{model.neuron if model else 'virtual'}"
        part = Part(name, rows, population.ids[rows], model, key)
        if model is not None and key not in own:
            _give(part, population, folder, v_init, cache, notes)
        out.append(part)
    return out


def _glif(population: Population, rows: np.ndarray, folder: Optional[Path], cache: dict) -> Model:
    """The model of cells whose numbers of ports and of currents are those of their lists of parameters."""
    own, of_types = population.text("dynamics_params")[rows], population.type_ids[rows]
    sizes = set()
    for type_id, named in dict.fromkeys(zip(of_types.tolist(), own.tolist())):
        of = _parameters(population, type_id, named, folder, cache)
        lists = [of.get(key, default) for key, default in (("tau_syn", [2.0]), ("asc_decay", [0.003, 0.1]))]
        if not all(isinstance(x, list) and 0 < len(x) < 100 for x in lists):
            raise population.types.fault(type_id, f"`tau_syn` and `asc_decay` in {named} are no lists")
        sizes.add((len(lists[0]), len(lists[1])))
        if len(sizes) > 1:
            raise population.types.fault(
                type_id, f"{named} has another number of `tau_syn` or `asc_decay` than other types of its population"
            )
    return glif_psc(*sizes.pop())


def _single(of: dict[str, Any], template: str) -> dict[str, Any]:
    """Parameters with an element of a list each, `tau_syn_0` of `tau_syn`."""
    if template != "nest:glif_psc":
        return of
    out = dict(of)
    if out.pop("after_spike_currents", False) is not True:
        out = {name: value for name, value in out.items() if name not in ("asc_amps", "asc_init")}
    for name in [n for n, value in out.items() if isinstance(value, list)]:
        out.update((f"{name}_{k}", value) for k, value in enumerate(out.pop(name)))
    return out


def _give(part: Part, population: Population, folder: Optional[Path], v_init: Optional[float], cache: dict, notes: list[str]) -> None:
    """Values that the files give to the parameters and states of a part."""
    model, n = part.model, len(part.rows)
    assert model is not None
    settable, renamed = {**model.parameters, **model.states}, dict(model.renamed)
    given = {name: np.full(n, np.nan) for name in settable}
    if v_init is not None and model.initial:
        given[model.initial][:] = v_init
    own = population.text("dynamics_params")[part.rows]
    of_types = population.type_ids[part.rows]
    for type_id, named in dict.fromkeys(zip(of_types.tolist(), own.tolist())):
        chosen = (of_types == type_id) & np.array([o == named for o in own])
        of = dict(_single(_parameters(population, type_id, named, folder, cache), part.template))
        where = f"{named} (node_type_id {type_id} in {population.types.path})"
        path = folder / str(named) if folder is not None and named is not None else population.path
        in_seconds = part.template == "nrn:intfire1" and of.pop("type", None) == "NEURON_IntFire1"
        for name, value in of.items():
            if IDLE.get(part.template, {}).get(name, _parameters) == value:
                continue
            name = renamed.get(name, name)
            if name not in settable:
                known = ", ".join(settable)
                what = f"is no parameter of {part.template} that is carried over"
                raise FormatError(path, f"`{name}`", what, f"these are {known}; {where}")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not np.isfinite(value):
                raise FormatError(path, f"`{name}`", f"{value!r} is not a number")
            # BMTK and PyNN read such files in seconds.
            given[name][chosen] = value * 1000.0 if in_seconds else value
    place = {int(row): k for k, row in enumerate(part.rows)}
    for name, groups in population.dynamics.items():
        for rows, values in groups:
            name = renamed.get(name, name)
            mine = [(place[r], v) for r, v in zip(rows.tolist(), values.tolist()) if r in place]
            if not mine:
                continue
            if name not in settable:
                raise population.fault(f"*/dynamics_params/{name}", f"is no parameter of {part.template} that is carried over")
            at, of_nodes = np.array([m[0] for m in mine]), np.array([m[1] for m in mine])
            given[name][at] = of_nodes
    part.values = {
        name: np.where(np.isnan(values), model.default(name), values) for name, values in given.items() if not np.isnan(values).all()
    }
