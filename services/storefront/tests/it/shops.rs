//! Shops come, change and go.

use serde_json::{Value, json};

use crate::world::{add_zone, bakery, open, shop, shop_like, with, zone};

#[tokio::test]
async fn a_shop_is_added_read_changed_and_listed() {
    let town = open().await;
    let manager = town.bakery.manager.token.as_str();
    let made = town.post("/api/v1/shops", bakery()).bearer(manager).await.is(201);
    let id = made.text("/id");
    assert_eq!(made.header("location"), format!("/api/v1/shops/{id}"));
    assert_eq!((made.version(), made.text("/number_prefix")), (1, "A".to_owned()));
    assert_eq!(made.json()["position"], json!({ "lat": 60.1699, "lon": 24.9384 }));
    let path = format!("/api/v1/shops/{id}");
    let read = town.get(&path).bearer(&town.bakery.customer.token).await.is(200);
    assert_eq!(read.json(), made.json());

    let change = json!({ "name": " Ada & Co ", "number_prefix": "AC", "phone": null, "position": null,
                         "preparation_minutes": 25, "currency": "SEK" });
    let changed = town.patch(&path, change).bearer(manager).if_match(1).await.is(200);
    assert_eq!((changed.version(), changed.text("/name")), (2, "Ada & Co".to_owned()));
    assert_eq!(changed.json().get("phone"), None);
    assert_eq!(changed.json().get("position"), None);
    assert_eq!(changed.text("/street"), "Aleksanterinkatu 52", "what is absent stays");
    let list = town.get("/api/v1/shops").bearer(&town.bakery.driver.token).await.is(200);
    assert_eq!(list.json()["items"][0], changed.json());

    let events = town.events().await;
    let subjects: Vec<_> = events.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["shop.created.v1", "shop.updated.v1"]);
    assert_eq!(events[0].1["facts"]["preparation_s"], 900);
    assert_eq!((&events[1].1["shop_id"], &events[1].1["facts"]["number_prefix"]), (&json!(id), &json!("AC")));
    assert_eq!(town.audited().await, ["create_shop", "update_shop"]);
    town.finish().await;
}

#[tokio::test]
async fn the_prefix_is_made_from_the_name_or_stated() {
    let town = open().await;
    let made = shop_like(&town, &json!({ "name": "  büro 7" })).await;
    assert_eq!((made.text("/number_prefix"), made.text("/name")), ("B".to_owned(), "büro 7".to_owned()));
    assert_eq!(shop_like(&town, &json!({ "name": "面包店" })).await.text("/number_prefix"), "S");
    assert_eq!(shop_like(&town, &json!({ "number_prefix": "XYZ" })).await.text("/number_prefix"), "XYZ");
    town.finish().await;
}

#[tokio::test]
async fn what_means_nothing_is_refused_with_its_place() {
    let town = open().await;
    let span = |from: &str, until: &str| json!({ "from": from, "until": until });
    let cases: &[(Value, &str)] = &[
        (json!({ "name": " " }), "/name"),
        (json!({ "number_prefix": "abc" }), "/number_prefix"),
        (json!({ "number_prefix": "ABCD" }), "/number_prefix"),
        (json!({ "country": "UK" }), "/country"),
        (json!({ "country": "fi" }), "/country"),
        (json!({ "time_zone": "Europe/Atlantis" }), "/time_zone"),
        (json!({ "currency": "eur" }), "/currency"),
        (json!({ "phone": "0912345678" }), "/phone"),
        (json!({ "position": { "lat": 91, "lon": 0 } }), "/position"),
        (json!({ "position": { "lat": 1 } }), "/position"),
        (json!({ "preparation_minutes": 1441 }), "/preparation_minutes"),
        (json!({ "service_minutes": -1 }), "/service_minutes"),
        (json!({ "colour": "red" }), "/colour"),
        (json!({ "opening_hours": { "monday": [span("8:00", "12:00")] } }), "/opening_hours/monday/0/from"),
        (json!({ "opening_hours": { "monday": [span("08:00", "24:00")] } }), "/opening_hours/monday/0/until"),
        (json!({ "opening_hours": { "noday": [] } }), "/opening_hours/noday"),
        (
            json!({ "opening_hours": { "sunday": [span("08:00", "12:00"), span("11:00", "13:00")] } }),
            "/opening_hours/sunday",
        ),
        (
            json!({ "opening_hours": { "exceptions": [{ "date": "2026-13-01" }] } }),
            "/opening_hours/exceptions/0/date",
        ),
        (
            json!({ "opening_hours": { "exceptions": [{ "date": "2026-12-24" }, { "date": "2026-12-24" }] } }),
            "/opening_hours/exceptions/1/date",
        ),
    ];
    for (members, pointer) in cases {
        let body = with(bakery(), members);
        let refused = town.post("/api/v1/shops", body).bearer(&town.bakery.owner.token).await.is(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], *pointer, "{refused}");
    }
    let id = shop(&town).await;
    for (change, pointer) in [
        (json!({ "name": null }), "/name"),
        (json!({ "time_zone": "Nowhere" }), "/time_zone"),
        (json!({ "country": "XX" }), "/country"),
    ] {
        let call = town.patch(format!("/api/v1/shops/{id}"), change).bearer(&town.bakery.owner.token);
        assert_eq!(call.if_match(1).await.is(422).json()["errors"][0]["pointer"], pointer);
    }
    town.finish().await;
}

