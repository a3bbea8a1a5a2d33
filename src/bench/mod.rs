//! What septa does beside plain kernels and installed peers: `septa bench`, and `benches/engine.rs`.

pub mod bridge;
pub mod case;
pub mod engine;
pub mod idle;
pub mod image;
pub mod image_op;
pub mod incremental;
pub mod input;
pub mod lists;
pub mod memory;
pub mod op;
pub mod peers;
pub mod plain;
pub mod plain_potts;
pub mod plain_springs;
pub mod plan;
pub mod potts;
pub mod relax;
pub mod row;
pub mod spread;
pub mod stencil;
pub mod volumes;
pub mod voxelwise;
