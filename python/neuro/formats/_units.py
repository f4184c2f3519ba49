"""Units as other packages call them."""

from __future__ import annotations

import re

_PREFIXES = {"": 0, "f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "c": -2, "k": 3, "M": 6, "G": 9}
#: What is counted in SI units, and their names in words.
_BASES = {
    "V": "volts",
    "A": "amperes",
    "S": "siemens",
    "F": "farads",
    "s": "seconds",
    "Hz": "hertz",
    "Ohm": "ohms",
    "ohm": "ohms",
    "m": "meters",
    "C": "coulombs",
    "mol": "moles",
    "M": "molar",
    "J": "joules",
    "W": "watts",
    "K": "kelvins",
    "rad": "radians",
}


def _power(name: str) -> tuple[int, str]:
    """`mV` is ten to the minus third, and volts."""
    if name in _BASES:
        return 0, name
    prefix, base = name[:1], name[1:]
    if prefix in _PREFIXES and base in _BASES:
        return _PREFIXES[prefix], base
    raise KeyError(name)


def si(unit: str) -> tuple[float, str]:
    """By what values in a unit are multiplied to be in SI units, and how that unit is called: `mV` is (0.001, "volts").

    A unit that is not known stays what it is, and 1 is "n.a." as NWB has it.
    """
    if unit in ("", "1"):
        return 1.0, "n.a."
    try:
        exponent, parts, sign = 0, [], 1
        for token in re.findall(r"[*/]|[^*/\s]+", unit.replace("µ", "u").replace("·", "*").replace("Ω", "Ohm")):
            if token in "*/":
                sign = -1 if token == "/" else 1
                parts.append(token)
                continue
            name, _, raised = token.partition("^")
            if name == "1":
                parts.append("1")
                continue
            ten, base = _power(name)
            exponent += sign * ten * int(raised or 1)
            parts.append(base + (f"^{raised}" if raised else ""))
        text = "".join(parts)
        return float(f"1e{exponent}"), _BASES.get(text, text)
    except (KeyError, ValueError):
        return 1.0, unit
