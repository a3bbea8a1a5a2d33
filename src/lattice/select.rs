//! Which voxels of a volume are vertices.

use serde::{Deserialize, Serialize};

use crate::volume::voxel::Voxel;

/// Which voxels of a volume are vertices, and which neighbours are joined.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Select {
    /// The voxels that are not zero.
    NonZero,
    /// The voxels that are zero.
    Zero,
    /// The voxels above a threshold.
    Above(f64),
    /// The voxels at or below a threshold.
    AtMost(f64),
    /// The voxels that are not zero; neighbours are joined only where their values are equal.
    /// The volume must be of integers, none negative.
    Labels,
}

impl Select {
    /// Whether a voxel of this value is a vertex.
    #[inline]
    pub fn takes<T: Voxel>(self, value: T) -> bool {
        match self {
            Select::NonZero | Select::Labels => value != T::default(),
            Select::Zero => value == T::default(),
            Select::Above(threshold) => value.to_f64() > threshold,
            Select::AtMost(threshold) => value.to_f64() <= threshold,
        }
    }

    /// Puts `mark` where a voxel of a row is a vertex.
    #[inline]
    pub(crate) fn mark<T: Voxel>(self, row: &[T], marks: &mut [u8], mark: u8) {
        // Asked once a row, so that the loops have no question but one comparison.
        fn put<T: Copy>(row: &[T], marks: &mut [u8], mark: u8, takes: impl Fn(T) -> bool) {
            row.iter().zip(marks).for_each(|(value, place)| *place = if takes(*value) { mark } else { 0 });
        }
        match self {
            Select::NonZero | Select::Labels => put(row, marks, mark, |value| value != T::default()),
            Select::Zero => put(row, marks, mark, |value| value == T::default()),
            Select::Above(threshold) => put(row, marks, mark, |value| value.to_f64() > threshold),
            Select::AtMost(threshold) => put(row, marks, mark, |value| value.to_f64() <= threshold),
        }
    }
}
