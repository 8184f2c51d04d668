//! What a process used, read from `/proc`.

use anyhow::Context;

/// The times in `/proc/<pid>/stat`, in hundredths of a second (USER_HZ is 100 on every architecture that Linux is used on).
#[derive(Debug, Clone, Copy)]
pub struct Ticks {
    /// Who started it.
    pub parent: u32,
    own: f64,
    ended: f64,
}

impl Ticks {
    /// Of one process.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // Behind the command name in parentheses: field 4 of proc(5) is the 2nd, fields 14 to 17 are the 12th to 15th.
        let fields: Vec<&str> = stat.rsplit(')').next().context("no stat")?.split_whitespace().collect();
        let field = |index: usize| fields.get(index).context("too few fields");
        let ticks = |index: usize| -> anyhow::Result<f64> { Ok(field(index)?.parse()?) };
        Ok(Self { parent: field(1)?.parse()?, own: ticks(11)? + ticks(12)?, ended: ticks(13)? + ticks(14)? })
    }

    /// Its own time, in seconds.
    pub fn own(self) -> f64 {
        self.own / 100.0
    }

    /// With that of its children that have ended.
    pub fn with_ended(self) -> f64 {
        (self.own + self.ended) / 100.0
    }
}

/// User and system time of one process, in seconds.
pub fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    Ok(Ticks::of(pid)?.own())
}

/// Anonymous memory of one process, in mebibytes: what it would take from other programs.
pub fn anonymous_mib(pid: u32) -> anyhow::Result<f64> {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = rollup.lines().find(|line| line.starts_with("Anonymous:")).context("no Anonymous line")?;
    let kib: f64 = line.split_whitespace().nth(1).context("no number")?.parse()?;
    Ok(kib / 1024.0)
}
