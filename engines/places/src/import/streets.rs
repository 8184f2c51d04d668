//! Joins addresses and named ways to streets: the same name within one town and about two kilometres is one street.

use std::collections::{BTreeMap, HashMap, HashSet};

use osm::{Data, Point, Tags, Way};

use super::addresses::Raw;
use super::belonging::Belonging;
use super::shape;
use crate::geometry;
use crate::model::{Belongs, House, Name, Origin, Street};
use crate::text::{HouseNumber, name_key};

/// Side of the cells by which neighbours are found, 0.01 degrees: pieces in touching cells are one street.
const CELL_E7: i32 = 100_000;

/// A way belongs to the houses of its name within this distance.
const NEAR_M: f64 = 2_000.0;

/// The same number on one street within this distance is one house.
const SAME_HOUSE_M: f64 = 100.0;

/// Two points of an address nearer to each other than this are one door.
const SAME_DOOR_M: f64 = 1.0;

/// Doors of one address: a shopping centre gives its address to a hundred shops.
const MOST_DOORS: usize = 12;

/// Names of one street in other languages and times.
const MOST_NAMES: usize = 24;

/// A piece of a street while it is put together.
#[derive(Default)]
struct Draft {
    houses: Vec<Raw>,
    lines: Vec<Vec<Point>>,
    names: Vec<Name>,
    way: Option<i64>,
    belongs: Belongs,
}

/// The streets, and their houses sorted by street and number.
pub(super) fn build(
    data: &Data,
    addresses: Vec<Raw>,
    belonging: &mut Belonging,
) -> (Vec<Street>, Vec<House>) {
    let mut drafts = of_addresses(addresses);
    attach_ways(data, &mut drafts, belonging);
    let mut streets = Vec::with_capacity(drafts.len());
    let mut houses = Vec::new();
    for draft in drafts {
        let index = u32::try_from(streets.len()).unwrap_or(u32::MAX);
        if let Some((street, its_houses)) = finish(draft, index) {
            streets.push(street);
            houses.extend(its_houses);
        }
    }
    (streets, houses)
}

fn of_addresses(addresses: Vec<Raw>) -> Vec<Draft> {
    let mut groups: BTreeMap<(String, String), Vec<Raw>> = BTreeMap::new();
    for raw in addresses {
        groups.entry((name_key(&raw.street), raw.belongs.city.clone())).or_default().push(raw);
    }
    groups
        .into_values()
        .flat_map(|group| clusters(group, |raw| vec![raw.point]))
        .map(|houses| Draft { houses, ..Draft::default() })
        .collect()
}

/// Splits a group into the parts whose cells touch each other.
fn clusters<T>(group: Vec<T>, points: impl Fn(&T) -> Vec<Point>) -> Vec<Vec<T>> {
    let cells: Vec<HashSet<(i32, i32)>> =
        group.iter().map(|item| points(item).into_iter().map(cell_of).collect()).collect();
    let mut label: HashMap<(i32, i32), usize> = HashMap::new();
    let mut waiting: HashMap<(i32, i32), Vec<usize>> = HashMap::new();
    for (index, cells) in cells.iter().enumerate() {
        for cell in cells {
            waiting.entry(*cell).or_default().push(index);
        }
    }
    let mut starts: Vec<(i32, i32)> = waiting.keys().copied().collect();
    starts.sort_unstable();
    let mut count = 0;
    for start in starts {
        if label.contains_key(&start) {
            continue;
        }
        let mut open = vec![start];
        label.insert(start, count);
        while let Some(cell) = open.pop() {
            let of_items =
                waiting.get(&cell).into_iter().flatten().flat_map(|index| cells[*index].iter().copied());
            let touching = (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (cell.0 + dy, cell.1 + dx)));
            for next in touching.filter(|next| waiting.contains_key(next)).chain(of_items) {
                if label.insert(next, count).is_none() {
                    open.push(next);
                }
            }
        }
        count += 1;
    }
    let mut parts: Vec<Vec<T>> = std::iter::repeat_with(Vec::new).take(count).collect();
    for (item, cells) in group.into_iter().zip(cells) {
        if let Some(part) = cells.iter().next().and_then(|cell| label.get(cell)) {
            parts[*part].push(item);
        }
    }
    parts
}

fn cell_of(point: Point) -> (i32, i32) {
    (point.lat_e7.div_euclid(CELL_E7), point.lon_e7.div_euclid(CELL_E7))
}

