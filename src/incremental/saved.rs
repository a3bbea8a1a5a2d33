//! A session as bytes, and each of its blocks: to lay down, and to take up again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::id::BlockId;
use crate::incremental::commit::Labels;
use crate::incremental::components::{Components, Relabelled, Seam};
use crate::incremental::held::{Blocks, Held};
use crate::incremental::session::Session;
use crate::incremental::settings::Settings;
use crate::lattice::packed::{Codec, pack_parts, unpack_parts};
use crate::lattice::parts::Part;
use crate::lattice::select::Select;
use crate::pregel::runtime::Runtime;

/// Runs, parts and digest of a block: some bytes a run, compressed with LZ4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Image {
    digest: u64,
    parts: u32,
    packed_runs: Vec<u8>,
    packed_parts: Vec<u8>,
}

impl Image {
    pub(crate) fn of(held: &Held) -> Self {
        // Where cells are what labels say no run has a part.
        let none = vec![0; if held.part_of.is_empty() { held.runs.len() } else { 0 }];
        let part_of = if held.part_of.is_empty() { &none } else { &held.part_of };
        let pack = |bytes: &[u8]| lz4_flex::block::compress_prepend_size(bytes);
        Self {
            digest: held.digest,
            parts: held.parts.len() as u32,
            packed_runs: pack(&Codec::Deltas.pack(&held.runs, part_of)),
            packed_parts: pack(&pack_parts(&held.parts)),
        }
    }

    /// What is held of the block; nothing where the bytes are not of a block of such a session.
    pub(crate) fn held(&self, settings: &Settings, block: BlockId) -> Option<Held> {
        let unpack = |bytes: &[u8]| lz4_flex::block::decompress_size_prepended(bytes).ok();
        let (runs, mut part_of) = Codec::Deltas.unpack(unpack(&self.packed_runs)?)?;
        let parts = unpack_parts(&unpack(&self.packed_parts)?, self.parts as usize)?;
        match settings.join {
            None => part_of.clear(),
            Some(_) if part_of.iter().any(|part| *part >= self.parts) => return None,
            Some(_) => {}
        }
        let fits = !runs.is_empty()
            && runs.region() == settings.grid.region(block)
            && runs.is_labelled() == (settings.select == Select::Labels);
        fits.then_some(Held { runs, digest: self.digest, part_of, parts: parts.into() })
    }
}

/// All that a session holds, to go on from: see [`Session::save`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// How many commits there were.
    pub(crate) epoch: u64,
    /// The largest label that a component ever had.
    pub(crate) last: u64,
    /// Every block that has selected voxels, and the component of each of its parts.
    pub(crate) blocks: Vec<(BlockId, Image, Vec<u64>)>,
}

impl Saved {
    /// The blocks as they were held; nothing where they are not blocks of such a session.
    pub(crate) fn held(&self, settings: &Settings) -> Option<Blocks> {
        let held = |(block, image, labels): &(BlockId, Image, Vec<u64>)| {
            let held = (block.0 < settings.grid.blocks()).then(|| image.held(settings, *block))??;
            (labels.len() == held.parts.len()).then_some((*block, Arc::new(held)))
        };
        self.blocks.iter().map(held).collect()
    }
}

impl<'a> Session<'a> {
    /// All that it holds after the last commit, to go on from in another process; in a cluster, what this
    /// process does.
    pub fn save(&self) -> Saved {
        let saved = |(block, held): (BlockId, &Arc<Held>)| (block, Image::of(held), self.components.of(block).to_vec());
        let mut blocks: Vec<_> = self.all_ours().map(saved).collect();
        blocks.sort_unstable_by_key(|(block, ..)| *block);
        Saved { epoch: self.epoch, last: self.components.last(), blocks }
    }

