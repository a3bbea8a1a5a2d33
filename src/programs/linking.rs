//! The fragments of one block: what its own edges connect, by union-find over slots.
//!
//! Where edges are many, most of them join what is joined already. So two edges of every vertex
//! are joined first, which leaves one giant fragment as a rule; of its vertices the other edges
//! are not looked at (Sutton, Ben-Nun and Barak, Afforest, 2018). Cost: O(edges outside the giant
//! + vertices).
//!
//! No edge is lost, whatever its direction:
//!
//! - An edge between owned slots is skipped at its one end only if that lies in the giant. If the
//!   other end does too, they are joined. If not, the other end walks all its edges, out and in.
//! - An edge across a seam is left to the block that owns its target, where its source `h` is a
//!   halo slot. If the target is not in the giant there, it walks its edges in, and finds `h`. If it
//!   is, `h` walks its edges until it meets a vertex of the giant, and joins it. A block that looks
//!   for no giant joins these edges too: the other block may count on it.
//!
//! In the giant means: joined to it by now. What is joined stays so, hence the order of the visits
//! does not matter.

use crate::disjoint::Disjoint;
use crate::error::Result;
use crate::graph::connected::Connected;
use crate::graph::members::Members;
use crate::graph::topology::Block;
use crate::id::Slot;

/// Edges of every vertex that are joined before the giant is looked for.
const FIRST_EDGES: u32 = 2;

/// Vertices whose fragments are looked at to find the giant.
const SAMPLE: usize = 1024;

/// From this mean degree on it pays to look for a giant.
const DENSE: u64 = 4;

/// What the edges of a block connect.
///
/// # Errors
/// Where the block says that there is too much of it.
pub(crate) fn connected<B: Block>(block: &B) -> Result<Connected> {
    if let Some(connected) = block.connected()? {
        return Ok(connected);
    }
    let (of, sets) = linked(block).number();
    let mut members = Members::default();
    block.each_owned(|slot, vertex| members.add(vertex, 1, of[slot.index()]));
    Ok(Connected::new(sets, members, block.seams(), |slot| of[slot.index()]))
}

/// The same of slots.
fn linked<B: Block>(block: &B) -> Disjoint {
    let mut sets = Disjoint::new(block.slots());
    if is_dense(block) {
        link_around_giant(block, &mut sets);
    } else {
        block.each_owned(|slot, _| block.each_neighbor(slot, |to, _| sets.join(slot.0, to.0)));
        for halo in block.seams().iter().flat_map(|seam| &seam.halo) {
            block.each_neighbor(*halo, |to, _| sets.join(halo.0, to.0));
        }
    }
    sets
}

/// Whether the mean degree is high, judged by one vertex a row.
fn is_dense<B: Block>(block: &B) -> bool {
    let firsts = block.rows().filter_map(|row| block.owned(row).next()).map(|run| Slot(run.start as u32));
    let (count, degrees) =
        firsts.fold((0, 0), |(count, degrees), slot| (count + 1, degrees + u64::from(block.degree(slot))));
    count > 0 && degrees >= DENSE * count
}

fn link_around_giant<B: Block>(block: &B, sets: &mut Disjoint) {
    let mut owned = 0;
    block.each_owned(|slot, _| {
        owned += 1;
        let mut left = FIRST_EDGES;
        block.any_neighbor(slot, |to, _| {
            sets.join(slot.0, to.0);
            left -= 1;
            left == 0
        });
    });
    let mut giant = most_frequent(block, sets, owned);
    block.each_owned(|slot, _| {
        if sets.find(slot.0) != giant {
            block.each_source(slot, |from, _| sets.join(slot.0, from.0));
            if !block.is_symmetric() {
                block.each_neighbor(slot, |to, _| sets.join(slot.0, to.0));
            }
            giant = sets.find(giant);
        }
    });
    for halo in block.seams().iter().flat_map(|seam| &seam.halo) {
        if sets.find(halo.0) != giant && block.any_neighbor(*halo, |to, _| sets.find(to.0) == giant) {
            giant = sets.union(halo.0, giant);
        }
    }
}

/// The root that most of some evenly spaced vertices have.
fn most_frequent<B: Block>(block: &B, sets: &mut Disjoint, owned: usize) -> u32 {
    let step = owned.div_ceil(SAMPLE).max(1);
    let (mut at, mut roots) = (0, Vec::with_capacity(SAMPLE));
    block.each_owned(|slot, _| {
        if at % step == 0 {
            roots.push(sets.find(slot.0));
        }
        at += 1;
    });
    roots.sort_unstable();
    let most = roots.chunk_by(|a, b| a == b).max_by_key(|equal| equal.len());
    most.map_or(0, |equal| equal[0])
}
