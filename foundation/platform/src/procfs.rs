//! What `/proc` says about processes (see proc(5)). Read-only; an answer is missing when a process is gone or not ours.

use std::path::PathBuf;

/// Ticks per second in `/proc/*/stat`. The kernel reports in `USER_HZ`, which is 100 on every Linux that Rust runs on.
pub(crate) const TICKS_PER_SECOND: u64 = 100;

/// The fields of `/proc/<pid>/stat` that are used here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stat {
    /// User and system time in ticks (fields 14 and 15).
    pub cpu_ticks: u64,
    /// Number of threads (field 20).
    pub threads: u64,
    /// Start, in ticks after boot (field 22).
    pub start_ticks: u64,
    /// Virtual size in bytes (field 23).
    pub virtual_bytes: u64,
    /// Resident pages (field 24).
    pub resident_pages: u64,
}

/// Reads one process; `pid` may be `self`.
pub(crate) fn stat(pid: &str) -> Option<Stat> {
    parse(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(line: &str) -> Option<Stat> {
    // The command name may contain spaces and brackets: fields are counted from the last closing bracket (field 3 on).
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        cpu_ticks: field(14)? + field(15)?,
        threads: field(20)?,
        start_ticks: field(22)?,
        virtual_bytes: field(23)?,
        resident_pages: field(24)?,
    })
}

/// When the process started, in seconds since 1970.
pub(crate) fn started_at_s(pid: &str) -> Option<u64> {
    let ticks = stat(pid)?.start_ticks;
    let boot = std::fs::read_to_string("/proc/stat").ok()?;
    let boot_s: u64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot_s + ticks / TICKS_PER_SECOND)
}

/// The executable, without the mark that the kernel adds when the file was replaced by an upgrade.
pub(crate) fn executable(pid: u32) -> Option<PathBuf> {
    let path = std::fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    let text = path.to_string_lossy();
    Some(PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(&text)))
}

/// The working folder.
pub(crate) fn working_folder(pid: u32) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{pid}/cwd")).ok()
}

/// The short name of the command.
pub(crate) fn command(pid: u32) -> Option<String> {
    Some(std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 3 0 9000 1000000 250 0";
        let stat = parse(line).unwrap();
        assert_eq!((stat.cpu_ticks, stat.threads, stat.start_ticks), (200, 3, 9000));
        assert_eq!((stat.virtual_bytes, stat.resident_pages), (1_000_000, 250));
    }

    #[test]
    fn this_process_is_found() {
        assert!(started_at_s("self").unwrap() > 1_500_000_000);
        assert!(executable(std::process::id()).is_some());
        assert!(command(std::process::id()).is_some());
        assert!(stat("0").is_none());
    }
}
