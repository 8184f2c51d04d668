//! Orders knew better: the order is not open any more, or another driver has it. It waits again, until the event that says
//! what happened has arrived, or for somebody else.

use kernel::ids::{DriverId, OrderId};
use kernel::time::SignedDuration;
use platform::Result;
use platform::db::Tx;

use crate::domain::timing::later;
use crate::jobs::reconcile::Reconcile;
use crate::store::orders::{self, QueueState};

/// How long the event may take.
const PATIENCE: SignedDuration = SignedDuration::from_secs(2);

/// Takes back a proposal.
pub async fn refused(tx: &mut Tx, order_id: OrderId, driver_id: DriverId) -> Result<()> {
    let Some(mut order) = orders::lock(tx, order_id).await? else { return Ok(()) };
    if order.state != QueueState::Proposed || order.driver_id != Some(driver_id) {
        return Ok(());
    }
    order.state = QueueState::Waiting;
    order.driver_id = None;
    order.look_at = later(tx.now(), PATIENCE);
    orders::update(tx, &order).await?;
    Reconcile::enqueue_at(tx, order.look_at).await
}
