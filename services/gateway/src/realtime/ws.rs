//! `GET /api/v1/realtime`: the WebSocket, subprotocol `dropmate.v1`.
//!
//! The token travels as a second subprotocol, `bearer.<token>`: an address ends up in logs. Without one only public codes can
//! be followed.
//!
//! Over the same socket drivers and devices send positions ([`crate::positions`]), as text or as binary frames. While too many of
//! them wait for tracking nothing more is read from the socket, so that the client's own sending stops.

use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use futures::future::{Fuse, FusedFuture as _};
use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use http::HeaderMap;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use platform::http::operations::Authenticator;
use platform::{Error, Kind, Result};
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at, timeout};

use super::message::{Said, Told};
use super::position;
use super::session::{Session, Woken};
use super::{Realtime, Rights};
use crate::forward::Channels;
use crate::http::Shared;
use crate::positions::intake::Intake;
use crate::positions::{Batch, Reporter, Verdict, frame};

/// The subprotocol, and how a token is marked beside it.
const PROTOCOL: &str = "dropmate.v1";
const BEARER: &str = "bearer.";
/// Longest message of a client: positions of a long time without a network.
const LONGEST: usize = 64 * 1024;
/// Buffers of one socket; the library's own are a hundred times larger.
const BUFFER: usize = 1024;
/// What is written at once: a few messages; it stays with the socket, also while nothing happens.
const WRITES: usize = 8 * 1024;
/// Messages of one write, at most.
const AT_ONCE: usize = 64;
/// What may wait for a client that does not read.
const WAITING: usize = 256 * 1024;
/// How long a client may not read before it is sent away.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a client hears that it has heard everything, and its credential is looked at.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is asked again what the client may follow.
const RIGHTS: Duration = Duration::from_mins(1);
/// How often positions are sent.
const POSITIONS: Duration = Duration::from_millis(250);
/// How late clients that were sent away come back, at the latest.
const RESUME: Duration = Duration::from_secs(3);
/// Why a socket ends, in the private range of RFC 6455.
const TOKEN_ENDED: u16 = 4401;
const TOO_SLOW: u16 = 4408;
/// The standard's "going away".
const STOPPING: u16 = 1001;

/// Opens the socket over which a client follows topics.
///
/// Ask for the subprotocols `dropmate.v1` and, when signed in, `bearer.<access token>`. What is said over it stands in
/// docs/reference/asyncapi.json.
#[utoipa::path(
    get, path = "/api/v1/realtime", operation_id = "connect_realtime", tag = "realtime",
    responses((status = 101, description = "The WebSocket (RFC 6455) is open."))
)]
pub(crate) async fn connect_realtime(
    State(shared): State<Shared>,
    Extension(channels): Extension<Channels>,
    Extension(authenticator): Extension<Authenticator>,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let realtime = shared.realtime.ok_or_else(|| Error::unavailable("realtime hub"))?;
    let token = token(&headers)?;
    let mut rights = Rights::new(channels.clone(), realtime.peers.clone(), authenticator);
    if let Some(token) = token {
        rights.present(&token).await?;
    }
    let (credential, principal) = rights.presented();
    let principal = principal.clone();
    let intake = Intake::new(Reporter { channels, limits: shared.limits, credential, principal });
    let upgrade = upgrade.map_err(|rejection| {
        let text = "This address answers WebSockets. If you opened one, something in between did not pass the upgrade on.";
        Error::new(Kind::Malformed, "websocket_expected", text).with_source(rejection)
    })?;
    let upgrade = upgrade
        .protocols([PROTOCOL])
        .max_message_size(LONGEST)
        .max_frame_size(LONGEST)
        .read_buffer_size(BUFFER)
        .write_buffer_size(WRITES)
        .max_write_buffer_size(WAITING);
    Ok(upgrade.on_upgrade(move |socket| serve(socket, realtime, rights, intake)))
}

/// The token among the subprotocols. Who does not ask for ours does not speak it.
fn token(headers: &HeaderMap) -> Result<Option<String>> {
    let values = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let names: Vec<&str> = values.flat_map(|value| value.split(',')).map(str::trim).collect();
    if !names.contains(&PROTOCOL) {
        let message = "Ask for the subprotocol dropmate.v1.";
        return Err(Error::new(Kind::Malformed, "subprotocol", message));
    }
    Ok(names.iter().find_map(|name| name.strip_prefix(BEARER)).map(str::to_owned))
}

