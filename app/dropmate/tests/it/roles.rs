//! What each database role of a whole installation can do, tried against everything that is there.

use std::collections::BTreeSet;

use sqlx::Executor as _;
use testkit::{TestDb, rights};

/// Every login role with everything that it can do. A line that appears here is a decision; nothing else may appear.
const MATRIX: &str = include_str!("roles.txt");

const ROLES: [&str; 9] = [
    "dropmate_gateway",
    "dropmate_identity",
    "dropmate_storefront",
    "dropmate_orders",
    "dropmate_drivers",
    "dropmate_dispatch",
    "dropmate_tracking",
    "dropmate_system",
    "dropmate_backup",
];

async fn able(db: &TestDb, role: &str) -> BTreeSet<String> {
    rights::all(&mut db.admin().await, &mut db.connect(role).await).await
}

fn expected(role: &str) -> BTreeSet<String> {
    let lines = MATRIX.lines().skip_while(|line| *line != role).skip(1);
    lines.take_while(|line| line.starts_with("  ")).map(|line| line.trim().to_owned()).collect()
}

#[tokio::test]
async fn every_role_can_do_what_the_matrix_says_and_nothing_else() {
    let db = TestDb::new(&runtime::manifests()).await;
    let mut found = String::new();
    let mut wrong = Vec::new();
    for role in ROLES {
        let able = able(&db, role).await;
        let list: Vec<String> = able.iter().map(|line| format!("  {line}\n")).collect();
        found += &[role, "\n", &list.concat()].concat();
        let expected = expected(role);
        wrong.extend(able.difference(&expected).map(|line| format!("{role} can, and should not: {line}")));
        wrong.extend(expected.difference(&able).map(|line| format!("{role} should, and cannot: {line}")));
    }
    println!("{found}");
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn one_grant_too_many_is_noticed() {
    let db = TestDb::new(&runtime::manifests()).await;
    for (mutant, role, seen) in [
        ("GRANT USAGE ON SCHEMA identity TO dropmate_gateway", "dropmate_gateway", "schema identity U"),
        ("GRANT SELECT ON identity.users TO dropmate_gateway", "dropmate_gateway", "table identity.users S"),
        (
            "GRANT SELECT ON identity.signing_keys TO dropmate_gateway",
            "dropmate_gateway",
            "table identity.signing_keys S",
        ),
        (
            "GRANT UPDATE ON platform.audit_entries TO dropmate_services",
            "dropmate_identity",
            "table platform.audit_entries IU",
        ),
        ("GRANT DELETE ON bus.log TO dropmate_backup", "dropmate_backup", "table bus.log SD"),
        (
            "GRANT EXECUTE ON FUNCTION bus.advance(integer) TO PUBLIC",
            "dropmate_identity",
            "function bus.advance",
        ),
        ("GRANT CREATE ON SCHEMA bus TO dropmate_system", "dropmate_system", "schema bus UC"),
    ] {
        db.admin().await.execute(mutant).await.expect("a grant");
        let able = able(&db, role).await;
        assert!(able.contains(seen) && !expected(role).contains(seen), "{mutant}: {able:?}");
    }
}
