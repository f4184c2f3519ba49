TITLE Calcium current of Goldman, Hodgkin and Katz
NEURON {
    SUFFIX cagold
    USEION ca READ cai, cao WRITE ica
    RANGE pbar
}
UNITS {
    (molar) = (1/liter) (mM) = (millimolar) (mV) = (millivolt) (mA) = (milliamp)
    FARADAY = (faraday) (coulomb)
    R = (k-mole) (joule/degC)
}
PARAMETER {
    celsius = 34 (degC)
    pbar = 0.0002 (cm/s)
    cai = 1e-4 (mM)
    cao = 2 (mM)
}
ASSIGNED { v (mV) ica (mA/cm2) }
STATE { m }
INITIAL { m = minf(v) }
BREAKPOINT {
    SOLVE states METHOD cnexp
    ica = pbar*m*m*ghk(v, cai, cao)
}
DERIVATIVE states { m' = (minf(v) - m)/mtau(v) }
FUNCTION minf(v (mV)) { minf = 1/(1 + exp(-(v + 20 (mV))/6 (mV))) }
FUNCTION mtau(v (mV)) (ms) { mtau = 1.2 + 5.4/(1 + exp((v + 30)/5)) }
FUNCTION ghk(v (mV), ci (mM), co (mM)) (.001 coul/cm3) {
    LOCAL z
    z = (1e-3)*2*FARADAY*v/(R*(celsius + 273.15))
    ghk = (.001)*2*FARADAY*(ci*efun(-z) - co*efun(z))
}
FUNCTION efun(z) {
    if (fabs(z) < 1e-4) { efun = 1 - z/2 } else { efun = z/(exp(z) - 1) }
}
