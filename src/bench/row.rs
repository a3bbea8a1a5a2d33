//! A line of what was measured.

use serde::Serialize;

/// A figure of septa beside that of what it is compared with.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The operation.
    pub op: String,
    /// The graph or volume.
    pub case: String,
    /// Worker threads of each process.
    pub workers: usize,
    /// Processes.
    pub processes: usize,
    /// The median time of a run.
    pub seconds: f64,
    /// How much is done a second.
    pub rate: f64,
    /// The unit of the rate.
    pub unit: &'static str,
    /// What it is compared with, if anything.
    pub baseline: Option<String>,
    /// The median time of that.
    pub baseline_seconds: Option<f64>,
    /// The time of the baseline over ours: above 1 is faster.
    pub ratio: Option<f64>,
    /// The most resident memory of the process while septa ran, its input included.
    pub peak_rss_bytes: Option<u64>,
    /// What is known of the engine besides.
    #[serde(flatten)]
    pub engine: Option<Engine>,
}

/// What the engine tells of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Engine {
    /// Of the median time, a start that computes nothing: blocks of a lattice are made from voxels
    /// in it.
    pub setup_seconds: f64,
    /// Supersteps of a run.
    pub supersteps: u64,
    /// Of the resident memory, what was not there before: states, messages and, of a lattice, its
    /// blocks.
    pub run_rss_bytes: Option<u64>,
}

/// The median; of an even number the smaller of the two in the middle, of none not a number.
pub fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_times_are_not_above_the_median() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]), 2.0);
        assert!(median(Vec::new()).is_nan());
    }
}
