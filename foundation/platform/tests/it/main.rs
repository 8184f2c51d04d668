//! The integration tests of the platform, in one binary.

// The mark tells clippy that helpers outside of test functions are test code, too.
#[cfg(test)]
mod private_postgres;
