//! Voxels as a graph: neighbourhoods, runs, and what blocks of them add up to.

pub mod banks;
mod bits;
mod connected;
pub mod contact;
#[cfg(test)]
mod drawn;
#[cfg(feature = "abomonation")]
mod entombed;
pub mod euler;
pub mod face_moments;
pub mod faces;
mod joining;
pub mod lattice;
pub mod lattice_block;
pub mod marks;
mod met;
pub mod moments;
mod neighbourhoods;
pub mod packed;
pub mod parts;
pub mod patch_scan;
pub mod patches;
mod rows;
pub mod runs;
pub(crate) mod sections;
pub mod select;
mod sound;
pub mod stencil;
pub mod summary;
mod tally;
pub mod tiling;
