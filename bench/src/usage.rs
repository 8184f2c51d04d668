//! What a process used, read from `/proc`.

use anyhow::Context;

/// User and system time of one process, in seconds.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Behind the command name in parentheses, fields 14 and 15 of proc(5) are the 12th and 13th.
    let fields: Vec<&str> = stat.rsplit(')').next().context("no stat")?.split_whitespace().collect();
    let ticks =
        |index: usize| -> anyhow::Result<f64> { Ok(fields.get(index).context("too few fields")?.parse()?) };
    // Linux counts in hundredths of a second on every architecture it is used on (USER_HZ).
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

/// Anonymous memory of one process, in mebibytes: what it would take from other programs.
pub fn anonymous_mib(pid: u32) -> anyhow::Result<f64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find(|line| line.starts_with("Anonymous:")).context("no Anonymous line")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib / 1024.0)
}
