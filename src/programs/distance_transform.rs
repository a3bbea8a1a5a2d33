//! The exact Euclidean distance of every voxel of a mask to the nearest voxel outside it.
//!
//! Squared distances, one axis after another: the lower envelope of the parabolas that stand on the
//! voxels of a line (Felzenszwalb and Huttenlocher, Distance transforms of sampled functions, Theory
//! of Computing 8, 2012). A voxel of the background bounds every envelope, so each run of the mask on
//! a line is treated alone and the background costs nothing. Distances are between centres of
//! voxels, in the unit of the spacing; beyond its faces a volume has no background.
//!
//! Cost: O(voxels). Memory: 4 bytes a voxel. Exact while squares are below 2^24 and the spacing is 1;
//! else rounded once.

use crate::volume::shape::{Shape, Spacing};

/// The squared distances of the voxels of `mask`, which is what is not 0 and in C order; 0 outside it,
/// infinite everywhere if nothing is outside. The result does not depend on the number of threads.
///
/// # Panics
/// Where the mask has not as many voxels as the shape.
pub fn squared_distances(mask: &[u8], shape: Shape, spacing: &Spacing, threads: usize) -> Vec<f32> {
    let [nz, ny, nx] = shape.0;
    assert_eq!(Some(mask.len() as u64), shape.voxels(), "a mask fills its shape");
    let mut squares = vec![0.0f32; mask.len()];
    if mask.is_empty() {
        return squares;
    }
    let [sz, sy, sx] = spacing.zyx.map(|edge| edge * edge);

    // Along x and y: each thread some slices.
    let slices = nz.div_ceil(threads.clamp(1, nz));
    std::thread::scope(|scope| {
        for (squares, mask) in squares.chunks_mut(slices * ny * nx).zip(mask.chunks(slices * ny * nx)) {
            scope.spawn(move || {
                for (row, mask) in squares.chunks_mut(nx).zip(mask.chunks(nx)) {
                    along_row(row, mask, sx);
                }
                let mut line = Line::new(ny);
                for slice in squares.chunks_mut(ny * nx) {
                    let mut rows: Vec<&mut [f32]> = slice.chunks_mut(nx).collect();
                    line.sweep(&mut rows, sy);
                }
            });
        }
    });

    // Along z: each thread the rows with some y, of every slice.
    let share = ny.div_ceil(threads.clamp(1, ny));
    let mut sheets: Vec<Vec<&mut [f32]>> = (0..ny).map(|_| Vec::with_capacity(nz)).collect();
    for (i, row) in squares.chunks_mut(nx).enumerate() {
        sheets[i % ny].push(row);
    }
    std::thread::scope(|scope| {
        for sheets in sheets.chunks_mut(share) {
            scope.spawn(move || {
                let mut line = Line::new(nz);
                for rows in sheets {
                    line.sweep(rows, sz);
                }
            });
        }
    });
    squares
}

/// The squares of the distances within one row.
fn along_row(row: &mut [f32], mask: &[u8], scale: f64) {
    let mut start = 0;
    for run in mask.chunk_by(|a, b| (*a != 0) == (*b != 0)) {
        let end = start + run.len();
        if run[0] != 0 {
            let (closed_below, closed_above) = (start > 0, end < row.len());
            for (i, value) in row[start..end].iter_mut().enumerate() {
                let below = if closed_below { i + 1 } else { usize::MAX };
                let above = if closed_above { run.len() - i } else { usize::MAX };
                let steps = below.min(above);
                *value = if steps == usize::MAX { f32::INFINITY } else { ((steps * steps) as f64 * scale) as f32 };
            }
        }
        start = end;
    }
}

/// Buffers for the envelope along one line.
struct Line {
    /// The line, with the background before its first and after its last voxel at places 0 and n + 1.
    values: Vec<f64>,
    /// The places of the envelope's parabolas, and from where on each is the lowest.
    feet: Vec<(u32, f64)>,
}

impl Line {
    fn new(len: usize) -> Self {
        Self { values: vec![0.0; len + 2], feet: Vec::with_capacity(len + 2) }
    }

