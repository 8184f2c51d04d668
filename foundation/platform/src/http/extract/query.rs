//! Query strings.

use axum::extract::FromRequestParts;
use garde::Validate;
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{Query, refuse};
use crate::{Error, Kind, Result};

impl<T, S> FromRequestParts<S> for Query<T>
where
    T: DeserializeOwned + Validate<Context = ()>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self> {
        parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

fn parse<T: DeserializeOwned + Validate<Context = ()>>(query: &str) -> Result<T> {
    let pairs = pairs(query)?;
    if let Some((name, _)) = pairs.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        return Err(Error::invalid_field(name.replace('\0', ""), "must not contain the character U+0000"));
    }
    let reader = serde_urlencoded::Deserializer::new(form(query));
    let value: T = serde_path_to_error::deserialize(reader).map_err(|error| {
        let name = error.path().to_string();
        let reason = error.into_inner();
        let name = if name == "." { String::new() } else { name };
        Error::invalid_field(name, reason.to_string()).with_source(reason)
    })?;
    value.validate().map_err(|report| refuse(&report, str::to_owned))?;
    Ok(value)
}

fn form(query: &str) -> form_urlencoded::Parse<'_> {
    form_urlencoded::parse(query.as_bytes())
}

/// The parameters, decoded; 400 when the encoding is damaged (the form parser would silently replace it).
pub(in crate::http) fn pairs(query: &str) -> Result<Vec<(String, String)>> {
    if !is_well_encoded(query) {
        return Err(Error::new(
            Kind::Malformed,
            "invalid_query",
            "The query string is not valid percent-encoded UTF-8.",
        ));
    }
    Ok(form(query).into_owned().collect())
}

fn is_well_encoded(query: &str) -> bool {
    let mut decoded = Vec::with_capacity(query.len());
    let mut bytes = query.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| {
            byte.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok())
        };
        let (Some(high), Some(low)) = (digit(bytes.next()), digit(bytes.next())) else {
            return false;
        };
        decoded.push(high * 16 + low);
    }
    std::str::from_utf8(&decoded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        #[garde(length(chars, max = 3))]
        name: Option<String>,
        #[garde(skip)]
        count: Option<u8>,
    }

    fn refused(query: &str) -> (u16, String) {
        let error = parse::<Filter>(query).unwrap_err();
        (error.kind().status(), error.fields().first().map(|f| f.pointer.clone()).unwrap_or_default())
    }

    #[test]
    fn a_good_query_is_read() {
        let filter: Filter = parse("name=a%20b&count=7").unwrap();
        assert_eq!((filter.name.as_deref(), filter.count), (Some("a b"), Some(7)));
    }

    #[test]
    fn damaged_encoding_is_400() {
        for query in ["name=%", "name=%zz", "name=%ff", "name=%c3%28"] {
            assert_eq!(refused(query).0, 400, "{query}");
        }
    }

    #[test]
    fn refused_parameters_are_named() {
        for (query, name) in
            [("count=x", "count"), ("count=300", "count"), ("name=abcd", "name"), ("name=%00", "name")]
        {
            assert_eq!(refused(query), (422, name.to_owned()), "{query}");
        }
        assert_eq!(refused("other=1").0, 422);
        assert_eq!(refused("name=a&name=b").0, 422);
    }
}
