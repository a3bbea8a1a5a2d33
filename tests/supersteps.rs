//! Supersteps, parcels and failures, as block programs meet them: the fast engine against the
//! plain one, and never a wait for ever.

#[path = "common/mix.rs"]
mod mix;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use mix::mix;
use septa::combine::{All, Combine, Sum};
use septa::error::{Error, Kind, Result};
use septa::graph::topology::Cut;
use septa::id::BlockId;
use septa::pregel::block::{BlockProgram, Superstep, Vote};
use septa::pregel::local;
use septa::pregel::run::Config;
use septa::pregel::runtime::Runtime;
use septa::workers::Workers;
use serde::{Deserialize, Serialize};

/// So many blocks with nothing in them.
#[derive(Clone, Debug)]
struct Blocks(u32);

impl Cut for Blocks {
    type Block = BlockId;

    fn blocks(&self) -> u32 {
        self.0
    }

    fn block(&self, id: BlockId) -> Result<BlockId> {
        Ok(id)
    }

    fn digest(&self, _: &BlockId) -> Result<u64> {
        Ok(0)
    }
}

/// Ends the process with words where a test takes a minute: nothing here may hang.
fn watched<T>(what: &str, call: impl FnOnce() -> T) -> T {
    let (done, waiting) = channel::<()>();
    let what = what.to_string();
    let dog = std::thread::spawn(move || {
        if waiting.recv_timeout(Duration::from_secs(60)) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{what}: hangs");
            std::process::abort();
        }
    });
    let made = call();
    drop(done);
    dog.join().expect("the watchdog does not panic");
    made
}

fn runtimes() -> Vec<Runtime> {
    (1..=4).map(|threads| Runtime::start(&Workers::threads(threads)).unwrap()).collect()
}

/// Blocks that tell random others random things, sleep, wake and remember all they heard.
#[derive(Clone, Debug)]
struct Gossip {
    seed: u64,
    blocks: u32,
    supersteps: u64,
    /// Milliseconds that a block may take, so that workers run ahead of each other.
    slow: u64,
}

impl BlockProgram<Blocks> for Gossip {
    type State = u64;
    type Parcel = (u64, String);
    /// A list keeps the order in which it was merged.
    type Global = (All<u64>, Sum<u64>);
    type Output = (u64, Vec<u8>);

    fn init(&self, _: &Blocks, block: &BlockId) -> Result<u64> {
        Ok(mix(self.seed + u64::from(block.0)))
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Self::Parcel, Self::Global>,
        block: &BlockId,
        state: &mut u64,
        mail: Vec<(BlockId, Self::Parcel)>,
    ) -> Result<Vote> {
        assert_eq!(at.block(), *block);
        assert!(mail.is_sorted_by_key(|(from, _)| *from), "mail comes ordered by block");
        for (from, (number, text)) in mail {
            *state = mix(*state ^ mix(u64::from(from.0)) ^ number);
            text.bytes().for_each(|byte| *state = mix(*state + u64::from(byte)));
        }
        at.global().0.0.iter().for_each(|value| *state = mix(*state ^ value));
        let chance = mix(*state + at.number());
        if self.slow > 0 && chance.is_multiple_of(3) {
            std::thread::sleep(Duration::from_millis(chance / 7 % self.slow));
        }
        if at.number() >= self.supersteps {
            return Ok(Vote::Halt);
        }
        for parcel in 0..chance / 16 % 4 {
            let to = BlockId((mix(chance + parcel) % u64::from(self.blocks)) as u32);
            at.send(to, (parcel, "x".repeat((chance / 32 % 50) as usize)));
            at.count(1);
        }
        if !(chance / 256).is_multiple_of(3) {
            at.contribute((All(vec![*state]), Sum(1)));
        }
        Ok(if (chance / 1024).is_multiple_of(2) { Vote::Stay } else { Vote::Halt })
    }

    fn finish(&self, block: &BlockId, state: u64) -> Result<(u64, Vec<u8>)> {
        Ok((state, vec![block.0 as u8; 3]))
    }
}

