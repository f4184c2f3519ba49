//! The `neuro` binary.

fn main() -> std::process::ExitCode {
    neuro::parallel::on_deep_stack(cli::main)
}

mod cli;
