//! Types of the core of NeuroML whose dynamics are equations of a cell or a synapse, in a notation of one line each.
//!
//! `param NAME DIMENSION [unit=U] [as CALLED]`, `state NAME DIMENSION`, `const NAME VALUE`, `derived NAME DIMENSION = …`,
//! `let NAME DIMENSION = …`, `case NAME DIMENSION = CONDITION ? VALUE | … | VALUE`, `attached NAME DIMENSION` (the sum of what is
//! attached), `rate`, `start`, `when CONDITION : ACTIONS`, `rising CONDITION : ACTIONS`, `on in : ACTIONS`, `impulse X` (what an event
//! of weight one adds, under the name `impulse`), `text NAMES` (attributes without an effect).

/// All of them.
pub const CORE: &str = "
type baseStandalone
type baseCell
type baseSpikingCell : baseCell
type baseCellMembPot : baseSpikingCell
type baseCellMembPotDL : baseSpikingCell
type baseCellMembPotCap : baseCellMembPot
param C capacitance
type baseIaf : baseCellMembPot
param thresh voltage as V_th
param reset voltage as V_reset
type baseIafCapCell : baseCellMembPotCap
param thresh voltage as V_th
param reset voltage as V_reset

type iafTauCell : baseIaf
param leakReversal voltage as E_L
param tau time as tau_m
state v voltage
start v = leakReversal
rate v = (leakReversal - v) / tau
when v .gt. thresh : v = reset ; emit spike

type iafTauRefCell : iafTauCell
param refract time as t_ref
state v voltage
start v = leakReversal
rate v = (leakReversal - v) / tau
when v .gt. thresh : v = reset ; hold v refract ; emit spike

type iafCell : baseIafCapCell
param leakConductance conductance as g_L
param leakReversal voltage as E_L
state v voltage
attached iSyn current
start v = leakReversal
rate v = (leakConductance * (leakReversal - v) + iSyn) / C
when v .gt. thresh : v = reset ; emit spike

type iafRefCell : iafCell
param refract time as t_ref
state v voltage
attached iSyn current
start v = leakReversal
rate v = (leakConductance * (leakReversal - v) + iSyn) / C
when v .gt. thresh : v = reset ; hold v refract ; emit spike

type izhikevichCell : baseCellMembPot
param a none
param b none
param c none
param d none
param v0 voltage
param thresh voltage as V_peak
const MSEC 1ms
const MVOLT 1mV
state v voltage
state U none
attached ISyn none
start v = v0
start U = b * v0 / MVOLT
rate v = (0.04 * v^2 / MVOLT + 5 * v + (140 - U + ISyn) * MVOLT) / MSEC
rate U = a * (b * v / MVOLT - U) / MSEC
when v .gt. thresh : v = c * MVOLT ; U = U + d ; emit spike

type izhikevich2007Cell : baseCellMembPotCap
param v0 voltage
param k conductance_per_voltage
param vr voltage as v_r
param vt voltage as v_t
param vpeak voltage as v_peak
param a per_time
param b conductance
param c voltage
param d current
state v voltage
state u current
attached iSyn current
start v = v0
start u = 0
rate v = (k * (v - vr) * (v - vt) - u + iSyn) / C
rate u = a * (b * (v - vr) - u)
when v .gt. vpeak : v = c ; u = u + d ; emit spike

type adExIaFCell : baseCellMembPotCap
param gL conductance as g_L
param EL voltage as E_L
param VT voltage as V_T
param thresh voltage as V_peak
param reset voltage as V_reset
param delT voltage as Delta_T
param tauw time as tau_w
param refract time as t_ref
param a conductance
param b current
state v voltage
state w current
attached iSyn current
start v = EL
start w = 0
rate v = (gL * (EL - v) + gL * delT * exp((v - VT) / delT) - w + iSyn) / C
rate w = (a * (v - EL) - w) / tauw
when v .gt. thresh : v = reset ; w = w + b ; hold v refract ; emit spike

type fitzHughNagumoCell : baseCellMembPotDL
param I none as I_e
const SEC 1s
state V none
state W none
rate V = (V - V^3 / 3 - W + I) / SEC
rate W = 0.08 * (V + 0.7 - 0.8 * W) / SEC

