//! The Cellular Potts model: a lattice of spins that changes a voxel at a time, by an energy and by chance.

pub mod account;
pub mod cells;
pub mod census;
mod connected;
mod copying;
pub mod dice;
pub mod division;
pub mod field;
mod life;
mod measured;
pub mod metropolis;
pub mod model;
pub mod neighborhood;
mod owned;
pub mod owners;
pub mod piff;
pub mod random;
mod reading;
pub mod rule;
pub mod run;
pub mod seams;
mod sight;
pub mod spins;
mod superstep;
pub mod tally;
mod terms;
pub mod voxelwise;
