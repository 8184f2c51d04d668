//! What a client can follow, and which events belong to it.
//!
//! | topic | who may follow | events |
//! |---|---|---|
//! | `orders` | who may list the organisation's orders and sees all of them | every `order.*`, `proof.*`, `delivery.*` and `dispatch.*` event |
//! | `order:<id>` | who may read the order | those about it |
//! | `drivers` | who may list the drivers and sees all of them | every `driver.*` and `route.*` event; positions |
//! | `driver:<id>` | who may read the driver | those about the driver; positions |
//! | `package:<tracking number>` | who has the number | order and delivery events of the package's order |
//! | `track:<code>` | who has the code | order and delivery events of its order, without who does it |
//!
//! An event names its order or driver in its payload (`order_id`, `driver_id`); nothing else is looked at.

use std::fmt;
use std::str::FromStr;

use kernel::ids::{DriverId, OrderId};
use serde_json::Value;

/// What a client names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Topic {
    /// All orders of the organisation.
    Orders,
    /// One order.
    Order(OrderId),
    /// All drivers of the organisation.
    Drivers,
    /// One driver.
    Driver(DriverId),
    /// One package, by its tracking number.
    Package(String),
    /// One delivery, by the code of its public page.
    Track(String),
}

/// Longest tracking number or code.
const LONGEST: usize = 32;

impl FromStr for Topic {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let code = |code: &str| {
            let plain =
                (1..=LONGEST).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
            plain.then(|| code.to_ascii_uppercase()).ok_or(())
        };
        match text.split_once(':') {
            None if text == "orders" => Ok(Self::Orders),
            None if text == "drivers" => Ok(Self::Drivers),
            Some(("order", id)) => id.parse().map(Self::Order).map_err(|_other| ()),
            Some(("driver", id)) => id.parse().map(Self::Driver).map_err(|_other| ()),
            Some(("package", number)) => code(number).map(Self::Package),
            Some(("track", number)) => code(number).map(Self::Track),
            _ => Err(()),
        }
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Orders => f.write_str("orders"),
            Self::Order(id) => write!(f, "order:{id}"),
            Self::Drivers => f.write_str("drivers"),
            Self::Driver(id) => write!(f, "driver:{id}"),
            Self::Package(number) => write!(f, "package:{number}"),
            Self::Track(code) => write!(f, "track:{code}"),
        }
    }
}

/// Which events a subscription gets, once it was found out what its topic stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Filter {
    /// About any order.
    Orders,
    /// About this order.
    Order(OrderId),
    /// About this order, as somebody outside may see it.
    Outside(OrderId),
    /// About any driver.
    Drivers,
    /// About this driver.
    Driver(DriverId),
}

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct About {
    /// Its order.
    pub order: Option<OrderId>,
    /// Its driver.
    pub driver: Option<DriverId>,
}

impl About {
    /// Reads the payload of an event.
    pub(crate) fn of(payload: &Value) -> Self {
        fn read<T: FromStr>(payload: &Value, name: &str) -> Option<T> {
            payload.get(name)?.as_str()?.parse().ok()
        }
        Self { order: read(payload, "order_id"), driver: read(payload, "driver_id") }
    }
}

/// What of an order's events nobody outside gets: who does it, and how that was decided.
const INSIDE: [&str; 2] = ["dispatch.", "route."];
/// Members of payloads that somebody outside may see.
const OUTSIDE: [&str; 10] =
    ["from", "to", "at", "kind", "eta", "attempt", "outcome", "status", "distance_m", "promised_until"];

impl Filter {
    /// Whether a subscription with this filter gets the event.
    pub(crate) fn wants(&self, subject: &str, about: About) -> bool {
        let of_drivers = subject.starts_with("driver.") || subject.starts_with("route.");
        match self {
            Self::Orders => about.order.is_some(),
            Self::Order(id) => about.order == Some(*id),
            Self::Outside(id) => {
                about.order == Some(*id) && !INSIDE.iter().any(|prefix| subject.starts_with(prefix))
            }
            Self::Drivers => of_drivers && about.driver.is_some(),
            Self::Driver(id) => about.driver == Some(*id) && about.order.is_none(),
        }
    }

    /// The event as this subscription may see it.
    pub(crate) fn show(&self, payload: &Value) -> Value {
        let (Self::Outside(_), Some(members)) = (self, payload.as_object()) else { return payload.clone() };
        let shown = members.iter().filter(|(name, _)| OUTSIDE.contains(&name.as_str()));
        Value::Object(shown.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// Whether positions of this driver belong to it.
    pub(crate) fn follows(&self, driver: DriverId) -> bool {
        match self {
            Self::Drivers => true,
            Self::Driver(id) => *id == driver,
            Self::Orders | Self::Order(_) | Self::Outside(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::Uuid;
    use serde_json::json;

    #[test]
    fn topics_are_read_as_they_are_written() {
        let order = OrderId::new(Uuid::from_u128(7));
        for text in
            ["orders", "drivers", &format!("order:{order}"), "track:7KQ2M9XTB4HP", "package:P7KQ2M9XTB4HPX"]
        {
            assert_eq!(text.parse::<Topic>().unwrap().to_string(), text);
        }
        assert_eq!("track:7kq2m9xtb4hp".parse::<Topic>().unwrap().to_string(), "track:7KQ2M9XTB4HP");
        for wrong in [
            "",
            "order",
            "order:",
            "order:x",
            "track:",
            "track:a b",
            "messages:1",
            "orders:1",
            &format!("driver:{order}"),
        ] {
            assert_eq!(wrong.parse::<Topic>(), Err(()), "{wrong}");
        }
    }

    #[test]
    fn an_event_reaches_the_topics_of_what_it_is_about_and_no_others() {
        let (order, driver) = (OrderId::new(Uuid::from_u128(1)), DriverId::new(Uuid::from_u128(2)));
        let other = OrderId::new(Uuid::from_u128(3));
        let about = About::of(&json!({ "order_id": order, "driver_id": driver }));
        let wants = |filter: Filter, subject: &str| filter.wants(subject, about);
        assert!(
            wants(Filter::Orders, "order.assigned.v1") && wants(Filter::Order(order), "order.assigned.v1")
        );
        assert!(!wants(Filter::Order(other), "order.assigned.v1"));
        assert!(wants(Filter::Outside(order), "order.status_changed.v1"));
        assert!(!wants(Filter::Outside(order), "dispatch.offer_made.v1"));
        assert!(!wants(Filter::Drivers, "order.assigned.v1"), "an order's event is followed with the order");
        let about = About::of(&json!({ "driver_id": driver }));
        assert!(
            Filter::Drivers.wants("driver.available.v1", about)
                && Filter::Driver(driver).wants("route.changed.v1", about)
        );
        assert!(!Filter::Orders.wants("driver.available.v1", about));
    }

    #[test]
    fn nobody_outside_sees_who_does_it() {
        let order = OrderId::new(Uuid::from_u128(1));
        let payload = json!({ "order_id": order, "driver_id": "driver_x", "to": "picked_up", "position": { "lat": 1.0 } });
        assert_eq!(Filter::Outside(order).show(&payload), json!({ "to": "picked_up" }));
        assert_eq!(Filter::Order(order).show(&payload), payload);
    }
}