type fitzHughNagumo1969Cell : baseCellMembPotDL
param a none
param b none
param I none as I_e
param phi none
param V0 none
param W0 none
const TS 1ms
state V none
state W none
start V = V0
start W = W0
rate V = (V - V^3 / 3 - W + I) / TS
rate W = phi * (V + a - b * W) / TS

type hindmarshRose1984Cell : baseCellMembPotCap
param a none
param b none
param c none
param d none
param r none
param s none
param x1 none
param v_scaling voltage
param x0 none
param y0 none
param z0 none
const MSEC 1ms
state v voltage
state y none
state z none
attached iSyn current
let x none = v / v_scaling
start v = x0 * v_scaling
start y = y0
start z = z0
rate v = v_scaling * (y - a * x^3 + b * x^2 - z) / MSEC + iSyn / C
rate y = (c - d * x^2 - y) / MSEC
rate z = r * (s * (x - x1) - z) / MSEC
rising v .gt. 0 : emit spike

type pinskyRinzelCA3Cell : baseCellMembPot
param iSoma currentDensity as I_s
param iDend currentDensity as I_d
param gLs conductanceDensity as g_Ls
param gLd conductanceDensity as g_Ld
param gNa conductanceDensity as g_Na
param gKdr conductanceDensity as g_KDR
param gCa conductanceDensity as g_Ca
param gKahp conductanceDensity as g_AHP
param gKC conductanceDensity as g_KC
param gc conductanceDensity as g_c
param eNa voltage as E_Na
param eCa voltage as E_Ca
param eK voltage as E_K
param eL voltage as E_L
param pp none as p
param cm specificCapacitance as C_m
param gNmda conductanceDensity as g_NMDA
param gAmpa conductanceDensity as g_AMPA
param qd0 none as q_0
text alphac betac
const MSEC 1ms
const MVOLT 1mV
const DENSITY 1uA_per_cm2
const SEC 1s
const Vsyn 60mV
state Vs voltage as V_s
state Vd voltage as V_d
state Cad none as Ca
state hs none as h
state ns none as n
state sd none as s
state cd none as c
state qd none as q
state Si none as S
state Wi none as W
let v voltage = Vs
let ICad currentDensity as I_Ca = gCa * sd^2 * (Vd - eCa)
let alphams_Vs none as alpha_m = 0.32 * (-46.9 - Vs / MVOLT) / (exp((-46.9 - Vs / MVOLT) / 4) - 1)
let betams_Vs none as beta_m = 0.28 * (Vs / MVOLT + 19.9) / (exp((Vs / MVOLT + 19.9) / 5) - 1)
let Minfs_Vs none as m_inf = alphams_Vs / (alphams_Vs + betams_Vs)
let alphans_Vs none as alpha_n = 0.016 * (-24.9 - Vs / MVOLT) / (exp((-24.9 - Vs / MVOLT) / 5) - 1)
let betans_Vs none as beta_n = 0.25 * exp(-1 - 0.025 * Vs / MVOLT)
let alphahs_Vs none as alpha_h = 0.128 * exp((-43 - Vs / MVOLT) / 18)
let betahs_Vs none as beta_h = 4 / (1 + exp((-20 - Vs / MVOLT) / 5))
let alphasd_Vd none as alpha_s = 1.6 / (1 + exp(-0.072 * (Vd / MVOLT - 5)))
let betasd_Vd none as beta_s = 0.02 * (Vd / MVOLT + 8.9) / (exp((Vd / MVOLT + 8.9) / 5) - 1)
case alphacd_Vd none as alpha_c = Vd .lt. -10 * MVOLT ? exp((Vd / MVOLT + 50) / 11 - (Vd / MVOLT + 53.5) / 27) / 18.975 | 2 * exp((-53.5 - Vd / MVOLT) / 27)
case betacd_Vd none as beta_c = Vd .lt. -10 * MVOLT ? 2 * exp((-53.5 - Vd / MVOLT) / 27) - alphacd_Vd | 0
let alphaqd none as alpha_q = min(0.00002 * Cad, 0.01)
let chid none as chi = min(Cad / 250, 1)
let Isyn currentDensity as I_syn = gAmpa * Wi * (Vd - Vsyn) + gNmda * min(Si, 125) * (Vd - Vsyn) / (1 + 0.28 * exp(-0.062 * (Vd / MVOLT - 60)))
start Vs = eL
start Vd = eL
start qd = qd0
rate Vs = (gLs * (eL - Vs) - gNa * Minfs_Vs^2 * hs * (Vs - eNa) - gKdr * ns * (Vs - eK) + (gc * (Vd - Vs) + iSoma) / pp) / cm
rate Vd = ((iDend - Isyn + gc * (Vs - Vd)) / (1 - pp) + gLd * (eL - Vd) - ICad - (gKahp * qd + gKC * cd * chid) * (Vd - eK)) / cm
rate Cad = (-0.13 * ICad / DENSITY - 0.075 * Cad) / MSEC
rate hs = (alphahs_Vs - (alphahs_Vs + betahs_Vs) * hs) / MSEC
rate ns = (alphans_Vs - (alphans_Vs + betans_Vs) * ns) / MSEC
rate sd = (alphasd_Vd - (alphasd_Vd + betasd_Vd) * sd) / MSEC
rate cd = (alphacd_Vd - (alphacd_Vd + betacd_Vd) * cd) / MSEC
rate qd = (alphaqd - (alphaqd + 0.001) * qd) / MSEC
rate Si = -Si / 150 / SEC
rate Wi = -Wi / 2 / SEC

