//! Forgotten and changed passwords, and a new address.

use kernel::time::SignedDuration;
use serde_json::json;

use crate::app::{Actor, App, Login, PASSWORD, Town, Wishes};

const NEW: &str = "staple horse battery";

#[tokio::test]
async fn a_forgotten_password_is_set_with_a_link_that_works_once_and_ends_every_session() {
    let app = App::new().await;
    let founder = app.founder().await;
    let ask = |email: &str| app.post("/api/v1/auth/password/forgot", json!({ "email": email }));
    let known = ask("olga@example.org").await.is(204);
    let unknown = ask("nobody@example.org").await.is(204);
    assert_eq!(known.body, unknown.body, "nobody learns who has an account");
    let mailed = app.mailed().await;
    assert_eq!(mailed.len(), 1);
    assert_eq!(mailed[0].0, "olga@example.org");
    let reset = |token: &str, password: &str| {
        app.post("/api/v1/auth/password/reset", json!({ "token": token, "password": password }))
    };
    reset(&mailed[0].1, "short").await.refused(422, "invalid");
    reset(&mailed[0].1, NEW).await.is(204);
    reset(&mailed[0].1, "other horse battery").await.refused(404, "link_expired");
    app.get("/api/v1/users/me").bearer(&founder.token).await.refused(401, "invalid_token");
    app.refresh(&founder.refresh).await.refused(401, "session_ended");
    app.sign_in(&founder.login).await.refused(401, "wrong_credentials");
    app.post("/api/v1/auth/login", json!({ "email": "olga@example.org", "password": NEW })).await.is(200);
    app.finish().await;
}

/// Every way to choose a password, with one that is easy to guess: for everybody, or for who knows the person.
#[tokio::test]
async fn a_password_that_is_easy_to_guess_is_refused_with_a_reason_everywhere() {
    let app = App::with(Wishes { open_registration: true, ..Wishes::default() }).await;
    let weak = ["password123", "olgaoperator", "operator-olga"];
    let link = app.owner_link().await;
    let first = |password: &str| {
        let mut body = json!({ "token": link, "organization": "Bakery", "time_zone": "Europe/Berlin",
            "currency": "EUR", "name": "Olga Operator", "email": "olga@example.org" });
        body["password"] = password.into();
        app.post("/api/v1/auth/first-run", body)
    };
    for password in weak {
        explained(&first(password).await);
    }
    let founder = Actor::signed_in(&first(PASSWORD).await.is(201), Login::Email("olga@example.org".into()));
    for password in ["1234567890", "olgaoperator"] {
        let change = json!({ "current_password": PASSWORD, "password": password });
        explained(&app.client.put("/api/v1/users/me/password").json(&change).bearer(&founder.token).await);
    }
    let invitation = app.invite(&founder, "manager").await;
    let register =
        json!({ "organization_id": founder.org(), "name": "Karl Kunde", "email": "karl@kunde.example" });
    let accept = json!({ "token": invitation, "name": "Karl Kunde", "email": "karl@kunde.example" });
    for (path, mut body) in [("/api/v1/auth/register", register), ("/api/v1/auth/invitations/accept", accept)]
    {
        // More often than somebody may guess: choosing is not guessing.
        for password in
            ["qwertyuiop", "karlkunde1", "kundekarl2", "1111111111", "letmein2024", "bakerybakery"]
        {
            body["password"] = password.into();
            explained(&app.post(path, &body).await);
        }
    }
    app.post("/api/v1/auth/password/forgot", json!({ "email": "olga@example.org" })).await.is(204);
    let (_, link) = app.mailed().await.remove(0);
    for password in weak {
        explained(
            &app.post("/api/v1/auth/password/reset", json!({ "token": link, "password": password })).await,
        );
    }
    app.post("/api/v1/auth/password/reset", json!({ "token": link, "password": NEW })).await.is(204);
    app.finish().await;
}

fn explained(reply: &testkit::http::Reply) {
    assert_eq!(reply.verdict(), (422, "invalid".to_owned()), "{reply}");
    assert_eq!(reply.text("/errors/0/pointer"), "/password");
    assert!(reply.text("/errors/0/detail").starts_with("Too easy to guess. "), "{reply}");
}

