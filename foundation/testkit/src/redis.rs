//! A Redis (or Valkey) server for one test. It stores nothing on disk: whatever it holds may be lost.

use std::process::Command;

use crate::server::{self, Server};

/// A server on a private port. Dropping it ends it.
#[derive(Debug)]
pub struct RedisServer {
    server: Server,
}

impl RedisServer {
    /// Starts one.
    pub fn start() -> anyhow::Result<Self> {
        let mut redis = Self { server: Server::new("redis")? };
        redis.restart()?;
        Ok(redis)
    }

    /// `REDIS_URL`.
    pub fn url(&self) -> String {
        self.url_at(&self.address())
    }

    /// `REDIS_URL` by way of another address.
    pub fn url_at(&self, address: &str) -> String {
        format!("redis://{address}/0")
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.server.port())
    }

    /// SIGKILL: everything in it is gone.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it (again), empty, on the same port.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.server.kill();
        let program = server::program("DROPMATE_REDIS_SERVER", "redis-server").or_else(|missing| {
            server::program("DROPMATE_REDIS_SERVER", "valkey-server").map_err(|_neither| missing)
        })?;
        let port = self.server.port().to_string();
        let folder = self.server.folder().to_path_buf();
        self.server.start(
            Command::new(program)
                .args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no", "--dir"])
                .arg(folder),
        )
    }

    /// Empties it while it runs (FLUSHALL).
    pub fn wipe(&self) -> anyhow::Result<()> {
        use std::io::{Read as _, Write as _};
        let mut connection =
            std::net::TcpStream::connect((std::net::Ipv4Addr::LOCALHOST, self.server.port()))?;
        connection.write_all(b"*1\r\n$8\r\nFLUSHALL\r\n")?;
        let mut answer = [0; 5];
        connection.read_exact(&mut answer)?;
        anyhow::ensure!(&answer == b"+OK\r\n", "redis answered {:?}", String::from_utf8_lossy(&answer));
        Ok(())
    }

    /// The process, to stop and continue it.
    pub fn server(&self) -> &Server {
        &self.server
    }
}
