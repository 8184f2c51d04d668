//! The private PostgreSQL against real server binaries.
//!
//! A test that needs a second DropMate starts this binary again with only [`helper`] in it; the helper starts a server,
//! writes `ready` and waits to be killed.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use platform::lifecycle::pause;
use platform::postgres::{Places, PostgresError, PrivateOptions, PrivatePostgres, check_durability, find};
use sqlx::{ConnectOptions, Connection, Row};
use tempfile::TempDir;

const HELPER_DATA: &str = "DROPMATE_TEST_HELPER_DATA";

fn home() -> TempDir {
    // Open for passing, because as root the server runs as another user.
    let permissions = std::fs::Permissions::from_mode(0o755);
    tempfile::Builder::new().prefix("dropmate it").permissions(permissions).tempdir().unwrap()
}

fn options(data: &Path) -> PrivateOptions {
    PrivateOptions::new(data).with_environment(std::env::vars_os())
}

async fn start(data: &Path) -> PrivatePostgres {
    PrivatePostgres::start(options(data)).await.unwrap_or_else(|error| panic!("{error}"))
}

fn major() -> u32 {
    let places = Places { explicit: None, search_path: std::env::var_os("PATH") };
    find(&places).first().expect("a PostgreSQL server is installed").major
}

fn cluster(data: &Path) -> PathBuf {
    data.join("postgres").join(major().to_string())
}

fn alive(pid: u32) -> bool {
    // A zombie is dead; its state letter follows the name in brackets.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_mins(1), "waited in vain until {what}");
        pause(Duration::from_millis(20)).await;
    }
}

/// Starts this binary again as another DropMate on `data`, as another user if named.
fn spawn_helper(data: &Path, user: Option<&User>) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut command = match user {
        Some(user) => {
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid",
                &user.uid.to_string(),
                "--regid",
                &user.gid.to_string(),
                "--clear-groups",
            ]);
            command.arg(program);
            command
        }
        None => Command::new(program),
    };
    command.args(["--exact", "private_postgres::helper", "--ignored", "--nocapture"]);
    command.env(HELPER_DATA, data).current_dir("/").stdout(Stdio::null()).spawn().unwrap()
}

/// The process id that the helper wrote when its server was ready.
async fn server_of(data: &Path) -> u32 {
    let ready = data.join("ready");
    until("the helper is ready", || ready.exists()).await;
    std::fs::read_to_string(ready).unwrap().parse().unwrap()
}

