//! What vertices ask for: messages by name, changes of the graph, the end of the run, against
//! plain loops over maps; and runs that begin with given states.

#[path = "common/mix.rs"]
mod mix;
#[path = "common/random.rs"]
mod random;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use mix::mix;
use random::Random;
use septa::combine::{Combine, Min, Sum};
use septa::error::Kind;
use septa::graph::csr::Csr;
use septa::graph::cut::{hashed, ranges};
use septa::graph::topology::{Mutable, Topology};
use septa::id::VertexId;
use septa::pregel::block::Vote;
use septa::pregel::placement::Placement;
use septa::pregel::run::{Config, Watch};
use septa::pregel::runtime::Runtime;
use septa::pregel::vertex::{Vertex, VertexProgram};
use septa::programs::components::Components;
use septa::workers::Workers;

fn runtimes() -> Vec<Runtime> {
    (1..=3).map(|threads| Runtime::start(&Workers::threads(threads)).unwrap()).collect()
}

/// Every vertex tells a word to its neighbours and another to a vertex by name; some sleep.
#[derive(Clone, Debug)]
struct Postman<M> {
    vertices: u64,
    word: fn(u64) -> M,
    digest: fn(&M) -> u64,
}

impl<M: Combine + Default> Postman<M> {
    fn act(&self, id: u64, superstep: u64, state: &mut u64, heard: &M) -> (Option<M>, Option<(u64, M)>, Vote) {
        *state = mix(*state ^ (self.digest)(heard).wrapping_add(id));
        // Most supersteps are nearly silent, so that sweeps are sparse.
        let one_in = [1, 9, 40, 40, 40, 3][superstep as usize % 6];
        let chance = mix(*state ^ superstep);
        let said = chance.is_multiple_of(one_in).then(|| (self.word)(chance));
        let sent = (chance / 64).is_multiple_of(one_in).then(|| (mix(chance) % self.vertices, (self.word)(chance + 1)));
        let vote = if (chance / 4096).is_multiple_of(one_in + 1) { Vote::Stay } else { Vote::Halt };
        if superstep >= 30 { (None, None, Vote::Halt) } else { (said, sent, vote) }
    }
}

impl<G: Topology, M> VertexProgram<G> for Postman<M>
where
    M: Combine + Default + Clone + PartialEq + septa::pregel::block::Wire + std::fmt::Debug,
{
    type State = u64;
    type Message = M;
    type Global = ();

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (u64, Vote) {
        let mut state = 0;
        let vote = self.compute(vertex, &mut state, M::default());
        (state, vote)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut u64, heard: M) -> Vote {
        let (said, sent, vote) = self.act(vertex.id().0, vertex.superstep(), state, &heard);
        said.into_iter().for_each(|word| vertex.broadcast(word));
        sent.into_iter().for_each(|(to, word)| vertex.send(VertexId(to), word));
        vote
    }
}

type Edges<E> = Vec<(VertexId, VertexId, E)>;

fn edges(vertices: u64, count: usize, random: &mut Random) -> Edges<()> {
    (0..count).map(|_| (VertexId(random.below(vertices)), VertexId(random.below(vertices)), ())).collect()
}

/// The same by a plain loop: broadcasts fold by source, then what was sent by name, by sender.
fn post<M: Combine + Default + Clone + PartialEq>(program: &Postman<M>, edges: &Edges<()>) -> Vec<(VertexId, u64)> {
    let count = program.vertices as usize;
    let mut sources = vec![Vec::new(); count];
    edges.iter().for_each(|(from, to, ())| sources[to.0 as usize].push(from.0 as usize));
    sources.iter_mut().for_each(|sources| sources.sort_unstable());
    let (mut states, mut stays) = (vec![0; count], vec![true; count]);
    let mut said = vec![M::default(); count];
    let mut sent: Vec<Vec<M>> = vec![Vec::new(); count];
    for superstep in 0.. {
        let (mut saying, mut sending) = (vec![M::default(); count], vec![Vec::new(); count]);
        for id in 0..count {
            let mut heard = M::default();
            sources[id].iter().for_each(|source| heard.combine(said[*source].clone()));
            // Words by name are folded among themselves first.
            let named = sent[id].drain(..).reduce(|mut all, word| {
                all.combine(word);
                all
            });
            named.into_iter().for_each(|word| heard.combine(word));
            if stays[id] || heard != M::default() {
                let (word, letter, vote) = program.act(id as u64, superstep, &mut states[id], &heard);
                word.into_iter().for_each(|word| saying[id] = word);
                letter.into_iter().for_each(|(to, word)| sending[to as usize].push(word));
                stays[id] = vote == Vote::Stay;
            }
        }
        let quiet = saying.iter().all(|word| *word == M::default()) && sending.iter().all(Vec::is_empty);
        if quiet && !stays.contains(&true) {
            return states.into_iter().enumerate().map(|(id, state)| (VertexId(id as u64), state)).collect();
        }
        (said, sent) = (saying, sending);
    }
    unreachable!("it ends")
}

