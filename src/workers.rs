//! How many workers there are, and where: threads of this process, processes of a cluster.
//!
//! The meaning is timely's: `threads` in each of `processes`, of which this one is `process`;
//! `hosts` names every process as `host:port`, in order.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The workers of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workers {
    threads: usize,
    process: usize,
    hosts: Vec<String>,
    plan: u64,
}

/// The port of process 0 where no host file is given; process `i` listens on the `i`-th after it.
const FIRST_PORT: u16 = 2101;

impl Workers {
    /// `threads` workers in this process alone (at least one).
    pub fn threads(threads: usize) -> Self {
        Self { threads: threads.max(1), process: 0, hosts: Vec::new(), plan: 0 }
    }

    /// Process `process` of `processes` on this machine, each with `threads` workers, on
    /// localhost at port 2101 and up.
    ///
    /// # Errors
    /// Where `process` is not below `processes`.
    pub fn local_cluster(threads: usize, processes: usize, process: usize) -> Result<Self> {
        let hosts = (0..processes).map(|p| format!("localhost:{}", u32::from(FIRST_PORT) + p as u32)).collect();
        Self::cluster(threads, process, hosts)
    }

    /// Process `process` of the cluster that `hosts` lists, one `host:port` for each process.
    ///
    /// # Errors
    /// Where `process` is not one of them.
    pub fn cluster(threads: usize, process: usize, hosts: Vec<String>) -> Result<Self> {
        if process >= hosts.len() {
            return Err(Error::usage(format!(
                "process {process} of {}: the first process is 0, the last {}",
                hosts.len(),
                hosts.len().saturating_sub(1)
            )));
        }
        let hosts = if hosts.len() == 1 { Vec::new() } else { hosts };
        Ok(Self { threads: threads.max(1), process, hosts, plan: 0 })
    }

    /// Reads a host file: one `host:port` a line, in the order of the processes. Lines beyond
    /// `processes` are not looked at; without that number every line counts.
    ///
    /// # Errors
    /// Where the file cannot be read, or lists fewer hosts than `processes`.
    pub fn read_hosts(path: &Path, processes: Option<usize>) -> Result<Vec<String>> {
        let text = std::fs::read_to_string(path).map_err(|cause| Error::reading(path, cause))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let hosts: Vec<String> = lines.take(processes.unwrap_or(usize::MAX)).map(str::to_owned).collect();
        let wanted = processes.unwrap_or(1);
        if hosts.len() < wanted {
            let what = format!("lists {} hosts for {wanted} processes", hosts.len());
            return Err(Error::input(path.display(), what));
        }
        match hosts.iter().find(|host| !host.contains(':')) {
            Some(host) => Err(Error::input(path.display(), format!("«{host}» is not host:port"))),
            None => Ok(hosts),
        }
    }

    /// The same, for a run that is known by the number `plan`: a digest of all that must be the
    /// same on every process. Processes of different plans refuse each other.
    pub fn with_plan(mut self, plan: u64) -> Self {
        self.plan = plan;
        self
    }

    /// What the run is known by.
    pub fn plan(&self) -> u64 {
        self.plan
    }

    /// Worker threads in each process.
    pub fn per_process(&self) -> usize {
        self.threads
    }

    /// The number of processes.
    pub fn processes(&self) -> usize {
        self.hosts.len().max(1)
    }

    /// Which process this is.
    pub fn process(&self) -> usize {
        self.process
    }

    /// Workers in all.
    pub fn total(&self) -> usize {
        self.threads * self.processes()
    }

    /// Every process as `host:port`; empty where there is only this one.
    pub fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Whether this is the process that gathers, prints and writes.
    pub fn is_first(&self) -> bool {
        self.process == 0
    }
}

impl Default for Workers {
    /// One worker for each core.
    fn default() -> Self {
        Self::threads(std::thread::available_parallelism().map_or(1, usize::from))
    }
}
