//! The stable codes. A code is never reused; its page in `docs/errors/` is what `neuro explain` prints.

use super::Severity;

macro_rules! codes {
    ($($code:ident $title:literal)*) => {
        /// A stable diagnostic code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Code { $($code),* }

        impl Code {
            /// All codes, in order.
            pub const ALL: &'static [Code] = &[$(Code::$code),*];

            /// Returns the code's title.
            pub fn title(self) -> &'static str {
                match self { $(Code::$code => $title),* }
            }

            /// Returns the explanation page (Markdown).
            pub fn page(self) -> &'static str {
                match self { $(Code::$code => include_str!(concat!("../../docs/errors/", stringify!($code), ".md"))),* }
            }

            fn name(self) -> &'static str {
                match self { $(Code::$code => stringify!($code)),* }
            }
        }
    };
}

codes! {
    E0101 "unexpected text"
    E0102 "not a declaration"
    E0103 "unbalanced bracket"
    E0104 "unclosed string"
    E0105 "number out of range"
    E0106 "construct not supported yet"
    E0107 "text nested too deeply"
    E0201 "unknown name"
    E0202 "name declared twice"
    E0203 "unknown model"
    E0204 "unknown parameter"
    E0205 "no such member"
    E0206 "name clashes with a unit"
    E0207 "cannot be assigned"
    E0208 "used before it has a value"
    E0209 "import not found"
    E0210 "unknown function"
    E0211 "reserved name"
    E0212 "parameter has no value"
    E0213 "a file cannot have this name"
    E0301 "mismatched units in an equation"
    E0302 "units that cannot be added"
    E0303 "units that cannot be compared"
    E0304 "argument must be a pure number"
    E0305 "unknown unit"
    E0306 "value in the wrong unit"
    E0307 "exponent of a unit"
    E0308 "assignment changes the unit"
    E0309 "weight does not fit the port"
    E0310 "a time is needed"
    E0311 "affine unit"
    E0312 "more units than axes"
    E0401 "wrong kind of value"
    E0402 "wrong number of arguments"
    E0403 "shapes do not fit"
    E0404 "size must be a positive whole number"
    E0405 "a condition is needed"
    E0406 "index out of range"
    E0407 "a recording is needed"
    E0408 "more memory than there is"
    E0501 "equation without a state"
    E0502 "two equations for one state"
    E0503 "algebraic cycle"
    E0504 "scheme cannot be applied"
    E0505 "event input must be added"
    E0506 "noise in a deterministic scheme"
    E0507 "coupled compartment without capacitance"
    E0508 "only states can be held"
    E0509 "event used before it is emitted"
    E0511 "cable without geometry"
    E0512 "random draw in an equation"
    E0513 "incomplete gate"
    E0514 "event input outside an equation"
    E0515 "morphology without a usable shape"
    E0601 "delay below the time step"
    E0602 "target is not a port"
    E0603 "populations differ in size"
    E0604 "probability out of range"
    E0605 "no connector"
    E0606 "connector asks for too much"
    E0607 "no such event"
    E0608 "synapse and port do not fit"
    E0609 "edge or spike without a cell"
    E0611 "deliver is not proportional to the weight"
    E0612 "value follows from itself within a step"
    E0702 "a state kept elsewhere"
    E0703 "modulator does not fit"
    E0801 "state became infinite or undefined"
    E0802 "file cannot be read"
    E0803 "malformed data file"
    E0804 "unknown override"
    E0805 "override in the wrong unit"
    E0806 "result folder belongs to others"
    E0807 "expectation failed"
    E0808 "unknown experiment"
    E0809 "results cannot be written"
    E0810 "replay does not match"
    E0811 "nothing was recorded"
    E0812 "interrupted"
    E0813 "checkpoint cannot be resumed"
    E0814 "data set is missing"
    E0815 "data set is damaged"
    E0816 "a duration is negative or undefined"
    E0817 "initial value outside of its bounds"
    E0818 "nothing to take a snapshot of"
    E0819 "cannot be carried over"
    E0820 "cannot be said in another language"
    E0822 "cannot be planned without being drawn"
    W0201 "unused name"
    W0202 "shadowed name"
    W0203 "handler that never runs"
    W0204 "window that never is"
    W0205 "statement without effect"
    W0206 "synapse that delivers nothing"
    W0701 "order of events within a step"
    W0801 "duration is not a multiple of dt"
    W0802 "change too small for single precision"
}

impl Code {
    /// Returns whether this code is an error or a warning.
    pub fn severity(self) -> Severity {
        if self.name().starts_with('E') { Severity::Error } else { Severity::Warning }
    }

    /// Finds a code by its spelling, in any case.
    pub fn parse(text: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|c| c.name().eq_ignore_ascii_case(text))
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
