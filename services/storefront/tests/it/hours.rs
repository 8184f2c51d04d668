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
