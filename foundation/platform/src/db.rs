//! Transactions. There is one way to begin one: [`Db::begin`] (or [`Db::run`]), which sets the organisation in the
//! same message as `BEGIN`, so that row-level security holds from the first statement.
//!
//! - The organisation, the caller and the trace come from a [`Scope`]; nothing is global.
//! - Events are buffered and written in one statement just before `COMMIT`, when every row lock is held.
//! - After the commit the process wakes its own sequencer and workers. Nothing is notified inside the transaction.
//! - A transaction that is dropped is rolled back.

mod open;
mod pool;
mod scope;
mod session;
mod tx;
mod wake;

pub use open::{transaction_is_open, watched};
pub use pool::{Db, PoolOptions, SystemDb, SystemTx};
pub use scope::Scope;
pub use tx::{Locked, Tx};
pub use wake::{LogNews, Wake};

pub use jiff_sqlx::ToSqlx;

/// A future on the heap, as transaction closures return it.
pub type BoxFuture<'a, T> = futures::future::BoxFuture<'a, T>;
