//! Embeds `stdlib/**` with its real names, so that errors inside it point into readable source.

macro_rules! library {
    ($($path:literal)*) => {
        &[$((concat!("std/", $path, ".neuro"), include_str!(concat!("../stdlib/", $path, ".neuro")))),*]
    };
}

/// Declared in every file without `use`.
pub const PRELUDE: &[(&str, &str)] = library!("prelude");

/// All other modules.
pub const LIBRARY: &[(&str, &str)] = library! {
    "constants"
    "neurons/lif"
    "neurons/adex"
    "neurons/izhikevich"
    "neurons/hodgkin_huxley"
    "neurons/pyramidal"
    "neurons/cable"
    "neurons/rate"
    "neurons/adaptive_threshold"
    "channels/hodgkin_huxley"
    "channels/cortical"
    "channels/calcium"
    "channels/layer5"
    "channels/hippocampal"
    "plasticity/pair"
    "plasticity/inhibitory"
    "plasticity/burst"
    "plasticity/triplet"
    "plasticity/hebbian"
    "plasticity/voltage"
    "plasticity/calcium"
    "plasticity/homeostatic"
    "plasticity/reward"
    "plasticity/error"
    "plasticity/gradient"
    "plasticity/contrastive"
    "plasticity/perturbation"
    "plasticity/structural"
    "plasticity/conditioning"
    "plasticity/policy"
    "plasticity/eligibility"
    "plasticity/predictive"
    "plasticity/readout"
    "plasticity/principal"
    "plasticity/competing"
    "plasticity/competitive"
    "plasticity/sparse"
    "plasticity/attractor"
    "synapses/short_term"
    "synapses/gap_junction"
    "sources/spikes"
    "pynn"
    "worlds/grid"
    "worlds/bandit"
    "worlds/maze"
    "worlds/pole"
};

/// Finds a module by its dotted path: name and text.
pub fn find(path: &str) -> Option<(&'static str, &'static str)> {
    let file = format!("{}.neuro", path.replace('.', "/"));
    LIBRARY.iter().find(|(name, _)| *name == file).copied()
}

/// Returns the dotted paths of all modules.
pub fn module_names() -> impl Iterator<Item = &'static str> {
    static NAMES: std::sync::LazyLock<Vec<String>> =
        std::sync::LazyLock::new(|| LIBRARY.iter().map(|(name, _)| dotted(name)).collect());
    NAMES.iter().map(String::as_str)
}

fn dotted(name: &str) -> String {
    name.trim_end_matches(".neuro").replace('/', ".")
}

/// The name that a line of a module declares.
fn declares(line: &'static str) -> Option<&'static str> {
    let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let kind = words.next()?;
    matches!(kind, "neuron" | "synapse" | "channel" | "network" | "world" | "fn" | "const").then(|| words.next())?
}

/// Returns all names that modules declare.
pub fn declared() -> impl Iterator<Item = &'static str> {
    LIBRARY.iter().flat_map(|(_, text)| text.lines().filter_map(declares))
}

/// Finds the module that declares a name, for help texts.
pub fn module_that_declares(name: &str) -> Option<String> {
    let has = |text: &'static str| text.lines().filter_map(declares).any(|n| n == name);
    LIBRARY.iter().find(|(_, text)| has(text)).map(|(n, _)| dotted(n))
}
