//! Signing out, other devices, other organisations, and browsers.

use kernel::time::SignedDuration;
use serde_json::json;

use crate::app::{Actor, App, Login, PASSWORD, PUBLIC_URL, Town, nobody};

#[tokio::test]
async fn signing_out_ends_the_tokens_at_once() {
    let app = App::new().await;
    let founder = app.founder().await;
    let other = app.again(&founder).await;
    app.client.post("/api/v1/auth/logout").bearer(&founder.token).await.is(204);
    app.get("/api/v1/users/me").bearer(&founder.token).await.refused(401, "invalid_token");
    app.refresh(&founder.refresh).await.refused(401, "session_ended");
    app.get("/api/v1/users/me").bearer(&other.token).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn another_process_hears_of_it() {
    let app = App::new().await;
    let founder = app.founder().await;
    app.client.post("/api/v1/auth/logout").bearer(&founder.token).await.is(204);
    let elsewhere = platform::auth::Revocations::default();
    let now = kernel::time::Clock::now(&app.db.clock);
    elsewhere.refresh(app.identity.db().pool(), now).await.unwrap();
    assert!(elsewhere.contains(founder.session().parse().unwrap()));
    app.finish().await;
}

#[tokio::test]
async fn people_see_their_devices_and_end_one() {
    let app = App::new().await;
    let founder = app.founder().await;
    let body = founder.login.body();
    let phone = app
        .post("/api/v1/auth/login", body)
        .header("user-agent", "Mozilla/5.0 (Linux; Android 14) Firefox/130.0");
    let phone = Actor::signed_in(&phone.await.is(200), founder.login.clone());
    let list = app.get("/api/v1/auth/sessions").bearer(&founder.token).await.is(200).json();
    let seen: Vec<_> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["device"].clone(), s["current"].clone()))
        .collect();
    assert_eq!(seen, [(json!("Firefox on Android"), json!(false)), (json!("unknown device"), json!(true))]);
    let id = list["items"][0]["id"].as_str().unwrap();
    assert_eq!(id, phone.session());
    app.delete(format!("/api/v1/auth/sessions/{id}")).bearer(&founder.token).await.is(204);
    app.get("/api/v1/users/me").bearer(&phone.token).await.refused(401, "invalid_token");
    app.refresh(&phone.refresh).await.refused(401, "session_ended");
    app.delete(format!("/api/v1/auth/sessions/{id}")).bearer(&founder.token).await.refused(404, "not_found");
    app.finish().await;
}

#[tokio::test]
async fn a_session_of_somebody_else_is_not_there_however_often_one_asks() {
    let town = Town::new().await;
    let app = &town.app;
    let victim = town.bakery.manager.session();
    for path in
        [format!("/api/v1/auth/sessions/{victim}"), format!("/api/v1/auth/sessions/{}", nobody("session"))]
    {
        // With a key the second refusal is the stored one: it must not do what the first did not.
        for _ in 0..2 {
            let call = app.delete(&path).bearer(&town.florist.owner.token).key(&path);
            call.await.refused(404, "not_found");
        }
    }
    app.get("/api/v1/users/me").bearer(&town.bakery.manager.token).await.is(200);
    town.app.finish().await;
}

