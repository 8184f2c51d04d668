//! Positions from a client as a binary frame, big-endian: 24 bytes, then 33 for each position.
//!
//! | bytes | what |
//! |---|---|
//! | 0 | 1: the version of this form |
//! | 1 | 2: positions from a client |
//! | 2..6 | the client's number of the message (u32) |
//! | 6..22 | the driver's UUID; zeros: the caller's own |
//! | 22..24 | how many positions follow (u16), 1 to 400 |
//!
//! | bytes of each | what |
//! |---|---|
//! | 0..8 | the device's number of it (u64), all ones: none |
//! | 8..16 | device time, milliseconds since 1970 (i64) |
//! | 16..20, 20..24 | latitude, longitude in 1e-7 degrees (i32) |
//! | 24..26 | accuracy in decimetres (u16), 65535: unknown |
//! | 26..28 | speed in cm/s (u16), 65535: unknown |
//! | 28..30 | heading in hundredths of a degree (u16), 65535: unknown |
//! | 30..32 | altitude in metres (i16), -32768: unknown |
//! | 32 | battery in percent (u8), 255: unknown |

use bytes::{Buf, Bytes};
use kernel::ids::{DriverId, Uuid};
use kernel::time::Timestamp;
use serde_json::{Map, Value};

use super::Batch;
use super::Verdict;

/// What stands before the positions.
const HEAD: usize = 24;
/// One position.
const FIX: usize = 33;

/// A frame that is none: its length or its first bytes are wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads a frame. What a single position lacks is its own affair: tracking judges each.
pub(crate) fn read(mut frame: Bytes) -> Result<Result<Batch, Verdict>, Malformed> {
    if frame.len() < HEAD || frame.get_u8() != 1 || frame.get_u8() != 2 {
        return Err(Malformed);
    }
    let id = u64::from(frame.get_u32());
    let driver = Uuid::from_u128(frame.get_u128());
    let count = usize::from(frame.get_u16());
    if frame.len() != count * FIX {
        return Err(Malformed);
    }
    let driver = (!driver.is_nil()).then(|| DriverId::new(driver));
    let positions = (0..count).map(|_| position(&mut frame)).collect();
    Ok(Batch::new(id, driver, positions))
}

fn position(frame: &mut Bytes) -> Value {
    let mut report = Map::new();
    let sequence = frame.get_u64();
    if sequence != u64::MAX {
        report.insert("sequence".to_owned(), sequence.into());
    }
    // A time that no clock shows makes the position unreadable, like the same in text.
    let at = Timestamp::from_millisecond(frame.get_i64()).map(|at| at.to_string());
    report.insert("at".to_owned(), at.unwrap_or_default().into());
    for name in ["lat", "lon"] {
        report.insert(name.to_owned(), (f64::from(frame.get_i32()) / 1e7).into());
    }
    for (name, scale) in [("accuracy_m", 10.0), ("speed_m_s", 100.0), ("heading_deg", 100.0)] {
        let value = frame.get_u16();
        if value != u16::MAX {
            report.insert(name.to_owned(), (f64::from(value) / scale).into());
        }
    }
    let altitude = frame.get_i16();
    if altitude != i16::MIN {
        report.insert("altitude_m".to_owned(), f64::from(altitude).into());
    }
    let percent = frame.get_u8();
    if percent != u8::MAX {
        report.insert("battery".to_owned(), (f64::from(percent) / 100.0).into());
    }
    Value::Object(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::{BufMut as _, BytesMut};
    use serde_json::json;

    fn head(count: u16) -> BytesMut {
        let mut frame = BytesMut::new();
        frame.put_slice(&[1, 2]);
        frame.put_u32(7);
        frame.put_u128(0x0102);
        frame.put_u16(count);
        frame
    }

    fn fix(frame: &mut BytesMut, sequence: u64) {
        frame.put_u64(sequence);
        frame.put_i64(1_795_176_000_250);
        frame.put_i32(601_699_000);
        frame.put_i32(-249_384_000);
        frame.put_u16(45);
        frame.put_u16(u16::MAX);
        frame.put_u16(27_000);
        frame.put_i16(-3);
        frame.put_u8(87);
    }

    #[test]
    fn the_bytes_are_pinned() {
        let mut frame = head(2);
        fix(&mut frame, 42);
        fix(&mut frame, u64::MAX);
        assert_eq!(frame.len(), HEAD + 2 * FIX);
        let batch = read(frame.freeze()).unwrap().unwrap();
        assert_eq!((batch.id, batch.driver), (7, Some(DriverId::new(Uuid::from_u128(0x0102)))));
        let first = json!({ "sequence": 42, "at": "2026-11-20T12:00:00.25Z", "lat": 60.1699, "lon": -24.9384,
                            "accuracy_m": 4.5, "heading_deg": 270.0, "altitude_m": -3.0, "battery": 0.87 });
        assert_eq!(batch.positions[0], first);
        assert!(batch.positions[1].get("sequence").is_none());
    }

    #[test]
    fn a_frame_of_another_length_or_form_is_malformed() {
        let mut frame = head(1);
        fix(&mut frame, 1);
        let whole = frame.freeze();
        for wrong in [whole.slice(..whole.len() - 1), whole.slice(..HEAD - 1), Bytes::new()] {
            assert_eq!(read(wrong), Err(Malformed));
        }
        for place in [0, 1, 23] {
            let mut other = BytesMut::from(&whole[..]);
            other[place] = 9;
            assert_eq!(read(other.freeze()), Err(Malformed), "{place}");
        }
        let nobody = read(head(0).freeze()).unwrap().unwrap_err();
        assert_eq!(nobody.outcome.unwrap_err().code, "invalid");
    }

    #[test]
    fn a_time_that_no_clock_shows_is_tracking_s_to_reject() {
        let mut frame = head(1);
        frame.put_u64(1);
        frame.put_i64(i64::MAX);
        frame.put_bytes(0, FIX - 16);
        assert_eq!(read(frame.freeze()).unwrap().unwrap().positions[0]["at"], "");
    }
}
