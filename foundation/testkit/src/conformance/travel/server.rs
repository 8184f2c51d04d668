//! A routing server that is played: the adapter's test says how its protocol answers, and what goes wrong is chosen here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::{Router, extract::Request};
use http_body_util::BodyExt as _;
use kernel::geo::Position;

/// Degrees of latitude from which on there is no way from the south: an island without a ferry.
pub const ISLAND: f64 = 65.0;
/// Degrees of latitude from which on there is no road at all.
pub const SEA: f64 = 70.0;

/// Seconds and metres of a way: the line times 1.2 at 10 m/s, one second more to the east; `None` between an island and the
/// rest.
pub fn way(from: Position, to: Position) -> Option<(f64, f64)> {
    let distance_m = from.distance_m(to) * 1.2;
    let east = if to.lon() > from.lon() { 1.0 } else { 0.0 };
    let is_apart = (from.lat() >= ISLAND) != (to.lat() >= ISLAND);
    (!is_apart).then_some((distance_m / 10.0 + east, distance_m))
}

/// What a server was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `GET`, `POST`.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The body.
    pub body: String,
}

/// What a server says.
#[derive(Debug, Clone)]
pub enum Says {
    /// What its protocol says about the ways.
    Ways,
    /// This status and body.
    This(u16, String),
    /// The same, so much later.
    Late(Duration),
    /// It takes the question, and nothing comes.
    Nothing,
}

/// How a protocol answers: status and body.
pub type Protocol = fn(&Asked) -> (u16, String);

/// The server; it ends with the value.
#[derive(Debug)]
pub struct FakeServer {
    /// `http://127.0.0.1:...`
    pub url: String,
    played: Played,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Clone)]
struct Played {
    protocol: Protocol,
    says: Arc<Mutex<Says>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl FakeServer {
    /// On a free port of this machine.
    pub async fn start(protocol: Protocol) -> Self {
        let played = Played { protocol, says: Arc::new(Mutex::new(Says::Ways)), asked: Arc::default() };
        let router = Router::new().fallback(answer).with_state(played.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        #[expect(
            clippy::disallowed_methods,
            reason = "a test without a lifecycle; aborted when the value is dropped"
        )]
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, played, task }
    }

    /// From now on.
    pub fn now(&self, says: Says) {
        *self.played.says.lock().unwrap_or_else(PoisonError::into_inner) = says;
    }

    /// What it was asked since the last look.
    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.played.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// An address at which nobody listens.
    pub async fn address_of_nobody() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        format!("http://{}", listener.local_addr().expect("an address"))
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(played): State<Played>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let says = played.says.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let (status, text) = match says {
        Says::Ways => (played.protocol)(&asked),
        Says::Late(wait) => {
            late(wait).await;
            (played.protocol)(&asked)
        }
        Says::This(status, text) => (status, text),
        Says::Nothing => std::future::pending().await,
    };
    played.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    Response::builder().status(status).body(Body::from(text)).expect("a response")
}

#[expect(clippy::disallowed_methods, reason = "it is the real time of a client that is measured")]
async fn late(wait: Duration) {
    tokio::time::sleep(wait).await;
}

/// Origins and destinations of a request in the form of OSRM's table service, which Mapbox has taken over; `None` when it is
/// not in that form.
pub fn table_of(path: &str) -> Option<(Vec<Position>, Vec<Position>)> {
    let (path, query) = path.split_once('?')?;
    let places: Option<Vec<Position>> = path.rsplit('/').next()?.split(';').map(place).collect();
    let places = places?;
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let pick = |name| -> Option<Vec<Position>> {
        let numbers = value(name)?.split(';');
        numbers.map(|number| places.get(number.parse::<usize>().ok()?).copied()).collect()
    };
    (value("annotations")? == "duration,distance").then_some(())?;
    Some((pick("sources")?, pick("destinations")?))
}

/// `longitude,latitude`.
fn place(text: &str) -> Option<Position> {
    let (lon, lat) = text.split_once(',')?;
    Position::new(lat.parse().ok()?, lon.parse().ok()?).ok()
}
