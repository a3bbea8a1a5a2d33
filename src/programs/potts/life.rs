//! What happens to cells between sweeps: targets grow, cells begin to die, cells divide. Every block does the same to
//! its census.
//!
//! A division takes three supersteps, and only where a cell divides: blocks tell the first voxel of each cell that does,
//! then the sums of [`division`](crate::programs::potts::division), then what cells lost and gained. The daughter, on
//! the far side of the plane, has the next number that is free; numbers are given in order of the mothers, and none is
//! given twice. Both have the type of the mother, and half its target.

use std::collections::BTreeMap;

use crate::combine::Combine;
use crate::error::{Error, Kind, Result};
use crate::programs::potts::cells::thousandths;
use crate::programs::potts::census::{Census, DYING, grown};
use crate::programs::potts::dice::{Dice, Purpose};
use crate::programs::potts::division::{Bulk, Plane, offset};
use crate::programs::potts::model::WALL;
use crate::programs::potts::rule::Rule;
use crate::programs::potts::seams::Site;
use crate::programs::potts::spins::Spins;
use crate::programs::potts::tally::{Changes, Gathering};

/// Lets cells grow older by a sweep, and tells those that divide, ascending.
pub(super) fn age(rule: &Rule, census: &mut Census, sweep: u64) -> Result<Vec<u32>> {
    let Some(cells) = rule.cells().filter(|cells| cells.ages()) else { return Ok(Vec::new()) };
    let types = cells.types();
    let growths = types.iter().map(|of| thousandths(of.growth, "a growth")).collect::<Result<Vec<i64>>>()?;
    // Of 2^32 chances those in which a cell begins to die.
    let deaths: Vec<u64> = types.iter().map(|of| (of.death * (1u64 << 32) as f64).round() as u64).collect();
    let mut words = vec![0; if deaths.iter().any(|death| *death > 0) { census.types.len() } else { 0 }];
    Dice::new(rule.model.seed, Purpose::Deaths, sweep).fill(0, &mut words);
    let mut dividing = Vec::new();
    for (spin, target) in census.targets.iter_mut().enumerate().filter(|(_, target)| **target != DYING) {
        let (kind, volume) = (usize::from(census.types[spin]), census.volumes[spin]);
        if volume > 0 && words.get(spin).is_some_and(|word| u64::from(*word) < deaths[kind]) {
            *target = DYING;
            continue;
        }
        *target = grown(*target, growths[kind]);
        if types[kind].divide_at > 0 && u64::from(volume) >= types[kind].divide_at {
            dividing.push(spin as u32);
        }
    }
    Ok(dividing)
}

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

/// Divides cells in a block and its shell, and in its census; what cells lose and gain here of voxels and pairs.
///
/// # Errors
/// Where there are no more numbers.
pub(super) fn divide(
    rule: &Rule,
    site: &Site,
    spins: &mut Spins,
    census: &mut Census,
    anchors: &BTreeMap<u32, u64>,
    bulks: &BTreeMap<u32, Bulk>,
) -> Result<(Changes, Changes)> {
    let mut planes = BTreeMap::new();
    for (mother, bulk) in bulks {
        let daughter = census.types.len() as u32;
        if daughter == WALL {
            return Err(Error::new(Kind::Program, "there are no more numbers for cells below 2^32 - 1"));
        }
        let (anchor, plane) = (rule.shape.voxel(anchors[mother]), Plane::new(bulk.clone()));
        planes.insert(*mother, (daughter, anchor, plane));
        let at = *mother as usize;
        census.targets[at] /= 2;
        census.targets.push(census.targets[at]);
        census.types.push(census.types[at]);
        census.volumes.push(0);
        if rule.needs_surfaces() {
            census.surfaces.push(0);
        }
    }
    let mut surfaces = surfaces_of(rule, site, spins, -1, |spin| planes.contains_key(&spin));
    let mut volumes = Gathering::default();
    let becomes = |spin: u32, voxel: [usize; 3]| {
        let (daughter, anchor, plane) = planes.get(&spin)?;
        plane.parts(offset(&rule.model, rule.shape, *anchor, voxel)).then_some(*daughter)
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
        piece.each(None, |voxel, place| {
            if let Some(daughter) = becomes(spins.get(place), voxel) {
                spins.set(place, daughter);
            }
        });
    }
    let daughters: Vec<u32> = planes.values().map(|(daughter, ..)| *daughter).collect();
    let of = |spin: u32| planes.contains_key(&spin) || daughters.binary_search(&spin).is_ok();
    surfaces.extend(surfaces_of(rule, site, spins, 1, of));
    let mut gathered = Gathering::default();
    surfaces.into_iter().for_each(|(spin, by)| gathered.push(spin, by));
    Ok((volumes.take(), gathered.take()))
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
