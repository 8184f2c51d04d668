//! An installation of its own: the same program as a child, in a folder of its own, with a clock that is moved here.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::StraightLine;
use nix::sys::signal::{Signal, kill};
use nix::sys::statvfs::statvfs;
use nix::unistd::Pid;
use platform::clock::hub::Hub;
use platform::db::BoxFuture;
use tempfile::TempDir;

use crate::pace::Pace;

/// How long everything may take that is to be done at one moment.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long it may take to start.
const START: Duration = Duration::from_mins(2);
/// Where its folder may be.
const MEMORY: &str = "/dev/shm";
const DISK: &str = "/var/tmp";
/// What a long day needs of it, with all that its database keeps for the worst.
const ROOM_BYTES: u64 = 2 << 30;
/// When days begin. The first hour before it is for moving in.
const MIDNIGHT: &str = "2026-01-05T00:00:00Z";

/// It, while it runs.
#[derive(Debug)]
pub struct Private {
    hub: Hub,
    child: Child,
    now: Timestamp,
    midnight: Timestamp,
    base: String,
    owner_link: String,
    // Last: the folder goes when the child is gone.
    folder: TempDir,
}

impl Private {
    /// Starts it, with ways that take as long as this line says. What it logs goes to `log`.
    pub async fn start(program: &Path, line: StraightLine, log: Option<&Path>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("dropmate-simulate-").tempdir_in(place())?;
        // Its PostgreSQL may run as another account.
        std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        let midnight: Timestamp = MIDNIGHT.parse()?;
        let now = midnight.checked_sub(SignedDuration::from_hours(1))?;
        let hub = Hub::start(folder.path().join("clock"), now)?;
        let error = match log {
            Some(path) => Stdio::from(std::fs::File::create(path)?),
            None => Stdio::null(),
        };
        let mut child = Command::new(program)
            .args(["up", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path().join("data"))
            .arg("--sim-clock")
            .arg(hub.socket())
            .env_remove("DATABASE_URL")
            .envs(environment(line))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(error)
            .spawn()
            .context("the program cannot be started")?;
        let output = child.stdout.take().context("no output")?;
        let (base, owner_link) = match started(output).await {
            Ok(found) => found,
            Err(error) => {
                child.kill().ok();
                child.wait().ok();
                return Err(error);
            }
        };
        Ok(Self { hub, child, now, midnight, base, owner_link, folder })
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where its data is, until it ends.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The link to become its owner.
    pub fn owner_link(&self) -> &str {
        &self.owner_link
    }
}

/// In memory where there is room: nothing of it outlasts the day, and on a disk every commit would wait.
fn place() -> &'static str {
    let room = statvfs(MEMORY).is_ok_and(|at| at.fragment_size() * at.blocks_available() >= ROOM_BYTES);
    if room { MEMORY } else { DISK }
}

/// Nobody else is there who had to be protected from too many requests.
fn environment(line: StraightLine) -> Vec<(&'static str, String)> {
    vec![
        ("DROPMATE__LIMITS__ANONYMOUS_PER_MINUTE", "1000000".to_owned()),
        ("DROPMATE__LIMITS__USER_PER_MINUTE", "1000000".to_owned()),
        ("DROPMATE__LIMITS__POSITIONS_PER_MINUTE", "1000000".to_owned()),
        ("DROPMATE__TRAVEL__SPEED_M_S", line.speed_m_s.to_string()),
        ("DROPMATE__TRAVEL__DETOUR", line.detour.to_string()),
        ("DROPMATE__TRAVEL__WHOLE_MINUTES", line.whole_minutes.to_string()),
        ("DROPMATE__TELEMETRY__FILTER", "warn".to_owned()),
    ]
}

/// Address and link, when it has started.
async fn started(output: impl std::io::Read + Send + 'static) -> anyhow::Result<(String, String)> {
    let read = tokio::task::spawn_blocking(move || read_start(output));
    let read = tokio::time::timeout(START, read).await;
    read.with_context(|| format!("it was not ready within {START:?}"))??
}

/// Address and link, from what is printed at the start; the rest is read so that the program never waits for a reader.
fn read_start(output: impl std::io::Read + Send + 'static) -> anyhow::Result<(String, String)> {
    let mut lines = BufReader::new(output).lines();
    let (mut base, mut link) = (None, None);
    for printed in lines.by_ref() {
        let printed = printed?;
        let found = |mark: &str| printed.split_once(mark).map(|(_, rest)| rest.trim().to_owned());
        base = base.or_else(|| found("running at:"));
        link = link.or_else(|| printed.contains("/setup/").then(|| found("): ")).flatten());
        if let (Some(base), Some(link)) = (&base, &link) {
            let found = (base.clone(), link.clone());
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(found);
        }
    }
    bail!("it ended before it was ready; --log FILE keeps what it says")
}

impl Private {
    async fn set(&mut self, to: Timestamp) -> anyhow::Result<()> {
        self.now = to;
        self.hub.set(to).await;
        self.alive().await
    }

    async fn alive(&self) -> anyhow::Result<()> {
        ensure!(self.hub.processes().await == 1, "the installation has ended, or does not answer any more");
        Ok(())
    }
}

impl Pace for Private {
    fn reach(&mut self, minute: u32) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async move {
            let to = self.at(minute);
            if to > self.now {
                self.set(to).await?;
                self.settle().await?;
            }
            Ok(())
        })
    }

    fn settle(&mut self) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async {
            let settled = self.hub.settle(PATIENCE).await;
            self.alive().await?;
            settled.with_context(|| format!("{} does not end", self.now))
        })
    }

    /// The next thing happens a moment later, too: what is made has identifiers in this order.
    fn one_at_a_time(&mut self) -> BoxFuture<'_, anyhow::Result<()>> {
        self.pass(SignedDuration::from_millis(1))
    }

    fn pass(&mut self, by: SignedDuration) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async move {
            self.settle().await?;
            self.set(self.now.checked_add(by)?).await
        })
    }

    fn at(&self, minute: u32) -> Timestamp {
        let after = SignedDuration::from_mins(i64::from(minute));
        self.midnight.checked_add(after).unwrap_or(self.midnight)
    }

    fn now(&self) -> Timestamp {
        self.now
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // In order, so that its PostgreSQL is stopped before the folder goes.
        if let Ok(pid) = i32::try_from(self.child.id()) {
            kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
        }
        self.child.wait().ok();
    }
}
