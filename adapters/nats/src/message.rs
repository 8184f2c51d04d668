//! An event as a message: identity and order in headers (the names of the AsyncAPI document), the payload as it is.

use async_nats::HeaderMap;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use kernel::ids::{EventId, OrgId, Uuid};
use platform::bus::{Delivery, Logged};

/// Room for headers below the server's limit of a message.
const HEADERS: usize = 16 * 1024;

/// What a message is published with.
pub(crate) struct Outgoing<'a> {
    pub event: &'a Logged,
    pub identity: &'a str,
    pub stamp: &'a str,
    pub max_payload: usize,
}

impl Outgoing<'_> {
    /// The message, on the condition that the event before it is the last in the stream.
    pub(crate) fn message(&self) -> PublishMessage {
        let delivery = &self.event.delivery;
        let mut headers = HeaderMap::new();
        let mut put = |name: &'static str, value: &str| headers.insert(name, line(value).as_str());
        put("event_id", &delivery.event_id.to_string());
        put("org_id", &delivery.org.to_string());
        put("key", &delivery.key.to_string());
        put("version", &delivery.version.to_string());
        put("offset", &delivery.offset.to_string());
        put("subject", &delivery.subject);
        put("actor", &delivery.actor);
        put("occurred_at", &delivery.occurred_at.to_string());
        if let Some(trace) = &delivery.trace {
            put("trace", trace);
        }
        put("log", self.identity);
        put("stamp", self.stamp);
        let mut payload = delivery.payload.to_string();
        if payload.len() + HEADERS + self.stamp.len() > self.max_payload {
            // Too large for the broker: its place in the order is kept, its text is read from the log.
            put("large", "1");
            payload.clear();
        }
        let last = u64::try_from(delivery.offset - 1).unwrap_or(0);
        PublishMessage::build()
            .headers(headers)
            .payload(Bytes::from(payload))
            .message_id(delivery.event_id.to_string())
            .expected_last_sequence(last)
    }
}

/// A header is one line.
fn line(value: &str) -> String {
    value.replace(|c: char| c.is_control(), " ")
}

/// A message as a consumer gets it.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    pub delivery: Delivery,
    pub stamp: String,
    pub identity: String,
    /// Its text is only in the log.
    pub large: bool,
}

/// Reads a message; `None` when it is none of ours.
pub(crate) fn read(headers: Option<&HeaderMap>, payload: &Bytes) -> Option<Incoming> {
    let headers = headers?;
    let text = |name: &str| headers.get(name).map(|value| value.as_str().to_owned());
    let large = headers.get("large").is_some();
    let delivery = Delivery {
        offset: text("offset")?.parse().ok()?,
        event_id: text("event_id")?.parse::<EventId>().ok()?,
        org: text("org_id")?.parse::<OrgId>().ok()?,
        subject: text("subject")?,
        key: text("key")?.parse::<Uuid>().ok()?,
        version: text("version")?.parse().ok()?,
        payload: if large { serde_json::Value::Null } else { serde_json::from_slice(payload).ok()? },
        actor: text("actor")?,
        trace: text("trace"),
        occurred_at: text("occurred_at")?.parse().ok()?,
    };
    Some(Incoming { delivery, stamp: text("stamp")?, identity: text("log")?, large })
}
