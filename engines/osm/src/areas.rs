//! Areas: a closed way, or a relation of type multipolygon or boundary whose ways are joined to rings.
//! Rules: <https://wiki.openstreetmap.org/wiki/Relation:multipolygon>. Whether a closed way *is* an area depends on its
//! tags (a roundabout is not), which is for the caller to say.

use std::collections::HashMap;

use crate::data::{Data, Kind, Relation, Way};
use crate::point::{Bounds, Point};

/// One or more polygons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// They do not overlap.
    pub polygons: Vec<Polygon>,
}

/// Rings are closed (the first point is the last); the outer one runs counter-clockwise, the inner ones clockwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Polygon {
    /// The outline, counter-clockwise.
    pub outer: Vec<Point>,
    /// The holes, clockwise.
    pub inner: Vec<Vec<Point>>,
}

/// Why a relation is not an area here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Incomplete {
    /// Another type of relation.
    #[error("the relation is neither a multipolygon nor a boundary")]
    NotAnArea,
    /// It reaches out of the extract.
    #[error("the extract lacks ways or nodes of the relation")]
    Missing,
    /// There is a gap between its ways.
    #[error("the ways of the relation do not form closed rings")]
    Open,
}

/// Area of a closed way; `None` when the way is open, degenerate or reaches out of the extract.
pub fn of_way(data: &Data, way: &Way<'_>) -> Option<Area> {
    if !way.is_closed() {
        return None;
    }
    let outer = points(data, way.nodes)?;
    let outer = directed(outer, true)?;
    Some(Area { polygons: vec![Polygon { outer, inner: Vec::new() }] })
}

/// Area of a multipolygon or boundary. Each inner ring goes to the smallest outer one around it.
pub fn of_relation(data: &Data, relation: &Relation<'_>) -> Result<Area, Incomplete> {
    if !relation.tags.is("type", "multipolygon") && !relation.tags.is("type", "boundary") {
        return Err(Incomplete::NotAnArea);
    }
    let (mut outer, mut inner) = (Vec::new(), Vec::new());
    for member in relation.members.iter().filter(|member| member.kind == Kind::Way) {
        let way = data.way(member.id).ok_or(Incomplete::Missing)?;
        match relation.role(member) {
            "inner" => inner.push(way.nodes),
            "outer" | "" => outer.push(way.nodes),
            _ => {}
        }
    }
    let mut polygons: Vec<Polygon> =
        rings(data, &outer, true)?.into_iter().map(|outer| Polygon { outer, inner: Vec::new() }).collect();
    if polygons.is_empty() {
        return Err(Incomplete::Open);
    }
    for ring in rings(data, &inner, false)? {
        if let Some(polygon) = smallest_around(&mut polygons, &ring) {
            polygon.inner.push(ring);
        }
    }
    Ok(Area { polygons })
}

impl Area {
    /// Inside one of the polygons.
    pub fn contains(&self, point: Point) -> bool {
        self.polygons.iter().any(|polygon| polygon.contains(point))
    }

    /// `None` only for an area without polygons.
    pub fn bounds(&self) -> Option<Bounds> {
        Bounds::around(self.polygons.iter().flat_map(|polygon| polygon.outer.iter().copied()))
    }
}

impl Polygon {
    /// Inside the outer ring and not inside an inner one. A point on an edge may fall on either side.
    pub fn contains(&self, point: Point) -> bool {
        ring_contains(&self.outer, point) && !self.inner.iter().any(|ring| ring_contains(ring, point))
    }
}

/// Even-odd rule, in whole numbers and therefore exact.
pub fn ring_contains(ring: &[Point], point: Point) -> bool {
    let (x, y) = (i128::from(point.lon_e7), i128::from(point.lat_e7));
    let mut inside = false;
    for edge in ring.windows(2) {
        let (ax, ay) = (i128::from(edge[0].lon_e7), i128::from(edge[0].lat_e7));
        let (bx, by) = (i128::from(edge[1].lon_e7), i128::from(edge[1].lat_e7));
        if (ay > y) != (by > y) {
            let side = (bx - ax) * (y - ay) - (x - ax) * (by - ay);
            inside ^= (side > 0) == (by > ay);
        }
    }
    inside
}

