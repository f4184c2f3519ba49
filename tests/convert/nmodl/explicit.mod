TITLE States advanced by a procedure
INDEPENDENT { t FROM 0 TO 1 WITH 1 (ms) }
NEURON {
    SUFFIX oldna
    USEION na READ ena WRITE ina
    RANGE gnabar
}
PARAMETER { gnabar = 0.05 (mho/cm2) ena = 45 (mV) vtraub = -63 (mV) celsius = 36 (degC) dt (ms) v (mV) }
ASSIGNED { ina (mA/cm2) m_inf h_inf m_exp h_exp tau_m tau_h tadj }
STATE { m h }
BREAKPOINT {
    SOLVE states
    ina = gnabar*m*m*m*h*(v - ena)
}
PROCEDURE states() {
    rates(v)
    m = m + m_exp*(m_inf - m)
    h = h + h_exp*(h_inf - h)
    VERBATIM
    return 0;
    ENDVERBATIM
}
UNITSOFF
INITIAL {
    tadj = 3.0^((celsius - 36)/10)
    rates(v)
    m = m_inf
    h = h_inf
}
PROCEDURE rates(v (mV)) {
    LOCAL a, b, v2
    v2 = v - vtraub
    a = 0.32*(13 - v2)/(Exp((13 - v2)/4) - 1)
    b = 0.28*(v2 - 40)/(Exp((v2 - 40)/5) - 1)
    tau_m = 1/(a + b)/tadj
    m_inf = a/(a + b)
    a = 0.128*Exp((17 - v2)/18)
    b = 4/(1 + Exp((40 - v2)/5))
    tau_h = 1/(a + b)/tadj
    h_inf = a/(a + b)
    m_exp = 1 - Exp(-dt/tau_m)
    h_exp = 1 - Exp(-dt/tau_h)
}
FUNCTION Exp(x) {
    if (x < -100) { Exp = 0 } else { Exp = exp(x) }
}
UNITSON
