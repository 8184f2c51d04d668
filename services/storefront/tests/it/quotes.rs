//! What a delivery costs and when it arrives.

use contracts::tracking::TravelLearned;
use kernel::geo::Position;
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::{Factors, Leg, Matrix, Profile};
use platform::db::BoxFuture;
use platform::travel::TravelTimes;
use serde_json::{Value, json};
use testkit::http::Reply;
use testkit::service::{Stage, Town};

use crate::world::{add_zone, open, shop, shop_like, with, zone};

/// Ten minutes and three kilometres to everywhere, and no way to the south pole.
#[derive(Debug)]
struct Known;

impl TravelTimes for Known {
    fn matrix<'a>(
        &'a self,
        profile: Profile,
        origins: &'a [Position],
        destinations: &'a [Position],
        _leaving: Timestamp,
    ) -> BoxFuture<'a, platform::Result<Matrix>> {
        assert_eq!(profile, Profile::Car);
        let leg = |_, to: usize| {
            (destinations[to].lat() > -90.0).then_some(Leg { duration_s: 600, distance_m: 3_000 })
        };
        let matrix = Matrix::fill(origins.len(), destinations.len(), "known", leg);
        Box::pin(std::future::ready(Ok(matrix)))
    }
}

async fn known() -> Town {
    Stage::new(storefront::manifest(), storefront::service).with_travel(Known).open().await
}

fn near() -> Value {
    json!({ "lat": 60.1720, "lon": 24.9400 })
}

async fn ask(town: &Town, body: &Value) -> Reply {
    town.post("/api/v1/quotes", body.clone()).bearer(&town.bakery.customer.token).await
}

#[tokio::test]
async fn a_quote_names_zone_fee_and_window() {
    let town = known().await;
    let shop = shop(&town).await;
    let centre = add_zone(&town, &zone("Centre", 0.05)).await.text("/id");
    let quote = ask(&town, &json!({ "shop_id": shop, "dropoff": near(), "value_minor": 1500 })).await.is(201);
    let (now, body) = (town.now(), quote.json());
    assert_eq!(body["zone"], json!({ "id": centre, "name": "Centre" }));
    assert_eq!(body["fee"], json!({ "amount_minor": 390, "currency": "EUR" }));
    assert_eq!((&body["distance_m"], &body["duration_s"]), (&json!(3000), &json!(600)));
    assert_eq!((&body["eta"]["probability"], &body["eta"]["source"]), (&json!(0.8), &json!("known")));
    // 15 minutes of preparation, 2 at the shop, 10 on the way, 2 at the door: 29 minutes; 20 % and 40 % of them.
    let after = |pointer: &str| {
        let moment: Timestamp = quote.text(pointer).parse().unwrap();
        moment.duration_since(now).as_secs_f64()
    };
    assert!((after("/eta/expected") - 29.0 * 60.0).abs() < 1.0, "{quote}");
    assert!((after("/eta/earliest") - 29.0 * 60.0 * 0.8).abs() < 1.0, "{quote}");
    assert!((after("/eta/latest") - 29.0 * 60.0 * 1.4).abs() < 1.0, "{quote}");
    assert!((after("/valid_until") - 15.0 * 60.0).abs() < 1.0, "{quote}");
    assert_eq!(town.count("SELECT count(*) FROM storefront.quotes WHERE fee_minor = 390").await, 1);
    assert_eq!(town.audited().await.last().unwrap(), "create_quote");
    assert_eq!(
        town.subjects().await,
        ["shop.created.v1", "zone.created.v1"],
        "a quote is nobody else's business"
    );
    town.finish().await;
}

/// Every hour half as slow again as the source of the test says.
fn slow() -> Factors {
    let by_source = [("known/car".to_owned(), vec![1.5; 24])].into();
    Factors { time_zone: "Europe/Helsinki".to_owned(), by_source }
}

#[tokio::test]
async fn a_quote_knows_how_long_ways_really_take_for_this_organisation() {
    let town = known().await;
    let shop = shop(&town).await;
    let asked = json!({ "shop_id": shop, "dropoff": near() });
    let learned = TravelLearned { factors: slow() };
    town.publish(town.bakery.id, town.bakery.id.uuid(), 2, &learned).await;
    town.settle().await;
    let quote = ask(&town, &asked).await.is(201).json();
    assert_eq!((&quote["duration_s"], &quote["distance_m"]), (&json!(900), &json!(3000)));
    // What comes late is older than what is known.
    let earlier = TravelLearned { factors: Factors::default() };
    town.publish(town.bakery.id, town.bakery.id.uuid(), 1, &earlier).await;
    town.settle().await;
    assert_eq!(ask(&town, &asked).await.is(201).json()["duration_s"], 900);
    let foreign = town.post("/api/v1/quotes", json!({ "pickup": near(), "dropoff": near() }));
    let foreign = foreign.bearer(&town.florist.customer.token).await.is(201).json();
    assert_eq!(foreign["duration_s"], 600, "others have learned nothing");
    town.finish().await;
}

