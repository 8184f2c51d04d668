//! Who may follow what. The gateway does not know; it asks the service whose it is, as the client would: who may read a
//! thing may follow it. Codes of public pages are asked for in the gateway's own name.

use axum::body::Body;
use contracts::calls::{PackageOrder, TrackedOrder};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, Request};
use kernel::ids::OrgId;
use platform::auth::{Principal, Role};
use platform::db::Scope;
use platform::http::Peers;
use platform::http::operations::Authenticator;
use platform::{Error, Kind, Result};

use super::topic::{Filter, Topic};
use crate::forward::Channels;

/// A client's credential, and the ways to ask about it.
#[derive(Clone)]
pub(crate) struct Rights {
    channels: Channels,
    peers: Peers,
    authenticator: Authenticator,
    credential: Option<HeaderValue>,
    principal: Principal,
}

/// What a topic stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) org: OrgId,
    pub(crate) filter: Filter,
}

impl Rights {
    /// Of nobody in particular.
    pub(crate) fn new(channels: Channels, peers: Peers, authenticator: Authenticator) -> Self {
        Self { channels, peers, authenticator, credential: None, principal: Principal::anonymous() }
    }

    /// Takes a credential; the same person's as before, if there was one.
    pub(crate) async fn present(&mut self, token: &str) -> Result<()> {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let value = value.map_err(|_not_a_header| Error::unauthenticated())?;
        let principal = self.who(Some(&value)).await?;
        if self.credential.is_some()
            && (principal.who, principal.org) != (self.principal.who, self.principal.org)
        {
            return Err(Error::forbidden());
        }
        (self.principal, self.credential) = (principal, Some(value));
        Ok(())
    }

    /// What was presented, and who that is.
    pub(crate) fn presented(&self) -> (Option<HeaderValue>, &Principal) {
        (self.credential.clone(), &self.principal)
    }

    /// Whether the credential is still good. Nobody stays nobody.
    pub(crate) async fn hold(&self) -> Result<()> {
        let principal = self.who(self.credential.as_ref()).await?;
        if principal == self.principal { Ok(()) } else { Err(Error::unauthenticated()) }
    }

    async fn who(&self, credential: Option<&HeaderValue>) -> Result<Principal> {
        let mut headers = HeaderMap::new();
        if let Some(credential) = credential {
            headers.insert(AUTHORIZATION, credential.clone());
        }
        self.authenticator.authenticate(&headers).await
    }

    /// What a topic stands for to this client, or why it may not be followed.
    pub(crate) async fn grant(&self, topic: &Topic) -> Result<Granted> {
        let outside = |found: contracts::calls::PublicOrder| Granted {
            org: found.org_id,
            filter: Filter::Outside(found.order_id),
        };
        let scope = Scope::installation();
        match topic {
            Topic::Track(code) => {
                Ok(outside(self.peers.ask(&scope, &TrackedOrder { code: code.clone() }).await?))
            }
            Topic::Package(number) => {
                let call = PackageOrder { tracking_number: number.clone() };
                Ok(outside(self.peers.ask(&scope, &call).await?))
            }
            Topic::Orders => self.all("orders", "/api/v1/orders?limit=1", Filter::Orders).await,
            Topic::Drivers => self.all("drivers", "/api/v1/drivers?limit=1", Filter::Drivers).await,
            Topic::Order(id) => {
                let carries = self.principal.role == Role::Driver;
                let filter = if carries { Filter::Carried(*id) } else { Filter::Order(*id) };
                self.one("orders", &format!("/api/v1/orders/{id}"), filter).await
            }
            Topic::Driver(id) => {
                self.one("drivers", &format!("/api/v1/drivers/{id}"), Filter::Driver(*id)).await
            }
        }
    }

    /// A list counts only for those who see all of it.
    async fn all(&self, service: &'static str, path: &str, filter: Filter) -> Result<Granted> {
        let sees_all =
            matches!(self.principal.role, Role::Owner | Role::Manager | Role::Dispatcher | Role::Service);
        if !sees_all {
            let nobody = self.credential.is_none();
            return Err(if nobody { Error::unauthenticated() } else { Error::forbidden() });
        }
        self.one(service, path, filter).await
    }

    async fn one(&self, service: &'static str, path: &str, filter: Filter) -> Result<Granted> {
        let channel = self.channels.0.get(service).ok_or_else(|| Error::unavailable("service"))?;
        let mut request = Request::get(path).body(Body::empty()).map_err(Error::internal)?;
        if let Some(credential) = &self.credential {
            request.headers_mut().insert(AUTHORIZATION, credential.clone());
        }
        let status = channel.call(request).await?.status().as_u16();
        match Kind::of_refusal(status) {
            None if status == 200 => Ok(Granted { org: self.principal.org()?, filter }),
            Some(Kind::Unauthenticated) => Err(Error::unauthenticated()),
            Some(Kind::NotFound) => Err(Error::not_found("topic")),
            Some(_) => Err(Error::forbidden()),
            None => Err(Error::unavailable("service")),
        }
    }
}
