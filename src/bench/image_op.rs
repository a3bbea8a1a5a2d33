//! The operations on volumes that are measured: septa's programs as the commands run them, and
//! plain loops over voxels.
//!
//! To add one, write a line in [`OPS`] and say in [`Op::run`] and [`Op::plain`] what it does.

use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use crate::bench::volumes::Volume;
use crate::bench::voxelwise;
use crate::error::Result;
use crate::lattice::moments::Moments;
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Summary, Want};
use crate::lattice::tiling::Tiling;
use crate::measure::shape;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::labelling::{Figures, Labelling};
use crate::programs::measure::Measure;
use crate::programs::painted::Painted;
use crate::volume::grid::BlockSize;
use crate::volume::pages::zeros;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Dtype, Voxel, Voxels, each_voxel_type};

/// What is measured of volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Components.
    Label,
    /// Contacts of cells.
    Contacts,
    /// Tables of cells.
    Measure,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// Labels the components: into a volume in memory, or for their figures only.
    Label { stencil: Stencil, paint: bool },
    /// Reads voxels and writes fresh memory, a label each: what no labeller can be faster than.
    Floor,
    /// Finds the contacts.
    Contacts { stencil: Stencil },
    /// Measures the cells in such detail, and finds their contacts where a stencil is given.
    Measure { detail: Detail, contacts: Option<Stencil> },
}

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// How rows call it.
    pub name: &'static str,
    /// What it belongs to.
    pub what: What,
    /// The peers that do it too, as [`peers`](crate::bench::peers) calls them.
    pub tools: &'static [&'static str],
    /// What the first figure of its answer counts.
    pub counts: &'static str,
    does: Does,
}

const LABELLERS: &[&str] = &["cc3d"];
const TABLES: &[&str] = &["cc3d.statistics", "regionprops_table"];
const N6: Stencil = Stencil::N6;
const N26: Stencil = Stencil::N26;

/// Every operation.
pub const OPS: [Op; 9] = [
    op("label6", What::Label, LABELLERS, Does::Label { stencil: N6, paint: true }),
    op("label26", What::Label, LABELLERS, Does::Label { stencil: N26, paint: true }),
    op("figures6", What::Label, LABELLERS, Does::Label { stencil: N6, paint: false }),
    op("figures26", What::Label, LABELLERS, Does::Label { stencil: N26, paint: false }),
    op("floor", What::Label, &[], Does::Floor),
    op("contacts6", What::Contacts, &["cc3d.contacts", "bioimage-cpp"], Does::Contacts { stencil: N6 }),
    op("contacts26", What::Contacts, &["cc3d.contacts"], Does::Contacts { stencil: N26 }),
    op("measure", What::Measure, TABLES, Does::Measure { detail: Detail::Moments, contacts: None }),
    op("shape+contacts6", What::Measure, TABLES, Does::Measure { detail: Detail::Shape, contacts: Some(N6) }),
];

const fn op(name: &'static str, what: What, tools: &'static [&'static str], does: Does) -> Op {
    let counts = match what {
        What::Label => "components",
        What::Contacts => "contacts",
        What::Measure => "cells",
    };
    Op { name, what, tools, counts, does }
}

/// What an operation found.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Counts, the most telling first.
    figures: Vec<u64>,
    /// The labels, where they were written.
    labels: Option<Voxels>,
}

impl Answer {
    /// Numbers that are the same where the results are, the count first. The labels are dropped.
    pub fn figures(self) -> Vec<u64> {
        let mut figures = self.figures;
        if let Some(labels) = self.labels {
            let labels = labels.cast(Dtype::U32);
            let digest = labels.view::<u32>().map(|labels| match labels.as_slice() {
                Some(labels) => xxh3_64(bytemuck::cast_slice(labels)),
                None => xxh3_64(bytemuck::cast_slice(&labels.iter().copied().collect::<Vec<u32>>())),
            });
            figures.extend(digest);
        }
        figures
    }
}

impl Op {
    /// Whether there is a plain version to compare with.
    pub fn has_plain(&self) -> bool {
        self.does != Does::Floor
    }

