"""SONATA: what a run has recorded is written.

Developer guide: https://github.com/AllenInstitute/sonata, docs/SONATA_DEVELOPER_GUIDE.md (Dai et al. 2020, PLoS Comput Biol 16:e1007696).
"""

from __future__ import annotations

from ._sonata_write import write_sonata

__all__ = ["write_sonata"]
