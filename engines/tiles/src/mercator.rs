//! The plane that the map is drawn on: spherical web Mercator in whole numbers.
//!
//! The world is a square of 2^30 units, x to the east and y to the **south**, so that one unit is at most 4 cm and a
//! tile of zoom 15 with its 4,096 steps divides evenly (8 units each). Whole numbers make clipping exact and repeatable.
//! Formulas: <https://epsg.io/3857>, tile numbers: <https://wiki.openstreetmap.org/wiki/Slippy_map_tilenames>.

use std::f64::consts::PI;

use osm::Point;

/// Side of the world in units.
pub const WORLD: i32 = 1 << 30;
/// Steps along one side of a tile (the "extent" of the tile format).
pub const EXTENT: i32 = 4096;
/// The deepest zoom that is drawn; a client magnifies these tiles beyond.
pub const MAX_ZOOM: u8 = 15;

/// Length of the equator in metres, as web Mercator has it.
const EQUATOR_M: f64 = 40_075_016.685_578_5;

/// A place on the plane, in units.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Spot {
    /// Eastwards, in units.
    pub x: i32,
    /// Southwards, in units.
    pub y: i32,
}

impl Spot {
    /// What lies beyond the edge of the plane (85.05 degrees north or south) is moved to it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from float to integer saturates, then it is clamped"
    )]
    pub fn of(point: Point) -> Self {
        let world = f64::from(WORLD);
        let x = (point.lon() + 180.0) / 360.0 * world;
        let y = (1.0 - point.lat().to_radians().tan().asinh() / PI) / 2.0 * world;
        Self { x: (x.round() as i32).clamp(0, WORLD), y: (y.round() as i32).clamp(0, WORLD) }
    }

    /// Back to latitude and longitude.
    pub fn point(self) -> Point {
        let world = f64::from(WORLD);
        let lat = (PI * (1.0 - 2.0 * f64::from(self.y) / world)).sinh().atan().to_degrees();
        Point::from_degrees(lat, f64::from(self.x) / world * 360.0 - 180.0)
    }
}

/// Square metres (as web Mercator inflates them) in one square unit.
pub fn square_m_per_square_unit() -> f64 {
    (EQUATOR_M / f64::from(WORLD)).powi(2)
}

/// A box on the plane, edges included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rect {
    /// North-western corner.
    pub min: Spot,
    /// South-eastern corner.
    pub max: Spot,
}

impl Rect {
    /// The same area on the plane.
    pub fn of(bounds: osm::Bounds) -> Self {
        let (a, b) = (Spot::of(bounds.min), Spot::of(bounds.max));
        Self { min: Spot { x: a.x, y: b.y }, max: Spot { x: b.x, y: a.y } }
    }

    /// The smallest box around the spots; `None` without spots.
    pub fn around(spots: impl IntoIterator<Item = Spot>) -> Option<Self> {
        let mut spots = spots.into_iter();
        let first = spots.next()?;
        Some(
            spots.fold(Self { min: first, max: first }, |rect, spot| {
                rect.union(Self { min: spot, max: spot })
            }),
        )
    }

    /// The smallest box around both.
    pub fn union(self, other: Self) -> Self {
        Self {
            min: Spot { x: self.min.x.min(other.min.x), y: self.min.y.min(other.min.y) },
            max: Spot { x: self.max.x.max(other.max.x), y: self.max.y.max(other.max.y) },
        }
    }

    /// What both have in common; `None` when they are apart.
    pub fn common(self, other: Self) -> Option<Self> {
        let rect = Self {
            min: Spot { x: self.min.x.max(other.min.x), y: self.min.y.max(other.min.y) },
            max: Spot { x: self.max.x.min(other.max.x), y: self.max.y.min(other.max.y) },
        };
        (rect.min.x <= rect.max.x && rect.min.y <= rect.max.y).then_some(rect)
    }

    /// They have at least one spot in common.
    pub fn touches(&self, other: &Self) -> bool {
        self.min.x <= other.max.x
            && other.min.x <= self.max.x
            && self.min.y <= other.max.y
            && other.min.y <= self.max.y
    }

    /// The spot is inside or on an edge.
    pub fn contains(&self, spot: Spot) -> bool {
        (self.min.x..=self.max.x).contains(&spot.x) && (self.min.y..=self.max.y).contains(&spot.y)
    }

