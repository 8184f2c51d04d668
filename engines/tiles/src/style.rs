//! Style documents for MapLibre (<https://maplibre.org/maplibre-style-spec/>): how a client paints the tiles.
//!
//! They are those of Protomaps with small changes; `styles/generate.mjs` made them and tells what was changed. Letters
//! are drawn by the client with the fonts of the device, hence a style asks nobody for anything but the tiles.

use osm::Point;
use serde_json::{Value, json};

/// What the map looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// For the day and for paper.
    Light,
    /// For the night and for dark pages.
    Dark,
}

const LIGHT: &str = include_str!("../styles/light.json");
const DARK: &str = include_str!("../styles/dark.json");

/// The style. `tile_json` is the address of the TileJSON document; a client resolves it from where it got the style.
pub fn style(theme: Theme, tile_json: &str) -> Value {
    let text = match theme {
        Theme::Light => LIGHT,
        Theme::Dark => DARK,
    };
    let mut style: Value =
        serde_json::from_str(text).expect("the styles of this crate are JSON, which a test reads");
    style["sources"]["protomaps"]["url"] = json!(tile_json);
    style
}

/// The style for as long as no map was imported: a grid of about a kilometre for fifty kilometres around the place,
/// by which couriers and stops are still seen in relation to each other.
pub fn blank_style(theme: Theme, around: Point) -> Value {
    let (ground, line) = match theme {
        Theme::Light => ("#eef0f2", "#d3d8de"),
        Theme::Dark => ("#22262b", "#343a42"),
    };
    json!({
        "version": 8,
        "name": "DropMate blank",
        "sources": { "grid": { "type": "geojson", "data": grid(around) } },
        "layers": [
            { "id": "background", "type": "background", "paint": { "background-color": ground } },
            {
                "id": "grid",
                "type": "line",
                "source": "grid",
                "paint": { "line-color": line, "line-width": ["case", ["get", "is_main"], 1.5, 0.5] },
            },
        ],
    })
}

/// Every fifth line is a main one.
fn grid(around: Point) -> Value {
    const STEPS: i32 = 50;
    /// About a kilometre.
    const DEGREES_NORTH: f64 = 0.009;
    // Near the poles the cells get narrow instead of endlessly wide.
    let degrees_east = DEGREES_NORTH / around.lat().to_radians().cos().max(0.05);
    let at = |east: i32, north: i32| {
        let lat = (around.lat() + f64::from(north) * DEGREES_NORTH).clamp(-85.0, 85.0);
        json!([around.lon() + f64::from(east) * degrees_east, lat])
    };
    let line = |step: i32, from: Value, to: Value| {
        json!({
            "type": "Feature",
            "properties": { "is_main": step % 5 == 0 },
            "geometry": { "type": "LineString", "coordinates": [from, to] },
        })
    };
    let lines: Vec<Value> = (-STEPS..=STEPS)
        .flat_map(|step| {
            [line(step, at(step, -STEPS), at(step, STEPS)), line(step, at(-STEPS, step), at(STEPS, step))]
        })
        .collect();
    json!({ "type": "FeatureCollection", "features": lines })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_asks_for_nothing_but_its_tiles() {
        for theme in [Theme::Light, Theme::Dark] {
            let style = style(theme, "/map/tiles.json");
            assert_eq!(style["sources"]["protomaps"]["url"], "/map/tiles.json");
            assert!(style.get("glyphs").is_none() && style.get("sprite").is_none());
            let text = style.to_string();
            assert!(!text.contains("http") && !text.contains("icon-image"), "an address or an icon");
        }
    }

    #[test]
    fn every_layer_of_a_style_draws_a_layer_that_the_tiles_have() {
        // Comes from sources that an extract does not have; an owner's archive may.
        let known: Vec<&str> =
            crate::feature::Layer::ALL.iter().map(|layer| layer.name()).chain(["landcover"]).collect();
        let style = style(Theme::Light, "x");
        let layers = style["layers"].as_array().unwrap();
        assert!(layers.len() > 60);
        for layer in layers.iter().filter(|layer| layer["type"] != "background") {
            assert!(known.contains(&layer["source-layer"].as_str().unwrap()), "{layer}");
        }
    }

    #[test]
    fn the_blank_style_has_a_grid_around_the_place() {
        let blank = blank_style(Theme::Dark, Point::from_degrees(60.17, 24.94));
        let features = blank["sources"]["grid"]["data"]["features"].as_array().unwrap();
        assert_eq!(features.len(), 202);
        let corner = &features[0]["geometry"]["coordinates"][0];
        assert!((corner[1].as_f64().unwrap() - 59.72).abs() < 0.01);
    }
}
