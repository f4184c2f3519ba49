TITLE Conductance with rise and decay, of peak 1
NEURON {
    POINT_PROCESS RiseSyn
    RANGE tau1, tau2, e, i
    NONSPECIFIC_CURRENT i
}
PARAMETER { tau1 = 0.5 (ms) tau2 = 3 (ms) e = -75 (mV) }
ASSIGNED { v (mV) i (nA) factor }
STATE { A (uS) B (uS) }
INITIAL {
    LOCAL tp
    A = 0
    B = 0
    tp = (tau1*tau2)/(tau2 - tau1)*log(tau2/tau1)
    factor = 1/(exp(-tp/tau2) - exp(-tp/tau1))
}
BREAKPOINT {
    SOLVE state METHOD cnexp
    i = (B - A)*(v - e)
}
DERIVATIVE state {
    A' = -A/tau1
    B' = -B/tau2
}
NET_RECEIVE(w (uS)) {
    A = A + w*factor
    B = B + w*factor
}
