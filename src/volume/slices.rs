//! A folder of slices, a TIFF or PNG file each, in natural order: `img2` before `img10`.
//!
//! All headers are read once, when the folder is opened; files are opened again to be read, so a
//! folder of thousands holds no file open.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::volume::flat;
use crate::volume::png::Png;
use crate::volume::region::Region;
use crate::volume::source::{Header, VolumeSource, check_region};
use crate::volume::tiff::Tiff;
use crate::volume::voxel::{Voxels, each_voxel_type};

/// A folder of slices.
pub struct Slices {
    header: Header,
    kind: Kind,
    paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tiff,
    Png,
}

impl Kind {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "tif" | "tiff" => Some(Kind::Tiff),
            "png" => Some(Kind::Png),
            _ => None,
        }
    }

    fn open(self, path: &Path) -> Result<Box<dyn VolumeSource>> {
        Ok(match self {
            Kind::Tiff => Box::new(Tiff::open(path)?),
            Kind::Png => Box::new(Png::open(path)?),
        })
    }
}

impl Slices {
    /// Opens a folder. Files that are neither TIFF nor PNG by their ending are passed over, as are
    /// hidden ones.
    ///
    /// # Errors
    /// Where the folder has no slices, slices of both kinds, or a slice that is not like the first.
    pub fn open(folder: &Path) -> Result<Self> {
        let (kind, paths) = list(folder)?;
        let first = kind.open(&paths[0])?.header().clone();
        let mut bytes = 0;
        for path in &paths {
            let slice = kind.open(path)?;
            let slice = slice.header();
            bytes += slice.bytes;
            if slice.shape.0[0] != 1 {
                let what = format!("{} pages in one file of a folder of slices: give the file alone", slice.shape.0[0]);
                return Err(Error::input(path.display(), what));
            }
            check_alike(path, &first, slice)?;
        }
        let mut shape = first.shape;
        shape.0[0] = paths.len();
        let header = Header {
            name: folder.display().to_string(),
            shape,
            format: format!("slices {}", first.format),
            axes: "zyx".into(),
            bytes,
            ..first
        };
        Ok(Self { header, kind, paths })
    }
}

impl VolumeSource for Slices {
    fn header(&self) -> &Header {
        &self.header
    }

    fn read(&self, region: &Region) -> Result<Voxels> {
        check_region(&self.header, region)?;
        let part = Region { start: [0, region.start[1], region.start[2]], end: [1, region.end[1], region.end[2]] };
        flat::filled(&self.header.name, region.shape(), self.header.dtype, |out| {
            let slice_bytes = out.len() / region.range(0).len();
            for (path, out) in self.paths[region.range(0)].iter().zip(out.chunks_exact_mut(slice_bytes)) {
                let slice = self.kind.open(path)?;
                check_alike(path, &self.header, slice.header())?;
                let voxels = slice.read(&part)?;
                each_voxel_type!(voxels, array => {
                    let row_bytes = slice_bytes / region.range(1).len();
                    for (row, out) in array.rows().into_iter().zip(out.chunks_exact_mut(row_bytes)) {
                        out.copy_from_slice(bytemuck::cast_slice(row.to_slice().expect("rows of a box of voxels are contiguous")));
                    }
                });
            }
            Ok(())
        })
    }
}

/// Refuses a slice that is not of the size and type of the first.
fn check_alike(path: &Path, first: &Header, slice: &Header) -> Result<()> {
    let of = |header: &Header| format!("{}x{} of {}", header.shape.0[1], header.shape.0[2], header.dtype);
    let (first, this) = (of(first), of(slice));
    if first == this {
        return Ok(());
    }
    Err(Error::input(
        path.display(),
        format!("is {this}, the first slice is {first}: the slices of a volume are alike"),
    ))
}

/// The slices of a folder in natural order, one at least.
fn list(folder: &Path) -> Result<(Kind, Vec<PathBuf>)> {
    let reading = |cause| Error::reading(folder, cause);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(reading)? {
        let entry = entry.map_err(reading)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if let Some(kind) = Kind::of(&entry.path()).filter(|_| !hidden && entry.path().is_file()) {
            paths.push((kind, entry.path()));
        }
    }
    let Some(&(kind, _)) = paths.first() else {
        return Err(Error::input(folder.display(), "a folder without TIFF or PNG slices"));
    };
    if paths.iter().any(|(other, _)| *other != kind) {
        return Err(Error::input(folder.display(), "a folder of both TIFF and PNG files: keep those of one kind"));
    }
    let mut paths: Vec<_> = paths.into_iter().map(|(_, path)| path).collect();
    paths.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
    Ok((kind, paths))
}

/// The order in which people count: runs of digits by their value. Ties go by the text itself.
fn natural(a: &str, b: &str) -> Ordering {
    fn next(text: &str) -> (&str, &str) {
        let digits = text.starts_with(|c: char| c.is_ascii_digit());
        text.split_at(text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len()))
    }
    let (mut left, mut right) = (a, b);
    while !left.is_empty() && !right.is_empty() {
        let ((this, rest), (that, other)) = (next(left), next(right));
        (left, right) = (rest, other);
        let order = match (this.as_bytes()[0].is_ascii_digit(), that.as_bytes()[0].is_ascii_digit()) {
            (true, true) => {
                let (this, that) = (this.trim_start_matches('0'), that.trim_start_matches('0'));
                this.len().cmp(&that.len()).then_with(|| this.cmp(that))
            }
            _ => this.cmp(that),
        };
        if order.is_ne() {
            return order;
        }
    }
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_in_the_order_in_which_people_count() {
        let mut names =
            ["img10.tif", "img2.tif", "img1.tif", "img010.tif", "a.tif", "img2b.tif", "img99999999999999999999999.tif"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(
            names,
            ["a.tif", "img1.tif", "img2.tif", "img2b.tif", "img010.tif", "img10.tif", "img99999999999999999999999.tif"]
        );
    }
}