#[tokio::test]
async fn an_update_needs_the_present_version() {
    let town = open().await;
    let path = format!("/api/v1/shops/{}", shop(&town).await);
    let owner = town.bakery.owner.token.as_str();
    let change = json!({ "city": "Espoo" });
    town.patch(&path, change.clone()).bearer(owner).await.refused(428, "precondition_required");
    town.patch(&path, change.clone()).bearer(owner).if_match(1).await.is(200);
    let stale = town.patch(&path, change).bearer(owner).if_match(1).await.refused(412, "stale");
    assert_eq!(stale.json()["current_version"], 2);
    assert_eq!(town.subjects().await.len(), 2, "a refusal publishes nothing");
    town.finish().await;
}

#[tokio::test]
async fn the_same_key_adds_one_shop() {
    let town = open().await;
    let manager = town.bakery.manager.token.as_str();
    let first = town.post("/api/v1/shops", bakery()).bearer(manager).key("one").await.is(201);
    let again = town.post("/api/v1/shops", bakery()).bearer(manager).key("one").await.is(201);
    assert_eq!((first.text("/id"), again.header("idempotency-replayed")), (again.text("/id"), "true"));
    let other = with(bakery(), &json!({ "city": "Espoo" }));
    town.post("/api/v1/shops", other).bearer(manager).key("one").await.refused(422, "idempotency_mismatch");
    assert_eq!(town.count("SELECT count(*) FROM storefront.shops").await, 1);
    assert_eq!(town.subjects().await, ["shop.created.v1"]);
    town.finish().await;
}

#[tokio::test]
async fn a_deleted_shop_is_gone_with_its_zones_and_stays_a_row() {
    let town = open().await;
    let (id, manager) = (shop(&town).await, town.bakery.manager.token.as_str());
    let own = with(zone("Own", 0.01), &json!({ "shop_id": id }));
    let own = add_zone(&town, &own).await.text("/id");
    let all = add_zone(&town, &zone("All", 0.1)).await.text("/id");
    let path = format!("/api/v1/shops/{id}");
    town.delete(&path).bearer(manager).await.is(204);
    town.get(&path).bearer(manager).await.refused(404, "not_found");
    town.delete(&path).bearer(manager).await.refused(404, "not_found");
    town.patch(&path, json!({})).bearer(manager).if_match(2).await.refused(404, "not_found");
    let list = town.get("/api/v1/shops").bearer(manager).await.is(200);
    assert_eq!(list.json()["items"], json!([]));
    town.get(format!("/api/v1/zones/{own}")).bearer(manager).await.refused(404, "not_found");
    town.get(format!("/api/v1/zones/{all}")).bearer(manager).await.is(200);
    let subjects = town.subjects().await;
    assert_eq!(subjects[3..], ["zone.deleted.v1", "shop.deleted.v1"]);
    assert_eq!(town.count("SELECT count(*) FROM storefront.shops WHERE deleted_at IS NOT NULL").await, 1);
    let audited = town.audited().await;
    assert_eq!(audited[3..], ["delete_shop", "delete_shop"], "the zone and the shop");
    town.finish().await;
}

#[tokio::test]
async fn a_foreign_organisation_sees_nothing() {
    let town = open().await;
    let path = format!("/api/v1/shops/{}", shop(&town).await);
    let stranger = town.florist.owner.token.as_str();
    town.get(&path).bearer(stranger).await.refused(404, "not_found");
    town.patch(&path, json!({ "city": "Turku" }))
        .bearer(stranger)
        .if_match(1)
        .await
        .refused(404, "not_found");
    town.delete(&path).bearer(stranger).await.refused(404, "not_found");
    assert_eq!(town.get("/api/v1/shops").bearer(stranger).await.is(200).json()["items"], json!([]));
    town.get("/api/v1/shops/shop_x").bearer(stranger).await.refused(404, "not_found");
    town.finish().await;
}

