//! Examples of whole objects, put together from the examples of their fields, so that nobody writes them twice.

use serde_json::{Map, Value, json};

use super::completeness::resolve;

/// Deeper than any view: ends a schema that contains itself.
const MAX_DEPTH: usize = 8;

/// Gives every schema of the components an example, where its fields have some.
pub(super) fn complete(document: &mut Value) {
    let made: Vec<(String, Value)> = document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, schema)| own(schema).is_none())
        .filter_map(|(name, schema)| Some((name.clone(), of(document, schema, 0)?)))
        .collect();
    for (name, example) in made {
        document["components"]["schemas"][name]["example"] = example;
    }
}

fn own(schema: &Value) -> Option<Value> {
    let first = |list: &Value| list.as_array()?.first().cloned();
    schema.get("example").cloned().or_else(|| first(&schema["examples"]))
}

/// The example of a schema; `None` when a field that must be there has none.
fn of(document: &Value, schema: &Value, depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    let schema = resolve(document, schema);
    if let Some(example) = own(schema) {
        return Some(example);
    }
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return Some(first.clone());
    }
    if let Some(parts) = ["allOf", "oneOf", "anyOf"].iter().find_map(|word| schema[*word].as_array()) {
        return parts.iter().find_map(|part| of(document, part, depth + 1));
    }
    if let Some(value) = schema.get("const") {
        return Some(value.clone());
    }
    if schema["type"] == "array" {
        return Some(json!([of(document, &schema["items"], depth + 1)?]));
    }
    let fields = schema["properties"].as_object()?;
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|n| n == name));
    let mut object = Map::new();
    for (name, field) in fields {
        match of(document, field, depth + 1) {
            Some(example) => drop(object.insert(name.clone(), example)),
            None if required(name) => return None,
            None => {}
        }
    }
    Some(Value::Object(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_put_together_from_its_fields() {
        let mut document = json!({ "components": { "schemas": {
            "Page": { "type": "object", "required": ["items"], "properties": {
                "items": { "type": "array", "items": { "$ref": "#/components/schemas/Shop" } },
                "next": { "type": "string" },
            } },
            "Shop": { "type": "object", "required": ["id"], "properties": {
                "id": { "type": "string", "examples": ["shop_1"] }, "kind": { "enum": ["a", "b"] },
            } },
            "Bare": { "type": "object", "required": ["x"], "properties": { "x": { "type": "string" } } },
        } } });
        complete(&mut document);
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Page"]["example"], json!({ "items": [{ "id": "shop_1", "kind": "a" }] }));
        assert!(schemas["Bare"].get("example").is_none());
    }
}
