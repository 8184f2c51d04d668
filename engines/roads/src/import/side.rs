//! Which side of the road people drive on.

use osm::{Data, Point};

/// South, west, north, east in degrees: countries with left-hand traffic, drawn so that no neighbour with right-hand
/// traffic has a town inside.
const LEFT_HAND: [[f64; 4]; 20] = [
    [49.8, -11.0, 51.05, 1.0],    // southern England
    [51.05, -11.0, 61.0, 1.9],    // Great Britain and Ireland
    [34.5, 32.2, 35.75, 34.7],    // Cyprus
    [35.7, 14.1, 36.1, 14.6],     // Malta
    [24.0, 122.9, 46.0, 146.0],   // Japan (and the empty sea around it)
    [22.1, 113.8, 22.57, 114.5],  // Hong Kong
    [5.6, 97.3, 20.4, 101.0],     // Thailand, west
    [12.0, 101.0, 17.5, 102.3],   // Thailand, east
    [0.8, 99.6, 6.5, 104.6],      // Malaysia, Singapore
    [-11.0, 95.0, 5.9, 141.0],    // Indonesia
    [6.5, 68.2, 28.0, 88.0],      // India, south
    [28.0, 68.2, 35.5, 80.0],     // India, north
    [24.0, 61.0, 35.5, 68.2],     // Pakistan
    [20.6, 88.0, 26.6, 92.6],     // Bangladesh
    [5.9, 79.5, 9.9, 81.9],       // Sri Lanka
    [-44.0, 112.0, -10.0, 154.0], // Australia
    [-47.5, 166.0, -34.0, 179.0], // New Zealand
    [-35.0, 16.4, -17.0, 33.0],   // southern Africa
    [-11.7, 30.5, 4.2, 41.9],     // Kenya, Uganda, Tanzania
    [17.6, -78.5, 18.6, -76.1],   // Jamaica
];

/// A tag is put where a road differs from the country, so tags decide only where they are on one road in a hundred.
const TAGGED_SHARE: usize = 100;

/// Tags on ways decide where there are enough of them, else the country.
pub(super) fn is_left_hand(data: &Data) -> bool {
    let (mut left, mut right, mut roads) = (0usize, 0usize, 0usize);
    for way in data.ways() {
        roads += usize::from(way.tags.get("highway").is_some());
        match way.tags.get("driving_side") {
            Some("left") => left += 1,
            Some("right") => right += 1,
            _ => {}
        }
    }
    let few = (left + right) * TAGGED_SHARE < roads;
    if few || left == right { country_is_left_hand(data.bounds().centre()) } else { left > right }
}

fn country_is_left_hand(point: Point) -> bool {
    // Korea and the Russian far east lie in the box around Japan.
    let east_asia_right = point.lat() > 33.0 && point.lon() < 129.6 && point.lon() > 120.0
        || point.lat() > 42.0 && point.lon() < 139.0 && point.lon() > 120.0;
    LEFT_HAND.iter().any(|[south, west, north, east]| {
        (*south..=*north).contains(&point.lat()) && (*west..=*east).contains(&point.lon())
    }) && !east_asia_right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn towns_are_on_the_right_side() {
        let side = |lat: f64, lon: f64| country_is_left_hand(Point::from_degrees(lat, lon));
        for (lat, lon) in
            [(51.5, -0.1), (53.3, -6.3), (35.7, 139.7), (1.3, 103.8), (-33.9, 151.2), (-33.9, 18.4)]
        {
            assert!(side(lat, lon), "{lat} {lon}");
        }
        for (lat, lon) in
            [(60.2, 24.9), (48.9, 2.3), (50.95, 1.85), (37.8, -122.4), (37.6, 127.0), (41.1, -8.6)]
        {
            assert!(!side(lat, lon), "{lat} {lon}");
        }
    }

    #[test]
    fn one_odd_road_does_not_change_the_side_of_a_country() {
        let data = (1..200).fold(Data::builder().node(1, 49.4, 8.7, &[]), |builder, way| {
            let odd = [("highway", "service"), ("driving_side", "left")];
            builder.way(way, &[1], if way == 1 { &odd } else { &odd[..1] })
        });
        assert!(!is_left_hand(&data.build()));
    }

    #[test]
    fn tags_speak_louder_than_the_country() {
        let data = Data::builder()
            .node(1, 60.0, 24.0, &[])
            .way(1, &[1], &[("highway", "service"), ("driving_side", "left")])
            .build();
        assert!(is_left_hand(&data));
    }
}
