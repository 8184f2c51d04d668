//! A NATS server with JetStream for one test, set as DropMate needs it (`docs/operating/nats.md`).

use std::process::Command;

use crate::server::{self, Server};

/// A server on a private port. Dropping it ends it and removes its folder.
#[derive(Debug)]
pub struct NatsServer {
    server: Server,
    monitoring: u16,
    password: &'static str,
}

/// What a test may set wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Confirms before it has written to the disk.
    LaxDisk,
    /// Whoever comes is somebody.
    Anonymous,
    /// No streams.
    NoStreams,
}

impl NatsServer {
    /// Starts one.
    pub fn start() -> anyhow::Result<Self> {
        Self::start_flawed(None)
    }

    /// Starts one that is set wrongly.
    pub fn start_flawed(flaw: Option<Flaw>) -> anyhow::Result<Self> {
        let mut nats = Self {
            server: Server::new("nats")?,
            monitoring: server::free_port()?,
            password: "a-password-of-tests",
        };
        std::fs::write(nats.server.folder().join("nats.conf"), nats.settings(flaw))?;
        nats.restart()?;
        Ok(nats)
    }

    fn settings(&self, flaw: Option<Flaw>) -> String {
        let (port, monitoring, password) = (self.server.port(), self.monitoring, self.password);
        let sync = if flaw == Some(Flaw::LaxDisk) { "2m" } else { "always" };
        let store = self.store().display().to_string();
        let streams = if flaw == Some(Flaw::NoStreams) {
            String::new()
        } else {
            format!("jetstream {{ store_dir: \"{store}\", sync_interval: {sync} }}\n")
        };
        let stranger = if flaw == Some(Flaw::Anonymous) { "no_auth_user: dropmate\n" } else { "" };
        format!(
            "listen: \"127.0.0.1:{port}\"\nhttp: \"127.0.0.1:{monitoring}\"\n{streams}{stranger}\
             authorization {{ users: [ {{ user: dropmate, password: \"{password}\" }} ] }}\n"
        )
    }

    fn store(&self) -> std::path::PathBuf {
        self.server.folder().join("store")
    }

    /// `NATS_URL`.
    pub fn url(&self) -> String {
        self.url_at(&self.address())
    }

    /// `NATS_URL` by way of another address.
    pub fn url_at(&self, address: &str) -> String {
        format!("nats://dropmate:{}@{address}", self.password)
    }

    /// Name and password of its one user.
    pub fn login(&self) -> (&'static str, &'static str) {
        ("dropmate", self.password)
    }

    /// Where it listens, without the login.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.server.port())
    }

    /// Where it tells how it is set.
    pub fn monitoring_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.monitoring)
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it (again) on the same port, with what its store holds.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.server.kill();
        let program = server::program("DROPMATE_NATS_SERVER", "nats-server")?;
        let settings = self.server.folder().join("nats.conf");
        self.server.start(Command::new(program).arg("-c").arg(settings))
    }

    /// SIGKILL, deletes everything that it has stored, starts it again.
    pub fn wipe(&mut self) -> anyhow::Result<()> {
        self.kill();
        if self.store().exists() {
            std::fs::remove_dir_all(self.store())?;
        }
        self.restart()
    }

    /// The process, to stop and continue it.
    pub fn server(&self) -> &Server {
        &self.server
    }
}
