//! How a run is saved and watched.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};

use serde_json::{Value, json};

use crate::cli::figures::Figures;
use crate::pregel::run::{Checkpoint, Config, Every, Step, Watch};

/// So many supersteps are told one by one.
const TOLD: usize = 10_000;

/// How often a run is saved that was not told.
const EVERY_SECONDS: u64 = 60;

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Checkpoints")]
pub(crate) struct Saving {
    /// Save the run in this folder, and go on from what is saved there; processes must share it
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// Save every so many supersteps
    #[arg(long, value_name = "N", requires = "checkpoint", conflicts_with = "every_seconds",
          value_parser = clap::value_parser!(u64).range(1..))]
    every: Option<u64>,
    /// Save every so many seconds [default: 60]
    #[arg(long, value_name = "S", requires = "checkpoint", value_parser = clap::value_parser!(u64).range(1..))]
    every_seconds: Option<u64>,
    /// With --json: what each worker did in each superstep
    #[arg(long)]
    pub(crate) steps: bool,
}

/// Hears of supersteps, the first of them.
pub(crate) struct Steps(Option<Receiver<Step>>);

impl Saving {
    /// How to run, and who hears of it.
    pub(crate) fn config(&self, max_supersteps: Option<u64>) -> (Config, Steps) {
        let every = match (self.every, self.every_seconds) {
            (Some(supersteps), _) => Every::Supersteps(supersteps),
            (None, seconds) => Every::Seconds(seconds.unwrap_or(EVERY_SECONDS)),
        };
        let checkpoint = self.checkpoint.clone().map(|folder| Checkpoint { folder, every });
        let (watch, steps) = self.steps.then(watch).unzip();
        (Config { max_supersteps, checkpoint, watch, ..Config::default() }, Steps(steps))
    }

    /// Whether the run may go on from what was saved.
    pub(crate) fn resumes(&self) -> bool {
        self.checkpoint.is_some()
    }
}

fn watch() -> (Watch, Receiver<Step>) {
    let (said, heard) = sync_channel(TOLD);
    // What there is no room for is counted in the end.
    (Watch::new(move |step| _ = said.try_send(step.clone())), heard)
}

impl Steps {
    /// What was heard of a run of so many supersteps, when it has ended.
    pub(crate) fn figures(self, supersteps: u64) -> Figures {
        let Some(heard) = self.0 else { return Figures::default() };
        let steps: Vec<Value> = heard.try_iter().map(told).collect();
        let left_out = supersteps.saturating_sub(steps.len() as u64);
        Figures::default().with("steps", steps).with("steps_left_out", left_out)
    }
}

fn told(step: Step) -> Value {
    let sum = |of: fn(&crate::pregel::run::Work) -> u64| step.workers.iter().map(of).sum::<u64>();
    json!({
        "superstep": step.superstep,
        "awake": sum(|work| work.awake),
        "messages": sum(|work| work.messages),
        "bytes": sum(|work| work.bytes),
        "seconds": step.workers.iter().map(|work| work.seconds).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pregel::run::Work;

    #[test]
    fn supersteps_that_there_is_no_room_for_are_counted() {
        let (watch, heard) = watch();
        let work = Work { awake: 2, messages: 3, bytes: 0, seconds: 0.5 };
        for superstep in 0..TOLD as u64 + 7 {
            (watch.0)(&Step { superstep, workers: vec![work; 2] });
        }
        let figures = Steps(Some(heard)).figures(TOLD as u64 + 7).to_json();
        let steps = figures["steps"].as_array().unwrap();
        assert_eq!((steps.len(), &figures["steps_left_out"]), (TOLD, &json!(7)));
        let last = json!({ "superstep": TOLD - 1, "awake": 4, "messages": 6, "bytes": 0, "seconds": [0.5, 0.5] });
        assert_eq!(steps[TOLD - 1], last);
    }
}
