//! The state of a block under a vertex program: what its vertices keep, said, and voted.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::graph::change::Change;
use crate::graph::topology::{Block, Topology};
use crate::id::{Slot, VertexId};
use crate::pregel::awake::Awake;
use crate::pregel::parcel::Borders;
use crate::pregel::requests::Requests;
use crate::pregel::vertex::VertexProgram;

/// Items by list where they are few, else their number alone.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Listed<T> {
    pub(crate) items: Vec<T>,
    pub(crate) count: usize,
    /// Whether `items` has them all.
    pub(crate) whole: bool,
}

impl<T> Default for Listed<T> {
    /// None, and a list of them.
    fn default() -> Self {
        Self { items: Vec::new(), count: 0, whole: true }
    }
}

impl<T> Listed<T> {
    #[inline]
    pub(crate) fn push(&mut self, item: T) {
        self.items.push(item);
        self.count += 1;
    }

    /// None, and a list of them.
    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.count = 0;
        self.whole = true;
    }

    /// So many, and no list.
    pub(crate) fn only(&mut self, count: usize) {
        self.items.clear();
        self.count = count;
        self.whole = false;
    }
}

/// The state of a block under a vertex program.
#[derive(Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Swept<G: Topology, P: VertexProgram<G>> {
    /// Of every slot up to the last that is owned; of others a copy that nobody reads.
    pub(crate) states: Vec<P::State>,
    pub(crate) stays: Vec<bool>,
    pub(crate) stayed: Listed<u32>,
    /// What was said in the last superstep: by slot, or, where few spoke, in `said` silence and the
    /// slots and words in this list. Halo slots are silent between supersteps.
    pub(crate) spoke: Listed<(u32, P::Message)>,
    pub(crate) said: Vec<P::Message>,
    /// The changes of the graph so far, by superstep.
    pub(crate) history: Vec<Vec<Change<G::Edge>>>,
    #[serde(skip)]
    pub(crate) scratch: Scratch<G, P>,
}

/// What can be made again from the block and the rest of the state.
pub(crate) struct Scratch<G: Topology, P: VertexProgram<G>> {
    pub(crate) graph: Option<G>,
    /// The block as it has become.
    pub(crate) changed: Option<G::Block>,
    /// Vertices that were removed.
    pub(crate) gone: HashSet<VertexId>,
    pub(crate) owned: usize,
    /// Where a sweep that pushes merges what is heard, silence between supersteps; where a dense one
    /// puts what is said, and then `stale`.
    pub(crate) next: Vec<P::Message>,
    pub(crate) stale: bool,
    pub(crate) heard: Vec<P::Message>,
    /// What a row that is called at a stroke says.
    pub(crate) spoken: Vec<P::Message>,
    /// The slots that a sparse sweep calls.
    pub(crate) awake: Awake,
    /// Words on their way to those who heed them.
    pub(crate) words: Vec<(u32, P::Message)>,
    /// Messages by name, merged: slot and message, ascending.
    pub(crate) named: Vec<(u32, P::Message)>,
    /// The same to vertices that are not there yet.
    pub(crate) strangers: Vec<(VertexId, P::Message)>,
    pub(crate) borders: Option<Borders>,
    pub(crate) requests: Requests<G::Edge, P::Message>,
    /// Buffers that came with mail and go out again.
    pub(crate) spare: Vec<Vec<P::Message>>,
    pub(crate) spare_places: Vec<Vec<(u32, P::Message)>>,
    /// The slot that is being called.
    pub(crate) now: usize,
}

impl<G: Topology, P: VertexProgram<G>> Default for Scratch<G, P> {
    fn default() -> Self {
        Self {
            graph: None,
            changed: None,
            gone: HashSet::new(),
            owned: 0,
            next: Vec::new(),
            stale: false,
            heard: Vec::new(),
            spoken: Vec::new(),
            awake: Awake::default(),
            words: Vec::new(),
            named: Vec::new(),
            strangers: Vec::new(),
            borders: None,
            requests: Requests::default(),
            spare: Vec::new(),
            spare_places: Vec::new(),
            now: 0,
        }
    }
}

impl<G: Topology, P: VertexProgram<G>> Swept<G, P> {
    /// A block in which nobody has spoken; the states come with the first call.
    pub(crate) fn new(graph: &G, block: &G::Block) -> Self {
        let mut swept = Self {
            states: Vec::new(),
            stays: Vec::new(),
            stayed: Listed::default(),
            spoke: Listed::default(),
            said: vec![P::Message::default(); block.slots()],
            history: Vec::new(),
            scratch: Scratch::default(),
        };
        swept.scratch.graph = Some(graph.clone());
        swept.fit(block);
        swept.stays = vec![false; last_owned(block)];
        swept
    }

    /// Makes what is not saved fit a block.
    pub(crate) fn fit(&mut self, block: &G::Block) {
        let scratch = &mut self.scratch;
        scratch.owned = block.rows().flat_map(|row| block.owned(row)).map(|run| run.len()).sum();
        scratch.next = vec![P::Message::default(); block.slots()];
        scratch.stale = false;
        scratch.borders = None;
        scratch.awake = Awake::new(block.slots());
    }

    /// Lists who spoke and who stayed, where that is few.
    pub(crate) fn list(&mut self, block: &G::Block, limit: usize) {
        if (self.spoke.whole && self.stayed.whole) || self.spoke.count + self.stayed.count > limit {
            return;
        }
        let silence = P::Message::default();
        self.spoke.clear();
        self.stayed.clear();
        for slot in block.rows().flat_map(|row| block.owned(row)).flatten() {
            if self.said[slot] != silence {
                self.spoke.push((slot as u32, std::mem::take(&mut self.said[slot])));
            }
            if self.stays[slot] {
                self.stayed.push(slot as u32);
            }
        }
    }

    /// Puts what was said, if it is in a list, into the array.
    pub(crate) fn unlist(&mut self) {
        for (slot, word) in self.spoke.items.drain(..) {
            self.said[slot as usize] = word;
        }
    }

    /// Notes the changes that were made.
    pub(crate) fn remember(&mut self, changes: Vec<Change<G::Edge>>) {
        // Vertices are removed before others are added.
        let removed = changes.iter().filter_map(|change| match change {
            Change::RemoveVertex(vertex) => Some(*vertex),
            _ => None,
        });
        self.scratch.gone.extend(removed);
        for change in &changes {
            if let Change::AddVertex(vertex) = change {
                self.scratch.gone.remove(vertex);
            }
        }
        self.history.push(changes);
    }
}

/// One more than the last owned slot.
pub(crate) fn last_owned<B: Block>(block: &B) -> usize {
    block.rows().flat_map(|row| block.owned(row)).map(|run| run.end).max().unwrap_or(0)
}

/// The slot as the engine keeps it in lists.
#[inline]
pub(crate) fn slot(slot: usize) -> Slot {
    Slot(slot as u32)
}
