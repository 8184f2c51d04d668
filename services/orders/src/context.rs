//! What the commands of orders work with, and who is calling.

use std::sync::Arc;
use std::time::Duration;

use contracts::calls::DriverOfUser;
use kernel::ids::{DriverId, OrderId, OrgId};
use platform::auth::{Principal, Role};
use platform::cache::Key;
use platform::db::{Db, Scope};
use platform::service::Ground;
use platform::vault::Vault;
use platform::{Kind, Result};
use tokio::sync::Semaphore;

use crate::entities::Order;

/// How long it is remembered which driver an account is.
const REMEMBERED: Duration = Duration::from_mins(5);
/// How long a summary is kept; every change takes it back earlier.
const SUMMARY_KEPT: Duration = Duration::from_mins(5);

/// Files that are read at the same time.
const READERS: usize = 2;
/// How long one waits for the others.
const PATIENCE: Duration = Duration::from_secs(10);

/// The service's context; cheap to clone.
#[derive(Clone)]
pub struct Orders {
    ground: Arc<Ground>,
    reading: Arc<Semaphore>,
}

impl Orders {
    /// On this ground.
    pub fn new(ground: &Ground) -> Self {
        Self { ground: Arc::new(ground.clone()), reading: Arc::new(Semaphore::new(READERS)) }
    }

    /// The service's connection.
    pub fn db(&self) -> &Db {
        &self.ground.db
    }

    /// Keys for sealed columns.
    pub fn vault(&self) -> &Vault {
        &self.ground.vault
    }

    /// Everything else.
    pub fn ground(&self) -> &Ground {
        &self.ground
    }

    /// Does work that keeps a core busy and takes memory (reading a file), off the threads that answer and one after the
    /// other.
    pub async fn read_file<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.reading).acquire_owned());
        let turn = turn.await.map_err(|_elapsed| {
            platform::Error::new(
                Kind::Unavailable,
                "busy",
                "Other files are being read. Try again in a few seconds.",
            )
            .with_retry_after(Duration::from_secs(5))
        })?;
        let turn = turn.map_err(platform::Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        done.await.map_err(platform::Error::internal)?
    }

    /// What a caller may see. Asks drivers who a signed-in driver is: call it while no transaction is open.
    pub async fn viewer(&self, principal: &Principal, scope: &Scope) -> Result<Viewer> {
        Ok(match principal.role {
            Role::Owner | Role::Manager | Role::Dispatcher | Role::Service => Viewer::Staff,
            Role::Driver => self.driver(principal, scope).await?.map_or(Viewer::Nobody, Viewer::Driver),
            Role::Customer => Viewer::Customer(principal.label()),
            _ => Viewer::Nobody,
        })
    }

    /// Which driver a signed-in person is. Somebody who is none yet is asked for again next time.
    async fn driver(&self, principal: &Principal, scope: &Scope) -> Result<Option<DriverId>> {
        let (user_id, org) = (principal.user()?, principal.org()?);
        let key = Key::of("orders.driver_of_user", org, user_id);
        let load = async {
            let driver = self.ground.peers.ask(scope, &DriverOfUser { user_id }).await?;
            Ok(driver.to_string().into())
        };
        match self.ground.cache.get_or_load(&key, REMEMBERED, load).await {
            Ok(bytes) => Ok(std::str::from_utf8(&bytes).ok().and_then(|text| text.parse().ok())),
            Err(error) if error.kind() == Kind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is kept of an order without anything about people, made by `load` when it is not there.
    pub async fn summary<F>(&self, org: OrgId, id: OrderId, load: F) -> Result<Vec<u8>>
    where
        F: Future<Output = Result<Vec<u8>>>,
    {
        let load = async { Ok(load.await?.into()) };
        Ok(self.ground.cache.get_or_load(&summary_key(org, id), SUMMARY_KEPT, load).await?.to_vec())
    }

    /// Takes back what is kept of an order, after its change was committed.
    pub async fn forget(&self, org: Option<OrgId>, id: OrderId) {
        if let Some(org) = org {
            self.ground.cache.cache().delete(&summary_key(org, id)).await;
        }
    }
}

fn summary_key(org: OrgId, id: OrderId) -> Key {
    Key::of("orders.summary", org, id)
}

/// Whose orders a caller sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// All of the organisation.
    Staff,
    /// Those that this driver has.
    Driver(DriverId),
    /// Those that they placed.
    Customer(String),
    /// None.
    Nobody,
}

impl Viewer {
    /// Whether they see an order; what they do not see is not there.
    pub fn sees(&self, order: &Order) -> bool {
        self.sees_one(order.driver(), &order.created_by)
    }

    /// The same, when only this is known of the order.
    pub fn sees_one(&self, driver: Option<DriverId>, created_by: &str) -> bool {
        match self {
            Self::Staff => true,
            Self::Driver(own) => driver == Some(*own),
            Self::Customer(label) => label == created_by,
            Self::Nobody => false,
        }
    }

    /// Whether they may know the code of the customer's page.
    pub const fn may_follow(&self) -> bool {
        matches!(self, Self::Staff | Self::Customer(_))
    }
}
