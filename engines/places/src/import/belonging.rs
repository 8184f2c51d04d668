//! Which town, district, postcode area and country a point belongs to: what the address says, else the boundary around it,
//! else its neighbours, else the nearest named place.

use std::collections::{HashMap, HashSet};

use osm::{Bounds, Data, Point, Tags, areas};

use crate::geometry;
use crate::model::Belongs;

/// A neighbour's postcode or town holds for this far.
const NEIGHBOUR_M: f64 = 600.0;

/// A place node without a boundary is a town for this far, times its size.
const PLACE_M: f64 = 6_000.0;

/// A district node is meant for this far.
const DISTRICT_M: f64 = 1_500.0;

/// Side of the cells in which the boundary lookup is remembered, 0.002 degrees.
const CELL_E7: i32 = 20_000;

struct Boundary {
    /// `admin_level`, or 0 for a postcode area.
    level: u8,
    text: String,
    country: String,
    bounds: Bounds,
    polygons: Vec<areas::Polygon>,
}

impl Boundary {
    fn contains(&self, point: Point) -> bool {
        self.bounds.contains(point) && self.polygons.iter().any(|polygon| polygon.contains(point))
    }
}

struct Settlement {
    name: String,
    point: Point,
    /// How far it reaches compared with a village.
    reach: f64,
    is_district: bool,
}

/// The boundaries and places of an extract.
pub(super) struct Belonging {
    boundaries: Vec<Boundary>,
    settlements: Vec<Settlement>,
    /// The country of the whole extract, when its boundaries name one only.
    country: String,
    /// Cells that a border crosses: there every point is looked up by itself.
    crossed: HashSet<(i32, i32)>,
    remembered: HashMap<(i32, i32), Belongs>,
}

impl Belonging {
    pub fn read(data: &Data) -> Self {
        let boundaries = boundaries(data);
        let crossed = boundaries
            .iter()
            .flat_map(|boundary| &boundary.polygons)
            .flat_map(|polygon| std::iter::once(&polygon.outer).chain(&polygon.inner))
            .flat_map(|ring| ring.iter().zip(ring.iter().skip(1)))
            .flat_map(|(a, b)| cells_of(*a, *b))
            .collect();
        Self {
            boundaries,
            settlements: settlements(data),
            country: only_country(data),
            crossed,
            remembered: HashMap::new(),
        }
    }

    /// Fills what `belongs` does not say from the boundaries around `point`.
    pub fn fill_from_boundaries(&mut self, point: Point, belongs: &mut Belongs) {
        let cell = cell_of(point);
        let around = if self.crossed.contains(&cell) {
            self.around(point)
        } else if let Some(known) = self.remembered.get(&cell) {
            known.clone()
        } else {
            let around = self.around(point);
            self.remembered.insert(cell, around.clone());
            around
        };
        fill(belongs, &around);
    }

    fn around(&self, point: Point) -> Belongs {
        let inside: Vec<&Boundary> =
            self.boundaries.iter().filter(|boundary| boundary.contains(point)).collect();
        let text = |levels: &[u8]| {
            let of_level = |level: &u8| inside.iter().find(|boundary| boundary.level == *level);
            levels.iter().find_map(of_level).map(|boundary| boundary.text.clone()).unwrap_or_default()
        };
        let country = inside.iter().map(|boundary| &boundary.country).find(|country| !country.is_empty());
        // The municipality is level 8 in most countries, 7 in some, 6 where a town is its own county.
        Belongs {
            postcode: text(&[0]),
            city: text(&[8, 7, 6]),
            district: text(&[10, 9, 11]),
            country: country.unwrap_or(&self.country).clone(),
        }
    }

    /// Fills what is still missing from the nearest places.
    pub fn fill_from_places(&self, point: Point, belongs: &mut Belongs) {
        let nearest = |is_district: bool, within_m: f64| {
            self.settlements
                .iter()
                .filter(|settlement| settlement.is_district == is_district)
                .map(|settlement| {
                    (geometry::distance_m(point, settlement.point) / settlement.reach, settlement)
                })
                .filter(|(distance, _)| *distance < within_m)
                .min_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, settlement)| settlement.name.clone())
        };
        if belongs.city.is_empty() {
            belongs.city = nearest(false, PLACE_M).unwrap_or_default();
        }
        if belongs.district.is_empty() {
            belongs.district = nearest(true, DISTRICT_M).unwrap_or_default();
        }
    }
}

fn fill(belongs: &mut Belongs, other: &Belongs) {
    let fill_one = |text: &mut String, other: &String| {
        if text.is_empty() {
            text.clone_from(other);
        }
    };
    fill_one(&mut belongs.postcode, &other.postcode);
    fill_one(&mut belongs.city, &other.city);
    fill_one(&mut belongs.district, &other.district);
    fill_one(&mut belongs.country, &other.country);
}

