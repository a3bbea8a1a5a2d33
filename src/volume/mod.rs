//! Volumes: voxels, shapes, formats. Axes are z, y, x everywhere; x is fastest.

pub mod extent;
pub mod filter;
pub mod flat;
pub mod grid;
pub mod histogram;
pub mod memory;
pub mod npy;
pub mod open;
pub(crate) mod pages;
pub mod phantom;
pub mod png;
pub mod raw;
pub mod region;
pub mod shape;
pub mod sink;
pub(crate) mod slabs;
pub mod slices;
pub mod source;
pub mod threshold;
pub mod tiff;
mod tiff_chunk;
mod tiff_directory;
mod tiff_page;
mod tiff_stack;
pub mod tiff_write;
pub mod voxel;
