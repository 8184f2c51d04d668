//! The parts of a view: what services answered, unchanged, and who did not answer.

use std::collections::BTreeSet;
use std::time::Duration;

use platform::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, Schema, Type};

use crate::call::Answer;

/// Who did not answer.
#[derive(Debug, Default)]
pub(super) struct Parts {
    unavailable: BTreeSet<&'static str>,
}

impl Parts {
    /// The part that a view is about: a refusal is the view's, and without its service there is no view.
    pub(super) fn main(service: &'static str, answer: Result<Answer>) -> Result<Value> {
        answer.and_then(Answer::ok).map_err(|error| {
            if !error.kind().is_failure() {
                return error;
            }
            let away = Error::unavailable(service).with_retry_after(Duration::from_secs(1));
            away.with_extension("service", service).with_source(error)
        })
    }

    /// Another part; `None` when it may not be read, is not there, or its service is away.
    pub(super) fn take(&mut self, service: &'static str, answer: Result<Answer>) -> Option<Value> {
        match answer.and_then(Answer::ok) {
            Ok(value) => Some(value),
            Err(error) if error.kind().is_failure() => {
                tracing::warn!(service, cause = error.chain(), "a part of a view is away");
                self.unavailable.insert(service);
                None
            }
            Err(_refused) => None,
        }
    }

    /// The names of those who are away.
    pub(super) fn unavailable(self) -> Vec<&'static str> {
        self.unavailable.into_iter().collect()
    }
}

/// The items of a page.
pub(super) fn items(page: &Value) -> &[Value] {
    page["items"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Whether there is more than the page.
pub(super) fn has_more(page: &Value) -> bool {
    page["next_cursor"].is_string()
}

/// What the gateway itself looks at in an answer.
pub(super) fn read<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value).map_err(Error::internal)
}

fn null() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Null)
}

/// The schema of a part: what the document of its service calls so, or nothing.
pub(super) fn one(schema: &str, description: &str) -> Schema {
    let part = Ref::from_schema_name(schema);
    Schema::OneOf(OneOfBuilder::new().item(part).item(null()).description(Some(description)).build())
}

/// The same for a list.
pub(super) fn many(schema: &str, description: &str) -> Schema {
    let list = ArrayBuilder::new().items(Ref::from_schema_name(schema));
    Schema::OneOf(OneOfBuilder::new().item(list).item(null()).description(Some(description)).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_may_not_be_read_is_not_away() {
        let mut parts = Parts::default();
        assert_eq!(parts.take("orders", Err(Error::forbidden())), None);
        assert_eq!(parts.take("tracking", Err(Error::unavailable("service"))), None);
        assert_eq!(parts.take("tracking", Err(Error::internal("broken"))), None);
        assert_eq!(parts.unavailable(), ["tracking"]);
    }

    #[test]
    fn without_the_main_part_there_is_no_view() {
        let refused = Parts::main("orders", Err(Error::not_found("order"))).unwrap_err();
        assert_eq!(refused.kind().status(), 404);
        let away = Parts::main("orders", Err(Error::internal("broken"))).unwrap_err();
        assert_eq!((away.kind().status(), &away.extensions()["service"]), (503, &"orders".into()));
    }
}
