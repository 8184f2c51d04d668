//! The map of a delivery as the server draws it: places and the way between them, without streets. It is there at once, needs no
//! script, and stays where no map was imported or a browser cannot draw one.

use serde_json::Value;

use super::library;
use super::show::{ago, text};

/// The drawing's width and height, and what stays free at its edges for marks and names.
const SIZE: (f64, f64) = (400.0, 260.0);
const EDGE: f64 = 44.0;
/// Corners that lie closer than this to the line between their neighbours are not seen, in units of the drawing.
const SEEN: f64 = 0.4;

/// A place that is marked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    /// Its class in the style.
    pub(super) kind: &'static str,
    /// What stands beside it.
    pub(super) name: &'static str,
    pub(super) x: String,
    pub(super) y: String,
    /// How far below it the name stands: a courier's below, places' above, since one is often at the other.
    pub(super) beside: i8,
}

/// The drawing.
#[derive(Debug, Clone)]
pub(super) struct Sketch {
    pub(super) marks: Vec<Mark>,
    /// Corners of the way, as SVG wants them.
    pub(super) way: String,
    /// What it shows, in words.
    pub(super) told: String,
    /// What has to be said about it, if anything.
    pub(super) note: &'static str,
    /// Whose data it is; empty where none was used.
    pub(super) attribution: String,
    /// Where the library is that draws streets; empty where there are none to draw.
    pub(super) library: String,
}

const PLACES: [(&str, &str, &str); 3] = [
    ("pickup", "Pick-up", "the pick-up"),
    ("dropoff", "You", "your door"),
    ("courier", "Courier", "the courier"),
];

impl Sketch {
    /// The drawing of what the API tells; nothing where no place is known.
    pub(super) fn of(map: &Value) -> Option<Self> {
        let at = |kind: &str| Some((map[kind]["lon"].as_f64()?, map[kind]["lat"].as_f64()?));
        let places: Vec<_> = PLACES.iter().filter_map(|place| Some((place, at(place.0)?))).collect();
        if places.is_empty() {
            return None;
        }
        let corner = |corner: &Value| Some((corner[0].as_f64()?, corner[1].as_f64()?));
        let way: Vec<_> = map["way"]["line"].as_array().into_iter().flatten().filter_map(corner).collect();
        let frame = Frame::around(places.iter().map(|(_, at)| *at).chain(way.iter().copied()));
        let marks = places.iter().map(|((kind, name, _), at)| {
            let (x, y) = frame.place(*at);
            Mark { kind, name, x: tenths(x), y: tenths(y), beside: if *kind == "courier" { 20 } else { -12 } }
        });
        let way: Vec<_> = seen(way.into_iter().map(|at| frame.place(at)).collect());
        let way: Vec<_> = way.iter().map(|(x, y)| format!("{},{}", tenths(*x), tenths(*y))).collect();
        let attribution = text(&map["attribution"]);
        let (straight, streets) = (map["way"]["source"] == "straight_line", !attribution.is_empty());
        let note = match (straight, streets) {
            (true, false) => "There is no street map here: the line is straight, the way is longer.",
            (true, true) => "No way on the streets is known: the line is straight.",
            _ => "",
        };
        let library = if streets { library::address() } else { String::new() };
        let told = told(&places.iter().map(|((_, _, word), _)| *word).collect::<Vec<_>>(), map);
        Some(Self { marks: marks.collect(), way: way.join(" "), told, note, attribution, library })
    }
}

/// For who does not see it.
fn told(words: &[&str], map: &Value) -> String {
    let age = map["courier"]["age_s"].as_i64().map(|age| format!(" The courier was seen {}.", ago(age)));
    format!("Map with {}.{}", words.join(", "), age.unwrap_or_default())
}

fn tenths(value: f64) -> String {
    format!("{value:.1}")
}

/// Degrees as the drawing shows them: north is up, a metre is the same in all directions.
struct Frame {
    west: f64,
    north: f64,
    narrow: f64,
    scale: f64,
    shift: (f64, f64),
}

impl Frame {
    fn around(places: impl Iterator<Item = (f64, f64)>) -> Self {
        let (mut west, mut east, mut south, mut north) = (f64::MAX, f64::MIN, f64::MAX, f64::MIN);
        for (lon, lat) in places {
            (west, east) = (west.min(lon), east.max(lon));
            (south, north) = (south.min(lat), north.max(lat));
        }
        let narrow = f64::midpoint(south, north).to_radians().cos().max(0.01);
        let (width, height) = ((east - west) * narrow, north - south);
        let (free_x, free_y) = (SIZE.0 - 2.0 * EDGE, SIZE.1 - 2.0 * EDGE);
        // Two places that are one, or nearly, are drawn as if a hundred metres lay between the edges.
        let scale = (free_x / width.max(0.001)).min(free_y / height.max(0.001));
        let shift = ((SIZE.0 - width * scale) / 2.0, (SIZE.1 - height * scale) / 2.0);
        Self { west, north, narrow, scale, shift }
    }

