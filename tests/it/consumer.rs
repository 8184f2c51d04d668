//! What the gateway needs of the services (services/gateway/contract.json), held against what they promise and against what
//! they answer. The gateway's own tests show that the contract is enough for it.

use anyhow::{Context, ensure};
use serde_json::{Map, Value};

use crate::live_input::Scene;

fn interactions() -> anyhow::Result<Map<String, Value>> {
    let text = include_str!("../../services/gateway/contract.json");
    let contract: Value = serde_json::from_str(text)?;
    contract["interactions"].as_object().cloned().context("interactions")
}

/// The promise: the document of the API.
struct Promise(Value);

impl Promise {
    fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let named = schema["$ref"].as_str().and_then(|name| self.0.pointer(name.trim_start_matches('#')));
        named.map_or(schema, |schema| self.resolve(schema))
    }

    /// What a value at this place would be refused for; nothing when the schema has room for it.
    fn lacks(&self, schema: &Value, needed: &Value, place: &str) -> Option<String> {
        let schema = self.resolve(schema);
        for any in ["oneOf", "anyOf"] {
            if let Some(choices) = schema[any].as_array() {
                let mut found = choices.iter().map(|choice| self.lacks(choice, needed, place));
                return if found.any(|lack| lack.is_none()) {
                    None
                } else {
                    Some(format!("{place} fits no choice"))
                };
            }
        }
        if let Some(all) = schema["allOf"].as_array() {
            return self.lacks_of_all(all, needed, place);
        }
        if schema.as_object().is_none_or(|schema| !schema.contains_key("type")) {
            return Some(format!("{place} has no type"));
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.clone(),
            one => vec![one.clone()],
        };
        let kind = kind_of(needed);
        if !types.iter().any(|named| named == kind || (named == "number" && kind == "integer")) {
            return Some(format!("{place} is {kind}, promised is {}", schema["type"]));
        }
        if schema["enum"].as_array().is_some_and(|values| !values.contains(needed)) {
            return Some(format!("{place} is never {needed}"));
        }
        match needed {
            Value::Object(members) => members.iter().find_map(|(name, value)| {
                let place = format!("{place}/{name}");
                let free = &schema["additionalProperties"];
                match (&schema["properties"][name], free) {
                    (Value::Null, Value::Object(_)) => self.lacks(free, value, &place),
                    (Value::Null, _) => Some(format!("{place} is not promised")),
                    (promised, _) => self.lacks(promised, value, &place),
                }
            }),
            Value::Array(items) => {
                items.iter().find_map(|item| self.lacks(&schema["items"], item, &format!("{place}/0")))
            }
            _ => None,
        }
    }

    /// A member may be promised by any part.
    fn lacks_of_all(&self, parts: &[Value], needed: &Value, place: &str) -> Option<String> {
        let Some(members) = needed.as_object() else {
            // Beside the type there may be parts that only describe.
            let mut typed = parts.iter().filter(|part| self.resolve(part).get("type").is_some()).peekable();
            if typed.peek().is_none() {
                return Some(format!("{place} has no type"));
            }
            return typed.find_map(|part| self.lacks(part, needed, place));
        };
        members.iter().find_map(|(name, value)| {
            let one = Value::Object(Map::from_iter([(name.clone(), value.clone())]));
            let mut found = parts.iter().map(|part| self.lacks(part, &one, place));
            if found.any(|lack| lack.is_none()) {
                None
            } else {
                Some(format!("{place}/{name} is not promised"))
            }
        })
    }

    /// Holds one interaction against the promise.
    fn covers(&self, operation: &str, part: &Value) -> anyhow::Result<()> {
        let path = part["path"].as_str().context("a path")?;
        let get = &self.0["paths"][path]["get"];
        ensure!(get["operationId"] == operation, "{operation} is not GET {path}");
        let parameters = get["parameters"].as_array().cloned().unwrap_or_default();
        let known: Vec<&Value> = parameters.iter().map(|parameter| self.resolve(parameter)).collect();
        for name in part["query"].as_array().context("a query")? {
            let found = known.iter().any(|known| known["in"] == "query" && known["name"] == *name);
            ensure!(found, "{operation} does not know {name}");
        }
        let schema = &get["responses"]["200"]["content"]["application/json"]["schema"];
        let lack = self.lacks(schema, &part["answer"], "");
        lack.map_or(Ok(()), |lack| Err(anyhow::anyhow!("{operation}: {lack}")))
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[test]
fn the_services_promise_what_the_gateway_needs() {
    let document = serde_json::from_str(include_str!("../../docs/reference/openapi.json")).unwrap();
    let promise = Promise(document);
    for (operation, part) in interactions().unwrap() {
        promise.covers(&operation, &part).unwrap_or_else(|error| panic!("{error:#}"));
    }
}

/// The check finds what it is there for: a member that is gone, of another type, or a query that nobody knows.
#[test]
fn a_broken_promise_is_found() {
    let document: Value = serde_json::from_str(include_str!("../../docs/reference/openapi.json")).unwrap();
    let contract = interactions().unwrap();
    let refused = |operation: &str, broken: &Value| {
        Promise(document.clone()).covers(operation, broken).unwrap_err().to_string()
    };
    let mut queue = contract["list_dispatch_queue"].clone();
    queue["answer"]["items"][0]["waits_since"] = Value::from("2026-11-20T11:45:00Z");
    assert!(refused("list_dispatch_queue", &queue).contains("/items/0/waits_since is not promised"));
    let mut order = contract["get_order"].clone();
    order["answer"]["dropoff"]["street"] = Value::from(5);
    assert!(refused("get_order", &order).contains("/dropoff/street is integer"));
    let mut orders = contract["list_orders"].clone();
    orders["query"][0] = Value::from("since");
    assert!(refused("list_orders", &orders).contains("does not know"));
    assert!(refused("list_drivers", &contract["list_orders"]).contains("is not GET"));
}

// --- what they answer ----------------------------------------------------------------------------------------------

/// Members that an order, a driver or a page has only at times.
const AT_TIMES: &[&str] = &[
    "answer/cash",
    "answer/items/0/cash",
    "answer/courier",
    "answer/way",
    "answer/attribution",
    "contact_name",
    "contact_phone",
    "door",
    "notes",
    "window",
    "position",
    "proof",
    "pin",
    "driver",
    "eta",
    "plate",
    "vehicle",
    "vehicle_description",
    "phone",
    "availability_since",
];

/// Where an answer is not of the shape that is needed. Lists may be empty, and some members are there only at times.
fn differs(needed: &Value, answer: &Value, place: &str) -> Option<String> {
    match (needed, answer) {
        (Value::Object(needed), Value::Object(answer)) => needed.iter().find_map(|(name, value)| {
            let place = format!("{place}/{name}");
            match answer.get(name) {
                Some(answer) => differs(value, answer, &place),
                None if AT_TIMES.iter().any(|end| place.ends_with(end)) => None,
                None if place.contains("/counts/") => None,
                None => Some(format!("{place} is missing")),
            }
        }),
        (Value::Array(needed), Value::Array(answer)) => match (needed.first(), answer.first()) {
            (Some(needed), Some(answer)) => differs(needed, answer, &format!("{place}/0")),
            _ => None,
        },
        _ => {
            let (needed, answered) = (kind_of(needed), kind_of(answer));
            let same = needed == answered
                || (needed == "integer" && answered == "number")
                || (needed == "number" && answered == "integer");
            (!same).then(|| format!("{place} is {answered}, needed is {needed}"))
        }
    }
}

/// Asks the services themselves, with a driver on the way.
pub(crate) async fn services_keep_it(scene: &Scene) -> anyhow::Result<()> {
    let order = scene.get(&format!("/api/v1/orders/{}", scene.order)).await?;
    let code = order["tracking_code"].as_str().context("a code")?;
    for (operation, part) in interactions()? {
        let path = part["path"].as_str().context("a path")?;
        let id = if path.starts_with("/api/v1/drivers") { &scene.driver.id } else { &scene.order };
        let path = path.replace("{id}", id).replace("{code}", code);
        // What a driver asks for themselves.
        let own = ["get_my_driver", "list_routes", "list_offers"].contains(&operation.as_str());
        let token = if own { &scene.driver.token } else { &scene.town.owner };
        let answer = scene.town.get(&path, token).await?;
        let wrong = differs(&part["answer"], &answer, "answer");
        ensure!(wrong.is_none(), "{operation}: {} in {answer}", wrong.unwrap_or_default());
    }
    Ok(())
}
