//! Components across blocks: the building block of programs that need them.
//!
//! A *fragment* is what hangs together in one block, its halo included
//! (`programs/linking.rs`). A halo slot here is a border slot there, so what
//! holds the one and what holds the other are of one component; only fragments at seams go to
//! block 0, which joins them by union-find.
//!
//! Four supersteps, whatever the diameter. Cost: O(edges) within the blocks, O(fragments at
//! seams) on block 0. Memory: 4 bytes a slot while the block is linked, of a lattice 12 a run; 16 bytes a run
//! of consecutive vertices of a fragment, 20 a fragment, 8 a slot of a seam.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::disjoint::Disjoint;
use crate::error::{Error, Result};
use crate::graph::connected::Connected;
use crate::graph::members::Members;
use crate::graph::topology::Block;
use crate::id::{BlockId, VertexId};
use crate::pregel::block::{Superstep, Vote};
use crate::programs::linking::connected;

/// What is known of a fragment or a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fragment {
    /// Its smallest vertex; `u64::MAX` while it holds none but those of other blocks.
    pub least: u64,
    /// The marks of its vertices, merged by «or».
    pub marks: u8,
}

impl Fragment {
    const NOTHING: Self = Self { least: u64::MAX, marks: 0 };

    fn absorb(&mut self, other: Fragment) {
        self.least = self.least.min(other.least);
        self.marks |= other.marks;
    }
}

/// Which fragments are one: fragment here, block, fragment there.
pub type Joins = Vec<(u32, BlockId, u32)>;

/// What blocks tell each other, by superstep.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Parcel {
    /// 0, to the other side of a seam: the fragment of each halo slot.
    Halo(Vec<u32>),
    /// 1, to block 0.
    Seams {
        /// Fragments at seams, in their order.
        fragments: Vec<Fragment>,
        /// Which of them are one.
        joins: Joins,
    },
    /// 2, from block 0: the smallest vertex of the component of each fragment at a seam.
    Least(Vec<u64>),
}

/// Vertices, and for each the smallest of its component.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Components {
    members: Members,
    /// The smallest vertices, by number.
    least: Vec<u64>,
}

impl IntoIterator for Components {
    type Item = (VertexId, u64);
    type IntoIter = Box<dyn Iterator<Item = (VertexId, u64)>>;

    fn into_iter(self) -> Self::IntoIter {
        let Self { members, least } = self;
        Box::new(members.into_each().map(move |(vertex, of)| (vertex, least[of as usize])))
    }
}

/// The fragments of a block; in the end, components.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fragments {
    /// The owned vertices, by ascending slot, and their fragments.
    members: Members,
    /// The fragments, those at seams first.
    fragments: Vec<Fragment>,
    at_seams: u32,
    /// By seam: the fragments of its halo and of its border.
    halos: Vec<Vec<u32>>,
    borders: Vec<Vec<u32>>,
    /// Block 0 only: the components at seams.
    joined: Vec<Fragment>,
}

/// No number yet.
const NONE: u32 = u32::MAX;

/// The block that joins what lies at seams.
const FIRST: BlockId = BlockId(0);

impl Fragments {
    /// The fragments of a block, each vertex marked by `mark`.
    ///
    /// # Errors
    /// Where the block has too many slots or fragments.
    pub fn new<B: Block>(block: &B, mut mark: impl FnMut(VertexId) -> u8) -> Result<Self> {
        let Connected { sets, mut members, mut halos, mut borders } = connected(block)?;
        let mut number = vec![NONE; sets as usize];
        let mut next = 0;
        let mut of = |set: u32| {
            let number = &mut number[set as usize];
            if *number == NONE {
                *number = next;
                next += 1;
            }
            *number
        };
        for (halo, border) in halos.iter_mut().zip(&mut borders) {
            halo.iter_mut().chain(border).for_each(|set| *set = of(*set));
        }
        let at_seams = borders.iter().chain(&halos).flatten().max().map_or(0, |most| most + 1);
        let mut fragments = vec![Fragment::NOTHING; at_seams as usize];
        members.renumber(|first, vertices, set| {
            let fragment = of(set);
            let ids = first.0..first.0 + u64::from(vertices);
            let marks = ids.clone().fold(0, |marks, id| marks | mark(VertexId(id)));
            let new = Fragment { least: ids.start, marks };
            match fragments.get_mut(fragment as usize) {
                Some(known) => known.absorb(new),
                None => fragments.push(new),
            }
            fragment
        });
        Ok(Self { members, fragments, at_seams, halos, borders, joined: Vec::new() })
    }

