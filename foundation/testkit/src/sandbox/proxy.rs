//! A wire that can be broken: a TCP proxy in this process, with its weather changed by the test.
//!
//! | fault | what happens |
//! |---|---|
//! | [`Proxy::hold`] | nothing passes, no end is told; after [`Proxy::heal`] everything held flows on, as when TCP repeats it |
//! | [`Proxy::forget`] | the same, but connections from before stay dead for ever: a router that lost its table |
//! | [`Proxy::reset`] | every connection is reset, new ones at once |
//! | [`Proxy::one_way`] | one direction is held, the other goes on |
//! | [`Proxy::delay`], [`Proxy::slow`] | every piece waits; so many bytes a second |

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use platform::lifecycle::pause;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Where a proxy leads to.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// A host and port.
    Tcp(String),
    /// A socket file.
    Unix(PathBuf),
}

/// A direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// What the one who connected says.
    ToServer,
    /// The answers.
    ToClient,
}

#[derive(Debug, Clone, Copy, Default)]
struct Weather {
    held: [bool; 2],
    delay: Duration,
    bytes_per_second: Option<u64>,
    /// Connections of this generation and older are reset.
    reset_up_to: u64,
    /// Connections of this generation and older never pass anything again.
    forgotten_up_to: u64,
    /// New connections are reset too.
    refusing: bool,
}

/// A listening proxy; ends with its value, and with it every connection through it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: Arc<watch::Sender<Weather>>,
    generation: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// On a free port of the loopback address.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test tool without a lifecycle; the task ends with the proxy"
    )]
    pub async fn to(upstream: Upstream) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let weather = Arc::new(watch::Sender::new(Weather::default()));
        let generation = Arc::new(AtomicU64::new(1));
        let accepting =
            tokio::spawn(accept(listener, upstream, Arc::clone(&weather), Arc::clone(&generation)));
        Ok(Self { address, weather, generation, accepting })
    }

    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Holds both directions.
    pub fn hold(&self) {
        self.change(|weather| weather.held = [true, true]);
    }

    /// Holds both directions, and never passes anything of today's connections again.
    pub fn forget(&self) {
        let upto = self.generation.fetch_add(1, Ordering::SeqCst);
        self.change(|weather| (weather.held, weather.forgotten_up_to) = ([true, true], upto));
    }

    /// Resets what is connected and whoever connects.
    pub fn reset(&self) {
        let upto = self.generation.fetch_add(1, Ordering::SeqCst);
        self.change(|weather| (weather.reset_up_to, weather.refusing) = (upto, true));
    }

    /// Holds one direction.
    pub fn one_way(&self, held: Way) {
        self.change(|weather| weather.held[held as usize] = true);
    }

    /// Lets every piece wait.
    pub fn delay(&self, by: Duration) {
        self.change(|weather| weather.delay = by);
    }

    /// Lets so many bytes pass in a second.
    pub fn slow(&self, bytes_per_second: u64) {
        self.change(|weather| weather.bytes_per_second = Some(bytes_per_second.max(1)));
    }

    /// Fine weather; what was reset or forgotten stays so.
    pub fn heal(&self) {
        self.change(|weather| {
            *weather = Weather {
                reset_up_to: weather.reset_up_to,
                forgotten_up_to: weather.forgotten_up_to,
                ..Weather::default()
            };
        });
    }

    fn change(&self, change: impl FnOnce(&mut Weather)) {
        self.weather.send_modify(change);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        // Ends the connections.
        self.change(|weather| (weather.reset_up_to, weather.refusing) = (u64::MAX, true));
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test tool without a lifecycle; connections end with the proxy"
)]
async fn accept(
    listener: TcpListener,
    upstream: Upstream,
    weather: Arc<watch::Sender<Weather>>,
    generation: Arc<AtomicU64>,
) {
    while let Ok((client, _)) = listener.accept().await {
        let (upstream, weather) = (upstream.clone(), weather.subscribe());
        let born = generation.load(Ordering::SeqCst);
        tokio::spawn(async move {
            if weather.borrow().refusing {
                return reset(&client);
            }
            client.set_nodelay(true).ok();
            match upstream {
                Upstream::Tcp(address) => match TcpStream::connect(address).await {
                    Ok(server) => {
                        server.set_nodelay(true).ok();
                        join(client, server.into_split(), weather, born).await;
                    }
                    Err(_nobody_there) => reset(&client),
                },
                Upstream::Unix(path) => match UnixStream::connect(path).await {
                    Ok(server) => join(client, server.into_split(), weather, born).await,
                    Err(_nobody_there) => reset(&client),
                },
            }
        });
    }
}

