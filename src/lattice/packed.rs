//! Runs and parts as bytes, for scratch: few enough that the disk keeps up.
//!
//! [`Codec::Deltas`] writes rows as counts, runs as the gap before them and their length, and parts
//! as the difference to the one before, each as a number of as few bytes as it needs (LEB128), and
//! all of one sort after each other, so that the compressor behind it finds them alike. O(runs);
//! 3 to 5 bytes a run before compression, where memory has 12.

use crate::lattice::parts::Part;
use crate::lattice::runs::{Runs, Span};
use crate::volume::region::Region;

/// How runs become bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codec {
    /// Differences, of few bytes each.
    #[cfg_attr(not(feature = "abomonation"), default)]
    Deltas,
    /// As they are in memory, by the crate `abomonation`. It is unsound (RUSTSEC-2021-0120): for
    /// what the same binary wrote in the same run, and nothing else.
    #[cfg(feature = "abomonation")]
    #[default]
    Abomonation,
}

impl Codec {
    /// Runs, and the part of each, as bytes.
    pub fn pack(self, runs: &Runs, part_of: &[u32]) -> Vec<u8> {
        match self {
            Codec::Deltas => pack(runs, part_of),
            #[cfg(feature = "abomonation")]
            Codec::Abomonation => crate::lattice::entombed::pack(runs, part_of),
        }
    }

    /// What [`pack`](Codec::pack) made bytes of; nothing where they are not that.
    pub fn unpack(self, bytes: Vec<u8>) -> Option<(Runs, Vec<u32>)> {
        match self {
            Codec::Deltas => unpack(&bytes),
            #[cfg(feature = "abomonation")]
            Codec::Abomonation => crate::lattice::entombed::unpack(bytes),
        }
    }
}

fn pack(runs: &Runs, part_of: &[u32]) -> Vec<u8> {
    assert_eq!(runs.len(), part_of.len(), "each run has a part");
    let mut out = Vec::with_capacity(4 * runs.len() + 64);
    let region = runs.region();
    region.start.iter().chain(&region.end).for_each(|bound| put(&mut out, *bound as u64));
    out.push(u8::from(runs.is_labelled()));
    runs.rows().windows(2).for_each(|row| put(&mut out, u64::from(row[1] - row[0])));
    for row in runs.rows().windows(2) {
        let mut end = 0;
        for span in &runs.spans()[row[0] as usize..row[1] as usize] {
            put(&mut out, u64::from(span.start - end));
            end = span.end;
        }
    }
    runs.spans().iter().for_each(|span| put(&mut out, u64::from(span.len())));
    let mut before = 0;
    for part in part_of {
        put(&mut out, folded(i64::from(*part) - before));
        before = i64::from(*part);
    }
    let mut before = 0;
    for label in runs.labels() {
        put(&mut out, folded(label.wrapping_sub(before) as i64));
        before = *label;
    }
    out
}

fn unpack(bytes: &[u8]) -> Option<(Runs, Vec<u32>)> {
    let mut bytes = bytes;
    let bytes = &mut bytes;
    let mut bounds = [0; 6];
    for bound in &mut bounds {
        *bound = usize::try_from(get(bytes)?).ok()?;
    }
    let [z, y, x, end_z, end_y, end_x] = bounds;
    let region = Region { start: [z, y, x], end: [end_z, end_y, end_x] };
    let (labelled, rest) = bytes.split_first()?;
    *bytes = rest;
    let lines = region.shape().0[0].checked_mul(region.shape().0[1])?;
    // Each row takes a byte at least, and so does each number of a run.
    let mut rows = Vec::with_capacity(lines.min(bytes.len()) + 1);
    let mut count = 0u32;
    rows.push(0);
    for _ in 0..lines {
        count = count.checked_add(u32::try_from(get(bytes)?).ok()?)?;
        rows.push(count);
    }
    if count as usize > bytes.len() {
        return None;
    }
    let mut spans = Vec::with_capacity(count as usize);
    for _ in 0..count {
        spans.push(Span { start: u32::try_from(get(bytes)?).ok()?, end: 0 });
    }
    for row in rows.windows(2) {
        let mut end = 0u32;
        for span in &mut spans[row[0] as usize..row[1] as usize] {
            span.start = span.start.checked_add(end)?;
            span.end = span.start.checked_add(u32::try_from(get(bytes)?).ok()?)?;
            end = span.end;
        }
    }
    let mut part_of = Vec::with_capacity(count as usize);
    let mut before = 0i64;
    for _ in 0..count {
        before = before.checked_add(unfolded(get(bytes)?))?;
        part_of.push(u32::try_from(before).ok()?);
    }
    let mut labels = (*labelled != 0).then(|| Vec::with_capacity(count as usize));
    if let Some(labels) = &mut labels {
        let mut before = 0u64;
        for _ in 0..count {
            before = before.wrapping_add(unfolded(get(bytes)?) as u64);
            labels.push(before);
        }
    }
    let runs = Runs::from_rows(region, rows, spans, labels)?;
    bytes.is_empty().then_some((runs, part_of))
}

