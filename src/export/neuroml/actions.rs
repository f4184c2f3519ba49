//! Conditions of LEMS, each with its actions.

/// A condition and what it does.
pub struct When {
    pub test: String,
    pub actions: Vec<String>,
}

pub fn assign(variable: &str, value: &str) -> String {
    format!("<StateAssignment variable=\"{variable}\" value=\"{value}\"/>")
}

/// The conditions of a cell under construction.
#[derive(Default)]
pub struct Conditions {
    pub all: Vec<When>,
    /// States of zero and one that are zero again at the end of a step.
    pub passing: Vec<String>,
}

impl Conditions {
    pub fn begin(&mut self, test: &str) {
        self.all.push(When { test: test.to_string(), actions: Vec::new() });
    }

    pub fn act(&mut self, action: String) {
        if let Some(last) = self.all.last_mut() {
            last.actions.push(action);
        }
    }
}
