//! `route.changed` -> what each driver has to do, in which order; and another look at the expected times.

use contracts::dispatch::RouteChanged;
use platform::bus::Consumer;

use crate::jobs::follow_driver::FollowDriver;
use crate::store::routes;

pub(super) fn consumer() -> Consumer {
    Consumer::new("tracking.routes").on::<RouteChanged, _>(|tx, heard, event| {
        Box::pin(async move {
            routes::put(tx, heard.version, &event).await?;
            tx.enqueue(&FollowDriver { driver_id: event.driver_id }).await?;
            Ok(())
        })
    })
}
