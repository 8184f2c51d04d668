//! Orders from tables: looked at, confirmed, undone, forgotten.

use futures::future::join;
use kernel::ids::ShopId;
use kernel::time::SignedDuration;
use serde_json::{Value, json};
use sqlx::PgConnection;
use testkit::http::{Call, Reply};

use crate::world::{World, strangers};

const PATH: &str = "/api/v1/order-imports";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Two rows as a spreadsheet program of Finland writes them, at line 2 and 3.
const TWO: &str = "Reference;Name;Phone;Street Address;ZIP;City;Notes;Window from;Until;Cash;Tags;Weight;Parcels\n\
    w-1;Grace Hopper;+358 40 123-4567;Hämeentie 5;00530;Helsinki;Ring twice.;20.11.2026 15:00;16:30;12,50;gift cold;900;2\n\
    w-2;;;\"Mannerheimintie 1; B\";00100;Helsinki;;;;;;;\n";

fn send(world: &World, shop: ShopId, query: &str, kind: &str, body: impl Into<Vec<u8>>) -> Call {
    let manager = world.town.again(&world.town.bakery.manager);
    let call = world.town.client.post(format!("{PATH}?shop_id={shop}{query}")).bearer(&manager.token);
    call.header("content-type", kind).body(body.into())
}

async fn preview(world: &World, shop: ShopId, csv: impl Into<Vec<u8>>) -> Reply {
    send(world, shop, "", "text/csv", csv).await.is(201)
}

/// A file of so many rows that are all right.
fn table(rows: usize) -> String {
    let row = |number: usize| format!("Hämeentie {number},00530,Helsinki,w-{number}\n");
    (1..=rows).map(row).fold("street,zip,city,reference\n".to_owned(), |file, row| file + &row)
}

fn path(preview: &Reply) -> String {
    format!("{PATH}/{}", preview.text("/id"))
}

fn post(world: &World, import: &str, verb: &str) -> Call {
    let manager = world.town.again(&world.town.bakery.manager);
    world.town.client.post(format!("{import}/{verb}")).bearer(&manager.token)
}

fn confirm(world: &World, import: &str, all: bool) -> Call {
    post(world, import, "confirm").json(&json!({ "only_if_all_valid": all }))
}

async fn read(world: &World, path: &str) -> Value {
    let manager = world.town.again(&world.town.bakery.manager);
    world.town.get(path).bearer(&manager.token).await.is(200).json()
}

async fn rows(world: &World, import: &str, query: &str) -> Vec<Value> {
    read(world, &format!("{import}/rows?limit=200{query}")).await["items"].as_array().unwrap().clone()
}

async fn orders(world: &World) -> i64 {
    world.town.count("SELECT count(*) FROM orders.orders").await
}

async fn sql(world: &World, text: &'static str) {
    sqlx::raw_sql(text).execute(&mut world.town.db.admin().await).await.unwrap();
}

