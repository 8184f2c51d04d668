//! Tracking against a real PostgreSQL.
