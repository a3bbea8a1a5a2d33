//! The mail of a block under a vertex program: what came in is put where it is heard, and what was
//! said, sent and asked for is addressed.

use std::collections::BTreeMap;

use crate::combine::Combine;
use crate::error::{Error, Kind, Result};
use crate::graph::change::Change;
use crate::graph::topology::{Block, Topology};
use crate::id::{BlockId, Slot, VertexId};
use crate::pregel::block::Superstep;
use crate::pregel::parcel::{Borders, Parcel};
use crate::pregel::swept::Swept;
use crate::pregel::vertex::VertexProgram;

/// Parcels, and the blocks that they are from.
type Mail<G, P> = Vec<(BlockId, Parcel<<G as Topology>::Edge, <P as VertexProgram<G>>::Message>)>;

impl<G: Topology, P: VertexProgram<G>> Swept<G, P> {
    /// Puts what came into the halo and among the named messages; gives the changes asked for.
    pub(crate) fn hear(&mut self, block: &G::Block, mail: Mail<G, P>) -> Vec<Change<G::Edge>> {
        let silence = P::Message::default();
        let (mut changes, mut named) = (Vec::new(), Vec::new());
        let scratch = &mut self.scratch;
        let halo_of = |from: BlockId| &block.seam(from).halo;
        let (spoke, said) = (&mut self.spoke, &mut self.said);
        let mut put = |slot: Slot, word: P::Message| match spoke.whole {
            true => spoke.push((slot.0, word)),
            false => said[slot.index()] = word,
        };
        for (from, parcel) in mail {
            match parcel {
                Parcel::Dense(mut words) => {
                    for (slot, word) in halo_of(from).iter().zip(words.drain(..)) {
                        if word != silence {
                            put(*slot, word);
                        }
                    }
                    scratch.spare.push(words);
                }
                Parcel::Sparse(mut words) => {
                    let halo = halo_of(from);
                    words.drain(..).for_each(|(place, word)| put(halo[place as usize], word));
                    scratch.spare_places.push(words);
                }
                Parcel::Named(words) => named.extend(words),
                Parcel::Changes(asked) => changes.extend(asked),
            }
        }
        self.hear_named(block, named);
        changes
    }

    /// Merges messages by name, ascending by vertex, then by sender.
    fn hear_named(&mut self, block: &G::Block, mut named: Vec<(VertexId, VertexId, P::Message)>) {
        named.sort_by_key(|(to, from, _)| (*to, *from));
        for (to, _, word) in named {
            match block.slot(to) {
                Some(slot) => match self.scratch.named.last_mut() {
                    Some((last, merged)) if *last == slot.0 => merged.combine(word),
                    _ => self.scratch.named.push((slot.0, word)),
                },
                None => self.scratch.strangers.push((to, word)),
            }
        }
        self.scratch.named.sort_by_key(|(slot, _)| *slot);
    }

    /// Drops messages to vertices that were removed; those to vertices that never were are an
    /// error, unless `changing`, that is unless they may be there in a moment.
    pub(crate) fn refuse_strangers(&mut self, changing: bool) -> Result<()> {
        let gone = &self.scratch.gone;
        self.scratch.strangers.retain(|(to, _)| !gone.contains(to));
        match self.scratch.strangers.first() {
            Some((to, _)) if !changing => {
                Err(Error::new(Kind::Program, format!("a message for vertex {to}, which is not there")))
            }
            _ => Ok(()),
        }
    }

    /// Tells other blocks what was said at the borders, and sends what vertices asked for.
    pub(crate) fn speak(
        &mut self,
        block: &G::Block,
        at: &mut Superstep<'_, Parcel<G::Edge, P::Message>, P::Global>,
    ) -> Result<()> {
        if self.spoke.count > 0 && !block.seams().is_empty() {
            match self.spoke.whole {
                true => self.speak_few(block, at),
                false => self.speak_all(block, at),
            }
        }
        if !self.scratch.requests.sends.is_empty() {
            self.send(at)?;
        }
        if !self.scratch.requests.changes.is_empty() {
            self.ask(block, at)?;
        }
        Ok(())
    }

