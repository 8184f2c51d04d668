//! A position in 45 bytes, big-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 0 | 1: the version of this form |
//! | 1 | 1: a position |
//! | 2..18 | the driver's UUID |
//! | 18..26 | device time, microseconds since 1970 (i64) |
//! | 26..30, 30..34 | latitude, longitude in 1e-7 degrees (i32) |
//! | 34..36 | accuracy in decimetres (u16), 65535: unknown |
//! | 36..38 | speed in cm/s (u16), 65535: unknown |
//! | 38..40 | heading in hundredths of a degree (u16), 65535: unknown |
//! | 40 | battery in percent (u8), 255: unknown |
//! | 41..45 | how old the position was when it was sent, milliseconds (u32) |

use bytes::{BufMut as _, Bytes, BytesMut};
use contracts::tracking::DriverLocation;
use kernel::time::Timestamp;

/// Its length.
pub const LENGTH: usize = 45;

/// A number that is whole already, within the range of its type but for the last value, which says "unknown".
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts from float to integer saturate, which is what is wanted"
)]
fn small(value: Option<f32>, scale: f32) -> u16 {
    value.map_or(u16::MAX, |value| ((value * scale).round() as u16).min(u16::MAX - 1))
}

#[expect(clippy::cast_possible_truncation, reason = "degrees times 1e7 fit: 180 * 1e7 < 2^31")]
fn degrees(value: f64) -> i32 {
    (value * 1e7).round() as i32
}

/// As it is sent.
pub fn encode(location: &DriverLocation, now: Timestamp) -> Bytes {
    let mut frame = BytesMut::with_capacity(LENGTH);
    frame.put_u8(1);
    frame.put_u8(1);
    frame.put_slice(location.driver_id.uuid().as_bytes());
    frame.put_i64(location.device_at.as_microsecond());
    frame.put_i32(degrees(location.position.lat()));
    frame.put_i32(degrees(location.position.lon()));
    frame.put_u16(small(location.accuracy_m, 10.0));
    frame.put_u16(small(location.speed_m_s, 100.0));
    frame.put_u16(small(location.heading_deg, 100.0));
    let percent = small(location.battery, 100.0);
    frame.put_u8(if percent == u16::MAX { u8::MAX } else { u8::try_from(percent.min(100)).unwrap_or(100) });
    let age = now.as_millisecond() - location.server_at.as_millisecond();
    frame.put_u32(u32::try_from(age.max(0)).unwrap_or(u32::MAX));
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::geo::Position;
    use kernel::ids::{DriverId, Uuid};

    #[test]
    fn the_bytes_are_pinned() {
        let at: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let location = DriverLocation {
            driver_id: DriverId::new(Uuid::from_u128(0x0102)),
            position: Position::new(60.1699, -24.9384).unwrap(),
            device_at: at,
            server_at: at,
            accuracy_m: Some(4.5),
            speed_m_s: Some(3.25),
            heading_deg: None,
            battery: Some(0.87),
        };
        let frame = encode(&location, "2026-11-20T12:00:01.5Z".parse().unwrap());
        assert_eq!(frame.len(), LENGTH);
        assert_eq!(&frame[0..2], [1, 1]);
        assert_eq!(frame[17], 2);
        assert_eq!(&frame[26..30], 601_699_000_i32.to_be_bytes());
        assert_eq!(&frame[30..34], (-249_384_000_i32).to_be_bytes());
        assert_eq!(&frame[34..36], 45_u16.to_be_bytes());
        assert_eq!(&frame[36..38], 325_u16.to_be_bytes());
        assert_eq!(&frame[38..40], u16::MAX.to_be_bytes());
        assert_eq!(frame[40], 87);
        assert_eq!(&frame[41..45], 1_500_u32.to_be_bytes());
    }
}
