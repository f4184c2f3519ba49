: SK, Kohler et al. 1996, Hay et al. 2011, PLoS Comput Biol 7:e1002107
NEURON {
	SUFFIX sk
	USEION ca READ cai
	NONSPECIFIC_CURRENT i
	RANGE g, e
}
UNITSOFF
PARAMETER {
	g = 0.001   : S/cm2
	e = -85
}
ASSIGNED {
	v celsius i cai
	z_inf z_tau
}
STATE { z }
INITIAL {
	rates(v)
	z = z_inf
}
BREAKPOINT {
	SOLVE states METHOD cnexp
	i = g * z * (v - e)
}
DERIVATIVE states {
	rates(v)
	z' = (z_inf - z) / z_tau
}
PROCEDURE rates(v) {
	z_inf = 1 / (1 + (0.00043 / cai)^4.8)
	z_tau = 1
}
UNITSON
