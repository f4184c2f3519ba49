: Distal A current of CA1, Hoffman et al. 1997, Migliore et al. 1999, J Comput Neurosci 7:5
NEURON {
	SUFFIX kad
	NONSPECIFIC_CURRENT i
	RANGE g, e
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = -90
}
ASSIGNED {
	v celsius i qt
	n_inf n_tau l_inf l_tau
}
STATE { n l }
INITIAL {
	rates(v)
	n = n_inf
	l = l_inf
}
BREAKPOINT {
	SOLVE states METHOD cnexp
	i = g * n * l * (v - e)
}
DERIVATIVE states {
	rates(v)
	n' = (n_inf - n) / n_tau
	l' = (l_inf - l) / l_tau
}
PROCEDURE rates(v) {
	LOCAL a, z, f
	qt = 5^((celsius - 24) / 10)
	f = 96.48533212 / (8.314462618 * (273.15 + celsius))   : F/RT in 1/mV
	z = -1.8 - 1 / (1 + exp((v + 40) / 5))
	a = exp(z * (v + 1) * f)
	n_inf = 1 / (1 + a)
	n_tau = exp(z * 0.39 * (v + 1) * f) / (qt * 0.1 * (1 + a))
	if (n_tau < 0.1) { n_tau = 0.1 }
	l_inf = 1 / (1 + exp(3 * (v + 56) * f))
	l_tau = 0.26 * (v + 50)
	if (l_tau < 2) { l_tau = 2 }
}
UNITSON
