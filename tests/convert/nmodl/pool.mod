TITLE Calcium in a shell
NEURON {
    SUFFIX cashell
    USEION ca READ ica, cai WRITE cai
    RANGE depth, tau, rest
}
UNITS {
    (molar) = (1/liter) (mM) = (millimolar) (um) = (micron) (mA) = (milliamp)
    FARADAY = (faraday) (coulomb)
}
PARAMETER {
    depth = 0.1 (um)   : of the shell
    tau = 80 (ms)      : of removal
    rest = 1e-4 (mM)
}
ASSIGNED { ica (mA/cm2) cai (mM) drive (mM/ms) }
STATE { ca (mM) }
INITIAL { ca = rest  cai = ca }
BREAKPOINT { SOLVE state METHOD derivimplicit }
DERIVATIVE state {
    drive = -(10000)*ica/(2*FARADAY*depth)
    if (drive <= 0) { drive = 0 }
    ca' = drive + (rest - ca)/tau
    cai = ca
}
