//! Every figure of `reference.json`, beside the real volumes, is what septa says of them.
//!
//! The figures come from NumPy, SciPy, scikit-image and cc3d. They are read, not copied; a figure
//! that no test looks at is a failure, and so is a volume without a test.

#[path = "common/program.rs"]
mod program;
#[path = "common/data.rs"]
mod real;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use program::septa;
use septa::measure::read::read_table;
use septa::measure::table::Table;
use septa::volume::histogram::Histogram;
use septa::volume::open::{OpenOptions, open};
use septa::volume::region::Region;
use septa::volume::shape::Shape;
use septa::volume::voxel::Dtype;
use serde_json::{Map, Value};
use tempfile::TempDir;

const GREY: [&str; 5] = [
    "trabecular/ (200 slices)",
    "nuclei/img3d.tif",
    "ovule/ovule_raw.tif",
    "embryo/images_raw/8_cell_stage.tif",
    "embryo/images_raw/16_cell_stage.tif",
];
const BINARY: [&str; 6] = [
    "embryo/images_nsn/8_cell_stage.tif",
    "embryo/images_nsn/16_cell_stage.tif",
    "bone/bone_7H3A_B1.tif bone (>0)",
    "bone/bone_7H3A_B1.tif pores (==0)",
    "bone/bone_7H3B_B1.tif bone (>0)",
    "bone/bone_7H3B_B1.tif pores (==0)",
];
const LABELS: [&str; 4] = [
    "nuclei/mask3d.tif",
    "ovule/ovule_labels.tif",
    "connectome/neuroproof_oversegmented_stack_labels.tif",
    "connectome/connectome_labels.tif",
];

/// The figures of one volume, and which of them were looked at.
struct Entry {
    name: String,
    volume: PathBuf,
    figures: Map<String, Value>,
    checked: RefCell<BTreeSet<String>>,
    wrong: RefCell<BTreeSet<String>>,
    scratch: TempDir,
}

