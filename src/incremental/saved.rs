//! A session as bytes, and each of its blocks: to lay down, and to take up again.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};
use crate::id::BlockId;
use crate::incremental::components::Components;
use crate::incremental::held::{Blocks, Held};
use crate::incremental::pieces::depending;
use crate::incremental::session::Session;
use crate::incremental::settings::Settings;
use crate::lattice::packed::{Codec, pack_parts, unpack_parts};
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
        fits.then_some(Held { runs, digest: self.digest, part_of, parts })
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
    /// All that it holds after the last commit, to go on from in another process.
    pub fn save(&self) -> Saved {
        let saved =
            |(block, held): (&BlockId, &Arc<Held>)| (*block, Image::of(held), self.components.of(*block).to_vec());
        let mut blocks: Vec<_> = self.blocks.iter().map(saved).collect();
        blocks.sort_unstable_by_key(|(block, ..)| *block);
        Saved { epoch: self.epoch, last: self.components.last(), blocks }
    }

    /// A session that goes on from what another one, of the same settings, held: with the same
    /// labels and the same number of commits. Costs what it costs to put all of it.
    ///
    /// # Errors
    /// As [`Session::new`]; where `saved` is not of such a session.
    pub fn restore(runtime: &'a Runtime, settings: Settings, saved: &Saved) -> Result<Self> {
        let mut session = Self::new(runtime, settings)?;
        let strange = || Error::new(Kind::Checkpoint, "a saved session is not one of these settings");
        session.blocks = Arc::new(saved.held(&settings).ok_or_else(strange)?);
        (session.epoch, session.began) = (saved.epoch, saved.epoch);
        let pieces = depending(&settings.grid, session.blocks.keys().copied());
        if let Some(stencil) = settings.join {
            let labels = saved.blocks.iter().map(|(block, _, labels)| (*block, labels.clone())).collect();
            let seams = session.seams(&pieces, stencil)?;
            session.components = Components::restored(&session.blocks, labels, saved.last, seams);
        }
        let said = session.say(pieces, &BTreeMap::new())?;
        if session.epoch > 0 {
            session.enter(said)?;
        }
        Ok(session)
    }
}
