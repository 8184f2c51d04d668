//! JSON bodies.

use axum::body::Body;
use axum::extract::FromRequest;
use garde::Validate;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use super::{BodyLimit, Json, read, refuse, to_pointer};
use crate::{Error, Kind, Result};

impl<T, S> FromRequest<S> for Json<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self> {
        require_json(request.headers())?;
        let limit = request.extensions().get::<BodyLimit>().copied().unwrap_or_default();
        let bytes = read(request.into_body(), limit).await?;
        parse(&bytes).map(Self)
    }
}

/// 415 unless the body is announced as JSON.
pub fn require_json(headers: &HeaderMap) -> Result<()> {
    if is_json(headers) {
        return Ok(());
    }
    Err(Error::new(
        Kind::UnsupportedMedia,
        "unsupported_media_type",
        "Send the body as Content-Type: application/json.",
    ))
}

/// `application/json`, with or without parameters; a character set other than UTF-8 is refused.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    let Ok(text) = value.to_str() else { return false };
    let mut parts = text.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let foreign_charset = parts.any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        name.eq_ignore_ascii_case("charset") && !value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    essence.eq_ignore_ascii_case("application/json") && !foreign_charset
}

/// Reads and validates a JSON text: 400 when it is not JSON, 422 when it means nothing.
pub fn parse<T: DeserializeOwned + Validate<Context = ()>>(bytes: &[u8]) -> Result<T> {
    if has_escaped_nul(bytes) {
        return Err(refuse_nul(bytes));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = to_pointer(&error.path().to_string());
        rejected(bytes, &pointer, error.into_inner())
    })?;
    reader.end().map_err(syntax)?;
    value.validate().map_err(|report| refuse(&report, to_pointer))?;
    Ok(value)
}

fn rejected(bytes: &[u8], pointer: &str, error: serde_json::Error) -> Error {
    // serde stops at the first wrong type; the rest of the text may still not be JSON, which weighs more.
    if error.classify() != Category::Data {
        return syntax(error);
    }
    if let Err(damaged) = serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        return syntax(damaged);
    }
    Error::invalid_field(pointer, explain(&error)).with_source(error)
}

/// serde's sentence without the position, which says nothing about the value.
fn explain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.clone(), |end| text[..end].to_owned())
}

fn syntax(error: serde_json::Error) -> Error {
    Error::new(Kind::Malformed, "invalid_json", "The body is not valid JSON.").with_source(error)
}

/// Whether a string contains `\u0000`. An escaped backslash before `u0000` is not one.
fn has_escaped_nul(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at + 1..].starts_with(b"u0000") {
            return true;
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

fn refuse_nul(bytes: &[u8]) -> Error {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => {
            let pointer = find_nul(&value, String::new()).unwrap_or_default();
            Error::invalid_field(pointer, "must not contain the character U+0000")
        }
        Err(error) => syntax(error),
    }
}

fn find_nul(value: &Value, pointer: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(pointer),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(index, item)| find_nul(item, format!("{pointer}/{index}")))
        }
        Value::Object(members) => members.iter().find_map(|(name, item)| {
            if name.contains('\0') {
                Some(pointer.clone())
            } else {
                find_nul(item, format!("{pointer}/{name}"))
            }
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Parcel {
        #[garde(length(chars, min = 1, max = 5))]
        name: String,
        #[garde(range(max = 100))]
        count: u32,
        #[serde(default)]
        #[garde(dive)]
        inner: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[garde(range(min = 1))]
        weight_g: u32,
    }

    fn refused(text: &str) -> (u16, String) {
        let error = parse::<Parcel>(text.as_bytes()).unwrap_err();
        (error.kind().status(), error.fields().first().map(|f| f.pointer.clone()).unwrap_or_default())
    }

    #[test]
    fn a_good_body_is_read() {
        let parcel: Parcel = parse(br#"{"name":"a","count":1,"inner":[{"weight_g":3}]}"#).unwrap();
        assert_eq!((parcel.name.as_str(), parcel.count, parcel.inner[0].weight_g), ("a", 1, 3));
    }

    #[test]
    fn damaged_text_is_400() {
        for text in
            ["", "{", "{\"name\":", "nul", "{\"name\":\"a\",\"count\":1} x", "{\"name\":1,", "\"\u{1}\""]
        {
            assert_eq!(refused(text).0, 400, "{text}");
        }
        assert_eq!(parse::<Parcel>(b"{\"name\":\"\xff\",\"count\":1}").unwrap_err().kind().status(), 400);
    }

    #[test]
    fn wrong_values_are_422_with_a_pointer() {
        let cases = [
            (r#"{"name":"a","count":67.5}"#, "/count"),
            (r#"{"name":"a","count":67.0}"#, "/count"),
            (r#"{"name":"a","count":"1"}"#, "/count"),
            (r#"{"name":"a","count":-1}"#, "/count"),
            (r#"{"name":"a","count":101}"#, "/count"),
            (r#"{"name":"","count":1}"#, "/name"),
            (r#"{"name":"abcdef","count":1}"#, "/name"),
            (r#"{"name":"a","count":1,"inner":[{"weight_g":1},{"weight_g":0}]}"#, "/inner/1/weight_g"),
            (r#"{"name":"a","count":1,"inner":[{"weight_g":[]}]}"#, "/inner/0/weight_g"),
            (r#"{"name":"a\u0000","count":1}"#, "/name"),
            (r#"{"name":"a","count":1,"price":3}"#, "/price"),
            (r#"{"name":"a"}"#, ""),
            (r"[]", ""),
        ];
        for (text, pointer) in cases {
            assert_eq!(refused(text), (422, pointer.to_owned()), "{text}");
        }
    }

    #[test]
    fn an_escaped_backslash_is_no_nul() {
        assert!(!has_escaped_nul(br#""\\u0000""#));
        assert!(has_escaped_nul(br#""\\\u0000""#));
        assert!(!has_escaped_nul(br#""\"#));
    }

    #[test]
    fn deep_nesting_is_refused_without_harm() {
        assert_eq!(refused(&"[".repeat(100_000)).0, 400);
        let nested = format!("{}{}", "[".repeat(500), "]".repeat(500));
        assert_eq!(refused(&format!(r#"{{"name":{nested},"count":1}}"#)), (422, "/name".to_owned()));
    }
}
