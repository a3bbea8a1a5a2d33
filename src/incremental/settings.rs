//! What a session keeps up.

use std::fmt;

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

impl Settings {
    /// How voxels are selected that a session paints itself: it paints labels, or ones.
    pub(crate) fn painted(&self) -> Select {
        if self.select == Select::Labels { Select::Labels } else { Select::NonZero }
    }
}

/// What a session keeps up of any volume.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// As [`Settings::select`].
    pub select: Select,
    /// As [`Settings::join`].
    pub join: Option<Stencil>,
    /// As [`Settings::want`].
    pub want: Want,
}

impl Rules {
    /// Those of some settings.
    pub fn of(settings: &Settings) -> Self {
        Self { select: settings.select, join: settings.join, want: settings.want }
    }

    /// The settings by these rules of a volume that is cut so; of commits only the last is kept.
    pub fn settings(&self, grid: Grid) -> Settings {
        Settings { grid, select: self.select, join: self.join, want: self.want, kept: 0 }
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { select, join, want } = self;
        match join {
            None => write!(f, "cells by label")?,
            Some(stencil) => write!(f, "components of {select:?} at {stencil}")?,
        }
        let contacts = want.contacts.map_or("no contacts".into(), |stencil| format!("contacts at {stencil}"));
        write!(f, ", {:?} of cells, {contacts}", want.cells)
    }
}
