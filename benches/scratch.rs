//! The codecs of scratch beside plain slices of numbers: `cargo bench --bench scratch`, and with
//! `--features abomonation` the codec of that crate too. Each is compressed, written and read back
//! as in a labelling; the bytes on the disk are printed.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use septa::lattice::packed::Codec;
use septa::lattice::{runs::Runs, select::Select, stencil::Stencil};
use septa::store::scratch::Scratch;
use septa::volume::phantom::{Kind, Phantom};
use septa::volume::region::Region;
use septa::volume::shape::Shape;
use septa::volume::source::VolumeSource;

const SHAPE: Shape = Shape([64, 256, 256]);

/// Runs as they lie in memory, by `bytemuck`: what a codec has to be better than.
fn plain(runs: &Runs, part_of: &[u32]) -> Vec<u8> {
    [bytemuck::cast_slice(runs.spans()), bytemuck::cast_slice(part_of)].concat()
}

fn unplain(bytes: &[u8]) -> (Vec<[u32; 2]>, Vec<u32>) {
    let (spans, parts) = bytes.split_at(bytes.len() / 3 * 2);
    (bytemuck::pod_collect_to_vec(spans), bytemuck::pod_collect_to_vec(parts))
}

fn codecs(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for scratch");
    let codecs = [
        ("deltas", Codec::Deltas),
        #[cfg(feature = "abomonation")]
        ("abomonation", Codec::Abomonation),
    ];
    for (name, kind, density) in
        [("perc30", Kind::Noise, 0.3), ("bone", Kind::Bone, 0.5), ("spheres", Kind::Spheres, 0.5)]
    {
        let phantom = Phantom::new(kind, SHAPE, 300, 1, density).expect("a phantom that fits");
        let voxels = phantom.read(&Region::whole(SHAPE)).expect("a phantom");
        let runs = Runs::scan(&voxels, Region::whole(SHAPE), Select::NonZero, name).expect("runs");
        let (part_of, _) = runs.components(Stencil::N6);
        let scratch = Scratch::beside(&folder.path().join(name), 0);
        let mut group = c.benchmark_group(format!("scratch {name}"));
        group.sample_size(10).throughput(Throughput::Elements(runs.len() as u64));
        let told = |codec: &str, bytes: usize| {
            println!("{name} {codec}: {:.2} bytes a run on the disk", bytes as f64 / runs.len() as f64);
        };
        let place = scratch.put(&plain(&runs, &part_of)).expect("room on the disk");
        told("bytemuck", place.packed());
        group.bench_function("bytemuck put", |b| b.iter(|| scratch.put(&plain(&runs, &part_of)).expect("room")));
        group.bench_function("bytemuck get", |b| b.iter(|| black_box(unplain(&scratch.get(place).expect("bytes")))));
        for (title, codec) in codecs {
            let place = scratch.put(&codec.pack(&runs, &part_of)).expect("room on the disk");
            told(title, place.packed());
            group.bench_function(format!("{title} put"), |b| {
                b.iter(|| scratch.put(&codec.pack(&runs, &part_of)).expect("room"));
            });
            group.bench_function(format!("{title} get"), |b| {
                b.iter(|| black_box(codec.unpack(scratch.get(place).expect("bytes")).expect("runs")));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, codecs);
criterion_main!(benches);
