//! What is said over a connection, as JSON.
//!
//! An event is told to many: what its messages have in common is written once ([`Passing::written`]), and each message begins
//! with what is its own, the topic and the places.

use std::borrow::Cow;
use std::fmt::Write as _;

use kernel::ids::DriverId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::feed::Passing;
use super::hub::Scanned;
use super::topic::View;
use crate::positions::{Refusal, Taken, Verdict};

/// From the client.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Said {
    /// Follow a topic, from an offset or from now.
    Subscribe {
        /// Which.
        topic: String,
        /// The last offset that the client has heard or read.
        from: Option<Place>,
    },
    /// No longer.
    Unsubscribe {
        /// Which.
        topic: String,
    },
    /// A fresh token of the same person.
    Token {
        /// It.
        token: String,
    },
    /// Where a driver is or was.
    Positions {
        /// The client's number of the message.
        id: u64,
        /// Whose; without it, the caller's own.
        driver_id: Option<DriverId>,
        /// Each in the form of the HTTP operation.
        positions: Vec<Value>,
    },
}

impl Said {
    /// Reads a message, if it is one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

/// A position that is not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct NotKept {
    /// Its place in the message.
    index: u32,
    /// Why.
    reason: String,
}

/// A place in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    /// Of which log.
    pub epoch: i64,
    /// Everything up to here.
    pub offset: i64,
}

impl From<Place> for Scanned {
    fn from(place: Place) -> Self {
        Self { epoch: place.epoch, last: place.offset }
    }
}

impl From<Scanned> for Place {
    fn from(scanned: Scanned) -> Self {
        Self { epoch: scanned.epoch, offset: scanned.last }
    }
}

/// To the client.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Told {
    /// The topic is followed; everything after this place is told.
    Subscribed {
        topic: String,
        #[serde(flatten)]
        place: Place,
    },
    /// It is not followed any more.
    Unsubscribed { topic: String },
    /// It may not be followed (any more), or cannot be at the moment.
    Refused { topic: String, code: String },
    /// Something may have been missed: read anew, and go on from this place.
    Resync {
        topic: String,
        #[serde(flatten)]
        place: Place,
    },
    /// Something happened. The message is written already.
    #[serde(skip)]
    Event { place: Place, text: String },
    /// Where a driver is, for clients that read text only.
    Position { topic: String, data: Value },
    /// Everything up to here was told.
    Heartbeat {
        #[serde(flatten)]
        place: Place,
    },
    /// The fresh token is in use.
    TokenAccepted,
    /// The positions of a message are stored.
    PositionsAck { id: u64, accepted: u32, duplicates: u32, rejected: Vec<NotKept> },
    /// The positions of a message were not taken: to be sent again after so many milliseconds, or never.
    PositionsRefused {
        id: u64,
        code: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// A message that was not understood.
    Malformed { detail: &'static str },
    /// The connection ends: come back after so many milliseconds.
    Ending { code: &'static str, resume_in_ms: u64 },
}

impl From<Verdict> for Told {
    fn from(Verdict { id, outcome }: Verdict) -> Self {
        match outcome {
            Ok(Taken { accepted, duplicates, rejected }) => {
                let rejected =
                    rejected.into_iter().map(|(index, reason)| NotKept { index, reason }).collect();
                Self::PositionsAck { id, accepted, duplicates, rejected }
            }
            Err(Refusal { code, retry_after_ms, .. }) => Self::PositionsRefused { id, code, retry_after_ms },
        }
    }
}

impl Told {
    /// The answer to what is no message.
    pub(crate) const NOT_UNDERSTOOD: Self = Self::Malformed { detail: "this is no message of dropmate.v1" };

    /// An event on a topic, and the offset of the message before it there.
    pub(crate) fn event(topic: &str, epoch: i64, prev: i64, event: &Passing, view: View) -> Self {
        let (offset, common) = (event.offset, event.written(view));
        let mut text = String::with_capacity(topic.len() + OWN + common.len());
        // Writing to a string cannot fail; a topic has no characters that JSON escapes.
        let _ = write!(
            text,
            r#"{{"type":"event","topic":"{topic}","epoch":{epoch},"offset":{offset},"prev":{prev},{common}"#
        );
        Self::Event { place: Place { epoch, offset }, text }
    }

    /// As it is sent.
    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Event { text, .. } => text,
            other => serde_json::to_string(&other).unwrap_or_default(),
        }
    }
}

