//! Graphs that come out of 3-D images, and Pregel programs that run on them.
//!
//! A tour, from the ground up:
//!
//! - [`volume`] reads and writes voxels, box by box; [`volume::grid`] cuts a volume into blocks.
//! - [`graph::topology`] says what a graph cut into blocks is; [`graph::csr`] is one, made of edges.
//! - [`lattice`] makes a graph of voxels without storing an edge, and finds runs, parts, moments,
//!   contacts and Euler numbers ([`lattice::summary`]).
//! - [`pregel`] runs programs: [`pregel::vertex`] is what a user writes, [`pregel::block`] what the
//!   engine runs, [`pregel::runtime`] the workers, [`pregel::local`] the plain judge.
//! - [`programs`] holds programs: read [`programs::pagerank`] first, then [`programs::labelling`];
//!   [`programs::force`] balances forces.
//! - [`stream`] is scans that arrive; [`incremental`] keeps tables and components up meanwhile.
//! - [`exact`] sums floats to the same bits in any order; [`store`] keeps checkpoints of runs.
//! - [`measure`] makes tables of what was counted, and [`report`] a page for people.
//! - [`mod@bench`] runs the engine and the scans beside plain kernels and installed peers; [`wide`] is
//!   code for the processor at hand.
//!
//! [`prelude`] has what a vertex program needs.

pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
pub mod combine;
pub mod disjoint;
pub mod error;
pub mod exact;
pub mod graph;
pub mod id;
pub mod incremental;
pub mod lattice;
pub mod measure;
pub mod pregel;
pub mod prelude;
pub mod programs;
pub mod report;
pub mod store;
pub mod stream;
pub mod volume;
pub mod wide;
pub mod workers;
