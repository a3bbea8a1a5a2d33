//! The engine: block programs and vertex programs, on one thread or on many processes.

mod batch;
pub mod block;
mod engine;
mod failure;
pub mod local;
mod network;
pub mod placement;
pub mod run;
pub mod runtime;
mod share;
pub mod sweep;
pub mod vertex;
