//! The tables of a session, kept by differential dataflow on the workers: what pieces of blocks say
//! of cells goes in and out, and the rows of cells and contacts are what it comes to.
//!
//! Counts of contacts are differences themselves, so that a contact is added up where it lies. A
//! cell's box cannot be taken back from a sum, so a cell is combined anew from what its pieces say.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::AtomicBool;

use differential_dataflow::difference::{Abelian, IsZero, Monoid, Semigroup};
use differential_dataflow::input::InputSession;
use differential_dataflow::operators::arrange::TraceAgent;
use differential_dataflow::trace::TraceReader;
use differential_dataflow::trace::cursor::{BatchCursor, Cursor, CursorList, Navigable, cursor_list};
use differential_dataflow::trace::implementations::{KeySpine, ValBuilder, ValSpine};
use serde::{Deserialize, Serialize};
use timely::dataflow::operators::Probe;
use timely::dataflow::operators::probe::Handle;
use timely::progress::frontier::{Antichain, AntichainRef};
use timely::worker::Worker;

use crate::combine::Combine;
use crate::error::Result;
use crate::lattice::contact::Contact;
use crate::lattice::summary::{Cell, Summary};
use crate::pregel::engine::step;

/// The number of a commit.
pub(crate) type Epoch = u64;

/// Faces by axis, and pairs, as a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Counts([i64; 4]);

impl Counts {
    fn of(contact: &Contact) -> Self {
        let [z, y, x] = contact.faces.map(|faces| faces as i64);
        Self([z, y, x, contact.pairs as i64])
    }

    fn contact(self) -> Option<Contact> {
        let [z, y, x, pairs] = self.0.map(|count| count.unsigned_abs());
        (!self.is_zero()).then_some(Contact { faces: [z, y, x], pairs })
    }
}

impl IsZero for Counts {
    fn is_zero(&self) -> bool {
        self.0 == [0; 4]
    }
}

impl Semigroup for Counts {
    fn plus_equals(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }
}

impl Monoid for Counts {
    fn zero() -> Self {
        Self([0; 4])
    }
}

impl Abelian for Counts {
    fn negate(&mut self) {
        self.0.iter_mut().for_each(|count| *count = -*count);
    }
}

/// What goes into the tables, and out of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Updates {
    pub(crate) cells: Vec<(u64, Cell, isize)>,
    pub(crate) contacts: Vec<((u64, u64), Counts)>,
}

impl Updates {
    /// Puts in what a piece says now, and takes out what it said, as far as they differ.
    pub(crate) fn change(&mut self, old: &Summary, new: &Summary) {
        for ((from, into), times) in [((old, new), 1), ((new, old), -1)] {
            let cells = into.cells.iter().filter(|(label, cell)| from.cells.get(label) != Some(cell));
            self.cells.extend(cells.map(|(label, cell)| (*label, cell.clone(), times as isize)));
            let contacts = into.contacts.iter().filter(|(pair, contact)| from.contacts.get(pair) != Some(contact));
            let counts = |contact| Counts(Counts::of(contact).0.map(|count| count * times));
            self.contacts.extend(contacts.map(|(pair, contact)| (*pair, counts(contact))));
        }
    }
}

/// A row as it was and as it is.
pub(crate) type Changed<V> = (Option<V>, Option<V>);

/// The rows that a commit changed, ascending.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) cells: Vec<(u64, Changed<Cell>)>,
    pub(crate) contacts: Vec<((u64, u64), Changed<Contact>)>,
}

type CellTrace = TraceAgent<ValSpine<u64, Cell, Epoch, isize>>;
type ContactTrace = TraceAgent<KeySpine<(u64, u64), Epoch, Counts>>;

/// Rows that came out since they were last looked at.
type Out<D, R> = Rc<RefCell<Vec<(D, R)>>>;

/// The share of one worker in the tables of a session.
pub(crate) struct Tables {
    cells: InputSession<Epoch, (u64, Cell), isize>,
    contacts: InputSession<Epoch, (u64, u64), Counts>,
    cell_rows: CellTrace,
    contact_rows: ContactTrace,
    new_cells: Out<(u64, Cell), isize>,
    new_contacts: Out<(u64, u64), Counts>,
    done: Handle<Epoch>,
}

thread_local! {
    /// The tables of each session on this worker.
    static LIVE: RefCell<HashMap<u64, Tables>> = RefCell::new(HashMap::new());
}

impl Tables {
    /// Begins the tables of a session on a worker.
    pub(crate) fn begin(worker: &mut Worker, session: u64) {
        let tables = worker.dataflow::<Epoch, _, _>(|scope| {
            let (mut cells, mut contacts) = (InputSession::new(), InputSession::new());
            // Before the first commit there is nothing.
            cells.advance_to(1);
            contacts.advance_to(1);
            let done = Handle::new();
            let (new_cells, new_contacts) = (Out::default(), Out::default());
            let cell_rows =
                cells.to_collection(scope).reduce_abelian::<_, ValBuilder<_, _, _, _>, ValSpine<_, _, _, _>>(
                    "Cells",
                    |_, said: &[(&Cell, isize)], row: &mut Vec<(Cell, isize)>| {
                        let mut cell = Cell::default();
                        for (part, times) in said {
                            (0..*times).for_each(|_| cell.combine((*part).clone()));
                        }
                        row.push((cell, 1));
                    },
                );
            let out = Rc::clone(&new_cells);
            cell_rows
                .clone()
                .as_collection(|label, cell| (*label, cell.clone()))
                .inspect(move |(row, _, times)| out.borrow_mut().push((row.clone(), *times)))
                .inner
                .probe_with(&done);
            let contact_rows = contacts.to_collection(scope).arrange_by_self();
            let out = Rc::clone(&new_contacts);
            contact_rows
                .clone()
                .as_collection(|pair, ()| *pair)
                .inspect(move |(pair, _, counts)| out.borrow_mut().push((*pair, *counts)))
                .inner
                .probe_with(&done);
            let (cell_rows, contact_rows) = (cell_rows.trace, contact_rows.trace);
            Self { cells, contacts, cell_rows, contact_rows, new_cells, new_contacts, done }
        });
        LIVE.with_borrow_mut(|live| live.insert(session, tables));
    }

