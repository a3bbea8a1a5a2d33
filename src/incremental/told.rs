//! What a series tells: tables of cells and contacts of every time, and the events.
//!
//! Three files in a folder, written at their ends: `cells.csv` and `contacts.csv` are the tables of
//! `septa measure` and `septa contacts` behind a column `time`, with all the rows of each time, in
//! order of time; `events.jsonl` has a line of JSON for whatever became of a cell or a contact, and
//! one for each scan. Where a scan comes late they are taken back to its time, and written anew.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::incremental::change::{Change, Event, Row};
use crate::incremental::settings::Settings;
use crate::lattice::contact::Contact;
use crate::lattice::summary::{Cell, Summary};
use crate::measure::csv;
use crate::measure::shape;
use crate::measure::table::{Column, Table};
use crate::store::tail::Tail;
use crate::stream::scan::Key;
use crate::volume::shape::Spacing;

/// The files.
pub const FILES: [&str; 3] = ["cells.csv", "contacts.csv", "events.jsonl"];

/// The files of a series.
pub(crate) struct Told {
    cells: Tail,
    contacts: Tail,
    events: Tail,
    /// The time that was told last, and where its rows begin.
    last: Option<(f64, [u64; 2])>,
}

/// How far the files were written: up to the rows of the last time, which are still to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mark {
    lengths: [u64; 3],
}

impl Told {
    /// The files in a folder, taken back to where they were.
    pub(crate) fn open(folder: &Path, mark: &Mark) -> Result<Self> {
        let open = |at: usize| Tail::open(&folder.join(FILES[at]), mark.lengths[at]);
        Ok(Self { cells: open(0)?, contacts: open(1)?, events: open(2)?, last: None })
    }

    pub(crate) fn mark(&self) -> Mark {
        let [cells, contacts] = match self.last {
            Some((_, begin)) => begin,
            None => [self.cells.length(), self.contacts.length()],
        };
        Mark { lengths: [cells, contacts, self.events.length()] }
    }

    pub(crate) fn back_to(&mut self, mark: &Mark) -> Result<()> {
        self.cells.back_to(mark.lengths[0])?;
        self.contacts.back_to(mark.lengths[1])?;
        self.events.back_to(mark.lengths[2])?;
        self.last = None;
        Ok(())
    }

    pub(crate) fn sync(&self) -> Result<()> {
        [&self.cells, &self.contacts, &self.events].iter().try_for_each(|tail| tail.sync())
    }

    /// Writes the rows of a time. Several parts may be of one time: its rows are those after the last
    /// of them.
    pub(crate) fn rows(&mut self, time: f64, now: &Summary, (settings, spacing): (&Settings, &Spacing)) -> Result<()> {
        match self.last {
            Some((last, [cells, contacts])) if last == time => {
                self.cells.back_to(cells)?;
                self.contacts.back_to(contacts)?;
            }
            _ => self.last = Some((time, [self.cells.length(), self.contacts.length()])),
        }
        let cells = shape::cells(now, spacing, settings.grid.shape(), settings.want.cells);
        append(&mut self.cells, cells, time)?;
        append(&mut self.contacts, shape::contacts(now, spacing), time)
    }

    /// Writes what a scan changed.
    pub(crate) fn events(&mut self, key: &Key, change: &Change, now: &Summary, spacing: &Spacing) -> Result<()> {
        let mut lines = Vec::new();
        let mut line = |value: Value| {
            lines.extend_from_slice(value.to_string().as_bytes());
            lines.push(b'\n');
        };
        change.events.iter().for_each(|event| line(became(key, event, change)));
        change.contacts.iter().filter_map(|row| touched(key, row, spacing)).for_each(&mut line);
        line(json!({
            "time": key.time, "scan": key.name, "event": "scan", "blocks": change.blocks,
            "cells": now.cells.len(), "contacts": now.contacts.len(),
        }));
        self.events.write(&lines)
    }
}

/// Appends a table of a time.
fn append(tail: &mut Tail, mut table: Table, time: f64) -> Result<()> {
    table.columns.insert(0, Column::new("time", "", vec![time; table.rows()]));
    let mut bytes = Vec::new();
    let written = csv::write_to(&table, &mut bytes);
    written.map_err(|cause| Error::resource(format!("{}: {cause}", table.name)))?;
    // The names of the columns stand in the first line of the file only.
    let head =
        if tail.length() > 0 { bytes.iter().position(|byte| *byte == b'\n').map_or(0, |end| end + 1) } else { 0 };
    tail.write(&bytes[head..])
}

/// What became of a cell, as JSON.
fn became(key: &Key, event: &Event, change: &Change) -> Value {
    let (time, scan) = (key.time, &key.name);
    let row = |label: &u64| {
        let found = change.cells.binary_search_by_key(label, |row: &Row<u64, Cell>| row.key).ok();
        let voxels = |cell: &Option<Cell>| cell.as_ref().map(|cell| cell.moments.voxels);
        found.map_or((None, None), |at| (voxels(&change.cells[at].old), voxels(&change.cells[at].new)))
    };
    match event {
        Event::Appeared { label } => {
            json!({ "time": time, "scan": scan, "event": "appeared", "label": label, "num_pixels": row(label).1 })
        }
        Event::Vanished { label } => {
            json!({ "time": time, "scan": scan, "event": "vanished", "label": label, "num_pixels": row(label).0 })
        }
        Event::Merged { from, into } => {
            json!({ "time": time, "scan": scan, "event": "merged", "from": from, "into": into })
        }
        Event::Split { from, into } => {
            json!({ "time": time, "scan": scan, "event": "split", "from": from, "into": into })
        }
        Event::Resized { label, before, after } => {
            json!({ "time": time, "scan": scan, "event": "resized", "label": label, "num_pixels": [before, after] })
        }
    }
}

/// What became of a contact, as JSON: faces and areas before and after. Nothing of pairs that share no
/// face before and after.
fn touched(key: &Key, row: &Row<(u64, u64), Contact>, spacing: &Spacing) -> Option<Value> {
    let both = [&row.old, &row.new];
    let faces = both.map(|contact| contact.as_ref().map_or(0, Contact::n_faces));
    let areas = both.map(|contact| contact.as_ref().map_or(0.0, |contact| contact.area(spacing)));
    let what = match faces {
        [0, 0] => return None,
        [0, _] => "touched",
        [_, 0] => "parted",
        _ => "contact",
    };
    let (a, b) = row.key;
    Some(json!({
        "time": key.time, "scan": key.name, "event": what,
        "label_a": a, "label_b": b, "n_faces": faces, "area": areas,
    }))
}
