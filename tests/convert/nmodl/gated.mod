TITLE Potassium current opened by calcium
NEURON {
    SUFFIX skx
    USEION k READ ek WRITE ik
    USEION ca READ cai
    RANGE gbar, zinf
}
UNITS { (mM) = (milli/liter) }
PARAMETER { gbar = 0.001 (S/cm2) half = 0.00043 (mM) power = 4.8 ztau = 1 (ms) }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) cai (mM) zinf }
STATE { z }
INITIAL { rates(cai) z = zinf }
BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gbar*z*(v - ek)
}
DERIVATIVE states {
    rates(cai)
    z' = (zinf - z)/ztau
}
PROCEDURE rates(ca (mM)) {
    if (ca < 1e-7) { ca = ca + 1e-7 }
    zinf = 1/(1 + (half/ca)^power)
}
