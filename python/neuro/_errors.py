"""What the compiler finds, as exceptions and warnings."""

from __future__ import annotations

import html
import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Optional

from . import _neuro


@dataclass(frozen=True)
class Label:
    """A place in a source and what is said of it."""

    file: str
    line: int
    column: int
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Diagnostic:
    """One finding: its stable code, what it says, and how it looks in the terminal (`text`)."""

    code: str
    severity: str
    message: str
    labels: tuple[Label, ...] = ()
    help: Optional[str] = None
    notes: tuple[str, ...] = ()
    text: str = field(default="", repr=False)

    def __str__(self) -> str:
        return self.text

    def explain(self) -> str:
        """The page of the code: a wrong example, the rule, and a right one."""
        return _neuro.explain(self.code) or ""


def diagnostic(found: tuple[str, str]) -> Diagnostic:
    of = json.loads(found[0])
    labels = tuple(Label(**label) for label in of["labels"])
    return Diagnostic(of["code"], of["severity"], of["message"], labels, of["help"], tuple(of["notes"]), found[1].rstrip("\n"))


def _several(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


class NeuroError(Exception):
    """A program that is refused, or a run that has failed. Its text is what the terminal shows.

    `code` is the code of the first error, `diagnostics` are all findings, `run` is what a run came to before it failed.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        errors = [d for d in self.diagnostics if d.severity == "error"]
        self.code: Optional[str] = errors[0].code if errors else None
        self.run: Any = None
        warned = len(self.diagnostics) - len(errors)
        counts = f"{_several(len(errors), 'error')}, {_several(warned, 'warning')}"
        super().__init__("\n".join([*(d.text for d in self.diagnostics), counts]))

    def __reduce__(self):
        return (type(self), (self.diagnostics,))

    def _repr_html_(self) -> str:
        return f'<pre style="color: #b00020">{html.escape(str(self))}</pre>'


class NeuroWarning(UserWarning):
    """A finding that does not stop anything."""


# They are named by where users find them.
NeuroError.__module__ = NeuroWarning.__module__ = "neuro"


def refused(found: Iterable[tuple[str, str]]) -> NeuroError:
    return NeuroError(diagnostic(f) for f in found)


def warn(found: Iterable[Diagnostic], stacklevel: int) -> None:
    """Says warnings where the caller's caller called."""
    for d in found:
        warnings.warn(d.text, NeuroWarning, stacklevel=stacklevel + 1)
