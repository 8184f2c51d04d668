//! What several processes share and may lose: caches, live values and rate limits, in Redis or Valkey.
//!
//! Rule: the server holds nothing that cannot be lost, and nobody waits for it. Whatever is asked of a server that is away,
//! slow or was just emptied is answered from the memory of the process:
//!
//! | | while the server is there | while it is away |
//! |---|---|---|
//! | cache | the server | memory, emptied when the server is back; deletions are made up for before it is used again |
//! | live values | the newer of server and what this process has heard | what this process has heard |
//! | rate limits | the stricter of the shared count and this process's own | this process's own, which always ran along |
//!
//! One task ([`Redis::watch`]) looks for the server; the others find out with a look at a flag. Times are those of
//! the clock that was handed in: the server's own expiry only clears away.

mod cache;
mod error;
mod limiter;
mod live;
mod server;

pub use cache::RedisCache;
pub use error::Error;
pub use limiter::RedisLimiter;
pub use live::RedisLive;
pub use server::Redis;
