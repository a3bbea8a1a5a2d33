//! Clusters of processes on this machine: a test starts its very binary again for each process; what is told
//! by the environment makes its `acts_as_one_process_of_a_cluster` play a part, and write what it has found to a
//! file.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use septa::error::Result;
use septa::pregel::runtime::Runtime;
use septa::workers::Workers;

/// Names the part to play, the process, the threads of each, the hosts, and the file for what was
/// found.
const PART: &str = "SEPTA_TEST_PART";

/// How long a cluster may take; a test that hangs ends here.
const PATIENCE: Duration = Duration::from_secs(60);

/// Processes, and threads of each, that are tried.
pub(crate) const CLUSTERS: [(usize, usize); 4] = [(2, 1), (2, 2), (3, 1), (3, 2)];

/// What was found, or the error.
pub(crate) fn told(found: Result<String>) -> String {
    found.unwrap_or_else(|error| format!("{:?}: {error}", error.kind()))
}

/// Plays the part of one process, if the environment says that this is one.
pub(crate) fn act(play: impl Fn(&str, &Runtime) -> Result<String>) {
    let Ok(part) = std::env::var(PART) else { return };
    let [part, process, threads, hosts, into] = part.split('\n').collect::<Vec<_>>()[..] else {
        panic!("five lines tell the part");
    };
    let hosts = hosts.split(' ').map(str::to_owned).collect();
    let workers = Workers::cluster(threads.parse().unwrap(), process.parse().unwrap(), hosts).unwrap();
    let runtime = Runtime::start(&workers).unwrap();
    std::fs::write(into, told(play(part, &runtime))).unwrap();
}

/// The processes of a cluster, ended with this.
pub(crate) struct Cluster {
    children: Vec<Child>,
    folder: tempfile::TempDir,
}

impl Cluster {
    pub(crate) fn start(part: &str, processes: usize, threads: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports: Vec<_> = (0..processes).map(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let hosts: Vec<_> = ports.iter().map(|port| port.local_addr().unwrap().to_string()).collect();
        drop(ports);
        let start = |process: usize| {
            let into = folder.path().join(process.to_string());
            let told = format!("{part}\n{process}\n{threads}\n{}\n{}", hosts.join(" "), into.display());
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "acts_as_one_process_of_a_cluster"]).env(PART, told);
            let log = std::fs::File::create(folder.path().join(format!("{process}.log"))).unwrap();
            command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
        };
        Self { children: (0..processes).map(start).collect(), folder }
    }

    /// What each process found, and whether it ended well; nothing where it wrote nothing.
    pub(crate) fn wait(mut self) -> Vec<(Option<String>, bool)> {
        let deadline = Instant::now() + PATIENCE;
        let folder = self.folder.path().to_path_buf();
        let wait = |(process, child): (usize, &mut Child)| loop {
            if let Some(status) = child.try_wait().unwrap() {
                if !status.success() {
                    let log = std::fs::read_to_string(folder.join(format!("{process}.log")));
                    eprintln!("process {process}: {status}\n{}", log.unwrap_or_default());
                }
                return (read(&folder, process), status.success());
            }
            assert!(Instant::now() < deadline, "process {process} hangs");
            std::thread::sleep(Duration::from_millis(5));
        };
        self.children.iter_mut().enumerate().map(wait).collect()
    }
}

fn read(folder: &Path, process: usize) -> Option<String> {
    std::fs::read_to_string(folder.join(process.to_string())).ok()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It has ended as a rule.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
