//! Roles, and the end of them.

use futures::future::join_all;
use serde_json::json;

use crate::app::{App, Login, Town, nobody};

#[tokio::test]
async fn a_new_role_holds_at_once_because_the_old_tokens_end() {
    let town = Town::new().await;
    let app = &town.app;
    let (owner, dora) = (&town.bakery.owner, &town.bakery.dispatcher);
    let member = app.member_of(owner, &dora.user).await;
    let path = format!("/api/v1/members/{member}");
    let reply = app.patch(&path, json!({ "role": "manager" })).bearer(&owner.token).if_match(1).await.is(200);
    assert_eq!((reply.text("/role"), reply.version()), ("manager".into(), 2));
    app.get("/api/v1/members").bearer(&dora.token).await.refused(401, "invalid_token");
    let again = app.sign_in(&dora.login).await.is(200);
    assert_eq!(again.text("/role"), "manager");
    let events = app.events().await;
    let expected = json!({ "user_id": dora.user, "from": "dispatcher", "to": "manager" });
    assert_eq!(
        events.iter().filter(|event| **event == ("user.role_changed.v1".into(), expected.clone())).count(),
        1
    );
    town.app.finish().await;
}

#[tokio::test]
async fn managers_touch_nobody_at_their_height_or_above() {
    let town = Town::new().await;
    let app = &town.app;
    let (owner, manager) = (&town.bakery.owner, &town.bakery.manager);
    let second =
        app.join(owner, "manager", "Second Manager", Login::Email("second@bakery.example".into())).await;
    for user in [&owner.user, &second.user, &manager.user] {
        let path = format!("/api/v1/members/{}", app.member_of(owner, user).await);
        app.patch(&path, json!({ "role": "driver" }))
            .bearer(&manager.token)
            .if_match(1)
            .await
            .refused(403, "forbidden");
        app.delete(&path).bearer(&manager.token).await.refused(403, "forbidden");
        app.client.post(format!("{path}/sign-out")).bearer(&manager.token).await.refused(403, "forbidden");
    }
    let driver = format!("/api/v1/members/{}", app.member_of(owner, &town.bakery.driver.user).await);
    for role in ["owner", "manager"] {
        app.patch(&driver, json!({ "role": role }))
            .bearer(&manager.token)
            .if_match(1)
            .await
            .refused(403, "forbidden");
    }
    app.get("/api/v1/members").bearer(&owner.token).await.is(200);
    town.app.finish().await;
}

#[tokio::test]
async fn the_last_owner_stays() {
    let app = App::new().await;
    let founder = app.founder().await;
    let path = format!("/api/v1/members/{}", app.member_of(&founder, &founder.user).await);
    app.delete(&path).bearer(&founder.token).await.refused(409, "last_owner");
    let demote = app.patch(&path, json!({ "role": "manager" })).bearer(&founder.token).if_match(1);
    demote.await.refused(409, "last_owner");
    app.get("/api/v1/users/me").bearer(&founder.token).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn two_owners_who_remove_each_other_at_once_leave_one() {
    for _ in 0..5 {
        let app = App::new().await;
        let ada = app.founder().await;
        let bea = app.join(&ada, "owner", "Bea", Login::Email("bea@example.org".into())).await;
        let (of_ada, of_bea) = (app.member_of(&ada, &ada.user).await, app.member_of(&ada, &bea.user).await);
        let race = [(&ada, of_bea), (&bea, of_ada)]
            .map(|(by, whom)| app.delete(format!("/api/v1/members/{whom}")).bearer(&by.token).send());
        let statuses: Vec<_> = join_all(race).await.iter().map(|reply| reply.status).collect();
        let owners = "SELECT count(*) FROM identity.memberships WHERE role = 'owner' AND ended_at IS NULL";
        assert_eq!(app.count(owners).await, 1, "{statuses:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_lost_phone_is_cut_off_with_one_click() {
    let town = Town::new().await;
    let app = &town.app;
    let dan = &town.bakery.driver;
    let member = app.member_of(&town.bakery.manager, &dan.user).await;
    let call = app.client.post(format!("/api/v1/members/{member}/sign-out"));
    call.bearer(&town.bakery.manager.token).await.is(204);
    app.get("/api/v1/users/me").bearer(&dan.token).await.refused(401, "invalid_token");
    app.refresh(&dan.refresh).await.refused(401, "session_ended");
    app.sign_in(&dan.login).await.is(200);
    town.app.finish().await;
}

#[tokio::test]
async fn who_was_removed_is_no_member_any_more_and_may_come_back_as_another() {
    let town = Town::new().await;
    let app = &town.app;
    let (owner, dora) = (&town.bakery.owner, &town.bakery.dispatcher);
    let path = format!("/api/v1/members/{}", app.member_of(owner, &dora.user).await);
    app.delete(&path).bearer(&owner.token).await.is(204);
    app.delete(&path).bearer(&owner.token).await.refused(404, "not_found");
    app.get("/api/v1/users/me").bearer(&dora.token).await.refused(401, "invalid_token");
    app.sign_in(&dora.login).await.is(403);
    app.get(format!("/api/v1/users/{}", dora.user)).bearer(&owner.token).await.refused(404, "not_found");
    let token = app.invite(owner, "customer").await;
    let mut body = dora.login.body();
    body["token"] = token.into();
    body["name"] = "x".into();
    assert_eq!(app.post("/api/v1/auth/invitations/accept", body).await.is(201).text("/role"), "customer");
    town.app.finish().await;
}

#[tokio::test]
async fn people_see_each_other_as_far_as_their_work_needs() {
    let town = Town::new().await;
    let app = &town.app;
    let of = |user: &str| format!("/api/v1/users/{user}");
    for (role, actor) in town.bakery.people() {
        app.get(of(&actor.user)).bearer(&actor.token).await.is(200);
        let sees = ["owner", "manager", "dispatcher"].contains(&role);
        let colleague = app.get(of(&town.bakery.driver.user)).bearer(&actor.token).await;
        assert_eq!(colleague.status, if sees || role == "driver" { 200 } else { 404 }, "{role}");
        let foreign = app.get(of(&town.florist.driver.user)).bearer(&actor.token).await;
        let none = app.get(of(&nobody("user"))).bearer(&actor.token).await;
        assert_eq!(
            (foreign.verdict(), none.verdict()),
            ((404, "not_found".into()), (404, "not_found".into())),
            "{role}"
        );
    }
    app.get(of(&town.bakery.driver.user)).bearer(&town.bakery.api_key).await.is(200);
    app.get(of(&town.florist.driver.user)).bearer(&town.bakery.api_key).await.refused(404, "not_found");
    town.app.finish().await;
}

#[tokio::test]
async fn people_change_their_own_name() {
    let town = Town::new().await;
    let app = &town.app;
    let me = app.get("/api/v1/users/me").bearer(&town.bakery.driver.token).await.is(200);
    let change = |version: i64, body| {
        app.patch("/api/v1/users/me", body).bearer(&town.bakery.driver.token).if_match(version)
    };
    let reply = change(me.version(), json!({ "name": "  Dan D. Driver " })).await.is(200);
    assert_eq!((reply.text("/name"), reply.version()), ("Dan D. Driver".into(), me.version() + 1));
    change(me.version(), json!({ "name": "x" })).await.refused(412, "stale");
    change(reply.version(), json!({ "operator": true })).await.refused(422, "invalid");
    change(reply.version(), json!({ "email": "a@b.example" })).await.refused(422, "invalid");
    town.app.finish().await;
}
