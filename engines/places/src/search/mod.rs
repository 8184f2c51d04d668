//! Search by text.
//!
//! Three steps: each word of the question is turned into the words of the index that it may mean (written so, mistyped,
//! shortened, unfinished); the index gives the hundred records that share most of them; those are compared with the question
//! word by word, and the house number is looked up in the street. When nothing fits well, every word is taken as the beginning
//! of one (`Land 12` for `Landstrasse 12`); when nothing fits then either, names that share three-letter pieces with the
//! question are compared letter by letter.

mod answer;
mod ask;
mod candidates;
mod edits;
mod houses;
mod meanings;
mod score;

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use self::ask::Ask;
use self::candidates::Wanted;
use self::houses::Found;
use self::score::Fit;
use crate::Error;
use crate::book::{Book, SpotRow, StreetRow};
use crate::hit::{Hit, Level, Query};
use crate::index::{Parts, Record, postcode_words};
use crate::text::{HouseNumber, name_words};

pub(crate) use self::answer::{house_hit, street_hit};

/// The most answers that can be asked for.
pub const MAX_HITS: usize = 50;

/// A name of which less was asked for is not meant.
const LEAST_COVER: f32 = 0.3;

/// While somebody types, the first small word of a name is enough.
const LEAST_COVER_TYPED: f32 = 0.12;

/// An answer that explains less is none.
const LEAST_SCORE: f32 = 0.35;

/// An answer that explains less, and covers less of its own name, is doubtful: then names are compared letter by letter too.
const SURE: f32 = 0.86;
const SURE_COVER: f32 = 0.9;

/// Houses that a half-typed number offers.
const MOST_COMPLETED: usize = 8;

/// What nearness and size of a place add to the order of answers.
const NEAR_BONUS: f32 = 0.12;
const WEIGHT_BONUS: f32 = 0.04;

/// How a name is compared with the question: by its words, or by its letters.
type Fitting = fn(&Ask, &str, &str) -> Fit;

/// A hit and where it stands in the order.
pub(crate) struct Ranked {
    pub hit: Hit,
    /// Share of its name that was asked for.
    pub cover: f32,
    pub order: f32,
}

/// Answers of one engine, the best first.
pub(crate) fn search(parts: &Parts, query: &Query) -> Result<Vec<Ranked>, Error> {
    let mut ask = Ask::new(&query.text, query.autocomplete);
    if ask.words.is_empty() {
        return Ok(Vec::new());
    }
    let searcher = parts.words.reader.searcher();
    let fields = parts.words.fields;
    ask.look_up(&searcher, fields.name, fields.area)?;
    // Who cuts one word short cuts others.
    let is_cut = ask.has_cut_word() && ask.look_up_beginnings(&searcher, fields.name, fields.area)?;
    let wanted = Wanted::new(&parts.book, query);
    let records = candidates::by_words(&searcher, fields, &ask, &wanted)?;
    let mut ranked = Judge::new(parts, query, &ask).all(&records, score::by_words);
    let mut is_done = ranked.iter().any(is_sure);
    if !is_done && !is_cut && ask.look_up_beginnings(&searcher, fields.name, fields.area)? {
        let records = candidates::by_words(&searcher, fields, &ask, &wanted)?;
        let by_beginnings = Judge::new(parts, query, &ask).all(&records, score::by_words);
        is_done = by_beginnings.iter().any(is_whole);
        ranked.extend(by_beginnings);
    }
    if !is_done {
        let records = candidates::by_pieces(&searcher, fields, &ask, &wanted)?;
        ranked.extend(Judge::new(parts, query, &ask).all(&records, score::by_letters));
    }
    Ok(in_order(ranked, query.limit.clamp(1, MAX_HITS)))
}

/// Unknown words around an address do not make a house doubtful whose street was asked for to the letter.
fn is_sure(ranked: &Ranked) -> bool {
    ranked.hit.confidence >= SURE || (is_house(ranked) && ranked.cover >= SURE_COVER)
}

/// Of words taken as beginnings only a house that explains the whole question is sure: a mistyped `ber` begins many names.
fn is_whole(ranked: &Ranked) -> bool {
    ranked.hit.confidence >= SURE && is_house(ranked)
}

fn is_house(ranked: &Ranked) -> bool {
    matches!(ranked.hit.level, Level::House | Level::Interpolated)
}

/// Sorts, and keeps one of what looks the same.
pub(crate) fn in_order(mut ranked: Vec<Ranked>, limit: usize) -> Vec<Ranked> {
    ranked.sort_by(|a, b| b.order.total_cmp(&a.order).then_with(|| a.hit.id.cmp(&b.hit.id)));
    let mut ids = HashSet::new();
    let mut labels: HashMap<String, Vec<osm::Point>> = HashMap::new();
    ranked.retain(|ranked| {
        let twins = labels.entry(ranked.hit.label.clone()).or_default();
        let is_twin = twins.iter().any(|point| crate::geometry::distance_m(*point, ranked.hit.point) < 150.0);
        twins.push(ranked.hit.point);
        !is_twin && ids.insert(ranked.hit.id.clone())
    });
    ranked.truncate(limit);
    ranked
}

/// Compares candidates with one question.
struct Judge<'a> {
    parts: &'a Parts,
    query: &'a Query,
    ask: &'a Ask,
    /// The weight of the whole question.
    total: f32,
    /// The words of towns and streets that were split before: candidates share them.
    split: RefCell<HashMap<&'a str, Rc<[String]>>>,
}

impl<'a> Judge<'a> {
    fn new(parts: &'a Parts, query: &'a Query, ask: &'a Ask) -> Self {
        let total = (0..ask.words.len()).map(|word| ask.weight(word)).sum();
        Self { parts, query, ask, total, split: RefCell::default() }
    }

