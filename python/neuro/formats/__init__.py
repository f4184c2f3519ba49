"""The field's file formats: SONATA, NWB and Neo.

>>> import neuro, neuro.formats
>>> r = neuro.compile("balanced.neuro").run()
>>> neuro.formats.write_sonata(r, "output")
>>> neuro.formats.write_nwb(r, "activity.nwb")
>>> block = neuro.formats.to_neo(r)
>>> circuit = neuro.formats.read_sonata("simulation_config.json", "model")

`pip install 'neuro-lang[formats]'` installs what they need: h5py, pynwb, neo and pyarrow, each imported when it is used.
"""

from ._errors import FormatError
from ._recorded import Nodes
from .neo import to_neo
from .nwb import write_nwb
from .sonata import Circuit, read_sonata, write_sonata

__all__ = ["Circuit", "FormatError", "Nodes", "read_sonata", "to_neo", "write_nwb", "write_sonata"]
