: Persistent potassium, Korngreen & Sakmann 2000, 10 mV lower, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX kp
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
	i = g * m^2 * h * (v - e)
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
	m_inf = 1 / (1 + exp(-(z + 1) / 12))
	if (z < -50) { m_tau = (1.25 + 175.03 * exp(0.026 * z)) / qt } else { m_tau = (1.25 + 13 * exp(-0.026 * z)) / qt }
	h_inf = 1 / (1 + exp((z + 54) / 11))
	h_tau = (360 + (1010 + 24 * (z + 55)) * exp(-((z + 75) / 48)^2)) / qt
}
UNITSON
