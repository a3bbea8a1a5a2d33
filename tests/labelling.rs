//! Labelling against a flood fill, voxel by voxel, for every cut and number of workers.

mod common;

use std::sync::Arc;

use common::random::Random;
use common::volume::{cells, cuts, memory, voxels_of};
use septa::lattice::select::Select;
use septa::lattice::stencil::Stencil;
use septa::lattice::summary::{Detail, Want};
use septa::lattice::tiling::Tiling;
use septa::pregel::local;
use septa::pregel::run::Config;
use septa::pregel::runtime::Runtime;
use septa::programs::labelling::{Figures, Labelling};
use septa::programs::painted::Painted;
use septa::store::scratch::Scratch;
use septa::volume::region::Region;
use septa::volume::shape::Shape;
use septa::volume::source::VolumeSource;
use septa::volume::voxel::{Dtype, Voxels};
use septa::workers::Workers;

const STENCILS: [Stencil; 3] = [Stencil::N6, Stencil::N18, Stencil::N26];
const SHAPES: [[usize; 3]; 8] =
    [[1, 1, 1], [1, 7, 9], [6, 1, 8], [13, 4, 1], [3, 3, 40], [7, 9, 5], [1, 1, 30], [20, 31, 17]];

/// Labels by flood fill from each voxel in raster order, and the figures.
fn flood(source: &dyn VolumeSource, select: Select, stencil: Stencil, min_voxels: u64) -> (Vec<u64>, Figures) {
    let shape = source.header().shape;
    let voxels = source.read(&Region::whole(shape)).unwrap();
    let values: Vec<f64> = voxels_of(shape).map(|voxel| voxels.get(voxel)).collect();
    let takes = |value: f64| match select {
        Select::NonZero | Select::Labels => value != 0.0,
        Select::Zero => value == 0.0,
        Select::Above(threshold) => value > threshold,
        Select::AtMost(threshold) => value <= threshold,
    };
    let most = [Stencil::N6, Stencil::N18, Stencil::N26].iter().position(|other| *other == stencil).unwrap() + 1;
    let mut component = vec![usize::MAX; values.len()];
    let mut members: Vec<Vec<usize>> = Vec::new();
    for start in 0..values.len() {
        if !takes(values[start]) || component[start] != usize::MAX {
            continue;
        }
        let mut found = vec![start];
        component[start] = members.len();
        let mut next = 0;
        while next < found.len() {
            let here = found[next];
            next += 1;
            let at = shape.voxel(here as u64);
            for step in voxels_of(Shape([3, 3, 3])) {
                let changed = step.iter().filter(|along| **along != 1).count();
                let there: [usize; 3] = std::array::from_fn(|axis| (at[axis] + step[axis]).wrapping_sub(1));
                if changed == 0 || changed > most || (0..3).any(|axis| there[axis] >= shape.0[axis]) {
                    continue;
                }
                let there = shape.raster(there) as usize;
                let joined = takes(values[there]) && (select != Select::Labels || values[there] == values[here]);
                if joined && component[there] == usize::MAX {
                    component[there] = members.len();
                    found.push(there);
                }
            }
        }
        members.push(found);
    }
    let mut figures = Figures::default();
    let mut labels = vec![0; values.len()];
    for found in &members {
        let size = found.len() as u64;
        figures.foreground += size;
        if size >= min_voxels {
            figures.components += 1;
            figures.kept += size;
            figures.largest = figures.largest.max(size);
            found.iter().for_each(|voxel| labels[*voxel] = figures.components);
        }
    }
    (labels, figures)
}

/// Ones at random among zeros, so many in a hundred.
fn noise(shape: Shape, percent: u64, random: &mut Random) -> Vec<u8> {
    voxels_of(shape).map(|_| u8::from(random.below(100) < percent)).collect()
}

