//! Force balance: displacements at which the forces on every node sum to nothing.

pub mod bone;
pub mod chebyshev;
pub mod contact_springs;
pub mod elastic;
pub mod elements;
pub mod fire;
mod fire_steps;
pub mod gradients;
pub mod law;
pub mod mechanisms;
mod newton;
mod outright;
pub mod plane;
mod relaxation;
pub mod solve;
mod stiffness;
pub mod tangent;
pub mod tension;
pub mod vector;
