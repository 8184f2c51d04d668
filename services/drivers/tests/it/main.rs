//! Drivers against a real PostgreSQL.
