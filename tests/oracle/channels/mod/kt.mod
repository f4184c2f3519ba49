: Transient potassium, Korngreen & Sakmann 2000, 10 mV lower, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX kt
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
	i = g * m^4 * h * (v - e)
}
DERIVATIVE states {
	rates(v)
	m' = (m_inf - m) / m_tau
	h' = (h_inf - h) / h_tau
}
PROCEDURE rates(v) {
	LOCAL z
	qt = 2.3^((celsius - 21) / 10)
	z = v + 10
	m_inf = 1 / (1 + exp(-z / 19))
	m_tau = (0.34 + 0.92 * exp(-((z + 71) / 59)^2)) / qt
	h_inf = 1 / (1 + exp((z + 66) / 10))
	h_tau = (8 + 49 * exp(-((z + 73) / 23)^2)) / qt
}
UNITSON
