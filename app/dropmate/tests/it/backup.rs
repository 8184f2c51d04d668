//! Backup while running, restore into an empty folder, and nothing differs.

use std::collections::BTreeMap;
use std::path::Path;

use platform::postgres::{PrivateOptions, PrivatePostgres};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{Home, PASSWORD, client};

/// A checksum of every table's rows, whatever their order, and the epoch of the log.
async fn contents(data: &Path) -> (BTreeMap<String, String>, i64) {
    let options = PrivateOptions::new(data).with_environment(std::env::vars_os());
    let server = PrivatePostgres::start(options).await.unwrap();
    let mut connection = PgConnection::connect_with(&server.admin_options("dropmate")).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE c.relkind = 'r' AND n.nspname IN ('platform', 'bus', 'identity')",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut sums = BTreeMap::new();
    for table in tables {
        // The head of the log is what a restore changes.
        if table == "bus.head" {
            continue;
        }
        let sql = format!(
            "SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, chr(10) ORDER BY t::text)), '') FROM {table} t"
        );
        let sum: String = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await.unwrap();
        sums.insert(table, sum);
    }
    let epoch = sqlx::query_scalar("SELECT epoch FROM bus.head").fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    server.stop().await.unwrap();
    (sums, epoch)
}

fn copy_secrets(from: &Home, to: &Home) {
    std::fs::create_dir_all(to.data().join("secrets")).unwrap();
    for name in ["master-key", "audit-key"] {
        std::fs::copy(from.data().join("secrets").join(name), to.data().join("secrets").join(name)).unwrap();
    }
}

#[tokio::test]
async fn a_restored_backup_holds_the_same_in_a_new_epoch() {
    let old = Home::prepared();
    let running = old.up();
    running.become_owner().await;
    std::fs::create_dir_all(old.data().join("files/proofs")).unwrap();
    std::fs::write(old.data().join("files/proofs/photo"), "a photo").unwrap();
    std::fs::write(old.data().join("dropmate.toml"), "[auth]\npassword_min_length = 12\n").unwrap();
    let file = old.path().join("while running.tar");
    let said = old.run(&["backup", file.to_str().unwrap()]).ok();
    assert!(said.contains("The secrets are not in it") && said.contains("master-key"), "{said}");
    assert!(old.run(&["backup", file.to_str().unwrap()]).refused(1).contains("never overwritten"));
    assert!(running.stop().0.success());
    let file = old.path().join("stopped.tar");
    old.run(&["backup", file.to_str().unwrap()]).ok();
    let left = std::fs::read_dir(old.path()).unwrap().flatten().map(|entry| entry.file_name());
    assert_eq!(left.count(), 5, "the data and two backups with their keys, no drafts");

    let new = Home::new();
    let refused = new.run(&["restore", file.to_str().unwrap()]).refused(1);
    assert!(
        refused.contains("can only be read with its keys") && refused.contains("Nothing was changed"),
        "{refused}"
    );
    copy_secrets(&old, &new);
    let said = new.run(&["restore", file.to_str().unwrap()]).ok();
    assert!(said.contains("new epoch 2"), "{said}");
    let (before, epoch_before) = contents(&old.data()).await;
    let (after, epoch_after) = contents(&new.data()).await;
    assert_eq!(before, after);
    assert!(before.len() > 15 && before["identity.users"].starts_with("1 "), "{before:#?}");
    assert_eq!((epoch_before, epoch_after), (1, 2));
    assert_eq!(std::fs::read_to_string(new.data().join("files/proofs/photo")).unwrap(), "a photo");
    assert!(new.data().join("dropmate.toml").exists());
    assert!(new.run(&["audit", "verify"]).ok().contains("\"findings\": []"));
    assert!(new.run(&["restore", file.to_str().unwrap()]).refused(1).contains("is not empty"));

    let running = new.up();
    assert_eq!(running.owner_link, None, "the owner came with it");
    let body = serde_json::json!({ "email": "ada@example.org", "password": PASSWORD });
    let url = format!("{}/api/v1/auth/login", running.url);
    let answer = client().post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
    assert!(running.stop().0.success());
}

#[test]
fn a_damaged_backup_changes_nothing() {
    let old = Home::prepared();
    assert!(old.up().stop().0.success());
    let file = old.path().join("b.tar");
    old.run(&["backup", file.to_str().unwrap()]).ok();
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let new = Home::new();
    copy_secrets(&old, &new);
    let refused = new.run(&["restore", file.to_str().unwrap()]).refused(1);
    assert!(refused.contains("damaged"), "{refused}");
    let left: Vec<_> =
        std::fs::read_dir(new.data()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["secrets"]);
}