/// Why a connection ends.
enum End {
    /// The client is gone, or wanted to go.
    Gone,
    /// With a code and a word.
    Sent(u16, &'static str),
}

async fn serve(socket: WebSocket, realtime: Realtime, rights: Rights, intake: Intake) {
    let stopping = realtime.hub.stopping().clone();
    let mut connection = Connection { socket, session: Session::new(realtime, rights), intake };
    let end = tokio::select! {
        end = connection.run() => end,
        () = stopping.cancelled() => End::Sent(STOPPING, "stopping"),
    };
    if let End::Sent(code, word) = end {
        connection.leave(code, word).await;
    }
}

/// The client does not read, or is gone.
struct TooSlow;

struct Connection {
    socket: WebSocket,
    session: Session,
    intake: Intake,
}

impl Connection {
    async fn run(&mut self) -> End {
        let start = Instant::now();
        // Clients that come back together after a break do not ask together ever after.
        let first = |every: Duration| start + every / 2 + share(&self.session, every / 2);
        let mut heartbeat = interval_at(first(HEARTBEAT), HEARTBEAT);
        let mut rights = interval_at(first(RIGHTS), RIGHTS);
        let mut positions = interval(POSITIONS);
        for ticks in [&mut heartbeat, &mut rights, &mut positions] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut checking = Fuse::terminated();
        loop {
            let told = tokio::select! {
                said = self.socket.next(), if !self.intake.is_full() => match said {
                    Some(Ok(Message::Text(text))) => self.said(&text).await,
                    Some(Ok(Message::Binary(frame))) => match frame::read(frame) {
                        Ok(batch) => self.take(batch),
                        Err(frame::Malformed) => vec![Told::NOT_UNDERSTOOD],
                    },
                    // Pings are answered by the library.
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Vec::new(),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return End::Gone,
                },
                verdicts = self.intake.next() => verdicts.into_iter().map(Told::from).collect(),
                woken = self.session.next() => match self.hear(woken).await {
                    Ok(told) => told,
                    Err(TooSlow) => return End::Sent(TOO_SLOW, "too_slow"),
                },
                _ = heartbeat.tick() => {
                    if self.session.hold().await.is_err_and(|error| !error.kind().is_failure()) {
                        return End::Sent(TOKEN_ENDED, "token_ended");
                    }
                    self.session.heartbeat().await
                }
                _ = rights.tick(), if checking.is_terminated() => {
                    checking = self.session.check_all().fuse();
                    Vec::new()
                }
                checked = &mut checking => match checked {
                    Ok(lost) => self.session.lose(lost),
                    Err(error) if error.kind().is_failure() => Vec::new(),
                    Err(_refused) => return End::Sent(TOKEN_ENDED, "token_ended"),
                },
                _ = positions.tick(), if self.session.has_positions() => {
                    if self.send_positions().await.is_err() {
                        return End::Gone;
                    }
                    Vec::new()
                }
            };
            if self.tell(told).await.is_err() {
                return End::Sent(TOO_SLOW, "too_slow");
            }
        }
    }

    async fn said(&mut self, text: &str) -> Vec<Told> {
        match Said::read(text) {
            Some(Said::Positions { id, driver_id, positions }) => {
                self.take(Batch::new(id, driver_id, positions))
            }
            Some(said) => {
                let told = self.session.said(said).await;
                self.intake.present(self.session.rights().presented().0);
                told
            }
            None => vec![Told::NOT_UNDERSTOOD],
        }
    }

    /// Positions wait for their turn; they are answered when tracking has answered.
    fn take(&mut self, batch: Result<Batch, Verdict>) -> Vec<Told> {
        match batch {
            Ok(batch) => {
                self.intake.push(batch);
                Vec::new()
            }
            Err(verdict) => vec![verdict.into()],
        }
    }

    /// Tells what has woken this and what is there by now, many messages in one write; what is left of it to be told.
    async fn hear(&mut self, woken: Woken) -> std::result::Result<Vec<Told>, TooSlow> {
        let (mut told, mut next) = (Vec::new(), Some(woken));
        while let Some(woken) = next {
            match woken {
                Woken::Events(events) => {
                    for event in events.iter() {
                        self.session.event(event, &mut told).await;
                        if told.len() >= AT_ONCE {
                            self.tell(std::mem::take(&mut told)).await?;
                        }
                    }
                }
                Woken::Ended => return Err(TooSlow),
                Woken::Position(change) => {
                    self.session.position(change);
                }
            }
            next = if told.len() < AT_ONCE { self.session.next().now_or_never() } else { None };
        }
        Ok(told)
    }

    /// Sends what is told; an error when the client does not read.
    async fn tell(&mut self, told: Vec<Told>) -> std::result::Result<(), TooSlow> {
        if told.is_empty() {
            return Ok(());
        }
        let sending = async {
            for message in told {
                self.socket.feed(Message::Text(message.into_text().into())).await?;
            }
            self.socket.flush().await
        };
        timeout(PATIENCE, sending).await.map_err(|_elapsed| TooSlow)?.map_err(|_gone| TooSlow)
    }

    async fn send_positions(&mut self) -> std::result::Result<(), ()> {
        let now = self.session.realtime().clock.now();
        for (_, location) in self.session.due_positions(Instant::now()) {
            let sent = self.socket.send(Message::Binary(position::encode(&location, now)));
            timeout(PATIENCE, sent).await.map_err(|_elapsed| ())?.map_err(|_gone| ())?;
        }
        Ok(())
    }

    /// Says why, and when to come back: not all at once.
    async fn leave(mut self, code: u16, word: &'static str) {
        let resume_in_ms = u64::try_from(share(&self.session, RESUME).as_millis()).unwrap_or(0);
        let last = Told::Ending { code: word, resume_in_ms };
        let close = CloseFrame { code, reason: Utf8Bytes::from_static(word) };
        let goodbye = async {
            self.socket.send(Message::Text(last.into_text().into())).await?;
            self.socket.send(Message::Close(Some(close))).await
        };
        // Whoever does not read does not need to be told.
        let _ = timeout(Duration::from_secs(1), goodbye).await;
    }
}

/// A part of a time, different for each client.
fn share(session: &Session, time: Duration) -> Duration {
    let clock = session.realtime().clock.now().as_microsecond();
    let place = std::ptr::from_ref(session).addr();
    let number = u64::try_from(clock).unwrap_or(0).wrapping_add(u64::try_from(place).unwrap_or(0));
    time * u32::try_from(number % 1_000).unwrap_or(0) / 1_000
}