    /// Septa's, from voxels in memory and started workers to the result; counts on process 0.
    ///
    /// # Errors
    /// Where the volume cannot be cut, or its voxels are no labels and should be.
    pub fn run(&self, volume: &Volume, blocks: BlockSize, runtime: &Runtime) -> Result<Answer> {
        let tiling = Tiling::new(volume.memory.clone(), blocks)?;
        let summarise = |want| -> Result<Summary> {
            Ok(runtime.run(&tiling, &Measure { want }, &Config::default(), |_, ()| Ok(()))?.global)
        };
        match self.does {
            Does::Label { stencil, paint } => {
                let select = if volume.labels { Select::Labels } else { Select::NonZero };
                let program = Labelling { select, stencil, min_voxels: 0, paint, want: None, grid: *tiling.grid() };
                let (found, labels) = labels_in_memory(runtime, &tiling, &program)?;
                Ok(Answer { figures: vec![found.components, found.largest, found.foreground], labels })
            }
            Does::Floor => {
                let threads = runtime.workers().per_process();
                let labels = each_voxel_type!(volume.memory.voxels(), array => match array.as_slice() {
                    Some(voxels) => floor(voxels, threads),
                    None => floor(&array.iter().copied().collect::<Vec<_>>(), threads),
                });
                Ok(Answer { figures: Vec::new(), labels: Some(Voxels::from_vec(volume.shape(), labels)) })
            }
            Does::Contacts { stencil } => {
                let found = summarise(Want { cells: Detail::Listed, contacts: Some(stencil) })?.contacts;
                let faces = found.values().map(|contact| contact.n_faces()).sum();
                let pairs = found.values().map(|contact| contact.pairs).sum();
                Ok(Answer { figures: vec![found.len() as u64, faces, pairs], labels: None })
            }
            Does::Measure { detail, contacts } => {
                let found = summarise(Want { cells: detail, contacts })?;
                let header = volume.memory.header();
                let table = shape::cells(&found, &header.spacing, header.shape, detail);
                let cells = found.cells.iter().map(|(label, cell)| (*label, &cell.moments));
                Ok(Answer { figures: vec![table.rows() as u64, digest(cells)], labels: None })
            }
        }
    }

    /// The same by plain loops over voxels, on one thread.
    pub fn plain(&self, volume: &Volume) -> Answer {
        each_voxel_type!(volume.memory.voxels(), array => match array.as_slice() {
            Some(voxels) => self.plainly(voxels, volume),
            None => self.plainly(&array.iter().copied().collect::<Vec<_>>(), volume),
        })
    }

    fn plainly<T: Voxel>(&self, voxels: &[T], volume: &Volume) -> Answer {
        let shape = volume.shape();
        match self.does {
            Does::Label { stencil, paint } => {
                let found = voxelwise::label(voxels, shape, stencil, volume.labels);
                let largest = found.sizes.iter().copied().max().unwrap_or(0);
                let figures = vec![found.sizes.len() as u64, largest, found.sizes.iter().sum()];
                Answer { figures, labels: paint.then(|| Voxels::from_vec(shape, found.labels)) }
            }
            Does::Floor => Answer { figures: Vec::new(), labels: Some(Voxels::from_vec(shape, floor(voxels, 1))) },
            Does::Contacts { stencil } => {
                let found = voxelwise::contacts(voxels, shape, stencil);
                let [faces, pairs] = [0, 1].map(|which| found.values().map(|counts| counts[which]).sum());
                Answer { figures: vec![found.len() as u64, faces, pairs], labels: None }
            }
            Does::Measure { .. } => {
                let found = voxelwise::moments(voxels, shape);
                let cells = found.iter().map(|(label, moments)| (*label, moments));
                Answer { figures: vec![found.len() as u64, digest(cells)], labels: None }
            }
        }
    }
}

/// Labels a volume; the labels as a fresh volume in memory, written by the workers, where the
/// program paints.
fn labels_in_memory(runtime: &Runtime, tiling: &Tiling, program: &Labelling) -> Result<(Figures, Option<Voxels>)> {
    let blocks: Arc<Mutex<Vec<Painted>>> = Arc::default();
    let into = Arc::clone(&blocks);
    let report = runtime.run(tiling, program, &Config::default(), move |_, painted| {
        into.lock().unwrap_or_else(PoisonError::into_inner).extend(painted);
        Ok(())
    })?;
    let blocks = std::mem::take(&mut *blocks.lock().unwrap_or_else(PoisonError::into_inner));
    let threads = runtime.workers().per_process();
    let volume = || Painted::volume(tiling.grid().shape(), &blocks, threads);
    Ok((report.global, (!blocks.is_empty()).then(volume)))
}

/// Reads voxels and writes fresh pages, each thread its share. Fresh they are where the allocator
/// asks the system for them: with glibc from 32 MiB of labels, 204^3 voxels, on.
fn floor<T: Voxel>(voxels: &[T], threads: usize) -> Vec<u32> {
    let zero = T::default();
    // Zeros of this size are pages that nobody has touched.
    let mut labels = zeros::<u32>(voxels.len());
    let share = voxels.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (to, from) in labels.chunks_mut(share).zip(voxels.chunks(share)) {
            scope.spawn(move || to.iter_mut().zip(from).for_each(|(label, voxel)| *label = u32::from(*voxel != zero)));
        }
    });
    labels
}

/// A number that is the same where labels and moments are, in any order.
fn digest<'a>(cells: impl Iterator<Item = (u64, &'a Moments)>) -> u64 {
    let one = |(label, moments): (u64, &Moments)| {
        let mut bytes = Vec::new();
        bytes.extend([label, moments.voxels].map(u64::to_le_bytes).as_flattened());
        bytes.extend(moments.first.map(u128::to_le_bytes).as_flattened());
        bytes.extend(moments.second.map(u128::to_le_bytes).as_flattened());
        bytes.extend([moments.min, moments.max].as_flattened().iter().flat_map(|at| at.to_le_bytes()));
        xxh3_64(&bytes)
    };
    cells.map(one).fold(0, u64::wrapping_add)
}