    /// Ends the tables of a session.
    pub(crate) fn end(worker: &mut Worker, session: u64) {
        drop(LIVE.with_borrow_mut(|live| live.remove(&session)));
        worker.step();
    }

    /// Does something with the tables of a session, which have begun.
    pub(crate) fn with<R>(session: u64, work: impl FnOnce(&mut Self) -> R) -> R {
        LIVE.with_borrow_mut(|live| work(live.get_mut(&session).expect("the tables of a session begin with it")))
    }

    /// Takes updates in and waits until every worker has: the rows of this worker that changed.
    /// What was before `kept` can be asked for no more.
    ///
    /// # Errors
    /// A lost process.
    pub(crate) fn commit(
        &mut self,
        worker: &mut Worker,
        updates: Updates,
        (epoch, kept): (Epoch, Epoch),
        lost: &AtomicBool,
    ) -> Result<Rows> {
        updates.cells.into_iter().for_each(|(label, cell, times)| self.cells.update((label, cell), times));
        updates.contacts.into_iter().for_each(|(pair, counts)| self.contacts.update(pair, counts));
        let next = epoch + 1;
        self.cells.advance_to(next);
        self.contacts.advance_to(next);
        self.cells.flush();
        self.contacts.flush();
        let (logical, physical) = ([kept], [next]);
        self.cell_rows.set_logical_compaction(AntichainRef::new(&logical));
        self.contact_rows.set_logical_compaction(AntichainRef::new(&logical));
        self.cell_rows.set_physical_compaction(AntichainRef::new(&physical));
        self.contact_rows.set_physical_compaction(AntichainRef::new(&physical));
        while self.done.less_than(&next) {
            step(worker, lost)?;
        }
        Ok(self.changed(epoch))
    }

    fn changed(&mut self, epoch: Epoch) -> Rows {
        let mut rows = Rows::default();
        let mut cells = self.new_cells.take();
        cells.sort_by_key(|((label, _), _)| *label);
        for ((label, cell), times) in cells {
            if rows.cells.last().is_none_or(|(last, _)| *last != label) {
                rows.cells.push((label, (None, None)));
            }
            if let Some((_, (old, new))) = rows.cells.last_mut() {
                *(if times > 0 { new } else { old }) = Some(cell);
            }
        }
        let mut deltas = self.new_contacts.take();
        deltas.sort_unstable_by_key(|(pair, _)| *pair);
        let (mut cursor, storage) = contents(&mut self.contact_rows);
        for of_pair in deltas.chunk_by(|a, b| a.0 == b.0) {
            let pair = of_pair[0].0;
            let mut delta = Counts::zero();
            of_pair.iter().for_each(|(_, counts)| delta.plus_equals(counts));
            if delta.is_zero() {
                continue;
            }
            cursor.seek_key(&storage, &pair);
            let here = cursor.get_key(&storage) == Some(&pair);
            let new = if here { counted(&mut cursor, &storage, epoch) } else { Counts::zero() };
            let mut old = delta;
            old.negate();
            old.plus_equals(&new);
            rows.contacts.push((pair, (old.contact(), new.contact())));
        }
        rows
    }

    /// The rows of this worker as they were after a commit that is kept.
    pub(crate) fn read(&mut self, epoch: Epoch) -> Summary {
        // Trees of what is sorted are built whole.
        let (mut cells, mut contacts) = (Vec::new(), Vec::new());
        let (mut cursor, storage) = contents(&mut self.cell_rows);
        while let Some(label) = cursor.get_key(&storage) {
            while let Some(cell) = cursor.get_val(&storage) {
                let mut times = 0;
                cursor.map_times(&storage, |time, more| times += if *time <= epoch { *more } else { 0 });
                if times > 0 {
                    cells.push((*label, cell.clone()));
                }
                cursor.step_val(&storage);
            }
            cursor.step_key(&storage);
        }
        let (mut cursor, storage) = contents(&mut self.contact_rows);
        while let Some(pair) = cursor.get_key(&storage) {
            let contact = counted(&mut cursor, &storage, epoch).contact();
            contacts.extend(contact.map(|contact| (*pair, contact)));
            cursor.step_key(&storage);
        }
        Summary { cells: cells.into_iter().collect(), contacts: contacts.into_iter().collect() }
    }
}

/// What the contact under a cursor came to after a commit.
fn counted<C>(cursor: &mut C, storage: &C::Storage, epoch: Epoch) -> Counts
where
    C: for<'a> Cursor<TimeGat<'a> = &'a Epoch, DiffGat<'a> = &'a Counts>,
{
    let mut sum = Counts::zero();
    cursor.map_times(storage, |time, counts| {
        if *time <= epoch {
            sum.plus_equals(counts);
        }
    });
    sum
}

/// A cursor over all that a trace holds, and the batches it walks.
fn contents<Tr>(trace: &mut Tr) -> (CursorList<BatchCursor<Tr>>, Vec<Tr::Batch>)
where
    Tr: TraceReader<Batch: Navigable>,
{
    let spans = trace.spans_through(Antichain::new().borrow()).expect("a trace can be read through its end");
    cursor_list(spans.into_iter().filter_map(|span| span.inner).collect())
}
