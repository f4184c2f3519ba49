: BK, Moczydlowski & Latorre 1983, Migliore et al. 1995, J Neurophysiol 73:1157
NEURON {
	SUFFIX bk
	USEION ca READ cai
	NONSPECIFIC_CURRENT i
	RANGE g, e
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = -90
}
ASSIGNED {
	v celsius i cai
	o_inf o_tau
}
STATE { o }
INITIAL {
	rates(v)
	o = o_inf
}
BREAKPOINT {
	SOLVE states METHOD cnexp
	i = g * o * (v - e)
}
DERIVATIVE states {
	rates(v)
	o' = (o_inf - o) / o_tau
}
PROCEDURE rates(v) {
	LOCAL a, b, f
	f = 96.48533212 / (8.314462618 * (273.15 + celsius))   : F/RT in 1/mV
	a = cai * 0.28 / (cai + 0.48e-3 * exp(-2 * 0.84 * v * f))
	b = 0.48 / (1 + cai / (0.13e-6 * exp(-2 * v * f)))
	o_inf = a / (a + b)
	o_tau = 1 / ((a + b))
}
UNITSON
