//! Travel times as values: what a provider answers (`platform::travel`), and what dispatch and ETA calculate with.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::geo::Position;
use crate::time::Timestamp;

/// How somebody travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Car or van.
    #[default]
    Car,
    /// Motorcycle or moped.
    Motorcycle,
    /// Bicycle.
    Bicycle,
    /// Cargo bicycle.
    CargoBike,
    /// On foot.
    Foot,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Car, Self::Motorcycle, Self::Bicycle, Self::CargoBike, Self::Foot];

    /// The word of the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Car => "car",
            Self::Motorcycle => "motorcycle",
            Self::Bicycle => "bicycle",
            Self::CargoBike => "cargo_bike",
            Self::Foot => "foot",
        }
    }
}

/// The way from one place to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Seconds.
    pub duration_s: u32,
    /// Metres.
    pub distance_m: u32,
}

impl Leg {
    fn scaled(self, factor: f64) -> Self {
        Self { duration_s: whole((f64::from(self.duration_s) * factor).round()), ..self }
    }
}

/// Ways from every origin to every destination; `None` where there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    destinations: usize,
    legs: Vec<Option<Leg>>,
    /// Who said so: `straight_line`, `roads`, `osrm` ...
    pub source: String,
}

impl Matrix {
    /// Fills it row by row: all destinations of the first origin, then of the next.
    pub fn fill(
        origins: usize,
        destinations: usize,
        source: impl Into<String>,
        leg: impl Fn(usize, usize) -> Option<Leg>,
    ) -> Self {
        let legs = (0..origins).flat_map(|from| (0..destinations).map(move |to| (from, to)));
        Self { destinations, legs: legs.map(|(from, to)| leg(from, to)).collect(), source: source.into() }
    }

    /// The way from an origin to a destination, both counted from 0; `None` where there is none.
    pub fn leg(&self, from: usize, to: usize) -> Option<Leg> {
        if to >= self.destinations {
            return None;
        }
        self.legs.get(from * self.destinations + to).copied().flatten()
    }
}

/// A way on roads: to be drawn, and to learn from how long it really took.
#[derive(Debug, Clone, PartialEq)]
pub struct RoadWay {
    /// From place to place, along the roads.
    pub line: Vec<Position>,
    /// Seconds by class of road, turns last; together how long it takes. What the classes are is the source's affair: ways of one
    /// source and profile are alike.
    pub class_s: Vec<f64>,
}

/// How much longer ways really take than a source of travel times says, by hour of the day: what an organisation has learned from
/// its deliveries.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Factors {
    /// By whose wall clock the hours are counted: an IANA time zone. One that is unknown here is taken for UTC.
    pub time_zone: String,
    /// By source and profile ([`Self::key`]): a factor for each hour, that which begins at midnight first. 1.2 is a fifth longer.
    pub by_source: BTreeMap<String, Vec<f64>>,
}

impl Factors {
    /// The name under which the errors of a source are learned: `roads/bicycle`.
    pub fn key(source: &str, profile: Profile) -> String {
        format!("{source}/{}", profile.as_str())
    }

    /// The factor on what a source says about ways that begin then; 1 where nothing was learned. Of an answer by several sources
    /// (`roads+straight_line`) most was said by the first one.
    pub fn factor(&self, source: &str, profile: Profile, at: Timestamp) -> f64 {
        let first = source.split('+').next().unwrap_or(source);
        let hours =
            [source, first].into_iter().find_map(|name| self.by_source.get(&Self::key(name, profile)));
        let Some(hours) = hours else { return 1.0 };
        let zone = TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC);
        let hour = usize::from(at.to_zoned(zone).hour().unsigned_abs());
        hours.get(hour).copied().filter(|factor| factor.is_finite() && *factor > 0.0).unwrap_or(1.0)
    }

    /// How long ways that begin then really take; how far they are stays as it is said.
    pub fn correct(&self, matrix: Matrix, profile: Profile, at: Timestamp) -> Matrix {
        let factor = self.factor(&matrix.source, profile, at);
        let legs = matrix.legs.into_iter().map(|leg| leg.map(|leg| leg.scaled(factor)));
        Matrix { legs: legs.collect(), ..matrix }
    }
}

/// The great circle made longer by a factor, at a constant speed: what is answered where no roads are known.
///
/// In cities the way by road is 1.2 to 1.5 times the straight line, hence the usual 1.3; the error of single ways is
/// large (islands, rivers, one-way streets), which is why every answer names its source.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StraightLine {
    /// Way by road over straight line; 1 or more.
    pub detour: f64,
    /// Metres per second, by profile.
    pub speed_m_s: f64,
    /// Round up to whole minutes, as benchmark instances do.
    pub whole_minutes: bool,
}

impl StraightLine {
    /// The word that names it as a source.
    pub const SOURCE: &'static str = "straight_line";

