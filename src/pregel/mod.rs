//! The engine: block programs and vertex programs, on one thread or on many processes.

mod awake;
mod batch;
pub mod block;
mod boundary;
mod call;
pub(crate) mod collective;
mod dense;
pub(crate) mod engine;
mod evolve;
mod exchange;
mod failure;
mod inbox;
pub mod local;
mod network;
pub mod parcel;
pub mod placement;
mod requests;
pub mod row;
pub mod run;
pub mod runtime;
mod saving;
mod settle;
mod share;
pub mod sweep;
pub mod swept;
pub mod vertex;
pub mod warm;
