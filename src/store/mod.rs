//! What is kept on disk between runs: checkpoints.

mod atomic;
pub mod checkpoint;
pub mod manifest;
pub mod part;
