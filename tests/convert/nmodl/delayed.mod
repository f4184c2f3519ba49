TITLE Delayed rectifier, density in pS/um2
NEURON {
    SUFFIX kd_slow
    USEION k READ ek WRITE ik
    RANGE gbar
}
UNITS { (pS) = (picosiemens) (um) = (micron) (mV) = (millivolt) (mA) = (milliamp) }
PARAMETER {
    gbar = 30 (pS/um2)
    th = 25 (mV)      : half activation
    q = 9 (mV)
    Ra = 0.02 (/ms/mV)
    Rb = 0.002 (/ms/mV)
    ek = -90 (mV)
    celsius (degC)
    temp = 23 (degC)
    q10 = 2.3
}
ASSIGNED { v (mV) ik (mA/cm2) a (/ms) b (/ms) tadj }
STATE { n }
INITIAL {
    tadj = q10^((celsius - temp)/(10 (degC)))
    rates(v)
    n = a/(a + b)
}
BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = (1e-4)*gbar*n*(v - ek)
}
DERIVATIVE states {
    rates(v)
    n' = tadj*(a*(1 - n) - b*n)
}
PROCEDURE rates(v (mV)) {
    a = Ra*(v - th)/(1 - exp(-(v - th)/q))
    b = -Rb*(v - th)/(1 - exp((v - th)/q))
}