#[tokio::test]
async fn a_table_is_looked_at_confirmed_and_becomes_orders() {
    let world = World::new().await;
    let (shop, zone) = world.shop().await;
    let look = preview(&world, shop, TWO).await;
    assert_eq!(look.header("location"), path(&look));
    assert_eq!(look.json()["format"], json!({ "kind": "csv", "delimiter": ";", "encoding": "utf-8" }));
    let fields: Vec<_> =
        look.json()["columns"].as_array().unwrap().iter().map(|one| one["field"].clone()).collect();
    let wanted = [
        "reference",
        "name",
        "phone",
        "street",
        "postcode",
        "city",
        "notes",
        "window_from",
        "window_until",
        "cash",
        "tags",
        "weight_g",
        "packages",
    ];
    assert_eq!(fields, wanted.map(|field| json!(field)));
    assert_eq!(
        (&look.json()["valid"], &look.json()["invalid"], &look.json()["errors"]),
        (&json!(2), &json!(0), &json!([]))
    );
    assert_eq!(
        look.json()["orders"][0],
        json!({ "number": 2, "reference": "w-1", "street": "Hämeentie 5", "postcode": "00530", "city": "Helsinki",
                "contact_name": "Grace Hopper", "contact_phone": "+358401234567", "notes": "Ring twice.",
                "window": { "from": "2026-11-20T13:00:00Z", "until": "2026-11-20T14:30:00Z" },
                "cash": { "amount_minor": 1250, "currency": "EUR" }, "tags": ["cold", "gift"], "priority": 0,
                "packages": 2, "weight_g": 900 })
    );
    assert_eq!(look.text("/orders/1/street"), "Mannerheimintie 1; B");
    assert_eq!(orders(&world).await, 0);
    let import = path(&look);
    assert_eq!(confirm(&world, &import, true).await.is(202).text("/state"), "running");
    world.town.settle().await;
    let done = read(&world, &import).await;
    assert_eq!(
        (&done["state"], &done["rows"]["created"], &done["rows"]["valid"]),
        (&json!("done"), &json!(2), &json!(0))
    );
    let made = rows(&world, &import, "&state=created").await;
    let order = read(&world, &format!("/api/v1/orders/{}", made[0]["order_id"].as_str().unwrap())).await;
    assert_eq!(
        (&order["source"], &order["reference"], &order["number"]),
        (&json!("import"), &json!("w-1"), &json!("A-001"))
    );
    assert_eq!(order["dropoff"]["contact_phone"], "+358401234567");
    assert_eq!(
        (&order["pickup"]["street"], &order["preparation"]),
        (&json!("Aleksanterinkatu 52"), &json!("pending"))
    );
    assert_eq!(order["packages"].as_array().unwrap().len(), 2);
    assert_ne!(order.get("zone_id"), Some(&json!(zone)), "no position, no zone");
    let subjects = world.town.subjects().await;
    assert_eq!(subjects, ["order.created.v1", "order.created.v1"]);
    let by = "SELECT count(*) FROM orders.orders o JOIN orders.imports i ON i.confirmed_by = o.created_by";
    assert_eq!(world.town.count(by).await, 2);
    // Once more: nothing more.
    assert_eq!(confirm(&world, &import, true).await.is(202).text("/state"), "done");
    world.town.settle().await;
    assert_eq!(orders(&world).await, 2);
    world.town.finish().await;
}

#[tokio::test]
async fn a_workbook_is_read_as_well_as_a_text() {
    let world = World::new().await;
    let (shop, zone) = world.shop().await;
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let at = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm");
    for (column, heading) in
        ["Address", "Postal code", "Town", "Lat", "Lon", "Ready", "Qty", "Colour"].iter().enumerate()
    {
        sheet.write(0, u16::try_from(column).unwrap(), *heading).unwrap();
    }
    let ready = rust_xlsxwriter::ExcelDateTime::parse_from_str("2026-11-20T15:00:00").unwrap();
    sheet.write(1, 0, "Hämeentie 5").unwrap();
    sheet.write(1, 1, "00530").unwrap();
    sheet.write(1, 2, "Helsinki").unwrap();
    sheet.write(1, 3, 60.1741).unwrap();
    sheet.write(1, 4, 24.9501).unwrap();
    sheet.write_with_format(1, 5, &ready, &at).unwrap();
    sheet.write(1, 6, 3).unwrap();
    sheet.write(1, 7, "red").unwrap();
    let file = book.save_to_buffer().unwrap();
    let look = send(&world, shop, "", XLSX, file.clone()).await.is(201);
    let first = &look.json()["orders"][0];
    assert_eq!(
        (&first["position"]["lat"], &first["ready_at"], &first["packages"]),
        (&json!(60.1741), &json!("2026-11-20T13:00:00Z"), &json!(3))
    );
    assert_eq!(look.json()["columns"][7], json!({ "heading": "Colour" }));
    let import = path(&look);
    confirm(&world, &import, true).await.is(202);
    world.town.settle().await;
    let order = rows(&world, &import, "").await[0]["order_id"].as_str().unwrap().to_owned();
    let order = read(&world, &format!("/api/v1/orders/{order}")).await;
    assert_eq!(order["zone_id"], json!(zone));
    send(&world, shop, "", XLSX, "street,zip,city").await.refused(422, "invalid_file");
    send(&world, shop, "", "application/json", file).await.refused(415, "unsupported_media_type");
    world.town.finish().await;
}