fn hold_post<M>(program: &Postman<M>, seed: u64)
where
    M: Combine + Default + Clone + PartialEq + septa::pregel::block::Wire + std::fmt::Debug,
{
    let (runtimes, mut random) = (runtimes(), Random(seed));
    let edges = edges(program.vertices, program.vertices as usize * 2, &mut random);
    let expected = post(program, &edges);
    for (turn, blocks) in [1, 2, 5, 40].into_iter().enumerate() {
        for hash in [true, false] {
            let graph = match hash {
                true => Csr::directed(program.vertices, &edges, blocks, hashed(blocks)),
                false => Csr::directed(program.vertices, &edges, blocks, ranges(program.vertices, blocks)),
            };
            let placement = if hash { Placement::Scattered } else { Placement::Consecutive };
            let config = Config { placement, ..Config::default() };
            let (states, _) = runtimes[turn % 3].vertices(&graph.unwrap(), program, &config).unwrap();
            assert!(states == expected, "{blocks} blocks, by hash: {hash}");
        }
    }
}

#[test]
fn messages_by_name_are_heard_by_whom_they_name_in_the_order_of_the_senders() {
    let word = |seed: u64| Sum((seed % 1000) as f64 / 7.0 + 1e-3);
    hold_post(&Postman { vertices: 300, word, digest: |heard: &Sum<f64>| heard.0.to_bits() }, 61);
}

#[test]
fn messages_by_name_merge_on_the_way_where_any_order_will_do() {
    let word = |seed: u64| Min(seed % 10_000);
    hold_post(&Postman { vertices: 300, word, digest: |heard: &Min<u64>| heard.0 }, 62);
    let signed = |seed: u64| Sum((seed % 5) as i64 - 2);
    // Words that cancel each other are silence.
    hold_post(&Postman { vertices: 200, word: signed, digest: |heard: &Sum<i64>| heard.0 as u64 }, 63);
}

/// Vertices come and go, and so do their edges. Odd vertices may remove themselves.
#[derive(Clone, Debug)]
struct Churn {
    vertices: u64,
}

/// What a vertex asks for in a superstep.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Nothing,
    Join(u64, u32),
    Part(u64),
    Value(u64, u32),
    Leave,
    Bear(u64),
}

const END: u64 = 14;

impl Churn {
    /// What it says, and what it asks for; `first` is its first neighbour.
    fn act(
        &self,
        id: u64,
        superstep: u64,
        state: &mut u64,
        heard: u64,
        degree: u64,
        first: Option<u64>,
    ) -> (u64, Wish) {
        *state = mix(*state ^ (heard * 31 + degree * 7 + id)) % 1_000_003;
        let chance = mix(*state + superstep * 1000);
        let even = mix(chance) % self.vertices / 2 * 2;
        let wish = match chance % 8 {
            0 | 1 => Wish::Join(even, (chance / 8 % 90) as u32 + 1),
            2 => first.map_or(Wish::Nothing, Wish::Part),
            3 => first.map_or(Wish::Nothing, |to| Wish::Value(to, (chance / 8 % 90) as u32 + 1)),
            4 if id % 2 == 1 && chance % 16 < 8 => Wish::Leave,
            5 => Wish::Bear(self.vertices + (mix(chance) % self.vertices) / 2 * 2 + 1),
            6 => Wish::Part(even),
            _ => Wish::Nothing,
        };
        (if chance.is_multiple_of(3) { 0 } else { chance % 1000 }, wish)
    }

    fn call<G: Topology<Edge = u32, Block: Mutable>>(
        &self,
        vertex: &mut Vertex<'_, G, Self>,
        state: &mut u64,
        heard: u64,
    ) -> Vote {
        let mut first = None;
        vertex.each_neighbor(|to, _| first = Some(first.map_or(to.0, |first: u64| first.min(to.0))));
        let degree = u64::from(vertex.degree());
        let (said, wish) = self.act(vertex.id().0, vertex.superstep(), state, heard, degree, first);
        vertex.broadcast(Sum(said));
        match wish {
            Wish::Nothing => {}
            Wish::Join(to, value) => vertex.add_edge(VertexId(to), value),
            Wish::Part(to) => vertex.remove_edge(VertexId(to)),
            Wish::Value(to, value) => vertex.set_edge(VertexId(to), value),
            Wish::Leave => vertex.remove(),
            Wish::Bear(id) => vertex.add_vertex(VertexId(id)),
        }
        Vote::Stay
    }
}

impl<G: Topology<Edge = u32, Block: Mutable>> VertexProgram<G> for Churn {
    type State = u64;
    type Message = Sum<u64>;
    type Global = ();

