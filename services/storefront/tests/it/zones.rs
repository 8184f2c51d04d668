//! Delivery zones come, change and go.

use serde_json::{Value, json};

use crate::world::{add_zone, open, shop, square, with, zone};

const DRIVER: &str = "driver_01h455vb4pex5vsknk084sn02q";

#[tokio::test]
async fn a_zone_is_added_read_changed_and_removed() {
    let town = open().await;
    let manager = town.bakery.manager.token.as_str();
    let shop = shop(&town).await;
    let body = with(zone("Centre", 0.01), &json!({ "shop_id": shop, "pool": [DRIVER, DRIVER], "rank": 3 }));
    let made = add_zone(&town, &body).await;
    let path = format!("/api/v1/zones/{}", made.text("/id"));
    assert_eq!((made.header("location"), made.version()), (path.as_str(), 1));
    assert_eq!(made.json()["pool"], json!([DRIVER]), "named twice, in it once");
    let read = town.get(&path).bearer(&town.bakery.driver.token).await.is(200);
    assert_eq!(read.json(), made.json());
    town.get(&path).bearer(manager).header("if-none-match", "\"1\"").await.is(304);

    let change = json!({ "shop_id": null, "minimum_minor": null, "fee_minor": 0, "area": square(0.02), "pool": [], "rank": -1 });
    let changed = town.patch(&path, change).bearer(manager).if_match(1).await.is(200);
    assert_eq!((changed.json().get("shop_id"), changed.json().get("minimum_minor")), (None, None));
    assert_eq!(changed.json()["area"], square(0.02));
    assert_eq!((changed.version(), changed.text("/name")), (2, "Centre".to_owned()));
    town.patch(&path, json!({ "rank": 1 })).bearer(manager).if_match(1).await.refused(412, "stale");

    town.delete(&path).bearer(manager).await.is(204);
    town.get(&path).bearer(manager).await.refused(404, "not_found");
    town.delete(&path).bearer(manager).await.refused(404, "not_found");
    let events = town.events().await;
    let subjects: Vec<_> = events.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["shop.created.v1", "zone.created.v1", "zone.updated.v1", "zone.deleted.v1"]);
    assert_eq!(events[1].1["facts"]["fee"], json!({ "amount_minor": 390, "currency": "EUR" }));
    assert_eq!(events[1].1["facts"]["minimum"]["amount_minor"], 1500);
    assert_eq!(events[2].1["facts"].get("minimum"), None);
    assert_eq!(town.audited().await, ["create_shop", "create_zone", "update_zone", "delete_zone"]);
    town.finish().await;
}

#[tokio::test]
async fn the_list_can_be_limited_to_a_shop() {
    let town = open().await;
    let (shop, manager) = (shop(&town).await, town.bakery.manager.token.as_str());
    let all = add_zone(&town, &zone("All", 0.1)).await.text("/id");
    let own = add_zone(&town, &with(zone("Own", 0.1), &json!({ "shop_id": shop }))).await.text("/id");
    let ids = |page: Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|zone| zone["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        ids(town.get("/api/v1/zones").bearer(manager).await.is(200).json()),
        [all.clone(), own.clone()]
    );
    let path = format!("/api/v1/zones?shop_id={shop}");
    assert_eq!(ids(town.get(path).bearer(manager).await.is(200).json()), std::slice::from_ref(&own));
    let first = town.get("/api/v1/zones?limit=1").bearer(manager).await.is(200);
    let path = format!("/api/v1/zones?limit=1&cursor={}", first.text("/next_cursor"));
    assert_eq!(ids(town.get(path).bearer(manager).await.is(200).json()), [own]);
    town.get("/api/v1/zones?shop_id=shop_1").bearer(manager).await.is(422);
    town.get("/api/v1/zones").bearer(&town.bakery.customer.token).await.refused(403, "forbidden");
    town.finish().await;
}

