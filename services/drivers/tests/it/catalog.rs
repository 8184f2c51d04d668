//! What the catalogue of the database says about the schema of drivers.

use testkit::TestDb;

#[tokio::test]
async fn every_table_keeps_organisations_apart() {
    let db = TestDb::new(&[drivers::manifest()]).await;
    let findings = testkit::catalog::check(&mut db.admin().await, "drivers", &[]).await;
    assert_eq!(findings, Vec::<String>::new());
}

#[tokio::test]
async fn without_an_organisation_there_is_an_error_and_not_an_empty_answer() {
    let db = TestDb::new(&[drivers::manifest()]).await;
    let mut conn = db.connect("dropmate_drivers").await;
    for table in ["drivers", "vehicles", "shifts", "documents", "availability_changes", "ratings"] {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM drivers.{table}"));
        assert!(sqlx::query(sql).fetch_one(&mut conn).await.is_err(), "{table}");
    }
}
