//! Guessing is slow, whoever asks and from wherever, and the fields tell the truth about it.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use kernel::time::SignedDuration;
use platform::telemetry::metrics::Metrics;
use serde_json::json;
use testkit::Proof;
use testkit::http::Reply;

use crate::app::{App, Login, PASSWORD, Wishes};

async fn guess(app: &App, email: &str, from: IpAddr) -> Reply {
    let body = json!({ "email": email, "password": "wrong horse battery" });
    app.post("/api/v1/auth/login", body).from(from).await
}

/// `r` and `t` of the named policy.
fn announced(reply: &Reply, policy: &str) -> (i64, i64) {
    let field = reply.header("ratelimit");
    let item = field
        .split(", ")
        .find(|item| item.starts_with(&format!("\"{policy}\"")))
        .unwrap_or_else(|| panic!("{field}"));
    let number = |name: &str| {
        let value = item.split(';').find_map(|part| part.strip_prefix(name));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{field}"))
    };
    (number("r="), number("t="))
}

#[tokio::test]
async fn an_account_is_guessed_five_times_a_minute_from_all_sources_together() {
    let app = App::new().await;
    let founder = app.founder().await;
    let mut verdicts = Vec::new();
    for _ in 0..40 {
        verdicts.push(guess(&app, "olga@example.org", app.source()).await.status);
    }
    assert_eq!(verdicts.iter().filter(|status| **status == 401).count(), 5, "{verdicts:?}");
    assert_eq!(verdicts.iter().filter(|status| **status == 429).count(), 35);
    app.sign_in(&founder.login).await.refused(429, "rate_limited");
    app.pass(SignedDuration::from_secs(12));
    app.sign_in(&founder.login).await.is(200);
    app.finish().await;
}

