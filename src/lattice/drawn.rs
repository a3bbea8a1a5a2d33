//! Random rows for the tests of this room, the same in every run.

/// Numbers drawn one after the other (Knuth's linear congruence).
pub(crate) struct Drawn(pub(crate) u64);

impl Drawn {
    /// A number below `most`.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    /// So many voxels of values below `most`, in stretches of up to `longest` of one value.
    pub(crate) fn stretches<T: Clone>(
        &mut self,
        count: usize,
        most: usize,
        longest: usize,
        value: impl Fn(usize) -> T,
    ) -> Vec<T> {
        let mut voxels = Vec::with_capacity(count + longest);
        while voxels.len() < count {
            let value = value(self.below(most));
            voxels.extend(std::iter::repeat_n(value, self.below(longest) + 1));
        }
        voxels.truncate(count);
        voxels
    }
}
