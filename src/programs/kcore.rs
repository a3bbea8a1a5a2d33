//! The core number of every vertex: the largest k for which it belongs to a part of the graph where
//! every vertex has k neighbours or more.
//!
//! Vertices are peeled off in the order of their remaining degree (Matula and Beck, 1983; with the
//! buckets of Batagelj and Zaversnik, 2003). Each block peels, as far as its own edges lead, all
//! that has k neighbours left or fewer, and tells across the seams what is gone; when nothing more
//! goes anywhere, k jumps to the smallest degree that is left. On a simple graph these are the
//! numbers of `networkx.core_number`; parallel edges count each, a loop not at all. The graph is
//! undirected.
//!
//! Cost: O(vertices + edges), and a superstep for each value of k that occurs and each time that a
//! wave of leaving vertices crosses a seam. Memory: 16 bytes a slot, 12 more
//! at a seam.

use serde::{Deserialize, Serialize};

use crate::combine::Min;
use crate::error::Result;
use crate::graph::topology::{Block, Seam, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::pregel::block::{BlockProgram, Superstep, Vote};

/// The core number of every vertex, ascending by slot in each block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KCore;

/// What a place is for a slot that is not owned.
const FOREIGN: u32 = u32::MAX;

/// The owned vertices of a block in the order in which they leave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Peeling {
    k: u32,
    /// Over slots: the neighbours left; once a vertex has gone, its core number.
    left: Vec<u32>,
    /// Owned slots: those gone, then the others by the number of their neighbours left.
    order: Vec<u32>,
    /// Over slots: where in `order` it is.
    place: Vec<u32>,
    /// Where in `order` the vertices with so many neighbours left begin, or would.
    starts: Vec<u32>,
    gone: u32,
    /// Border slots, ascending, each with a seam that it lies at and its place there.
    border: Vec<(u32, u32, u32)>,
}

impl Peeling {
    fn new<B: Block>(block: &B) -> Self {
        let owned = || block.rows().flat_map(|row| block.owned(row)).flatten();
        let mut left = vec![0u32; block.slots()];
        for slot in owned() {
            block.each_neighbor(Slot(slot as u32), |to, _| left[slot] += u32::from(to.index() != slot));
        }
        let most = owned().map(|slot| left[slot]).max().unwrap_or(0) as usize;
        let mut starts = vec![0; most + 2];
        owned().for_each(|slot| starts[left[slot] as usize + 1] += 1);
        for degree in 0..=most {
            starts[degree + 1] += starts[degree];
        }
        let mut next = starts.clone();
        let mut order = vec![0; starts[most + 1] as usize];
        let mut place = vec![FOREIGN; block.slots()];
        for slot in owned() {
            let next = &mut next[left[slot] as usize];
            place[slot] = *next;
            order[*next as usize] = slot as u32;
            *next += 1;
        }
        let at_seam = |(number, seam): (usize, &Seam)| {
            let slots = seam.border.iter().enumerate();
            slots.map(|(k, slot)| (slot.0, number as u32, k as u32)).collect::<Vec<_>>()
        };
        let mut border: Vec<_> = block.seams().iter().enumerate().flat_map(at_seam).collect();
        border.sort_unstable();
        Self { k: 0, left, order, place, starts, gone: 0, border }
    }

    /// An edge of a vertex is gone with its other end.
    #[inline]
    fn loosen(&mut self, slot: usize) {
        let place = self.place[slot];
        let left = self.left[slot];
        // Who has gone stays, and who is about to go has its number already.
        if place == FOREIGN || place < self.gone || left <= self.k {
            return;
        }
        // It changes places with the first that has as many left, which then begin one later.
        let first = self.starts[left as usize];
        let other = self.order[first as usize];
        self.order.swap(first as usize, place as usize);
        self.place[other as usize] = place;
        self.place[slot] = first;
        self.starts[left as usize] = first + 1;
        self.left[slot] = left - 1;
    }

    /// The smallest number of neighbours that a vertex has left.
    fn least(&self) -> Option<u32> {
        self.order.get(self.gone as usize).map(|slot| self.left[*slot as usize])
    }

    /// Lets go all that has k neighbours left or fewer; for each seam the places of those who went.
    fn peel<B: Block>(&mut self, block: &B) -> Vec<Vec<u32>> {
        let mut told = vec![Vec::new(); block.seams().len()];
        while self.least().is_some_and(|left| left <= self.k) {
            let slot = self.order[self.gone as usize];
            self.gone += 1;
            self.left[slot as usize] = self.k;
            block.each_neighbor(Slot(slot), |to, _| self.loosen(to.index()));
            let at = self.border.partition_point(|(border, ..)| *border < slot);
            for (_, seam, place) in self.border[at..].iter().take_while(|(border, ..)| *border == slot) {
                told[*seam as usize].push(*place);
            }
        }
        told
    }
}

impl<G: Topology> BlockProgram<G> for KCore {
    type State = Peeling;
    /// The places in the seam of the vertices that went.
    type Parcel = Vec<u32>;
    /// The smallest degree left; k itself while vertices go.
    type Global = Min<u32>;
    type Output = Vec<(VertexId, u64)>;

    fn init(&self, _: &G, block: &G::Block) -> Result<Peeling> {
        Ok(Peeling::new(block))
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Vec<u32>, Min<u32>>,
        block: &G::Block,
        state: &mut Peeling,
        mail: Vec<(BlockId, Vec<u32>)>,
    ) -> Result<Vote> {
        if at.number() > 0 {
            state.k = state.k.max(at.global().0);
        }
        for (from, places) in mail {
            let seam = block.seam(from);
            for place in places {
                let gone = seam.halo[place as usize];
                block.each_neighbor(gone, |to, _| state.loosen(to.index()));
            }
        }
        let told = state.peel(block);
        let least = state.least();
        least.into_iter().for_each(|least| at.contribute(Min(least)));
        for (seam, places) in block.seams().iter().zip(told).filter(|(_, places)| !places.is_empty()) {
            // Degrees beyond the seam are not yet what they will be: k must not jump.
            at.contribute(Min(state.k));
            at.count(places.len() as u64);
            at.send(seam.to, places);
        }
        Ok(if least.is_some() { Vote::Stay } else { Vote::Halt })
    }

    fn finish(&self, block: &G::Block, state: Peeling) -> Result<Self::Output> {
        let owned = block.rows().flat_map(|row| block.owned(row)).flatten();
        Ok(owned.map(|slot| (block.id(Slot(slot as u32)), u64::from(state.left[slot]))).collect())
    }
}
