TITLE A channel with two closed states and an open one
NEURON {
    SUFFIX chain
    USEION k READ ek WRITE ik
    RANGE gbar
}
PARAMETER { gbar = 0.002 (S/cm2) ek = -85 (mV) kc = 0.3 (/ms) }
ASSIGNED { v (mV) ik (mA/cm2) up (/ms) down (/ms) }
STATE { c1 c2 o }
INITIAL { SOLVE scheme STEADYSTATE sparse }
BREAKPOINT {
    SOLVE scheme METHOD sparse
    ik = gbar*o*(v - ek)
}
KINETIC scheme {
    rates(v)
    ~ c1 <-> c2 (up, down)
    ~ c2 <-> o (kc, 0.1)
    CONSERVE c1 + c2 + o = 1
}
PROCEDURE rates(v (mV)) {
    up = 0.5*exp((v + 30)/20)
    down = 0.2*exp(-(v + 30)/25)
}
