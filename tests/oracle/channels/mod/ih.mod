: h current, Kole et al. 2006, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX ih
	NONSPECIFIC_CURRENT i
	RANGE g, e
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = -45
}
ASSIGNED {
	v celsius i
	m_inf m_tau
}
STATE { m }
INITIAL {
	rates(v)
	m = m_inf
}
BREAKPOINT {
	SOLVE states METHOD cnexp
	i = g * m * (v - e)
}
DERIVATIVE states {
	rates(v)
	m' = (m_inf - m) / m_tau
}
PROCEDURE rates(v) {
	LOCAL a, b
	a = 0.001 * 6.43 * trap(-v - 154.9, 11.9)
	b = 0.001 * 193 * exp(v / 33.1)
	m_inf = a / (a + b)
	m_tau = 1 / ((a + b))
}
FUNCTION trap(x, y) {   : x / (1 - exp(-x/y)), by its series near 0
	if (fabs(x / y) < 1e-5) { trap = y * (1 + x / y / 2) } else { trap = x / (1 - exp(-x / y)) }
}
UNITSON