    /// The words of texts and of a postcode.
    fn words(&self, texts: &[&'a str], postcode: &'a str) -> Vec<Rc<[String]>> {
        let mut split = self.split.borrow_mut();
        let words = |text: &&'a str| Rc::clone(split.entry(*text).or_insert_with(|| name_words(text).into()));
        texts.iter().map(words).chain([postcode_words(postcode).into()]).collect()
    }

    fn all(&self, records: &[Record], fit: Fitting) -> Vec<Ranked> {
        let mut ranked = Vec::new();
        for record in records {
            match record {
                Record::Street(index) => {
                    if let Some(street) = self.parts.book.street(*index) {
                        self.street(street, fit, &mut ranked);
                    }
                }
                Record::Spot(index) => {
                    ranked.extend(self.parts.book.spot(*index).and_then(|spot| self.spot(spot, fit)));
                }
            }
        }
        ranked
    }

    /// The name that fits best, with its fit.
    fn best_name<'n>(
        &self,
        keys: impl Iterator<Item = (&'n str, &'n str)>,
        fit: Fitting,
        area: &[Rc<[String]>],
    ) -> Option<(Fit, &'n str)> {
        let least = if self.ask.autocomplete { LEAST_COVER_TYPED } else { LEAST_COVER };
        keys.map(|(key, text)| (fit(self.ask, key, text), text))
            .filter(|(fit, _)| fit.cover >= least)
            .map(|(mut fit, text)| {
                score::add_area(self.ask, &mut fit, area);
                (fit, text)
            })
            .max_by(|a, b| self.score(&a.0).total_cmp(&self.score(&b.0)))
    }

    fn score(&self, fit: &Fit) -> f32 {
        fit.score(self.total, self.ask.autocomplete)
    }

    fn street(&self, street: StreetRow<'a>, fit: Fitting, ranked: &mut Vec<Ranked>) {
        let area = self.words(&[street.city(), street.district(), street.country()], street.postcode());
        let keys = street.names().map(|name| (name.key, name.text));
        let Some((fit, _)) = self.best_name(keys, fit, &area) else { return };
        let numbers = score::numbers(self.ask, &fit);
        let before = ranked.len();
        if self.query.layers.addresses {
            for unit in &numbers {
                let Some(number) = &unit.number else { continue };
                self.houses(street, fit, (number, unit), ranked);
                if ranked.len() > before {
                    break;
                }
            }
        }
        if self.query.layers.streets && (ranked.len() == before || numbers.is_empty()) {
            let hit = answer::street_hit(street, self.query.language.as_deref());
            ranked.extend(self.rank(hit, &fit, 0));
        }
    }

    fn houses(
        &self,
        street: StreetRow<'a>,
        fit: Fit,
        (number, unit): (&HouseNumber, &ask::Unit),
        ranked: &mut Vec<Ranked>,
    ) {
        let book: &'a Book = &self.parts.book;
        let language = self.query.language.as_deref();
        let weight: f32 = (unit.first..unit.first + unit.length).map(|word| self.ask.weight(word)).sum();
        let with_number = |cost: f32| Fit {
            explained: fit.explained + weight * (1.0 - cost),
            used: fit.used | unit.mask(),
            ..fit
        };
        match houses::find(book, street, number) {
            Found::Houses(houses) => {
                for (index, cost) in houses {
                    let Some(house) = book.house(index) else { continue };
                    let mut fit = with_number(cost);
                    score::add_area(self.ask, &mut fit, &self.words(&[house.city()], house.postcode()));
                    ranked.extend(self.rank(answer::house_hit(house, language), &fit, 1));
                }
            }
            Found::Between(point) => {
                let hit = answer::interpolated_hit(street, &number.text, point, language);
                ranked.extend(self.rank(hit, &with_number(0.3), 1));
            }
            Found::Nothing => {}
        }
        let is_last = unit.first + unit.length == self.ask.words.len();
        if self.ask.ends_open && is_last {
            for index in houses::beginning_with(book, street, &number.text, MOST_COMPLETED) {
                let Some(house) = book.house(index) else { continue };
                ranked.extend(self.rank(answer::house_hit(house, language), &with_number(0.15), 1));
            }
        }
    }

    fn spot(&self, spot: SpotRow<'a>, fit: Fitting) -> Option<Ranked> {
        let mut area =
            self.words(&[spot.city(), spot.district(), spot.country(), spot.street()], spot.postcode());
        area.extend(HouseNumber::parse(spot.number()).map(|number| Rc::from([number.text])));
        let (fit, text) = self.best_name(spot.names().map(|name| (name.key, name.text)), fit, &area)?;
        let hit = answer::spot_hit(spot, text, self.query.language.as_deref());
        self.rank(hit, &fit, spot.weight())
    }

    /// Places a hit in the order; `None` when it is outside of the rectangle or fits too badly.
    fn rank(&self, mut hit: Hit, fit: &Fit, weight: u32) -> Option<Ranked> {
        let score = self.score(fit);
        if score < LEAST_SCORE || self.query.bounds.is_some_and(|bounds| !bounds.contains(hit.point)) {
            return None;
        }
        hit.confidence = score.clamp(0.0, 1.0);
        hit.distance_m = self.query.near.map(|near| near.distance_m(hit.point));
        let near = self.query.near.map_or(0.0, |near| NEAR_BONUS * candidates::nearness(near, hit.point));
        #[expect(clippy::cast_precision_loss, reason = "at most 100")]
        let size = WEIGHT_BONUS * weight.min(100) as f32 / 100.0;
        let order = score + near + size - if hit.level == Level::Poi { 0.005 } else { 0.0 };
        Some(Ranked { hit, cover: fit.cover, order })
    }
}
