//! Cases of `meaning` that do not hold yet. Take a line out when it does; never add one for something that held.

/// `file: title`, or `file` where the whole file is refused or warned of.
pub const PENDING_VALUES: &[&str] = &[
    "arguments_by_name_functions",
    "arrays: comparison is element by element",
    "given_or_default_schemes: adaptive steps",
    "given_or_default_schemes: cables",
    "given_or_default_synapses: values of each synapse stay",
    "per_synapse_values: a value for each of a line of pairs",
    "per_synapse_values: draws of each synapse",
    "per_synapse_values: synapses of one source that differ",
    "per_synapse_values: synapses of one source that differ, with an equation",
    "per_synapse_values: synapses of one target that differ",
    "per_synapse_values: synapses of several delays",
    "time_in_equations: each scheme sees t within the step",
    "time_inputs: a number for one cell after a function for all",
    "time_inputs: another function for one cell",
];

/// Files whose mistake is not refused, or not as it should be.
pub const PENDING_REFUSED: &[&str] = &[
    "array_of_text",
    "connector_as_value",
    "distribution_as_size",
    "distribution_as_value",
    "distribution_wrong_unit_by_name",
    "edges_with_blank_weight",
    "function_of_user_unknown_argument",
    "function_positional_after_named",
    "input_array_of_other_length",
    "largest_of_time",
    "modulator_of_the_size",
    "one_synapse_assigned",
    "population_of_a_branch_measured",
    "projection_named_like_a_population",
    "spikes_of_cell_outside",
    "spikes_of_fraction_of_cell",
    "spikes_of_negative_cell",
    "spikes_of_text",
    "sum_of_time",
];

/// Properties by name.
pub const PENDING_PROPERTIES: &[&str] = &["bounds"];
