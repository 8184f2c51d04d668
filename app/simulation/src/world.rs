//! A made-up day in the centre of Helsinki. Streets and squares are real, everybody in it is invented.

use kernel::geo::Position;
use kernel::random::Random;
use kernel::travel::StraightLine;

use crate::scenario::{Character, Courier, Order, Scenario, Shop};
use crate::streets::{Address, Streets};
use crate::tracker::Device;

/// How large it is.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Shops, at most as many as there are names for.
    pub shops: usize,
    /// Couriers.
    pub couriers: usize,
    /// Orders an hour, on average.
    pub orders_per_hour: f64,
    /// Hours.
    pub hours: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self { shops: 3, couriers: 8, orders_per_hour: 12.0, hours: 4 }
    }
}

/// How long a phone is without a signal, in minutes.
const NO_SIGNAL: u32 = 15;
/// Of so many orders in a row, nobody opens the door for one.
const ONE_FAILS_OF: usize = 8;

const SHOPS: [(&str, &str, f64, f64); 6] = [
    ("Demo Bakery Kolmisoppi", "Aleksanterinkatu 21", 60.1690, 24.9478),
    ("Demo Noodles Seitti", "Fredrikinkatu 30", 60.1645, 24.9371),
    ("Demo Pizza Kulma", "Vaasankatu 12", 60.1868, 24.9588),
    ("Demo Flowers Apila", "Mannerheimintie 5", 60.1692, 24.9395),
    ("Demo Groceries Varis", "Hämeentie 10", 60.1835, 24.9533),
    ("Demo Sushi Lokki", "Bulevardi 14", 60.1652, 24.9386),
];
const STREETS: [(&str, f64, f64); 16] = [
    ("Kalevankatu", 60.1660, 24.9340),
    ("Lönnrotinkatu", 60.1650, 24.9350),
    ("Uudenmaankatu", 60.1640, 24.9390),
    ("Iso Roobertinkatu", 60.1625, 24.9400),
    ("Kruununhaka, Liisankatu", 60.1745, 24.9580),
    ("Snellmaninkatu", 60.1725, 24.9545),
    ("Fleminginkatu", 60.1880, 24.9530),
    ("Helsinginkatu", 60.1875, 24.9490),
    ("Porvoonkatu", 60.1895, 24.9470),
    ("Runeberginkatu", 60.1755, 24.9250),
    ("Museokatu", 60.1740, 24.9290),
    ("Topeliuksenkatu", 60.1830, 24.9190),
    ("Tehtaankatu", 60.1580, 24.9420),
    ("Merimiehenkatu", 60.1605, 24.9370),
    ("Pursimiehenkatu", 60.1608, 24.9340),
    ("Siltasaarenkatu", 60.1795, 24.9490),
];
const FIRST: [&str; 16] = [
    "Aava", "Onni", "Ilma", "Väinö", "Helka", "Tapio", "Lumi", "Otso", "Mielikki", "Ahti", "Vellamo", "Ukko",
    "Louhi", "Kyllikki", "Ilmari", "Aino",
];
const LAST: [&str; 8] =
    ["Esimerkki", "Mallikas", "Kuvitelma", "Koekäyttäjä", "Näyte", "Harjoitus", "Leikki", "Luonnos"];

/// The day of a seed.
pub fn world(seed: u64, size: Size) -> Scenario {
    let draw = Draw(Random::seeded(seed));
    let shops: Vec<Shop> = SHOPS
        .iter()
        .take(size.shops.clamp(1, SHOPS.len()))
        .map(|(name, street, lat, lon)| Shop {
            name: (*name).to_owned(),
            street: (*street).to_owned(),
            place: at(*lat, *lon),
        })
        .collect();
    let end = size.hours.max(1) * 60;
    let couriers = (0..size.couriers.max(1)).map(|number| draw.courier(number, end)).collect();
    let orders = draw.orders(shops.len(), size, end);
    let line = StraightLine { detour: 1.3, speed_m_s: 16.0 / 3.6, whole_minutes: true };
    let name = format!("world-{seed}");
    let streets = None;
    Scenario { name, line, streets, service_min: 4, shops, couriers, orders, tag: "demo", report_min: 2 }
}

