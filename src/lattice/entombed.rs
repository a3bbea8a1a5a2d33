//! Runs as bytes by the crate `abomonation`: as they lie in memory, with no number looked at.
//!
//! That crate is unsound (RUSTSEC-2021-0120): bytes that it did not write become pointers. It is
//! here for the scratch of one run only, which holds what the same binary wrote in the same run
//! and is held against a checksum, and to be measured beside the codec that is used by default.

use crate::lattice::runs::{Runs, Span};
use crate::volume::region::Region;

/// What is entombed: numbers only, those of eight bytes first, so that all lie aligned when the
/// first does. The box and whether runs have labels, labels, rows, spans, parts.
type Plain = (Vec<u64>, Vec<u64>, Vec<u32>, Vec<u32>, Vec<u32>);

pub(crate) fn pack(runs: &Runs, part_of: &[u32]) -> Vec<u8> {
    let region = runs.region();
    let bounds = region.start.iter().chain(&region.end).map(|bound| *bound as u64);
    let bounds = bounds.chain([u64::from(runs.is_labelled())]).collect();
    let spans = bytemuck::cast_slice::<Span, u32>(runs.spans()).to_vec();
    let plain: Plain = (bounds, runs.labels().to_vec(), runs.rows().to_vec(), spans, part_of.to_vec());
    let mut bytes = Vec::new();
    entomb(&plain, &mut bytes);
    bytes
}

pub(crate) fn unpack(bytes: Vec<u8>) -> Option<(Runs, Vec<u32>)> {
    let mut words = vec![0u64; bytes.len().div_ceil(8)];
    bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..bytes.len()].copy_from_slice(&bytes);
    drop(bytes);
    let (bounds, labels, rows, spans, part_of) = exhume(&mut words)?;
    let &[z, y, x, end_z, end_y, end_x, labelled] = &bounds[..] else { return None };
    let region = Region { start: [z, y, x].map(|n| n as usize), end: [end_z, end_y, end_x].map(|n| n as usize) };
    let spans = bytemuck::try_cast_slice::<u32, Span>(spans).ok()?.to_vec();
    let labels = (labelled != 0).then(|| labels.clone());
    Some((Runs::from_rows(region, rows.clone(), spans, labels)?, part_of.clone()))
}

#[allow(unsafe_code)]
fn entomb(plain: &Plain, bytes: &mut Vec<u8>) {
    // SAFETY: a tuple of five `Vec` has no padding, so every byte that is written is initialised;
    // the pointers among them are replaced before anyone follows them.
    unsafe { abomonation::encode(plain, bytes) }.expect("a Vec takes all bytes");
}

#[allow(unsafe_code)]
fn exhume(words: &mut [u64]) -> Option<&Plain> {
    // The numbers of eight bytes come first, so that all lie aligned; nothing that is read is ever
    // dropped, it borrows the words, and any bits are valid as numbers.
    // SAFETY: `pack` of this binary wrote the bytes, in this run: scratch gives back a section only
    // where its checksum is that of what was put. They begin at a multiple of eight.
    let (plain, _) = unsafe { abomonation::decode::<Plain>(bytemuck::cast_slice_mut(words)) }?;
    Some(plain)
}
