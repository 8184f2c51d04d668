//! Orders against a real PostgreSQL.
