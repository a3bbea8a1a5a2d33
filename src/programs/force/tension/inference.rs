//! Tension inference: a labels volume in, tensions of contacts and pressures of cells out.
//!
//! The outside, label 0, is a cell like the others. In the steps of CellFIT (Brodland, Veldhuis, Kim, Perrone,
//! Mashburn and Hutson, 2014) and CellFIT-3D (Veldhuis and others, 2017): surfaces are fitted to the contacts,
//! tensions balance at the junctions, pressures follow from curvatures. Tensions are relative, with a mean of 1;
//! pressures are in tension over length, and that of the outside is 0.
//!
//! Standard errors are those of steps between voxels, and in an image of what these leave open of the bend of each
//! contact (`bend.rs`). Of foams whose contacts are bent by a tenth of a voxel to some voxels from end to end they are
//! what is seen, to a factor of two. Where the bends of all contacts together do not stand out of chance, contacts are
//! taken for straight, and then tensions may be off by up to ten times what is told: by a hundredth in all, with
//! contacts 60 voxels long that are bent by a twentieth of a voxel. In a volume each contact is tried by itself.
//!
//! Cost: one look at every voxel, block by block; then a fit a patch, and least squares of one unknown a contact. Memory:
//! of an image 40 bytes a voxel beside a contact while arcs are fitted.
//! All sums over voxels are integers, so the answer does not depend on the cut nor on the workers.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Kind, Result};
use crate::lattice::patches::Sides;
use crate::lattice::tiling::Tiling;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::force::tension::balance::{Group, Tension, balance};
use crate::programs::force::tension::bend::expected;
use crate::programs::force::tension::fit::Fit;
use crate::programs::force::tension::gathering::Gathering;
use crate::programs::force::tension::junction::{Junction, junctions};
use crate::programs::force::tension::pressure::{Pressure, pressures};
use crate::programs::force::tension::surface::{Frame, Model, Surface};
use crate::programs::force::vector::Vector;
use crate::volume::shape::{Shape, Spacing};

/// A patch of fewer faces has no tangent: of an image, and of a volume.
const LEAST: [u64; 2] = [8, 16];

/// The edge of the cube of a bead in voxels: of an image, and of a volume.
const CUBE: [u32; 2] = [1, 4];

/// Sums of fourth powers are exact for sides up to this.
const LONGEST: usize = 1 << 22;

/// A contact whose tension was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Its tension.
    pub tension: Tension,
    /// The sum of its principal curvatures, above zero where the cell of the smaller label is the inner one.
    pub curvature: f64,
    /// The standard error of that.
    pub curvature_error: f64,
    /// Voxel faces by the axis they are normal to.
    pub faces: [u64; 3],
    /// The root of the mean square distance of its faces from the surfaces.
    pub misfit: f64,
    /// The middle of its largest patch.
    pub middle: Vector,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inference {
    /// Contacts by their sides.
    pub contacts: Vec<Contact>,
    /// Cells by group and label.
    pub cells: Vec<Pressure>,
    /// Junctions that were balanced.
    pub junctions: Vec<Junction>,
    /// Groups of contacts.
    pub groups: Vec<Group>,
    /// Contacts that meet no junction, such as the surface of a cell that lies alone, and contacts that are too
    /// small to have a tangent.
    pub dropped_contacts: Vec<Sides>,
    /// Junctions with a patch that is too small, or shorter than a few voxels.
    pub dropped_junctions: u64,
    /// The root of the mean square by which pressures miss what contacts ask for.
    pub pressure_residual: f64,
}

