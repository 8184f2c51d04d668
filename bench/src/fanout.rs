//! `bench fanout`: messages delivered per CPU second of the process that delivers them: DropMate's topic `orders` against
//! Socket.IO and `ws` on Node, the same texts to the same number of sockets, alternating in one run.
//!
//! DropMate's messages are events of the log: reading the log, filtering and the rest of the program count against it. Its
//! PostgreSQL, which the peers have no equal of, is printed beside it. The sockets are held by this process.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::{SinkExt as _, StreamExt as _};
use platform::lifecycle::pause;
use sqlx::{Connection as _, PgConnection};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::node::{Node, free_port};
use crate::town::{Town, count, median};
use crate::usage::cpu_seconds;

/// How to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Sockets.
    #[arg(long, default_value_t = 500)]
    sockets: usize,
    /// Messages of a burst: the next is published when everybody has heard the last.
    #[arg(long, default_value_t = 100)]
    burst: usize,
    /// Bursts of a round.
    #[arg(long, default_value_t = 40)]
    bursts: usize,
    /// How often the sides take turns.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The program to measure.
    #[arg(long, default_value = "target/release/dropmate")]
    binary: PathBuf,
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How long a burst may take to be heard.
const PATIENCE: Duration = Duration::from_mins(1);
/// A message as DropMate sends it: what the peers send.
const TEXT: &str = r#"{"type":"event","topic":"orders","epoch":1,"offset":4211,"prev":4210,"subject":"delivery.updated.v1","version":3,"occurred_at":"2026-11-20T12:00:00Z","data":{"order_id":"order_01h455vb4pex5vsknk084sn02q","seq":3,"kind":"picked_up","at":"2026-11-20T12:00:00Z","actor":"driver"}}"#;

/// Who delivers.
enum Side<'a> {
    Ours { town: &'a Town, database: PgConnection, published: i64 },
    Peer { node: Node, path: &'static str, http: reqwest::Client },
}

/// Measures and prints a table.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let dir = testkit::cluster::temp_dir("dropmate-bench-")?;
    let mut town = Town::start(&options.binary, dir.path()).await?;
    println!("| side | messages | per second | per CPU second |");
    println!("|---|---|---|---|");
    let (mut socketio, mut ws) = (Vec::new(), Vec::new());
    for _ in 0..options.rounds {
        let ours = measure(options, "DropMate", Side::ours(&town).await?).await?;
        let http = town.app.http();
        let path = "/socket.io/?EIO=4&transport=websocket";
        let theirs = measure(options, "Socket.IO", Side::peer("socketio.js", path, http)?);
        socketio.push(ours / theirs.await?);
        ws.push(ours / measure(options, "ws", Side::peer("ws.js", "/", http)?).await?);
    }
    let ((socketio, all), (ws, of_ws)) = (median(socketio), median(ws));
    println!("\nmessages per CPU second: {socketio:.1} x Socket.IO ({all}), {ws:.1} x ws ({of_ws})");
    town.app.stop()
}

impl<'a> Side<'a> {
    async fn ours(town: &'a Town) -> anyhow::Result<Self> {
        let mut database = PgConnection::connect_with(&town.app.admin_options()?).await?;
        // A version is taken once: each side of this run begins above the one before.
        let published =
            sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint * 1000")
                .fetch_one(&mut database)
                .await?;
        Ok(Self::Ours { town, database, published })
    }

