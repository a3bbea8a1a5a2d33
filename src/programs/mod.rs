//! Programs that run on the engine.

pub mod components;
pub mod copy;
pub mod distance_transform;
pub mod labelling;
pub mod measure;
pub mod numbering;
pub mod pagerank;
pub mod propagation;
pub mod split;
mod watershed;
