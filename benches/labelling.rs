//! Labelling and contacts beside plain loops over voxels: `cargo bench --bench labelling`.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use septa::disjoint::Disjoint;
use septa::lattice::{
    select::Select,
    stencil::Stencil,
    summary::{Detail, Want},
    tiling::Tiling,
};
use septa::pregel::{run::Config, runtime::Runtime};
use septa::programs::{labelling::Labelling, measure::Measure};
use septa::volume::grid::BlockSize;
use septa::volume::memory::Memory;
use septa::volume::phantom::{Kind, Phantom};
use septa::volume::shape::{Shape, Spacing};
use septa::volume::source::VolumeSource;
use septa::workers::Workers;

const SHAPE: Shape = Shape([192, 192, 192]);

fn volume(kind: Kind, cells: u64, density: f64) -> Memory {
    let phantom = Phantom::new(kind, SHAPE, cells, 1, density).expect("a phantom that fits");
    let loaded = Memory::load(&phantom, 2).expect("a phantom that fits in memory");
    Memory::new("phantom", loaded.voxels().clone(), Spacing::default())
}

/// Union-find over voxels, 6 neighbours: what is written first.
fn plain_components(mask: &[u8]) -> u32 {
    let [nz, ny, nx] = SHAPE.0;
    let mut sets = Disjoint::new(mask.len());
    for z in 0..nz {
        for y in 0..ny {
            for x in 0..nx {
                let at = (z * ny + y) * nx + x;
                for (inside, back) in [(x > 0, 1), (y > 0, nx), (z > 0, nx * ny)] {
                    if inside && mask[at] != 0 && mask[at - back] != 0 {
                        sets.union(at as u32, (at - back) as u32);
                    }
                }
            }
        }
    }
    (0..mask.len()).filter(|at| mask[*at] != 0 && sets.find(*at as u32) == *at as u32).count() as u32
}

/// Faces between different labels, by pair, in a hash map: what is written first.
fn plain_contacts(labels: &[u32]) -> usize {
    let [nz, ny, nx] = SHAPE.0;
    let mut faces = std::collections::HashMap::new();
    for z in 0..nz {
        for y in 0..ny {
            for x in 0..nx {
                let at = (z * ny + y) * nx + x;
                for (inside, back) in [(x > 0, 1), (y > 0, nx), (z > 0, nx * ny)] {
                    if inside && labels[at] != labels[at - back] {
                        let pair = (labels[at].min(labels[at - back]), labels[at].max(labels[at - back]));
                        *faces.entry(pair).or_insert(0u64) += 1;
                    }
                }
            }
        }
    }
    faces.len()
}

fn components(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("components at 6");
    group.throughput(Throughput::Elements(SHAPE.voxels().expect("small"))).sample_size(10);
    for (name, volume) in [("bone", volume(Kind::Bone, 20, 0.0)), ("noise 0.3", volume(Kind::Noise, 0, 0.3))] {
        let mask: Vec<u8> = volume.voxels().view::<u8>().expect("a mask").iter().copied().collect();
        group.bench_function(format!("{name}, plain, 1 thread"), |b| b.iter(|| plain_components(black_box(&mask))));
        for workers in [1, 2] {
            let runtime = Runtime::start(&Workers::threads(workers)).expect("threads");
            let source: Arc<dyn VolumeSource> = Arc::new(volume.clone());
            let tiling = Tiling::new(source, BlockSize::Auto).expect("a grid");
            let program = Labelling {
                select: Select::NonZero,
                stencil: Stencil::N6,
                min_voxels: 0,
                paint: false,
                want: None,
                grid: *tiling.grid(),
            };
            let found = runtime.run(&tiling, &program, &Config::default(), |_, _| Ok(())).expect("a labelling");
            assert_eq!(found.global.components, u64::from(plain_components(&mask)));
            group.bench_function(format!("{name}, septa, {workers} workers"), |b| {
                b.iter(|| runtime.run(&tiling, &program, &Config::default(), |_, _| Ok(())));
            });
        }
    }
}

fn contacts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("contacts at 6");
    group.throughput(Throughput::Elements(SHAPE.voxels().expect("small"))).sample_size(10);
    let volume = volume(Kind::Cells, 260, 0.0);
    let labels = volume.voxels().cast(septa::volume::voxel::Dtype::U32);
    let plain: Vec<u32> = labels.view::<u32>().expect("labels").iter().copied().collect();
    group.bench_function("cells, plain, 1 thread", |b| b.iter(|| plain_contacts(black_box(&plain))));
    for workers in [1, 2] {
        let runtime = Runtime::start(&Workers::threads(workers)).expect("threads");
        let source: Arc<dyn VolumeSource> = Arc::new(Memory::new("labels", labels.clone(), Spacing::default()));
        let tiling = Tiling::new(source, BlockSize::Auto).expect("a grid");
        for (name, want) in [
            ("contacts", Want { cells: Detail::Listed, contacts: Some(Stencil::N6) }),
            ("contacts and measures", Want { cells: Detail::Shape, contacts: Some(Stencil::N6) }),
        ] {
            let program = Measure { want };
            let found = runtime.run(&tiling, &program, &Config::default(), |_, ()| Ok(())).expect("a summary");
            assert_eq!(found.global.contacts.len(), plain_contacts(&plain));
            group.bench_function(format!("cells, septa {name}, {workers} workers"), |b| {
                b.iter(|| runtime.run(&tiling, &program, &Config::default(), |_, ()| Ok(())));
            });
        }
    }
}

criterion_group!(benches, components, contacts);
criterion_main!(benches);
