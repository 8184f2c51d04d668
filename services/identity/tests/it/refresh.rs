//! A refresh token works once; an old one ends the session, except for the answer that was lost a moment ago.

use futures::future::join_all;
use kernel::time::SignedDuration;
use testkit::http::Reply;

use crate::app::{Actor, App};

async fn rotate(app: &App, token: &str) -> String {
    app.refresh(token).await.is(200).text("/refresh_token")
}

async fn dead(app: &App, actor: &Actor, access: &str) {
    app.get("/api/v1/users/me").bearer(access).await.refused(401, "invalid_token");
    app.get("/api/v1/users/me").bearer(&actor.token).await.refused(401, "invalid_token");
}

#[tokio::test]
async fn a_token_is_exchanged_for_the_next() {
    let app = App::new().await;
    let actor = app.founder().await;
    let mut token = actor.refresh.clone();
    for _ in 0..5 {
        let reply = app.refresh(&token).await.is(200);
        assert_ne!(reply.text("/refresh_token"), token);
        app.get("/api/v1/users/me").bearer(&reply.text("/access_token")).await.is(200);
        token = reply.text("/refresh_token");
        app.pass(SignedDuration::from_hours(29 * 24));
    }
    app.pass(SignedDuration::from_hours(2 * 24));
    app.refresh(&token).await.refused(401, "session_ended");
    app.finish().await;
}

#[tokio::test]
async fn many_at_once_get_the_same_successor_and_one_chain_lives() {
    let app = App::new().await;
    let actor = app.founder().await;
    let replies = join_all((0..8).map(|_| app.refresh(&actor.refresh).send())).await;
    let mut next: Vec<String> =
        replies.iter().map(|reply: &Reply| reply.clone().is(200).text("/refresh_token")).collect();
    next.dedup();
    assert_eq!(next.len(), 1, "two chains from one token");
    rotate(&app, &next[0]).await;
    assert_eq!(app.count("SELECT count(*) FROM identity.refresh_tokens WHERE used_at IS NULL").await, 1);
    app.finish().await;
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again_within_ten_seconds() {
    let app = App::new().await;
    let actor = app.founder().await;
    let next = rotate(&app, &actor.refresh).await;
    app.pass(SignedDuration::from_secs(9));
    assert_eq!(rotate(&app, &actor.refresh).await, next);
    rotate(&app, &next).await;
    app.finish().await;
}

#[tokio::test]
async fn after_ten_seconds_a_replay_ends_the_session_at_once() {
    let app = App::new().await;
    let actor = app.founder().await;
    let reply = app.refresh(&actor.refresh).await.is(200);
    app.pass(SignedDuration::from_secs(10));
    app.refresh(&actor.refresh).await.refused(401, "session_ended");
    dead(&app, &actor, &reply.text("/access_token")).await;
    app.refresh(&reply.text("/refresh_token")).await.refused(401, "session_ended");
    app.refresh(&actor.refresh).await.refused(401, "session_ended");
    assert!(app.audited().await.contains(&"refresh_reuse".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn a_grandparent_is_theft_however_soon() {
    let app = App::new().await;
    let actor = app.founder().await;
    let child = rotate(&app, &actor.refresh).await;
    let grandchild = app.refresh(&child).await.is(200);
    app.refresh(&actor.refresh).await.refused(401, "session_ended");
    dead(&app, &actor, &grandchild.text("/access_token")).await;
    app.refresh(&grandchild.text("/refresh_token")).await.refused(401, "session_ended");
    app.finish().await;
}

#[tokio::test]
async fn the_direct_parent_may_repeat_deep_in_the_chain() {
    let app = App::new().await;
    let actor = app.founder().await;
    let second = rotate(&app, &actor.refresh).await;
    let third = rotate(&app, &second).await;
    assert_eq!(rotate(&app, &second).await, third, "its successor is unused: a lost answer");
    rotate(&app, &third).await;
    app.finish().await;
}

#[tokio::test]
async fn a_thief_who_comes_first_is_found_when_the_owner_comes() {
    let app = App::new().await;
    let actor = app.founder().await;
    // The thief refreshes from elsewhere; the owner's app comes a minute later with the same token.
    let thief = app.refresh(&actor.refresh).from([203, 0, 113, 9]).await.is(200);
    app.pass(SignedDuration::from_mins(1));
    app.refresh(&actor.refresh).await.refused(401, "session_ended");
    dead(&app, &actor, &thief.text("/access_token")).await;
    app.sign_in(&actor.login).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn the_grace_is_for_the_client_that_lost_the_answer() {
    let app = App::new().await;
    let actor = app.founder().await;
    let next = app.refresh(&actor.refresh).await.is(200);
    app.pass(SignedDuration::from_secs(1));
    let elsewhere = app.refresh(&actor.refresh).header("user-agent", "curl/8.5.0");
    elsewhere.await.refused(401, "session_ended");
    dead(&app, &actor, &next.text("/access_token")).await;
    app.refresh(&next.text("/refresh_token")).await.refused(401, "session_ended");
    app.finish().await;
}

#[tokio::test]
async fn a_lost_answer_is_recovered_until_its_token_is_used_and_not_after() {
    let app = App::new().await;
    let actor = app.founder().await;
    let lost = rotate(&app, &actor.refresh).await;
    assert_eq!(rotate(&app, &actor.refresh).await, lost);
    let next = app.refresh(&lost).await.is(200);
    app.refresh(&actor.refresh).await.refused(401, "session_ended");
    dead(&app, &actor, &next.text("/access_token")).await;
    app.finish().await;
}

#[tokio::test]
async fn a_client_that_was_updated_goes_on() {
    let app = App::new().await;
    let actor = app.founder().await;
    let updated = app.refresh(&actor.refresh).header("user-agent", "Mozilla/5.0 (X11; Linux) Firefox/140.0");
    updated.await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn nonsense_is_no_refresh_token() {
    let app = App::new().await;
    let actor = app.founder().await;
    let altered = format!("{}x", &actor.refresh[..actor.refresh.len() - 1]);
    for bad in [
        "x",
        "dmr_",
        altered.as_str(),
        actor.token.as_str().get(..200).unwrap_or("x"),
        "dmk_0123456789abcdefghjkmnpqrstvwxyz",
    ] {
        app.refresh(bad).await.refused(401, "session_ended");
    }
    app.refresh(&actor.refresh).await.is(200);
    app.finish().await;
}
