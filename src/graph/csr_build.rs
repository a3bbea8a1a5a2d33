//! Building a graph from edges that are walked over, with no list of edges beside the graph.
//!
//! Threads build blocks, each its own. For a group of blocks it walks twice: the first walk counts
//! the entries of each list and marks, for each block, the vertices it touches; the second puts
//! into each list the *rank* of the other end among them, 4 bytes whatever the number of vertices.
//! Then lists are sorted, which is by vertex, so that their order is the same for every cut, and
//! ranks become slots. Time: O(edges) a walk and O(edges log degree) to sort. Memory beside the
//! graph: 8 bytes a vertex, and a quarter of a byte a vertex and block of a group (8 at most).

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread;

use crate::error::{Error, Result};
use crate::graph::csr::Plain;
use crate::graph::csr_block::Inner;
use crate::graph::csr_lists::{Lists, Open};
use crate::graph::owners::{Owners, Place, too_large};
use crate::graph::ranks::Ranks;
use crate::graph::walk::{Tally, Walk};
use crate::id::{BlockId, Slot, VertexId};

/// Blocks of all threads that are built during one walk.
const GROUP: usize = 32;

/// So many edges have their places looked up together: then the memory works on all of them at once.
const TOGETHER: usize = 128;

/// The blocks of the graph, and the number of its edges as given.
pub(super) fn build<E: Plain, W: Walk<E> + ?Sized>(
    vertices: u64,
    edges: &W,
    blocks: u32,
    owner: impl Fn(VertexId) -> BlockId,
    directed: bool,
) -> Result<(Vec<Inner<E>>, u64, Arc<Owners>)> {
    let (owners, places, counts) = Owners::new(vertices, blocks, owner)?;
    let owners = Arc::new(owners);
    let builder = &Builder { edges, owners: &owners, places, counts, directed };
    let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, GROUP);
    let share = (blocks as usize).div_ceil(threads).max(1);
    let group = (GROUP / threads).max(1);
    let part_from = |start: usize| builder.part(start..(start + share).min(blocks as usize), group);
    let parts: Vec<Result<Part<E>>> = thread::scope(|scope| {
        let others = (share..blocks as usize).step_by(share).map(|start| scope.spawn(move || part_from(start)));
        let others: Vec<_> = others.collect();
        // Where there are no blocks, this one tells whether there are no edges either.
        let first = part_from(0);
        let others = others.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(first).chain(others).collect()
    });
    let (mut made, mut tally) = (Vec::with_capacity(blocks as usize), None);
    for part in parts {
        let (blocks, seen) = part?;
        made.extend(blocks);
        if *tally.get_or_insert(seen) != seen {
            return Err(unsteady());
        }
    }
    Ok((made, tally.map_or(0, |tally| tally.edges), owners))
}

/// The blocks that a thread has built, and what its walks were.
type Part<E> = (Vec<Inner<E>>, Tally);

fn unsteady() -> Error {
    Error::usage("two walks over the edges gave different edges: each has to give the same, in the same order")
}

struct Builder<'a, W: ?Sized> {
    edges: &'a W,
    owners: &'a Arc<Owners>,
    places: Vec<Place>,
    counts: Vec<u32>,
    directed: bool,
}

/// A block while it is built.
struct Draft<E> {
    /// The vertices it touches: its own, and those of others that they are joined to.
    touched: Ranks,
    neighbors: Open<E>,
    sources: Option<Open<E>>,
}

