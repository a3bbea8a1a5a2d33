//! Volumes: voxels, shapes, formats. Axes are z, y, x everywhere; x is fastest.

pub mod grid;
pub mod memory;
pub mod region;
pub mod shape;
pub mod sink;
pub mod source;
pub mod voxel;
