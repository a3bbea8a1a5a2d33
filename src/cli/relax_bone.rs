//! `septa relax bone`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ValueEnum;

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::cli::input::Input;
use crate::cli::label::selected;
use crate::cli::relax_stop::{Stopping, check_above_0};
use crate::cli::run_saving::Saving;
use crate::error::{Error, Result};
use crate::lattice::tiling::Tiling;
use crate::pregel::runtime::Runtime;
use crate::programs::force::bone::Press;
use crate::programs::force::elements::element::Element;
use crate::programs::force::elements::found::Found;
use crate::programs::force::elements::settle::settle;
use crate::programs::force::elements::solver::{BYTES, Solver, cut};
use crate::programs::force::elements::stiff::Stiff;
use crate::programs::force::plane::Plane;
use crate::programs::joined::joined;
use crate::report::field::Field;
use crate::report::vti::{self, Image, Values};
use crate::volume::open::create;
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::sink::write_file;
use crate::volume::source::VolumeSource;
use crate::volume::threshold::Threshold;
use crate::volume::voxel::{Dtype, Voxels};
use crate::workers::Workers;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  septa relax bone data/bone.tif -o energy.tif\n  \
                        septa relax bone scan.tif --threshold otsu --modulus 18 --axis y --strain -0.01 --vtk bone.vti\n  \
                        septa relax bone mask.tif --shear x --element springs")]
