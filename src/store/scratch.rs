//! Scratch: what does not fit in memory for the length of one run, in a file beside the output.
//!
//! Sections are appended and read back by any thread, each compressed with LZ4 in pieces and
//! checked by an XXH3 sum of what lies on the disk. The file is made when the first section comes,
//! and loses its name at once, so that nothing is left behind however the run ends; where the
//! system does not allow that, it is removed when the scratch is dropped. A scratch also keeps
//! count of what its users keep in memory instead. Memory: a piece for each thread that puts or
//! gets, and the section that is read.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::Xxh3;

use crate::error::{Error, Result};

/// Where a section lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    offset: u64,
    /// Bytes on the disk.
    packed: usize,
    /// Bytes as they were put.
    length: usize,
    sum: u64,
}

impl Place {
    /// The bytes that the section takes on the disk.
    pub fn packed(&self) -> usize {
        self.packed
    }
}

/// What is compressed at a time.
const PIECE: usize = 1 << 20;

/// A file of sections that lives as long as this does.
#[derive(Debug)]
pub struct Scratch {
    /// The file that it lies beside.
    output: PathBuf,
    open: Mutex<Option<Arc<Opened>>>,
    end: AtomicU64,
    /// Bytes of memory that users may take yet, and how many of them only those that must.
    spare: AtomicU64,
    reserve: u64,
    /// Bytes that blocks take while they are read and scanned, and again when they are painted.
    working: u64,
}

impl Scratch {
    /// A scratch beside `output`, whose users may take `spare` bytes of memory, most of them for
    /// what cannot be put aside. No file is made yet.
    pub fn beside(output: &Path, spare: u64) -> Self {
        Self {
            output: output.to_owned(),
            open: Mutex::new(None),
            end: AtomicU64::new(0),
            spare: AtomicU64::new(spare),
            // What can be put aside costs little there, and what must stay cannot be.
            reserve: spare - spare / 4,
            working: 0,
        }
    }

    /// With so many bytes more that blocks work in, and that are free between the first and the
    /// second pass over them.
    pub fn with_working(self, bytes: u64) -> Self {
        Self { working: bytes, ..self }
    }

    /// Lends what blocks work in: all are scanned, and none is painted yet.
    pub fn scanned(&self) {
        self.frees(self.working);
    }

    /// Whether so many bytes of memory may be taken for what could be put aside; if so they are.
    pub fn spares(&self, bytes: u64) -> bool {
        self.take(bytes, self.reserve)
    }

    /// Takes so many bytes of memory for what cannot be put aside.
    ///
    /// # Errors
    /// Where there are no more.
    pub fn needs(&self, bytes: u64) -> Result<()> {
        if self.take(bytes, 0) {
            return Ok(());
        }
        let what = "what joins its blocks does not fit in memory: allow more with --max-memory";
        Err(Error::resource(format!("{}: {what}", self.output.display())))
    }

    /// Gives so many bytes of memory back.
    pub fn frees(&self, bytes: u64) {
        self.spare.fetch_add(bytes, Ordering::Relaxed);
    }

    fn take(&self, bytes: u64, leave: u64) -> bool {
        let left = |spare: u64| spare.checked_sub(bytes).filter(|left| *left >= leave);
        self.spare.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left).is_ok()
    }

    /// Appends a section.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub fn put(&self, bytes: &[u8]) -> Result<Place> {
        let opened = self.opened()?;
        let mut packed = Vec::new();
        let mut piece = Vec::new();
        for bytes in bytes.chunks(PIECE) {
            piece.resize(lz4_flex::block::get_maximum_output_size(bytes.len()), 0);
            let length = lz4_flex::block::compress_into(bytes, &mut piece).expect("a piece has room for the worst");
            packed.extend_from_slice(&(length as u32).to_le_bytes());
            packed.extend_from_slice(&piece[..length]);
        }
        let mut hash = Xxh3::new();
        hash.update(&packed);
        let offset = self.end.fetch_add(packed.len() as u64, Ordering::Relaxed);
        opened.file.write_all_at(&packed, offset).map_err(|cause| Error::writing(&opened.path, cause))?;
        Ok(Place { offset, packed: packed.len(), length: bytes.len(), sum: hash.digest() })
    }

    /// A section that was put.
    ///
    /// # Errors
    /// Where the disk does not give back what it took.
    pub fn get(&self, place: Place) -> Result<Vec<u8>> {
        let opened = self.opened()?;
        let lost = |what: &str| {
            let path = opened.path.display();
            Error::resource(format!("{path}: scratch cannot be read back ({what}): is the disk in order?"))
        };
        let mut packed = vec![0; place.packed];
        let read = opened.file.read_exact_at(&mut packed, place.offset);
        read.map_err(|cause| lost(&cause.to_string()).because(cause))?;
        let mut hash = Xxh3::new();
        hash.update(&packed);
        if hash.digest() != place.sum {
            return Err(lost("its bytes have changed"));
        }
        let mut bytes = vec![0; place.length];
        let mut rest = &packed[..];
        for out in bytes.chunks_mut(PIECE) {
            let unpacked = rest.split_first_chunk::<4>().and_then(|(length, behind)| {
                let (piece, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
                rest = behind;
                lz4_flex::block::decompress_into(piece, out).ok().filter(|length| *length == out.len())
            });
            unpacked.ok_or_else(|| lost("its bytes are damaged"))?;
        }
        Ok(bytes)
    }

    /// The file, made when it is first needed.
    fn opened(&self) -> Result<Arc<Opened>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opened) = &*open {
            return Ok(Arc::clone(opened));
        }
        let made = Arc::new(Opened::beside(&self.output)?);
        Ok(Arc::clone(open.insert(made)))
    }
}