#[tokio::test]
async fn of_overlapping_zones_the_highest_rank_counts() {
    let town = known().await;
    let (one, other) = (shop(&town).await, shop(&town).await);
    let fee = |minor: i64, rank: i64| json!({ "fee_minor": minor, "rank": rank, "minimum_minor": null });
    add_zone(&town, &with(zone("Wide", 1.0), &fee(900, 0))).await;
    add_zone(&town, &with(zone("Centre", 0.05), &fee(300, 5))).await;
    add_zone(&town, &with(zone("Twin", 0.05), &fee(200, 5))).await;
    let own = with(zone("Own", 0.5), &fee(100, 9));
    add_zone(&town, &with(own, &json!({ "shop_id": other }))).await;
    let fee_of = async |shop: &str, dropoff: Value| {
        let quote = ask(&town, &json!({ "shop_id": shop, "dropoff": dropoff })).await.is(201);
        quote.json()["fee"]["amount_minor"].as_i64().unwrap()
    };
    assert_eq!(fee_of(&one, near()).await, 300, "of equal ranks the older");
    assert_eq!(fee_of(&one, json!({ "lat": 60.5, "lon": 24.9 })).await, 900);
    assert_eq!(fee_of(&other, near()).await, 100, "the shop's own");
    town.finish().await;
}

#[tokio::test]
async fn a_place_outside_of_all_zones_is_refused_unless_there_are_none() {
    let town = known().await;
    let shop = shop(&town).await;
    let far = json!({ "shop_id": shop, "dropoff": { "lat": 61.5, "lon": 23.8 } });
    let free = ask(&town, &far).await.is(201);
    assert_eq!((free.json().get("zone"), free.json().get("fee")), (None, None));
    add_zone(&town, &zone("Centre", 0.05)).await;
    let refused = ask(&town, &far).await.refused(422, "outside_zones");
    assert_eq!(refused.json()["errors"][0]["pointer"], "/dropoff");
    // Another shop's zone is none for this one.
    let other = shop_like(&town, &json!({ "name": "Other" })).await.text("/id");
    add_zone(&town, &with(zone("Everywhere", 5.0), &json!({ "shop_id": other }))).await;
    ask(&town, &far).await.refused(422, "outside_zones");
    ask(&town, &with(far, &json!({ "shop_id": other }))).await.is(201);
    town.finish().await;
}

#[tokio::test]
async fn an_order_below_the_minimum_is_refused_with_the_minimum() {
    let town = known().await;
    let shop = shop(&town).await;
    add_zone(&town, &zone("Centre", 0.05)).await;
    let asked = json!({ "shop_id": shop, "dropoff": near(), "value_minor": 1499 });
    let refused = ask(&town, &asked).await.refused(422, "below_minimum");
    assert_eq!(refused.json()["minimum"], json!({ "amount_minor": 1500, "currency": "EUR" }));
    ask(&town, &json!({ "shop_id": shop, "dropoff": near() })).await.is(201);
    assert_eq!(town.count("SELECT count(*) FROM storefront.quotes").await, 1, "a refusal is not kept");
    town.finish().await;
}

#[tokio::test]
async fn a_closed_shop_is_counted_from_its_next_opening() {
    let town = known().await;
    // Friday, 14:00 in Helsinki; the shop opens on Saturday at 10:00, which is 08:00 UTC.
    let hours = json!({ "saturday": [{ "from": "10:00", "until": "16:00" }] });
    let shop = shop_like(&town, &json!({ "opening_hours": hours })).await.text("/id");
    let quote = ask(&town, &json!({ "shop_id": shop, "dropoff": near() })).await.is(201);
    assert_eq!(quote.text("/eta/expected"), "2026-11-21T08:29:00Z");
    let asked = json!({ "shop_id": shop, "dropoff": near(), "ready_at": "2026-11-21T12:00:00+02:00" });
    assert_eq!(ask(&town, &asked).await.is(201).text("/eta/expected"), "2026-11-21T10:29:00Z", "open then");
    let asked = json!({ "shop_id": shop, "dropoff": near(), "ready_at": "2026-11-21T18:00:00Z" });
    assert_eq!(
        ask(&town, &asked).await.is(201).text("/eta/expected"),
        "2026-11-28T08:29:00Z",
        "a week later"
    );
    let never = shop_like(&town, &json!({ "opening_hours": {} })).await.text("/id");
    ask(&town, &json!({ "shop_id": never, "dropoff": near() })).await.refused(422, "never_open");
    town.finish().await;
}

