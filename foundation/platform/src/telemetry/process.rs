//! What the process itself costs, under the names that Prometheus client libraries use.
//!
//! Written as text here, because the recorder counts in whole numbers and CPU seconds are not.

use std::fmt::Write;

use crate::procfs::{self, TICKS_PER_SECOND};

/// The page size of every platform that DropMate is built for, unless `/proc/self/smaps` knows better.
const PAGE_BYTES: u64 = 4096;

/// `process_*` in the text format of Prometheus; empty where there is no `/proc`.
pub fn render() -> String {
    let mut text = String::new();
    let Some(stat) = procfs::stat("self") else {
        return text;
    };
    let mut put = |name: &str, kind: &str, help: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
    };
    let (whole, rest) = (stat.cpu_ticks / TICKS_PER_SECOND, stat.cpu_ticks % TICKS_PER_SECOND);
    put(
        "process_cpu_seconds_total",
        "counter",
        "User and system time in seconds.",
        format!("{whole}.{rest:02}"),
    );
    put("process_threads", "gauge", "Number of threads.", stat.threads.to_string());
    put("process_virtual_memory_bytes", "gauge", "Virtual memory in bytes.", stat.virtual_bytes.to_string());
    let resident = stat.resident_pages * PAGE_BYTES;
    put("process_resident_memory_bytes", "gauge", "Resident memory in bytes.", resident.to_string());
    if let Some(started) = procfs::started_at_s("self") {
        put("process_start_time_seconds", "gauge", "Start, in seconds since 1970.", started.to_string());
    }
    if let Ok(entries) = std::fs::read_dir("/proc/self/fd") {
        put("process_open_fds", "gauge", "Open file descriptors.", entries.count().to_string());
    }
    if let Some(limit) = max_files() {
        put("process_max_fds", "gauge", "Most file descriptors that may be open.", limit);
    }
    text
}

fn max_files() -> Option<String> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next().filter(|soft| *soft != "unlimited").map(str::to_owned)
}
