//! What the code under test logs: warnings on standard error, where nextest shows them for a failed test, and
//! everything in memory, where a test looks for what must never be logged.

use std::io::Write;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// Everything that this process has logged since the first call of [`capture`].
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    /// The lines so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Begins to capture, once per process. Libraries are heard from `INFO` on, the house from `TRACE` on.
pub fn capture() -> Logs {
    static LOGS: OnceLock<Logs> = OnceLock::new();
    LOGS.get_or_init(|| {
        let logs = Logs::default();
        let writer = logs.clone();
        let house = ["platform", "identity", "gateway", "contracts", "kernel", "runtime", "sqlx"];
        let everything = Targets::new().with_default(LevelFilter::INFO);
        let everything = everything.with_targets(house.map(|name| (name, LevelFilter::TRACE)));
        let memory =
            fmt::layer().with_ansi(false).with_writer(move || writer.clone()).with_filter(everything);
        let loud = fmt::layer().with_ansi(false).with_writer(std::io::stderr).with_filter(LevelFilter::WARN);
        // Another subscriber was first: then nothing is captured, which a test that looks notices by its control.
        tracing_subscriber::registry().with(memory).with(loud).try_init().ok();
        logs
    })
    .clone()
}
