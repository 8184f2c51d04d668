//! What holds for every service: the document, the permissions, the tables.

use testkit::catalog;

use crate::world::world;

#[tokio::test]
async fn the_document_is_complete() {
    let world = world().await;
    let missing = platform::http::openapi::incomplete(world.town.document.value());
    assert_eq!(missing, Vec::<String>::new());
    world.town.finish().await;
}

#[tokio::test]
async fn everybody_may_do_what_the_table_says() {
    let world = world().await;
    assert!(world.town.check_access().await > 100);
    world.town.finish().await;
}

#[tokio::test]
async fn every_table_is_protected_also_the_days_of_the_history() {
    let world = world().await;
    world.at(crate::world::SHOP).await.is(200);
    let findings = catalog::check(&mut world.town.db.admin().await, "tracking", &[]).await;
    assert_eq!(findings, Vec::<String>::new());
    let days = world
        .town
        .count("SELECT count(*) FROM pg_inherits WHERE inhparent = 'tracking.positions'::regclass")
        .await;
    assert_eq!(days, 7, "three days back, today, two days ahead, and what belongs to none");
    world.town.finish().await;
}

#[tokio::test]
async fn without_an_organisation_there_is_an_error_and_not_an_empty_answer() {
    let world = world().await;
    let mut conn = world.town.db.connect("dropmate_tracking").await;
    for table in
        ["drivers", "orders", "routes", "shops", "delivery_updates", "devices", "positions", "ratings"]
    {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM tracking.{table}"));
        assert!(sqlx::query(sql).fetch_one(&mut conn).await.is_err(), "{table} answered");
    }
    world.town.finish().await;
}
