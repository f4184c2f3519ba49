TITLE Current for some time
NEURON {
    POINT_PROCESS Pulse
    RANGE del, dur, amp, i
    ELECTRODE_CURRENT i
}
PARAMETER { del = 1 (ms) dur = 5 (ms) amp = 0.1 (nA) }
ASSIGNED { i (nA) }
BREAKPOINT {
    if (t < del + dur && t >= del) { i = amp } else { i = 0 }
}
