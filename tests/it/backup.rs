//! Backups while clients write: each holds the installation as it was at one instant, whole transactions only, and nobody
//! who writes on is disturbed. A quiet one holds everything, row by row.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use platform::lifecycle::pause;
use platform::postgres::{PrivateOptions, PrivatePostgres};
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use testkit::Proof;
use testkit::sandbox::{App, Outcome, Shape};
use tokio::task::JoinSet;

use crate::load::{CLIENTS, CREATED, SOUND, Writer, created};

/// A write, with the time in which it happened.
#[derive(Debug, Clone)]
struct Write {
    name: String,
    id: String,
    sent: Instant,
    acknowledged: Instant,
}

/// Clients that note when they asked and when they were told.
struct Writers {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Vec<Write>>,
}

impl Writers {
    fn start(writer: &Writer) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let (writer, stop) = (writer.clone(), Arc::clone(&stop));
            clients.spawn(async move {
                let mut written = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let name = format!("client-{client}-write-{}", written.len());
                    let sent = Instant::now();
                    let Outcome::Ok(id) = writer.settle(&name).await else { panic!("{name} was refused") };
                    written.push(Write { name, id, sent, acknowledged: Instant::now() });
                }
                written
            });
        }
        Self { stop, clients }
    }

    async fn finish(mut self) -> Vec<Write> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Vec::new();
        while let Some(client) = self.clients.join_next().await {
            all.extend(client.expect("a client"));
        }
        all
    }
}

/// Somebody who uploads: drafts that are renamed, and files that are deleted again. The content follows from the name.
struct Uploads {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<anyhow::Result<Vec<(PathBuf, Instant)>>>,
}

fn content(name: &str) -> Vec<u8> {
    name.as_bytes().iter().copied().cycle().take(50_000).collect()
}

impl Uploads {
    fn start(folder: PathBuf) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let task = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            let mut kept = Vec::new();
            for number in 0.. {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let name = format!("upload-{number}");
                let (draft, file) = (folder.join(format!(".{name}.draft")), folder.join(&name));
                std::fs::write(&draft, content(&name))?;
                std::fs::rename(&draft, &file)?;
                if number % 3 == 0 {
                    std::fs::remove_file(&file)?;
                } else {
                    kept.push((PathBuf::from(name), Instant::now()));
                }
                std::thread::park_timeout(Duration::from_millis(3));
            }
            Ok(kept)
        });
        Self { stop, task }
    }

    async fn finish(self) -> anyhow::Result<Vec<(PathBuf, Instant)>> {
        self.stop.store(true, Ordering::SeqCst);
        self.task.await?
    }
}

/// A backup, and the time in which it was made.
struct Made {
    file: PathBuf,
    begun: Instant,
    ended: Instant,
}

fn folder_of(shape: Shape, root: &Path) -> PathBuf {
    match shape {
        Shape::Whole => root.join("data"),
        Shape::Split => root.join("split/admin"),
    }
}

/// An empty installation that was filled from a backup. Its PostgreSQL runs as long as the value lives.
struct Restored {
    data: PathBuf,
}

impl Restored {
    fn fill(from: &Path, backup: &Path, to: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(to.join("secrets"))?;
        for key in ["master-key", "audit-key"] {
            std::fs::copy(from.join("secrets").join(key), to.join("secrets").join(key))?;
        }
        let restored = Self { data: to.to_owned() };
        restored.run(&["restore", backup.to_str().context("a name")?])?;
        Ok(restored)
    }

    fn run(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = std::process::Command::new(testkit::process::binary()?);
        let output = command.args(arguments).arg("--data-dir").arg(&self.data).output()?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{arguments:?} ended with {}: {out}{err}", output.status);
        Ok(out.into_owned())
    }

    /// Looks into the database while no process runs on it.
    async fn look<T>(
        &self,
        look: impl AsyncFnOnce(&PgConnectOptions) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let options = PrivateOptions::new(&self.data).with_environment(std::env::vars_os());
        let server = PrivatePostgres::start(options).await?;
        let seen = look(&server.admin_options("dropmate")).await;
        server.stop().await?;
        seen
    }
}

