//! The way that is left, to be drawn: along roads where the source of travel times knows some, straight where it does not.

use kernel::geo::Position;
use kernel::travel::{RoadWay, StraightLine};

/// The word for a way that follows roads.
pub const ROADS: &str = "roads";
/// Where parts of it do not: a place has no road nearby, or none leads there.
const MIXED: &str = "roads+straight_line";
/// Places so close to each other, in metres, are one: nobody goes out to the street and back between them.
const SAME_M: f64 = 20.0;

/// A line through places, in the order in which somebody comes by.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// Its corners, the first and the last place included.
    pub line: Vec<Position>,
    /// `roads`, `straight_line`, or both with a plus between them.
    pub source: &'static str,
}

impl Way {
    /// Through these places; `roads` lead from each to the next.
    pub fn through(stops: &[Position], roads: Vec<Option<RoadWay>>) -> Self {
        let (mut line, mut followed, mut jumped) = (Vec::new(), false, false);
        let roads = roads.into_iter().chain(std::iter::repeat(None));
        for (leg, road) in stops.windows(2).zip(roads) {
            let [from, to] = leg else { continue };
            line.push(*from);
            if from.distance_m(*to) >= SAME_M {
                (followed, jumped) = (followed || road.is_some(), jumped || road.is_none());
                line.extend(road.into_iter().flat_map(|road| road.line));
            }
            line.push(*to);
        }
        line.dedup();
        let source = match (followed, jumped) {
            (true, false) => ROADS,
            (true, true) => MIXED,
            (false, _) => StraightLine::SOURCE,
        };
        Self { line, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64) -> Position {
        Position::new(lat, 24.9).unwrap()
    }

    fn road(line: &[f64]) -> RoadWay {
        RoadWay { line: line.iter().map(|lat| at(*lat)).collect(), class_s: Vec::new() }
    }

    #[test]
    fn it_leads_from_place_to_place_along_the_roads_between_them() {
        let way = Way::through(&[at(60.1), at(60.2)], vec![Some(road(&[60.11, 60.15, 60.19]))]);
        assert_eq!(way.line, [at(60.1), at(60.11), at(60.15), at(60.19), at(60.2)]);
        assert_eq!(way.source, "roads");
    }

    #[test]
    fn where_no_road_leads_it_is_straight_and_says_so() {
        let stops = [at(60.1), at(60.2), at(60.3)];
        let mixed = Way::through(&stops, vec![Some(road(&[60.15])), None]);
        assert_eq!((mixed.line.len(), mixed.source), (4, "roads+straight_line"));
        let straight = Way::through(&stops, Vec::new());
        assert_eq!((straight.line, straight.source), (stops.to_vec(), "straight_line"));
    }

    #[test]
    fn nobody_goes_round_the_block_to_the_same_door() {
        let way = Way::through(
            &[at(60.1), at(60.100_05), at(60.2)],
            vec![Some(road(&[60.4])), Some(road(&[60.15]))],
        );
        assert_eq!((way.line.len(), way.source), (4, "roads"));
    }
}
