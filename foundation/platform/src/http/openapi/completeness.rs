//! What a reader of the API page misses.

use serde_json::Value;

use crate::http::operations::operations_of;

/// Every operation without summary, tag, id or example, in words. A test of each service expects an empty list.
pub fn incomplete(document: &Value) -> Vec<String> {
    operations_of(document)
        .flat_map(|(path, method, operation)| {
            let name = format!("{} {path}", method.to_uppercase());
            missing(document, operation).into_iter().map(move |what| format!("{name}: {what}"))
        })
        .collect()
}

fn missing(document: &Value, operation: &Value) -> Vec<String> {
    let mut missing = Vec::new();
    for member in ["summary", "operationId"] {
        if operation[member].as_str().is_none_or(str::is_empty) {
            missing.push(format!("no {member}"));
        }
    }
    if operation["tags"].as_array().is_none_or(Vec::is_empty) {
        missing.push("no tag".to_owned());
    }
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = resolve(document, parameter);
        if !has_example(document, parameter) {
            missing.push(format!("parameter {} has no example", parameter["name"]));
        }
    }
    if lacks_example(document, &operation["requestBody"]) {
        missing.push("the request body has no example".to_owned());
    }
    for (status, response) in operation["responses"].as_object().into_iter().flatten() {
        if status.starts_with('2') && lacks_example(document, resolve(document, response)) {
            missing.push(format!("response {status} has no example"));
        }
    }
    missing
}

fn lacks_example(document: &Value, body: &Value) -> bool {
    let json = &body["content"]["application/json"];
    !json.is_null() && !has_example(document, json)
}

fn has_example(document: &Value, holder: &Value) -> bool {
    let own = |value: &Value| value.get("example").is_some() || value.get("examples").is_some();
    own(holder) || own(resolve(document, &holder["schema"]))
}

/// Follows `$ref` inside the document.
pub(super) fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    target.unwrap_or(value)
}
