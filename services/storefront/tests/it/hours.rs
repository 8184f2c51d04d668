//! Whether a shop is open, as people see it.

use kernel::time::SignedDuration;
use serde_json::json;

use crate::world::{open, shop_like};

#[tokio::test]
async fn a_shop_shows_whether_it_is_open_and_when_it_opens_next() {
    let town = open().await;
    // Friday 20 November 2026, 12:00 UTC: 14:00 in Helsinki.
    let hours = json!({
        "friday": [{ "from": "10:00", "until": "15:00" }, { "from": "18:00", "until": "02:00" }],
        "monday": [{ "from": "09:00", "until": "17:00" }],
        "exceptions": [{ "date": "2026-11-23", "hours": [] }, { "date": "2026-11-24", "hours": [{ "from": "12:00", "until": "13:00" }] }],
    });
    let made = shop_like(&town, &json!({ "opening_hours": hours })).await;
    assert_eq!(made.json()["open_now"], true);
    assert_eq!(made.json().get("opens_at"), None);
    assert_eq!(made.json()["opening_hours"]["friday"][1], json!({ "from": "18:00", "until": "02:00" }));
    assert_eq!(made.json()["opening_hours"]["exceptions"][0], json!({ "date": "2026-11-23", "hours": [] }));
    let path = format!("/api/v1/shops/{}", made.text("/id"));
    let mut steps = Vec::new();
    for hours in [1, 4, 6, 8] {
        town.pass(SignedDuration::from_hours(hours));
        let owner = town.again(&town.bakery.owner);
        let now = town.get(&path).bearer(&owner.token).await.is(200).json();
        steps.push((now["open_now"].as_bool().unwrap(), now["opens_at"].as_str().map(str::to_owned)));
    }
    let at = |text: &str| Some(text.to_owned());
    assert_eq!(
        steps,
        [
            (false, at("2026-11-20T16:00:00Z")), // 15:00: the evening
            (true, None),                        // 19:00
            (true, None),                        // 01:00 on Saturday
            (false, at("2026-11-24T10:00:00Z")), // Monday is closed this once, Tuesday is an exception
        ]
    );
    town.finish().await;
}

#[tokio::test]
async fn a_shop_without_hours_is_always_open_and_one_without_spans_never() {
    let town = open().await;
    assert_eq!(shop_like(&town, &json!({})).await.json()["open_now"], true);
    let never = shop_like(&town, &json!({ "opening_hours": {} })).await;
    assert_eq!(
        (never.json()["open_now"].clone(), never.json().get("opens_at").cloned()),
        (json!(false), None)
    );
    let path = format!("/api/v1/shops/{}", never.text("/id"));
    let change = json!({ "opening_hours": null });
    let always = town.patch(&path, change).bearer(&town.bakery.owner.token).if_match(1).await.is(200);
    assert_eq!(always.json()["open_now"], true);
    let asked = json!({ "monday": [{ "from": "00:00", "until": "00:00" }] });
    let change = json!({ "opening_hours": asked });
    let mondays = town.patch(&path, change).bearer(&town.bakery.owner.token).if_match(2).await.is(200);
    assert_eq!(mondays.text("/opens_at"), "2026-11-22T22:00:00Z", "midnight in Helsinki");
    town.finish().await;
}

#[tokio::test]
async fn on_the_day_the_clock_changes_the_wall_clock_counts() {
    let town = open().await;
    let night = json!({ "sunday": [{ "from": "03:30", "until": "06:00" }] });
    let path =
        format!("/api/v1/shops/{}", shop_like(&town, &json!({ "opening_hours": night })).await.text("/id"));
    let opens = async |moment: &str| {
        town.db.clock.set(moment.parse().unwrap());
        let owner = town.again(&town.bakery.owner);
        let shop = town.get(&path).bearer(&owner.token).await.is(200).json();
        (shop["open_now"].as_bool().unwrap(), shop["opens_at"].as_str().map(str::to_owned))
    };
    let at = |text: &str| (false, Some(text.to_owned()));
    // In Helsinki 03:00 becomes 04:00 on 28 March 2027, at 01:00 UTC: 03:30 is not on any clock and counts as 04:30.
    assert_eq!(opens("2027-03-28T00:30:00Z").await, at("2027-03-28T01:30:00Z"));
    assert_eq!(opens("2027-03-28T02:59:00Z").await, (true, None));
    assert_eq!(opens("2027-03-28T03:00:00Z").await, at("2027-04-04T00:30:00Z"));
    // 04:00 becomes 03:00 on 31 October 2027, at 01:00 UTC: 03:30 comes twice, and the first counts.
    assert_eq!(opens("2027-10-31T00:00:00Z").await, at("2027-10-31T00:30:00Z"));
    assert_eq!(opens("2027-10-31T01:10:00Z").await, (true, None));
    assert_eq!(opens("2027-10-31T04:00:00Z").await, at("2027-11-07T01:30:00Z"));
    town.finish().await;
}
