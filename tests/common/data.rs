//! Where the real volumes are.

use std::path::{Path, PathBuf};

/// The folder of real volumes: `SEPTA_DATA`, or `../shared/data` beside the project. Where it is
/// missing the test says that it skips; with `CI=true` that is a failure.
pub(crate) fn data() -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("SEPTA_DATA").map_or_else(default, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let missing = format!("there is no folder {}: set SEPTA_DATA to the real volumes", folder.display());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
    eprintln!("skipped: {missing}");
    None
}
