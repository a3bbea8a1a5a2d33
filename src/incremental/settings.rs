//! What a session keeps up.

use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::Want;
use crate::volume::grid::Grid;

/// What a session keeps up.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The volume, and how it is cut: what is done anew after a change is done by block.
    pub grid: Grid,
    /// Which voxels count.
    pub select: Select,
    /// Which voxels are joined to components, the cells then. Without it the voxels of one label are
    /// a cell, and `select` is [`Select::Labels`].
    pub join: Option<Stencil>,
    /// What is counted of cells and contacts.
    pub want: Want,
    /// How many commits before the last can still be read.
    pub kept: u64,
}
