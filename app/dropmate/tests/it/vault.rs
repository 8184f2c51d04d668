//! Keys and erasures of a whole installation, from outside.

use std::fs;
use std::path::Path;

use platform::postgres::{PrivateOptions, PrivatePostgres};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use testkit::Proof;

use crate::support::{Home, PASSWORD, Running, client, eventually};

fn names(folder: &Path) -> Vec<String> {
    let found = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<String> = found.collect();
    names.sort();
    names
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from) {
        fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

async fn sign_in(running: &Running) -> u16 {
    let body = json!({ "email": "ada@example.org", "password": PASSWORD });
    let url = format!("{}/api/v1/auth/login", running.url);
    client().post(url).json(&body).send().await.unwrap().status().as_u16()
}

async fn post(running: &Running, path: &str, token: &str, body: &Value) -> Value {
    post_from(0, running, path, token, body).await
}

/// From the address of this person, as the proxy in front tells it: an address may try only so often.
async fn post_from(person: usize, running: &Running, path: &str, token: &str, body: &Value) -> Value {
    let address = format!("203.0.{}.{}", person / 250, person % 250 + 1);
    let request =
        client().post(format!("{}{path}", running.url)).header("x-forwarded-for", address).json(body);
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    let answer = request.send().await.unwrap();
    let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap());
    assert!(status.is_success(), "{path}: {status} {body}");
    body
}

