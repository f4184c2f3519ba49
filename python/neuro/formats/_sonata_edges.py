"""Edges of a SONATA circuit, as tables that `connect from` reads: a block of rows at a time, so that any number fits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from ._errors import FormatError, need
from ._sonata_cells import Exp2Syn
from ._sonata_files import BLOCK, H5, MOST_EDGES, Types, read_json
from ._sonata_nodes import Part, Population

_STATIC = ("static_synapse", "nest:static_synapse", "pynn:staticsynapse", "staticsynapse", "nrn:netcon", "netcon")
#: Functions of BMTK whose weight is `syn_weight`.
_PLAIN = ("wmax", "default_weight_fnc", "set_syn_weight", "syn_weight")


#: Datasets of a population of edges.
_CALLED = {"source": "source_node_id", "target": "target_node_id", "group": "edge_group_id", "index": "edge_group_index"}


@dataclass
class Projection:
    """Synapses from one part to a port of another, in a table of their own."""

    name: str
    source: Part
    target: Part
    port: str
    file: str
    unit: str
    rows: int = 0
    #: The least and the longest delay (ms).
    delays: tuple[float, float] = (np.inf, 0.0)
    #: Whether the table has edges of other nodes, too.
    part_only: bool = False
    #: Whether it says on which segment each synapse sits.
    placed: bool = False


class _Table:
    """Edges that are written as they come."""

    def __init__(self, folder: Path, projection: Projection) -> None:
        self._pa = need("pyarrow")
        self.projection = projection
        names = [("source", "int64"), ("target", "int64"), ("weight", "float64"), ("delay", "float64")]
        names += [("segment", "int64")] if projection.placed else []
        self._schema = self._pa.schema([(n, self._pa.type_for_alias(t)) for n, t in names])
        self._writer = need("pyarrow.parquet").ParquetWriter(
            folder / projection.file, self._schema, compression="snappy", use_dictionary=["delay"]
        )

    def add(self, source: np.ndarray, target: np.ndarray, weight: np.ndarray, delay: np.ndarray, *more: np.ndarray) -> None:
        self._writer.write_table(self._pa.table([source, target, weight, delay, *more], schema=self._schema))
        of = self.projection
        of.rows += len(source)
        of.delays = (min(of.delays[0], float(delay.min())), max(of.delays[1], float(delay.max())))

    def close(self) -> None:
        self._writer.close()


class _EdgeTypes:
    """What each type of edges says: weight, delay, number of synapses, and whether its synapse is carried over."""

    def __init__(self, types: Types, folder: Optional[Path], shaped: bool) -> None:
        self.types, self.folder, self.shaped = types, folder, shaped
        #: Synapses onto cells with a morphology: their name, and what they are.
        self.synapses: list[tuple[str, Exp2Syn]] = []
        self.ids = np.array(sorted(types.rows), dtype=np.int64)
        self.columns: dict[str, np.ndarray] = {}
        for name in ("syn_weight", "delay", "nsyns"):
            self.columns[name] = np.array([np.nan if (v := types.number(t, name)) is None else v for t in self.ids.tolist()])
        self.sign = np.ones(len(self.ids))
        #: Where edges arrive: 0 if the sign of the weight says it, 1 and 2 of those that excite and inhibit, from 3 on the port of
        #: a `receptor_type`.
        self.port = np.zeros(len(self.ids), dtype=np.int64)
        for k, type_id in enumerate(self.ids.tolist()):
            self._check(k, type_id)

    def _check(self, k: int, type_id: int) -> None:
        row = self.types.rows[type_id]
        template = row.get("model_template")
        if self.shaped:
            self._shaped(type_id, template, row)
            return
        if template is not None and template.lower() not in _STATIC:
            fix = f"carried over are {', '.join(_STATIC[1:4])}"
            raise self.types.fault(type_id, f"`model_template` {template} is a synapse that is not carried over", fix)
        function = row.get("weight_function")
        if function is not None and function not in _PLAIN:
            fix = "write the weights themselves as `syn_weight` of the edges"
            raise self.types.fault(type_id, f"`weight_function` {function} is a function of Python", fix)
        receptor = row.get("receptor_type")
        self._parameters(k, type_id, row.get("dynamics_params"))
        if receptor is not None:
            self._receptor(k, type_id, receptor)

    def _shaped(self, type_id: int, template: Any, row: dict[str, Any]) -> None:
        """A synapse with states of its own, onto a cell with a morphology."""
        if str(template).lower() != "exp2syn":
            raise self.types.fault(type_id, f"`model_template` {template} is a synapse that is not carried over", "carried over is Exp2Syn")
        function = row.get("weight_function")
        if function is not None and function not in _PLAIN:
            fix = "write the weights themselves as `syn_weight` of the edges"
            raise self.types.fault(type_id, f"`weight_function` {function} is a function of Python", fix)
        named = row.get("dynamics_params")
        if named is None or self.folder is None:
            raise self.types.fault(type_id, "`dynamics_params` is missing" if named is None else "where `dynamics_params` are is not said")
        of = dict(read_json(self.folder / named))
        of.pop("level_of_detail", None)
        values = [of.pop(name, None) for name in ("tau1", "tau2", "erev")]
        if of or not all(isinstance(v, (int, float)) and np.isfinite(v) for v in values) or min(values[:2]) <= 0:
            what = (
                f"`{next(iter(of))}` of a synapse is not carried over"
                if of
                else "has no time constants `tau1`, `tau2` above zero and `erev`"
            )
            raise FormatError(self.folder / named, None, what)
        word = re.sub(r"\W+", "_", Path(named).stem, flags=re.ASCII).lower()
        self.synapses.append((word if not word[0].isdigit() else f"synapse_{word}", Exp2Syn(*map(float, values))))

    def _receptor(self, k: int, type_id: int, receptor: Any) -> None:
        if receptor not in ("excitatory", "inhibitory", "default"):
            what = f"`receptor_type` {receptor} is not carried over"
            raise self.types.fault(type_id, what, "ports are `excitatory` and `inhibitory`, or follow the sign of the weight")
        self.port[k] = {"default": 0, "excitatory": 1, "inhibitory": 2}[receptor]

    def _parameters(self, k: int, type_id: int, named: Optional[str]) -> None:
        if named is None:
            return
        if self.folder is None:
            fix = "add `synaptic_models_dir` to `components` of the circuit"
            raise self.types.fault(type_id, f"`dynamics_params` names {named}, and where such files are is not said", fix)
        for name, value in read_json(self.folder / named).items():
            # `level_of_detail` of the examples says that a synapse is an instant.
            if name == "level_of_detail" and str(value).startswith(("instant", "none")):
                continue
            if name == "sign" and value in (1, -1):
                self.sign[k] = value
            elif name == "receptor_type" and isinstance(value, str):
                self._receptor(k, type_id, value)
            elif name == "receptor_type" and type(value) is int and value > 0:
                self.port[k] = 2 + value
            elif name in ("weight", "delay") and isinstance(value, (int, float)) and not isinstance(value, bool):
                column = {"weight": "syn_weight", "delay": "delay"}[name]
                if np.isnan(self.columns[column][k]):
                    self.columns[column][k] = value
            else:
                where = f"edge_type_id {type_id} in {self.types.path}"
                raise FormatError(self.folder / named, f"`{name}`", f"{value!r} of a synapse is not carried over", where)


class _Ends:
    """Which part and which place nodes of a population have."""

    def __init__(self, population: Population, parts: list[Part]) -> None:
        self.population, self.parts = population, parts
        self.sorted = population.ids[population.order]
        self.part = np.zeros(len(population), dtype=np.int64)
        for k, part in enumerate(parts):
            self.part[part.rows] = k
        # Ids without large gaps are found by their number; that is several times faster than a search.
        self.dense: Optional[np.ndarray] = None
        if len(self.sorted) and self.sorted[-1] < 8 * len(self.sorted) + BLOCK:
            self.dense = np.full(int(self.sorted[-1]) + 2, -1, dtype=np.int64)
            self.dense[population.ids] = self.part

    def of(self, h5: H5, place: str, ids: np.ndarray, first: int) -> np.ndarray:
        if self.dense is not None:
            found = self.dense[np.minimum(ids, len(self.dense) - 1)]
            lost = np.flatnonzero(found < 0)
            if not len(lost):
                return found
        at = np.minimum(np.searchsorted(self.sorted, ids), max(len(self.sorted) - 1, 0))
        lost = np.flatnonzero(self.sorted[at] != ids) if len(self.sorted) else np.arange(len(ids))
        if len(lost):
            k = int(lost[0])
            raise h5.fault(place, f"edge {first + k} has the node {int(ids[k])}, which population `{self.population.name}` does not have")
        return self.part[self.population.order[at]]


def _ends(h5: H5, at: str, end: str, populations: dict[str, Population], parts: dict[str, list[Part]]) -> _Ends:
    place = f"{at}/{end}_node_id"
    name = h5.attribute(place, "node_population")
    if name is None:
        raise h5.fault(place, "has no attribute `node_population`", "it names the population of the nodes")
    if name not in populations:
        raise h5.fault(place, f"names the population `{name}`, which the circuit does not have", f"it has {', '.join(populations)}")
    return _Ends(populations[name], parts[name])


def edges(
    h5: H5,
    name: str,
    types: Types,
    synapses: Optional[Path],
    populations: dict[str, Population],
    parts: dict[str, list[Part]],
    folder: Path,
    word: str,
    dt: Optional[float],
    notes: list[str],
) -> list[Projection]:
    """Writes the edges of a population; returns what they become, one projection for each pair of parts and port."""
    at = f"/edges/{name}"
    if h5.get(f"{at}/source_node_id") is None:
        raise h5.fault(f"{at}/source_node_id", "is missing", "SONATA asks for this dataset")
    source, target = (_ends(h5, at, end, populations, parts) for end in ("source", "target"))
    columns = {"source": h5.column(f"{at}/source_node_id", most=MOST_EDGES)}
    n = columns["source"].shape[0]
    columns["target"] = h5.column(f"{at}/target_node_id", n, MOST_EDGES)
    columns["edge_type_id"] = h5.column(f"{at}/edge_type_id", n, MOST_EDGES)
    groups = [g for g in h5.group(at) if g.isdigit() and h5.is_group(f"{at}/{g}")]
    by_group = h5.get(f"{at}/edge_group_id") is not None
    if by_group:
        columns["group"] = h5.column(f"{at}/edge_group_id", n, MOST_EDGES)
        columns["index"] = h5.column(f"{at}/edge_group_index", n, MOST_EDGES)
    elif len(groups) > 1:
        raise h5.fault(f"{at}/edge_group_id", "is missing", "with several groups of edges it says which group an edge is in")
    shaped = [p.model is not None and p.model.segments is not None for p in target.parts]
    if any(shaped) and not all(shaped):
        raise h5.fault(f"{at}/target_node_id", "are of a population of cells with and without a morphology", "give each a population")
    of_types = _EdgeTypes(types, synapses, any(shaped))
    own = _attributes(h5, at, groups, any(shaped))
    tables: dict[tuple[int, int, str], _Table] = {}
    without_delay = 0
    try:
        for begin in range(0, n, BLOCK):
            end = min(begin + BLOCK, n)
            got = {c: h5.rows(f"{at}/{_CALLED.get(c, c)}", column, begin, end, "id") for c, column in columns.items()}
            ids, type_ids = {c: got[c] for c in ("source", "target")}, got["edge_type_id"]
            kind = of_types.ids.searchsorted(type_ids)
            lost = np.flatnonzero(of_types.ids[np.minimum(kind, len(of_types.ids) - 1)] != type_ids) if len(of_types.ids) else np.arange(1)
            if len(lost) and types.path is None:
                raise h5.fault(f"{at}/edge_type_id", "names types, and the circuit names no `edge_types_file`")
            if len(lost):
                raise types.fault(int(type_ids[lost[0]]), f"is missing; edge {begin + int(lost[0])} in {h5.path} is of this type")
            group = got["group"] if by_group else np.full(end - begin, int(groups[0]) if groups else 0)
            index = got["index"] if by_group else np.arange(begin, end)
            values = {c: of_types.columns[c][kind] for c in ("syn_weight", "delay", "nsyns")}
            values.update({c: np.full(end - begin, np.nan) for c in ("sec_id", "sec_x")})
            sign = of_types.sign[kind]
            for number in np.unique(group).tolist():
                if str(number) not in groups:
                    raise h5.fault(f"{at}/{number}", "is missing", "`edge_group_id` names this group")
                chosen = group == number
                for attribute, (place, column) in own[str(number)].items():
                    values[attribute][chosen] = h5.take(place, column, index[chosen], "number")
            weight = _weights(h5, at, values, begin) * sign
            delay = values["delay"]
            missing = np.isnan(delay)
            without_delay += int(missing.sum())
            parts_of = [e.of(h5, f"{at}/{c}_node_id", ids[c], begin) for c, e in (("source", source), ("target", target))]
            if any(shaped):
                _place(tables, parts_of, ids, weight, np.where(missing, 1.0, delay), (values["sec_id"], values["sec_x"]),
                       (of_types, kind), (source, target), folder, word, (h5, at, begin, dt))  # fmt: skip
                continue
            _write(tables, parts_of, ids, weight, np.where(missing, 1.0, delay), of_types.port[kind],
                   (source, target), folder, word, (h5, at, begin, dt))  # fmt: skip
    finally:
        for table in tables.values():
            table.close()
    if without_delay:
        notes.append(f"{without_delay} edges of `{name}` have no delay: it is 1 ms, the default of NEST and of NEURON")
    out = [tables[key].projection for key in sorted(tables)]
    for j in out:
        if dt is not None and j.delays[0] < dt / 2 < j.delays[1]:
            what = f"has edges from `{j.source.name}` without a delay beside others of {j.delays[1]:g} ms"
            raise h5.fault(at, what, "give all of them a delay of at least a step")
    return out


#: What attributes of edges are called that say where a synapse is.
_PLACES = {"sec_id": "sec_id", "sec_x": "sec_x", "afferent_section_id": "sec_id", "afferent_section_pos": "sec_x"}


def _attributes(h5: H5, at: str, groups: list[str], shaped: bool) -> dict[str, dict[str, tuple[str, Any]]]:
    """Columns of weights, delays and numbers of synapses that groups of edges have of their own, and of places on cells with a morphology."""
    own: dict[str, dict[str, tuple[str, Any]]] = {}
    for number in groups:
        own[number] = {}
        for name in h5.group(f"{at}/{number}"):
            place = f"{at}/{number}/{name}"
            if name in ("syn_weight", "delay", "nsyns"):
                own[number][name] = (place, h5.column(place, most=MOST_EDGES))
            elif shaped and name in _PLACES:
                own[number][_PLACES[name]] = (place, h5.column(place, most=MOST_EDGES))
            elif name == "dynamics_params":
                for parameter in h5.group(place):
                    known = {"weight": "syn_weight", "delay": "delay"}.get(parameter)
                    if known is None:
                        raise h5.fault(f"{place}/{parameter}", "of a synapse is not carried over")
                    own[number].setdefault(known, (f"{place}/{parameter}", h5.column(f"{place}/{parameter}", most=MOST_EDGES)))
            elif name in ("model_template", "receptor_type", "weight_function"):
                raise h5.fault(place, "is given edge by edge, which is not carried over", "give it in the types of edges")
    return own


def _place(tables: dict, parts_of: list, ids: dict, weight: np.ndarray, delay: np.ndarray, where: tuple, of: tuple, ends: tuple,
           folder: Path, word: str, around: tuple) -> None:  # fmt: skip
    """Adds edges onto cells with a morphology to the tables of their parts, synapses and kinds of sections."""
    (h5, at, begin, dt), (of_types, kind) = around, of
    lost = np.flatnonzero(np.isnan(where[0]) | np.isnan(where[1]))
    if len(lost):
        what = f"edge {begin + int(lost[0])} has no `sec_id` and `sec_x`: BMTK would draw where it sits"
        raise h5.fault(at, what, "write them into the edges")
    rows: dict[tuple[int, int, str, str], list[tuple[int, int]]] = {}
    for k, (section, x) in enumerate(zip(where[0].tolist(), where[1].tolist())):
        a, b = int(parts_of[0][k]), int(parts_of[1][k])
        source, target = ends[0].parts[a], ends[1].parts[b]
        found = target.model.segments.at(int(section), x)
        if found is None:
            raise h5.fault(at, f"edge {begin + k} is at {x:g} of section {int(section)}, which its cell does not have")
        least = 0.0 if source.model is None else (dt or 0.0)
        if delay[k] < least - 1e-9 or weight[k] < 0:
            what = f"has a delay of {delay[k]:g} ms, and a step is {dt:g} ms" if weight[k] >= 0 else f"has a weight of {weight[k]:g}"
            raise h5.fault(at, f"edge {begin + k} {what}", "delays take a step, and conductances are not negative")
        name, synapse = of_types.synapses[int(kind[k])]
        known = target.synapses.setdefault((found[0], name), synapse)
        if known != synapse:
            raise of_types.types.fault(int(of_types.ids[kind[k]]), f"another synapse onto these cells is called `{name}`, too")
        rows.setdefault((a, b, *found[:1], name), []).append((k, found[1]))
    for (a, b, part, name), own in rows.items():
        key = (a, b, f"{part}.{name}")
        if key not in tables:
            source, target = ends[0].parts[a], ends[1].parts[b]
            words = [p.name for end, p in zip(ends, (source, target)) if len(end.parts) > 1]
            file = "_".join([word, *words, part, name])
            tables[key] = _Table(folder, Projection(file, source, target, key[2], f"{file}.parquet", "uS", placed=True))
        at_rows, segments = np.array([r for r, _ in own]), np.array([s for _, s in own])
        tables[key].add(ids["source"][at_rows], ids["target"][at_rows], weight[at_rows], delay[at_rows], segments)


def _weights(h5: H5, at: str, values: dict[str, np.ndarray], begin: int) -> np.ndarray:
    weight = values["syn_weight"]
    lost = np.flatnonzero(np.isnan(weight))
    if len(lost):
        what = f"edge {begin + int(lost[0])} has no `syn_weight`, nor has its type"
        raise h5.fault(at, what, "point neurons need a weight for each edge")
    return weight * np.where(np.isnan(values["nsyns"]), 1.0, values["nsyns"])


def _write(tables: dict, parts_of: list, ids: dict, weight: np.ndarray, delay: np.ndarray, port: np.ndarray, ends: tuple,
           folder: Path, word: str, around: tuple) -> None:  # fmt: skip
    """Adds edges to the tables of their parts and ports."""
    h5, at, begin, dt = around
    for k in np.unique(parts_of[0] * 65536 + parts_of[1]).tolist():
        a, b = divmod(k, 65536)
        source, target = ends[0].parts[a], ends[1].parts[b]
        chosen = np.flatnonzero((parts_of[0] == a) & (parts_of[1] == b))
        if target.model is None:
            what = f"edge {begin + int(chosen[0])} ends at node {int(ids['target'][chosen[0]])}, which is virtual"
            raise h5.fault(f"{at}/target_node_id", what, "virtual nodes send spikes and receive none")
        # A virtual node may send at once; a cell's spike takes a step at least.
        least = 0.0 if source.model is None and not target.template.startswith("nest:") else (dt or 0.0)
        soon = np.flatnonzero(delay[chosen] < least - 1e-9)
        if len(soon):
            edge = int(chosen[soon[0]])
            what = f"edge {begin + edge} has a delay of {delay[edge]:g} ms, and a step is {dt:g} ms"
            raise h5.fault(at, what, "make `dt` smaller, or the delay longer")
        model = target.model
        named = port[chosen]
        other = (named < 3) | (named > 2 + len(model.receptors)) if model.receptors else named > 2
        if other.any():
            edge = int(chosen[np.flatnonzero(other)[0]])
            what = f"edge {begin + edge} has {f'the receptor_type {port[edge] - 2}' if port[edge] > 2 else 'no receptor_type'}"
            fix = f"it is one of 1 to {len(model.receptors)} there" if model.receptors else "the sign of the weight says where it arrives"
            raise h5.fault(at, f"{what}, and ends at a cell of {target.template}", fix)
        inhibitory = np.where(named == 0, weight[chosen] < 0, named == 2)
        arrive = [(False, name, named == 3 + k) for k, name in enumerate(model.receptors)]
        for pulls, name, mask in arrive or ((False, model.ports[0], ~inhibitory), (True, model.ports[1], inhibitory)):
            rows = chosen[mask]
            if not len(rows):
                continue
            size = weight[rows]
            if model.positive and not pulls and (size < 0).any():
                edge = begin + int(rows[np.flatnonzero(size < 0)[0]])
                raise h5.fault(at, f"edge {edge} is excitatory, and its weight is negative", "a conductance is not negative")
            if pulls:
                # A positive weight of an inhibitory port pulls down, as a negative one does.
                size = np.abs(size) if model.positive else -np.abs(size)
            table = tables.get((a, b, name))
            if table is None:
                words = [part.name for end, part in zip(ends, (source, target)) if len(end.parts) > 1]
                file = "_".join([word, *words, *([name] if model.receptors or model.ports[0] != model.ports[1] else [])])
                tables[a, b, name] = table = _Table(folder, Projection(file, source, target, name, f"{file}.parquet", model.weight))
            table.add(ids["source"][rows], ids["target"][rows], size, delay[rows])
