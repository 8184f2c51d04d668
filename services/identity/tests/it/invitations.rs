//! Becoming a member: by link, by QR code, by e-mail; once, in time, with the role that was offered.

use futures::future::join_all;
use kernel::time::SignedDuration;
use serde_json::{Value, json};
use testkit::http::Call;

use crate::app::{App, Login, PASSWORD, PIN, PUBLIC_URL, Town, last_segment, nobody, phone};

fn accept(app: &App, token: &str, login: &Login) -> Call {
    let mut body = login.body();
    body["token"] = token.into();
    body["name"] = "Grace Hopper".into();
    app.post("/api/v1/auth/invitations/accept", body)
}

fn email(name: &str) -> Login {
    Login::Email(format!("{name}@example.org"))
}

#[tokio::test]
async fn owners_invite_everybody_managers_those_below_them_and_nobody_else_anybody() {
    let town = Town::new().await;
    let roles = ["owner", "manager", "dispatcher", "driver", "customer"];
    for (inviter, actor) in town.bakery.people() {
        for role in roles {
            let allowed = match inviter {
                "owner" => true,
                "manager" => ["dispatcher", "driver", "customer"].contains(&role),
                _ => false,
            };
            let call = town.app.post("/api/v1/invitations", json!({ "role": role })).bearer(&actor.token);
            assert_eq!(call.await.status, if allowed { 201 } else { 403 }, "{inviter} invites {role}");
        }
    }
    for role in ["operator", "service", "device", "anonymous", "boss"] {
        let call =
            town.app.post("/api/v1/invitations", json!({ "role": role })).bearer(&town.bakery.owner.token);
        call.await.refused(422, "invalid");
    }
    town.app.finish().await;
}

#[tokio::test]
async fn a_driver_joins_with_the_link_a_number_and_a_pin() {
    let town = Town::new().await;
    let app = &town.app;
    let made = app
        .post("/api/v1/invitations", json!({ "role": "driver" }))
        .bearer(&town.bakery.manager.token)
        .await
        .is(201);
    assert!(made.text("/link").starts_with(&format!("{PUBLIC_URL}/join/dmi_")));
    let svg = made.text("/qr_svg");
    assert!(
        svg.starts_with("<svg")
            && svg.ends_with("</svg>")
            && svg.contains("<path")
            && !svg.contains("<script")
    );
    let token = last_segment(&made.text("/link"));
    let offer = app.post("/api/v1/auth/invitations/look-up", json!({ "token": token })).await.is(200).json();
    assert_eq!(offer, json!({ "organization": "Bakery", "role": "driver" }));
    let login = Login::Phone(phone());
    for pin in ["1234", "12345a", "1234567890123"] {
        let mut body = login.body();
        body["token"] = token.clone().into();
        body["name"] = "Grace Hopper".into();
        body["pin"] = pin.into();
        app.post("/api/v1/auth/invitations/accept", body).await.refused(422, "invalid");
    }
    let reply = accept(app, &token, &login).await.is(201);
    assert_eq!(
        (reply.text("/role"), reply.text("/organization_id")),
        ("driver".into(), town.bakery.id().into())
    );
    app.sign_in(&login).await.is(200);
    town.app.finish().await;
}

#[tokio::test]
async fn an_invitation_is_accepted_once_even_by_many_at_once() {
    let app = App::new().await;
    let founder = app.founder().await;
    let token = app.invite(&founder, "manager").await;
    let race = (0..5).map(|n| accept(&app, &token, &email(&format!("grace{n}"))).send());
    let mut statuses: Vec<_> = join_all(race).await.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 404, 404, 404, 404]);
    assert_eq!(app.count("SELECT count(*) FROM identity.users").await, 2, "no account without a membership");
    accept(&app, &token, &email("late")).await.refused(404, "link_expired");
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_ends_with_its_time_or_when_it_is_taken_back() {
    let app = App::new().await;
    let founder = app.founder().await;
    let late = app.invite(&founder, "manager").await;
    app.pass(SignedDuration::from_hours(7 * 24));
    accept(&app, &late, &email("grace")).await.refused(404, "link_expired");
    let founder = app.again(&founder).await;
    let made =
        app.post("/api/v1/invitations", json!({ "role": "manager" })).bearer(&founder.token).await.is(201);
    let id = made.text("/invitation/id");
    let list = |items: usize| {
        let call = app.get("/api/v1/invitations").bearer(&founder.token);
        async move { assert_eq!(call.await.is(200).json()["items"].as_array().unwrap().len(), items) }
    };
    list(1).await;
    app.delete(format!("/api/v1/invitations/{id}")).bearer(&founder.token).await.is(204);
    app.delete(format!("/api/v1/invitations/{id}")).bearer(&founder.token).await.is(204);
    list(0).await;
    accept(&app, &last_segment(&made.text("/link")), &email("grace")).await.refused(404, "link_expired");
    app.delete(format!("/api/v1/invitations/{}", nobody("invite")))
        .bearer(&founder.token)
        .await
        .refused(404, "not_found");
    app.finish().await;
}

