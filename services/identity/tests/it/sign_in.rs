//! Signing in, registering, and what a stranger learns from trying.

use kernel::ids::UserId;
use kernel::time::SignedDuration;
use serde_json::json;

use crate::app::{Actor, App, Login, PASSWORD, PIN, Town, Wishes, claims, nobody};

#[tokio::test]
async fn people_sign_in_with_address_and_password_drivers_with_number_and_pin() {
    let town = Town::new().await;
    for (role, actor) in town.bakery.people() {
        let reply = town.app.sign_in(&actor.login).await.is(200);
        assert_eq!((reply.text("/role").as_str(), reply.text("/user_id")), (role, actor.user.clone()));
        assert_eq!(reply.header("cache-control"), "no-store");
        let claims = claims(&reply.text("/access_token"));
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
        let text = claims.to_string();
        assert!(!text.contains('@') && !text.contains("+49"), "a token carries identifiers only: {text}");
    }
    let upper = json!({ "email": "ODILE@Bakery.Example", "password": PASSWORD });
    town.app.post("/api/v1/auth/login", upper).await.is(200);
    town.app.finish().await;
}

#[tokio::test]
async fn whatever_is_wrong_the_answer_is_the_same() {
    let town = Town::new().await;
    let app = &town.app;
    let disabled =
        app.join(&town.bakery.owner, "manager", "Dis Abled", Login::Email("dis@bakery.example".into())).await;
    let mut admin = app.db.admin().await;
    let id: UserId = disabled.user.parse().unwrap();
    let disable = sqlx::query("UPDATE identity.users SET state = 'disabled' WHERE id = $1").bind(id.uuid());
    assert_eq!(disable.execute(&mut admin).await.unwrap().rows_affected(), 1);
    let Login::Phone(number) = &town.bakery.driver.login else { panic!("drivers have numbers") };
    let mut answers = Vec::new();
    for body in [
        json!({ "email": "odile@bakery.example", "password": "wrong horse battery" }),
        json!({ "email": "nobody@bakery.example", "password": PASSWORD }),
        json!({ "phone": number, "pin": "000000" }),
        json!({ "phone": "+4930901999", "pin": PIN }),
        json!({ "email": "odile@bakery.example", "password": " " }),
        disabled.login.body(),
    ] {
        let reply = app.post("/api/v1/auth/login", body).await.refused(401, "wrong_credentials");
        let mut problem = reply.json();
        for own in ["request_id", "trace_id"] {
            problem.as_object_mut().unwrap().remove(own);
        }
        answers.push(problem);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:#?}");
    town.app.finish().await;
}

#[tokio::test]
async fn half_a_credential_or_two_of_them_mean_nothing() {
    let app = App::new().await;
    for body in [
        json!({}),
        json!({ "email": "a@b.example" }),
        json!({ "password": PASSWORD }),
        json!({ "email": "a@b.example", "pin": PIN }),
        json!({ "email": "a@b.example", "password": PASSWORD, "phone": "+4930901820", "pin": PIN }),
        json!({ "email": "a@b.example", "password": "\u{0}" }),
        json!({ "email": "a@b.example", "password": PASSWORD, "remember": true }),
        json!({ "email": null, "password": PASSWORD }),
    ] {
        app.post("/api/v1/auth/login", body).await.refused(422, "invalid");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_person_enters_the_organisation_of_choice_and_no_other() {
    let town = Town::new().await;
    let app = &town.app;
    let token = app.invite(&town.florist.manager, "dispatcher").await;
    let join = json!({ "token": token, "name": "x", "email": "odile@bakery.example", "password": PASSWORD });
    app.post("/api/v1/auth/invitations/accept", join).await.is(201);
    let mut body = town.bakery.owner.login.body();
    body["organization_id"] = town.florist.id().into();
    let there = app.post("/api/v1/auth/login", body.clone()).await.is(200);
    assert_eq!(there.text("/role"), "dispatcher");
    let mut verdicts = Vec::new();
    for org in [town.florist.id().to_owned(), nobody("org")] {
        let mut body = town.bakery.manager.login.body();
        body["organization_id"] = org.into();
        verdicts.push(app.post("/api/v1/auth/login", body).await.verdict());
    }
    assert_eq!(verdicts[0], verdicts[1], "a foreign organisation looks like none");
    assert_eq!(verdicts[0].0, 403);
    town.app.finish().await;
}

#[tokio::test]
async fn registration_is_closed_unless_it_was_opened() {
    let app = App::new().await;
    let founder = app.founder().await;
    let body = json!({
        "organization_id": founder.org(), "name": "Carla", "email": "carla@example.org", "password": PASSWORD,
    });
    app.post("/api/v1/auth/register", body).await.refused(403, "registration_closed");
    app.finish().await;
}

#[tokio::test]
async fn a_customer_registers_with_one_business() {
    let app = App::with(Wishes { open_registration: true, ..Wishes::default() }).await;
    let founder = app.founder().await;
    let body = |org: &str, email: &str| json!({ "organization_id": org, "name": "Carla", "email": email, "password": PASSWORD });
    let reply = app.post("/api/v1/auth/register", body(founder.org(), "carla@example.org")).await.is(201);
    let carla = Actor::signed_in(&reply, Login::Email("carla@example.org".to_owned()));
    assert_eq!((carla.role.as_str(), carla.org()), ("customer", founder.org()));
    app.get("/api/v1/members").bearer(&carla.token).await.refused(403, "forbidden");
    let twice = app.post("/api/v1/auth/register", body(founder.org(), "CARLA@example.org")).await;
    twice.refused(409, "email_taken");
    app.post("/api/v1/auth/register", body(&nobody("org"), "eve@example.org"))
        .await
        .refused(404, "not_found");
    let events = app.events().await;
    assert_eq!(events.last().unwrap().1, json!({ "user_id": carla.user, "role": "customer" }));
    app.finish().await;
}

#[tokio::test]
async fn a_token_lives_fifteen_minutes() {
    let app = App::new().await;
    let founder = app.founder().await;
    let me = || app.get("/api/v1/users/me").bearer(&founder.token);
    app.pass(SignedDuration::from_secs(14 * 60 + 58));
    me().await.is(200);
    app.pass(SignedDuration::from_secs(3));
    me().await.refused(401, "invalid_token");
    app.finish().await;
}
