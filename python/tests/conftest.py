"""A small network with everything that the package shows, and the program whose results are compared."""

import os
import subprocess

import pytest

import neuro

BALANCED = """\
## Leaky integrate-and-fire cell with exponential conductances.
neuron Cell {
    param C_m = 200 pF, g_L = 10 nS, E_L = -60 mV
    event input exc: nS
    event input inh: nS
    input I: pA = 0 pA
    state v = E_L
    state g_exc = 0 nS, g_inh = 0 nS
    g_exc' = -g_exc / 5 ms + exc
    g_inh' = -g_inh / 10 ms + inh
    v' = (g_L*(E_L - v) + g_exc*(0 mV - v) + g_inh*(-80 mV - v) + I) / C_m
    emit spike when v > -50 mV { v = E_L   hold v for 5 ms }
}

## Cells that excite and inhibit each other.
network Balanced(n: int = 200, p = 0.1) {
    population exc: Cell[4*n/5]
    population inh: Cell[n/5]
    projection ff: exc -> (exc, inh).exc: Static { connect fixed_probability(p)   weight 6 nS    delay 0.1 ms }
    projection fb: inh -> exc.inh: Static { connect fixed_probability(p)   weight 67 nS   delay 0.1 ms }
    drive (exc, inh).exc { poisson 2 kHz   weight 2 nS }
}

## What it does by itself.
experiment activity(duration = 100 ms) {
    network net = Balanced()
    record (net.exc.spike, net.inh.spike)
    record net.exc[0..3].v every 1 ms
    record net.exc.v every 1 ms as potential
    run duration
    measure mean_rate = rate(net.exc.spike)
    measure last = net.exc.v
    print "rate", mean_rate
    plot "Activity" net.exc.spike
    expect mean_rate > 1 Hz
    expect mean_rate > 1 kHz
}
"""

CABLES = """
neuron Twig {
    compartment dend[4] {
        length 200 um   diameter 2 um
        param C_m = 1 uF/cm^2, R_a = 100 Ohm*cm
        state v = -70 mV
        current = 0.1 mS/cm^2 * (v + 70 mV)
    }
    emit spike when rising dend[0].v > 0 mV
}
network Net { population cell: Twig[3] }
experiment e {
    network net = Net()
    net.cell[2].dend.v = [-60 mV, -61 mV, -62 mV, -63 mV]
    record net.cell[1..3].dend.v every 1 ms as v
    run 20 ms
}
"""


@pytest.fixture(scope="session")
def text():
    return BALANCED


@pytest.fixture
def cables():
    """A run with a recording of all segments of two cells."""
    return neuro.compile(source=CABLES).run()


@pytest.fixture
def path(tmp_path):
    at = tmp_path / "balanced.neuro"
    at.write_text(BALANCED)
    return at


@pytest.fixture
def model():
    return neuro.compile(source=BALANCED)


@pytest.fixture
def command():
    """Runs the program itself."""
    binary = os.environ.get("NEURO")
    if not binary:
        pytest.skip("NEURO names no program to compare with")

    def run(*args, code=0):
        done = subprocess.run([binary, *map(str, args)], capture_output=True, text=True)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run
