//! An object store for one test: moto, which speaks S3 and keeps everything in its memory.

use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::process::http_client;
use crate::server::{self, Server};

/// The bucket that every store of a test has.
pub const BUCKET: &str = "dropmate-files";

/// A store on a private port. Dropping it ends it.
#[derive(Debug)]
pub struct S3Server {
    server: Server,
}

impl S3Server {
    /// Starts one, with an empty bucket.
    pub async fn start() -> anyhow::Result<Self> {
        let mut store = Self { server: Server::new("s3")? };
        store.restart().await?;
        Ok(store)
    }

    /// `S3_URL`.
    pub fn url(&self) -> String {
        format!("http://key:secret@127.0.0.1:{}/us-east-1", self.server.port())
    }

    /// SIGKILL: everything in it is gone.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts it (again), with an empty bucket, on the same port.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.server.kill();
        let program = server::program("DROPMATE_S3_SERVER", "moto_server")?;
        let port = self.server.port().to_string();
        self.server.start(Command::new(program).args(["-H", "127.0.0.1", "-p", &port]))?;
        let made = http_client()?.put(self.address("")).send().await.context("moto does not answer")?;
        ensure!(made.status().is_success(), "moto made no bucket: {}", made.status());
        Ok(())
    }

    /// The names of all objects.
    pub async fn names(&self) -> anyhow::Result<Vec<String>> {
        let list = http_client()?.get(self.address("?list-type=2")).send().await?.text().await?;
        let names = list.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        Ok(names.map(str::to_owned).collect())
    }

    /// An object, past everything that guards it.
    pub async fn object(&self, name: &str) -> anyhow::Result<Vec<u8>> {
        // moto lets in whoever brings a login, whichever it is.
        let request =
            http_client()?.get(self.address(&format!("/{name}"))).header("authorization", "AWS4-HMAC-SHA256 Credential=key/20261120/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0");
        let answer = request.send().await?;
        Ok(answer.error_for_status()?.bytes().await?.to_vec())
    }

    fn address(&self, rest: &str) -> String {
        format!("http://127.0.0.1:{}/{BUCKET}{rest}", self.server.port())
    }
}