#[tokio::test]
async fn a_source_guesses_twenty_times_a_minute_over_all_accounts() {
    let app = App::new().await;
    app.founder().await;
    let from = app.source();
    let mut verdicts = Vec::new();
    for n in 0..40 {
        verdicts.push(guess(&app, &format!("person{n}@example.org"), from).await.status);
    }
    assert_eq!(verdicts.iter().filter(|status| **status == 401).count(), 20, "{verdicts:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_header_that_names_another_source_changes_nothing() {
    let app = App::new().await;
    app.founder().await;
    let (from, mut passed) = (app.source(), 0);
    for n in 0..40 {
        let body = json!({ "email": format!("person{n}@example.org"), "password": PASSWORD });
        let forged = format!("203.0.113.{n}");
        let call = app.post("/api/v1/auth/login", body).from(from);
        let reply =
            call.header("x-forwarded-for", &forged).header("forwarded", &format!("for={forged}")).await;
        passed += usize::from(reply.status == 401);
    }
    assert_eq!(passed, 20);
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_account_is_limited_like_a_known_one() {
    let app = App::new().await;
    app.founder().await;
    let mut rows = Vec::new();
    for email in ["olga@example.org", "nobody@example.org"] {
        let mut row = Vec::new();
        for _ in 0..7 {
            let reply = guess(&app, email, app.source()).await;
            row.push((reply.verdict(), reply.header("retry-after").to_owned()));
        }
        rows.push(row);
    }
    assert_eq!(rows[0], rows[1]);
    app.finish().await;
}

#[tokio::test]
async fn who_obeys_the_fields_is_never_limited() {
    let app = App::new().await;
    app.founder().await;
    let from = app.source();
    for turn in 0..30 {
        let reply = guess(&app, "olga@example.org", from).await;
        assert_eq!(reply.status, 401, "turn {turn}: {reply}");
        for policy in ["account", "source"] {
            let (left, reset) = announced(&reply, policy);
            if left == 0 {
                app.pass(SignedDuration::from_secs(reset));
            }
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn retry_after_is_the_truth() {
    let app = App::new().await;
    app.founder().await;
    let mut limited = 0;
    for _ in 0..20 {
        let reply = guess(&app, "olga@example.org", app.source()).await;
        if reply.status == 429 {
            limited += 1;
            let wait: i64 = reply.header("retry-after").parse().unwrap();
            assert!((1..=12).contains(&wait), "{reply}");
            app.pass(SignedDuration::from_secs(wait));
            assert_eq!(guess(&app, "olga@example.org", app.source()).await.status, 401);
        }
    }
    assert!(limited > 3);
    app.finish().await;
}

#[tokio::test]
async fn every_door_to_an_account_counts_together() {
    let app = App::new().await;
    let founder = app.founder().await;
    // Who may invite could otherwise try a stranger's password with each new invitation.
    let mut tried = 0;
    for _ in 0..12 {
        let token = app.invite(&founder, "customer").await;
        let body = json!({ "token": token, "name": "x", "email": "olga@example.org", "password": "wrong horse battery" });
        let reply = app.post("/api/v1/auth/invitations/accept", body).await;
        assert!([409, 429].contains(&reply.status), "{reply}");
        tried += usize::from(reply.status == 409);
    }
    assert_eq!(tried, 5);
    guess(&app, "olga@example.org", app.source()).await.refused(429, "rate_limited");
    app.finish().await;
}

#[tokio::test]
async fn resets_are_not_a_way_to_flood_a_mailbox() {
    let app = App::new().await;
    app.founder().await;
    for _ in 0..10 {
        let call = app.post("/api/v1/auth/password/forgot", json!({ "email": "olga@example.org" }));
        call.await.is(204);
        app.settle().await;
    }
    assert!(app.mail.take().len() <= 5);
    let from = app.source();
    let mut passed = 0;
    for n in 0..30 {
        let body = json!({ "email": format!("person{n}@example.org") });
        passed += usize::from(app.post("/api/v1/auth/password/forgot", body).from(from).await.status == 204);
    }
    assert!(passed <= 20, "{passed}");
    app.finish().await;
}

/// What was seen from outside while many signed in at once.
struct Storm {
    replies: Vec<Reply>,
    /// Most hashes that `/metrics` ever showed.
    most_hashes: f64,
    /// How long another operation took, sorted.
    others: Vec<Duration>,
}

async fn storm(app: &App, sign_ins: usize) -> Storm {
    let founder = app.founder().await;
    let from =
        |n: usize| IpAddr::from([10, 9, u8::try_from(n / 200).unwrap(), u8::try_from(n % 200).unwrap()]);
    let sign_ins = (0..sign_ins).map(|n| {
        let body = json!({ "email": format!("person{n}@example.org"), "password": PASSWORD });
        app.post("/api/v1/auth/login", body).from(from(n)).send()
    });
    let (mut most_hashes, mut others) = (0.0_f64, Vec::new());
    let look = async {
        loop {
            let shown = app.get("/metrics").await.is(200);
            let shown = String::from_utf8_lossy(&shown.body).into_owned();
            let running = shown.lines().find_map(|line| line.strip_prefix("dropmate_auth_hashes_running "));
            most_hashes = most_hashes.max(running.map_or(0.0, |number| number.parse().unwrap()));
            let begun = Instant::now();
            app.get("/api/v1/users/me").bearer(&founder.token).await.is(200);
            others.push(begun.elapsed());
            platform::lifecycle::pause(Duration::from_millis(2)).await;
        }
    };
    let replies = tokio::select! {
        replies = join_all(sign_ins) => replies,
        () = look => unreachable!("looking has no end"),
    };
    others.sort_unstable();
    Storm { replies, most_hashes, others }
}

/// Row E9 of the reliability catalogue, with the control that more hashes at once would be seen.
#[tokio::test]
async fn proof_sign_in_storm() {
    let proof = Proof::new("sign-in storm");
    let metrics = Metrics::install().unwrap();
    let with = |hash_concurrency| {
        let metrics = metrics.clone();
        App::with(Wishes {
            hash_concurrency,
            metrics: Arc::new(move || metrics.render()),
            ..Wishes::default()
        })
    };
    let app = with(2).await;
    let Storm { replies, most_hashes, others } = storm(&app, 200).await;
    let count = |status| replies.iter().filter(|reply| reply.status == status).count();
    let (served, refused) = (count(401), count(503));
    assert_eq!(served + refused, 200);
    assert!(served > 0 && refused > 0, "{served} served, {refused} refused");
    let told = replies.iter().filter(|reply| reply.status == 503);
    assert!(told.into_iter().all(|reply| !reply.header("retry-after").is_empty() && reply.code() == "busy"));
    assert!((most_hashes - 2.0).abs() < f64::EPSILON, "{most_hashes} hashes at once");
    let p99 = others[others.len() * 99 / 100];
    assert!(p99 <= Duration::from_millis(400), "another operation took {p99:?} (p99 of {})", others.len());
    app.finish().await;

    let app = with(8).await;
    let control = storm(&app, 60).await;
    assert!(control.most_hashes > 4.0, "the control: only {} hashes at once were seen", control.most_hashes);
    app.finish().await;
    proof.report(&format!(
        "200 at once: at most {most_hashes} hashes at a time, {served} answered, {refused} told to come again; \
         another operation p99 {} ms",
        p99.as_millis()
    ));
}

#[tokio::test]
async fn a_number_is_guessed_no_faster_than_an_address() {
    let app = App::new().await;
    let founder = app.founder().await;
    app.join(&founder, "driver", "Dan Driver", Login::Phone("+4930901820".into())).await;
    let mut passed = 0;
    for pin in 100_000..100_020 {
        let body = json!({ "phone": "+4930901820", "pin": pin.to_string() });
        passed += usize::from(app.post("/api/v1/auth/login", body).await.status == 401);
    }
    assert_eq!(passed, 4, "joining was one of five");
    app.finish().await;
}