async fn rows(options: &PgConnectOptions, sql: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut connection = PgConnection::connect_with(options).await?;
    Ok(sqlx::query_as(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await?)
}

/// What one transaction wrote is there together: the organisation, its owner, its entry in the trail, the answer that a
/// repetition gets.
const HALVES: &str = "
    SELECT 'organisation without its entry: ' || o.name, '' FROM identity.organizations o
     WHERE NOT EXISTS (SELECT FROM platform.audit_entries a WHERE a.org_id = o.org_id
                          AND a.action IN ('create_organization', 'first_run'))
    UNION ALL SELECT 'organisation without its owner: ' || o.name, '' FROM identity.organizations o
     WHERE NOT EXISTS (SELECT FROM identity.memberships m WHERE m.org_id = o.org_id AND m.role = 'owner')
    UNION ALL SELECT 'membership of nothing: ' || m.org_id, '' FROM identity.memberships m
     WHERE NOT EXISTS (SELECT FROM identity.organizations o WHERE o.org_id = m.org_id)
    UNION ALL SELECT 'entry of nothing: ' || a.object_id, '' FROM platform.audit_entries a
     WHERE a.action = 'create_organization' AND NOT EXISTS (SELECT FROM identity.organizations o WHERE o.org_id = a.org_id)
    UNION ALL SELECT 'link of the chain without its entry: ' || c.entry_id, '' FROM platform.audit_chain c
     WHERE NOT EXISTS (SELECT FROM platform.audit_entries a WHERE a.id = c.entry_id)
    UNION ALL SELECT 'organisations and answers kept for repetitions', count(*)::text FROM (
        SELECT (SELECT count(*) FROM identity.organizations WHERE name LIKE 'client-%')
             - (SELECT count(*) FROM platform.idempotency_keys WHERE operation = 'create_organization') AS n) d
     WHERE n <> 0 GROUP BY n";

/// One instant for everything: whoever was told before it is there, whoever asked after it is not, and the latest question
/// that got in is older than the earliest answer of a write that did not.
fn one_instant(
    made: &Made,
    written: &[Write],
    present: &[(String, String)],
) -> anyhow::Result<(usize, usize)> {
    let there: BTreeMap<&str, &str> = present.iter().map(|(name, id)| (name.as_str(), id.as_str())).collect();
    ensure!(there.len() == present.len(), "something is there twice");
    let (inside, outside): (Vec<&Write>, Vec<&Write>) =
        written.iter().partition(|write| there.contains_key(write.name.as_str()));
    for write in &inside {
        ensure!(there[write.name.as_str()] == write.id, "{write:?} has another id");
        ensure!(write.sent < made.ended, "{write:?} is younger than the backup");
    }
    if let Some(lost) = outside.iter().find(|write| write.acknowledged < made.begun) {
        anyhow::bail!("{lost:?} is missing, though it is older than the backup");
    }
    let (latest, earliest) =
        (inside.iter().map(|write| write.sent).max(), outside.iter().map(|write| write.acknowledged).min());
    if let (Some(latest), Some(earliest)) = (latest, earliest) {
        ensure!(latest <= earliest, "no instant separates what is in from what is not");
    }
    let known: std::collections::BTreeSet<&str> = written.iter().map(|write| write.name.as_str()).collect();
    if let Some(ghost) = there.keys().find(|name| !known.contains(**name)) {
        anyhow::bail!("{ghost} was never acknowledged to anybody");
    }
    let during = inside.iter().filter(|write| write.acknowledged > made.begun).count();
    Ok((inside.len(), during))
}

/// Files of before the backup are there, whatever is there is whole.
fn check_files(made: &Made, kept: &[(PathBuf, Instant)], folder: &Path) -> anyhow::Result<usize> {
    let read = |name: &Path| std::fs::read(folder.join(name)).map(Sha256::digest);
    let mut compared = 0;
    for (name, at) in kept {
        let text = name.to_str().context("a name")?;
        match read(name) {
            Ok(sum) => {
                ensure!(sum == Sha256::digest(content(text)), "{text} is another file now");
                compared += 1;
            }
            Err(error) => ensure!(*at > made.begun, "{text} is missing: {error}"),
        }
    }
    Ok(compared)
}

async fn under_writes(proof: &Proof, shape: Shape) -> anyhow::Result<()> {
    let backups = proof.size(2, 10);
    let dir = testkit::cluster::temp_dir("dropmate-backup-")?;
    let mut app = Box::pin(App::start(shape, dir.path(), &[])).await?;
    let owner = app.first_run().await?;
    let token = app.operator(&owner).await?;
    let writer = Writer { http: app.http().clone(), url: app.url("/api/v1/organizations"), token };
    let data = folder_of(shape, dir.path());
    let (writers, uploads) = (Writers::start(&writer), Uploads::start(data.join("files/proofs")));
    let mut made = Vec::new();
    for number in 0..backups {
        pause(Duration::from_millis(400)).await;
        let file = dir.path().join(format!("backup-{number}.tar"));
        let name = file.to_str().context("a name")?;
        let begun = Instant::now();
        app.run(&["backup", name])?;
        made.push(Made { file, begun, ended: Instant::now() });
    }
    pause(Duration::from_millis(400)).await;
    let (written, kept) = (writers.finish().await, uploads.finish().await?);
    let wrong = [app.query(SOUND).await?, app.query(HALVES).await?].concat();
    ensure!(wrong.is_empty(), "the source: {wrong:?}");

    let (mut rows_in, mut straddled, mut files) = (0, 0, 0);
    for (number, backup) in made.iter().enumerate() {
        let restored = Restored::fill(&data, &backup.file, &dir.path().join(format!("restored-{number}")))?;
        let present = restored
            .look(async |options| {
                for wrong in [rows(options, SOUND).await?, rows(options, HALVES).await?] {
                    ensure!(wrong.is_empty(), "backup {number}: {wrong:?}");
                }
                Ok(created(rows(options, CREATED).await?))
            })
            .await?;
        let (inside, during) =
            one_instant(backup, &written, &present).with_context(|| format!("backup {number}"))?;
        (rows_in, straddled) = (rows_in + inside, straddled + during);
        files += check_files(backup, &kept, &restored.data.join("files/proofs"))
            .with_context(|| format!("backup {number}"))?;
        ensure!(
            restored.run(&["audit", "verify"])?.contains("\"findings\": []"),
            "backup {number}: the trail"
        );
    }
    // The test would see nothing if nobody had written.
    ensure!(straddled > 0 && files > 0, "nothing happened during the backups");
    repetitions(&made, &written, &data, dir.path()).await?;
    quiet(&mut app, shape, &data, dir.path(), proof).await?;
    proof.report(&format!(
        "{shape:?}: {backups} backups while {CLIENTS} clients wrote {} organisations: each restored at one instant, {rows_in} \
         writes and {files} files compared, {straddled} of them from during the backup, 0 missing, 0 too young, 0 halves",
        written.len()
    ));
    Ok(())
}

/// A client that did not hear of the loss sends again: what is in the backup is answered as before, and not done twice.
async fn repetitions(made: &[Made], written: &[Write], from: &Path, root: &Path) -> anyhow::Result<()> {
    let last = made.last().context("a backup")?;
    let folder = root.join("goes-on");
    Restored::fill(from, &last.file, &folder.join("data"))?;
    let mut app = Box::pin(App::start(Shape::Whole, &folder, &[])).await?;
    let login = serde_json::json!({ "email": "ada@example.org", "password": "correct horse battery" });
    let (status, session) = app.call(reqwest::Method::POST, "/api/v1/auth/login", "", &login).await?;
    ensure!(status == 200, "{status} {session}");
    let owner = testkit::process::SignedIn {
        access_token: session["access_token"].as_str().context("a token")?.to_owned(),
        organization_id: session["organization_id"].as_str().unwrap_or_default().to_owned(),
    };
    let token = app.operator(&owner).await?;
    let writer = Writer { http: app.http().clone(), url: app.url("/api/v1/organizations"), token };
    let before = app.query(CREATED).await?.len();
    let old: Vec<&Write> = written.iter().filter(|write| write.acknowledged < last.begun).collect();
    for write in old.iter().rev().take(50) {
        let Outcome::Ok(id) = writer.settle(&write.name).await else { anyhow::bail!("refused") };
        ensure!(id == write.id, "{} was done again", write.name);
    }
    ensure!(app.query(CREATED).await?.len() == before, "a repetition had a second effect");
    app.stop()
}

/// Tables that a restore changes, or that are about the process that ran.
const DIFFERENT: [(&str, &str); 1] =
    [("bus.head", "a restored log begins a new epoch, so that nobody mistakes it for the old one")];

/// A checksum of every table of every schema, whatever the order of its rows.
async fn contents(options: &PgConnectOptions) -> anyhow::Result<BTreeMap<String, String>> {
    let tables = rows(
        options,
        "SELECT format('%I.%I', n.nspname, c.relname), '' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'",
    )
    .await?;
    let mut sums = BTreeMap::new();
    for (table, _) in tables {
        if DIFFERENT.iter().any(|(name, _)| *name == table) {
            continue;
        }
        let sql = format!(
            "SELECT count(*)::text, coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text)), '') FROM {table} t"
        );
        let sum = rows(options, &sql).await?.remove(0);
        sums.insert(table, format!("{} {}", sum.0, sum.1));
    }
    Ok(sums)
}

/// The round trip of everything, with nobody at work.
async fn quiet(app: &mut App, shape: Shape, data: &Path, root: &Path, proof: &Proof) -> anyhow::Result<()> {
    app.stop()?;
    let file = root.join("quiet.tar");
    app.run(&["backup", file.to_str().context("a name")?])?;
    let source = Restored { data: data.to_owned() };
    let before = match app {
        App::Whole(_) => source.look(async |options| contents(options).await).await?,
        App::Split(cluster) => contents(&cluster.admin_options()).await?,
    };
    let restored = Restored::fill(data, &file, &root.join("quiet"))?;
    let after = restored.look(async |options| contents(options).await).await?;
    let differs: Vec<_> = before
        .iter()
        .filter(|(table, sum)| after.get(*table) != Some(sum))
        .map(|(table, sum)| (table, sum, after.get(table)))
        .collect();
    ensure!(differs.is_empty() && before.len() == after.len(), "{differs:#?}");
    let filled = before.values().filter(|sum| !sum.starts_with("0 ")).count();
    ensure!(before.len() > 25 && filled > 12, "{} tables, {filled} with rows", before.len());
    proof.report(&format!(
        "{shape:?}: quiet round trip of {} tables ({filled} with rows), equal by checksum except {DIFFERENT:?}",
        before.len()
    ));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_backup_under_writes() {
    let proof = Proof::new("backup under writes");
    Box::pin(under_writes(&proof, Shape::Whole)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_backup_under_writes_split() {
    let proof = Proof::new("backup under writes, split");
    Box::pin(under_writes(&proof, Shape::Split)).await.unwrap_or_else(|error| panic!("{error:#}"));
}

/// The rule must be able to fail: a copy that was taken row by row, at two instants.
#[test]
fn a_copy_of_two_instants_is_found_out() {
    let start = Instant::now();
    let at = |millis| start + Duration::from_millis(millis);
    let write = |name: &str, sent, acknowledged| Write {
        name: name.to_owned(),
        id: name.to_owned(),
        sent: at(sent),
        acknowledged: at(acknowledged),
    };
    let written = [write("a", 0, 10), write("b", 20, 30), write("c", 40, 50), write("d", 90, 99)];
    let made = Made { file: PathBuf::new(), begun: at(15), ended: at(80) };
    let there = |names: &[&str]| -> Vec<(String, String)> {
        names.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect()
    };
    let judge =
        |names: &[&str]| one_instant(&made, &written, &there(names)).map_err(|error| error.to_string());
    assert_eq!(judge(&["a", "b"]), Ok((2, 1)));
    assert!(judge(&["b"]).unwrap_err().contains("is missing"));
    assert!(
        judge(&["a", "c"]).unwrap_err().contains("no instant"),
        "c without b, which was told before c asked"
    );
    assert!(judge(&["a", "b", "c", "d"]).unwrap_err().contains("younger"));
    assert!(judge(&["a", "x"]).unwrap_err().contains("never acknowledged"));
    assert!(judge(&["a", "a"]).unwrap_err().contains("twice"));
}
