//! The program under test.

use std::process::Command;

/// `septa`, to be given its arguments; whoever runs the tests may want backtraces, its output not.
pub(crate) fn septa() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_septa"));
    command.env_remove("RUST_BACKTRACE").env_remove("RUST_LOG");
    command
}
