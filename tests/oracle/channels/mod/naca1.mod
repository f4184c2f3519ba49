: Transient sodium of CA1, Migliore et al. 1999, J Comput Neurosci 7:5
NEURON {
	SUFFIX naca1
	NONSPECIFIC_CURRENT i
	RANGE g, e, keep
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = 55
	keep = 1
}
ASSIGNED {
	v celsius i qt
	m_inf m_tau h_inf h_tau s_inf s_tau
}
STATE { m h s }
INITIAL {
	rates(v)
	m = m_inf
	h = h_inf
	s = s_inf
}
BREAKPOINT {
	SOLVE states METHOD cnexp
	i = g * m^3 * h * s * (v - e)
}
DERIVATIVE states {
	rates(v)
	m' = (m_inf - m) / m_tau
	h' = (h_inf - h) / h_tau
	s' = (s_inf - s) / s_tau
}
PROCEDURE rates(v) {
	LOCAL a, b, f
	qt = 2^((celsius - 24) / 10)
	f = 96.48533212 / (8.314462618 * (273.15 + celsius))   : F/RT in 1/mV
	a = 0.4 * trap(v + 30, 7.2)
	b = 0.124 * trap(-v - 30, 7.2)
	m_inf = a / (a + b)
	m_tau = 1 / (qt * (a + b))
	if (m_tau < 0.02) { m_tau = 0.02 }
	a = 0.03 * trap(v + 45, 1.5)
	b = 0.01 * trap(-v - 45, 1.5)
	h_tau = 1 / (qt * (a + b))
	if (h_tau < 0.5) { h_tau = 0.5 }
	h_inf = 1 / (1 + exp((v + 50) / 4))
	a = 1 / (1 + exp((v + 58) / 2))
	s_inf = a + keep * (1 - a)
	s_tau = exp(12 * 0.2 * (v + 60) * f) / (0.0003 * (1 + exp(12 * (v + 60) * f)))
	if (s_tau < 10) { s_tau = 10 }
}
FUNCTION trap(x, y) {   : x / (1 - exp(-x/y)), by its series near 0
	if (fabs(x / y) < 1e-5) { trap = y * (1 + x / y / 2) } else { trap = x / (1 - exp(-x / y)) }
}
UNITSON
