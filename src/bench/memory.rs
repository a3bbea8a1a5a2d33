//! The memory of this process, as Linux tells it.
//!
//! Resident pages, not what was asked for: an allocator may keep what was given back to it, so a
//! figure is of the whole process up to then, and differences are lower bounds where memory is
//! used again.

use std::fs;

/// Bytes that are resident now; nothing where the system does not tell.
pub fn resident() -> Option<u64> {
    of("VmRSS:")
}

/// The most bytes that were resident since the last [`forget`].
pub fn peak() -> Option<u64> {
    of("VmHWM:")
}

/// Lets [`peak`] begin anew; false where the system does not allow it, and the peak is that of
/// the process's whole life.
pub fn forget() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

fn of(name: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(name))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linux_tells_both() {
        assert!(!cfg!(target_os = "linux") || resident() > Some(0) && peak() > Some(0));
    }
}
