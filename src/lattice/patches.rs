//! Contacts as surfaces: the patches they consist of, and the lines where patches of three cells meet.
//!
//! A *patch* is what hangs together of the faces between two labels, of which one may be 0, the outside. A
//! *bead* is a stretch of a junction line: edges of voxels around which the same three labels lie, in one cube
//! of a few voxels. Both are sums of integers, so what blocks find merges exactly and in any order; patches that
//! go on in other blocks are joined by the faces that both saw.
//!
//! In an image of one slice the lines are points, and a bead is a corner of pixels.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::combine::Combine;
use crate::disjoint::Disjoint;
use crate::lattice::banks::Banks;
use crate::lattice::face_moments::FaceMoments;

/// The labels of the two sides, the smaller first.
pub type Sides = (u64, u64);

/// A face: thrice the raster index of its voxel of smaller coordinates, and the axis it is normal to.
pub type FaceId = u64;

/// A bead by its labels, ascending, the last one again where there are three; and its cube.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BeadKey {
    /// The labels.
    pub labels: [u64; 4],
    /// The cube: z, y, x.
    pub cube: [u32; 3],
}

/// A stretch of a junction line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bead {
    /// Edges of voxels.
    pub edges: u64,
    /// The sum of twice the places of their middles: z, y, x in voxels.
    pub sum: [i64; 3],
    /// The patches that meet there: sides, and a face of the patch.
    pub patches: BTreeSet<(Sides, FaceId)>,
}

impl Combine for Bead {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        self.edges += other.edges;
        self.sum.iter_mut().zip(other.sum).for_each(|(ours, theirs)| *ours += theirs);
        self.patches.extend(other.patches);
    }
}

/// What a block, or several, know of contacts as surfaces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patches {
    /// Faces between two labels, by the axis they are normal to.
    pub contacts: BTreeMap<Sides, [u64; 3]>,
    /// Patches by their smallest face in a block.
    pub(crate) pieces: BTreeMap<FaceId, Patch>,
    /// Faces of one patch.
    pub(crate) joins: BTreeSet<(FaceId, FaceId)>,
    /// Stretches of junction lines.
    pub(crate) beads: BTreeMap<BeadKey, Bead>,
}

impl Combine for Patches {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, mut other: Self) {
        other.contacts.into_iter().for_each(|faces| self.count(faces));
        // A face is of one block, so no two pieces have the same.
        self.pieces.append(&mut other.pieces);
        self.joins.append(&mut other.joins);
        for (key, bead) in other.beads {
            self.beads.entry(key).or_default().combine(bead);
        }
    }
}

/// A connected part of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// What it lies between.
    pub sides: Sides,
    /// Its faces.
    pub moments: FaceMoments,
    /// In an image the voxels beside it.
    pub banks: Banks,
}

impl Patch {
    /// That of no faces.
    pub(crate) fn none(sides: Sides) -> Self {
        Self { sides, moments: FaceMoments::default(), banks: Banks::default() }
    }
}

/// Patches, and for each bead those that meet there, by their number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined {
    /// In the order of their smallest faces.
    pub patches: Vec<Patch>,
    /// Beads in the order of their keys, with the patches that meet there.
    pub beads: Vec<(BeadKey, Bead, Vec<u32>)>,
}

impl Patches {
    /// Counts faces of a contact.
    pub(crate) fn count(&mut self, (sides, faces): (Sides, [u64; 3])) {
        if faces != [0; 3] {
            let ours = self.contacts.entry(sides).or_default();
            ours.iter_mut().zip(faces).for_each(|(ours, theirs)| *ours += theirs);
        }
    }

    /// Puts together what goes on from block to block. Patches of fewer faces than `least` are left out.
    pub fn joined(&self, least: u64) -> Joined {
        let ids: BTreeSet<FaceId> =
            self.joins.iter().flat_map(|(a, b)| [*a, *b]).chain(self.pieces.keys().copied()).collect();
        let ids: Vec<FaceId> = ids.into_iter().collect();
        let number = |id: FaceId| ids.binary_search(&id).ok().map(|at| at as u32);
        let mut sets = Disjoint::new(ids.len());
        for (a, b) in &self.joins {
            if let (Some(a), Some(b)) = (number(*a), number(*b)) {
                sets.join(a, b);
            }
        }
        // The root is the smallest face, so the order is that of the volume.
        let mut whole: BTreeMap<u32, Patch> = BTreeMap::new();
        for (id, piece) in &self.pieces {
            let root = sets.find(number(*id).expect("every piece is listed"));
            let patch = whole.entry(root).or_insert_with(|| Patch::none(piece.sides));
            patch.moments.combine(piece.moments.clone());
            patch.banks.combine(piece.banks.clone());
        }
        whole.retain(|_, patch| patch.moments.count() >= least);
        let roots: Vec<u32> = whole.keys().copied().collect();
        let mut of = |id: FaceId| roots.binary_search(&sets.find(number(id)?)).ok().map(|at| at as u32);
        let beads = self.beads.iter().map(|(key, bead)| {
            let mut met: Vec<u32> = bead.patches.iter().filter_map(|(_, id)| of(*id)).collect();
            met.sort_unstable();
            met.dedup();
            (*key, bead.clone(), met)
        });
        let beads = beads.collect();
        Joined { patches: whole.into_values().collect(), beads }
    }
}
