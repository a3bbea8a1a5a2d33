//! The Cellular Potts model: a lattice of spins that changes a voxel at a time, by an energy and by chance.

pub mod cells;
mod copying;
pub mod dice;
mod measured;
pub mod metropolis;
pub mod model;
pub mod neighborhood;
pub mod random;
pub mod rule;
pub mod run;
pub mod seams;
pub mod spins;
pub mod tally;
pub mod voxelwise;
