//! The halo of a block as one list, seam after seam, for programs that tell a seam's other side of
//! single halo slots and not of all.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::graph::topology::Seam;
use crate::id::Slot;

/// Places in the list of all halo slots of a block.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Halo {
    /// Where the list of each seam ends.
    ends: Vec<u32>,
}

impl Halo {
    /// The halo of these seams.
    ///
    /// # Errors
    /// 2^31 slots: places have a bit to spare.
    pub(crate) fn new(seams: &[Seam]) -> Result<Self> {
        let ends = seams.iter().scan(0, |end, seam| {
            *end += seam.halo.len();
            Some(*end)
        });
        let ends: Option<Vec<u32>> = ends.map(|end| u32::try_from(end).ok().filter(|end| *end < 1 << 31)).collect();
        let ends =
            ends.ok_or_else(|| Error::resource("a block has 2^31 halo slots: cut the graph into more blocks"))?;
        Ok(Self { ends })
    }

    /// The number of halo slots.
    pub(crate) fn len(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// The slots with their places.
    pub(crate) fn places(seams: &[Seam]) -> impl Iterator<Item = (u32, Slot)> {
        (0..).zip(seams.iter().flat_map(|seam| seam.halo.iter().copied()))
    }

    /// The seam that a place belongs to, and its place in the seam.
    #[inline]
    pub(crate) fn seam(&self, place: u32) -> (usize, u32) {
        let seam = self.ends.partition_point(|end| *end <= place);
        (seam, place - if seam == 0 { 0 } else { self.ends[seam - 1] })
    }
}