/// Fills missing towns and postcodes from the nearest address that says them.
pub(super) fn fill_from_neighbours(addresses: &mut [(Point, Belongs)]) {
    let mut cells: HashMap<(i32, i32), Vec<usize>> = HashMap::new();
    for (index, (point, belongs)) in addresses.iter().enumerate() {
        if !belongs.city.is_empty() || !belongs.postcode.is_empty() {
            cells.entry(cell_of(*point)).or_default().push(index);
        }
    }
    let found: Vec<(usize, Option<usize>, Option<usize>)> = addresses
        .iter()
        .enumerate()
        .filter(|(_, (_, belongs))| belongs.city.is_empty() || belongs.postcode.is_empty())
        .map(|(index, (point, _))| {
            let nearest = |says: fn(&Belongs) -> bool| nearest(addresses, &cells, *point, says);
            (
                index,
                nearest(|belongs| !belongs.city.is_empty()),
                nearest(|belongs| !belongs.postcode.is_empty()),
            )
        })
        .collect();
    let known: Vec<(usize, String, String)> = found
        .into_iter()
        .map(|(index, city, postcode)| {
            let of = |at: Option<usize>, text: fn(&Belongs) -> &String| {
                at.map(|at| text(&addresses[at].1).clone())
            };
            (
                index,
                of(city, |belongs| &belongs.city).unwrap_or_default(),
                of(postcode, |b| &b.postcode).unwrap_or_default(),
            )
        })
        .collect();
    for (index, city, postcode) in known {
        fill(&mut addresses[index].1, &Belongs { postcode, city, ..Belongs::default() });
    }
}

fn nearest(
    addresses: &[(Point, Belongs)],
    cells: &HashMap<(i32, i32), Vec<usize>>,
    point: Point,
    says: fn(&Belongs) -> bool,
) -> Option<usize> {
    let (row, column) = cell_of(point);
    // Ring by ring outwards; the first ring with an answer is followed by one more, whose corner may be nearer.
    let mut best: Option<(f64, usize)> = None;
    let mut rings_left = 6;
    let mut ring: i32 = 0;
    while rings_left > 0 && ring <= 5 {
        let border = (-ring..=ring).flat_map(|dy| (-ring..=ring).map(move |dx| (dy, dx)));
        for (dy, dx) in border.filter(|(dy, dx)| dy.abs().max(dx.abs()) == ring) {
            for &index in cells.get(&(row + dy, column + dx)).into_iter().flatten() {
                let (other, belongs) = &addresses[index];
                let distance = geometry::distance_m(point, *other);
                if says(belongs)
                    && distance < NEIGHBOUR_M
                    && best.is_none_or(|(nearest, _)| distance < nearest)
                {
                    best = Some((distance, index));
                }
            }
        }
        rings_left = if best.is_some() { rings_left.min(2) - 1 } else { rings_left - 1 };
        ring += 1;
    }
    best.map(|(_, index)| index)
}

fn cell_of(point: Point) -> (i32, i32) {
    (point.lat_e7.div_euclid(CELL_E7), point.lon_e7.div_euclid(CELL_E7))
}

/// Every cell of the rectangle around a border segment; a long straight border marks more than it crosses, which only costs time.
fn cells_of(a: Point, b: Point) -> impl Iterator<Item = (i32, i32)> {
    let (from, to) = (cell_of(a), cell_of(b));
    let rows = from.0.min(to.0)..=from.0.max(to.0);
    let columns = from.1.min(to.1)..=from.1.max(to.1);
    // A segment of more than 100 cells is a country's border across a sea.
    rows.take(100).flat_map(move |row| columns.clone().take(100).map(move |column| (row, column)))
}

fn boundaries(data: &Data) -> Vec<Boundary> {
    let relations = data.relations().filter(|relation| is_boundary(relation.tags)).filter_map(|relation| {
        let area = areas::of_relation(data, &relation).ok()?;
        boundary(relation.tags, area)
    });
    let ways = data
        .ways()
        .filter(|way| is_boundary(way.tags))
        .filter_map(|way| boundary(way.tags, areas::of_way(data, &way)?));
    relations.chain(ways).collect()
}

fn is_boundary(tags: Tags<'_>) -> bool {
    matches!(tags.get("boundary"), Some("administrative" | "postal_code"))
}

fn boundary(tags: Tags<'_>, area: areas::Area) -> Option<Boundary> {
    let is_postcode = tags.is("boundary", "postal_code");
    let level = if is_postcode { 0 } else { tags.get("admin_level")?.parse().ok()? };
    let text =
        if is_postcode { tags.get("postal_code").or_else(|| tags.get("ref"))? } else { tags.get("name")? };
    let bounds = Bounds::around(area.polygons.iter().flat_map(|polygon| polygon.outer.iter().copied()))?;
    let country = if level == 2 { country_code(tags).unwrap_or_default() } else { String::new() };
    Some(Boundary { level, text: text.to_owned(), country, bounds, polygons: area.polygons })
}

/// `ISO3166-1` of a country, or the front of `ISO3166-2` of a part of it.
fn country_code(tags: Tags<'_>) -> Option<String> {
    let whole = ["ISO3166-1:alpha2", "ISO3166-1", "country_code_iso3166_1_alpha_2"]
        .iter()
        .find_map(|key| tags.get(key));
    let part = tags.get("ISO3166-2").and_then(|code| code.split('-').next());
    whole.or(part).filter(|code| code.len() == 2).map(str::to_uppercase)
}

fn only_country(data: &Data) -> String {
    let mut codes: Vec<String> =
        data.relations().filter_map(|relation| country_code(relation.tags)).collect();
    codes.sort_unstable();
    codes.dedup();
    if codes.len() == 1 { codes.remove(0) } else { String::new() }
}

fn settlements(data: &Data) -> Vec<Settlement> {
    let of = |tags: Tags<'_>, point: Point| {
        let (reach, is_district) = match tags.get("place")? {
            "city" => (5.0, false),
            "town" => (2.0, false),
            "village" => (1.0, false),
            "hamlet" => (0.4, false),
            "suburb" | "borough" => (1.5, true),
            "quarter" | "neighbourhood" => (1.0, true),
            _ => return None,
        };
        Some(Settlement { name: tags.get("name")?.to_owned(), point, reach, is_district })
    };
    data.nodes().filter_map(|node| of(node.tags, node.point)).collect()
}
