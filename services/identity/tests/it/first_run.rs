//! The link that is printed at start makes its first visitor the owner.

use kernel::time::SignedDuration;
use serde_json::json;

use crate::app::{App, PASSWORD, Town};

#[tokio::test]
async fn the_first_visitor_owns_the_organisation_and_the_link_is_used_up() {
    let app = App::new().await;
    let token = app.owner_link().await;
    let page = || app.get(format!("/api/v1/auth/first-run?token={token}"));
    assert_eq!(page().await.is(200).json()["works"], true);
    let reply = app.first_run(&token, "olga@example.org").await.is(201);
    assert_eq!((reply.text("/role"), reply.text("/organizations/0/name")), ("owner".into(), "Bakery".into()));
    assert_eq!(page().await.is(200).json()["works"], false);
    app.first_run(&token, "mallory@example.org").await.refused(404, "link_expired");
    let link = identity::commands::first_run::owner_link(&app.identity).await.unwrap();
    assert_eq!(link, None, "with an owner there are no more links");
    let events = app.events().await;
    let subjects: Vec<_> = events.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, ["organization.created.v1", "user.created.v1"]);
    assert_eq!(events[1].1, json!({ "user_id": reply.text("/user_id"), "role": "owner" }));
    app.finish().await;
}

#[tokio::test]
async fn of_many_visitors_at_once_one_becomes_the_owner() {
    let app = App::new().await;
    let token = app.owner_link().await;
    let emails: Vec<_> = (0..6).map(|n| format!("visitor{n}@example.org")).collect();
    let race = emails.iter().map(|email| app.first_run(&token, email).send());
    let mut verdicts: Vec<_> =
        futures::future::join_all(race).await.iter().map(|reply| reply.status).collect();
    verdicts.sort_unstable();
    assert_eq!(verdicts, [201, 404, 404, 404, 404, 404]);
    assert_eq!(app.count("SELECT count(*) FROM identity.users").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM identity.organizations").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_link_works_for_thirty_minutes_and_a_fresh_one_ends_it() {
    let app = App::new().await;
    let old = app.owner_link().await;
    let fresh = app.owner_link().await;
    app.first_run(&old, "olga@example.org").await.refused(404, "link_expired");
    app.pass(SignedDuration::from_mins(30));
    app.first_run(&fresh, "olga@example.org").await.refused(404, "link_expired");
    let fresh = app.owner_link().await;
    app.pass(SignedDuration::from_secs(29 * 60 + 59));
    app.first_run(&fresh, "olga@example.org").await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn nonsense_is_refused_before_the_link_is_used() {
    let app = App::new().await;
    let token = app.owner_link().await;
    let good = json!({
        "token": token, "organization": "Bakery", "time_zone": "Europe/Berlin", "currency": "EUR",
        "name": "Olga", "email": "olga@example.org", "password": PASSWORD,
    });
    for (field, value) in [
        ("time_zone", json!("Mars/Olympus")),
        ("currency", json!("euro")),
        ("organization", json!("  ")),
        ("name", json!("a\u{0}b")),
        ("email", json!("olga")),
        ("password", json!("short")),
        ("password", json!("          ")),
        ("role", json!("operator")),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        let reply = app.post("/api/v1/auth/first-run", bad).await.refused(422, "invalid");
        assert_eq!(reply.text("/errors/0/pointer"), format!("/{field}"), "{reply}");
    }
    app.post("/api/v1/auth/first-run", good).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn the_operator_belongs_to_the_installation_and_sees_no_organisation() {
    let town = Town::new().await;
    assert_eq!((town.operator.role.as_str(), &town.operator.org), ("operator", &None));
    let call = town.app.get(format!("/api/v1/organizations/{}", town.bakery.id()));
    call.bearer(&town.operator.token).await.refused(403, "forbidden");
    town.app.finish().await;
}
