//! Elasticity of voxels: every voxel an element of eight nodes, nothing assembled, solved by conjugate
//! gradients on multigrid.

pub mod element;
mod field;
pub mod found;
mod grids;
mod iteration;
mod kernel;
mod level;
mod moduli;
mod nodes;
mod root;
pub mod settle;
pub mod share;
pub mod solver;
mod steps;
pub mod stiff;
pub mod supports;
mod transfer;
