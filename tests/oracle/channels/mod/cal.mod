: L-type calcium, Jaffe et al. 1994, Migliore et al. 1995, J Neurophysiol 73:1157
NEURON {
	SUFFIX cal
	USEION ca READ cai, cao WRITE ica
	RANGE g
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
}
ASSIGNED {
	v celsius ica cai cao
	m_inf m_tau
}
STATE { m }
INITIAL {
	rates(v)
	m = m_inf
}
BREAKPOINT {
	SOLVE states METHOD cnexp
	ica = g * m^2 * 0.001 / (0.001 + cai) * drive(v, cai, cao)
}
DERIVATIVE states {
	rates(v)
	m' = (m_inf - m) / m_tau
}
PROCEDURE rates(v) {
	LOCAL a, b
	a = 15.69 * trap(v - 81.5, 10)
	b = 0.29 * exp(-v / 10.86)
	m_inf = a / (a + b)
	m_tau = 1 / ((a + b))
}
FUNCTION trap(x, y) {   : x / (1 - exp(-x/y)), by its series near 0
	if (fabs(x / y) < 1e-5) { trap = y * (1 + x / y / 2) } else { trap = x / (1 - exp(-x / y)) }
}
FUNCTION drive(v, ci, co) {   : mV
	LOCAL k, x
	k = 8.314462618 * (273.15 + celsius) / 96.48533212 / 2
	x = v / k
	if (fabs(x) < 1e-5) { drive = -k * (1 - ci / co * exp(x)) * (1 - x / 2) } else { drive = -k * (1 - ci / co * exp(x)) * x / (exp(x) - 1) }
}
UNITSON
