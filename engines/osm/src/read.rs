//! From a path to [`Data`].

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use crate::blob::{self, BlobKind};
use crate::block;
use crate::builder::Builder;
use crate::data::{Data, Header};
use crate::error::{Limits, ReadError};
use crate::point::{Bounds, Point};
use crate::wire::{Message, zigzag};

/// What a reader of this format may be asked to understand.
const KNOWN_FEATURES: [&[u8]; 2] = [b"OsmSchema-V0.6", b"DenseNodes"];

impl Data {
    /// Reads a whole file. Memory: one block beside the data itself. `progress` is called with 0 to 1.
    pub fn read(path: &Path, limits: &Limits, progress: &mut dyn FnMut(f32)) -> Result<Self, ReadError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        if length > limits.max_file_bytes {
            return Err(ReadError::TooLarge { what: "bytes", limit: limits.max_file_bytes });
        }
        let input = Hashing {
            inner: BufReader::with_capacity(1 << 20, file.take(limits.max_file_bytes)),
            hasher: blake3::Hasher::new(),
            bytes: 0,
        };
        read_from(input, length, limits, progress)
    }
}

fn read_from(
    mut input: Hashing<impl Read>,
    length: u64,
    limits: &Limits,
    progress: &mut dyn FnMut(f32),
) -> Result<Data, ReadError> {
    let mut builder = Builder::within(*limits);
    let mut content = Vec::new();
    let mut started = false;
    while let Some(kind) = blob::next(&mut input, limits.max_blob_bytes, &mut content)? {
        match kind {
            BlobKind::Header => *builder.header_mut() = read_header(&content)?,
            BlobKind::Data if started => block::read(&content, &mut builder)?,
            BlobKind::Data => return Err(ReadError::NotOsmPbf),
            BlobKind::Other => {}
        }
        started |= kind == BlobKind::Header;
        progress(fraction(input.bytes, length));
    }
    if !started {
        return Err(ReadError::NotOsmPbf);
    }
    builder.header_mut().hash = input.hasher.finalize().to_hex().to_string();
    let data = builder.build();
    if data.node_count() == 0 { Err(ReadError::Empty) } else { Ok(data) }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a share for people to look at"
)]
fn fraction(done: u64, of: u64) -> f32 {
    (done as f64 / of.max(1) as f64).min(1.0) as f32
}

fn read_header(content: &[u8]) -> Result<Header, ReadError> {
    let mut header = Header::default();
    let mut message = Message::new(content);
    while let Some((field, value)) = message.next()? {
        match field {
            1 => header.bbox = read_bbox(value.bytes()?)?,
            4 if !KNOWN_FEATURES.contains(&value.bytes()?) => {
                return Err(ReadError::Unsupported(String::from_utf8_lossy(value.bytes()?).into_owned()));
            }
            16 => header.program = Some(String::from_utf8_lossy(value.bytes()?).into_owned()),
            32 => header.timestamp = Some(value.int()?),
            _ => {}
        }
    }
    Ok(header)
}

/// Left, right, top and bottom in 1e-9 degrees. A box that makes no sense is left out, because the nodes say the same.
fn read_bbox(bytes: &[u8]) -> Result<Option<Bounds>, ReadError> {
    let mut edges = [None; 4];
    let mut message = Message::new(bytes);
    while let Some((field, value)) = message.next()? {
        if let (1..=4, Ok(number)) = (field, value.varint()) {
            edges[usize::try_from(field - 1).expect("1 to 4")] = Some(zigzag(number).div_euclid(100));
        }
    }
    let [Some(left), Some(right), Some(top), Some(bottom)] = edges else { return Ok(None) };
    let corners = Point::from_e7(bottom, left).zip(Point::from_e7(top, right));
    Ok(corners
        .map(|(min, max)| Bounds { min, max })
        .filter(|b| b.min.lat_e7 < b.max.lat_e7 && b.min.lon_e7 < b.max.lon_e7))
}

/// Hashes and counts what passes through.
struct Hashing<R> {
    inner: R,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