pub(crate) struct Args {
    /// Where to write the strain energy of each voxel, over its volume: .tif, .npy, .raw
    #[arg(short, long, value_name = "OUT")]
    output: Option<PathBuf>,
    /// Where to write the stress of each voxel as one number (von Mises): .tif, .npy, .raw
    #[arg(long, value_name = "OUT")]
    stress: Option<PathBuf>,
    /// Where to write both, and the displacements, for ParaView: .vti
    #[arg(long, value_name = "VTI")]
    vtk: Option<PathBuf>,
    /// Into that the whole stress of each voxel as well, a symmetric tensor
    #[arg(long, requires = "vtk")]
    tensor: bool,
    /// Where to draw the stress of a slice in the middle, which the axis of the plates lies in: .svg
    #[arg(long, value_name = "SVG")]
    picture: Option<PathBuf>,
    /// The axis of the plates, which lie at both ends of the volume
    #[arg(long, value_enum, default_value_t = Axis::Z, help_heading = "Test")]
    axis: Axis,
    /// How far the far plate moves, over the distance of the plates; below 0 it presses
    #[arg(long, value_name = "STRAIN", default_value_t = 0.01, allow_negative_numbers = true, help_heading = "Test")]
    strain: f64,
    /// Move the far plate along this axis instead of its own
    #[arg(long, value_enum, value_name = "AXIS", help_heading = "Test")]
    shear: Option<Axis>,
    /// Whether the body sticks to the plates or slides on them
    #[arg(long, value_enum, default_value_t = Plates::Rough, help_heading = "Test")]
    plates: Plates,
    /// A face beside the plates that slides on a wall, such as y=0; the others are free; may be given again
    #[arg(long, value_name = "FACE", help_heading = "Test")]
    roller: Vec<Plane>,
    /// Elastic modulus of a voxel
    #[arg(long, value_name = "E", default_value_t = 1.0, help_heading = "Material")]
    modulus: f64,
    /// What a voxel is: a hexahedron, or springs between its corners (of Poisson's ratio 0.25, in cubic voxels)
    #[arg(long, value_enum, default_value_t = Kind::Hexahedra, help_heading = "Material")]
    element: Kind,
    /// Poisson's ratio of hexahedra, above -1 and below 0.5; 0.3 by default
    #[arg(long, value_name = "NU", allow_negative_numbers = true, help_heading = "Material")]
    poisson: Option<f64>,
    /// The modulus of a voxel is E times its value to this power, 1 where no power is given; without it, E
    /// wherever there is material
    #[arg(long, value_name = "POWER", num_args = 0..=1, default_missing_value = "1", help_heading = "Material")]
    grey: Option<f64>,
    /// Material is above this: a number, or otsu; without it what is not zero
    #[arg(long, value_name = "otsu|VALUE", allow_negative_numbers = true, help_heading = "Material")]
    threshold: Option<Threshold>,
    #[command(flatten)]
    stopping: Stopping,
    #[command(flatten)]
    input: Input,
    #[command(flatten)]
    saving: Saving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Axis {
    Z,
    Y,
    X,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Plates {
    Rough,
    Smooth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Hexahedra,
    Springs,
}

pub(crate) fn run(context: &Context, args: &Args) -> Result<Figures> {
    args.check(context)?;
    let source = context.resident(args.input.open()?, "read")?;
    let (shape, spacing) = (source.header().shape, source.header().spacing);
    let element = args.element(&spacing)?;
    let edges = element.edges();
    let press = Press {
        axis: args.axis as usize,
        strain: args.strain,
        shear: args.shear.map(|axis| axis as usize),
        rough: args.plates == Plates::Rough,
        rollers: args.roller.clone(),
    };
    let supports = press.supports(shape, edges)?;
    let bytes = shape.voxels().and_then(|voxels| voxels.checked_mul(BYTES));
    context.afford(bytes.unwrap_or(u64::MAX), &format!("{}: balancing forces", source.header().name))?;

    let threshold = args.threshold.map(|threshold| threshold.resolve(&*source, context.threads())).transpose()?;
    let select = selected(threshold, false, false);
    // Each process needs all that is joined, and finds it by itself.
    let alone = Runtime::start(&Workers::threads(context.threads()))?;
    let joined = joined(&alone, &source, select, press.axis, args.grey.is_some())?;
    drop((alone, source));
    let (voxels, floating) = (joined.voxels, joined.floating);
    let tiling = Tiling::with_grid(Arc::new(joined.volume) as Arc<dyn VolumeSource>, cut(shape, None)?)?;
    let stop = args.stopping.stop();
    let stiff = Stiff::Elements { element: Box::new(element.clone()), power: args.grey };
    let mut solver = Solver::new(stiff, supports, stop, &tiling)?;
    solver.responses = args.voxelwise().next().is_some();
    solver.displacements = args.vtk.is_some();
    solver.tensors = args.tensor;
    let (config, steps) = args.saving.config(None);
    let settled = settle(context.runtime()?, &tiling, &solver, &config)?;

    let unit = args.modulus * spacing.zyx[2] * spacing.zyx[2];
    let force = settled.reactions[1].times(args.modulus);
    let mut figures = Figures::default();
    if let Some(threshold) = threshold {
        figures = figures.with("threshold", threshold);
    }
    let figures = figures
        .with("voxels", voxels)
        .with("volume_fraction", voxels as f64 / shape.voxels().unwrap_or(0) as f64)
        .with("floating_pieces", floating.0)
        .with("floating_voxels", floating.1)
        .with("iterations", settled.iterations)
        .with("residual", settled.residual)
        .with(if args.shear.is_some() { "shear_modulus" } else { "modulus" }, press.modulus(force, shape, edges))
        .with("reaction", settled.reactions[1].times(unit).0)
        .with("energy", press.energy(force, shape, edges) * spacing.zyx[2].powi(3));
    if context.is_first() {
        args.write(&settled.found, shape, &spacing, press.axis)?;
        args.stopping.draw(&settled.history)?;
    }
    let mut figures = figures.with("seconds", context.seconds()).and(steps.figures(settled.supersteps));
    if args.saving.resumes() {
        figures = figures.with("resumed", settled.resumed);
    }
    args.outputs().try_for_each(|path| context.record(path, &[&args.input.volume], &figures))?;
    Ok(figures)
}

impl Args {
    /// What is written of voxels.
    fn voxelwise(&self) -> impl Iterator<Item = &Path> {
        self.output.iter().chain(&self.stress).chain(&self.vtk).chain(&self.picture).map(PathBuf::as_path)
    }

    fn outputs(&self) -> impl Iterator<Item = &Path> {
        self.voxelwise().chain(self.stopping.output())
    }

    /// Refuses what makes no sense, before anything is read.
    fn check(&self, context: &Context) -> Result<()> {
        context.check_distinct(&self.outputs().collect::<Vec<_>>())?;
        for path in self.output.iter().chain(&self.stress) {
            context.check_volume(path, Some(&self.input.volume))?;
        }
        if let Some(path) = &self.vtk {
            context.check_drawing(path, "vti", "voxels are drawn as .vti", Some(&self.input.volume))?;
        }
        if let Some(path) = &self.picture {
            context.check_chart(path, Some(&self.input.volume))?;
        }
        self.stopping.check(context, &self.input.volume)?;
        self.outputs().try_for_each(|path| context.check_record(path))?;
        check_above_0(self.modulus, "--modulus")?;
        if !(self.strain.is_finite() && self.strain != 0.0) {
            return Err(Error::usage(format!("--strain {}: give a number that is not 0", self.strain)));
        }
        match self.grey {
            Some(power) if !(power > 0.0 && power.is_finite()) => {
                Err(Error::usage(format!("--grey {power}: give a power above 0")))
            }
            _ => Ok(()),
        }
    }

    /// The element of modulus 1.
    fn element(&self, spacing: &Spacing) -> Result<Element> {
        match (self.element, self.poisson) {
            (Kind::Hexahedra, poisson) => {
                let nu = poisson.unwrap_or(0.3);
                match nu > -1.0 && nu < 0.5 {
                    true => Ok(Element::hexahedron(nu, spacing.zyx)),
                    false => Err(Error::usage(format!("--poisson {nu}: give a number above -1 and below 0.5"))),
                }
            }
            (Kind::Springs, Some(nu)) if nu != 0.25 => {
                Err(Error::usage(format!("--poisson {nu}: springs have 0.25: use hexahedra for another")))
            }
            (Kind::Springs, _) if spacing.zyx.iter().any(|edge| *edge != spacing.zyx[2]) => {
                Err(Error::usage("springs are for cubic voxels: use hexahedra, or resample the volume"))
            }
            // Isotropic; the three kinds of springs are about as stiff as each other.
            (Kind::Springs, _) => Ok(Element::springs([2.0, 1.0, 0.375]).times(1.0 / 3.75)),
        }
    }

    /// Writes what blocks have found.
    fn write(&self, found: &[Found], shape: Shape, spacing: &Spacing, plates: usize) -> Result<()> {
        let modulus = self.modulus as f32;
        let volume = |of: fn(&Found) -> &[f32]| of_voxels(found, shape, of, |value| modulus * value);
        let energies = || volume(|block| &block.energies);
        let stresses = || volume(|block| &block.stresses);
        for (path, values) in [(&self.output, &energies as &dyn Fn() -> Vec<f32>), (&self.stress, &stresses)] {
            let Some(path) = path else { continue };
            let sink = create(path, shape, Dtype::F32, spacing)?;
            sink.write(&Region::whole(shape), &Voxels::from_vec(shape, values()))?;
            sink.finish()?;
        }
        if let Some(path) = &self.picture {
            let field = Field { shape, spacing: *spacing, values: &stresses(), name: "Stress (von Mises)" };
            write_file(path, field.svg(if plates == 1 { 2 } else { 1 })?.as_bytes())?;
        }
        if let Some(path) = &self.vtk {
            let mut voxels = vec![Values::numbers("energy", energies()), Values::numbers("stress", stresses())];
            if self.tensor {
                let turned = |[zz, yy, xx, zy, zx, yx]: [f32; 6]| [xx, yy, zz, yx, zy, zx].map(|value| modulus * value);
                let tensors = of_voxels(found, shape, |block| &block.tensors, turned);
                voxels.push(Values::tensors("stress_tensor", tensors));
            }
            let corners = vec![Values::vectors("displacement", moved(found, shape, spacing))];
            let image = Image { shape, spacing: *spacing, of_voxels: voxels, of_corners: corners };
            vti::write(&image, path)?;
        }
        Ok(())
    }
}

/// Something of all voxels, in raster order, from what blocks have of theirs; nothing where there is no block.
fn of_voxels<T: Copy + Default>(
    found: &[Found],
    shape: Shape,
    of: fn(&Found) -> &[T],
    made: impl Fn(T) -> T,
) -> Vec<T> {
    let mut values = vec![T::default(); shape.0.iter().product()];
    for block in found {
        let width = block.voxels.shape().0[2];
        for ((z, y), row) in block.voxels.rows().zip(of(block).chunks_exact(width)) {
            let first = shape.raster([z, y, block.voxels.start[2]]) as usize;
            values[first..first + width].iter_mut().zip(row).for_each(|(to, value)| *to = made(*value));
        }
    }
    values
}

/// The displacements of all corners x, y, z, in raster order, in the unit of the spacing.
fn moved(found: &[Found], shape: Shape, spacing: &Spacing) -> Vec<[f32; 3]> {
    let nodes = Shape(shape.0.map(|voxels| voxels + 1));
    let mut all = vec![[0.0; 3]; nodes.0.iter().product()];
    for block in found {
        block.each_displacement(|node, displacement| {
            let [z, y, x] = displacement.times(spacing.zyx[2]).0.map(|along| along as f32);
            all[nodes.raster(node) as usize] = [x, y, z];
        });
    }
    all
}
