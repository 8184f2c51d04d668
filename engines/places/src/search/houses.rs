//! From a street and a number to a point.

use osm::Point;

use crate::book::{Book, HouseRow, StreetRow};
use crate::geometry::{self, Plane};
use crate::text::HouseNumber;

/// Neighbours further apart than this, in numbers or metres, say nothing about what is between.
const WIDEST_GAP: u32 = 60;
const LONGEST_GAP_M: f64 = 500.0;

/// A street line further from the houses than this is not the line they stand along.
const BESIDE_LINE_M: f64 = 80.0;

/// Ranges are looked for among this many houses before the number.
const RANGE_LOOKBACK: u32 = 40;

/// What was found for a number.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Found {
    /// Houses, the best first, each with the cost of not being exactly the number.
    Houses(Vec<(u32, f32)>),
    /// Between two neighbours.
    Between(Point),
    Nothing,
}

/// Looks a number up in a street.
pub(super) fn find(book: &Book, street: StreetRow<'_>, number: &HouseNumber) -> Found {
    let houses = written(book, street, number);
    if !houses.is_empty() {
        return Found::Houses(houses);
    }
    between(book, street, number).map_or(Found::Nothing, Found::Between)
}

fn first_not_below(book: &Book, street: StreetRow<'_>, main: u32) -> u32 {
    let range = street.houses();
    let (mut low, mut high) = (range.start, range.end);
    while low < high {
        let middle = low + (high - low) / 2;
        if book.house(middle).is_some_and(|house| house.main() < main) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn written(book: &Book, street: StreetRow<'_>, number: &HouseNumber) -> Vec<(u32, f32)> {
    let at = first_not_below(book, street, number.main);
    let start = at.saturating_sub(RANGE_LOOKBACK).max(street.houses().start);
    let rows = (start..street.houses().end).filter_map(|index| book.house(index));
    let mut found: Vec<(u32, f32)> = rows
        .take_while(|house| house.main() <= number.main)
        .filter_map(|house| Some((house.index, cost(house, number)?)))
        .collect();
    found.sort_by(|a, b| a.1.total_cmp(&b.1));
    // The exact house hides its neighbours 12a and 12b.
    let best = found.first().map_or(0.0, |first| first.1);
    found.retain(|(_, cost)| *cost <= best + 0.001);
    found
}

fn cost(house: HouseRow<'_>, number: &HouseNumber) -> Option<f32> {
    let range = HouseNumber { main: house.main(), last: house.last(), text: String::new() };
    if house.key() == number.text {
        return Some(if house.is_interpolated() { 0.05 } else { 0.0 });
    }
    if range.is_range() && range.contains(number.main) {
        return Some(0.08);
    }
    (house.main() == number.main).then_some(0.2)
}

/// Houses whose number begins as what was typed so far: for "1" also 10, 11 and 12a.
pub(super) fn beginning_with(book: &Book, street: StreetRow<'_>, typed: &str, most: usize) -> Vec<u32> {
    let rows = street.houses().filter_map(|index| book.house(index));
    rows.filter(|house| house.key().starts_with(typed) && house.key() != typed)
        .map(|house| house.index)
        .take(most)
        .collect()
}

fn between(book: &Book, street: StreetRow<'_>, number: &HouseNumber) -> Option<Point> {
    let at = first_not_below(book, street, number.main);
    let range = street.houses();
    let same_side = |house: &HouseRow<'_>| house.main() % 2 == number.main % 2 && house.main() != u32::MAX;
    let rows = |indices: &mut dyn Iterator<Item = u32>| {
        indices.filter_map(|index| book.house(index)).find(same_side)
    };
    let before = rows(&mut (range.start..at).rev())?;
    let after = rows(&mut (at..range.end))?;
    let gap = after.main().checked_sub(before.main()).filter(|gap| (1..=WIDEST_GAP).contains(gap))?;
    if geometry::distance_m(before.point(), after.point()) > LONGEST_GAP_M {
        return None;
    }
    let share = f64::from(number.main - before.main()) / f64::from(gap);
    let line = street
        .lines()
        .filter_map(|line| on_line(&book.line(line), before.point(), after.point(), share))
        .min_by(|a, b| a.1.total_cmp(&b.1));
    Some(line.map_or_else(|| geometry::between(before.point(), after.point(), share), |(point, _)| point))
}

/// The point at `share` between two houses that stand along a line, on their side of it, and how far they are from the line.
fn on_line(line: &[Point], before: Point, after: Point, share: f64) -> Option<(Point, f64)> {
    let (from, near) = geometry::along(line, before)?;
    let (to, far) = geometry::along(line, after)?;
    let away = near.max(far);
    if away > BESIDE_LINE_M || (to - from).abs() > 2.0 * LONGEST_GAP_M {
        return None;
    }
    let foot = geometry::point_at(line, from + share * (to - from))?;
    let offset = |house: Point, metres: f64| Some(Plane::at(geometry::point_at(line, metres)?).to(house));
    let ((east_a, north_a), (east_b, north_b)) = (offset(before, from)?, offset(after, to)?);
    let mixed = |a: f64, b: f64| a + share * (b - a);
    Some((Plane::at(foot).back((mixed(east_a, east_b), mixed(north_a, north_b))), away))
}
