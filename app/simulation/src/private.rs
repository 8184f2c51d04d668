//! An installation of its own: the same program as a child, in a folder of its own, with a clock that is moved here.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::StraightLine;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use platform::clock::hub::Hub;
use platform::db::BoxFuture;
use tempfile::TempDir;

use crate::pace::Pace;

/// How long everything may take that is to be done at one moment.
const PATIENCE: Duration = Duration::from_mins(2);
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
    _folder: TempDir,
}

impl Private {
    /// Starts it, with ways that take as long as this line says. What it logs goes to `log`.
    pub async fn start(program: &Path, line: StraightLine, log: Option<&Path>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("dropmate-simulate-").tempdir_in("/var/tmp")?;
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
        let read = tokio::task::spawn_blocking(move || read_start(output)).await?;
        let (base, owner_link) = match read {
            Ok(found) => found,
            Err(error) => {
                child.kill().ok();
                child.wait().ok();
                return Err(error);
            }
        };
        Ok(Self { hub, child, now, midnight, base, owner_link, _folder: folder })
    }

    /// Its address.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The link to become its owner.
    pub fn owner_link(&self) -> &str {
        &self.owner_link
    }
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

impl Pace for Private {
    fn reach(&mut self, minute: u32) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async move {
            let to = self.at(minute);
            if to > self.now {
                self.now = to;
                self.hub.set(to).await;
                ensure!(self.hub.processes().await == 1, "the installation has ended");
            }
            Ok(())
        })
    }

    fn settle(&mut self) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(async {
            let settled = self.hub.settle(PATIENCE).await;
            ensure!(settled, "the installation was still busy after {PATIENCE:?}");
            ensure!(self.hub.processes().await == 1, "the installation has ended");
            Ok(())
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