#[tokio::test]
async fn the_installation_key_changes_while_people_work_and_old_backups_still_open() {
    let home = Home::prepared();
    let running = home.up();
    let token = running.become_owner().await["access_token"].as_str().unwrap().to_owned();
    let before = home.path().join("before.tar");
    home.run(&["backup", before.to_str().unwrap()]).ok();
    let secrets = home.data().join("secrets");
    let old_key = fs::read(secrets.join("master-key")).unwrap();
    let said = home.run(&["vault", "rotate", "installation"]).ok();
    assert!(said.contains("wrapped under the installation key"), "{said}");
    assert_ne!(fs::read(secrets.join("master-key")).unwrap(), old_key);
    let kept: Vec<String> =
        names(&secrets).into_iter().filter(|name| name.starts_with("master-key")).collect();
    assert!(kept.len() == 2 && kept[1].starts_with("master-key.old-"), "{kept:?}");
    // The process has never heard of the new key.
    assert_eq!(running.get("/api/v1/users/me", &token).await.1["name"], "Ada Lovelace");
    assert_eq!(sign_in(&running).await, 200);
    let org =
        running.get("/api/v1/organizations", &token).await.1["items"][0]["id"].as_str().unwrap().to_owned();
    assert!(
        home.run(&["vault", "rotate", "organization", &org]).refused(1).contains("nothing of it is sealed")
    );
    let invitation = json!({ "role": "driver", "email": "eve@example.org" });
    post(&running, "/api/v1/invitations", &token, &invitation).await;
    assert!(home.run(&["vault", "rotate", "organization", &org]).ok().contains("has a new key"));
    let me = running.get("/api/v1/users/me", &token).await.1["id"].as_str().unwrap().to_owned();
    assert!(home.run(&["vault", "rotate", "person", &me]).ok().contains("has a new key"));
    assert!(home.run(&["vault", "rotate", "person", &me]).refused(1).contains("between two keys"));
    assert_eq!(sign_in(&running).await, 200);
    assert!(running.stop().0.success());
    // Interrupted behind its transaction: the files of before a rotation, and a database of after it.
    fs::rename(secrets.join("master-key"), secrets.join("master-key.next")).unwrap();
    fs::write(secrets.join("master-key"), old_key).unwrap();
    fs::set_permissions(secrets.join("master-key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    let running = home.up();
    assert_eq!(sign_in(&running).await, 200);
    assert!(running.stop().0.success());
    assert!(!secrets.join("master-key.next").exists(), "the start has finished what was interrupted");

    let new = Home::new();
    copy(&secrets, &new.data().join("secrets"));
    let said = new.run(&["restore", before.to_str().unwrap()]).ok();
    assert!(said.contains("There was no journal of erasures"), "{said}");
    let running = new.up();
    assert_eq!(sign_in(&running).await, 200, "with the key of before, which is beside the new one");
    assert!(running.stop().0.success());
}

#[tokio::test]
async fn who_was_erased_stays_erased_when_an_older_backup_comes_back() {
    let home = Home::prepared();
    let running = home.up();
    let me = running.become_owner().await;
    let token = me["access_token"].as_str().unwrap();
    let id = running.get("/api/v1/users/me", token).await.1["id"].as_str().unwrap().to_owned();
    let file = home.path().join("before.tar");
    home.run(&["backup", file.to_str().unwrap()]).ok();
    assert!(running.stop().0.success());
    let user = kernel::ids::decode_suffix(id.rsplit_once('_').unwrap().1).unwrap();
    let options = PrivateOptions::new(home.data()).with_environment(std::env::vars_os());
    let server = PrivatePostgres::start(options).await.unwrap();
    let mut connection = PgConnection::connect_with(&server.admin_options("dropmate")).await.unwrap();
    let destroyed: bool = sqlx::query_scalar(
        "SELECT platform.vault_destroy_subject('00000000-0000-0000-0000-000000000000', $1)",
    )
    .bind(user)
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert!(destroyed);
    connection.close().await.unwrap();
    server.stop().await.unwrap();
    drop(server);
    let running = home.up();
    assert_eq!(sign_in(&running).await, 401);
    let journal = home.data().join("erasures/journal.jsonl");
    eventually("the erasure is in the journal", || journal.exists());
    assert!(running.stop().0.success());
    assert_eq!(fs::read_to_string(&journal).unwrap().lines().count(), 1);

    // The mutant: without the journal the person is back.
    let forgetful = Home::new();
    copy(&home.data().join("secrets"), &forgetful.data().join("secrets"));
    forgetful.run(&["restore", file.to_str().unwrap()]).ok();
    let running = forgetful.up();
    assert_eq!(sign_in(&running).await, 200);
    assert!(running.stop().0.success());

    let new = Home::new();
    copy(&home.data().join("secrets"), &new.data().join("secrets"));
    copy(&home.data().join("erasures"), &new.data().join("erasures"));
    let keys = file.with_file_name("before.tar.keys");
    let elsewhere = home.path().join("kept apart");
    fs::rename(&keys, &elsewhere).unwrap();
    let refused = new.run(&["restore", file.to_str().unwrap()]).refused(1);
    assert!(refused.contains("holds the keys of the people"), "{refused}");
    let said = new.run(&["restore", file.to_str().unwrap(), "--keys", elsewhere.to_str().unwrap()]).ok();
    assert!(said.contains("1 people who were erased"), "{said}");
    let running = new.up();
    assert_eq!(sign_in(&running).await, 401);
    assert!(running.stop().0.success());
}

const NAME: &str = "Canaryname";
const MAIL: &str = "canarymail";
const PHONE: &str = "+4915117";

/// Every file below a folder that holds one of these as bytes, plain or as hexadecimal digits.
fn holding(folder: &Path, needles: &[&str], leave_out: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if leave_out.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            found.extend(holding(&path, needles, leave_out));
        } else if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            if needles.iter().any(|needle| holds(&bytes, needle)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

fn holds(bytes: &[u8], needle: &str) -> bool {
    let hex: String = needle
        .bytes()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect();
    [needle, &hex].iter().any(|needle| memchr::memmem::find(bytes, needle.as_bytes()).is_some())
}

/// Persons with names, numbers and addresses that are easy to find, by every way in which one can be entered.
async fn people(running: &Running, token: &str, count: usize) {
    let organizations = running.get("/api/v1/organizations", token).await.1;
    let org = organizations["items"][0]["id"].as_str().unwrap();
    for number in 0..count {
        let name = format!("{NAME} Number{}", "i".repeat(number % 30 + 1));
        let mail = format!("{MAIL}{number}@example.org");
        if number % 2 == 0 {
            let body = json!({ "organization_id": org, "name": name, "email": mail, "password": PASSWORD });
            post_from(number, running, "/api/v1/auth/register", "", &body).await;
            continue;
        }
        let invitation =
            post(running, "/api/v1/invitations", token, &json!({ "role": "driver", "email": mail })).await;
        let link = post(running, "/api/v1/invitations", token, &json!({ "role": "driver" })).await;
        assert!(invitation["invitation"]["id"].is_string());
        let secret = link["link"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let body = json!({
            "token": secret, "name": name, "phone": format!("{PHONE}{:06}", 100_000 + number), "pin": "482915"
        });
        post_from(number, running, "/api/v1/auth/invitations/accept", "", &body).await;
    }
}

#[tokio::test]
async fn proof_canaries() {
    let proof = Proof::new("canaries");
    let count = proof.size(6, 1_000);
    let home = Home::prepared();
    let mut command = home.command(&["up", "--listen", "127.0.0.1:0"]);
    command.env("DROPMATE__AUTH__OPEN_REGISTRATION", "true");
    command.env("DROPMATE__HTTP__TRUSTED_PROXIES", "127.0.0.1");
    for limit in ["ANONYMOUS", "USER", "SIGN_IN"] {
        let most = if limit == "SIGN_IN" { "1000" } else { "1000000" };
        command.env(format!("DROPMATE__LIMITS__{limit}_PER_MINUTE"), most);
    }
    command.env("DROPMATE__TELEMETRY__FILTER", "debug");
    let running = Running::start(command);
    let token = running.become_owner().await["access_token"].as_str().unwrap().to_owned();
    people(&running, &token, count).await;
    let members = running.get("/api/v1/members?limit=100", &token).await.1.to_string();
    assert!(
        members.contains(NAME) && members.contains(PHONE),
        "the canaries are there, for who may see them"
    );
    let backup = home.path().join("backup.tar");
    home.run(&["backup", backup.to_str().unwrap()]).ok();
    let (status, log) = running.stop();
    assert!(status.success());
    let needles = [NAME, MAIL, PHONE];
    // What waits for the postman must be readable by him.
    let found = holding(home.path(), &needles, &["outbox-mail"]);
    assert_eq!(found, Vec::<String>::new());
    let said: Vec<&str> =
        log.lines().filter(|line| needles.iter().any(|needle| holds(line.as_bytes(), needle))).collect();
    assert_eq!(said, Vec::<&str>::new(), "the log");
    // The mutants: what lies open is found, in a file and in the pages of the database.
    assert!(
        !holding(&home.data().join("outbox-mail"), &needles, &[]).is_empty(),
        "the search finds what lies open"
    );
    let options = PrivateOptions::new(home.data()).with_environment(std::env::vars_os());
    let server = PrivatePostgres::start(options).await.unwrap();
    let mut connection = PgConnection::connect_with(&server.admin_options("dropmate")).await.unwrap();
    sqlx::raw_sql("CREATE TABLE public.leak AS SELECT 'Canaryname'::text AS name; CHECKPOINT")
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    server.stop().await.unwrap();
    drop(server);
    let leaked = holding(&home.data().join("postgres"), &needles, &[]);
    assert!(
        leaked.iter().any(|file| file.contains("/base/"))
            && leaked.iter().any(|file| file.contains("/pg_wal/")),
        "{leaked:?}"
    );
    proof.report(&format!(
        "{count} persons with name, e-mail address or phone; database files, WAL, dump, keys, journal, audit notes and debug log \
         searched as bytes: 0 found in clear"
    ));
}
