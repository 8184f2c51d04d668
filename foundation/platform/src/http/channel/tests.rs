//! Calls in one process and over a real connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::routing::{any, get};
use http::HeaderMap;
use kernel::random::Random;
use kernel::time::{ManualClock, Timestamp};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::auth::ServiceIdentity;
use crate::http::ClientIp;
use crate::http::callers::{CLIENT_IP, REFUSED, SERVICE_TOKEN};
use crate::http::header::IDEMPOTENCY_KEY;
use crate::http::server::{Endpoint, ServerLimits, serve};

#[tokio::test(start_paused = true)]
async fn a_call_has_a_deadline() {
    let router =
        Router::new().route("/", get(|| async { "hello" })).route("/slow", get(std::future::pending::<()>));
    let channel = Channel::in_process(router, Duration::from_secs(5));
    let call = |path: &str| channel.call(Request::get(path).body(Body::empty()).unwrap());
    assert_eq!(call("/").await.unwrap().status(), 200);
    assert_eq!(call("/slow").await.unwrap_err().kind(), Kind::Timeout);
    // What is left to the request counts when it is less.
    let request = Request::get("/slow").extension(Deadline::after(Duration::from_secs(1)));
    let begun = tokio::time::Instant::now();
    assert_eq!(channel.call(request.body(Body::empty()).unwrap()).await.unwrap_err().kind(), Kind::Timeout);
    assert_eq!(begun.elapsed().as_secs(), 1);
}

fn remote(authority: &str) -> Remote {
    let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
    let random = Random::seeded(1);
    Remote::new(Target {
        service: "orders",
        authority: authority.parse().unwrap(),
        identity: ServiceIdentity::draw("gateway", &random, clock).unwrap(),
        random,
    })
}

/// A service that answers with this router; its channel and how to stop it.
#[expect(clippy::disallowed_methods, reason = "a test")]
async fn served(router: Router) -> (Channel, CancellationToken) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let stop = CancellationToken::new();
    tokio::spawn(serve(vec![Endpoint::plain(listener)], router, stop.clone(), ServerLimits::default()));
    (Channel::http(remote(&address), Duration::from_secs(5)), stop)
}

/// Says back what it was told, one header a line.
async fn echo(headers: HeaderMap, body: String) -> String {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("{name}: {}\n", value.to_str().unwrap())
    };
    headers.iter().map(line).collect::<String>() + &body
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1_000_000).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_call_over_a_wire_says_who_calls_for_whom_and_until_when() {
    let (channel, _stop) = served(Router::new().fallback(any(echo))).await;
    let request = Request::post("/x?y=1")
        .header(SERVICE_TOKEN, "forged")
        .header(CLIENT_IP, "6.6.6.6")
        .header("authorization", "Bearer of-the-user")
        .header("host", "deliver.example")
        .extension(ClientIp("203.0.113.9".parse().unwrap()))
        .body(Body::from("the body"))
        .unwrap();
    let said = text(channel.call(request).await.unwrap()).await;
    for part in [
        "x-dropmate-service-token: eyJ",
        "x-dropmate-client-ip: 203.0.113.9",
        "authorization: Bearer of-the-user",
        "the body",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(
        said.contains("x-dropmate-deadline-ms: 4") || said.contains("x-dropmate-deadline-ms: 5000"),
        "{said}"
    );
    assert!(!said.contains("forged") && !said.contains("6.6.6.6"), "{said}");
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_then_told_at_once() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let remote = remote(&closed);
    let channel = Channel::http(remote.clone(), Duration::from_secs(5));
    for _ in 0..3 {
        let error = channel.call(Request::post("/").body(Body::empty()).unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.retry_after().is_some()), (Kind::Unavailable, true));
    }
    assert!(remote.is_cut_off(), "nine failures in a row");
}

#[tokio::test]
async fn only_what_may_happen_twice_is_sent_again_when_the_connection_breaks() {
    // A server that takes the connection and the request, and hangs up.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let taken = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&taken);
    let hang_up = async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut heard = [0; 1024];
            let _said = tokio::io::AsyncReadExt::read(&mut stream, &mut heard).await;
            count.fetch_add(1, Ordering::SeqCst);
        }
    };
    let calls = async {
        for (request, sent) in [
            (Request::post("/").header(IDEMPOTENCY_KEY, "k"), 1),
            (Request::delete("/").header("authorization", "Bearer x"), 1),
            (Request::get("/"), 3),
            (Request::post("/").header(IDEMPOTENCY_KEY, "k").header("authorization", "Bearer x"), 3),
        ] {
            // A circuit of its own for each.
            let channel = Channel::http(remote(&address), Duration::from_secs(5));
            let request = request.body(Body::from("{}")).unwrap();
            let what = format!("{} {:?}", request.method(), request.headers());
            let before = taken.load(Ordering::SeqCst);
            assert_eq!(channel.call(request).await.unwrap_err().kind(), Kind::Unavailable);
            assert_eq!(taken.load(Ordering::SeqCst) - before, sent, "{what}");
        }
    };
    tokio::select! {
        () = hang_up => {}
        () = calls => {}
    }
}

#[tokio::test]
async fn a_refused_service_token_is_renewed_once_and_is_never_the_users_fault() {
    let asked = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&asked);
    let refuse = any(move || {
        count.fetch_add(1, Ordering::SeqCst);
        std::future::ready((http::StatusCode::UNAUTHORIZED, [(REFUSED, "service-token")]))
    });
    let (channel, _stop) = served(Router::new().fallback(refuse)).await;
    let error = channel.call(Request::post("/").body(Body::from("{}")).unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), asked.load(Ordering::SeqCst)), (Kind::Unavailable, 2));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_the_callers_fault_and_no_broken_wire() {
    let (channel, _stop) = served(Router::new().fallback(any(echo))).await;
    let limited = http_body_util::Limited::new(
        Body::from_stream(futures::stream::iter(
            (0..100).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024])),
        )),
        1024 * 1024,
    );
    let error = channel.call(Request::post("/").body(Body::new(limited)).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge, "{error:?}");
    assert!(channel.call(Request::get("/").body(Body::empty()).unwrap()).await.is_ok());
}
