//! Tests of the address search on built and on real extracts.

#![expect(clippy::unwrap_used, reason = "a test ends where its world is not as it must be")]

mod hostile;
mod overlay;
mod proof_geocode;
mod reverse;
mod sample;
mod search;
mod support;
mod town;
