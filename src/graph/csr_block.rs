//! A block of a graph in compressed sparse rows.
//!
//! Slots are the owned vertices, ascending, then the halo, by block and then by vertex: so both
//! sides of a seam know its order without asking. Lists are kept for owned slots, ascending by
//! vertex. The edges out of halo slots are the sources of owned ones turned round; they are made
//! when first asked for, which dense programs never do.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use crate::combine::Combine;
use crate::error::Result;
use crate::graph::change::Change;
use crate::graph::csr::Plain;
use crate::graph::csr_change::{Before, changed};
use crate::graph::csr_lists::Lists;
use crate::graph::owners::Owners;
use crate::graph::topology::{Block, Mutable, Seam, share};
use crate::id::{BlockId, Slot, VertexId};

/// Owned slots that are gathered at a stroke.
const ROW: usize = 512;

/// A block of a [`Csr`](crate::graph::csr::Csr). A clone shares it.
#[derive(Debug)]
pub struct CsrBlock<E, V = ()> {
    pub(super) inner: Arc<Inner<E>>,
    /// Of the owned vertices.
    pub(super) values: Arc<[V]>,
}

impl<E, V> Clone for CsrBlock<E, V> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), values: Arc::clone(&self.values) }
    }
}

/// All of a block but what is known of its vertices.
#[derive(Debug)]
pub(super) struct Inner<E> {
    pub(super) block: BlockId,
    /// Of the whole graph: a block has to know where the vertices of new edges belong.
    pub(super) owners: Arc<Owners>,
    /// The vertex of each slot.
    pub(super) names: Vec<VertexId>,
    pub(super) owned: usize,
    pub(super) neighbors: Lists<E>,
    /// Nothing where the graph is undirected: then the sources are the neighbours.
    pub(super) sources: Option<Lists<E>>,
    pub(super) seams: Vec<Seam>,
    halo_neighbors: OnceLock<Lists<E>>,
}

impl<E: Copy> Inner<E> {
    pub(super) fn new(
        block: BlockId,
        owners: Arc<Owners>,
        names: Vec<VertexId>,
        owned: usize,
        neighbors: Lists<E>,
        sources: Option<Lists<E>>,
    ) -> Self {
        let mut inner = Self {
            block,
            owners,
            names,
            owned,
            neighbors,
            sources,
            seams: Vec::new(),
            halo_neighbors: OnceLock::new(),
        };
        inner.seams = inner.find_seams();
        inner
    }

    #[inline]
    pub(super) fn sources(&self) -> &Lists<E> {
        self.sources.as_ref().unwrap_or(&self.neighbors)
    }

    fn halo_neighbors(&self) -> &Lists<E> {
        self.halo_neighbors.get_or_init(|| self.sources().transposed(self.owned, self.names.len() - self.owned))
    }

    /// The slot of a vertex, owned or halo.
    pub(super) fn slot(&self, vertex: VertexId) -> Option<Slot> {
        let (owned, halo) = self.names.split_at(self.owned);
        let owner = self.owners.of(vertex)?;
        let found = if owner == self.block {
            owned.binary_search(&vertex).ok()
        } else {
            let place = |name: &VertexId| (self.owners.of(*name), *name);
            halo.binary_search_by_key(&(Some(owner), vertex), place).ok().map(|place| self.owned + place)
        };
        found.map(|slot| Slot(slot as u32))
    }

    /// The seams, from the halo and the lists: a vertex is in the border to a block where it has
    /// an edge from or to it, and there it is in the halo for the same edge.
    fn find_seams(&self) -> Vec<Seam> {
        let mut seams: Vec<Seam> = Vec::new();
        // The seam of each halo slot.
        let mut seam_of = Vec::with_capacity(self.names.len() - self.owned);
        for (place, name) in self.names[self.owned..].iter().enumerate() {
            let to = self.owners.of(*name).expect("an edge leads to a vertex of some block");
            let slot = Slot((self.owned + place) as u32);
            match seams.last_mut() {
                Some(seam) if seam.to == to => seam.halo.push(slot),
                _ => seams.push(Seam { to, border: Vec::new(), halo: vec![slot] }),
            }
            seam_of.push(seams.len() - 1);
        }
        if seams.is_empty() {
            return seams;
        }
        for own in 0..self.owned {
            let into = self.sources.as_ref().map_or(&[][..], |lists| lists.of(own));
            for (other, _) in self.neighbors.of(own).iter().chain(into) {
                if let Some(place) = other.index().checked_sub(self.owned) {
                    let border = &mut seams[seam_of[place]].border;
                    if border.last() != Some(&Slot(own as u32)) {
                        border.push(Slot(own as u32));
                    }
                }
            }
        }
        for seam in &mut seams {
            seam.border.shrink_to_fit();
            seam.halo.shrink_to_fit();
        }
        seams
    }
}

