//! What is said over a client's connection, for the AsyncAPI document. The gateway's own types are tested against it.

use serde_json::{Value, json};

/// One kind of message: its name, when it is said, and an example.
type Kind = (&'static str, &'static str, Value);

/// What clients say.
fn from_client() -> Vec<Kind> {
    vec![
        (
            "subscribe",
            "Follows a topic: `orders`, `order:<id>`, `drivers`, `driver:<id>`, `package:<tracking number>`, `track:<code>`; \
             from the last offset that the client has heard or read, or from now.",
            json!({ "type": "subscribe", "topic": "orders", "from": { "epoch": 1, "offset": 42 } }),
        ),
        ("unsubscribe", "No longer.", json!({ "type": "unsubscribe", "topic": "orders" })),
        (
            "token",
            "A fresh access token of the same person, before the old one ends.",
            json!({ "type": "token", "token": "eyJ0eXAiOiJhdCtqd3QifQ..." }),
        ),
        (
            "positions",
            "Where a driver is or was: up to 400 positions, each as in the body of `POST /api/v1/drivers/{id}/location`. `id` is the \
             client's number of the message; `driver_id` may be left out by drivers, who mean themselves. The same as a binary \
             frame: see the description of this channel. Sent again until it is answered, it is stored once.",
            json!({ "type": "positions", "id": 7, "driver_id": "driver_01h455vb4pex5vsknk084sn02q",
                    "positions": [{ "lat": 60.1699, "lon": 24.9384, "at": "2026-11-20T12:00:00Z", "accuracy_m": 8.0, "sequence": 42 }] }),
        ),
    ]
}

/// What clients hear about the positions that they have sent.
fn about_positions() -> Vec<Kind> {
    vec![
        (
            "positions_ack",
            "The positions of the message with this `id` are stored. `rejected` names those that are not kept, by their place in \
             the message; sending them again is of no use.",
            json!({ "type": "positions_ack", "id": 7, "accepted": 2, "duplicates": 1,
                    "rejected": [{ "index": 3, "reason": "inaccurate" }] }),
        ),
        (
            "positions_refused",
            "The positions of the message with this `id` were not taken; the code is one of problem documents. With \
             `retry_after_ms` they are to be sent again after that time, without it they never will be taken.",
            json!({ "type": "positions_refused", "id": 7, "code": "rate_limited", "retry_after_ms": 100 }),
        ),
    ]
}

/// The binary form of `positions`.
const POSITIONS_FRAME: &str = "\
Clients may send `positions` as a binary frame, big-endian: \
byte 0 is 1 (the version of this form), byte 1 is 2 (positions from a client), bytes 2..6 the number of the message (u32), \
6..22 the UUID of the driver (zeros: the caller), 22..24 how many positions follow (u16, 1 to 400); then 33 bytes for each: \
0..8 the device's number of it (u64, all ones: none), 8..16 device time in milliseconds since 1970 (i64), 16..20 and 20..24 \
latitude and longitude in 1e-7 degrees (i32), 24..26 accuracy in decimetres (u16), 26..28 speed in cm/s (u16), 28..30 heading in \
hundredths of a degree (u16), each 65535 when unknown, 30..32 altitude in metres (i16, -32768: unknown), 32 battery in percent (u8, \
255: unknown). It is answered as the text form is.";

/// What clients hear about what they follow.
fn about_topics() -> Vec<Kind> {
    let place = |mut message: Value| {
        message["epoch"] = 1.into();
        message["offset"] = 43.into();
        message
    };
    vec![
        (
            "subscribed",
            "Everything of the topic after this place is told.",
            place(json!({ "type": "subscribed", "topic": "orders" })),
        ),
        (
            "unsubscribed",
            "The topic is not followed any more.",
            json!({ "type": "unsubscribed", "topic": "orders" }),
        ),
        (
            "refused",
            "The topic may not be followed (any more), or cannot be at the moment; the code is one of problem documents.",
            json!({ "type": "refused", "topic": "orders", "code": "forbidden" }),
        ),
        (
            "resync",
            "Something may have been missed: read anew. Everything after this place is told.",
            place(json!({ "type": "resync", "topic": "orders" })),
        ),
        (
            "event",
            "An event of the log. `prev` is the offset of the message before it on this topic; who has not heard that has missed \
             something. Public codes see a part of `data`.",
            place(
                json!({ "type": "event", "topic": "orders", "prev": 42, "subject": "order.created.v1", "version": 1,
                          "occurred_at": "2026-11-20T12:00:00Z", "data": { "order_id": "order_01h455vb4pex5vsknk084sn02q" } }),
            ),
        ),
        (
            "position",
            "Where a driver is, over server-sent events. Over the WebSocket it is a binary frame of 45 bytes \
             (services/gateway/src/realtime/position.rs).",
            json!({ "type": "position", "topic": "drivers", "data": { "position": { "lat": 60.1699, "lon": 24.9384 } } }),
        ),
        (
            "heartbeat",
            "Everything up to this place of the topics that are followed by then was told; every 15 s. Who comes back takes a \
             topic's place from `subscribed`, not from a heartbeat before it.",
            place(json!({ "type": "heartbeat" })),
        ),
    ]
}

/// What clients hear about the connection itself.
fn about_connection() -> Vec<Kind> {
    vec![
        ("token_accepted", "The fresh token is in use.", json!({ "type": "token_accepted" })),
        (
            "malformed",
            "A message that was not understood.",
            json!({ "type": "malformed", "detail": "this is no message of dropmate.v1" }),
        ),
        (
            "ending",
            "The connection ends: `stopping`, `token_ended` or `too_slow`. Come back after so many milliseconds.",
            json!({ "type": "ending", "code": "stopping", "resume_in_ms": 1200 }),
        ),
    ]
}

/// The channel of the document, and the operations on it.
pub(crate) fn channel() -> (Value, Vec<(String, Value)>) {
    let (mut all, mut operations) = (serde_json::Map::new(), Vec::new());
    let said = from_client().into_iter().map(|kind| ("receive", kind));
    let about = about_topics().into_iter().chain(about_positions()).chain(about_connection());
    let heard = about.map(|kind| ("send", kind));
    for (action, (name, when, example)) in said.chain(heard) {
        all.insert(
            name.to_owned(),
            json!({ "name": name, "summary": when, "contentType": "application/json", "payload": { "type": "object" },
                    "examples": [{ "payload": example }] }),
        );
        operations.push((
            format!("realtime_{name}"),
            json!({ "action": action, "channel": { "$ref": "#/channels/realtime" },
                    "messages": [{ "$ref": format!("#/channels/realtime/messages/{name}") }] }),
        ));
    }
    let channel = json!({
        "address": "/api/v1/realtime",
        "description": format!("One connection per client: a WebSocket with the subprotocol `dropmate.v1` (the access token as a \
                        second subprotocol, `bearer.<token>`), or server-sent events at /api/v1/stream. {POSITIONS_FRAME}"),
        "messages": all,
    });
    (channel, operations)
}
