//! The command line of septa: see `septa --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    septa::cli::main()
}
