//! Programs that run on the engine.

pub mod betweenness;
pub mod bfs;
pub mod bridges;
mod buckets;
pub mod components;
pub mod connectivity;
pub mod copy;
pub mod degree;
pub mod distance;
pub mod distance_transform;
pub mod fragments;
mod halo;
mod held;
pub mod kcore;
pub mod labelling;
mod linking;
pub mod measure;
pub mod numbering;
pub mod pagerank;
pub mod painted;
pub mod percolation;
pub mod propagation;
mod sources;
pub mod split;
pub mod triangles;
mod watershed;
pub mod weigh;