/// Infers tensions and pressures from a labels volume of this spacing. Every process has the same answer.
///
/// # Errors
/// A volume with no junction of three cells; labels that are noise; what [`Runtime::run`] may end with.
pub fn infer(runtime: &Runtime, tiling: &Tiling, spacing: &Spacing, config: &Config) -> Result<Inference> {
    let header = tiling.source().header();
    let (name, shape) = (header.name.as_str(), header.shape);
    let frame = frame(shape, spacing, name)?;
    let kind = usize::from(frame.axes.len() == 3);
    let gathering = Gathering { cube: CUBE[kind], least: LEAST[kind] };
    let patches = runtime.run(tiling, &gathering, config, |_, ()| Ok(()))?.global;
    let joined = patches.joined(LEAST[kind]);
    let within = frame.clone();
    let fits = runtime.spread(joined.patches.clone(), move |patch| Ok(Fit::new(&within, patch)))?;
    // Not those that meet no other, such as the surface of a cell that lies alone.
    let met: BTreeSet<u32> = joined.beads.iter().flat_map(|(.., met)| met.iter().copied()).collect();
    let bends = met.iter().filter_map(|patch| fits[*patch as usize].as_ref()?.bend());
    let bent = expected(&bends.collect::<Vec<_>>());
    let surfaces = runtime.spread(fits, move |fit| Ok(fit.as_ref().map(|fit| fit.surface(bent))))?;
    let junctions = junctions(&joined, &surfaces, &frame);
    if junctions.all.is_empty() {
        let count = patches.contacts.len();
        let dropped = junctions.dropped;
        let what = format!(
            "no three cells meet at a junction that can be balanced ({count} contacts, {dropped} junctions too \
             small): tensions show only where contacts meet; the outside, label 0, counts as a cell"
        );
        return Err(Error::input(name, what));
    }
    let (tensions, groups) = balance(&junctions.all);

    // What is known of each contact by all of its patches at junctions.
    let mut shapes: BTreeMap<Sides, Shapes> = BTreeMap::new();
    for ((patch, surface), number) in joined.patches.iter().zip(&surfaces).zip(0..) {
        // A patch that meets no junction may be an island of noise.
        let (Some(surface), Some(border)) = (surface, junctions.borders.get(&number)) else { continue };
        shapes.entry(patch.sides).or_default().add(surface, border);
    }
    let contacts: Vec<Contact> = tensions
        .into_iter()
        .map(|tension| {
            let shape = shapes.get(&tension.sides).cloned().unwrap_or_default();
            let faces = patches.contacts.get(&tension.sides).copied().unwrap_or_default();
            shape.contact(tension, faces)
        })
        .collect();
    let mut cells = Vec::new();
    let mut missed = (0.0, 0);
    let mut converged = groups.iter().all(|group| group.converged);
    for group in 0..groups.len() as u32 {
        let of = contacts.iter().filter(|contact| contact.tension.group == group);
        let of: Vec<_> =
            of.map(|contact| (&contact.tension, contact.curvature, contact.curvature_error.powi(2))).collect();
        let (pressures, residual, ended) = pressures(&of, group);
        cells.extend(pressures);
        missed = (missed.0 + residual * residual * of.len() as f64, missed.1 + of.len());
        converged &= ended;
    }
    if !converged {
        let what = "the least squares for tensions do not converge: the junctions hardly determine them; \
                    crop the volume with --roi";
        return Err(Error::new(Kind::Program, format!("{name}: {what}")));
    }
    let known = |sides: &&Sides| contacts.binary_search_by_key(sides, |contact| &contact.tension.sides).is_err();
    let dropped_contacts = patches.contacts.keys().filter(known).copied().collect();
    Ok(Inference {
        dropped_contacts,
        dropped_junctions: junctions.dropped,
        pressure_residual: (missed.0 / missed.1.max(1) as f64).sqrt(),
        contacts,
        cells,
        junctions: junctions.all,
        groups,
    })
}

/// The axes that count.
fn frame(shape: Shape, spacing: &Spacing, name: &str) -> Result<Frame> {
    let axes: Vec<usize> = (0..3).filter(|axis| shape.0[*axis] > 1).collect();
    if axes.len() < 2 {
        return Err(Error::input(name, format!("a volume of {shape} is a line: junctions need two axes or three")));
    }
    if shape.0.iter().any(|side| *side > LONGEST) {
        return Err(Error::resource(format!("{name}: {shape}: sides of more than 2^22 voxels: crop it with --roi")));
    }
    Ok(Frame { axes, half: spacing.zyx.map(|edge| 0.5 * edge) })
}

/// Sums over the patches of a contact.
#[derive(Clone, Debug, Default)]
struct Shapes {
    /// Inverse variances, and those times curvatures.
    weight: f64,
    curvature: f64,
    /// Faces, and those times square distances.
    faces: f64,
    square: f64,
    /// Of the largest patch.
    largest: u64,
    middle: Vector,
}

impl Shapes {
    fn add(&mut self, surface: &Surface, border: &[(Vector, f64)]) {
        let curvature = match surface.model {
            Model::Quadric => {
                let all: f64 = border.iter().map(|(_, weight)| weight).sum();
                border.iter().map(|(place, weight)| surface.curvature_at(*place) * weight).sum::<f64>() / all
            }
            _ => surface.curvature,
        };
        let weight = 1.0 / surface.curvature_variance.max(f64::MIN_POSITIVE);
        self.weight += weight;
        self.curvature += weight * curvature;
        self.faces += surface.faces as f64;
        self.square += surface.faces as f64 * surface.misfit.powi(2);
        if surface.faces > self.largest {
            (self.largest, self.middle) = (surface.faces, surface.middle);
        }
    }

    fn contact(self, tension: Tension, faces: [u64; 3]) -> Contact {
        Contact {
            tension,
            curvature: self.curvature / self.weight,
            curvature_error: (1.0 / self.weight).sqrt(),
            faces,
            misfit: (self.square / self.faces).sqrt(),
            middle: self.middle,
        }
    }
}
