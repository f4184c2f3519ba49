: Delayed rectifier of CA1, Migliore et al. 1999, J Comput Neurosci 7:5
NEURON {
	SUFFIX kdr
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
	n_inf n_tau
}
STATE { n }
INITIAL {
	rates(v)
	n = n_inf
}
BREAKPOINT {
	SOLVE states METHOD cnexp
	i = g * n * (v - e)
}
DERIVATIVE states {
	rates(v)
	n' = (n_inf - n) / n_tau
}
PROCEDURE rates(v) {
	LOCAL a, f
	f = 96.48533212 / (8.314462618 * (273.15 + celsius))   : F/RT in 1/mV
	a = exp(-3 * (v - 13) * f)
	n_inf = 1 / (1 + a)
	n_tau = exp(-3 * 0.7 * (v - 13) * f) / (0.02 * (1 + a))
	if (n_tau < 2) { n_tau = 2 }
}
UNITSON
