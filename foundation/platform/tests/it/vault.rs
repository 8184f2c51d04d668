//! Sealed columns on a real database.

use kernel::ids::{OrgId, Uuid};
use platform::db::{Db, Scope, Tx};
use platform::vault::{MasterKey, Place, Private, Subject, Vault};
use testkit::Proof;

use crate::demo::{World, insert};

pub(crate) fn place(row: Uuid) -> Place {
    Place::new("demo.accounts", "name", row)
}

pub(crate) async fn begin(db: &Db, org: OrgId) -> Tx {
    db.begin(&Scope::system(org)).await.unwrap()
}

/// An account with a sealed name.
pub(crate) async fn person(world: &World, vault: &Vault, org: OrgId, name: &str) -> Uuid {
    let mut tx = begin(&world.db, org).await;
    let id: Uuid = tx.random().uuid_v7(tx.now());
    insert(&mut tx, id).await;
    let sealed = vault
        .subject(&mut tx, Subject::of_org(org, id))
        .await
        .unwrap()
        .seal(place(id), &Private::new(name))
        .unwrap();
    sqlx::query("UPDATE demo.accounts SET name = $2 WHERE id = $1")
        .bind(id)
        .bind(sealed)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    id
}

pub(crate) async fn read(world: &World, vault: &Vault, org: OrgId, id: Uuid) -> Option<String> {
    let mut tx = world.db.read(&Scope::system(org)).await.unwrap();
    let sealed: Vec<u8> = sqlx::query_scalar("SELECT name FROM demo.accounts WHERE id = $1")
        .bind(id)
        .fetch_one(tx.conn())
        .await
        .unwrap();
    let key = vault.existing(&mut tx, Subject::of_org(org, id)).await.unwrap()?;
    Some(key.open(place(id), &sealed).unwrap().reveal().to_owned())
}

/// The vault of another process: the same master key, nothing cached.
pub(crate) fn another(world: &World) -> Vault {
    world.test.fresh_vault()
}

#[tokio::test]
async fn what_one_process_seals_another_opens() {
    let world = World::new().await;
    let org = world.org();
    let id = person(&world, &world.test.vault, org, "Ada Lovelace").await;
    assert_eq!(read(&world, &another(&world), org, id).await.as_deref(), Some("Ada Lovelace"));
}

