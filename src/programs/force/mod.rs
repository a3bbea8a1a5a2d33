//! Force balance: displacements at which the forces on every node sum to nothing.

pub mod bone;
pub mod contact_springs;
pub mod elastic;
pub mod elements;
pub mod gradients;
pub mod mechanisms;
pub mod plane;
pub mod solve;
pub mod tension;
pub mod vector;