#[tokio::test]
async fn an_accepted_invitation_cannot_be_taken_back() {
    let app = App::new().await;
    let founder = app.founder().await;
    let made =
        app.post("/api/v1/invitations", json!({ "role": "manager" })).bearer(&founder.token).await.is(201);
    accept(&app, &last_segment(&made.text("/link")), &email("grace")).await.is(201);
    let call = app.delete(format!("/api/v1/invitations/{}", made.text("/invitation/id")));
    call.bearer(&founder.token).await.refused(409, "accepted");
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_with_an_address_is_sent_there() {
    let app = App::new().await;
    let founder = app.founder().await;
    let body = json!({ "role": "manager", "email": "Grace@example.org" });
    let made = app.post("/api/v1/invitations", body).bearer(&founder.token).await.is(201);
    let mailed = app.mailed().await;
    assert_eq!(mailed, [("grace@example.org".to_owned(), last_segment(&made.text("/link")))]);
    accept(&app, &mailed[0].1, &email("grace")).await.is(201);
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_that_was_taken_back_in_time_is_not_sent() {
    let app = App::new().await;
    let founder = app.founder().await;
    let body = json!({ "role": "manager", "email": "grace@example.org" });
    let made = app.post("/api/v1/invitations", body).bearer(&founder.token).await.is(201);
    app.delete(format!("/api/v1/invitations/{}", made.text("/invitation/id")))
        .bearer(&founder.token)
        .await
        .is(204);
    assert!(app.mailed().await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn who_has_an_account_joins_a_second_organisation_with_the_same_secret() {
    let town = Town::new().await;
    let app = &town.app;
    for (login, secret) in [(&town.bakery.dispatcher.login, "password"), (&town.bakery.driver.login, "pin")] {
        let token = app.invite(&town.florist.manager, "driver").await;
        let mut body: Value = login.body();
        body["token"] = token.clone().into();
        body["name"] = "Somebody".into();
        body[secret] = if secret == "pin" { "000000" } else { "wrong horse battery" }.into();
        app.post("/api/v1/auth/invitations/accept", body).await.refused(409, "account_exists");
        let reply = accept(app, &token, login).await.is(201);
        assert_eq!(reply.json()["organizations"].as_array().unwrap().len(), 2);
        let again = app.invite(&town.florist.manager, "driver").await;
        accept(app, &again, login).await.refused(409, "already_member");
    }
    let me = app.get("/api/v1/users/me").bearer(&town.bakery.dispatcher.token).await.is(200);
    assert_eq!(me.text("/name"), "Dora Dispatcher", "joining renames nobody");
    town.app.finish().await;
}

#[tokio::test]
async fn who_was_disabled_joins_nothing() {
    let town = Town::new().await;
    let app = &town.app;
    let id: kernel::ids::UserId = town.bakery.dispatcher.user.parse().unwrap();
    let mut admin = app.db.admin().await;
    sqlx::query("UPDATE identity.users SET state = 'disabled' WHERE id = $1")
        .bind(id.uuid())
        .execute(&mut admin)
        .await
        .unwrap();
    let token = app.invite(&town.florist.manager, "driver").await;
    accept(app, &token, &town.bakery.dispatcher.login).await.refused(409, "account_exists");
    app.refresh(&town.bakery.dispatcher.refresh).await.refused(401, "session_ended");
    town.app.finish().await;
}

#[tokio::test]
async fn a_secret_is_stored_only_as_its_hash() {
    let app = App::new().await;
    let founder = app.founder().await;
    let token = app.invite(&founder, "driver").await;
    let mut body = json!({ "token": token, "name": "x", "phone": phone(), "pin": PIN });
    app.post("/api/v1/auth/invitations/accept", body.clone()).await.is(201);
    body["password"] = PASSWORD.into();
    app.post("/api/v1/auth/invitations/accept", body).await.refused(422, "invalid");
    let all = crate::privacy::everything(&app).await;
    for secret in [token.as_str(), &founder.refresh, PIN, PASSWORD] {
        assert!(!all.contains(secret), "{secret} is stored");
    }
    app.finish().await;
}
