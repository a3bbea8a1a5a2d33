//! A scan as a message: a frame of JSON that says what it is, and a frame of its voxels.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::stream::name::parse;
use crate::stream::scan::{Key, Scan, Stamp};
use crate::volume::memory::Memory;
use crate::volume::npy::parse_dtype;
use crate::volume::raw;
use crate::volume::region::{Region, RegionSpec};
use crate::volume::shape::{Shape, Spacing, Unit};
use crate::volume::voxel::Dtype;

/// What the voxels of a message are. All lists are z, y, x.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The name of the scan: what comes under it again takes its place.
    pub scan: String,
    /// The shape of the voxels.
    pub shape: Shape,
    /// Their type, as `uint16`, little-endian, or as NumPy has it: `<u2`, `>u2`.
    pub dtype: String,
    /// Where their first voxel lies in the volume; without it they are all of the volume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<[usize; 3]>,
    /// When they were taken; without it the last number in the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<f64>,
    /// The volume that they are a part of, where it is not known there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Shape>,
    /// Edges of a voxel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacing: Option<[f64; 3]>,
    /// Their unit: `nm`, `um`, `mm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Head {
    /// Reads the first frame of a message.
    ///
    /// # Errors
    /// Where it is not JSON, or lacks something.
    pub fn read(frame: &[u8]) -> Result<Self> {
        let wrong = |cause: serde_json::Error| {
            let keys = "scan, shape, dtype, and where it is known offset and time";
            Error::input("a message", format!("its first part is not a head of JSON ({cause}): it has {keys}"))
        };
        serde_json::from_slice(frame).map_err(wrong)
    }

    /// The scan that the voxels of the second frame are.
    ///
    /// # Errors
    /// Where they are not what the head says, or it says nothing that can be.
    pub fn scan(&self, voxels: &[u8]) -> Result<Scan> {
        let name = &self.scan;
        if name.is_empty() {
            return Err(Error::input("a message", "its scan has no name"));
        }
        let time = match self.time {
            Some(time) if time.is_finite() => time,
            Some(time) => return Err(Error::input(name, format!("its time is {time}"))),
            None => parse(name)?.0,
        };
        let (dtype, big_endian) = self.dtype().ok_or_else(|| {
            Error::input(name, format!("«{}» is not a voxel type: send such as uint8, uint16 or float32", self.dtype))
        })?;
        let unit = self.unit.as_deref().map(|unit| {
            Unit::parse(unit).ok_or_else(|| Error::input(name, format!("«{unit}» is not a unit: send nm, um or mm")))
        });
        let known = Spacing::default();
        let spacing = Spacing::new(self.spacing.unwrap_or(known.zyx), unit.transpose()?.unwrap_or(known.unit))?;
        let voxels = raw::decode(name, self.shape, dtype, big_endian, voxels)?;
        let part = self.offset.map(|offset| {
            let end = |axis: usize| offset[axis].checked_add(self.shape.0[axis]);
            let end = (0..3).map(end).collect::<Option<Vec<usize>>>();
            let end = end.ok_or_else(|| Error::input(name, format!("its offset {offset:?} is too large")))?;
            Ok(RegionSpec::from(Region { start: offset, end: [end[0], end[1], end[2]] }))
        });
        let key = Key { time, name: name.clone() };
        let source = Arc::new(Memory::new(name.clone(), voxels, spacing));
        Ok(Scan { key, part: part.transpose()?, source, stamp: Stamp::default() })
    }

    fn dtype(&self) -> Option<(Dtype, bool)> {
        let named = Dtype::ALL.iter().find(|dtype| dtype.name() == self.dtype);
        named.map(|dtype| (*dtype, false)).or_else(|| parse_dtype(&self.dtype))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::voxel::Voxels;

    fn head(text: &str) -> Head {
        Head::read(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_message_is_a_scan() {
        let all = head(r#"{"scan": "t7", "shape": [1, 1, 2], "dtype": ">u2", "spacing": [2, 1, 1], "unit": "um"}"#);
        let scan = all.scan(&[1, 0, 0, 2]).unwrap();
        assert_eq!((scan.key.time, scan.part.is_none()), (7.0, true));
        let read = scan.source.read(&Region::whole(Shape([1, 1, 2]))).unwrap();
        assert_eq!(read, Voxels::from_vec(Shape([1, 1, 2]), vec![256u16, 2]));
        let part = head(r#"{"scan": "p", "shape": [1, 1, 2], "dtype": "uint8", "offset": [3, 0, 0], "time": 1.5}"#);
        let scan = part.scan(&[1, 2]).unwrap();
        let region = scan.part.unwrap().within(Shape([4, 1, 2])).unwrap();
        assert_eq!((scan.key.time, region.start), (1.5, [3, 0, 0]));
    }

    #[test]
    fn what_is_no_message_is_refused_by_name() {
        assert!(Head::read(b"voxels").unwrap_err().message().contains("JSON"));
        assert!(Head::read(br#"{"scan": "a"}"#).unwrap_err().message().contains("shape"));
        for (text, what) in [
            (r#"{"scan": "t1", "shape": [1, 1, 3], "dtype": "uint8"}"#, "2 bytes"),
            (r#"{"scan": "t1", "shape": [1, 1, 2], "dtype": "u8"}"#, "voxel type"),
            (r#"{"scan": "none", "shape": [1, 1, 2], "dtype": "uint8"}"#, "no time"),
            (r#"{"scan": "t1", "shape": [1, 1, 2], "dtype": "uint8", "unit": "miles"}"#, "unit"),
            (r#"{"scan": "t1", "shape": [1, 1, 2], "dtype": "uint8", "spacing": [0, 1, 1]}"#, "spacing"),
            (r#"{"scan": "t1", "shape": [18446744073709551615, 2, 2], "dtype": "uint8"}"#, "bytes"),
            (r#"{"scan": "t1", "shape": [1,1,2], "dtype": "uint8", "offset": [18446744073709551615,0,0]}"#, "offset"),
        ] {
            let error = head(text).scan(&[1, 2]).err().unwrap();
            assert!(error.message().contains(what), "{text}: {error}");
        }
    }
}
