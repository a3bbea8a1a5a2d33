//! Connected components of any graph, as a block program; of a directed graph those that hang
//! together whatever the directions (weakly connected).
//!
//! Each block joins what its own edges connect, and block 0 joins what meets at seams: see
//! [`fragments`](crate::programs::fragments) for the method, four supersteps, and what it costs.
//! The vertex program [`components`](crate::programs::components) is its judge.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::graph::topology::Topology;
use crate::id::BlockId;
use crate::pregel::block::{BlockProgram, Superstep, Vote};
use crate::programs::fragments::{Components, Fragments, Parcel};

/// The smallest vertex of each vertex's component; a block gives its own by ascending slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connectivity;

impl<G: Topology> BlockProgram<G> for Connectivity {
    type State = Fragments;
    type Parcel = Parcel;
    type Global = ();
    type Output = Components;

    fn init(&self, _graph: &G, block: &G::Block) -> Result<Fragments> {
        Fragments::new(block, |_| 0)
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Parcel, ()>,
        block: &G::Block,
        fragments: &mut Fragments,
        mail: Vec<(BlockId, Parcel)>,
    ) -> Result<Vote> {
        fragments.step(at, block, mail)
    }

    fn finish(&self, _block: &G::Block, fragments: Fragments) -> Result<Components> {
        Ok(fragments.into_components())
    }
}