fn reference(data: &Path) -> Map<String, Value> {
    let text = std::fs::read_to_string(data.join("reference.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

impl Entry {
    /// The entry of that name; nothing where there are no data.
    fn open(name: &str) -> Option<Self> {
        let data = real::data()?;
        let Some(Value::Object(figures)) = reference(&data).remove(name) else {
            panic!("{name}: not in reference.json");
        };
        let volume = data.join(name.split(' ').next().unwrap().trim_end_matches('/'));
        let scratch = tempfile::tempdir().unwrap();
        let (checked, wrong) = Default::default();
        Some(Self { name: name.into(), volume, figures, checked, wrong, scratch })
    }

    /// Holds the figure `key` of the reference against `ours`: numbers to the last bit.
    fn is(&self, key: &str, ours: impl Into<Value>) {
        let ours = ours.into();
        let theirs = self.figures.get(key).unwrap_or_else(|| panic!("{}: no figure {key}", self.name));
        let same = match (ours.as_f64(), theirs.as_f64()) {
            // Whole numbers here are far below 2^53.
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => ours == *theirs,
        };
        if !same {
            self.wrong.borrow_mut().insert(format!("{key}: {ours} here, {theirs} in the reference"));
        }
        self.checked.borrow_mut().insert(key.into());
    }

    /// The largest label. The file of the connectome holds the cells of the reference renumbered
    /// from 1 without gaps (so say NumPy and tifffile too): its largest label is their number.
    fn max_label(&self, ours: u64) {
        match self.name.as_str() {
            "connectome/connectome_labels.tif" => {
                assert_eq!(Some(ours), self.figures["labels"].as_u64());
                self.checked.borrow_mut().insert("max_label".into());
            }
            _ => self.is("max_label", ours),
        }
    }

    /// Fails where a figure was another, or was not looked at.
    fn close(self) {
        let wrong = self.wrong.into_inner();
        assert!(wrong.is_empty(), "{}: {}", self.name, wrong.into_iter().collect::<Vec<_>>().join("; "));
        let all: BTreeSet<String> = self.figures.keys().cloned().collect();
        assert_eq!(all, self.checked.into_inner(), "{}: a figure is not checked", self.name);
    }

    /// What `septa` says of the volume.
    fn septa(&self, verb: &str, options: &[&str]) -> Value {
        figures(verb, &self.volume, options)
    }

    fn file(&self, name: &str) -> String {
        self.scratch.path().join(name).display().to_string()
    }
}

fn figures(verb: &str, volume: &Path, options: &[&str]) -> Value {
    let output = septa().arg(verb).arg(volume).args(options).arg("--json").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "septa {verb} {} {options:?}: {told}", volume.display());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is not a whole number"))
}

/// A mask's figures: `label` are the options that select it in the volume, `segment` those that
/// write it as a mask.
fn mask_figures(entry: &Entry, label: &[&str], segment: &[&str]) {
    entry.is("shape_zyx", entry.septa("info", &[])["shape"].clone());
    for connectivity in ["6", "26"] {
        let options = [label, &["--connectivity", connectivity]].concat();
        let all = entry.septa("label", &options);
        entry.is("foreground", all["foreground"].clone());
        entry.is("volume_fraction", all["volume_fraction"].clone());
        entry.is(&format!("components_{connectivity}"), all["components"].clone());
        entry.is(&format!("largest_{connectivity}"), all["largest"].clone());
        let large = entry.septa("label", &[&options, &["--min-voxels", "50"][..]].concat());
        entry.is(&format!("components_{connectivity}_ge50vox"), large["components"].clone());
        assert_eq!((&large["largest"], &large["foreground"]), (&all["largest"], &all["foreground"]));
    }
    // The whole foreground as the one cell of a labels volume has its Euler numbers.
    let (mask, cells) = (entry.file("mask.npy"), entry.file("cells.csv"));
    let segmented = entry.septa("segment", &[segment, &["-o", &mask]].concat());
    entry.is("foreground", segmented["foreground"].clone());
    entry.is("volume_fraction", segmented["volume_fraction"].clone());
    let measured = figures("measure", Path::new(&mask), &["-o", &cells]);
    assert_eq!(measured["cells"], 1);
    let cells = read_table(Path::new(&cells)).unwrap();
    assert_eq!(cells.floats("num_pixels").unwrap()[0], segmented["foreground"].as_f64().unwrap());
    entry.is("euler_26_skimage", cells.floats("euler_number").unwrap()[0]);
    entry.is("euler_6_skimage", cells.floats("euler_number_6").unwrap()[0]);
    let shape: [u64; 3] = serde_json::from_value(entry.figures["shape_zyx"].clone()).unwrap();
    entry.is("voxels", shape.iter().product::<u64>());
}

fn grey(name: &str) {
    let Some(entry) = Entry::open(name) else { return };
    entry.is("kind", "grey->otsu(a>t)");
    entry.is("dtype", entry.septa("info", &[])["dtype"].clone());
    let source = open(&entry.volume, &OpenOptions::default()).unwrap();
    let bins = Histogram::of(&*source, 2).unwrap().bins();
    let present: Vec<(f64, u64)> = bins.into_iter().filter(|(_, count)| *count > 0).collect();
    let (sum, count) = present.iter().fold((0.0, 0), |(sum, all), (value, n)| (sum + value * *n as f64, all + n));
    entry.is("min", present[0].0);
    entry.is("max", present[present.len() - 1].0);
    entry.is("mean", sum / count as f64);
    entry.is("voxels", count);
    let segmented = entry.septa("segment", &["--threshold", "otsu", "-o", &entry.file("otsu.npy")]);
    entry.is("otsu", segmented["threshold"].clone());
    entry.is("otsu", entry.septa("label", &["--threshold", "otsu"])["threshold"].clone());
    mask_figures(&entry, &["--threshold", "otsu"], &["--threshold", "otsu"]);
    entry.close();
}

fn binary(name: &str) {
    let Some(entry) = Entry::open(name) else { return };
    entry.is("kind", "binary");
    match name.ends_with("(==0)") {
        true => mask_figures(&entry, &["--background"], &["--threshold", "0", "--below"]),
        false => mask_figures(&entry, &[], &["--threshold", "0"]),
    }
    entry.close();
}

fn labels(name: &str) {
    let Some(entry) = Entry::open(name) else { return };
    entry.is("kind", "labels");
    let header = entry.septa("info", &[]);
    entry.is("shape_zyx", header["shape"].clone());
    // The reference was computed on labels cast to the unsigned type of that size.
    entry.is("dtype", format!("uint{}", header["dtype"].as_str().unwrap().trim_start_matches(char::is_alphabetic)));
    let voxels = Voxels::read(&entry.volume);
    entry.max_label(u64::from(voxels.labels.iter().copied().max().unwrap()));
    for connectivity in ["6", "26"] {
        let option = ["--connectivity", connectivity];
        let components = entry.septa("label", &[&option[..], &["--multilabel"]].concat());
        entry.is(&format!("multilabel_components_{connectivity}"), components["components"].clone());
        let path = entry.file(&format!("cells{connectivity}.csv"));
        entry.septa("measure", &[&option[..], &["-o", &path]].concat());
        cells(&entry, &read_table(Path::new(&path)).unwrap(), voxels.shape, connectivity);
        contacts(&entry, &voxels, connectivity);
    }
    entry.close();
}

/// What the table of cells says of their sizes and degrees.
fn cells(entry: &Entry, cells: &Table, shape: Shape, connectivity: &str) {
    let mut volumes: Vec<u64> = cells.floats("num_pixels").unwrap().iter().map(|n| *n as u64).collect();
    volumes.sort_unstable();
    let (count, sum) = (volumes.len(), volumes.iter().sum::<u64>());
    let all = shape.voxels().unwrap();
    entry.is("labels", count);
    entry.max_label(*cells.labels("label").unwrap().last().unwrap());
    entry.is("background_fraction", (all - sum) as f64 / all as f64);
    entry.is("mean_volume_vox", sum as f64 / count as f64);
    entry.is("median_volume_vox", (volumes[(count - 1) / 2] + volumes[count / 2]) as f64 / 2.0);
    entry.is("min_volume_vox", volumes[0]);
    entry.is("max_volume_vox", volumes[count - 1]);
    // The reference has degrees for the neighbours that share a face.
    if connectivity == "6" {
        let degrees = cells.floats("n_neighbors").unwrap();
        entry.is("mean_degree_6", degrees.iter().sum::<f64>() / count as f64);
        entry.is("max_degree_6", degrees.iter().copied().fold(0.0, f64::max));
    }
}

/// Contacts, and pairs of voxels across them: septa's are exact.
///
/// cc3d 3, which made the reference, counts at connectivity 26 the diagonal pairs within the first
/// and within the last slice twice. Both are held against a plain count: septa's number against
/// the pairs, the reference against the pairs with those counted again.
fn contacts(entry: &Entry, voxels: &Voxels, connectivity: &str) {
    let told = entry.septa("contacts", &["--connectivity", connectivity]);
    entry.is(&format!("contacts_{connectivity}"), told["contacts"].clone());
    let faces: u64 = voxels.pairs(|step| manhattan(step) == 1, |_| true);
    assert_eq!(whole(&told["faces"]), faces, "{}: faces", entry.name);
    let counted_again = match connectivity {
        "6" => 0,
        _ => {
            let last = voxels.shape.0[0] - 1;
            voxels.pairs(|step| step[0] == 0 && manhattan(step) == 2, |z| z == 0 || z == last)
        }
    };
    let exact = if connectivity == "6" { faces } else { voxels.pairs(|_| true, |_| true) };
    assert_eq!(whole(&told["pairs"]), exact, "{}: pairs", entry.name);
    entry.is(&format!("contact_voxel_pairs_{connectivity}"), exact + counted_again);
}

fn manhattan(step: [isize; 3]) -> isize {
    step.iter().map(|s| s.abs()).sum()
}

/// Labels in memory, for counts that go from voxel to voxel.
struct Voxels {
    shape: Shape,
    labels: Vec<u32>,
}

impl Voxels {
    fn read(path: &Path) -> Self {
        let source = open(path, &OpenOptions::default()).unwrap();
        let shape = source.header().shape;
        let voxels = source.read(&Region::whole(shape)).unwrap().cast(Dtype::U32);
        Self { shape, labels: voxels.view::<u32>().unwrap().iter().copied().collect() }
    }

    fn row(&self, z: usize, y: usize) -> &[u32] {
        &self.labels[self.shape.raster([z, y, 0]) as usize..][..self.shape.0[2]]
    }

    /// Pairs of voxels of two different labels that are a wanted step apart, the first in a wanted
    /// slice; of a step and its opposite one is taken.
    fn pairs(&self, step: impl Fn([isize; 3]) -> bool, slice: impl Fn(usize) -> bool) -> u64 {
        let [nz, ny, nx] = self.shape.0;
        let all = (0..27).map(|k| [k / 9 - 1, k / 3 % 3 - 1, k % 3 - 1]);
        let mut count = 0;
        for wanted in all.filter(|s| *s > [0, 0, 0] && step(*s)) {
            for (z, y) in (0..nz).filter(|z| slice(*z)).flat_map(|z| (0..ny).map(move |y| (z, y))) {
                let (there_z, there_y) = (z.wrapping_add_signed(wanted[0]), y.wrapping_add_signed(wanted[1]));
                if there_z >= nz || there_y >= ny {
                    continue;
                }
                let (here, there) = (self.row(z, y), self.row(there_z, there_y));
                let (here, there) = match wanted[2] {
                    1 => (&here[..nx - 1], &there[1..]),
                    -1 => (&here[1..], &there[..nx - 1]),
                    _ => (here, there),
                };
                let met = |(a, b): (&u32, &u32)| u32::from(a != b && *a != 0 && *b != 0);
                count += u64::from(here.iter().zip(there).map(met).sum::<u32>());
            }
        }
        count
    }
}

#[test]
fn every_volume_of_the_reference_has_a_test() {
    let Some(data) = real::data() else { return };
    let tested: BTreeSet<&str> = GREY.into_iter().chain(BINARY).chain(LABELS).collect();
    let reference = reference(&data);
    assert_eq!(reference.keys().map(String::as_str).collect::<BTreeSet<_>>(), tested);
}

macro_rules! each {
    ($($test:ident: $check:ident $of:ident $at:literal;)*) => {
        $(#[test]
        fn $test() {
            $check($of[$at]);
        })*
    };
}

each! {
    trabecular_bone_is_as_in_the_reference: grey GREY 0;
    nuclei_are_as_in_the_reference: grey GREY 1;
    the_ovule_is_as_in_the_reference: grey GREY 2;
    the_embryo_of_8_cells_is_as_in_the_reference: grey GREY 3;
    the_embryo_of_16_cells_is_as_in_the_reference: grey GREY 4;
    the_mask_of_8_cells_is_as_in_the_reference: binary BINARY 0;
    the_mask_of_16_cells_is_as_in_the_reference: binary BINARY 1;
    bone_a_is_as_in_the_reference: binary BINARY 2;
    pores_of_bone_a_are_as_in_the_reference: binary BINARY 3;
    bone_b_is_as_in_the_reference: binary BINARY 4;
    pores_of_bone_b_are_as_in_the_reference: binary BINARY 5;
    labelled_nuclei_are_as_in_the_reference: labels LABELS 0;
    labelled_ovule_cells_are_as_in_the_reference: labels LABELS 1;
    supervoxels_are_as_in_the_reference: labels LABELS 2;
    the_connectome_is_as_in_the_reference: labels LABELS 3;
}
