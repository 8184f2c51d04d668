//! What was learned from finished deliveries, as expected times use it: the organisation's model, how the driver does today, and
//! the wall clocks of shops, because kitchens and streets have their hours.

use std::collections::BTreeMap;

use ::eta::Model;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use kernel::geo::Position;
use kernel::ids::ShopId;
use kernel::time::{SignedDuration, Timestamp};
use kernel::travel::{Factors, Profile};

use super::eta::{Halt, Said};

/// A driver of whom nothing was heard for so long begins a new shift.
pub const SHIFT: SignedDuration = SignedDuration::from_hours(6);

/// What expected times of a driver stand on.
#[derive(Debug, Clone, Copy)]
pub struct Learned<'a> {
    /// Of the organisation.
    pub model: &'a Model,
    /// The factor of the driver's shift.
    pub shift: f64,
    /// Of the organisation's shops.
    pub clocks: &'a Clocks,
    /// How the driver travels.
    pub profile: Profile,
}

impl Learned<'_> {
    /// The name under which errors of a source of travel times are learned.
    pub fn key(&self, source: &str) -> String {
        Factors::key(source, self.profile)
    }

    /// Seconds that a way takes for which one sets out then: by the factors of its classes of road where those are known, else by
    /// the factor of the source.
    pub fn way_s(&self, source: &str, shop: Option<ShopId>, at: Timestamp, said: &Said) -> f64 {
        let hour = usize::from(self.clocks.at(shop, at).hour());
        match (self.model.speeds.get(self.profile.as_str()), &said.class_s) {
            (Some(speeds), Some(class_s)) => speeds.seconds(hour, class_s),
            _ => self.model.legs.seconds(&self.key(source), hour, f64::from(said.leg.duration_s)),
        }
    }

    /// Whether the classes of road of a way matter.
    pub fn knows_roads(&self) -> bool {
        self.model.speeds.contains_key(self.profile.as_str())
    }

    /// Until when one waits at a stop, in seconds from now: for its window, and for goods.
    pub fn waits_until_s(&self, halt: &Halt, now: Timestamp) -> f64 {
        let seconds = |at: Timestamp| at.duration_since(now).as_secs_f64();
        let opens = halt.from.map_or(0.0, seconds);
        let ready = halt.ready_at.map_or(0.0, |ready| {
            let hour = usize::from(self.clocks.at(halt.shop_id, ready).hour());
            seconds(ready) + self.model.preparation.late_s(shop_key(halt.shop_id), hour)
        });
        opens.max(ready)
    }

    /// Seconds that a stop takes.
    pub fn stop_s(&self, halt: &Halt) -> f64 {
        let (shop, address) = (shop_key(halt.shop_id), address_key(halt.position));
        self.model.stops.seconds(halt.dropoff, shop, address, f64::from(halt.service_s))
    }
}

/// A shop as the model knows it; 0: none.
pub fn shop_key(shop: Option<ShopId>) -> u128 {
    shop.map_or(0, |shop| shop.uuid().as_u128())
}

/// A door as the model knows it: its place, to about ten metres. Never 0.
pub fn address_key(at: Position) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 3,600,000")]
    let cell = |degrees: f64| ((degrees + 180.0) * 10_000.0).round() as u64;
    (cell(at.lat()) << 32) | (cell(at.lon()) + 1)
}

/// A probability, as it is told.
pub fn share(probability: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "a share has two digits")]
    let share = probability as f32;
    share
}

/// The wall clocks of an organisation's shops.
#[derive(Debug, Clone)]
pub struct Clocks {
    zones: BTreeMap<ShopId, TimeZone>,
    usual: TimeZone,
}

/// What a wall clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Minute of the day, 0 to 1439.
    pub minute: u16,
    /// Saturday or Sunday.
    pub weekend: bool,
}

impl Clocks {
    /// Of these shops. Where no shop is known the first one's clock is looked at, and without any UTC.
    pub fn new(shops: &[(ShopId, String)]) -> Self {
        let zone = |name: &str| TimeZone::get(name).unwrap_or(TimeZone::UTC);
        let zones: BTreeMap<_, _> = shops.iter().map(|(shop, name)| (*shop, zone(name))).collect();
        let usual = zones.values().next().cloned().unwrap_or(TimeZone::UTC);
        Self { zones, usual }
    }

    /// The IANA name of the clock that is looked at where no shop is known.
    pub fn usual(&self) -> &str {
        self.usual.iana_name().unwrap_or("UTC")
    }

    /// What the clock of a shop shows.
    pub fn at(&self, shop: Option<ShopId>, at: Timestamp) -> Clock {
        let zone = shop.and_then(|shop| self.zones.get(&shop)).unwrap_or(&self.usual);
        let local = at.to_zoned(zone.clone());
        let minute = i16::from(local.hour()) * 60 + i16::from(local.minute());
        Clock {
            minute: u16::try_from(minute).unwrap_or_default(),
            weekend: matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday),
        }
    }
}

impl Clock {
    /// The hour, 0 to 23.
    pub fn hour(self) -> u8 {
        u8::try_from(self.minute / 60).unwrap_or_default()
    }

    /// How much of the day is over, 0 to 1.
    pub fn part_of_day(self) -> f64 {
        part_of_day(self.minute)
    }
}

/// How much of the day is over at a minute of it, 0 to 1.
pub fn part_of_day(minute: u16) -> f64 {
    f64::from(minute) / 1_440.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::Uuid;

    fn shop(number: u128) -> ShopId {
        ShopId::new(Uuid::from_u128(number))
    }

    #[test]
    fn each_shop_has_its_clock_and_who_has_none_looks_at_the_first_ones() {
        let clocks =
            Clocks::new(&[(shop(1), "Europe/Helsinki".to_owned()), (shop(2), "America/New_York".to_owned())]);
        let friday: Timestamp = "2026-11-20T22:30:00Z".parse().unwrap();
        let helsinki = clocks.at(Some(shop(1)), friday);
        assert_eq!((helsinki.minute, helsinki.hour(), helsinki.weekend), (30, 0, true), "Saturday there");
        assert_eq!(clocks.at(Some(shop(2)), friday), Clock { minute: 17 * 60 + 30, weekend: false });
        assert_eq!(clocks.at(None, friday), helsinki);
        assert_eq!(clocks.at(Some(shop(9)), friday), helsinki);
        assert_eq!(Clocks::new(&[]).at(None, friday).hour(), 22);
        assert_eq!(Clocks::new(&[(shop(1), "Nowhere/Land".to_owned())]).at(None, friday).hour(), 22);
    }

    #[test]
    fn a_door_is_the_same_door_ten_metres_on() {
        let key = |lat, lon| address_key(Position::new(lat, lon).unwrap());
        assert_eq!(key(60.184_10, 24.950_10), key(60.184_12, 24.950_08));
        assert_ne!(key(60.184_10, 24.950_10), key(60.184_60, 24.950_10));
        assert_ne!(key(60.184_10, 24.950_10), key(24.950_10, 60.184_10));
        assert_ne!(key(-90.0, -180.0), 0, "0 is nobody's door");
    }
}
