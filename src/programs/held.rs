//! What a labelling found in a block, while the block waits for the others: in memory as long as
//! the scratch of the run spares it, else in the scratch.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::lattice::marks::Marks;
use crate::lattice::packed::{Codec, pack_parts, unpack_parts};
use crate::lattice::parts::Part;
use crate::store::scratch::{Place, Scratch};

/// The parts of a block, and its marks where they were kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Held {
    Here {
        parts: Vec<Part>,
        marks: Option<Marks>,
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
    pub(super) fn new(parts: Vec<Part>, marks: Option<Marks>, scratch: Option<&Arc<Scratch>>) -> Result<Self> {
        let bytes = size_of_val(&parts[..]) as u64 + marks.as_ref().map_or(0, Marks::bytes);
        let Some(scratch) = scratch.filter(|scratch| !scratch.spares(bytes)) else {
            return Ok(Held::Here { parts, marks });
        };
        // Marks are let go of as soon as they are bytes.
        let packed = marks.map(|marks| Codec::default().pack(&marks.runs(), marks.parts()));
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

    /// The marks.
    ///
    /// # Errors
    /// Where the scratch does not give them back.
    pub(super) fn marks(&self) -> Result<Cow<'_, Marks>> {
        match self {
            Held::Here { marks, .. } => Ok(Cow::Borrowed(marks.as_ref().expect(KEPT))),
            Held::Away { scratch, runs, .. } => {
                let scanned = Codec::default().unpack(scratch.get(runs.expect(KEPT))?);
                let (runs, part_of) = scanned.ok_or_else(lost)?;
                Ok(Cow::Owned(Marks::of(&runs, part_of)))
            }
        }
    }

    /// The marks, for good.
    ///
    /// # Errors
    /// Where the scratch does not give them back.
    pub(super) fn into_marks(self) -> Result<Marks> {
        match self {
            Held::Here { marks, .. } => Ok(marks.expect(KEPT)),
            away => Ok(away.marks()?.into_owned()),
        }
    }
}

const KEPT: &str = "marks are kept where labels are wanted";

fn lost() -> Error {
    Error::resource("scratch gave back other bytes than were put: is the memory in order?")
}