impl<E: Plain, V> CsrBlock<E, V> {
    /// The edges out of an owned or halo slot.
    #[inline]
    fn list(&self, slot: Slot) -> &[(Slot, E)] {
        match slot.index().checked_sub(self.inner.owned) {
            None => self.inner.neighbors.of(slot.index()),
            Some(halo) => self.inner.halo_neighbors().of(halo),
        }
    }
}

impl<E: Plain, V: Plain + Default> Block for CsrBlock<E, V> {
    type Edge = E;
    type Vertex = V;

    fn slots(&self) -> usize {
        self.inner.names.len()
    }

    fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        let owned = self.inner.owned;
        (0..owned).step_by(ROW).map(move |start| start..(start + ROW).min(owned))
    }

    fn owned(&self, row: Range<usize>) -> impl DoubleEndedIterator<Item = Range<usize>> {
        let run = row.start..row.end.min(self.inner.owned);
        (!run.is_empty()).then_some(run).into_iter()
    }

    #[inline]
    fn id(&self, slot: Slot) -> VertexId {
        self.inner.names[slot.index()]
    }

    #[inline]
    fn value(&self, slot: Slot) -> V {
        self.values[slot.index()]
    }

    fn slot(&self, vertex: VertexId) -> Option<Slot> {
        let owned = &self.inner.names[..self.inner.owned];
        // Most often the vertices of a block are consecutive.
        let guess = vertex.0.wrapping_sub(owned.first()?.0) as usize;
        let found = if owned.get(guess) == Some(&vertex) { Some(guess) } else { owned.binary_search(&vertex).ok() };
        found.map(|slot| Slot(slot as u32))
    }

    #[inline]
    fn owns(&self, slot: Slot) -> bool {
        slot.index() < self.inner.owned
    }

    #[inline]
    fn each_neighbor(&self, slot: Slot, mut visit: impl FnMut(Slot, E)) {
        for &(to, edge) in self.list(slot) {
            visit(to, edge);
        }
    }

    #[inline]
    fn any_neighbor(&self, slot: Slot, mut visit: impl FnMut(Slot, E) -> bool) -> bool {
        self.list(slot).iter().any(|&(to, edge)| visit(to, edge))
    }

    fn is_symmetric(&self) -> bool {
        self.inner.sources.is_none()
    }

    #[inline]
    fn each_source(&self, slot: Slot, mut visit: impl FnMut(Slot, E)) {
        for &(from, edge) in self.inner.sources().of(slot.index()) {
            visit(from, edge);
        }
    }

    fn seams(&self) -> &[Seam] {
        &self.inner.seams
    }

    #[inline]
    fn degree(&self, slot: Slot) -> u32 {
        let starts = &self.inner.neighbors.starts;
        starts[slot.index() + 1] - starts[slot.index()]
    }

    #[inline]
    fn shares(&self, span: Range<usize>) -> impl Iterator<Item = f64> {
        self.inner.neighbors.starts[span.start..=span.end].windows(2).map(|bounds| share(bounds[1] - bounds[0]))
    }

    fn gather<M, F>(&self, row: Range<usize>, said: &[M], heard: &mut [M], along: F)
    where
        M: Combine + Default,
        F: Fn(E, &M) -> M,
    {
        let Lists { starts, targets } = self.inner.sources();
        let Some(starts) = starts.get(row.start..=row.end.min(self.inner.owned)) else { return };
        for (heard, bounds) in heard.iter_mut().zip(starts.windows(2)) {
            let mut all = M::default();
            for &(source, edge) in &targets[bounds[0] as usize..bounds[1] as usize] {
                all.combine(along(edge, &said[source.index()]));
            }
            *heard = all;
        }
    }

    fn apply(&self, changes: &[Change<E>]) -> Result<(Self, Before)> {
        let (inner, before) = changed(&self.inner, changes)?;
        let Some(before) = before else {
            return Ok((Self { inner: Arc::new(inner), values: Arc::clone(&self.values) }, None));
        };
        let value = |before: &Option<Slot>| before.map_or_else(V::default, |slot| self.values[slot.index()]);
        let values = before[..inner.owned].iter().map(value).collect();
        Ok((Self { inner: Arc::new(inner), values }, Some(before)))
    }
}

/// What is known of a vertex that is added is the default.
impl<E: Plain, V: Plain + Default> Mutable for CsrBlock<E, V> {}