#[tokio::test]
async fn wrong_rows_are_named_and_left_out_when_it_is_said() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let file = "Where,ZIP,City,Phone,From,Until,Lat,Lon,Country\n\
        Street 1,1,Helsinki,0401234567,13:00,12:00,60,24,FI\n\
        ,1,Helsinki,,,,,,\n\
        Street 3,1,Helsinki,,13:00,12:00,,,\n\
        Street 4,1,Helsinki,,,,91,24,Finland\n\
        Street 5,1,Helsinki,,,,,,\n";
    send(&world, shop, "", "text/csv", file).await.refused(422, "invalid");
    let query = "&mapping=%7B%22Where%22%3A%22street%22%7D";
    let look = send(&world, shop, query, "text/csv", file).await.is(201).json();
    assert_eq!((&look["valid"], &look["invalid"]), (&json!(1), &json!(4)));
    let errors: Vec<(u64, Vec<(&str, &str)>)> = look["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let errors = row["errors"].as_array().unwrap().iter();
            (
                row["number"].as_u64().unwrap(),
                errors
                    .map(|one| (one["column"].as_str().unwrap_or(""), one["pointer"].as_str().unwrap()))
                    .collect(),
            )
        })
        .collect();
    assert_eq!(
        errors,
        [
            (2, vec![("Phone", "/dropoff/contact/phone"), ("", "/dropoff/window")]),
            (3, vec![("Where", "/dropoff/street")]),
            (4, vec![("", "/dropoff/window")]),
            (5, vec![("Lat", "/dropoff/position"), ("Country", "/dropoff/country")]),
        ]
    );
    let import = format!("{PATH}/{}", look["id"].as_str().unwrap());
    let refused = confirm(&world, &import, true).await.refused(409, "import_invalid");
    assert_eq!(refused.json()["invalid"], 4);
    post(&world, &import, "confirm").json(&json!({})).await.refused(409, "import_invalid");
    post(&world, &import, "undo").await.refused(409, "import_state");
    confirm(&world, &import, false).await.is(202);
    world.town.settle().await;
    assert_eq!(orders(&world).await, 1);
    let invalid = rows(&world, &import, "&state=invalid").await;
    assert_eq!(invalid.len(), 4);
    assert_eq!(invalid[1]["errors"][0]["column"], "Where");
    assert_eq!(rows(&world, &import, "&state=created").await[0]["number"], 6);
    world.town.finish().await;
}

#[tokio::test]
async fn a_dry_run_keeps_nothing_and_the_same_file_is_noticed() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let dry = || send(&world, shop, "&dry_run=true", "text/csv", TWO);
    let look = dry().await.is(200).json();
    assert_eq!((look.get("id"), &look["valid"], look.get("duplicate_of")), (None, &json!(2), None));
    let left = "SELECT (SELECT count(*) FROM orders.imports) + (SELECT count(*) FROM orders.import_rows)";
    assert_eq!(world.town.count(left).await, 0);
    let first = preview(&world, shop, TWO).await;
    assert!(first.json().get("duplicate_of").is_none());
    let second = preview(&world, shop, TWO).await;
    assert_eq!(second.text("/duplicate_of"), first.text("/id"));
    assert_eq!(dry().await.is(200).text("/duplicate_of"), second.text("/id"));
    assert!(preview(&world, shop, format!("{TWO}\n")).await.json().get("duplicate_of").is_none());
    // What was undone does not count.
    for import in [path(&first), path(&second)] {
        confirm(&world, &import, true).await.is(202);
        world.town.settle().await;
        post(&world, &import, "undo").await.is(202);
        world.town.settle().await;
    }
    assert!(dry().await.is(200).json().get("duplicate_of").is_none());
    // Another organisation's files are another's.
    let florist = &world.town.florist.manager.token;
    let foreign = world.town.client.post(format!("{PATH}?shop_id={shop}")).bearer(florist);
    foreign.header("content-type", "text/csv").body(TWO).await.refused(422, "invalid");
    world.town.finish().await;
}

#[tokio::test]
async fn a_repeated_key_reads_a_file_once() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let first = send(&world, shop, "", "text/csv", TWO).key("file").await.is(201);
    let again = send(&world, shop, "", "text/csv", TWO).key("file").await.is(201);
    assert_eq!(again.body, first.body);
    send(&world, shop, "", "text/csv", table(1)).key("file").await.refused(422, "idempotency_mismatch");
    assert_eq!(world.town.count("SELECT count(*) FROM orders.imports").await, 1);
    world.town.finish().await;
}

