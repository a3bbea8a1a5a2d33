//! Formats against an independent reader, against each other, and against damage.

#[path = "common/data.rs"]
mod real;

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use septa::error::{Error, Kind};
use septa::volume::grid::{BlockSize, Grid};
use septa::volume::memory::Memory;
use septa::volume::npy::Npy;
use septa::volume::open::{OpenOptions, create, open};
use septa::volume::png::Png;
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing, Unit};
use septa::volume::source::VolumeSource;
use septa::volume::tiff::Tiff;
use septa::volume::voxel::{Dtype, Voxels};
use tiff::encoder::colortype::{Gray8, Gray16, Gray32, Gray32Float};
use tiff::encoder::{Compression, Predictor, TiffEncoder};

fn plain(path: &Path) -> septa::error::Result<Arc<dyn VolumeSource>> {
    open(path, &OpenOptions::default())
}

fn whole(source: &dyn VolumeSource) -> Voxels {
    source.read(&Region::whole(source.header().shape)).unwrap()
}

/// The bytes of voxels, little-endian.
fn bytes(voxels: &Voxels) -> Vec<u8> {
    macro_rules! collect {
        ($($variant:ident)*) => {
            match voxels { $(Voxels::$variant(array) => array.iter().flat_map(|v| v.to_le_bytes()).collect(),)* }
        };
    }
    collect!(U8 U16 U32 U64 I8 I16 I32 I64 F32 F64)
}

/// Random voxels; floats are finite, so that they compare.
fn noise(rng: &mut ChaCha8Rng, shape: Shape, dtype: Dtype) -> Voxels {
    let count = shape.voxels().unwrap() as usize;
    macro_rules! make {
        ($($variant:ident $type:ty, $value:expr;)*) => {
            match dtype { $(Dtype::$variant => {
                let value: fn(u64) -> $type = $value;
                Voxels::from_vec(shape, (0..count).map(|_| value(rng.next_u64())).collect())
            })* }
        };
    }
    make! {
        U8 u8, |n| n as u8; U16 u16, |n| n as u16; U32 u32, |n| n as u32; U64 u64, |n| n;
        I8 i8, |n| n as i8; I16 i16, |n| n as i16; I32 i32, |n| n as i32; I64 i64, |n| n as i64;
        F32 f32, |n| n as i32 as f32 / 97.0; F64 f64, |n| n as i64 as f64 / 97.0;
    }
}

fn random_region(rng: &mut ChaCha8Rng, shape: Shape) -> Region {
    let mut region = Region::whole(shape);
    for axis in 0..3 {
        let mut pick = || rng.next_u32() as usize % (shape.0[axis] + 1);
        let (a, b) = (pick(), pick());
        (region.start[axis], region.end[axis]) = (a.min(b), a.max(b));
    }
    region
}

fn assert_regions_agree(rng: &mut ChaCha8Rng, source: &dyn VolumeSource, truth: &Voxels) {
    let shape = truth.shape();
    assert_eq!((source.header().shape, source.header().dtype), (shape, truth.dtype()));
    assert_eq!(&whole(source), truth, "{}", source.header().name);
    for _ in 0..40 {
        let region = random_region(rng, shape);
        assert_eq!(source.read(&region).unwrap(), truth.part(&region), "{} {region}", source.header().name);
    }
    assert_eq!(Memory::load(source, 3).unwrap().voxels(), truth);
    let mut beyond = Region::whole(shape);
    beyond.end[2] += 1;
    assert_eq!(source.read(&beyond).unwrap_err().kind(), Kind::Usage);
}

