//! The trait of all public events, and their catalogue for generated documents.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{dispatch, drivers, identity, orders, storefront, tracking};

/// A public event: a fact about one aggregate, named in the past tense.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// `domain.action.version`, for example `order.created.v1`.
    const SUBJECT: &'static str;
    /// One sentence: when it is published.
    const WHEN: &'static str;
    /// An example for the documentation and for round-trip tests.
    fn example() -> Self;
}

/// One event of the catalogue.
#[derive(Debug, Clone)]
pub struct EventDescription {
    /// `domain.action.version`.
    pub subject: &'static str,
    /// When it is published.
    pub when: &'static str,
    /// The service that publishes it.
    pub source: &'static str,
    /// An example payload.
    pub example: serde_json::Value,
}

fn describe<E: Event>(source: &'static str) -> EventDescription {
    let example = serde_json::to_value(E::example()).unwrap_or_default();
    EventDescription { subject: E::SUBJECT, when: E::WHEN, source, example }
}

/// Every public event, ordered by subject.
pub fn catalogue() -> Vec<EventDescription> {
    let mut all = vec![
        describe::<identity::OrganizationCreated>("identity"),
        describe::<identity::UserCreated>("identity"),
        describe::<identity::UserRoleChanged>("identity"),
        describe::<identity::UserUpdated>("identity"),
        describe::<storefront::ShopCreated>("storefront"),
        describe::<storefront::ShopUpdated>("storefront"),
        describe::<storefront::ShopDeleted>("storefront"),
        describe::<storefront::ZoneCreated>("storefront"),
        describe::<storefront::ZoneUpdated>("storefront"),
        describe::<storefront::ZoneDeleted>("storefront"),
        describe::<orders::OrderCreated>("orders"),
        describe::<orders::OrderAssigned>("orders"),
        describe::<orders::OrderStatusChanged>("orders"),
        describe::<orders::OrderUpdated>("orders"),
        describe::<orders::OrderCancelled>("orders"),
        describe::<orders::ProofCaptured>("orders"),
        describe::<drivers::DriverCreated>("drivers"),
        describe::<drivers::DriverUpdated>("drivers"),
        describe::<drivers::DriverAvailabilityChanged>("drivers"),
        describe::<drivers::DriverAvailable>("drivers"),
        describe::<dispatch::AssignmentProposed>("dispatch"),
        describe::<dispatch::OfferMade>("dispatch"),
        describe::<dispatch::OfferDeclined>("dispatch"),
        describe::<dispatch::RouteChanged>("dispatch"),
        describe::<tracking::DeliveryUpdated>("tracking"),
        describe::<tracking::DeliveryEtaChanged>("tracking"),
        describe::<tracking::DeliveryArriving>("tracking"),
        describe::<tracking::DeliveryDelayed>("tracking"),
        describe::<tracking::DriverLocationStale>("tracking"),
        describe::<tracking::TravelLearned>("tracking"),
    ];
    all.sort_by_key(|event| event.subject);
    all
}

/// The catalogue as an AsyncAPI 3 document (version 3.0.0 of the specification).
pub fn asyncapi() -> serde_json::Value {
    let mut channels = serde_json::Map::new();
    let mut operations = serde_json::Map::new();
    for event in catalogue() {
        let id = event.subject.replace('.', "_");
        channels.insert(
            id.clone(),
            serde_json::json!({
                "address": event.subject,
                "messages": { "event": {
                    "name": event.subject,
                    "summary": event.when,
                    "contentType": "application/json",
                    "headers": { "type": "object", "properties": {
                        "event_id": { "type": "string", "description": "TypeID, also the message id of brokers" },
                        "org_id": { "type": "string" },
                        "key": { "type": "string", "format": "uuid", "description": "the aggregate; order holds per key" },
                        "version": { "type": "integer", "description": "version of the aggregate" },
                        "offset": { "type": "integer", "description": "place in the log, without gaps" },
                    } },
                    "payload": { "type": "object" },
                    "examples": [ { "payload": event.example } ],
                } },
            }),
        );
        operations.insert(
            format!("{}_{id}", event.source),
            serde_json::json!({ "action": "send", "channel": { "$ref": format!("#/channels/{id}") } }),
        );
    }
    let (realtime, said) = crate::realtime::channel();
    channels.insert("realtime".to_owned(), realtime);
    operations.extend(said);
    serde_json::json!({
        "asyncapi": "3.0.0",
        "info": { "title": "DropMate events", "version": env!("CARGO_PKG_VERSION") },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_refers_only_to_what_is_there() {
        let document = asyncapi();
        for (name, operation) in document["operations"].as_object().unwrap() {
            let messages = operation["messages"].as_array().into_iter().flatten();
            for reference in messages.chain([&operation["channel"]]) {
                let pointer = reference["$ref"].as_str().unwrap().trim_start_matches('#');
                assert!(document.pointer(pointer).is_some(), "{name}: {pointer}");
            }
        }
    }

    #[test]
    fn subjects_are_unique_and_well_formed() {
        let mut seen = std::collections::BTreeSet::new();
        for event in catalogue() {
            assert!(seen.insert(event.subject), "{} is listed twice", event.subject);
            let parts: Vec<_> = event.subject.split('.').collect();
            assert_eq!(parts.len(), 3, "{}", event.subject);
            assert!(parts[2].starts_with('v') && parts[2][1..].parse::<u32>().is_ok(), "{}", event.subject);
            assert!(event.example.is_object(), "{}", event.subject);
        }
    }
}
