//! What reaches from one face of a volume to the one across.
//!
//! Pieces are found by [labelling](crate::programs::labelling), joined by faces of voxels. Cost: O(voxels). Memory: a
//! label a voxel.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::lattice::select::Select;
use crate::lattice::stencil::Stencil;
use crate::lattice::tiling::Tiling;
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;
use crate::programs::labelling::Labelling;
use crate::programs::painted::Painted;
use crate::volume::grid::BlockSize;
use crate::volume::memory::Memory;
use crate::volume::region::Region;
use crate::volume::source::VolumeSource;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type, row};

/// What reaches across, and what does not.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The voxels of pieces that reach across; all others are zero.
    pub volume: Memory,
    /// Their number.
    pub voxels: u64,
    /// The number of pieces that do not, and of their voxels.
    pub floating: (u64, u64),
}

/// Keeps what reaches along an axis from the first to the last voxel: its values where `grey`, else 1.
///
/// # Errors
/// Where the volume cannot be read, or nothing reaches across.
pub fn joined(
    runtime: &Runtime,
    source: &Arc<dyn VolumeSource>,
    select: Select,
    axis: usize,
    grey: bool,
) -> Result<Joined> {
    let header = source.header();
    let (shape, threads) = (header.shape, runtime.workers().per_process());
    let tiling = Tiling::new(Arc::clone(source), BlockSize::Auto)?;
    let grid = *tiling.grid();
    let program = Labelling { select, stencil: Stencil::N6, min_voxels: 0, paint: true, want: None, grid };
    let (painted, report) = runtime.collect(&tiling, &program, &Config::default())?;
    let painted: Vec<Painted> = painted.into_iter().filter_map(|(_, painted)| painted).collect();
    let labels = Painted::volume(shape, &painted, threads);
    drop(painted);
    let components = report.global.components;
    let mut near = vec![false; components as usize + 1];
    let mut far = near.clone();
    for (reached, at) in [(&mut near, 0), (&mut far, shape.0[axis] - 1)] {
        let mut face = Region::whole(shape);
        (face.start[axis], face.end[axis]) = (at, at + 1);
        each_voxel_type!(&labels, labels => for (z, y) in face.rows() {
            row(labels, z, y)[face.range(2)].iter().for_each(|label| reached[label.to_f64() as usize] = true);
        });
    }
    let keep: Vec<bool> =
        near.iter().zip(&far).enumerate().map(|(label, (near, far))| label > 0 && *near && *far).collect();
    let kept = keep.iter().filter(|keep| **keep).count() as u64;
    if kept == 0 {
        let what = format!("nothing reaches from {0}=0 to {0}=max, joined by faces of voxels", ["z", "y", "x"][axis]);
        return Err(Error::input(&header.name, format!("{what}: choose another axis, threshold or part")));
    }
    let mut voxels = 0;
    let kept_of = each_voxel_type!(&labels, labels => {
        let mut kept_of = vec![0u8; labels.len()];
        let rows = Region::whole(shape).rows().zip(kept_of.chunks_exact_mut(shape.0[2]));
        for ((z, y), out) in rows {
            for (out, label) in out.iter_mut().zip(row(labels, z, y)) {
                *out = u8::from(keep[label.to_f64() as usize]);
                voxels += u64::from(*out);
            }
        }
        kept_of
    });
    drop(labels);
    let body = match grey {
        false => Voxels::from_vec(shape, kept_of),
        true => {
            let values = source.read(&Region::whole(shape))?;
            each_voxel_type!(&values, values => {
                let rows = Region::whole(shape).rows().zip(kept_of.chunks_exact(shape.0[2]));
                let kept = rows.flat_map(|((z, y), kept)| {
                    row(values, z, y).iter().zip(kept).map(|(value, kept)| if *kept > 0 { value.to_f64() } else { 0.0 })
                });
                Voxels::from_vec(shape, kept.collect::<Vec<f64>>())
            })
        }
    };
    let floating = (report.global.components - kept, report.global.kept - voxels);
    Ok(Joined { volume: Memory::new(&header.name, body, header.spacing), voxels, floating })
}