    /// Takes in the distances along the axis on which `rows` follow one another.
    fn sweep(&mut self, rows: &mut [&mut [f32]], scale: f64) {
        let width = rows.first().map_or(0, |row| row.len());
        for x in 0..width {
            let mut start = 0;
            while start < rows.len() {
                if rows[start][x] == 0.0 {
                    start += 1;
                    continue;
                }
                let mut end = start;
                while end < rows.len() && rows[end][x] != 0.0 {
                    self.values[end - start + 1] = f64::from(rows[end][x]) / scale;
                    end += 1;
                }
                let closed = (start > 0, end < rows.len());
                self.envelope(end - start, closed, |i, value| rows[start + i][x] = (value * scale) as f32);
                start = end;
            }
        }
    }

    /// The lower envelope over a run of `len` voxels, `closed` by background below or above it.
    fn envelope(&mut self, len: usize, closed: (bool, bool), mut set: impl FnMut(usize, f64)) {
        (self.values[0], self.values[len + 1]) = (0.0, 0.0);
        self.feet.clear();
        let (first, last) = (usize::from(!closed.0), len + usize::from(closed.1));
        for place in first..=last {
            let value = self.values[place];
            if value == f64::INFINITY {
                continue;
            }
            let at = place as f64;
            let mut from = f64::NEG_INFINITY;
            while let Some(&(foot, lowest_from)) = self.feet.last() {
                let (other, there) = (self.values[foot as usize], f64::from(foot));
                from = (value + at * at - other - there * there) / (2.0 * (at - there));
                if from > lowest_from {
                    break;
                }
                self.feet.pop();
                from = f64::NEG_INFINITY;
            }
            self.feet.push((place as u32, from));
        }
        let mut k = 0;
        for i in 1..=len {
            while self.feet.get(k + 1).is_some_and(|(_, from)| *from < i as f64) {
                k += 1;
            }
            if let Some(&(foot, _)) = self.feet.get(k) {
                let steps = i as f64 - f64::from(foot);
                set(i - 1, steps * steps + self.values[foot as usize]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::volume::shape::Unit;

    fn plain(mask: &[u8], shape: Shape, spacing: &Spacing) -> Vec<f64> {
        let background: Vec<[usize; 3]> =
            (0..mask.len()).filter(|i| mask[*i] == 0).map(|i| shape.voxel(i as u64)).collect();
        let square = |a: [usize; 3], b: [usize; 3]| -> f64 {
            (0..3).map(|k| ((a[k] as f64 - b[k] as f64) * spacing.zyx[k]).powi(2)).sum()
        };
        (0..mask.len())
            .map(|i| match mask[i] {
                0 => 0.0,
                _ => background.iter().map(|b| square(shape.voxel(i as u64), *b)).fold(f64::INFINITY, f64::min),
            })
            .collect()
    }

    #[test]
    fn distances_are_those_of_a_search_over_the_whole_background() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        for (shape, zyx) in [
            ([9, 12, 14], [1.0; 3]),
            ([9, 12, 14], [2.5, 1.0, 0.4]),
            ([1, 15, 9], [0.3, 0.7, 1.1]),
            ([17, 1, 1], [1.0; 3]),
        ] {
            let (shape, spacing) = (Shape(shape), Spacing::new(zyx, Unit::Um).unwrap());
            for share in [1, 3, 20, 120] {
                let voxels = shape.voxels().unwrap() as usize;
                let mut mask: Vec<u8> = (0..voxels).map(|_| u8::from(rng.next_u32() % share != 0)).collect();
                mask[rng.next_u32() as usize % voxels] = 0;
                let plain = plain(&mask, shape, &spacing);
                for threads in 1..4 {
                    let ours = squared_distances(&mask, shape, &spacing, threads);
                    for (ours, plain) in ours.iter().zip(&plain) {
                        assert!((f64::from(*ours) - plain).abs() <= 1e-6 * plain, "{ours} is not {plain}");
                        assert!(zyx != [1.0; 3] || f64::from(*ours) == *plain);
                    }
                }
            }
        }
    }

    #[test]
    fn without_a_background_every_distance_is_infinite() {
        let squares = squared_distances(&[1; 24], Shape([2, 3, 4]), &Spacing::default(), 2);
        assert!(squares.iter().all(|square| *square == f32::INFINITY));
    }
}
