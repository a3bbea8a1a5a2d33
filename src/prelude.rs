//! What a vertex program needs, in one line: `use septa::prelude::*;`.

pub use crate::combine::{All, Combine, Max, Min, Sum};
pub use crate::error::{Error, Result};
pub use crate::exact::ExactSum;
pub use crate::graph::csr::Csr;
pub use crate::graph::topology::{Block, Cut, Mutable, Topology};
pub use crate::id::{BlockId, Slot, VertexId};
pub use crate::lattice::contact::{Contact, ContactGraph};
pub use crate::lattice::lattice::Lattice;
pub use crate::lattice::select::Select;
pub use crate::lattice::stencil::Stencil;
pub use crate::pregel::block::{BlockProgram, Superstep, Vote};
pub use crate::pregel::placement::Placement;
pub use crate::pregel::row::Row;
pub use crate::pregel::run::{Checkpoint, Config, Every, Report, Watch};
pub use crate::pregel::runtime::Runtime;
pub use crate::pregel::vertex::{Vertex, VertexProgram};
pub use crate::pregel::warm::Warm;
pub use crate::volume::grid::BlockSize;
pub use crate::volume::open::{OpenOptions, open};
pub use crate::workers::Workers;
