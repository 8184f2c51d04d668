//! The API document, the permission table and the catalogue of the database.

use platform::http::openapi::incomplete;
use testkit::catalog;

use crate::world::World;

#[tokio::test]
async fn the_document_is_complete() {
    let world = World::new().await;
    assert_eq!(incomplete(world.town.document.value()), Vec::<String>::new());
}

#[tokio::test]
async fn every_operation_admits_whom_the_table_names() {
    let world = World::new().await;
    assert!(world.town.check_access().await > 90);
}

#[tokio::test]
async fn the_schema_keeps_the_rules_of_the_house() {
    let world = World::new().await;
    let mut admin = world.town.db.admin().await;
    assert_eq!(catalog::check(&mut admin, dispatch::NAME, &[]).await, Vec::<String>::new());
}
