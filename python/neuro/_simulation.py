"""Networks and worlds that go on as Python asks them to."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Union

import numpy as np

from . import _neuro
from ._arrays import Array, Number, Spikes, quantity
from ._errors import diagnostic, warn
from ._results import Named, Recorded
from ._values import written

#: The name of the network, or the world, in the experiment that holds it.
NET, WORLD = "net", "world_"


def _session(model: Any, lines: list[str], given: dict[str, Any]) -> Any:
    """Begins an experiment that is written below the text of a model."""
    name = "session"
    while name in model.experiments or name in model.models:
        name += "_"
    body = "\n".join(f"    {line}" for line in lines)
    text = f"{model.source.rstrip()}\n\nexperiment {name} {{\n{body}\n}}\n"
    native = _neuro.Simulation(model.path, text, name, given)
    # What was said of the model itself was said when it was compiled.
    known = {(d.code, d.message) for d in model.warnings}
    found = [diagnostic(f) for f in native.warnings()]
    warn([d for d in found if (d.code, d.message) not in known], 4)
    return native


def _arguments(parameters: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {written(value)}" for name, value in parameters.items())


def begin(model: Any, network: str, record: list[str], parameters: dict[str, Any], given: dict[str, Any]) -> "Simulation":
    lines = [f"network {NET} = {network}({_arguments(parameters)})", *(f"record {NET}.{what}" for what in record)]
    return Simulation(_session(model, lines, given), network)


def begin_world(model: Any, world: str, parameters: dict[str, Any], given: dict[str, Any]) -> "World":
    declared = model.models.get(world)
    if declared is None or declared.kind != "world":
        known = ", ".join(m.name for m in model.models.values() if m.kind == "world") or "none"
        raise KeyError(f"there is no world `{world}`: {known}")
    return World(_session(model, [f"world {WORLD} = {world}({_arguments(parameters)})"], given), world)


def _heard(found: list[tuple[str, str]]) -> None:
    warn([diagnostic(f) for f in found], 3)


class _Live:
    """What a session holds."""

    def __init__(self, native: Any) -> None:
        self._native = native

    def _read(self, text: str) -> Any:
        value = self._native.value(text)
        return quantity(*value) if isinstance(value, tuple) else value

    def _assign(self, path: str, value: Any) -> None:
        # One number, as it is most often.
        if type(value) is float and value == value:
            self._native.assign(path, [value], [])
            return
        if isinstance(value, str) or getattr(value, "unit", None) not in (None, "1"):
            self._native.assign_text(path, written(value))
            return
        values = np.asarray(value, dtype=np.float64)
        if np.isnan(values).any():
            raise ValueError(f"a value for {path} is not a number (nan)")
        self._native.assign(path, values.reshape(-1).tolist(), list(values.shape))


class Simulation(_Live):
    """A network that is stepped, read and changed.

    Populations and projections are attributes (`sim.exc`, `sim.link`; `sim["left.exc"]` by name), their variables attributes of these:
    `sim.exc.v` is an array with a value for each cell, and both `sim.exc.v = -60` and `sim.exc.v[:10] = "-60 mV"` change it. Numbers are
    in the unit of the variable.
    """

    def __init__(self, native: Any, network: str) -> None:
        super().__init__(native)
        self._name = network
        populations, projections = native.plan(NET)
        self.populations: dict[str, Population] = {name: Population(self, name, *of) for name, *of in populations}
        # A projection onto several ports is one of each, all of the same name.
        parts: dict[str, tuple[int, list]] = {}
        for name, n, variables in projections:
            before = parts.get(name, (0, []))
            parts[name] = (before[0] + n, before[1] or variables)
        self.projections: dict[str, Projection] = {name: Projection(self, name, *of) for name, of in parts.items()}
        # What has a plain name is an attribute as others are, so that it need not be looked for. A name of this class stays what it is.
        for of_name, of in [*self.projections.items(), *self.populations.items()]:
            if of_name.isidentifier() and not hasattr(type(self), of_name) and of_name not in ("populations", "projections"):
                self.__dict__.setdefault(of_name, of)

    def __repr__(self) -> str:
        cells = sum(len(p) for p in self.populations.values())
        synapses = sum(len(p) for p in self.projections.values())
        return f"<{self._name} at {self.t:g} ms: {cells} neurons, {synapses} synapses>"

    @property
    def t(self) -> float:
        """The time in ms."""
        return self._native.state()[0]

    @property
    def dt(self) -> float:
        """The time step in ms."""
        return self._native.state()[1]

    @property
    def seed(self) -> int:
        return self._native.state()[2]

    def __getitem__(self, name: str) -> Any:
        # Populations may be without cells.
        found: Any = self.populations.get(name)
        found = self.projections.get(name) if found is None else found
        if found is None:
            known = ", ".join([*self.populations, *self.projections])
            raise KeyError(f"there is no population or projection `{name}`: {known}")
        return found

    def __getattr__(self, name: str) -> Any:
        return _member(self, name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(n.partition(".")[0] for n in [*self.populations, *self.projections])]

    def step(self, steps: int = 1) -> None:
        """Lets so many time steps pass. Ctrl-C stops between two of them."""
        if type(steps) is not int or steps < 0:
            if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 0:
                raise ValueError(f"a number of steps is a whole number, not negative, not {steps!r}")
            steps = int(steps)
        found = self._native.step(steps)
        if found:
            _heard(found)

    def run(self, duration: Union[float, str]) -> None:
        """Lets time pass: ms, or a text such as "0.5 s"."""
        if isinstance(duration, str):
            parts = self._read(f"({duration}) / (1 ms)")
            if not isinstance(parts, Number) or parts.unit != "1":
                raise ValueError(f"{duration} is not a time")
            duration = float(parts)
        _heard(self._native.advance(float(duration)))

    def value(self, expression: str) -> Any:
        """What an expression is now, in the words of an experiment in which the network is called `net`: `mean(net.exc.v)`."""
        return self._read(expression)

    def signal(self, name: str) -> None:
        """Sends a signal to all cells and synapses that wait for it (`on NAME { … }`)."""
        self._native.signal(name)

    def reset(self) -> None:
        """Puts the states of all cells back to where they began."""
        self._native.reset(NET)

    def learning(self, on: bool) -> None:
        """Lets all weights that change change, or keeps them."""
        self._native.learning(bool(on), NET)

    @property
    def recordings(self) -> Named:
        """What has been recorded so far, by name."""
        return Recorded(self._native).all

    @property
    def spikes(self) -> Named:
        """Events that have been recorded so far, by name or by population."""
        return Recorded(self._native).spikes

    def forget_recorded(self) -> None:
        """Forgets what has been recorded; recordings go on from here."""
        self._native.forget_recorded()

    def save(self, path: Any) -> Path:
        """Writes the network: all of it and its clock, or weights only as .npz or .safetensors."""
        path = Path(path)
        path.write_bytes(self._native.save(NET, path.name))
        return path

    def load(self, path: Any) -> None:
        """Becomes a network that was saved, which must be built alike. Recordings begin anew."""
        path = Path(path)
        self._native.load(NET, path.name, path.read_bytes())

    def snapshot(self) -> bytes:
        """The network as bytes, to be put back by `restore`."""
        return self._native.save(NET, "snapshot")

    def restore(self, snapshot: bytes) -> None:
        """Becomes what it was at a snapshot."""
        self._native.load(NET, "snapshot", snapshot)


class Part:
    """A network within a network: `sim.left` of `sim.left.exc`."""

    def __init__(self, sim: Simulation, prefix: str) -> None:
        self._sim, self._prefix = sim, prefix

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return _member(self._sim, f"{self._prefix}.{name}")


def _member(sim: Simulation, path: str) -> Any:
    of = sim.__dict__
    names = [*of.get("populations", ()), *of.get("projections", ())]
    if path in names:
        return sim[path]
    if any(n.startswith(f"{path}.") for n in names):
        return Part(sim, path)
    raise AttributeError(f"there is no population or projection `{path}`: {', '.join(names)}")


class _Owner:
    """Something that has variables."""

    #: Attributes that are no variables.
    _own = ("_sim", "_name", "_n", "_shape", "_variables", "events", "_path", "_nameless")

    def __init__(self, sim: Simulation, name: str, variables: list[tuple[str, str, str]]) -> None:
        self._sim, self._name, self._path, self._nameless = sim, name, f"{NET}.{name}", "->" in name
        self._variables = {v: (kind, unit) for v, kind, unit in variables}

    @property
    def variables(self) -> dict[str, tuple[str, str]]:
        """Variables by name, each with what it is and its unit."""
        return dict(self._variables)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(v.partition(".")[0] for v in self._variables)]

    def __getitem__(self, name: str) -> Any:
        """A variable by its name, dotted if it is one of a compartment: `sim.pyr["dendrite.v"]`."""
        if name in self._variables and not self._nameless:
            return Values(self, name)
        self._must_be_named()
        raise KeyError(f"`{self._name}` has no variable `{name}`: {', '.join(self._variables)}")

    def _must_be_named(self) -> None:
        if self._nameless:
            raise KeyError(f"`{self._name}` has no name by which it can be asked for: write `projection NAME: {self._name} …`")

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self._variables:
            raise KeyError(f"`{self._name}` has no variable `{name}`: {', '.join(self._variables)}")
        self._must_be_named()
        if type(value) is float:
            self._sim._assign(f"{self._path}.{name}", value)
            return
        # Cells of a sheet are assigned to row by row; a matrix of weights stays one.
        flat = isinstance(self, Population) and not isinstance(value, str) and np.ndim(value) > 1
        unit = getattr(value, "unit", None)
        self._sim._assign(f"{self._path}.{name}", Array(np.reshape(np.asarray(value), -1), unit) if flat else value)

    def __getattr__(self, name: str) -> Any:
        if name[:1] == "_" or name not in self._variables:
            known = ", ".join(self.__dict__.get("_variables", ()))
            raise AttributeError(f"`{self.__dict__.get('_name')}` has no variable `{name}`: {known}")
        return self[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._own:
            super().__setattr__(name, value)
        elif name in self._variables:
            self[name] = value
        else:
            raise AttributeError(f"`{self._name}` has no variable `{name}`: {', '.join(self._variables)}")


class Population(_Owner):
    """Cells of a simulation. Variables are attributes: `sim.exc.v`, of the population's shape."""

    def __init__(self, sim: Simulation, name: str, shape: list[int], variables: list, events: list[str]) -> None:
        super().__init__(sim, name, variables)
        self._shape = tuple(shape)
        self._n = math.prod(self._shape)
        self.events = events

    def __len__(self) -> int:
        return self._n

    @property
    def shape(self) -> tuple[int, ...]:
        return self._shape

    @property
    def spikes(self) -> Spikes:
        """Events that have been recorded so far."""
        return self._sim.spikes[self._name]

    def reset(self) -> None:
        """Puts the states of these cells back to where they began."""
        self._sim._native.reset(self._path)

    def __repr__(self) -> str:
        of = ", ".join(f"{kind} {v}{'' if unit == '1' else f' ({unit})'}" for v, (kind, unit) in self._variables.items())
        return f"<{len(self)} cells {self._name}: {of}>"