/// A named way that people live along.
struct Piece {
    id: i64,
    names: Vec<Name>,
    line: Vec<Point>,
    middle: Point,
}

fn attach_ways(data: &Data, drafts: &mut Vec<Draft>, belonging: &mut Belonging) {
    let mut by_key: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, draft) in drafts.iter().enumerate() {
        let Some(first) = draft.houses.first() else { continue };
        by_key.entry(name_key(&first.street)).or_default().push(index);
    }
    let mut alone: BTreeMap<(String, String), Vec<(Piece, Belongs)>> = BTreeMap::new();
    for way in data.ways().filter(|way| is_street(way.tags)) {
        let Some(piece) = piece(data, &way) else { continue };
        let keys = piece.names.iter().map(|name| name_key(&name.text));
        let home = keys
            .filter_map(|key| by_key.get(&key))
            .find_map(|candidates| nearest(drafts, candidates, &piece));
        if let Some(home) = home {
            add(&mut drafts[home], piece);
            continue;
        }
        let mut belongs = Belongs::default();
        belonging.fill_from_boundaries(piece.middle, &mut belongs);
        belonging.fill_from_places(piece.middle, &mut belongs);
        let key = (name_key(&piece.names[0].text), belongs.city.clone());
        alone.entry(key).or_default().push((piece, belongs));
    }
    for part in alone.into_values().flat_map(|group| clusters(group, |(piece, _)| piece.line.clone())) {
        let mut draft = Draft::default();
        for (piece, belongs) in part {
            draft.belongs = belongs;
            add(&mut draft, piece);
        }
        drafts.push(draft);
    }
}

fn is_street(tags: Tags<'_>) -> bool {
    tags.get("name").is_some()
        && tags.get("highway").is_some_and(|kind| {
            !matches!(
                kind,
                "platform"
                    | "bus_stop"
                    | "proposed"
                    | "construction"
                    | "razed"
                    | "abandoned"
                    | "rest_area"
                    | "services"
            )
        })
}

fn piece(data: &Data, way: &Way<'_>) -> Option<Piece> {
    let line = shape::line_of(data, way);
    let middle = geometry::point_at(&line, geometry::length_m(&line) / 2.0)?;
    let names = names_of(way.tags, MOST_NAMES);
    (!names.is_empty()).then_some(Piece { id: way.id, names, line, middle })
}

/// Names of an element, the one on the sign first: `name`, its other names, and its names in other languages.
pub(super) fn names_of(tags: Tags<'_>, most: usize) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    let mut add = |language: &str, text: &str| {
        for text in text.split(';').map(str::trim).filter(|text| !text.is_empty()) {
            if names.len() < most && !names.iter().any(|name| name.text == text && name.language == language)
            {
                names.push(Name { language: language.to_owned(), text: text.to_owned() });
            }
        }
    };
    add("", tags.get("name").unwrap_or_default());
    for key in [
        "alt_name",
        "short_name",
        "official_name",
        "loc_name",
        "old_name",
        "int_name",
        "name:left",
        "name:right",
    ] {
        add("", tags.get(key).unwrap_or_default());
    }
    for (key, text) in tags.iter() {
        if let Some(language) = key.strip_prefix("name:").filter(|language| (2..=3).contains(&language.len()))
        {
            add(language, text);
        }
    }
    names
}

fn nearest(drafts: &[Draft], candidates: &[usize], piece: &Piece) -> Option<usize> {
    let ends = [piece.line.first().copied(), Some(piece.middle), piece.line.last().copied()];
    let distance = |index: usize| {
        let points = drafts[index].houses.iter().map(|house| house.point);
        points
            .flat_map(|point| ends.into_iter().flatten().map(move |end| geometry::distance_m(point, end)))
            .reduce(f64::min)
    };
    candidates
        .iter()
        .filter_map(|index| Some((*index, distance(*index).filter(|metres| *metres < NEAR_M)?)))
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(index, _)| index)
}

fn add(draft: &mut Draft, piece: Piece) {
    draft.way = Some(draft.way.map_or(piece.id, |way| way.min(piece.id)));
    draft.lines.push(piece.line);
    for name in piece.names {
        if draft.names.len() < MOST_NAMES && !draft.names.contains(&name) {
            draft.names.push(name);
        }
    }
}