type basePyNNCell : baseCellMembPot
param cm capacitance unit=nF as C_m
param i_offset current unit=nA as I_e
param v_init voltage unit=mV as v_init
text tau_syn_E tau_syn_I
const MSEC 1ms
type basePyNNIaFCell : basePyNNCell
param tau_refrac time unit=ms as t_ref
param v_thresh voltage unit=mV as V_th
param tau_m time unit=ms
param v_rest voltage unit=mV as E_L
param v_reset voltage unit=mV as V_reset
state v voltage
attached iSyn current
start v = v_init
rate v = (v_rest - v) / tau_m + (i_offset + iSyn) / cm
when v .gt. v_thresh : v = v_reset ; hold v tau_refrac ; emit spike
type basePyNNIaFCondCell : basePyNNIaFCell
text e_rev_E e_rev_I
type IF_curr_alpha : basePyNNIaFCell
type IF_curr_exp : basePyNNIaFCell
type IF_cond_alpha : basePyNNIaFCondCell
type IF_cond_exp : basePyNNIaFCondCell
type EIF_cond_exp_isfa_ista : basePyNNIaFCondCell
param v_spike voltage unit=mV as V_peak
param delta_T voltage unit=mV as Delta_T
param tau_w time unit=ms
param a conductance unit=uS
param b current unit=nA
state v voltage
state w current
attached iSyn current
case cutoff voltage as V_cut = delta_T .gt. 0 ? v_spike | v_thresh
case drive voltage as upstroke = delta_T .gt. 0 ? delta_T * exp((v - v_thresh) / delta_T) | 0
start v = v_init
start w = 0
rate v = (v_rest - v + drive) / tau_m + (i_offset - w + iSyn) / cm
rate w = (a * (v - v_rest) - w) / tau_w
when v .gt. cutoff : v = v_reset ; w = w + b ; hold v tau_refrac ; emit spike
type EIF_cond_alpha_isfa_ista : EIF_cond_exp_isfa_ista
type HH_cond_exp : basePyNNCell
param gbar_K conductance unit=uS as g_K
param gbar_Na conductance unit=uS as g_Na
param g_leak conductance unit=uS as g_L
param e_rev_K voltage unit=mV as E_K
param e_rev_Na voltage unit=mV as E_Na
param e_rev_leak voltage unit=mV as E_L
param v_offset voltage unit=mV as V_T
text e_rev_E e_rev_I
const PER_MS 1per_ms
const MVOLT 1mV
state v voltage
state m none
state h none
state n none
attached iSyn current
let x none = (v - v_offset) / MVOLT
let alpham per_time as alpha_m = 0.32 * PER_MS * (13 - x) / (exp((13 - x) / 4) - 1)
let betam per_time as beta_m = 0.28 * PER_MS * (x - 40) / (exp((x - 40) / 5) - 1)
let alphah per_time as alpha_h = 0.128 * PER_MS * exp((17 - x) / 18)
let betah per_time as beta_h = 4 * PER_MS / (1 + exp((40 - x) / 5))
let alphan per_time as alpha_n = 0.032 * PER_MS * (15 - x) / (exp((15 - x) / 5) - 1)
let betan per_time as beta_n = 0.5 * PER_MS * exp((10 - x) / 40)
start v = v_init
rate v = (g_leak * (e_rev_leak - v) + gbar_Na * m^3 * h * (e_rev_Na - v) + gbar_K * n^4 * (e_rev_K - v) + i_offset + iSyn) / cm
rate m = alpham * (1 - m) - betam * m
rate h = alphah * (1 - h) - betah * h
rate n = alphan * (1 - n) - betan * n