#[tokio::test]
async fn switching_enters_only_where_one_is_a_member() {
    let town = Town::new().await;
    let app = &town.app;
    let switch = |actor: &Actor, org: &str| {
        app.post("/api/v1/auth/switch", json!({ "organization_id": org })).bearer(&actor.token)
    };
    switch(&town.bakery.owner, town.florist.id()).await.refused(404, "not_found");
    switch(&town.bakery.owner, &nobody("org")).await.refused(404, "not_found");
    app.post("/api/v1/auth/switch", json!({}))
        .bearer(&town.bakery.owner.token)
        .await
        .refused(403, "forbidden");
    let token = app.invite(&town.florist.owner, "manager").await;
    let join = json!({ "token": token, "name": "x", "email": "odile@bakery.example", "password": PASSWORD });
    app.post("/api/v1/auth/invitations/accept", join).await.is(201);
    let there = switch(&town.bakery.owner, town.florist.id()).await.is(200);
    assert_eq!(
        (there.text("/role"), there.text("/organization_id")),
        ("manager".into(), town.florist.id().into())
    );
    let there = there.text("/access_token");
    app.get(format!("/api/v1/organizations/{}", town.florist.id())).bearer(&there).await.is(200);
    app.get(format!("/api/v1/organizations/{}", town.bakery.id()))
        .bearer(&there)
        .await
        .refused(404, "not_found");
    let mine = app.get("/api/v1/organizations").bearer(&there).await.is(200).json();
    assert_eq!(mine["items"].as_array().unwrap().len(), 2);
    town.app.finish().await;
}

#[tokio::test]
async fn who_is_cut_off_here_keeps_no_token_from_before_a_switch() {
    let town = Town::new().await;
    let app = &town.app;
    let token = app.invite(&town.florist.owner, "dispatcher").await;
    let join = json!({ "token": token, "name": "x", "email": "dora@bakery.example", "password": PASSWORD });
    app.post("/api/v1/auth/invitations/accept", join).await.is(201);
    let dora = &town.bakery.dispatcher;
    let elsewhere = json!({ "organization_id": town.florist.id() });
    app.post("/api/v1/auth/switch", elsewhere).bearer(&dora.token).await.is(200);
    // Her session names the florist now, but the bakery's token in her hands is still good for minutes.
    app.get("/api/v1/members").bearer(&dora.token).await.is(200);
    let member = app.member_of(&town.bakery.owner, &dora.user).await;
    app.delete(format!("/api/v1/members/{member}")).bearer(&town.bakery.owner.token).await.is(204);
    app.get("/api/v1/members").bearer(&dora.token).await.refused(401, "invalid_token");
    town.app.finish().await;
}

#[tokio::test]
async fn a_browser_keeps_its_token_in_a_cookie_that_scripts_and_strangers_cannot_use() {
    let app = App::new().await;
    let founder = app.founder().await;
    let mut body = founder.login.body();
    body["client"] = "browser".into();
    let reply = app.post("/api/v1/auth/login", body).await.is(200);
    assert!(reply.json().get("refresh_token").is_none());
    let cookie = reply.header("set-cookie").to_owned();
    for attribute in ["HttpOnly", "SameSite=Strict", "Secure", "Path=/api/v1/auth", "Max-Age=25919"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap().to_owned();
    let refresh = || app.post("/api/v1/auth/token/refresh", json!({})).header("cookie", &pair);
    refresh().await.refused(403, "foreign_origin");
    refresh().header("origin", "https://evil.example").await.refused(403, "foreign_origin");
    refresh().header("origin", "null").await.refused(403, "foreign_origin");
    refresh().header("origin", &format!("{PUBLIC_URL}.evil.example")).await.refused(403, "foreign_origin");
    let renewed = refresh().header("origin", PUBLIC_URL).await.is(200);
    assert!(renewed.json().get("refresh_token").is_none());
    let token = renewed.text("/access_token");
    let out = app.client.post("/api/v1/auth/logout").bearer(&token).await.is(204);
    assert!(out.header("set-cookie").contains("Max-Age=0"), "{}", out.header("set-cookie"));
    app.finish().await;
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_and_is_forgotten() {
    let app = App::new().await;
    let founder = app.founder().await;
    app.pass(SignedDuration::from_hours(30 * 24));
    app.refresh(&founder.refresh).await.refused(401, "session_ended");
    let again = app.sign_in(&Login::Email("olga@example.org".into())).await.is(200);
    let list = app.get("/api/v1/auth/sessions").bearer(&again.text("/access_token")).await.is(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    app.finish().await;
}