#[test]
fn voxels_are_those_that_tifffile_reads() {
    let Some(data) = real::data() else { return };
    let mut read = 0;
    for line in include_str!("formats.tsv").lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let path = data.join("tiff/images").join(fields[0]);
        let file = Tiff::open(&path);
        if fields[1] == "refused" {
            let error = file.err().unwrap_or_else(|| panic!("{} was to be refused", fields[0]));
            assert_eq!(error.kind(), Kind::Input, "{error}");
            continue;
        }
        let file = file.unwrap();
        let voxels = whole(&file);
        let bytes = bytes(&voxels);
        let fnv = bytes
            .iter()
            .fold(0xcbf2_9ce4_8422_2325u64, |digest, byte| (digest ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
        let (shape, dtype) = (voxels.shape(), voxels.dtype());
        assert_eq!(
            [&shape.to_string(), dtype.name(), &format!("{fnv:016x}")],
            [fields[1], fields[2], fields[4]],
            "{}",
            fields[0]
        );
        read += 1;
    }
    assert!(read > 50, "{read} files");
}

#[test]
fn real_scans_are_read_whole() {
    let Some(data) = real::data() else { return };
    let bone = plain(&data.join("bone/bone_7H3A_B1.tif")).unwrap();
    assert_eq!((bone.header().shape, bone.header().chunk), (Shape([600, 250, 350]), [1, 8, 350]));
    let bone = Memory::load(&*bone, 2).unwrap();
    assert_eq!(bone.voxels().view::<u8>().unwrap().iter().filter(|v| **v != 0).count(), 49_934_198);
    let slices = plain(&data.join("trabecular")).unwrap();
    assert_eq!(slices.header().shape, Shape([200; 3]));
    let sum: u64 = whole(&*slices).view::<u8>().unwrap().iter().map(|v| u64::from(*v)).sum();
    assert_eq!(sum as f64 / 8e6, 46.987237375);
}

#[test]
fn what_is_written_block_by_block_is_read_region_by_region() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let folder = tempfile::tempdir().unwrap();
    let shape = Shape([7, 11, 13]);
    let spacing = Spacing::new([0.235, 0.15, 1.0 / 3.0], Unit::Um).unwrap();
    for (dtype, ending) in Dtype::ALL.iter().flat_map(|dtype| ["tif", "npy", "raw"].map(|ending| (*dtype, ending))) {
        let truth = noise(&mut rng, shape, dtype);
        let path = folder.path().join(format!("{dtype}.{ending}"));
        for size in [BlockSize::Edge(4), BlockSize::Auto, BlockSize::Whole] {
            let sink = create(&path, shape, dtype, &spacing).unwrap();
            let grid = Grid::new(shape, size).unwrap();
            for block in (0..grid.blocks()).rev() {
                let region = grid.region(septa::id::BlockId(block));
                sink.write(&region, &truth.part(&region)).unwrap();
            }
            sink.finish().unwrap();
        }
        let options = match ending {
            "raw" => OpenOptions { shape: Some(shape), dtype: Some(dtype), ..OpenOptions::default() },
            _ => OpenOptions::default(),
        };
        assert_regions_agree(&mut rng, &*open(&path, &options).unwrap(), &truth);
    }
}

#[test]
fn tiff_keeps_the_spacing_and_the_user_may_know_better() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.tif");
    let shape = Shape([2, 3, 4]);
    for unit in [Unit::Voxel, Unit::Nm, Unit::Um, Unit::Mm, Unit::Cm, Unit::M] {
        for zyx in [[1.0; 3], [0.235, 0.15, 0.15], [19.5, 7e-7, 1e5 / 7.0], [std::f64::consts::PI, 1e-9, 0.1 + 0.2]] {
            create(&path, shape, Dtype::U8, &Spacing::new(zyx, unit).unwrap()).unwrap().finish().unwrap();
            let read = plain(&path).unwrap().header().spacing;
            assert_eq!(read.unit, unit);
            for (edge, written) in read.zyx.iter().zip(zyx) {
                assert!((edge / written - 1.0).abs() < 1e-9, "{edge} was {written}");
            }
        }
    }
    let options = OpenOptions { spacing: Some([3.0, 2.0, 1.0]), unit: Some(Unit::Nm), ..OpenOptions::default() };
    let told = open(&path, &options).unwrap();
    assert_eq!(told.header().spacing, Spacing { zyx: [3.0, 2.0, 1.0], unit: Unit::Nm });
    assert_eq!(whole(&*told), whole(&*plain(&path).unwrap()));
    let options = OpenOptions { dtype: Some(Dtype::U16), ..OpenOptions::default() };
    assert_eq!(open(&path, &options).err().unwrap().kind(), Kind::Usage);
}

