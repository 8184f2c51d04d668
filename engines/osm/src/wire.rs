//! Protocol buffers, as far as the format needs them, without copying: a message is an iterator over its fields that
//! borrows from the block. So reading takes no memory beyond the block itself, whatever it claims to contain.
//! Encoding: <https://protobuf.dev/programming-guides/encoding/>.

use crate::error::ReadError;

const DAMAGED: ReadError = ReadError::Damaged("a message is malformed");

/// The value of one field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    /// A fixed 32 or 64 bit number, which no message of the format uses.
    Fixed,
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(self) -> Result<&'a [u8], ReadError> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Varint(_) | Self::Fixed => Err(DAMAGED),
        }
    }

    pub(crate) fn varint(self) -> Result<u64, ReadError> {
        match self {
            Self::Varint(number) => Ok(number),
            Self::Bytes(_) | Self::Fixed => Err(DAMAGED),
        }
    }

    /// An `int32` or `int64`: negative numbers are sign-extended to 64 bits.
    pub(crate) fn int(self) -> Result<i64, ReadError> {
        Ok(self.varint()?.cast_signed())
    }
}

/// The fields of a message: number and value.
#[derive(Clone, Debug)]
pub(crate) struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, ReadError> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = varint(&mut self.0)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut self.0)?),
            1 => take(&mut self.0, 8).map(|_| Value::Fixed)?,
            2 => {
                let length = varint(&mut self.0)?;
                Value::Bytes(take(&mut self.0, usize::try_from(length).ok().ok_or(DAMAGED)?)?)
            }
            5 => take(&mut self.0, 4).map(|_| Value::Fixed)?,
            _ => return Err(DAMAGED),
        };
        Ok(Some((key >> 3, value)))
    }
}

/// Packed numbers of a repeated field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed<'a>(&'a [u8]);

impl<'a> Packed<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn next(&mut self) -> Result<Option<u64>, ReadError> {
        if self.0.is_empty() { Ok(None) } else { varint(&mut self.0).map(Some) }
    }

    /// The next number of a list that has to be as long as another one.
    pub(crate) fn expect(&mut self) -> Result<u64, ReadError> {
        self.next()?.ok_or(ReadError::Damaged("parallel lists differ in length"))
    }
}

/// Numbers written as differences to the one before (`DENSE` coding).
#[derive(Clone, Debug, Default)]
pub(crate) struct Deltas<'a> {
    packed: Packed<'a>,
    value: i64,
}

impl<'a> Deltas<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { packed: Packed::new(bytes), value: 0 }
    }

    pub(crate) fn next(&mut self) -> Result<Option<i64>, ReadError> {
        let Some(raw) = self.packed.next()? else { return Ok(None) };
        self.value =
            self.value.checked_add(zigzag(raw)).ok_or(ReadError::Damaged("a number is out of range"))?;
        Ok(Some(self.value))
    }

    pub(crate) fn expect(&mut self) -> Result<i64, ReadError> {
        self.next()?.ok_or(ReadError::Damaged("parallel lists differ in length"))
    }
}

pub(crate) fn zigzag(raw: u64) -> i64 {
    (raw >> 1).cast_signed() ^ -((raw & 1).cast_signed())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, ReadError> {
    let mut number = 0u64;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            *bytes = &bytes[index + 1..];
            return Ok(number);
        }
    }
    Err(DAMAGED)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Result<&'a [u8], ReadError> {
    let (taken, rest) = bytes.split_at_checked(length).ok_or(DAMAGED)?;
    *bytes = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_in_order_and_unknown_kinds_of_field_are_refused() {
        let mut message = Message::new(&[0x08, 0x96, 0x01, 0x12, 0x02, b'h', b'i']);
        assert!(matches!(message.next(), Ok(Some((1, Value::Varint(150))))));
        assert!(matches!(message.next(), Ok(Some((2, Value::Bytes(b"hi"))))));
        assert!(matches!(message.next(), Ok(None)));
        assert!(Message::new(&[0x0b]).next().is_err());
    }

    #[test]
    fn a_length_beyond_the_block_and_an_endless_number_are_refused() {
        assert!(Message::new(&[0x12, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]).next().is_err());
        assert!(
            Message::new(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]).next().is_err()
        );
    }

    #[test]
    fn differences_that_leave_the_range_of_numbers_are_refused() {
        let largest = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        let twice: Vec<u8> = largest.iter().chain(&largest).copied().collect();
        let mut deltas = Deltas::new(&twice);
        assert_eq!(deltas.next().unwrap(), Some(i64::MAX));
        assert!(deltas.next().is_err());
        assert_eq!(zigzag(3), -2);
    }
}