/// Puts painted blocks together; each voxel must be painted once.
fn assemble(shape: Shape, painted: impl IntoIterator<Item = Painted>) -> Vec<u64> {
    let mut labels = vec![u64::MAX; shape.voxels().unwrap() as usize];
    for block in painted {
        let voxels: Voxels = block.voxels();
        assert_eq!(voxels.dtype(), Dtype::for_labels(block.max));
        for inside in voxels_of(block.region.shape()) {
            let voxel = std::array::from_fn(|axis| block.region.start[axis] + inside[axis]);
            let label = &mut labels[shape.raster(voxel) as usize];
            assert_eq!(*label, u64::MAX, "two blocks paint voxel {voxel:?}");
            *label = voxels.get(inside) as u64;
        }
    }
    labels
}

/// Runs a labelling on the plain engine (0 workers) or on a runtime.
fn run(runtime: Option<&Runtime>, tiling: &Tiling, program: &Labelling) -> (Vec<u64>, Figures) {
    let shape = tiling.grid().shape();
    let mut painted = Vec::new();
    let report = match runtime {
        None => local::run(tiling, program, &Config::default(), |_, block| {
            painted.push(block);
            Ok(())
        }),
        Some(runtime) => runtime.collect(tiling, program, &Config::default()).map(|(blocks, report)| {
            painted = blocks.into_iter().map(|(_, block)| block).collect();
            report
        }),
    };
    let report = report.unwrap();
    assert_eq!(report.supersteps, 6);
    (assemble(shape, painted.into_iter().map(|block| block.expect("it was asked for"))), report.global)
}

fn runtimes() -> Vec<Runtime> {
    (1..=4).map(|threads| Runtime::start(&Workers::threads(threads)).unwrap()).collect()
}

/// The same, where all that can be put aside is.
fn aside(tiling: &Tiling) -> Tiling {
    let scratch = Scratch::beside(&std::env::temp_dir().join("labelling"), 2 << 30);
    assert!(scratch.spares(1 << 29));
    tiling.clone().with_scratch(Arc::new(scratch))
}

/// Holds every cut to the flood fill: on the plain engine, and on one or all of the runtimes.
fn hold(source: &Arc<dyn VolumeSource>, select: Select, stencil: Stencil, min_voxels: u64, runtimes: &[Runtime]) {
    let expected = flood(&**source, select, stencil, min_voxels);
    let all = source.header().shape.voxels().unwrap() < 100;
    for (turn, tiling) in cuts(source).into_iter().enumerate() {
        let program = Labelling { select, stencil, min_voxels, paint: true, want: None, grid: *tiling.grid() };
        let case = || format!("{select:?} {stencil} min {min_voxels} {:?}", tiling.grid());
        assert!(run(None, &tiling, &program) == expected, "plain: {}", case());
        assert!(run(runtimes.get(turn % 8), &aside(&tiling), &program) == expected, "put aside: {}", case());
        for runtime in runtimes.iter().enumerate().filter(|(at, _)| all || *at == turn % 4).map(|(_, runtime)| runtime)
        {
            let workers = runtime.workers().total();
            assert!(run(Some(runtime), &tiling, &program) == expected, "{workers} workers: {}", case());
        }
    }
}

#[test]
fn labels_of_noise_are_those_of_a_flood_fill() {
    let (runtimes, mut random) = (runtimes(), Random(1));
    for shape in SHAPES.map(Shape) {
        for percent in [10, 20, 30, 45, 60] {
            let volume = memory(shape, noise(shape, percent, &mut random));
            let stencil = STENCILS[random.below(3) as usize];
            let select = [Select::NonZero, Select::Zero][random.below(2) as usize];
            hold(&volume, select, stencil, 0, &runtimes);
        }
        for stencil in STENCILS {
            hold(&memory(shape, noise(shape, 25, &mut random)), Select::NonZero, stencil, 3, &runtimes);
        }
    }
}

