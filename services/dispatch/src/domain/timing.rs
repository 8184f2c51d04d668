//! When an order is looked at: not before it has waited as long as the policy says, and not long before its goods are ready.

use contracts::orders::OrderFacts;
use kernel::time::{SignedDuration, Timestamp};

use super::policy::Policy;

/// The first moment at which somebody should be looked for.
pub fn due(policy: &Policy, facts: &OrderFacts) -> Timestamp {
    let seconds = |value: u32| SignedDuration::from_secs(value.into());
    let waited = later(facts.placed_at, seconds(policy.wait_s));
    let ready = facts.ready_at.into_iter().chain(facts.pickup.from).max();
    let lead = ready.map(|ready| ready.checked_sub(seconds(policy.lead_s)).unwrap_or(Timestamp::MIN));
    lead.map_or(waited, |lead| lead.max(waited))
}

/// So much later; the end of time where there is no such moment.
pub fn later(from: Timestamp, by: SignedDuration) -> Timestamp {
    from.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::testing::at;
    use super::*;

    #[test]
    fn an_order_waits_for_company_and_for_its_goods() {
        let policy = Policy { wait_s: 60, lead_s: 600, ..Policy::default() };
        let order = |placed, ready: Option<&str>, from: Option<&str>| {
            let mut facts = OrderFacts::example();
            (facts.placed_at, facts.ready_at, facts.pickup.from) = (at(placed), ready.map(at), from.map(at));
            due(&policy, &facts)
        };
        assert_eq!(order("12:00", None, None), at("12:01"));
        assert_eq!(order("12:00", Some("12:05"), None), at("12:01"), "nearly ready");
        assert_eq!(order("12:00", Some("12:40"), None), at("12:30"));
        assert_eq!(order("12:00", Some("12:40"), Some("18:00")), at("17:50"), "asked for the evening");
    }
}