    /// Usual values in a city.
    pub fn usual(profile: Profile) -> Self {
        let speed_km_h = match profile {
            Profile::Car => 25.0,
            Profile::Motorcycle => 28.0,
            Profile::Bicycle => 16.0,
            Profile::CargoBike => 14.0,
            Profile::Foot => 5.0,
        };
        Self { detour: 1.3, speed_m_s: speed_km_h / 3.6, whole_minutes: false }
    }

    /// The way from here to there.
    pub fn leg(&self, from: Position, to: Position) -> Leg {
        let distance_m = from.distance_m(to) * self.detour;
        let seconds = distance_m / self.speed_m_s;
        // A hair under a whole minute is a whole minute: floating point must not add one.
        let seconds = if self.whole_minutes { (seconds / 60.0 - 1e-6).ceil() * 60.0 } else { seconds.ceil() };
        Leg { duration_s: whole(seconds), distance_m: whole(distance_m.round()) }
    }
}

/// A number that is whole already; below zero and beyond the type it stays at the end.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts from float to integer saturate, which is what is wanted"
)]
fn whole(value: f64) -> u32 {
    value.max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(lat: f64, lon: f64) -> Position {
        Position::new(lat, lon).unwrap()
    }

    #[test]
    fn a_straight_line_takes_its_time() {
        // One thousandth of a degree of latitude is 111.2 m.
        let line = StraightLine { detour: 1.0, speed_m_s: 10.0, whole_minutes: false };
        assert_eq!(line.leg(at(0.0, 0.0), at(0.01, 0.0)), Leg { duration_s: 112, distance_m: 1112 });
        assert_eq!(line.leg(at(0.0, 0.0), at(0.0, 0.0)), Leg { duration_s: 0, distance_m: 0 });
        let detour = StraightLine { detour: 1.3, ..line };
        assert_eq!(detour.leg(at(0.0, 0.0), at(0.01, 0.0)).distance_m, 1446);
        let minutes = StraightLine { whole_minutes: true, ..line };
        assert_eq!(minutes.leg(at(0.0, 0.0), at(0.01, 0.0)).duration_s, 120);
        assert_eq!(minutes.leg(at(0.0, 0.0), at(0.0, 0.0)).duration_s, 0);
    }

    #[test]
    fn a_matrix_answers_for_each_pair_and_for_nothing_else() {
        let matrix = Matrix::fill(2, 3, "test", |from, to| {
            (from != to).then(|| Leg { duration_s: u32::try_from(10 * from + to).unwrap(), distance_m: 1 })
        });
        assert_eq!(matrix.leg(1, 2).unwrap().duration_s, 12);
        assert_eq!(matrix.leg(1, 1), None, "no way");
        assert_eq!(matrix.leg(0, 3), None, "beyond its edge");
        assert_eq!(matrix.leg(2, 0), None, "beyond its edge");
    }

    #[test]
    fn what_was_learned_of_a_source_corrects_it_at_its_hour_and_nothing_else() {
        let rush_hour = (0..24).map(|hour| if hour == 17 { 1.5 } else { 0.9 }).collect();
        let factors = Factors {
            time_zone: "Europe/Helsinki".to_owned(),
            by_source: BTreeMap::from([("roads/car".to_owned(), rush_hour)]),
        };
        let said = |source: &str| {
            Matrix::fill(1, 2, source, |_, to| {
                (to == 0).then_some(Leg { duration_s: 601, distance_m: 5_000 })
            })
        };
        let corrected = |source: &str, profile, at: &str| {
            let matrix = factors.correct(said(source), profile, at.parse().unwrap());
            assert_eq!(
                (matrix.leg(0, 1), matrix.source.as_str()),
                (None, source),
                "what is not there stays away"
            );
            matrix.leg(0, 0).unwrap()
        };
        // 15:30 in London is 17:30 in Helsinki.
        let (rush, night) = ("2026-11-27T15:30:00Z", "2026-11-27T00:30:00Z");
        assert_eq!(corrected("roads", Profile::Car, rush), Leg { duration_s: 902, distance_m: 5_000 });
        assert_eq!(corrected("roads", Profile::Car, night).duration_s, 541);
        assert_eq!(corrected("roads+straight_line", Profile::Car, rush).duration_s, 902, "mostly roads");
        assert_eq!(corrected("straight_line", Profile::Car, rush).duration_s, 601);
        assert_eq!(corrected("roads", Profile::Bicycle, rush).duration_s, 601);
    }

    #[test]
    fn factors_that_make_no_sense_change_nothing() {
        let at = "2026-11-27T15:30:00Z".parse().unwrap();
        for hours in [vec![], vec![f64::NAN; 24], vec![0.0; 24], vec![-1.0; 24]] {
            let by_source = BTreeMap::from([("roads/car".to_owned(), hours)]);
            let factors = Factors { time_zone: "Nowhere/Land".to_owned(), by_source };
            assert!((factors.factor("roads", Profile::Car, at) - 1.0).abs() < f64::EPSILON);
        }
    }
}
