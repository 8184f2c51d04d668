//! How a courier's positions travel: through the API, over the realtime socket, or from a tracker app with its own protocol.
//!
//! Each way is that of a real device: the socket stays open and every message is acknowledged before the next one, tracker apps
//! know nothing of sign-ins and send with the key of their device. Whatever was not acknowledged is sent again in the same form,
//! which the installation stores once.

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt as _, StreamExt as _};
use kernel::geo::Position;
use kernel::time::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::api::{Api, Session};

/// How long an acknowledgement may take.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// What a courier carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The driver's page: `POST /drivers/{id}/location`.
    Phone,
    /// An app on the realtime socket. Behind TLS it reports as the page does: this client speaks WebSockets in the clear only.
    Socket,
    /// OwnTracks over HTTP.
    OwnTracks,
    /// Traccar Client, as OsmAnd reports.
    Traccar,
    /// Overland.
    Overland,
}

impl Device {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Phone, Self::Socket, Self::OwnTracks, Self::Traccar, Self::Overland];

    /// The word of the API for what needs a key of its own.
    pub(crate) fn protocol(self) -> Option<&'static str> {
        match self {
            Self::Phone | Self::Socket => None,
            Self::OwnTracks => Some("owntracks"),
            Self::Traccar => Some("traccar"),
            Self::Overland => Some("overland"),
        }
    }
}

/// A device that is signed in or has its key.
#[derive(Debug)]
pub(crate) struct Tracker {
    device: Device,
    secret: String,
    socket: Option<Socket>,
}

type Socket = Box<WebSocketStream<MaybeTlsStream<TcpStream>>>;

/// Where somebody was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fix {
    pub(crate) place: Position,
    pub(crate) at: Timestamp,
    pub(crate) sequence: i64,
}

impl Fix {
    fn json(&self) -> Value {
        json!({
            "lat": self.place.lat(), "lon": self.place.lon(), "at": self.at, "accuracy_m": 8.0, "sequence": self.sequence,
        })
    }
}

/// Who reports, and to whom.
pub(crate) struct Reporter<'a> {
    pub(crate) api: &'a Api,
    pub(crate) driver: &'a str,
    pub(crate) session: &'a mut Session,
    pub(crate) now: Timestamp,
    /// What tells the requests of this run from those of others.
    pub(crate) run: &'a str,
}

impl Tracker {
    /// A device; the secret is that of its key, where it needs one.
    pub(crate) fn new(device: Device, secret: String) -> Self {
        Self { device, secret, socket: None }
    }

    /// Reports a position; it is stored when this returns.
    pub(crate) async fn report(&mut self, by: Reporter<'_>, fix: Fix) -> anyhow::Result<()> {
        let place = fix.place;
        match self.device {
            Device::Socket if !by.api.base().starts_with("https") => self.over_socket(by, fix).await,
            Device::Phone | Device::Socket => over_api(by, fix).await,
            Device::OwnTracks => {
                let body = json!({
                    "_type": "location", "lat": place.lat(), "lon": place.lon(), "tst": fix.at.as_second(), "acc": 8,
                    "tid": "dm",
                });
                let basic = format!("Basic {}", STANDARD.encode(format!("phone:{}", self.secret)));
                by.api.device("/api/v1/ingest/owntracks", Some(&basic), Some(&body)).await
            }
            Device::Traccar => {
                let query = format!(
                    "id={}&lat={}&lon={}&timestamp={}&accuracy=8",
                    self.secret,
                    place.lat(),
                    place.lon(),
                    fix.at.as_second()
                );
                let path = format!("/api/v1/ingest/traccar?{query}");
                by.api.device(&path, None, None).await
            }
            Device::Overland => {
                let body = json!({ "locations": [{
                    "type": "Feature",
                    "geometry": { "type": "Point", "coordinates": [place.lon(), place.lat()] },
                    "properties": { "timestamp": fix.at, "horizontal_accuracy": 8 },
                }] });
                let bearer = format!("Bearer {}", self.secret);
                by.api.device("/api/v1/ingest/overland", Some(&bearer), Some(&body)).await
            }
        }
    }

    /// The socket stays open; one that has ended, because its token or the gateway has, is opened again.
    async fn over_socket(&mut self, by: Reporter<'_>, fix: Fix) -> anyhow::Result<()> {
        let message = json!({ "type": "positions", "id": fix.sequence, "positions": [fix.json()] });
        if let Some(socket) = &mut self.socket
            && let Ok(ack) = acknowledged(socket, &message, fix.sequence).await
            // The token with which it was opened ends before the day does.
            && ack["code"] != "invalid_token"
        {
            return judge(&ack);
        }
        let token = by.api.token(by.session, by.now).await?;
        let url = format!("{}/api/v1/realtime", by.api.base()).replacen("http", "ws", 1);
        let mut request = url.into_client_request()?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", format!("dropmate.v1, bearer.{token}").parse()?);
        let (socket, _) = connect_async(request).await.context("the realtime socket")?;
        let ack = acknowledged(self.socket.insert(Box::new(socket)), &message, fix.sequence).await?;
        judge(&ack)
    }
}

/// Says it, and waits for the word that it is stored or was refused.
async fn acknowledged(socket: &mut Socket, message: &Value, id: i64) -> anyhow::Result<Value> {
    socket.send(Message::text(message.to_string())).await?;
    let heard = async {
        loop {
            let Message::Text(text) = socket.next().await.context("the socket has ended")?? else { continue };
            let told: Value = serde_json::from_str(&text)?;
            let kind = told["type"].as_str().unwrap_or_default();
            if told["id"] == id && ["positions_ack", "positions_refused"].contains(&kind) {
                return anyhow::Ok(told);
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.context("a position was not acknowledged")?
}

fn judge(ack: &Value) -> anyhow::Result<()> {
    ensure!(ack["type"] == "positions_ack", "the socket refused a position: {ack}");
    believed(ack["rejected"].as_array().into_iter().flatten(), ack)
}

async fn over_api(by: Reporter<'_>, fix: Fix) -> anyhow::Result<()> {
    let (path, body) = (format!("/api/v1/drivers/{}/location", by.driver), fix.json());
    let key = format!("{}-{}-{}-{}", by.run, by.driver, fix.at, fix.sequence);
    let answer = by.api.call(by.session, by.now, Method::POST, &path, Some(&key), Some(&body)).await?;
    let told = answer.ok().with_context(|| format!("POST {path} {body}"))?;
    let results = told["results"].as_array().into_iter().flatten();
    believed(results.filter(|result| result["status"] == "rejected"), &told)
}

/// In a day that is played fast, couriers are faster than anybody is believed to be; nothing else may be wrong.
fn believed<'a>(rejected: impl Iterator<Item = &'a Value>, told: &Value) -> anyhow::Result<()> {
    for result in rejected {
        if result["reason"] != "too_fast" {
            bail!("a position was rejected: {result} in {told}");
        }
    }
    Ok(())
}