type basePointCurrent : baseStandalone
type basePointCurrentDL : baseStandalone
type baseVoltageDepPointCurrent : basePointCurrent
require v voltage
type baseVoltageDepPointCurrentSpiking : baseVoltageDepPointCurrent
type baseVoltageDepPointCurrentDL : basePointCurrentDL
require V none
type baseSpikeSource

type baseSynapse : basePointCurrent
type baseSynapseDL : baseVoltageDepPointCurrentDL
type baseVoltageDepSynapse : baseSynapse
require v voltage
type baseCurrentBasedSynapse : baseSynapse
type baseConductanceBasedSynapse : baseVoltageDepSynapse
param gbase conductance as g_base
param erev voltage as E
type baseConductanceBasedSynapseTwo : baseVoltageDepSynapse
param gbase1 conductance
param gbase2 conductance
param erev voltage as E
type baseGradedSynapse : baseSynapse

type alphaCurrentSynapse : baseCurrentBasedSynapse
param tau time
param ibase current as I_base
impulse ibase
const EULER 2.718281828459045
state I current
state J current
let i current = I
rate I = (EULER * J - I) / tau
rate J = -J / tau
on in : J = J + impulse

type expOneSynapse : baseConductanceBasedSynapse
param tauDecay time as tau
impulse gbase
state g conductance
let i current = g * (erev - v)
rate g = -g / tauDecay
on in : g = g + impulse

type alphaSynapse : baseConductanceBasedSynapse
param tau time
impulse gbase
const EULER 2.718281828459045
state g conductance
state A conductance
let i current = g * (erev - v)
rate g = (EULER * A - g) / tau
rate A = -A / tau
on in : A = A + impulse

type expTwoSynapse : baseConductanceBasedSynapse
param tauRise time as tau_rise
param tauDecay time as tau_decay
impulse gbase
derived peakTime time as t_peak = log(tauDecay / tauRise) * (tauRise * tauDecay) / (tauDecay - tauRise)
derived waveformFactor none as scale = 1 / (exp(-peakTime / tauDecay) - exp(-peakTime / tauRise))
state A conductance as rise
state B conductance as decay
let g conductance = B - A
let i current = g * (erev - v)
rate A = -A / tauRise
rate B = -B / tauDecay
on in : A = A + waveformFactor * impulse ; B = B + waveformFactor * impulse

type expThreeSynapse : baseConductanceBasedSynapseTwo
param tauRise time as tau_rise
param tauDecay1 time as tau_decay1
param tauDecay2 time as tau_decay2
derived peakTime1 time as t_peak1 = log(tauDecay1 / tauRise) * (tauRise * tauDecay1) / (tauDecay1 - tauRise)
derived waveformFactor1 none as scale1 = 1 / (exp(-peakTime1 / tauDecay1) - exp(-peakTime1 / tauRise))
derived peakTime2 time as t_peak2 = log(tauDecay2 / tauRise) * (tauRise * tauDecay2) / (tauDecay2 - tauRise)
derived waveformFactor2 none as scale2 = 1 / (exp(-peakTime2 / tauDecay2) - exp(-peakTime2 / tauRise))
state A none as rise
state B none as decay1
state C none as decay2
let g conductance = gbase1 * (B - A) + gbase2 * (C - A)
let i current = g * (erev - v)
rate A = -A / tauRise
rate B = -B / tauDecay1
rate C = -C / tauDecay2
on in : A = A + weight * (gbase1 * waveformFactor1 + gbase2 * waveformFactor2) / (gbase1 + gbase2) ; B = B + weight * waveformFactor1 ; C = C + weight * waveformFactor2