/// A volume as the encoder of the `tiff` crate writes it, in strips of four rows.
fn encoded(truth: &Voxels, compression: Compression, predictor: Predictor, big: bool) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    macro_rules! write {
        ($encoder:expr) => {{
            let mut encoder = $encoder.unwrap().with_compression(compression).with_predictor(predictor);
            let [slices, height, width] = truth.shape().0;
            macro_rules! pages {
                ($array:expr, $colour:ty) => {
                    for z in 0..slices {
                        let page: Vec<_> = $array.index_axis(ndarray::Axis(0), z).iter().copied().collect();
                        let mut image = encoder.new_image::<$colour>(width as u32, height as u32).unwrap();
                        image.rows_per_strip(4).unwrap();
                        image.write_data(&page).unwrap();
                    }
                };
            }
            match truth {
                Voxels::U8(array) => pages!(array, Gray8),
                Voxels::U16(array) => pages!(array, Gray16),
                Voxels::U32(array) => pages!(array, Gray32),
                Voxels::F32(array) => pages!(array, Gray32Float),
                _ => unreachable!("the test asks for these only"),
            }
        }};
    }
    if big {
        write!(TiffEncoder::new_big(&mut file));
    } else {
        write!(TiffEncoder::new(&mut file));
    }
    file.into_inner()
}

#[test]
fn compressed_strips_are_read_region_by_region() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.tif");
    for dtype in [Dtype::U8, Dtype::U16, Dtype::U32, Dtype::F32] {
        let truth = noise(&mut rng, Shape([3, 10, 17]), dtype);
        for compression in [Compression::Lzw, Compression::Deflate(Default::default()), Compression::Packbits] {
            for predictor in [Predictor::None, Predictor::Horizontal] {
                if dtype.is_float() && predictor == Predictor::Horizontal {
                    continue;
                }
                fs::write(&path, encoded(&truth, compression, predictor, dtype == Dtype::U16)).unwrap();
                assert_regions_agree(&mut rng, &Tiff::open(&path).unwrap(), &truth);
            }
        }
    }
}

/// A TIFF file by hand: directories of tags whose values fit into four bytes, LONG or SHORT.
struct ByHand {
    file: Vec<u8>,
    big_endian: bool,
    link: usize,
}

impl ByHand {
    fn new(big_endian: bool) -> Self {
        let mut this = Self { file: Vec::new(), big_endian, link: 4 };
        this.file.extend_from_slice(if big_endian { b"MM" } else { b"II" });
        this.short(42);
        this.long(0);
        this
    }

