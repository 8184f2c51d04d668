//! What tracking hears. Orders are one consumer, because the events of one order must stay in order.

mod drivers;
mod orders;
mod routes;
mod shops;

use platform::bus::Consumer;

/// All consumers.
pub fn all() -> Vec<Consumer> {
    vec![orders::consumer(), drivers::consumer(), routes::consumer(), shops::consumer()]
}
