//! The arguments that say what a run is, without those that say where, how fast and how loud.
//!
//! Two processes of a cluster must agree on them, and the report shows them: so the page is the
//! same wherever and by however many workers it was made.

use sha2::{Digest, Sha256};

/// Options that take a value and do not change the result.
const PLACING: [(&str, &str); 9] = [
    ("-w", "--workers"),
    ("-n", "--processes"),
    ("-p", "--process"),
    ("-o", "--output"),
    ("", "--hostfile"),
    ("", "--block"),
    ("", "--max-memory"),
    ("", "--color"),
    ("", "--log-format"),
];
const MANNERS: [&str; 4] = ["--force", "--quiet", "--verbose", "--json"];

/// The words of the command line that make the result what it is.
pub(crate) fn words() -> Vec<String> {
    essential(std::env::args().skip(1))
}

fn essential(mut arguments: impl Iterator<Item = String>) -> Vec<String> {
    let mut words = Vec::new();
    while let Some(word) = arguments.next() {
        let name = word.split('=').next().unwrap_or_default();
        let placing = PLACING.iter().any(|(short, long)| name == *short || name == *long);
        let joined = PLACING.iter().any(|(short, _)| !short.is_empty() && word.len() > 2 && word.starts_with(short));
        let loud = word.len() > 1 && word.starts_with('-') && word[1..].chars().all(|letter| "qv".contains(letter));
        if placing && !word.contains('=') {
            arguments.next();
        } else if !(placing || joined || loud || MANNERS.contains(&name)) {
            words.push(word);
        }
    }
    words
}

/// The command line for people.
pub(crate) fn command() -> String {
    let quoted = |word: String| {
        let plain = !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "-_./,:=+".contains(c));
        if plain { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
    };
    std::iter::once("septa".to_string()).chain(words().into_iter().map(quoted)).collect::<Vec<_>>().join(" ")
}

/// A number that two processes share where they run the same version with the same arguments.
pub(crate) fn plan() -> u64 {
    let mut hash = Sha256::new();
    hash.update(env!("CARGO_PKG_VERSION"));
    for word in words() {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word);
    }
    u64::from_le_bytes(hash.finalize()[..8].try_into().expect("a hash has more than eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_change_the_result_is_left_out() {
        let of = |line: &str| essential(line.split(' ').map(String::from)).join(" ");
        let plain = "label scan.tif --connectivity 26";
        for line in [
            "label scan.tif --connectivity 26 -w 2 -n 2 -p 1",
            "-w1 label -o out.tif scan.tif --block=32 --connectivity 26",
            "--json -qv --force label scan.tif --max-memory 1GiB --connectivity 26 --hostfile h",
        ] {
            assert_eq!(of(line), plain);
        }
        assert_ne!(of("label scan.tif --connectivity 6"), plain);
    }
}