/// Parts as bytes.
pub fn pack_parts(parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 * parts.len());
    let mut before = 0u64;
    for part in parts {
        put(&mut out, folded(part.first.wrapping_sub(before) as i64));
        before = part.first;
    }
    parts.iter().for_each(|part| put(&mut out, part.voxels));
    out
}

/// So many parts from the bytes that [`pack_parts`] made of them; nothing where they are not that.
pub fn unpack_parts(mut bytes: &[u8], count: usize) -> Option<Vec<Part>> {
    let bytes = &mut bytes;
    let mut parts = Vec::with_capacity(count.min(bytes.len()));
    let mut before = 0u64;
    for _ in 0..count {
        before = before.wrapping_add(unfolded(get(bytes)?) as u64);
        parts.push(Part { first: before, voxels: 0 });
    }
    for part in &mut parts {
        part.voxels = get(bytes)?;
    }
    bytes.is_empty().then_some(parts)
}

/// Small numbers of either sign as small numbers.
fn folded(number: i64) -> u64 {
    (number << 1 ^ number >> 63) as u64
}

fn unfolded(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

#[inline(always)]
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

#[inline(always)]
fn get(bytes: &mut &[u8]) -> Option<u64> {
    let (mut number, mut shift) = (0, 0);
    loop {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
        if shift > 63 {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lattice::drawn::Drawn;
    use crate::lattice::select::Select;
    use crate::lattice::stencil::Stencil;
    use crate::volume::shape::Shape;
    use crate::volume::voxel::Voxels;

    const CODECS: &[Codec] = &[
        Codec::Deltas,
        #[cfg(feature = "abomonation")]
        Codec::Abomonation,
    ];

    fn scanned(shape: [usize; 3], start: [usize; 3], voxels: Vec<u64>, labels: bool) -> (Runs, Vec<u32>) {
        let voxels = Voxels::from_vec(Shape(shape), voxels);
        let region = Region::whole(Shape(shape)).offset_by(start);
        let select = if labels { Select::Labels } else { Select::NonZero };
        let runs = Runs::scan(&voxels, region, select, "random").unwrap();
        let (part_of, _) = runs.components(Stencil::N6);
        (runs, part_of)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn runs_come_back_from_their_bytes(
            shape in [1usize..5, 1usize..6, 1usize..150],
            start in [0usize..1000, 0usize..7, 0usize..100_000],
            values in proptest::collection::vec((0u64..3, 1usize..200, any::<u64>()), 1..80),
            labels in any::<bool>(),
        ) {
            let of = |&(kind, length, value): &(u64, usize, u64)| std::iter::repeat_n([0, 1, value][kind as usize], length);
            let voxels = values.iter().cycle().flat_map(of).take(shape.iter().product()).collect();
            let (runs, part_of) = scanned(shape, start, voxels, labels);
            for codec in CODECS {
                let bytes = codec.pack(&runs, &part_of);
                prop_assert_eq!(codec.unpack(bytes), Some((runs.clone(), part_of.clone())));
            }
            let bytes = Codec::Deltas.pack(&runs, &part_of);
            for length in 0..bytes.len() {
                prop_assert!(Codec::Deltas.unpack(bytes[..length].to_vec()).is_none());
            }
        }

        #[test]
        fn parts_come_back_from_their_bytes(parts in proptest::collection::vec((any::<u64>(), any::<u64>()), 0..50)) {
            let mut parts: Vec<Part> = parts.into_iter().map(|(first, voxels)| Part { first, voxels }).collect();
            parts.push(Part { first: u64::MAX, voxels: 0 });
            let bytes = pack_parts(&parts);
            prop_assert_eq!(unpack_parts(&bytes, parts.len()), Some(parts.clone()));
            prop_assert_eq!(unpack_parts(&bytes, parts.len() + 1), None);
            prop_assert_eq!(unpack_parts(&bytes[..bytes.len() - 1], parts.len()), None);
        }
    }

    #[test]
    fn bytes_that_were_never_packed_are_no_runs_and_end_nothing() {
        let mut drawn = Drawn(7);
        for length in 0..2000 {
            let bytes: Vec<u8> = (0..length % 90).map(|_| drawn.below(256 >> (length % 7)) as u8).collect();
            if let Some((runs, part_of)) = unpack(&bytes) {
                assert_eq!(runs.len(), part_of.len());
            }
        }
    }
}
