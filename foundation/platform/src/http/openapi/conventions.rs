//! What holds for every operation, written into the document so that handlers do not repeat it.

use serde_json::{Value, json};

use super::schema::type_id_pattern;
use crate::http::operations::{MAX_IDEMPOTENCY_KEY, METHODS, Operation, Operations};
use crate::http::problem::PROBLEM_JSON;
use crate::permissions::Tenant;

/// Status, component name, description of the shared problem responses.
const PROBLEMS: [(u16, &str, &str); 14] = [
    (400, "Malformed", "The request cannot be read."),
    (401, "Unauthenticated", "No credential where one is needed, or one that is not valid."),
    (403, "Forbidden", "The caller is known but not allowed."),
    (404, "NotFound", "Not there, or not yours."),
    (405, "MethodNotAllowed", "The path does not have this method."),
    (408, "RequestTimeout", "The body did not arrive in time."),
    (409, "Conflict", "Conflicts with the current state, or the same request is still running."),
    (412, "Stale", "The version in If-Match is not the current one."),
    (413, "TooLarge", "The body is too large."),
    (415, "UnsupportedMedia", "The body is not application/json."),
    (422, "Invalid", "Readable, but it contains values that are not accepted; `errors` names them."),
    (428, "PreconditionRequired", "If-Match is missing."),
    (429, "TooMany", "Too many requests; wait as long as Retry-After says."),
    (500, "Internal", "Our fault; the request id helps to find out why."),
];

/// Beside those: both mean "try again".
const AWAY: [(u16, &str, &str); 2] = [
    (503, "Unavailable", "Something that is needed is away; try again after Retry-After."),
    (504, "Timeout", "Something that is needed did not answer in time."),
];

/// Completes a document.
pub(super) fn apply(document: &mut Value, operations: &Operations) {
    for operation in operations.all() {
        let method =
            METHODS.iter().find(|(_, method)| *method == operation.method).map_or("get", |(name, _)| name);
        let item = &mut document["paths"][&*operation.template][method];
        complete(item, operation);
    }
    no_empty_objects(&mut document["components"]["schemas"]);
    forbid_nul(&mut document["components"]["schemas"]);
    forbid_nul(&mut document["paths"]);
    components(&mut document["components"]);
    super::examples::complete(document);
}

fn complete(item: &mut Value, operation: &Operation) {
    let permission = &operation.permission;
    item["x-permission"] = json!({
        "roles": permission.roles,
        "scope": permission.scope,
        "tenant": if permission.tenant == Tenant::Own { "own" } else { "none" },
    });
    item["x-service"] = operation.service.into();
    item["security"] = if permission.is_public() { json!([]) } else { json!([{ "bearer": [] }]) };
    if operation.method == http::Method::POST {
        push(&mut item["parameters"], json!({ "$ref": "#/components/parameters/IdempotencyKey" }));
    }
    if let Some(parameters) = item.get_mut("parameters").and_then(Value::as_array_mut) {
        parameters.iter_mut().for_each(never_null);
        parameters.iter_mut().for_each(condition);
    }
    for status in problems_of(item, operation) {
        add_problem(&mut item["responses"], status);
    }
    headers(&mut item["responses"], operation.probe);
}

/// The answers beside success that can happen here, from what the operation takes.
fn problems_of(item: &Value, operation: &Operation) -> Vec<u16> {
    let mut statuses = vec![400, 405, 408, 422, 500, 503, 504];
    let parameters: Vec<&Value> = item["parameters"].as_array().into_iter().flatten().collect();
    let header = |name: &str| {
        let same = |p: &&&Value| {
            p["in"] == "header" && p["name"].as_str().is_some_and(|n| n.eq_ignore_ascii_case(name))
        };
        parameters.iter().find(same)
    };
    if !operation.probe {
        statuses.extend([401, 429]);
    }
    if !operation.permission.is_public() {
        statuses.push(403);
    }
    if parameters.iter().any(|parameter| parameter["in"] == "path") {
        statuses.push(404);
    }
    if operation.method != http::Method::GET {
        statuses.extend([409, 413]);
    }
    if item.get("requestBody").is_some() {
        // A body names objects as well: links, organisations.
        statuses.extend([404, 415]);
    }
    if header("if-none-match").is_some() {
        statuses.push(304);
    }
    if let Some(condition) = header("if-match") {
        statuses.push(412);
        if condition["required"] == true {
            statuses.push(428);
        }
    }
    statuses
}

/// Adds the shared response (304 is no problem and has no body); keeps the words of an operation that describes it itself, and gives them the body.
fn add_problem(responses: &mut Value, status: u16) {
    if status == 304 {
        if responses.get("304").is_none() {
            responses["304"] = json!({ "description": "You have the current version." });
        }
        return;
    }
    let Some((_, name, _)) = all_problems().find(|(known, ..)| *known == status) else {
        return;
    };
    let key = status.to_string();
    match responses.get_mut(&key) {
        None => responses[key] = json!({ "$ref": format!("#/components/responses/{name}") }),
        Some(own) => {
            if own.get("content").is_none() && own.get("$ref").is_none() {
                own["content"] = problem_content();
            }
        }
    }
}

fn all_problems() -> impl Iterator<Item = (u16, &'static str, &'static str)> {
    PROBLEMS.into_iter().chain(AWAY)
}

fn problem_content() -> Value {
    json!({ PROBLEM_JSON: { "schema": { "$ref": "#/components/schemas/Problem" } } })
}

