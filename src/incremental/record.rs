//! What the journal of a series holds: what it begins with, and the scans that came since.
//!
//! The first record is three sections, each behind its length: the [`Base`], every scan that was
//! taken before, and what the session held. Every other is a section, the [`Record`] of a scan, and
//! behind it the images of its blocks that the journal did not have.

use std::collections::HashMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::BlockId;
use crate::incremental::saved::Saved;
use crate::incremental::told::Mark;
use crate::store::journal::{Journal, Place};
use crate::stream::scan::{Key, Stamp};
use crate::volume::grid::Grid;
use crate::volume::region::Region;
use crate::volume::shape::Spacing;

/// What a journal begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Base {
    pub(crate) grid: Grid,
    /// What is kept up, in words.
    pub(crate) rules: String,
    pub(crate) spacing: Spacing,
    /// The newest scan in it.
    pub(crate) newest: Option<Key>,
    /// How far the tables were written.
    pub(crate) told: Mark,
}

/// What is known of a scan that was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) time: f64,
    pub(crate) region: Region,
    pub(crate) stamp: Stamp,
    /// Of its voxels.
    pub(crate) digest: u64,
}

/// What a scan is laid on again from: the blocks that hold a part of its region as they were with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) region: Region,
    /// By digest; those without were empty.
    pub(crate) blocks: Vec<(BlockId, Option<u64>)>,
}

/// The record of a scan.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) known: Known,
    pub(crate) step: Step,
    /// The images that lie behind it, by block and digest, and their lengths.
    pub(crate) images: Vec<(BlockId, u64, u64)>,
}

/// Where a journal has the images of blocks, by block and digest.
pub(crate) type Images = HashMap<(BlockId, u64), Place>;

/// A value as bytes.
pub(crate) fn packed(value: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(|cause| Error::resource("cannot be written into the journal").because(cause))
}

/// A value that [`packed`] made bytes of; nothing where they are not that.
pub(crate) fn unpacked<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

/// The length of a section as it stands before it.
pub(crate) fn length(section: &[u8]) -> [u8; 8] {
    (section.len() as u64).to_le_bytes()
}

/// The section that bytes begin with, and the bytes behind it.
fn section(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)
}

/// The three sections of a first record.
pub(crate) fn apart(record: &[u8]) -> Option<[&[u8]; 3]> {
    let (base, rest) = section(record)?;
    let (known, rest) = section(rest)?;
    let (saved, rest) = section(rest)?;
    rest.is_empty().then_some([base, known, saved])
}

impl Record {
    /// The record of a scan whose bytes begin at `offset` of the journal, and where its images lie.
    pub(crate) fn read(bytes: &[u8], offset: u64) -> Option<(Self, Images)> {
        let (head, mut rest) = section(bytes)?;
        let record: Self = unpacked(head)?;
        let mut images = Images::new();
        for (block, digest, length) in &record.images {
            let at = offset + (bytes.len() - rest.len()) as u64;
            let (image, behind) = rest.split_at_checked(usize::try_from(*length).ok()?)?;
            images.insert((*block, *digest), Place::of(at, image));
            rest = behind;
        }
        rest.is_empty().then_some((record, images))
    }
}

/// Begins a journal, in place of the one that is there, and where in it the session is.
///
/// # Errors
/// Where it cannot be written.
pub(crate) fn begun(
    path: &Path,
    base: &Base,
    known: &HashMap<String, Known>,
    saved: &Saved,
) -> Result<(Journal, Place)> {
    let sections = [packed(base)?, packed(known)?, packed(saved)?];
    let lengths = sections.each_ref().map(|section| length(section));
    let parts: Vec<&[u8]> =
        lengths.iter().zip(&sections).flat_map(|(length, section)| [&length[..], section]).collect();
    let journal = Journal::begin(path, &parts)?;
    let saved = &sections[2];
    let place = Place::of(journal.bytes() - saved.len() as u64, saved);
    Ok((journal, place))
}
