//! Graphs cut into blocks, and the files that graphs come in.

pub mod attributed;
pub mod csr;
pub mod cut;
pub mod dot;
pub mod edges;
pub mod edges_read;
pub mod fields;
pub mod graphml;
mod graphml_keys;
pub mod graphml_read;
mod numbering;
pub mod petgraph;
pub mod read;
pub mod topology;
mod xml;
