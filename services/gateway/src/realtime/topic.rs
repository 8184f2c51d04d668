//! What a client can follow, and which events belong to it.
//!
//! | topic | who may follow | events |
//! |---|---|---|
//! | `orders` | who may list the organisation's orders and sees all of them | every `order.*`, `proof.*`, `delivery.*` and `dispatch.*` event |
//! | `order:<id>` | who may read the order | those about it; for a driver without the code of the customer's page |
//! | `drivers` | who may list the drivers and sees all of them | every `driver.*` and `route.*` event; positions |
//! | `driver:<id>` | who may read the driver | those about the driver; positions |
//! | `package:<tracking number>` | who has the number | order and delivery events of the package's order |
//! | `track:<code>` | who has the code | order and delivery events of its order, without who does it |
//!
//! An event names its order or driver in its payload (`order_id`, `driver_id`); nothing else is looked at.

use std::borrow::Cow;
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
    /// About this order, as its courier may see it.
    Carried(OrderId),
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

/// The member of an order's facts that is the code of its page.
const CODE: &str = "tracking_code";

/// What a connection listens for. Events go to those who listen for what they are about; a filter looks at what arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Interest {
    /// Whatever is about an order.
    Orders,
    /// What is about this order.
    Order(OrderId),
    /// What happens to drivers.
    Drivers,
    /// What is about this driver and no order.
    Driver(DriverId),
}

impl Interest {
    /// Whether the event is listened for.
    pub(crate) fn takes(self, subject: &str, about: About) -> bool {
        match self {
            Self::Orders => about.order.is_some(),
            Self::Order(id) => about.order == Some(id),
            Self::Drivers => {
                about.driver.is_some() && (subject.starts_with("driver.") || subject.starts_with("route."))
            }
            Self::Driver(id) => about.driver == Some(id) && about.order.is_none(),
        }
    }

    /// All with which the event is listened for.
    pub(crate) fn all_in(subject: &str, about: About) -> impl Iterator<Item = Self> {
        let (order, driver) = (about.order.map(Self::Order), about.driver.map(Self::Driver));
        let candidates = [Some(Self::Orders), order, Some(Self::Drivers), driver];
        candidates.into_iter().flatten().filter(move |interest| interest.takes(subject, about))
    }
}

/// How much of an event is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// Everything.
    Inside,
    /// Everything but the code of the customer's page, which shows the PIN that the courier is to be told.
    Courier,
    /// What somebody outside may see.
    Outside,
}

impl View {
    /// The payload as it is shown.
    pub(crate) fn show(self, payload: &Value) -> Cow<'_, Value> {
        let Some(members) = payload.as_object() else { return Cow::Borrowed(payload) };
        match self {
            Self::Courier if payload["facts"].get(CODE).is_some() => {
                let mut shown = payload.clone();
                shown["facts"].as_object_mut().and_then(|facts| facts.remove(CODE));
                Cow::Owned(shown)
            }
            Self::Inside | Self::Courier => Cow::Borrowed(payload),
            Self::Outside => {
                let shown = members.iter().filter(|(name, _)| OUTSIDE.contains(&name.as_str()));
                Cow::Owned(Value::Object(shown.map(|(name, value)| (name.clone(), value.clone())).collect()))
            }
        }
    }
}

impl Filter {
    /// What a connection has to listen for to hear what this filter lets through.
    pub(crate) fn interest(&self) -> Interest {
        match self {
            Self::Orders => Interest::Orders,
            Self::Order(id) | Self::Carried(id) | Self::Outside(id) => Interest::Order(*id),
            Self::Drivers => Interest::Drivers,
            Self::Driver(id) => Interest::Driver(*id),
        }
    }

    /// How much a subscription with this filter is shown.
    pub(crate) fn view(&self) -> View {
        match self {
            Self::Outside(_) => View::Outside,
            Self::Carried(_) => View::Courier,
            Self::Orders | Self::Order(_) | Self::Drivers | Self::Driver(_) => View::Inside,
        }
    }

    /// Whether a subscription with this filter gets the event.
    pub(crate) fn wants(&self, subject: &str, about: About) -> bool {
        let kept_inside =
            || self.view() == View::Outside && INSIDE.iter().any(|prefix| subject.starts_with(prefix));
        self.interest().takes(subject, about) && !kept_inside()
    }

    /// Whether positions of this driver belong to it.
    pub(crate) fn follows(&self, driver: DriverId) -> bool {
        match self {
            Self::Drivers => true,
            Self::Driver(id) => *id == driver,
            Self::Orders | Self::Order(_) | Self::Carried(_) | Self::Outside(_) => false,
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
        assert_eq!(*Filter::Outside(order).view().show(&payload), json!({ "to": "picked_up" }));
        assert_eq!(*Filter::Order(order).view().show(&payload), payload);
    }

    #[test]
    fn who_listens_for_what_an_event_is_about_hears_it() {
        let (order, driver) = (OrderId::new(Uuid::from_u128(1)), DriverId::new(Uuid::from_u128(2)));
        let filters = [
            Filter::Orders,
            Filter::Order(order),
            Filter::Outside(order),
            Filter::Drivers,
            Filter::Driver(driver),
        ];
        let abouts = [(Some(order), Some(driver)), (Some(order), None), (None, Some(driver)), (None, None)];
        for (order, driver) in abouts {
            let about = About { order, driver };
            for subject in
                ["order.assigned.v1", "dispatch.offer_made.v1", "route.changed.v1", "driver.available.v1"]
            {
                let all: Vec<Interest> = Interest::all_in(subject, about).collect();
                for filter in &filters {
                    let heard = all.contains(&filter.interest());
                    assert!(
                        heard || !filter.wants(subject, about),
                        "{filter:?} misses {subject} about {about:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_courier_does_not_learn_where_the_pin_is_shown() {
        let order = OrderId::new(Uuid::from_u128(1));
        let view = Filter::Carried(order).view();
        let payload =
            json!({ "order_id": order, "facts": { "number": "A-042", "tracking_code": "7KQ2M9XTB4HP" } });
        assert_eq!(*view.show(&payload), json!({ "order_id": order, "facts": { "number": "A-042" } }));
        let moved = json!({ "order_id": order, "to": "picked_up" });
        assert_eq!(*view.show(&moved), moved);
        assert!(Filter::Carried(order).wants("order.updated.v1", About::of(&payload)));
    }
}
