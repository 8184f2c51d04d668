//! Keyset pagination: `limit` and an opaque `cursor` in, `items` and `next_cursor` out.
//!
//! A cursor is base64url of the JSON of the last row's sort key. It is not a secret and not signed: it only says
//! where to continue, and row security decides what can be seen. A cursor that does not decode is 400
//! `invalid_cursor`. Ask the store for [`Limit::fetch`] rows (one more than wanted) and hand them to [`Page::cut`].

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{Error, Kind, Result};

/// How many rows a page may have at most.
pub const MAX_LIMIT: u16 = 200;
/// How many rows a page has when nothing is said.
pub const DEFAULT_LIMIT: u16 = 50;
/// Longest accepted cursor, in characters.
pub const MAX_CURSOR: usize = 512;

/// The query parameters of a list without filters. Lists with filters name `limit` and `cursor` beside them:
/// flattening does not work with query strings (serde reads every value as text).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, garde::Validate, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many items at most.
    #[garde(skip)]
    #[serde(default)]
    #[param(value_type = u16, required = false, minimum = 1, maximum = 200, default = 50, example = 50)]
    pub limit: Limit,
    /// Where to continue: the `next_cursor` of the page before.
    #[garde(skip)]
    #[param(
        value_type = String, required = false, format = "cursor",
        example = "IjAxOTM0ODRlLThjMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMCI"
    )]
    pub cursor: Option<Cursor>,
}

/// Rows per page, 1 to 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u16);

impl Default for Limit {
    fn default() -> Self {
        Self(DEFAULT_LIMIT)
    }
}

impl Limit {
    /// A limit, or `None` outside 1 to 200.
    pub fn new(rows: u16) -> Option<Self> {
        (1..=MAX_LIMIT).contains(&rows).then_some(Self(rows))
    }

    /// The rows of a page.
    pub fn rows(self) -> usize {
        usize::from(self.0)
    }

    /// What to ask the store for: one row more, which tells whether there is a next page.
    pub fn fetch(self) -> i64 {
        i64::from(self.0) + 1
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
        text.parse()
            .ok()
            .filter(|_| plain)
            .and_then(Self::new)
            .ok_or_else(|| serde::de::Error::custom(format!("must be a whole number from 1 to {MAX_LIMIT}")))
    }
}

/// An opaque position in a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// The position behind a row with this sort key.
    pub fn after(key: &impl Serialize) -> Result<Self> {
        Ok(Self(URL_SAFE_NO_PAD.encode(serde_json::to_vec(key)?)))
    }

    /// The sort key, or 400 `invalid_cursor`.
    pub fn key<K: DeserializeOwned>(&self) -> Result<K> {
        let invalid =
            || Error::new(Kind::Malformed, "invalid_cursor", "The cursor is not one that a page gave out.");
        if self.0.len() > MAX_CURSOR {
            return Err(invalid());
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.0).map_err(|error| invalid().with_source(error))?;
        serde_json::from_slice(&bytes).map_err(|error| invalid().with_source(error))
    }

    /// The text as given out.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page starts; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z0-9_-]{1,512}$", nullable = false)]
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page from up to `limit + 1` rows; `key` reads the sort key of the last row that is shown.
    pub fn cut<K: Serialize>(mut rows: Vec<T>, limit: Limit, key: impl FnOnce(&T) -> K) -> Result<Self> {
        let more = rows.len() > limit.rows();
        rows.truncate(limit.rows());
        let next_cursor = match rows.last() {
            Some(last) if more => Some(Cursor::after(&key(last))?.0),
            _ => None,
        };
        Ok(Self { items: rows, next_cursor })
    }

    /// The same page of another type (row to view).
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(convert).collect(), next_cursor: self.next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_cursor() {
        let limit = Limit::new(2).unwrap();
        let page = Page::cut(vec![1, 2], limit, |row| *row).unwrap();
        assert_eq!(page, Page { items: vec![1, 2], next_cursor: None });
        let page = Page::cut(vec![1, 2, 3], limit, |row| *row).unwrap();
        assert_eq!(page.items, [1, 2]);
        assert_eq!(Cursor(page.next_cursor.unwrap()).key::<i32>().unwrap(), 2);
    }

    #[test]
    fn a_foreign_cursor_is_refused() {
        for bad in ["", "!", "AAAA", &"a".repeat(600)] {
            let error = Cursor(bad.to_owned()).key::<(i64, String)>().unwrap_err();
            assert_eq!((error.kind().status(), error.code()), (400, "invalid_cursor"), "{bad}");
        }
    }

    #[test]
    fn limits_are_whole_numbers_in_range() {
        for bad in ["0", "201", "+5", "05", "5.0", "", "-1", "99999999999"] {
            assert!(serde_urlencoded::from_str::<PageQuery>(&format!("limit={bad}")).is_err(), "{bad}");
        }
        let query: PageQuery = serde_urlencoded::from_str("limit=200").unwrap();
        assert_eq!((query.limit.rows(), query.limit.fetch()), (200, 201));
        assert_eq!(PageQuery::default().limit.rows(), 50);
    }
}
