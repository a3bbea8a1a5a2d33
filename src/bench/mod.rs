//! The engine beside plain kernels: `septa bench engine` and `benches/engine.rs` share these.

pub mod case;
pub mod engine;
pub mod idle;
pub mod input;
pub mod lists;
pub mod memory;
pub mod op;
pub mod plain;
pub mod spread;
pub mod stencil;