#[tokio::test]
async fn undoing_calls_off_what_nobody_is_on_the_way_for() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let import = path(&preview(&world, shop, table(60)).await);
    confirm(&world, &import, true).await.is(202);
    world.town.settle().await;
    let made = rows(&world, &import, "").await;
    let order = |at: usize| format!("/api/v1/orders/{}", made[at]["order_id"].as_str().unwrap());
    let owner = world.town.again(&world.town.bakery.owner).token;
    let say = |at: usize, verb: &str, body: Value| {
        world.town.post(format!("{}/{verb}", order(at)), body).bearer(&owner)
    };
    for at in [1, 2, 3] {
        say(at, "assign", json!({ "driver_id": world.stranger() })).await.is(200);
    }
    say(2, "status", json!({ "status": "enroute_to_pickup" })).await.is(200);
    say(3, "status", json!({ "status": "picked_up" })).await.is(200);
    say(4, "cancel", json!({ "reason": "other" })).await.is(200);
    assert_eq!(post(&world, &import, "undo").await.is(202).text("/state"), "undoing");
    post(&world, &import, "undo").await.is(202);
    join(world.town.settle(), world.town.settle()).await;
    let undone = read(&world, &import).await;
    assert_eq!(
        undone["rows"],
        json!({ "valid": 0, "invalid": 0, "created": 0, "failed": 0, "undone": 58, "kept": 2 })
    );
    assert_eq!(undone["state"], "undone");
    let kept = rows(&world, &import, "&state=kept").await;
    let why: Vec<_> = kept
        .iter()
        .map(|row| (row["number"].as_u64().unwrap(), row["errors"][0]["text"].as_str().unwrap()))
        .collect();
    assert_eq!(
        why,
        [
            (4, "could not be undone: the order is enroute_to_pickup"),
            (5, "could not be undone: the order is picked_up")
        ]
    );
    assert_eq!(world.status(&order(1)).await, "cancelled");
    let cancelled =
        world.town.subjects().await.iter().filter(|subject| *subject == "order.cancelled.v1").count();
    assert_eq!(cancelled, 58);
    confirm(&world, &import, true).await.refused(409, "import_state");
    assert_eq!(post(&world, &import, "undo").await.is(202).text("/state"), "undone");
    world.town.settle().await;
    assert_eq!(read(&world, &import).await["version"], undone["version"], "nothing more to do");
    world.town.finish().await;
}

/// The 30th order that is inserted waits for a lock that the test holds.
const HELD: &str = "CREATE SEQUENCE orders.inserted; GRANT USAGE ON SEQUENCE orders.inserted TO PUBLIC;
    CREATE FUNCTION orders.hold() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF nextval('orders.inserted') = 30 THEN PERFORM pg_advisory_xact_lock(4711); END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER hold BEFORE INSERT ON orders.orders FOR EACH ROW EXECUTE FUNCTION orders.hold()";
const WAITS: &str =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711 AND NOT granted";

async fn hold(world: &World) -> PgConnection {
    let mut holder = world.town.db.admin().await;
    sqlx::raw_sql(HELD).execute(&mut holder).await.unwrap();
    sqlx::query("SELECT pg_advisory_lock(4711)").execute(&mut holder).await.unwrap();
    holder
}

#[tokio::test]
async fn a_worker_that_is_killed_in_between_leaves_each_row_with_one_order() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let import = path(&preview(&world, shop, table(60)).await);
    let holder = hold(&world).await;
    confirm(&world, &import, true).await.is(202);
    {
        let work = std::pin::pin!(world.town.settle());
        let waits = async { while world.town.count(WAITS).await == 0 {} };
        let waits = std::pin::pin!(waits);
        futures::future::select(work, waits).await;
        // The worker is gone here, in the middle of the second part.
    }
    drop(holder);
    let half = read(&world, &import).await;
    assert_eq!(
        (&half["state"], &half["rows"]["created"], &half["rows"]["valid"]),
        (&json!("running"), &json!(25), &json!(35))
    );
    while world.town.count("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'INSERT INTO orders.orders%'").await > 0 {}
    assert_eq!(orders(&world).await, 25);
    // Its lease ends, and another one goes on.
    sql(&world, "UPDATE platform.jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'")
        .await;
    world.town.settle().await;
    let done = read(&world, &import).await;
    assert_eq!((&done["state"], &done["rows"]["created"]), (&json!("done"), &json!(60)));
    assert_eq!(orders(&world).await, 60);
    let references = "SELECT count(DISTINCT reference) FROM orders.orders WHERE source = 'import'";
    assert_eq!(world.town.count(references).await, 60);
    assert_eq!(world.town.subjects().await.len(), 60);
    world.town.finish().await;
}

