//! Keys that change while they are used.

use std::sync::{Arc, Mutex};

use kernel::ids::{OrgId, Uuid};
use platform::vault::{self, MasterKey, MasterKeys, Private, Subject, Vault};
use testkit::demo::SEALED;

use crate::demo::World;
use crate::vault::{another, begin, person, place, read};

/// The secrets of a machine: keys that an operator adds while processes run.
#[derive(Clone, Default)]
struct Folder(Arc<Mutex<Vec<u8>>>);

impl Folder {
    fn of(bytes: &[u8]) -> Self {
        Self(Arc::new(Mutex::new(bytes.to_vec())))
    }

    fn set(&self, bytes: &[u8]) {
        *self.0.lock().unwrap() = bytes.to_vec();
    }
}

impl MasterKeys for Folder {
    fn load(&self) -> platform::Result<Vec<MasterKey>> {
        Ok(self.0.lock().unwrap().iter().map(|byte| MasterKey::new([*byte; 32])).collect())
    }
}

fn process(world: &World, folder: &Folder) -> Vault {
    Vault::with_keys(Arc::new(folder.clone()), world.test.random.clone()).unwrap()
}

/// As if two minutes, and the five after them, had passed on the machine's clock.
async fn later(world: &World) {
    world
        .sql("UPDATE platform.vault_subject_keys SET usable_from = usable_from - interval '10 minutes'")
        .await;
}

async fn rotate(world: &World, vault: &Vault, org: OrgId, person: Uuid) -> bool {
    let mut tx = begin(&world.db, org).await;
    let rotated = vault.rotate_subject(&mut tx, Subject::of_org(org, person)).await.unwrap();
    tx.commit().await.unwrap();
    rotated
}

fn now(world: &World) -> kernel::time::Timestamp {
    kernel::time::Clock::now(&world.test.clock)
}

async fn versions(world: &World) -> i64 {
    world.count("SELECT count(*) FROM platform.vault_subject_keys").await
}

#[tokio::test]
async fn the_installation_key_changes_under_running_processes() {
    let world = World::new().await;
    let (mine, theirs) = (world.org(), world.org());
    let folder = Folder::of(&[7]);
    let (running, other) = (process(&world, &folder), process(&world, &folder));
    let ada = person(&world, &running, mine, "Ada").await;
    folder.set(&[7, 9]);
    let new = MasterKey::new([9; 32]);
    assert_eq!(
        process(&world, &folder).rotate_installation(&world.system, &new, now(&world)).await.unwrap(),
        1
    );
    assert_eq!(vault::master_key_ids(&world.system).await.unwrap(), [new.id()]);
    for vault in [&running, &other] {
        assert_eq!(read(&world, vault, mine, ada).await.as_deref(), Some("Ada"), "cached or not");
    }
    // A process that began with the old key makes a key for a new organisation.
    let eve = person(&world, &other, theirs, "Eve").await;
    assert_eq!(vault::master_key_ids(&world.system).await.unwrap(), [new.id()], "under the new one");
    folder.set(&[9]);
    let fresh = process(&world, &folder);
    assert_eq!(read(&world, &fresh, theirs, eve).await.as_deref(), Some("Eve"), "the old one is not needed");
    assert_eq!(read(&world, &fresh, mine, ada).await.as_deref(), Some("Ada"));
    assert_eq!(
        fresh.rotate_installation(&world.system, &new, now(&world)).await.unwrap(),
        0,
        "nothing is left to do"
    );
}

#[tokio::test]
async fn a_rotation_without_the_old_key_changes_nothing() {
    let world = World::new().await;
    let org = world.org();
    let ada = person(&world, &another(&world), org, "Ada").await;
    let stranger = process(&world, &Folder::of(&[9]));
    assert!(
        stranger.rotate_installation(&world.system, &MasterKey::new([9; 32]), now(&world)).await.is_err()
    );
    assert_eq!(read(&world, &another(&world), org, ada).await.as_deref(), Some("Ada"));
}