#[tokio::test]
async fn a_list_is_read_page_by_page() {
    let town = open().await;
    let manager = town.bakery.manager.token.as_str();
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(shop_like(&town, &json!({ "name": format!("Shop {number}") })).await.text("/id"));
    }
    let (mut seen, mut path) = (Vec::new(), "/api/v1/shops?limit=2".to_owned());
    loop {
        let page = town.get(&path).bearer(manager).await.is(200).json();
        seen.extend(
            page["items"].as_array().unwrap().iter().map(|shop| shop["id"].as_str().unwrap().to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/shops?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    town.get("/api/v1/shops?cursor=x").bearer(manager).await.refused(400, "invalid_cursor");
    town.get("/api/v1/shops?limit=0").bearer(manager).await.is(422);
    town.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_changes_of_one_version_one_is_stale() {
    let town = open().await;
    let path = format!("/api/v1/shops/{}", shop(&town).await);
    let change = |city: &str| {
        let call = town.patch(&path, json!({ "city": city }));
        call.bearer(&town.bakery.owner.token).if_match(1).send()
    };
    let (one, two) = tokio::join!(change("Espoo"), change("Vantaa"));
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(town.subjects().await, ["shop.created.v1", "shop.updated.v1"]);
    town.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zone_is_added_to_a_shop_that_is_there_or_not_at_all() {
    let town = open().await;
    let owner = town.bakery.owner.token.as_str();
    for _ in 0..5 {
        let shop = shop(&town).await;
        let body = with(zone("Z", 0.1), &json!({ "shop_id": shop }));
        let add = town.post("/api/v1/zones", body).bearer(owner).send();
        let delete = town.delete(format!("/api/v1/shops/{shop}")).bearer(owner).send();
        let (added, deleted) = tokio::join!(add, delete);
        assert_eq!(deleted.status, 204, "{deleted}");
        assert!([201, 404].contains(&added.status), "{added}");
    }
    let orphans = "SELECT count(*) FROM storefront.zones z JOIN storefront.shops s ON s.id = z.shop_id
                    WHERE s.deleted_at IS NOT NULL";
    assert_eq!(town.count(orphans).await, 0);
    town.finish().await;
}

#[tokio::test]
async fn everybody_of_the_organisation_sees_shops_and_managers_keep_them() {
    let town = open().await;
    let path = format!("/api/v1/shops/{}", shop(&town).await);
    for (role, token) in town.bakery.credentials() {
        let seen = town.get(&path).bearer(token).await;
        assert_eq!(seen.status, if role.as_str() == "device" { 403 } else { 200 }, "{role}");
    }
    for token in [&town.bakery.dispatcher.token, &town.bakery.driver.token, &town.bakery.customer.token] {
        town.delete(&path).bearer(token).await.refused(403, "forbidden");
        town.post("/api/v1/shops", bakery()).bearer(token).await.refused(403, "forbidden");
    }
    town.get(&path).await.is(401);
    town.finish().await;
}

#[tokio::test]
async fn a_shop_is_deleted_once_with_the_same_key() {
    let town = open().await;
    let path = format!("/api/v1/shops/{}", shop(&town).await);
    let call = || town.delete(&path).bearer(&town.bakery.owner.token).key("gone");
    call().await.is(204);
    assert_eq!(call().await.is(204).header("idempotency-replayed"), "true");
    assert_eq!(town.subjects().await, ["shop.created.v1", "shop.deleted.v1"]);
    assert_eq!(town.audited().await, ["create_shop", "delete_shop"]);
    town.finish().await;
}

#[tokio::test]
async fn an_event_says_all_that_others_need_to_know() {
    let town = open().await;
    let id = shop(&town).await;
    let events = town.events().await;
    assert_eq!(
        events[0].1,
        json!({ "shop_id": id, "facts": {
            "name": "Ada's Bakery", "number_prefix": "A", "street": "Aleksanterinkatu 52", "postcode": "00100",
            "city": "Helsinki", "position": { "lat": 60.1699, "lon": 24.9384 }, "phone": "+358912345678",
            "time_zone": "Europe/Helsinki", "currency": "EUR", "preparation_s": 900, "service_s": 120,
        } })
    );
    town.finish().await;
}

#[tokio::test]
async fn hours_are_replaced_as_a_whole_and_shown_in_order() {
    let town = open().await;
    let span = |from: &str, until: &str| json!({ "from": from, "until": until });
    let hours = json!({ "monday": [span("14:00", "18:00"), span("08:00", "12:00")] });
    let made = shop_like(&town, &json!({ "opening_hours": hours })).await;
    assert_eq!(
        made.json()["opening_hours"]["monday"],
        json!([span("08:00", "12:00"), span("14:00", "18:00")])
    );
    assert_eq!(made.json()["opening_hours"]["tuesday"], json!([]));
    let path = format!("/api/v1/shops/{}", made.text("/id"));
    let other = json!({ "opening_hours": { "tuesday": [span("09:00", "10:00")] } });
    let changed = town.patch(&path, other).bearer(&town.bakery.owner.token).if_match(1).await.is(200);
    assert_eq!(changed.json()["opening_hours"]["monday"], json!([]));
    assert_eq!(changed.json()["opening_hours"]["tuesday"], json!([span("09:00", "10:00")]));
    town.finish().await;
}
