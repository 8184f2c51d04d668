//! The fixed start of an archive (specification, section 3).

use crate::error::Error;

pub const BYTES: usize = 127;

/// A stretch of the file, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub start: u64,
    pub length: u64,
}

impl Part {
    /// Where it ends; beyond every file when it is too long to be true.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.length)
    }

    /// A stretch given relative to this one. What points beyond the file is found out when it is read.
    pub fn part(&self, start: u64, length: u32) -> Self {
        Self { start: self.start.saturating_add(start), length: length.into() }
    }
}

/// How something is packed. Brotli and Zstandard, which the format also knows, are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    None,
    Gzip,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Header {
    pub root: Part,
    pub metadata: Part,
    pub leaves: Part,
    pub tiles: Part,
    pub internal: Compression,
    pub tile: Compression,
    pub min_zoom: u8,
    pub max_zoom: u8,
    /// West, south, east, north in degrees.
    pub bounds: [f64; 4],
    /// Longitude, latitude, zoom.
    pub centre: [f64; 3],
}

impl Header {
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.get(..7) != Some(b"PMTiles") {
            return Err(Error::Archive("it is not a PMTiles file"));
        }
        if bytes.get(7) != Some(&3) {
            return Err(Error::Archive("only version 3 of PMTiles is supported"));
        }
        let short = || Error::Archive("its header is too short");
        let byte = |at: usize| bytes.get(at).copied().ok_or_else(short);
        if byte(99)? != 1 {
            return Err(Error::Archive("it holds pictures or something else and not vector tiles"));
        }
        let read = || {
            let part = |at| Some(Part { start: u64_at(bytes, at)?, length: u64_at(bytes, at + 8)? });
            let degrees = |at| Some(f64::from(i32_at(bytes, at)?) / 1e7);
            Some(Self {
                root: part(8)?,
                metadata: part(24)?,
                leaves: part(40)?,
                tiles: part(56)?,
                internal: Compression::None,
                tile: Compression::None,
                min_zoom: *bytes.get(100)?,
                max_zoom: *bytes.get(101)?,
                bounds: [degrees(102)?, degrees(106)?, degrees(110)?, degrees(114)?],
                centre: [degrees(119)?, degrees(123)?, f64::from(*bytes.get(118)?)],
            })
        };
        let header = read().ok_or_else(short)?;
        Ok(Self { internal: compression(byte(97)?)?, tile: compression(byte(98)?)?, ..header }.limited())
    }

    /// Zooms and positions that make no sense are replaced, so that clients get a TileJSON that they accept.
    fn limited(mut self) -> Self {
        self.max_zoom = self.max_zoom.min(30);
        self.min_zoom = self.min_zoom.min(self.max_zoom);
        let [west, south, east, north] = self.bounds;
        let sensible = -180.0 <= west && west < east && east <= 180.0;
        if !(sensible && -90.0 <= south && south < north && north <= 90.0) {
            self.bounds = [-180.0, -85.05, 180.0, 85.05];
        }
        let [west, south, east, north] = self.bounds;
        let [lon, lat, zoom] = self.centre;
        self.centre = [
            lon.clamp(west, east),
            lat.clamp(south, north),
            zoom.clamp(self.min_zoom.into(), self.max_zoom.into()),
        ];
        self
    }
}

fn compression(number: u8) -> Result<Compression, Error> {
    match number {
        1 => Ok(Compression::None),
        2 => Ok(Compression::Gzip),
        _ => Err(Error::Archive("its compression is not supported: only gzip and none are")),
    }
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
