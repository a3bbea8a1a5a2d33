//! What is measured of graphs, and of sessions.

/// What is to be measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How large: of graphs as [`inputs`](crate::bench::input::inputs) has it, of volumes that are made
    /// the voxels along each axis.
    pub size: u32,
    /// How often each is timed, at least once.
    pub repeat: usize,
    /// The seed of what is made.
    pub seed: u64,
    /// The names of the graphs or volumes, or paths of volumes; empty for all that are made.
    pub cases: Vec<String>,
    /// The names of the operations; empty for all.
    pub ops: Vec<String>,
}
