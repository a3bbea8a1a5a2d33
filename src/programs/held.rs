//! What a labelling found in a block, while the block waits for the others: in memory as long as
//! the scratch of the run spares it, else in the scratch.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::lattice::packed::{Codec, pack_parts, unpack_parts};
use crate::lattice::parts::Part;
use crate::lattice::runs::Runs;
use crate::store::scratch::{Place, Scratch};

/// Runs, and the part of each.
type Scanned = (Runs, Vec<u32>);

/// The parts of a block, and its runs where they were kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Held {
    Here {
        parts: Vec<Part>,
        runs: Option<Scanned>,
    },
    /// Scratch ends with its process: this is not saved.
    #[serde(skip)]
    Away {
        scratch: Arc<Scratch>,
        parts: (Place, usize),
        runs: Option<Place>,
    },
}

impl Held {
    /// Takes what was found; away where there is a scratch that spares it no memory.
    ///
    /// # Errors
    /// Where the scratch does not take it.
    pub(super) fn new(parts: Vec<Part>, runs: Option<Scanned>, scratch: Option<&Arc<Scratch>>) -> Result<Self> {
        let Some(scratch) = scratch.filter(|scratch| !scratch.spares(bytes(&parts, runs.as_ref()))) else {
            return Ok(Held::Here { parts, runs });
        };
        // Runs are let go of as soon as they are bytes.
        let packed = runs.map(|(runs, part_of)| Codec::default().pack(&runs, &part_of));
        let runs = packed.map(|packed| scratch.put(&packed)).transpose()?;
        let place = scratch.put(&pack_parts(&parts))?;
        Ok(Held::Away { scratch: Arc::clone(scratch), parts: (place, parts.len()), runs })
    }

    /// The parts.
    ///
    /// # Errors
    /// Where the scratch does not give them back.
    pub(super) fn parts(&self) -> Result<Cow<'_, [Part]>> {
        match self {
            Held::Here { parts, .. } => Ok(Cow::Borrowed(parts)),
            Held::Away { scratch, parts: (place, count), .. } => {
                let parts = unpack_parts(&scratch.get(*place)?, *count);
                Ok(Cow::Owned(parts.ok_or_else(lost)?))
            }
        }
    }

    /// The runs, and the part of each.
    ///
    /// # Errors
    /// Where the scratch does not give them back.
    pub(super) fn runs(&self) -> Result<Cow<'_, Scanned>> {
        match self {
            Held::Here { runs, .. } => Ok(Cow::Borrowed(runs.as_ref().expect(KEPT))),
            Held::Away { scratch, runs, .. } => {
                let scanned = Codec::default().unpack(scratch.get(runs.expect(KEPT))?);
                Ok(Cow::Owned(scanned.ok_or_else(lost)?))
            }
        }
    }

    /// The runs, and the part of each, for good.
    ///
    /// # Errors
    /// Where the scratch does not give them back.
    pub(super) fn into_runs(self) -> Result<Scanned> {
        match self {
            Held::Here { runs, .. } => Ok(runs.expect(KEPT)),
            away => Ok(away.runs()?.into_owned()),
        }
    }
}

const KEPT: &str = "runs are kept where labels are wanted";

/// The memory of what was found.
fn bytes(parts: &[Part], runs: Option<&Scanned>) -> u64 {
    let of_runs = runs.map_or(0, |(runs, part_of)| {
        size_of_val(runs.spans()) + size_of_val(runs.labels()) + size_of_val(runs.rows()) + size_of_val(&part_of[..])
    });
    (size_of_val(parts) + of_runs) as u64
}

fn lost() -> Error {
    Error::resource("scratch gave back other bytes than were put: is the memory in order?")
}
