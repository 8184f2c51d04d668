//! The real program as a child process: started the way a person starts it, killed the way a machine kills it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};

/// How long a start may take before it counts as failed.
const START: Duration = Duration::from_mins(1);

/// Rate limits that a load from one person does not reach.
pub(crate) const GENEROUS: [(&str, &str); 3] = [
    ("DROPMATE__LIMITS__ANONYMOUS_PER_MINUTE", "1000000"),
    ("DROPMATE__LIMITS__USER_PER_MINUTE", "1000000"),
    ("DROPMATE__LIMITS__POSITIONS_PER_MINUTE", "1000000"),
];

/// An installation on this machine: a data folder, a port, and the process while it runs.
#[derive(Debug)]
pub struct Installation {
    binary: PathBuf,
    data: PathBuf,
    listen: String,
    http: reqwest::Client,
    child: Option<Child>,
    environment: Vec<(String, String)>,
}

/// A signed-in person.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// For the `Authorization` header.
    pub access_token: String,
    /// The organisation of the token.
    pub organization_id: String,
}

/// The program beside the running test: `target/<profile>/dropmate`.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(explicit) = std::env::var_os("DROPMATE_BINARY") {
        return Ok(explicit.into());
    }
    let exe = std::env::current_exe()?;
    let found = exe.ancestors().skip(1).take(3).map(|dir| dir.join("dropmate")).find(|path| path.is_file());
    found.context(
        "there is no built `dropmate` beside this test: run `cargo build --profile up -p dropmate` first",
    )
}

impl Installation {
    /// An installation in this data folder, on a free port of the loopback address; nothing is started.
    pub fn new(binary: PathBuf, data: &Path) -> anyhow::Result<Self> {
        let port = crate::server::free_port()?;
        let http = http_client()?;
        Ok(Self {
            binary,
            data: data.to_owned(),
            listen: format!("127.0.0.1:{port}"),
            http,
            child: None,
            environment: Vec::new(),
        })
    }

    /// With further variables for the process.
    pub fn with_environment(mut self, environment: Vec<(String, String)>) -> Self {
        self.environment = environment;
        self
    }

    /// The address of an operation.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.listen)
    }

    /// A client for it.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The process id while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).arg("--data-dir").arg(&self.data).stdin(Stdio::null());
        command
    }

    /// Starts the process without waiting for it.
    pub fn spawn(&mut self) -> anyhow::Result<()> {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.data.with_extension("log"))?;
        let child = self
            .command(&["up", "--listen", &self.listen])
            .envs(GENEROUS)
            .envs(self.environment.iter().cloned())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        self.child = Some(child);
        Ok(())
    }

    /// Starts the process and waits until it may be sent requests; how long that took.
    pub async fn start(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        self.spawn()?;
        self.wait_ready().await?;
        Ok(begun.elapsed())
    }

    /// Waits until `/readyz` says yes.
    pub async fn wait_ready(&mut self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let answer = self.http.get(self.url("/readyz")).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.child.as_mut().map(Child::try_wait).transpose()?.flatten() {
                bail!("dropmate ended with {status}:\n{}", self.log());
            }
            if begun.elapsed() > START {
                bail!("dropmate was not ready within {START:?}:\n{}", self.log());
            }
            platform::lifecycle::pause(Duration::from_millis(20)).await;
        }
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.data.with_extension("log")).unwrap_or_default()
    }

    /// SIGKILL, and waits until the process is gone.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// SIGTERM, and waits for an orderly end.
    pub fn stop(&mut self) -> anyhow::Result<std::process::ExitStatus> {
        let mut child = self.child.take().context("it does not run")?;
        let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id())?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        Ok(child.wait()?)
    }

    /// Runs a command of the program against this installation; its standard output.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            bail!(
                "{arguments:?} ended with {}: {text}{}",
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(text)
    }

    /// Becomes the owner through the one-time link.
    pub async fn first_run(&self) -> anyhow::Result<SignedIn> {
        first_run(&self.http, &self.url(""), &self.run(&["owner-link"])?).await
    }

    /// Enters the installation as its operator.
    pub async fn operator(&self, owner: &SignedIn) -> anyhow::Result<String> {
        operator(&self.http, &self.url(""), owner).await
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        // A test that failed leaves nothing running. PostgreSQL follows by its parent-death signal.
        self.kill().ok();
    }
}

