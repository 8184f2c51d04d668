//! Dispatch against a real PostgreSQL.
