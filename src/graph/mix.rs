//! Numbers that look random and depend on their seed alone.

/// What a number is added before it is mixed: 2^64 over the golden ratio.
pub const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea and Flood, 2014), a bijection.
#[inline]
pub fn mix(seed: u64) -> u64 {
    let mut hash = seed.wrapping_add(GOLDEN);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
