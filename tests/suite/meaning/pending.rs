//! Cases of `meaning` that do not hold yet. Take a line out when it does; never add one for something that held.

/// `file: title`, or `file` where the whole file is refused or warned of. All of these are refused with E0702: values that differ from
/// synapse to synapse are given where the projection is declared, not assigned to what its synapses share.
pub const PENDING_VALUES: &[&str] = &[
    "given_or_default_synapses: values of each synapse stay",
    "per_synapse_values: a value for each of a line of pairs",
    "per_synapse_values: draws of each synapse",
    "per_synapse_values: synapses of one source that differ",
    "per_synapse_values: synapses of one source that differ, with an equation",
    "per_synapse_values: synapses of one target that differ",
    "per_synapse_values: synapses of several delays",
];

/// Files whose mistake is not refused, or not as it should be.
pub const PENDING_REFUSED: &[&str] = &[];

/// Properties by name.
pub const PENDING_PROPERTIES: &[&str] = &[];
