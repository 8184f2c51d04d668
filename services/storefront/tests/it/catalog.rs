//! What the catalogue of the database says about the schema of storefront.

use testkit::TestDb;

#[tokio::test]
async fn every_table_keeps_organisations_apart() {
    let db = TestDb::new(&[storefront::manifest()]).await;
    let findings = testkit::catalog::check(&mut db.admin().await, "storefront", &[]).await;
    assert_eq!(findings, Vec::<String>::new());
}

#[tokio::test]
async fn without_an_organisation_there_is_an_error_and_not_an_empty_answer() {
    let db = TestDb::new(&[storefront::manifest()]).await;
    let mut conn = db.connect("dropmate_storefront").await;
    for table in ["shops", "zones", "quotes"] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM storefront.{table}"));
        assert!(sqlx::query(sql).fetch_one(&mut conn).await.is_err(), "{table}");
    }
}
