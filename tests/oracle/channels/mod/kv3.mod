: Kv3.1, Rettig et al. 1992, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX kv3
	NONSPECIFIC_CURRENT i
	RANGE g, e
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = -85
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
	m_inf = 1 / (1 + exp(-(v - 18.7) / 9.7))
	m_tau = 0.2 * 20 / (1 + exp(-(v + 46.56) / 44.14))
}
UNITSON