#[tokio::test]
async fn the_key_of_an_organisation_changes_under_running_processes() {
    let world = World::new().await;
    let (org, other) = (world.org(), world.org());
    let running = another(&world);
    let ada = person(&world, &running, org, "Ada").await;
    let bystander = person(&world, &running, other, "Bob").await;
    let mut tx = begin(&world.db, org).await;
    let index = running.org(&mut tx).await.unwrap().index("phone", "+49301234567");
    tx.rollback().await.unwrap();
    let before = world.count("SELECT count(DISTINCT wrapped) FROM platform.vault_subject_keys").await;
    world.sql("CREATE TABLE public.before AS TABLE platform.vault_subject_keys").await;
    for round in 1..=2 {
        assert_eq!(another(&world).rotate_scope(&world.system, Some(org), now(&world)).await.unwrap(), round);
        // This process has the key of before in memory, and gives a new person a key.
        let eve = person(&world, &running, org, "Eve").await;
        for vault in [&running, &another(&world)] {
            assert_eq!(read(&world, vault, org, ada).await.as_deref(), Some("Ada"));
            assert_eq!(read(&world, vault, org, eve).await.as_deref(), Some("Eve"));
        }
    }
    let mut tx = begin(&world.db, org).await;
    let same = another(&world).org(&mut tx).await.unwrap().index("phone", "+49301234567");
    assert_eq!(same, index, "what was searched for is still found");
    tx.rollback().await.unwrap();
    let kept = "SELECT count(*) FROM platform.vault_subject_keys k JOIN public.before b USING (wrapped)";
    assert_eq!(
        (before, world.count(kept).await),
        (2, 1),
        "only the other organisation's is wrapped as before"
    );
    assert_eq!(read(&world, &another(&world), other, bystander).await.as_deref(), Some("Bob"));
}

#[tokio::test]
async fn a_persons_key_changes_without_a_moment_at_which_somebody_cannot_read() {
    let world = World::new().await;
    let org = world.org();
    let (rotating, bystander) = (another(&world), another(&world));
    let ada = person(&world, &rotating, org, "Ada").await;
    // The bystander has the key in memory, and will not ask again for a minute.
    assert!(read(&world, &bystander, org, ada).await.is_some());
    assert!(rotate(&world, &rotating, org, ada).await);
    let again = async |vault: &Vault, name: &str| {
        let mut tx = begin(&world.db, org).await;
        let key = vault.subject(&mut tx, Subject::of_org(org, ada)).await.unwrap();
        let sealed = key.seal(place(ada), &Private::new(name)).unwrap();
        sqlx::query("UPDATE demo.accounts SET name = $2 WHERE id = $1")
            .bind(ada)
            .bind(sealed)
            .execute(tx.conn())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        key.version()
    };
    assert_eq!(again(&another(&world), "Ada L.").await, 1, "known, but not used yet");
    assert_eq!(read(&world, &bystander, org, ada).await.as_deref(), Some("Ada L."));
    later(&world).await;
    assert_eq!(again(&another(&world), "Ada Lovelace").await, 2);
    // The mutant: had the new version sealed at once, the bystander could not read. Its memory is a minute old at most,
    // the version is two minutes old before it seals.
    let mut tx = begin(&world.db, org).await;
    let sealed: Vec<u8> =
        sqlx::query_scalar("SELECT name FROM demo.accounts").fetch_one(tx.conn()).await.unwrap();
    let stale = bystander.existing(&mut tx, Subject::of_org(org, ada)).await.unwrap().unwrap();
    assert!(stale.open(place(ada), &sealed).unwrap_err().chain().contains("version 2"));
    tx.rollback().await.unwrap();
    assert_eq!(read(&world, &another(&world), org, ada).await.as_deref(), Some("Ada Lovelace"));
}

#[tokio::test]
async fn everything_is_sealed_anew_and_then_the_old_version_goes() {
    let world = World::new().await;
    let org = world.org();
    vault::register(&world.db).await.unwrap();
    let ada = person(&world, &another(&world), org, "Ada").await;
    let untouched = person(&world, &another(&world), org, "Bob").await;
    assert!(rotate(&world, &another(&world), org, ada).await);
    assert!(!rotate(&world, &another(&world), org, ada).await, "one rotation at a time");
    assert_eq!(
        vault::reseal(&world.db, &another(&world), SEALED).await.unwrap(),
        0,
        "not before it has settled"
    );
    later(&world).await;
    // Another service with sealed columns has not finished.
    world.sql("INSERT INTO platform.vault_services VALUES ('elsewhere')").await;
    assert_eq!(vault::reseal(&world.db, &another(&world), SEALED).await.unwrap(), 1);
    assert_eq!(vault::reseal(&world.db, &another(&world), SEALED).await.unwrap(), 0, "our part is done");
    assert_eq!(versions(&world).await, 3, "the old version waits for the other service");
    world.sql("DELETE FROM platform.vault_services WHERE service = 'elsewhere'; DELETE FROM platform.vault_resealed").await;
    assert_eq!(vault::reseal(&world.db, &another(&world), SEALED).await.unwrap(), 1);
    assert_eq!(versions(&world).await, 2);
    assert_eq!(world.count("SELECT count(*) FROM demo.accounts WHERE get_byte(name, 0) = 2").await, 1);
    assert_eq!(read(&world, &another(&world), org, ada).await.as_deref(), Some("Ada"));
    assert_eq!(read(&world, &another(&world), org, untouched).await.as_deref(), Some("Bob"));
    // And once more, from the second version to the third.
    assert!(rotate(&world, &another(&world), org, ada).await);
    later(&world).await;
    assert_eq!(vault::reseal(&world.db, &another(&world), SEALED).await.unwrap(), 1);
    assert_eq!(read(&world, &another(&world), org, ada).await.as_deref(), Some("Ada"));
}

