//! `GET /api/v1/stream`: the same as the WebSocket for clients that only listen, as server-sent events read with fetch.
//!
//! The id of each event is `<epoch>.<offset>`; a client that comes back sends the last one as `Last-Event-ID`.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, Stream};
use garde::Validate;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use platform::http::Query;
use platform::http::operations::Authenticator;
use platform::{Error, Kind, Result};
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use utoipa::IntoParams;

use super::Rights;
use super::message::{Place, Told};
use super::session::{Session, Woken};
use crate::forward::Channels;
use crate::http::Shared;

const HEARTBEAT: Duration = Duration::from_secs(15);
const RIGHTS: Duration = Duration::from_mins(1);
const POSITIONS: Duration = Duration::from_millis(500);
/// Topics in one address.
const MOST: usize = 20;

/// What to follow.
#[derive(Debug, Clone, Deserialize, Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Topics, separated by commas: `orders`, `order:<id>`, `drivers`, `driver:<id>`, `package:<number>`, `track:<code>`.
    #[garde(length(min = 1, max = 2_000))]
    #[param(min_length = 1, max_length = 2_000, example = "track:7KQ2M9XTB4HP")]
    topics: String,
}

/// Follows topics as server-sent events, with the Authorization header of other operations; public codes need none.
#[utoipa::path(
    get, path = "/api/v1/stream", operation_id = "stream_events", tag = "realtime",
    params(StreamQuery,
           ("last-event-id" = Option<String>, Header, description = "The id of the last event that was heard.", example = "1.42")),
    responses((status = 200, description = "Messages as in docs/reference/asyncapi.json, one per event.",
               content_type = "text/event-stream", body = String))
)]
pub(crate) async fn stream_events(
    State(shared): State<Shared>,
    Extension(channels): Extension<Channels>,
    Extension(authenticator): Extension<Authenticator>,
    headers: HeaderMap,
    Query(query): Query<StreamQuery>,
) -> Result<Response> {
    let realtime = shared.realtime.ok_or_else(|| Error::unavailable("realtime hub"))?;
    let topics: Vec<String> = query.topics.split(',').map(|topic| topic.trim().to_owned()).collect();
    if topics.len() > MOST {
        return Err(Error::invalid_field("topics", "at most 20 topics"));
    }
    let from = headers.get("last-event-id").map(last_event).transpose()?;
    let mut rights = Rights::new(channels, realtime.peers.clone(), authenticator);
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = bearer.and_then(|value| value.split_once(' ')).map(|(_, token)| token.trim()) {
        rights.present(token).await?;
    }
    let mut session = Session::new(realtime, rights);
    let mut first = Vec::new();
    for topic in topics {
        first.extend(session.subscribe(topic, from).await);
    }
    // Ids only from here on: each topic has caught up by itself, and a client that is cut off in between begins anew.
    let caught_up = session.heartbeat().await;
    let events = Sse::new(messages(session, first, caught_up));
    Ok(events.keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

fn last_event(value: &http::HeaderValue) -> Result<Place> {
    let wrong =
        || Error::new(Kind::Malformed, "last_event_id", "Last-Event-ID is not one that was given out.");
    let text = value.to_str().map_err(|_not_text| wrong())?;
    let (epoch, offset) = text.split_once('.').ok_or_else(wrong)?;
    let number = |text: &str| text.parse().map_err(|_not_a_number| wrong());
    Ok(Place { epoch: number(epoch)?, offset: number(offset)? })
}

struct Streaming {
    session: Session,
    catching_up: std::vec::IntoIter<Told>,
    told: std::vec::IntoIter<Told>,
    heartbeat: tokio::time::Interval,
    rights: tokio::time::Interval,
    positions: tokio::time::Interval,
    ended: bool,
}

fn messages(
    session: Session,
    first: Vec<Told>,
    then: Vec<Told>,
) -> impl Stream<Item = std::result::Result<Event, Infallible>> {
    let start = Instant::now();
    let mut streaming = Streaming {
        session,
        catching_up: first.into_iter(),
        told: then.into_iter(),
        heartbeat: interval_at(start + HEARTBEAT, HEARTBEAT),
        rights: interval_at(start + RIGHTS, RIGHTS),
        positions: interval(POSITIONS),
        ended: false,
    };
    for ticks in [&mut streaming.heartbeat, &mut streaming.rights, &mut streaming.positions] {
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    }
    stream::unfold(streaming, |mut streaming| async move {
        if let Some(told) = streaming.catching_up.next() {
            return Some((Ok(Event::default().data(told.into_text())), streaming));
        }
        let told = streaming.next().await?;
        Some((Ok(event(told)), streaming))
    })
}

/// One message as an event: its place is its id.
fn event(told: Told) -> Event {
    let place = match &told {
        Told::Event { place, .. }
        | Told::Heartbeat { place }
        | Told::Subscribed { place, .. }
        | Told::Resync { place, .. } => Some(*place),
        _ => None,
    };
    let event = Event::default().data(told.into_text());
    match place {
        Some(place) => event.id(format!("{}.{}", place.epoch, place.offset)),
        None => event,
    }
}

impl Streaming {
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some(told) = self.told.next() {
                return Some(told);
            }
            if self.ended {
                return None;
            }
            self.told = self.more().await.into_iter();
        }
    }

    fn end(&mut self, code: &'static str) -> Vec<Told> {
        self.ended = true;
        vec![Told::Ending { code, resume_in_ms: 1_000 }]
    }

    async fn more(&mut self) -> Vec<Told> {
        let stopping = self.session.realtime().hub.stopping().clone();
        tokio::select! {
            () = stopping.cancelled() => self.end("stopping"),
            woken = self.session.next() => match woken {
                Woken::Events(events) => {
                    let mut told = Vec::new();
                    for event in events.iter() {
                        self.session.event(event, &mut told).await;
                    }
                    told
                }
                Woken::Ended => self.end("too_slow"),
                Woken::Position(change) => {
                    self.session.position(change);
                    Vec::new()
                }
            },
            _ = self.heartbeat.tick() => {
                if self.session.hold().await.is_err_and(|error| !error.kind().is_failure()) {
                    return self.end("token_ended");
                }
                self.session.heartbeat().await
            }
            _ = self.rights.tick() => match self.session.check_all().await {
                Ok(lost) => self.session.lose(lost),
                Err(error) if error.kind().is_failure() => Vec::new(),
                Err(_refused) => self.end("token_ended"),
            },
            _ = self.positions.tick(), if self.session.has_positions() => {
                let due = self.session.due_positions(Instant::now());
                let position = |(topic, location)| {
                    let data = serde_json::to_value(location).unwrap_or_default();
                    Told::Position { topic, data }
                };
                due.into_iter().map(position).collect()
            }
        }
    }
}
