"""What is said when a file cannot be read, cannot be carried over, or a package is not there."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Optional, Union


class FormatError(ValueError):
    """A file that cannot be read or carried over: which one, where in it, what is wrong, and what to do about it.

    `path` is the file, `place` the dataset, type or key, `what` the fault, `fix` the advice.
    """

    def __init__(self, path: Union[str, Path], place: Optional[str], what: str, fix: Optional[str] = None) -> None:
        self.path, self.place, self.what, self.fix = Path(path), place, what, fix
        where = f"{path}: {place}" if place else f"{path}"
        super().__init__(f"{where}: {what}" + (f"\n  help: {fix}" if fix else ""))

    def __reduce__(self):
        return (type(self), (self.path, self.place, self.what, self.fix))


# It is named by where users find it.
FormatError.__module__ = "neuro.formats"


def need(module: str) -> Any:
    """A package that only the formats need."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as e:
        # A package that is there but lacks one of its own is not helped by this advice.
        if e.name is None or e.name.partition(".")[0] != module.partition(".")[0]:
            raise
        package = module.partition(".")[0]
        message = f"`{package}` is needed for this format: pip install 'neuro-lang[formats]'"
        raise ModuleNotFoundError(message, name=package) from None
