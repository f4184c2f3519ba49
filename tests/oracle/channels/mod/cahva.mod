: High-threshold calcium, Reuveni et al. 1993, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX cahva
	USEION ca READ eca WRITE ica
	RANGE g
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
}
ASSIGNED {
	v celsius ica eca
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
	ica = g * m^2 * h * (v - eca)
}
DERIVATIVE states {
	rates(v)
	m' = (m_inf - m) / m_tau
	h' = (h_inf - h) / h_tau
}
PROCEDURE rates(v) {
	LOCAL a, b
	a = 0.055 * trap(v + 27, 3.8)
	b = 0.94 * exp((-75 - v) / 17)
	m_inf = a / (a + b)
	m_tau = 1 / ((a + b))
	a = 0.000457 * exp((-13 - v) / 50)
	b = 0.0065 / (exp((-v - 15) / 28) + 1)
	h_inf = a / (a + b)
	h_tau = 1 / ((a + b))
}
FUNCTION trap(x, y) {   : x / (1 - exp(-x/y)), by its series near 0
	if (fabs(x / y) < 1e-5) { trap = y * (1 + x / y / 2) } else { trap = x / (1 - exp(-x / y)) }
}
UNITSON
