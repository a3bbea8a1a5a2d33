//! What `septa relax springs` works on: the cells of a volume, or a graph file whose nodes have coordinates.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::cli::contacts::summarise;
use crate::cli::context::Context;
use crate::cli::input::Reading;
use crate::error::{Error, Result};
use crate::graph::attributed::{Attribute, AttributeValue, Attributed};
use crate::graph::read::{is_graph, read_graph};
use crate::lattice::stencil::Stencil;
use crate::lattice::summary::{Detail, Summary, Want};
use crate::measure::read::read_table;
use crate::programs::force::contact_springs::Body;
use crate::programs::force::elastic::{Node, Spring};
use crate::programs::force::plane::Plane;
use crate::programs::force::vector::Vector;
use crate::volume::region::RegionSpec;
use crate::volume::shape::{Shape, Spacing};

/// The coordinates of nodes.
const PLACES: [&str; 3] = ["centroid-0", "centroid-1", "centroid-2"];

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct Ground {
    /// A volume of labels, or a graph: GraphML, or a list of edges (.csv .tsv .txt .edges) with --nodes
    #[arg(value_name = "VOLUME|GRAPH")]
    pub(crate) input: PathBuf,
    /// Of a graph: the table of its nodes, with columns label, centroid-0, centroid-1, centroid-2 (z, y, x); GraphML
    /// may have these itself
    #[arg(long, value_name = "TABLE")]
    pub(crate) nodes: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Only this part: z0:z1,y0:y1,x0:x1, half-open, any end may be left out
    #[arg(long, value_name = "REGION")]
    roi: Option<RegionSpec>,
}

/// A body, and where its faces are.
pub(crate) struct Found {
    pub(crate) body: Body,
    /// The unit of its places.
    pub(crate) unit: String,
    ends: Ends,
}

enum Ends {
    /// The faces of a volume.
    Volume { summary: Summary, shape: Shape, spacing: Spacing },
    /// The nodes that are farthest out.
    Graph { low: Vector, high: Vector },
}

impl Found {
    /// The nodes at a face, and how far from it each is.
    pub(crate) fn at(&self, plane: Plane) -> Vec<(usize, f64)> {
        let places = self.body.places.iter().enumerate();
        match &self.ends {
            Ends::Volume { summary, shape, spacing } => summary
                .cells
                .values()
                .zip(places)
                .filter(|(cell, _)| plane.touches(cell, *shape))
                .map(|(_, (node, place))| (node, plane.distance(*place, *shape, spacing)))
                .collect(),
            Ends::Graph { low, high } => {
                let end = if plane.far { high } else { low }.0[plane.axis];
                places.filter(|(_, place)| place.0[plane.axis] == end).map(|(node, _)| (node, 0.0)).collect()
            }
        }
    }
}

