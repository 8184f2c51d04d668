//! Clients that report positions: over the socket as text and as bytes, and over gRPC, from the published descriptions of both.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures::{SinkExt as _, StreamExt as _};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tonic::{Request, Status, Streaming};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A position, before it is put into the form of a transport. Times are whole milliseconds: every transport can say those.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Fix {
    pub(crate) sequence: u64,
    pub(crate) at_ms: i64,
    pub(crate) lat: f64,
    pub(crate) lon: f64,
}

impl Fix {
    pub(crate) fn json(&self) -> Value {
        let at = kernel::time::Timestamp::from_millisecond(self.at_ms).unwrap_or_default();
        json!({ "lat": self.lat, "lon": self.lon, "at": at, "accuracy_m": 8.0, "sequence": self.sequence })
    }

    fn bytes(&self, frame: &mut BytesMut) {
        #[expect(clippy::cast_possible_truncation, reason = "degrees times 1e7 fit")]
        let degrees = |value: f64| (value * 1e7).round() as i32;
        frame.put_u64(self.sequence);
        frame.put_i64(self.at_ms);
        frame.put_i32(degrees(self.lat));
        frame.put_i32(degrees(self.lon));
        frame.put_u16(80);
        frame.put_u16(u16::MAX);
        frame.put_u16(u16::MAX);
        frame.put_i16(i16::MIN);
        frame.put_u8(u8::MAX);
    }
}

/// The binary form of a message about the caller.
pub(crate) fn frame(id: u32, fixes: &[Fix]) -> Bytes {
    bytes_of(id, 0, fixes)
}

/// The same about this driver.
pub(crate) fn frame_of(id: u32, driver: &str, fixes: &[Fix]) -> anyhow::Result<Bytes> {
    let driver: kernel::ids::DriverId = driver.parse()?;
    Ok(bytes_of(id, driver.uuid().as_u128(), fixes))
}

fn bytes_of(id: u32, driver: u128, fixes: &[Fix]) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_slice(&[1, 2]);
    frame.put_u32(id);
    frame.put_u128(driver);
    frame.put_u16(u16::try_from(fixes.len()).unwrap_or(u16::MAX));
    for fix in fixes {
        fix.bytes(&mut frame);
    }
    frame.freeze()
}

/// Buffer of one socket: there may be thousands of them.
const BUFFER: usize = 4 * 1024;

/// A client on the realtime socket.
pub(crate) struct Socket {
    inner: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Positions that came while something else was waited for: latitude, longitude.
    pub(crate) seen: VecDeque<(f64, f64)>,
}

impl Socket {
    /// Opens one; the address is that of the API.
    pub(crate) async fn open(url: &str, token: &str) -> anyhow::Result<Self> {
        Self::connect(url, &format!("dropmate.v1, bearer.{token}")).await
    }

    /// Opens one as nobody in particular.
    pub(crate) async fn open_public(url: &str) -> anyhow::Result<Self> {
        Self::connect(url, "dropmate.v1").await
    }

    async fn connect(url: &str, protocols: &str) -> anyhow::Result<Self> {
        let mut request = url.replacen("http", "ws", 1).into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", protocols.parse()?);
        let config = WebSocketConfig::default().read_buffer_size(BUFFER);
        let (inner, _) = connect_async_with_config(request, Some(config), false).await?;
        Ok(Self { inner, seen: VecDeque::new() })
    }

    pub(crate) async fn say(&mut self, message: &Value) -> anyhow::Result<()> {
        Ok(self.inner.send(Message::text(message.to_string())).await?)
    }

    pub(crate) async fn send(&mut self, frame: Bytes) -> anyhow::Result<()> {
        Ok(self.inner.send(Message::Binary(frame)).await?)
    }

