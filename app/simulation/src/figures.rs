//! What came out of a day: the measures of the meal delivery routing problem, and how often people were people.

use serde::Serialize;

/// The outcome of a day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// What was played.
    pub instance: String,
    /// How many orders were placed.
    pub orders: usize,
    /// How many of them were delivered.
    pub delivered: usize,
    /// Share of those that were not, in percent.
    pub undelivered_pct: f64,
    /// Mean minutes from placing to handing over, of those delivered.
    pub click_to_door_min: f64,
    /// Mean minutes from ready to taken, of those delivered.
    pub ready_to_pickup_min: f64,
    /// Share of the time on duty, shifts and what was worked beyond them, spent driving and at stops.
    pub utilisation: f64,
    /// What else happened.
    #[serde(flatten)]
    pub incidents: Incidents,
}

/// What happens among people, and how often it did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Incidents {
    /// Offers that were declined.
    pub declined_offers: usize,
    /// Orders whose courier took longer than the ways take.
    pub delayed_orders: usize,
    /// Messages that a phone kept while it had no signal, and sent later.
    pub messages_sent_later: usize,
    /// Deliveries that failed at the door; the goods went back.
    pub failed_deliveries: usize,
    /// Orders that were called off at the end of the day, because nobody had taken them.
    pub cancelled_orders: usize,
}

impl Incidents {
    /// Each with its name in words.
    pub fn named(&self) -> [(&'static str, usize); 5] {
        [
            ("declined offers", self.declined_offers),
            ("delayed orders", self.delayed_orders),
            ("messages sent later", self.messages_sent_later),
            ("failed deliveries", self.failed_deliveries),
            ("cancelled orders", self.cancelled_orders),
        ]
    }
}

/// What is counted while a day goes on.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    orders: usize,
    delivered: usize,
    click_to_door: u64,
    ready_to_pickup: u64,
    worked: u64,
    shifts: u64,
    pub(crate) incidents: Incidents,
}

impl Tally {
    pub(crate) fn placed(&mut self) {
        self.orders += 1;
    }

    pub(crate) fn shift(&mut self, minutes: u32) {
        self.shifts += u64::from(minutes);
    }

    /// Minutes spent on something.
    pub(crate) fn worked(&mut self, minutes: u32) {
        self.worked += u64::from(minutes);
    }

    pub(crate) fn delivered(&mut self, placed: u32, ready: u32, pickup: u32, dropoff: u32) {
        self.delivered += 1;
        self.click_to_door += u64::from(dropoff.saturating_sub(placed));
        self.ready_to_pickup += u64::from(pickup.saturating_sub(ready));
    }

    pub(crate) fn figures(&self, instance: &str) -> Figures {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let (orders, delivered) = (number(self.orders), number(self.delivered));
        Figures {
            instance: instance.to_owned(),
            orders: self.orders,
            delivered: self.delivered,
            undelivered_pct: ratio((orders - delivered) * 100, orders),
            click_to_door_min: ratio(self.click_to_door, delivered),
            ready_to_pickup_min: ratio(self.ready_to_pickup, delivered),
            utilisation: ratio(self.worked, self.shifts),
            incidents: self.incidents,
        }
    }
}

/// To three digits, so that the same day prints the same text; 0 of nothing.
#[expect(clippy::cast_precision_loss, reason = "minutes of a day are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64 * 1_000.0).round() / 1_000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_orders_one_delivered() {
        let mut tally = Tally::default();
        tally.placed();
        tally.placed();
        tally.shift(100);
        tally.worked(15 + 4 + 4);
        tally.delivered(5, 30, 33, 42);
        let figures = tally.figures("tiny");
        assert_eq!((figures.orders, figures.delivered), (2, 1));
        let seen = [
            figures.undelivered_pct,
            figures.click_to_door_min,
            figures.ready_to_pickup_min,
            figures.utilisation,
        ];
        assert!(seen.iter().zip([50.0, 37.0, 3.0, 0.23]).all(|(a, b)| (a - b).abs() < 1e-9), "{seen:?}");
        assert!(Tally::default().figures("nothing").utilisation.abs() < 1e-9);
    }
}