#[tokio::test]
#[ignore = "not a test: the second process of the tests below"]
async fn helper() {
    let Some(data) = std::env::var_os(HELPER_DATA).map(PathBuf::from) else {
        return;
    };
    let postgres = start(&data).await;
    std::fs::write(data.join("ready.new"), postgres.pid().to_string()).unwrap();
    std::fs::rename(data.join("ready.new"), data.join("ready")).unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_restart_keeps_the_data_and_is_ready_within_three_seconds() {
    let home = home();
    let data = home.path().join("data");
    let postgres = start(&data).await;
    postgres.ensure_database("dropmate").await.unwrap();
    postgres.ensure_database("dropmate").await.unwrap();
    let mut connection = postgres.admin_options("dropmate").connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE kept (n int); INSERT INTO kept VALUES (42)")
        .execute(&mut connection)
        .await
        .unwrap();
    drop(connection);
    postgres.stop().await.unwrap();
    postgres.stop().await.unwrap();
    assert!(!cluster(&data).join("postmaster.pid").exists(), "it was shut down cleanly");
    drop(postgres);

    let begun = Instant::now();
    let postgres = start(&data).await;
    let took = begun.elapsed();
    let mut connection = postgres.admin_options("dropmate").connect().await.unwrap();
    let kept: i32 = sqlx::query_scalar("SELECT n FROM kept").fetch_one(&mut connection).await.unwrap();
    assert_eq!(kept, 42);
    assert!(took < Duration::from_secs(3), "the second start took {took:?}");
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_new_cluster_is_private_and_durable() {
    let home = home();
    let postgres = start(home.path()).await;
    let mut connection = postgres.admin_options("postgres").connect().await.unwrap();
    assert!(check_durability(&mut connection).await.unwrap().data_checksums);
    let query = "SELECT current_setting('listen_addresses'), current_setting('server_encoding'), \
        current_setting('password_encryption'), \
        (SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules), \
        COALESCE((SELECT to_jsonb(d)->>'datlocale' FROM pg_database d WHERE datname = 'postgres'), \
                 (SELECT datcollate FROM pg_database WHERE datname = 'postgres'))";
    let row = sqlx::query(query).fetch_one(&mut connection).await.unwrap();
    let read = |index: usize| row.get::<String, _>(index);
    assert_eq!(
        [read(0), read(1), read(2), read(3), read(4)],
        ["", "UTF8", "scram-sha-256", "scram-sha-256", "C.UTF-8"]
    );
    let secret = std::fs::metadata(home.path().join("secrets/postgres-admin")).unwrap();
    assert_eq!(secret.mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(postgres.socket_dir()).unwrap().mode() & 0o777, 0o700);
    let wrong = postgres.connect_options("postgres", "dropmate_admin", &"guess".to_owned().into());
    assert!(wrong.connect().await.is_err(), "the socket alone does not let anybody in");
    let left: Vec<_> = std::fs::read_dir(home.path().join("postgres"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("new-"))
        .collect();
    assert_eq!(left, Vec::<String>::new(), "neither the password nor a draft stays behind");

    sqlx::query("SET synchronous_commit = off").execute(&mut connection).await.unwrap();
    let refused = check_durability(&mut connection).await.unwrap_err();
    assert!(refused.to_string().contains("synchronous_commit = off"), "{refused}");
    drop(connection);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_path_with_spaces_quotes_and_commas_works() {
    let home = home();
    let data = home.path().join("my \"data\", it's here");
    let postgres = start(&data).await;
    let url = postgres.admin_url("postgres");
    let parsed: sqlx::postgres::PgConnectOptions =
        secrecy::ExposeSecret::expose_secret(&url).parse().unwrap();
    parsed.connect().await.unwrap().close().await.unwrap();
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn a_long_path_gets_a_short_socket() {
    let home = home();
    let data = home.path().join("long/".repeat(30));
    let postgres = start(&data).await;
    assert!(!postgres.socket_dir().starts_with(home.path()));
    postgres.admin_options("postgres").connect().await.unwrap();
    let socket_dir = postgres.socket_dir().to_owned();
    postgres.stop().await.unwrap();
    std::fs::remove_dir_all(socket_dir).unwrap();
}

#[tokio::test]
async fn the_server_does_not_survive_a_killed_parent() {
    let home = home();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let mut helper = spawn_helper(&data, None);
    let server = server_of(&data).await;
    assert!(alive(server));
    helper.kill().unwrap();
    helper.wait().unwrap();
    until("the server is gone", || !alive(server)).await;
    assert!(!cluster(&data).join("postmaster.pid").exists(), "it was shut down cleanly, not killed");
    start(&data).await.stop().await.unwrap();
}

#[tokio::test]
async fn a_start_right_after_a_kill_waits_for_the_dying_server() {
    let home = home();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let mut helper = spawn_helper(&data, None);
    server_of(&data).await;
    helper.kill().unwrap();
    helper.wait().unwrap();
    start(&data).await.stop().await.unwrap();
}

#[tokio::test]
async fn the_second_start_on_one_folder_names_the_first() {
    let home = home();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let mut helper = spawn_helper(&data, None);
    let server = server_of(&data).await;
    let refused = PrivatePostgres::start(options(&data)).await.unwrap_err();
    assert!(
        matches!(&refused, PostgresError::InUse { pid, .. } if *pid == helper.id().to_string()),
        "{refused}"
    );
    assert!(alive(server));
    helper.kill().unwrap();
    helper.wait().unwrap();
    until("the server is gone", || !alive(server)).await;
}

#[tokio::test]
async fn a_stranger_named_in_a_stale_pid_file_is_left_alone() {
    let home = home();
    let postgres = start(home.path()).await;
    postgres.stop().await.unwrap();
    drop(postgres);
    let folder = cluster(home.path());
    let owner = std::fs::metadata(&folder).unwrap();
    // The stranger runs as the server's own user: then PostgreSQL itself cannot tell it from a server.
    let mut stranger = if geteuid().is_root() {
        let (uid, gid) = (owner.uid().to_string(), owner.gid().to_string());
        Command::new("setpriv")
            .args(["--reuid", &uid, "--regid", &gid, "--clear-groups", "sleep", "600"])
            .spawn()
            .unwrap()
    } else {
        Command::new("sleep").arg("600").spawn().unwrap()
    };
    let pid_file = folder.join("postmaster.pid");
    let text = format!("{}\n{}\n1700000000\n5432\n/tmp\n\n  1 1\n", stranger.id(), folder.display());
    std::fs::write(&pid_file, &text).unwrap();
    chown(&pid_file, Some(owner.uid()), Some(owner.gid())).unwrap();
    until("the stranger sleeps", || {
        std::fs::read_to_string(format!("/proc/{}/comm", stranger.id()))
            .is_ok_and(|name| name.trim() == "sleep")
    })
    .await;

    let refused = PrivatePostgres::start(options(home.path())).await.unwrap_err().to_string();
    assert!(refused.contains("`sleep`") && refused.contains("Nothing was touched"), "{refused}");
    assert_eq!(std::fs::read_to_string(&pid_file).unwrap(), text);
    assert!(stranger.try_wait().unwrap().is_none(), "the stranger still runs");

    stranger.kill().unwrap();
    stranger.wait().unwrap();
    // Now the id belongs to nobody: PostgreSQL replaces its own stale file.
    start(home.path()).await.stop().await.unwrap();
}

#[tokio::test]
async fn data_of_another_major_is_refused_untouched() {
    let home = home();
    let other = home.path().join("postgres/18");
    if find(&options(home.path()).places).iter().any(|server| server.major == 18) {
        return;
    }
    std::fs::create_dir_all(other.join("base")).unwrap();
    std::fs::write(other.join("PG_VERSION"), "18\n").unwrap();
    let before = std::fs::metadata(&other).unwrap();
    let refused = PrivatePostgres::start(options(home.path())).await.unwrap_err();
    assert!(matches!(refused, PostgresError::OtherMajor { major: 18, .. }), "{refused}");
    assert!(refused.to_string().contains("nstall"), "{refused}");
    let after = std::fs::metadata(&other).unwrap();
    assert_eq!((before.mtime_nsec(), before.ctime_nsec()), (after.mtime_nsec(), after.ctime_nsec()));
    assert!(!cluster(home.path()).exists(), "no other cluster was begun beside it");
    assert!(!home.path().join("secrets").exists());
}

#[tokio::test]
async fn a_missing_server_is_named_with_its_package() {
    let home = home();
    let mut options = options(home.path());
    options.places.explicit = Some("/nowhere".into());
    let refused = PrivatePostgres::start(options).await.unwrap_err().to_string();
    assert!(refused.contains("DROPMATE_POSTGRES_BIN") && refused.contains("nstall"), "{refused}");
}

#[tokio::test]
async fn a_server_that_cannot_start_shows_its_last_words() {
    let home = home();
    let postgres = start(home.path()).await;
    postgres.stop().await.unwrap();
    drop(postgres);
    let conf = cluster(home.path()).join("postgresql.conf");
    let text = std::fs::read_to_string(&conf).unwrap();
    std::fs::write(&conf, format!("{text}\nno_such_setting = 1\n")).unwrap();
    let refused = PrivatePostgres::start(options(home.path())).await.unwrap_err();
    assert!(matches!(refused, PostgresError::EndedEarly { .. }), "{refused}");
    assert!(refused.to_string().contains("no_such_setting"), "{refused}");
}

#[tokio::test]
async fn a_lost_password_is_said_plainly() {
    let home = home();
    let postgres = start(home.path()).await;
    postgres.stop().await.unwrap();
    drop(postgres);
    std::fs::remove_file(home.path().join("secrets/postgres-admin")).unwrap();
    let refused = PrivatePostgres::start(options(home.path())).await.unwrap_err();
    assert!(matches!(refused, PostgresError::PasswordLost { .. }), "{refused}");
}

#[tokio::test]
async fn root_and_a_plain_user_can_both_start_it() {
    if !geteuid().is_root() {
        // Every other test of this file already ran as a plain user.
        return;
    }
    let home = home();
    let as_root = home.path().join("root");
    let postgres = start(&as_root).await;
    let server = std::fs::metadata(format!("/proc/{}", postgres.pid())).unwrap();
    assert_ne!(server.uid(), 0, "the server runs without the rights of root");
    let status = std::fs::read_to_string(format!("/proc/{}/status", postgres.pid())).unwrap();
    let groups = status.lines().find_map(|line| line.strip_prefix("Groups:")).unwrap();
    assert_eq!(groups.trim(), "", "and without its groups");
    postgres.stop().await.unwrap();

    let nobody = User::from_name("nobody").unwrap().unwrap();
    let as_user = home.path().join("user");
    std::fs::create_dir(&as_user).unwrap();
    chown(&as_user, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).unwrap();
    let mut helper = spawn_helper(&as_user, Some(&nobody));
    let server = server_of(&as_user).await;
    assert_eq!(std::fs::metadata(format!("/proc/{server}")).unwrap().uid(), nobody.uid.as_raw());
    // A polite end of the parent (no handler is installed in the helper) is as good as a kill.
    kill(Pid::from_raw(helper.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    helper.wait().unwrap();
    until("the server is gone", || !alive(server)).await;
}
