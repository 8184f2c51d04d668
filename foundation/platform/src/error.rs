//! One transport-neutral error for all layers.
//!
//! It keeps apart what the caller may know (`code`, `message`, `fields`) and what only the log may know (`source`).
//! The mapping to HTTP stands in one place, [`Kind::status`]; `docs/status-codes.md` says what each code means.
//! Service error enums convert into it and choose the stable `code`.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The closed list of ways in which an operation can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 400: the request cannot be read.
    Malformed,
    /// 401: who are you.
    Unauthenticated,
    /// 403: known, but not allowed.
    Forbidden,
    /// 404: not there, or not yours.
    NotFound,
    /// 405: the path exists, the method does not.
    MethodNotAllowed,
    /// 406: no representation that the caller accepts.
    NotAcceptable,
    /// 408: the request took too long to arrive.
    RequestTimeout,
    /// 409: conflicts with the current state.
    Conflict,
    /// 412: the `If-Match` version is stale.
    Stale,
    /// 413: the body is too large.
    TooLarge,
    /// 415: the body is of a type that is not understood.
    UnsupportedMedia,
    /// 422: readable, but it means nothing here.
    Invalid,
    /// 428: the operation needs `If-Match`.
    PreconditionRequired,
    /// 429: too many requests.
    TooMany,
    /// 500: our fault.
    Internal,
    /// 503: something we depend on is away.
    Unavailable,
    /// 504: something we depend on took too long.
    Timeout,
}

impl Kind {
    /// The HTTP status: the only place where kinds become numbers.
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::NotAcceptable => 406,
            Self::RequestTimeout => 408,
            Self::Conflict => 409,
            Self::Stale => 412,
            Self::TooLarge => 413,
            Self::UnsupportedMedia => 415,
            Self::Invalid => 422,
            Self::PreconditionRequired => 428,
            Self::TooMany => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::Timeout => 504,
        }
    }

    /// The kind of a refusal with this status; `None` for failures and for what is no refusal.
    pub const fn of_refusal(status: u16) -> Option<Self> {
        Some(match status {
            400 => Self::Malformed,
            401 => Self::Unauthenticated,
            403 => Self::Forbidden,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            406 => Self::NotAcceptable,
            408 => Self::RequestTimeout,
            409 => Self::Conflict,
            412 => Self::Stale,
            413 => Self::TooLarge,
            415 => Self::UnsupportedMedia,
            422 => Self::Invalid,
            428 => Self::PreconditionRequired,
            429 => Self::TooMany,
            _ => return None,
        })
    }

    /// Whether the fault is on our side. Refusals are not logged as failures.
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Internal | Self::Unavailable | Self::Timeout)
    }
}

/// One field of the request that was refused.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldError {
    /// JSON pointer into the body (RFC 6901), or the name of the parameter.
    pub pointer: String,
    /// What is wrong, for people.
    pub detail: String,
}

/// An error on its way to a caller.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: Kind,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    extensions: serde_json::Map<String, serde_json::Value>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of everything that can fail towards a caller.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a stable machine code and a message for the outside.
    pub fn new(
        kind: Kind,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                code: code.into(),
                message: message.into(),
                fields: Vec::new(),
                retry_after: None,
                extensions: serde_json::Map::new(),
                source: None,
            }),
        }
    }

    /// Our fault; the cause goes to the log only.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Kind::Internal, "internal", "Something went wrong on our side.").with_source(source)
    }

    /// Not there, or not yours.
    pub fn not_found(what: &'static str) -> Self {
        Self::new(Kind::NotFound, "not_found", format!("There is no such {what}."))
    }

    /// Known, but not allowed.
    pub fn forbidden() -> Self {
        Self::new(Kind::Forbidden, "forbidden", "You are not allowed to do this.")
    }

    /// Nobody is signed in, or the credential is not valid.
    pub fn unauthenticated() -> Self {
        Self::new(Kind::Unauthenticated, "unauthenticated", "Sign in first.")
    }

    /// A dependency is away; worth trying again.
    pub fn unavailable(what: &'static str) -> Self {
        Self::new(Kind::Unavailable, "unavailable", format!("The {what} cannot be reached at the moment."))
            .with_retry_after(Duration::from_secs(1))
    }

    /// One field was refused.
    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, "invalid", "The request contains values that are not accepted.")
            .with_field(pointer, detail)
    }

    /// Adds the cause, for the log.
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Adds a refused field.
    pub fn with_field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.inner.fields.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Says when to try again.
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.inner.retry_after = Some(after);
        self
    }

    /// Adds a member to the problem document (for example the current state of a conflict).
    pub fn with_extension(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.inner.extensions.insert(name.to_owned(), value.into());
        self
    }

    /// How it failed.
    pub fn kind(&self) -> Kind {
        self.inner.kind
    }

    /// The stable machine code.
    pub fn code(&self) -> &str {
        &self.inner.code
    }

    /// The message for the outside.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// The refused fields.
    pub fn fields(&self) -> &[FieldError] {
        &self.inner.fields
    }

    /// When to try again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Additional members of the problem document.
    pub fn extensions(&self) -> &serde_json::Map<String, serde_json::Value> {
        &self.inner.extensions
    }

    /// The SQLSTATE, when the cause came from PostgreSQL.
    pub fn sqlstate(&self) -> Option<String> {
        let source = self.inner.source.as_deref()?.downcast_ref::<sqlx::Error>()?;
        Some(source.as_database_error()?.code()?.into_owned())
    }

    /// Whether the same transaction may succeed when it is run again: serialization failure or deadlock.
    pub fn is_transient(&self) -> bool {
        matches!(self.sqlstate().as_deref(), Some("40001" | "40P01"))
    }

    /// The whole chain of causes in one line, for the log only.
    pub fn chain(&self) -> String {
        let mut text = format!("{} ({})", self.inner.message, self.inner.code);
        let mut next: Option<&(dyn std::error::Error + 'static)> =
            self.inner.source.as_deref().map(|source| source as _);
        while let Some(cause) = next {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            next = cause.source();
        }
        text
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.inner.kind, self.chain())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}

impl From<sqlx::Error> for Error {
    /// A database that cannot be reached is 503 and worth a retry; anything else is our fault.
    fn from(error: sqlx::Error) -> Self {
        if is_away(&error) { Self::unavailable("database").with_source(error) } else { Self::internal(error) }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}

fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => true,
        sqlx::Error::Database(db) => {
            let code = db.code().unwrap_or_default();
            // Class 08: connection; 53: insufficient resources; 57P01..05: shut down or terminated;
            // 55P03: lock timeout; 57014: statement timeout; 25P03/04: ended while idle in a transaction.
            code.starts_with("08")
                || code.starts_with("53")
                || code.starts_with("57P")
                || matches!(code.as_ref(), "55P03" | "57014" | "25P03" | "25P04")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outside_never_sees_the_cause() {
        let error = Error::internal(std::io::Error::other("password=hunter2"));
        assert!(!error.to_string().contains("hunter2"));
        assert!(error.chain().contains("hunter2"));
        assert_eq!(error.kind().status(), 500);
    }

    #[test]
    fn a_pool_that_timed_out_is_a_dependency_that_is_away() {
        let error = Error::from(sqlx::Error::PoolTimedOut);
        assert_eq!(error.kind(), Kind::Unavailable);
        assert!(error.retry_after().is_some());
    }
}