#[test]
fn random_block_programs_run_as_on_the_plain_engine() {
    let runtimes = runtimes();
    for seed in 0..60 {
        let blocks = [0, 1, 2, 3, 5, 17, 40][seed as usize % 7];
        let slow = if seed % 5 == 0 { 4 } else { 0 };
        let program = Gossip { seed, blocks, supersteps: 25, slow };
        let mut expected = Vec::new();
        let plain = local::run(&Blocks(blocks), &program, &Config::default(), |block, made| {
            expected.push((block, made));
            Ok(())
        })
        .unwrap();
        for runtime in &runtimes {
            let run = || runtime.collect(&Blocks(blocks), &program, &Config::default()).unwrap();
            let (made, report) = watched("gossip", run);
            assert_eq!(made, expected, "seed {seed}");
            assert_eq!((report.supersteps, report.messages), (plain.supersteps, plain.messages), "seed {seed}");
            assert_eq!(report.global, plain.global, "seed {seed}");
        }
    }
}

/// Parcels of some megabytes and many of a few bytes, from every block to every block.
#[derive(Clone, Debug)]
struct Freight;

impl Freight {
    fn load(from: BlockId, to: BlockId, superstep: u64, number: u64) -> Vec<u8> {
        let seed = mix(u64::from(from.0) << 40 | u64::from(to.0) << 20 | superstep << 10 | number);
        let large = number == 0 && (from.0 + to.0 + superstep as u32).is_multiple_of(5);
        let len = if large { 3 << 20 } else { seed % 9 };
        (0..len).map(|at| (seed + at * at) as u8).collect()
    }
}

/// Small parcels for each large one.
const NUMBERS: u64 = 60;

impl BlockProgram<Blocks> for Freight {
    type State = u64;
    type Parcel = Vec<u8>;
    type Global = Sum<u64>;
    type Output = u64;

    fn init(&self, _: &Blocks, _: &BlockId) -> Result<u64> {
        Ok(0)
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Vec<u8>, Sum<u64>>,
        block: &BlockId,
        bytes: &mut u64,
        mail: Vec<(BlockId, Vec<u8>)>,
    ) -> Result<Vote> {
        let blocks = 6;
        if at.number() > 0 {
            assert_eq!(mail.len() as u64, u64::from(blocks) * NUMBERS);
        }
        for (place, (from, load)) in mail.into_iter().enumerate() {
            assert_eq!(u64::from(from.0), place as u64 / NUMBERS);
            assert_eq!(load, Freight::load(from, *block, at.number() - 1, place as u64 % NUMBERS));
            *bytes += load.len() as u64;
        }
        if at.number() == 3 {
            return Ok(Vote::Halt);
        }
        for number in 0..NUMBERS {
            for to in (0..blocks).map(BlockId) {
                at.send(to, Freight::load(*block, to, at.number(), number));
            }
        }
        at.contribute(Sum(1));
        Ok(Vote::Halt)
    }

    fn finish(&self, _: &BlockId, bytes: u64) -> Result<u64> {
        Ok(bytes)
    }
}

#[test]
fn large_parcels_and_many_small_ones_come_whole_and_in_order() {
    for runtime in runtimes() {
        let (bytes, report) = watched("freight", || runtime.collect(&Blocks(6), &Freight, &Config::default()).unwrap());
        assert_eq!(report.supersteps, 4);
        assert!(bytes.iter().map(|(_, bytes)| bytes).sum::<u64>() > 20 * (3 << 20));
    }
}

/// What goes wrong, in block 4 of 7 and superstep 2 where that can be said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Fault {
    None,
    Read,
    Init,
    Compute,
    Panic,
    Stranger,
    Finish,
    Done,
    Merge,
    Endless,
}

#[derive(Clone, Debug)]
struct Faulty(Fault);

/// A global whose merge panics where it was told to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Touchy(bool);

impl Combine for Touchy {
    const ORDER_FREE: bool = true;

    fn combine(&mut self, other: Self) {
        assert!(!other.0, "the merge is touchy");
    }
}

/// Blocks of which one cannot be read.
#[derive(Clone, Debug)]
struct Unread(Fault);

impl Cut for Unread {
    type Block = BlockId;

    fn blocks(&self) -> u32 {
        7
    }

