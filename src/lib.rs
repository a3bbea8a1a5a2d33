//! Graphs that come out of 3-D images, and Pregel programs that run on them.


pub mod combine;
pub mod disjoint;
pub mod error;
pub mod graph;
pub mod id;
pub mod lattice;
pub mod measure;
pub mod pregel;
pub mod prelude;
pub mod programs;
pub mod volume;
pub mod workers;
