//! The `neuro` binary.

fn main() -> std::process::ExitCode {
    cli::main()
}

mod cli;
