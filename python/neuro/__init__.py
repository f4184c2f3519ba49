"""Neuro: a language for models of how brains learn, compiled.

>>> import neuro
>>> m = neuro.compile("balanced.neuro")
>>> r = m.run("activity", set={"net.n": 1000}, seed=2)
>>> times, cells = r.spikes["exc"]

`neuro.compile` checks a program, `Model.run` runs an experiment of it, `Model.sweep` runs one at several values, and
`Model.instantiate` makes a network that is stepped, read and changed from Python.
"""

from ._arrays import Array, Number, Recording, Spikes
from ._errors import Diagnostic, Label, NeuroError, NeuroWarning
from ._model import Declared, Experiment, Model, Parameter, compile
from ._neuro import __version__
from ._results import Expectation, Figure, Progress, Run
from ._simulation import Population, Projection, Simulation, Values, World
from ._sweep import Table
from ._tools import allow_memory, allow_read, explain, library, load_ipython_extension

__all__ = [
    "__version__",
    "Array",
    "Declared",
    "Diagnostic",
    "Expectation",
    "Experiment",
    "Figure",
    "Label",
    "Model",
    "NeuroError",
    "NeuroWarning",
    "Number",
    "Parameter",
    "Population",
    "Progress",
    "Projection",
    "Recording",
    "Run",
    "Simulation",
    "Spikes",
    "Table",
    "Values",
    "World",
    "allow_memory",
    "allow_read",
    "compile",
    "explain",
    "library",
    "load_ipython_extension",
]
