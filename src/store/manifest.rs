//! What a checkpoint holds: which program and graph, and where each block is.
//!
//! The manifest is a JSON object in one line whose last member is the XXH3-64 of all bytes before
//! it, so a change of any byte is noticed. It is written when all else is on the disk: a
//! checkpoint with a manifest is whole. It fits in memory several times over.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Error, Result};
use crate::store::part::{HEAD, Section, damaged, unreadable};

/// The name of the manifest in the folder of a checkpoint.
pub(crate) const NAME: &str = "manifest.json";

/// The layout of manifest and parts.
const FORMAT: u32 = 1;

/// A manifest of more bytes is taken for damage: it is 100 bytes a block, and the global.
const LIMIT: u64 = 1 << 30;

/// A checkpoint, as it is found and told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The superstep that is to be computed next, or whatever else the engine counts.
    pub superstep: u64,
    /// The program and its parameters.
    pub program: String,
    /// The graph.
    pub graph: String,
    /// The workers that wrote it.
    pub workers: u32,
    /// The blocks of the graph.
    pub blocks: u32,
    /// Where each block is: ascending, none missing.
    pub sections: Vec<Section>,
    /// The bytes of the global.
    pub global: Vec<u8>,
}

/// The manifest as it stands in its file.
#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    septa: String,
    superstep: u64,
    program: String,
    graph: String,
    workers: u32,
    blocks: u32,
    sections: Vec<Section>,
    global: String,
    global_checksum: u64,
}

/// What every manifest tells, whatever its format.
#[derive(Deserialize)]
struct Origin {
    format: u32,
    septa: String,
}

/// Why a manifest cannot be used.
pub(crate) enum Refusal {
    /// It is not whole; an older checkpoint may be.
    Damaged(Error),
    /// It is whole, but of another version of this program.
    Foreign(Error),
}

impl Refusal {
    pub(crate) fn into_error(self) -> Error {
        match self {
            Refusal::Damaged(error) | Refusal::Foreign(error) => error,
        }
    }
}

impl Manifest {
    /// The bytes of the file `path`. Sections are put in order.
    ///
    /// # Errors
    /// Where a block is missing or there twice, or the global is beyond all measure.
    pub(crate) fn encode(mut self, path: &Path) -> Result<Vec<u8>> {
        self.sections.sort_unstable_by_key(|section| section.block);
        self.check(path)?;
        let written = Written {
            format: FORMAT,
            septa: env!("CARGO_PKG_VERSION").to_string(),
            superstep: self.superstep,
            program: self.program,
            graph: self.graph,
            workers: self.workers,
            blocks: self.blocks,
            sections: self.sections,
            global_checksum: xxh3_64(&self.global),
            global: STANDARD.encode(&self.global),
        };
        let mut bytes = serde_json::to_vec(&written).expect("a manifest is plain data");
        bytes.pop();
        let tail = tail(&bytes);
        bytes.extend_from_slice(tail.as_bytes());
        match bytes.len() as u64 <= LIMIT {
            true => Ok(bytes),
            false => Err(Error::resource(format!("{}: the global is too large to be kept", path.display()))),
        }
    }

    /// Reads the file `path`, which is to tell of `superstep`.
    pub(crate) fn read(path: &Path, superstep: u64) -> Result<Self, Refusal> {
        let bytes = whole(path).map_err(Refusal::Damaged)?;
        let wrong = |what: String| Refusal::Damaged(damaged(path, what));
        let unread = |cause: serde_json::Error| wrong(format!("is no manifest: {cause}"));
        let origin: Origin = serde_json::from_slice(&bytes).map_err(unread)?;
        let this = env!("CARGO_PKG_VERSION");
        if origin.format != FORMAT || origin.septa != this {
            let what = format!("was written by septa {}, and this is {this}: resume with that one", origin.septa);
            return Err(Refusal::Foreign(damaged(path, what)));
        }
        let written: Written = serde_json::from_slice(&bytes).map_err(unread)?;
        let global = STANDARD.decode(&written.global).map_err(|cause| wrong(format!("has no global: {cause}")))?;
        if xxh3_64(&global) != written.global_checksum {
            return Err(wrong("the checksum of the global is another".into()));
        }
        if written.superstep != superstep {
            return Err(wrong(format!("is the manifest of superstep {}", written.superstep)));
        }
        let manifest = Self {
            superstep,
            program: written.program,
            graph: written.graph,
            workers: written.workers,
            blocks: written.blocks,
            sections: written.sections,
            global,
        };
        manifest.check(path).map_err(Refusal::Damaged)?;
        Ok(manifest)
    }

    /// The length of each worker's part, which its sections fill without a gap.
    ///
    /// # Errors
    /// Where they do not.
    pub(crate) fn parts(&self, path: &Path) -> Result<BTreeMap<u32, u64>> {
        let mut sections: Vec<&Section> = self.sections.iter().collect();
        sections.sort_unstable_by_key(|section| (section.worker, section.offset));
        let mut parts = BTreeMap::new();
        for section in sections {
            let end: &mut u64 = parts.entry(section.worker).or_insert(HEAD);
            let next = section.end().filter(|_| end.checked_add(HEAD) == Some(section.offset));
            *end = next.ok_or_else(|| damaged(path, format!("block {} is not where it should be", section.block)))?;
        }
        Ok(parts)
    }

    /// Whether each block is there once, in order.
    fn check(&self, path: &Path) -> Result<()> {
        let listed = self.sections.iter().map(|section| section.block.0);
        match listed.eq(0..self.blocks) {
            true => self.parts(path).map(drop),
            false => Err(damaged(path, format!("does not list each of {} blocks once", self.blocks))),
        }
    }
}

/// The bytes of a file that ends in their checksum.
fn whole(path: &Path) -> Result<Vec<u8>> {
    let file = File::open(path).map_err(unreadable(path))?;
    let length = file.metadata().map_err(unreadable(path))?.len();
    if length > LIMIT {
        return Err(damaged(path, format!("has {length} bytes: that is no manifest")));
    }
    let mut bytes = Vec::new();
    // No more than was said, though the file may grow.
    file.take(length).read_to_end(&mut bytes).map_err(unreadable(path))?;
    let body = bytes.len().checked_sub(tail(&[]).len()).map(|end| &bytes[..end]);
    match body {
        Some(body) if bytes[body.len()..] == *tail(body).as_bytes() => Ok(bytes),
        _ => Err(damaged(path, "is damaged: its checksum is another")),
    }
}

/// How a manifest ends whose other bytes are `body`.
fn tail(body: &[u8]) -> String {
    format!(",\"checksum\":\"{:016x}\"}}\n", xxh3_64(body))
}