#[tokio::test]
async fn the_first_use_of_a_person_by_many_at_once_makes_one_key() {
    let world = World::new().await;
    let (org, id) = (world.org(), world.uuid());
    let subject = Subject::of_org(org, id);
    // Each is a process of its own; nothing exists yet, not even the organisation's key.
    let use_it = async || {
        let (vault, mut tx) = (another(&world), begin(&world.db, org).await);
        let sealed =
            vault.subject(&mut tx, subject).await.unwrap().seal(place(id), &Private::new("x")).unwrap();
        tx.commit().await.unwrap();
        sealed
    };
    let values = futures::future::join_all((0..8).map(|_| use_it())).await;
    assert_eq!(world.count("SELECT count(*) FROM platform.vault_subject_keys").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM platform.vault_scope_keys").await, 1);
    let mut tx = begin(&world.db, org).await;
    let key = another(&world).existing(&mut tx, subject).await.unwrap().unwrap();
    for value in values {
        assert_eq!(key.open(place(id), &value).unwrap().reveal(), "x");
    }
}

#[tokio::test]
async fn a_key_whose_creation_was_rolled_back_seals_nothing_later() {
    let world = World::new().await;
    let (org, id) = (world.org(), world.uuid());
    let (vault, subject) = (another(&world), Subject::of_org(org, id));
    let mut tx = begin(&world.db, org).await;
    vault.subject(&mut tx, subject).await.unwrap();
    vault.subject(&mut tx, subject).await.unwrap();
    vault.org(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    let mut tx = begin(&world.db, org).await;
    let sealed = vault.subject(&mut tx, subject).await.unwrap().seal(place(id), &Private::new("x")).unwrap();
    tx.commit().await.unwrap();
    let mut tx = begin(&world.db, org).await;
    let key = another(&world).existing(&mut tx, subject).await.unwrap().unwrap();
    assert_eq!(key.open(place(id), &sealed).unwrap().reveal(), "x");
}

#[tokio::test]
async fn an_erased_person_stays_unreadable() {
    let world = World::new().await;
    let (org, vault) = (world.org(), another(&world));
    let (gone, stays) =
        (person(&world, &vault, org, "Gone").await, person(&world, &vault, org, "Stays").await);
    assert!(read(&world, &vault, org, gone).await.is_some(), "and its key is cached now");
    let subject = Subject::of_org(org, gone);
    let mut erasing = begin(&world.db, org).await;
    assert!(vault.destroy(&mut erasing, subject).await.unwrap());
    // A reader that comes before the commit still sees the key, and must not bring it back into the cache.
    assert!(read(&world, &vault, org, gone).await.is_some());
    erasing.commit().await.unwrap();
    assert_eq!(read(&world, &vault, org, gone).await, None, "from the commit on");
    assert_eq!(read(&world, &another(&world), org, gone).await, None);
    assert_eq!(read(&world, &vault, org, stays).await.as_deref(), Some("Stays"));
    for vault in [vault, another(&world)] {
        let mut tx = begin(&world.db, org).await;
        let error = vault.subject(&mut tx, subject).await.unwrap_err();
        assert_eq!(error.code(), "erased", "no new key under the same name");
        assert!(!vault.destroy(&mut tx, subject).await.unwrap(), "once");
    }
    assert_eq!(
        world.count("SELECT count(*) FROM platform.vault_subject_keys WHERE wrapped IS NULL").await,
        1
    );
}

#[tokio::test]
async fn a_person_who_is_erased_before_the_first_use_never_gets_a_key() {
    let world = World::new().await;
    // In one organisation nothing was sealed yet, in the other somebody else was.
    let (fresh, used) = (world.org(), world.org());
    person(&world, &another(&world), used, "Stays").await;
    for org in [fresh, used] {
        let (vault, subject) = (another(&world), Subject::of_org(org, world.uuid()));
        let mut tx = begin(&world.db, org).await;
        assert!(vault.destroy(&mut tx, subject).await.unwrap());
        tx.commit().await.unwrap();
        for vault in [vault, another(&world)] {
            let mut tx = begin(&world.db, org).await;
            assert_eq!(vault.subject(&mut tx, subject).await.unwrap_err().code(), "erased");
            assert!(vault.existing(&mut tx, subject).await.unwrap().is_none());
            assert!(!vault.destroy(&mut tx, subject).await.unwrap(), "once");
        }
    }
    assert_eq!(
        world.count("SELECT count(*) FROM platform.vault_subject_keys WHERE wrapped IS NULL").await,
        2
    );
}

#[tokio::test]
async fn a_key_that_is_made_while_the_person_is_erased_is_refused() {
    let world = World::new().await;
    let org = world.org();
    person(&world, &another(&world), org, "Stays").await;
    let subject = Subject::of_org(org, world.uuid());
    let mut erasing = begin(&world.db, org).await;
    another(&world).destroy(&mut erasing, subject).await.unwrap();
    let (vault, mut tx) = (another(&world), begin(&world.db, org).await);
    // The maker waits for the row of the eraser, unless that has committed already.
    let (made, committed) = tokio::join!(vault.subject(&mut tx, subject), erasing.commit());
    committed.unwrap();
    assert_eq!(made.unwrap_err().code(), "erased");
}

#[tokio::test]
async fn a_wrong_master_key_is_named() {
    let world = World::new().await;
    let org = world.org();
    person(&world, &world.test.vault, org, "Ada").await;
    let wrong = Vault::new(MasterKey::new([8; 32]), world.test.random.clone());
    let mut tx = begin(&world.db, org).await;
    let text = wrong.org(&mut tx).await.unwrap_err().chain();
    for id in [MasterKey::new([7; 32]).id(), MasterKey::new([8; 32]).id()] {
        assert!(text.contains(id), "{text}");
    }
}

#[tokio::test]
async fn the_keys_of_another_organisation_are_refused_cached_or_not() {
    let world = World::new().await;
    let (mine, theirs) = (world.org(), world.org());
    let vault = another(&world);
    let foreign = Subject::of_org(theirs, person(&world, &vault, theirs, "Eve").await);
    assert!(read(&world, &vault, theirs, foreign.id().uuid()).await.is_some(), "cached in this process");
    for vault in [vault, another(&world)] {
        let mut tx = begin(&world.db, mine).await;
        assert!(vault.existing(&mut tx, foreign).await.is_err());
        assert!(vault.subject(&mut tx, foreign).await.is_err());
    }
    for sql in [
        "SELECT platform.vault_get($1, $2)",
        "SELECT platform.vault_put_subject($1, $2, 'x')",
        "SELECT platform.vault_destroy_subject($1, $2)",
    ] {
        let mut tx = begin(&world.db, mine).await;
        let refused = sqlx::query(sql)
            .bind(theirs.uuid())
            .bind(foreign.id().uuid())
            .execute(tx.conn())
            .await
            .unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{sql}");
    }
}

#[tokio::test]
async fn an_index_is_equal_within_a_column_and_nowhere_else() {
    let world = World::new().await;
    let orgs = [world.org(), world.org()];
    let mut keys = Vec::new();
    for org in orgs {
        let mut tx = begin(&world.db, org).await;
        keys.push(world.test.vault.org(&mut tx).await.unwrap());
        tx.commit().await.unwrap();
    }
    let phone = "+49301234567";
    assert_eq!(keys[0].index("phone", phone), keys[0].index("phone", phone));
    assert_ne!(keys[0].index("phone", phone), keys[0].index("name", phone));
    assert_ne!(keys[0].index("phone", phone), keys[1].index("phone", phone));
    assert_ne!(keys[0].index("phone", phone), keys[0].index("phone", "+49301234568"));
    let mut tx = begin(&world.db, orgs[0]).await;
    assert_eq!(
        another(&world).org(&mut tx).await.unwrap().index("phone", phone),
        keys[0].index("phone", phone)
    );
}

/// Plain SQL of the whole database, as a thief of a backup has it.
async fn dump(world: &World) -> String {
    let options = world.test.admin_options();
    let mut admin = world.test.admin().await;
    let version: String = sqlx::query_scalar("SELECT current_setting('server_version_num')")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    let major: u32 = version.parse::<u32>().unwrap() / 10_000;
    let places = platform::postgres::Places { explicit: None, search_path: std::env::var_os("PATH") };
    let server = platform::postgres::find(&places).into_iter().find(|found| found.major == major).unwrap();
    let url = std::env::var("DROPMATE_TEST_DATABASE_URL").unwrap();
    let output = tokio::process::Command::new(server.bin_dir.join("pg_dump"))
        .arg("--dbname")
        .arg(url.replacen("/postgres?", &format!("/{}?", options.get_database().unwrap()), 1))
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn proof_vault_canary() {
    let proof = Proof::new("vault canary");
    let persons = proof.size(50, 1_000);
    let world = World::new().await;
    let org = world.org();
    let names: Vec<String> =
        (0..persons).map(|n| format!("Canary-{}-{n}", world.test.random.code(8))).collect();
    let extra = person(&world, &world.test.vault, org, "somebody").await;
    for name in &names {
        person(&world, &world.test.vault, org, name).await;
    }
    // The mutant: one name that somebody forgot to seal.
    let plain = "Canary-in-the-open";
    let mut tx = begin(&world.db, org).await;
    sqlx::query("UPDATE demo.accounts SET name = $1 WHERE id = $2")
        .bind(plain.as_bytes())
        .bind(extra)
        .execute(tx.conn())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let text = dump(&world).await;
    // bytea is dumped as hexadecimal digits, JSON as text: search for both.
    let leaks = |name: &str| text.contains(name) || text.contains(&hex::encode(name));
    assert!(leaks(plain), "the search finds what lies open");
    assert_eq!(names.iter().filter(|name| leaks(name)).count(), 0);
    assert_eq!(text.matches(&hex::encode("Canary-")).count(), 1, "the mutant and nothing else");
    proof.report(&format!("{persons} persons, {} bytes of pg_dump searched: 0 found in clear", text.len()));
}
