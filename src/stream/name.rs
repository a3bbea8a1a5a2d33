//! What the name of a file says of the scan in it: its time, and the part of the volume it is.
//!
//! The time is the last number before the ending and before an `@`: `scan_0012.tif` is of time 12,
//! `bone_3.5h.npy` of 3.5. Behind an `@` stands the part, half-open along z, y, x:
//! `t7@0-64,,.tif` are slices 0 to 63 at time 7, any end may be left out.

use std::path::Path;

use crate::error::{Error, Result};
use crate::volume::region::RegionSpec;

/// The largest integer that a float holds with all below it.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Whether a source of scans is the address of a socket, and not a folder.
pub fn is_address(text: &str) -> bool {
    text.starts_with("tcp://")
}

/// The time and the part that the name of a file tells, or that of a folder, which has no ending.
///
/// # Errors
/// As [`parse`].
pub fn of(path: &Path) -> Result<(f64, Option<RegionSpec>)> {
    let named = if path.is_dir() { path.file_name() } else { path.file_stem() };
    parse(&named.unwrap_or_default().to_string_lossy())
}

/// The time and the part that a name without its ending tells.
///
/// # Errors
/// Where it tells no time, or behind an `@` no part.
pub fn parse(stem: &str) -> Result<(f64, Option<RegionSpec>)> {
    let (named, part) = match stem.rsplit_once('@') {
        Some((named, part)) => (named, Some(part)),
        None => (stem, None),
    };
    let wrong = |what: &str| Err(Error::usage(format!("{stem}: {what}")));
    let mut words = named.split(|c: char| !c.is_ascii_digit() && c != '.').map(|word| word.trim_matches('.'));
    let Some(number) = words.rfind(|word| !word.is_empty()) else {
        return wrong("its name tells no time: let it have a number, as in scan_012.tif");
    };
    let time: f64 = match number.parse() {
        Ok(time) if time < EXACT => time,
        _ => return wrong(&format!("«{number}» in its name is not a time: let it end in one number below 2^53")),
    };
    let part = part.map(|part| {
        let axes: Vec<String> = part.split(',').map(|axis| bounds(axis.trim())).collect();
        axes.join(",").parse::<RegionSpec>()
    });
    match part.transpose() {
        Ok(part) => Ok((time, part)),
        Err(_) => wrong("what is behind the @ is not a part of a volume: write z0-z1,y0-y1,x0-x1, as in t7@0-64,,.tif"),
    }
}

/// The ends along an axis as a region has them.
fn bounds(axis: &str) -> String {
    match axis.is_empty() {
        true => ":".into(),
        false => axis.replacen('-', ":", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::region::Region;
    use crate::volume::shape::Shape;

    #[test]
    fn the_last_number_is_the_time() {
        let time = |stem: &str| parse(stem).map(|(time, _)| time).ok();
        for (stem, expected) in [
            ("scan_0012", Some(12.0)),
            ("7H3_scan.003.ome", Some(3.0)),
            ("bone_3.5h", Some(3.5)),
            ("42", Some(42.0)),
            ("a1b2", Some(2.0)),
            ("-5", Some(5.0)),
            ("scan", None),
            ("", None),
            ("v1.2.3", None),
            ("9007199254740992", None),
        ] {
            assert_eq!(time(stem), expected, "{stem}");
        }
    }

    #[test]
    fn behind_the_at_is_the_part() {
        let whole = Shape([100, 20, 30]);
        let region = |stem: &str| parse(stem).unwrap().1.unwrap().within(whole).unwrap();
        assert_eq!(region("t7@0-64,,"), Region { start: [0, 0, 0], end: [64, 20, 30] });
        assert_eq!(region("t7@64-,2:4,-5"), Region { start: [64, 2, 0], end: [100, 4, 5] });
        assert!(parse("t7").unwrap().1.is_none());
        for stem in ["t7@0-64", "t7@", "t7@a-b,,", "t7@1-2-3,,"] {
            assert!(parse(stem).unwrap_err().message().contains("behind the @"), "{stem}");
        }
        // A time is looked for before the @ only.
        assert!(parse("t@0-64,,").is_err());
    }
}
