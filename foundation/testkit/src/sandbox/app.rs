//! An installation in either shape, as a scenario sees it.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use super::cluster::{Cluster, Plan};
use crate::process::{Installation, SignedIn, binary, first_run, operator};

/// How an installation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Everything in one process, with a private PostgreSQL.
    Whole,
    /// Every service in a process of its own.
    Split,
}

/// A running installation.
#[derive(Debug)]
pub enum App {
    /// In one process.
    Whole(Installation),
    /// In several.
    Split(Box<Cluster>),
}

impl App {
    /// Starts one in this folder, with further variables.
    pub async fn start(shape: Shape, folder: &Path, environment: &[(&str, &str)]) -> anyhow::Result<Self> {
        let environment: Vec<(String, String)> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        match shape {
            Shape::Whole => {
                let mut app =
                    Installation::new(binary()?, &folder.join("data"))?.with_environment(environment);
                app.start().await?;
                Ok(Self::Whole(app))
            }
            Shape::Split => {
                let plan = Plan { environment, ..Plan::apart() };
                let cluster = Box::pin(Cluster::start(binary()?, &folder.join("split"), &plan)).await?;
                Ok(Self::Split(Box::new(cluster)))
            }
        }
    }

    /// The address of an operation.
    pub fn url(&self, path: &str) -> String {
        match self {
            Self::Whole(app) => app.url(path),
            Self::Split(cluster) => cluster.url(path),
        }
    }

    /// A client for it.
    pub fn http(&self) -> &reqwest::Client {
        match self {
            Self::Whole(app) => app.http(),
            Self::Split(cluster) => cluster.http(),
        }
    }

    /// Runs a command of the program; its standard output.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        match self {
            Self::Whole(app) => app.run(arguments),
            Self::Split(cluster) => cluster.run(arguments),
        }
    }

    /// Becomes the owner through the one-time link.
    pub async fn first_run(&self) -> anyhow::Result<SignedIn> {
        first_run(self.http(), &self.url(""), &self.run(&["owner-link"])?).await
    }

    /// Enters the installation as its operator.
    pub async fn operator(&self, owner: &SignedIn) -> anyhow::Result<String> {
        operator(self.http(), &self.url(""), owner).await
    }

    /// How to connect to the database as its superuser.
    pub fn admin_options(&self) -> anyhow::Result<sqlx::postgres::PgConnectOptions> {
        match self {
            Self::Whole(app) => crate::process::admin_options(app),
            Self::Split(cluster) => Ok(cluster.admin_options()),
        }
    }

    /// Two columns of text from the database, as its superuser.
    pub async fn query(&self, sql: &str) -> anyhow::Result<Vec<(String, String)>> {
        crate::process::rows(&self.admin_options()?, sql).await
    }

    /// Kills every process at once and starts them again; how long until all may be sent requests.
    pub async fn kill_all(&mut self) -> anyhow::Result<Duration> {
        match self {
            Self::Whole(app) => {
                app.kill()?;
                app.start().await
            }
            Self::Split(cluster) => {
                cluster.members.iter_mut().try_for_each(super::Member::kill)?;
                let begun = std::time::Instant::now();
                cluster.wait_ready().await?;
                Ok(begun.elapsed())
            }
        }
    }

    /// Stops it in order; a failure when that was not clean.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Whole(app) => {
                let status = app.stop()?;
                anyhow::ensure!(status.success(), "it did not stop cleanly: {status}");
                Ok(())
            }
            Self::Split(cluster) => cluster.stop(),
        }
    }

    /// A read or write through the front door; status and body.
    pub async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        token: &str,
        body: &Value,
    ) -> anyhow::Result<(u16, Value)> {
        let mut request = self.http().request(method, self.url(path));
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        if *body != json!(null) {
            request = request.json(body);
        }
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.json().await.unwrap_or_default()))
    }
}
