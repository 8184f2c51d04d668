//! Storefront against a real PostgreSQL.
