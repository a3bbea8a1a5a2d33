//! `septa watch tcp://...` and `septa send`: nothing is lost, also where one of them is killed, and what is
//! told is what a watched folder of the same scans tells.
#![cfg(feature = "zmq")]

mod common {
    pub(crate) mod mix;
    pub(crate) mod random;
}

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use common::random::Random;
use septa::incremental::told::FILES;
use septa::volume::open::create;
use septa::volume::region::Region;
use septa::volume::shape::{Shape, Spacing};
use septa::volume::voxel::{Dtype, Voxels};

const SHAPE: Shape = Shape([9, 10, 11]);

struct Desk(tempfile::TempDir);

impl Desk {
    /// So many scans in the folder `in`, with their names in order of time.
    fn with_scans(random: &mut Random, count: usize) -> (Self, Vec<String>) {
        let desk = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(desk.at("in")).unwrap();
        let names: Vec<String> = (0..count).map(|number| format!("in/scan_{number:03}.npy")).collect();
        for name in &names {
            let values = (0..SHAPE.voxels().unwrap()).map(|_| random.below(5).saturating_sub(2) as u8).collect();
            write(&desk.at(name), values);
        }
        (desk, names)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_septa"));
        command.args(line.split(' ')).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    fn septa(&self, line: &str) -> Output {
        self.command(line).output().unwrap()
    }

    fn begin(&self, line: &str) -> Child {
        self.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn told(&self, folder: &str) -> Vec<String> {
        FILES.iter().map(|name| std::fs::read_to_string(self.at(folder).join(name)).unwrap()).collect()
    }
}

fn write(path: &Path, values: Vec<u8>) {
    let sink = create(path, SHAPE, Dtype::U8, &Spacing::default()).unwrap();
    sink.write(&Region::whole(SHAPE), &Voxels::from_vec(SHAPE, values)).unwrap();
    sink.finish().unwrap();
}

/// An address that nobody listens at.
fn address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", listener.local_addr().unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn what_comes_over_a_socket_is_told_as_what_comes_into_a_folder() {
    let random = &mut Random(3);
    let (desk, names) = Desk::with_scans(random, 6);
    let options = "--connectivity 26 --block 4";
    let address = address();
    let watch = desk.begin(&format!("watch {address} -o out {options} --json --scans 6"));
    // One of them twice, and out of order.
    let line = [&names[2], &names[0], &names[0], &names[5], &names[1], &names[3], &names[4]];
    let line: Vec<&str> = line.iter().map(|name| name.as_str()).collect();
    let sent = desk.septa(&format!("send {} {address} --json", line.join(" ")));
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    let figures: serde_json::Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert_eq!((figures["scans"].as_u64(), figures["bytes"].as_u64()), (Some(7), Some(7 * 990)));
    let watched = watch.wait_with_output().unwrap();
    assert!(watched.status.success(), "{}", text(&watched.stderr));
    assert_eq!(text(&watched.stdout).lines().count(), 7);
    assert!(desk.septa(&format!("watch in -o folder {options} --idle 0 --settle 0")).status.success());
    assert!(desk.told("out") == desk.told("folder"));
}

#[test]
fn killed_at_random_moments_nothing_that_was_sent_is_lost_or_counted_twice() {
    let random = &mut Random(11);
    let kills: usize = std::env::var("SEPTA_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(50);
    let (desk, names) = Desk::with_scans(random, kills);
    let address = address();
    let line = format!("watch {address} -o out --block 4 -w 2 --history 20KB");
    let send = desk.begin(&format!("send {} {address} --rate 60 --json", names.join(" ")));
    for _ in 0..kills {
        let mut watch = desk.command(&line).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_micros(random.below(80_000)));
        // Where the address is not free again yet it ends by itself.
        watch.kill().unwrap();
        watch.wait().unwrap();
    }
    let mut last = desk.begin(&line);
    let sent = send.wait_with_output().unwrap();
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    last.kill().unwrap();
    last.wait().unwrap();
    let figures: serde_json::Value = serde_json::from_slice(&sent.stdout).unwrap();
    assert_eq!(figures["scans"].as_u64(), Some(kills as u64));
    // What was answered is on the disk: going on tells it again, to the byte.
    let ended = desk.septa("watch in -o out --block 4 --idle 0 --settle 0 --json");
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    assert!(text(&ended.stdout).lines().all(|line| line.contains("\"repeated\":true")), "{}", text(&ended.stdout));
    assert!(desk.septa("watch in -o folder --block 4 --idle 0 --settle 0").status.success());
    assert!(desk.told("out") == desk.told("folder"));
}

#[test]
fn slabs_of_a_scan_make_the_scan_and_what_cannot_be_taken_is_answered() {
    let random = &mut Random(4);
    let (desk, names) = Desk::with_scans(random, 2);
    let address = address();
    let watch = desk.begin(&format!("watch {address} -o out --labels --block 4 --scans 6"));
    let line = format!("send {} {} {address} --slab 4", names[0], names[1]);
    let sent = desk.septa(&line);
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    let watched = watch.wait_with_output().unwrap();
    assert!(watched.status.success(), "{}", text(&watched.stderr));
    assert!(desk.septa("watch in -o folder --labels --idle 0 --settle 0").status.success());
    assert!(desk.told("out")[..2] == desk.told("folder")[..2]);
    // Parts say nothing of the volume.
    let part = "part_1@0-9,,.npy";
    write(&desk.at(part), vec![1; 990]);
    let watch = desk.begin(&format!("watch {address} -o parts --idle 1"));
    let sent = desk.septa(&format!("send {part} {address}"));
    assert!(sent.status.code() == Some(3) && text(&sent.stderr).contains("--volume"), "{}", text(&sent.stderr));
    assert_eq!(watch.wait_with_output().unwrap().status.code(), Some(3));
    std::fs::rename(desk.at(part), desk.at("part_1@0-5,,.npy")).unwrap();
    let sent = desk.septa(&format!("send part_1@0-5,,.npy {address}"));
    assert!(sent.status.code() == Some(2) && text(&sent.stderr).contains("its name says"), "{}", text(&sent.stderr));
    // A scan that does not fit is refused there, and told of here.
    write(&desk.at("odd_9.npy"), vec![1; 990]);
    let watch = desk.begin(&format!("watch {address} -o small --volume 4,4,4 --idle 2"));
    let sent = desk.septa(&format!("send odd_9.npy {address}"));
    assert_eq!(sent.status.code(), Some(3));
    assert!(text(&sent.stderr).contains("larger than the volume"), "{}", text(&sent.stderr));
    assert_eq!(watch.wait_with_output().unwrap().status.code(), Some(3));
}

#[test]
fn what_makes_no_sense_is_refused_in_a_line() {
    let random = &mut Random(4);
    let (desk, _) = Desk::with_scans(random, 1);
    let address = address();
    for (line, code, what) in [
        ("send in/scan_000.npy in/scan_000.npy", 2, "address"),
        ("send in/scan_000.npy tcp://127.0.0.1:1 --patience 0.2", 5, "was not taken"),
        ("send none_1.npy tcp://127.0.0.1:1", 3, "none_1.npy"),
        ("send in/scan_000.npy tcp://127.0.0.1:1 --rate 0", 2, "--rate"),
        ("send in/scan_000.npy tcp://127.0.0.1:1 --times 1,2", 2, "--times"),
        ("send in/scan_000.npy tcp://127.0.0.1:1 --times nan", 2, "--times"),
        ("send in/scan_000.npy tcp://127.0.0.1:1 --patience 1e19", 2, "--patience"),
        ("watch tcp://127.0.0.1:none -o out", 5, "listened"),
        ("watch in -o out --pull", 2, "--pull"),
    ] {
        let output = desk.septa(line);
        assert_eq!(output.status.code(), Some(code), "{line}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(what), "{line}: {}", text(&output.stderr));
    }
    let taken = std::net::TcpListener::bind(address.trim_start_matches("tcp://")).unwrap();
    let output = desk.septa(&format!("watch {address} -o out"));
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    drop(taken);
}

#[test]
fn an_interrupt_ends_a_sender_that_waits() {
    let random = &mut Random(4);
    let (desk, _) = Desk::with_scans(random, 1);
    let send = desk.begin(&format!("send in/scan_000.npy {}", address()));
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &send.id().to_string()]).status().unwrap().success());
    let began = std::time::Instant::now();
    assert_eq!(send.wait_with_output().unwrap().status.code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(30), "it waits no longer");
}