/// The same day at addresses of a map, on its streets; couriers say every minute where they are.
pub fn on_streets(seed: u64, size: Size, streets: Streets) -> anyhow::Result<Scenario> {
    let mut scenario = world(seed, size);
    let random = Random::seeded(seed ^ MOVED);
    for shop in &mut scenario.shops {
        Address { place: shop.place, street: shop.street } = streets.somewhere(&random)?;
    }
    for courier in &mut scenario.couriers {
        courier.place = streets.somewhere(&random)?.place;
    }
    for order in &mut scenario.orders {
        Address { place: order.place, street: order.street } = streets.somewhere(&random)?;
    }
    (scenario.streets, scenario.report_min) = (Some(streets), 1);
    Ok(scenario)
}

/// What is drawn for addresses has nothing to do with what is drawn for the day.
const MOVED: u64 = 0x5eed;

/// Places of this module are places.
fn at(lat: f64, lon: f64) -> Position {
    Position::new(lat, lon).unwrap_or_else(|_error| unreachable!("{lat},{lon} lies in Helsinki"))
}

struct Draw(Random);

impl Draw {
    fn below(&self, count: usize) -> usize {
        let drawn = self.0.below(u64::try_from(count).unwrap_or(1).max(1));
        usize::try_from(drawn).unwrap_or(0)
    }

    fn minute(&self, below: u32) -> u32 {
        u32::try_from(self.0.below(u64::from(below.max(1)))).unwrap_or(0)
    }

    fn person(&self) -> String {
        let (first, last) = (self.below(FIRST.len()), self.below(LAST.len()));
        format!("{} {}", FIRST[first], LAST[last])
    }

    fn near(&self, lat: f64, lon: f64) -> Position {
        at(lat + (self.0.fraction() - 0.5) * 0.004, lon + (self.0.fraction() - 0.5) * 0.008)
    }

    /// Every third declines now and then, every fourth has no signal for a while, some think before they answer, and all are
    /// slower than planned. They report in all the ways there are.
    fn courier(&self, number: usize, end: u32) -> Courier {
        let (_, lat, lon) = STREETS[self.below(STREETS.len())];
        let begin = self.minute(end.saturating_sub(NO_SIGNAL + 5).max(1));
        let character = Character {
            declines: if number % 3 == 1 { 3 } else { 0 },
            slowness: 0.2 + 0.3 * self.0.fraction(),
            thinks: self.minute(3),
            offline: (number % 4 == 2).then_some((begin, begin + NO_SIGNAL)),
        };
        let name = format!("{} {} (demo)", FIRST[number % FIRST.len()], LAST[number % LAST.len()]);
        let device = Device::ALL[number % Device::ALL.len()];
        Courier { name, place: self.near(lat, lon), on: 0, off: end, character, device }
    }

    /// As many as fall into each minute; more of them at noon and in the evening of a long day.
    fn orders(&self, shops: usize, size: Size, end: u32) -> Vec<Order> {
        let mut orders: Vec<Order> = Vec::new();
        for minute in 0..end {
            let hour = (10 + minute / 60) % 24;
            let rush = match hour {
                11..=13 | 17..=20 => 1.6,
                0..=7 => 0.4,
                _ => 0.8,
            };
            let mut expected = size.orders_per_hour / 60.0 * rush;
            while expected > 0.0 {
                if self.0.fraction() < expected {
                    orders.push(self.order(shops, minute));
                }
                expected -= 1.0;
            }
        }
        for some in orders.chunks_mut(ONE_FAILS_OF) {
            if let Some(order) = some.get_mut(self.below(ONE_FAILS_OF)) {
                order.fails = true;
            }
        }
        orders
    }

    fn order(&self, shops: usize, placed: u32) -> Order {
        let (street, lat, lon) = STREETS[self.below(STREETS.len())];
        Order {
            shop: self.below(shops),
            place: self.near(lat, lon),
            street: format!("{street} {}", 1 + self.below(60)),
            recipient: self.person(),
            placed,
            ready: placed + 8 + self.minute(12),
            fails: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_day() {
        let one = world(1, Size::default());
        let (again, two) = (world(1, Size::default()), world(2, Size::default()));
        assert_eq!((&one.orders, &one.couriers), (&again.orders, &again.couriers));
        assert_ne!(one.orders, two.orders);
        assert!((20..90).contains(&one.orders.len()), "{}", one.orders.len());
        assert!(one.orders.is_sorted_by_key(|order| order.placed));
        assert!(one.couriers.iter().any(|courier| courier.character.offline.is_some()));
        assert!(one.orders.iter().any(|order| order.fails));
    }
}
