//! The tile format: Mapbox Vector Tile, version 2 (<https://github.com/mapbox/vector-tile-spec/tree/master/2.1>), whose
//! messages are few enough to be written down here.

use prost::Message;

use crate::mercator::{EXTENT, Spot};

/// A tile.
#[derive(Clone, PartialEq, Message)]
pub struct Tile {
    /// Each name once.
    #[prost(message, repeated, tag = "3")]
    pub layers: Vec<TileLayer>,
}

/// A layer: features point into its keys and values.
#[derive(Clone, PartialEq, Message)]
pub struct TileLayer {
    /// Of the format: 2.
    #[prost(uint32, required, tag = "15")]
    pub version: u32,
    /// Name of the layer.
    #[prost(string, required, tag = "1")]
    pub name: String,
    /// In drawing order.
    #[prost(message, repeated, tag = "2")]
    pub features: Vec<TileFeature>,
    /// Names of attributes.
    #[prost(string, repeated, tag = "3")]
    pub keys: Vec<String>,
    /// Values of attributes.
    #[prost(message, repeated, tag = "4")]
    pub values: Vec<TileValue>,
    /// Steps along a side.
    #[prost(uint32, optional, tag = "5")]
    pub extent: Option<u32>,
}

/// A feature.
#[derive(Clone, PartialEq, Message)]
pub struct TileFeature {
    /// Pairs of a key and a value, by their numbers.
    #[prost(uint32, repeated, tag = "2")]
    pub tags: Vec<u32>,
    /// A number of [`GeometryType`].
    #[prost(enumeration = "GeometryType", optional, tag = "3")]
    pub r#type: Option<i32>,
    /// Commands and their parameters.
    #[prost(uint32, repeated, tag = "4")]
    pub geometry: Vec<u32>,
}

/// A value has exactly one of these.
#[derive(Clone, PartialEq, Message)]
pub struct TileValue {
    /// Text.
    #[prost(string, optional, tag = "1")]
    pub string_value: Option<String>,
    /// Not written here.
    #[prost(float, optional, tag = "2")]
    pub float_value: Option<f32>,
    /// Heights in metres.
    #[prost(double, optional, tag = "3")]
    pub double_value: Option<f64>,
    /// Whole number.
    #[prost(int64, optional, tag = "4")]
    pub int_value: Option<i64>,
    /// Not written here.
    #[prost(uint64, optional, tag = "5")]
    pub uint_value: Option<u64>,
    /// Not written here.
    #[prost(sint64, optional, tag = "6")]
    pub sint_value: Option<i64>,
    /// A flag that is set.
    #[prost(bool, optional, tag = "7")]
    pub bool_value: Option<bool>,
}

/// Kinds of geometry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum GeometryType {
    /// Not written here.
    Unknown = 0,
    /// One or more positions.
    Point = 1,
    /// One or more lines.
    LineString = 2,
    /// Outer rings, each followed by its inner ones.
    Polygon = 3,
}

const MOVE_TO: u32 = 1;
const LINE_TO: u32 = 2;
const CLOSE_PATH: u32 = 7;

/// The bytes of a tile with these layers.
pub fn encode(layers: Vec<TileLayer>) -> Vec<u8> {
    Tile { layers }.encode_to_vec()
}

/// Reads a tile back, for tests and measurements.
pub fn decode(bytes: &[u8]) -> Result<Tile, prost::DecodeError> {
    Tile::decode(bytes)
}

impl TileLayer {
    /// A layer without features.
    pub fn new(name: &str) -> Self {
        Self { version: 2, name: name.to_owned(), extent: Some(EXTENT.unsigned_abs()), ..Self::default() }
    }
}

/// Writes down geometry as commands; positions are differences to the one before.
#[derive(Default)]
pub struct Pen {
    commands: Vec<u32>,
    at: Spot,
}

impl Pen {
    /// Moves there.
    pub fn point(&mut self, spot: Spot) {
        self.command(MOVE_TO, 1);
        self.go(spot);
    }

    /// Left out when it has less than two different spots.
    pub fn line(&mut self, spots: &[Spot]) {
        if let [first, rest @ ..] = spots
            && !rest.is_empty()
        {
            self.point(*first);
            self.command(LINE_TO, rest.len());
            for spot in rest {
                self.go(*spot);
            }
        }
    }

    /// The spots of an open ring, already turned as the format asks: outer rings clockwise on the map.
    pub fn ring(&mut self, spots: &[Spot]) {
        self.line(spots);
        self.command(CLOSE_PATH, 1);
    }

    /// The commands so far.
    pub fn finish(self) -> Vec<u32> {
        self.commands
    }

    fn command(&mut self, id: u32, count: usize) {
        // The format gives the count 29 bits; a tile has fewer spots than that by far.
        let count = u32::try_from(count).unwrap_or(0) & 0x1FFF_FFFF;
        self.commands.push(count << 3 | id);
    }

    fn go(&mut self, spot: Spot) {
        let fold = |value: i32| (value << 1 ^ value >> 31).cast_unsigned();
        self.commands.push(fold(spot.x - self.at.x));
        self.commands.push(fold(spot.y - self.at.y));
        self.at = spot;
    }
}

/// The parts that commands draw, without the closing of rings; `None` for commands that the format does not allow.
pub fn parts(geometry: &[u32]) -> Option<Vec<Vec<Spot>>> {
    let mut parts: Vec<Vec<Spot>> = Vec::new();
    let mut at = Spot::default();
    let mut numbers = geometry.iter().copied();
    while let Some(command) = numbers.next() {
        let (id, count) = (command & 7, command >> 3);
        if id == CLOSE_PATH {
            parts.last().filter(|part| part.len() > 2)?;
            continue;
        }
        for _ in 0..count {
            let mut unfold = || {
                let value = numbers.next()?;
                Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
            };
            at = Spot { x: at.x.checked_add(unfold()?)?, y: at.y.checked_add(unfold()?)? };
            match id {
                MOVE_TO => parts.push(vec![at]),
                LINE_TO => parts.last_mut()?.push(at),
                _ => return None,
            }
        }
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, section 4.3.5.5.
    #[test]
    fn a_polygon_is_written_as_the_specification_shows() {
        let ring = [(3, 6), (8, 12), (20, 34)].map(|(x, y)| Spot { x, y });
        let mut pen = Pen::default();
        pen.ring(&ring);
        let commands = pen.finish();
        assert_eq!(commands, [9, 6, 12, 18, 10, 12, 24, 44, 15]);
        assert_eq!(parts(&commands), Some(vec![ring.to_vec()]));
    }

    #[test]
    fn commands_that_make_no_sense_are_refused() {
        assert_eq!(parts(&[10, 1]), None);
        assert_eq!(parts(&[15]), None);
        assert_eq!(parts(&[u32::MAX]), None);
    }
}
