: M current, Adams et al. 1982, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX im
	NONSPECIFIC_CURRENT i
	RANGE g, e
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = -85
}
ASSIGNED {
	v celsius i qt
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
	qt = 2.3^((celsius - 21) / 10)
	a = 0.0033 * exp(2.5 * 0.04 * (v + 35))
	b = 0.0033 * exp(-2.5 * 0.04 * (v + 35))
	m_inf = a / (a + b)
	m_tau = 1 / (qt * (a + b))
}
UNITSON
