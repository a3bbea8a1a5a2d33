//! A graph at coarser and coarser levels, where a vertex stands for a cluster of the level below.
//!
//! Each vertex joins the neighbouring cluster that it has the most edges to for its weight (first
//! choice: Karypis and Kumar, VLSI Design 11, 2000), in the order of the vertices, as long as
//! clusters stay light. On a lattice that makes boxes, in a network it draws leaves to hubs. Time:
//! O(edges) a level. Memory: 8 bytes an edge of a level, seen from both its ends.

/// No vertex, cluster or region.
pub(super) const NONE: u32 = u32::MAX;

/// A graph without directions, its vertices and edges weighted.
pub(super) trait Level {
    /// The number of vertices.
    fn vertices(&self) -> u32;

    /// What a vertex counts in a region.
    fn weight(&self, vertex: u32) -> u64;

    /// The weight of all edges at a vertex.
    fn degree(&self, vertex: u32) -> u64;

    /// Visits the edges at a vertex: the other end, and the weight. Loops may be left out.
    fn each(&self, vertex: u32, visit: impl FnMut(u32, u32));

    /// The weight of all vertices.
    fn total(&self) -> u64 {
        (0..self.vertices()).map(|vertex| self.weight(vertex)).sum()
    }

    /// The weight of the edges between regions, each seen from both its ends.
    fn cut(&self, regions: &[u32]) -> u64 {
        let mut cut = 0;
        for vertex in 0..self.vertices() {
            let own = regions[vertex as usize];
            self.each(vertex, |other, weight| {
                cut += if regions[other as usize] == own { 0 } else { u64::from(weight) };
            });
        }
        cut
    }
}

/// A level above another.
pub(super) struct Coarse {
    /// The cluster of each vertex of the level below.
    pub(super) clusters: Vec<u32>,
    weights: Vec<u64>,
    degrees: Vec<u64>,
    starts: Vec<usize>,
    edges: Vec<(u32, u32)>,
}

impl Level for Coarse {
    fn vertices(&self) -> u32 {
        self.weights.len() as u32
    }

    fn weight(&self, vertex: u32) -> u64 {
        self.weights[vertex as usize]
    }

    fn degree(&self, vertex: u32) -> u64 {
        self.degrees[vertex as usize]
    }

    fn each(&self, vertex: u32, mut visit: impl FnMut(u32, u32)) {
        let vertex = vertex as usize;
        for &(other, weight) in &self.edges[self.starts[vertex]..self.starts[vertex + 1]] {
            visit(other, weight);
        }
    }
}

/// What is summed up for some of many places, and those places.
pub(super) struct Sums {
    sums: Vec<u64>,
    met: Vec<u32>,
}

impl Sums {
    pub(super) fn new(places: u32) -> Self {
        Self { sums: vec![0; places as usize], met: Vec::new() }
    }

    #[inline]
    pub(super) fn add(&mut self, place: u32, weight: u32) {
        let sum = &mut self.sums[place as usize];
        if *sum == 0 {
            self.met.push(place);
        }
        *sum += u64::from(weight);
    }

    pub(super) fn of(&self, place: u32) -> u64 {
        self.sums[place as usize]
    }

    /// The places that have a sum, in the order in which they were met.
    pub(super) fn met(&self) -> &[u32] {
        &self.met
    }

    pub(super) fn clear(&mut self) {
        self.met.drain(..).for_each(|place| self.sums[place as usize] = 0);
    }
}

impl Coarse {
    /// The level above one, of clusters no heavier than `limit` where more than a vertex.
    pub(super) fn above(level: &impl Level, limit: u64) -> Self {
        let (clusters, count) = clustered(level, limit);
        // The vertices of each cluster.
        let mut first = vec![0usize; count as usize + 1];
        clusters.iter().for_each(|cluster| first[*cluster as usize + 1] += 1);
        (0..count as usize).for_each(|cluster| first[cluster + 1] += first[cluster]);
        let (mut next, mut members) = (first.clone(), vec![0u32; clusters.len()]);
        for (vertex, cluster) in (0..).zip(&clusters) {
            members[next[*cluster as usize]] = vertex;
            next[*cluster as usize] += 1;
        }
        let (mut weights, mut degrees, mut starts, mut edges) = (Vec::new(), Vec::new(), vec![0], Vec::new());
        let mut sums = Sums::new(count);
        for cluster in 0..count {
            let mut weight = 0;
            for &vertex in &members[first[cluster as usize]..first[cluster as usize + 1]] {
                weight += level.weight(vertex);
                level.each(vertex, |other, weight| {
                    let other = clusters[other as usize];
                    if other != cluster {
                        sums.add(other, weight);
                    }
                });
            }
            weights.push(weight);
            degrees.push(sums.met().iter().map(|other| sums.of(*other)).sum());
            edges.extend(sums.met().iter().map(|other| (*other, sums.of(*other).min(u64::from(u32::MAX)) as u32)));
            starts.push(edges.len());
            sums.clear();
        }
        edges.shrink_to_fit();
        Self { clusters, weights, degrees, starts, edges }
    }
}

/// The cluster of each vertex, and how many there are.
fn clustered(level: &impl Level, limit: u64) -> (Vec<u32>, u32) {
    let mut clusters: Vec<u32> = (0..level.vertices()).collect();
    let mut weights: Vec<u64> = clusters.iter().map(|vertex| level.weight(*vertex)).collect();
    let mut alone = vec![true; clusters.len()];
    let mut sums = Sums::new(level.vertices());
    // For each cluster, the last vertex that it was the best for and too heavy: such vertices join
    // one another, as the leaves of a star have to.
    let mut left = vec![NONE; clusters.len() + 1];
    for vertex in 0..level.vertices() {
        if !alone[vertex as usize] {
            continue;
        }
        level.each(vertex, |other, weight| {
            if other != vertex {
                sums.add(clusters[other as usize], weight);
            }
        });
        let own = level.weight(vertex);
        let fits = |cluster: &&u32| weights[**cluster as usize] + own <= limit;
        // Edges for the weight, compared without division.
        let better = |a: &&u32, b: &&u32| {
            let [of_a, of_b] = [a, b].map(|cluster| u128::from(sums.of(**cluster)));
            let [weight_a, weight_b] = [a, b].map(|cluster| u128::from(weights[**cluster as usize]));
            (of_a * weight_b).cmp(&(of_b * weight_a)).then(b.cmp(a))
        };
        let mut join = sums.met().iter().filter(fits).max_by(better).copied();
        if join.is_none() {
            // The last place is of those that have no edges at all.
            let full = sums.met().iter().max_by(better).map_or(clusters.len(), |cluster| *cluster as usize);
            join = Some(left[full]).filter(|cluster| *cluster != NONE && fits(&cluster));
            left[full] = join.unwrap_or(vertex);
        }
        if let Some(cluster) = join {
            clusters[vertex as usize] = cluster;
            weights[cluster as usize] += own;
            (alone[vertex as usize], alone[cluster as usize]) = (false, false);
        }
        sums.clear();
    }
    // A cluster is called by one of its vertices, which is in it: numbers without gaps.
    let mut numbers = vec![NONE; clusters.len()];
    let mut count = 0;
    for cluster in &mut clusters {
        let number = &mut numbers[*cluster as usize];
        if *number == NONE {
            *number = count;
            count += 1;
        }
        *cluster = *number;
    }
    (clusters, count)
}
