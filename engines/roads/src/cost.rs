//! How times and distances are added up.
//!
//! A cost is 32 bits: the lower 26 are milliseconds (18 hours), the upper 5 count how often a road that is not a
//! through road was entered (`access=private`, `destination` and the like). So the search avoids those as through
//! roads wherever there is another way, while a delivery still reaches a door behind one, and the time stays exact.
//! A long cost is 64 bits: cost above, distance in decimetres below; the smaller one is the quicker one and among
//! equals the shorter one.

/// Entering a road that is not a through road.
pub(crate) const LAST_METRES: u32 = 1 << 26;
/// No way. Twice this still fits.
pub(crate) const NEVER: u32 = i32::MAX as u32;
/// No way, as a long cost.
pub(crate) const NEVER_LONG: u64 = (NEVER as u64) << 32;

/// The time in a cost.
pub(crate) fn ms(cost: u32) -> u32 {
    cost % LAST_METRES
}

pub(crate) fn long(cost: u32, decimetres: u32) -> u64 {
    u64::from(cost) << 32 | u64::from(decimetres)
}

/// The cost in a long cost.
pub(crate) fn of_long(long: u64) -> u32 {
    (long >> 32) as u32
}

/// The distance in a long cost, decimetres.
#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
pub(crate) fn decimetres(long: u64) -> u32 {
    long as u32
}

/// Time and distance taken off, each for itself.
pub(crate) fn less(from: u64, rest: u64) -> u64 {
    long(of_long(from).saturating_sub(of_long(rest)), decimetres(from).saturating_sub(decimetres(rest)))
}
