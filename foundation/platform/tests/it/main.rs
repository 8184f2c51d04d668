//! The integration tests of the platform, in one binary.

mod private_postgres;