#[tokio::test]
async fn an_erasure_in_the_middle_of_a_rotation_wins() {
    let world = World::new().await;
    let org = world.org();
    let ada = person(&world, &another(&world), org, "Ada").await;
    assert!(rotate(&world, &another(&world), org, ada).await);
    later(&world).await;
    let (vault, subject) = (another(&world), Subject::of_org(org, ada));
    let mut tx = begin(&world.db, org).await;
    assert!(vault.destroy(&mut tx, subject).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(
        world.count("SELECT count(*) FROM platform.vault_subject_keys WHERE wrapped IS NOT NULL").await,
        0
    );
    assert_eq!(vault::reseal(&world.db, &vault, SEALED).await.unwrap(), 0);
    assert!(!rotate(&world, &another(&world), org, ada).await);
    assert_eq!(read(&world, &another(&world), org, ada).await, None);
    let mut tx = begin(&world.db, org).await;
    assert_eq!(another(&world).subject(&mut tx, subject).await.unwrap_err().code(), "erased");
}

#[tokio::test]
async fn an_erasure_is_done_again_after_an_older_copy_came_back() {
    let world = World::new().await;
    let (org, gone) = (world.org(), world.uuid());
    let ada = person(&world, &another(&world), org, "Ada").await;
    let bob = person(&world, &another(&world), org, "Bob").await;
    world.sql("CREATE TABLE public.backup AS TABLE platform.vault_subject_keys").await;
    let (vault, subject) = (another(&world), Subject::of_org(org, ada));
    let mut tx = begin(&world.db, org).await;
    vault.destroy(&mut tx, subject).await.unwrap();
    assert!(vault::waiting(&world.system, 10).await.unwrap().is_empty(), "nothing before the commit");
    tx.commit().await.unwrap();
    let waiting = vault::waiting(&world.system, 10).await.unwrap();
    let (numbers, mut journal): (Vec<i64>, Vec<_>) = waiting.into_iter().unzip();
    assert_eq!((numbers.len(), journal[0].subject, journal[0].scope), (1, ada, org.uuid()));
    vault::journaled(&world.system, &numbers).await.unwrap();
    assert!(vault::waiting(&world.system, 10).await.unwrap().is_empty());
    world.sql("DELETE FROM platform.vault_subject_keys; INSERT INTO platform.vault_subject_keys TABLE public.backup").await;
    assert!(
        read(&world, &another(&world), org, ada).await.is_some(),
        "without the journal she would be back"
    );
    // An organisation that the copy does not know is passed over.
    journal.push(vault::Erasure { scope: gone, ..journal[0].clone() });
    assert_eq!(vault::replay(&world.system, &journal).await.unwrap(), 1);
    assert_eq!(read(&world, &another(&world), org, ada).await, None);
    assert_eq!(read(&world, &another(&world), org, bob).await.as_deref(), Some("Bob"));
    assert_eq!(vault::replay(&world.system, &journal).await.unwrap(), 0, "once");
}

#[tokio::test]
async fn every_change_of_a_key_has_one_entry_and_a_change_that_was_none_has_none() {
    let world = World::new().await;
    let org = world.org();
    let folder = Folder::of(&[7, 9]);
    let vault = process(&world, &Folder::of(&[7]));
    let ada = person(&world, &vault, org, "Ada").await;
    let vault = process(&world, &folder);
    let new = MasterKey::new([9; 32]);
    for _ in 0..2 {
        vault.rotate_installation(&world.system, &new, now(&world)).await.unwrap();
    }
    vault.rotate_scope(&world.system, Some(org), now(&world)).await.unwrap();
    let fresh = process(&world, &folder);
    assert!(rotate(&world, &fresh, org, ada).await);
    assert!(!rotate(&world, &fresh, org, ada).await, "between two keys already");
    let entries: Vec<(String, Uuid, String)> =
        sqlx::query_as("SELECT action, org_id, object_id FROM platform.audit_entries ORDER BY action")
            .fetch_all(&mut world.test.admin().await)
            .await
            .unwrap();
    let expected = [
        ("vault.rotate_installation", Uuid::nil(), new.id().to_owned()),
        ("vault.rotate_organization", org.uuid(), org.to_string()),
        ("vault.rotate_person", org.uuid(), kernel::ids::SubjectId::new(ada).to_string()),
    ];
    assert_eq!(entries, expected.map(|(action, org, object)| (action.to_owned(), org, object)));
}