/// Bytes of an event's message that are its own, without the topic.
const OWN: usize = 96;

/// The members of an event's message that are the same on every topic.
#[derive(Serialize)]
struct Common<'a> {
    subject: &'a str,
    version: i64,
    occurred_at: String,
    data: Cow<'a, Value>,
}

/// Their text, up to the end of the message.
pub(crate) fn written(event: &Passing, view: View) -> String {
    let common = Common {
        subject: &event.subject,
        version: event.version,
        occurred_at: event.occurred_at.to_string(),
        data: view.show(&event.payload),
    };
    let mut text = serde_json::to_string(&common).unwrap_or_default();
    // Other members come before it.
    text.drain(..text.len().min(1));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::{OrgId, Uuid};
    use serde_json::json;

    #[test]
    fn positions_look_as_they_are_documented() {
        let document = contracts::asyncapi();
        let example =
            |name: &str| document["channels"]["realtime"]["messages"][name]["examples"][0]["payload"].clone();
        let said: Said = serde_json::from_value(example("positions")).unwrap();
        assert!(
            matches!(said, Said::Positions { id: 7, driver_id: Some(_), ref positions } if positions.len() == 1)
        );
        let taken = Taken { accepted: 2, duplicates: 1, rejected: vec![(3, "inaccurate".to_owned())] };
        let ack = Told::from(Verdict { id: 7, outcome: Ok(taken) });
        assert_eq!(serde_json::to_value(ack).unwrap(), example("positions_ack"));
        let refusal = Refusal { code: "rate_limited".to_owned(), status: 429, retry_after_ms: Some(100) };
        let refused = Told::from(Verdict { id: 7, outcome: Err(refusal) });
        assert_eq!(serde_json::to_value(refused).unwrap(), example("positions_refused"));
    }

    #[test]
    fn messages_look_as_they_are_documented() {
        let said: Said = serde_json::from_value(
            json!({ "type": "subscribe", "topic": "orders", "from": { "epoch": 1, "offset": 42 } }),
        )
        .unwrap();
        assert_eq!(
            said,
            Said::Subscribe { topic: "orders".to_owned(), from: Some(Place { epoch: 1, offset: 42 }) }
        );
        let org = OrgId::new(Uuid::from_u128(1));
        let at = "2026-11-20T12:00:00Z".parse().unwrap();
        let payload = json!({ "order_id": "order_01h455vb4pex5vsknk084sn02q", "to": "picked_up" });
        let event = Passing::new(43, org, "order.created.v1".to_owned(), 1, payload, at);
        let text = Told::event("orders", 1, 42, &event, View::Inside).into_text();
        assert_eq!(
            text,
            r#"{"type":"event","topic":"orders","epoch":1,"offset":43,"prev":42,"subject":"order.created.v1","version":1,"occurred_at":"2026-11-20T12:00:00Z","data":{"order_id":"order_01h455vb4pex5vsknk084sn02q","to":"picked_up"}}"#
        );
        let outside = Told::event("track:7KQ2M9XTB4HP", 1, 40, &event, View::Outside).into_text();
        let outside: Value = serde_json::from_str(&outside).unwrap();
        assert_eq!((&outside["prev"], &outside["data"]), (&json!(40), &json!({ "to": "picked_up" })));
        let document = contracts::asyncapi();
        let mut documented =
            document["channels"]["realtime"]["messages"]["event"]["examples"][0]["payload"].clone();
        documented["data"] = event.payload.clone();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), documented);
        for wrong in [json!({ "type": "shout" }), json!({ "type": "token" }), json!({ "topic": "orders" })] {
            assert!(serde_json::from_value::<Said>(wrong).is_err());
        }
    }
}
