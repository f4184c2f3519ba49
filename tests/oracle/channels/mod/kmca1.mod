: M current of CA1, Shah et al. 2008, PNAS 105:7869
NEURON {
	SUFFIX kmca1
	NONSPECIFIC_CURRENT i
	RANGE g, e
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = -90
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
	LOCAL a
	a = exp(0.0378 * 7 * (v + 42))
	m_inf = 1 / (1 + exp((v + 40) / -10))
	m_tau = 60 + exp(0.0378 * 7 * 0.4 * (v + 42)) / (0.003 * (1 + a))
}
UNITSON