impl<W: ?Sized> Builder<'_, W> {
    /// The blocks `share`, a group at a time.
    fn part<E: Plain>(&self, share: std::ops::Range<usize>, group: usize) -> Result<Part<E>>
    where
        W: Walk<E>,
    {
        let mut made = Vec::with_capacity(share.len());
        let mut start = share.start;
        let mut tally = None;
        while tally.is_none() || start < share.end {
            let end = (start + group).min(share.end);
            let mut drafts = (start..end).map(|block| self.draft(block)).collect::<Result<Vec<_>>>()?;
            self.mark_own(start, &mut drafts);
            let counted = self.walk(|(block, list), other, into, edge| {
                if let Some(draft) = drafts.get_mut(block.index().wrapping_sub(start)) {
                    draft.lists(into).count(list as usize, edge);
                    draft.touched.insert(other);
                }
            })?;
            for (block, draft) in (start..).map(|block| BlockId(block as u32)).zip(&mut drafts) {
                if draft.touched.seal() >= u64::from(u32::MAX) {
                    return Err(too_large(block, "slots"));
                }
                draft.neighbors.allocate(block)?;
                draft.sources.as_mut().map_or(Ok(()), |sources| sources.allocate(block))?;
            }
            let put = self.walk(|(block, list), other, into, edge| {
                if let Some(draft) = drafts.get_mut(block.index().wrapping_sub(start)) {
                    let rank = Slot(draft.touched.rank(other));
                    draft.lists(into).put(list as usize, rank, edge);
                }
            })?;
            if put != counted || *tally.get_or_insert(put) != put {
                return Err(unsteady());
            }
            let blocks = (start..end).map(|block| BlockId(block as u32));
            made.extend(blocks.zip(drafts).map(|(block, draft)| self.finish(block, draft)));
            start = end;
        }
        Ok((made, tally.unwrap_or_default()))
    }

    fn draft<E: Plain>(&self, block: usize) -> Result<Draft<E>> {
        let touched = Ranks::new(self.places.len()).ok_or_else(|| {
            let vertices = self.places.len();
            Error::resource(format!("a graph of {vertices} vertices cannot be built in the memory there is"))
        })?;
        let lists = self.counts[block] as usize;
        Ok(Draft { touched, neighbors: Open::new(lists), sources: self.directed.then(|| Open::new(lists)) })
    }

    fn mark_own<E>(&self, start: usize, drafts: &mut [Draft<E>]) {
        for (vertex, (block, _)) in self.places.iter().enumerate() {
            if let Some(draft) = drafts.get_mut(block.index().wrapping_sub(start)) {
                draft.touched.insert(vertex);
            }
        }
    }

    /// Walks over the edges and visits the ends at which each is listed: its place, the vertex at
    /// the other end, and whether it is listed among the sources. A directed edge is listed among
    /// the neighbours of its first end and the sources of its second, another among the neighbours
    /// of both, and a loop of one.
    #[inline]
    fn walk<E: Plain>(&self, mut visit: impl FnMut(Place, usize, bool, E)) -> Result<Tally>
    where
        W: Walk<E>,
    {
        let (mut tally, mut stranger) = (Tally::default(), None);
        let index = |vertex: VertexId| usize::try_from(vertex.0).unwrap_or(usize::MAX);
        let (mut edges, mut places) = (Vec::with_capacity(TOGETHER), Vec::with_capacity(TOGETHER));
        let mut settle = |edges: &mut Vec<(usize, usize, E)>| {
            places.clear();
            places.extend(edges.iter().map(|&(a, b, _)| (self.places[a], self.places[b])));
            for ((a, b, edge), &(first, second)) in edges.drain(..).zip(&places) {
                visit(first, b, false, edge);
                if self.directed || a != b {
                    visit(second, a, self.directed, edge);
                }
            }
        };
        self.edges.walk(|from, to, edge| {
            tally.add(from, to);
            let (a, b) = (index(from), index(to));
            if a.max(b) >= self.places.len() {
                stranger.get_or_insert((from, to));
                return;
            }
            edges.push((a, b, edge));
            if edges.len() == TOGETHER {
                settle(&mut edges);
            }
        });
        settle(&mut edges);
        match stranger {
            None => Ok(tally),
            Some((from, to)) => {
                let vertices = self.places.len();
                let what = format!("the edge from {from} to {to} leaves the vertices 0..{vertices}");
                Err(Error::input("edge list", what))
            }
        }
    }

    fn finish<E: Plain>(&self, block: BlockId, draft: Draft<E>) -> Inner<E> {
        let Draft { touched, neighbors, sources } = draft;
        let owned = self.counts[block.index()] as usize;
        let mut halo: Vec<(BlockId, u32)> = Vec::new();
        for (rank, vertex) in (0..).zip(touched.iter()) {
            let owner = self.places[vertex].0;
            if owner != block {
                halo.push((owner, rank));
            }
        }
        // Ranks ascend, and so do vertices.
        halo.sort_unstable();
        let mut slots = vec![u32::MAX; owned + halo.len()];
        for (slot, (_, rank)) in (owned as u32..).zip(&halo) {
            slots[*rank as usize] = slot;
        }
        let mut names = vec![VertexId(0); slots.len()];
        let mut next = 0;
        for (slot, vertex) in slots.iter_mut().zip(touched.iter()) {
            if *slot == u32::MAX {
                *slot = next;
                next += 1;
            }
            names[*slot as usize] = VertexId(vertex as u64);
        }
        let close = |open: Open<E>| {
            let mut lists = open.close();
            lists.sort();
            // Where all vertices are owned, ranks are slots.
            if !halo.is_empty() {
                lists.targets.iter_mut().for_each(|(target, _)| target.0 = slots[target.index()]);
            }
            lists
        };
        let (neighbors, sources): (Lists<E>, _) = (close(neighbors), sources.map(close));
        Inner::new(block, Arc::clone(self.owners), names, owned, neighbors, sources)
    }
}

impl<E> Draft<E> {
    #[inline]
    fn lists(&mut self, into: bool) -> &mut Open<E> {
        match &mut self.sources {
            Some(sources) if into => sources,
            _ => &mut self.neighbors,
        }
    }
}
