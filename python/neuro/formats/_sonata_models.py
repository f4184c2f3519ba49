"""Point neurons of NEST, PyNN and NEURON, by the names and in the units that these give their parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Optional


@dataclass(frozen=True)
class Model:
    """A point neuron as the language has it.

    `parameters` are the names and units that its files may set, `initial` is the state that begins at `v_init`, `ports` are where weights
    of zero and more, and negative ones, arrive; `positive` if a port takes the size of a weight only (conductances).
    """

    neuron: str
    text: str
    parameters: dict[str, str]
    states: dict[str, str]
    initial: str
    ports: tuple[str, str] = ("exc", "inh")
    weight: str = "pA"
    positive: bool = False
    current: Optional[str] = "pA"
    #: Ports by number, of cells whose edges name a `receptor_type`; none if the sign of a weight says where it arrives.
    receptors: tuple[str, ...] = ()
    #: Parameters that have another name in the language, where `cm` is a unit.
    renamed: tuple[tuple[str, str], ...] = ()
    #: Where currents are put in.
    put: str = "I"
    #: What reports call variables of a cell with a morphology.
    recorded: Optional[dict[str, str]] = None
    #: Channels that the text uses, each with its own text.
    channels: tuple[Any, ...] = ()
    #: Where its sections are among its segments.
    segments: Optional[Any] = None

    def default(self, name: str) -> float:
        """The value of a parameter or state that no file gives."""
        found = re.search(rf"^    (?:param|state) {name} = ([-+.e\d]+)", self.text, re.M)
        assert found is not None, name
        return float(found[1])


#: Names and defaults of what all cells have: NEST 3, and PyNN 0.12.
_NEST = {
    "C": ("C_m", "pF"),
    "tau": ("tau_m", "ms"),
    "E_L": ("E_L", "mV"),
    "V_th": ("V_th", "mV"),
    "V_reset": ("V_reset", "mV"),
    "t_ref": ("t_ref", "ms"),
    "I": ("I_e", "pA"),
    "tau_e": ("tau_syn_ex", "ms"),
    "tau_i": ("tau_syn_in", "ms"),
    "E_e": ("E_ex", "mV"),
    "E_i": ("E_in", "mV"),
    "v": ("V_m", "mV"),
    "g": ("g_L", "nS"),
}
_PYNN = {
    "C": ("C_m", "nF"),
    "tau": ("tau_m", "ms"),
    "E_L": ("v_rest", "mV"),
    "V_th": ("v_thresh", "mV"),
    "V_reset": ("v_reset", "mV"),
    "t_ref": ("tau_refrac", "ms"),
    "I": ("i_offset", "nA"),
    "tau_e": ("tau_syn_E", "ms"),
    "tau_i": ("tau_syn_I", "ms"),
    "E_e": ("e_rev_E", "mV"),
    "E_i": ("e_rev_I", "mV"),
    "v": ("v", "mV"),
}


def _synapses(kind: str, tau_e: str, tau_i: str) -> tuple[list[str], list[str]]:
    """States and equations of what arrives: `delta`, `exp` and `alpha`, as currents or as conductances."""
    shape, _, of = kind.partition(" ")
    if shape == "delta":
        return ["event input exc: mV"], []
    x, unit = ("g", "nS") if of == "conductance" else ("I", "pA")
    states = [f"event input exc: {unit}", f"event input inh: {unit}", f"state {x}_ex = 0 {unit}, {x}_in = 0 {unit}"]
    if shape == "exp":
        return states, [f"{x}_ex' = -{x}_ex / {tau_e} + exc", f"{x}_in' = -{x}_in / {tau_i} + inh"]
    states.append(f"state d{x}_ex = 0 {unit}/ms, d{x}_in = 0 {unit}/ms")
    return states, [
        # A weight w peaks at w after the time constant.
        f"d{x}_ex' = -d{x}_ex / {tau_e} + exc * exp(1) / {tau_e}",
        f"d{x}_in' = -d{x}_in / {tau_i} + inh * exp(1) / {tau_i}",
        f"{x}_ex' = d{x}_ex - {x}_ex / {tau_e}",
        f"{x}_in' = d{x}_in - {x}_in / {tau_i}",
    ]


def _integrate_and_fire(
    neuron: str, doc: str, kind: str, names: dict[str, tuple[str, str]], defaults: dict[str, float], pynn: bool
) -> Model:
    """A leaky cell with a threshold and a refractory period."""
    name = {key: of[0] for key, of in names.items()}
    conductance = kind.endswith("conductance")
    by_leak = conductance and not pynn
    keys = ["C", "g" if by_leak else "tau", "E_L", "V_th", "V_reset", "t_ref", "I"]
    keys += [] if kind == "delta" else ["tau_e", "tau_i"]
    keys += ["E_e", "E_i"] if conductance else []
    parameters = {names[k][0]: names[k][1] for k in keys}
    v, states = name["v"], _synapses(kind, name["tau_e"], name["tau_i"])
    drive = f"{name['I']} + I"
    if conductance:
        drive = f"g_ex*({name['E_e']} - {v}) + g_in*({name['E_i']} - {v}) + {drive}"
    elif kind != "delta":
        drive = f"I_ex + I_in + {drive}"
    leak = f"({name['g']}*({name['E_L']} - {v}) + {drive}) / {name['C']}" if by_leak else None
    rate = leak or f"({name['E_L']} - {v}) / {name['tau']} + ({drive}) / {name['C']}"
    lines = [f"## {doc}", f"neuron {neuron} {{"]
    lines += [f"    param {names[k][0]} = {defaults[k]:g} {names[k][1]}" for k in keys]
    lines += [f"    {line}" for line in states[0]]
    lines += ["    input I: pA = 0 pA", f"    state {v} = {defaults['v']:g} mV"]
    lines += [f"    {line}" for line in states[1]]
    lines += [f"    {v}' = {rate}{' + exc' if kind == 'delta' else ''}"]
    if conductance:
        # Of second order and more, as the solvers of NEST and PyNN are; a step has the conductances of its beginning otherwise.
        lines += ["    scheme rk4"]
    lines += [
        f"    emit spike when {v} >= {name['V_th']} {{",
        f"        {v} = {name['V_reset']}",
        f"        hold {v} for {name['t_ref']}",
        "    }",
        "}",
    ]
    weight = "mV" if kind == "delta" else ("nS" if conductance else "pA")
    if pynn and kind != "delta":
        weight = "uS" if conductance else "nA"
    return Model(
        neuron,
        "\n".join(lines),
        parameters,
        {v: "mV"},
        v,
        ("exc", "exc") if kind == "delta" else ("exc", "inh"),
        weight,
        conductance,
        "nA" if pynn else "pA",
        renamed=(("cm", "C_m"),) if pynn else (),
    )


def _adaptive(neuron: str, doc: str, kind: str, pynn: bool) -> Model:
    """An adaptive exponential cell with conductances."""
    names = _PYNN if pynn else _NEST
    name = {key: of[0] for key, of in names.items()}
    v = name["v"]
    if pynn:
        rows = [
            ("C_m", 0.281, "nF"), ("tau_m", 9.3667, "ms"), ("v_rest", -70.6, "mV"), ("v_thresh", -50.4, "mV"), ("v_reset", -70.6, "mV"),
            ("v_spike", -40, "mV"), ("tau_refrac", 0.1, "ms"), ("delta_T", 2, "mV"), ("a", 4, "nS"), ("b", 0.0805, "nA"),
            ("tau_w", 144, "ms"), ("i_offset", 0, "nA"), ("tau_syn_E", 5, "ms"), ("tau_syn_I", 5, "ms"), ("e_rev_E", 0, "mV"),
            ("e_rev_I", -80, "mV"),
        ]  # fmt: skip
        leak, peak, delta, threshold = "C_m / tau_m", "v_spike", "delta_T", "v_thresh"
    else:
        rows = [
            ("C_m", 281, "pF"), ("g_L", 30, "nS"), ("E_L", -70.6, "mV"), ("V_th", -50.4, "mV"), ("V_reset", -60, "mV"),
            ("V_peak", 0, "mV"), ("t_ref", 0, "ms"), ("Delta_T", 2, "mV"), ("a", 4, "nS"), ("b", 80.5, "pA"), ("tau_w", 144, "ms"),
            ("I_e", 0, "pA"), ("tau_syn_ex", 0.2, "ms"), ("tau_syn_in", 2, "ms"), ("E_ex", 0, "mV"), ("E_in", -85, "mV"),
        ]  # fmt: skip
        leak, peak, delta, threshold = "g_L", "V_peak", "Delta_T", "V_th"
    states, equations = _synapses(kind, name["tau_e"], name["tau_i"])
    lines = [f"## {doc}", f"neuron {neuron} {{"]
    lines += [f"    param {n} = {value:g} {unit}" for n, value, unit in rows]
    lines += [f"    {line}" for line in states]
    lines += [
        "    input I: pA = 0 pA",
        f"    state {v} = -70.6 mV",
        "    state w = 0 pA",
        f"    let cut = if {delta} > 0 mV then {peak} else {threshold}",
        "    # The upstroke ends at the cut-off: what it exceeds within a step must not reach the adaptation.",
        f"    let u = min({v}, cut)",
        f"    let I_spike = if {delta} > 0 mV then {leak} * {delta} * exp((u - {threshold}) / {delta}) else 0 pA",
        *(f"    {line}" for line in equations),
        f"    {v}' = ({leak} * ({name['E_L']} - u) + I_spike + g_ex*({name['E_e']} - u) + g_in*({name['E_i']} - u) - w"
        f" + {name['I']} + I) / {name['C']}",
        f"    w' = (a*(u - {name['E_L']}) - w) / tau_w",
        "    scheme rk4",
        f"    emit spike when {v} >= cut {{",
        f"        {v} = {name['V_reset']}",
        "        w += b",
        f"        hold {v} for {name['t_ref']}",
        "    }",
        "}",
    ]
    parameters = {n: unit for n, _, unit in rows}
    states_of = {v: "mV", "w": "nA" if pynn else "pA"}
    weight, current = ("uS", "nA") if pynn else ("nS", "pA")
    renamed = (("cm", "C_m"),) if pynn else ()
    return Model(neuron, "\n".join(lines), parameters, states_of, v, ("exc", "inh"), weight, True, current, renamed=renamed)


_IZHIKEVICH = Model(
    "Izhikevich",
    """\