#[test]
fn labels_of_thresholded_floats_are_those_of_a_flood_fill() {
    let (runtimes, mut random) = (runtimes(), Random(2));
    for shape in SHAPES.map(Shape) {
        let values: Vec<f32> = voxels_of(shape).map(|_| random.below(1000) as f32 / 1000.0).collect();
        let volume = memory(shape, values);
        for (select, stencil) in [Select::Above(0.7), Select::AtMost(0.3), Select::Above(2.0), Select::AtMost(1.0)]
            .into_iter()
            .zip([Stencil::N18, Stencil::N26, Stencil::N6, Stencil::N6])
        {
            hold(&volume, select, stencil, random.below(5), &runtimes);
        }
    }
}

#[test]
fn components_of_labels_join_only_equal_values() {
    let (runtimes, mut random) = (runtimes(), Random(3));
    for shape in SHAPES.map(Shape) {
        for stencil in STENCILS {
            let labels = cells(shape, 25, 4, &mut random);
            hold(&memory(shape, labels), Select::Labels, stencil, random.below(9), &runtimes);
            let speckled: Vec<i32> = voxels_of(shape).map(|_| random.below(3) as i32).collect();
            hold(&memory(shape, speckled), Select::Labels, stencil, random.below(3), &runtimes);
        }
    }
}

#[test]
fn blobs_that_wind_through_many_blocks_keep_one_number() {
    let (runtimes, mut random) = (runtimes(), Random(4));
    let shape = Shape([17, 20, 23]);
    for stencil in STENCILS {
        let cells = cells(shape, 60, 1, &mut random);
        for select in [Select::NonZero, Select::Zero] {
            hold(&memory(shape, cells.clone()), select, stencil, 0, &runtimes);
        }
    }
    // A comb: teeth that are joined in the last slice only.
    let comb: Vec<u16> = voxels_of(shape).map(|[z, _, x]| u16::from(z == 16 || x % 2 == 0)).collect();
    hold(&memory(shape, comb), Select::NonZero, Stencil::N6, 0, &runtimes);
    // Steps through corners of blocks alone.
    let corners: Vec<u8> = voxels_of(shape).map(|[z, y, x]| u8::from(z == y && y + x == 19)).collect();
    STENCILS.iter().for_each(|stencil| hold(&memory(shape, corners.clone()), Select::NonZero, *stencil, 2, &runtimes));
}

#[test]
fn labels_are_as_wide_as_they_must_be() {
    let runtimes = runtimes();
    // Every second voxel of every second row: 300 components, more than a byte holds.
    let shape = Shape([3, 29, 29]);
    let dots: Vec<u8> = voxels_of(shape).map(|v| u8::from(v.iter().all(|at| at % 2 == 0))).collect();
    let volume = memory(shape, dots);
    assert_eq!(flood(&*volume, Select::NonZero, Stencil::N26, 0).1.components, 450);
    hold(&volume, Select::NonZero, Stencil::N26, 0, &runtimes);
}

#[test]
fn cells_and_contacts_are_the_same_where_blocks_were_put_aside() {
    let mut random = Random(8);
    for select in [Select::NonZero, Select::Labels] {
        let shape = Shape([7, 9, 11]);
        let volume = memory(shape, cells(shape, 30, 4, &mut random));
        for (turn, tiling) in cuts(&volume).into_iter().enumerate() {
            let want = Some(Want { cells: Detail::Shape, contacts: Some(STENCILS[turn % 3]) });
            let (stencil, min_voxels, grid) = (Stencil::N6, turn as u64 % 4, *tiling.grid());
            let program = Labelling { select, stencil, min_voxels, paint: turn % 2 == 0, want, grid };
            let global = |tiling| local::run(tiling, &program, &Config::default(), |_, _| Ok(())).unwrap().global;
            let kept = global(&tiling);
            assert!(kept.components > 0 && kept == global(&aside(&tiling)), "{select:?} {grid:?}");
        }
    }
}
