"""SONATA: what a run has recorded is written, circuits and simulations are read.

Developer guide: https://github.com/AllenInstitute/sonata, docs/SONATA_DEVELOPER_GUIDE.md (Dai et al. 2020, PLoS Comput Biol 16:e1007696).
"""

from __future__ import annotations

from ._sonata_read import Circuit, read_sonata
from ._sonata_write import write_sonata

__all__ = ["Circuit", "read_sonata", "write_sonata"]
