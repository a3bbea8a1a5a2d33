//! What is kept on disk: checkpoints between runs, scratch within one.

mod atomic;
pub mod checkpoint;
pub mod manifest;
pub mod part;
pub mod scratch;
