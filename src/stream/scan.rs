//! A scan: voxels that came at a time, and where they belong.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::volume::region::RegionSpec;
use crate::volume::source::VolumeSource;

/// Voxels that came at a time.
#[derive(Clone)]
pub struct Scan {
    /// What it is known by: a scan of the same key that comes again takes its place.
    pub key: Key,
    /// What part of the volume it is; without it, all of the volume: what a smaller scan does not reach
    /// is not selected.
    pub part: Option<RegionSpec>,
    /// The voxels.
    pub source: Arc<dyn VolumeSource>,
    /// How to know that it is the same without reading it.
    pub stamp: Stamp,
}

/// Scans are in order of their times, and of their names where those are equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// When it was taken, in any unit; finite.
    pub time: f64,
    /// Its name: that of its file.
    pub name: String,
}

impl Eq for Key {}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.time.total_cmp(&other.time).then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a file looks like from without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Its bytes; of a folder those of its files together.
    pub bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub modified_ns: u64,
    /// Its files: 1, or those in a folder.
    pub files: u64,
}
