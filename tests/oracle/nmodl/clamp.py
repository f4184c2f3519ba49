"""Voltage steps on the mechanisms of tests/nmodl in NEURON 9.0.2: writes a CSV beside this file for each of them.

    nrnivmodl ../../nmodl && python clamp.py

Columns: time in ms, potential in mV, current in mA/cm2 (in nA of a point process). The potential is held by a huge capacitance. Tables are
off, so that rates are those of the equations. Temperature 25 degrees Celsius, calcium 5e-5 mM inside and 2 mM outside, ena 50 mV, ek -77 mV.
An event of 0.01 uS arrives at 0.2 ms.
"""

from neuron import h

TIMES = [0.5, 2, 3.5, 5, 6.5, 8, 9.5]
STEPS = {1: -20.0, 4: 20.0, 7: -90.0}
DENSITY = {"squid": ["ina", "ik", "il_squid"], "kd_slow": ["ik"], "ka": ["ik"], "cagold": ["ica"], "oldna": ["ina"],
           "naslow": ["ina"], "odd_one": ["i_odd_one"], "leaky": ["i_leaky"], "skx": ["ik"]}
FILES = {"kd_slow": "delayed", "ka": "bounded", "cagold": "goldman", "oldna": "explicit", "naslow": "begun", "odd_one": "loose",
         "leaky": "leak", "skx": "gated", "JumpSyn": "synapse", "RiseSyn": "two_exponentials", "Pulse": "pulse"}

h.dt = 0.005
h.celsius = 25


def clamp(name, currents):
    section = h.Section(name="s")
    section.L = section.diam = 10
    section.cm = 1e12
    segment = section(0.5)
    if currents:
        section.insert(name)
        if hasattr(h, f"usetable_{name}"):
            setattr(h, f"usetable_{name}", 0)
        total = lambda: sum(getattr(segment, c) for c in currents)
    else:
        point = getattr(h, name)(segment)
        sign = -1 if name == "Pulse" else 1
        total = lambda: sign * point.i
        if name != "Pulse":
            event = h.NetCon(None, point)
            event.weight[0] = 0.01
    h.finitialize(-65)
    if not currents and name != "Pulse":
        event.event(0.2)
    with open(FILES.get(name, name) + ".csv", "w") as out:
        out.write("t,v,i\n")
        for n in range(round(TIMES[-1] / h.dt) + 1):
            t = round(n * h.dt, 9)
            if t in TIMES:
                h.fcurrent()
                out.write(f"{t},{segment.v:.6g},{total():.10g}\n")
            if t in STEPS:
                segment.v = STEPS[t]
            h.fadvance()


for name in list(DENSITY) + ["JumpSyn", "RiseSyn", "Pulse"]:
    clamp(name, DENSITY.get(name))
