//! Keys rotate by themselves under load (row E7 of the reliability catalogue): nobody ever meets a key that is not
//! published yet, and what a retired key signs is refused.
//!
//! Three processes share a database. Each reads the keys at its own moment, once a minute of business time. The first
//! answers requests, the second signs in people and rotates, the third has stopped reading: it stands for a thief.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use futures::future::join_all;
use identity::{Identity, keys};
use kernel::time::{Clock as _, SignedDuration};
use platform::auth::{Audience, KeySet as _, Principal, Role, Who};
use platform::db::Scope;
use testkit::Proof;

use crate::app::{Actor, App, Wishes, process};

/// Business time between two looks at everything.
const STEP: SignedDuration = SignedDuration::from_secs(30);
/// How long a key signs.
const PERIOD: SignedDuration = SignedDuration::from_hours(1);
/// Steps in the life of an access token, less one.
const TOKEN_STEPS: usize = 29;

fn principal(actor: &Actor) -> Principal {
    let who = Who::User { user: actor.user.parse().unwrap(), session: actor.session().parse().unwrap() };
    Principal { who, role: Role::Owner, org: Some(actor.org().parse().unwrap()), scopes: BTreeSet::new() }
}

fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

struct Walked {
    requests: usize,
    failed: usize,
    kids: BTreeSet<String>,
    per_second: f64,
}

/// Moves time through `rotations` and sends `load` requests in each step, with tokens of every age that lives.
/// `early` is the mutant: a key signs at once, before anybody could have read it.
async fn walk(
    app: &App,
    signing: &Identity,
    actor: &Actor,
    rotations: i64,
    load: usize,
    early: bool,
) -> Walked {
    let who = principal(actor);
    let steps = usize::try_from((rotations * PERIOD.as_secs() + 3600) / STEP.as_secs()).unwrap();
    let mut tokens: VecDeque<String> = VecDeque::new();
    let mut walked = Walked { requests: 0, failed: 0, kids: BTreeSet::new(), per_second: 0.0 };
    let begun = Instant::now();
    for step in 0..steps {
        app.pass(STEP);
        if step % 2 == 0 {
            keys::load(&app.identity).await.unwrap();
        } else {
            keys::load(signing).await.unwrap();
        }
        if early && step % 120 == 61 {
            keys::rotate_with(signing, SignedDuration::ZERO).await.unwrap();
        }
        if !early && step % 20 == 7 {
            keys::rotate_if_due(signing, &Scope::installation()).await.unwrap();
        }
        let fresh = signing.keys().sign(Audience::Api, &who, app.db.clock.now()).unwrap();
        walked.kids.insert(kid(&fresh));
        tokens.push_back(fresh);
        if tokens.len() > TOKEN_STEPS {
            tokens.pop_front();
        }
        // The newest and the oldest each time, and others in between.
        let chosen = (0..load).map(|n| &tokens[(tokens.len() - 1) * n / (load - 1)]);
        let replies = join_all(chosen.map(|token| app.get("/api/v1/users/me").bearer(token).send())).await;
        walked.requests += replies.len();
        walked.failed += replies.iter().filter(|reply| reply.status != 200).count();
    }
    walked.per_second = f64::from(u32::try_from(walked.requests).unwrap()) / begun.elapsed().as_secs_f64();
    walked
}

async fn start() -> (App, Identity, Identity, Actor) {
    let app = App::with(Wishes { key_rotation: PERIOD, ..Wishes::default() }).await;
    let founder = app.founder().await;
    let (signing, stopped) = (process(&app), process(&app));
    keys::load(&signing).await.unwrap();
    keys::load(&stopped).await.unwrap();
    (app, signing, stopped, founder)
}

#[tokio::test]
async fn proof_key_rotation() {
    let proof = Proof::new("key rotation");
    let (app, signing, stopped, founder) = start().await;
    let rotations = proof.size(3, 6);
    let walked = walk(&app, &signing, &founder, rotations, proof.size(2, 12), false).await;
    assert_eq!(walked.failed, 0, "of {}", walked.requests);
    assert!(i64::try_from(walked.kids.len()).unwrap() > rotations, "{:?}", walked.kids);
    let floor = proof.size(0.0, 300.0);
    assert!(walked.per_second >= floor, "{} requests a second", walked.per_second);

    let stolen = stopped.keys().sign(Audience::Api, &principal(&founder), app.db.clock.now()).unwrap();
    assert!(walked.kids.contains(&kid(&stolen)), "the control: a key that was good once");
    app.get("/api/v1/users/me").bearer(&stolen).await.refused(401, "invalid_token");
    assert!(!app.published.all().iter().any(|key| key.kid == kid(&stolen)));
    keys::rotate_if_due(&signing, &Scope::installation()).await.unwrap();
    let alive = "SELECT count(*) FROM identity.signing_keys WHERE private_key IS NOT NULL";
    let published = i64::try_from(app.published.all().len()).unwrap();
    assert_eq!(app.count(alive).await, published, "private halves of retired keys are destroyed");
    let rows = i64::try_from(walked.kids.len()).unwrap();
    assert!(app.count("SELECT count(*) FROM identity.signing_keys").await >= rows, "the rows stay");
    proof.report(&format!(
        "{} requests through {} rotations, {:.0} a second, 0 failed; a token of the first key is refused",
        walked.requests,
        walked.kids.len() - 1,
        walked.per_second
    ));
    app.finish().await;
}

/// The mutant: a key that signs before it is published is met by somebody who does not know it.
#[tokio::test]
async fn proof_key_rotation_sees_a_key_that_is_used_before_it_is_published() {
    let proof = Proof::new("key rotation, key used before it is published");
    let (app, signing, _, founder) = start().await;
    let walked = walk(&app, &signing, &founder, 1, 2, true).await;
    assert!(walked.failed > 0, "nobody noticed in {} requests", walked.requests);
    proof.report(&format!("{} of {} requests failed", walked.failed, walked.requests));
    app.finish().await;
}

#[tokio::test]
async fn the_next_key_comes_when_the_time_of_the_present_one_is_over_and_not_before() {
    let app =
        App::with(Wishes { key_rotation: SignedDuration::from_hours(30 * 24), ..Wishes::default() }).await;
    let look = || async { keys::rotate_if_due(&app.identity, &Scope::installation()).await.unwrap() };
    assert_eq!(look().await, None);
    app.pass(SignedDuration::from_hours(30 * 24) - SignedDuration::from_mins(30));
    assert_eq!(look().await, None);
    app.pass(SignedDuration::from_mins(10));
    let next = look().await.expect("the next key, twenty minutes before it signs");
    assert_eq!(look().await, None, "once");
    assert_eq!(app.published.all().len(), 2);
    app.pass(SignedDuration::from_mins(41));
    assert_eq!(look().await, None);
    let left: Vec<String> = app.published.all().into_iter().map(|key| key.kid).collect();
    assert_eq!(left, [next.to_string()]);
    // After a month in which no process ran, one key follows, not many.
    app.pass(SignedDuration::from_hours(90 * 24));
    assert!(look().await.is_some());
    assert_eq!(look().await, None);
    app.finish().await;
}

#[tokio::test]
async fn two_processes_that_look_at_once_make_one_key() {
    let (app, signing, _, _) = start().await;
    app.pass(PERIOD);
    let scope = Scope::installation();
    let both = join_all([&app.identity, &signing].map(|process| keys::rotate_if_due(process, &scope))).await;
    assert_eq!(both.into_iter().filter_map(Result::unwrap).count(), 1);
    app.finish().await;
}