    fn short(&mut self, value: u16) {
        self.file.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn long(&mut self, value: u32) {
        self.file.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.file.extend_from_slice(bytes);
        (self.file.len() - bytes.len()) as u32
    }

    /// Offsets as the value of a tag: themselves where there is one, else where they lie.
    fn longs(&mut self, values: &[u32]) -> (u32, u32) {
        if let [one] = values {
            return (1, *one);
        }
        let at = self.file.len() as u32;
        values.iter().for_each(|value| self.long(*value));
        (values.len() as u32, at)
    }

    /// A directory of (tag, type, (count, value)).
    fn directory(&mut self, mut entries: Vec<(u16, u16, (u32, u32))>) {
        entries.sort();
        let at = self.file.len() as u32;
        let link = self.link;
        self.file[link..link + 4].copy_from_slice(&if self.big_endian { at.to_be_bytes() } else { at.to_le_bytes() });
        self.short(entries.len() as u16);
        for (tag, kind, (count, value)) in entries {
            self.short(tag);
            self.short(kind);
            self.long(count);
            self.long(value);
        }
        self.link = self.file.len();
        self.long(0);
    }

    /// A page of `u16`, in tiles or in one strip.
    fn page(&mut self, plane: &Voxels, tile: Option<[usize; 2]>, more: &[(u16, u16, (u32, u32))]) {
        let [_, height, width] = plane.shape().0;
        let array = plane.view::<u16>().unwrap();
        let [rows, columns] = tile.unwrap_or([height, width]);
        let mut offsets = Vec::new();
        for (top, left) in
            (0..height).step_by(rows).flat_map(|top| (0..width).step_by(columns).map(move |left| (top, left)))
        {
            offsets.push(self.file.len() as u32);
            for (y, x) in (top..top + rows).flat_map(|y| (left..left + columns).map(move |x| (y, x))) {
                // The padding is not zero, so that it shows where it is taken for voxels.
                self.short(array.get([0, y, x]).copied().unwrap_or(0xdead));
            }
        }
        let counts = self.longs(&vec![(rows * columns * 2) as u32; offsets.len()]);
        let offsets = self.longs(&offsets);
        let wide = |value| (1, value as u32);
        let mut entries = vec![(256, 4, wide(width)), (257, 4, wide(height))];
        match tile {
            Some(_) => {
                entries.extend([(322, 4, wide(columns)), (323, 4, wide(rows)), (324, 4, offsets), (325, 4, counts)])
            }
            None => entries.extend([(273, 4, offsets), (279, 4, counts)]),
        }
        // LONG where SHORT is usual: both are allowed.
        entries.extend([(258, 4, (1, 16)), (259, 4, (1, 1)), (262, 4, (1, 1))]);
        entries.extend_from_slice(more);
        self.directory(entries);
    }
}

fn plane(volume: &Voxels, z: usize) -> Voxels {
    let mut region = Region::whole(volume.shape());
    (region.start[0], region.end[0]) = (z, z + 1);
    volume.part(&region)
}

#[test]
fn tiles_and_byte_orders_are_read_and_thumbnails_passed_over() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.tif");
    let truth = noise(&mut rng, Shape([3, 19, 23]), Dtype::U16);
    for big_endian in [false, true] {
        for tile in [None, Some([16, 16]), Some([32, 32]), Some([5, 23]), Some([1, 1])] {
            let mut file = ByHand::new(big_endian);
            for z in 0..3 {
                file.page(&plane(&truth, z), tile, &[]);
                let part = Region { start: [0; 3], end: [1, 4, 4] };
                file.page(&truth.part(&part), None, &[(254, 4, (1, 1))]);
            }
            fs::write(&path, &file.file).unwrap();
            assert_regions_agree(&mut rng, &Tiff::open(&path).unwrap(), &truth);
        }
    }
}

