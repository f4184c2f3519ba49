"""Circuits and simulations of SONATA as models of the language."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from .._model import Model as Program
from .._model import compile
from ._errors import need
from ._sonata_cells import Biophysics, with_synapses
from ._sonata_config import Config, NodeSets
from ._sonata_edges import Projection, edges
from ._sonata_files import H5, Types
from ._sonata_inputs import Clamps, Spikes, chosen
from ._sonata_nodes import Part, Population, parts

#: Words that cannot name a population.
_TAKEN = set(
    "neuron synapse network world experiment test use const let var for if else and or not in run record at measure plot expect population "
    "projection drive view init state param input event emit spike when on weight delay connect place true false net t dt i n inf pi seed "
    "step print reset save load signal plasticity sweep repeat until scheme gate hold mute since deliver pre post from where as with of to "
    "by every during segment cable channel data snapshot store never transpose precision abstract current function noise".split()
)


@dataclass(frozen=True)
class Circuit:
    """What a circuit or a simulation became: its model, which nodes its populations are, and what one should know of it.

    `path` is `circuit.neuro`, `nodes` has for each population of the model the population and the node ids of SONATA, for
    `write_sonata(run, folder, nodes=circuit.nodes)`.
    """

    path: Path
    nodes: Mapping[str, tuple[str, np.ndarray]]
    notes: tuple[str, ...]

    def compile(self) -> Program:
        """The model, checked: `circuit.compile().run()`."""
        return compile(self.path)


def _words(names: Iterable[str]) -> dict[str, str]:
    """A word of the language for each name."""
    out: dict[str, str] = {}
    for name in names:
        word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "population"
        word = f"p_{word}" if word[0].isdigit() or word.lower() in _TAKEN else word
        k, free = 2, word
        while free in out.values():
            free, k = f"{word}_{k}", k + 1
        out[name] = free
    return out


def _each(config: Config, kind: str) -> Iterable[tuple[Path, Optional[Path], str, H5]]:
    """Populations of nodes or edges: their file, the file of their types, their name."""
    one = kind[:-1]
    for k, of in enumerate(config.listed(kind)):
        place = f"networks/{kind}/{k}"
        path = config.file(place, of.get(f"{kind}_file"))
        named = of.get(f"{one}_types_file")
        types = config.file(place, named) if named not in (None, "", "NULL") else None
        with H5(path) as h5:
            for name in h5.group(f"/{kind}", f"a file of {kind} has the group /{kind}"):
                if h5.is_group(f"/{kind}/{name}"):
                    yield path, types, name, h5


def _folder(config: Config, name: str) -> Optional[Path]:
    named = config.section("components").get(name)
    return config.file("components", named) if named else None


def read_sonata(
    config: Union[str, os.PathLike],
    folder: Union[str, os.PathLike],
    *,
    dt: Optional[float] = None,
    overwrite: bool = False,
) -> Circuit:
    """Reads a circuit, or a simulation of one, and writes it as a model into a folder.

    The folder gets `circuit.neuro` with the network and, of a simulation, the experiment `simulation`, and beside it a table for each
    population of nodes (ids, parameters, attributes), of edges (source, target, weight, delay) and of spikes. `dt` (ms) is used instead
    of that of the simulation.

    Point neurons of NEST, PyNN and NEURON are carried over with static synapses, spikes of virtual nodes and current clamps. What is not
    is refused with its place, as `FormatError`; nothing is left out silently. `Circuit.notes` are remarks.
    """
    need("h5py")
    need("pyarrow")
    setting, folder = Config(Path(config)), Path(folder)
    if folder.exists() and any(folder.iterdir()) and not overwrite:
        raise FileExistsError(f"{folder} is not empty; `overwrite=True` writes into it")
    folder.resolve().parent.mkdir(parents=True, exist_ok=True)
    # Aside first, so that what is refused leaves nothing behind.
    with tempfile.TemporaryDirectory(dir=folder.resolve().parent, prefix=".sonata-") as aside:
        nodes, notes = _carry(setting, Path(aside), dt)
        folder.mkdir(exist_ok=True)
        for file in Path(aside).iterdir():
            file.replace(folder / file.name)
    return Circuit(folder / "circuit.neuro", nodes, tuple(notes))


def _carry(setting: Config, folder: Path, dt: Optional[float]) -> tuple[dict[str, tuple[str, np.ndarray]], list[str]]:
    """Writes the model into an empty folder; returns which nodes its populations are, and remarks."""
    pa, parquet = need("pyarrow"), need("pyarrow.parquet")
    notes: list[str] = []
    populations: dict[str, Population] = {}
    for _, types, name, h5 in _each(setting, "nodes"):
        if name in populations:
            raise h5.fault(f"/nodes/{name}", f"is in {populations[name].path} as well", "populations have names of their own")
        populations[name] = Population(h5, name, Types(types, "node_type_id", name))
    if not populations:
        raise setting.fault("networks/nodes", "names no nodes")
    names = _words(populations)
    of_run = "run" in setting.values
    step, stop = _run(setting, dt) if of_run else (dt, None)
    v_init = setting.number("conditions", "v_init")
    cells = _folder(setting, "point_neuron_models_dir")
    shaped = Biophysics(setting, folder, v_init).model
    split = {name: parts(p, names, cells, v_init, notes, shaped) for name, p in populations.items()}
    if v_init is not None and any(p.model and p.model.initial for ps in split.values() for p in ps):
        notes.append(f"cells begin at v_init = {v_init:g} mV of `conditions`; BMTK lets cells of NEST begin at NEST's own value")
    called = [p.name for ps in split.values() for p in ps]
    twice = next((name for name in called if called.count(name) > 1), None)
    if twice is not None:
        raise setting.fault("networks/nodes", f"would become two populations called `{twice}`", "give one of the populations another name")
    for name, population in populations.items():
        for part in split[name]:
            parquet.write_table(pa.table(_columns(population, part)), folder / f"{part.name}_nodes.parquet", compression="snappy")
    projections: list[Projection] = []
    words = _words(n for _, _, n, _ in _each(setting, "edges"))
    synapses = _folder(setting, "synaptic_models_dir")
    for _, types, name, h5 in _each(setting, "edges"):
        of_edges = Types(types, "edge_type_id", name)
        word = words[name]
        # A projection and a population do not share a name.
        word = f"{word}_edges" if word in called else word
        projections += edges(h5, name, of_edges, synapses, populations, split, folder, word, step, notes)
    sent: dict[str, str] = {}
    statements: list[str] = []
    if of_run:
        assert step is not None and stop is not None
        sets = NodeSets(setting, populations)
        spikes = Spikes(step, stop, "nest" in setting.simulator)
        clamps = Clamps(step, stop, "nA" if setting.simulator in ("pynn", "neuron") else None)
        for key, of in setting.section("inputs").items():
            if not isinstance(of, dict):
                raise setting.fault(f"inputs/{key}", "is not an object")
            if of.get("enabled", True) is False:
                continue
            if of.get("input_type") == "spikes":
                spikes.read(setting, key, of, sets, populations, split, notes)
            else:
                clamps.read(setting, key, of, sets, split)
        sent, again = spikes.write(folder, split)
        for sender, ps in again.items():
            of = next(name for name in populations if any(p.name == sender for p in split[name]))
            for part in ps:
                split[of].append(part)
                parquet.write_table(pa.table(_columns(populations[of], part)), folder / f"{part.name}_nodes.parquet", compression="snappy")
                own = [j for j in projections if j.source.name == sender]
                projections += [again for j in own if (again := _again(j, part, folder)) is not None]
                notes.append(f"`{part.name}` sends what shares a step with another spike of its node")
        if spikes.after:
            notes.append(f"{spikes.after} spikes of inputs are after the end of the run")
        statements = [*clamps.lines(setting), *_reports(setting, sets, split, step, stop, notes)]
    all_parts = [p for name in populations for p in split[name]]
    text = _text(setting.path, all_parts, projections, sent, statements, step, stop, notes)
    (folder / "circuit.neuro").write_text(text, encoding="utf-8")
    nodes = {p.name: (name, p.ids.astype(np.uint64)) for name in populations for p in split[name]}
    return nodes, notes


def _again(j: Projection, part: Part, folder: Path) -> Optional[Projection]:
    """A projection from those of its sources that send once more."""
    more = replace(j, name=f"{j.name}_{part.name}", source=part, part_only=True)
    if not j.placed:
        return more
    # Places are those of all rows of a table, so it has no other rows.
    parquet = need("pyarrow.parquet")
    table = parquet.read_table(folder / j.file)
    kept = table.filter(np.isin(table["source"].to_numpy(), part.ids))
    if not kept.num_rows:
        return None
    parquet.write_table(kept, folder / f"{more.name}.parquet", compression="snappy")
    return replace(more, file=f"{more.name}.parquet", part_only=False)


def _run(config: Config, dt: Optional[float]) -> tuple[float, float]:
    of = config.section("run")
    stop = config.number("run", "tstop", of.get("tstop", of.get("duration")))
    step = dt if dt is not None else config.number("run", "dt")
    if stop is None or stop <= 0:
        raise config.fault("run/tstop", "is missing" if stop is None else f"{stop:g} ms is no time that passes")
    if step is None or step <= 0 or step > stop:
        raise config.fault("run/dt", "is missing" if step is None else f"{step:g} ms is no step")
    if (config.number("run", "tstart") or 0.0) != 0.0:
        raise config.fault("run/tstart", "is not 0: a simulation begins there", "move the times of the inputs instead")
    return step, stop


def _columns(population: Population, part: Part) -> dict[str, Any]:
    """The table of a part: ids first, which name its cells."""
    out: dict[str, Any] = {"node_id": part.ids, "node_type_id": population.type_ids[part.rows]}
    for name, values in {**part.values, **population.numbers(), **population.words()}.items():
        column = re.sub(r"\W", "_", name, flags=re.ASCII)
        if column not in out:
            own = values if name in part.values else values[part.rows]
            out[column] = own.tolist() if own.dtype.kind == "O" else own
    return out


def _reports(config: Config, sets: NodeSets, split: Mapping[str, list[Part]], dt: float, stop: float, notes: list[str]) -> list[str]:
    out = []
    for key, of in config.section("reports").items():
        if not isinstance(of, dict) or of.get("enabled", True) is False:
            continue
        place = f"reports/{key}"
        if of.get("module") == "extracellular":
            notes.append(f"report `{key}` is left out: potentials outside of cells are not computed")
            continue
        variable = of.get("variable_name")
        begin, end = (config.number(place, w, of.get(w)) for w in ("start_time", "end_time"))
        every = config.number(place, "dt", of.get("dt")) or dt
        word = _words([key])[key]
        found = sets.find(of.get("cells", of.get("node_set", "all")), place)
        several = sum(1 for name, mask in found.items() for p in split[name] if p.model is not None and mask[p.rows].any()) > 1
        for name, mask in found.items():
            for part in split[name]:
                rows = np.flatnonzero(mask[part.rows])
                if part.model is None or not len(rows):
                    continue
                if part.model.recorded is not None and of.get("sections", "soma") != "soma":
                    raise config.fault(place, f"`sections` {of['sections']} is not carried over", "recorded is the soma")
                state = _state(part, variable)
                if state is None:
                    notes.append(f"report `{key}`: `{part.template}` has no variable {variable}, so it is not recorded")
                    continue
                window = f" during {begin or 0:g} ms .. {end if end is not None else stop:g} ms" if begin or end is not None else ""
                label = f"{word}_{part.name}" if several else word
                out.append(f"record net.{part.name}{chosen(rows, len(part.rows))}.{state} every {every:g} ms{window} as {label}")
    return out


def _state(part: Part, variable: Any) -> Optional[str]:
    assert part.model is not None
    if part.model.recorded is not None:
        return part.model.recorded.get(str(variable))
    known = set(re.findall(r"(?:state |, )(\w+) = ", "\n".join(x for x in part.model.text.split("\n") if "state " in x)))
    if variable in known:
        return str(variable)
    if variable in ("v", "V_m", "voltage") and part.model.initial:
        return part.model.initial
    return {"I_syn_ex": "I_ex", "I_syn_in": "I_in", "g_ex": "g_ex", "g_in": "g_in"}.get(str(variable)) if "I_ex" in known else None


def _text(
    path: Path,
    all_parts: list[Part],
    projections: list[Projection],
    sent: Mapping[str, str],
    statements: list[str],
    dt: Optional[float],
    stop: Optional[float],
    notes: list[str],
) -> str:
    models = {p.model.neuron: p.model for p in all_parts if p.model is not None}
    channels = list(dict.fromkeys(c for m in models.values() for c in m.channels))
    lines = [f"## Carried over from SONATA: {path.name}."]
    lines += [f"## {note[0].upper()}{note[1:]}." for note in notes]
    lines += dict.fromkeys(use for c in channels for use in c.uses)
    synapses: dict[str, dict[tuple[str, str], Any]] = {name: {} for name in models}
    for p in all_parts:
        if p.model is not None:
            synapses[p.model.neuron].update(p.synapses)
    texts = [c.text for c in channels] + [with_synapses(m.text, synapses[name]) for name, m in models.items()]
    lines += ["", *"\n\n".join(texts).split("\n"), ""] if models else [""]
    lines.append("network Circuit {")
    for p in all_parts:
        lines.append(f'    let {p.name}_nodes = parquet("{p.name}_nodes.parquet", id = "node_id")')
    for p in all_parts:
        lines.append(f"    population {p.name}: {p.model.neuron if p.model else 'Relay'}[{p.name}_nodes]")
    for p in all_parts:
        for name, values in p.values.items():
            assert p.model is not None
            unit = {**p.model.parameters, **p.model.states}[name]
            factor = {"": "", "1/ms": " / 1 ms"}.get(unit, f" * 1 {unit}")
            if (values == values[0]).all():
                if values[0] != p.model.default(name):
                    lines.append(f"    init {p.name}.{name} = {_short(values[0], unit)}")
            else:
                lines.append(f"    init {p.name}.{name} = {p.name}_nodes.{name}{factor}")
    for j in projections:
        if j.placed:
            lines.append(f'    let {j.name}_places = parquet("{j.file}")')
        weight = "weight" if j.unit == "1" else f"weight * 1 {j.unit}"
        lines.append(f"    projection {j.name}: {j.source.name} -> {j.target.name}.{j.port}: Static {{")
        alike = j.delays[0] == j.delays[1]
        more = ("" if alike else ", delay = delay * 1 ms") + (', missing = "skip"' if j.part_only else "")
        lines.append(f'        connect from "{j.file}"(pre = "source", post = "target", weight = {weight}{more})')
        if alike:
            lines.append(f"        delay {_short(j.delays[0], 'ms')}")
        if j.placed:
            lines.append(f"        place segment {j.name}_places.segment")
        lines.append("    }")
    for name, file in sent.items():
        lines.append(f'    drive {name}.in_ {{ spikes parquet("{file}")   weight 1   delay 0 ms }}')
    lines.append("}")
    if stop is not None and dt is not None:
        lines += ["", "experiment simulation {", f"    dt {_short(dt, 'ms')}", "    precision f64", "    network net = Circuit()"]
        recorded = [p.name for p in all_parts if p.model is not None]
        if recorded:
            lines.append(
                f"    record ({', '.join(f'net.{n}.spike' for n in recorded)})"
                if len(recorded) > 1
                else f"    record net.{recorded[0]}.spike"
            )
        lines += [f"    {s}" for s in statements]
        lines += [f"    run {_short(stop, 'ms')}", "}"]
    return "\n".join(lines) + "\n"


def _short(value: float, unit: str) -> str:
    number = repr(float(value))
    number = number[:-2] if number.endswith(".0") else number
    return number if unit == "" else (f"{number}/ms" if unit == "1/ms" else f"{number} {unit}")
