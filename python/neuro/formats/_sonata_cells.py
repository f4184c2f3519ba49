"""Cells of SONATA with a morphology and mechanisms of NEURON, as cells of the language.

Input: a NeuroML file of `channelDensity`s, an SWC file and mechanisms in NMODL. Output: a model, and the files beside it.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as xml
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from ._errors import FormatError
from ._sonata_config import Config
from ._sonata_files import Types, read_text
from ._sonata_models import Model
from ._sonata_shape import Shape

#: Types of samples of SWC files, by the groups of sections of NEURON.
_PARTS = {"soma": "soma", "axon": "axon", "dend": "basal", "apic": "apical"}
#: Where synapses are put into the text of a cell, once they are known.
SYNAPSES = "        # synapses"
_UNITS = {
    "S_per_cm2": "S/cm^2",
    "mS_per_cm2": "mS/cm^2",
    "uF_per_cm2": "uF/cm^2",
    "ohm_cm": "Ohm*cm",
    "mV": "mV",
    "mM": "mM",
    "ms": "ms",
    "um": "um",
}


class Biophysics:
    """What the cells of a circuit share: folders, the temperature, where potentials begin, and mechanisms as they are carried over."""

    def __init__(self, config: Config, folder: Path, v_init: Optional[float]) -> None:
        self.config, self.folder = config, folder
        self.celsius = config.number("conditions", "celsius")
        self.v_init = -65.0 if v_init is None else v_init
        self.threshold = config.number("run", "spike_threshold")
        self.longest = config.number("run", "dL") or 20.0
        self.channels: dict[str, _Channel] = {}
        self.shapes: dict[Path, tuple[str, Shape]] = {}
        self.cells: dict[str, str] = {}

    def _named(self, types: Types, type_id: int, component: str, column: str, name: Any) -> Path:
        if name is None:
            raise types.fault(type_id, f"`{column}` is missing", "a biophysical cell has one")
        folder = self.config.section("components").get(component)
        if folder is None:
            raise types.fault(
                type_id, f"`{column}` names {name}, and where such files are is not said", f"add `{component}` to `components`"
            )
        return self.config.file("components", folder) / str(name)

    def model(self, types: Types, type_id: int, template: Any, morphology: Any, processing: Any, dynamics: Any) -> Model:
        """The model of a type of nodes."""
        kind, _, name = str(template).partition(":")
        if kind != "nml":
            fix = "carried over are cells in NeuroML, `nml:…`"
            raise types.fault(type_id, f"`model_template` {template} is not carried over", fix)
        if processing not in ("aibs_perisomatic", None):
            raise types.fault(type_id, f"`model_processing` {processing} is not carried over", "carried over is `aibs_perisomatic`")
        if dynamics not in (None, "NONE"):
            raise types.fault(type_id, f"`dynamics_params` {dynamics} of a cell in NeuroML is not carried over")
        if self.celsius is None:
            raise self.config.fault("conditions/celsius", "is missing", "rates of mechanisms follow it")
        file = self._named(types, type_id, "biophysical_neuron_models_dir", "model_template", name)
        shape = self._named(types, type_id, "morphologies_dir", "morphology", morphology)
        shape = shape if shape.suffix == ".swc" else shape.with_name(shape.name + ".swc")
        word = self._shape(shape, processing is not None)
        return _Cell(self, types, type_id, file, word).model()

    def _shape(self, path: Path, stub: bool) -> tuple[str, Shape]:
        """Writes the shape of a cell beside the model; its axon becomes a stub of 60 um where cells are made so."""
        if path in self.shapes:
            return self.shapes[path]
        shape = Shape(path, stub)
        word = re.sub(r"\W+", "_", path.stem, flags=re.ASCII)
        word = word if all(word != w for w, _ in self.shapes.values()) and not word[0].isdigit() else f"shape_{len(self.shapes)}_{word}"
        (self.folder / f"{word}.swc").write_text(shape.text(), encoding="utf-8")
        self.shapes[path] = word, shape
        return word, shape

    def channel(self, name: str, around: FormatError) -> "_Channel":
        """A mechanism, by its name in NEURON."""
        if name == "pas":
            self.channels.setdefault(name, _Channel(name, _PASSIVE, self.folder))
        if name not in self.channels:
            folder = self.config.section("components").get("mechanisms_dir")
            places = [] if folder is None else [(f := self.config.file("components", folder)), f / "modfiles"]
            path = next((p / f"{name}.mod" for p in places if (p / f"{name}.mod").is_file()), None)
            if path is None:
                around.args = (f"{around.args[0]}: the mechanism `{name}` is not in `mechanisms_dir`",)
                raise around
            self.channels[name] = _Channel(name, _converted(path), path)
        return self.channels[name]


_PASSIVE = """\
## Passive current; `pas` of NEURON.
channel Pas(v: mV) {
    param g_max = 0.001 S/cm^2, E = -70 mV
    current = g_max * (v - E)
}
"""


def _converted(path: Path) -> str:
    """A mechanism in NMODL, as `neuro convert` carries it over."""
    program = os.environ.get("NEURO") or shutil.which("neuro")
    if program is None:
        raise FormatError(
            path, None, "cannot be carried over: the program `neuro` is not found", "put it on the PATH, or let NEURO name it"
        )
    done = subprocess.run([program, "convert", str(path)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise FormatError(path, None, f"cannot be carried over\n{done.stderr.strip()}")
    return done.stdout


class _Channel:
    """A channel in the language: its name, its arguments and its parameters."""

    def __init__(self, mechanism: str, text: str, path: Path) -> None:
        uses = [line for line in text.split("\n") if line.startswith("use ")]
        self.uses = uses
        self.text = "\n".join(line for line in text.split("\n") if not line.startswith("use ")).strip()
        found = re.search(r"^channel (\w+)(?:\(([^)]*)\))? \{", self.text, re.M)
        if found is None:
            raise FormatError(path, None, f"`{mechanism}` is no channel")
        self.name = found[1]
        self.arguments = [a.split(":")[0].strip() for a in (found[2] or "").split(",") if a.strip()]
        rows = re.findall(r"^    param ([^#\n]*)", self.text, re.M)
        self.parameters = re.findall(r"(\w+) = ", " ".join(rows))
        self.states = re.findall(r"^    state (\w+) = ", self.text, re.M)


class _Cell:
    """A cell in the making."""

    def __init__(self, shared: Biophysics, types: Types, type_id: int, path: Path, shape: tuple[str, Shape]) -> None:
        self.shared, self.path, (self.shape, self.form) = shared, path, shape
        self.types, self.type_id = types, type_id
        try:
            self.root = xml.fromstring(read_text(path))
        except xml.ParseError as e:
            raise FormatError(path, None, f"is not XML ({e})") from None
        stem = re.sub(r"\W+", "_", path.name.split(".")[0], flags=re.ASCII)
        name = f"{stem[0].upper()}{stem[1:]}"
        # One file may be of cells of several shapes.
        self.neuron = name if shared.cells.setdefault(name, self.shape) == self.shape else f"{name}_{self.shape}"
        self.used: dict[str, _Channel] = {}
        self.pool: Optional[tuple[str, str]] = None

    def fault(self, element: xml.Element, what: str) -> FormatError:
        return FormatError(self.path, f"{_tag(element)} {element.get('id', '')}".strip(), what)

    def quantity(self, element: xml.Element, name: str) -> str:
        found = re.fullmatch(r"\s*([-+.\deE]+)\s*(\w+)\s*", element.get(name, ""))
        if found is None or found[2] not in _UNITS or not math.isfinite(float(found[1])):
            raise self.fault(element, f"`{name}` is {element.get(name)}, no quantity that is carried over")
        return f"{float(found[1]):.12g} {_UNITS[found[2]]}"

    def place(self, element: xml.Element) -> str:
        group = element.get("segmentGroup", "all")
        if group != "all" and group not in _PARTS:
            raise self.fault(element, f"`segmentGroup` {group} is not one of {', '.join(_PARTS)}")
        return "" if group == "all" else _PARTS[group]

    def model(self) -> Model:
        cell = next((e for e in self.root.iter() if _tag(e) == "cell"), None)
        if cell is None:
            raise FormatError(self.path, None, "has no cell")
        capacitance: dict[str, str] = {}
        resistivity: dict[str, str] = {}
        densities: list[xml.Element] = []
        species: Optional[xml.Element] = None
        for e in cell.iter():
            tag = _tag(e)
            if tag in ("channelDensity", "channelDensityNernst"):
                densities.append(e)
            elif tag == "specificCapacitance":
                capacitance[self.place(e)] = self.quantity(e, "value")
            elif tag == "resistivity":
                resistivity[self.place(e)] = self.quantity(e, "value")
            elif tag == "species":
                species = e
            elif tag not in ("cell", "notes", "biophysicalProperties", "membraneProperties", "intracellularProperties"):
                raise self.fault(e, "is not carried over")
        lines = self._pool(species, densities)
        lines += [self._density(e) for e in densities]
        return self._written(capacitance, resistivity, lines)

    def _pool(self, species: Optional[xml.Element], densities: list[xml.Element]) -> list[str]:
        """The calcium below the membrane, and its reversal potential."""
        calcium = [e for e in densities if e.get("ion") == "ca"]
        if species is None:
            return []
        of = next(
            (e for e in self.root.iter() if _tag(e) == "concentrationModel" and e.get("id") == species.get("concentrationModel")), None
        )
        if of is None or not calcium:
            raise self.fault(species, "names no `concentrationModel`" if of is None else "has no current of calcium")
        where = self.place(species)
        channel = self._use(str(of.get("type")), of)
        if channel.arguments != ["i_ca"] or not channel.states:
            raise self.fault(of, f"{of.get('type')} is no pool that follows a current of calcium")
        given = [f"i_ca = {' + '.join(f'{_word(e)}.current' for e in calcium)}"]
        for name in of.keys():
            if name in channel.parameters:
                given.append(f"{name} = {of.get(name) if _is_number(of.get(name)) else self.quantity(of, name)}")
            elif name not in ("id", "type", "segmentGroup", "ion"):
                raise self.fault(of, f"`{name}` is no parameter of {of.get('type')}")
        state = channel.states[0]
        self.pool = where, f"pool.{state}"
        outside = self.quantity(species, "initialExtConcentration")
        return [
            f"channel pool: {channel.name}({', '.join(given)})" + (f" in {where}" if where else ""),
            f"sections {where} {{ let E_Ca = nernst(pool.{state}, {outside}, z = 2, T = {self._kelvin()}) }}",
        ]

    def _kelvin(self) -> str:
        return f"{float(self.shared.celsius or 0.0) + 273.15:.12g} K"

    def _use(self, name: str, element: xml.Element) -> _Channel:
        channel = self.shared.channel(name, self.fault(element, "is not carried over"))
        self.used[name] = channel
        return channel

    def _density(self, element: xml.Element) -> str:
        channel = self._use(str(element.get("ionChannel")), element)
        where = self.place(element)
        if "g_max" not in channel.parameters:
            raise self.fault(element, f"`{element.get('ionChannel')}` has no conductance")
        given = [f"g_max = {self.quantity(element, 'condDensity')}"]
        if _tag(element) == "channelDensity":
            reversal = [p for p in channel.parameters if p == "E" or p.startswith("E_") or p == f"e{element.get('ion')}"]
            if len(reversal) != 1:
                raise self.fault(element, f"`{element.get('ionChannel')}` has {len(reversal)} reversal potentials")
            given.append(f"{reversal[0]} = {self.quantity(element, 'erev')}")
        if "T" in channel.parameters:
            given.append(f"T = {self._kelvin()}")
        for argument in channel.arguments:
            if argument == "ca" and self.pool and self.pool[0] == where:
                given.append(f"ca = {self.pool[1]}")
            elif argument != "v" and not (argument == "E_Ca" and self.pool and self.pool[0] == where):
                raise self.fault(element, f"`{element.get('ionChannel')}` needs `{argument}`, which is not there")
        return f"channel {_word(element)}: {channel.name}({', '.join(given)})" + (f" in {where}" if where else "")

    def _written(self, capacitance: dict[str, str], resistivity: dict[str, str], lines: list[str]) -> Model:
        shared = self.shared
        inside = [f"        state v = {shared.v_init:.12g} mV"]
        for name, values in (("R_a", resistivity), ("C_m", capacitance)):
            if not values:
                raise FormatError(self.path, None, f"says no {'resistivity' if name == 'R_a' else 'specificCapacitance'}")
            if "" in values:
                inside.append(f"        param {name} = {values['']}")
            kinds = self.form.kinds
            inside += [f"        sections {part} {{ param {name} = {x} }}" for part, x in values.items() if part in kinds]
        inside.append("        sections soma { input I: nA = 0 nA }")
        inside += [f"        {line}" for line in lines if not (m := re.search(r" in (\w+)$", line)) or m[1] in self.form.kinds]
        threshold = -15.0 if shared.threshold is None else shared.threshold
        text = [f'morphology {self.shape} = swc("{self.shape}.swc") segmented every {shared.longest:g} um', ""]
        text += [f"## Cell of {self.path.name}, with the shape of {self.shape}.", f"neuron {self.neuron} {{", f"    cable {self.shape} {{"]
        text += [*inside, SYNAPSES, "    }", f"    emit spike when rising soma.v > {threshold:g} mV", "}"]
        recorded = {"v": "soma.v", "V_m": "soma.v", "voltage": "soma.v"}
        if self.pool and self.pool[0] in ("", "soma"):
            recorded["cai"] = f"soma.{self.pool[1]}"
        return Model(
            self.neuron, "\n".join(text), {}, {}, "", ports=("", ""), weight="nS", positive=True, current="nA",
            put="soma.I", recorded=recorded, channels=tuple(self.used.values()), segments=self.form.segments(shared.longest),
        )  # fmt: skip


def _tag(element: xml.Element) -> str:
    return element.tag.rpartition("}")[2]


def _word(element: xml.Element) -> str:
    word = re.sub(r"\W+", "_", element.get("id", "channel"), flags=re.ASCII)
    return word if not word[0].isdigit() else f"channel_{word}"


def _is_number(text: Optional[str]) -> bool:
    return re.fullmatch(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?", text or "") is not None


def with_synapses(text: str, synapses: dict[tuple[str, str], "Exp2Syn"]) -> str:
    """The text of a cell with the synapses that are on its parts."""
    lines: list[str] = []
    for (kind, name), of in sorted(synapses.items()):
        rise, decay = of.times()
        peak = rise * decay / (decay - rise) * math.log(decay / rise)
        factor = 1.0 / (math.exp(-peak / decay) - math.exp(-peak / rise))
        lines += [
            f"        sections {kind} {{",
            f"            event input {name}: uS",
            f"            state {name}_rise = 0 uS, {name}_decay = 0 uS",
            f"            {name}_rise' = -{name}_rise / {rise:.12g} ms + {factor:.15g} * {name}",
            f"            {name}_decay' = -{name}_decay / {decay:.12g} ms + {factor:.15g} * {name}",
            f"            current = ({name}_decay - {name}_rise) * (v - {of.reversal:.12g} mV)",
            "        }",
        ]
    return text.replace(SYNAPSES + "\n", "".join(f"{line}\n" for line in lines))


@dataclass(frozen=True)
class Exp2Syn:
    """A synapse with two exponentials, of the size of its weight at its peak; `Exp2Syn` of NEURON."""

    rise: float
    decay: float
    reversal: float

    def times(self) -> tuple[float, float]:
        """Time constants that differ, as NEURON lets them."""
        return (min(self.rise, 0.9999 * self.decay), self.decay)
