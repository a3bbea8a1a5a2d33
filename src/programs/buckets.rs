//! A bucket queue of slots by distance: the priority queue of delta-stepping.
//!
//! Bucket `b` holds distances from `b * delta` on; its order inside is that of entry. A ring of
//! lists serves the buckets near the first; what lies beyond waits in one list until the ring comes
//! there. An entry costs O(1), unless distances span many rings: then once more for each.

use serde::{Deserialize, Serialize};

/// Buckets of the ring.
const RING: u64 = 1024;

/// A distance and the slot it is to.
pub(crate) type Entry = (f64, u32);

/// The queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Buckets {
    /// One over the width of a bucket.
    per_length: f64,
    /// The ring serves `base..base + RING`; none below is asked for any more.
    base: u64,
    /// No bucket of the ring below this one has entries.
    low: u64,
    ring: Vec<Vec<Entry>>,
    /// How many entries the ring has.
    near: usize,
    beyond: Vec<Entry>,
    /// The first bucket of an entry beyond; `u64::MAX` where there is none.
    beyond_low: u64,
}

impl Buckets {
    /// An empty queue of buckets of this width, which is positive.
    pub(crate) fn new(delta: f64) -> Self {
        Self {
            per_length: 1.0 / delta,
            base: 0,
            low: 0,
            ring: vec![Vec::new(); RING as usize],
            near: 0,
            beyond: Vec::new(),
            beyond_low: u64::MAX,
        }
    }

    /// The bucket of a distance: never smaller for a larger one.
    #[inline]
    pub(crate) fn bucket(&self, distance: f64) -> u64 {
        // The largest number is that of no bucket.
        ((distance * self.per_length) as u64).min(u64::MAX - 1)
    }

    /// Adds an entry; its bucket is not below one that was taken.
    #[inline]
    pub(crate) fn push(&mut self, distance: f64, slot: u32) {
        let bucket = self.bucket(distance);
        debug_assert!(bucket >= self.base, "the queue goes up");
        if bucket - self.base < RING {
            self.ring[(bucket % RING) as usize].push((distance, slot));
            self.near += 1;
            self.low = self.low.min(bucket);
        } else {
            self.beyond.push((distance, slot));
            self.beyond_low = self.beyond_low.min(bucket);
        }
    }

    /// The first bucket that has entries; `u64::MAX` where all are empty.
    pub(crate) fn first(&mut self) -> u64 {
        if self.near == 0 {
            return self.beyond_low;
        }
        while self.ring[(self.low % RING) as usize].is_empty() {
            self.low += 1;
        }
        // Entries went beyond while the ring served lower buckets than it does now.
        self.low.min(self.beyond_low)
    }

    /// Takes the entries of a bucket, below which there are none, into `entries`, which is empty;
    /// its buffer stays.
    pub(crate) fn take(&mut self, bucket: u64, entries: &mut Vec<Entry>) {
        self.base = self.base.max(bucket);
        self.low = self.low.max(self.base);
        if self.beyond_low <= bucket {
            self.come_near();
        }
        std::mem::swap(&mut self.ring[(bucket % RING) as usize], entries);
        self.near -= entries.len();
    }

    /// Moves what the ring serves now from beyond to the ring.
    fn come_near(&mut self) {
        let mut beyond = std::mem::take(&mut self.beyond);
        self.beyond_low = u64::MAX;
        beyond.retain(|&(distance, slot)| {
            let bucket = self.bucket(distance);
            let stays = bucket - self.base >= RING;
            if stays {
                self.beyond_low = self.beyond_low.min(bucket);
            } else {
                self.push(distance, slot);
            }
            stays
        });
        self.beyond = beyond;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn entries_come_by_bucket_and_none_is_lost(
            steps in proptest::collection::vec((0.0f64..1.0, 0u32..5, 0usize..4), 1..200)
        ) {
            let mut queue = Buckets::new(0.25);
            let (mut entries, mut plain) = (Vec::new(), Vec::<Entry>::new());
            let mut at = 0.0;
            for (turn, (part, magnitude, takes)) in steps.into_iter().enumerate() {
                // Steps from far below a bucket's width to far beyond the ring.
                let distance = at + part * 10f64.powi(magnitude as i32);
                queue.push(distance, turn as u32);
                plain.push((distance, turn as u32));
                for _ in 0..takes {
                    let first = plain.iter().map(|(distance, _)| queue.bucket(*distance)).min();
                    prop_assert_eq!(queue.first(), first.unwrap_or(u64::MAX));
                    let Some(bucket) = first else { break };
                    entries.clear();
                    queue.take(bucket, &mut entries);
                    let (due, rest): (Vec<_>, Vec<_>) = plain.into_iter().partition(|(d, _)| queue.bucket(*d) == bucket);
                    entries.sort_by_key(|(_, turn)| *turn);
                    prop_assert_eq!(&entries, &due);
                    plain = rest;
                    at = bucket as f64 * 0.25;
                }
            }
        }
    }
}
