//! What is about people is sealed in the database, and gone after an erasure.

use kernel::ids::{CustomerId, Uuid};
use platform::db::Scope;
use platform::vault::Subject;
use serde_json::json;

use crate::world::{World, path, plain_order};

#[tokio::test]
async fn nothing_about_people_is_in_the_database_events_or_logs_in_clear() {
    let world = World::new().await;
    let driver = &world.town.bakery.driver;
    let mut body = plain_order();
    body["driver_id"] = json!(world.employ(driver));
    let order = path(&world.place(body).await);
    let step = json!({ "status": "picked_up", "note": "Grace waved from the window." });
    world.town.post(format!("{order}/status"), step).bearer(&driver.token).await.is(200);
    recurring_and_imported(&world).await;
    world.town.pass(kernel::time::SignedDuration::from_mins(2));
    world.town.settle().await;
    assert_eq!(world.town.count("SELECT count(*) FROM orders.orders").await, 3);
    let tables = [
        "orders",
        "stops",
        "terms",
        "events",
        "packages",
        "scans",
        "proofs",
        "pins",
        "recurrences",
        "occurrences",
        "imports",
        "import_rows",
    ];
    let mut conn = world.town.db.admin().await;
    let mut everything = String::new();
    for table in tables {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT coalesce(string_agg(t::text, ' '), '') FROM orders.{table} t"
        ));
        everything += &sqlx::query_scalar::<_, String>(sql).fetch_one(&mut conn).await.unwrap();
    }
    for sql in [
        "SELECT coalesce(string_agg(t::text, ' '), '') FROM bus.log t",
        "SELECT coalesce(string_agg(t::text, ' '), '') FROM platform.audit_entries t",
    ] {
        everything += &sqlx::query_scalar::<_, String>(sql).fetch_one(&mut conn).await.unwrap();
    }
    everything += &world.town.logs.text();
    let hex = |text: &str| text.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    for word in ["Grace", "Hopper", "hopper", "358401234567", "Ring twice", "waved", "Lovelace", "0409876543"]
    {
        assert!(!everything.contains(word), "{word} in clear");
        assert!(!everything.contains(&hex(word)), "{word} in clear, as bytes");
    }
    assert!(everything.contains("Hämeentie 5"), "the look is at the right place");
    world.town.finish().await;
}

/// The same person in a rule, in a row that is right, and in rows that are wrong where they say something about her.
async fn recurring_and_imported(world: &World) {
    let manager = &world.town.bakery.manager.token;
    let order = plain_order();
    let end = |name: &str| {
        let mut end = order[name].clone();
        end.as_object_mut().unwrap().remove("position");
        end
    };
    let rule = json!({ "name": "Bread", "time_zone": "Europe/Helsinki", "rrule": "FREQ=DAILY", "starts_at": "2026-11-20T15:00",
                       "template": { "pickup": end("pickup"), "dropoff": end("dropoff") } });
    world.town.post("/api/v1/recurring-orders", rule).bearer(manager).await.is(201);
    let (shop, _) = world.shop().await;
    let file = "street,zip,city,name,phone,notes\n\
        Hämeentie 5,00530,Helsinki,Grace Hopper,+358401234567,Ring twice.\n\
        Hämeentie 5,00530,Helsinki,Ada Lovelace,0409876543,Ring twice.\n\
        ,00530,Helsinki,Ada Lovelace,+358401234567,Ring twice.\n";
    let call = world.town.client.post(format!("/api/v1/order-imports?shop_id={shop}")).bearer(manager);
    let look = call.header("content-type", "text/csv").body(file).await.is(201);
    assert_eq!(look.json()["invalid"], 2);
    let confirm = format!("/api/v1/order-imports/{}/confirm", look.text("/id"));
    let body = json!({ "only_if_all_valid": false });
    world.town.post(confirm, body).bearer(manager).await.is(202);
}

#[tokio::test]
async fn of_an_erased_customer_the_order_remains_and_the_person_is_gone() {
    let world = World::new().await;
    let customer = CustomerId::new(Uuid::from_u128(77));
    let mut body = plain_order();
    body["customer_id"] = json!(customer);
    let order = path(&world.place(body).await);
    assert_eq!(world.read(&order).await["dropoff"]["contact_name"], "Grace Brewster Hopper");
    let org = world.town.bakery.id;
    let mut tx = world.town.ground.db.begin(&Scope::system(org)).await.unwrap();
    world.town.ground.vault.destroy(&mut tx, Subject::of_org(org, customer)).await.unwrap();
    tx.commit().await.unwrap();
    let now = world.read(&order).await;
    assert!(now["dropoff"].get("contact_name").is_none() && now["dropoff"].get("notes").is_none());
    assert_eq!(now["dropoff"]["street"], "Hämeentie 5");
    // The work goes on, and what is said about the person is not kept any more.
    let driver = &world.town.bakery.driver;
    let id = world.employ(driver);
    let manager = &world.town.bakery.manager.token;
    world.town.post(format!("{order}/assign"), json!({ "driver_id": id })).bearer(manager).await.is(200);
    let step = json!({ "status": "picked_up", "note": "For Grace." });
    world.town.post(format!("{order}/status"), step).bearer(&driver.token).await.is(200);
    let history = world.read(&format!("{order}/events")).await;
    assert!(!history.to_string().contains("Grace"));
    world.town.finish().await;
}
