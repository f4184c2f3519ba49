//! Cases of `meaning` that do not hold yet. Take a line out when it does; never add one for something that held.

/// `file: title`, or `file` where the whole file is refused or warned of.
pub const PENDING_VALUES: &[&str] = &[];

/// Files whose mistake is not refused, or not as it should be.
pub const PENDING_REFUSED: &[&str] = &[];

/// Properties by name.
pub const PENDING_PROPERTIES: &[&str] = &[];
