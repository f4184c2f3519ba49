: A transient current whose time constants have a lower bound.
NEURON {
    SUFFIX ka
    USEION k READ ek WRITE ik
    RANGE gkabar
}
CONSTANT { least = 0.5 (ms) }
PARAMETER { gkabar = 0.01 (mho/cm2) vhalf = -30 (mV) slope = 8 (mV) }
ASSIGNED { v (mV) ek (mV) ik (mA/cm2) ninf ntau (ms) linf ltau (ms) }
STATE { n FROM 0 TO 1 l FROM 0 TO 1 }
INITIAL { rates() n = ninf l = linf }
BREAKPOINT {
    SOLVE states METHOD cnexp
    ik = gkabar*n^4*l*(v - ek)
}
DERIVATIVE states {
    rates()
    n' = (ninf - n)/ntau
    l' = (linf - l)/ltau
}
PROCEDURE rates() {
    LOCAL a, b
    if (v == -30) { v = v + 0.0001 }
    a = 0.055*(-30 - v)/(exp((-30 - v)/3.8) - 1)
    b = 0.94*exp((-75 - v)/17)
    ninf = 1/(1 + exp(-(v - vhalf)/slope))
    ntau = 1/(a + b)
    if (ntau < least) { ntau = least }
    linf = 1/(1 + exp((v + 56)/9))
    if (v < -60 && v > -200) {
        ltau = 5 + 0.26*(v + 50)^2/40
    } else if (v > 20) {
        ltau = 40
    } else {
        ltau = 5 + exp((v + 50)/30)
    }
}
