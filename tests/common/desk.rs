//! A folder to work in, with a folder `in` of scans.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use septa::incremental::told::FILES;
use septa::volume::open::create;
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::{Dtype, Voxels};

use super::program::septa;
use super::random::Random;

/// The volume of most scans.
pub(crate) const SHAPE: Shape = Shape([9, 10, 11]);

pub(crate) struct Desk(tempfile::TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(desk.at("in")).unwrap();
        desk
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = septa();
        command.args(line.split(' ')).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn septa(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    /// Begins it, and listens to nothing that it says.
    pub(crate) fn begin_quietly(&self, line: &str) -> Child {
        self.command(line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// The tables and events in a folder.
    pub(crate) fn told(&self, folder: &str) -> Vec<String> {
        FILES.iter().map(|name| std::fs::read_to_string(self.at(folder).join(name)).unwrap()).collect()
    }
}

/// Writes a volume.
pub(crate) fn write(path: &Path, shape: Shape, values: Vec<u8>) {
    let sink = create(path, shape, Dtype::U8, &Spacing::default()).unwrap();
    sink.write(&Region::whole(shape), &Voxels::from_vec(shape, values)).unwrap();
    sink.finish().unwrap();
}

/// Voxels of few components.
pub(crate) fn drawn(random: &mut Random, shape: Shape) -> Vec<u8> {
    (0..shape.voxels().unwrap()).map(|_| random.below(5).saturating_sub(2) as u8).collect()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