fn finish(mut draft: Draft, index: u32) -> Option<(Street, Vec<House>)> {
    let lines = joined(std::mem::take(&mut draft.lines));
    let houses = one_per_number(draft.houses);
    let mut names = draft.names;
    if let Some(house) = houses.first() {
        // The form that the addresses use leads, unless the sign's is the same but for its spelling.
        let written = Name::plain(house.street.clone());
        match names.iter().position(|name| name_key(&name.text) == name_key(&written.text)) {
            Some(at) => names.swap(0, at),
            None => names.insert(0, written),
        }
        draft.belongs = common(&houses);
    }
    let longest = lines.iter().max_by(|a, b| geometry::length_m(a).total_cmp(&geometry::length_m(b)));
    let on_line = longest.and_then(|line| geometry::point_at(line, geometry::length_m(line) / 2.0));
    let point = on_line.or_else(|| houses.get(houses.len() / 2).map(|house| house.point))?;
    let origin = draft.way.map(Origin::Way).or_else(|| houses.first().map(|house| house.origin))?;
    let houses = houses.into_iter().map(|raw| House {
        street: index,
        number: raw.number,
        name: raw.name,
        point: raw.point,
        belongs: raw.belongs,
        interpolated: raw.interpolated,
        doors: raw.doors,
        origin: raw.origin,
    });
    Some((Street { names, point, belongs: draft.belongs, lines, origin }, houses.collect()))
}

/// One entry for each number: written several times within a building's width, the best written one stays.
fn one_per_number(mut houses: Vec<Raw>) -> Vec<Raw> {
    let key = |raw: &Raw| {
        HouseNumber::parse(&raw.number).map_or((u32::MAX, name_key(&raw.number)), |n| (n.main, n.text))
    };
    houses.sort_by_cached_key(|raw| (key(raw), raw.rank, raw.origin));
    let mut kept: Vec<Raw> = Vec::with_capacity(houses.len());
    for raw in houses {
        let own = key(&raw);
        let same = kept.iter_mut().rev().take_while(|other| key(other) == own);
        let twin = { same }
            .find(|other| raw.interpolated || geometry::distance_m(other.point, raw.point) < SAME_HOUSE_M);
        match twin {
            Some(other) => merge(other, raw),
            None => kept.push(raw),
        }
    }
    kept
}

/// A twin of a house gives its name, where the house has none, and its point: the outline of a building says where its walls
/// are, the node where its door is.
fn merge(house: &mut Raw, twin: Raw) {
    if house.name.is_empty() {
        house.name = twin.name;
    }
    let is_far = |other: &Point| geometry::distance_m(*other, twin.point) > SAME_DOOR_M;
    let is_new = is_far(&house.point) && house.doors.iter().all(is_far);
    if is_new && !twin.interpolated && house.doors.len() < MOST_DOORS {
        house.doors.push(twin.point);
    }
}

/// What most of the houses say.
fn common(houses: &[Raw]) -> Belongs {
    let most = |text: fn(&Belongs) -> &String| {
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for house in houses.iter().filter(|house| !text(&house.belongs).is_empty()) {
            *counts.entry(text(&house.belongs)).or_default() += 1;
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(text, _)| text.clone()).unwrap_or_default()
    };
    Belongs {
        postcode: most(|belongs| &belongs.postcode),
        city: most(|belongs| &belongs.city),
        district: most(|belongs| &belongs.district),
        country: most(|belongs| &belongs.country),
    }
}

/// Joins lines that share an end, so that house numbers can be placed along the whole.
fn joined(mut lines: Vec<Vec<Point>>) -> Vec<Vec<Point>> {
    let mut done = Vec::new();
    while let Some(mut line) = lines.pop() {
        while let (Some(first), Some(last)) = (line.first().copied(), line.last().copied()) {
            let touches =
                |other: &Vec<Point>, end: Point| other.first() == Some(&end) || other.last() == Some(&end);
            if let Some(at) = lines.iter().position(|other| touches(other, last)) {
                extend(&mut line, lines.swap_remove(at));
            } else if let Some(at) = lines.iter().position(|other| touches(other, first)) {
                line.reverse();
                extend(&mut line, lines.swap_remove(at));
            } else {
                break;
            }
        }
        done.push(line);
    }
    done
}

fn extend(line: &mut Vec<Point>, mut next: Vec<Point>) {
    if next.first() != line.last() {
        next.reverse();
    }
    line.extend(next.into_iter().skip(1));
}