    /// The next message of this kind; positions are noted on the way.
    pub(crate) async fn hear(&mut self, kinds: &[&str]) -> anyhow::Result<Value> {
        let heard = async {
            loop {
                match self.inner.next().await.context("the socket has ended")?? {
                    Message::Text(text) => {
                        let message: Value = serde_json::from_str(&text)?;
                        if kinds.iter().any(|kind| message["type"] == *kind) {
                            return Ok(message);
                        }
                    }
                    Message::Binary(frame) => self.seen.push_back(place(&frame)?),
                    Message::Close(why) => bail!("closed: {why:?}"),
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.with_context(|| format!("no {kinds:?} was heard"))?
    }

    /// Waits until a driver was seen here.
    pub(crate) async fn sees(&mut self, lat: f64, lon: f64) -> anyhow::Result<()> {
        let here = |place: &(f64, f64)| (place.0 - lat).abs() < 1e-6 && (place.1 - lon).abs() < 1e-6;
        let seen = async {
            while !self.seen.iter().any(here) {
                match self.inner.next().await.context("the socket has ended")?? {
                    Message::Binary(frame) => self.seen.push_back(place(&frame)?),
                    Message::Close(why) => bail!("closed: {why:?}"),
                    _ => {}
                }
            }
            Ok(())
        };
        let seen = tokio::time::timeout(PATIENCE, seen).await;
        seen.with_context(|| format!("nobody was seen at {lat}, {lon}"))?
    }
}

/// Latitude and longitude of a frame from the gateway.
fn place(frame: &[u8]) -> anyhow::Result<(f64, f64)> {
    ensure!(frame.len() == 45, "a frame of {} bytes", frame.len());
    let degrees = |from: usize| -> anyhow::Result<f64> {
        Ok(f64::from(i32::from_be_bytes(frame[from..from + 4].try_into()?)) / 1e7)
    };
    Ok((degrees(26)?, degrees(30)?))
}

/// The messages of `dropmate.positions.v1`, as a client has them.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReportRequest {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(string, tag = "2")]
    driver_id: String,
    #[prost(message, repeated, tag = "3")]
    positions: Vec<Position>,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct Position {
    #[prost(double, tag = "1")]
    lat: f64,
    #[prost(double, tag = "2")]
    lon: f64,
    #[prost(int64, optional, tag = "3")]
    at_ms: Option<i64>,
    #[prost(uint64, optional, tag = "4")]
    sequence: Option<u64>,
    #[prost(float, optional, tag = "5")]
    accuracy_m: Option<f32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReportReply {
    #[prost(uint64, tag = "1")]
    pub(crate) id: u64,
    #[prost(message, optional, tag = "2")]
    pub(crate) taken: Option<Taken>,
    #[prost(message, optional, tag = "3")]
    pub(crate) refused: Option<Refused>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Taken {
    #[prost(uint32, tag = "1")]
    pub(crate) accepted: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) duplicates: u32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) rejected: Vec<Rejected>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Rejected {
    #[prost(uint32, tag = "1")]
    pub(crate) index: u32,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Refused {
    #[prost(string, tag = "1")]
    pub(crate) code: String,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) retry_after_ms: Option<u64>,
}

/// One call of `Positions/Report`.
pub(crate) struct Call {
    messages: mpsc::Sender<ReportRequest>,
    replies: Streaming<ReportReply>,
}

impl Call {
    /// Begins one; a refusal is the gRPC status.
    pub(crate) async fn open(origin: &str, token: &str) -> Result<Self, Status> {
        let (messages, mut said) = mpsc::channel::<ReportRequest>(16);
        let client: Client<HttpConnector, tonic::body::Body> =
            Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let origin = origin.parse().map_err(|_not_an_address| Status::internal("an address"))?;
        let mut grpc = tonic::client::Grpc::with_origin(client, origin);
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let mut request = Request::new(futures::stream::poll_fn(move |context| said.poll_recv(context)));
        let bearer = format!("Bearer {token}").parse().map_err(|_no_metadata| Status::internal("a token"))?;
        request.metadata_mut().insert("authorization", bearer);
        let path = http::uri::PathAndQuery::from_static("/dropmate.positions.v1.Positions/Report");
        let codec = tonic_prost::ProstCodec::<ReportRequest, ReportReply>::default();
        let replies = grpc.streaming(request, path, codec).await?.into_inner();
        Ok(Self { messages, replies })
    }

    pub(crate) async fn send(&self, id: u64, driver: &str, fixes: &[Fix]) -> anyhow::Result<()> {
        let position = |fix: &Fix| Position {
            lat: fix.lat,
            lon: fix.lon,
            at_ms: Some(fix.at_ms),
            sequence: Some(fix.sequence),
            accuracy_m: Some(8.0),
        };
        let positions = fixes.iter().map(position).collect();
        Ok(self.messages.send(ReportRequest { id, driver_id: driver.to_owned(), positions }).await?)
    }

    pub(crate) async fn hear(&mut self) -> anyhow::Result<ReportReply> {
        let reply = tokio::time::timeout(PATIENCE, self.replies.message()).await.context("no reply")??;
        reply.context("the call has ended")
    }

    /// Says that there is nothing more, and waits for the end.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        let Self { messages, mut replies } = self;
        drop(messages);
        let end = tokio::time::timeout(PATIENCE, replies.message()).await.context("it does not end")??;
        ensure!(end.is_none(), "another reply: {end:?}");
        Ok(())
    }
}
