//! The ids of nodes, numbered from 0 without gaps: integers in their order, texts as they appear.
//!
//! Where integers lie close, a bit for each number in their range, and the count of bits before
//! each word: O(1) an id. Else the ids are sorted: O(log n) an end, and at most 24 bytes an id. Texts
//! are hashed.

use std::borrow::Cow;
use std::collections::HashMap;

/// The ids of a list: integers, as keys in the order of their numbers, or texts.
pub(super) enum Ids<'a> {
    Unsigned,
    Signed,
    Texts(HashMap<Cow<'a, str>, u64>),
}

/// Ends that are taken up before ids are told apart again, beside as many as there are ids.
const PIECE: usize = 1 << 20;

/// The bit that puts the keys of negative numbers before the others.
const SIGN: u64 = 1 << 63;

impl<'a> Ids<'a> {
    /// A key for an id: where ids are texts, the number of its node.
    pub(super) fn key(&mut self, id: Cow<'a, str>) -> u64 {
        let found = "the ids were found to have this type";
        match self {
            Ids::Unsigned => id.parse().expect(found),
            Ids::Signed => id.parse::<i64>().expect(found) as u64 ^ SIGN,
            Ids::Texts(index) => {
                let next = index.len() as u64;
                *index.entry(id).or_insert(next)
            }
        }
    }

    /// Replaces the keys by the numbers of their nodes, and names these.
    pub(super) fn number(self, edges: &mut [(u64, u64)]) -> Vec<String> {
        match self {
            Ids::Unsigned => number(edges).iter().map(u64::to_string).collect(),
            Ids::Signed => number(edges).iter().map(|key| ((key ^ SIGN) as i64).to_string()).collect(),
            Ids::Texts(index) => {
                let mut nodes = vec![String::new(); index.len()];
                index.into_iter().for_each(|(id, node)| nodes[node as usize] = id.into_owned());
                nodes
            }
        }
    }
}

/// Replaces each key by the number of smaller ones, and gives the keys, ascending.
fn number(edges: &mut [(u64, u64)]) -> Vec<u64> {
    let ids = || edges.iter().flat_map(|&(from, to)| [from, to]);
    let (Some(least), Some(most)) = (ids().min(), ids().max()) else { return Vec::new() };
    // No more words than there are ends.
    if (most - least) / 64 < 2 * edges.len() as u64 { number_close(edges, least, most) } else { number_sparse(edges) }
}

fn number_close(edges: &mut [(u64, u64)], least: u64, most: u64) -> Vec<u64> {
    let place = |id: u64| (((id - least) / 64) as usize, (id - least) % 64);
    let mut words = vec![0u64; place(most).0 + 1];
    for (word, bit) in edges.iter().flat_map(|&(from, to)| [place(from), place(to)]) {
        words[word] |= 1 << bit;
    }
    let (mut before, mut ids) = (Vec::with_capacity(words.len()), Vec::new());
    for (base, &word) in (0u64..).zip(&words) {
        before.push(ids.len() as u64);
        ids.extend((0..64).filter(|bit| word >> bit & 1 == 1).map(|bit| least + base * 64 + bit));
    }
    let rank = |id: u64| {
        let (word, bit) = place(id);
        before[word] + u64::from((words[word] & ((1 << bit) - 1)).count_ones())
    };
    edges.iter_mut().for_each(|(from, to)| (*from, *to) = (rank(*from), rank(*to)));
    ids
}

fn number_sparse(edges: &mut [(u64, u64)]) -> Vec<u64> {
    // Ids are told apart as they come, so that the ends never stand beside the edges.
    let (mut ids, mut known) = (Vec::new(), 0);
    for &(from, to) in &*edges {
        ids.extend([from, to]);
        if ids.len() > 2 * known + PIECE {
            ids.sort_unstable();
            ids.dedup();
            known = ids.len();
        }
    }
    ids.sort_unstable();
    ids.dedup();
    ids.shrink_to_fit();
    let rank = |id: &u64| ids.binary_search(id).expect("every end was taken up") as u64;
    edges.iter_mut().for_each(|(from, to)| (*from, *to) = (rank(from), rank(to)));
    ids
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_number_of_an_id_is_how_many_are_smaller(
            edges in prop_oneof![
                prop::collection::vec((any::<u64>(), any::<u64>()), 0..50),
                prop::collection::vec((u64::MAX - 999..=u64::MAX, u64::MAX - 999..=u64::MAX), 0..50),
                prop::collection::vec((70u64..300, 70u64..300), 0..200),
            ],
        ) {
            let ids: BTreeSet<u64> = edges.iter().flat_map(|&(from, to)| [from, to]).collect();
            let rank = |id: u64| ids.iter().position(|&other| other == id).map(|at| at as u64);
            let ids: Vec<u64> = ids.iter().copied().collect();
            let mut numbered = edges.clone();
            prop_assert_eq!(number(&mut numbered), ids.clone());
            for ((from, to), (a, b)) in edges.into_iter().zip(numbered) {
                prop_assert_eq!((rank(from), rank(to)), (Some(a), Some(b)));
            }
        }
    }
}
