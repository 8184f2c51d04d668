//! The point that stands for an element, and its outline when it has one.

use osm::{Data, Point, Relation, Way, areas};

use crate::geometry;

/// A point and, for something with a surface, its outer ring.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub point: Point,
    pub ring: Option<Vec<Point>>,
}

impl Shape {
    pub fn of_point(point: Point) -> Self {
        Self { point, ring: None }
    }

    fn of_area(area: areas::Area) -> Option<Self> {
        // The widest part stands for the whole.
        let outer = area.polygons.into_iter().map(|polygon| polygon.outer).max_by_key(|ring| extent(ring))?;
        Some(Self { point: geometry::point_on_surface(&outer)?, ring: Some(outer) })
    }
}

fn extent(ring: &[Point]) -> i64 {
    osm::Bounds::around(ring.iter().copied()).map_or(0, |bounds| {
        let lat = i64::from(bounds.max.lat_e7) - i64::from(bounds.min.lat_e7);
        let lon = i64::from(bounds.max.lon_e7) - i64::from(bounds.min.lon_e7);
        lat.saturating_mul(lon)
    })
}

/// A closed way has a surface; an open one has a middle.
pub(super) fn of_way(data: &Data, way: &Way<'_>) -> Option<Shape> {
    if let Some(shape) = areas::of_way(data, way).and_then(Shape::of_area) {
        return Some(shape);
    }
    let line = line_of(data, way);
    geometry::point_at(&line, geometry::length_m(&line) / 2.0).map(Shape::of_point)
}

/// A multipolygon or boundary whose ways are all in the extract; of others, the middle of what is there.
pub(super) fn of_relation(data: &Data, relation: &Relation<'_>) -> Option<Shape> {
    if let Ok(area) = areas::of_relation(data, relation) {
        return Shape::of_area(area);
    }
    let ways = relation.members.iter().filter_map(|member| data.way(member.id));
    let points: Vec<Point> = ways.flat_map(|way| line_of(data, &way)).collect();
    geometry::middle(&points).map(Shape::of_point)
}

/// The points of a way that are in the extract.
pub(super) fn line_of(data: &Data, way: &Way<'_>) -> Vec<Point> {
    way.nodes.iter().filter_map(|id| data.point(*id)).collect()
}