## Quadratic cell of Izhikevich (2003, IEEE Trans Neural Netw 14:1569), forward Euler as published; `izhikevich` of NEST.
neuron Izhikevich {
    param a = 0.02/ms
    param b = 0.2
    param c = -65 mV
    param d = 8 mV
    param V_th = 30 mV
    param I_e = 0 mV
    event input exc: mV
    input I: mV = 0 mV
    state V_m = -65 mV
    state U_m = -13 mV
    V_m' = (0.04 * V_m * V_m / mV + 5 * V_m + 140 mV - U_m + I_e + I) / ms + exc
    U_m' = a * (b * V_m - U_m)
    scheme euler
    emit spike when V_m >= V_th {
        V_m = c
        U_m += d
    }
}""",
    {"a": "1/ms", "b": "", "c": "mV", "d": "mV", "V_th": "mV", "I_e": "mV"},
    {"V_m": "mV", "U_m": "mV"},
    "V_m",
    ("exc", "exc"),
    "mV",
    current="mV",
)

_INTFIRE1 = Model(
    "IntFire1",
    """\
## Leaky integrator of events: `m` decays and steps by the weight, a spike is sent when it exceeds 1; `IntFire1` of NEURON.
neuron IntFire1 {
    param tau = 10 ms
    param refrac = 5 ms
    event input exc: 1
    state m = 0
    m' = -m / tau + exc
    emit spike when m > 1 {
        m = 0
        hold m for refrac
    }
}""",
    {"tau": "ms", "refrac": "ms"},
    {"m": ""},
    "",
    ("exc", "exc"),
    "1",
    current=None,
)

_IAF: dict[str, float] = {
    "C": 250,
    "tau": 10,
    "E_L": -70,
    "V_th": -55,
    "V_reset": -70,
    "t_ref": 2,
    "I": 0,
    "tau_e": 2,
    "tau_i": 2,
    "v": -70,
}
_IAF_COND: dict[str, float] = {
    "C": 250,
    "g": 16.6667,
    "E_L": -70,
    "V_th": -55,
    "V_reset": -60,
    "t_ref": 2,
    "I": 0,
    "tau_e": 0.2,
    "tau_i": 2,
    "v": -70,
}
_IF: dict[str, float] = {"C": 1, "tau": 20, "E_L": -65, "V_th": -50, "V_reset": -65, "t_ref": 0.1, "I": 0, "v": -65, "E_e": 0, "E_i": -70}


def _nest(template: str, neuron: str, kind: str) -> Model:
    what = {"delta": "steps of the potential", "exp": "exponential", "alpha": "alpha-shaped"}[kind.partition(" ")[0]]
    of = kind.partition(" ")[2]
    doc = f"Leaky integrate-and-fire cell, {what}{f' {of}s' if of else ''}; `{template}` of NEST."
    defaults = {**_IAF_COND, "E_e": 0, "E_i": -85} if of == "conductance" else _IAF
    return _integrate_and_fire(neuron, doc, kind, _NEST, defaults, False)


def _pynn(template: str, kind: str, tau: tuple[float, float]) -> Model:
    neuron = template.replace("_", " ").title().replace(" ", "").replace("If", "IF")
    doc = f"Leaky integrate-and-fire cell; `{template}` of PyNN."
    return _integrate_and_fire(neuron, doc, kind, _PYNN, {**_IF, "tau_e": tau[0], "tau_i": tau[1]}, True)


def glif_psc(ports: int, currents: int) -> Model:
    """A generalized leaky cell (Teeter et al. 2018, Nat Commun 9:709) with currents after spikes, and ports with alpha-shaped currents."""
    rows = [
        ("C_m", 58.72, " pF"), ("g", 9.43, " nS"), ("E_L", -78.85, " mV"), ("V_th", -51.68, " mV"), ("V_reset", -78.85, " mV"),
        ("t_ref", 3.75, " ms"),
    ]  # fmt: skip
    arrives, after = range(ports), range(currents)
    rows += [(f"tau_syn_{k}", 2.0, " ms") for k in arrives]
    for k in after:
        rows += [(f"asc_amps_{k}", 0.0, " pA"), (f"asc_decay_{k}", 0.003, "/ms"), (f"asc_r_{k}", 1.0, "")]
    lines = [
        "## Generalized leaky integrate-and-fire cell with currents after spikes; `glif_psc` of NEST.",
        f"neuron GlifPsc{ports}x{currents} {{",
    ]
    lines += [f"    param {name} = {value:g}{unit}" for name, value, unit in rows]
    for k in arrives:
        lines += [f"    event input syn_{k + 1}: pA", f"    state I_{k} = 0 pA", f"    state dI_{k} = 0 pA/ms"]
    lines += ["    input I: pA = 0 pA", *(f"    state A_{k} = 0 pA" for k in after), "    state V_m = -78.85 mV"]
    for k in arrives:
        lines += [f"    dI_{k}' = -dI_{k} / tau_syn_{k} + syn_{k + 1} * exp(1) / tau_syn_{k}", f"    I_{k}' = dI_{k} - I_{k} / tau_syn_{k}"]
    lines += [f"    A_{k}' = -asc_decay_{k} * A_{k}" for k in after]
    lines.append(f"    V_m' = (g*(E_L - V_m) + {' + '.join([*(f'I_{k}' for k in arrives), *(f'A_{k}' for k in after), 'I'])}) / C_m")
    lines.append("    emit spike when V_m > V_th {")
    for k in after:
        lines += [f"        A_{k} = asc_amps_{k} + asc_r_{k} * A_{k} * exp(-asc_decay_{k} * t_ref)", f"        hold A_{k} for t_ref"]
    lines += ["        V_m = V_reset", "        hold V_m for t_ref", "    }", "}"]
    parameters = {name: {" pF": "pF", "/ms": "1/ms"}.get(unit, unit.strip()) for name, _, unit in rows}
    states = {"V_m": "mV", **{f"A_{k}": "pA" for k in after}}
    renamed = tuple((f"asc_init_{k}", f"A_{k}") for k in after)
    names = tuple(f"syn_{k + 1}" for k in arrives)
    return Model(lines[1].split()[1], "\n".join(lines), parameters, states, "V_m", ("", ""), receptors=names, renamed=renamed)


MODELS: dict[str, Model] = {
    "nest:iaf_psc_delta": _nest("iaf_psc_delta", "IafPscDelta", "delta"),
    "nest:iaf_psc_exp": _nest("iaf_psc_exp", "IafPscExp", "exp current"),
    "nest:iaf_psc_alpha": _nest("iaf_psc_alpha", "IafPscAlpha", "alpha current"),
    "nest:iaf_cond_exp": _nest("iaf_cond_exp", "IafCondExp", "exp conductance"),
    "nest:iaf_cond_alpha": _nest("iaf_cond_alpha", "IafCondAlpha", "alpha conductance"),
    "nest:aeif_cond_exp": _adaptive("AeifCondExp", "Adaptive exponential cell; `aeif_cond_exp` of NEST.", "exp conductance", False),
    "nest:aeif_cond_alpha": _adaptive("AeifCondAlpha", "Adaptive exponential cell; `aeif_cond_alpha` of NEST.", "alpha conductance", False),
    "nest:izhikevich": _IZHIKEVICH,
    # With as many ports and currents as its parameters say.
    "nest:glif_psc": glif_psc(1, 2),
    "nrn:intfire1": _INTFIRE1,
    "pynn:if_curr_delta": _pynn("IF_curr_delta", "delta", (5, 5)),
    "pynn:if_curr_exp": _pynn("IF_curr_exp", "exp current", (5, 5)),
    "pynn:if_curr_alpha": _pynn("IF_curr_alpha", "alpha current", (0.5, 0.5)),
    "pynn:if_cond_exp": _pynn("IF_cond_exp", "exp conductance", (5, 5)),
    "pynn:if_cond_alpha": _pynn("IF_cond_alpha", "alpha conductance", (0.3, 0.5)),
    "pynn:eif_cond_exp_isfa_ista": _adaptive(
        "EIFCondExp", "Adaptive exponential cell; `EIF_cond_exp_isfa_ista` of PyNN.", "exp conductance", True
    ),
    "pynn:eif_cond_alpha_isfa_ista": _adaptive(
        "EIFCondAlpha", "Adaptive exponential cell; `EIF_cond_alpha_isfa_ista` of PyNN.", "alpha conductance", True
    ),
}

#: Parameters that change nothing as long as they have these values.
IDLE: dict[str, dict[str, object]] = {
    "nest:iaf_psc_delta": {"refractory_input": False},
    "nest:iaf_psc_exp": {"delta": 0.0, "rho": 0.01},
    "nest:glif_psc": {"spike_dependent_threshold": False, "adapting_threshold": False},
    "nest:izhikevich": {"consistent_integration": True},
}
