//! Volumes: voxels, shapes, formats. Axes are z, y, x everywhere; x is fastest.

pub mod flat;
pub mod grid;
pub mod memory;
pub mod npy;
pub mod open;
pub mod png;
pub mod raw;
pub mod region;
pub mod shape;
pub mod sink;
pub mod slices;
pub mod source;
pub mod tiff;
mod tiff_chunk;
mod tiff_directory;
mod tiff_page;
mod tiff_stack;
pub mod tiff_write;
pub mod voxel;
