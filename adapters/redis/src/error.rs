//! What can be wrong with the server at the start.

/// Why the server is refused. One that is away is not: it is waited for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be read.
    #[error("redis.url (REDIS_URL) must look like redis://:password@host:6379/0")]
    Address,
    /// It does not accept the login.
    #[error("the Redis server refuses the login of redis.url (REDIS_URL): {0}")]
    Login(String),
}
