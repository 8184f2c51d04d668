//! One private PostgreSQL for a whole test run.
//!
//! The nextest setup script starts a keeper in the background; the keeper starts PostgreSQL (never as root), writes the
//! address to a state file, and stops it when the process it watches has ended. The data folder is kept between runs,
//! so that templates are made once; databases of earlier runs are dropped at start.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::statvfs::statvfs;
use platform::postgres::{PrivateOptions, PrivatePostgres};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// Names of databases that tests may leave behind.
pub const TEST_PREFIX: &str = "test_";

/// Where the server's data is. Root must drop to an unprivileged account, which may not be able to enter the checkout;
/// hence a folder of its own under `/var/tmp`.
pub fn data_dir() -> PathBuf {
    if let Some(explicit) = std::env::var_os("DROPMATE_TEST_DIR") {
        return explicit.into();
    }
    let workspace = workspace();
    if nix::unistd::Uid::effective().is_root() {
        let hash = hex::encode(&Sha256::digest(workspace.as_os_str().as_encoded_bytes())[..6]);
        Path::new("/var/tmp").join(format!("dropmate-test-{hash}"))
    } else {
        workspace.join("target/testkit")
    }
}

/// The root of the checkout.
pub fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_path_buf()
}

/// Where folders of tests are when there is room.
const MEMORY: &str = "/dev/shm";
const DISK: &str = "/var/tmp";
/// What several installations at once need.
const ROOM_BYTES: u64 = 8 << 30;

/// Tests end processes, never the machine, so what they keep need not be on the disk. Figures are made there.
fn place() -> &'static str {
    let in_full_size = crate::Proof::new("").is_full();
    let room = statvfs(MEMORY).is_ok_and(|at| at.fragment_size() * at.blocks_available() >= ROOM_BYTES);
    if room && !in_full_size { MEMORY } else { DISK }
}

/// A folder outside the checkout that every account may enter, for data of processes that tests start.
pub fn temp_dir(prefix: &str) -> anyhow::Result<tempfile::TempDir> {
    let dir = tempfile::Builder::new().prefix(prefix).tempdir_in(place())?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(dir.path(), mode)?;
    Ok(dir)
}

/// Starts the server and drops what earlier runs left.
pub async fn start(data_dir: &Path) -> anyhow::Result<PrivatePostgres> {
    std::fs::create_dir_all(data_dir)?;
    let options = PrivateOptions { max_connections: 400, ..PrivateOptions::new(data_dir) };
    let server = PrivatePostgres::start(options.with_environment(std::env::vars_os())).await?;
    let mut admin = PgConnection::connect_with(&server.admin_options("postgres")).await?;
    let left: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database WHERE datname LIKE 'test\\_%'")
            .fetch_all(&mut admin)
            .await?;
    for name in left {
        admin.execute(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))).await?;
    }
    Ok(server)
}

/// Runs the server until the watched process has ended. `state` receives the address once it answers.
pub async fn keep(state: &Path, watched: u32) -> anyhow::Result<()> {
    let server = start(&data_dir()).await?;
    let url = server.admin_url("postgres");
    let partial = state.with_extension("partial");
    std::fs::write(&partial, url.expose_secret())?;
    std::fs::rename(&partial, state)?;
    let watched = PathBuf::from(format!("/proc/{watched}"));
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    while watched.exists() {
        tick.tick().await;
    }
    std::fs::remove_file(state).ok();
    server.stop().await?;
    Ok(())
}

/// Starts a keeper in the background and waits for its address.
///
/// `aside` uses a folder of its own, so that a command can run beside a test run.
pub fn start_keeper(watched: u32, aside: bool) -> anyhow::Result<String> {
    let mut dir = data_dir();
    if aside {
        dir.as_mut_os_string().push("-aside");
    }
    std::fs::create_dir_all(&dir)?;
    let state = dir.join(format!("address-{watched}"));
    let log = std::fs::File::create(dir.join("keeper.log"))?;
    let mut keeper = std::process::Command::new(std::env::current_exe()?)
        .args(["keep", &state.to_string_lossy(), &watched.to_string()])
        .env("DROPMATE_TEST_DIR", &dir)
        .stdin(std::process::Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    let begun = Instant::now();
    loop {
        if let Ok(url) = std::fs::read_to_string(&state) {
            return Ok(url);
        }
        if let Some(status) = keeper.try_wait()? {
            let log = std::fs::read_to_string(dir.join("keeper.log")).unwrap_or_default();
            bail!("PostgreSQL for the tests did not start ({status}):\n{log}");
        }
        if begun.elapsed() > Duration::from_secs(90) {
            bail!(
                "PostgreSQL for the tests did not answer within 90 s; see {}",
                dir.join("keeper.log").display()
            );
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// The process that should be watched: nextest, or whoever started the setup script.
pub fn parent() -> u32 {
    // The setup script runs as `cargo run`, which is the direct parent: watch its parent.
    let direct = nix::unistd::getppid().as_raw().unsigned_abs();
    let name = std::fs::read_to_string(format!("/proc/{direct}/comm")).unwrap_or_default();
    if name.trim() != "cargo" {
        return direct;
    }
    let stat = std::fs::read_to_string(format!("/proc/{direct}/stat")).unwrap_or_default();
    // Behind the command name in parentheses: state, then the parent's id.
    let grandparent = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
    grandparent.unwrap_or(direct)
}

/// The address of the run's server, from the environment.
pub fn admin_url() -> anyhow::Result<String> {
    std::env::var("DROPMATE_TEST_DATABASE_URL").context(
        "DROPMATE_TEST_DATABASE_URL is not set: run the tests with `cargo nextest run` (its setup script starts a \
         PostgreSQL) or through `script/test`",
    )
}
