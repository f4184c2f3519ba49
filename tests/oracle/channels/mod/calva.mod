: Low-threshold calcium, Avery & Johnston 1996, Randall & Tsien 1997, 10 mV lower, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX calva
	USEION ca READ eca WRITE ica
	RANGE g
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
}
ASSIGNED {
	v celsius ica eca qt
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
	LOCAL z
	qt = 2.3^((celsius - 21) / 10)
	z = v + 10
	m_inf = 1 / (1 + exp(-(z + 30) / 6))
	m_tau = (5 + 20 / (1 + exp((z + 25) / 5))) / qt
	h_inf = 1 / (1 + exp((z + 80) / 6.4))
	h_tau = (20 + 50 / (1 + exp((z + 40) / 7))) / qt
}
UNITSON
