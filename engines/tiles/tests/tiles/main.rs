//! Tiles as a client gets them: from an extract to decoded features.

#![expect(clippy::unwrap_used, reason = "a failed unwrap in a test is a failed test")]

mod archive;
mod drawing;
mod proof;
mod support;