    fn peer(program: &str, path: &'static str, http: &reqwest::Client) -> anyhow::Result<Self> {
        let node = Node::start("fanout", program, free_port()?, &[])?;
        Ok(Self::Peer { node, path, http: http.clone() })
    }

    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        match self {
            Self::Ours { town, .. } => cpu_seconds(town.pid),
            Self::Peer { node, .. } => cpu_seconds(node.pid()),
        }
    }

    /// A socket that hears what is published.
    async fn connect(&self) -> anyhow::Result<Socket> {
        match self {
            Self::Ours { town, .. } => {
                let url = town.app.url("/api/v1/realtime").replace("http", "ws");
                let mut request = url.into_client_request()?;
                let protocols = format!("dropmate.v1, bearer.{}", town.owner.access_token);
                request.headers_mut().insert("sec-websocket-protocol", protocols.parse()?);
                let (mut socket, _) = connect_async(request).await?;
                socket.send(Message::text(r#"{"type":"subscribe","topic":"orders"}"#)).await?;
                expect(&mut socket, "\"subscribed\"").await?;
                Ok(socket)
            }
            Self::Peer { node, path, .. } => {
                let (mut socket, _) = connect_async(format!("ws://127.0.0.1:{}{path}", node.port)).await?;
                if path.starts_with("/socket.io") {
                    expect(&mut socket, "0{").await?;
                    socket.send(Message::text("40")).await?;
                    expect(&mut socket, "40{").await?;
                }
                Ok(socket)
            }
        }
    }

    async fn publish(&mut self, messages: usize) -> anyhow::Result<()> {
        match self {
            Self::Ours { town, database, published } => {
                let first = *published;
                *published += i64::try_from(messages)?;
                let statement = "SELECT bus.publish(array_agg(gen_random_uuid()), array_agg($1::uuid),
                           array_agg('delivery.updated.v1'::text), array_agg('00000000-0000-7000-8000-000000000001'::uuid),
                           array_agg($2 + n), array_agg($3::text::jsonb), array_agg('bench'::text), array_agg(NULL::text),
                           array_agg(now())) FROM generate_series(1, $4) n";
                let text: serde_json::Value = serde_json::from_str(TEXT)?;
                let mut tx = database.begin().await?;
                sqlx::query("SET LOCAL SESSION AUTHORIZATION dropmate_tracking").execute(&mut *tx).await?;
                sqlx::query(statement)
                    .bind(town.org()?.uuid())
                    .bind(first)
                    .bind(text["data"].to_string())
                    .bind(i64::try_from(messages)?)
                    .execute(&mut *tx)
                    .await?;
                tx.commit().await?;
            }
            Self::Peer { node, http, .. } => {
                let body = vec![TEXT; messages].join("\n");
                let url = format!("http://127.0.0.1:{}/publish", node.port);
                http.post(url).body(body).send().await?.error_for_status()?;
            }
        }
        Ok(())
    }
}

async fn expect(socket: &mut Socket, part: &str) -> anyhow::Result<()> {
    let next = tokio::time::timeout(PATIENCE, socket.next()).await?.context("the socket ended")??;
    let text = next.to_text()?;
    ensure!(text.contains(part), "{text} instead of {part}");
    Ok(())
}

async fn measure(options: &Options, name: &str, mut side: Side<'_>) -> anyhow::Result<f64> {
    let heard = Arc::new(AtomicU64::new(0));
    let mut listeners = JoinSet::new();
    for _ in 0..options.sockets {
        let (mut socket, heard) = (side.connect().await?, Arc::clone(&heard));
        listeners.spawn(async move {
            while let Some(Ok(message)) = socket.next().await {
                let Ok(text) = message.to_text() else { continue };
                if text.contains("delivery.updated.v1") {
                    heard.fetch_add(1, Ordering::Relaxed);
                } else if text == "2" {
                    // Socket.IO asks whether somebody is still there.
                    socket.send(Message::text("3")).await.ok();
                }
            }
        });
    }
    let (before, begun) = (side.cpu_seconds()?, Instant::now());
    let all = u64::try_from(options.sockets * options.burst * options.bursts)?;
    for burst in 1..=options.bursts {
        side.publish(options.burst).await?;
        let due = u64::try_from(options.sockets * options.burst * burst)?;
        let published = Instant::now();
        while heard.load(Ordering::Relaxed) < due {
            ensure!(
                published.elapsed() < PATIENCE,
                "{name}: {} of {due} were heard",
                heard.load(Ordering::Relaxed)
            );
            pause(Duration::from_millis(1)).await;
        }
    }
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), side.cpu_seconds()? - before);
    ensure!(heard.load(Ordering::Relaxed) == all, "{name}: more was heard than published");
    let (rate, per_cpu) = (count(all) / seconds, count(all) / cpu);
    println!("| {name} | {all} | {rate:.0} | {per_cpu:.0} |");
    Ok(per_cpu)
}
