//! The outer frame of the file: length, header of the block, block, again and again. One block is in memory at a time.

use std::io::{self, Read};

use flate2::read::ZlibDecoder;

use crate::error::ReadError;
use crate::wire::Message;

/// The most that the format allows for the header of a block.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlobKind {
    Header,
    Data,
    /// Readers skip what they do not know.
    Other,
}

/// The next block, unpacked into `content`; `None` at the end of the file.
pub(crate) fn next(
    input: &mut impl Read,
    max_bytes: u32,
    content: &mut Vec<u8>,
) -> Result<Option<BlobKind>, ReadError> {
    let Some(header_length) = read_length(input)? else { return Ok(None) };
    if header_length > MAX_HEADER_BYTES {
        return Err(ReadError::NotOsmPbf);
    }
    let header = read_exactly(input, u64::from(header_length))?;
    let (kind, length) = parse_header(&header)?;
    if length > u64::from(max_bytes) {
        return Err(ReadError::TooLarge { what: "bytes in one block", limit: max_bytes.into() });
    }
    let blob = read_exactly(input, length)?;
    content.clear();
    if kind != BlobKind::Other {
        unpack(&blob, max_bytes, content)?;
    }
    Ok(Some(kind))
}

fn read_length(input: &mut impl Read) -> Result<Option<u32>, ReadError> {
    let mut bytes = [0u8; 4];
    let mut filled = 0;
    while filled < bytes.len() {
        match input.read(&mut bytes[filled..]) {
            Ok(0) if filled == 0 => return Ok(None),
            Ok(0) => return Err(ReadError::Truncated),
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(u32::from_be_bytes(bytes)))
}

/// Takes memory only for bytes that are there, whatever length is claimed.
fn read_exactly(input: &mut impl Read, length: u64) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = input.take(length).read_to_end(&mut bytes)?;
    if read as u64 == length { Ok(bytes) } else { Err(ReadError::Truncated) }
}

fn parse_header(bytes: &[u8]) -> Result<(BlobKind, u64), ReadError> {
    let mut message = Message::new(bytes);
    let (mut kind, mut length) = (None, None);
    while let Some((field, value)) = message.next().or(Err(ReadError::NotOsmPbf))? {
        match field {
            1 => {
                kind = Some(match value.bytes()? {
                    b"OSMHeader" => BlobKind::Header,
                    b"OSMData" => BlobKind::Data,
                    _ => BlobKind::Other,
                });
            }
            3 => length = Some(value.varint()?),
            _ => {}
        }
    }
    kind.zip(length).ok_or(ReadError::NotOsmPbf)
}

fn unpack(blob: &[u8], max_bytes: u32, content: &mut Vec<u8>) -> Result<(), ReadError> {
    let mut message = Message::new(blob);
    while let Some((field, value)) = message.next()? {
        match field {
            1 => content.extend_from_slice(value.bytes()?),
            3 => inflate(value.bytes()?, max_bytes, content)?,
            4 => return Err(ReadError::Unsupported("LZMA compression".to_owned())),
            5 => return Err(ReadError::Unsupported("bzip2 compression".to_owned())),
            6 => return Err(ReadError::Unsupported("LZ4 compression".to_owned())),
            7 => return Err(ReadError::Unsupported("Zstandard compression".to_owned())),
            _ => {}
        }
        if content.len() as u64 > u64::from(max_bytes) {
            return Err(ReadError::TooLarge { what: "bytes in one block", limit: max_bytes.into() });
        }
    }
    Ok(())
}

/// Stops one byte after the limit: a block of 32 KB can claim to unpack to 32 MB, but not to 32 GB.
fn inflate(packed: &[u8], max_bytes: u32, content: &mut Vec<u8>) -> Result<(), ReadError> {
    ZlibDecoder::new(packed)
        .take(u64::from(max_bytes) + 1)
        .read_to_end(content)
        .map(drop)
        .or(Err(ReadError::Damaged("a block cannot be unpacked")))
}