    /// One superstep; after the fourth, which halts, fragments are components.
    ///
    /// # Errors
    /// 2^32 fragments at seams.
    pub fn step<B: Block, Gl: Combine + Default>(
        &mut self,
        at: &mut Superstep<'_, Parcel, Gl>,
        block: &B,
        mut mail: Vec<(BlockId, Parcel)>,
    ) -> Result<Vote> {
        match at.number() {
            0 => {
                for (seam, halo) in block.seams().iter().zip(std::mem::take(&mut self.halos)) {
                    at.send(seam.to, Parcel::Halo(halo));
                }
            }
            1 => {
                let joins = self.joins(block, mail);
                at.send(FIRST, Parcel::Seams { fragments: self.fragments[..self.at_seams as usize].to_vec(), joins });
            }
            2 if at.block() == FIRST => {
                let seams = mail.into_iter().map(|(_, parcel)| match parcel {
                    Parcel::Seams { fragments, joins } => (fragments, joins),
                    _ => unreachable!("superstep 2 brings seams"),
                });
                for (to, least) in self.join(seams.collect())?.into_iter().enumerate() {
                    at.send(BlockId(to as u32), Parcel::Least(least));
                }
            }
            3 => {
                let Some((_, Parcel::Least(least))) = mail.pop() else { unreachable!("block 0 answers every block") };
                for (fragment, least) in self.fragments.iter_mut().zip(least) {
                    fragment.least = least;
                }
                return Ok(Vote::Halt);
            }
            _ => {}
        }
        at.count(at.outbox.len() as u64);
        Ok(Vote::Stay)
    }

    /// Pairs the halo of others off with the border here.
    fn joins<B: Block>(&mut self, block: &B, mail: Vec<(BlockId, Parcel)>) -> Joins {
        let borders = std::mem::take(&mut self.borders);
        let mut joins = Vec::new();
        for (from, parcel) in mail {
            let Parcel::Halo(theirs) = parcel else { unreachable!("superstep 1 brings halos") };
            let seam = block.seams().binary_search_by_key(&from, |seam| seam.to).expect("seams come in pairs");
            for (here, there) in borders[seam].iter().zip(theirs) {
                let join = (*here, from, there);
                if joins.last() != Some(&join) {
                    joins.push(join);
                }
            }
        }
        joins.sort_unstable();
        joins.dedup();
        joins
    }

    /// Joins the fragments at the seams of every block, blocks ascending: for each of them the
    /// smallest vertex of its component.
    fn join(&mut self, seams: Vec<(Vec<Fragment>, Joins)>) -> Result<Vec<Vec<u64>>> {
        let mut before = vec![0];
        for (fragments, _) in &seams {
            before.push(before[before.len() - 1] + fragments.len());
        }
        let count = before[seams.len()];
        if count >= u32::MAX as usize {
            return Err(Error::resource("2^32 fragments at the borders of blocks: make blocks larger"));
        }
        let mut sets = Disjoint::new(count);
        for (block, (_, joins)) in seams.iter().enumerate() {
            for &(here, other, there) in joins {
                sets.join((before[block] + here as usize) as u32, (before[other.index()] + there as usize) as u32);
            }
        }
        let (component, count) = sets.number();
        self.joined = vec![Fragment::NOTHING; count as usize];
        let all = seams.iter().flat_map(|(fragments, _)| fragments);
        for (component, fragment) in component.iter().zip(all) {
            self.joined[*component as usize].absorb(*fragment);
        }
        let least = |component: &u32| self.joined[*component as usize].least;
        Ok(before.windows(2).map(|mine| component[mine[0]..mine[1]].iter().map(least).collect()).collect())
    }

    /// After the last superstep: the components that only this block has to tell of. Together
    /// the blocks tell of each component once.
    pub fn components(&self) -> impl Iterator<Item = Fragment> {
        self.joined.iter().chain(&self.fragments[self.at_seams as usize..]).copied()
    }

    /// After the last superstep: each owned vertex, by ascending slot, and the smallest vertex of
    /// its component.
    pub fn into_components(self) -> Components {
        Components { members: self.members, least: self.fragments.iter().map(|fragment| fragment.least).collect() }
    }
}
