"""Values as the language writes them."""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np


def written(value: Any) -> str:
    """Writes a value: `20.5`, `true`, `20 ms`, `[1, 2]`. A text is taken as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    if isinstance(value, numbers.Real):
        if math.isnan(value):
            raise ValueError("a value is not a number (nan)")
        unit = getattr(value, "unit", "1")
        text = repr(float(value))
        return text if unit == "1" else f"{text} {unit}"
    if isinstance(value, np.ndarray) and value.ndim > 0:
        unit = getattr(value, "unit", None)
        if unit not in (None, "1"):
            from ._arrays import Number

            return f"[{', '.join(written(Number(v, unit)) for v in np.asarray(value).tolist())}]"
        return written(value.tolist())
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(written(v) for v in value)}]"
    raise TypeError(f"a number, a text such as '20 ms', a truth value or a list of these is needed, not {type(value).__name__}")


def overrides(given: Any, seed: Any = None, dt: Any = None) -> list[tuple[str, str]]:
    """What `set=`, `seed=` and `dt=` say, as paths and values."""
    out = [(path, written(value)) for path, value in dict(given or {}).items()]
    for name, value in (("seed", seed), ("dt", dt)):
        if value is None:
            continue
        if any(path == name for path, _ in out):
            raise ValueError(f"`{name}` is given twice: as `{name}=` and in `set=`")
        out.append((name, written(value)))
    return out


def options(
    given: Any, seed: Any, dt: Any, threads: Any, precision: Any, backend: Any, max_time: Any, profile: bool = False
) -> dict[str, Any]:
    """What the native half takes."""
    return {
        "overrides": overrides(given, seed, dt),
        "threads": threads,
        "precision": precision,
        "backend": backend,
        "profile": bool(profile),
        "seconds": None if max_time is None else float(max_time),
    }
