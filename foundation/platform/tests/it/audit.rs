//! The trail shows what was done to it.

use kernel::ids::{OrgId, Uuid};
use kernel::random::Random;
use platform::audit::{self, AuditKey, Entry};
use platform::db::Scope;
use testkit::Proof;
use testkit::schedule::seed;

use crate::demo::World;

fn key() -> AuditKey {
    AuditKey::new("a1", vec![5; 32].into())
}

async fn entries(world: &World, org: OrgId, count: usize) {
    let mut tx = world.db.begin(&Scope::system(org)).await.unwrap();
    for n in 0..count {
        let entry = Entry::new("demo_change", "account", n).before(&n).unwrap().after(&(n + 1)).unwrap();
        tx.audit(entry.detail(serde_json::json!({ "reason": n }))).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Three organisations with sealed chains of 12 links.
async fn sealed() -> (World, Vec<OrgId>) {
    let world = World::new().await;
    let orgs = vec![world.org(), world.org(), world.org()];
    for round in 0..3 {
        for org in &orgs {
            entries(&world, *org, 4).await;
        }
        assert_eq!(
            audit::seal(&world.system, &key(), 5 + round).await.unwrap(),
            usize::try_from(5 + round).unwrap()
        );
    }
    while audit::seal(&world.system, &key(), 100).await.unwrap() > 0 {}
    (world, orgs)
}

#[tokio::test]
async fn an_untouched_trail_is_intact() {
    let (world, orgs) = sealed().await;
    let report = audit::verify(&world.system, &key()).await.unwrap();
    assert_eq!((report.checked, report.unsealed, report.findings), (36, 0, vec![]));
    entries(&world, orgs[0], 2).await;
    assert_eq!(audit::verify(&world.system, &key()).await.unwrap().unsealed, 2);
    audit::seal(&world.system, &key(), 100).await.unwrap();
    let anchors = audit::anchors(&world.system).await.unwrap();
    assert_eq!(anchors.len(), 3);
    entries(&world, orgs[0], 2).await;
    audit::seal(&world.system, &key(), 100).await.unwrap();
    assert_eq!(audit::verify_anchors(&world.system, &anchors).await.unwrap(), [], "growth is no finding");
}

#[tokio::test]
async fn two_sealers_at_once_make_one_chain() {
    let world = World::new().await;
    let org = world.org();
    entries(&world, org, 40).await;
    let (system, audit_key) = (world.test.system(), key());
    let many = (0..6).map(|_| audit::seal(&system, &audit_key, 10));
    for result in futures::future::join_all(many).await {
        result.unwrap();
    }
    while audit::seal(&world.system, &key(), 10).await.unwrap() > 0 {}
    let report = audit::verify(&world.system, &key()).await.unwrap();
    assert_eq!((report.checked, report.unsealed, report.findings), (40, 0, vec![]));
}

#[tokio::test]
async fn an_entry_of_a_rolled_back_change_does_not_exist() {
    let world = World::new().await;
    let mut tx = world.db.begin(&Scope::system(world.org())).await.unwrap();
    tx.audit(Entry::new("demo_change", "account", 1)).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM platform.audit_entries").await, 0);
}

#[tokio::test]
async fn another_key_does_not_fit() {
    let (world, _) = sealed().await;
    for wrong in [AuditKey::new("a1", vec![6; 32].into()), AuditKey::new("a2", vec![5; 32].into())] {
        assert_eq!(audit::verify(&world.system, &wrong).await.unwrap().findings.len(), 36);
    }
}

const KINDS: usize = 11;

/// One edit of a hostile superuser, on the link `at` of the chain of `org`.
fn edit(kind: usize, org: Uuid, other: Uuid, at: u64, random: &Random) -> String {
    let entry =
        format!("(SELECT entry_id FROM platform.audit_chain WHERE org_id = '{org}' AND sequence = {at})");
    let columns = [
        "actor = actor || 'x'",
        "at = at + interval '1 microsecond'",
        "detail = '{\"reason\": 99}'",
        "after_hash = NULL",
        "object_id = object_id || ' '",
        "action = 'other'",
        "request_id = 'req'",
        "role = 'owner'",
    ];
    let column = columns[usize::try_from(random.below(columns.len() as u64)).unwrap()];
    let link = "FROM platform.audit_chain WHERE";
    match kind {
        0 => format!("UPDATE platform.audit_entries SET {column} WHERE id = {entry}"),
        1 => format!("DELETE FROM platform.audit_entries WHERE id = {entry}"),
        // The entry with its link, and the ones behind it moved up.
        2 => format!("DELETE FROM platform.audit_entries WHERE id = {entry}; DELETE {link} org_id = '{org}' AND sequence = {at};
                      UPDATE platform.audit_chain SET sequence = sequence - 1000 WHERE org_id = '{org}' AND sequence > {at};
                      UPDATE platform.audit_chain SET sequence = sequence + 999 WHERE org_id = '{org}' AND sequence < 0"),
        // A link of one's own making at the end, the head moved on.
        3 => format!("INSERT INTO platform.audit_entries SELECT gen_random_uuid(), org_id, at, service, actor, role, action,
                          object_type, 'forged', before_hash, after_hash, request_id, trace, detail
                        FROM platform.audit_entries WHERE id = {entry};
                      INSERT INTO platform.audit_chain SELECT h.org_id, h.sequence + 1, e.id, h.mac, sha256(h.mac), 'a1'
                        FROM platform.audit_heads h, platform.audit_entries e WHERE h.org_id = '{org}' AND e.object_id = 'forged';
                      UPDATE platform.audit_heads SET sequence = sequence + 1, mac = sha256(mac) WHERE org_id = '{org}'"),
        // Two entries exchanged.
        4 => format!("UPDATE platform.audit_entries e SET actor = o.object_id, object_id = o.object_id FROM platform.audit_entries o
                       WHERE e.id = {entry} AND o.org_id = '{org}' AND o.id <> e.id AND o.object_id <> e.object_id"),
        5 => format!("CREATE TEMP TABLE two AS SELECT sequence, entry_id, previous, mac FROM platform.audit_chain
                       WHERE org_id = '{org}' AND sequence IN ({at}, {at} % 12 + 1);
                      DELETE {link} entry_id IN (SELECT entry_id FROM two);
                      INSERT INTO platform.audit_chain SELECT '{org}', (SELECT max(o.sequence) + min(o.sequence) FROM two o) - t.sequence,
                        t.entry_id, t.previous, t.mac, 'a1' FROM two t"),
        // The tail without its head, then the head without its tail.
        6 => format!("DELETE {link} org_id = '{org}' AND sequence >= {at}"),
        7 => format!("DELETE FROM platform.audit_heads WHERE org_id = '{org}'"),
        // The whole chain, made anew without the key.
        8 => format!("UPDATE platform.audit_chain SET mac = sha256(convert_to('{org}' || sequence, 'UTF8')),
                          previous = CASE sequence WHEN 1 THEN previous ELSE sha256(convert_to('{org}' || (sequence - 1), 'UTF8')) END
                       WHERE org_id = '{org}';
                      UPDATE platform.audit_heads SET mac = sha256(convert_to('{org}' || sequence, 'UTF8')) WHERE org_id = '{org}'"),
        // Two tenants exchanged.
        9 => format!("UPDATE platform.audit_entries SET org_id = '{other}' WHERE id = {entry}"),
        _ => format!("UPDATE platform.audit_chain SET org_id = '00000000-0000-0000-0000-0000000000aa' WHERE org_id = '{org}';
                      UPDATE platform.audit_chain SET org_id = '{org}' WHERE org_id = '{other}';
                      UPDATE platform.audit_chain SET org_id = '{other}' WHERE org_id = '00000000-0000-0000-0000-0000000000aa';
                      UPDATE platform.audit_heads SET org_id = '00000000-0000-0000-0000-0000000000aa' WHERE org_id = '{org}';
                      UPDATE platform.audit_heads SET org_id = '{org}' WHERE org_id = '{other}';
                      UPDATE platform.audit_heads SET org_id = '{other}' WHERE org_id = '00000000-0000-0000-0000-0000000000aa'"),
    }
}

/// Runs an edit, calls `look`, and takes the edit back by restoring the three tables.
const SAVE: &str = "CREATE TABLE IF NOT EXISTS public.e AS TABLE platform.audit_entries;
    CREATE TABLE IF NOT EXISTS public.c AS TABLE platform.audit_chain; CREATE TABLE IF NOT EXISTS public.h AS TABLE platform.audit_heads";
const RESTORE: &str = "SET session_replication_role = replica; DELETE FROM platform.audit_chain; DELETE FROM platform.audit_heads;
    DELETE FROM platform.audit_entries; INSERT INTO platform.audit_entries TABLE public.e;
    INSERT INTO platform.audit_chain TABLE public.c; INSERT INTO platform.audit_heads TABLE public.h";

#[tokio::test]
async fn proof_audit() {
    let proof = Proof::new("audit");
    let edits = proof.size(22, 1_000);
    let seed = seed(5);
    let random = Random::seeded(seed);
    let (world, orgs) = sealed().await;
    world.sql(SAVE).await;
    for number in 0..edits {
        let kind = number % KINDS;
        let pick = usize::try_from(random.below(3)).unwrap();
        let (org, other) = (orgs[pick].uuid(), orgs[(pick + 1) % 3].uuid());
        // Deleting the last link with everything is the one thing that only an anchor shows: see the test below.
        let at = 1 + random.below(if kind == 2 { 11 } else { 12 });
        let sql = edit(kind, org, other, at, &random);
        world.sql(&format!("SET session_replication_role = replica; {sql}")).await;
        let report = audit::verify(&world.system, &key()).await.unwrap();
        assert!(!report.findings.is_empty(), "edit {number} of kind {kind} was not found: {sql}");
        assert!(
            report.findings.iter().any(|finding| finding.org_id == org || finding.org_id == other),
            "the finding names the organisation: {:?}",
            report.findings
        );
        world.sql(RESTORE).await;
    }
    assert_eq!(audit::verify(&world.system, &key()).await.unwrap().findings, []);
    proof.report(&format!("seed {seed}: {edits} edits of {KINDS} kinds by a superuser: {edits} found"));
}

#[tokio::test]
async fn a_tail_cut_off_with_its_head_is_shown_only_by_an_anchor_outside() {
    let (world, orgs) = sealed().await;
    let anchors = audit::anchors(&world.system).await.unwrap();
    let org = orgs[1].uuid();
    world
        .sql(&format!(
            "SET session_replication_role = replica;
             DELETE FROM platform.audit_entries WHERE id IN (SELECT entry_id FROM platform.audit_chain WHERE org_id = '{org}' AND sequence > 9);
             DELETE FROM platform.audit_chain WHERE org_id = '{org}' AND sequence > 9;
             UPDATE platform.audit_heads h SET sequence = 9, mac = c.mac FROM platform.audit_chain c
              WHERE h.org_id = '{org}' AND c.org_id = h.org_id AND c.sequence = 9"
        ))
        .await;
    let report = audit::verify(&world.system, &key()).await.unwrap();
    assert_eq!((report.findings, report.unsealed), (vec![], 0), "the database alone cannot tell");
    let findings = audit::verify_anchors(&world.system, &anchors).await.unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].org_id, findings[0].sequence), (org, 12));
}
