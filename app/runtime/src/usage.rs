//! Wrong use is told apart from failure: the exit code is 2 instead of 1.

/// A request that this build, or this command, does not serve; the text says what to do instead.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Such an error.
pub fn usage(text: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(Usage(text.into()))
}
