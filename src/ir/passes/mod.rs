//! Kernel to kernel: each pass improves its input or leaves it, and none can fail.

mod clean;
mod contract;
mod fold;
mod quiet;
mod side_by_side;

pub use clean::clean;
pub use contract::contract;
pub use fold::fold;
pub use quiet::{Quiet, quiet};
pub use side_by_side::side_by_side;

use super::kernel::Kernel;

/// A pass.
pub type Pass = fn(&Kernel) -> Kernel;

/// The passes in the order they run, with the names `--after` takes.
pub const PASSES: [(&str, Pass); 3] = [("fold", fold), ("contract", contract), ("clean", clean)];

/// Runs all passes, verifying between them in debug builds.
pub fn optimize(kernel: &Kernel) -> Kernel {
    let mut out = kernel.clone();
    for (name, pass) in PASSES {
        out = pass(&out);
        if cfg!(debug_assertions)
            && let Err(e) = super::verify(&out)
        {
            panic!("pass {name} broke kernel {}: {e}\n{out}", kernel.name);
        }
    }
    out
}
