TITLE Gates that do not begin at their steady state
NEURON {
    SUFFIX naslow
    USEION na READ ena WRITE ina
    RANGE gbar, shift
}
PARAMETER { gbar = 0.01 (S/cm2) shift = 0 (mV) }
ASSIGNED { v (mV) ena (mV) ina (mA/cm2) }
STATE { m h }
INITIAL { m = 0 h = 0.6 }
BREAKPOINT {
    SOLVE states METHOD cnexp
    ina = gbar*m^3*h*(v - ena)
}
DERIVATIVE states {
    m' = (1/(1 + exp(-(v + shift + 38)/10)) - m)/(0.025 + 0.14*exp((v + 30)/10))
    h' = (1/(1 + exp((v + 62.9)/10.7)) - h)/(0.15 + 1.15/(1 + exp((v + 37)/15)))
}
