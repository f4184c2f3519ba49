: Transient sodium, Colbert & Pan 2002, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX nat
	NONSPECIFIC_CURRENT i
	RANGE g, e, shift
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = 50
	shift = 0
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
	a = 0.182 * trap(v - shift + 38, 6)
	b = 0.124 * trap(-v + shift - 38, 6)
	m_inf = a / (a + b)
	m_tau = 1 / (qt * (a + b))
	a = 0.015 * trap(-v + shift - 66, 6)
	b = 0.015 * trap(v - shift + 66, 6)
	h_inf = a / (a + b)
	h_tau = 1 / (qt * (a + b))
}
FUNCTION trap(x, y) {   : x / (1 - exp(-x/y)), by its series near 0
	if (fabs(x / y) < 1e-5) { trap = y * (1 + x / y / 2) } else { trap = x / (1 - exp(-x / y)) }
}
UNITSON