type blockingPlasticSynapse : expTwoSynapse
state A conductance as rise
state B conductance as decay
child blockMechanism baseBlockMechanism
child plasticityMechanism basePlasticityMechanism
select blocked none as unblocked = blockMechanism[*]/blockFactor multiply
let g conductance = blocked * (B - A)
let i current = g * (erev - v)
rate A = -A / tauRise
rate B = -B / tauDecay
on in : A = A + waveformFactor * impulse ; B = B + waveformFactor * impulse

type baseConductanceScaling
type baseConductanceScalingCaDependent : baseConductanceScaling
require caConc concentration
type baseVoltageDepRate
require v voltage
type baseVoltageConcDepRate : baseVoltageDepRate
require caConc concentration
type baseHHRate : baseVoltageDepRate
param rate per_time
param midpoint voltage
param scale voltage
type HHExpRate : baseHHRate
let r per_time = rate * exp((v - midpoint) / scale)
type HHSigmoidRate : baseHHRate
let r per_time = rate / (1 + exp(-(v - midpoint) / scale))
type HHExpLinearRate : baseHHRate
let r per_time = rate / exprel(-(v - midpoint) / scale)
type baseVoltageDepVariable
require v voltage
type baseVoltageConcDepVariable : baseVoltageDepVariable
require caConc concentration
type baseHHVariable : baseVoltageDepVariable
param rate none
param midpoint voltage
param scale voltage
type HHExpVariable : baseHHVariable
let x none = rate * exp((v - midpoint) / scale)
type HHSigmoidVariable : baseHHVariable
let x none = rate / (1 + exp(-(v - midpoint) / scale))
type HHExpLinearVariable : baseHHVariable
let x none = rate / exprel(-(v - midpoint) / scale)
type baseVoltageDepTime
require v voltage
type baseVoltageConcDepTime : baseVoltageDepTime
require caConc concentration
type baseGate
param instances none
type gate : baseGate
type concentrationModel
text ion species
state concentration concentration
state extConcentration concentration

type baseBlockMechanism
type voltageConcDepBlockMechanism : baseBlockMechanism
param blockConcentration concentration as c_block
param scalingConc concentration as c_scale
param scalingVolt voltage as v_scale
text species
require v voltage
let blockFactor none as block = 1 / (1 + blockConcentration / scalingConc * exp(-v / scalingVolt))
type basePlasticityMechanism
type tsodyksMarkramDepMechanism : basePlasticityMechanism
param initReleaseProb none as U
param tauRec time as tau_rec
type tsodyksMarkramDepFacMechanism : basePlasticityMechanism
param initReleaseProb none as U
param tauRec time as tau_rec
param tauFac time as tau_fac

type basePynnSynapse : baseVoltageDepSynapse
param tau_syn time unit=ms as tau
const EULER 2.7182818
type expCondSynapse : basePynnSynapse
param e_rev voltage unit=mV as E
impulse 1uS
state g conductance
let i current = g * (e_rev - v)
rate g = -g / tau_syn
on in : g = g + impulse
type alphaCondSynapse : basePynnSynapse
param e_rev voltage unit=mV as E
impulse 1uS
state g conductance
state A conductance
let i current = g * (e_rev - v)
rate g = (EULER * A - g) / tau_syn
rate A = -A / tau_syn
on in : A = A + impulse
type expCurrSynapse : basePynnSynapse
impulse 1nA
state I current
let i current = I
rate I = -I / tau_syn
on in : I = I + impulse
type alphaCurrSynapse : basePynnSynapse
impulse 1nA
state I current
state A current
let i current = I
rate I = (EULER * A - I) / tau_syn
rate A = -A / tau_syn
on in : A = A + impulse
";