/// Twice the signed area in square 1e-7 degrees: positive for a ring that runs counter-clockwise.
pub fn signed_area2(ring: &[Point]) -> i128 {
    ring.windows(2)
        .map(|edge| {
            i128::from(edge[0].lon_e7) * i128::from(edge[1].lat_e7)
                - i128::from(edge[1].lon_e7) * i128::from(edge[0].lat_e7)
        })
        .sum()
}

fn smallest_around<'a>(polygons: &'a mut [Polygon], ring: &[Point]) -> Option<&'a mut Polygon> {
    // An inner ring may touch the outer one in single points, so most of its points decide.
    let mostly_inside = |outer: &[Point]| {
        let inside = ring.iter().filter(|point| ring_contains(outer, **point)).count();
        inside * 2 > ring.len()
    };
    polygons
        .iter_mut()
        .filter(|polygon| mostly_inside(&polygon.outer))
        .min_by_key(|polygon| signed_area2(&polygon.outer))
}

fn points(data: &Data, nodes: &[i64]) -> Option<Vec<Point>> {
    nodes.iter().map(|node| data.point(*node)).collect()
}

/// Turned the way that is asked for; `None` for a ring without area.
fn directed(mut ring: Vec<Point>, counter_clockwise: bool) -> Option<Vec<Point>> {
    ring.dedup();
    let area = signed_area2(&ring);
    if ring.len() < 4 || area == 0 {
        return None;
    }
    if (area > 0) != counter_clockwise {
        ring.reverse();
    }
    Some(ring)
}

fn rings(data: &Data, ways: &[&[i64]], counter_clockwise: bool) -> Result<Vec<Vec<Point>>, Incomplete> {
    let mut found = Vec::new();
    for nodes in join(ways)? {
        let ring = points(data, &nodes).ok_or(Incomplete::Missing)?;
        found.extend(directed(ring, counter_clockwise));
    }
    Ok(found)
}

/// Joins ways at their ends until each ring is closed.
fn join(ways: &[&[i64]]) -> Result<Vec<Vec<i64>>, Incomplete> {
    let mut at_end: HashMap<i64, Vec<usize>> = HashMap::new();
    let mut used = vec![false; ways.len()];
    let mut closed = Vec::new();
    for (index, way) in ways.iter().enumerate() {
        match way {
            [] | [_] => used[index] = true,
            [first, .., last] if first == last => {
                used[index] = true;
                closed.push(way.to_vec());
            }
            [first, .., last] => {
                at_end.entry(*first).or_default().push(index);
                at_end.entry(*last).or_default().push(index);
            }
        }
    }
    for index in 0..ways.len() {
        if !used[index] {
            closed.push(follow(ways, index, &at_end, &mut used)?);
        }
    }
    Ok(closed)
}

