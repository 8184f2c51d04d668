//! `migrate --check` and `serve` on schemas of other versions.

use sqlx::{Connection, Executor};

use crate::support::Home;
use platform::postgres::{PrivateOptions, PrivatePostgres};

/// Does something as the administrator while nothing runs.
async fn change(home: &Home, sql: &'static str) {
    let options = PrivateOptions::new(home.data()).with_environment(std::env::vars_os());
    let server = PrivatePostgres::start(options).await.unwrap();
    let mut connection = sqlx::PgConnection::connect_with(&server.admin_options("dropmate")).await.unwrap();
    connection.execute(sql).await.unwrap();
    connection.close().await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn serve_refuses_what_it_does_not_know_and_names_the_next_command() {
    let home = Home::new();
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let next = format!("Next: dropmate migrate --data-dir '{}'", home.data().display());
    let refused = home.run(&serve).refused(1);
    assert!(refused.contains("not set up") && refused.contains(&next), "{refused}");
    assert!(home.run(&["migrate", "--check"]).out.contains("platform: at 0"));
    assert!(home.run(&["migrate"]).ok().contains("up to date"));
    let known = migrations("services/identity/migrations");
    let current = format!("identity: at {known}, this build knows {known}: up to date");
    assert!(home.run(&["migrate", "--check"]).ok().contains(&current));
    let running = home.start(&serve);
    assert!(running.owner_link.is_some());
    assert!(running.stop().0.success());

    change(
        &home,
        "INSERT INTO bus._migrations (version, description, success, checksum, execution_time)
         SELECT 9999, 'of the future', true, checksum, 0 FROM bus._migrations LIMIT 1",
    )
    .await;
    let check = home.run(&["migrate", "--check"]);
    assert_eq!(check.code, Some(1));
    let bus = migrations("foundation/platform/migrations/bus");
    let newer = format!("bus: at 9999, this build knows {bus}: newer than this build");
    assert!(check.out.contains(&newer), "{}", check.out);
    assert!(home.run(&serve).refused(1).contains("start a newer DropMate"));

    change(&home, "DELETE FROM bus._migrations WHERE version = 9999; DELETE FROM identity._migrations").await;
    let older = format!("identity: at 0, this build knows {known}: older");
    assert!(home.run(&["migrate", "--check"]).out.contains(&older));
    let refused = home.run(&serve).refused(1);
    let needed = format!("is at version 0, this build needs {known}");
    assert!(refused.contains(&needed) && refused.contains(&next), "{refused}");
}

/// How many migrations a folder holds; they are numbered from 1 without holes.
fn migrations(folder: &str) -> usize {
    std::fs::read_dir(testkit::cluster::workspace().join(folder)).unwrap().count()
}
