//! What `septa relax springs` asks of cells: held, moved and loaded ones.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::cli::relax_ground::Found;
use crate::error::{Error, Result};
use crate::measure::read::read_table;
use crate::programs::force::contact_springs::Body;
use crate::programs::force::plane::Plane;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Boundary")]
pub(crate) struct Boundary {
    /// Hold the cells at a face of the volume, such as z=0 or x=max; may be given again. A cell that touches
    /// several such faces is held or moved at the one that is nearest to its centroid. Of a graph: the nodes that lie
    /// farthest out
    #[arg(long, value_name = "FACE")]
    fix: Vec<Plane>,
    /// Move the cells at a face along its axis by a length, and hold them otherwise: z=max:0.5; may be given
    /// again
    #[arg(long, value_name = "FACE:LENGTH", allow_hyphen_values = true)]
    pull: Vec<At>,
    /// Load the cells at a face along its axis with a force, in equal shares: z=max:-2; may be given again
    #[arg(long, value_name = "FACE:FORCE", allow_hyphen_values = true)]
    load: Vec<At>,
    /// A table of cells to hold or move, with columns label, displacement-0, displacement-1, displacement-2 (z, y,
    /// x): free along an axis where the field is empty
    #[arg(long, value_name = "TABLE")]
    hold: Option<PathBuf>,
    /// A table of forces on cells, with columns label, force-0, force-1, force-2 (z, y, x)
    #[arg(long, value_name = "TABLE")]
    forces: Option<PathBuf>,
}

/// Something at a face.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct At {
    pub(crate) plane: Plane,
    amount: f64,
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (plane, amount) =
            text.split_once(':').ok_or_else(|| format!("«{text}»: give a face and a number, such as z=max:0.5"))?;
        let plane = plane.parse()?;
        match amount.parse() {
            Ok(amount) if f64::is_finite(amount) => Ok(Self { plane, amount }),
            _ => Err(format!("«{amount}» is not a number")),
        }
    }
}

impl Boundary {
    /// The files that are read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.hold.iter().chain(&self.forces).map(PathBuf::as_path)
    }

    /// Where cells are held, and how far they are moved there.
    pub(crate) fn faces(&self) -> Vec<At> {
        let fixed = self.fix.iter().map(|plane| At { plane: *plane, amount: 0.0 });
        fixed.chain(self.pull.iter().copied()).collect()
    }

    /// Refuses what makes no sense, before anything is read.
    pub(crate) fn check(&self) -> Result<()> {
        let faces = self.faces();
        for (at, face) in faces.iter().enumerate() {
            if faces[..at].iter().any(|other| other.plane == face.plane) {
                return Err(Error::usage(format!("{} is held or moved twice: give it once", face.plane)));
            }
        }
        match faces.is_empty() && self.load.is_empty() && self.files().next().is_none() {
            true => {
                let what = "nothing is held, moved or loaded: give --fix, --pull, --load, --hold or --forces";
                Err(Error::usage(what))
            }
            false => Ok(()),
        }
    }

    /// Holds, moves and loads the cells of a body: the nodes that are held at each of the faces.
    pub(crate) fn ask(&self, found: &mut Found) -> Result<Vec<Vec<usize>>> {
        let faces = self.faces();
        let mut nearest = vec![(f64::INFINITY, None); found.body.nodes.len()];
        for (face, At { plane, .. }) in faces.iter().enumerate() {
            for (node, away) in found.at(*plane) {
                // A cell that touches several faces is of the nearest, of equals the first that was given.
                if away < nearest[node].0 {
                    nearest[node] = (away, Some(face));
                }
            }
        }
        let mut held = vec![Vec::new(); faces.len()];
        for (node, (_, face)) in nearest.into_iter().enumerate() {
            let Some(face) = face else { continue };
            let At { plane, amount } = faces[face];
            found.body.nodes[node].held = [true; 3];
            found.body.nodes[node].displacement.0[plane.axis] = amount;
            held[face].push(node);
        }
        if let Some((At { plane, .. }, _)) = faces.iter().zip(&held).find(|(_, held)| held.is_empty()) {
            let what = "no cell touches it, or all that do are nearer to another face";
            return Err(Error::usage(format!("nothing is held at {plane}: {what}")));
        }
        for At { plane, amount } in self.load.iter().copied() {
            let loaded = found.at(plane);
            if loaded.is_empty() {
                return Err(Error::usage(format!("no cell touches {plane}: nothing to load")));
            }
            for (node, _) in &loaded {
                found.body.nodes[*node].load.0[plane.axis] += amount / loaded.len() as f64;
            }
        }
        if let Some(path) = &self.hold {
            each(&found.body.labels, path, "displacement", |row, node, axis, given| {
                let asked = &mut found.body.nodes[node];
                if given.is_nan() {
                    return Ok(());
                }
                if asked.held[axis] {
                    let what = format!("row {row}: the cell is held already, at a face or by another row");
                    return Err(Error::input(path.display(), what));
                }
                (asked.held[axis], asked.displacement.0[axis]) = (true, given);
                finite(path, row, given)
            })?;
        }
        if let Some(path) = &self.forces {
            let Body { labels, nodes, .. } = &mut found.body;
            each(labels, path, "force", |row, node, axis, force| {
                nodes[node].load.0[axis] += force;
                finite(path, row, force)
            })?;
        }
        Ok(held)
    }
}

fn finite(path: &Path, row: usize, value: f64) -> Result<()> {
    match value.is_finite() {
        true => Ok(()),
        false => Err(Error::input(path.display(), format!("row {row}: a field is not a number"))),
    }
}

/// Calls `take` with the row (from 1), the node, the axis and the value of each field of a table of vectors.
fn each(
    labels: &[u64],
    path: &Path,
    name: &str,
    mut take: impl FnMut(usize, usize, usize, f64) -> Result<()>,
) -> Result<()> {
    let table = read_table(path)?;
    let rows = table.labels("label")?;
    for axis in 0..3 {
        let name = format!("{name}-{axis}");
        let column = table.get(&name);
        let column =
            column.ok_or_else(|| Error::input(path.display(), format!("has no column {name}: give z, y and x")))?;
        for (row, label) in rows.iter().enumerate() {
            let node = labels.binary_search(label);
            let node =
                node.map_err(|_| Error::input(path.display(), format!("row {}: there is no cell {label}", row + 1)))?;
            let value = column.values.get(row).map_or(f64::NAN, |value| value.to_f64());
            take(row + 1, node, axis, value)?;
        }
    }
    Ok(())
}
