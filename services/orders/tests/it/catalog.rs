//! What the catalogue of the database and the document of the API say.

use testkit::TestDb;

use crate::world::World;

#[tokio::test]
async fn every_table_is_protected() {
    let db = TestDb::new(&[orders::manifest()]).await;
    let findings = testkit::catalog::check(&mut db.admin().await, "orders", &["package_index"]).await;
    assert!(findings.is_empty(), "{findings:#?}");
}

#[tokio::test]
async fn the_document_is_complete_and_everybody_may_do_what_the_table_says() {
    let world = World::new().await;
    let missing = platform::http::openapi::incomplete(world.town.document.value());
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(world.town.check_access().await > 0);
    world.town.finish().await;
}
