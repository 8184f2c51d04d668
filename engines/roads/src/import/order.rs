//! The order in which edges are contracted: it decides how few shortcuts the hierarchy needs.
//!
//! Cutting the map along junctions is three times cheaper than cutting it along edges, because there are fewer of them,
//! and gives an order of edges as well: a set of junctions that separates two parts of the map does so as the set of
//! edges that lead into them.

use osm::Point;

/// Directed edges as pairs of junctions, and where the junctions are. Returns the edges from the first that is
/// contracted to the last.
pub(super) fn edges(edges: &[(u32, u32)], junctions: &[Point]) -> Vec<u32> {
    let tails: Vec<u32> = edges.iter().map(|(tail, _)| *tail).collect();
    let heads: Vec<u32> = edges.iter().map(|(_, head)| *head).collect();
    // The fourth axis of the cuts is a diagonal, so a degree has to be as long north as east.
    let stretch = junctions.first().map_or(1.0, |point| point.lat().to_radians().cos());
    let (lat, lon): (Vec<f32>, Vec<f32>) =
        junctions.iter().map(|point| (single(point.lat()), single(point.lon() * stretch))).unzip();
    let count = u32::try_from(junctions.len()).expect("junctions are below 2^30");
    let order = cch::inertial_order(count, &tails, &heads, &lat, &lon);
    let mut rank = vec![0u32; junctions.len()];
    for (position, junction) in (0u32..).zip(&order) {
        rank[*junction as usize] = position;
    }
    let mut sorted: Vec<u32> = (0..u32::try_from(edges.len()).expect("edges are below 2^31")).collect();
    sorted.sort_by_key(|edge| {
        let (tail, head) = edges[*edge as usize];
        (rank[head as usize], rank[tail as usize], *edge)
    });
    sorted
}

#[expect(clippy::cast_possible_truncation, reason = "a metre is enough to cut a map")]
fn single(degrees: f64) -> f32 {
    degrees as f32
}
