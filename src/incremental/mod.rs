//! A live computation over arriving scans: what did not change costs nothing.
//!
//! A [`Session`](session::Session) holds the runs of every block of a volume. A scan that is put is
//! compared block by block; the blocks that differ, and the seams around them, are summarised anew,
//! and differential dataflow keeps the tables. The law: after any puts and removals, in any order,
//! they are those of a cold run on the volume as it is. A [`Series`](series::Series) is scans in order of
//! time, laid on a session, with its tables and a journal on the disk.

mod arriving;
pub mod change;
pub mod claim;
mod commit;
mod components;
mod held;
mod laid;
pub mod on_voxels;
mod owners;
mod pieces;
mod reading;
mod record;
pub mod running;
pub mod saved;
mod saying;
pub mod series;
pub mod session;
pub mod settings;
mod snapshot;
mod tables;
pub mod told;