    fn place(&self, (lon, lat): (f64, f64)) -> (f64, f64) {
        let x = (lon - self.west) * self.narrow * self.scale + self.shift.0;
        (x, (self.north - lat) * self.scale + self.shift.1)
    }
}

/// Leaves out corners that nobody sees (Douglas and Peucker), so that a long way stays a short text.
fn seen(line: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept = vec![false; line.len()];
    let mut open = vec![(0, line.len().saturating_sub(1))];
    while let Some((from, to)) = open.pop() {
        let [Some(first), Some(last)] = [line.get(from), line.get(to)] else { continue };
        (kept[from], kept[to]) = (true, true);
        let far = |at: usize| (at, distance(line[at], *first, *last));
        let farthest = (from + 1..to).map(far).max_by(|one, other| one.1.total_cmp(&other.1));
        if let Some((at, distance)) = farthest
            && distance > SEEN
        {
            open.extend([(from, at), (at, to)]);
        }
    }
    line.into_iter().zip(kept).filter_map(|(corner, kept)| kept.then_some(corner)).collect()
}

/// From a place to the line between two others.
fn distance(place: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let along = ((place.0 - from.0) * dx + (place.1 - from.1) * dy) / (dx * dx + dy * dy).max(1e-9);
    let along = along.clamp(0.0, 1.0);
    (place.0 - from.0 - along * dx).hypot(place.1 - from.1 - along * dy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_places_and_the_way_fit_into_the_drawing() {
        let map = json!({
            "pickup": { "lat": 60.1699, "lon": 24.9384 }, "dropoff": { "lat": 60.181, "lon": 24.951 },
            "courier": { "lat": 60.175, "lon": 24.941, "age_s": 7 },
            "way": { "line": [[24.941, 60.175], [24.951, 60.181]], "source": "straight_line" },
        });
        let sketch = Sketch::of(&map).unwrap();
        assert_eq!(
            sketch.marks.iter().map(|mark| mark.kind).collect::<Vec<_>>(),
            ["pickup", "dropoff", "courier"]
        );
        for mark in &sketch.marks {
            let (x, y): (f64, f64) = (mark.x.parse().unwrap(), mark.y.parse().unwrap());
            assert!((EDGE - 0.1..=SIZE.0 - EDGE + 0.1).contains(&x), "{mark:?}");
            assert!((EDGE - 0.1..=SIZE.1 - EDGE + 0.1).contains(&y), "{mark:?}");
        }
        let (pickup, door) = (&sketch.marks[0], &sketch.marks[1]);
        assert!(pickup.y.parse::<f64>().unwrap() > door.y.parse::<f64>().unwrap(), "north is up");
        assert_eq!(sketch.way.split(' ').count(), 2);
        assert_eq!(
            sketch.told,
            "Map with the pick-up, your door, the courier. The courier was seen 7 s ago."
        );
        assert!(sketch.note.contains("no street map") && sketch.library.is_empty());
    }

    #[test]
    fn with_streets_the_library_is_named_and_whose_data_it_is() {
        let map = json!({ "dropoff": { "lat": 60.181, "lon": 24.951 }, "attribution": "© OpenStreetMap contributors",
                          "way": { "line": [], "source": "roads" } });
        let sketch = Sketch::of(&map).unwrap();
        assert_eq!((sketch.note, sketch.attribution.as_str()), ("", "© OpenStreetMap contributors"));
        assert!(sketch.library.starts_with("/assets/maplibre/") && sketch.library.ends_with('/'));
        assert_eq!(
            (sketch.marks[0].x.as_str(), sketch.marks[0].y.as_str()),
            ("200.0", "130.0"),
            "one place is in the middle"
        );
    }

    #[test]
    fn where_no_place_is_known_there_is_no_drawing() {
        assert!(Sketch::of(&json!({})).is_none());
        assert!(Sketch::of(&Value::Null).is_none());
        assert!(Sketch::of(&json!({ "dropoff": { "lat": "x" } })).is_none());
    }

    #[test]
    fn corners_that_nobody_sees_are_left_out() {
        let mut line: Vec<_> = (0..200).map(|step| (f64::from(step), 0.0)).collect();
        line.extend((0..200).map(|step| (199.0, f64::from(step))));
        assert_eq!(seen(line), [(0.0, 0.0), (199.0, 0.0), (199.0, 199.0)]);
        assert!(seen(Vec::new()).is_empty());
        assert_eq!(seen(vec![(1.0, 1.0)]), [(1.0, 1.0)]);
    }
}