#[tokio::test]
async fn what_is_no_zone_is_refused_with_its_place() {
    let town = open().await;
    let corner = |lat: f64, lon: f64| json!({ "lat": lat, "lon": lon });
    let bow_tie = json!([corner(0.0, 0.0), corner(1.0, 1.0), corner(1.0, 0.0), corner(0.0, 1.0)]);
    let around = json!([corner(0.0, 179.0), corner(0.0, -179.0), corner(1.0, -179.0)]);
    let many: Vec<Value> =
        (0..1001).map(|i| corner(f64::from(i) / 100.0, f64::from(i).powi(2) / 1e5)).collect();
    let cases = [
        (json!({ "area": bow_tie }), "/area", "the edges of an area must not cross"),
        (
            json!({ "area": [corner(0.0, 0.0), corner(1.0, 1.0)] }),
            "/area",
            "an area has at least three different corners",
        ),
        (json!({ "area": around }), "/area", "an area must not cross the 180th meridian"),
        (json!({ "area": many }), "/area", "an area has at most 1,000 corners"),
        (json!({ "area": [corner(95.0, 0.0)] }), "/area/0", ""),
        (json!({ "fee_minor": -1 }), "/fee_minor", ""),
        (json!({ "fee_minor": 3.5 }), "/fee_minor", ""),
        (json!({ "minimum_minor": -1 }), "/minimum_minor", ""),
        (json!({ "currency": "EURO" }), "/currency", ""),
        (json!({ "pool": ["user_01h455vb4pex5vsknk084sn02q"] }), "/pool/0", ""),
        (json!({ "rank": 40_000 }), "/rank", ""),
    ];
    for (members, pointer, detail) in cases {
        let body = with(zone("Z", 0.1), &members);
        let refused = town.post("/api/v1/zones", body).bearer(&town.bakery.owner.token).await.is(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{refused}");
        if !detail.is_empty() {
            assert_eq!(refused.json()["errors"][0]["detail"], detail);
        }
    }
    town.finish().await;
}

#[tokio::test]
async fn a_zone_belongs_to_a_shop_of_its_organisation() {
    let town = open().await;
    let (shop, stranger) = (shop(&town).await, town.florist.owner.token.as_str());
    let body = with(zone("Z", 0.1), &json!({ "shop_id": shop }));
    town.post("/api/v1/zones", body.clone()).bearer(stranger).await.refused(404, "not_found");
    let made = add_zone(&town, &body).await.text("/id");
    let path = format!("/api/v1/zones/{made}");
    town.get(&path).bearer(stranger).await.refused(404, "not_found");
    town.patch(&path, json!({ "rank": 1 })).bearer(stranger).if_match(1).await.refused(404, "not_found");
    town.delete(&path).bearer(stranger).await.refused(404, "not_found");
    assert_eq!(town.get("/api/v1/zones").bearer(stranger).await.is(200).json()["items"], json!([]));
    let theirs = town.post("/api/v1/zones", zone("Theirs", 0.1)).bearer(stranger).await.is(201).text("/id");
    let change = json!({ "shop_id": shop });
    let path = format!("/api/v1/zones/{theirs}");
    town.patch(path, change).bearer(stranger).if_match(1).await.refused(404, "not_found");
    town.delete(format!("/api/v1/shops/{shop}")).bearer(&town.bakery.owner.token).await.is(204);
    town.post("/api/v1/zones", body).bearer(&town.bakery.owner.token).await.refused(404, "not_found");
    town.finish().await;
}

#[tokio::test]
async fn the_same_key_adds_one_zone() {
    let town = open().await;
    let manager = town.bakery.manager.token.as_str();
    let first = town.post("/api/v1/zones", zone("Z", 0.1)).bearer(manager).key("z").await.is(201);
    let again = town.post("/api/v1/zones", zone("Z", 0.1)).bearer(manager).key("z").await.is(201);
    assert_eq!(first.text("/id"), again.text("/id"));
    assert_eq!(town.subjects().await, ["zone.created.v1"]);
    town.finish().await;
}
