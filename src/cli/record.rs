//! `run.json`: what was run on what, so that it can be run again.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::cli::context::Context;
use crate::cli::figures::Figures;
use crate::error::{Error, Result};
use crate::volume::sink::write_file;

/// Files up to this size are hashed whole; of larger ones the first and the last part of it.
const WHOLE: u64 = 1 << 30;
const END: u64 = 16 << 20;

pub(crate) fn write(path: &Path, context: &Context, inputs: &[&Path], figures: &Figures) -> Result<()> {
    let inputs = inputs.iter().map(|input| describe(input)).collect::<Result<Vec<Value>>>()?;
    let workers = &context.workers;
    let record = json!({
        "septa": env!("CARGO_PKG_VERSION"),
        "arguments": std::env::args().skip(1).collect::<Vec<_>>(),
        "seed": context.common.seed,
        "workers": { "threads": workers.per_process(), "processes": workers.processes() },
        "inputs": inputs,
        "seconds": context.seconds(),
        "figures": figures.to_json(),
    });
    let mut text = serde_json::to_string_pretty(&record).expect("a record is plain data");
    text.push('\n');
    write_file(path, text.as_bytes())
}

/// A file or a folder of files: how large, and what is in it.
fn describe(path: &Path) -> Result<Value> {
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        let listed = std::fs::read_dir(path).map_err(|cause| Error::reading(path, cause))?;
        files = listed.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_file()).collect();
        files.sort();
    }
    let mut hash = Sha256::new();
    let (mut bytes, mut whole) = (0, true);
    for file in &files {
        let (length, all) = digest(file, &mut hash)?;
        bytes += length;
        whole &= all;
    }
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let name = if whole { "sha256" } else { "sha256_of_ends" };
    Ok(json!({ "path": path, "files": files.len(), "bytes": bytes, name: hash }))
}

fn digest(path: &PathBuf, hash: &mut Sha256) -> Result<(u64, bool)> {
    let failed = |cause| Error::reading(path, cause);
    let mut file = std::fs::File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let whole = length <= WHOLE;
    let parts = if whole { vec![(0, length)] } else { vec![(0, END), (length - END, END)] };
    let mut buffer = vec![0; 1 << 20];
    for (start, length) in parts {
        std::io::Seek::seek(&mut file, std::io::SeekFrom::Start(start)).map_err(failed)?;
        let mut part = Read::take(&mut file, length);
        loop {
            match part.read(&mut buffer).map_err(failed)? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
    }
    Ok((length, whole))
}