    fn init(&self, vertex: &mut Vertex<'_, G, Self>) -> (u64, Vote) {
        let mut state = 1;
        let vote = self.call(vertex, &mut state, 0);
        (state, vote)
    }

    fn compute(&self, vertex: &mut Vertex<'_, G, Self>, state: &mut u64, heard: Sum<u64>) -> Vote {
        self.call(vertex, state, heard.0)
    }

    fn along(&self, edge: u32, said: &Sum<u64>) -> Sum<u64> {
        Sum(said.0 * u64::from(edge))
    }

    fn done(&self, superstep: u64, _: &()) -> bool {
        superstep == END
    }
}

/// The same by maps.
fn churn(program: &Churn, edges: &Edges<u32>, directed: bool) -> Vec<(VertexId, u64)> {
    let mut states: BTreeMap<u64, u64> = BTreeMap::new();
    let mut joined: BTreeMap<(u64, u64), Vec<u32>> = BTreeMap::new();
    let both = |a: u64, b: u64| if directed || a == b { vec![(a, b)] } else { vec![(a, b), (b, a)] };
    for (from, to, value) in edges {
        both(from.0, to.0).into_iter().for_each(|ends| joined.entry(ends).or_default().push(*value));
    }
    let (mut said, mut wishes): (BTreeMap<u64, u64>, Vec<(u64, Wish)>) = (BTreeMap::new(), Vec::new());
    let mut newborn: BTreeSet<u64> = (0..program.vertices).collect();
    for superstep in 0..=END {
        let mut heard: BTreeMap<u64, u64> = BTreeMap::new();
        for ((from, to), values) in &joined {
            let word = said.get(from).copied().unwrap_or(0);
            *heard.entry(*to).or_default() += values.iter().map(|value| word * u64::from(*value)).sum::<u64>();
        }
        for (id, wish) in &wishes {
            if let Wish::Part(to) = wish {
                both(*id, *to).iter().for_each(|ends| _ = joined.remove(ends));
            }
        }
        for (id, wish) in &wishes {
            if let Wish::Leave = wish {
                states.remove(id);
                joined.retain(|(from, to), _| from != id && to != id);
            }
        }
        newborn.extend(wishes.iter().filter_map(|(_, wish)| match wish {
            Wish::Bear(new) if !states.contains_key(new) => Some(*new),
            _ => None,
        }));
        // Of an undirected edge that both ends ask for, the smaller end gives the value.
        let mut added = BTreeSet::new();
        for (id, wish) in &wishes {
            if let Wish::Join(to, value) = wish
                && both(*id, *to).iter().all(|ends| added.insert(*ends))
            {
                both(*id, *to).into_iter().for_each(|ends| joined.entry(ends).or_default().push(*value));
            }
        }
        // Likewise of its values.
        for (id, wish) in wishes.iter().rev() {
            if let Wish::Value(to, value) = wish {
                for ends in both(*id, *to) {
                    joined.entry(ends).and_modify(|values| values.fill(*value));
                }
            }
        }
        joined.retain(|_, values| !values.is_empty());
        (said, wishes) = (BTreeMap::new(), Vec::new());
        let mut call = |id: u64, state: &mut u64, heard: u64| {
            let own: Vec<(&(u64, u64), &Vec<u32>)> = joined.iter().filter(|((from, _), _)| *from == id).collect();
            let degree: usize = own.iter().map(|(_, values)| values.len()).sum();
            let first = own.first().map(|((_, to), _)| *to);
            let (word, wish) = program.act(id, superstep, state, heard, degree as u64, first);
            said.insert(id, word);
            wishes.push((id, wish));
        };
        let fresh = std::mem::take(&mut newborn);
        let all: BTreeSet<u64> = states.keys().copied().chain(fresh.iter().copied()).collect();
        for id in all {
            let word = heard.get(&id).copied().unwrap_or(0);
            match states.get_mut(&id) {
                Some(state) => call(id, state, word),
                None => {
                    let mut state = 1;
                    call(id, &mut state, 0);
                    states.insert(id, state);
                }
            }
        }
    }
    states.into_iter().map(|(id, state)| (VertexId(id), state)).collect()
}

#[test]
fn a_graph_that_changes_under_a_program_is_that_of_a_plain_loop() {
    let (runtimes, mut random) = (runtimes(), Random(64));
    for (turn, vertices) in [6, 20, 60, 60].into_iter().enumerate() {
        let program = Churn { vertices };
        let ends = edges(vertices, vertices as usize * 2, &mut random);
        let weighed: Edges<u32> = ends.iter().zip(1..).map(|(&(from, to, ()), value)| (from, to, value % 50)).collect();
        for directed in [true, false] {
            let expected = churn(&program, &weighed, directed);
            assert!(expected.iter().any(|(id, _)| id.0 >= vertices), "some are born");
            for blocks in [1, 2, 3, 9] {
                let graph = match directed {
                    true => Csr::directed(vertices, &weighed, blocks, hashed(blocks)),
                    false => Csr::undirected(vertices, &weighed, blocks, ranges(vertices, blocks)),
                };
                let ran = runtimes[turn % 3].vertices(&graph.unwrap(), &program, &Config::default());
                assert_eq!(ran.unwrap().0, expected, "{vertices} vertices, {blocks} blocks, directed {directed}");
            }
        }
    }
}

