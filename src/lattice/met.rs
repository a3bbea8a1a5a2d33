//! Cells that share faces, from the overlaps of runs in rows beside each other.

use crate::lattice::runs::Span;
use crate::lattice::tally::Pairs;

/// Cells that meet in a row or a pair of rows, and by how many faces: found first and counted
/// then, so that the search has no branch that no processor could guess.
#[derive(Default)]
pub(crate) struct Met {
    met: Vec<(u32, u32, u32)>,
    count: usize,
}

/// The runs of a row, and the cell of each.
pub(crate) type Row<'a> = (&'a [Span], &'a [u32]);

impl Met {
    /// Cells that follow each other in a row without a gap.
    #[inline]
    pub(crate) fn along(&mut self, (spans, cells): Row<'_>, width: u32) {
        self.room(spans.len());
        for (spans, cells) in spans.windows(2).zip(cells.windows(2)) {
            let meets = (spans[0].end == spans[1].start) & (spans[0].end <= width) & (cells[0] != cells[1]);
            self.met[self.count] = (cells[0], cells[1], 1);
            self.count += usize::from(meets);
        }
    }

    /// Cells that lie beside each other in two rows.
    #[inline]
    pub(crate) fn across(&mut self, (ours, our_cells): Row<'_>, (theirs, their_cells): Row<'_>, width: u32) {
        self.room(ours.len() + theirs.len());
        let (mut a, mut b) = (0, 0);
        while let (Some(our), Some(their)) = (ours.get(a), theirs.get(b)) {
            let (low, high) = (our.start.max(their.start), our.end.min(their.end).min(width));
            let (cell, other) = (our_cells[a], their_cells[b]);
            self.met[self.count] = (cell, other, high.wrapping_sub(low));
            self.count += usize::from((low < high) & (cell != other));
            a += usize::from(our.end <= their.end);
            b += usize::from(their.end <= our.end);
        }
    }

    fn room(&mut self, most: usize) {
        self.count = 0;
        if self.met.len() <= most {
            self.met.resize(most + 1, (0, 0, 0));
        }
    }

    /// Counts what was found: faces normal to an axis.
    #[inline]
    pub(crate) fn count(&self, faces: &mut Pairs<[u64; 3]>, axis: usize) {
        for &(a, b, across) in &self.met[..self.count] {
            faces.of(a, b)[axis] += u64::from(across);
        }
    }
}
