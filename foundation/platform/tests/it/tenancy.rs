//! Row-level security as a second wall: with every tenant predicate left out, nobody sees a foreign row.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use std::time::Duration;

use kernel::ids::{OrgId, Uuid};
use kernel::random::Random;
use platform::db::{Db, PoolOptions, Scope};
use platform::service::Manifest;
use sqlx::migrate::Migrator;
use sqlx::{Executor, Row};
use testkit::schedule::{Stepped, seed};
use testkit::{Proof, TestDb, catalog, rights};
use tokio::task::JoinSet;

use crate::demo::{MANIFESTS, World};

/// Tables of the house that belong to no organisation, or whose policies are stricter than the tenant's, and that the
/// system works on.
const PLATFORM: &[&str] = &[
    "idempotency_keys",
    "audit_entries",
    "audit_chain",
    "audit_heads",
    "vault_scope_keys",
    "vault_subject_keys",
    "revocations",
    "jobs",
    "job_schedules",
];

/// And what only functions reach, or almost.
const INSIDE: &[&str] = &["vault_services", "vault_resealed", "erasures", "instances", "files"];

#[tokio::test]
async fn the_catalog_of_the_house_is_sound() {
    let world = World::new().await;
    let mut admin = world.test.admin().await;
    let bus: Vec<String> =
        sqlx::query_scalar("SELECT relname::text FROM pg_class WHERE relnamespace = 'bus'::regnamespace AND relkind IN ('r', 'p')")
            .fetch_all(&mut admin)
            .await
            .unwrap();
    let bus: Vec<&str> = bus.iter().map(String::as_str).collect();
    let platform = [PLATFORM, INSIDE].concat();
    for (schema, installation_wide) in [("demo", &[] as &[&str]), ("platform", &platform), ("bus", &bus)] {
        assert_eq!(catalog::check(&mut admin, schema, installation_wide).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn the_catalog_check_finds_every_kind_of_hole() {
    let world = World::new().await;
    let mut admin = world.test.admin().await;
    for (mutant, found) in [
        ("ALTER TABLE demo.accounts NO FORCE ROW LEVEL SECURITY", "enabled and forced"),
        ("ALTER TABLE demo.effects DISABLE ROW LEVEL SECURITY", "enabled and forced"),
        ("CREATE TABLE demo.plain (id uuid PRIMARY KEY)", "enabled and forced"),
        (
            "ALTER TABLE demo.accounts DROP CONSTRAINT accounts_pkey, ADD PRIMARY KEY (id, org_id)",
            "does not start with org_id",
        ),
        ("CREATE UNIQUE INDEX one_name ON demo.accounts (name)", "spans organisations"),
        (
            "CREATE UNIQUE INDEX ids ON demo.accounts (id); ALTER TABLE demo.effects ADD FOREIGN KEY (account) REFERENCES demo.accounts (id)",
            "does not carry org_id",
        ),
        ("ALTER TABLE demo.accounts ADD FOREIGN KEY (id) REFERENCES platform.jobs (id)", "leaves the schema"),
        ("ALTER POLICY tenant ON demo.accounts USING (true)", "policy is not"),
        ("ALTER POLICY tenant ON demo.accounts WITH CHECK (true)", "policy is not"),
        ("CREATE INDEX lowered ON demo.effects (lower(account::text))", "expression"),
        ("ALTER TABLE demo.accounts OWNER TO dropmate_demo", "not owned"),
        (
            "CREATE FUNCTION demo.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; REVOKE ALL ON FUNCTION demo.f() FROM PUBLIC",
            "search_path",
        ),
        (
            "CREATE FUNCTION demo.f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog AS 'SELECT 1'",
            "open to everybody",
        ),
        ("CREATE VIEW demo.v AS SELECT * FROM demo.accounts", "reader's rights"),
    ] {
        admin.execute(sqlx::AssertSqlSafe(format!("BEGIN; {mutant}"))).await.unwrap();
        let findings = catalog::check(&mut admin, "demo", &[]).await;
        admin.execute("ROLLBACK").await.unwrap();
        assert!(findings.iter().any(|finding| finding.contains(found)), "{mutant}: {findings:?}");
    }
}

/// One caller: begins in its organisation and asks for everything, without a word about the organisation.
async fn ask(db: &Db, org: OrgId, random: &Random) -> Option<Vec<Uuid>> {
    let asked = async {
        let mut tx = db.begin(&Scope::system(org)).await.unwrap();
        let rows = tx.conn().fetch_all("SELECT org_id, pg_sleep(0.0005) FROM demo.accounts").await.unwrap();
        if random.below(10) == 0 {
            // An error that the caller does not clean up after.
            tx.conn().execute("SELECT 1 / 0").await.unwrap_err();
        } else if random.below(2) == 0 {
            tx.commit().await.unwrap();
        }
        rows.iter().map(|row| row.get::<Uuid, _>(0)).collect::<Vec<_>>()
    };
    if random.below(5) == 0 {
        // Cancelled at any point: while it waits, begins, reads or commits.
        tokio::time::timeout(Duration::from_micros(random.below(6000)), asked).await.ok()
    } else {
        Some(asked.await)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proof_tenancy() {
    let proof = Proof::new("tenancy");
    let queries = proof.size(1_000_usize, 10_000);
    let seed = seed(3);
    let world = World::new().await;
    let mut orgs = Vec::new();
    for _ in 0..20 {
        let org = world.org();
        for _ in 0..5 {
            world.account(org).await;
        }
        orgs.push(org);
    }
    let db = world.test.db_with(
        "demo",
        PoolOptions { max_connections: 4, acquire_timeout: Duration::from_mins(1), ..PoolOptions::default() },
    );
    let mut callers = JoinSet::new();
    for caller in 0..16_u64 {
        let (db, orgs, random) = (db.clone(), orgs.clone(), Random::seeded(seed + caller));
        callers.spawn(async move {
            let (mut rows, mut cancelled) = (0, 0);
            for _ in 0..queries.div_ceil(16) {
                let asker = orgs[usize::try_from(random.below(20)).unwrap()];
                match ask(&db, asker, &random).await {
                    Some(got) => {
                        assert_eq!(got, vec![asker.uuid(); 5], "its own five rows and no other");
                        rows += got.len();
                    }
                    None => cancelled += 1,
                }
            }
            (rows, cancelled)
        });
    }
    let results = callers.join_all().await;
    // Nothing clings to a connection either: without an organisation there is an error, not rows.
    for _ in 0..8 {
        let error = db.pool().fetch_all("SELECT * FROM demo.accounts").await.unwrap_err();
        assert!(error.to_string().contains("no organisation is set"), "{error}");
    }
    let (rows, cancelled) = results.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    proof.report(&format!(
        "seed {seed}: {queries} queries without a tenant predicate, pool of 4, 20 tenants: {rows} rows, 0 foreign; {cancelled} cancelled"
    ));
}

#[tokio::test]
async fn mutant_that_sets_the_organisation_for_the_session_leaks_it() {
    let world = World::new().await;
    let org = world.org();
    world.account(org).await;
    let mut conn = Stepped::new(world.test.connect("dropmate_demo").await);
    for (set, leaks) in [("SET LOCAL", false), ("SET", true)] {
        conn.step(&format!("BEGIN; {set} dropmate.org = '{}'; COMMIT", org.uuid())).await.unwrap();
        // The next user of the pooled connection, who forgot to say for whom it asks.
        let seen = conn.step("SELECT org_id::text FROM demo.accounts").await;
        assert_eq!(seen.is_ok(), leaks, "{set}: {seen:?}");
    }
}

#[tokio::test]
async fn a_row_of_another_organisation_is_neither_written_nor_taken_nor_given() {
    let world = World::new().await;
    let (mine, theirs) = (world.org(), world.org());
    let (own, foreign) = (world.account(mine).await, world.account(theirs).await);
    let theirs = theirs.uuid();
    for (sql, refused) in [
        (format!("INSERT INTO demo.accounts (org_id, id) VALUES ('{theirs}', gen_random_uuid())"), true),
        (format!("UPDATE demo.accounts SET org_id = '{theirs}' WHERE id = '{own}'"), true),
        (format!("UPDATE demo.accounts SET balance = 1 WHERE id = '{foreign}'"), false),
        (format!("DELETE FROM demo.accounts WHERE id = '{foreign}'"), false),
    ] {
        let mut tx = world.db.begin(&Scope::system(mine)).await.unwrap();
        match tx.conn().execute(sqlx::AssertSqlSafe(sql.clone())).await {
            Ok(done) => assert!(!refused && done.rows_affected() == 0, "{sql}"),
            Err(error) => {
                assert!(refused && error.to_string().contains("row-level security"), "{sql}: {error}");
            }
        }
    }
    assert_eq!(world.count("SELECT count(*) FROM demo.accounts WHERE balance = 0").await, 2);
}

#[tokio::test]
async fn each_role_can_do_what_it_was_granted_and_nothing_else() {
    static BOTH: LazyLock<Vec<Manifest>> = LazyLock::new(|| {
        static NOTHING: Migrator = Migrator::DEFAULT;
        let other = Manifest {
            name: "other",
            migrations: Some(&NOTHING),
            subjects: &[],
            permissions: &[],
            sealed: &[],
        };
        let door = Manifest { name: "door", migrations: None, ..other.clone() };
        MANIFESTS.iter().cloned().chain([other, door]).collect()
    });
    let test = TestDb::new(&BOTH).await;
    let house = [
        "platform.audit_entries I",
        "platform.files SIU",
        "platform.idempotency_keys SID",
        "platform.job_schedules SIUD",
        "platform.jobs SIUD",
        "bus._migrations S",
        "platform._migrations S",
    ];
    let own = ["demo.accounts SIUD", "demo.effects SIUD", "demo._migrations S"];
    let system: Vec<String> = PLATFORM
        .iter()
        .map(|table| format!("platform.{table} SIUD"))
        .chain(
            [
                "platform.erasures SU",
                "bus._migrations S",
                "platform._migrations S",
                "demo._migrations S",
                "other._migrations S",
            ]
            .map(str::to_owned),
        )
        .collect();
    for (role, expected) in [
        ("dropmate_demo", house.iter().chain(&own).map(|line| (*line).to_owned()).collect::<BTreeSet<_>>()),
        // Service roles share the right to see the versions of all schemas they may enter, and none of the data.
        (
            "dropmate_other",
            house.iter().chain(&["other._migrations S"]).map(|line| (*line).to_owned()).collect(),
        ),
        // Who owns nothing durable sees which version it starts on.
        ("dropmate_door", ["bus._migrations S", "platform._migrations S"].map(str::to_owned).into()),
        ("dropmate_system", system.into_iter().collect()),
    ] {
        let able = rights::tables(&mut test.admin().await, &mut test.connect(role).await).await;
        assert_eq!(able, expected, "{role}");
    }
    let backup = rights::tables(&mut test.admin().await, &mut test.connect("dropmate_backup").await).await;
    assert!(backup.iter().all(|line| line.ends_with(" S")), "the backup only reads: {backup:?}");
    assert!(
        backup.contains("demo.accounts S")
            && backup.contains("bus.log S")
            && backup.contains("platform.vault_subject_keys S")
    );
}

#[tokio::test]
async fn a_service_cannot_become_another_role_or_build_anything() {
    let world = World::new().await;
    let mut demo = world.test.connect("dropmate_demo").await;
    for sql in [
        "SET ROLE dropmate_owner",
        "SET ROLE dropmate_system",
        "SET SESSION AUTHORIZATION postgres",
        "SET row_security = off; SELECT * FROM demo.accounts",
        "CREATE TABLE demo.mine ()",
        "CREATE TABLE public.mine ()",
        "CREATE SCHEMA mine",
        "ALTER TABLE demo.accounts DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON demo.accounts",
        "TRUNCATE demo.accounts",
        "CREATE FUNCTION demo.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT platform.protect_tenant('demo.accounts', 'demo')",
        "COPY (SELECT 1) TO '/tmp/x'",
        "SELECT pg_read_file('/etc/hostname')",
    ] {
        let refused = demo.execute(sql).await;
        demo.execute("RESET row_security").await.unwrap();
        assert!(refused.is_err(), "{sql}");
    }
    // Jobs and answers of another service are not visible through the shared tables.
    world
        .sql(
            "INSERT INTO platform.jobs (id, service, queue, name, payload, run_at, max_attempts, created_at)
                 VALUES (gen_random_uuid(), 'somebody', 'default', 'x', '{}', now(), 1, now())",
        )
        .await;
    let seen: i64 =
        sqlx::query_scalar("SELECT count(*) FROM platform.jobs").fetch_one(&mut demo).await.unwrap();
    assert_eq!(seen, 0);
}