    /// By the border of every seam.
    fn speak_all(&mut self, block: &G::Block, at: &mut Superstep<'_, Parcel<G::Edge, P::Message>, P::Global>) {
        let silence = P::Message::default();
        for seam in block.seams() {
            let said = |slot: &Slot| &self.said[slot.index()];
            let loud = seam.border.iter().filter(|slot| *said(slot) != silence).count();
            if loud * 3 > seam.border.len() {
                let mut words = self.scratch.spare.pop().unwrap_or_default();
                seam.gather(&self.said, &mut words);
                at.send(seam.to, Parcel::Dense(words));
            } else if loud > 0 {
                let mut words = self.scratch.spare_places.pop().unwrap_or_default();
                let places = seam.border.iter().enumerate().filter(|(_, slot)| *said(slot) != silence);
                words.extend(places.map(|(place, slot)| (place as u32, said(slot).clone())));
                at.send(seam.to, Parcel::Sparse(words));
            }
        }
    }

    /// By the list of those who spoke.
    fn speak_few(&mut self, block: &G::Block, at: &mut Superstep<'_, Parcel<G::Edge, P::Message>, P::Global>) {
        let scratch = &mut self.scratch;
        let borders = scratch.borders.get_or_insert_with(|| Borders::new(block.slots(), block.seams()));
        let mut by_seam: BTreeMap<u32, Vec<(u32, P::Message)>> = BTreeMap::new();
        for (slot, word) in &self.spoke.items {
            for (_, seam, place) in borders.of(*slot) {
                let words = by_seam.entry(*seam).or_insert_with(|| scratch.spare_places.pop().unwrap_or_default());
                words.push((*place, word.clone()));
            }
        }
        for (seam, words) in by_seam {
            at.send(block.seams()[seam as usize].to, Parcel::Sparse(words));
        }
    }

    /// Sends messages by name to the blocks of those they are for, merged where any order will do.
    fn send(&mut self, at: &mut Superstep<'_, Parcel<G::Edge, P::Message>, P::Global>) -> Result<()> {
        let mut sends = std::mem::take(&mut self.scratch.requests.sends);
        let graph = self.scratch.graph.as_ref().expect("the state was made for a graph");
        sends.sort_by_key(|(from, to, _)| (*to, *from));
        let mut by_block: BTreeMap<BlockId, Vec<(VertexId, VertexId, P::Message)>> = BTreeMap::new();
        for (from, to, word) in sends {
            let owner = graph.owner(to).ok_or_else(|| {
                let what = format!("vertex {from}: a message for vertex {to}, which is not there");
                Error::new(Kind::Program, what)
            })?;
            let words = by_block.entry(owner).or_default();
            match words.last_mut() {
                Some((last, _, merged)) if P::Message::ORDER_FREE && *last == to => merged.combine(word),
                _ => words.push((to, from, word)),
            }
        }
        by_block.into_iter().for_each(|(block, words)| at.send(block, Parcel::Named(words)));
        Ok(())
    }

    /// Asks the blocks of the vertices that a change concerns for it.
    fn ask(&mut self, block: &G::Block, at: &mut Superstep<'_, Parcel<G::Edge, P::Message>, P::Global>) -> Result<()> {
        let changes = std::mem::take(&mut self.scratch.requests.changes);
        let graph = self.scratch.graph.as_ref().expect("the state was made for a graph");
        let here = at.block();
        let mut by_block: BTreeMap<BlockId, Vec<Change<G::Edge>>> = BTreeMap::new();
        for change in changes {
            let mut blocks = Vec::new();
            match change {
                Change::AddEdge(from, to, _) | Change::RemoveEdge(from, to) | Change::SetEdge(from, to, _) => {
                    blocks.extend([graph.owner(from), graph.owner(to)]);
                }
                Change::AddVertex(vertex) => blocks.push(graph.owner(vertex)),
                // Only a vertex itself asks for its end, and its edges lead no further than its seams.
                Change::RemoveVertex(vertex) => {
                    blocks.push(Some(here));
                    let slot = block.slot(vertex).expect("a vertex asks for itself");
                    let near = block.seams().iter().filter(|seam| seam.border.binary_search(&slot).is_ok());
                    blocks.extend(near.map(|seam| Some(seam.to)));
                }
            }
            blocks.sort_unstable();
            blocks.dedup();
            for owner in blocks {
                let owner = owner.ok_or_else(|| {
                    let what = "a change names a vertex that the graph has no place for";
                    Error::new(Kind::Program, what)
                })?;
                by_block.entry(owner).or_default().push(change);
            }
        }
        by_block.into_iter().for_each(|(block, changes)| at.send(block, Parcel::Changes(changes)));
        Ok(())
    }
}