#[test]
fn slices_of_one_directory_are_found_and_missing_ones_told() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.tif");
    let truth = noise(&mut rng, Shape([5, 6, 7]), Dtype::U16);
    let mut file = ByHand::new(false);
    let text = b"ImageJ=1.53\nimages=5\nslices=5\nunit=micron\nspacing=2.5\n\0";
    let description = (text.len() as u32, file.put(text));
    let tables = |at| [(256, 4, (1, 7)), (257, 4, (1, 6)), (258, 4, (1, 16)), (262, 4, (1, 1)), (273, 4, (1, at))];
    let voxels_at = file.file.len() as u32 + 2 + 7 * 12 + 4;
    let mut entries = tables(voxels_at).to_vec();
    entries.extend([(279, 4, (1, 84)), (270, 2, description)]);
    file.directory(entries);
    file.put(&bytes(&truth));
    fs::write(&path, &file.file).unwrap();
    let volume = plain(&path).unwrap();
    assert_regions_agree(&mut rng, &*volume, &truth);
    assert_eq!(volume.header().spacing.zyx[0], 2.5);
    fs::write(&path, &file.file[..file.file.len() - 10]).unwrap();
    let error = Tiff::open(&path).err().unwrap();
    assert!(error.to_string().contains("10 bytes short"), "{error}");
    for (said, words) in [(3u8, "slices are missing"), (1, "save one volume")] {
        let mut file = ByHand::new(false);
        let text = format!("{{\"shape\": [{}, 6, 7]}}\0", 2 * said);
        let description = (text.len() as u32, file.put(text.as_bytes()));
        file.page(&plane(&truth, 0), None, &[(270, 2, description)]);
        (1..4).for_each(|z| file.page(&plane(&truth, z), None, &[]));
        fs::write(&path, &file.file).unwrap();
        let error = Tiff::open(&path).err().unwrap();
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// The error of opening `path`, held to what every error must be.
fn refused(path: &Path) -> Error {
    let error = plain(path).err().unwrap_or_else(|| panic!("{} was to be refused", path.display()));
    assert!(error.to_string().contains(path.file_name().unwrap().to_str().unwrap()), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    error
}

#[test]
fn what_is_no_volume_is_refused_in_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    let says = |path: &Path, words: &str| {
        let error = refused(path);
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.kind(), Kind::Input, "{error}");
    };
    says(&place("nothing.tif"), "no such file");
    fs::create_dir(place("folder")).unwrap();
    fs::write(place("folder/README.md"), "slices").unwrap();
    says(&place("folder"), "without TIFF or PNG");
    fs::write(place("text.tif"), "these are no voxels").unwrap();
    says(&place("text.tif"), "not a TIFF file");
    fs::write(place("text.txt"), "these are no voxels").unwrap();
    says(&place("text.txt"), "not a volume");
    let lone = noise(&mut ChaCha8Rng::seed_from_u64(5), Shape([1, 4, 4]), Dtype::U8);
    fs::write(place("lone.tif"), encoded(&lone, Compression::Uncompressed, Predictor::None, false)).unwrap();
    says(&place("lone.tif"), "2-D");
    fs::write(place("flat.npy"), npy("'|u1'", "False", "(2, 3)", &[0; 6])).unwrap();
    says(&place("flat.npy"), "2 axes");
    fs::write(place("half.npy"), npy("'<f2'", "False", "(2, 1, 3)", &[0; 12])).unwrap();
    says(&place("half.npy"), "f2");
    fs::write(place("record.npy"), npy("[('a', '<f4'), ('b', '<f4')]", "False", "(2, 1, 3)", &[0; 48])).unwrap();
    says(&place("record.npy"), "records");
    let whole = npy("'<u2'", "False", "(2, 3, 4)", &[0; 48]);
    for length in 0..whole.len() {
        fs::write(place("cut.npy"), &whole[..length]).unwrap();
        refused(&place("cut.npy"));
    }
    fs::write(place("scan.raw"), [0; 10]).unwrap();
    assert_eq!(refused(&place("scan.raw")).kind(), Kind::Usage);
    let told = OpenOptions { shape: Some(Shape([2, 2, 2])), dtype: Some(Dtype::U8), ..OpenOptions::default() };
    assert_eq!(open(&place("scan.raw"), &told).err().unwrap().kind(), Kind::Input);
    fs::create_dir(place("scan.zarr")).unwrap();
    assert!(refused(&place("scan.zarr")).to_string().contains("Zarr"));
    let ending = create(&place("out.mha"), Shape([2; 3]), Dtype::U8, &Spacing::default()).err().unwrap();
    assert_eq!(ending.kind(), Kind::Usage);
}

#[test]
fn a_file_cut_short_or_damaged_is_an_error_and_never_a_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.tif");
    let truth = noise(&mut rng, Shape([3, 9, 8]), Dtype::U16);
    create(&path, truth.shape(), Dtype::U16, &Spacing::default()).unwrap().finish().unwrap();
    let mut tiled = ByHand::new(true);
    (0..3).for_each(|z| tiled.page(&plane(&truth, z), Some([4, 4]), &[]));
    let mut files = vec![fs::read(&path).unwrap(), tiled.file];
    for compression in [Compression::Lzw, Compression::Deflate(Default::default()), Compression::Packbits] {
        files.push(encoded(&truth, compression, Predictor::Horizontal, true));
    }
    // A file that is overwritten goes to the disk at once, a new one does not.
    let replace = |file: &[u8]| {
        fs::remove_file(&path).unwrap();
        fs::write(&path, file).unwrap();
    };
    let look = |file: &[u8]| {
        replace(file);
        match plain(&path) {
            // A damaged size may be a large one: a slice is enough.
            Ok(volume) => {
                let mut slice = Region::whole(volume.header().shape);
                slice.end[0] = 1;
                volume.read(&slice).map(drop)
            }
            Err(error) => Err(error),
        }
    };
    for file in &files {
        look(file).unwrap();
        for length in (0..file.len()).step_by(7) {
            replace(&file[..length]);
            refused(&path);
        }
        for _ in 0..1000 {
            let mut damaged = file.clone();
            for _ in 0..=rng.next_u32() % 3 {
                let at = rng.next_u32() as usize % damaged.len().min(900);
                damaged[at] = rng.next_u32() as u8;
            }
            if let Err(error) = look(&damaged) {
                assert!(error.to_string().contains("scan.tif"), "{error}");
            }
        }
    }
}