fn reset(client: &TcpStream) {
    // Closing with this set sends a reset instead of an orderly end.
    client.set_zero_linger().ok();
}

async fn join<R, W>(mut client: TcpStream, server: (R, W), weather: watch::Receiver<Weather>, born: u64)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (mut from_server, mut to_server) = server;
    let cut = {
        let (mut from_client, mut to_client) = client.split();
        let there = pump(&mut from_client, &mut to_server, Way::ToServer, weather.clone(), born);
        let back = pump(&mut from_server, &mut to_client, Way::ToClient, weather.clone(), born);
        let mut sky = weather.clone();
        tokio::select! {
            _ended = async { tokio::join!(there, back) } => false,
            _reset = sky.wait_for(|weather| weather.reset_up_to >= born) => true,
        }
    };
    if cut {
        reset(&client);
    }
}

/// Moves bytes in one direction as the weather allows, and tells the other side when one ends.
async fn pump<R, W>(from: &mut R, to: &mut W, way: Way, mut weather: watch::Receiver<Weather>, born: u64)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await.unwrap_or(0);
        let passes = |weather: &Weather| !weather.held[way as usize] && weather.forgotten_up_to < born;
        // A proxy that is gone passes nothing.
        let Ok(now) = weather.wait_for(passes).await.map(|weather| *weather) else { return };
        if length == 0 {
            to.shutdown().await.ok();
            return;
        }
        let slow = now.bytes_per_second.map(|speed| {
            Duration::from_micros(u64::try_from(length).unwrap_or(0).saturating_mul(1_000_000) / speed)
        });
        let wait = now.delay + slow.unwrap_or_default();
        if !wait.is_zero() {
            pause(wait).await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Instant;

    use super::*;

    /// A server that says everything back.
    #[expect(clippy::disallowed_methods, reason = "a test")]
    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await.ok();
                });
            }
        });
        address
    }

    async fn say(stream: &mut TcpStream, text: &str) -> io::Result<String> {
        stream.write_all(text.as_bytes()).await?;
        let mut heard = vec![0; text.len()];
        let patience = Duration::from_millis(300);
        tokio::time::timeout(patience, stream.read_exact(&mut heard)).await??;
        Ok(String::from_utf8(heard).unwrap())
    }

    #[tokio::test]
    async fn each_fault_does_what_it_says_and_heals() {
        let proxy = Proxy::to(Upstream::Tcp(echo().await)).await.unwrap();
        let connect = || TcpStream::connect(proxy.address());
        let mut one = connect().await.unwrap();
        assert_eq!(
            say(&mut one, "fine").await.unwrap(),
            "fine",
            "the negative control: without a fault it passes"
        );
        proxy.hold();
        assert_eq!(say(&mut one, "held").await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        proxy.heal();
        let mut late = [0; 4];
        one.read_exact(&mut late).await.unwrap();
        assert_eq!(&late, b"held", "what was held arrives");
        for way in [Way::ToServer, Way::ToClient] {
            proxy.one_way(way);
            assert!(say(&mut one, "half").await.is_err(), "{way:?}");
            proxy.heal();
            one.read_exact(&mut late).await.unwrap();
        }
        proxy.delay(Duration::from_millis(40));
        let begun = Instant::now();
        say(&mut one, "slow").await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(80), "both ways");
        proxy.heal();
        proxy.slow(100);
        let begun = Instant::now();
        say(&mut one, "ten bytes!").await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(200));
        proxy.heal();

        proxy.reset();
        assert_eq!(say(&mut one, "gone").await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        let mut refused = connect().await.unwrap();
        assert!(say(&mut refused, "no").await.is_err());
        proxy.heal();
        let mut two = connect().await.unwrap();
        assert_eq!(say(&mut two, "back").await.unwrap(), "back");
        proxy.forget();
        proxy.heal();
        assert_eq!(say(&mut two, "dead").await.unwrap_err().kind(), io::ErrorKind::TimedOut, "for ever");
        let mut three = connect().await.unwrap();
        assert_eq!(say(&mut three, "new").await.unwrap(), "new");
    }
}
