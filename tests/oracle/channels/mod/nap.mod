: Persistent sodium, Magistretti & Alonso 1999, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX nap
	NONSPECIFIC_CURRENT i
	RANGE g, e
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = 50
}
ASSIGNED {
	v celsius i qt
	m_inf m_tau h_inf h_tau
}
STATE { m h }
INITIAL {
	rates(v)
	m = m_inf
	h = h_inf
}
BREAKPOINT {
	SOLVE states METHOD cnexp
	i = g * m^3 * h * (v - e)
}
DERIVATIVE states {
	rates(v)
	m' = (m_inf - m) / m_tau
	h' = (h_inf - h) / h_tau
}
PROCEDURE rates(v) {
	LOCAL a, b
	qt = 2.3^((celsius - 21) / 10)
	a = 0.182 * trap(v + 38, 6)
	b = 0.124 * trap(-v - 38, 6)
	m_inf = 1 / (1 + exp(-(v + 52.6) / 4.6))
	m_tau = 6 / (qt * (a + b))
	a = 2.88e-6 * trap(-v - 17, 4.63)
	b = 6.94e-6 * trap(v + 64.4, 2.63)
	h_inf = 1 / (1 + exp((v + 48.8) / 10))
	h_tau = 1 / (qt * (a + b))
}
FUNCTION trap(x, y) {   : x / (1 - exp(-x/y)), by its series near 0
	if (fabs(x / y) < 1e-5) { trap = y * (1 + x / y / 2) } else { trap = x / (1 - exp(-x / y)) }
}
UNITSON
