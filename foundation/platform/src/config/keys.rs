//! Every setting that exists, read from the JSON schema, so that names are written in one place only.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Config;

/// Short names from the environment, known from other software, and the setting that each stands for.
pub const SHORT_NAMES: &[(&str, &str)] = &[
    ("AMQP_URL", "bus.amqp_url"),
    ("DATABASE_URL", "database.url"),
    ("DROPMATE_POSTGRES_BIN", "database.postgres_bin"),
    ("NATS_URL", "bus.nats_url"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "telemetry.otlp_endpoint"),
    ("OTEL_EXPORTER_OTLP_HEADERS", "telemetry.otlp_headers"),
    ("OTEL_SERVICE_NAME", "telemetry.service_name"),
    ("PUBLIC_URL", "http.public_url"),
    ("REDIS_URL", "redis.url"),
    ("RUST_LOG", "telemetry.filter"),
    ("S3_URL", "storage.s3_url"),
    ("SMTP_URL", "mail.smtp_url"),
    ("STORAGE_BUCKET", "storage.bucket"),
];

/// How the text of an environment variable becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Text,
    Integer,
    Number,
    Boolean,
    List,
}

impl Shape {
    /// Reads text; the error says what was expected.
    pub fn parse(self, text: &str) -> Result<Value, &'static str> {
        match self {
            Self::Text => Ok(Value::from(text)),
            Self::Integer => {
                text.trim().parse::<i64>().map(Value::from).map_err(|_not| "is not a whole number")
            }
            Self::Number => text.trim().parse::<f64>().map(Value::from).map_err(|_not| "is not a number"),
            Self::Boolean => match text.trim() {
                "true" | "1" => Ok(Value::from(true)),
                "false" | "0" => Ok(Value::from(false)),
                _ => Err("is neither true nor false"),
            },
            Self::List => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Ok(items.map(Value::from).collect())
            }
        }
    }
}

/// The JSON schema of the configuration file.
pub fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<Config>().to_value();
    schema["title"] = Value::from("DropMate configuration (dropmate.toml)");
    schema
}

/// All settings as `section.key`. A section whose keys are names (of services) has one entry, `section.*`.
pub(super) fn known() -> BTreeMap<String, Shape> {
    let mut known = BTreeMap::new();
    let schema = schema();
    for (section, content) in schema["properties"].as_object().into_iter().flatten() {
        for (key, described) in content["properties"].as_object().into_iter().flatten() {
            known.insert(format!("{section}.{key}"), shape_of(described));
        }
        if content["additionalProperties"].is_object() {
            known.insert(format!("{section}.*"), shape_of(&content["additionalProperties"]));
        }
    }
    known
}

/// How the text of a setting is read; `None` when there is no such setting.
pub(super) fn shape(known: &BTreeMap<String, Shape>, key: &str) -> Option<Shape> {
    let named = || {
        let (section, name) = key.split_once('.')?;
        let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        known.get(&format!("{section}.*")).filter(|_| plain)
    };
    known.get(key).or_else(named).copied()
}

fn shape_of(schema: &Value) -> Shape {
    let named = match &schema["type"] {
        Value::Array(types) => types.iter().find_map(|name| name.as_str().filter(|name| *name != "null")),
        other => other.as_str(),
    };
    match named {
        Some("integer") => Shape::Integer,
        Some("number") => Shape::Number,
        Some("boolean") => Shape::Boolean,
        Some("array") => Shape::List,
        _ => Shape::Text,
    }
}

/// The known name that was probably meant.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let best = known.map(|candidate| (distance(name, candidate), candidate)).min()?;
    (best.0 <= name.len().div_ceil(2)).then_some(best.1.as_str())
}

/// Levenshtein's distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in b.iter().enumerate() {
            let cost = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_their_shapes_come_from_the_schema() {
        let known = known();
        assert_eq!(known["http.listen"], Shape::Text);
        assert_eq!(known["database.url"], Shape::Text);
        assert_eq!(known["database.pool_size"], Shape::Integer);
        assert_eq!(known["telemetry.sample_ratio"], Shape::Number);
        assert_eq!(known["http.cors_origins"], Shape::List);
        assert_eq!(known["auth.open_registration"], Shape::Boolean);
        for (short, key) in SHORT_NAMES {
            assert!(known.contains_key(*key), "{short} stands for {key}, which does not exist");
        }
    }

    #[test]
    fn every_setting_is_described() {
        let schema = schema();
        for (section, content) in schema["properties"].as_object().unwrap() {
            for (key, described) in content["properties"].as_object().into_iter().flatten() {
                assert!(described["description"].is_string(), "{section}.{key} has no description");
            }
        }
    }

    #[test]
    fn the_nearest_name_is_found() {
        let known = known();
        assert_eq!(nearest("http.lisen", known.keys()), Some("http.listen"));
        assert_eq!(nearest("database.poolsize", known.keys()), Some("database.pool_size"));
        assert_eq!(nearest("zzzzzzzz", known.keys()), None);
    }
}
