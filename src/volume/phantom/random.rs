//! Random numbers that are addressed, not drawn in turn: ChaCha8 keyed by (seed, purpose), with a
//! stream for each row of voxels and a word for each x.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The purpose of the words that belong to voxels.
pub(super) const VOXELS: u64 = 0;
/// The purpose of the seeds of Voronoi cells.
pub(super) const SEEDS: u64 = 1;
/// The purpose of bone: nodes, canals, lacunae.
pub(super) const BONE: u64 = 2;
/// The purpose of balls.
pub(super) const BALLS: u64 = 3;

/// The generator of `purpose`.
pub(super) fn generator(seed: u64, purpose: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&purpose.to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Words `start..start + len` of `row`, each with its place from `start` on.
pub(super) fn words(rng: &mut ChaCha8Rng, row: u64, start: usize, len: usize, mut visit: impl FnMut(usize, u32)) {
    rng.set_stream(row);
    rng.set_word_pos(start as u128);
    for x in 0..len {
        visit(x, rng.next_u32());
    }
}

/// A whole number below `n`.
pub(super) fn below(rng: &mut impl Rng, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// A number from `low` to `high`.
pub(super) fn between(rng: &mut impl Rng, low: f64, high: f64) -> f64 {
    low + (high - low) * (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A direction, as z, y, x of length 1.
pub(super) fn direction(rng: &mut impl Rng) -> [f64; 3] {
    let (z, turn) = (between(rng, -1.0, 1.0), between(rng, 0.0, std::f64::consts::TAU));
    let flat = (1.0 - z * z).sqrt();
    [z, flat * turn.sin(), flat * turn.cos()]
}
