//! What may stand beside the database: a broker and a shared cache. Members reach each through its proxy only, so that
//! the way to it can be cut, held and delayed; the test kills, empties and reads the server itself.

use super::proxy::{Proxy, Upstream};
use crate::{NatsServer, RedisServer};

/// A server, and the way that members take to it.
#[derive(Debug)]
pub struct Proxied<S> {
    /// To kill, pause and empty.
    pub server: S,
    /// To cut.
    pub proxy: Proxy,
}

/// The servers that were asked for.
#[derive(Debug, Default)]
pub struct Beside {
    /// Carries events.
    pub nats: Option<Proxied<NatsServer>>,
    /// Keeps what processes share and may lose.
    pub redis: Option<Proxied<RedisServer>>,
}

impl Beside {
    /// Starts them.
    pub async fn start(nats: bool, redis: bool) -> anyhow::Result<Self> {
        let mut beside = Self::default();
        if nats {
            let server = NatsServer::start()?;
            let proxy = Proxy::to(Upstream::Tcp(server.address())).await?;
            beside.nats = Some(Proxied { server, proxy });
        }
        if redis {
            let server = RedisServer::start()?;
            let proxy = Proxy::to(Upstream::Tcp(server.address())).await?;
            beside.redis = Some(Proxied { server, proxy });
        }
        Ok(beside)
    }

    /// What a process is told about them.
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut environment = Vec::new();
        if let Some(Proxied { server, proxy }) = &self.nats {
            environment.push(("NATS_URL".to_owned(), server.url_at(&proxy.address().to_string())));
            environment.push(("DROPMATE__BUS__NATS_MONITORING_URL".to_owned(), server.monitoring_url()));
        }
        if let Some(Proxied { server, proxy }) = &self.redis {
            environment.push(("REDIS_URL".to_owned(), server.url_at(&proxy.address().to_string())));
        }
        environment
    }
}
