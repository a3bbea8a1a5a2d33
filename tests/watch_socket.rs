//! `septa watch tcp://...` and `septa send`: nothing is lost, also where one of them is killed, and what is
//! told is what a watched folder of the same scans tells.
#![cfg(feature = "zmq")]

mod common {
    pub(crate) mod desk;
    pub(crate) mod mix;
    pub(crate) mod program;
    pub(crate) mod random;
}

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::desk::{Desk, SHAPE, drawn, text, write};
use common::random::Random;

/// So many scans in the folder `in`, with their names in order of time.
fn with_scans(random: &mut Random, count: usize) -> (Desk, Vec<String>) {
    let desk = Desk::new();
    let names: Vec<String> = (0..count).map(|number| format!("in/scan_{number:03}.npy")).collect();
    names.iter().for_each(|name| write(&desk.at(name), SHAPE, drawn(random, SHAPE)));
    (desk, names)
}

/// Begins it, and keeps what it says.
fn begin(desk: &Desk, line: &str) -> Child {
    desk.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// An address that nobody listens at.
fn address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", listener.local_addr().unwrap())
}

#[test]
fn what_comes_over_a_socket_is_told_as_what_comes_into_a_folder() {
    let random = &mut Random(3);
    let (desk, names) = with_scans(random, 6);
    let options = "--connectivity 26 --block 4";
    let address = address();
    let watch = begin(&desk, &format!("watch {address} -o out {options} --json --scans 6"));
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
    let (desk, names) = with_scans(random, kills);
    let address = address();
    let line = format!("watch {address} -o out --block 4 -w 2 --history 20KB");
    let send = begin(&desk, &format!("send {} {address} --rate 60 --json", names.join(" ")));
    for _ in 0..kills {
        let mut watch = desk.begin_quietly(&line);
        std::thread::sleep(Duration::from_micros(random.below(80_000)));
        // Where the address is not free again yet it ends by itself.
        watch.kill().unwrap();
        watch.wait().unwrap();
    }
    let mut last = begin(&desk, &line);
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
    let (desk, names) = with_scans(random, 2);
    let address = address();
    let watch = begin(&desk, &format!("watch {address} -o out --labels --block 4 --scans 6"));
    let line = format!("send {} {} {address} --slab 4", names[0], names[1]);
    let sent = desk.septa(&line);
    assert!(sent.status.success(), "{}", text(&sent.stderr));
    let watched = watch.wait_with_output().unwrap();
    assert!(watched.status.success(), "{}", text(&watched.stderr));
    assert!(desk.septa("watch in -o folder --labels --idle 0 --settle 0").status.success());
    assert!(desk.told("out")[..2] == desk.told("folder")[..2]);
    // Parts say nothing of the volume.
    let part = "part_1@0-9,,.npy";
    write(&desk.at(part), SHAPE, vec![1; 990]);
    let watch = begin(&desk, &format!("watch {address} -o parts --idle 5"));
    let sent = desk.septa(&format!("send {part} {address}"));
    assert!(sent.status.code() == Some(3) && text(&sent.stderr).contains("--volume"), "{}", text(&sent.stderr));
    assert_eq!(watch.wait_with_output().unwrap().status.code(), Some(3));
    std::fs::rename(desk.at(part), desk.at("part_1@0-5,,.npy")).unwrap();
    let sent = desk.septa(&format!("send part_1@0-5,,.npy {address}"));
    assert!(sent.status.code() == Some(2) && text(&sent.stderr).contains("its name says"), "{}", text(&sent.stderr));
    // A scan that does not fit is refused there, and told of here.
    write(&desk.at("odd_9.npy"), SHAPE, vec![1; 990]);
    let watch = begin(&desk, &format!("watch {address} -o small --volume 4,4,4 --idle 5"));
    let sent = desk.septa(&format!("send odd_9.npy {address}"));
    assert_eq!(sent.status.code(), Some(3));
    assert!(text(&sent.stderr).contains("larger than the volume"), "{}", text(&sent.stderr));
    assert_eq!(watch.wait_with_output().unwrap().status.code(), Some(3));
}

#[test]
fn what_makes_no_sense_is_refused_in_a_line() {
    let random = &mut Random(4);
    let (desk, _) = with_scans(random, 1);
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
    let (desk, _) = with_scans(random, 1);
    let send = begin(&desk, &format!("send in/scan_000.npy {}", address()));
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &send.id().to_string()]).status().unwrap().success());
    let began = std::time::Instant::now();
    assert_eq!(send.wait_with_output().unwrap().status.code(), Some(130));
    assert!(began.elapsed() < Duration::from_secs(30), "it waits no longer");
}