class Projection(_Owner):
    """Synapses of a simulation. Variables are attributes: `sim.link.w`, a value for each synapse, or for all that share it."""

    def __init__(self, sim: Simulation, name: str, n: int, variables: list) -> None:
        super().__init__(sim, name, variables)
        self._n = n

    def __len__(self) -> int:
        return self._n

    def matrix(self) -> Array:
        """The weights as a matrix: a row for each target, a column for each source, zero where nothing is connected.

        Such a matrix can be assigned, too: `sim.link.w = matrix`.
        """
        self._must_be_named()
        return self._sim._read(f"matrix({self._path})")

    def learning(self, on: bool) -> None:
        """Lets these weights change, or keeps them."""
        self._sim._native.learning(bool(on), self._path)

    def __repr__(self) -> str:
        of = ", ".join(f"{kind} {v}{'' if unit == '1' else f' ({unit})'}" for v, (kind, unit) in self._variables.items())
        return f"<{self._n} synapses {self._name}: {of}>"


class Values(Array):
    """The values of a variable when they were read, with its unit. Assignments to elements change the simulation."""

    _owner: Any = None
    _variable: str = ""

    def __new__(cls, owner: _Owner, variable: str) -> "Values":
        read = owner._sim._native.value(f"{owner._path}.{variable}")
        values, unit = read if type(read) is tuple else (np.asarray(read), None)
        if values.ndim == 0:
            values = values.reshape(1)
        shape = getattr(owner, "_shape", ())
        if len(shape) > 1 and values.size == owner._n:
            values = values.reshape(shape)
        self = values.view(cls)
        self.unit = unit
        self._owner, self._variable = owner, variable
        self.setflags(write=False)
        return self

    def __array_finalize__(self, obj: Any) -> None:
        # What is made of values has neither an owner nor a variable: those of the class.
        self.unit = getattr(obj, "unit", None)

    def __setitem__(self, key: Any, value: Any) -> None:
        if self._owner is None:
            raise TypeError("this was made of the values of a simulation; assign to the variable itself")
        owner, sim = self._owner, self._owner._sim
        # One number for some cells in a row, as it is most often.
        if type(value) in (float, int) and type(key) is slice and key.step in (None, 1) and type(owner) is Population:
            begin, end, _ = key.indices(self.shape[0])
            if self.shape == (owner._n,) and begin < end and (end - begin > 1 or owner._n == 1):
                some = "" if end - begin == owner._n else f"[{begin}..{end}]"
                sim._assign(f"{owner._path}{some}.{self._variable}", float(value))
                self._read_again()
                return
        places = np.atleast_1d(np.arange(self.size).reshape(self.shape)[key]).reshape(-1)
        if not isinstance(value, str):
            unit = getattr(value, "unit", None)
            chosen = np.arange(self.size).reshape(self.shape)[key]
            value = np.broadcast_to(np.asarray(value, dtype=np.float64), np.shape(chosen)).reshape(-1)
            value = Array(value, unit) if unit not in (None, "1") else value
        if len(np.unique(places)) < len(places):
            raise IndexError("an element is assigned to twice")
        if not len(places):
            return
        whole = len(places) == self.size and (places == np.arange(self.size)).all()
        by_cell = isinstance(owner, Population) and self.size == len(owner) and len(owner.shape) == 1
        if whole:
            sim._assign(f"{owner._path}.{self._variable}", value if isinstance(value, str) or self.size > 1 else value[0])
        elif by_cell:
            chosen = str(places[0]) if len(places) == 1 else f"[{', '.join(map(str, places))}]"
            if len(places) > 1 and (np.diff(places) == 1).all():
                chosen = f"{places[0]}..{places[-1] + 1}"
            one = value if isinstance(value, str) or len(places) > 1 else value[0]
            sim._assign(f"{owner._path}[{chosen}].{self._variable}", one)
        elif isinstance(value, str) or getattr(value, "unit", None) not in (None, "1"):
            raise TypeError("some elements of this variable are assigned to as plain numbers in its unit")
        else:
            new = np.array(np.asarray(sim._read(f"{owner._path}.{self._variable}"))).reshape(-1)
            new[places] = value
            sim._assign(f"{owner._path}.{self._variable}", new)
        self._read_again()

    def _read_again(self) -> None:
        now = np.asarray(Values(self._owner, self._variable))
        self.setflags(write=True)
        np.asarray(self)[...] = now
        self.setflags(write=False)

    # `sim.exc.I += x` reads, computes, and assigns what comes out to the variable.
    def __iadd__(self, other: Any) -> Any:  # type: ignore[override, misc]
        return np.asarray(self) + other

    def __isub__(self, other: Any) -> Any:  # type: ignore[override, misc]
        return np.asarray(self) - other

    def __imul__(self, other: Any) -> Any:  # type: ignore[override, misc]
        return np.asarray(self) * other

    def __itruediv__(self, other: Any) -> Any:  # type: ignore[override, misc]
        return np.asarray(self) / other


class World(_Live):
    """A world in which something can act: `world.act("walk", 1)`. What it shows are attributes: `world.at`, `world.done`."""

    _own = ("_native", "_world")

    def __init__(self, native: Any, world: str) -> None:
        super().__init__(native)
        self._world = world

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._read(f"{WORLD}.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._own:
            super().__setattr__(name, value)
        else:
            self._assign(f"{WORLD}.{name}", value)

    def act(self, action: str, *args: float) -> None:
        """Lets an action happen, with numbers in the units of its arguments."""
        self._native.act(WORLD, action, [float(a) for a in args])

    def reset(self) -> None:
        """Begins another episode."""
        self._native.reset(WORLD)

    def __repr__(self) -> str:
        return f"<world {self._world}>"