#[tokio::test]
async fn a_long_password_is_welcome_up_to_a_kilobyte() {
    let app = App::new().await;
    let founder = app.founder().await;
    let change = |password: &str| {
        let body = json!({ "current_password": PASSWORD, "password": password });
        app.client.put("/api/v1/users/me/password").json(&body).bearer(&founder.token)
    };
    let long = "nobody expects these words together ".repeat(29);
    change(&long[..1025]).await.refused(422, "invalid");
    change(&"ü".repeat(513)).await.refused(422, "invalid");
    change(&long[..1024]).await.is(204);
    app.post("/api/v1/auth/login", json!({ "email": "olga@example.org", "password": &long[..1024] }))
        .await
        .is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_number_is_proved_by_an_invitation_and_not_just_claimed() {
    let town = Town::new().await;
    let me = town.app.get("/api/v1/users/me").bearer(&town.bakery.driver.token).await.is(200);
    let claim = town.app.patch("/api/v1/users/me", json!({ "phone": "+4930901899" }));
    claim.bearer(&town.bakery.driver.token).if_match(me.version()).await.refused(422, "invalid");
    town.app.finish().await;
}

#[tokio::test]
async fn a_reset_link_expires_and_a_newer_one_ends_it() {
    let app = App::new().await;
    app.founder().await;
    let mut links = Vec::new();
    for _ in 0..2 {
        app.post("/api/v1/auth/password/forgot", json!({ "email": "olga@example.org" })).await.is(204);
        links.push(app.mailed().await.remove(0).1);
    }
    let reset =
        |token: &str| app.post("/api/v1/auth/password/reset", json!({ "token": token, "password": NEW }));
    reset(&links[0]).await.refused(404, "link_expired");
    app.pass(SignedDuration::from_mins(30));
    reset(&links[1]).await.refused(404, "link_expired");
    app.finish().await;
}

#[tokio::test]
async fn a_new_password_needs_the_present_one_and_ends_the_other_sessions() {
    let app = App::new().await;
    let founder = app.founder().await;
    let other = app.again(&founder).await;
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "password": new });
        app.client.put("/api/v1/users/me/password").json(&body).bearer(&founder.token)
    };
    change("wrong horse battery", NEW).await.refused(403, "wrong_password");
    change(PASSWORD, NEW).await.is(204);
    app.get("/api/v1/users/me").bearer(&founder.token).await.is(200);
    app.get("/api/v1/users/me").bearer(&other.token).await.refused(401, "invalid_token");
    app.refresh(&other.refresh).await.refused(401, "session_ended");
    for _ in 0..5 {
        change("wrong horse battery", NEW).await;
    }
    change(NEW, PASSWORD).await.refused(429, "rate_limited");
    app.finish().await;
}

#[tokio::test]
async fn a_new_address_holds_when_its_mailbox_confirms_it() {
    let town = Town::new().await;
    let app = &town.app;
    let manager = &town.bakery.manager;
    let ask = |email: &str, password: &str| {
        app.post("/api/v1/users/me/email", json!({ "email": email, "password": password }))
            .bearer(&manager.token)
    };
    ask("new@bakery.example", "wrong horse battery").await.refused(403, "wrong_password");
    ask("New@bakery.example", PASSWORD).await.is(204);
    let (to, token) = app.mailed().await.remove(0);
    assert_eq!(to, "new@bakery.example");
    app.sign_in(&manager.login).await.is(200);
    let confirm = |token: &str| app.post("/api/v1/auth/email/confirm", json!({ "token": token }));
    confirm(&token).await.is(204);
    confirm(&token).await.refused(404, "link_expired");
    app.sign_in(&manager.login).await.refused(401, "wrong_credentials");
    app.sign_in(&Login::Email("new@bakery.example".into())).await.is(200);
    let events = app.events().await;
    let updated: Vec<_> = events.iter().filter(|(subject, _)| subject == "user.updated.v1").collect();
    assert_eq!(updated.len(), 1);
    assert_eq!(updated[0].1, json!({ "user_id": manager.user, "changed": ["email"] }));
    town.app.finish().await;
}

#[tokio::test]
async fn an_address_that_somebody_has_cannot_be_taken() {
    let town = Town::new().await;
    let app = &town.app;
    let body = json!({ "email": "dora@bakery.example", "password": PASSWORD });
    app.post("/api/v1/users/me/email", body).bearer(&town.bakery.manager.token).await.is(204);
    let (_, token) = app.mailed().await.remove(0);
    app.post("/api/v1/auth/email/confirm", json!({ "token": token })).await.refused(409, "email_taken");
    town.app.finish().await;
}

#[tokio::test]
async fn a_link_of_one_purpose_opens_no_other_door() {
    let town = Town::new().await;
    let app = &town.app;
    app.post("/api/v1/auth/password/forgot", json!({ "email": "max@bakery.example" })).await.is(204);
    let (_, reset) = app.mailed().await.remove(0);
    let invitation = app.invite(&town.bakery.owner, "manager").await;
    for token in [reset.as_str(), invitation.as_str(), &town.bakery.api_key, &town.bakery.owner.refresh] {
        app.post("/api/v1/auth/email/confirm", json!({ "token": token })).await.refused(404, "link_expired");
        app.first_run(token, "eve@example.org").await.refused(404, "link_expired");
        app.get("/api/v1/users/me").bearer(token).await.is(if token.starts_with("dmk_") { 403 } else { 401 });
    }
    app.post("/api/v1/auth/password/reset", json!({ "token": invitation, "password": NEW }))
        .await
        .refused(404, "link_expired");
    app.post("/api/v1/auth/invitations/look-up", json!({ "token": reset }))
        .await
        .refused(404, "link_expired");
    town.app.finish().await;
}
