//! `dropmate map route`

use anyhow::Result;
use mapfolder::Folder;
use osm::Point;
use roads::{Manoeuvre, Route, Step};
use serde_json::{Value, json};

/// Prints the quickest way.
pub(super) fn run(folder: &Folder, profile: &str, from: Point, to: Point, as_json: bool) -> Result<()> {
    let route = super::network(folder, profile)?.route(from, to, None)?;
    if as_json {
        println!("{}", serde_json::to_string(&told(&route))?);
        return Ok(());
    }
    println!("{:.0} s, {:.0} m", route.duration_s, route.distance_m);
    for step in &route.steps {
        let name = if step.name.is_empty() { "(no name)" } else { &step.name };
        println!("  {:<22} {name}, {:.0} m", words(step.manoeuvre), step.distance_m);
    }
    Ok(())
}

fn told(route: &Route) -> Value {
    let at = |point: &Point| json!([point.lon(), point.lat()]);
    let step = |step: &Step| {
        json!({
            "manoeuvre": words(step.manoeuvre), "name": step.name, "position": at(&step.point),
            "distance_m": round(step.distance_m), "duration_s": round(step.duration_s),
        })
    };
    json!({
        "duration_s": round(route.duration_s),
        "distance_m": round(route.distance_m),
        "geometry": { "type": "LineString", "coordinates": route.geometry.iter().map(at).collect::<Vec<_>>() },
        "steps": route.steps.iter().map(step).collect::<Vec<_>>(),
        "snapped_m": [round(route.from.distance_m), round(route.to.distance_m)],
        "source": "roads",
    })
}

/// Tenths.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn words(manoeuvre: Manoeuvre) -> String {
    match manoeuvre {
        Manoeuvre::Roundabout { exit: 0 } => "into the roundabout".to_owned(),
        Manoeuvre::Roundabout { exit } => format!("roundabout, exit {exit}"),
        other => {
            let mut text = String::new();
            for letter in format!("{other:?}").chars() {
                if letter.is_uppercase() && !text.is_empty() {
                    text.push(' ');
                }
                text.extend(letter.to_lowercase());
            }
            text
        }
    }
}
