//! Ending TLS on an accepted connection.
//!
//! Which certificate is shown is not decided here: whoever starts the server hands in a [`Choose`], which sees what the
//! caller asked for. A caller that speaks plain HTTP to this port (somebody typed `http://`) is answered by a router of
//! its own, which sends it to `https://`; nothing else is reachable without TLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::server::{Acceptor, ClientHello};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tower::Service as _;

use super::{Handshake, Io};

/// The protocol in which an authority looks whether a name leads here (RFC 8737). It ends with the handshake.
pub const CHALLENGE: &[u8] = b"acme-tls/1";
/// What is spoken to people's browsers, the better one first.
pub const HTTP: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The first byte of every TLS connection: a record of the type "handshake" (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

/// Chooses how a connection is answered.
pub trait Choose: Send + Sync {
    /// `beside`: the caller is on this machine.
    fn choose(&self, hello: &ClientHello<'_>, beside: bool) -> Arc<ServerConfig>;
}

/// The handshake of an endpoint. `plain` answers who speaks HTTP without TLS.
pub fn handshake(choose: Arc<dyn Choose>, plain: Router) -> Handshake {
    Arc::new(move |stream| {
        let (choose, plain) = (Arc::clone(&choose), plain.clone());
        Box::pin(async move { begin(stream, choose.as_ref(), plain).await })
    })
}

async fn begin(stream: TcpStream, choose: &dyn Choose, plain: Router) -> io::Result<Box<dyn Io>> {
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => return Err(io::ErrorKind::UnexpectedEof.into()),
        _ if first[0] == HANDSHAKE => {}
        _ => return answer_plainly(stream, plain).await,
    }
    let beside = is_beside(stream.peer_addr()?, stream.local_addr()?);
    let start = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let config = choose.choose(&start.client_hello(), beside);
    let mut stream = start.into_stream(config).await?;
    if stream.get_ref().1.alpn_protocol() == Some(CHALLENGE) {
        stream.shutdown().await?;
        return Err(io::Error::other(
            "it was the question of an authority, which the handshake has answered",
        ));
    }
    Ok(Box::new(stream))
}

/// A connection to an address of this machine comes from the same address, or from a loopback one.
fn is_beside(peer: SocketAddr, local: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback() || peer.ip() == local.ip()
}

/// One request, one answer, and the end of the connection.
async fn answer_plainly(stream: TcpStream, router: Router) -> io::Result<Box<dyn Io>> {
    let service = service_fn(move |request: Request<Incoming>| router.clone().call(request.map(Body::new)));
    let mut http = http1::Builder::new();
    http.keep_alive(false).max_buf_size(16 * 1024);
    http.serve_connection(TokioIo::new(stream), service).await.map_err(io::Error::other)?;
    Err(io::Error::other("plain HTTP on the port of HTTPS; it was answered"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beside_means_on_this_machine() {
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert!(is_beside(at("127.0.0.1:50000"), at("127.0.0.1:443")));
        assert!(is_beside(at("[::1]:50000"), at("[::1]:443")));
        assert!(is_beside(at("[::ffff:127.0.0.1]:50000"), at("[::ffff:127.0.0.1]:443")));
        assert!(
            is_beside(at("192.168.1.5:50000"), at("192.168.1.5:443")),
            "to its own address in the network"
        );
        assert!(!is_beside(at("192.168.1.6:50000"), at("192.168.1.5:443")));
        assert!(!is_beside(at("[fd00::2]:1"), at("[fd00::1]:443")));
    }
}