impl Ground {
    /// The files that are read.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.input).chain(&self.nodes).map(PathBuf::as_path)
    }

    /// Refuses options that what it works on has no use for.
    pub(crate) fn check(&self) -> Result<()> {
        let Reading { shape, dtype, spacing, unit } = &self.reading;
        let graph = is_graph(&self.input);
        let of_volumes =
            shape.is_some() || dtype.is_some() || spacing.is_some() || unit.is_some() || self.roi.is_some();
        if graph && of_volumes {
            let what = "--shape, --dtype, --spacing, --unit, --roi: options of volumes, not of graphs: leave them out";
            return Err(Error::usage(what));
        }
        if !graph && self.nodes.is_some() {
            return Err(Error::usage("--nodes: an option of graphs, not of volumes: leave it out"));
        }
        Ok(())
    }

    /// Reads it; nothing is held or loaded.
    pub(crate) fn read(&self, context: &Context, modulus: Option<f64>) -> Result<Found> {
        if is_graph(&self.input) {
            return self.read_graph(modulus);
        }
        let source = context.readable(self.reading.open_part(&self.input, self.roi)?)?;
        let want = Want { cells: Detail::Moments, contacts: Some(Stencil::N6) };
        let summary = summarise(context, &source, want)?;
        let (shape, spacing) = (source.header().shape, source.header().spacing);
        let body = Body::of_contacts(&summary, &spacing, modulus.unwrap_or(1.0))?;
        Ok(Found { body, unit: spacing.unit.to_string(), ends: Ends::Volume { summary, shape, spacing } })
    }

    fn read_graph(&self, modulus: Option<f64>) -> Result<Found> {
        let file = read_graph(&self.input)?;
        let wrong = |what: String| Error::input(self.input.display(), what);
        file.check().map_err(|error| wrong(error.message().to_owned()))?;
        if file.directed {
            return Err(wrong("its edges have a direction, and springs have none".into()));
        }
        let number = |name: &String| name.parse().ok().filter(|number: &u64| number.to_string() == *name);
        let names: Option<Vec<u64>> = file.nodes.iter().map(number).collect();
        let names =
            names.ok_or_else(|| wrong("its nodes are named by words, and tables hold numbers: number them".into()))?;
        let mut nodes = self.places(&file, &names)?;
        nodes.sort_unstable_by_key(|(label, _)| *label);
        if let Some(twice) = nodes.windows(2).find(|two| two[0].0 == two[1].0) {
            return Err(wrong(format!("two nodes are called {}", twice[0].0)));
        }
        let (labels, places): (Vec<u64>, Vec<Vector>) = nodes.into_iter().unzip();
        let springs = self.springs(&file, &names, &labels, &places, modulus)?;
        let extreme = |of: fn(f64, f64) -> f64| {
            let among = |axis: usize| places.iter().map(|place| place.0[axis]).reduce(of).unwrap_or(0.0);
            Vector([0, 1, 2].map(among))
        };
        let ends = Ends::Graph { low: extreme(f64::min), high: extreme(f64::max) };
        let nodes = vec![Node::default(); labels.len()];
        let body = Body { labels, places, nodes, springs, ..Body::default() };
        Ok(Found { body, unit: String::new(), ends })
    }

    /// The label and the place of each node: of the table, else of the graph itself.
    fn places(&self, file: &Attributed, names: &[u64]) -> Result<Vec<(u64, Vector)>> {
        let (at, names, columns) = match &self.nodes {
            Some(path) => {
                let table = read_table(path)?;
                let mut columns = Vec::new();
                for name in PLACES {
                    let column = table.get(name).ok_or_else(|| without(path, name))?;
                    columns.push(
                        (0..table.rows()).map(|row| column.values.get(row).map_or(f64::NAN, |v| v.to_f64())).collect(),
                    );
                }
                (path, table.labels("label")?.into_owned(), columns)
            }
            None => {
                let mut columns: Vec<Vec<f64>> = Vec::new();
                for name in PLACES {
                    let column = file.node_columns.iter().find(|column| column.name == name);
                    let Some(column) = column else {
                        let what = format!("its nodes have no {name}: give the table of nodes with --nodes");
                        return Err(Error::input(self.input.display(), what));
                    };
                    columns.push((0..names.len()).map(|row| value(column, row)).collect());
                }
                (&self.input, names.to_vec(), columns)
            }
        };
        let place = |row: usize| Vector(std::array::from_fn(|axis| columns[axis][row]));
        let places: Vec<(u64, Vector)> =
            names.into_iter().enumerate().map(|(row, label)| (label, place(row))).collect();
        match places.iter().find(|(_, place)| !place.length().is_finite()) {
            None => Ok(places),
            Some((label, _)) => Err(Error::input(at.display(), format!("node {label}: a coordinate is no number"))),
        }
    }

    fn springs(
        &self,
        file: &Attributed,
        names: &[u64],
        labels: &[u64],
        places: &[Vector],
        modulus: Option<f64>,
    ) -> Result<Vec<(u32, u32, Spring)>> {
        let wrong = |what: String| Error::input(self.input.display(), what);
        if labels.len() >= u32::MAX as usize {
            return Err(Error::resource("2^32 nodes or more"));
        }
        let node: HashMap<u64, u32> = labels.iter().zip(0..).map(|(label, node)| (*label, node)).collect();
        let [stiff, area, length] = ["stiffness", "area", "length"].map(|name| file.edge_column(name));
        if stiff.is_some() && modulus.is_some() {
            return Err(Error::usage("--modulus: the edges have a stiffness already: leave it out"));
        }
        let mut springs = Vec::with_capacity(file.edges.len());
        for (row, (from, to)) in file.edges.iter().enumerate() {
            let ends = [from, to].map(|end| names[*end as usize]);
            let edge = |what: &str| wrong(format!("the edge from {} to {} {what}", ends[0], ends[1]));
            let [Some(a), Some(b)] = ends.map(|end| node.get(&end)) else {
                return Err(edge("joins a node that has no coordinates: --nodes lists others"));
            };
            let (a, b) = (*a.min(b), *a.max(b));
            let between = places[b as usize].minus(places[a as usize]);
            let apart = between.length();
            if apart == 0.0 || !apart.is_finite() {
                return Err(edge("has both its ends in one place: there is no direction between them"));
            }
            let stiffness = match (stiff, area) {
                (Some(stiff), _) => value(stiff, row),
                (None, Some(area)) => {
                    modulus.unwrap_or(1.0) * value(area, row) / length.map_or(apart, |length| value(length, row))
                }
                (None, None) => return Err(wrong("its edges have neither a stiffness nor an area".into())),
            };
            if !(stiffness >= 0.0 && stiffness.is_finite()) {
                return Err(edge("has no stiffness of 0 or more: see its columns stiffness, or area and length"));
            }
            if stiffness > 0.0 {
                springs.push((a, b, Spring { stiffness, direction: between.times(1.0 / apart), ..Spring::default() }));
            }
        }
        // Any order of the lines gives the same sums.
        springs.sort_by(|one, other| {
            (one.0, one.1).cmp(&(other.0, other.1)).then(one.2.stiffness.total_cmp(&other.2.stiffness))
        });
        Ok(springs)
    }
}

fn without(path: &Path, name: &str) -> Error {
    Error::input(path.display(), format!("has no column {name}: give label, {}", PLACES.join(", ")))
}

fn value(column: &Attribute, row: usize) -> f64 {
    column.values.get(row).and_then(AttributeValue::to_f64).unwrap_or(f64::NAN)
}