#[tokio::test]
async fn two_workers_at_once_make_no_row_twice() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let import = path(&preview(&world, shop, table(120)).await);
    confirm(&world, &import, true).await.is(202);
    // A second job of the same import, as after a lease that ended too early.
    sql(&world, "INSERT INTO platform.jobs (id, service, queue, name, org_id, payload, priority, unique_key, run_at, max_attempts, created_at)
                 SELECT gen_random_uuid(), service, queue, name, org_id, payload, priority, 'second', run_at, max_attempts, created_at
                   FROM platform.jobs WHERE name = 'orders.run_import'").await;
    join(world.town.settle(), world.town.settle()).await;
    assert_eq!(orders(&world).await, 120);
    assert_eq!(read(&world, &import).await["rows"]["created"], 120);
    world.town.finish().await;
}

#[tokio::test]
async fn what_rows_say_is_forgotten_in_time() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let (left, used) =
        (path(&preview(&world, shop, TWO).await), path(&preview(&world, shop, table(2)).await));
    confirm(&world, &used, true).await.is(202);
    world.town.settle().await;
    world.town.pass(SignedDuration::from_hours(23));
    world.town.settle().await;
    assert_eq!(read(&world, &left).await["state"], "previewed");
    assert_eq!(world.town.count("SELECT count(content) FROM orders.import_rows").await, 4);
    world.town.pass(SignedDuration::from_mins(61));
    world.town.settle().await;
    let manager = world.town.again(&world.town.bakery.manager);
    world.town.get(&left).bearer(&manager.token).await.refused(404, "not_found");
    assert_eq!(world.town.count("SELECT count(content) FROM orders.import_rows").await, 0);
    assert_eq!(rows(&world, &used, "&state=created").await.len(), 2);
    // Orders can still be called off.
    post(&world, &used, "undo").await.is(202);
    world.town.settle().await;
    assert_eq!(read(&world, &used).await["rows"]["undone"], 2);
    world.town.finish().await;
}

#[tokio::test]
async fn another_organisation_finds_nothing() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    let import = path(&preview(&world, shop, TWO).await);
    for token in strangers(&world.town.florist) {
        for part in ["", "/rows"] {
            world.town.get(format!("{import}{part}")).bearer(token).await.refused(404, "not_found");
        }
        world.town.client.post(format!("{import}/undo")).bearer(token).await.refused(404, "not_found");
        world.town.post(format!("{import}/confirm"), json!({})).bearer(token).await.refused(404, "not_found");
        assert_eq!(world.town.get(PATH).bearer(token).await.is(200).json()["items"], json!([]));
    }
    let listed = read(&world, PATH).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    assert_eq!(listed["items"][0]["state"], "previewed");
    world.town.finish().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_says_why() {
    let world = World::new().await;
    let (shop, _) = world.shop().await;
    for (file, text) in [
        (String::new(), "no rows"),
        ("street,zip,city\n".to_owned(), "no rows"),
        (table(5_001), "more than 5000 rows"),
    ] {
        let refused = send(&world, shop, "", "text/csv", file).await.refused(422, "invalid_file");
        assert!(refused.text("/detail").contains(text), "{refused}");
    }
    for query in [
        "&mapping=x",
        "&mapping=%7B%22No%22%3A%22city%22%7D",
        "&mapping=%7B%22city%22%3A%22town%22%7D",
        "&dry_run=maybe",
        "&colour=red",
    ] {
        send(&world, shop, query, "text/csv", table(1)).await.refused(422, "invalid");
    }
    let large = "x".repeat(5 * 1024 * 1024 + 1);
    send(&world, shop, "", "text/csv", large).await.refused(413, "too_large");
    let manager = &world.town.bakery.manager.token;
    let without = world.town.client.post(PATH).bearer(manager).header("content-type", "text/csv").body(TWO);
    without.await.refused(422, "invalid");
    world.town.finish().await;
}
