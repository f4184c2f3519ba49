: Calcium pool, Destexhe et al. 1994, Hay et al. 2011
NEURON {
	SUFFIX pool
	USEION ca READ ica WRITE cai
	RANGE gamma, depth, decay, rest
}
UNITSOFF
PARAMETER {
	gamma = 0.000501
	depth = 0.1    : um
	decay = 460    : ms
	rest = 1e-4    : mM
}
ASSIGNED { ica }
STATE { cai }
INITIAL { cai = rest }
BREAKPOINT { SOLVE states METHOD cnexp }
: mA/cm2 / (C/mol um) is 1e4 mM/ms
DERIVATIVE states { cai' = -1e4 * gamma * ica / (2 * 96485.33212 * depth) - (cai - rest) / decay }
UNITSON
