//! The binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    promote::cli::main()
}