    fn block(&self, id: BlockId) -> Result<BlockId> {
        match self.0 {
            Fault::Read if id.0 >= 4 => Err(Error::input(format!("scan_{id}.tif"), "cut short")),
            _ => Ok(id),
        }
    }

    fn digest(&self, _: &BlockId) -> Result<u64> {
        Ok(0)
    }
}

impl BlockProgram<Unread> for Faulty {
    type State = ();
    type Parcel = u32;
    type Global = Touchy;
    type Output = u32;

    fn init(&self, _: &Unread, block: &BlockId) -> Result<()> {
        assert!(self.0 != Fault::Init || block.0 < 4, "no state for this block");
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, u32, Touchy>,
        block: &BlockId,
        _: &mut (),
        _: Vec<(BlockId, u32)>,
    ) -> Result<Vote> {
        at.send(BlockId((block.0 + 3) % 7), block.0);
        if at.number() == 2 && block.0 >= 4 {
            match self.0 {
                Fault::Compute => {
                    let cause = std::io::Error::other("the deeper cause");
                    return Err(Error::new(Kind::Program, format!("no more at {block}")).because(cause));
                }
                Fault::Panic => panic!("block {block} is out of its mind"),
                Fault::Stranger => at.send(BlockId(7), 0),
                Fault::Merge => at.contribute(Touchy(true)),
                _ => {}
            }
        }
        Ok(Vote::Stay)
    }

    fn done(&self, superstep: u64, _: &Touchy) -> bool {
        assert!(self.0 != Fault::Done || superstep < 2, "it will not be done");
        superstep == 3 && self.0 != Fault::Endless
    }

    fn finish(&self, block: &BlockId, (): ()) -> Result<u32> {
        match self.0 {
            Fault::Finish if block.0 >= 4 => Err(Error::resource(format!("no disk for block {block}"))),
            _ => Ok(block.0),
        }
    }
}

#[test]
fn what_goes_wrong_in_a_block_is_one_error_and_the_workers_live_on() {
    let faults = [
        (Fault::Read, Kind::Input, "scan_4.tif: cut short"),
        (Fault::Init, Kind::Program, "block 4, superstep 0: the program panicked: no state for this block"),
        (Fault::Compute, Kind::Program, "block 4, superstep 2: no more at 4"),
        (Fault::Panic, Kind::Program, "block 4, superstep 2: the program panicked: block 4 is out of its mind"),
        (Fault::Stranger, Kind::Program, "block 4, superstep 2: a parcel for block 7, but the blocks are 0..7"),
        (Fault::Finish, Kind::Resource, "no disk for block 4"),
        (Fault::Done, Kind::Program, "superstep 2: the program panicked: it will not be done"),
        (Fault::Endless, Kind::Program, "not finished after 9 supersteps: allow more, or see why it does not settle"),
    ];
    let config = Config { max_supersteps: Some(9), ..Config::default() };
    for runtime in runtimes() {
        for (fault, kind, message) in faults {
            let error = watched(message, || runtime.collect(&Unread(fault), &Faulty(fault), &config).unwrap_err());
            assert_eq!((error.kind(), error.message()), (kind, message), "{} workers", runtime.workers().total());
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            assert_eq!(cause.is_some(), fault == Fault::Compute);
            let (made, report) =
                watched("again", || runtime.collect(&Unread(Fault::None), &Faulty(Fault::None), &config).unwrap());
            assert_eq!(made, (0..7).map(|block| (BlockId(block), block)).collect::<Vec<_>>());
            assert_eq!(report.supersteps, 4);
        }
    }
}

#[test]
fn a_merge_that_panics_is_an_error_and_not_a_wait_for_ever() {
    for runtime in runtimes() {
        let run = |fault| runtime.collect(&Unread(fault), &Faulty(fault), &Config::default()).map(|_| ());
        let error = watched("merge", || run(Fault::Merge).unwrap_err());
        assert!(error.message().contains("the merge is touchy"), "{error}");
        // The workers may have been given up, but whoever asks is told.
        let again = watched("again", || run(Fault::None));
        assert!(again.is_ok() || again.is_err_and(|error| error.kind() == Kind::Cluster));
        watched("drop", || drop(runtime));
    }
}

