"""What concerns the whole process, and notebooks."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Union

from . import _neuro
from ._errors import NeuroError

_SIZES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def allow_read(*paths: Union[str, os.PathLike]) -> None:
    """Lets models read files and folders outside of their own folder, their project and the folders of data (`--allow-read`)."""
    _neuro.allow_read([Path(p) for p in paths])


def allow_memory(size: Union[str, int]) -> None:
    """Refuses what takes more memory, and stops a run that does: "16 GB", or bytes (`--max-memory`)."""
    if isinstance(size, str):
        found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kKmMgGtT]?[bB])\s*", size)
        if found is None:
            raise ValueError(f"{size!r} is not a size; write '500 MB' or '16 GB'")
        size = int(float(found[1]) * _SIZES[found[2].upper()])
    if size < 1:
        raise ValueError("a size is at least one byte")
    _neuro.allow_memory(size)


def explain(code: str) -> str:
    """The page of a diagnostic: a wrong example, the rule, and a right one."""
    page = _neuro.explain(code)
    if page is None:
        raise KeyError(f"there is no diagnostic {code}")
    return page


def library() -> list[str]:
    """Names of the modules of the standard library: `std.neurons.lif`."""
    return _neuro.library()


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext neuro`: `%%neuro name` compiles a cell and calls the model by that name."""

    def cell(line: str, text: str) -> None:
        name = line.strip()
        if not name.isidentifier():
            raise ValueError("write `%%neuro name`: the name that the model gets")
        from ._model import compile

        try:
            model = compile(source=text)
        except NeuroError as e:
            # A mistake in the cell is shown as it is: the way to it through Python says nothing.
            print(e)
            shell.user_ns.pop(name, None)
            return
        shell.user_ns[name] = model

    shell.register_magic_function(cell, "cell", "neuro")
