TITLE Units that do not fit
NEURON {
    SUFFIX odd_one
    NONSPECIFIC_CURRENT i
    USEION ca READ cai
    RANGE g, n
}
PARAMETER { g = 0.001 (S/cm2) e = -70 (mV) n = 2 k = 3e4 (/ms) }
ASSIGNED { v (mV) i (mA/cm2) cai (mM) }
STATE { w }
INITIAL { w = k*cai^n/(k*cai^n + 0.01) }
BREAKPOINT {
    SOLVE states METHOD cnexp
    i = g*w*(v - e)*(1 + sin(v))
}
DERIVATIVE states {
    LOCAL a
    a = k*cai^n
    w' = a*(1 - w) - 0.01*w
}