fn follow(
    ways: &[&[i64]],
    start: usize,
    at_end: &HashMap<i64, Vec<usize>>,
    used: &mut [bool],
) -> Result<Vec<i64>, Incomplete> {
    let mut ring = ways[start].to_vec();
    used[start] = true;
    loop {
        let end = *ring.last().ok_or(Incomplete::Open)?;
        if ring.first() == Some(&end) {
            return Ok(ring);
        }
        let candidates = at_end.get(&end).map_or(&[][..], Vec::as_slice);
        let next = *candidates.iter().find(|way| !used[**way]).ok_or(Incomplete::Open)?;
        used[next] = true;
        if ways[next].first() == Some(&end) {
            ring.extend(&ways[next][1..]);
        } else {
            ring.extend(ways[next].iter().rev().skip(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Builder;

    /// Nodes `row * 10 + column` at whole hundredths of a degree.
    fn grid() -> Builder {
        (0..10i32).fold(Data::builder(), |builder, row| {
            (0..10i32).fold(builder, |builder, column| {
                builder.node(
                    i64::from(row * 10 + column),
                    f64::from(row) / 100.0,
                    f64::from(column) / 100.0,
                    &[],
                )
            })
        })
    }

    fn at(row: f64, column: f64) -> Point {
        Point::from_degrees(row / 100.0, column / 100.0)
    }

    #[test]
    fn a_closed_way_is_an_area_that_runs_counter_clockwise() {
        let data = grid().way(1, &[0, 90, 99, 9, 0], &[]).way(2, &[0, 90, 99], &[]).build();
        let area = of_way(&data, &data.way(1).unwrap()).unwrap();
        assert!(signed_area2(&area.polygons[0].outer) > 0);
        assert!(area.contains(at(4.5, 4.5)));
        assert!(!area.contains(at(9.5, 4.5)));
        assert_eq!(of_way(&data, &data.way(2).unwrap()), None);
    }

    #[test]
    fn ways_of_a_relation_are_joined_whatever_their_direction_and_holes_are_holes() {
        let data = grid()
            .way(1, &[0, 9, 99], &[])
            .way(2, &[0, 90, 99], &[])
            .way(3, &[22, 25, 55, 52, 22], &[])
            .relation(
                1,
                &[
                    (Kind::Way, 1, "outer"),
                    (Kind::Way, 2, "outer"),
                    (Kind::Way, 3, "inner"),
                    (Kind::Node, 0, "label"),
                ],
                &[("type", "multipolygon")],
            )
            .build();
        let area = of_relation(&data, &data.relations().next().unwrap()).unwrap();
        assert_eq!(area.polygons.len(), 1);
        assert!(signed_area2(&area.polygons[0].inner[0]) < 0);
        assert!(area.contains(at(1.0, 1.5)));
        assert!(!area.contains(at(3.5, 3.5)));
    }

    #[test]
    fn an_inner_ring_goes_to_the_smallest_outer_ring_around_it() {
        let data = grid()
            .way(1, &[0, 9, 99, 90, 0], &[])
            .way(2, &[11, 18, 88, 81, 11], &[])
            .way(3, &[22, 27, 77, 72, 22], &[])
            .way(4, &[33, 36, 66, 63, 33], &[])
            .relation(
                1,
                &[
                    (Kind::Way, 1, "outer"),
                    (Kind::Way, 2, "inner"),
                    (Kind::Way, 3, "outer"),
                    (Kind::Way, 4, "inner"),
                ],
                &[("type", "boundary")],
            )
            .build();
        let area = of_relation(&data, &data.relations().next().unwrap()).unwrap();
        assert!(area.polygons.iter().all(|polygon| polygon.inner.len() == 1));
        assert!(!area.contains(at(4.5, 4.5)));
        assert!(area.contains(at(2.5, 2.5)));
        assert!(!area.contains(at(1.5, 1.5)));
    }

    #[test]
    fn a_gap_a_missing_way_and_another_kind_of_relation_are_told_apart() {
        let kinds = |members: &[(Kind, i64, &str)], kind: &str| {
            let data = grid().way(1, &[0, 9, 99], &[]).relation(1, members, &[("type", kind)]).build();
            let relation = data.relations().next().unwrap();
            of_relation(&data, &relation).unwrap_err()
        };
        assert_eq!(kinds(&[(Kind::Way, 1, "outer")], "multipolygon"), Incomplete::Open);
        assert_eq!(kinds(&[(Kind::Way, 2, "outer")], "multipolygon"), Incomplete::Missing);
        assert_eq!(kinds(&[(Kind::Way, 1, "outer")], "route"), Incomplete::NotAnArea);
    }
}
