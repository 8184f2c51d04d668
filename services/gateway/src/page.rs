//! The API document as a page: grouped by tag, no script, nothing from elsewhere.

use std::collections::BTreeMap;

use askama::Template;
use serde_json::Value;

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

#[derive(Template)]
#[template(path = "api.html")]
struct Page<'a> {
    title: &'a str,
    version: &'a str,
    description: &'a str,
    groups: Vec<Group<'a>>,
    schemas: Vec<(&'a str, String)>,
}

struct Group<'a> {
    name: &'a str,
    operations: Vec<Operation<'a>>,
}

struct Operation<'a> {
    id: &'a str,
    method: &'a str,
    path: &'a str,
    summary: &'a str,
    description: &'a str,
    roles: String,
    scope: &'a str,
    parameters: Vec<Parameter<'a>>,
    body: Option<Content<'a>>,
    responses: Vec<Response<'a>>,
}

struct Parameter<'a> {
    name: &'a str,
    place: &'a str,
    required: bool,
    description: &'a str,
    form: String,
}

struct Content<'a> {
    schema: &'a str,
    example: String,
}

struct Response<'a> {
    status: &'a str,
    description: &'a str,
    content: Option<Content<'a>>,
}

/// The page of a document.
pub(crate) fn render(document: &Value) -> Result<String, askama::Error> {
    let mut groups: BTreeMap<&str, Vec<Operation>> = BTreeMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let tag = text(&operation["tags"][0]);
                groups.entry(tag).or_default().push(read(document, path, method, operation));
            }
        }
    }
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    Page {
        title: text(&document["info"]["title"]),
        version: text(&document["info"]["version"]),
        description: text(&document["info"]["description"]),
        groups: groups.into_iter().map(|(name, operations)| Group { name, operations }).collect(),
        schemas: schemas.map(|(name, schema)| (name.as_str(), pretty(schema))).collect(),
    }
    .render()
}

fn read<'a>(document: &'a Value, path: &'a str, method: &'a str, operation: &'a Value) -> Operation<'a> {
    let permission = &operation["x-permission"];
    let roles: Vec<&str> = permission["roles"].as_array().into_iter().flatten().map(text).collect();
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let responses = operation["responses"].as_object().into_iter().flatten();
    Operation {
        id: text(&operation["operationId"]),
        method,
        path,
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        roles: if roles.contains(&"anonymous") { "everybody".to_owned() } else { roles.join(", ") },
        scope: text(&permission["scope"]),
        parameters: parameters.map(|parameter| self::parameter(resolve(document, parameter))).collect(),
        body: content(document, &operation["requestBody"]),
        responses: responses
            .map(|(status, response)| {
                let response = resolve(document, response);
                // Problems all look alike; the schema below shows them once.
                let content = if status.starts_with('2') { content(document, response) } else { None };
                Response { status, description: text(&response["description"]), content }
            })
            .collect(),
    }
}

fn parameter(parameter: &Value) -> Parameter<'_> {
    let schema = &parameter["schema"];
    let form =
        ["type", "format", "pattern", "minimum", "maximum", "default"]
            .into_iter()
            .filter(|name| schema.get(name).is_some())
            .map(|name| {
                if name == "type" { plain(&schema[name]) } else { format!("{name} {}", plain(&schema[name])) }
            });
    Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        required: parameter["required"] == true,
        description: text(&parameter["description"]),
        form: form.collect::<Vec<_>>().join(", "),
    }
}

fn content<'a>(document: &'a Value, holder: &'a Value) -> Option<Content<'a>> {
    let content = holder.get("content")?.get("application/json")?;
    let schema = resolve(document, &content["schema"]);
    let example = [&content["example"], &schema["example"], &schema["examples"][0]];
    let example = example.into_iter().find(|example| !example.is_null());
    Some(Content {
        schema: text(&content["schema"]["$ref"]).rsplit('/').next().unwrap_or_default(),
        example: example.map(pretty).unwrap_or_default(),
    })
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|reference| document.pointer(reference.strip_prefix('#')?));
    target.unwrap_or(value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