#[tokio::test]
async fn the_pick_up_may_be_stated_and_must_be_known() {
    let town = known().await;
    let nowhere = shop_like(&town, &json!({ "position": null })).await.text("/id");
    let refused = ask(&town, &json!({ "shop_id": nowhere, "dropoff": near() })).await.is(422);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/pickup");
    ask(&town, &json!({ "shop_id": nowhere, "dropoff": near(), "pickup": near() })).await.is(201);
    let refused = ask(&town, &json!({ "dropoff": near() })).await.is(422);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/pickup");
    let quote = ask(&town, &json!({ "dropoff": near(), "pickup": near() })).await.is(201);
    let expected: Timestamp = quote.text("/eta/expected").parse().unwrap();
    assert!((expected.duration_since(town.now()).as_secs_f64() - 720.0).abs() < 1.0, "way and door only");
    town.finish().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let town = known().await;
    let shop = shop(&town).await;
    let pole = json!({ "shop_id": shop, "dropoff": { "lat": -90, "lon": 0 } });
    ask(&town, &pole).await.refused(422, "unreachable");
    for (members, pointer) in [
        (json!({ "ready_at": "2027-11-20T12:00:00Z" }), "/ready_at"),
        (json!({ "ready_at": "9999-12-30T00:00:00Z" }), "/ready_at"),
        (json!({ "ready_at": "soon" }), "/ready_at"),
        (json!({ "value_minor": -1 }), "/value_minor"),
        (json!({ "dropoff": null }), "/dropoff"),
        (json!({ "tip": 1 }), "/tip"),
    ] {
        let refused =
            ask(&town, &with(json!({ "shop_id": shop, "dropoff": near() }), &members)).await.is(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{refused}");
    }
    let past = json!({ "shop_id": shop, "dropoff": near(), "ready_at": "2020-01-01T00:00:00Z" });
    let expected: Timestamp = ask(&town, &past).await.is(201).text("/eta/expected").parse().unwrap();
    assert!(expected > town.now(), "what was ready long ago is delivered from now on");
    let stranger = town.florist.customer.token.as_str();
    let asked = json!({ "shop_id": shop, "dropoff": near() });
    town.post("/api/v1/quotes", asked).bearer(stranger).await.refused(404, "not_found");
    town.finish().await;
}

#[tokio::test]
async fn the_same_key_gets_the_same_quote_whatever_has_changed() {
    let town = known().await;
    let shop = shop(&town).await;
    let asked = json!({ "shop_id": shop, "dropoff": near() });
    let call = || town.post("/api/v1/quotes", asked.clone()).bearer(&town.bakery.customer.token).key("q");
    let first = call().await.is(201);
    add_zone(&town, &zone("Centre", 0.05)).await;
    town.delete(format!("/api/v1/shops/{shop}")).bearer(&town.bakery.owner.token).await.is(204);
    assert_eq!(call().await.is(201).json(), first.json());
    town.finish().await;
}

#[tokio::test]
async fn without_roads_the_straight_line_answers() {
    let town = open().await;
    let shop = shop(&town).await;
    let quote = ask(&town, &json!({ "shop_id": shop, "dropoff": near() })).await.is(201);
    assert_eq!(quote.text("/eta/source"), "straight_line");
    assert!(quote.json()["distance_m"].as_i64().unwrap() > 200);
    town.finish().await;
}

#[tokio::test]
async fn ended_quotes_are_removed_a_day_later_in_every_organisation() {
    let town = open().await;
    let shop = shop(&town).await;
    ask(&town, &json!({ "shop_id": shop, "dropoff": near() })).await.is(201);
    let theirs = json!({ "pickup": near(), "dropoff": near() });
    town.post("/api/v1/quotes", theirs).bearer(&town.florist.manager.token).await.is(201);
    town.pass(SignedDuration::from_hours(24));
    town.settle().await;
    assert_eq!(town.count("SELECT count(*) FROM storefront.quotes").await, 2, "ended, and kept a day");
    town.pass(SignedDuration::from_hours(2));
    town.settle().await;
    assert_eq!(town.count("SELECT count(*) FROM storefront.quotes").await, 0);
    assert_eq!(town.count("SELECT count(*) FROM storefront.shops").await, 1);
    town.finish().await;
}
