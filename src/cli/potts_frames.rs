//! What is kept of a Potts run while it goes on: volumes in a folder, a movie of a slice, a table of contacts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::potts_contacts::Touching;
use crate::cli::written::Written;
use crate::error::{Error, Result};
use crate::programs::potts::run::Frames;
use crate::report::colour::label_colour;
use crate::volume::region::Region;
use crate::volume::shape::{Shape, Spacing};
use crate::volume::sink::TempFile;
use crate::volume::voxel::{Voxel, Voxels, each_voxel_type, row};

/// The frames of a movie in a second.
const RATE: u16 = 8;

/// All that is kept: told block by block, on process 0.
pub(crate) struct Kept {
    pub(crate) series: Option<Series>,
    pub(crate) movie: Option<Movie>,
    pub(crate) touching: Option<Touching>,
}

impl Kept {
    /// Whether anything is kept.
    pub(crate) fn is_anything(&self) -> bool {
        self.series.is_some() || self.movie.is_some() || self.touching.is_some()
    }

    /// Who takes the frames between the first and the last.
    pub(crate) fn frames(self: &Arc<Self>) -> Frames {
        let kept = Arc::clone(self);
        Frames::Here(Arc::new(move |sweep, region, spins| {
            kept.series.iter().try_for_each(|series| series.put(sweep, region, spins))?;
            kept.put(sweep, region, spins)
        }))
    }

    /// Takes the spins of a block after so many sweeps, the first and the last too.
    pub(crate) fn put(&self, sweep: u64, region: &Region, spins: &Voxels) -> Result<()> {
        self.movie.iter().for_each(|movie| movie.put(sweep, region, spins));
        self.touching.iter().try_for_each(|touching| touching.put(sweep, region, spins))
    }
}

/// A folder of volumes, one for each sweep that is told; each appears when all blocks have given theirs.
pub(crate) struct Series {
    folder: PathBuf,
    shape: Shape,
    spacing: Spacing,
    /// Digits of the last sweep.
    width: usize,
    /// Volumes that are not whole yet, with the voxels they lack.
    open: Mutex<BTreeMap<u64, (Written, u64)>>,
}

impl Series {
    pub(crate) fn new(folder: &Path, shape: Shape, spacing: Spacing, sweeps: u64) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|cause| Error::writing(folder, cause))?;
        let (folder, width) = (folder.to_owned(), sweeps.to_string().len());
        Ok(Self { folder, shape, spacing, width, open: Mutex::new(BTreeMap::new()) })
    }

    fn put(&self, sweep: u64, region: &Region, spins: &Voxels) -> Result<()> {
        let open = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.folder.join(format!("sweep_{sweep:0width$}.tif", width = self.width));
        let written = {
            let mut open = open();
            let fresh = || (Written::new(&path, self.shape, self.spacing), self.shape.voxels().unwrap_or(0));
            open.entry(sweep).or_insert_with(fresh).0.clone()
        };
        written.put(region, spins)?;
        let mut open = open();
        let Some((_, lacking)) = open.get_mut(&sweep) else { return Ok(()) };
        *lacking -= region.shape().voxels().unwrap_or(0);
        if *lacking > 0 {
            return Ok(());
        }
        open.remove(&sweep);
        drop(open);
        written.finish()
    }
}

/// Visits the labels of a block with their voxels.
fn each(region: &Region, spins: &Voxels, mut visit: impl FnMut([usize; 3], u64)) {
    each_voxel_type!(spins, array => {
        for (z, y) in Region::whole(spins.shape()).rows() {
            for (x, value) in row(array, z, y).iter().enumerate() {
                let at = [region.start[0] + z, region.start[1] + y, region.start[2] + x];
                visit(at, value.to_label().unwrap_or(0));
            }
        }
    });
}

/// The slice in the middle of the volume, as an animated PNG. Memory: 3 bytes a pixel and frame.
pub(crate) struct Movie {
    path: PathBuf,
    shape: Shape,
    frames: Mutex<BTreeMap<u64, Vec<u8>>>,
}

impl Movie {
    pub(crate) fn new(path: &Path, shape: Shape) -> Self {
        Self { path: path.to_owned(), shape, frames: Mutex::new(BTreeMap::new()) }
    }

    fn put(&self, sweep: u64, region: &Region, spins: &Voxels) {
        let [nz, ny, nx] = self.shape.0;
        if !region.range(0).contains(&(nz / 2)) {
            return;
        }
        let mut frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let pixels = frames.entry(sweep).or_insert_with(|| vec![0; 3 * ny * nx]);
        each(region, spins, |[z, y, x], label| {
            if z == nz / 2 {
                pixels[3 * (y * nx + x)..][..3].copy_from_slice(&label_colour(label));
            }
        });
    }

    /// Writes the movie.
    pub(crate) fn finish(&self) -> Result<()> {
        let frames = self.frames.lock().unwrap_or_else(PoisonError::into_inner);
        let refuse = |cause: png::EncodingError| {
            Error::resource(format!("{}: a movie of {}: {cause}", self.path.display(), self.shape))
        };
        let bytes = animated(self.shape, &frames).map_err(refuse)?;
        let file = TempFile::create(&self.path)?;
        file.write_at(&bytes, 0)?;
        file.keep()
    }
}

fn animated(shape: Shape, frames: &BTreeMap<u64, Vec<u8>>) -> std::result::Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, shape.0[2] as u32, shape.0[1] as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_animated(frames.len() as u32, 0)?;
    encoder.set_frame_delay(1, RATE)?;
    let mut writer = encoder.write_header()?;
    frames.values().try_for_each(|frame| writer.write_image_data(frame))?;
    writer.finish()?;
    Ok(bytes)
}