#[test]
fn what_goes_wrong_on_the_plain_engine_is_told_too() {
    let run = |fault, limit| {
        let config = Config { max_supersteps: limit, ..Config::default() };
        local::run(&Unread(fault), &Faulty(fault), &config, |_, _| Ok(())).map(|report| report.supersteps)
    };
    assert_eq!(run(Fault::None, None).unwrap(), 4);
    assert_eq!(run(Fault::Read, None).unwrap_err().kind(), Kind::Input);
    assert_eq!(run(Fault::Stranger, None).unwrap_err().kind(), Kind::Program);
    assert_eq!(run(Fault::Endless, Some(5)).unwrap_err().kind(), Kind::Program);
}

#[test]
fn as_many_supersteps_as_are_allowed_may_be_used() {
    let runtimes = runtimes();
    for limit in 0..7 {
        let config = Config { max_supersteps: Some(limit), ..Config::default() };
        let plain = local::run(&Unread(Fault::None), &Faulty(Fault::None), &config, |_, _| Ok(()));
        assert_eq!(plain.is_ok(), limit >= 4, "limit {limit}");
        for runtime in &runtimes {
            let fast = runtime.run(&Unread(Fault::None), &Faulty(Fault::None), &config, |_, _| Ok(()));
            assert_eq!(fast.is_ok(), limit >= 4, "limit {limit}");
        }
    }
}

#[test]
fn an_output_that_cannot_be_taken_is_an_error_of_the_run() {
    for runtime in runtimes() {
        for panics in [false, true] {
            let emit = move |block: BlockId, _: u32| match block.0 {
                3.. if panics => panic!("cannot take block {block}"),
                3.. => Err(Error::resource(format!("the disk is full at block {block}"))),
                _ => Ok(()),
            };
            let config = Config::default();
            let run = || runtime.run(&Unread(Fault::None), &Faulty(Fault::None), &config, emit).unwrap_err();
            let error = watched("emit", run);
            let words = if panics { "cannot take block 3" } else { "the disk is full at block 3" };
            assert!(error.message().contains(words), "{error}");
        }
        let taken = std::sync::Arc::new(AtomicU64::new(0));
        let counter = std::sync::Arc::clone(&taken);
        let count = move |_: BlockId, block: u32| {
            counter.fetch_add(1 << (8 * block), Ordering::Relaxed);
            Ok(())
        };
        runtime.run(&Unread(Fault::None), &Faulty(Fault::None), &Config::default(), count).unwrap();
        assert_eq!(taken.load(Ordering::Relaxed), 0x01_0101_0101_0101, "each block is given once");
    }
}

/// Counts supersteps by what all contributed in the one before.
#[derive(Clone, Debug)]
struct Tally;

impl BlockProgram<Blocks> for Tally {
    type State = Vec<u64>;
    type Parcel = ();
    type Global = Sum<u64>;
    type Output = Vec<u64>;

    fn init(&self, _: &Blocks, _: &BlockId) -> Result<Vec<u64>> {
        Ok(Vec::new())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, (), Sum<u64>>,
        block: &BlockId,
        seen: &mut Vec<u64>,
        _: Vec<(BlockId, ())>,
    ) -> Result<Vote> {
        seen.push(at.global().0);
        at.contribute(Sum(u64::from(block.0) * at.number()));
        Ok(Vote::Stay)
    }

    fn done(&self, _: u64, global: &Sum<u64>) -> bool {
        global.0 >= 40
    }

    fn finish(&self, _: &BlockId, seen: Vec<u64>) -> Result<Vec<u64>> {
        Ok(seen)
    }
}

#[test]
fn a_global_is_seen_one_superstep_later_and_decides_the_end() {
    for runtime in runtimes() {
        let (seen, report) = runtime.collect(&Blocks(5), &Tally, &Config::default()).unwrap();
        // Ten for every superstep, so the fifth is the last, and its sum is not seen by a block.
        assert!(seen.iter().all(|(_, seen)| *seen == [0, 0, 10, 20, 30]));
        assert_eq!((report.supersteps, report.global), (5, Sum(40)));
    }
}