    /// A session that goes on from what another one, of the same settings, held: with the same
    /// labels and the same number of commits. Costs what it costs to put all of it.
    ///
    /// In a cluster each process brings what one saved, in any order; there may be more processes than there
    /// were, and who has nothing brings `Saved::default()`.
    ///
    /// # Errors
    /// As [`Session::new`]; where `saved` is not of such a session, or was saved after another commit than
    /// that of other processes.
    pub fn restore(runtime: &'a Runtime, settings: Settings, saved: &Saved) -> Result<Self> {
        let mut session = Self::new(runtime, settings)?;
        let strange = || Error::new(Kind::Checkpoint, "a saved session is not one of these settings");
        let shares = runtime.all_gather(Ok((saved.epoch, saved.last, saved.blocks.is_empty())))?;
        let epoch = shares.iter().map(|(epoch, ..)| *epoch).max().unwrap_or(0);
        let last = shares.iter().map(|(_, last, _)| *last).max().unwrap_or(0);
        if shares.iter().any(|(its, _, is_empty)| *its != epoch && !is_empty) {
            return Err(Error::new(Kind::Checkpoint, "what processes bring was saved after different commits"));
        }
        (session.epoch, session.began) = (epoch, epoch);
        let labels = session.bring(saved.held(&settings).ok_or_else(strange), saved)?;
        let blocks: BTreeSet<BlockId> = session.blocks.keys().copied().collect();
        let pieces = session.our_pieces(blocks.iter().copied());
        if let Some(stencil) = settings.join {
            let ours = session.seams(&pieces, stencil).map(|seams| (session.parts(), labels, seams));
            session.rejoin(ours, last, &blocks)?;
        }
        let said = session.say(pieces, &Relabelled::new());
        let said = runtime.agreed(said)?;
        if session.epoch > 0 {
            session.enter(said)?;
        }
        Ok(session)
    }

    /// Gives blocks to the processes that hold them, and takes those of this one, with what it sees of others:
    /// the labels of the parts of its own.
    fn bring(&mut self, blocks: Result<Blocks>, saved: &Saved) -> Result<Vec<Labels>> {
        let letters = blocks.map(|mut blocks| {
            let letter = |(block, _, labels): &(BlockId, Image, Vec<u64>)| {
                Some((self.owners.of(*block), (*block, blocks.remove(block)?, labels.clone())))
            };
            saved.blocks.iter().filter_map(letter).collect()
        });
        let (mut held, mut labels) = (Blocks::new(), Vec::new());
        for (block, its, of_parts) in self.runtime.exchange(letters)? {
            held.insert(block, its);
            labels.push((block, of_parts));
        }
        self.blocks = Arc::new(held);
        let faces = self.faces(self.blocks.keys().copied());
        let faces = self.runtime.exchange(Ok(faces))?;
        self.see(faces);
        Ok(labels)
    }

    /// The parts of each block of this process.
    fn parts(&self) -> Vec<(BlockId, Arc<[Part]>)> {
        self.all_ours().map(|(block, held)| (block, Arc::clone(&held.parts))).collect()
    }

    /// Makes components on process 0 of parts, their labels and what touches, and tells the others what
    /// they see of them.
    #[allow(clippy::type_complexity)]
    fn rejoin(
        &mut self,
        ours: Result<(Vec<(BlockId, Arc<[Part]>)>, Vec<Labels>, Vec<Seam>)>,
        last: u64,
        seen: &BTreeSet<BlockId>,
    ) -> Result<()> {
        let (mut parts, mut labels, mut seams) = (HashMap::new(), HashMap::new(), Vec::new());
        for (of_blocks, of_parts, joins) in self.runtime.gather(ours)? {
            parts.extend(of_blocks);
            labels.extend(of_parts);
            seams.extend(joins);
        }
        let all = parts.keys().copied().collect();
        // Elsewhere there is nothing to make them of.
        self.components = Components::restored(parts, labels, last, seams);
        self.tell(Ok(((), all)), seen)?;
        Ok(())
    }
}