/// Vertex 7 does what it should not in superstep 2.
#[derive(Clone, Debug)]
struct Wrong(Act);

type Act = fn(&mut Vertex<'_, Csr<()>, Wrong>);

impl VertexProgram<Csr<()>> for Wrong {
    type State = ();
    type Message = Sum<u64>;
    type Global = ();

    fn init(&self, _: &mut Vertex<'_, Csr<()>, Self>) -> ((), Vote) {
        ((), Vote::Stay)
    }

    fn compute(&self, vertex: &mut Vertex<'_, Csr<()>, Self>, _: &mut (), _: Sum<u64>) -> Vote {
        if vertex.superstep() == 2 && vertex.id().0 == 7 {
            (self.0)(vertex);
        }
        Vote::Stay
    }
}

#[test]
fn a_failure_names_the_vertex_and_the_superstep_and_the_workers_live_on() {
    let edges: Edges<()> = (0..30).map(|v| (VertexId(v), VertexId((v + 1) % 30), ())).collect();
    let graph = Csr::undirected(30, &edges, 4, hashed(4)).unwrap();
    for runtime in runtimes() {
        let what: [(Act, &str); 4] = [
            (|vertex| vertex.fail("no more"), "vertex 7: no more"),
            (|_| panic!("out of ideas"), "vertex 7: the program panicked: out of ideas"),
            (|vertex| vertex.send(VertexId(99), Sum(1)), "a message for vertex 99, which is not there"),
            (|vertex| vertex.add_edge(VertexId(31), ()), "31"),
        ];
        for (act, words) in what {
            let error = runtime.vertices(&graph, &Wrong(act), &Config::default()).unwrap_err();
            assert_eq!(error.kind(), Kind::Program);
            assert!(error.message().contains(words), "{error}");
            assert!(error.message().contains("superstep"), "{error}");
        }
        assert_eq!(runtime.vertices(&graph, &Components, &Config::default()).unwrap().0.len(), 30);
    }
}

#[test]
fn a_run_begins_with_the_states_it_is_given() {
    let mut random = Random(65);
    let all = edges(500, 700, &mut random);
    let (before, graph) = (
        Csr::undirected(500, &all[..500], 3, ranges(500, 3)).unwrap(),
        Csr::undirected(500, &all, 4, hashed(4)).unwrap(),
    );
    for runtime in runtimes() {
        let (cold, from_cold) = runtime.vertices(&graph, &Components, &Config::default()).unwrap();
        let (last, _) = runtime.vertices(&before, &Components, &Config::default()).unwrap();
        let (warm, _) = runtime.vertices_from(&graph, &Components, last, &Config::default()).unwrap();
        assert_eq!(warm, cold);
        let (again, from_warm) = runtime.vertices_from(&graph, &Components, cold.clone(), &Config::default()).unwrap();
        assert_eq!(again, cold);
        assert!(from_warm.supersteps < from_cold.supersteps, "nothing was left to do");
    }
}

#[test]
fn who_watches_is_told_of_every_superstep_and_every_worker() {
    let edges: Edges<()> = (0..300).map(|v| (VertexId(v), VertexId((v + 1) % 300), ())).collect();
    let graph = Csr::undirected(300, &edges, 4, ranges(300, 4)).unwrap();
    for runtime in runtimes() {
        let steps = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&steps);
        let watch = Watch::new(move |step| told.lock().unwrap().push(step.clone()));
        let config = Config { watch: Some(watch), ..Config::default() };
        let (_, report) = runtime.vertices(&graph, &Components, &config).unwrap();
        let steps = steps.lock().unwrap();
        assert!(steps.iter().map(|step| step.superstep).eq(0..report.supersteps));
        assert!(steps.iter().all(|step| step.workers.len() == runtime.workers().total()));
        let sum = |of: fn(&septa::pregel::run::Work) -> u64| -> u64 {
            steps.iter().flat_map(|step| &step.workers).map(of).sum()
        };
        assert_eq!(sum(|work| work.messages), report.messages);
        assert_eq!(sum(|work| work.bytes), 0, "nothing leaves the process");
        let first: u64 = steps[0].workers.iter().map(|work| work.awake).sum();
        assert_eq!(first, 300, "all are called in superstep 0");
    }
}
