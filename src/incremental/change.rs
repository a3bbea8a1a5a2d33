//! What a commit changed.

use serde::{Deserialize, Serialize};

use crate::lattice::contact::Contact;
use crate::lattice::summary::Cell;

/// What a commit changed: the rows of the tables that are not as they were, ascending, and what
/// became of cells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The number of the commit, from 1.
    pub epoch: u64,
    /// Blocks whose voxels changed.
    pub blocks: u64,
    /// Cells, by label.
    pub cells: Vec<Row<u64, Cell>>,
    /// Contacts, by the labels of the two, the smaller first.
    pub contacts: Vec<Row<(u64, u64), Contact>>,
    /// What became of cells, by label; nothing of labels that are not listed.
    pub events: Vec<Event>,
}

/// A row of a table that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row<K, V> {
    /// What it is the row of.
    pub key: K,
    /// What it was; nothing where there was none.
    pub old: Option<V>,
    /// What it is; nothing where there is none.
    pub new: Option<V>,
}

/// What became of cells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    /// A cell that no voxel of which was in one before.
    Appeared {
        /// Its label.
        label: u64,
    },
    /// A cell no voxel of which is left.
    Vanished {
        /// The label it had.
        label: u64,
    },
    /// Cells that went on, most of each, in one that has another label.
    Merged {
        /// The labels they had, ascending.
        from: Vec<u64>,
        /// The label of that cell.
        into: u64,
    },
    /// A cell whose voxels are in several now, or that lost its label with half of its voxels.
    Split {
        /// The label it had.
        from: u64,
        /// The labels of those, ascending.
        into: Vec<u64>,
    },
    /// A cell that kept its label and has more or fewer voxels. Of labels that are only listed it is
    /// not known.
    Resized {
        /// Its label.
        label: u64,
        /// Voxels before.
        before: u64,
        /// Voxels now.
        after: u64,
    },
}
