//! Work in code for the processor at hand.
//!
//! A program is built for every processor of its kind; what came later (on x86-64: AVX2, BMI, POPCNT)
//! is asked for when it runs. Rust neither contracts nor reorders float arithmetic, so both ways
//! give the same bits.

/// A piece of work. `run` has to be `#[inline(always)]`, and all that it calls in its inner loops:
/// only what is inlined is built for the newer processor.
pub trait Work {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run(self) -> Self::Output;
}

/// Does the work as the processor does it best.
#[inline]
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
pub fn widely<W: Work>(work: W) -> W::Output {
    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
    fn newer<W: Work>(work: W) -> W::Output {
        work.run()
    }
    let all = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt");
    if all {
        // SAFETY: the processor has every feature that the function is built for.
        unsafe { newer(work) }
    } else {
        work.run()
    }
}

/// Does the work as the processor does it best.
#[inline]
#[cfg(not(target_arch = "x86_64"))]
pub fn widely<W: Work>(work: W) -> W::Output {
    work.run()
}

/// The highest bits of 64 bytes.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code)]
pub(crate) fn highest_bits(bytes: &[u8; 64]) -> u64 {
    use std::arch::x86_64::{__m128i, _mm_movemask_epi8};
    let mut bits = 0;
    for (place, sixteen) in bytes.as_chunks::<16>().0.iter().enumerate() {
        let sixteen: __m128i = bytemuck::cast(*sixteen);
        // SAFETY: it is SSE2, which every x86-64 has; it touches no memory.
        let mask = unsafe { _mm_movemask_epi8(sixteen) };
        bits |= u64::from(mask as u16) << (place * 16);
    }
    bits
}

/// The highest bits of 64 bytes.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
pub(crate) fn highest_bits(bytes: &[u8; 64]) -> u64 {
    let mut bits = 0;
    for (place, eight) in bytes.as_chunks::<8>().0.iter().enumerate() {
        // The product brings the lowest bits of eight bytes together in the highest byte.
        let low = (u64::from_le_bytes(*eight) >> 7 & 0x0101_0101_0101_0101).wrapping_mul(0x0102_0408_1020_4080);
        bits |= (low >> 56) << (place * 8);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sum<'a>(&'a [u64]);

    impl Work for Sum<'_> {
        type Output = u64;

        #[inline(always)]
        fn run(self) -> u64 {
            self.0.iter().map(|value| u64::from(value.count_ones())).sum()
        }
    }

    #[test]
    fn work_is_the_same_either_way() {
        let values: Vec<u64> = (0..999u64).map(|value| value.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        assert_eq!(widely(Sum(&values)), Sum(&values).run());
    }

    #[test]
    fn highest_bits_are_those_of_a_walk() {
        for seed in 1..200u64 {
            let bytes = std::array::from_fn(|at| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(at as u32) as u8);
            let walked = bytes.iter().enumerate().map(|(at, byte)| u64::from(*byte >> 7) << at).sum::<u64>();
            assert_eq!(highest_bits(&bytes), walked);
        }
    }
}