/// Becomes the owner of the installation at this address through the link that was printed.
pub(crate) async fn first_run(http: &reqwest::Client, base: &str, printed: &str) -> anyhow::Result<SignedIn> {
    let token = printed.split("/setup/").nth(1).context("no owner link was printed")?;
    let token: String = token.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let body = json!({
        "token": token, "organization": "Bakery", "time_zone": "Europe/Berlin", "currency": "EUR",
        "name": "Ada Lovelace", "email": "ada@example.org", "password": "correct horse battery",
    });
    let answer = http.post(format!("{base}/api/v1/auth/first-run")).json(&body).send().await?;
    signed_in(answer).await
}

/// A token of the installation's operator, for whoever is it.
pub(crate) async fn operator(http: &reqwest::Client, base: &str, owner: &SignedIn) -> anyhow::Result<String> {
    let request = http.post(format!("{base}/api/v1/auth/switch")).bearer_auth(&owner.access_token);
    let body: Value = request.json(&json!({})).send().await?.error_for_status()?.json().await?;
    Ok(body["access_token"].as_str().context("no token")?.to_owned())
}

async fn signed_in(answer: reqwest::Response) -> anyhow::Result<SignedIn> {
    let status = answer.status();
    let body: Value = answer.json().await?;
    let text = |member: &str| {
        body[member].as_str().map(ToOwned::to_owned).with_context(|| format!("{status}: {body}"))
    };
    Ok(SignedIn { access_token: text("access_token")?, organization_id: text("organization_id")? })
}

/// A client that reaches this machine only.
#[expect(
    clippy::disallowed_methods,
    reason = "tests talk to loopback only; the product has its own guarded client"
)]
pub fn http_client() -> anyhow::Result<reqwest::Client> {
    // Reaching loopback needs no TLS, but the client wants a provider.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    Ok(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?)
}

/// Reads two columns of text in the installation's private database, as its administrator.
pub async fn query(app: &Installation, sql: &str) -> anyhow::Result<Vec<(String, String)>> {
    rows(&admin_options(app)?, sql).await
}

/// Two columns of text.
pub(crate) async fn rows(
    options: &sqlx::postgres::PgConnectOptions,
    sql: &str,
) -> anyhow::Result<Vec<(String, String)>> {
    use sqlx::Connection as _;
    let mut conn = sqlx::PgConnection::connect_with(options).await?;
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql.to_owned())).fetch_all(&mut conn).await?)
}

/// How to connect to the installation's running private PostgreSQL as its administrator: socket folder from its own
/// pid file, password from the data folder.
pub fn admin_options(app: &Installation) -> anyhow::Result<sqlx::postgres::PgConnectOptions> {
    let folder = app.data().join("postgres");
    let major = std::fs::read_dir(&folder)?
        .filter_map(Result::ok)
        .find(|entry| entry.path().join("postmaster.pid").is_file())
        .context("its PostgreSQL does not run")?;
    let pid_file = std::fs::read_to_string(major.path().join("postmaster.pid"))?;
    let mut lines = pid_file.lines().skip(3);
    let port: u16 = lines.next().context("no port")?.trim().parse()?;
    let socket = lines.next().context("no socket folder")?.trim().to_owned();
    let password = std::fs::read_to_string(app.data().join("secrets/postgres-admin"))?;
    Ok(sqlx::postgres::PgConnectOptions::new()
        .socket(socket)
        .port(port)
        .username("dropmate_admin")
        .password(password.trim())
        .database("dropmate"))
}