fn headers(responses: &mut Value, probe: bool) {
    let Some(responses) = responses.as_object_mut() else {
        return;
    };
    for response in responses.values_mut().filter(|response| response.get("$ref").is_none()) {
        for name in if probe { &ALL_HEADERS[..1] } else { &ALL_HEADERS[..] } {
            response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
    }
}

const ALL_HEADERS: [&str; 3] = ["X-Request-Id", "RateLimit", "RateLimit-Policy"];

/// The form of `If-Match` and `If-None-Match` (RFC 9110, section 8.8.3), as `http::etag` reads them.
const TAGS: &str = r#"^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*")*)?$"#;

fn condition(parameter: &mut Value) {
    let name = parameter["name"].as_str().unwrap_or_default();
    if parameter["in"] == "header"
        && ["if-match", "if-none-match"].iter().any(|known| name.eq_ignore_ascii_case(known))
    {
        parameter["schema"]["pattern"] = TAGS.into();
    }
}

/// utoipa writes `Option` as a type that includes null; a parameter is absent instead, and `null` is a text.
fn never_null(parameter: &mut Value) {
    let Some(kind) = parameter.pointer_mut("/schema/type") else {
        return;
    };
    let Some(kinds) = kind.as_array_mut() else { return };
    kinds.retain(|kind| kind != "null");
    if let [only] = kinds.as_slice() {
        *kind = only.clone();
    }
}

fn push(list: &mut Value, item: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    } else {
        *list = json!([item]);
    }
}

fn components(components: &mut Value) {
    components["schemas"]["Problem"] = problem_schema();
    components["securitySchemes"]["bearer"] = json!({
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, or an API key (`dmk_...`) or device key (`dmd_...`).",
    });
    components["parameters"]["IdempotencyKey"] = json!({
        "name": "Idempotency-Key", "in": "header", "required": false,
        "description": "Your name for this attempt. Sent again with the same body it has the same answer and one \
                        effect; with another body it is refused (422).",
        "schema": { "type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY, "pattern": "^[!-~]+$" },
        "example": "6f1b1f5e-3c1e-4d61-9d38-0a4c2b4f9c55",
    });
    components["headers"] = json!({
        "X-Request-Id": {
            "description": "The id of this request, for support and logs.",
            "schema": { "type": "string", "pattern": type_id_pattern("req") },
        },
        "RateLimit": {
            "description": "What is left: `r` requests now, the whole quota again after `t` seconds.",
            "schema": { "type": "string" }, "example": "\"default\";r=50;t=30",
        },
        "RateLimit-Policy": {
            "description": "The quota: `q` requests per `w` seconds.",
            "schema": { "type": "string" }, "example": "\"default\";q=100;w=60",
        },
        "Retry-After": {
            "description": "Seconds to wait.",
            "schema": { "type": "integer", "minimum": 1 },
        },
    });
    for (status, name, description) in all_problems() {
        components["responses"][name] = json!({ "description": description, "content": problem_content() });
        for header in ALL_HEADERS.iter().chain(matches!(status, 429 | 503).then_some(&"Retry-After")) {
            components["responses"][name]["headers"][header] =
                json!({ "$ref": format!("#/components/headers/{header}") });
        }
    }
    components["responses"]["Unauthenticated"]["headers"]["WWW-Authenticate"] =
        json!({ "description": "The scheme to use.", "schema": { "type": "string" } });
    components["responses"]["MethodNotAllowed"]["headers"]["Allow"] =
        json!({ "description": "The methods of the path.", "schema": { "type": "string" } });
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "What went wrong (RFC 9457). `code` is stable; `detail` is for people.",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": {
            "type": { "type": "string", "description": "`/problems/` and the code." },
            "title": { "type": "string" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string" },
            "code": { "type": "string", "pattern": "^[a-z0-9_.]+$" },
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["pointer", "detail"],
                    "properties": {
                        "pointer": { "type": "string", "description": "JSON pointer, or the name of a parameter." },
                        "detail": { "type": "string" },
                    },
                },
            },
            "request_id": { "type": "string" },
            "trace_id": { "type": "string" },
        },
        "additionalProperties": true,
        "example": {
            "type": "/problems/invalid",
            "title": "Unprocessable Entity",
            "status": 422,
            "detail": "The request contains values that are not accepted.",
            "code": "invalid",
            "errors": [{ "pointer": "/name", "detail": "length is greater than 100" }],
            "request_id": "req_01h455vb4pex5vsknk084sn02q",
        },
    })
}

/// utoipa writes an inlined enum with a description as `allOf` of the enum and of `{"type": "object"}`, which nothing
/// fits. The words of the second part stay, its type goes.
fn no_empty_objects(value: &mut Value) {
    if let Some(parts) = value.get_mut("allOf").and_then(Value::as_array_mut) {
        let text = parts.iter().any(|part| part["type"] == "string");
        for part in parts
            .iter_mut()
            .filter(|part| text && part["type"] == "object" && part.get("properties").is_none())
        {
            part.as_object_mut().map(|part| part.remove("type"));
        }
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(no_empty_objects),
        Value::Object(members) => members.values_mut().for_each(no_empty_objects),
        _ => {}
    }
}

/// Texts without a form of their own may be anything but U+0000: say so, because it is refused.
fn forbid_nul(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forbid_nul),
        Value::Object(members) => {
            let text = members.get("type").is_some_and(|kind| {
                kind == "string"
                    || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "string"))
            });
            if text && !["pattern", "format", "enum", "const"].iter().any(|form| members.contains_key(*form))
            {
                members.insert("pattern".to_owned(), "^[^\\u0000]*$".into());
            }
            for (name, member) in members.iter_mut() {
                if name == "properties" {
                    member.as_object_mut().into_iter().flatten().for_each(|(_, schema)| forbid_nul(schema));
                } else if !["example", "examples", "default", "enum", "const"].contains(&name.as_str()) {
                    forbid_nul(member);
                }
            }
        }
        _ => {}
    }
}
