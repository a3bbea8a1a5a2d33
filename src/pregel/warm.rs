//! What the states of an earlier run are worth on a graph that has changed since.

/// Where a program may go on from states that vertices had in the end of an earlier run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Warm {
    /// Nowhere: all vertices begin anew.
    #[default]
    Never,
    /// Where vertices and edges only came: for programs whose states move one way, and whose end is the
    /// first state that all edges agree with.
    Growth,
    /// Everywhere: for programs that end near the one fixed point, wherever they begin.
    Always,
}
