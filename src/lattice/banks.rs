//! The voxels on the two sides of a patch of an image: what a line or an arc between them has to leave on its sides.
//!
//! Of a line the corners of their convex hulls would tell as much, of an arc they do not. Memory: 8 bytes a voxel
//! beside a patch.

use serde::{Deserialize, Serialize};

use crate::combine::Combine;

/// A voxel of an image, along its two axes.
pub type Pixel = [u32; 2];

/// Some voxels: ascending, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bank(Vec<Pixel>);

impl Bank {
    /// These.
    pub fn new(mut pixels: Vec<Pixel>) -> Self {
        // Of two banks one follows the other: what is sorted already is merged.
        pixels.sort();
        pixels.dedup();
        Self(pixels)
    }

    /// The voxels.
    pub fn pixels(&self) -> &[Pixel] {
        &self.0
    }
}

impl Combine for Bank {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        let mut both = std::mem::take(&mut self.0);
        both.extend(other.0);
        *self = Self::new(both);
    }
}

/// Those beside a patch: of the smaller label, and of the other. In a volume none are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banks(pub [Bank; 2]);

impl Combine for Banks {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(ours, theirs)| ours.combine(theirs));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::combine::check;
    use crate::lattice::drawn::Drawn;

    #[test]
    fn banks_come_together_in_whatever_parts_they_come() {
        let mut drawn = Drawn(3);
        for (size, count) in [(3, 4), (5, 9), (9, 14), (1, 5), (40, 12)] {
            for _ in 0..10 {
                let pixels: Vec<Pixel> =
                    (0..count).map(|_| [drawn.below(size), drawn.below(9)].map(|at| at as u32)).collect();
                let whole = Bank::new(pixels.clone());
                let plain: std::collections::BTreeSet<Pixel> = pixels.iter().copied().collect();
                assert!(whole.pixels().iter().eq(&plain), "{pixels:?}");
                let cut = drawn.below(count + 1);
                let mut parts = Bank::new(pixels[cut..].to_vec());
                parts.combine(Bank::new(pixels[..cut].to_vec()));
                parts.combine(Bank::default());
                assert_eq!(parts, whole);
                check(&[parts, Bank::new(pixels[..1].to_vec()), Bank::default()], |a, b| a == b).unwrap();
            }
        }
    }
}
