//! What is kept on disk: checkpoints between runs, journals, scratch within one run.

mod atomic;
pub mod checkpoint;
pub mod journal;
pub mod manifest;
pub mod part;
pub mod scratch;
pub mod tail;