    /// The other box lies in this one.
    pub fn holds(&self, other: &Self) -> bool {
        self.contains(other.min) && self.contains(other.max)
    }

    /// From west to east, in units.
    pub fn width(&self) -> i32 {
        self.max.x - self.min.x
    }

    /// From north to south, in units.
    pub fn height(&self) -> i32 {
        self.max.y - self.min.y
    }

    /// In square units.
    pub fn area(&self) -> i64 {
        i64::from(self.width()) * i64::from(self.height())
    }

    /// The spot in the middle.
    pub fn centre(&self) -> Spot {
        Spot { x: i32::midpoint(self.min.x, self.max.x), y: i32::midpoint(self.min.y, self.max.y) }
    }
}

/// One tile of the pyramid.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct TileId {
    z: u8,
    x: u32,
    y: u32,
}

impl TileId {
    /// `None` for numbers that no tile of zoom 0 to [`MAX_ZOOM`] has.
    pub fn new(z: u8, x: u32, y: u32) -> Option<Self> {
        (z <= MAX_ZOOM && x < 1 << z && y < 1 << z).then_some(Self { z, x, y })
    }

    /// The tile of this zoom that holds the spot.
    pub fn at(z: u8, spot: Spot) -> Self {
        let z = z.min(MAX_ZOOM);
        let number = |value: i32| (value.clamp(0, WORLD - 1) >> (30 - i32::from(z))).unsigned_abs();
        Self { z, x: number(spot.x), y: number(spot.y) }
    }

    /// Zoom, 0 to [`MAX_ZOOM`].
    pub fn zoom(self) -> u8 {
        self.z
    }

    /// Column, counted from the west.
    pub fn x(self) -> u32 {
        self.x
    }

    /// Row, counted from the north.
    pub fn y(self) -> u32 {
        self.y
    }

    /// Shift that turns units into steps of this tile.
    pub fn shift(self) -> u32 {
        u32::from(18 - self.z)
    }

    /// The area of the tile, without a buffer.
    pub fn rect(self) -> Rect {
        let side = WORLD >> self.z;
        // Tile numbers are below 2^15, hence the conversion cannot fail and the product stays in the world.
        let start = |number: u32| i32::try_from(number).unwrap_or(0) * side;
        let min = Spot { x: start(self.x), y: start(self.y) };
        Rect { min, max: Spot { x: min.x + side, y: min.y + side } }
    }

    /// The rectangle grown on each side by so many steps.
    pub fn rect_with_buffer(self, steps: i32) -> Rect {
        let (rect, margin) = (self.rect(), steps << self.shift());
        Rect {
            min: Spot { x: rect.min.x - margin, y: rect.min.y - margin },
            max: Spot { x: rect.max.x + margin, y: rect.max.y + margin },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_to_within_a_few_centimetres() {
        for (lat, lon) in [(60.17, 24.94), (37.79, -122.4), (-33.9, 151.2), (0.0, 0.0)] {
            let point = Point::from_degrees(lat, lon);
            assert!(Spot::of(point).point().distance_m(point) < 0.05);
        }
    }

    #[test]
    fn the_tile_of_a_city_has_the_number_that_other_maps_give_it() {
        // Helsinki, from the formulas of the OpenStreetMap wiki.
        let tile = TileId::at(14, Spot::of(Point::from_degrees(60.17, 24.94)));
        assert_eq!((tile.x(), tile.y()), (9327, 4742));
        assert!(tile.rect().contains(Spot::of(Point::from_degrees(60.17, 24.94))));
    }

    #[test]
    fn numbers_outside_of_the_pyramid_are_refused() {
        assert!(TileId::new(0, 0, 0).is_some());
        assert!(TileId::new(0, 1, 0).is_none());
        assert!(TileId::new(15, (1 << 15) - 1, (1 << 15) - 1).is_some());
        assert!(TileId::new(16, 0, 0).is_none());
        assert!(TileId::new(255, u32::MAX, u32::MAX).is_none());
    }

    #[test]
    fn the_poles_and_the_date_line_stay_on_the_plane() {
        let spots =
            [(90.0, 180.0), (-90.0, -180.0)].map(|(lat, lon)| Spot::of(Point::from_degrees(lat, lon)));
        assert_eq!(spots, [Spot { x: WORLD, y: 0 }, Spot { x: 0, y: WORLD }]);
    }
}
