//! How cells divide between sweeps, in all blocks at once.
//!
//! A division takes three supersteps, and only where a cell divides: blocks tell all others the first voxel of each cell
//! that does, then the sums of [`division`](crate::programs::potts::division), then what cells lost and gained. The
//! daughter, on the far side of the plane, has the next number that is free; numbers are given in order of the mothers,
//! and none is given twice. Both have the type of the mother, and half its target.

use std::collections::BTreeMap;

use crate::combine::Combine;
use crate::error::{Error, Kind, Result};
use crate::programs::potts::division::{Bulk, Plane, offset};
use crate::programs::potts::model::WALL;
use crate::programs::potts::rule::Rule;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;
use crate::programs::potts::tally::{Changes, Gathering};

/// The first voxel in a block of each cell that divides, as a number in raster order.
pub(super) fn anchors(rule: &Rule, site: &Site, spins: &Spins, dividing: &[u32]) -> BTreeMap<u32, u64> {
    let mut anchors = BTreeMap::new();
    each_of(
        site,
        spins,
        |spin| dividing.binary_search(&spin).is_ok(),
        |spin, voxel| {
            // Voxels come in raster order.
            anchors.entry(spin).or_insert_with(|| rule.shape.raster(voxel));
        },
    );
    anchors
}

/// What a block has of the sums of cells that divide.
pub(super) fn bulks(rule: &Rule, site: &Site, spins: &Spins, anchors: &BTreeMap<u32, u64>) -> BTreeMap<u32, Bulk> {
    let mut bulks: BTreeMap<u32, Bulk> = BTreeMap::new();
    each_of(
        site,
        spins,
        |spin| anchors.contains_key(&spin),
        |spin, voxel| {
            let offset = offset(&rule.model, rule.shape, rule.shape.voxel(anchors[&spin]), voxel);
            bulks.entry(spin).or_default().add(offset);
        },
    );
    bulks
}

/// Visits the own voxels of some cells.
fn each_of(site: &Site, spins: &Spins, of: impl Fn(u32) -> bool, mut visit: impl FnMut(u32, [usize; 3])) {
    for (z, y) in site.rows() {
        for x in site.places(2) {
            let spin = spins.get([z, y, x]);
            if of(spin) {
                visit(spin, site.voxel([z, y, x]));
            }
        }
    }
}

/// A cell that divides.
pub(super) struct Mother {
    pub(super) spin: u32,
    pub(super) daughter: u32,
    anchor: [usize; 3],
    plane: Plane,
}

/// The cells that divide, ascending, of which the first daughter has the number `next`.
///
/// # Errors
/// Where there are no more numbers.
pub(super) fn mothers(
    rule: &Rule,
    next: u64,
    anchors: &BTreeMap<u32, u64>,
    bulks: &BTreeMap<u32, Bulk>,
) -> Result<Vec<Mother>> {
    let mother = |((spin, bulk), number): ((&u32, &Bulk), u64)| {
        let daughter = u32::try_from(number).ok().filter(|daughter| *daughter != WALL);
        let daughter =
            daughter.ok_or_else(|| Error::new(Kind::Program, "there are no more numbers for cells below 2^32 - 1"))?;
        let (anchor, plane) = (rule.shape.voxel(anchors[spin]), Plane::new(bulk.clone()));
        Ok(Mother { spin: *spin, daughter, anchor, plane })
    };
    bulks.iter().zip(next..).map(mother).collect()
}

/// Divides cells in a block and its shell; what they and their daughters lose and gain here of voxels and pairs.
pub(super) fn divide(rule: &Rule, site: &Site, spins: &mut Spins, mothers: &[Mother]) -> (Changes, Changes) {
    let mother = |spin: u32| mothers.binary_search_by_key(&spin, |mother| mother.spin).ok().map(|at| &mothers[at]);
    let mut surfaces = surfaces_of(rule, site, spins, -1, |spin| mother(spin).is_some());
    let mut volumes = Gathering::default();
    let becomes = |spin: u32, voxel: [usize; 3]| {
        let mother = mother(spin)?;
        mother.plane.parts(offset(&rule.model, rule.shape, mother.anchor, voxel)).then_some(mother.daughter)
    };
    for (z, y) in site.rows() {
        for x in site.places(2) {
            let spin = spins.get([z, y, x]);
            if let Some(daughter) = becomes(spin, site.voxel([z, y, x])) {
                spins.set([z, y, x], daughter);
                volumes.push(spin, -1);
                volumes.push(daughter, 1);
            }
        }
    }
    for piece in &site.takes {
        piece.each(|voxel, place| {
            if let Some(daughter) = becomes(spins.get(place), voxel) {
                spins.set(place, daughter);
            }
        });
    }
    let is_daughter = |spin: u32| mothers.binary_search_by_key(&spin, |mother| mother.daughter).is_ok();
    let of = |spin: u32| mother(spin).is_some() || is_daughter(spin);
    surfaces.extend(surfaces_of(rule, site, spins, 1, of));
    let mut gathered = Gathering::default();
    surfaces.into_iter().for_each(|(spin, by)| gathered.push(spin, by));
    (volumes.take(), gathered.take())
}

/// The pairs of neighbours in a block of which one is a voxel of some cells and the other is not of the same, `times`
/// so many.
pub(super) fn surfaces_of(rule: &Rule, site: &Site, spins: &Spins, times: i64, of: impl Fn(u32) -> bool) -> Changes {
    let Some(terms) = rule.terms.as_ref().filter(|terms| terms.counts_surfaces()) else { return Changes::new() };
    let mut pairs = Gathering::default();
    for (z, y) in site.rows() {
        for x in site.places(2) {
            let own = spins.get([z, y, x]);
            if !of(own) {
                continue;
            }
            let unlike = |step: &&usize| {
                let along = rule.steps[**step];
                let there: [usize; 3] =
                    std::array::from_fn(|axis| [z, y, x][axis].wrapping_add_signed(along[axis].into()));
                let met = spins.get(there);
                met != own && met != WALL
            };
            match terms.surface_steps().iter().filter(unlike).count() {
                0 => {}
                count => pairs.push(own, times * count as i64),
            }
        }
    }
    pairs.take()
}

/// What blocks tell of cells that divide.
pub(super) fn first_of(ours: &mut BTreeMap<u32, u64>, theirs: BTreeMap<u32, u64>) {
    for (spin, voxel) in theirs {
        let first = ours.entry(spin).or_insert(voxel);
        *first = voxel.min(*first);
    }
}

/// What blocks tell of cells that divide.
pub(super) fn sums_of(ours: &mut BTreeMap<u32, Bulk>, theirs: BTreeMap<u32, Bulk>) {
    theirs.into_iter().for_each(|(spin, bulk)| ours.entry(spin).or_default().combine(bulk));
}
