//! The command line: says what to do, and holds no algorithm. One file a verb.

mod analyse;
mod args;
mod arguments;
mod bench;
mod bench_picture;
mod common;
mod contacts;
mod context;
mod diff;
mod entry;
mod figures;
mod graph;
mod info;
mod input;
mod label;
mod measure;
mod memory;
mod page;
mod phantom;
mod potts;
mod potts_contacts;
mod potts_frames;
mod potts_parameters;
mod progress;
mod record;
mod relax;
mod relax_bone;
mod relax_boundary;
mod relax_ground;
mod relax_springs;
mod relax_stop;
mod relax_tension;
mod run;
mod run_programs;
mod run_saving;
mod segment;
mod send;
#[cfg(feature = "zmq")]
mod sending;
mod split;
mod staging;
mod watch;
#[cfg(feature = "zmq")]
mod watch_socket;
mod watching;
mod written;

pub use entry::main;