/// An NPY file by hand.
fn npy(descr: &str, fortran: &str, shape: &str, voxels: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x02\x00".to_vec();
    file.extend((text.len() as u32).to_le_bytes());
    file.extend(text.as_bytes());
    file.extend(voxels);
    file
}

#[test]
fn npy_is_read_in_either_order() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.npy");
    let truth = noise(&mut rng, Shape([3, 4, 5]), Dtype::U16);
    let array = truth.view::<u16>().unwrap();
    let fortran: Vec<u8> = array.t().iter().flat_map(|v| v.to_be_bytes()).collect();
    fs::write(&path, npy("'>u2'", "True", "(3, 4, 5)", &fortran)).unwrap();
    assert_regions_agree(&mut rng, &Npy::open(&path).unwrap(), &truth);
    let standard: Vec<u8> = array.iter().flat_map(|v| v.to_be_bytes()).collect();
    fs::write(&path, npy("'>u2'", "False", "(3, 4, 5)", &standard)).unwrap();
    assert_regions_agree(&mut rng, &Npy::open(&path).unwrap(), &truth);
    fs::write(&path, npy("'|b1'", "False", "(1, 2, 2)", &[0, 1, 1, 0])).unwrap();
    assert_eq!(whole(&*plain(&path).unwrap()), Voxels::from_vec(Shape([1, 2, 2]), vec![0u8, 1, 1, 0]));
}

fn png(path: &Path, width: u32, colour: png::ColorType, depth: png::BitDepth, rows: &[u8]) {
    let bits = depth as usize * colour.samples();
    let height = rows.len() / (width as usize * bits).div_ceil(8);
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), width, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    encoder.write_header().unwrap().write_image_data(rows).unwrap();
}

#[test]
fn png_slices_are_grey_and_not_scaled() {
    use png::{BitDepth, ColorType};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slice.png");
    png(&path, 3, ColorType::Grayscale, BitDepth::Two, &[0b00_01_10_00, 0b11_10_01_00]);
    let slice = Png::open(&path).unwrap();
    assert_eq!(whole(&slice), Voxels::from_vec(Shape([1, 2, 3]), vec![0u8, 1, 2, 3, 2, 1]));
    png(&path, 2, ColorType::Grayscale, BitDepth::Sixteen, &[1, 2, 3, 4]);
    assert_eq!(whole(&Png::open(&path).unwrap()), Voxels::from_vec(Shape([1, 1, 2]), vec![0x102u16, 0x304]));
    assert_eq!(refused(&path).kind(), Kind::Input);
    for (colour, samples) in [(ColorType::Rgb, 3), (ColorType::GrayscaleAlpha, 2), (ColorType::Rgba, 4)] {
        png(&path, 2, colour, BitDepth::Eight, &vec![0; 2 * samples]);
        assert!(Png::open(&path).err().unwrap().to_string().contains("convert it to grey"));
    }
}

#[test]
fn a_folder_of_slices_is_a_volume_in_natural_order() {
    use png::{BitDepth, ColorType};
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    for value in [10u8, 2, 1, 100] {
        png(&place(&format!("img{value}.png")), 2, ColorType::Grayscale, BitDepth::Eight, &[value; 6]);
    }
    fs::write(place("LICENSE"), "free").unwrap();
    fs::write(place(".hidden.png"), "no image").unwrap();
    let volume = plain(folder.path()).unwrap();
    let values: Vec<f64> = (0..4).map(|z| whole(&*volume).get([z, 2, 1])).collect();
    assert_eq!((volume.header().shape, &values[..]), (Shape([4, 3, 2]), &[1.0, 2.0, 10.0, 100.0][..]));
    assert_regions_agree(&mut ChaCha8Rng::seed_from_u64(8), &*volume, &whole(&*volume));
    png(&place("img3.png"), 3, ColorType::Grayscale, BitDepth::Eight, &[3; 6]);
    let error = plain(folder.path()).err().unwrap();
    assert!(error.to_string().contains("img3.png"), "{error}");
    fs::write(place("img4.tif"), "").unwrap();
    assert!(plain(folder.path()).err().unwrap().to_string().contains("both TIFF and PNG"));
}
