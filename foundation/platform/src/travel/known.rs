//! One question against what is remembered: each place once, what is still open, and the whole answer at the end.

use std::collections::BTreeMap;
use std::ops::Range;

use kernel::geo::Position;
use kernel::travel::Leg;

use super::grid::{Rectangle, rectangles};
use super::pairs::{Answered, Journey, Pairs, Place};

/// What is known of a question.
pub(super) struct Known<'a> {
    pairs: &'a Pairs,
    journey: Journey,
    from: Distinct,
    to: Distinct,
    /// Row by row; `None`: not asked yet.
    legs: Vec<Option<Answered>>,
}

impl<'a> Known<'a> {
    pub(super) fn look(
        pairs: &'a Pairs,
        journey: Journey,
        origins: &[Position],
        destinations: &[Position],
    ) -> Self {
        let (from, to) = (Distinct::of(origins), Distinct::of(destinations));
        let mut legs = Vec::with_capacity(from.places.len() * to.places.len());
        for origin in &from.places {
            legs.extend(to.places.iter().map(|destination| pairs.get(journey, *origin, *destination)));
        }
        Self { pairs, journey, from, to, legs }
    }

    fn cell(&self, row: usize, column: usize) -> usize {
        row * self.to.places.len() + column
    }

    /// What has to be asked.
    pub(super) fn open(&self) -> Vec<Rectangle> {
        let is_open = |row, column| self.legs[self.cell(row, column)].is_none();
        rectangles(self.from.places.len(), self.to.places.len(), is_open)
    }

    /// Origins and destinations of a part.
    pub(super) fn places(&self, part: &Rectangle) -> (Vec<Position>, Vec<Position>) {
        let origins = part.rows.iter().map(|row| self.from.positions[*row]);
        let destinations = part.columns.iter().map(|column| self.to.positions[*column]);
        (origins.collect(), destinations.collect())
    }

    /// Keeps what was answered of a part: these of its rows and columns, row by row.
    pub(super) fn learn(
        &mut self,
        part: &Rectangle,
        rows: Range<usize>,
        columns: Range<usize>,
        legs: &[Option<Leg>],
    ) {
        let (rows, columns) = (&part.rows[rows], &part.columns[columns]);
        let pairs = rows.iter().flat_map(|row| columns.iter().map(move |column| (*row, *column)));
        for ((row, column), leg) in pairs.zip(legs) {
            let (answered, cell) = (Answered(*leg), self.cell(row, column));
            self.pairs.put(self.journey, self.from.places[row], self.to.places[column], answered);
            self.legs[cell] = Some(answered);
        }
    }

    /// The answer to the question as it was asked, row by row.
    pub(super) fn legs(&self) -> Vec<Option<Leg>> {
        let mut legs = Vec::with_capacity(self.from.index.len() * self.to.index.len());
        for row in &self.from.index {
            let answered = |column: &usize| self.legs[self.cell(*row, *column)];
            legs.extend(self.to.index.iter().map(|column| answered(column).and_then(|pair| pair.0)));
        }
        legs
    }
}

/// Places without repetition: many orders begin at the same shop.
struct Distinct {
    places: Vec<Place>,
    positions: Vec<Position>,
    /// Which of them each position of the question is.
    index: Vec<usize>,
}

impl Distinct {
    fn of(positions: &[Position]) -> Self {
        let mut seen = BTreeMap::new();
        let mut distinct = Self { places: Vec::new(), positions: Vec::new(), index: Vec::new() };
        for position in positions {
            let place = Place::of(*position);
            let at = *seen.entry(place).or_insert(distinct.places.len());
            if at == distinct.places.len() {
                distinct.places.push(place);
                distinct.positions.push(*position);
            }
            distinct.index.push(at);
        }
        distinct
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kernel::time::{ManualClock, Timestamp};
    use kernel::travel::Profile;

    use super::*;

    #[test]
    fn each_place_is_asked_for_once_and_answered_wherever_it_stands() {
        let at = |lat| Position::new(lat, 0.0).unwrap();
        let pairs = Pairs::new(Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH)), false);
        let journey = pairs.journey(Profile::Car, Timestamp::UNIX_EPOCH);
        let (origins, destinations) = ([at(1.0), at(1.0), at(2.0)], [at(3.0), at(1.0), at(3.0)]);
        let mut known = Known::look(&pairs, journey, &origins, &destinations);
        let open = known.open();
        let (from, to) = known.places(&open[0]);
        assert_eq!((open.len(), from.len(), to.len()), (1, 2, 2));
        let leg = |duration_s| Some(Leg { duration_s, distance_m: 1 });
        known.learn(&open[0], 1..2, 0..2, &[leg(10), leg(11)]);
        let rest = known.open();
        assert_eq!((rest.len(), rest[0].rows.as_slice()), (1, [0].as_slice()), "a part of it is known");
        known.learn(&rest[0], 0..1, 0..2, &[leg(0), leg(1)]);
        let seconds: Vec<_> = known.legs().into_iter().map(|leg| leg.unwrap().duration_s).collect();
        assert_eq!(seconds, [0, 1, 0, 0, 1, 0, 10, 11, 10]);
        assert_eq!(Known::look(&pairs, journey, &origins, &destinations).open(), [], "it is remembered");
    }
}