/// An open file, and where it is or was.
#[derive(Debug)]
struct Opened {
    file: File,
    path: PathBuf,
    named: bool,
}

impl Opened {
    fn beside(output: &Path) -> Result<Self> {
        let name = output.file_name().unwrap_or_default().to_string_lossy();
        // A name may be there already, of a process that had this number and was killed.
        for number in 0.. {
            let path = output.with_file_name(format!(".{name}.{}.{number}.scratch", std::process::id()));
            match File::options().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => {
                    let named = std::fs::remove_file(&path).is_err();
                    return Ok(Self { file, path, named });
                }
                Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(Error::writing(&path, cause)),
            }
        }
        unreachable!("numbers do not end")
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if self.named {
            // A failure leaves a file whose name says what it is.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize, seed: u64) -> Vec<u8> {
        let mut state = seed;
        let step = |state: &mut u64| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 60) as u8
        };
        (0..length).map(|_| step(&mut state)).collect()
    }

    fn over(file: File) -> Scratch {
        let scratch = Scratch::beside(Path::new("out.tif"), 0);
        let opened = Opened { file, path: PathBuf::from(".out.tif.scratch"), named: false };
        *scratch.open.lock().unwrap() = Some(Arc::new(opened));
        scratch
    }

    #[test]
    fn sections_of_many_threads_come_back_and_no_file_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let scratch = Scratch::beside(&folder.path().join("out.tif"), 0);
        let lengths = [0, 1, 5, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17];
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let scratch = &scratch;
                scope.spawn(move || {
                    let sections: Vec<_> = lengths.iter().map(|length| noise(*length, thread)).collect();
                    let places: Vec<_> = sections.iter().map(|section| scratch.put(section).unwrap()).collect();
                    for (section, place) in sections.iter().zip(&places).rev() {
                        assert!(scratch.get(*place).unwrap() == *section);
                    }
                });
            }
        });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_full_disk_is_a_lack_of_resources_and_names_the_file() {
        let Ok(full) = File::options().read(true).write(true).open("/dev/full") else { return };
        let error = over(full).put(b"anything").unwrap_err();
        assert_eq!(error.kind().exit_code(), 4);
        assert_eq!(error.message(), ".out.tif.scratch: cannot be written: the disk is full");
        let folder = tempfile::tempdir().unwrap();
        let nowhere = Scratch::beside(&folder.path().join("none").join("out.tif"), 0);
        assert_eq!(nowhere.put(b"anything").unwrap_err().kind().exit_code(), 4);
    }

    #[test]
    fn what_was_changed_or_cut_on_the_disk_is_not_given_back() {
        let file = tempfile::tempfile().unwrap();
        let scratch = over(file.try_clone().unwrap());
        let place = scratch.put(&noise(10_000, 1)).unwrap();
        for at in [0, 4, place.packed / 2, place.packed - 1] {
            let mut byte = [0];
            file.read_exact_at(&mut byte, at as u64).unwrap();
            file.write_all_at(&[byte[0] ^ 1], at as u64).unwrap();
            let error = scratch.get(place).unwrap_err();
            assert!(error.kind().exit_code() == 4 && error.message().contains("have changed"), "{error}");
            file.write_all_at(&byte, at as u64).unwrap();
        }
        assert!(scratch.get(place).unwrap() == noise(10_000, 1));
        file.set_len(place.packed as u64 - 1).unwrap();
        let error = scratch.get(place).unwrap_err();
        assert!(error.kind().exit_code() == 4 && error.message().starts_with(".out.tif.scratch: "), "{error}");
    }

    #[test]
    fn no_more_is_taken_than_is_spared_and_most_is_for_what_must_be() {
        let scratch = Scratch::beside(Path::new("out.tif"), 100);
        assert!(scratch.spares(15) && !scratch.spares(11) && scratch.spares(10) && !scratch.spares(1));
        scratch.needs(75).unwrap();
        let error = scratch.needs(1).unwrap_err();
        assert!(error.kind().exit_code() == 4 && error.message().starts_with("out.tif: "), "{error}");
        scratch.frees(85);
        assert!(scratch.spares(10) && !scratch.spares(1));
        scratch.needs(75).unwrap();
        let scratch = scratch.with_working(40);
        scratch.needs(1).unwrap_err();
        scratch.scanned();
        scratch.needs(40).unwrap();
    }
}
