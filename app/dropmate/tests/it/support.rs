//! Starting the program, speaking to it, stopping it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

pub const PASSWORD: &str = "correct horse battery";

/// A folder for one installation.
pub struct Home {
    folder: TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: testkit::cluster::temp_dir("dropmate-it-").unwrap() }
    }

    /// A folder with an installation that was made before: creating a cluster is what takes most of the time.
    pub fn prepared() -> Self {
        let home = Self::new();
        let copied = Command::new("cp").arg("-a").arg(template()).arg(home.data()).status().unwrap();
        assert!(copied.success());
        home
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A command of the program on this installation, without anything of the test's own environment.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = program_on(args, &self.data());
        command.current_dir(self.folder.path());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Done {
        Done::of(self.command(args).output().unwrap())
    }

    /// Starts `up` on a free port and waits for what it prints.
    pub fn up(&self) -> Running {
        self.start(&["up", "--listen", "127.0.0.1:0"])
    }

    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(self.command(args))
    }
}

/// The data folder of an empty installation that was stopped cleanly, made once per build of the program.
fn template() -> PathBuf {
    let program = std::fs::metadata(env!("CARGO_BIN_EXE_dropmate")).unwrap();
    let built = program.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let folder = std::env::temp_dir().join(format!("dropmate-it-{}", nix::unistd::Uid::effective()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let template = folder.join(built.to_string());
    if !template.exists() {
        // Of earlier builds, or of a run that was interrupted.
        for old in std::fs::read_dir(&folder).unwrap().flatten().filter(|old| old.path().is_dir()) {
            std::fs::remove_dir_all(old.path()).unwrap();
        }
        let draft = folder.join("draft");
        std::fs::create_dir(&draft).unwrap();
        std::fs::set_permissions(&draft, std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        Done::of(program_on(&["migrate"], &draft).output().unwrap()).ok();
        std::fs::rename(&draft, &template).unwrap();
    }
    template
}

fn program_on(args: &[&str], data: &Path) -> Command {
    let mut command = program();
    command.args(args).arg("--data-dir").arg(data);
    command
}

/// The program with an empty environment.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropmate"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// How a command ended.
pub struct Done {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Done {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Its standard output, when it succeeded.
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}\n{}", self.out, self.err);
        self.out
    }

    /// What it said, when it ended with this code.
    pub fn refused(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self.err
    }
}

/// A process that serves.
pub struct Running {
    child: Child,
    /// Read all the time: a process whose log nobody takes stands still when the pipe is full.
    log: Option<JoinHandle<String>>,
    pub url: String,
    pub owner_link: Option<String>,
    /// Everything that it said at the start.
    pub told: String,
    pub ready_after: Duration,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let begun = Instant::now();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut errors = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            std::io::Read::read_to_string(&mut errors, &mut log).unwrap();
            log
        });
        let (mut url, mut owner_link, mut told) = (None, None, String::new());
        for line in lines.by_ref() {
            let line = line.unwrap();
            told = format!("{told}{line}\n");
            if let Some(found) = line.strip_prefix("DropMate is running at: ") {
                url = Some(found.to_owned());
            } else if line.starts_with("Owner link") {
                owner_link = line.split_once("): ").map(|(_, link)| link.to_owned());
            } else if line.starts_with("For real use") {
                break;
            }
        }
        let Some(url) = url else {
            let code = child.wait().unwrap().code();
            panic!("it did not start ({code:?}):\n{}", log.join().unwrap());
        };
        Self { child, log: Some(log), url, owner_link, told, ready_after: begun.elapsed() }
    }

    /// What stands behind these words in what it said.
    pub fn told(&self, words: &str) -> &str {
        let found = self.told.lines().find_map(|line| line.strip_prefix(words));
        found.unwrap_or_else(|| panic!("it did not say {words:?}:\n{}", self.told)).trim()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// SIGTERM, then its end and its log.
    pub fn stop(self) -> (ExitStatus, String) {
        self.signal(Signal::SIGTERM);
        self.wait()
    }

    pub fn wait(mut self) -> (ExitStatus, String) {
        let log = self.log.take().unwrap().join().unwrap();
        (self.child.wait().unwrap(), log)
    }

    pub async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let request = client().get(format!("{}{path}", self.url));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Uses the owner link; the answer with the tokens.
    pub async fn become_owner(&self) -> Value {
        let link = self.owner_link.as_ref().expect("there is no owner yet");
        let body = json!({
            "token": link.rsplit('/').next().unwrap(), "organization": "Ada's Bakery", "time_zone": "Europe/Berlin",
            "currency": "EUR", "name": "Ada Lovelace", "email": "ada@example.org", "password": PASSWORD
        });
        let url = format!("{}/api/v1/auth/first-run", self.url);
        let answer = client().post(url).json(&body).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        assert_eq!(status, 201, "{body}");
        body
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // After a failed test only; PostgreSQL follows by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn client() -> reqwest::Client {
    client_with(|client| client)
}

#[expect(clippy::disallowed_methods, reason = "tests speak to the program like any client")]
pub fn client_with(change: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> reqwest::Client {
    // Whoever is first in this process; all choose the same.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    change(reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20))).build().unwrap()
}

/// Waits until something holds; a test that waits in vain fails.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(20), "in vain waited until {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// The server that works on this data folder, from its own pid file.
pub fn postgres_pid(data: &Path) -> Option<i32> {
    let clusters = std::fs::read_dir(data.join("postgres")).ok()?;
    let file =
        clusters.flatten().map(|entry| entry.path().join("postmaster.pid")).find(|path| path.exists())?;
    std::fs::read_to_string(file).ok()?.lines().next()?.trim().parse().ok()
}

pub fn is_alive(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // A zombie that nobody collected has ended.
    !status.is_empty() && !status.contains(") Z ")
}
